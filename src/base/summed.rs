//! Queries of Prometheus that add series up and do nothing else: a selector, or a `sum` of one. What such a query grows by can be
//! worked out from the samples of each series.

use super::promql::{self, LabelMatch, Selector};

/// What a query adds up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summed {
    selector: Selector,
}

impl Summed {
    /// `None` where the query does anything else.
    pub fn parse(query: &str) -> Option<Summed> {
        promql::summed(query).map(|selector| Summed { selector })
    }

    /// The selector, as Prometheus writes it.
    pub fn selector(&self) -> String {
        self.selector.to_string()
    }

    /// Whether a query is the selector alone.
    pub fn is_all(query: &str) -> bool {
        let is_aggregated = || promql::query(query).is_ok_and(|query| query.functions.is_empty());
        Summed::parse(query).is_some() && is_aggregated()
    }

    /// The selector with another name, and only what chooses targets: its matchers of `job` and `instance`.
    pub fn of_target(&self, name: &str) -> String {
        let is_of_targets = |own: &&LabelMatch| matches!(own.label.as_str(), "job" | "instance");
        let labels = self.selector.labels.iter().filter(is_of_targets).cloned().collect();
        Selector { metric: Some(name.to_owned()), labels, absent: false }.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(query: &str) -> Option<String> {
        Summed::parse(query).map(|found| found.selector())
    }

    #[test]
    fn a_selector_and_sums_of_one_are_read() {
        let plain = r#"http_requests_total{route="/orders", code!~"5.."}"#;
        for query in [
            plain.to_owned(),
            format!("sum({plain})"),
            format!(" ( sum by (route, code) ( {plain} ) ) "),
            format!("SUM without(instance,) ({plain})"),
            format!("sum({plain}) by (code)"),
            format!("sum(sum by (code) ({plain}))"),
        ] {
            assert_eq!(selector(&query).as_deref(), Some(plain), "{query}");
            assert_eq!(Summed::is_all(&query), query == plain, "{query}");
        }
        assert_eq!(selector("up").as_deref(), Some("up"));
        assert_eq!(selector("{__name__=\"a.b\"}").as_deref(), Some("{__name__=\"a.b\"}"));
        assert_eq!(selector("sum(x{a=`}\"`})").as_deref(), Some(r#"x{a="}\""}"#));
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
            "sum(up)) ",
        ] {
            assert_eq!(selector(query), None, "{query}");
        }
    }

    #[test]
    fn targets_are_chosen_by_job_and_instance() {
        let found = Summed::parse(r#"sum(x_total{ job = "a", code="1", instance=~'h:.*' })"#).unwrap();
        assert_eq!(found.of_target("up"), r#"up{job="a", instance=~"h:.*"}"#);
        assert_eq!(Summed::parse("x_total{code=\"1\"}").unwrap().of_target("up"), "up");
    }
}
