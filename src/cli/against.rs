//! The baselines of a scenario, for whoever runs it: what its runs are compared with, and what is kept of them.

use super::args::Runs;
use super::output::Terminal;
use super::source::split;
use crate::base::shown::escaped_line;
use crate::base::units::duration;
use crate::baseline::{self, Entry, Facts, SCHEMA, Statistic};
use crate::judge::{Others, TrustState, Verdict, VerdictKind};
use crate::measure::Stats;
use crate::plan::{Host, Plan};
use crate::store::{Baselines, Context, Kept};
use crate::{inputs, metric};
use std::path::Path;

pub const VERSION: &str = env!("CARGO_PKG_VERSION");

pub struct Against {
    baselines: Baselines,
    entries: Vec<Entry>,
    pub facts: Facts,
    accept_environment: bool,
}

impl Against {
    /// What is kept beside a file, on this machine. Files that cannot be read are told.
    pub fn here(plan: &Plan, file: &str, accept_environment: bool, terminal: &Terminal) -> Result<Against, u8> {
        Against::on(inputs::host(), plan, file, accept_environment, terminal)
    }

    pub fn on(
        machine: Host,
        plan: &Plan,
        file: &str,
        accept_environment: bool,
        terminal: &Terminal,
    ) -> Result<Against, u8> {
        let baselines = Baselines::of(Path::new(split(file).0), &plan.scenario);
        let asked = compares(plan);
        let kept = match baselines.read() {
            Ok(kept) => kept,
            Err(error) if asked => {
                terminal.error(&format!("the baselines cannot be read: {error}"));
                return Err(super::COULD_NOT_RUN);
            }
            // Whoever keeps a run finds it out.
            Err(_) => Kept::default(),
        };
        for problem in kept.problems.iter().filter(|_| asked) {
            terminal.error(&format!("a run of a baseline is left out: {problem}"));
        }
        let facts = Facts::of(plan, machine, VERSION);
        Ok(Against { baselines, entries: kept.entries, facts, accept_environment })
    }

    /// What these runs say against the baselines that the plan asks for, where more of them may follow.
    pub fn others(&self, plan: &Plan, runs: &[Vec<Statistic>], looks: Runs) -> Others {
        let mut notes: Vec<String> = Vec::new();
        let mut note = |text: String| {
            if !notes.contains(&text) {
                notes.push(text);
            }
        };
        let mut looked = |name: Option<&str>, metric: &crate::plan::MetricKey, function| {
            let asked = (name, plan.profile.as_deref());
            let choice = baseline::choose(&self.entries, asked, &self.facts, self.accept_environment)?;
            for accepted in &choice.accepted {
                note(format!("compared with a baseline of another machine, as was asked for: {accepted}"));
            }
            for (run, why) in &choice.left_out {
                note(format!("the run `{run}` of the baseline is left out, since {why}"));
            }
            for remark in choice.runs.iter().flat_map(|entry| self.facts.remarks(&entry.facts)) {
                note(format!("unlike in the baseline, {remark}"));
            }
            let found: Vec<Statistic> =
                choice.runs.iter().filter_map(|entry| entry.statistic(metric, function)).collect();
            match found.is_empty() {
                true => Err(format!("no run of the baseline has a value of `{metric}`: record a new one")),
                false => Ok(found),
            }
        };
        let alpha = |before: usize, now: usize| baseline::alpha_at(before, now, (looks.least, looks.most));
        let mut others = match runs.len() < looks.least {
            true => Others::waiting(plan, &format!("it is compared from {} runs on", looks.least)),
            false => Others::of(plan, runs, &mut looked, &alpha),
        };
        others.notes = notes;
        others
    }

    /// What a record keeps of it.
    pub fn context(&self, others: Others) -> Context {
        Context { stressc: VERSION.to_owned(), machine: self.facts.machine.clone(), others }
    }

    /// The set that a run is added to: the newest that did the same on a machine like this, else one of its own.
    pub fn set_for(&self, name: Option<&str>, profile: Option<&str>) -> Option<String> {
        let set = baseline::newest_set(&self.entries, name, profile);
        let same = set.iter().all(|entry| self.facts.differences(&entry.facts).is_empty());
        set.first().filter(|_| same).map(|entry| entry.set.clone())
    }

    /// Keeps a run, as one of a set or as the first of one; the set that it is in.
    pub fn keep(
        &self,
        (plan, stats): (&Plan, &Stats),
        (set, name): (Option<String>, Option<&str>),
        terminal: &Terminal,
    ) -> Result<String, u8> {
        let failed = |problem: String| {
            terminal.error(&format!("the run is not kept as a baseline: {problem}"));
            super::COULD_NOT_RUN
        };
        // Others may have written since this run began.
        let there = self.baselines.read().map_err(|error| failed(error.to_string()))?.entries;
        if there.iter().any(|entry| entry.started > stats.started) {
            terminal.err("the clock of this machine is behind that of an earlier run of a baseline; runs are told apart by their numbers\n");
        }
        let set = set.unwrap_or_else(|| stats.id.clone());
        let entry = Entry {
            schema: SCHEMA,
            run: stats.id.clone(),
            number: there.iter().map(|entry| entry.number).max().unwrap_or(0).saturating_add(1),
            set: set.clone(),
            name: name.map(str::to_owned),
            scenario: plan.scenario.clone(),
            profile: plan.profile.clone(),
            started: stats.started.clone(),
            seed: stats.seed,
            plan_sha256: plan.fingerprint.clone(),
            facts: self.facts.clone(),
            metrics: metric::statistics(plan, stats),
            times: metric::recorded(plan, stats),
        };
        let path = self.baselines.add(&entry).map_err(|error| failed(error.to_string()))?;
        terminal.err(&format!("kept as a run of the baseline in {}\n", escaped_line(&path.display().to_string())));
        Ok(set)
    }
}

/// Whether something in a plan is held against a baseline.
fn compares(plan: &Plan) -> bool {
    let mut compares = false;
    plan.conditions(&mut |condition| condition.measured(&mut |measured| compares |= measured.has_baseline()));
    compares
}

/// Why a run is no measure for others; what a baseline says of it is left to whoever keeps it.
pub fn refused(verdict: &Verdict, may_have_failed: bool) -> Option<String> {
    if verdict.trust.state == TrustState::Untrusted {
        let why = verdict.trust.reasons.first().map_or("the generator could not keep up", String::as_str);
        return Some(format!("its numbers are not trusted: {why}"));
    }
    match verdict.kind {
        VerdictKind::Passed | VerdictKind::Inconclusive => None,
        VerdictKind::Failed if may_have_failed => None,
        VerdictKind::Failed => {
            Some("it failed; where the change is meant, keep it by `stressc baseline accept FILE:SCENARIO`".to_owned())
        }
        VerdictKind::Untrusted => Some("its numbers are not trusted".to_owned()),
        VerdictKind::Aborted | VerdictKind::Error => Some("it was not run to its end".to_owned()),
    }
}

/// How long so many runs can take at most: their loads with what they wait for behind them.
pub fn most_time(plan: &Plan, runs: Runs) -> String {
    let each = plan.over();
    let all = each.saturating_mul(runs.most as u64);
    let count = |runs: usize| if runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") };
    let how_many = match runs.least == runs.most {
        true => count(runs.most),
        false => format!("{} to {}", runs.least, count(runs.most)),
    };
    format!("{how_many} of {} at most: {} in all, beside what services take to start", duration(each), duration(all))
}
