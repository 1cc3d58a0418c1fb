//! Faults on the machine: a separate process takes resources that others then lack. If memory runs out, the kernel kills it
//! first. It ends with the run, however the run ends.

use super::{FaultContext, Held, Shown};
use crate::base::units;
use crate::guard::{self, Process, Undo, Whom};
use crate::plan::HostFault;
use crate::run::beside;
use crate::run::watch::processes;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

pub struct Burden {
    program: PathBuf,
    takes: Takes,
    mark: String,
    held: Held,
    helper: Option<Helper>,
}

enum Takes {
    Cpu { cores: u64 },
    Memory { leave: u64 },
    Disk { file: PathBuf, leave: u64 },
}

struct Helper {
    child: Child,
    process: Process,
    since: Instant,
}

impl Burden {
    pub fn of(around: &FaultContext<'_>, fault: &HostFault, name: &str) -> Result<Burden, String> {
        let id = &around.settings.id;
        let takes = match *fault {
            HostFault::BurnCpu { cores } => {
                let all = || std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
                Takes::Cpu { cores: cores.unwrap_or_else(all) }
            }
            HostFault::FillMemory { leave } => Takes::Memory { leave },
            HostFault::FillDisk { ref path, leave } => {
                let path = around.known.text(path).map_err(|why| format!("`path`: {why}"))?;
                let path = std::path::absolute(beside(around.plan).join(path)).map_err(|error| error.to_string())?;
                let directory = if path.is_dir() { path.as_path() } else { path.parent().unwrap_or(&path) };
                Takes::Disk { file: directory.join(format!(".stressc-{id}-{name}")), leave }
            }
        };
        let held = Held::new(around.guarded, name);
        let mark = format!("{id}/fault/{name}");
        Ok(Burden { program: around.settings.program.clone(), takes, mark, held, helper: None })
    }

    pub async fn apply(&mut self, length: Duration) -> Result<(), String> {
        // What is not taken by then is not needed any more.
        let patience = length.max(Duration::from_secs(1));
        let arguments = match &self.takes {
            Takes::Cpu { cores } => vec!["cpu".to_owned(), cores.to_string()],
            Takes::Memory { leave } => vec!["memory".to_owned(), leave.to_string()],
            Takes::Disk { file, leave } => {
                self.held.begin(Undo::remove(file).map_err(|error| error.to_string())?, length).await?;
                vec!["disk".to_owned(), leave.to_string(), file.display().to_string()]
            }
        };
        // Taken back first: one that is alive would write on.
        self.held.begin(Undo::Kill(Whom::Marked(self.mark.clone())), length).await?;
        let run = self.mark.split('/').next().unwrap_or_default();
        let mut command = Command::new(&self.program);
        command.arg("burden").args(arguments).env(guard::MARK, guard::mark(&format!("{run} {}", self.mark)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().map_err(|error| format!("its process cannot be started: {error}"))?;
        let process = child.id().and_then(|pid| Process::of(pid as i32));
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let mut word = String::new();
        let mut line = BufReader::new(out.ok_or("its process says nothing")?);
        let asked = tokio::time::timeout(patience, line.read_line(&mut word)).await;
        match (asked, process) {
            (Ok(Ok(1..)), Some(process)) => {
                self.helper = Some(Helper { child, process, since: Instant::now() });
                Ok(())
            }
            (Ok(_), _) => {
                let mut why = String::new();
                if let Some(mut err) = err {
                    let _ = err.read_to_string(&mut why).await;
                }
                Err(format!("its process has ended: {}", why.trim()))
            }
            (Err(_), _) => Err(format!("it was not done within {}s", patience.as_secs_f64())),
        }
    }

    pub async fn withdraw(&mut self) -> Result<Shown, String> {
        let mut told = None;
        if let Some(mut helper) = self.helper.take() {
            told = self.effect(&helper);
            helper.child.kill().await.map_err(|error| format!("its process cannot be ended: {error}"))?;
        }
        if let Takes::Disk { file, .. } = &self.takes {
            Undo::remove(file).map_err(|error| error.to_string())?.perform()?;
        }
        self.held.end().await;
        Ok(Shown::told(told))
    }

    /// What is measured of it, where it is something.
    fn effect(&self, helper: &Helper) -> Option<String> {
        /// Of what was to be burned; less is not worth the name.
        const LEAST: f64 = 0.1;
        if !helper.process.is_alive() {
            return None;
        }
        match &self.takes {
            Takes::Cpu { cores } => {
                let used = processes::seconds(helper.process) / helper.since.elapsed().as_secs_f64().max(1e-3);
                (used > LEAST * *cores as f64).then(|| format!("{used:.2} cores were busy with it"))
            }
            Takes::Memory { .. } => {
                let taken = processes::resident(helper.process).saturating_sub(OWN);
                (taken > 0).then(|| format!("it took {}", units::bytes(taken as f64)))
            }
            Takes::Disk { file, .. } => {
                let taken = on_disk(file);
                (taken > 0).then(|| format!("it took {}", units::bytes(taken as f64)))
            }
        }
    }
}

/// What its process needs for itself, rounded up.
const OWN: u64 = 32 << 20;

/// What a file really takes; a hole in it takes nothing.
#[cfg(unix)]
fn on_disk(file: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    file.metadata().map_or(0, |found| found.blocks() * 512)
}

#[cfg(not(unix))]
fn on_disk(file: &Path) -> u64 {
    file.metadata().map_or(0, |found| found.len())
}
