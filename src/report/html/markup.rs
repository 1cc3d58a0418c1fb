//! Text as HTML. Nothing that came from outside can end an element, an attribute or the page.

use crate::base::shown::{is_hidden, push_escaped};
use crate::report::badge::Tone;
use serde::Serialize;

/// On one line, for elements and attributes.
pub fn line(text: &str) -> String {
    written(text, |_| false)
}

/// With its line ends, for `pre`.
pub fn lines(text: &str) -> String {
    written(&text.replace("\r\n", "\n"), |c| c == '\n' || c == '\t')
}

/// A sentence, in which code stands between backticks.
pub fn prose(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    // Without its end, a backtick is a backtick.
    if parts.len().is_multiple_of(2) {
        return line(text);
    }
    let part = |(index, part): (usize, &&str)| match index % 2 {
        0 => line(part),
        _ => format!("<code>{}</code>", line(part)),
    };
    parts.iter().enumerate().map(part).collect()
}

fn written(text: &str, stays: fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if is_hidden(c) && !stays(c) => push_escaped(&mut out, c),
            c => out.push(c),
        }
    }
    out
}

/// The class of elements that are painted so.
pub fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Unsure | Tone::Plain => "unsure",
        Tone::Muted => "muted",
    }
}

/// A value for scripts of the page. No text in it can end the element.
pub fn json(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).expect("a report is plain data");
    text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// A name and its value in a list of facts.
pub fn fact(out: &mut String, name: &str, value: &str) {
    out.push_str(&format!("<div><dt>{name}</dt><dd>{value}</dd></div>"));
}

/// A table that can be wider than the page, in a region that can be scrolled by keys too. A head that begins with `<` is above text, the
/// others are above numbers.
pub fn table(out: &mut String, label: &str, heads: &[&str], rows: &str) {
    let head = |head: &&str| match head.strip_prefix('<') {
        Some(text) => format!("<th scope=\"col\" class=\"text\">{text}</th>"),
        None => format!("<th scope=\"col\">{head}</th>"),
    };
    let heads: String = heads.iter().map(head).collect();
    let label = line(label);
    out.push_str(&format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{label}\"><table><caption>{label}</caption>\
         <thead><tr>{heads}</tr></thead>{rows}</table></div>\n"
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_what_it_stands_in() {
        let text = "</script><script>\"'&\u{0}\u{202e}\n`p95 < 1s`";
        assert_eq!(
            line(text),
            "&lt;/script&gt;&lt;script&gt;&quot;&#39;&amp;\\u{0}\\u{202e}\\n`p95 &lt; 1s`",
            "on one line"
        );
        assert_eq!(lines("a\r\n\tb\u{7}"), "a\n\tb\\u{7}");
        assert_eq!(prose("see `a<b` and \"c\""), "see <code>a&lt;b</code> and &quot;c&quot;");
        assert_eq!(prose("one ` alone <"), "one ` alone &lt;");
        let value = json(&[text]);
        assert!(!value.contains('<') && !value.contains('>') && !value.contains('&'), "{value}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&value).unwrap(), [text]);
    }
}
