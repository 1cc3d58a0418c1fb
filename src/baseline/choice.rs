//! Which runs a comparison is made with: those of the newest baseline, or of the newest of a name, that did the same on a machine like
//! this one.

use super::entry::Entry;
use super::facts::{Difference, Facts};

/// The runs that were chosen, and what is told in addition to them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Choice<'e> {
    pub runs: Vec<&'e Entry>,
    /// Differences of the machine that were accepted.
    pub accepted: Vec<String>,
    /// Runs of that baseline that were left out, with the first reason.
    pub left_out: Vec<(String, String)>,
}

/// As many runs of a baseline are looked at: older ones say less of today.
const MOST: usize = 20;

/// The newest baseline, by the number of its first run: whatever runs were added to an older one later, it is older.
fn newest<'e>(entries: &[&'e Entry]) -> Option<&'e str> {
    let first = |set: &str| entries.iter().filter(|e| e.set == set).map(|e| (e.number, e.run.as_str())).min();
    entries.iter().map(|entry| entry.set.as_str()).max_by_key(|set| first(set))
}

/// All runs with a name, or all runs, for the newest baseline among them.
pub fn newest_set<'e>(entries: &'e [Entry], name: Option<&str>, profile: Option<&str>) -> Vec<&'e Entry> {
    let named = |entry: &&Entry| name.is_none_or(|name| entry.name.as_deref() == Some(name));
    let asked: Vec<&Entry> = entries.iter().filter(|entry| entry.profile.as_deref() == profile).filter(named).collect();
    let Some(set) = newest(&asked) else { return Vec::new() };
    asked.into_iter().filter(|entry| entry.set == set).collect()
}

/// The runs to compare with, or why there are none.
pub fn choose<'e>(
    entries: &'e [Entry],
    (name, profile): (Option<&str>, Option<&str>),
    facts: &Facts,
    accept_environment: bool,
) -> Result<Choice<'e>, String> {
    let set = newest_set(entries, name, profile);
    if set.is_empty() {
        return Err(missing(entries, name, profile));
    }
    let mut choice = Choice::default();
    for entry in set.iter().rev() {
        let differences = facts.differences(&entry.facts);
        let binding = differences.iter().find(|difference| match difference {
            Difference::Does(_) => true,
            Difference::Machine(_) => !accept_environment,
        });
        match binding {
            Some(difference) => choice.left_out.push((entry.run.clone(), difference.text().to_owned())),
            None if choice.runs.len() < MOST => {
                choice.runs.push(entry);
                for difference in &differences {
                    if !choice.accepted.contains(&difference.text().to_owned()) {
                        choice.accepted.push(difference.text().to_owned());
                    }
                }
            }
            None => {}
        }
    }
    choice.runs.reverse();
    if choice.runs.is_empty() {
        return Err(not_comparable(facts, set[set.len() - 1]));
    }
    Ok(choice)
}

fn missing(entries: &[Entry], name: Option<&str>, profile: Option<&str>) -> String {
    let of = match profile {
        Some(profile) => format!(" of the profile `{profile}`"),
        None => String::new(),
    };
    let others = entries.iter().any(|entry| entry.profile.as_deref() != profile);
    let beside = if others { "; there are runs of another profile" } else { "" };
    match name {
        Some(name) => {
            let mut names: Vec<&str> = entries.iter().filter_map(|entry| entry.name.as_deref()).collect();
            names.dedup();
            match crate::base::suggest::similar(name, names.iter().copied()) {
                Some(near) => format!("no baseline{of} is called `{name}`{}", crate::base::suggest::hint(near)),
                None => format!("no baseline{of} is called `{name}`{beside}"),
            }
        }
        None => format!("there is no baseline{of} yet{beside}: record one with `stressc baseline record … --runs 5`"),
    }
}

