//! `command`: a line of the shell, the one that takes it back, and the one that proves its effect, all in the directory of the
//! scenario's file. What they start and leave behind carries the mark of the run and ends with it.

use super::{FaultContext, Held, Shown};
use crate::guard::{Undo, Whom};
use crate::inputs::make_private;
use crate::plan::{CommandFault, CommandLine, Fault};
use crate::run::command::{Commands, Invocation, Ran, variables};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub struct Command {
    run: Invocation,
    undo: Option<Invocation>,
    proof: Option<Invocation>,
    /// What its commands find in their environment.
    variables: Vec<(String, String)>,
    /// What was called, where that was a template: its scripts say less than its name.
    template: Option<String>,
    directory: PathBuf,
    /// Its own directory, where `run` writes down what `undo` and `proof` need to know.
    keep: PathBuf,
    commands: Commands,
    name: String,
    /// What `run` carries in its environment, next to the id of the run.
    mark: String,
    held: Held,
    /// It was begun, so that it has to be undone.
    begun: bool,
    /// It could not be undone, and what it keeps is still needed for that.
    stuck: bool,
    effect: Effect,
}

/// What its proof has said this time.
enum Effect {
    Unasked,
    Seen(String),
    Missing(String),
}

/// How long the command that takes it back may take, and one that is over at once.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long one asking for the proof may take, and all of them after a command that is over at once.
const PROOF_WITHIN: Duration = Duration::from_secs(10);
/// From one asking to the next.
const PAUSE: Duration = Duration::from_millis(200);
/// The variable with the path of its own directory.
const KEEP: &str = "STRESSC_KEEP";

impl Command {
    pub fn of(around: &FaultContext<'_>, command: &CommandFault, fault: &Fault) -> Result<Command, String> {
        let name = &fault.name;
        let line = |name: &str, line: &CommandLine| {
            Invocation::of(line, around.known).map_err(|why| format!("`{name}`: {why}"))
        };
        let run = line("run", &command.run)?;
        let undo = command.undo.as_ref().map(|undo| line("undo", undo)).transpose()?;
        let proof = command.proof.as_ref().map(|proof| line("proof", proof)).transpose()?;
        let mut variables = variables(&command.with, around.known)?;
        // What the guardian shall run is written down in plain.
        let secret = |text: &String| around.known.mask.hides(text);
        if undo.as_ref().is_some_and(|undo| undo.is_hidden(&around.known.mask)) {
            return Err("its `undo` holds a secret, which is never written down: let the command read it".to_owned());
        }
        if let Some((name, _)) = variables.iter().find(|(_, value)| undo.is_some() && secret(value)) {
            return Err(format!(
                "its variable `{name}` holds a secret, and what `undo` needs is written down: let the commands read it"
            ));
        }
        let file = std::path::absolute(&around.plan.file).map_err(|error| error.to_string())?;
        let directory = file.parent().unwrap_or(Path::new("/")).to_owned();
        let keep = std::path::absolute(around.settings.kept.join(name)).map_err(|error| error.to_string())?;
        variables.push((KEEP.to_owned(), keep.display().to_string()));
        let (commands, held) =
            (Commands::of(around.plan, around.settings, &around.known.mask), Held::new(around.guarded, name));
        let mark = format!("{}/{name}", around.settings.id);
        let (name, effect) = (name.to_owned(), Effect::Unasked);
        Ok(Command {
            run,
            undo,
            proof,
            variables,
            template: fault.template.clone(),
            directory,
            keep,
            commands,
            name,
            mark,
            held,
            begun: false,
            stuck: false,
            effect,
        })
    }

