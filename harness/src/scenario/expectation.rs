//! What a scenario demands: on mailboxes on any of the three sides, on the job, its log, its lag, on
//! the agents and on counts.
//!
//! A mapping of several comparisons for one thing becomes several expectations; all must hold.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::model::Selector;
use super::quantity;
use super::span::{Span, Spanned};

/// Everything that one `expect` demands. All of it must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expectations {
    /// On attributes of mailboxes.
    pub mailboxes: Vec<MailboxExpectation>,
    /// `job:`, on the writeback job; names are in [`JOB_PROPERTIES`].
    pub job: Vec<NamedExpectation>,
    /// `quarantine:`, on the job's quarantine; names are in [`QUARANTINE_PROPERTIES`].
    pub quarantine: Vec<NamedExpectation>,
    /// `log:`, on the provisioning log.
    pub log: Vec<LogExpectation>,
    /// `counts:`, on the run; names are in [`COUNTS`].
    pub counts: Vec<NamedExpectation>,
    /// `lag:`, from a cloud edit to its write in AD; names are in [`LAGS`].
    pub lag: Vec<NamedExpectation>,
    /// `connect:`, on the runs of inbound synchronization; names are in [`CONNECT_COUNTS`], and of the last
    /// run in [`RUN_PROPERTIES`], by [`of_run`].
    pub connect: Vec<NamedExpectation>,
    /// `agents:`, on the provisioning agents.
    pub agents: Vec<AgentExpectation>,
    /// Its place in the file.
    pub span: Span,
}

impl Expectations {
    /// Whether it asks for the state of machines, which a fault may bring about.
    #[must_use]
    pub const fn is_of_machines(&self) -> bool {
        !self.job.is_empty() || !self.quarantine.is_empty() || !self.agents.is_empty()
    }

    /// Whether it asks for what was counted, which follows from whatever anybody does.
    #[must_use]
    pub const fn is_of_activity(&self) -> bool {
        !self.log.is_empty()
            || !self.counts.is_empty()
            || !self.lag.is_empty()
            || !self.connect.is_empty()
    }
}

/// Properties of a group in Entra that no user has (Microsoft Graph reference, "group resource type").
pub const GROUP_PROPERTIES: [&str; 6] =
    ["description", "groupTypes", "mailEnabled", "members", "owners", "securityEnabled"];
/// What `job:` can ask for: `status` (`NotRun`, `Active`, `Paused`, `Quarantine`), the numbers of
/// objects in escrow, of linked objects and of cycles that ended; and of the last cycle what it read,
/// wrote, skipped, failed and tried again, the code of its failure, and how long it took.
pub const JOB_PROPERTIES: [&str; 11] = [
    "status", "escrowed", "linked", "cycles", "read", "written", "skipped", "failed", "retried",
    "error", "duration",
];
/// What `quarantine:` can ask for: why the job is in quarantine, since when, and when it runs next.
pub const QUARANTINE_PROPERTIES: [&str; 3] = ["reason", "began", "next"];
/// Why a job is in quarantine (Microsoft Graph, `quarantineReason`), as far as this engine comes to it.
pub(super) const QUARANTINE_REASONS: [&str; 3] = [
    "EncounteredBaseEscrowThreshold",
    "EncounteredEscrowProportionThreshold",
    "EncounteredQuarantineException",
];
/// What `connect:` can ask for, over all runs since the start: cycles that ended, those that evaluated
/// everything, those that did not synchronize at all, objects imported and exported, changes that were
/// ignored because the object is the cloud's (event 6956), export errors, and export errors of one kind.
pub const CONNECT_COUNTS: [&str; 19] = [
    "cycles",
    "initial_cycles",
    "imported",
    "exported",
    "failed_cycles",
    "blocked",
    "errors",
    "ExchangeManagedAttributesUpdateNotAllowed",
    "AttributeValueMustBeUnique",
    "AttributeUpdateNotAllowed",
    "InvalidSoftMatch",
    "InvalidHardMatch",
    "ObjectTypeMismatch",
    "IdentityDataValidationFailed",
    "DataValidationFailed",
    "LargeObject",
    "ExceededAllowedLength",
    "DeletingCloudOnlyObjectNotAllowed",
    "ExistingAdminRoleConflict",
];
/// What `last:` under `connect:` can ask for, of the last run that ended.
pub const RUN_PROPERTIES: [&str; 8] =
    ["policy", "imported", "exported", "blocked", "errors", "failure", "unreached", "duration"];
