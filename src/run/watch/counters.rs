//! Reads the raw samples of counters from a Prometheus: range selectors, and never a function that extrapolates. Before the load a scrape of
//! each target is waited for, and after it two that show the same.

use super::Watcher;
use crate::base::units::MILLISECOND;
use crate::engine::pace::clock::Clock;
use crate::measure::{Counted, CounterSeries, ScrapeTarget, scrape_interval};
use crate::plan::{Counter, Plan};
use crate::run::ask::ControlClient;
use crate::run::prometheus::{Prometheus, Sample, Series, number};
use crate::run::resolve::resolved::Resolved;
use crate::run::wall::Wall;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A Prometheus answers a range of samples within that.
const PATIENCE: Duration = Duration::from_secs(10);
/// One that cannot be asked for so long is waited for no more.
const GONE: Duration = Duration::from_secs(10);
/// A Prometheus that has just started knows its targets five seconds later.
const TO_FIND_TARGETS: Duration = Duration::from_secs(10);
/// Why a share of a load has no value of a counter.
const OF_A_SHARE: &str = "a counter holds what all shares send, and this one sends only a part of it";
/// As much time is read at once, in milliseconds.
const PIECE: i64 = 10 * 60_000;
/// Samples that are kept of a counter.
const KEPT: usize = 20_000;
/// Series that a counter may have.
const SERIES: usize = 5_000;

type Labels = BTreeMap<String, String>;
type Samples = Vec<(i64, f64)>;
type Matrix = BTreeMap<Labels, Samples>;

/// The counters of a plan, whose load has not begun.
pub struct Counters<'p> {
    plan: &'p Plan,
    client: Option<ControlClient>,
    open: Vec<Open>,
}

/// One of them: what was found out before the load. Instants are in milliseconds of Unix time, by the clock of the Prometheus.
struct Open {
    url: String,
    /// From when on nothing but the load sends.
    from: i64,
    interval: i64,
    /// By how much its clock is ahead of ours, and how exactly that is known.
    ahead: i64,
    skew: i64,
    problem: Option<String>,
}

