//! The order of outcomes: where several apply, the first of them is the verdict. Of a run and of a suite it is the same.

use super::VerdictKind;

/// What may be so of a run, or of a part of a suite. What is declared first counts before what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// It was not run to its end, or has left something behind.
    Error,
    /// It ended itself, as its file says.
    Aborted,
    /// Somebody or something ended it from outside.
    Interrupted,
    /// Something failed, whatever the generator did.
    Failed,
    Untrusted,
    /// Something failed, and the generator may have made it fail.
    FailedInDoubt,
    Inconclusive,
    Passed,
}

impl Rank {
    pub fn kind(self) -> VerdictKind {
        match self {
            Rank::Error => VerdictKind::Error,
            Rank::Aborted | Rank::Interrupted => VerdictKind::Aborted,
            Rank::Failed | Rank::FailedInDoubt => VerdictKind::Failed,
            Rank::Untrusted => VerdictKind::Untrusted,
            Rank::Inconclusive => VerdictKind::Inconclusive,
            Rank::Passed => VerdictKind::Passed,
        }
    }

    /// Who ends a run early knows it; a run that ends itself early has failed.
    pub fn exit_code(self) -> u8 {
        match self {
            Rank::Aborted => VerdictKind::Failed.exit_code(),
            Rank::Error
            | Rank::Interrupted
            | Rank::Failed
            | Rank::Untrusted
            | Rank::FailedInDoubt
            | Rank::Inconclusive
            | Rank::Passed => self.kind().exit_code(),
        }
    }

    /// The verdict of several outcomes. Of none it is inconclusive: who tested nothing has shown nothing.
    pub fn combined(all: impl IntoIterator<Item = Rank>) -> Rank {
        all.into_iter().min().unwrap_or(Rank::Inconclusive)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the order of the language page: 3, an end before the end, 1 if the failure does not rest on timing, 5, 1, 4, 0.
    const TABLE: [(Rank, VerdictKind, u8); 8] = [
        (Rank::Error, VerdictKind::Error, 3),
        (Rank::Aborted, VerdictKind::Aborted, 1),
        (Rank::Interrupted, VerdictKind::Aborted, 130),
        (Rank::Failed, VerdictKind::Failed, 1),
        (Rank::Untrusted, VerdictKind::Untrusted, 5),
        (Rank::FailedInDoubt, VerdictKind::Failed, 1),
        (Rank::Inconclusive, VerdictKind::Inconclusive, 4),
        (Rank::Passed, VerdictKind::Passed, 0),
    ];

    #[test]
    fn of_all_that_applies_the_first_of_the_language_page_is_the_verdict() {
        for set in 1..1 << TABLE.len() {
            let applies = |place: &usize| set & (1 << place) != 0;
            let places: Vec<usize> = (0..TABLE.len()).filter(applies).collect();
            // In whichever order they were found.
            let found = Rank::combined(places.iter().rev().map(|place| TABLE[*place].0));
            let (rank, kind, code) = TABLE[places[0]];
            assert_eq!((found, found.kind(), found.exit_code()), (rank, kind, code), "{places:?}");
        }
        assert_eq!(Rank::combined([]), Rank::Inconclusive, "nothing is no pass");
    }
}
