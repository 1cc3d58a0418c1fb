//! What is watched beside requests: the series of services and monitors that are read once a second.

use super::{Condition, Metric, Plan, Range, SeriesSource, Subject, Type, Watched};

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
            }));
        }
        self.metrics(&mut |metric| {
            if let Metric::Other { subject: Subject::Series(series), .. } = metric
                && !all.iter().any(|known| known.is_same(series))
            {
                all.push(series.clone());
            }
        });
        all
    }

    /// Whether some condition speaks of it.
    pub fn asks_for(&self, watched: &Watched) -> bool {
        let mut asks = false;
        self.metrics(&mut |metric| {
            asks |= matches!(metric, Metric::Other { subject: Subject::Series(series), .. } if series.is_same(watched));
        });
        asks
    }

    /// As it is written in a condition, by its full name.
    pub fn name_of(&self, watched: &Watched) -> String {
        let service = |index: usize| self.services.get(index).map_or("service", |service| service.name.as_str());
        let what = &watched.what;
        match watched.source {
            SeriesSource::Service(index) => format!("{}.{what}", service(index)),
            SeriesSource::ServiceMetric(index) => format!("{}.metric(\"{what}\")", service(index)),
            SeriesSource::Monitor(index) => match self.monitors.get(index) {
                Some(monitor) => monitor.series_text(what),
                None => what.clone(),
            },
            SeriesSource::Host => format!("host.{what}"),
        }
    }

    /// The windows of metrics that are compared over time.
    pub(super) fn tenths(&self, each: &mut impl FnMut(Range)) {
        self.written_metrics(&mut |metric| {
            if let Metric::Drift { first, last } = metric {
                [first, last].into_iter().flat_map(|part| part.ranges()).for_each(|range| each(*range));
            }
        });
    }

    /// Every metric that decides something, during the run or after it; one that drifts as its two parts.
    pub fn metrics<'p>(&'p self, each: &mut impl FnMut(&'p Metric)) {
        self.written_metrics(&mut |metric| match metric {
            Metric::Drift { first, last } => {
                each(first);
                each(last);
            }
            other => each(other),
        });
    }

    fn written_metrics<'p>(&'p self, each: &mut impl FnMut(&'p Metric)) {
        let mut of = |condition: &'p Condition| condition.metrics(each);
        self.expectations.iter().for_each(|expectation| of(&expectation.condition));
        let steady = self.steady_states.iter().flat_map(|steady| &steady.conditions);
        steady.for_each(|expectation| of(&expectation.condition));
        self.aborts.iter().for_each(|abort| of(&abort.condition));
        self.searches.iter().for_each(|search| of(&search.condition));
    }
}

impl Metric {
    fn ranges(&self) -> Vec<&Range> {
        match self {
            Metric::Requests(requests) => {
                let load = requests.load.iter().flat_map(|(_, ranges)| ranges);
                requests.samples.iter().flat_map(|samples| &samples.ranges).chain(load).collect()
            }
            Metric::Other { ranges, .. } => ranges.iter().collect(),
            Metric::Drift { first, last } => [first, last].into_iter().flat_map(|part| part.ranges()).collect(),
        }
    }
}

impl Watched {
    /// Whether both are read from the same place, whatever one is worth in them.
    pub fn is_same(&self, other: &Watched) -> bool {
        self.source == other.source && self.what == other.what
    }
}
