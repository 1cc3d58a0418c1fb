//! Pages in the text format of Prometheus: selects samples and adds them up.

/// Samples of one name, all of them or those whose labels are as asked: `name` or `name{label="value", other!="value"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    name: String,
    labels: Vec<Wanted>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    label: String,
    equal: bool,
    value: String,
}

impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)?;
        for (place, wanted) in self.labels.iter().enumerate() {
            let (before, sign) = (if place == 0 { "{" } else { ", " }, if wanted.equal { "=" } else { "!=" });
            write!(f, "{before}{}{sign}{:?}", wanted.label, wanted.value)?;
        }
        if self.labels.is_empty() { Ok(()) } else { f.write_str("}") }
    }
}

struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

impl Selector {
    pub fn parse(text: &str) -> Result<Selector, String> {
        let mut scan = Scan(text);
        let name = scan.name();
        if name.is_empty() {
            return Err("a name is needed, such as `orders_total`".to_owned());
        }
        let mut labels = Vec::new();
        scan.blank();
        if scan.take("{") {
            loop {
                scan.blank();
                if scan.take("}") {
                    break;
                }
                let label = scan.name();
                scan.blank();
                let equal = !scan.take("!");
                if label.is_empty() || scan.0.starts_with("=~") || !scan.take("=") || scan.0.starts_with('~') {
                    return Err("labels are written `{route=\"/orders\", status!=\"200\"}`".to_owned());
                }
                scan.blank();
                let Some(value) = scan.quoted() else {
                    return Err(format!("the value of `{label}` is written in double quotes"));
                };
                labels.push(Wanted { label, equal, value });
                scan.blank();
                if !scan.take(",") && !scan.0.starts_with('}') {
                    return Err("labels are separated by commas and end with `}`".to_owned());
                }
            }
        }
        scan.blank();
        match scan.0 {
            "" => Ok(Selector { name, labels }),
            rest => Err(format!("`{rest}` is not part of a name and its labels; a page is no place for PromQL")),
        }
    }

    fn matches(&self, sample: &Sample) -> bool {
        // A label that is not there is empty, as in PromQL.
        let value =
            |label: &str| sample.labels.iter().find(|(name, _)| name == label).map_or("", |(_, value)| value.as_str());
        self.name == sample.name && self.labels.iter().all(|w| (value(&w.label) == w.value) == w.equal)
    }
}

/// For each selector the sum of the samples that it means, or `None` where the page has none of them.
pub fn sums(page: &str, selectors: &[&Selector]) -> Vec<Option<f64>> {
    let mut sums = vec![None; selectors.len()];
    for line in page.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        // Most lines of a page are not asked for, and need not be taken apart.
        if !line.starts_with('{') && !selectors.iter().any(|selector| line.starts_with(&selector.name)) {
            continue;
        }
        let Some(sample) = sample(line) else { continue };
        for (sum, selector) in sums.iter_mut().zip(selectors) {
            if selector.matches(&sample) {
                *sum = Some(sum.unwrap_or(0.0) + sample.value);
            }
        }
    }
    sums
}

/// `name{label="value",…} value [timestamp] [# exemplar]`; a name in quotes stands inside the braces.
fn sample(line: &str) -> Option<Sample> {
    let mut scan = Scan(line);
    let mut name = scan.name();
    let mut labels = Vec::new();
    scan.blank();
    if scan.take("{") {
        loop {
            scan.blank();
            if scan.take("}") {
                break;
            }
            let quoted = scan.0.starts_with('"');
            let label = if quoted { scan.quoted()? } else { scan.name() };
            scan.blank();
            if scan.take("=") {
                scan.blank();
                labels.push((label, scan.quoted()?));
            } else if quoted && name.is_empty() {
                name = label;
            } else {
                return None;
            }
            scan.blank();
            if !scan.take(",") && !scan.0.starts_with('}') {
                return None;
            }
        }
    }
    let value = match scan.0.split_whitespace().next()? {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        "NaN" | "Nan" => f64::NAN,
        number => number.parse().ok()?,
    };
    (!name.is_empty()).then_some(Sample { name, labels, value })
}