/// How the names of these begin where they stand beside those of all runs.
const LAST_RUN: &str = "last ";
/// The same of earlier runs, after their number: how many came after them.
const EARLIER_RUN: &str = " before the last ";

/// The name of what is demanded of a run: `before` runs ended after it.
#[must_use]
pub(super) fn of_run(before: usize, name: &str) -> String {
    match before {
        0 => format!("{LAST_RUN}{name}"),
        before => format!("{before}{EARLIER_RUN}{name}"),
    }
}

/// Of which run something is demanded, as [`of_run`] says it, and what; `None` for what is of all runs.
#[must_use]
pub fn run_of(name: &str) -> Option<(usize, &str)> {
    if let Some(name) = name.strip_prefix(LAST_RUN) {
        return Some((0, name));
    }
    let (before, name) = name.split_once(EARLIER_RUN)?;
    Some((before.parse().ok()?, name))
}
/// What `counts:` can ask for: the counts of the JSON verdict.
pub const COUNTS: [&str; 6] =
    ["flips", "ad_writes", "redundant_writes", "cloud_edits", "retries", "compared_objects"];
/// What `lag:` can ask for.
pub const LAGS: [&str; 5] = ["p50", "p90", "p95", "p99", "max"];
/// What `agents:` can ask for, of each agent.
pub const AGENT_PROPERTIES: [&str; 2] = ["status", "version"];

/// Demands on some mailboxes.
#[derive(Debug, Clone, PartialEq)]
pub struct MailboxExpectation {
    /// Which mailboxes; the demand is on every one of them.
    pub mailboxes: Spanned<Selector>,
    /// The demands, in the order of the file.
    pub attributes: Vec<AttributeExpectation>,
}

impl MailboxExpectation {
    /// The comparisons of one attribute.
    pub fn of<'e>(&'e self, path: &'e AttributePath) -> impl Iterator<Item = &'e Comparison> {
        let about = self.attributes.iter().filter(move |demand| demand.path.value == *path);
        about.map(|demand| &demand.comparison.value)
    }
}

/// A demand on one attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeExpectation {
    /// Which attribute, on which side.
    pub path: Spanned<AttributePath>,
    /// What is demanded.
    pub comparison: Spanned<Comparison>,
}

/// An attribute on one side (`ad.proxyAddresses`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributePath {
    /// The side.
    pub side: Side,
    /// The attribute's or property's documented spelling.
    pub attribute: String,
    /// The domain controller that is asked (`ad@DC2.mail`); `None` is the first one of the domain.
    pub dc: Option<String>,
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.dc {
            Some(dc) => write!(f, "{}@{dc}.{}", self.side, self.attribute),
            None => write!(f, "{}.{}", self.side, self.attribute),
        }
    }
}

/// One of the three places where a mailbox's attributes live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Active Directory.
    Ad,
    /// Exchange Online.
    Exo,
    /// Microsoft Entra ID.
    Entra,
}

impl Side {
    /// Every side with its name in a file.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Ad, "ad"), (Self::Exo, "exo"), (Self::Entra, "entra")];
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ad => "ad",
            Self::Exo => "exo",
            Self::Entra => "entra",
        })
    }
}

/// A demand on something with a name.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedExpectation {
    /// Which one.
    pub name: Spanned<String>,
    /// What is demanded.
    pub comparison: Spanned<Comparison>,
}

