//! Words that facts keep next to their digests, so that a report can name a part and say how it differs.

use super::facts::literals;
use crate::base::units::{duration, percent};
use crate::check::program::{Exchange, Method};
use crate::plan::{Flow, LoopBound, Service, ServiceKind, Step, Think};

/// A digest after the words that it belongs to.
const DIGITS: usize = 16;

/// How the text ends of a part whose words say nothing of what changed.
const INSIDE: &str = "and something in it is not as before";

/// What stands before some digests.
const JOINS: [&str; 2] = [", while", ", replayed"];

/// `get /products/…`, `think 50ms to 150ms`.
pub(super) fn step(flow: &Flow, step: &Step) -> String {
    match step {
        Step::Request(request) => {
            let what = match &request.exchange {
                Exchange::Http(http) => {
                    let method = match &http.method {
                        Method::Known(name) => name.as_str(),
                        Method::Computed(_) => "…",
                    };
                    format!("{method} {}", literals(&http.path))
                }
                Exchange::Query(_) => "a query".to_owned(),
                Exchange::Frame(_) => "a message".to_owned(),
                Exchange::Call(_) => "a call".to_owned(),
                Exchange::Command(_) => "a command".to_owned(),
            };
            format!("`{what}` as `{}`", request.name)
        }
        Step::Let { .. } => "a `let` or `set`".to_owned(),
        Step::Think(Think::Uniform { least, most }) if least == most => format!("`think {}`", duration(*least)),
        Step::Think(Think::Uniform { least, most }) => format!("`think {}..{}`", duration(*least), duration(*most)),
        Step::Think(Think::Exponential { mean }) => format!("`think` {} on average", duration(*mean)),
        Step::Expect(checks) => {
            let texts: Vec<String> = checks.iter().map(|check| format!("`expect {}`", check.text)).collect();
            texts.join(" and ")
        }
        Step::If { .. } => "an `if`".to_owned(),
        Step::Group { group, .. } => format!("the group `{}`", flow.groups.get(*group).map_or("", String::as_str)),
        Step::Choose(choose) => {
            let shares: Vec<String> = choose.parts.iter().map(|part| percent(part.share)).collect();
            format!("a `choose` of {}", shares.join(", "))
        }
        Step::Repeat(repeat) => match repeat.bound {
            LoopBound::Times(times) => format!("a `repeat` of at most {times} times"),
            LoopBound::Time(time) => format!("a `repeat` for at most {}", duration(time)),
        },
        Step::Each { at_most, .. } => format!("an `each` of at most {at_most} items"),
        Step::OncePerUser { every: None, .. } => "`once per user`".to_owned(),
        Step::OncePerUser { every: Some(every), .. } => format!("`once per user every {}`", duration(*every)),
        Step::Acquire { .. } => "an `acquire`".to_owned(),
        Step::Measure { .. } => "a `measure`".to_owned(),
        Step::Count(_) => "a `count`".to_owned(),
    }
}

pub(super) fn service(service: &Service) -> String {
    match &service.kind {
        ServiceKind::Demo(_) => "`demo`".to_owned(),
        ServiceKind::Attach { port } => format!("`attach` of port {port}"),
        ServiceKind::Process { program, arguments } => {
            let words: Vec<String> = std::iter::once(program).chain(arguments).map(|text| literals(text)).collect();
            format!("`{}`", words.join(" "))
        }
        ServiceKind::Postgres => "`postgres`".to_owned(),
    }
}

/// Words with the digest of all that they do not say.
pub(super) fn with(words: &str, digest: &str) -> String {
    format!("{words}, {digest}")
}

/// The words before a digest, where there is one.
fn before_digest(text: &str) -> Option<&str> {
    let at = text.len().checked_sub(DIGITS)?;
    let digest = text.get(at..)?;
    let is_one = digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let words = text.get(..at)?.trim_end_matches([',', ' ']);
    // What joins a digest to its words goes with it.
    let words = JOINS.iter().find_map(|join| words.strip_suffix(join)).unwrap_or(words);
    is_one.then_some(words)
}

/// What a part is and was, without numbers that mean nothing to a reader.
pub(super) fn told(what: &str, is: &str, was: &str) -> String {
    let (Some(now), Some(before)) = (before_digest(is), before_digest(was)) else {
        let [is, was] = [is, was].map(|text| before_digest(text).filter(|words| !words.is_empty()).unwrap_or(text));
        return format!("{what} is {is}, and was {was}");
    };
    match (now == before, now) {
        (true, "") => format!("{what}: not as before"),
        (true, words) => format!("{what} is still {words}, {INSIDE}"),
        (false, "") => format!("{what} is another, and was {before}"),
        (false, words) if before.is_empty() => format!("{what} is {words}, and was another"),
        (false, words) => format!("{what} is {words}, and was {before}"),
    }
}

/// That a change inside a part may follow from a parameter that changed too.
pub(super) fn perhaps_by(change: &mut String) {
    if let Some((what, _)) = change.split_once(" is still ").filter(|_| change.ends_with(INSIDE)) {
        *change = format!("{what} has other settings, perhaps because of the parameters");
    }
}

/// What is in one of two alone.
pub(super) fn alone(text: &str) -> String {
    match before_digest(text) {
        Some("") => String::new(),
        Some(words) => format!(": {words}"),
        None => format!(": {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_decide_and_are_not_told() {
        let (one, other) = ("0123456789abcdef", "fedcba9876543210");
        let [list, item] = ["`get /a` as `list`", "`get /b` as `list`"];
        for (is, was, wanted) in [
            (
                with(list, one),
                with(list, other),
                "step 1 is still `get /a` as `list`, and something in it is not as before",
            ),
            (with(item, one), with(list, other), "step 1 is `get /b` as `list`, and was `get /a` as `list`"),
            (one.to_owned(), other.to_owned(), "step 1: not as before"),
            // As it was recorded before there were words.
            (with(list, one), other.to_owned(), "step 1 is `get /a` as `list`, and was another"),
            ("5s".to_owned(), "2s".to_owned(), "step 1 is 5s, and was 2s"),
            (
                format!("1/s to 9/s, while {one}"),
                format!("1/s to 5/s, while {other}"),
                "step 1 is 1/s to 9/s, and was 1/s to 5/s",
            ),
        ] {
            assert_eq!(told("step 1", &is, &was), wanted);
        }
        assert_eq!(
            [with(list, one), one.to_owned(), "5s".to_owned()].map(|text| alone(&text)),
            [": `get /a` as `list`", "", ": 5s"]
        );
    }
}