/// The rest of a text that is read from its start.
struct Scan<'a>(&'a str);

impl Scan<'_> {
    fn blank(&mut self) {
        self.0 = self.0.trim_start();
    }

    fn take(&mut self, token: &str) -> bool {
        match self.0.strip_prefix(token) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn name(&mut self) -> String {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '.' | '-');
        let end = self.0.find(|c| !is_part(c)).unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at(end);
        self.0 = rest;
        name.to_owned()
    }

    /// A text in double quotes with the escapes `\\`, `\"` and `\n`.
    fn quoted(&mut self) -> Option<String> {
        if !self.take("\"") {
            return None;
        }
        let mut out = String::new();
        let mut chars = self.0.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.0 = &self.0[at + 1..];
                    return Some(out);
                }
                '\\' => match chars.next()?.1 {
                    'n' => out.push('\n'),
                    other => out.push(other),
                },
                other => out.push(other),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the format's own description (prometheus.io, Exposition formats), and what OpenMetrics and
    /// Prometheus 3 add to it.
    const PAGE: &str = r#"
# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3 1395066363000

# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot find file:\n\"FILE.TXT\""} 1.458255915e9

# Minimalistic line:
metric_without_timestamp_and_labels 12.47

# A weird metric from before the epoch:
something_weird{problem="division by zero"} +Inf -3982045
nothing_yet NaN

# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le="0.05"} 24054
http_request_duration_seconds_bucket{le="+Inf"} 144320 # {trace_id="a}b"} 0.67
http_request_duration_seconds_sum 53423
	spaced   { a = "1" , b="x, y}" , }	7
{"quoted.name", a="1"} 5
torn{a="1
not a sample
# EOF
"#;

    fn sum(text: &str) -> Option<f64> {
        sums(PAGE, &[&Selector::parse(text).unwrap()])[0]
    }

    #[test]
    fn a_name_is_the_sum_of_its_samples() {
        assert_eq!(sum("http_requests_total"), Some(1030.0));
        assert_eq!(sum("metric_without_timestamp_and_labels"), Some(12.47));
        assert_eq!(sum("http_request_duration_seconds_sum"), Some(53_423.0));
        assert_eq!(sum("http_request_duration_seconds"), None, "a histogram is its parts");
        assert_eq!(sum("something_weird"), Some(f64::INFINITY));
        assert!(sum("nothing_yet").unwrap().is_nan());
        assert_eq!(sum("quoted.name"), Some(5.0));
        assert_eq!(sum("torn"), None);
        assert_eq!(sum("not"), None);
    }

    #[test]
    fn labels_choose_among_them() {
        assert_eq!(sum(r#"http_requests_total{code="400"}"#), Some(3.0));
        assert_eq!(sum(r#"http_requests_total{ method="post", code != "400", }"#), Some(1027.0));
        assert_eq!(sum(r#"http_requests_total{code="500"}"#), None);
        assert_eq!(sum(r#"http_requests_total{host!="a"}"#), Some(1030.0), "a label that is not there is empty");
        assert_eq!(sum(r#"msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT"}"#), Some(1.458255915e9));
        assert_eq!(sum(r#"spaced{b="x, y}"}"#), Some(7.0));
        let shown = Selector::parse(r#"a{b="1",c!="2"}"#).unwrap().to_string();
        assert_eq!(shown, r#"a{b="1", c!="2"}"#);
        assert_eq!(sum(r#"http_request_duration_seconds_bucket{le="+Inf"}"#), Some(144_320.0));
    }

    #[test]
    fn what_is_no_selector_says_why() {
        for (text, why) in [
            ("", "a name is needed"),
            ("sum(up)", "no place for PromQL"),
            ("a b", "`b` is not part"),
            ("a{b=~\"x\"}", "labels are written"),
            ("a{b=1}", "in double quotes"),
            ("a{b=\"1\"", "end with `}`"),
            ("a{b=\"1}", "in double quotes"),
        ] {
            let error = Selector::parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
