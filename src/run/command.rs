//! Commands of the shell that a scenario wants run, in the directory of its file.

use super::Settings;
use super::service::group::{self, Launch, Log, Stop};
use super::service::mark;
use crate::engine::secret::Mask;
use crate::inputs::make_private;
use crate::plan::{CommandLine, Plan, Text};
use crate::run::resolve::resolved::Resolved;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Where commands run, and where what they write is kept until the run is over.
#[derive(Debug, Clone)]
pub struct Commands {
    directory: Option<PathBuf>,
    logs: PathBuf,
    run: String,
    mask: Arc<Mask>,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Why it counts as failed.
    pub problem: Option<String>,
    /// The last lines that it wrote.
    pub output: String,
}

/// What is run, with all that is put into it: a program and its arguments, and how both are read by a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    pub program: String,
    pub arguments: Vec<String>,
    pub said: String,
}

impl Invocation {
    pub fn of(line: &CommandLine, known: &Resolved) -> Result<Invocation, String> {
        match line {
            CommandLine::Shell(text) => Ok(Invocation::shell(&known.text(text)?)),
            CommandLine::Words(words) => {
                let word = |word: &Text| known.text(word);
                let mut words = words.iter().map(word).collect::<Result<Vec<String>, String>>()?;
                let said = words.join(" ");
                let program = if words.is_empty() { String::new() } else { words.remove(0) };
                match program.is_empty() {
                    true => Err("its first word, which is the program, is empty".to_owned()),
                    false => Ok(Invocation { program, arguments: words, said }),
                }
            }
        }
    }

    fn shell(text: &str) -> Invocation {
        let arguments = vec!["-c".to_owned(), text.to_owned()];
        Invocation { program: "sh".to_owned(), arguments, said: text.trim().to_owned() }
    }

    /// The program as it is found from a directory: a name without a `/` in those of PATH.
    pub fn program_from(&self, directory: Option<&Path>) -> PathBuf {
        match directory {
            Some(directory) if self.program.contains('/') => directory.join(&self.program),
            _ => PathBuf::from(&self.program),
        }
    }

    /// Whether a secret is in it.
    pub fn is_hidden(&self, mask: &Mask) -> bool {
        mask.hides(&self.program) || self.arguments.iter().any(|argument| mask.hides(argument))
    }
}

impl Commands {
    pub fn of(plan: &Plan, settings: &Settings, mask: &Arc<Mask>) -> Commands {
        // A program that is named from there is looked for in there, and started from there.
        let file = std::path::absolute(&plan.file).ok();
        let directory = file.as_deref().and_then(Path::parent).filter(|above| above.is_dir()).map(Path::to_owned);
        Commands { directory, logs: settings.directory.join("commands"), run: settings.id.clone(), mask: mask.clone() }
    }

    /// Runs a command to its end, at most so long; then it is ended with all that it started. Whoever gives up waiting for
    /// it ends it too. What a command that succeeds leaves running goes on. Must be called from the thread that controls the
    /// run.
    ///
    /// It has these variables in addition to those of the run, and is called `said` where it failed.
    pub async fn run(
        &self,
        name: &str,
        said: &str,
        line: &Invocation,
        variables: &[(String, String)],
        within: Duration,
    ) -> Ran {
        let failed = |problem: String, output: String| Ran { problem: Some(problem), output };
        if let Err(error) = make_private(&self.logs) {
            return failed(format!("there is no place for what it writes: {error}"), String::new());
        }
        let launch = Launch { env: variables.to_vec(), ..self.launch(name, line) };
        // Of a command that is run again the last time is told.
        let _ = std::fs::remove_file(&launch.log.path);
        let mut group = match group::start(&launch) {
            Ok(group) => group,
            Err(problem) => return failed(problem, String::new()),
        };
        let ended = tokio::time::timeout(within, group.ended()).await;
        let output = launch.log.last_lines();
        match ended {
            Ok(status) if status.success() => {
                group.leave();
                Ran { problem: None, output }
            }
            Ok(status) => {
                group.kill().await;
                failed(format!("`{said}` failed: {status}"), output)
            }
            Err(_) => {
                group.kill().await;
                let within = crate::base::units::duration(within.as_nanos() as u64);
                failed(format!("`{said}` had not ended after {within}, and was ended"), output)
            }
        }
    }

    fn launch(&self, name: &str, line: &Invocation) -> Launch {
        Launch {
            program: line.program_from(self.directory.as_deref()),
            arguments: line.arguments.clone(),
            env: Vec::new(),
            runs_in: None,
            directory: self.directory.clone(),
            log: Log { path: self.logs.join(format!("{name}.log")), mask: self.mask.clone() },
            mark: mark(&self.run, name),
            user: None,
            group: None,
            lifeline: false,
            stop: Stop::Terminate,
            stop_within: Duration::from_millis(500),
        }
    }
}

