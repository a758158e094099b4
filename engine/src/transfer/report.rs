//! What a transfer or a rollback came to.

use super::flip::Decided;
use super::loss::Loss;
use super::readiness::Finding;
use crate::failure::Failure;
use crate::ports::MailboxId;

/// The code of a transfer that ends as its acceptance criteria are breached. Of one that a finding stops it is
/// the finding's id. Neither is a failure of Active Directory, so neither has a code of the service's.
pub const ACCEPTANCE_BREACHED: &str = "AcceptanceBreached";

/// The code of an activity that ends as what it did cannot be logged.
pub const LOG_NOT_WRITTEN: &str = "TransferLogNotWritten";

/// What became of one mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MailboxOutcome {
    /// The flag changed, and a read shows it.
    Flipped,
    /// As `Flipped`, although the call returned an error.
    FlippedWithWarning,
    /// The flag had the wanted value before.
    Already,
    /// A finding of the readiness check stands against it; nothing was tried.
    Blocked,
    /// Every call was refused, and the flag did not change.
    Refused,
    /// The call was accepted, and the flag did not change within the deadline.
    NoOp,
    /// The mailbox is gone, or nobody can say what became of the calls.
    Failed,
}

impl MailboxOutcome {
    pub(super) const fn to_byte(self) -> u8 {
        match self {
            Self::Flipped => 1,
            Self::FlippedWithWarning => 2,
            Self::Already => 3,
            Self::Blocked => 4,
            Self::Refused => 5,
            Self::NoOp => 6,
            Self::Failed => 7,
        }
    }

    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        const ALL: [MailboxOutcome; 7] = [
            MailboxOutcome::Flipped,
            MailboxOutcome::FlippedWithWarning,
            MailboxOutcome::Already,
            MailboxOutcome::Blocked,
            MailboxOutcome::Refused,
            MailboxOutcome::NoOp,
            MailboxOutcome::Failed,
        ];
        ALL.into_iter().find(|outcome| outcome.to_byte() == byte)
    }

    /// Its word in reports and scenarios: `flipped`, `flipped-with-warning`, `already`, `blocked`,
    /// `refused`, `no-op` or `failed`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Flipped => "flipped",
            Self::FlippedWithWarning => "flipped-with-warning",
            Self::Already => "already",
            Self::Blocked => "blocked",
            Self::Refused => "refused",
            Self::NoOp => "no-op",
            Self::Failed => "failed",
        }
    }

    /// Whether the flag was changed, as a read showed.
    pub(super) const fn is_change(self) -> bool {
        matches!(self, Self::Flipped | Self::FlippedWithWarning)
    }

    /// Whether it was tried, or not there, and does not have the wanted value.
    pub(super) const fn is_bad(self) -> bool {
        matches!(self, Self::Refused | Self::NoOp | Self::Failed)
    }

    /// Whether the flag has the wanted value.
    #[must_use]
    pub const fn is_good(self) -> bool {
        matches!(self, Self::Flipped | Self::FlippedWithWarning | Self::Already)
    }
}

/// A mailbox that did not simply flip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// What became of it.
    pub outcome: MailboxOutcome,
    /// The service's own words, or the id of the finding.
    pub detail: String,
}

/// What a transfer or a rollback came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransferReport {
    /// Mailboxes whose flag changed, those with a warning included.
    pub flipped: u64,
    /// How many of those an earlier call of the same name changed.
    pub flipped_before: u64,
    /// Mailboxes that nothing stands against, when nothing was to be changed.
    pub would_flip: u64,
    /// Mailboxes whose flag had the wanted value before.
    pub already: u64,
    /// Mailboxes that a finding blocks.
    pub blocked: u64,
    /// Mailboxes whose calls were refused.
    pub refused: u64,
    /// Mailboxes whose calls were accepted without effect.
    pub no_op: u64,
    /// Mailboxes that failed otherwise.
    pub failed: u64,
    /// Mailboxes that flipped although the call returned an error.
    pub warnings: u64,
    /// Mailboxes that were named more than once; each was taken once.
    pub duplicates: u64,
    /// Waves that were verified.
    pub waves: u64,
    /// Every mailbox that did not simply flip, in the order of the waves.
    pub exceptions: Vec<Exception>,
    /// Mailboxes whose call was made, or may have been, when all ended, and whose flag nobody saw change: the same
    /// call looks at them first.
    pub undecided: Vec<MailboxId>,
    /// Mailboxes that are still to be set, or to be looked at, since it ended before its time.
    pub not_begun: u64,
    /// What the readiness check found.
    pub findings: Vec<Finding>,
    /// What a rollback takes from the cloud.
    pub losses: Vec<Loss>,
    /// Why the whole activity ended before its time.
    pub stopped: Option<Failure>,
}

impl TransferReport {
    /// Adds one mailbox.
    pub(super) fn count(&mut self, mailbox: MailboxId, outcome: MailboxOutcome, detail: &str) {
        match outcome {
            MailboxOutcome::Flipped => self.flipped += 1,
            MailboxOutcome::FlippedWithWarning => {
                self.flipped += 1;
                self.warnings += 1;
            }
            MailboxOutcome::Already => self.already += 1,
            MailboxOutcome::Blocked => self.blocked += 1,
            MailboxOutcome::Refused => self.refused += 1,
            MailboxOutcome::NoOp => self.no_op += 1,
            MailboxOutcome::Failed => self.failed += 1,
        }
        if !matches!(outcome, MailboxOutcome::Flipped | MailboxOutcome::Already) {
            self.exceptions.push(Exception { mailbox, outcome, detail: detail.to_owned() });
        }
    }

    /// Adds a wave, as far as it got.
    pub(super) fn take(&mut self, wave: Decided) {
        for (mailbox, outcome, detail) in wave.done {
            self.count(mailbox, outcome, &detail);
        }
        self.undecided.extend(wave.undecided);
        self.not_begun += wave.to_set;
    }

    /// The report at the end, while so many mailboxes are still to come.
    pub(super) fn end(&mut self, to_come: usize, stopped: Option<Failure>) -> Self {
        self.not_begun += to_come as u64;
        if stopped.is_some() {
            self.stopped = stopped;
        }
        core::mem::take(self)
    }

    /// How far it is, of so many mailboxes: what was decided, in words for people.
    pub(super) fn progress(&self, of: usize, changed: &str) -> Option<String> {
        let done = self.flipped + self.would_flip + self.already + self.not_flipped();
        let of = of as u64 - self.duplicates;
        let open = match self.not_flipped() {
            0 => String::new(),
            count => format!(", {count} not"),
        };
        (done > 0)
            .then(|| format!("{done} of {of} mailboxes decided, {} {changed}{open}", self.flipped))
    }

    /// Mailboxes that were tried, or not there, and do not have the wanted value.
    pub(super) const fn not_good(&self) -> u64 {
        self.refused + self.no_op + self.failed
    }

    /// Mailboxes whose flag does not have the wanted value.
    #[must_use]
    pub const fn not_flipped(&self) -> u64 {
        self.blocked + self.not_good()
    }
}