/// A demand on one agent.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentExpectation {
    /// The agent.
    pub agent: Spanned<String>,
    /// What is demanded of it; names are in [`AGENT_PROPERTIES`].
    pub property: NamedExpectation,
}

/// A demand on the number of provisioning log entries that match all filters given.
#[derive(Debug, Clone, PartialEq)]
pub struct LogExpectation {
    /// `code:`, the error code or skip reason.
    pub code: Option<Spanned<String>>,
    /// `mailbox:`, by its canonical name.
    pub mailbox: Option<Spanned<String>>,
    /// `status:`, `Success`, `Failure` or `Skipped`.
    pub status: Option<Spanned<String>>,
    /// What is demanded of their number.
    pub count: Vec<Spanned<Comparison>>,
    /// Its place in the file.
    pub span: Span,
}

/// What is demanded of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Comparison {
    /// `equals:`, or a value alone: exactly these values, in any order.
    Equals(Vec<String>),
    /// `absent:`, there is no value (`true`) or there is one (`false`).
    Absent(bool),
    /// `contains:`, at least these values.
    Contains(Vec<String>),
    /// `lacks:`, none of these values.
    Lacks(Vec<String>),
    /// `primary:`, the only value with an upper-case `SMTP:`, without its type.
    Primary(String),
    /// `set:`, exactly these values, in any order; also when there is only one.
    Set(Vec<String>),
    /// `count:`, on the number of values; all of it must hold.
    Count(Vec<Comparison>),
    /// `length:`, on the number of characters of the only value; all of it must hold.
    Length(Vec<Comparison>),
    /// `matches:`, a regular expression that is found in some value.
    Matches(Pattern),
    /// `below:`.
    Below(Quantity),
    /// `above:`.
    Above(Quantity),
    /// `at_least:`.
    AtLeast(Quantity),
    /// `at_most:`.
    AtMost(Quantity),
}

impl Comparison {
    /// Every comparison's name in a file.
    pub const NAMES: [&'static str; 13] = [
        "absent", "contains", "lacks", "primary", "equals", "set", "count", "length", "matches",
        "below", "above", "at_least", "at_most",
    ];
}

impl Comparison {
    /// Whether a number satisfies it. Comparisons that are not about one number admit none.
    #[must_use]
    pub fn admits_number(&self, actual: i64) -> bool {
        let by = |bound: &Quantity, holds: fn(&i64, &i64) -> bool| match bound {
            Quantity::Number(bound) => holds(&actual, bound),
            Quantity::Duration(_) | Quantity::Instant(_) => false,
        };
        match self {
            Self::Equals(values) => values.len() == 1 && values[0].parse() == Ok(actual),
            Self::Below(bound) => by(bound, i64::lt),
            Self::Above(bound) => by(bound, i64::gt),
            Self::AtLeast(bound) => by(bound, i64::ge),
            Self::AtMost(bound) => by(bound, i64::le),
            _ => false,
        }
    }

    /// Whether an instant satisfies it. Comparisons that are not about one admit none.
    #[must_use]
    pub fn admits_instant(&self, actual: Timestamp) -> bool {
        let by = |bound: &Quantity, holds: fn(&Timestamp, &Timestamp) -> bool| match bound {
            Quantity::Instant(bound) => holds(&actual, bound),
            Quantity::Number(_) | Quantity::Duration(_) => false,
        };
        match self {
            Self::Below(bound) => by(bound, Timestamp::lt),
            Self::Above(bound) => by(bound, Timestamp::gt),
            Self::AtLeast(bound) => by(bound, Timestamp::ge),
            Self::AtMost(bound) => by(bound, Timestamp::le),
            _ => false,
        }
    }