/// What a command finds in its environment.
pub fn variables(with: &[(String, Text)], known: &Resolved) -> Result<Vec<(String, String)>, String> {
    let one = |(name, value): &(String, Text)| match known.text(value) {
        Ok(text) => Ok((name.clone(), text)),
        Err(why) => Err(format!("`{name}`: {why}")),
    };
    with.iter().map(one).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn commands(logs: &Path) -> Commands {
        let mask = Arc::new(Mask::new([&KEY.to_owned()]));
        Commands { directory: Some(logs.to_owned()), logs: logs.join("logs"), run: "r".to_owned(), mask }
    }

    impl Commands {
        async fn shell(&self, name: &str, text: &str, within: Duration) -> Ran {
            self.run(name, text, &Invocation::shell(text), &[], within).await
        }
    }

    #[tokio::test]
    async fn words_are_read_by_nobody_but_the_program() {
        let place = tempfile::tempdir().expect("a directory");
        let script = place.path().join("say");
        std::fs::write(&script, "#!/bin/sh\nprintf '%s|' \"$@\" \"$also\"\n").expect("a script");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&script, mode).expect("a mode");
        let (all, env) = (commands(place.path()), [("also".to_owned(), "$(more)".to_owned())]);
        for program in ["./say", "sh"] {
            let own = ["a b", "$(touch gone)", "; touch gone"].map(str::to_owned);
            let before = (program == "sh").then(|| "say".to_owned());
            let arguments: Vec<String> = before.into_iter().chain(own).collect();
            let line = Invocation { program: program.to_owned(), arguments, said: String::new() };
            let ran = all.run("say", "say", &line, &env, Duration::from_secs(10)).await;
            let expected = Ran { problem: None, output: "a b|$(touch gone)|; touch gone|$(more)|".to_owned() };
            assert_eq!(ran, expected, "{program}");
        }
        assert!(!place.path().join("gone").exists());
    }

    #[tokio::test]
    async fn a_command_runs_in_its_directory_and_its_output_is_kept() {
        let place = tempfile::tempdir().expect("a directory");
        let all = commands(place.path());
        let ran = all.shell("one", "echo said; pwd; touch here", Duration::from_secs(10)).await;
        assert_eq!(ran.problem, None);
        assert!(ran.output.starts_with("said\n"), "{ran:?}");
        assert!(place.path().join("here").exists());
        let ran = all.shell("two", "echo why >&2; exit 3", Duration::from_secs(10)).await;
        assert!(ran.problem.is_some_and(|problem| problem.contains("exit status: 3")));
        assert_eq!(ran.output, "why");
    }

    #[tokio::test]
    async fn one_that_does_not_end_is_ended_with_what_it_started() {
        let place = tempfile::tempdir().expect("a directory");
        let ran = commands(place.path()).shell("long", "sleep 61 & sleep 61", Duration::from_millis(300)).await;
        assert!(ran.problem.is_some_and(|problem| problem.contains("was ended")));
    }

    const KEY: &str = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIB\nAQC7VJTUt9Us8cKj\n\
                       MzEfYyjiWA4R4ypb\nMzEfYyjiWA4R4ypc\nMzEfYyjiWA4R4ypd\nMzEfYyjiWA4R4ype\nMzEfYyjiWA4R4ypf\n\
                       MzEfYyjiWA4R4ypg\n-----END KEY-----\n";

    #[tokio::test]
    async fn secrets_are_taken_out_of_an_output_before_it_is_cut() {
        let place = tempfile::tempdir().expect("a directory");
        let all = commands(place.path());
        let told = async |name: &str, text: &str| {
            let env = [("KEY".to_owned(), KEY.to_owned())];
            all.run(name, text, &Invocation::shell(text), &env, Duration::from_secs(30)).await.output
        };
        assert_eq!(told("whole", "printf '%s' \"$KEY\"; echo end").await, "***end");
        let each_line = told("lines", "printf '%s' \"$KEY\" | sed 's/^/> /'; echo end").await;
        assert!(!KEY.lines().any(|line| each_line.contains(line)), "{each_line}");
        // What is told begins within the key, wherever that is, and the log is larger than what is read of it.
        let fill = "head -c 100000 /dev/zero | tr '\\0' x";
        for behind in [16_300, 16_384 - 100, 16_384 - 20, 16_384] {
            let text = format!("{fill}; printf '%s' \"$KEY\" | tr '\\n' ' '; head -c {behind} /dev/zero | tr '\\0' y");
            let told = told("cut", &text).await;
            assert!(told.chars().all(|c| "xy* ".contains(c)), "{behind}: {}", &told[..300]);
        }
    }
}
