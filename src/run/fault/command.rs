//! `command`: a line of the shell, and the one that takes it back, both in the directory of the scenario's file. What it starts
//! and leaves behind carries the mark of the run and ends with it.

use super::{Around, Held, Shown, given};
use crate::guard::{self, Undo};
use crate::plan::Breakage;
use crate::run::service::last_lines;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

pub struct Command {
    run: String,
    undo: Option<String>,
    directory: PathBuf,
    log: PathBuf,
    mark: String,
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
        let log = around.settings.directory.join(format!("{name}.log"));
        let held = Held::new(around.guarded, name);
        Ok(Command { run, undo, directory, log, mark: around.settings.id.clone(), held, begun: false })
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

    /// Runs a line to its end, which must be a success. What it leaves running in the background goes on.
    async fn shell(&self, line: &str, within: Duration) -> Result<(), String> {
        let failed = |why: String| match last_lines(&self.log).as_str() {
            "" => format!("`{line}` {why}"),
            output => format!("`{line}` {why}; it wrote:\n{output}"),
        };
        let made = std::fs::create_dir_all(self.log.parent().unwrap_or(Path::new("."))).and_then(|()| {
            let log = std::fs::File::create(&self.log)?;
            Ok((log.try_clone()?, log))
        });
        let (out, err) = made.map_err(|error| format!("`{}` cannot be written: {error}", self.log.display()))?;
        let mut command = tokio::process::Command::new("sh");
        command.args(["-c", line]).current_dir(&self.directory).env(guard::MARK, guard::mark(&self.mark));
        command.stdin(Stdio::null()).stdout(out).stderr(err).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().map_err(|error| format!("the shell cannot be started: {error}"))?;
        #[cfg(unix)]
        let group = child.id().and_then(|pid| rustix::process::Pid::from_raw(pid as i32));
        match tokio::time::timeout(within, child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(failed(format!("failed ({status})"))),
            Ok(Err(error)) => Err(failed(format!("cannot be waited for: {error}"))),
            Err(_) => {
                #[cfg(unix)]
                if let Some(group) = group {
                    let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
                }
                let _ = child.kill().await;
                Err(failed(format!("took longer than {}s", within.as_secs_f64())))
            }
        }
    }
}
