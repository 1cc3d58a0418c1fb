//! Annotations of GitHub Actions: workflow commands on lines of their own, which show a message at a line of a file.

use super::shown::{escaped, escaped_line};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Error,
    Warning,
    Notice,
}

/// A place in a file; lines and columns count from 1.
#[derive(Debug, Clone, Default)]
pub struct Place {
    pub line: usize,
    /// The last line. Columns are known only of what lies in one line.
    pub end_line: Option<usize>,
    /// The first column, and the one after the last.
    pub columns: Option<(usize, usize)>,
}

/// One annotation, with its line end. Nothing in the texts can begin another command.
pub fn annotation(level: Level, file: Option<&str>, place: Option<&Place>, title: &str, message: &str) -> String {
    let word = match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Notice => "notice",
    };
    let mut properties = Vec::new();
    if let Some(file) = file {
        properties.push(format!("file={}", property(file.strip_prefix("./").unwrap_or(file))));
        if let Some(Place { line, end_line, columns }) = place {
            properties.push(format!("line={line}"));
            properties.extend(end_line.map(|line| format!("endLine={line}")));
            properties.extend(columns.map(|(from, to)| format!("col={from},endColumn={to}")));
        }
    }
    properties.push(format!("title={}", property(title)));
    format!("::{word} {}::{}\n", properties.join(","), data(&escaped(message)))
}

/// As the toolkit of GitHub escapes a message.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// And a property, in which colons and commas have a meaning too.
fn property(text: &str) -> String {
    data(&escaped_line(text)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_command_or_begins_another() {
        let place = Place { line: 3, end_line: None, columns: Some((2, 5)) };
        let evil = "100%\r\n::error::x\u{1b}[31m, a: b";
        let told = annotation(Level::Warning, Some("./a,b:c\n.stress"), Some(&place), evil, evil);
        assert_eq!(
            told,
            "::warning file=a%2Cb%3Ac\\n.stress,line=3,col=2,endColumn=5,title=100%25\\r\\n%3A%3Aerror%3A%3Ax\\u{1b}[31m%2C a%3A b\
             ::100%25%0D%0A::error::x\\u{1b}[31m, a: b\n"
        );
        assert_eq!(annotation(Level::Notice, None, Some(&place), "a", "b"), "::notice title=a::b\n");
    }
}
