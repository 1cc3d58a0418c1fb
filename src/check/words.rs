//! Words for messages: lists of types, values as they are written, and what a wrong value was probably meant to be.

use super::builtins::BuiltinKind;
use super::program::StageKind;
use super::types::Type;
use crate::base::{Span, units};
use crate::diag::{Applicability, Code, Diagnostic};

/// "a Text, a Secret or a Service"
pub(super) fn either(kinds: &[Type]) -> String {
    let names: Vec<String> = kinds.iter().map(|kind| kind.wanted()).collect();
    match names.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// What the constructors of a kind build.
pub(super) fn built(kind: BuiltinKind) -> &'static str {
    match kind {
        BuiltinKind::Data => "data",
        BuiltinKind::Pure | BuiltinKind::Distribution | BuiltinKind::Input => "a value",
        BuiltinKind::Auth => "an authentication",
        BuiltinKind::Connections => "a policy of connections",
        kind => kind.a(),
    }
}

/// A quantity as it would be written in a scenario.
pub(super) fn written(value: f64, kind: Type) -> String {
    match kind {
        Type::Duration if value >= 0.0 => units::duration(value as u64),
        Type::Percent => format!("{}%", units::nearly(value * 100.0)),
        Type::Points => format!("{}pp", units::nearly(value * 100.0)),
        Type::Factor => format!("{}x", units::nearly(value)),
        Type::Users => format!("{} users", units::nearly(value)),
        Type::Rate => format!("{}/s", units::nearly(value)),
        Type::Bytes => units::written_bytes(value),
        Type::Bandwidth => units::written_bandwidth(value),
        _ => units::nearly(value),
    }
}

/// Expected one type, found another: with the fix where a bare number only lacks its unit.
pub(super) fn mismatch(expected: Type, found: Type, span: Span, text: &str) -> Diagnostic {
    let numeric = matches!(found, Type::Number | Type::Count);
    let code = if expected == Type::Percent && numeric { Code::E0302 } else { Code::E0301 };
    let message = match code {
        Code::E0302 => format!("a Percent is needed here, and `{text}` is {}", found.a()),
        _ => format!("expected {}, found {}", expected.a(), found.a()),
    };
    let number = text.parse::<f64>().ok();
    // Below one a share was meant, from one on a percentage.
    let share = number.filter(|share| code == Code::E0302 && *share < 1.0);
    let guess = match share {
        Some(share) => Some(format!("{}%", (share * 1e8).round() / 1e6)),
        None => number.filter(|_| numeric).and_then(|_| expected.guess(text)),
    };
    // One could be either, and no one else can know.
    if code == Code::E0302 && number == Some(1.0) {
        return Diagnostic::new(code, message, span, format!("{text} would mean 100%"))
            .help("write `1%` for one in a hundred, or `100%` for all of them");
    }
    let label = match (code, number, guess.is_some()) {
        (Code::E0302, Some(number), _) => format!("{text} would mean {}", units::percent(number)),
        (_, _, true) => format!("{text} what?"),
        (_, _, false) => found.a(),
    };
    let diagnostic = Diagnostic::new(code, message, span, label);
    if (expected, found) == (Type::Bandwidth, Type::Bytes) {
        return diagnostic.fix(Applicability::Maybe, span, format!("{text}/s"), format!("did you mean `{text}/s`?"));
    }
    let unquoted = (found == Type::Text && expected != Type::Text).then(|| text.trim_matches(['"', '\'']));
    match (guess, unquoted) {
        (Some(guess), _) => diagnostic.fix(Applicability::Maybe, span, &guess, format!("did you mean `{guess}`?")),
        (None, Some(bare)) if bare.starts_with(|c: char| c.is_ascii_digit()) => {
            diagnostic.fix(Applicability::Maybe, span, bare, format!("write `{bare}` without quotes"))
        }
        (None, _) => match other_unit(expected, found, text) {
            Some(guess) => diagnostic.fix(Applicability::Maybe, span, &guess, format!("did you mean `{guess}`?")),
            None => diagnostic,
        },
    }
}

