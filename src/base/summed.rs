//! Queries of Prometheus that add series up and do nothing else: a selector, or a `sum` of one. What such a query grows by can be
//! worked out from the samples of each series.

/// What a query adds up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summed {
    /// The selector, as it is written.
    pub selector: String,
    /// Its matchers of `job` and `instance`, which choose targets.
    pub of_targets: Vec<String>,
}

impl Summed {
    /// `None` where the query does anything else.
    pub fn parse(query: &str) -> Option<Summed> {
        let mut scan = Scan(query);
        let found = scan.query(0)?;
        scan.blank();
        scan.0.is_empty().then_some(found)
    }

    /// The selector with another name, and only what chooses targets.
    pub fn of_target(&self, name: &str) -> String {
        match self.of_targets.as_slice() {
            [] => name.to_owned(),
            matchers => format!("{name}{{{}}}", matchers.join(",")),
        }
    }
}

/// Deeper parentheses are nobody's.
const DEEPEST: usize = 8;

/// The rest of a text that is read from its start.
struct Scan<'a>(&'a str);

impl<'a> Scan<'a> {
    fn query(&mut self, depth: usize) -> Option<Summed> {
        self.blank();
        if depth > DEEPEST {
            return None;
        }
        if self.take("(") {
            return self.closed(depth);
        }
        let whole = self.0;
        if !self.name().eq_ignore_ascii_case("sum") {
            self.0 = whole;
            return self.selector();
        }
        self.grouping()?;
        self.blank();
        if !self.take("(") {
            self.0 = whole;
            return self.selector();
        }
        let found = self.closed(depth)?;
        self.grouping()?;
        Some(found)
    }

    fn closed(&mut self, depth: usize) -> Option<Summed> {
        let found = self.query(depth + 1)?;
        self.blank();
        self.take(")").then_some(found)
    }

    /// `by (a, b)` or `without (a)`, or nothing; `None` where it begins so and is none.
    fn grouping(&mut self) -> Option<()> {
        self.blank();
        let before = self.0;
        let word = self.name();
        if !word.eq_ignore_ascii_case("by") && !word.eq_ignore_ascii_case("without") {
            self.0 = before;
            return Some(());
        }
        self.blank();
        self.take("(").then_some(())?;
        loop {
            self.blank();
            if self.take(")") {
                return Some(());
            }
            (!self.name().is_empty()).then_some(())?;
            self.blank();
            if !self.take(",") && !self.0.starts_with(')') {
                return None;
            }
        }
    }

    /// `name`, `name{…}` or `{…}`, without an offset, an `@` or a range behind it.
    fn selector(&mut self) -> Option<Summed> {
        let start = self.0;
        let (name, mut of_targets) = (self.name(), Vec::new());
        let behind_name = self.0;
        self.blank();
        if self.take("{") {
            loop {
                self.blank();
                if self.take("}") {
                    break;
                }
                let matcher = self.0;
                let label = if self.0.starts_with(['"', '\'', '`']) { self.quoted()? } else { self.name() };
                self.blank();
                let compares = ["=~", "!~", "!=", "="].iter().any(|operator| self.take(operator));
                if compares {
                    self.blank();
                    self.quoted()?;
                }
                if label.is_empty() || (!compares && !label.starts_with(['"', '\'', '`'])) {
                    return None;
                }
                if compares && matches!(label, "job" | "instance") {
                    of_targets.push(matcher[..matcher.len() - self.0.len()].to_owned());
                }
                self.blank();
                if !self.take(",") && !self.0.starts_with('}') {
                    return None;
                }
            }
        } else {
            self.0 = behind_name;
            (!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())).then_some(())?;
        }
        let selector = start[..start.len() - self.0.len()].to_owned();
        Some(Summed { selector, of_targets })
    }

    fn blank(&mut self) {
        self.0 = self.0.trim_start();
    }

    fn take(&mut self, token: &str) -> bool {
        self.0.strip_prefix(token).map(|rest| self.0 = rest).is_some()
    }

    fn name(&mut self) -> &'a str {
        let end = self.0.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | ':')).unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at(end);
        self.0 = rest;
        name
    }

    /// A text in any of the three quotes, with them.
    fn quoted(&mut self) -> Option<&'a str> {
        let text = self.0;
        let quote = text.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
        let mut escaped = false;
        for (at, c) in text.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' if quote != '`' => escaped = true,
                _ if c == quote => {
                    self.0 = &text[at + 1..];
                    return Some(&text[..=at]);
                }
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(query: &str) -> Option<String> {
        Summed::parse(query).map(|found| found.selector)
    }

    #[test]
    fn a_selector_and_sums_of_one_are_read() {
        let plain = r#"http_requests_total{route="/orders",code!~"5.."}"#;
        for query in [
            plain.to_owned(),
            format!("sum({plain})"),
            format!(" ( sum by (route, code) ( {plain} ) ) "),
            format!("SUM without(instance,) ({plain})"),
            format!("sum({plain}) by (code)"),
            format!("sum(sum by (code) ({plain}))"),
        ] {
            assert_eq!(selector(&query).as_deref(), Some(plain), "{query}");
        }
        assert_eq!(selector("up").as_deref(), Some("up"));
        assert_eq!(selector("sum").as_deref(), Some("sum"), "a metric may be called so");
        assert_eq!(selector("{__name__=\"a.b\"}").as_deref(), Some("{__name__=\"a.b\"}"));
        assert_eq!(selector("sum({\"a.b\", x=`}\"`})").as_deref(), Some("{\"a.b\", x=`}\"`}"));
    }

    #[test]
    fn what_does_more_than_adding_up_is_none() {
        for query in [
            "",
            "sum(",
            "rate(up[1m])",
            "increase(up[1m])",
            "up[5m]",
            "up offset 5m",
            "up @ 1",
            "sum(up) / 2",
            "max(up)",
            "sum(up) + sum(up)",
            "up > 1",
            "sum by (a (up)",
            "sum(rate(up[1m]))",
            "count(up)",
            "up{a=1}",
            "up{a}",
            "up{a=\"1}",
            "1",
            "sum by (code) up",
            "-up",
            "topk(3, up)",
            "((((((((((up))))))))))",
            "sum(up)) ",
        ] {
            assert_eq!(selector(query), None, "{query}");
        }
    }

    #[test]
    fn targets_are_chosen_by_job_and_instance() {
        let found = Summed::parse(r#"sum(x_total{ job = "a", code="1", instance=~'h:.*' })"#).unwrap();
        assert_eq!(found.of_target("up"), r#"up{job = "a",instance=~'h:.*'}"#);
        assert_eq!(Summed::parse("x_total{code=\"1\"}").unwrap().of_target("up"), "up");
    }
}
