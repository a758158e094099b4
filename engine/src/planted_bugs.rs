//! Deliberate mistakes, to show that whoever judges the engine finds them.
//!
//! They exist only with the feature `planted-bugs` and are chosen when an activity is built. Without
//! it [`PlantedBugs`] is an empty type and every question to it is `false` when compiled.

/// A deliberate mistake.
#[cfg(feature = "planted-bugs")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlantedBug {
    /// The sources of two attributes are swapped in the mapping.
    SwappedAttributes,
    /// An attribute outside the contract is written too.
    OutsideAttribute,
    /// The flag is not looked at: mailboxes are exported while AD has authority.
    WriteWhileFlagFalse,
    /// A failed object is neither logged nor kept for a retry.
    DropFailedObject,
    /// The watermark moves before the writes that it stands for.
    WatermarkBeforeWrite,
    /// A modify whose outcome is unknown is sent again without reading.
    RepeatUnknownBlindly,
    /// The old primary address keeps its `SMTP:` beside the new one.
    TwoPrimaries,
    /// Of mailboxes that changed in the same second only the first is looked at.
    SkipTiedTimestamp,
    /// The scoping filter is not looked at.
    IgnoreScopingFilter,
    /// The watermark lies some minutes after what was looked at.
    WatermarkAhead,
    /// What was removed from an object is put back with its next modify.
    ResurrectRemoved,
    /// After a modify its first attribute is brought back to what it held.
    TakeBackAtOnce,
    /// Every cycle looks at everybody, and turns capitals into small letters and back.
    NeverQuiet,
    /// A modify that the directory refuses counts as done.
    RefusalAsSuccess,
    /// After a refused modify the others of the batch are forgotten.
    StopAtRefusal,
    /// Whoever is written is disabled, too.
    DisableAccount,
    /// What a transfer says of a flag is the answer to its call, unread.
    BelieveTheAnswer,
    /// The call during which the process ends is made after its end.
    OutliveItsEnd,
    /// Of the addresses that AD holds only those stay that cross.
    DropOtherKinds,
    /// Where addresses are to be merged, AD's own go.
    MergeReplaces,
    /// A missing value removes AD's, although it is not to flow.
    WipeOnEmpty,
    /// A paused job goes on with its cycles.
    IgnorePause,
    /// One failure quarantines the job.
    QuarantineAtOnce,
    /// A transfer sets the flag of the first of a batch back at once, and does it again.
    FlapTheFlag,
    /// What the directory refuses for want of rights is taken for a busy directory.
    RightsAsBusy,
    /// After a refused modify the others of the batch are not sent, and logged as failed.
    BlameTheRest,
    /// What became of a modify whose answer was lost is not logged.
    ForgetTheUnanswered,
    /// Who has nothing to be written is logged as out of scope.
    OutOfScopeWhenEqual,
    /// What somebody asks of the job does not reach it.
    DeafToCommands,
    /// Where addresses are merged, one comes to AD that nobody has.
    InventAddress,
    /// Every twelfth cycle writes; the others look, and leave it.
    LazyWriter,
    /// An initial cycle leaves alone what was exported before.
    InitialAsDelta,
}

#[cfg(feature = "planted-bugs")]
impl PlantedBug {
    /// Every bug.
    pub const ALL: [Self; 32] = [
        Self::SwappedAttributes,
        Self::OutsideAttribute,
        Self::WriteWhileFlagFalse,
        Self::DropFailedObject,
        Self::WatermarkBeforeWrite,
        Self::RepeatUnknownBlindly,
        Self::TwoPrimaries,
        Self::SkipTiedTimestamp,
        Self::IgnoreScopingFilter,
        Self::WatermarkAhead,
        Self::ResurrectRemoved,
        Self::TakeBackAtOnce,
        Self::NeverQuiet,
        Self::RefusalAsSuccess,
        Self::StopAtRefusal,
        Self::DisableAccount,
        Self::BelieveTheAnswer,
        Self::OutliveItsEnd,
        Self::DropOtherKinds,
        Self::MergeReplaces,
        Self::WipeOnEmpty,
        Self::IgnorePause,
        Self::QuarantineAtOnce,
        Self::FlapTheFlag,
        Self::RightsAsBusy,
        Self::BlameTheRest,
        Self::ForgetTheUnanswered,
        Self::OutOfScopeWhenEqual,
        Self::DeafToCommands,
        Self::InventAddress,
        Self::LazyWriter,
        Self::InitialAsDelta,
    ];