impl<'p> Counters<'p> {
    /// Waits until what each counter began with has been scraped.
    pub async fn before(plan: &'p Plan, known: &Resolved) -> Result<Counters<'p>, String> {
        let mut urls = Vec::new();
        for counter in &plan.counters {
            let address = plan.monitors.get(counter.monitor).and_then(|monitor| monitor.address.as_ref());
            let url = address.map_or_else(|| Ok(String::new()), |pieces| known.text(pieces));
            urls.push(url.map_err(|why| format!("where something is watched: {why}"))?);
        }
        let client = Watcher::client(&urls.iter().map(String::as_str).collect::<Vec<&str>>(), known, PATIENCE)?;
        let mut counters = Counters { plan, client, open: Vec::new() };
        // Nothing is sent in between, so one scrape may do for all.
        let (from, begin) = (now(), Instant::now());
        for (counter, url) in plan.counters.iter().zip(urls) {
            let lost = counters.open.iter().find(|open| open.url == url).and_then(|open| open.problem.clone());
            let mut open = Open { url, from, interval: 0, ahead: 0, skew: 0, problem: lost };
            if open.problem.is_none() {
                counters.prepare(counter, &mut open, begin).await;
            }
            counters.open.push(open);
        }
        Ok(counters)
    }

    async fn prepare(&self, counter: &Counter, open: &mut Open, begin: Instant) {
        let skew = async { self.server(&open.url)?.skew().await };
        match skew.await {
            Ok(skew) => (open.ahead, open.skew) = (skew.ahead_in_millis(), skew.doubt_in_millis()),
            Err(problem) => {
                open.problem = Some(problem);
                return;
            }
        }
        open.from += open.ahead;
        let mut patience = Patience::new(begin, counter.settle);
        loop {
            let long = if open.interval > 0 { 5 * open.interval } else { counter.settle_ms() };
            let back = now() + open.ahead - open.from + long;
            match self.ups(&open.url, counter, back).await {
                Ok(up) => {
                    patience.heard();
                    open.interval = interval(&up);
                    let last = |samples: &Samples| samples.last().is_some_and(|(at, _)| *at >= open.from);
                    // One that has vanished is scraped no more.
                    let is_there = |samples: &&Samples| {
                        let since = now() + open.ahead - samples.last().map_or(i64::MIN / 2, |(at, _)| *at);
                        open.interval == 0 || since <= 3 * open.interval
                    };
                    if !up.is_empty() && open.interval > 0 && up.values().filter(is_there).all(last) {
                        return;
                    }
                    if up.is_empty() && patience.waited() > TO_FIND_TARGETS && self.has_no_targets(&open.url).await {
                        return;
                    }
                }
                Err(problem) if patience.is_lost() => {
                    open.problem = Some(problem);
                    return;
                }
                Err(_) => {}
            }
            if patience.is_over() {
                return;
            }
            tokio::time::sleep(pause(open.interval)).await;
        }
    }

    /// What was counted, after a load that began and ended by a clock. Waits until scrapes show that nothing more comes.
    pub async fn after(&self, clock: Clock, ended: u64) -> Vec<Counted> {
        let since = Instant::now().saturating_duration_since(clock.instant(0));
        let began = now() - i64::try_from(since.as_millis()).unwrap_or(0);
        let ended = began + i64::try_from(ended / MILLISECOND).unwrap_or(0);
        let begin = Instant::now();
        let mut all: Vec<Counted> = Vec::new();
        let mut lost: Vec<(&str, String)> = Vec::new();
        for (place, (counter, open)) in self.plan.counters.iter().zip(&self.open).enumerate() {
            let known = lost.iter().find(|(url, _)| *url == open.url).map(|(_, problem)| problem.clone());
            let of_share = (self.plan.share.count > 1).then(|| OF_A_SHARE.to_owned());
            let mut counted = match of_share.or_else(|| open.problem.clone()).or(known) {
                Some(problem) => Counted { problem: Some(problem), ..Counted::default() },
                None => self.read(counter, open, (began + open.ahead, ended + open.ahead), begin).await,
            };
            lost.extend(counted.problem.clone().map(|problem| (open.url.as_str(), problem)));
            counted.counter = place;
            all.push(counted);
        }
        all
    }

    async fn read(&self, counter: &Counter, open: &Open, (began, ended): (i64, i64), begin: Instant) -> Counted {
        let mut patience = Patience::new(begin, counter.settle);
        let mut settled = None;
        let mut interval = open.interval;
        while settled.is_none() && !patience.is_over() {
            let back = now() + open.ahead - ended + 5 * interval.max(1000);
            let both = match self.ups(&open.url, counter, back).await {
                Ok(up) => self.range(&open.url, &counter.selector, back, None).await.map(|own| (up, own)),
                Err(problem) => Err(problem),
            };
            match both {
                Ok((up, own)) => {
                    patience.heard();
                    interval = if interval == 0 { self::interval(&up) } else { interval };
                    interval = if interval == 0 { self::interval(&own) } else { interval };
                    settled = settles(&up, &own, ended, now() + open.ahead, interval);
                }
                Err(problem) if patience.is_lost() => return Counted { problem: Some(problem), ..Counted::default() },
                Err(_) => {}
            }
            if settled.is_none() {
                tokio::time::sleep(pause(interval)).await;
            }
        }
        let until = now() + open.ahead;
        let from = open.from - 5 * interval.max(1000);
        let read = async {
            let up = self.pieces(&open.url, &counter.up, (from, until)).await?;
            let own = self.pieces(&open.url, &counter.selector, (from, until)).await?;
            let starts = self.pieces(&open.url, &counter.starts, (from, until)).await?;
            if own.len() > SERIES {
                return Err(format!("`{}` selects more than {SERIES} series: name a label", counter.selector));
            }
            Ok((up, own, starts))
        };
        let (up, own, starts) = match read.await {
            Ok(read) => read,
            Err(problem) => return Counted { problem: Some(problem), ..Counted::default() },
        };
        let since =
            |samples: Samples| -> Samples { samples.into_iter().map(|(at, value)| (at - began, value)).collect() };
        let label = |labels: &Labels, name: &str| labels.get(name).cloned().unwrap_or_default();
        let place = |labels: &Labels| (label(labels, "job"), label(labels, "instance"));
        let mut starts: BTreeMap<(String, String), Samples> =
            starts.into_iter().map(|(labels, samples)| (place(&labels), since(samples))).collect();
        let mut targets = Vec::new();
        for (labels, samples) in up {
            let (job, instance) = place(&labels);
            let started = starts.remove(&(job.clone(), instance.clone()));
            let mut target = ScrapeTarget::new(job, instance, &since(samples), interval);
            target.started(&started.unwrap_or_default());
            targets.push(target);
        }
        let most = KEPT / own.len().max(1);
        let mut series = Vec::new();
        for (labels, samples) in own {
            let (job, instance) = place(&labels);
            let labels = labels.into_iter().filter(|(name, _)| name != "__name__").collect();
            let mut own = CounterSeries::new(labels, &since(samples), interval, most);
            own.target = targets.iter().position(|target| target.job == job && target.instance == instance);
            series.push(own);
        }
        // Of all that a Prometheus scrapes only the targets of these tell something.
        let of_these: Vec<bool> =
            (0..targets.len()).map(|at| series.iter().any(|own| own.target == Some(at))).collect();
        let mut moved = of_these.iter().scan(0, |next, kept| {
            *next += usize::from(*kept);
            Some(kept.then(|| *next - 1))
        });
        let moved: Vec<Option<usize>> = moved.by_ref().collect();
        series.iter_mut().for_each(|own| own.target = own.target.and_then(|at| moved[at]));
        let targets = targets.into_iter().zip(of_these).filter_map(|(target, kept)| kept.then_some(target)).collect();
        Counted {
            counter: 0,
            from: open.from - began,
            until: until - began,
            settled: settled.map(|at| at - began),
            interval,
            skew: open.skew,
            series,
            targets,
            problem: None,
        }
    }

    /// When the targets of a counter were scraped, or all targets where it has none.
    async fn ups(&self, url: &str, counter: &Counter, back: i64) -> Result<Matrix, String> {
        let own = self.range(url, &counter.up, back, None).await?;
        if own.is_empty() { self.range(url, "up", back, None).await } else { Ok(own) }
    }

    /// All samples of a selector in a time, read in pieces.
    async fn pieces(&self, url: &str, selector: &str, (from, until): (i64, i64)) -> Result<Matrix, String> {
        let mut all = Matrix::new();
        let mut start = from;
        while start < until {
            let end = (start + PIECE).min(until);
            for (labels, samples) in self.range(url, selector, end - start, Some(end)).await? {
                let own = all.entry(labels).or_default();
                let last = own.last().map_or(i64::MIN, |(at, _)| *at);
                own.extend(samples.into_iter().filter(|(at, _)| *at > last));
            }
            start = end;
        }
        Ok(all)
    }

    /// The samples of a selector in the last milliseconds before an instant, or before now.
    async fn range(&self, url: &str, selector: &str, back: i64, at: Option<i64>) -> Result<Matrix, String> {
        let query = format!("{selector}[{}ms]", back.max(1));
        let answer = self.server(url)?.query(&query, at.map(Wall::from_millis)).await?;
        answer.matrix().map(matrix)
    }

    fn server(&self, url: &str) -> Result<Prometheus, String> {
        let client = self.client.clone().ok_or("there is no Prometheus to ask")?;
        Ok(Prometheus::new(client, url.to_owned()))
    }

    /// Without targets there is no scrape to wait for.
    async fn has_no_targets(&self, url: &str) -> bool {
        let Ok(server) = self.server(url) else { return true };
        server.targets().await.is_ok_and(|targets| targets.is_empty())
    }
}

impl Counter {
    fn settle_ms(&self) -> i64 {
        i64::try_from(self.settle / MILLISECOND).unwrap_or(i64::MAX / 4)
    }
}

/// How long something is waited for.
struct Patience {
    begin: Instant,
    end: Instant,
    heard: Instant,
}

impl Patience {
    fn new(begin: Instant, settle: u64) -> Patience {
        Patience { begin, end: begin + Duration::from_nanos(settle), heard: Instant::now() }
    }