    /// Whether a length of time satisfies it. Comparisons that are not about one admit none.
    #[must_use]
    pub fn admits_duration(&self, actual: Duration) -> bool {
        let by = |bound: &Quantity, holds: fn(&Duration, &Duration) -> bool| match bound {
            Quantity::Duration(bound) => holds(&actual, bound),
            Quantity::Number(_) | Quantity::Instant(_) => false,
        };
        match self {
            Self::Equals(values) => {
                values.len() == 1 && quantity::duration(&values[0]) == Ok(actual)
            }
            Self::Below(bound) => by(bound, Duration::lt),
            Self::Above(bound) => by(bound, Duration::gt),
            Self::AtLeast(bound) => by(bound, Duration::ge),
            Self::AtMost(bound) => by(bound, Duration::le),
            _ => false,
        }
    }
}

/// As a file would write it.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equals(values) => write_values(f, values),
            Self::Absent(absent) => write!(f, "absent: {absent}"),
            Self::Contains(values) => {
                f.write_str("contains: ")?;
                write_values(f, values)
            }
            Self::Lacks(values) => {
                f.write_str("lacks: ")?;
                write_values(f, values)
            }
            Self::Primary(address) => write!(f, "primary: {address}"),
            Self::Set(values) => write!(f, "set: [{}]", values.join(", ")),
            Self::Count(bounds) => write!(f, "count: {{{}}}", together(bounds)),
            Self::Length(bounds) => write!(f, "length: {{{}}}", together(bounds)),
            Self::Matches(pattern) => write!(f, "matches: {}", pattern.text),
            Self::Below(bound) => write!(f, "below: {bound}"),
            Self::Above(bound) => write!(f, "above: {bound}"),
            Self::AtLeast(bound) => write!(f, "at_least: {bound}"),
            Self::AtMost(bound) => write!(f, "at_most: {bound}"),
        }
    }
}

/// What a value is compared with by size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// A whole number.
    Number(i64),
    /// A length of time.
    Duration(Duration),
    /// An instant.
    Instant(Timestamp),
}

impl Quantity {
    /// How much it is, in the smallest units of its kind: ones, or nanoseconds.
    #[must_use]
    pub fn units(&self) -> i128 {
        match self {
            Self::Number(number) => i128::from(*number),
            Self::Duration(duration) => {
                i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX / 2)
            }
            Self::Instant(instant) => instant.as_nanosecond(),
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Duration(duration) => f.write_str(&quantity::show_duration(*duration)),
            Self::Instant(instant) => instant.fmt(f),
        }
    }
}

/// A compiled regular expression.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// As written.
    pub text: String,
    /// Ready to use. It is case-sensitive and matches anywhere in a value unless it says otherwise.
    pub regex: regex::Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

fn together(bounds: &[Comparison]) -> String {
    bounds.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn write_values(f: &mut fmt::Formatter<'_>, values: &[String]) -> fmt::Result {
    match values {
        [only] => f.write_str(only),
        several => write!(f, "[{}]", several.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_admit_what_they_say() {
        let three = || Quantity::Number(3);
        let admitted = |comparison: Comparison| -> Vec<i64> {
            (1..6).filter(|number| comparison.admits_number(*number)).collect()
        };
        assert_eq!(admitted(Comparison::Equals(vec!["3".to_owned()])), [3]);
        assert_eq!(admitted(Comparison::Below(three())), [1, 2]);
        assert_eq!(admitted(Comparison::AtMost(three())), [1, 2, 3]);
        assert_eq!(admitted(Comparison::Above(three())), [4, 5]);
        assert_eq!(admitted(Comparison::AtLeast(three())), [3, 4, 5]);
        assert_eq!(admitted(Comparison::Absent(true)), [0; 0]);
        let hour = Duration::from_secs(3_600);
        assert!(Comparison::Equals(vec!["1h".to_owned()]).admits_duration(hour));
        assert!(!Comparison::Below(Quantity::Duration(hour)).admits_duration(hour));
        assert!(!Comparison::Below(three()).admits_duration(hour));
    }
}