    /// The name by which it is chosen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SwappedAttributes => "swapped-attributes",
            Self::OutsideAttribute => "outside-attribute",
            Self::WriteWhileFlagFalse => "write-while-flag-false",
            Self::DropFailedObject => "drop-failed-object",
            Self::WatermarkBeforeWrite => "watermark-before-write",
            Self::RepeatUnknownBlindly => "repeat-unknown-blindly",
            Self::TwoPrimaries => "two-primaries",
            Self::SkipTiedTimestamp => "skip-tied-timestamp",
            Self::IgnoreScopingFilter => "ignore-scoping-filter",
            Self::WatermarkAhead => "watermark-ahead",
            Self::ResurrectRemoved => "resurrect-removed",
            Self::TakeBackAtOnce => "take-back-at-once",
            Self::NeverQuiet => "never-quiet",
            Self::RefusalAsSuccess => "refusal-as-success",
            Self::StopAtRefusal => "stop-at-refusal",
            Self::DisableAccount => "disable-account",
            Self::BelieveTheAnswer => "believe-the-answer",
            Self::OutliveItsEnd => "outlive-its-end",
            Self::DropOtherKinds => "drop-other-kinds",
            Self::MergeReplaces => "merge-replaces",
            Self::WipeOnEmpty => "wipe-on-empty",
            Self::IgnorePause => "ignore-pause",
            Self::QuarantineAtOnce => "quarantine-at-once",
            Self::FlapTheFlag => "flap-the-flag",
            Self::RightsAsBusy => "rights-as-busy",
            Self::BlameTheRest => "blame-the-rest",
            Self::ForgetTheUnanswered => "forget-the-unanswered",
            Self::OutOfScopeWhenEqual => "out-of-scope-when-equal",
            Self::DeafToCommands => "deaf-to-commands",
            Self::InventAddress => "invent-address",
            Self::LazyWriter => "lazy-writer",
            Self::InitialAsDelta => "initial-as-delta",
        }
    }
}

/// There is no planted bug of this name.
#[cfg(feature = "planted-bugs")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no planted bug `{0}`")]
pub struct UnknownBug(pub String);

#[cfg(feature = "planted-bugs")]
impl core::str::FromStr for PlantedBug {
    type Err = UnknownBug;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|bug| bug.name() == text)
            .ok_or_else(|| UnknownBug(text.to_owned()))
    }
}

/// The bugs that an activity is to have. None by default, and none at all without the feature.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlantedBugs {
    #[cfg(feature = "planted-bugs")]
    bits: u64,
}

impl PlantedBugs {
    /// No bug.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// These bugs.
    #[cfg(feature = "planted-bugs")]
    #[must_use]
    pub fn of(bugs: &[PlantedBug]) -> Self {
        Self { bits: bugs.iter().fold(0, |bits, bug| bits | 1 << *bug as u64) }
    }

    /// Whether `bug` is among them.
    #[cfg(feature = "planted-bugs")]
    #[must_use]
    pub const fn has(self, bug: PlantedBug) -> bool {
        self.bits & (1 << bug as u64) != 0
    }
}

/// `planted!(bugs, Name)`: whether the bug is there; plain `false` without the feature.
#[cfg(feature = "planted-bugs")]
macro_rules! planted {
    ($bugs:expr, $bug:ident) => {
        $bugs.has($crate::planted_bugs::PlantedBug::$bug)
    };
}

/// `planted!(bugs, Name)`: whether the bug is there; plain `false` without the feature.
#[cfg(not(feature = "planted-bugs"))]
macro_rules! planted {
    ($bugs:expr, $bug:ident) => {{
        let _: $crate::planted_bugs::PlantedBugs = $bugs;
        false
    }};
}

pub(crate) use planted;

#[cfg(all(test, feature = "planted-bugs"))]
mod tests {
    use super::*;

    #[test]
    fn names_choose_their_bug_and_no_other() {
        for bug in PlantedBug::ALL {
            assert_eq!(bug.name().parse::<PlantedBug>(), Ok(bug));
            let chosen = PlantedBugs::of(&[bug]);
            for other in PlantedBug::ALL {
                assert_eq!(chosen.has(other), other == bug);
            }
        }
        assert!("no-such-bug".parse::<PlantedBug>().is_err());
    }
}