    fn heard(&mut self) {
        self.heard = Instant::now();
    }

    fn waited(&self) -> Duration {
        self.begin.elapsed()
    }

    fn is_lost(&self) -> bool {
        self.heard.elapsed() >= GONE || self.is_over()
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.end
    }
}

/// Unix time in milliseconds.
fn now() -> i64 {
    Wall::now().as_millis()
}

/// How long until the next look at what is scraped so often.
fn pause(interval: i64) -> Duration {
    Duration::from_millis((interval / 4).clamp(100, 2000) as u64)
}

fn interval(matrix: &Matrix) -> i64 {
    let instants: Vec<Vec<i64>> = matrix.values().map(|own| own.iter().map(|(at, _)| *at).collect()).collect();
    scrape_interval(instants.iter().map(Vec::as_slice))
}

/// From when on everything has shown the same in two scrapes after the end; `None` where that is not so yet. What is scraped no more is
/// not waited for.
fn settles(up: &Matrix, own: &Matrix, ended: i64, now: i64, interval: i64) -> Option<i64> {
    let goes_on = |samples: &&Samples| samples.last().is_some_and(|(at, _)| interval == 0 || now - at <= 3 * interval);
    let after = |samples: &Samples| samples.iter().filter(|(at, _)| *at > ended).copied().collect::<Samples>();
    let mut since = ended;
    for samples in own.values().filter(goes_on) {
        let [.., (at, before), (_, last)] = after(samples)[..] else { return None };
        if before != last {
            return None;
        }
        since = since.max(at);
    }
    // A series may still be about to appear: each target was scraped twice.
    let scraped = |samples: &Samples| after(samples).len() >= 2;
    let is_scraped = match up.is_empty() {
        true => interval > 0 || !own.is_empty(),
        false => up.values().filter(goes_on).all(scraped) && up.values().any(|samples| after(samples).len() >= 2),
    };
    is_scraped.then_some(since)
}

/// Series with their samples, in milliseconds; what is no number is left out.
fn matrix(all: Vec<Series>) -> Matrix {
    let sample = |sample: &Sample| {
        let value = number(sample).ok().filter(|value| value.is_finite())?;
        Some((Wall::seconds(sample.0).as_millis(), value))
    };
    all.into_iter().map(|own| (own.metric, own.values.iter().filter_map(sample).collect())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::prometheus::Answer;

    /// The example of the API's own description (prometheus.io, HTTP API, range vectors), as an instant query of a range gives it.
    #[test]
    fn an_answer_is_series_with_their_samples() {
        let answer = r#"{"resultType":"matrix","result":[
            {"metric":{"__name__":"up","job":"prometheus"},"values":[[1435781430.781,"1"],[1435781445.781,"NaN"],[1435781460.7805,"2.5"]]},
            {"metric":{"__name__":"up","job":"node"},"values":[]}]}"#;
        let answer: Answer = serde_json::from_str(answer).unwrap();
        let all: Vec<Samples> = matrix(answer.matrix().unwrap()).into_values().collect();
        assert_eq!(all, [vec![], vec![(1_435_781_430_781, 1.0), (1_435_781_460_781, 2.5)]]);
    }

