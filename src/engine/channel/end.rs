//! Why a connection has ended.

use crate::engine::flow::attempt::Attempt;
use crate::engine::stream::{Broken, broken};
use crate::measure::Failure;
use std::io;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    pub failure: Failure,
    /// For a person.
    pub because: Option<String>,
    /// The same without the values in it, to count causes by.
    pub state: Option<String>,
}

impl End {
    pub fn new(failure: Failure, because: impl Into<String>) -> End {
        End { failure, because: Some(because.into()), state: None }
    }

    /// The other side has closed it without a word.
    pub fn closed() -> End {
        Failure::Closed.into()
    }

    pub fn too_large(what: &str) -> End {
        End::new(Failure::TooLarge, format!("{what} has more than 16 MiB"))
    }

    pub fn of_stream(error: &io::Error) -> End {
        let Broken { failure, because } = broken(error);
        End { failure, because, state: None }
    }

    /// Tells an attempt, which failed with it.
    pub fn tell(self, attempt: &mut Attempt) -> Failure {
        (attempt.because, attempt.state) = (self.because, self.state);
        self.failure
    }
}

impl From<Failure> for End {
    fn from(failure: Failure) -> End {
        End { failure, because: None, state: None }
    }
}
