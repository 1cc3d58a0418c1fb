//! `stressc drill`: a suite to start from, with a scenario for each alerting rule that a failure can provoke.

mod suggest;

use super::args::DrillArgs;
use super::output::Terminal;
use crate::base::promql::{Constancy, Query};
use crate::base::units::{HOUR, SECOND, duration};
use crate::base::{FileId, Source, promql};
use crate::check::inputs::{Rule, RulesFile};
use crate::check::program::AlertFacts;
use crate::inputs;
use crate::syntax::format;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};
use suggest::{Suggestion, suggestion};

/// How often the written system scrapes and evaluates.
const INTERVAL: u64 = SECOND;
/// A scenario that takes longer is not written: nobody waits for it.
const LONGEST: u64 = HOUR;

pub fn drill(args: &DrillArgs, terminal: &Terminal) -> u8 {
    let refused = |message: &str| {
        terminal.error(message);
        super::DOES_NOT_CHECK
    };
    let rules = match inputs::rules_file(&args.rules) {
        Ok(rules) => rules,
        Err(message) => return refused(&message),
    };
    if let Some(problem) = rules.problems.first() {
        return refused(&format!("line {} of `{}`: {}", problem.line, args.rules.display(), problem.what));
    }
    let from = args.out.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let path = match named(&args.rules, from) {
        Ok(path) => path,
        Err(message) => return refused(&message),
    };
    let text = match written(&rules, &path, &args.labels) {
        Ok(text) => text,
        Err(message) => return refused(&message),
    };
    let Some(out) = &args.out else {
        terminal.out(&text);
        return super::OK;
    };
    let created = std::fs::OpenOptions::new().write(true).create_new(true).open(out);
    match created.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => {
            terminal.err(&format!("written to {}; `stressc check {}` checks it\n", out.display(), out.display()));
            super::OK
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            refused(&format!("`{}` is there already and is not overwritten; name another file", out.display()))
        }
        Err(error) => refused(&format!("`{}` cannot be written: {error}", out.display())),
    }
}

/// How a file in a directory names the rules file.
fn named(rules: &Path, from: &Path) -> Result<String, String> {
    let here = if from.as_os_str().is_empty() { Path::new(".") } else { from };
    let place =
        |path: &Path| path.canonicalize().map_err(|error| format!("`{}` cannot be used: {error}", path.display()));
    let (rules, here) = (place(rules)?, place(here)?);
    let (to, at): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (rules.components().collect(), here.components().collect());
    let common = to.iter().zip(&at).take_while(|(a, b)| a == b).count();
    let mut path = PathBuf::new();
    path.extend(at[common..].iter().map(|_| ".."));
    path.extend(&to[common..]);
    let path = path.to_string_lossy().into_owned();
    let is_named = !path.contains(['\n', '{', '$', ' ', '\u{fffd}']) && path.len() < 256;
    let is_yaml = [".yml", ".yaml"].iter().any(|ending| path.ends_with(ending));
    match is_named && is_yaml {
        true => Ok(path),
        false => Err(format!(
            "a scenario cannot name `{path}`: the path of a rules file ends in `.yml` or `.yaml`, and has no space, `{{` or `$`"
        )),
    }
}

/// A rule, and what was made of it.
struct Drilled<'r> {
    rule: &'r Rule,
    scenario: Result<DrillScenario, String>,
}

struct DrillScenario {
    name: String,
    fault: &'static str,
    because: &'static str,
    hurts: &'static str,
    hurt: u64,
    detect: u64,
    clear: u64,
}

/// The suite; `Err` is why there is none.
fn written(file: &RulesFile, path: &str, labels: &[(String, String)]) -> Result<String, String> {
    let has = |rule: &&Rule| labels.iter().all(|(name, value)| rule.label(name) == Some(value));
    let rules: Vec<&Rule> = file.rules.iter().filter(has).collect();
    if rules.is_empty() {
        let with = if labels.is_empty() { "" } else { " with these labels" };
        return Err(format!("`{path}` has no alerting rule{with}"));
    }
    let facts = AlertFacts {
        recorded: file.recorded.clone(),
        scrape: Some(INTERVAL),
        evaluation: Some(INTERVAL),
        ..AlertFacts::default()
    };
    let mut names = Vec::new();
    let drilled: Vec<Drilled<'_>> =
        rules.iter().map(|rule| Drilled { rule, scenario: scenario(rule, (file, &facts), &mut names) }).collect();
    let mut out = String::new();
    head(&mut out, path, drilled.iter().any(|own| own.scenario.is_ok()));
    lists(&mut out, &drilled, (file, &facts));
    for own in &drilled {
        one(&mut out, own);
    }
    suite(&mut out, &drilled, path, labels);
    Ok(format(&Source::new(FileId(0), "drill.stress", out)))
}

