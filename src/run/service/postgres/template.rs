//! A cluster that was made once for each version, and is copied for each run: `initdb` takes seconds, a copy a tenth of one.
//!
//! Where it runs as another user than ours, that one may put a link in the place of anything in its directory, at any moment. So
//! all that we put there is there before the directory is given away, what comes later is written by that user, and what we read there
//! is read without following links.

use super::{Access, Account, Binaries, Launch, OWNER, WHO_MAY, group};
use crate::guard::private::{self, Directory};
use crate::guard::{Fresh, Undo, random, tree};
use crate::run::guarded::Guarded;
use crate::run::service::ready::{self, Ready};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is made otherwise than before is not found under the old name. The first one was read with links.
const FORM: u32 = 2;

/// The directory of the data, in the one of the cluster.
const DATA: &str = "data";

/// Makes the data directory of a cluster, from the template where there is one. `server` is how it will be started.
pub async fn copy_to(
    place: &Fresh,
    binaries: &Binaries,
    server: &Launch,
    access: &Access,
    guarded: &Guarded,
) -> Result<(), String> {
    let given = |error: io::Error| format!("its directory cannot be given to its user: {error}");
    let kept = TemplateCache::of(binaries);
    if kept.as_ref().is_some_and(|kept| kept.is_copied_to(place, server.user)) {
        return give(place.held().as_fd(), server.user).map_err(given);
    }
    give(place.held().as_fd(), server.user).map_err(given)?;
    make(&place.path().join(DATA), binaries, server, access).await?;
    if let Some(kept) = kept {
        // Without it the next run takes longer, and nothing else.
        let new = OsString::from(format!(".{:016x}.new", random() as u64));
        let begun = Undo::Remove(kept.cache.path.join(&new));
        let begun = guarded.begin("a part of a template".to_owned(), begun, None).await?;
        let _ = kept.keep(place, &new, server.user);
        guarded.end(begun).await;
    }
    Ok(())
}

/// All of this is done as its user.
async fn make(data: &Path, binaries: &Binaries, server: &Launch, access: &Access) -> Result<(), String> {
    const PATIENCE: Duration = Duration::from_secs(60);
    let once = |program: PathBuf, arguments: &[&str]| Launch {
        runs_in: None,
        program,
        arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
        stop: group::Stop::Terminate,
        ..server.clone()
    };
    let at = data.display().to_string();
    let words =
        ["--username", OWNER, "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync", "-D", at.as_str()];
    group::done(&once(binaries.directory.join("initdb"), &words)).await?;
    let hba = format!("{at}/pg_hba.conf");
    let words = ["-c", "printf %s \"$1\" > \"$2\"", "sh", WHO_MAY, hba.as_str()];
    group::done(&once(PathBuf::from("sh"), &words)).await.map_err(|error| format!("its pg_hba.conf: {error}"))?;
    // Roles and databases are made by the server itself, once.
    let mut first = group::start(server)?;
    let opened = tokio::select! {
        opened = ready::wait(Ready::Queries(access.clone()), PATIENCE) => opened,
        status = first.ended() => Err(format!("it ended at its first start: {status}")),
    };
    first.stop().await;
    opened.map_err(|problem| format!("{problem}\n{}", server.log.last_lines()))
}

/// Where the template of a version is kept: in the user's cache.
struct TemplateCache {
    cache: Directory,
    name: OsString,
}

impl TemplateCache {
    /// Nowhere, where there is no place that no one else can change.
    fn of(binaries: &Binaries) -> Option<TemplateCache> {
        let cache = Directory::make(&private::cache().ok()?.join("stressc")).ok()?;
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
        let version: String = binaries.version.chars().map(plain).collect();
        Some(TemplateCache { cache, name: format!("{version}-{}-{FORM}", std::env::consts::ARCH).into() })
    }

    /// Puts a copy of the template into a directory that is still ours, and says whether it could.
    fn is_copied_to(&self, place: &Fresh, user: Option<Account>) -> bool {
        let copied = || {
            let template = tree::directory(self.cache.held(), &self.name)?;
            let own = tree::make(place.held(), OsStr::new(DATA))?;
            tree::copy(&template, &own, ours(), &|made| give(made, user))?;
            give(own.as_fd(), user)
        };
        // Somebody may have removed a part of it.
        let is_copied = copied().is_ok();
        if !is_copied {
            // `initdb` refuses what is not empty, and says so.
            let _ = tree::remove_in(place.held(), OsStr::new(DATA));
        }
        is_copied
    }

    /// Puts a copy under its name in one step, so that of two runs at once each finds either nothing or a whole one.
    fn keep(&self, place: &Fresh, new: &OsStr, user: Option<Account>) -> io::Result<()> {
        let put = || {
            let data = tree::directory(place.held(), OsStr::new(DATA))?;
            let own = tree::make(self.cache.held(), new)?;
            tree::copy(&data, &own, user.map_or_else(ours, |user| user.id), &|_| Ok(()))?;
            self.cache.rename(new, &self.name)
        };
        put().inspect_err(|_| drop(tree::remove_in(self.cache.held(), new)))
    }
}

fn ours() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// What is given away is held, and by nobody's path.
fn give(made: BorrowedFd<'_>, user: Option<Account>) -> io::Result<()> {
    use rustix::fs::{Gid, Uid, fchown};
    let Some(user) = user else { return Ok(()) };
    Ok(fchown(made, Some(Uid::from_raw(user.id)), Some(Gid::from_raw(user.group)))?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]
    use super::*;

    fn kept(place: &Path) -> TemplateCache {
        TemplateCache { cache: Directory::make(&place.join("cache")).unwrap(), name: "17".into() }
    }

    #[test]
    fn what_is_kept_is_what_was_there_and_nothing_that_it_leads_to() {
        let place = tempfile::tempdir().unwrap();
        let kept = kept(place.path());
        let secret = place.path().join("secret");
        std::fs::write(&secret, "of root").unwrap();
        let cluster = |name: &str| {
            let fresh = Fresh::make(place.path(), name).unwrap();
            std::fs::create_dir_all(fresh.path().join("data/base")).unwrap();
            std::fs::write(fresh.path().join("data/base/1"), "x").unwrap();
            fresh
        };
        let planted = cluster("planted");
        std::os::unix::fs::symlink(&secret, planted.path().join("data/base/2")).unwrap();
        assert!(kept.keep(&planted, OsStr::new("new"), None).is_err());
        assert_eq!(kept.cache.names().unwrap(), [] as [OsString; 0], "nothing half made stays");
        kept.keep(&cluster("good"), OsStr::new("new"), None).unwrap();
        let next = Fresh::make(place.path(), "next").unwrap();
        assert!(kept.is_copied_to(&next, None));
        assert_eq!(std::fs::read(next.path().join("data/base/1")).unwrap(), b"x");
        // A template with something of somebody else in it is made anew.
        std::os::unix::fs::symlink(&secret, place.path().join("cache/17/base/2")).unwrap();
        let other = Fresh::make(place.path(), "other").unwrap();
        assert!(!kept.is_copied_to(&other, None) && !other.path().join("data").exists());
    }
}
