//! Families of metrics as a page: OpenMetrics 1.0, or the older text format of Prometheus.

use super::families::{Family, Kind, PREFIX, Value};
use crate::base::units::SECOND;
use std::fmt::Write;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    OpenMetrics,
    Prometheus,
}

const OPEN_METRICS: &str = "application/openmetrics-text";

impl Format {
    pub const ALL: [Format; 2] = [Format::OpenMetrics, Format::Prometheus];

    /// The one that an `Accept` prefers. Who asks for neither gets the older one, which everybody reads.
    pub fn accepted(accept: &str) -> Format {
        let (mut open, mut text) = (0.0_f64, 0.0_f64);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
            let parameters: Vec<(&str, &str)> = parts.filter_map(|part| part.split_once('=')).collect();
            let of = |name: &str| {
                parameters.iter().find(|(own, _)| own.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
            };
            let weight =
                of("q").map_or(Some(1.0), |q| q.parse::<f64>().ok()).filter(|q| (0.0..=1.0).contains(q)).unwrap_or(0.0);
            match kind.as_str() {
                OPEN_METRICS if of("version").is_none_or(|version| version == "1.0.0") => open = open.max(weight),
                "text/plain" | "text/*" | "*/*" => text = text.max(weight),
                _ => {}
            }
        }
        if open > 0.0 && open >= text { Format::OpenMetrics } else { Format::Prometheus }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

pub fn page(families: &[Family], format: Format) -> String {
    let mut out = String::new();
    families.iter().for_each(|own| family(&mut out, own, format));
    if format == Format::OpenMetrics {
        out.push_str("# EOF\n");
    }
    out
}

fn family(out: &mut String, family: &Family, format: Format) {
    let unit = family.unit.suffix();
    let name = format!("{PREFIX}_{}{}", family.name, unit.map_or_else(String::new, |unit| format!("_{unit}")));
    // Of these the older format knows only whole names.
    let behind = match family.kind {
        Kind::Counter => "_total",
        Kind::Info => "_info",
        Kind::Gauge | Kind::Histogram => "",
    };
    let (declared, kind) = match (format, family.kind) {
        (Format::OpenMetrics, Kind::Info) => (name.clone(), "info"),
        (Format::Prometheus, Kind::Info) => (format!("{name}{behind}"), "gauge"),
        (Format::OpenMetrics, Kind::Counter) => (name.clone(), "counter"),
        (Format::Prometheus, Kind::Counter) => (format!("{name}{behind}"), "counter"),
        (_, Kind::Gauge) => (name.clone(), "gauge"),
        (_, Kind::Histogram) => (name.clone(), "histogram"),
    };
    let _ = writeln!(out, "# HELP {declared} {}", family.help);
    let _ = writeln!(out, "# TYPE {declared} {kind}");
    if let Some(unit) = unit.filter(|_| format == Format::OpenMetrics) {
        let _ = writeln!(out, "# UNIT {declared} {unit}");
    }
    for (labels, value) in &family.points {
        let mut sample = |behind: &str, le: Option<&str>, value: &str| {
            out.push_str(&name);
            out.push_str(behind);
            let own = labels.iter().map(|(name, value)| (*name, value.as_str()));
            let mut open = '{';
            for (name, value) in own.chain(le.map(|le| ("le", le))) {
                let _ = write!(out, "{open}{name}=\"");
                escaped(out, value);
                out.push('"');
                open = ',';
            }
            let _ = writeln!(out, "{} {value}", if open == ',' { "}" } else { "" });
        };
        match value {
            Value::Count(count) => sample(behind, None, &count.to_string()),
            Value::Number(value) => sample(behind, None, &number(*value)),
            Value::Buckets(buckets) => {
                let mut sum: u64 = 0;
                for (place, count) in buckets.counts.iter().enumerate() {
                    sum = sum.saturating_add(*count);
                    let bound = buckets.bounds.get(place).map(|bound| bound_text(*bound, format));
                    sample("_bucket", Some(bound.as_deref().unwrap_or("+Inf")), &sum.to_string());
                }
                sample("_sum", None, &number(buckets.sum));
                sample("_count", None, &sum.to_string());
            }
        }
    }
}

/// In seconds. OpenMetrics writes a whole number with a dot, and to a Prometheus the text is what tells one bucket from another.
fn bound_text(bound: u64, format: Format) -> String {
    let seconds = bound as f64 / SECOND as f64;
    match format {
        Format::OpenMetrics => format!("{seconds:?}"),
        Format::Prometheus => seconds.to_string(),
    }
}

fn number(value: f64) -> String {
    match value {
        value if value.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        value => value.to_string(),
    }
}

fn escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
}
