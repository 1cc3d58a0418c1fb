//! The baselines of a scenario: the runs to compare with, and what is kept of new runs.

use super::args::{HowArgs, Runs};
use super::history::StableRuns;
use super::output::Terminal;
use super::source::split;
use crate::base::shown::escaped_line;
use crate::base::units::{counted, duration};
use crate::baseline::{self, BaselineRun, Entry, Facts, SCHEMA, Statistic};
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
    /// The runs of its history, where no file keeps a baseline.
    stable: Option<StableRuns>,
}

impl Against {
    /// What is kept next to a file, on this machine, where the plan asks for it. Files that cannot be read are told.
    pub fn here(plan: &Plan, file: &str, accept_environment: bool, terminal: &Terminal) -> Result<Against, u8> {
        let against = Against { accept_environment, ..Against::unread(inputs::host(), plan, file) };
        if !compares(plan) {
            return Ok(against);
        }
        let kept = read(&against.baselines, terminal)?;
        for problem in &kept.problems {
            terminal.error(&format!("a run of a baseline is left out: {problem}"));
        }
        Ok(Against { entries: kept.entries, ..against })
    }

    /// The same. Where no baseline is kept, it is the current stable segment of the history.
    pub fn here_or_history(
        plan: &Plan,
        file: &str,
        (how, accept): (&HowArgs, bool),
        terminal: &Terminal,
    ) -> Result<Against, u8> {
        let against = Against::here(plan, file, accept, terminal)?;
        if !compares(plan) || !baseline::newest_set(&against.entries, None, plan.profile.as_deref()).is_empty() {
            return Ok(against);
        }
        match StableRuns::of(plan, split(file).0, how) {
            Ok(stable) => Ok(Against { stable: Some(stable), ..against }),
            Err(problem) => {
                terminal.err(&format!("warning: the history cannot be compared with: {}\n", escaped_line(&problem)));
                Ok(against)
            }
        }
    }

    /// For runs that are kept, and compared with nothing.
    pub fn unread(machine: Host, plan: &Plan, file: &str) -> Against {
        let baselines = Baselines::of(Path::new(split(file).0), &plan.scenario);
        let (entries, facts) = (Vec::new(), Facts::of(plan, machine, VERSION));
        Against { baselines, entries, facts, accept_environment: false, stable: None }
    }

