//! What is watched in addition to requests: the series of services and monitors, read once a second.

use super::{Member, Metric, Plan, Series, SeriesSource, Type, Watched};

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
        let mut more = |series: &Watched| {
            if !all.iter().any(|known| known.is_same(series)) {
                all.push(series.clone());
            }
        };
        self.readings(&mut more);
        // Of every load, whether somebody asks or not: it says whether as much went on at a time as was meant.
        (0..self.loads.len()).for_each(|load| more(&Watched::in_flight(in_flight(load))));
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
            SeriesSource::Age(index) => match self.monitors.get(index) {
                Some(monitor) => monitor.age_text(what),
                None => what.clone(),
            },
            SeriesSource::Host => format!("host.{what}"),
            SeriesSource::InFlight { load, mix, flow, member } => {
                let load = load.and_then(|load| self.loads.get(load));
                let part = load.zip(mix).and_then(|(load, mix)| load.parts.get(mix)).map(|part| part.name.clone());
                let step = match member {
                    Member::Request(_) => {
                        let series = self.series.iter().find(|own| own.is_request() && watched.counts(own));
                        series.and_then(|own| self.request(own)).map(|request| request.name.clone())
                    }
                    _ => None,
                };
                let flow =
                    flow.filter(|_| load.is_none()).and_then(|flow| self.flows.get(flow)).map(|flow| flow.name.clone());
                let path = load.map(|load| load.name.clone()).into_iter().chain(part).chain(flow).chain(step);
                path.chain([what.clone()]).collect::<Vec<_>>().join(".")
            }
        }
    }

    /// The series of requests in flight, by their places in the list of what is watched, and of which series of requests each is.
    pub fn in_flight(&self) -> Vec<(u32, Vec<usize>)> {
        let of = |(place, watched): (u32, &Watched)| {
            let is_of = |own: &Series| own.is_request() && watched.counts(own);
            let series: Vec<usize> = (0..self.series.len()).filter(|index| is_of(&self.series[*index])).collect();
            matches!(watched.source, SeriesSource::InFlight { .. }).then_some((place, series))
        };
        (0..).zip(&self.watched()).filter_map(of).collect()
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
        // Its raw samples are read after the load.
        Metric::Counter(_) | Metric::Buckets(_) => {}
        Metric::Requests(_) | Metric::Recovery(_) | Metric::Capacity(_) | Metric::Scaling(_) => {}
        Metric::Crashes(_)
        | Metric::Ledger { .. }
        | Metric::Other { .. }
        | Metric::Alerts { .. }
        | Metric::Detection(_) => {}
    }
}

/// All requests of a load that are in flight.
const fn in_flight(load: usize) -> SeriesSource {
    SeriesSource::InFlight { load: Some(load), mix: None, flow: None, member: Member::All }
}

impl Watched {
    /// Whether it is that of all requests of a load.
    pub fn is_in_flight_of(&self, load: usize) -> bool {
        self.source == in_flight(load)
    }

    /// Whether requests of a series are among those whose number it is.
    fn counts(&self, own: &Series) -> bool {
        let SeriesSource::InFlight { load, mix, flow, member } = self.source else { return false };
        load.is_none_or(|load| load == own.load)
            && mix.is_none_or(|mix| mix == own.part)
            && flow.is_none_or(|flow| flow == own.flow)
            && (member == Member::All || member == own.member)
    }

    /// Whether the same is read of both, whatever one is worth in them.
    pub fn is_same(&self, other: &Watched) -> bool {
        self.source == other.source && self.what == other.what && self.missing == other.missing
    }
}
