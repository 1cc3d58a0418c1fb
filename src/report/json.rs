//! `run.json`: the result of a run for programs.

use super::Report;
use crate::base::units::SECOND;
use crate::measure::{Book, Happened, Injected, Stats, Violation, histogram};
use crate::metric::{Back, Outcome, Recovered};
use crate::plan::Plan;
use serde_json::{Value, json};

pub const SCHEMA: u32 = 1;

pub fn json(report: &Report<'_>) -> Vec<u8> {
    let Report { plan, stats, verdict, windows, failed, slowest, watched, recovered: _ } = report;
    let metrics: serde_json::Map<String, Value> =
        watched.iter().map(|watch| (watch.name.clone(), json!(watch))).collect();
    let expectations: Vec<Value> = plan
        .expectations
        .iter()
        .zip(verdict.expectations.iter().zip(&verdict.standings))
        .map(|(planned, (judged, standing))| {
            json!({
                "text": planned.text,
                "line": planned.line,
                "implied": planned.implied,
                "verdict": match judged.outcome {
                    Outcome::Held => "passed",
                    Outcome::Failed => "failed",
                    Outcome::Inconclusive => "inconclusive",
                },
                "value": judged.value,
                "bound": judged.bound,
                "samples": judged.samples,
                "reason": judged.reason,
                "standing": standing,
                "when_s": judged.when.map(|(from, to)| [seconds(from), seconds(to)]),
                "slices": judged.slices,
            })
        })
        .collect();
    let loads: Vec<Value> = plan
        .loads
        .iter()
        .enumerate()
        .map(|(index, load)| {
            let counts = stats.load(index, &[(0, u64::MAX)]);
            let lag = stats.lag(index);
            json!({
                "name": load.name,
                "planned": (0..load.stages.len()).map(|stage| stats.planned(plan, index, stage)).sum::<Option<u64>>(),
                "started": counts.started,
                "dropped": counts.dropped,
                "unsent": counts.unsent,
                "finished": counts.finished,
                "schedule_lag_ns": {
                    "p50": lag.value_at_quantile(0.5),
                    "p99": lag.value_at_quantile(0.99),
                    "max": if lag.is_empty() { 0 } else { lag.max() },
                    "samples": lag.len(),
                },
                "schedule_lag_hdr": interval_payload(&lag),
            })
        })
        .collect();
    let result = json!({
        "schema": SCHEMA,
        "id": stats.id,
        "file": plan.file,
        "scenario": plan.scenario,
        "profile": plan.profile,
        "seed": stats.seed,
        "plan_sha256": plan.fingerprint,
        "share": { "index": plan.share.index, "count": plan.share.count },
        "started": stats.started,
        "duration_s": stats.end() as f64 / SECOND as f64,
        "verdict": verdict.kind,
        "reason": verdict.reason,
        "problems": stats.problems,
        "restarts": stats.fell.iter().map(|(service, at, status)| json!({
            "service": service, "at": at, "status": status,
        })).collect::<Vec<_>>(),
        "aborted": stats.aborted.as_ref().map(|(at, reason)| json!({ "at_s": seconds(*at), "reason": reason })),
        "exit_code": verdict.exit_code,
        "trust": verdict.trust,
        "expectations": expectations,
        "loads": loads,
        "windows": windows,
        "examples": { "failed": failed, "slowest": slowest },
        "metrics": metrics,
        "faults": faults(report),
        "events": events(plan, stats),
        "ledgers": ledgers(plan, stats),
        "alerts": [],
        "generator": {
            "cpu_peak": stats.peak(|g| g.cpu),
            "links_cpu_peak": stats.peak(|g| g.links),
            "worker_busy_peak": stats.peak(|g| g.busy.iter().copied().fold(0.0, f64::max)),
            "poll_delay_p99_ns": stats.poll_delay(&[(0, u64::MAX)]).value_at_quantile(0.99),
            "worker_waiting_peak": stats.peak(|g| g.waiting.iter().copied().fold(0.0, f64::max)),
            "descriptors_peak": stats.peak(|g| g.descriptors as f64),
            "ports_peak": stats.peak(|g| g.ports as f64),
            "memory_peak": stats.peak(|g| g.memory as f64),
            "seconds": stats.generator,
        },
    });
    let mut bytes = serde_json::to_vec_pretty(&result).expect("a report is plain data");
    bytes.push(b'\n');
    bytes
}

