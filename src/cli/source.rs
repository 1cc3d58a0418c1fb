//! From `FILE[:SCENARIO]` to a program or a plan, with every diagnostic printed on the way.

use super::consent::distinct;
use super::output::{Terminal, err_width};
use crate::base::Sources;
use crate::base::units::counted;
use crate::check::program::{Later, Scenario, Suite, SuiteMember};
use crate::check::{Inputs, Program};
use crate::diag::{Code, Diagnostic, Diagnostics, Severity, render};
use crate::inputs::{self, Asked, Loaded};
use crate::plan::{Machine, Plan, Share};
use std::collections::HashMap;
use std::path::Path;

/// A file after the front end.
pub struct Checked {
    pub sources: Sources,
    pub program: Program,
    pub diagnostics: Diagnostics,
    pub inputs: Inputs,
}

/// A scenario ready to be run, with what is kept out of its plan.
pub struct Runnable {
    pub plan: Plan,
    /// What it was planned for.
    pub machine: Machine,
    /// What this version plans and does not run.
    pub later: Vec<String>,
    pub secrets: HashMap<String, String>,
    /// The text of its file, as a record keeps it.
    pub text: String,
    /// Why it cannot be run, as it would be shown.
    pub refused: Option<String>,
}

/// Parses and checks; `Err` is why the file could not be read.
pub fn check(path: &Path, asked: &Asked) -> Result<Checked, String> {
    inputs::load(path, asked).map(checked)
}

/// As [`check`], with the text that the file is going to have.
pub fn check_text(path: &Path, text: String, asked: &Asked) -> Result<Checked, String> {
    inputs::load_text(path, text, asked).map(checked)
}

fn checked(loaded: Loaded) -> Checked {
    let Loaded { sources, mut inputs, diagnostics, paths: _ } = loaded;
    let (program, meaning) = crate::check::check(&inputs, &sources);
    let diagnostics = crate::check::mend::mended(&mut inputs, &sources, &diagnostics, meaning);
    Checked { sources, program, diagnostics, inputs }
}

/// What `run` refuses of a file, at its place, so that nobody learns it there.
fn mentioned(program: &Program) -> Vec<Diagnostic> {
    let of_scenarios = program.scenarios.iter().flat_map(|scenario| &scenario.later).map(not_run);
    let mut all: Vec<Diagnostic> = Vec::new();
    for problem in of_scenarios {
        // Several scenarios may use one template.
        if !all.iter().any(|other| other.span() == problem.span() && other.message == problem.message) {
            all.push(problem);
        }
    }
    all
}

fn not_run(later: &Later) -> Diagnostic {
    let message = format!("this version plans and does not run {}", later.what);
    let problem = Diagnostic::new(Code::W0815, message, later.span, "not run yet");
    problem.help("`stressc plan` draws the scenario, and `stressc run` refuses it")
}

/// Plans every scenario of a program without errors, for what only a plan can know.
pub fn plans(checked: &mut Checked, file: &str, machine: Machine) -> Vec<Plan> {
    if checked.diagnostics.has_errors() {
        return Vec::new();
    }
    let mut plans = Vec::new();
    for scenario in &checked.program.scenarios {
        let (plan, more) = crate::plan::plan(scenario, file, Share::WHOLE, machine);
        checked.diagnostics.extend(more);
        plans.push(plan);
    }
    mentioned(&checked.program).into_iter().for_each(|problem| checked.diagnostics.push(problem));
    plans
}

/// As `plans`, where nobody asks for them.
pub fn diagnose(checked: &mut Checked, file: &str, machine: Machine) {
    if checked.diagnostics.has_errors() {
        return;
    }
    for scenario in &checked.program.scenarios {
        checked.diagnostics.extend(crate::plan::diagnose(scenario, file, machine));
    }
    mentioned(&checked.program).into_iter().for_each(|problem| checked.diagnostics.push(problem));
}

/// The scenario that a suite names.
pub fn member<'p>(program: &'p Program, member: &SuiteMember) -> Option<&'p Scenario> {
    let is_named = |scenario: &&Scenario| scenario.name.text == member.scenario;
    match &member.file {
        None => program.scenarios.iter().find(is_named),
        Some(file) => program.used.iter().filter(|(own, _)| own == file).map(|(_, scenario)| scenario).find(is_named),
    }
}

/// So many diagnostics are drawn with their lines.
const DRAWN: usize = 100;

impl Checked {
    /// What is said, in the order of the text, without the values of variables and the contents of files.
    pub fn told(&self, diagnostics: &Diagnostics) -> Vec<Diagnostic> {
        let variables = self.inputs.env.values().map(String::as_str);
        diagnostics.clone().told(variables.chain(self.inputs.texts().flat_map(telling)))
    }
}

