//! Names from other tools and languages, and what they are called here. A row applies only where its second name may stand, so a
//! word may have several rows.

const NAMES: &[(&str, &str)] = &[
    // Metrics of k6, Gatling, Locust and Prometheus.
    ("http_req_failed", "error_rate"),
    ("http_req_duration", "p95"),
    ("http_reqs", "count"),
    ("failure_rate", "error_rate"),
    ("fail_rate", "error_rate"),
    ("failed_rate", "error_rate"),
    ("errors", "error_rate"),
    ("failures", "error_rate"),
    ("success_rate", "availability"),
    ("uptime", "availability"),
    ("avg", "mean"),
    ("average", "mean"),
    ("med", "p50"),
    ("median", "p50"),
    ("percentile", "quantile"),
    ("failed", "error_rate"),
    ("rps", "throughput"),
    ("qps", "throughput"),
    ("rate", "throughput"),
    ("rate", "error_rate"),
    ("requests", "count"),
    ("total", "count"),
    ("stddev_latency", "stddev"),
    ("recovery_time", "time_to_recover"),
    ("recovery", "time_to_recover"),
    ("time_to_recovery", "time_to_recover"),
    ("detection_time", "time_to_detect"),
    ("data_loss", "lost"),
    ("ttfb", "first_byte"),
    ("time_to_first_byte", "first_byte"),
    ("duration", "latency"),
    ("response_time", "latency"),
    ("elapsed", "latency"),
    // Faults of toxiproxy, Chaos Mesh, Litmus and tc.
    ("delay", "latency"),
    ("slow", "latency"),
    ("lag", "latency"),
    ("throttle", "bandwidth"),
    ("bandwidth_limit", "bandwidth"),
    ("disconnect", "kill_connections"),
    ("drop_connections", "kill_connections"),
    ("exhaust_pool", "hold_connections"),
    ("network_delay", "latency"),
    ("network_partition", "partition"),
    ("netsplit", "partition"),
    ("pod_kill", "kill"),
    ("blackhole", "partition"),
    ("cut", "partition"),
    ("packet_loss", "partition"),
    ("reset_peer", "reset"),
    ("slow_closer", "slow_close"),
    ("slicer", "slice"),
    ("crash", "kill"),
    ("stop", "kill"),
    ("terminate", "kill"),
    ("sigkill", "kill"),
    ("suspend", "pause"),
    ("freeze", "pause"),
    ("stress_cpu", "burn_cpu"),
    ("cpu_stress", "burn_cpu"),
    ("cpu_hog", "burn_cpu"),
    ("cpu_limit", "limit_cpu"),
    ("cpu_throttle", "limit_cpu"),
    ("memory_limit", "limit_memory"),
    ("stress_memory", "fill_memory"),
    ("memory_stress", "fill_memory"),
    ("memory_hog", "fill_memory"),
    ("disk_fill", "fill_disk"),
    ("abort", "http_error"),
    ("inject_error", "http_error"),
    // Options of requests and targets.
    ("body", "json"),
    ("body", "text"),
    ("time", "latency"),
    ("data", "json"),
    ("payload", "json"),
    ("params", "query"),
    ("parameters", "query"),
    ("qs", "query"),
    ("header", "headers"),
    ("formdata", "form"),
    ("form_data", "form"),
    ("base_url", "url"),
    ("follow_redirects", "redirects"),
    ("max_redirects", "redirects"),
    ("insecure", "verify"),
    ("insecure_skip_verify", "verify"),
    ("keepalive", "connections"),
    ("keep_alive", "connections"),
    ("pool_size", "pool"),
    ("environment", "env"),
    ("workdir", "dir"),
    ("cwd", "dir"),
    ("working_dir", "dir"),
    ("delimiter", "separator"),
    // Answers and rows.
    ("code", "status"),
    ("status_code", "status"),
    ("content", "text"),
    ("length", "size"),
    ("len", "count"),
    ("rss", "memory"),
    ("mem", "memory"),
    ("fds", "open_files"),
    ("processor", "cpu"),
    ("postgresql", "postgres"),
    ("mariadb", "mysql"),
    ("exec", "process"),
    ("spawn", "process"),
    ("https", "http"),
    ("row", "next"),
    ("pick", "random"),
    ("sample", "random"),
    ("choice", "random"),
    ("pacing", "pace"),
    ("upstream", "to"),
    ("pg", "postgres"),
    ("psql", "postgres"),
    ("request_timeout", "timeout"),
    ("read", "csv"),
    ("load_csv", "csv"),
    ("randint", "random"),
    ("random_int", "random"),
    ("random_int_between", "random"),
    ("uuid4", "uuid"),
    ("uuidv4", "uuid"),
    ("uuid_v4", "uuid"),
    ("random_uuid", "uuid"),
    ("guid", "uuid"),
    // Types.
    ("string", "Text"),
    ("str", "Text"),
    ("int", "Number"),
    ("integer", "Number"),
    ("float", "Number"),
    ("double", "Number"),
    ("boolean", "Bool"),
    ("time", "Duration"),
    ("timespan", "Duration"),
    ("interval", "Duration"),
    ("percentage", "Percent"),
    ("request", "Rate"),
    // Statements.
    ("import", "use"),
    ("include", "use"),
    ("require", "use"),
    ("const", "param"),
    ("var", "let"),
    ("const", "let"),
    ("def", "let"),
    ("test", "scenario"),
    ("describe", "scenario"),
    ("assert", "expect"),
    ("check", "expect"),
    ("thresholds", "expect"),
    ("sleep", "think"),
    ("wait", "think"),
    ("pause", "think"),
    ("pause", "idle"),
    ("stage", "hold"),
    ("constant", "hold"),
    ("for", "each"),
    ("foreach", "each"),
    ("while", "repeat"),
    ("loop", "repeat"),
    ("inject", "fault"),
    ("chaos", "fault"),
    ("function", "flow"),
    ("func", "flow"),
    ("fn", "flow"),
    ("task", "flow"),
    ("user", "flow"),
    ("users", "load"),
    ("vus", "load"),
    ("stages", "load"),
    ("executor", "load"),
    ("threshold", "expect"),
    ("slo", "expect"),
    ("sla", "expect"),
    ("verify", "expect"),
    ("should", "expect"),
    ("must", "expect"),
    ("delay", "think"),
    ("create", "post"),
    ("submit", "post"),
    ("update", "put"),
    ("visit", "get"),
    ("navigate", "get"),
    ("fetch", "get"),
    ("http", "get"),
    ("request", "get"),
    ("http_get", "get"),
    ("http_post", "post"),
    ("del", "delete"),
    ("keep", "hold"),
    ("plateau", "hold"),
    ("constant_rate", "hold"),
    ("rampup", "ramp"),
    ("ramp_up", "ramp"),
    ("ramp_to", "ramp"),
    ("burst", "spike"),
    ("break", "fault"),
    ("disrupt", "fault"),
    ("attack", "fault"),
    ("app", "service"),
    ("server", "service"),
    ("endpoint", "target"),
    ("base_url", "target"),
    ("proxy", "link"),
    ("feeder", "data"),
    ("dataset", "data"),
    ("random", "choose"),
    ("switch", "choose"),
    ("parallel", "each"),
    ("setup_once", "setup"),
    ("cleanup", "teardown"),
    ("stop", "abort"),
    ("env", "param"),
    ("variable", "let"),
    ("before", "setup"),
    ("after", "teardown"),
];