    pub async fn apply(&mut self, length: Duration) -> Result<(), String> {
        if self.stuck {
            return Err("what it did before could not be taken back".to_owned());
        }
        make_private(&self.keep)
            .map_err(|error| format!("there is no place for what it keeps, {}: {error}", self.keep.display()))?;
        if let Some(undo) = &self.undo {
            let program = undo.program_from(Some(&self.directory)).display().to_string();
            let arguments = undo.arguments.clone();
            let (variables, directory) = (self.variables.clone(), self.directory.clone());
            let within_ms = PATIENCE.as_millis() as u64;
            self.held.begin(Undo::Run { program, arguments, variables, directory, within_ms }, length).await?;
            // Taken back first: one that is still at work would go on after its undo.
            self.held.begin(Undo::Kill(Whom::Marked(self.mark.clone())), length).await?;
        }
        (self.begun, self.effect) = (true, Effect::Unasked);
        let done = self.shell(&self.name, "", &self.run, if self.undo.is_some() { length } else { PATIENCE }).await;
        if done.is_err() && self.undo.is_none() {
            self.forget();
        }
        done
    }

    pub async fn withdraw(&mut self) -> Result<Shown, String> {
        if std::mem::take(&mut self.begun)
            && let Some(undo) = &self.undo
        {
            self.stuck = true;
            self.shell(&format!("{}.undo", self.name), "the undo of ", undo, PATIENCE).await?;
            self.stuck = false;
            self.held.end().await;
            self.forget();
        }
        Ok(self.shown())
    }

    /// Asks for the proof of one that lasts, again and again until it holds. Never returns: whoever takes the fault back
    /// stops waiting, and that ends the asking too.
    pub async fn prove_while_it_lasts(&mut self) {
        if self.undo.is_some() {
            self.prove().await;
        }
        std::future::pending::<()>().await;
    }

    /// Asks for the proof of one that is over at once, for some time after it.
    pub async fn shown_behind(&mut self, enough: impl Future<Output = ()>) -> Option<Shown> {
        if self.undo.is_some() {
            return None;
        }
        tokio::select! {
            biased;
            // What was found until then is in the effect.
            _ = tokio::time::timeout(PROOF_WITHIN, self.prove()) => {}
            () = enough => {}
        }
        self.forget();
        Some(self.shown())
    }

    async fn prove(&mut self) {
        let (Some(proof), name) = (&self.proof, format!("{}.proof", self.name)) else { return };
        let said = self.said("the proof of ", proof);
        loop {
            let Ran { problem, output } = self.commands.run(&name, &said, proof, &self.variables, PROOF_WITHIN).await;
            match problem {
                None => return self.effect = Effect::Seen(output.lines().last().unwrap_or_default().trim().to_owned()),
                Some(problem) => self.effect = Effect::Missing(quoted(&problem, &output)),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn shown(&self) -> Shown {
        let unproven = |why: String| Shown { unproven: Some(why), ..Shown::told(None) };
        match (&self.proof, &self.effect) {
            (None, _) => Shown::told(Some("its command ended as it should".to_owned())),
            (Some(_), Effect::Seen(said)) if said.is_empty() => Shown::told(Some("its proof held".to_owned())),
            (Some(_), Effect::Seen(said)) => Shown::told(Some(format!("its proof held: {said}"))),
            (Some(_), Effect::Missing(why)) => unproven(format!("its proof never held: {why}")),
            (Some(_), Effect::Unasked) => unproven("it was over before its proof had answered".to_owned()),
        }
    }

    /// Nobody needs any more what it kept.
    fn forget(&self) {
        let _ = std::fs::remove_dir_all(&self.keep);
        // Unless that of another fault is in it.
        let _ = self.keep.parent().map(std::fs::remove_dir);
    }

    /// What a line is called where it failed.
    fn said(&self, what: &str, line: &Invocation) -> String {
        match &self.template {
            Some(template) => format!("{what}{template}"),
            None => line.said.clone(),
        }
    }

    /// Runs a line to its end, which must be a success. What undoes it has a name of its own, by which its processes are told
    /// from those that are ended before.
    async fn shell(&self, name: &str, what: &str, line: &Invocation, within: Duration) -> Result<(), String> {
        let said = self.said(what, line);
        let Ran { problem, output } = self.commands.run(name, &said, line, &self.variables, within).await;
        problem.map_or(Ok(()), |problem| Err(quoted(&problem, &output)))
    }
}

fn quoted(problem: &str, output: &str) -> String {
    match output {
        "" => problem.to_owned(),
        output => format!("{problem}; it wrote:\n{output}"),
    }
}