/// What a text of a file tells: its lines, and what stands between the marks of a template. What is shorter is in every text.
fn telling<'t>(text: &'t str) -> impl Iterator<Item = &'t str> {
    const FEWEST: usize = 4;
    let between = |line: &'t str| {
        std::iter::once(line).chain(line.split(['{', '}']).filter(move |piece| piece.len() < line.len()))
    };
    text.lines().flat_map(between).filter(|piece| piece.trim().len() >= FEWEST)
}

pub fn print(diagnostics: &Diagnostics, checked: &Checked, terminal: &Terminal) {
    let told = checked.told(diagnostics);
    for diagnostic in told.iter().take(DRAWN) {
        terminal.err(&render::draw(diagnostic, &checked.sources, terminal.err_coloured(), err_width()));
        terminal.err("\n");
    }
    let count = |severity: Severity| told.iter().filter(|d| d.severity() == severity).count() as u64;
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let sum = match (errors, warnings) {
        (0, 0) => return,
        (0, w) => counted(w, "warning"),
        (e, 0) => counted(e, "error"),
        (e, w) => format!("{}, {}", counted(e, "error"), counted(w, "warning")),
    };
    // What could not be drawn, and what nobody looked for any more.
    match told.len().saturating_sub(DRAWN) + diagnostics.more() {
        0 => terminal.err(&format!("{sum}\n")),
        more => terminal.err(&format!("at least {sum}; {more} more are not shown, mend these first\n")),
    }
}

/// The plan of the named scenario, or of the only one. What is wrong is printed; `Err` is the exit code.
pub fn plan(
    argument: &str,
    share: Option<(u64, u64)>,
    asked: &Asked,
    tells: Tells,
    terminal: &Terminal,
) -> Result<Runnable, u8> {
    planned(argument, inputs::load(Path::new(split(argument).0), asked), share, tells, terminal)
}

/// What is told of a file that is planned.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tells {
    /// Also what `run` refuses, to who does not run it.
    AlsoNotRun,
    All,
    /// Nothing where it can be planned: nobody will mend a file as it was.
    Mistakes,
}

/// As [`plan`], of what was loaded.
pub fn planned(
    argument: &str,
    loaded: Result<Loaded, String>,
    share: Option<(u64, u64)>,
    tells: Tells,
    terminal: &Terminal,
) -> Result<Runnable, u8> {
    let (file, wanted) = split(argument);
    let usage = |message: &str| {
        terminal.error(message);
        super::DOES_NOT_CHECK
    };
    let mut checked = checked(loaded.map_err(|message| usage(&message))?);
    let share = share.map_or(Share::WHOLE, |(index, count)| Share { index: index - 1, count });
    let chosen = choose(&checked.program, file, wanted);
    // A scenario with a mistake in its arguments is not among them, and its mistake says more.
    let mistaken = |name: &str| checked.diagnostics.has_errors() && declares(&checked.inputs, name);
    if let (Some(wanted), Err(message)) = (wanted, &chosen)
        && !mistaken(wanted)
    {
        return Err(usage(message));
    }
    let planned = match (&chosen, checked.diagnostics.has_errors()) {
        (Ok(index), false) => {
            let scenario = &checked.program.scenarios[*index];
            let machine = inputs::machine();
            let (plan, more) = crate::plan::plan(scenario, file, share, machine);
            checked.diagnostics.extend(more);
            if share != Share::WHOLE
                && let Some(search) = plan.searches.first()
            {
                let load = &plan.loads[search.load].name;
                return Err(usage(&unshared(load)));
            }
            let secrets = secrets(scenario, &checked.inputs);
            let refused = refused(scenario, &checked.sources, terminal.err_coloured());
            let later = scenario.later.iter().map(|later| later.what.clone()).collect();
            if tells == Tells::AlsoNotRun {
                scenario.later.iter().for_each(|later| checked.diagnostics.push(not_run(later)));
            }
            let text = super::source_text::of(&plan.file, &checked.sources, &secrets);
            Some(Runnable { plan, machine, later, secrets, text, refused })
        }
        _ => None,
    };
    let failed = checked.diagnostics.has_errors();
    if failed || tells != Tells::Mistakes {
        print(&checked.diagnostics, &checked, terminal);
    }
    match (planned, chosen) {
        _ if failed => Err(super::DOES_NOT_CHECK),
        (Some(planned), _) => Ok(planned),
        (None, Err(message)) => Err(usage(&message)),
        (None, Ok(_)) => Err(super::DOES_NOT_CHECK),
    }
}

/// Why a search is not dealt to several machines.
fn unshared(load: &str) -> String {
    format!(
        "`{load}` searches, which cannot be shared: what is tried next rests on what came of all of the last trial, and shares \
         do not talk; run it without `--share`"
    )
}

