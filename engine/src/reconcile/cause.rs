//! Why AD and the cloud differ, as far as the job's own memory tells.

use std::fmt;

/// A probable cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The cloud's values were exported, and AD holds others now: somebody writes to AD.
    ChangedInDirectory,
    /// The cloud changed since the last export: the next cycle brings it.
    NotExportedYet,
    /// The mailbox was never exported: it waits for a cycle, or the job has never run.
    NeverExported,
    /// The cloud holds no value, and AD keeps its own: a missing value does not flow (switch `null_flow`).
    OnlyInDirectory,
    /// The last export failed with this code, and is tried again by the ladder.
    Failing(String),
}

impl Cause {
    /// By the job's rows: the code of a failure in escrow, the digest of the version that was exported
    /// last, and that of the version now.
    #[must_use]
    pub fn of(failed: Option<&str>, exported: Option<u64>, now: u64) -> Self {
        match (failed, exported) {
            (Some(code), _) => Self::Failing(code.to_owned()),
            (None, None) => Self::NeverExported,
            (None, Some(exported)) if exported == now => Self::ChangedInDirectory,
            (None, Some(_)) => Self::NotExportedYet,
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::ChangedInDirectory => {
                "Find who writes to AD and lead them to Exchange Online; then reconcile."
            }
            Self::NotExportedYet => "Wait for the next cycle.",
            Self::NeverExported => "Let the job run, or provision the user on demand.",
            Self::OnlyInDirectory => {
                "It stays, and no reconciliation changes it: null values do not flow (null_flow). Set it in Exchange \
                 Online or remove it from AD by hand."
            }
            Self::Failing(_) => "Remove the cause of the failure; the job tries again by itself.",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ChangedInDirectory => f.write_str("changed in AD after the last export"),
            Self::NotExportedYet => f.write_str("changed in the cloud since the last export"),
            Self::NeverExported => f.write_str("never exported"),
            Self::OnlyInDirectory => f.write_str("only AD holds a value, and keeps it"),
            Self::Failing(code) => write!(f, "the export fails: {code}"),
        }
    }
}
