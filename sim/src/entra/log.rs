//! The provisioning log: one entry for each object that a job did something with, or did not.
//!
//! Source: Microsoft Graph reference, `provisioningObjectSummary`.

use std::borrow::Cow;

use crate::clock::VirtualTime;
use crate::guid::Guid;

/// `provisioningStatusInfo.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStatus {
    /// Written.
    Success,
    /// Not written, and it should have been.
    Failure,
    /// Nothing to write.
    Skipped,
}

impl LogStatus {
    /// As Graph spells it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Skipped => "skipped",
        }
    }
}

/// `modifiedProperties[]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModifiedProperty {
    /// `displayName`: the AD attribute.
    pub name: Cow<'static, str>,
    /// `oldValue`.
    pub old: String,
    /// `newValue`.
    pub new: String,
}

/// What is said of a failure beside its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// `errorCategory`: `failure` of the service, or `nonServiceFailure`.
    pub category: &'static str,
    /// `recommendedAction`.
    pub action: &'static str,
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// `activityDateTime`.
    pub at: VirtualTime,
    /// Which cycle of the job; 0 outside one.
    pub cycle: u64,
    /// `sourceIdentity.id`; `None` for an entry about a cycle as a whole.
    pub source: Option<Guid>,
    /// `targetIdentity`: the AD object's GUID.
    pub target: Option<Guid>,
    /// How it ended.
    pub status: LogStatus,
    /// `errorCode` of a failure, `SkipReason` of a skip, empty for a success.
    pub code: Cow<'static, str>,
    /// `reason`, for people.
    pub detail: String,
    /// `errorCategory` and `recommendedAction` of a failure, as whoever runs the job knows them.
    pub advice: Option<Advice>,
    /// `durationInMilliseconds`.
    pub milliseconds: u32,
    /// What changed.
    pub modified: Box<[ModifiedProperty]>,
}

/// The log, oldest entry first.
#[derive(Debug, Clone, Default)]
pub struct ProvisioningLog {
    entries: Vec<LogEntry>,
}

impl ProvisioningLog {
    /// Appends entries.
    pub fn append(&mut self, entries: impl IntoIterator<Item = LogEntry>) {
        self.entries.extend(entries);
    }

    /// All entries.
    #[must_use]
    pub fn entries(&self) -> &[LogEntry] {
        &self.entries
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.entries.clear();
    }
}