/// What can be done with a suite, where a scenario is meant.
fn no_scenario(suite: &Suite, file: &str) -> String {
    let members = suite.areas.iter().flat_map(|area| &area.scenarios);
    let own = |member: &SuiteMember| format!("`{}:{}`", member.file.as_deref().unwrap_or(file), member.scenario);
    let runs: Vec<String> = members.map(own).collect();
    format!(
        "`{name}` is a suite, and a scenario is needed here; `stressc run {file}:{name}` runs it, `stressc plan {file}:{name}` draws \
         its overview, and its scenarios are {}",
        runs.join(", "),
        name = suite.name
    )
}

fn choose(program: &Program, file: &str, wanted: Option<&str>) -> Result<usize, String> {
    if let Some(suite) = program.suites.iter().find(|suite| Some(suite.name.text.as_str()) == wanted) {
        return Err(no_scenario(suite, file));
    }
    let names: Vec<&str> = program.scenarios.iter().map(|s| s.name.text.as_str()).collect();
    let list = names.iter().map(|name| format!("`{file}:{name}`")).collect::<Vec<_>>().join(", ");
    match (wanted, names.as_slice()) {
        (Some(wanted), names) => names.iter().position(|name| *name == wanted).ok_or_else(|| {
            let near = crate::base::suggest::similar(wanted, names.iter().copied());
            match near {
                Some(near) => format!(
                    "`{file}` has no scenario `{wanted}`{}",
                    crate::base::suggest::hint(&format!("{file}:{near}"))
                ),
                None if names.is_empty() => format!("`{file}` has no scenario"),
                None => format!("`{file}` has no scenario `{wanted}`; choose from {list}"),
            }
        }),
        (None, [_]) => Ok(0),
        (None, []) => Err(format!("`{file}` has no scenario to run")),
        (None, _) => Err(format!("`{file}` has several scenarios; name one: {list}")),
    }
}

/// Whether the file declares something of this name, in whatever state.
fn declares(inputs: &Inputs, name: &str) -> bool {
    let items = inputs.modules.first().map_or(&[][..], |module| &module.ast.items);
    items.iter().filter_map(|item| item.name()).any(|own| own.text == name)
}

/// The values of the secrets that a scenario speaks of.
pub fn secrets(scenario: &Scenario, inputs: &Inputs) -> HashMap<String, String> {
    let defaults = scenario.secret_defaults.iter().map(|(name, value, _)| (name.clone(), value.clone()));
    let mut secrets: HashMap<String, String> = defaults.collect();
    let named = scenario.secrets.iter().filter_map(|name| Some((name.clone(), inputs.env.get(name)?.clone())));
    secrets.extend(named);
    secrets
}

/// Why a scenario that checks cannot be run: something that this version only plans, or a variable that is not there.
pub fn left_out(scenario: &Scenario) -> Option<String> {
    let later = distinct(scenario.later.iter().map(|later| later.what.clone()));
    if !later.is_empty() {
        return Some(format!("this version plans and does not run {}", later.join(", ")));
    }
    let missing = distinct(scenario.missing.iter().map(|(name, _)| format!("`{name}`")));
    match missing.as_slice() {
        [] => None,
        [one] => Some(format!("the variable {one} is not set")),
        [others @ .., last] => Some(format!("the variables {} and {last} are not set", others.join(", "))),
    }
}

/// The same as a diagnostic, with the places that need it.
fn refused(scenario: &Scenario, sources: &Sources, colour: bool) -> Option<String> {
    let message = format!("`{}` is skipped: {}", scenario.name, left_out(scenario)?);
    if let Some((first, rest)) = scenario.later.split_first() {
        let mut problem = Diagnostic::new(Code::E0113, message, first.span, first.what.clone());
        for later in rest.iter().filter(|later| later.span != first.span) {
            problem = problem.label(later.span, later.what.clone());
        }
        let problem = problem.help("`stressc plan` draws it; running it comes with a later version");
        return Some(drawn(problem, sources, colour));
    }
    let (first, rest) = scenario.missing.split_first()?;
    let mut problem = Diagnostic::new(Code::E0208, message, first.1, "needed here");
    for (name, span) in rest.iter().filter(|(_, span)| *span != first.1) {
        problem = problem.label(*span, format!("and `{name}`"));
    }
    let problem =
        problem.help(format!("set it in the environment, or write `{}=…` into a file for `--env-file`", first.0));
    Some(drawn(problem, sources, colour))
}

/// As it may be shown on a terminal.
fn drawn(problem: Diagnostic, sources: &Sources, colour: bool) -> String {
    let mut diagnostics = Diagnostics::default();
    diagnostics.push(problem);
    diagnostics
        .told(std::iter::empty())
        .iter()
        .map(|problem| render::draw(problem, sources, colour, err_width()))
        .collect()
}

/// `FILE` and `SCENARIO` of `FILE:SCENARIO`.
pub fn split(argument: &str) -> (&str, Option<&str>) {
    match argument.rsplit_once(':') {
        Some((file, scenario)) if file.ends_with(".stress") => (file, Some(scenario)),
        _ => (argument, None),
    }
}
