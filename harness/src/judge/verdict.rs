//! What a run came to, as data. Every report is a drawing of it.
//!
//! The JSON document of `run --json` is these types, field by field; their names are public.

use schemars::JsonSchema;
use serde::Serialize;

use crate::scenario::Span;

/// The version of the JSON document.
pub const DOCUMENT_VERSION: u32 = 1;

/// Pass, fail or unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing was wrong, and what was to be tested happened.
    Pass,
    /// Nothing was wrong, but it proves nothing: see the reasons.
    Unknown,
    /// Something was wrong: see the findings.
    Fail,
}

impl Verdict {
    /// The word that reports use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Unknown => "unknown",
            Self::Fail => "fail",
        }
    }
}

/// How the engine reached the estate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// By function calls.
    Memory,
    /// By HTTPS and LDAP on loopback.
    Wire,
}

/// Identifies a run: equal for equal runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Trace {
    /// 128 bits over all domain events, 32 hex digits.
    pub hash: String,
    /// How many events.
    pub events: u64,
    /// The virtual time of the last one, RFC 3339; the start when there was none.
    pub last: String,
}

/// What happened, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counts {
    /// Flags that changed their value, in either direction.
    pub flips: u64,
    /// Modifies by the engine that had an effect in AD.
    pub ad_writes: u64,
    /// Modifies by the engine that succeeded and changed nothing.
    pub redundant_writes: u64,
    /// Changes by people to mailboxes that had an effect.
    pub cloud_edits: u64,
    /// Failed objects that the engine tried again.
    pub retries: u64,
    /// Objects whose AD values were compared with the mapping of their cloud state at the end.
    pub compared_objects: u64,
}

/// One declared fault and how often it did something. Two of the same name are two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FaultResult {
    /// Its name in scenario files.
    pub name: String,
    /// Where it strikes.
    pub place: String,
    /// The line of the file that declares it, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// How often.
    pub hits: u64,
}

/// Which rule a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// An always-on rule, by name.
    Oracle(String),
    /// An expectation of the file, as the file words it.
    Expectation(String),
}

/// A place in the scenario file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Location {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// Characters, on the first line alone; at least 1.
    pub length: usize,
}

impl Location {
    /// The place of a span in a file's text.
    #[must_use]
    pub fn of(span: Span, source: &str) -> Self {
        let (line, column) = span.line_column(source);
        let text = source.get(span.range()).unwrap_or_default();
        let length = text.lines().next().unwrap_or_default().trim_end().chars().count().max(1);
        Self { line, column, length }
    }
}

/// Something that was wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// Which rule.
    #[serde(flatten)]
    pub rule: Rule,
    /// What is wrong, in a sentence.
    pub message: String,
    /// The object, as the scenario calls it.
    pub object: Option<String>,
    /// `ad.proxyAddresses`, `exo.IsExchangeCloudManaged`, ...
    pub attribute: Option<String>,
    /// What it should be.
    pub expected: Option<String>,
    /// What it is.
    pub actual: Option<String>,
    /// Who wrote it last, when, and with whose authority.
    pub last_writer: Option<String>,
    /// The virtual time, RFC 3339.
    pub at: String,
    /// What led there, oldest first.
    pub chain: Vec<String>,
    /// Where the file asks for it.
    pub location: Option<Location>,
}

/// A rule that the file suspends, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Suspended {
    /// The oracle.
    pub oracle: String,
    /// Why.
    pub because: String,
}

/// What one scenario came to.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ScenarioResult {
    /// The file, as it was named.
    pub file: String,
    /// Its id in the facts.
    pub id: Option<String>,
    /// Its sentence.
    pub scenario: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is unknown, or an internal error in words.
    pub reasons: Vec<String>,
    /// The seed.
    pub seed: u64,
    /// The profile.
    pub profile: String,
    /// The transport.
    pub transport: Transport,
    /// Virtual time that passed.
    pub virtual_seconds: f64,
    /// Real time that passed.
    pub wall_seconds: f64,
    /// The trace.
    pub trace: Trace,
    /// The counts.
    pub counts: Counts,
    /// The faults that the file declares.
    pub faults: Vec<FaultResult>,
    /// The branches of engine and estate that it reached, by name.
    pub marks: Vec<String>,
    /// What was wrong.
    pub findings: Vec<Finding>,
    /// What was suspended.
    pub suspended: Vec<Suspended>,
    /// What is worth knowing and is no fault of anybody: drift, documented losses, warnings.
    pub notes: Vec<String>,
    /// The process's peak memory when the scenario ended.
    pub peak_memory_bytes: u64,
}

/// How many of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Summary {
    /// Passed.
    pub pass: usize,
    /// Failed.
    pub fail: usize,
    /// Unknown.
    pub unknown: usize,
}

/// The JSON document.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Document {
    /// [`DOCUMENT_VERSION`].
    pub version: u32,
    /// How many of each.
    pub summary: Summary,
    /// The branches of engine and estate that no scenario of this run reached, by name.
    pub unreached_marks: Vec<String>,
    /// The scenarios, in the order of their files.
    pub scenarios: Vec<ScenarioResult>,
}
