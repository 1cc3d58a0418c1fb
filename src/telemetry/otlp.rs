//! Families of metrics as a message of OTLP (OpenTelemetry protocol 1.x): cumulative sums and histograms, and gauges.

use super::buckets::Buckets;
use super::counters::Labels;
use super::families::{Family, Kind, PREFIX, Unit, Value};
use crate::base::units::SECOND;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
    ScopeMetrics, Sum, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use std::time::{SystemTime, UNIX_EPOCH};

/// From when on counters count, and until when.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    start: u64,
    end: u64,
}

impl Span {
    pub fn new(start: SystemTime, end: SystemTime) -> Span {
        let since = |at: SystemTime| {
            at.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
        };
        Span { start: since(start), end: since(end) }
    }
}

/// All of it, of one process.
pub fn request(families: &[Family], span: Span) -> ExportMetricsServiceRequest {
    let version = env!("CARGO_PKG_VERSION");
    let attributes = vec![
        text("service.name", PREFIX),
        text("service.version", version),
        // Counters of another process begin anew.
        text("service.instance.id", &format!("{}-{}", std::process::id(), span.start)),
    ];
    let scope = InstrumentationScope { name: PREFIX.to_owned(), version: version.to_owned(), ..Default::default() };
    let metrics = families.iter().map(|family| metric(family, span)).collect();
    let scope_metrics = vec![ScopeMetrics { scope: Some(scope), metrics, ..Default::default() }];
    let resource = Some(Resource { attributes, ..Default::default() });
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics { resource, scope_metrics, ..Default::default() }],
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(any_value::Value::StringValue(value.to_owned())) };
    KeyValue { key: key.to_owned(), value: Some(value), ..Default::default() }
}

fn attributes(labels: &Labels) -> Vec<KeyValue> {
    labels.iter().map(|(name, value)| text(name, value)).collect()
}

fn metric(family: &Family, span: Span) -> Metric {
    let unit = match family.unit {
        Unit::Seconds => "s",
        Unit::Bytes => "By",
        Unit::Ratio => "1",
        Unit::Of(what) => what,
    };
    let temporality = AggregationTemporality::Cumulative as i32;
    let numbers = || family.points.iter().filter_map(|(labels, value)| number(labels, value, span)).collect();
    let data = match family.kind {
        Kind::Counter => {
            metric::Data::Sum(Sum { data_points: numbers(), aggregation_temporality: temporality, is_monotonic: true })
        }
        Kind::Gauge | Kind::Info => metric::Data::Gauge(Gauge { data_points: numbers() }),
        Kind::Histogram => {
            let points = family.points.iter().filter_map(|(labels, value)| histogram(labels, value, span));
            metric::Data::Histogram(Histogram { data_points: points.collect(), aggregation_temporality: temporality })
        }
    };
    Metric {
        name: format!("{PREFIX}.{}", family.name),
        description: family.help.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..Default::default()
    }
}

fn number(labels: &Labels, value: &Value, Span { start, end }: Span) -> Option<NumberDataPoint> {
    let value = match value {
        Value::Count(count) => number_data_point::Value::AsInt(i64::try_from(*count).unwrap_or(i64::MAX)),
        Value::Number(number) => number_data_point::Value::AsDouble(*number),
        Value::Buckets(_) => return None,
    };
    Some(NumberDataPoint {
        attributes: attributes(labels),
        start_time_unix_nano: start,
        time_unix_nano: end,
        value: Some(value),
        ..Default::default()
    })
}

fn histogram(labels: &Labels, value: &Value, Span { start, end }: Span) -> Option<HistogramDataPoint> {
    let Value::Buckets(Buckets { bounds, counts, sum }) = value else { return None };
    Some(HistogramDataPoint {
        attributes: attributes(labels),
        start_time_unix_nano: start,
        time_unix_nano: end,
        count: counts.iter().fold(0, |all: u64, count| all.saturating_add(*count)),
        sum: Some(*sum),
        bucket_counts: counts.clone(),
        explicit_bounds: bounds.iter().map(|bound| *bound as f64 / SECOND as f64).collect(),
        ..Default::default()
    })
}