fn head(out: &mut String, path: &str, has_scenarios: bool) {
    let _ = writeln!(
        out,
        "//! Which alerts of {} have been seen to fire? One run for each rule that a failure can provoke.",
        comment(path)
    );
    out.push_str("//!\n//! `stressc drill` wrote this file to start from. Put your own system in place of the demo shop, and read each fault: it is a\n//! guess from the expression of the rule.\n");
    if has_scenarios {
        let _ = write!(
            out,
            "
use std.monitoring

/// The system under test.
system shop {{
  service pg = postgres()
  link db = tcp(to: pg.address)
  service app = demo(database: pg.url(via: db)) {{
    restart: true
  }}
  target api = http(app.url) {{
    timeout: 2s
  }}
}}

/// What its users do.
flow visit(api: Http) {{
  get \"/products\" as list
  think 1s
}}

system sut = shop()
system eyes = monitoring.prometheus_stack(scrape: sut.app.metrics_address, rules: {})
flow visiting = visit(sut.api)
",
            text(path)
        );
    }
}

fn one(out: &mut String, own: &Drilled<'_>) {
    let Drilled { rule, scenario } = own;
    let what = format!("{}: {}", rule.alert, rule.expr.trim());
    match scenario {
        Err(because) => {
            let _ = write!(out, "\n// {}\n// No scenario: {}.\n", comment(&what), comment(because));
        }
        Ok(own) => {
            let _ = write!(out, "\n/// {}\n/// The fault is a guess: {}.\n", comment(&what), own.because);
            let _ = writeln!(
                out,
                "scenario {} = monitoring.pages({}, failure: {}, journey: visiting, eyes: eyes,\n  hurt: {}, detect: {}, clear: {}, also: {})",
                own.name,
                text(&rule.alert),
                own.fault,
                duration(own.hurt),
                duration(own.detect),
                duration(own.clear),
                others(own.hurts)
            );
        }
    }
}

