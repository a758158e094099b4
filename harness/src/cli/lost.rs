//! A scenario during which hybridsim itself broke: what is known of it without a run.

use crate::judge::verdict::{Counts, ScenarioResult, Trace, Transport, Verdict};
use crate::report::Outcome;

/// What is known.
pub(super) struct Lost {
    pub(super) file: String,
    pub(super) id: Option<String>,
    pub(super) scenario: String,
    pub(super) seed: u64,
    pub(super) profile: String,
    /// The first instant of its world; empty when there is none.
    pub(super) start: String,
}

impl Lost {
    /// The outcome, with the error in words.
    pub(super) fn outcome(self, transport: Transport, wall_seconds: f64, error: &str) -> Outcome {
        let result = ScenarioResult {
            file: self.file,
            id: self.id,
            scenario: self.scenario,
            verdict: Verdict::Unknown,
            reasons: vec![format!("internal error: {error}")],
            seed: self.seed,
            profile: self.profile,
            transport,
            virtual_seconds: 0.0,
            wall_seconds,
            // No trace: nothing that a lost run noted can be trusted.
            trace: Trace { hash: String::new(), events: 0, last: self.start },
            counts: Counts::default(),
            faults: Vec::new(),
            findings: Vec::new(),
            suspended: Vec::new(),
            notes: Vec::new(),
            marks: Vec::new(),
            peak_memory_bytes: 0,
        };
        Outcome { result, internal_error: true }
    }
}
