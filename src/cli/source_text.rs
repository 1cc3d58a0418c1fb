//! The text of a scenario's file as its record keeps it: bounded, and without the values of secrets.

use crate::base::{FileId, Sources};
use crate::engine::secret::Mask;
use std::collections::HashMap;

/// A file that is longer is kept up to there.
const LONGEST: usize = 128 << 10;
/// A shorter value is a common word too, such as `demo`; it is hidden where it stands in quotes.
const SHORT: usize = 6;

/// The text of the file of a plan. A file holds no secret but those that it gives as defaults, or that were copied into it.
pub fn of(file: &str, sources: &Sources, secrets: &HashMap<String, String>) -> String {
    let source = sources.named(file).unwrap_or_else(|| sources.get(FileId(0)));
    kept(&source.text, secrets)
}

fn kept(text: &str, secrets: &HashMap<String, String>) -> String {
    let (short, long): (Vec<&String>, Vec<&String>) =
        secrets.values().filter(|value| !value.is_empty()).partition(|value| value.chars().count() < SHORT);
    let mask = Mask::new(long);
    // By line, so that every line keeps its number.
    let line = |line: &str| {
        let mut line = mask.text(line.to_owned());
        for value in &short {
            for quote in ['"', '\''] {
                line = line.replace(&format!("{quote}{value}{quote}"), &format!("{quote}***{quote}"));
            }
        }
        line
    };
    let lines: Vec<String> = text.lines().map(line).collect();
    let mut out = String::new();
    for own in lines {
        if out.len() + own.len() > LONGEST {
            out.push_str(crate::report::CUT);
            out.push('\n');
            break;
        }
        out.push_str(&own);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_by_its_lines_without_secrets_and_not_without_end() {
        let secrets = [("A", "demo"), ("B", "hunter2-long"), ("C", "")];
        let secrets = secrets.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let text = "service s = demo()\r\n// hunter2-long\nlet a = secret(\"A\", default: \"demo\")";
        let wanted = "service s = demo()\n// ***\nlet a = secret(\"A\", default: \"***\")\n";
        assert_eq!(kept(text, &secrets), wanted);
        let long = kept(&"// a line\n".repeat(20_000), &secrets);
        assert!(long.len() <= LONGEST + 100 && long.ends_with(&format!("{}\n", crate::report::CUT)));
    }
}
