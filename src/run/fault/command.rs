//! `command`: a line of the shell, and the one that takes it back, both in the directory of the scenario's file. What it starts
//! and leaves behind carries the mark of the run and ends with it.

use super::{Around, Held, Shown, given};
use crate::guard::Undo;
use crate::plan::Breakage;
use crate::run::command::{Commands, Ran};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub struct Command {
    run: String,
    undo: Option<String>,
    directory: PathBuf,
    commands: Commands,
    name: String,
    held: Held,
    /// It was begun, so that it has to be undone.
    begun: bool,
}

/// How long the command that takes it back may take, and one that is over at once.
const PATIENCE: Duration = Duration::from_secs(60);

impl Command {
    pub fn of(around: &Around<'_>, breakage: &Breakage, name: &str) -> Result<Command, String> {
        let run = given::text(around, breakage, "run")?.unwrap_or_default();
        let undo = given::text(around, breakage, "undo")?;
        // What the guardian shall run is written down in plain.
        if undo.as_ref().is_some_and(|undo| around.settings.secrets.values().any(|secret| undo.contains(secret))) {
            return Err("its `undo` holds a secret, which is never written down: let the command read it".to_owned());
        }
        let file = std::path::absolute(&around.plan.file).map_err(|error| error.to_string())?;
        let directory = file.parent().unwrap_or(Path::new("/")).to_owned();
        let (commands, held) = (Commands::of(around.plan, around.settings), Held::new(around.guarded, name));
        Ok(Command { run, undo, directory, commands, name: name.to_owned(), held, begun: false })
    }

    pub async fn apply(&mut self, length: Duration) -> Result<(), String> {
        if let Some(undo) = &self.undo {
            let arguments = vec!["-c".to_owned(), undo.clone()];
            let within_ms = PATIENCE.as_millis() as u64;
            let (program, directory) = ("sh".to_owned(), self.directory.clone());
            self.held.begin(Undo::Run { program, arguments, directory, within_ms }, length).await?;
        }
        self.begun = true;
        self.shell(&self.run, if self.undo.is_some() { length } else { PATIENCE }).await
    }

    pub async fn withdraw(&mut self) -> Result<Shown, String> {
        if std::mem::take(&mut self.begun)
            && let Some(undo) = &self.undo
        {
            self.shell(undo, PATIENCE).await?;
            self.held.end().await;
        }
        Ok(Shown::told(Some("its command ended as it should".to_owned())))
    }

    /// Runs a line to its end, which must be a success.
    async fn shell(&self, line: &str, within: Duration) -> Result<(), String> {
        let Ran { problem, output } = self.commands.run(&self.name, line, within).await;
        match problem {
            None => Ok(()),
            Some(problem) if output.is_empty() => Err(problem),
            Some(problem) => Err(format!("{problem}; it wrote:\n{output}")),
        }
    }
}
