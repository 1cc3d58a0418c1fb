//! Secrets, taken out of everything that is told.

use super::RunError;
use crate::measure::{Event, Example};
use base64::Engine;

/// Hides secrets in texts, in every form in which programs print them.
pub struct Mask {
    forms: Vec<String>,
}

impl Mask {
    pub fn new<'s>(secrets: impl Iterator<Item = &'s String>) -> Mask {
        let mut forms = Vec::new();
        // An empty secret hides nothing, and would hide everything.
        for secret in secrets.filter(|secret| !secret.is_empty()) {
            let standard = base64::engine::general_purpose::STANDARD;
            let url = base64::engine::general_purpose::URL_SAFE_NO_PAD;
            let json = serde_json::Value::String(secret.clone()).to_string();
            forms.extend([secret.clone(), standard.encode(secret), url.encode(secret)]);
            forms.push(json.trim_matches('"').to_owned());
            forms.push(percent_encoded(secret, false));
            forms.push(percent_encoded(secret, true));
            forms.extend((0..3).flat_map(|before| within_base64(secret, before)));
        }
        // The longest first, so that no rest of one is left by another.
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms.dedup();
        Mask { forms }
    }

    pub fn text(&self, text: String) -> String {
        self.forms.iter().fold(text, |text, form| if text.contains(form) { text.replace(form, "***") } else { text })
    }

    pub fn event(&self, event: Event) -> Event {
        match event {
            Event::Example(example) => Event::Example(Box::new(self.example(*example))),
            Event::Problem { problem } => Event::Problem { problem: self.text(problem) },
            Event::ServiceDied { service, at, ready, status, output } => {
                Event::ServiceDied { service, at, ready, status: self.text(status), output: self.text(output) }
            }
            Event::ServiceFell { service, at, ready, status, output } => {
                Event::ServiceFell { service, at, ready, status: self.text(status), output: self.text(output) }
            }
            Event::ServiceDisplaced { service, at, problem } => {
                Event::ServiceDisplaced { service, at, problem: self.text(problem) }
            }
            Event::FaultFailed { fault, planned, at, problem } => {
                Event::FaultFailed { fault, planned, at, problem: self.text(problem) }
            }
            Event::FaultWithdrawn { fault, planned, withdrawn, proof, shown, unproven } => Event::FaultWithdrawn {
                fault,
                planned,
                withdrawn,
                proof,
                shown: shown.map(|shown| self.text(shown)),
                unproven: unproven.map(|unproven| self.text(unproven)),
            },
            Event::EventEnded { event, at, problem, output } => Event::EventEnded {
                event,
                at,
                problem: problem.map(|problem| self.text(problem)),
                output: output.map(|output| self.text(output)),
            },
            Event::Verified { ledger, mut verified } => {
                verified.violations.iter_mut().for_each(|one| one.key = self.text(std::mem::take(&mut one.key)));
                Event::Verified { ledger, verified }
            }
            Event::Gauges(mut gauges) => {
                gauges.gaps.values_mut().for_each(|reason| *reason = self.text(std::mem::take(reason)));
                Event::Gauges(gauges)
            }
            other => other,
        }
    }

    /// Secrets are taken out before anything is cut, and what a cut has left of one with them.
    fn example(&self, mut example: Example) -> Example {
        let short = |text: &mut Option<String>, most: usize| {
            if let Some(own) = text.take() {
                *text = Some(cut(self.cut_off(&self.text(own)), most));
            }
        };
        short(&mut example.because, TOLD);
        short(&mut example.request, TOLD);
        short(&mut example.body, TOLD);
        example
    }

    /// What stands before a mark that a text was cut may have been cut within a secret.
    pub fn cut_off(&self, text: &str) -> String {
        let begun = |piece: &str, form: &String| {
            let mut ends = form.char_indices().rev().map(|(at, _)| at).filter(|at| *at > 0);
            ends.find(|end| piece.ends_with(&form[..*end]))
        };
        let mut out = String::new();
        let mut pieces = text.split('…').peekable();
        while let Some(piece) = pieces.next() {
            let is_cut = pieces.peek().is_some();
            let begun = self.forms.iter().filter_map(|form| begun(piece, form)).max().filter(|_| is_cut);
            out.push_str(&piece[..piece.len() - begun.unwrap_or(0)]);
            out.push_str(if begun.is_some() {
                "***…"
            } else if is_cut {
                "…"
            } else {
                ""
            });
        }
        out
    }

    pub fn error(&self, error: RunError) -> RunError {
        match error {
            RunError::Service { service, problem, log } => {
                RunError::Service { service, problem: self.text(problem), log: self.text(log) }
            }
            RunError::Address(problem) => RunError::Address(self.text(problem)),
            other => other,
        }
    }
}

/// Characters of a text of an example that are told.
const TOLD: usize = 240;

fn cut(text: String, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) if text[end..] != *"…" => format!("{}…", &text[..end]),
        _ => text,
    }
}

/// What of a secret is the same wherever it stands in a text that is coded in Base64, such as a name and a password:
/// behind so many bytes, over a multiple of three. What is shorter than eight letters could be anything.
fn within_base64(secret: &str, before: usize) -> Vec<String> {
    let text = [&[0; 2][..before], secret.as_bytes()].concat();
    let (from, to) = ((before * 8).div_ceil(6), text.len() * 8 / 6);
    let codes = [&base64::engine::general_purpose::STANDARD_NO_PAD, &base64::engine::general_purpose::URL_SAFE_NO_PAD];
    let coded = codes.into_iter().map(|code| code.encode(&text)[from..to].to_owned());
    coded.filter(|form| form.len() >= 8).collect()
}

fn percent_encoded(text: &str, plus: bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => out.push(b as char),
            b' ' if plus => out.push('+'),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_form_of_a_secret_is_left() {
        let mask = Mask::new([&"p\"a ss/é".to_owned()].into_iter());
        for form in ["p\"a ss/é", "cCJhIHNzL8Op", "p\\\"a ss/é", "p%22a%20ss%2F%C3%A9", "p%22a+ss%2F%C3%A9"] {
            assert_eq!(mask.text(format!("before {form} after")), "before *** after", "{form}");
        }
    }

    #[test]
    fn no_part_of_a_secret_is_left_where_a_text_was_cut() {
        let mask = Mask::new([&"hunter2".to_owned()].into_iter());
        for (text, left) in [
            ("is hunt…", "is ***…"),
            ("is hunt", "is hunt"),
            ("is it…", "is it…"),
            ("is aHVudGVy…", "is ***…"),
            ("a hun… b h…", "a ***… b ***…"),
        ] {
            assert_eq!(mask.cut_off(text), left);
        }
    }

    #[test]
    fn a_secret_within_base64_is_hidden() {
        let mask = Mask::new([&"open sesame?>".to_owned()].into_iter());
        for user in ["", "a", "an", "ann", "anna"] {
            for code in [base64::engine::general_purpose::STANDARD, base64::engine::general_purpose::URL_SAFE] {
                let coded = code.encode(format!("{user}:open sesame?>"));
                let told = mask.text(format!("Basic {coded}"));
                assert!(told.contains("***") && told.len() < "Basic ".len() + 2 * (user.len() + 2) + 8, "{told}");
            }
        }
    }
}
