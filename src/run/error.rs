//! Why a run could not be made, in words for a person.

use crate::engine::secret::Mask;

/// Why a run could not be made.
#[derive(Debug)]
pub enum RunError {
    Service {
        service: String,
        problem: String,
        log: String,
    },
    Address(String),
    /// Rows or files that the plan speaks of cannot be read.
    Data(String),
    System(std::io::Error),
    /// What is done before the load could not be.
    Setup(String),
    /// It would act on what must never be touched.
    Fault {
        fault: String,
        problem: String,
    },
    /// Alerts fired before the load, so that nobody could say what the load or a fault did.
    AlertsFiring(Vec<String>),
    /// Interrupted before anything was sent.
    Interrupted,
    /// It was made, and something that it did could not be taken back.
    Left(String),
}

impl std::fmt::Display for RunError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RunError::Service { service, problem, log } => {
                write!(f, "the service `{service}` is not ready: {problem}")?;
                if !log.is_empty() {
                    write!(f, "\nits last output was:\n{log}")?;
                }
                Ok(())
            }
            RunError::Address(problem) | RunError::Data(problem) | RunError::Setup(problem) => f.write_str(problem),
            RunError::Fault { fault, problem } => write!(f, "the fault `{fault}` is refused: {problem}"),
            RunError::AlertsFiring(alerts) => {
                write!(f, "before the load, these alerts fire:\n  {}\n", alerts.join("\n  "))?;
                f.write_str(
                    "wait until they are resolved, or write `alert \"NAME\" may fire` for one that does not matter",
                )
            }
            RunError::System(error) => write!(f, "the machine refused what the run needs: {error}"),
            RunError::Left(problem) => {
                write!(f, "something could not be taken back: {problem}\n`stressc recover` tries it again")
            }
            RunError::Interrupted => f.write_str("interrupted before the load started"),
        }
    }
}

impl std::error::Error for RunError {}

impl RunError {
    /// Without secrets.
    pub(super) fn masked(self, mask: &Mask) -> RunError {
        match self {
            RunError::Service { service, problem, log } => {
                RunError::Service { service, problem: mask.text(problem), log: mask.text(log) }
            }
            RunError::Address(problem) => RunError::Address(mask.text(problem)),
            RunError::Data(problem) => RunError::Data(mask.text(problem)),
            RunError::Setup(problem) => RunError::Setup(mask.text(problem)),
            RunError::Left(problem) => RunError::Left(mask.text(problem)),
            RunError::Fault { fault, problem } => RunError::Fault { fault, problem: mask.text(problem) },
            RunError::System(error) => {
                RunError::System(std::io::Error::new(error.kind(), mask.text(error.to_string())))
            }
            RunError::AlertsFiring(alerts) => {
                RunError::AlertsFiring(alerts.into_iter().map(|alert| mask.text(alert)).collect())
            }
            RunError::Interrupted => RunError::Interrupted,
        }
    }
}

impl From<std::io::Error> for RunError {
    fn from(error: std::io::Error) -> RunError {
        RunError::System(error)
    }
}
