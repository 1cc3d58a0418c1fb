//! JSONPaths (RFC 9535) as they are written. A value that is put into one is a number, a name or a text in it, and never a part
//! of its syntax, wherever the value comes from.

use super::expr::{Expr, Piece, values};
use jsonpath_rust::parser::model::{Segment, Selector};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PathText {
    Known(String),
    /// Made anew each time, of what is written and of values.
    Made(Vec<Piece>),
}

impl PathText {
    /// The values that are put into it.
    pub fn values(&self) -> impl Iterator<Item = &Expr> {
        values(match self {
            PathText::Known(_) => &[],
            PathText::Made(pieces) => pieces,
        })
    }
}

impl From<&str> for PathText {
    fn from(path: &str) -> PathText {
        PathText::Known(path.to_owned())
    }
}

/// A piece of a path that is made.
#[derive(Debug, Clone, Copy)]
pub enum PathPart<'p> {
    Written(&'p str),
    /// A place in a list, or a number to compare with.
    Number(&'p str),
    /// A name, or a text to compare with.
    Text(&'p str),
    /// `true`, `false`, `null`.
    Word(&'p str),
}

/// The path of its parts; none where a value stands neither in brackets, nor in quotes, nor after a dot, nor next to what it
/// is compared with.
pub fn filled<'p>(parts: impl IntoIterator<Item = PathPart<'p>>) -> Option<String> {
    let (mut path, mut quote, mut ends) = (String::new(), None, false);
    for part in parts {
        let value = match part {
            PathPart::Written(text) => {
                if std::mem::take(&mut ends) && text.starts_with(goes_on) {
                    return None;
                }
                quote = quote_behind(text, quote);
                path.push_str(text);
                continue;
            }
            PathPart::Number(value) | PathPart::Text(value) | PathPart::Word(value) => value,
        };
        if let Some(quote) = quote {
            escape(value, quote, &mut path);
            continue;
        }
        if ends {
            return None;
        }
        let before = path.trim_end().chars().next_back()?;
        match before {
            '.' => {
                if !path.ends_with("..") {
                    path.truncate(path.trim_end().len() - 1);
                }
                path.push('[');
                quoted(value, &mut path);
                path.push(']');
            }
            '[' | ',' | ':' | '(' | '=' | '<' | '>' | '?' | '!' | '&' | '|' => match part {
                PathPart::Text(_) => quoted(value, &mut path),
                _ => path.push_str(value),
            },
            _ => return None,
        }
        ends = true;
    }
    Some(path)
}

/// What would make a value and what is written after it one word.
fn goes_on(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '+' | '\'' | '"')
}

/// The quote that is open after a text.
fn quote_behind(text: &str, mut open: Option<char>) -> Option<char> {
    let mut all = text.chars();
    while let Some(c) = all.next() {
        match open {
            Some(_) if c == '\\' => drop(all.next()),
            Some(quote) => open = Some(quote).filter(|quote| *quote != c),
            None => open = Some(c).filter(|c| matches!(c, '"' | '\'')),
        }
    }
    open
}

fn quoted(text: &str, out: &mut String) {
    out.push('\'');
    escape(text, '\'', out);
    out.push('\'');
}

fn escape(text: &str, quote: char, out: &mut String) {
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            c if c == quote => out.extend(['\\', c]),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
}

/// Whether it names one place; or what the parser says of what is no path.
pub fn is_singular(path: &str) -> Result<bool, String> {
    let query = jsonpath_rust::parser::parse_json_path(path).map_err(|error| error.to_string())?;
    let one = |segment: &Segment| matches!(segment, Segment::Selector(Selector::Name(_) | Selector::Index(_)));
    Ok(query.segments.iter().all(one))
}

#[cfg(test)]
mod tests {
    use super::PathPart::{Number, Text, Word, Written};
    use super::*;

    #[test]
    fn a_value_is_a_value_wherever_it_stands() {
        let filled = |parts: &[PathPart<'_>]| filled(parts.iter().copied()).unwrap_or_else(|| "none".to_owned());
        assert_eq!(filled(&[Written("$.items["), Number("3"), Written("].id")]), "$.items[3].id");
        assert_eq!(filled(&[Written("$.items["), Text("3"), Written("]")]), "$.items['3']");
        assert_eq!(filled(&[Written("$["), Text("a'] , *['\\\n"), Written("]")]), "$['a\\'] , *[\\'\\\\\\u000a']");
        assert_eq!(filled(&[Written("$['of "), Text("it's \"b\""), Written("']")]), "$['of it\\'s \"b\"']");
        assert_eq!(filled(&[Written("$[\"it's "), Text("\""), Written("\"]")]), "$[\"it's \\\"\"]");
        assert_eq!(filled(&[Written("$."), Text("a.b"), Written(".c")]), "$['a.b'].c");
        assert_eq!(filled(&[Written("$.."), Text("a"), Written("[0]")]), "$..['a'][0]");
        assert_eq!(
            filled(&[Written("$[?@."), Text("a"), Written(" == "), Text("*"), Written("]")]),
            "$[?@['a'] == '*']"
        );
        assert_eq!(filled(&[Written("$[?@.a == "), Word("true"), Written("]")]), "$[?@.a == true]");
        assert_eq!(filled(&[Written("$["), Number("1"), Written(":"), Number("2"), Written("]")]), "$[1:2]");
        for refused in [
            &[Text("$.a")][..],
            &[Written("$.item_"), Number("1")],
            &[Written("$["), Number("1"), Written("2]")],
            &[Written("$[1"), Number("2"), Written("]")],
            &[Written("$["), Number("1"), Number("2"), Written("]")],
            &[Written("$."), Text("a"), Written("b")],
        ] {
            assert_eq!(filled(refused), "none", "{refused:?}");
        }
    }

    #[test]
    fn what_is_put_in_is_read_as_it_was() {
        for name in ["a", "it's", "\"", "\\", "\\u0041", "a\nb\u{7f}\u{e9}\u{1f600}", "']..*['", "*", ""] {
            for parts in [
                [Written("$["), Text(name), Written("]")],
                [Written("$['"), Text(name), Written("']")],
                [Written("$[\""), Text(name), Written("\"]")],
                [Written("$."), Text(name), Written("")],
            ] {
                let path = filled(parts).unwrap();
                let query = jsonpath_rust::parser::parse_json_path(&path).unwrap();
                assert_eq!(query.segments, [Segment::Selector(Selector::Name(name.to_owned()))], "{path}");
            }
        }
    }

    #[test]
    fn a_path_to_one_place_is_told_from_others() {
        for one in ["$", "$.a", "$['a'][-1].b"] {
            assert_eq!(is_singular(one), Ok(true), "{one}");
        }
        for many in ["$.*", "$[*]", "$..a", "$[0,1]", "$[0:1]", "$[?@.a]"] {
            assert_eq!(is_singular(many), Ok(false), "{many}");
        }
        assert!(is_singular("$.").is_err());
    }

    #[test]
    fn a_path_that_is_known_is_a_text_in_a_plan() {
        assert_eq!(serde_json::json!(PathText::from("$.a")), "$.a");
        let made = PathText::Made(vec![Piece::Literal("$[".to_owned()), Piece::Value(Expr::Slot(1))]);
        assert_eq!(serde_json::from_value::<PathText>(serde_json::json!(made)).unwrap(), made);
    }
}