    fn one(samples: &[(i64, f64)]) -> Matrix {
        Matrix::from([(Labels::new(), samples.to_vec())])
    }

    #[test]
    fn it_has_settled_when_two_scrapes_after_the_end_show_the_same() {
        let up = one(&[(0, 1.0), (1000, 1.0), (2000, 1.0), (3000, 1.0)]);
        let settled = |own: &[(i64, f64)]| settles(&up, &one(own), 1500, 3100, 1000);
        assert_eq!(settled(&[(0, 1.0), (1000, 5.0), (2000, 9.0), (3000, 9.0)]), Some(2000));
        assert_eq!(settled(&[(0, 1.0), (1000, 5.0), (2000, 8.0), (3000, 9.0)]), None, "it still counts");
        assert_eq!(settled(&[(0, 1.0), (1000, 9.0), (2000, 9.0)]), None, "one scrape since the end");
        assert_eq!(settles(&up, &Matrix::new(), 1500, 3100, 1000), Some(1500), "nothing was counted at all");
        assert_eq!(settles(&up, &Matrix::new(), 2500, 3100, 1000), None, "it may still appear");
        assert_eq!(settles(&Matrix::new(), &Matrix::new(), 0, 3100, 0), None);
        // What is scraped no more is not waited for.
        let gone = one(&[(-9000, 7.0)]);
        assert_eq!(settles(&up, &gone, 1500, 3100, 1000), Some(1500));
    }
}
