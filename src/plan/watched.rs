//! What is watched beside requests: the series of services and monitors that are read once a second.

use super::{Metric, Plan, SeriesSource, Type, Watched};

/// What a service is watched for, whether somebody asks or not: it tells what ran out first.
const OF_SERVICES: [(&str, Type); 4] =
    [("cpu", Type::Percent), ("memory", Type::Bytes), ("open_files", Type::Number), ("threads", Type::Number)];

impl Plan {
    /// All of them, in an order that only the plan decides: measurements name them by their place.
    pub fn watched(&self) -> Vec<Watched> {
        let mut all: Vec<Watched> = Vec::new();
        for service in 0..self.services.len() {
            all.extend(OF_SERVICES.map(|(what, unit)| Watched {
                source: SeriesSource::Service(service),
                what: what.to_owned(),
                worth: 1.0,
                unit,
                missing: None,
            }));
        }
        self.readings(&mut |series| {
            if !all.iter().any(|known| known.is_same(series)) {
                all.push(series.clone());
            }
        });
        all
    }

    /// Whether some condition speaks of it.
    pub fn asks_for(&self, watched: &Watched) -> bool {
        let mut asks = false;
        self.readings(&mut |series| asks |= series.is_same(watched));
        asks
    }

    /// As it is written in a condition, by its full name.
    pub fn name_of(&self, watched: &Watched) -> String {
        let service = |index: usize| self.services.get(index).map_or("service", |service| service.name.as_str());
        let what = &watched.what;
        match watched.source {
            SeriesSource::Service(index) => format!("{}.{what}", service(index)),
            SeriesSource::ServiceMetric(index) => format!("{}.metric({})", service(index), watched.quoted()),
            SeriesSource::Monitor(index) => match self.monitors.get(index) {
                Some(monitor) => monitor.series_text(what),
                None => what.clone(),
            },
            SeriesSource::Host => format!("host.{what}"),
        }
    }

    /// Every series of values over time that decides something, during the run or after it.
    fn readings(&self, each: &mut impl FnMut(&Watched)) {
        self.conditions(&mut |condition| condition.metrics(&mut |metric| of_metric(metric, each)));
    }
}

fn of_metric(metric: &Metric, each: &mut impl FnMut(&Watched)) {
    match metric {
        Metric::Series(readings) => each(&readings.series),
        Metric::Drift { fine, coarse } => fine.iter().chain(coarse).for_each(|part| of_metric(part, each)),
        Metric::Requests(_) | Metric::Recovery(_) | Metric::Capacity(_) | Metric::Scaling(_) => {}
        Metric::Crashes(_) | Metric::Ledger { .. } | Metric::Other { .. } => {}
    }
}

impl Watched {
    /// Whether the same is read of both, whatever one is worth in them.
    pub fn is_same(&self, other: &Watched) -> bool {
        self.source == other.source && self.what == other.what && self.missing == other.missing
    }
}
