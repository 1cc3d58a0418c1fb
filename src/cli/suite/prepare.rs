//! From `FILE:SUITE`, or a directory, to the scenarios of it: all checked and planned before anything is sent.

use crate::base::Sources;
use crate::check::program::{Scenario, Suite};
use crate::cli::output::Terminal;
use crate::cli::prepare::{Prepared, own_program};
use crate::cli::run::lacks;
use crate::cli::source::{self, Checked};
use crate::inputs::{self, Asked};
use crate::plan::{Machine, PlannedArea, PlannedMember, SUITE_SCHEMA, ServiceKind, Share, SuitePlan};
use crate::syntax::ast::Item;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A suite ready to be run.
pub struct PreparedSuite {
    pub plan: SuitePlan,
    /// In the order of the plan; those that are left out stand among them.
    pub members: Vec<Prepared>,
}

/// Whether an argument names a suite or a directory, without checking anything.
pub fn is_meant(argument: &str) -> bool {
    let (file, wanted) = source::split(argument);
    let Some(wanted) = wanted else { return Path::new(argument).is_dir() };
    // What is wrong with the file is said by whoever checks it.
    let Ok(text) = inputs::read(&inputs::Disk, Path::new(file), None) else { return false };
    let mut sources = Sources::default();
    let id = sources.add(file, text);
    let parsed = crate::syntax::parse(sources.get(id));
    parsed.file.items.iter().any(|item| matches!(item, Item::Suite(suite) if suite.name.text == wanted))
}

/// `Err` is the exit code, and why was told.
pub fn prepare(argument: &str, asked: &Asked, terminal: &Terminal) -> Result<PreparedSuite, u8> {
    let raised = inputs::raise_limits();
    let program = own_program(terminal)?;
    let (machine, members) = (inputs::machine(), Vec::new());
    let mut preparing = Preparing { machine, raised, program, postgres: None, members, asked, terminal };
    let plan = match source::split(argument) {
        (file, Some(wanted)) => preparing.of_file(file, wanted)?,
        (directory, None) => preparing.of_directory(Path::new(directory))?,
    };
    Ok(PreparedSuite { plan, members: preparing.members })
}

struct Preparing<'a> {
    machine: Machine,
    raised: Option<(u64, u64)>,
    program: PathBuf,
    /// The PostgreSQL that is installed, looked for once.
    postgres: Option<Result<String, String>>,
    members: Vec<Prepared>,
    asked: &'a Asked,
    terminal: &'a Terminal,
}

