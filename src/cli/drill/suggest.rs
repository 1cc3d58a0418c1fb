//! From the expression of a rule to the failure that may provoke it.

use crate::base::promql::{Constancy, MatchOperator, Query, Selector};

/// What makes a rule fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suggestion {
    /// A fault of the system that the written file has.
    Fault { fault: &'static str, because: &'static str },
    /// No fault that could be written without knowing more.
    None { because: &'static str },
}

const fn fault(fault: &'static str, because: &'static str) -> Suggestion {
    Suggestion::Fault { fault, because }
}

/// Labels in which a status is told.
const STATUS: [&str; 6] = ["status", "code", "status_code", "http_status", "http_status_code", "response_code"];
const DATABASES: [&str; 12] = [
    "db",
    "database",
    "pg",
    "postgres",
    "postgresql",
    "mysql",
    "mariadb",
    "sql",
    "redis",
    "mongo",
    "mongodb",
    "sqlite",
];

/// Words of names of metrics, and what a rule over such a metric looks for. The first that fits is taken.
const WORDS: [(&[&str], Suggestion); 7] = [
    (
        &["disk", "filesystem", "volume", "inodes", "fs"],
        Suggestion::None {
            because: "it watches a disk: write `fill_disk(\"PATH\", leave: 1GiB)` with a path on that disk, which is a disk of this machine",
        },
    ),
    (&["memory", "mem", "oom", "rss", "heap"], fault("limit_memory(sut.app, to: 24MiB)", "it watches memory")),
    (&["cpu", "load1", "load5", "load15", "throttled"], fault("limit_cpu(sut.app, to: 5%)", "it watches processors")),
    (
        &["connection", "connections", "pool", "clients", "backends"],
        fault("hold_connections(sut.pg, 100%)", "it watches connections"),
    ),
    (
        &["error", "errors", "failure", "failures", "failed", "exceptions"],
        fault("refuse(sut.db)", "it watches errors, as a shop without its database gives them"),
    ),
    (&["latency", "duration", "lag", "delay"], fault("latency(sut.db, 500ms)", "it watches how long something takes")),
    (&["up", "success", "healthy", "ready"], fault("kill(sut.app)", "it watches whether something is up")),
];

pub fn suggestion(query: &Query) -> Suggestion {
    match query.always {
        Some(Constancy::Something) => {
            return Suggestion::None {
                because: "it always fires; write `alert … keeps firing` in a scenario to learn when the alerting stops",
            };
        }
        Some(Constancy::Nothing) => return Suggestion::None { because: "its expression never has a result" },
        None => {}
    }
    let read = &query.selectors;
    if read.iter().any(watches_errors) {
        return fault(
            "refuse(sut.db)",
            "it watches answers with status 5xx, as a shop without its database gives them",
        );
    }
    let has = |wanted: &[&str]| read.iter().any(|own| words(own).iter().any(|word| wanted.contains(&word.as_str())));
    if has(&DATABASES) && has(&["up", "connected", "healthy"]) {
        return fault("partition(sut.db)", "it watches whether a database answers");
    }
    if read.iter().any(|own| own.absent) {
        return fault("kill(sut.app)", "it fires when a series is missing");
    }
    if query.functions.iter().any(|own| own == "histogram_quantile") {
        return fault("latency(sut.db, 500ms)", "it watches how long something takes");
    }
    if let Some((_, suggestion)) = WORDS.iter().find(|(wanted, _)| has(wanted)) {
        return *suggestion;
    }
    if has(&["requests", "request"]) {
        return fault("partition(sut.api)", "it watches how many requests come");
    }
    Suggestion::None { because: "its expression suggests no failure; write the fault that should make it fire" }
}

/// The words of the name of a metric.
fn words(selector: &Selector) -> Vec<String> {
    let name = selector.metric.as_deref().unwrap_or_default().to_lowercase();
    name.split(|sign: char| !sign.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn watches_errors(selector: &Selector) -> bool {
    selector.labels.iter().any(|own| {
        let selects = matches!(own.operator, MatchOperator::Equal | MatchOperator::Matches);
        selects && STATUS.contains(&own.label.as_str()) && own.value.trim_start_matches(['^', '(']).starts_with('5')
    })
}

impl Suggestion {
    /// The part of the system that is hurt, as a word for a list of the alerts that hurting it may set off.
    pub fn hurts(self) -> Option<&'static str> {
        let Suggestion::Fault { fault, .. } = self else { return None };
        let on = fault.split_once('(')?.1;
        [("sut.db", "database"), ("sut.pg", "database"), ("sut.app", "app"), ("sut.api", "api")]
            .into_iter()
            .find_map(|(part, word)| on.starts_with(part).then_some(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::promql::query;

    #[test]
    fn an_expression_suggests_what_breaks_what_it_watches() {
        let of = |text: &str| match suggestion(&query(text).unwrap()) {
            Suggestion::Fault { fault, .. } => fault.split('(').next().unwrap(),
            Suggestion::None { .. } => "none",
        };
        for (expr, wanted) in [
            ("db_up == 0", "partition"),
            ("pg_up{job=\"a\"} == 0", "partition"),
            ("up == 0", "kill"),
            ("probe_success == 0", "kill"),
            ("absent(job_last_run_seconds)", "kill"),
            (
                "sum(rate(http_requests_total{status=~\"5..\"}[1m])) / sum(rate(http_requests_total[1m])) > 0.05",
                "refuse",
            ),
            ("rate(grpc_errors_total[5m]) > 1", "refuse"),
            ("histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m]))) > 0.5", "latency"),
            ("db_pool_waiting > 0", "hold_connections"),
            ("process_resident_memory_bytes > 1e9", "limit_memory"),
            ("rate(process_cpu_seconds_total[5m]) > 0.9", "limit_cpu"),
            ("disk_free_bytes < 1e9", "none"),
            ("node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.1", "none"),
            ("rate(http_requests_total[5m]) < 1", "partition"),
            ("vector(1)", "none"),
            ("vector(0) > 1", "none"),
            ("gold_price_dollars > 3000", "none"),
        ] {
            assert_eq!(of(expr), wanted, "{expr}");
            // Whatever is hurt has a word.
            let suggested = suggestion(&query(expr).unwrap());
            assert_eq!(suggested.hurts().is_some(), wanted != "none", "{expr}");
        }
    }
}
