//! Where a journal was written, and which of its entries are meaningful where it is read.

use super::undo::Undo;
use serde::{Deserialize, Serialize};

/// Names a start of a machine and what of its processes can be seen. What the system does not tell is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Drawn by the kernel at each start of the machine, so no two machines have the same.
    pub boot: String,
    /// The namespace in which the numbers of processes count.
    pub namespace: String,
    pub host: String,
}

/// An origin as it is seen from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distance {
    Here,
    /// On this machine and in this start of it, where the same numbers are of other processes.
    Namespace,
    /// On this machine, which was started again since.
    Boot,
    /// On another machine, which may be alive.
    Host,
    /// It does not say, as journals of version 0.1 do not.
    Unknown,
}

/// What is done about something that is to be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    Perform,
    /// It is gone by itself, for this reason.
    Gone(&'static str),
    /// Not from here, for this reason.
    Leave(&'static str),
}

impl Origin {
    pub fn here() -> Origin {
        let told = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        Origin {
            boot: told("/proc/sys/kernel/random/boot_id"),
            namespace: namespace.to_string_lossy().into_owned(),
            host: host(),
        }
    }
}

#[cfg(unix)]
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host() -> String {
    String::new()
}

impl Distance {
    pub fn of(origin: Option<&Origin>) -> Distance {
        let here = Origin::here();
        // Where the start of the machine is not told, its name has to do.
        let same_boot = |origin: &Origin| !here.boot.is_empty() && origin.boot == here.boot;
        match origin {
            None => Distance::Unknown,
            Some(origin) if *origin == here => Distance::Here,
            // A container may have a name of its own: the start of the machine tells more than its name.
            Some(origin) if same_boot(origin) && origin.namespace == here.namespace => Distance::Here,
            Some(origin) if same_boot(origin) => Distance::Namespace,
            Some(origin) if origin.host == here.host => Distance::Boot,
            Some(_) => Distance::Host,
        }
    }

    /// What is done about it from here. A process or a control group is looked for only where its name cannot be of another one by
    /// now; files and commands mean the same after the machine was started again.
    pub fn measure(self, undo: &Undo) -> Remedy {
        const RESTARTED: &str = "gone since the machine was started again";
        const NUMBERS: &str =
            "its numbers are of another pid namespace: `stressc recover` finds it there, and it is gone where that is";
        const OTHER: &str = "it is on another machine";
        const UNKNOWN: &str = "the journal does not say where it was, so it is not looked for";
        match (self, undo) {
            (Distance::Here, _) => Remedy::Perform,
            (Distance::Namespace, Undo::Kill(whom) | Undo::Continue(whom)) if whom.is_by_number() => {
                Remedy::Leave(NUMBERS)
            }
            (Distance::Namespace, _) => Remedy::Perform,
            (Distance::Boot, Undo::Kill(_) | Undo::Continue(_) | Undo::Group { .. }) => Remedy::Gone(RESTARTED),
            (Distance::Unknown, Undo::Kill(_) | Undo::Continue(_) | Undo::Group { .. }) => Remedy::Gone(UNKNOWN),
            (Distance::Boot | Distance::Unknown, Undo::Remove(_) | Undo::Run { .. }) => Remedy::Perform,
            (Distance::Host, _) => Remedy::Leave(OTHER),
        }
    }

    /// After the id of a run.
    pub fn words(self, origin: Option<&Origin>) -> String {
        match (self, origin) {
            (Distance::Here, _) => String::new(),
            (Distance::Namespace, _) => ", made in another pid namespace of this machine".to_owned(),
            (Distance::Boot, _) => ", made before this machine was started again".to_owned(),
            (Distance::Host, Some(origin)) => format!(", made on another machine, `{}`", origin.host),
            (Distance::Host | Distance::Unknown, _) => ", whose journal does not say where it was made".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::process::{Process, Whom};
    use super::*;

    #[test]
    fn what_may_be_of_strangers_is_not_looked_for() {
        let here = Origin::here();
        let of = |change: fn(&mut Origin)| {
            let mut origin = here.clone();
            change(&mut origin);
            Distance::of(Some(&origin))
        };
        assert_eq!(Distance::of(Some(&here)), Distance::Here);
        assert_eq!(Distance::of(None), Distance::Unknown);
        assert_eq!(of(|origin| origin.host.push('x')), Distance::Here, "a name in a container of its own");
        assert_eq!(of(|origin| origin.namespace.push('x')), Distance::Namespace);
        assert_eq!(of(|origin| origin.boot.push('x')), Distance::Boot);
        let elsewhere = of(|origin| {
            origin.boot.push('x');
            origin.host.push('x');
        });
        assert_eq!(elsewhere, Distance::Host);
        let by_number = Undo::Kill(Whom::These(vec![Process { pid: 1, started: 1 }]));
        let by_mark = Undo::Kill(Whom::Marked("run".to_owned()));
        let group = Undo::Group { group: "/g".into(), back: "/b".into() };
        let file = Undo::Remove("/f".into());
        for (place, performed) in [
            (Distance::Here, [true, true, true, true]),
            (Distance::Namespace, [false, true, true, true]),
            (Distance::Boot, [false, false, false, true]),
            (Distance::Host, [false, false, false, false]),
            (Distance::Unknown, [false, false, false, true]),
        ] {
            let all = [&by_number, &by_mark, &group, &file];
            assert_eq!(all.map(|undo| place.measure(undo) == Remedy::Perform), performed, "{place:?}");
        }
    }
}