/// What it is called here, of the names that may stand.
pub fn named_here<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    all_named_here(written, known).next()
}

/// All that it may be called here, the likeliest first.
pub fn all_named_here<'a>(written: &str, known: &[&'a str]) -> impl Iterator<Item = &'a str> {
    let small = snake_case(written);
    let own = known.iter().find(|name| snake_case(name) == small).copied();
    let rows = NAMES.iter().filter(move |(theirs, _)| *theirs == small);
    let ours = rows.filter_map(|(_, ours)| known.iter().find(|name| *name == ours).copied());
    let all: Vec<&str> = own.into_iter().chain(ours).filter(|ours| *ours != written).collect();
    all.into_iter()
}

/// `errorRate`, `ErrorRate`, `error-rate` and `ERROR_RATE` as `error_rate`.
pub fn snake_case(word: &str) -> String {
    let mut out = String::with_capacity(word.len() + 4);
    let mut before = '_';
    for c in word.chars() {
        if c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            out.push('_');
        }
        out.push(if c == '-' { '_' } else { c.to_ascii_lowercase() });
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{NAMES, named_here, snake_case};

    #[test]
    fn a_name_of_elsewhere_is_the_one_that_may_stand() {
        assert_eq!(named_here("delay", &["bandwidth", "latency"]), Some("latency"));
        assert_eq!(named_here("delay", &["bandwidth"]), None);
        assert_eq!(named_here("errorRate", &["error_rate"]), Some("error_rate"));
        assert_eq!(named_here("P95", &["p95"]), Some("p95"));
        assert_eq!(named_here("memory", &["memory"]), None);
        for (written, small) in
            [("GET", "get"), ("maxErrors", "max_errors"), ("second-load", "second_load"), ("A1b", "a1b")]
        {
            assert_eq!(snake_case(written), small);
        }
        assert!(NAMES.iter().all(|(theirs, ours)| theirs != ours && snake_case(theirs) == *theirs));
    }
}
