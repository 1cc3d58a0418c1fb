//! The configuration of a Prometheus, as far as it says how soon an alert can fire.

use super::file_system::Files;
use super::rules::duration;
use crate::base::units::MINUTE;
use crate::check::inputs::PrometheusFile;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::path::{Path, PathBuf};

/// The most rules files of one configuration.
pub const MOST_FILES: usize = 1_000;

#[derive(Default, Deserialize)]
#[serde(default)]
struct File {
    global: Global,
    rule_files: Vec<String>,
    alerting: Alerting,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Global {
    scrape_interval: Option<String>,
    evaluation_interval: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Alerting {
    alert_relabel_configs: Vec<IgnoredAny>,
}

pub fn parse(text: &str, shown: &str) -> Result<PrometheusFile, String> {
    let file: File = serde_saphyr::from_str(text).map_err(|error| {
        let line = error.location().map_or_else(String::new, |place| format!(" (line {})", place.line()));
        format!("`{shown}` is no configuration of Prometheus{line}")
    })?;
    // Prometheus itself scrapes and evaluates once a minute unless it is told otherwise.
    let time = |text: &Option<String>, what: &str| match text.as_deref() {
        None => Ok(MINUTE),
        Some(text) => duration(text).ok_or_else(|| format!("`{shown}`: `{what}` is no duration of Prometheus")),
    };
    Ok(PrometheusFile {
        scrape: time(&file.global.scrape_interval, "scrape_interval")?,
        evaluation: time(&file.global.evaluation_interval, "evaluation_interval")?,
        relabels: !file.alerting.alert_relabel_configs.is_empty(),
        rule_files: file.rule_files,
        rules: Vec::new(),
    })
}

/// The files that an entry of `rule_files` means, relative to the configuration: the one that it names, or all whose names fit.
pub fn meant(files: &dyn Files, configuration: &Path, written: &str) -> Result<Vec<PathBuf>, String> {
    let path = Path::new(written);
    if !written.contains(['*', '?', '[', '\\']) {
        return Ok(vec![path.to_owned()]);
    }
    let (directory, name) =
        (path.parent().unwrap_or(Path::new("")), path.file_name().map(|name| name.to_string_lossy()));
    let name = name.unwrap_or_default();
    // A directory beyond the root is not even listed.
    let leads_elsewhere = path.is_absolute() || written.split('/').any(|part| part == "..");
    if leads_elsewhere || directory.to_string_lossy().contains(['*', '?']) || written.contains(['[', '\\']) {
        return Err(format!(
            "the pattern `{written}` cannot be followed: `*` and `?` may stand in the last part of a relative path"
        ));
    }
    let full = configuration.parent().unwrap_or(Path::new("")).join(directory);
    let listed = if full.as_os_str().is_empty() { Path::new(".") } else { &full };
    let entries = files.list(listed).unwrap_or_default().into_iter().filter(|(_, is_directory)| !is_directory);
    let names = entries.filter_map(|(path, _)| path.file_name().map(|name| name.to_string_lossy().into_owned()));
    let mut found: Vec<String> = names.filter(|own| fits(own, &name)).collect();
    found.sort();
    found.truncate(MOST_FILES);
    Ok(found.into_iter().map(|name| directory.join(name)).collect())
}

/// Whether a name is one of those that a pattern with `*` and `?` means.
fn fits(name: &str, pattern: &str) -> bool {
    let (name, pattern): (Vec<char>, Vec<char>) = (name.chars().collect(), pattern.chars().collect());
    let (mut at, mut of) = (0, 0);
    // Where the last star stands, and how much of the name it has taken.
    let mut star: Option<(usize, usize)> = None;
    while at < name.len() {
        match pattern.get(of) {
            Some('*') => {
                star = Some((of, at));
                of += 1;
            }
            Some(own) if *own == '?' || *own == name[at] => {
                at += 1;
                of += 1;
            }
            _ => {
                let Some((place, taken)) = star else { return false };
                star = Some((place, taken + 1));
                (at, of) = (taken + 1, place + 1);
            }
        }
    }
    pattern[of..].iter().all(|own| *own == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::SECOND;

    #[test]
    fn intervals_and_rules_files_are_those_of_the_configuration() {
        let text = "global:\n  scrape_interval: 15s\nrule_files: [\"a.yml\"]\nscrape_configs:\n  - job_name: x\n";
        let file = parse(text, "prometheus.yml").unwrap();
        // What is not written is what Prometheus takes instead.
        assert_eq!((file.scrape, file.evaluation), (15 * SECOND, MINUTE));
        assert_eq!(file.rule_files, ["a.yml"]);
        assert!(!file.relabels);
        assert!(parse("alerting: { alert_relabel_configs: [{ action: drop }] }", "p").unwrap().relabels);
        assert!(parse("global: 5", "p.yml").unwrap_err().starts_with("`p.yml` is no configuration"));
        let wrong = parse("global: { scrape_interval: 5 apples }", "p.yml").unwrap_err();
        assert_eq!(wrong, "`p.yml`: `scrape_interval` is no duration of Prometheus");
    }

    #[test]
    fn a_pattern_means_names_that_fit() {
        for (name, pattern, is) in [
            ("shop.yml", "*.yml", true),
            ("shop.yaml", "*.yml", false),
            ("shop.rules.yml", "*.rules.*", true),
            ("a.yml", "?.yml", true),
            ("ab.yml", "?.yml", false),
            ("", "*", true),
            ("aaaaaaaaab", "*a*a*a*c", false),
        ] {
            assert_eq!(fits(name, pattern), is, "{name} {pattern}");
        }
        let place = tempfile::tempdir().unwrap();
        for name in ["b.yml", "a.yml", "c.txt"] {
            std::fs::write(place.path().join(name), "").unwrap();
        }
        let configuration = place.path().join("prometheus.yml");
        let meant = |written: &str| meant(&super::super::Disk, &configuration, written);
        assert_eq!(meant("*.yml").unwrap(), [Path::new("a.yml"), Path::new("b.yml")]);
        assert_eq!(meant("none.yml").unwrap(), [Path::new("none.yml")]);
        for refused in ["*/a.yml", "/etc/*.yml", "../*.yml", "[ab].yml"] {
            assert!(meant(refused).is_err(), "{refused}");
        }
    }
}