/// A rate for a duration of one of its unit, and the other way round.
fn other_unit(expected: Type, found: Type, text: &str) -> Option<String> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '_'));
    let number = &text[..text.len() - unit.len()];
    let unit = match (expected, found, unit) {
        (Type::Rate, Type::Duration, "m") => "/min",
        (Type::Rate, Type::Duration, "h") => "/h",
        (Type::Rate, Type::Duration, "s" | "ms") => "/s",
        (Type::Duration, Type::Rate, "/s") => "s",
        (Type::Duration, Type::Rate, "/min") => "m",
        (Type::Duration, Type::Rate, "/h") => "h",
        _ => return None,
    };
    (!number.is_empty()).then(|| format!("{number}{unit}"))
}

/// The operator that other languages have as a method.
pub(super) fn operator_of_elsewhere(method: &str) -> Option<&'static str> {
    match method {
        "contains" | "includes" | "has" => Some("contains"),
        "starts_with" | "startsWith" | "startswith" | "hasPrefix" => Some("starts with"),
        "ends_with" | "endsWith" | "endswith" | "hasSuffix" => Some("ends with"),
        "matches" | "match" => Some("matches"),
        _ => None,
    }
}

/// What other tools set as options of a load and here is said by its stages.
const STAGES: &[(&str, &str)] = &[
    ("vus", "users are the level of a stage: `hold 10 users for 30s`"),
    ("users", "users are the level of a stage: `hold 10 users for 30s`"),
    ("virtual_users", "users are the level of a stage: `hold 10 users for 30s`"),
    ("max_vus", "an open load has `max_in_flight:`; users are the level of a stage: `hold 10 users for 30s`"),
    ("duration", "a stage has its length: `hold 10/s for 30s`"),
    ("stages", "stages are statements: `ramp 0/s -> 20/s over 1m`, `hold 20/s for 5m`"),
    ("rate", "a rate is the level of a stage: `hold 10/s for 30s`"),
    ("rps", "a rate is the level of a stage: `hold 10/s for 30s`"),
    ("arrival_rate", "a rate is the level of a stage: `hold 10/s for 30s`"),
    (
        "executor",
        "the unit of a level chooses the model: `10/s` arrive whatever the answers, `10 users` wait for theirs",
    ),
    ("ramp_up", "a rise is a stage: `ramp 0 users -> 10 users over 30s`"),
    ("iterations", "a number of iterations is a stage: `once 100 iterations by 10 users within 5m`"),
    ("thresholds", "what must hold stands in the `expect { … }` of the scenario"),
];

/// The word that a stage begins with, by itself or with a number after it, as reports call stages that have no name.
pub(super) fn stage(name: &str) -> Option<&'static str> {
    let word = name.trim_end_matches(|c: char| c.is_ascii_digit());
    StageKind::ALL.into_iter().map(StageKind::word).find(|own| *own == word)
}

pub(super) fn stage_of_elsewhere(option: &str) -> Option<&'static str> {
    STAGES.iter().find(|(word, _)| *word == option).map(|(_, help)| *help)
}

/// A word with its article.
pub(super) fn article(word: &str) -> String {
    let vowel = word.starts_with(['a', 'e', 'i', 'o']);
    format!("{} {word}", if vowel { "an" } else { "a" })
}

/// What is told of shares that are not a whole together.
pub(super) fn not_whole(what: &str, sum: f64, span: Span, label: &str) -> Option<Diagnostic> {
    let is_whole = (sum - 1.0).abs() <= 1e-6;
    (!is_whole).then(|| Diagnostic::new(Code::E0410, format!("{what} sum to {}", units::percent(sum)), span, label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_over_time_are_written_as_a_person_would() {
        let written = |bytes: f64, seconds: f64| written(bytes / seconds, Type::Bandwidth);
        assert_eq!(written(1024.0 * 1024.0, 3600.0), "1MiB/h");
        assert_eq!(written(64.0 * 1024.0 * 1024.0, 3600.0), "64MiB/h");
        assert_eq!(written(3.0 * 1024.0, 1.0), "3KiB/s");
        assert_eq!(written(10.0, 86400.0), "10B/day");
        assert_eq!(written(0.0, 1.0), "0B/s");
    }
}
