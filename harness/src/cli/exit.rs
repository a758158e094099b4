//! Exit codes. They are public: programs decide by them.

use std::process::ExitCode;

use crate::judge::verdict::Verdict;
use crate::report::Outcome;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything that ran passed.
    Pass,
    /// A scenario failed.
    Fail,
    /// A scenario proved nothing, or nothing matched.
    Unknown,
    /// A scenario file is wrong; nothing of that call ran.
    BadScenario,
    /// hybridsim itself broke.
    Internal,
    /// The command line is wrong.
    Usage,
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Unknown => 2,
            Self::BadScenario => 3,
            Self::Internal => 4,
            Self::Usage => 5,
        }
    }

    /// The worse of two: wrong usage, then internal error, bad scenario file, fail, unknown, pass.
    #[must_use]
    pub const fn worse(self, other: Self) -> Self {
        if self.rank() >= other.rank() { self } else { other }
    }

    /// What `outcomes` come to together; nothing at all is unknown.
    #[must_use]
    pub fn of(outcomes: &[Outcome]) -> Self {
        let start = if outcomes.is_empty() { Self::Unknown } else { Self::Pass };
        outcomes.iter().map(Self::of_one).fold(start, Self::worse)
    }

    const fn of_one(outcome: &Outcome) -> Self {
        if outcome.internal_error {
            return Self::Internal;
        }
        match outcome.result.verdict {
            Verdict::Pass => Self::Pass,
            Verdict::Fail => Self::Fail,
            Verdict::Unknown => Self::Unknown,
        }
    }

    const fn rank(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Unknown => 1,
            Self::Fail => 2,
            Self::BadScenario => 3,
            Self::Internal => 4,
            Self::Usage => 5,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::{broken, failed, passed, unknown};

    #[test]
    fn the_worst_wins() {
        for (outcomes, exit) in [
            (vec![], Exit::Unknown),
            (vec![passed()], Exit::Pass),
            (vec![passed(), unknown(), passed()], Exit::Unknown),
            (vec![unknown(), failed(), passed()], Exit::Fail),
            (vec![failed(), broken(), unknown()], Exit::Internal),
        ] {
            assert_eq!(Exit::of(&outcomes), exit);
        }
        assert_eq!(Exit::BadScenario.worse(Exit::Fail), Exit::BadScenario);
        assert_eq!(Exit::BadScenario.worse(Exit::Internal), Exit::Internal);
    }
}