fn not_comparable(facts: &Facts, entry: &Entry) -> String {
    let differences = facts.differences(&entry.facts);
    let does = differences.iter().any(|difference| matches!(difference, Difference::Does(_)));
    let shown: Vec<&str> = differences.iter().take(3).map(Difference::text).collect();
    let more = match differences.len().saturating_sub(3) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let help = match does {
        true => "record a new baseline",
        false => "compare on such a machine, or all the same with `--accept-environment`",
    };
    format!("not comparable with the baseline: {}{more}: {help}", shown.join("; "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]
    use super::*;

    fn entry(number: u64, run: &str, set: &str, name: Option<&str>) -> Entry {
        let mut facts = Facts::default();
        facts.does.insert("the stage `hold` of `main`".to_owned(), "hold 100/s for 10s".to_owned());
        facts.machine.processor = "One".to_owned();
        facts.machine.cores = 2;
        facts.machine.memory = 1000;
        Entry {
            schema: super::super::SCHEMA,
            run: run.to_owned(),
            number,
            set: set.to_owned(),
            name: name.map(str::to_owned),
            scenario: "s".to_owned(),
            profile: None,
            started: String::new(),
            commit: None,
            seed: 1,
            plan_sha256: String::new(),
            facts,
            metrics: Vec::new(),
            times: Vec::new(),
        }
    }

    fn names(choice: &Choice<'_>) -> String {
        choice.runs.iter().map(|entry| entry.run.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Two branches that recorded at once were merged, and the clock was set back between a and b.
    #[test]
    fn the_newest_baseline_is_the_one_that_began_last() {
        let entries = [
            entry(1, "z", "z", Some("release")),
            entry(2, "y", "z", Some("release")),
            entry(3, "a", "a", None),
            entry(4, "b", "a", None),
            entry(5, "x", "z", Some("release")),
        ];
        let facts = entries[0].facts.clone();
        let choose = |name| super::choose(&entries, (name, None), &facts, false);
        assert_eq!(names(&choose(None).unwrap()), "a b");
        assert_eq!(names(&choose(Some("release")).unwrap()), "z y x");
        let told = choose(Some("relase")).unwrap_err();
        assert!(told.contains("did you mean `release`"), "{told}");
        let told = super::choose(&entries, (None, Some("ci")), &facts, false).unwrap_err();
        assert!(told.contains("no baseline of the profile `ci` yet; there are runs of another profile"), "{told}");
        assert!(super::choose(&[], (None, None), &facts, false).unwrap_err().contains("no baseline yet: record one"));
    }

    #[test]
    fn a_difference_is_named_by_its_stage_and_its_number() {
        let entries = [entry(1, "a", "a", None)];
        let mut facts = entries[0].facts.clone();
        facts.does.insert("the stage `hold` of `main`".to_owned(), "hold 200/s for 10s".to_owned());
        let told = choose(&entries, (None, None), &facts, true).unwrap_err();
        let wanted = "the stage `hold` of `main` is hold 200/s for 10s, and was hold 100/s for 10s";
        assert!(told.contains("not comparable") && told.contains(wanted) && told.contains("record a new"), "{told}");
    }

    #[test]
    fn another_machine_is_accepted_when_that_is_asked_for_and_told() {
        let entries = [entry(1, "a", "a", None)];
        let mut facts = entries[0].facts.clone();
        facts.machine.cores = 4;
        let told = choose(&entries, (None, None), &facts, false).unwrap_err();
        assert!(
            told.contains("the number of cores is 4, and was 2") && told.contains("--accept-environment"),
            "{told}"
        );
        let choice = choose(&entries, (None, None), &facts, true).unwrap();
        assert_eq!((names(&choice), choice.accepted.len()), ("a".to_owned(), 1));
        // What one compares, and what is no matter.
        let mut facts = entries[0].facts.clone();
        facts.noted.insert("the service `app`".to_owned(), "other".to_owned());
        facts.machine.kernel = "9".to_owned();
        facts.machine.memory = 1040;
        assert!(choose(&entries, (None, None), &facts, false).is_ok());
        let remarks = facts.remarks(&entries[0].facts);
        assert!(remarks.len() == 2 && remarks.iter().all(|remark| !remark.contains("memory")), "{remarks:?}");
        facts.machine.memory = 1060;
        assert_eq!(facts.remarks(&entries[0].facts).len(), 3);
    }

    #[test]
    fn a_parameter_may_explain_what_changed_inside_a_service() {
        let noted = |stock: &str, digest: &str| -> crate::baseline::Said {
            let service = format!("`demo`, {digest}");
            [("the parameter `stock`", stock), ("the service `shop`", &service)]
                .map(|(what, is)| (what.to_owned(), is.to_owned()))
                .into()
        };
        let facts = |noted| Facts { noted, ..Facts::default() };
        let before = facts(noted("20", "0123456789abcdef"));
        let inside = "the service `shop` is still `demo`, and something in it is not as before";
        assert_eq!(facts(noted("20", "fedcba9876543210")).remarks(&before), [inside]);
        assert_eq!(
            facts(noted("30", "fedcba9876543210")).remarks(&before),
            [
                "the parameter `stock` is 30, and was 20",
                "the service `shop` has other settings, perhaps because of the parameters"
            ]
        );
    }
}