    /// What these runs say against the baselines that the plan asks for, where more of them may follow.
    pub fn others(&self, plan: &Plan, runs: &[Vec<Statistic>], looks: Runs) -> Others {
        let mut notes: Vec<String> = Vec::new();
        let mut note = |text: String| {
            if !notes.contains(&text) {
                notes.push(text);
            }
        };
        let mut before: Vec<BaselineRun> = Vec::new();
        let mut looked = |name: Option<&str>, metric: &crate::plan::MetricKey, function| {
            let asked = (name, plan.profile.as_deref());
            let of_history = match (&self.stable, name) {
                (Some(stable), None) => Some(stable.segment(plan, metric)?),
                _ => None,
            };
            let entries = of_history.as_ref().unwrap_or(&self.entries);
            let choice = baseline::choose(entries, asked, &self.facts, self.accept_environment)?;
            if let (Some(_), Some(first)) = (&of_history, choice.runs.first()) {
                let runs = counted(choice.runs.len() as u64, "run");
                note(format!(
                    "`{metric}` is compared with its current stable segment in the history, {runs} since {}, because no baseline is kept",
                    first.started
                ));
            }
            for accepted in &choice.accepted {
                note(format!("compared with a baseline of another machine, as was asked for: {accepted}"));
            }
            for (run, why) in &choice.left_out {
                note(format!("the run `{run}` of the baseline is left out, since {why}"));
            }
            for remark in choice.runs.iter().flat_map(|entry| self.facts.remarks(&entry.facts)) {
                note(format!("unlike in the baseline, {remark}"));
            }
            for run in choice.runs.iter().map(|entry| entry.as_run()) {
                if !before.contains(&run) {
                    before.push(run);
                }
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
        before.sort_by(|one, other| one.started.cmp(&other.started));
        (others.notes, others.runs) = (notes, before);
        others
    }

    /// What a record keeps of it.
    pub fn context(&self, others: Others) -> Context {
        context(&self.facts.machine, others)
    }

    /// The set that a run is added to: the newest that did the same on a machine like this, else one of its own.
    pub fn set_for(
        &self,
        name: Option<&str>,
        profile: Option<&str>,
        terminal: &Terminal,
    ) -> Result<Option<String>, u8> {
        let there = self.there(terminal)?;
        let set = baseline::newest_set(&there, name, profile);
        let same = set.iter().all(|entry| self.facts.differences(&entry.facts).is_empty());
        Ok(set.first().filter(|_| same).map(|entry| entry.set.clone()))
    }

    /// What is there when a run is kept: others may have written since it began.
    fn there(&self, terminal: &Terminal) -> Result<Vec<Entry>, u8> {
        let kept = self.baselines.read().map_err(|error| not_kept(&error.to_string(), terminal))?;
        Ok(kept.entries)
    }

    /// Whether a run is one of a baseline already.
    pub fn has(&self, stats: &Stats) -> bool {
        self.baselines.file(&stats.id).exists()
    }

    /// Keeps a run, as one of a set or as the first of one; the set that it is in.
    pub fn keep(
        &self,
        (plan, stats, commit): (&Plan, &Stats, Option<&str>),
        (set, name): (Option<String>, Option<&str>),
        terminal: &Terminal,
    ) -> Result<String, u8> {
        let there = self.there(terminal)?;
        if there.iter().any(|entry| entry.started > stats.started) {
            terminal.err("the clock of this machine is behind that of an earlier run of a baseline; runs are told apart by their numbers\n");
        }
        let set = set.unwrap_or_else(|| stats.id.clone());
        let number = there.iter().map(|entry| entry.number).max().unwrap_or(0).saturating_add(1);
        let entry = entry((plan, stats, commit), self.facts.machine.clone(), &set);
        let entry = Entry { number, name: name.map(str::to_owned), facts: self.facts.clone(), ..entry };
        let path = self.baselines.add(&entry).map_err(|error| not_kept(&error.to_string(), terminal))?;
        terminal.err(&format!("kept as a run of the baseline in {}\n", escaped_line(&path.display().to_string())));
        Ok(set)
    }
}

/// A run as a baseline keeps it, as the first of a set without a name.
pub fn entry((plan, stats, commit): (&Plan, &Stats, Option<&str>), machine: Host, set: &str) -> Entry {
    Entry {
        schema: SCHEMA,
        run: stats.id.clone(),
        number: 1,
        set: set.to_owned(),
        name: None,
        scenario: plan.scenario.clone(),
        profile: plan.profile.clone(),
        started: stats.started.clone(),
        commit: commit.map(str::to_owned),
        seed: stats.seed,
        plan_sha256: plan.fingerprint.clone(),
        facts: Facts::of(plan, machine, VERSION),
        metrics: metric::statistics(plan, stats),
        times: metric::recorded(plan, stats),
    }
}

/// What a record keeps of the machine that a run was made on, and of other runs.
pub fn context(machine: &Host, others: Others) -> Context {
    Context { stressc: VERSION.to_owned(), machine: machine.clone(), commit: None, others }
}

fn not_kept(problem: &str, terminal: &Terminal) -> u8 {
    terminal.error(&format!("the run is not kept as a baseline: {problem}"));
    super::COULD_NOT_RUN
}

/// All runs that are kept of a scenario.
pub fn read(baselines: &Baselines, terminal: &Terminal) -> Result<Kept, u8> {
    baselines.read().map_err(|error| {
        terminal.error(&format!("the baselines cannot be read: {error}"));
        super::COULD_NOT_RUN
    })
}

/// Whether something in a plan is held against a baseline.
fn compares(plan: &Plan) -> bool {
    let mut compares = false;
    plan.conditions(&mut |condition| compares |= condition.has_baseline());
    compares
}

/// Why a run cannot serve as a baseline. Reasons that concern the baseline itself are left to the caller.
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

/// The longest time that this many runs take: their loads and the waits after them.
pub fn most_time(plans: &[&Plan], runs: Runs) -> String {
    let each = plans.iter().map(|plan| plan.over()).max().unwrap_or(0);
    let all = each.saturating_mul(runs.most as u64);
    let most = counted(runs.most as u64, "run");
    let how_many = match runs.least == runs.most {
        true => most,
        false => format!("{} to {most}", runs.least),
    };
    format!(
        "{how_many} of {} at most: {} in all, without the time that services take to start",
        duration(each),
        duration(all)
    )
}