impl Preparing<'_> {
    fn wrong(&self, message: &str) -> u8 {
        self.terminal.error(message);
        crate::cli::DOES_NOT_CHECK
    }

    fn of_file(&mut self, file: &str, wanted: &str) -> Result<SuitePlan, u8> {
        let checked = source::check(Path::new(file), self.asked).map_err(|message| self.wrong(&message))?;
        let suite = checked.program.suites.iter().find(|suite| suite.name.text == wanted).cloned();
        let (checked, areas) = match &suite {
            Some(suite) if !checked.diagnostics.has_errors() => self.areas(file, suite, checked)?,
            Some(_) | None => (checked, Vec::new()),
        };
        source::print(&checked.diagnostics, &checked, self.terminal);
        match suite {
            Some(suite) if !checked.diagnostics.has_errors() => {
                Ok(self.suite((file, wanted), suite.doc, areas, suite.ready))
            }
            Some(_) | None => Err(crate::cli::DOES_NOT_CHECK),
        }
    }

    fn suite(
        &self,
        (file, suite): (&str, &str),
        doc: Option<String>,
        areas: Vec<PlannedArea>,
        ready: Option<crate::check::program::Ready>,
    ) -> SuitePlan {
        let (file, suite, profile) = (file.to_owned(), suite.to_owned(), self.asked.profile.clone());
        SuitePlan { schema: SUITE_SCHEMA, file, suite, profile, doc, areas, ready }
    }

    fn areas(&mut self, file: &str, suite: &Suite, mut checked: Checked) -> Result<(Checked, Vec<PlannedArea>), u8> {
        let mut areas = Vec::new();
        for area in &suite.areas {
            let mut members = Vec::new();
            for named in &area.scenarios {
                let Some(scenario) = source::member(&checked.program, named).cloned() else {
                    let why = format!(
                        "`{}` is declared in a file that `{file}` does not use itself; add a `use` of it",
                        named.path
                    );
                    return Err(self.wrong(&why));
                };
                let scenario = if suite.strict { scenario.strictly() } else { scenario };
                let own = named.file.as_deref().unwrap_or(file);
                members.push(self.member((&named.path, own), &scenario, &mut checked));
            }
            areas.push(PlannedArea { name: area.name.clone(), weight: area.weight, members });
        }
        Ok((checked, areas))
    }

    /// Plans a scenario, and says why it is left out where it is.
    fn member(&mut self, (path, file): (&str, &str), scenario: &Scenario, checked: &mut Checked) -> PlannedMember {
        let (plan, more) = crate::plan::plan(scenario, file, Share::WHOLE, self.machine);
        checked.diagnostics.extend(more);
        let (fingerprint, length) = (plan.fingerprint.clone(), plan.length);
        let alerts = crate::plan::expected_alerts(&plan).map(|(_, alert)| alert).collect();
        let secrets = source::secrets(scenario, &checked.inputs);
        let prepared = Prepared {
            text: crate::cli::source_text::of(&plan.file, &checked.sources, &secrets).into(),
            plan: Arc::new(plan),
            machine: self.machine,
            secrets,
            raised: self.raised,
            program: self.program.clone(),
        };
        let skipped = source::left_out(scenario).or_else(|| lacks(&prepared)).or_else(|| self.missing(&prepared));
        self.members.push(prepared);
        let (path, file, scenario) = (path.to_owned(), file.to_owned(), scenario.name.text.clone());
        PlannedMember { path, file, scenario, fingerprint, length, alerts, skipped }
    }

    /// What it needs to start and is not installed.
    fn missing(&mut self, prepared: &Prepared) -> Option<String> {
        let has_cluster = prepared.plan.services.iter().any(|service| matches!(service.kind, ServiceKind::Postgres));
        let mut cluster = || self.postgres.get_or_insert_with(crate::run::postgres).as_ref().err().cloned();
        crate::run::missing_program(&prepared.plan).or_else(|| if has_cluster { cluster() } else { None })
    }

    /// The scenarios of all files, in the order of their paths, as one area.
    fn of_directory(&mut self, directory: &Path) -> Result<SuitePlan, u8> {
        let shown = directory.display().to_string();
        let files = inputs::scenario_files(&inputs::Disk, directory).map_err(|message| self.wrong(&message))?;
        if files.is_empty() {
            return Err(self.wrong(&crate::cli::no_files(directory)));
        }
        let mut told = Told::default();
        let (mut members, mut failed) = (Vec::new(), false);
        for file in &files {
            let own = told.of(file, directory, self.asked).map_err(|message| self.wrong(&message))?;
            let mut checked = source::check(file, &own).map_err(|message| self.wrong(&message))?;
            let file = file.display().to_string();
            if !checked.diagnostics.has_errors() {
                for scenario in checked.program.scenarios.clone() {
                    let beneath = file.strip_prefix(&shown).unwrap_or(&file).trim_start_matches('/');
                    let path = format!("{beneath}:{}", scenario.name);
                    members.push(self.member((&path, &file), &scenario, &mut checked));
                }
            }
            failed |= checked.diagnostics.has_errors();
            source::print(&checked.diagnostics, &checked, self.terminal);
        }
        if failed {
            return Err(crate::cli::DOES_NOT_CHECK);
        }
        if let Some(message) = told.unknown(&shown, self.asked) {
            return Err(self.wrong(&message));
        }
        if members.is_empty() {
            return Err(self.wrong(&format!("no file of `{shown}` has a scenario to run")));
        }
        let whole =
            directory.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        let name = whole.unwrap_or_else(|| "all".to_owned());
        let area = PlannedArea { name: name.clone(), weight: 1.0, members };
        Ok(self.suite((&shown, &name), None, vec![area], None))
    }
}

/// Which of what was set from outside the files of a directory know: each is for those that do, and for one at least.
#[derive(Default)]
struct Told {
    profile: bool,
    set: Vec<String>,
}

impl Told {
    /// What is set for a file.
    fn of(&mut self, file: &Path, directory: &Path, asked: &Asked) -> Result<Asked, String> {
        let plain = Asked {
            profile: None,
            set: Vec::new(),
            env_file: asked.env_file.clone(),
            root: asked.root.clone(),
            directory: Some(directory.to_owned()),
        };
        if asked.profile.is_none() && asked.set.is_empty() {
            return Ok(plain);
        }
        let loaded = inputs::load(file, &plain)?;
        let profile =
            asked.profile.clone().filter(|profile| inputs::profiles(&loaded.inputs).any(|own| own == profile));
        let known = crate::check::settable(&loaded.inputs);
        let is_known = |setting: &&String| known.iter().any(|known| *known == name(setting));
        let set: Vec<String> = asked.set.iter().filter(is_known).cloned().collect();
        self.profile |= profile.is_some();
        self.set.extend(set.iter().cloned());
        Ok(Asked { profile, set, ..plain })
    }

    /// What no file knows.
    fn unknown(&self, directory: &str, asked: &Asked) -> Option<String> {
        if let Some(profile) = asked.profile.as_ref().filter(|_| !self.profile) {
            return Some(format!("no file of `{directory}` declares the profile `{profile}`"));
        }
        let unknown = asked.set.iter().find(|setting| !self.set.contains(setting))?;
        Some(format!("no file of `{directory}` has a parameter `{}`", name(unknown)))
    }
}

/// `load.rise` of `load.rise = 5s`.
fn name(setting: &str) -> String {
    setting.split_once('=').map_or(setting, |(name, _)| name).split_whitespace().collect()
}