fn suite(out: &mut String, drilled: &[Drilled<'_>], path: &str, labels: &[(String, String)]) {
    let scenarios: Vec<&str> =
        drilled.iter().filter_map(|own| own.scenario.as_ref().ok()).map(|own| own.name.as_str()).collect();
    if scenarios.is_empty() {
        return;
    }
    // Rounded down, so that it is reached.
    let share = scenarios.len() * 100 / drilled.len();
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{}: {}", label(name), text(value))).collect();
    let labels = if labels.is_empty() { String::new() } else { format!(", labels: {{ {} }}", labels.join(", ")) };
    let _ = write!(
        out,
        "\nsuite drill {{\n  area paging: {}\n\n  ready when score == 100% and rule_coverage({}{labels}) >= {share}%\n}}\n",
        scenarios.join(", "),
        text(path)
    );
}

/// What a rule reads, also through recording rules: that is what a failure changes.
fn read(rule: &Rule, facts: &AlertFacts) -> Result<Query, String> {
    let mut query = promql::query(&rule.expr).map_err(|why| format!("its expression cannot be read: {why}"))?;
    query.selectors.extend(facts.selectors(rule));
    Ok(query)
}

/// The list of alerts that a failure of a part may set off.
fn others(hurts: &str) -> String {
    format!("{hurts}_alerts")
}

/// For each part that is hurt, the alerts that this may set off: those that watch it, and those that always fire.
fn lists(out: &mut String, drilled: &[Drilled<'_>], (file, facts): (&RulesFile, &AlertFacts)) {
    let mut hurt: Vec<&str> = drilled.iter().filter_map(|own| Some(own.scenario.as_ref().ok()?.hurts)).collect();
    hurt.sort_unstable();
    hurt.dedup();
    let queries: Vec<(&Rule, Query)> =
        file.rules.iter().filter_map(|rule| Some((rule, read(rule, facts).ok()?))).collect();
    for part in hurt {
        let mut names: Vec<String> = Vec::new();
        for (rule, query) in &queries {
            let fires = query.always == Some(Constancy::Something) || suggestion(query).hurts() == Some(part);
            let name = text(&rule.alert);
            if fires && !names.contains(&name) {
                names.push(name);
            }
        }
        let _ = write!(
            out,
            "\n/// Alerts that may fire while the {part} is hurt.\nparam {}: List = [{}]\n",
            others(part),
            names.join(", ")
        );
    }
}

/// The scenario that provokes a rule; `Err` is why there is none.
fn scenario(
    rule: &Rule,
    (file, facts): (&RulesFile, &AlertFacts),
    names: &mut Vec<String>,
) -> Result<DrillScenario, String> {
    if file.rules.iter().filter(|other| other.alert == rule.alert).count() > 1 {
        return Err("several rules have this name; expect it with its labels, as in `alert … { severity: \"page\" } fires within …`".to_owned());
    }
    let query = read(rule, facts)?;
    let suggested = suggestion(&query);
    let (fault, because) = match suggested {
        Suggestion::Fault { fault, because } => (fault, because),
        Suggestion::None { because } => return Err(because.to_owned()),
    };
    // Some seconds for the failure to show.
    let detect = facts.delays(rule).most().saturating_add(5 * SECOND);
    let clear = facts.delays_of_the_end(rule).most().saturating_add(10 * SECOND);
    if detect.max(clear) > LONGEST {
        let needs = duration(detect.max(clear));
        return Err(format!(
            "a run of it takes more than {needs}; shorten `for:` or its ranges in a copy of the rules"
        ));
    }
    let name = name(&rule.alert, names);
    names.push(name.clone());
    let (hurts, hurt) = (suggested.hurts().unwrap_or_default(), detect.saturating_add(5 * SECOND));
    Ok(DrillScenario { name, fault, because, hurts, hurt, detect, clear })
}

/// `DatabaseDown` as `database_down_fires`: a name that no other scenario has.
fn name(alert: &str, taken: &[String]) -> String {
    let (mut words, mut before) = (String::new(), ' ');
    for sign in alert.chars() {
        if sign.is_ascii_alphanumeric() {
            let begins = sign.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit());
            if begins {
                words.push('_');
            }
            words.push(sign.to_ascii_lowercase());
        } else if !words.is_empty() && !words.ends_with('_') {
            words.push('_');
        }
        before = sign;
    }
    let words: String = words.trim_end_matches('_').chars().take(40).collect();
    let begins = if words.starts_with(|own: char| own.is_ascii_lowercase()) { "" } else { "alert_" };
    // Nothing of the language is called so.
    let base = format!("{begins}{words}_fires").replace("__", "_");
    let free = |name: &String| !taken.contains(name);
    if free(&base) {
        return base;
    }
    (2..).map(|number| format!("{base}_{number}")).find(free).unwrap_or(base)
}

/// As a text of the language, whatever is in it.
fn text(value: &str) -> String {
    let mut out = "\"".to_owned();
    for sign in value.chars() {
        match sign {
            '"' | '\\' | '{' | '}' => out.extend(['\\', sign]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            other if is_plain(other) => out.push(other),
            other => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(other));
            }
        }
    }
    out.push('"');
    out
}

/// The name of a label in an object.
fn label(name: &str) -> String {
    let plain = name.starts_with(|own: char| own.is_ascii_lowercase())
        && name.chars().all(|own| own.is_ascii_lowercase() || own.is_ascii_digit() || own == '_');
    if plain { name.to_owned() } else { text(name) }
}

/// On one line, whatever is in it.
fn comment(value: &str) -> String {
    let line: String = value.chars().map(|sign| if is_plain(sign) { sign } else { ' ' }).collect();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(160) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Neither a control character nor one that begins a line or turns the direction of reading.
fn is_plain(sign: char) -> bool {
    !sign.is_control()
        && !matches!(sign, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_of_the_language_and_alone() {
        let taken = ["slow_fires".to_owned()];
        for (alert, wanted) in [
            ("DatabaseDown", "database_down_fires"),
            ("HTTP5xxRate", "http5xx_rate_fires"),
            ("Slow", "slow_fires_2"),
            ("partition", "partition_fires"),
            ("2fast", "alert_2fast_fires"),
            ("Ärger \"x\"\n}", "rger_x_fires"),
            ("", "alert_fires"),
            ("…", "alert_fires"),
        ] {
            assert_eq!(name(alert, &taken), wanted, "{alert:?}");
        }
    }

    #[test]
    fn texts_and_comments_hold_whatever_a_stranger_wrote() {
        assert_eq!(text("a\"b\\{c}\n\u{202e}"), "\"a\\\"b\\\\\\{c\\}\\n\\u{202e}\"");
        assert_eq!(comment("a\n}\r\nb\u{2028}c\t\td"), "a } b c d");
        assert!(comment(&"x".repeat(500)).chars().count() == 161);
    }
}