/// Each time that a fault was in force, as asked for and as it was, and what became of the steady state around it.
fn faults(report: &Report<'_>) -> Vec<Value> {
    let (plan, stats) = (report.plan, report.stats);
    let steady = |found: &Recovered| {
        let back = if let Back::At(at) = found.back { Some(seconds(at)) } else { None };
        json!({ "lost_s": found.lost.map(|(from, _)| seconds(from)), "back_s": found.lost.and(back) })
    };
    let one = |(injected, recovered): (&Injected, &Option<Recovered>)| {
        json!({
            "name": stats.faults.get(injected.fault),
            "action": plan.faults.get(injected.fault).map(|fault| fault.action.name()),
            "template": plan.faults.get(injected.fault).and_then(|fault| fault.template.as_ref()),
            "mechanism": injected.mechanism,
            "planned_s": [seconds(injected.planned.0), seconds(injected.planned.1)],
            "applied_s": [seconds(injected.applied.0), seconds(injected.applied.1)],
            "withdrawn_s": injected.withdrawn.map(|(from, to)| [seconds(from), seconds(to)]),
            "effective": injected.is_effective(),
            "touched": injected.proof,
            "shown": injected.shown,
            "unproven": injected.unproven,
            "problem": injected.problem,
            "steady_state": recovered.as_ref().map(steady),
        })
    };
    stats.injected.iter().zip(&report.recovered).map(one).collect()
}

/// Each event that has begun, as asked for and as it was.
fn events(plan: &Plan, stats: &Stats) -> Vec<Value> {
    let one = |happened: &Happened| {
        let planned = plan.events.get(happened.event);
        json!({
            "name": planned.map(|event| &event.name),
            "planned_s": planned.map(|event| seconds(event.at)),
            "at_most_s": planned.map(|event| seconds(event.at_most)),
            "began_s": seconds(happened.began),
            "ended_s": happened.ended.map(seconds),
            "problem": happened.problem,
            "output": happened.output,
        })
    };
    stats.happened.iter().map(one).collect()
}

/// How the entries of each ledger ended, and what is wrong with the first of those with which something is.
fn ledgers(plan: &Plan, stats: &Stats) -> Vec<Value> {
    let wrong = |violation: &Violation| {
        json!({
            "kind": violation.kind,
            "key": violation.key,
            "outcome": violation.fate,
            "at_s": seconds(violation.at),
            "beside": super::beside_faults(violation.at, stats),
            "found": violation.found,
        })
    };
    let one = |(ledger, book): (&crate::plan::Ledger, &Book)| {
        let verified = book.verified.as_ref();
        json!({
            "name": ledger.name,
            "entries": book.booked,
            "verified": verified.map(|verified| verified.asked),
            "found": verified.map(|verified| verified.found),
            "lost": verified.map(|verified| verified.lost),
            "duplicated": verified.map(|verified| verified.duplicated),
            "resurrected": verified.map(|verified| verified.resurrected),
            "unverified": verified.map(|verified| book.booked.all().saturating_sub(verified.asked.all())),
            "problem": verified.and_then(|verified| verified.problem.as_ref()),
            "violations": verified.iter().flat_map(|verified| &verified.violations).map(wrong).collect::<Vec<_>>(),
        })
    };
    plan.ledgers.iter().zip(&stats.ledgers).map(one).collect()
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / SECOND as f64
}

/// A histogram in the exchange format (V2, deflated, base64), as interval logs carry it.
fn interval_payload(histogram: &hdrhistogram::Histogram<u64>) -> String {
    let line = crate::measure::interval_log::line("lag", 0, 0, &histogram::Counts::from_histogram(histogram));
    let text = String::from_utf8_lossy(&line).into_owned();
    text.trim_end().rsplit(',').next().unwrap_or("").to_owned()
}
