//! Reports: drawings of what a run came to, one room for each form. None of them decides anything.
//!
//! `terminal` is for people, `json` and `junit` are for programs, `progress` is for people who wait.

mod failure;
pub mod json;
pub mod junit;
pub mod progress;
pub mod terminal;

pub use failure::{Failure, rule_name};

use std::collections::BTreeSet;

use crate::judge::verdict::{ScenarioResult, Verdict};
use crate::observe::marks::{Mark, all};

/// One scenario, as reports draw it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What it came to. After an internal error it says unknown, and its first reason is the error.
    pub result: ScenarioResult,
    /// Whether hybridsim itself broke: then the verdict says nothing about the engine.
    pub internal_error: bool,
}

impl Outcome {
    /// What a run came to.
    #[must_use]
    pub const fn judged(result: ScenarioResult) -> Self {
        Self { result, internal_error: false }
    }

    /// The word that stands before a scenario in every report.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        if self.internal_error { "error" } else { self.result.verdict.word() }
    }

    /// Whether there is nothing to explain.
    #[must_use]
    pub fn passed(&self) -> bool {
        !self.internal_error && self.result.verdict == Verdict::Pass
    }
}

/// The marks that none of `outcomes` reached.
#[must_use]
pub fn unreached(outcomes: &[Outcome]) -> Vec<Mark> {
    not_among(outcomes.iter().flat_map(|outcome| &outcome.result.marks))
}

/// The marks that are not among those of these names.
pub fn not_among<'a>(reached: impl IntoIterator<Item = &'a String>) -> Vec<Mark> {
    let reached: BTreeSet<&str> = reached.into_iter().map(String::as_str).collect();
    all().into_iter().filter(|mark| !reached.contains(mark.name.as_str())).collect()
}

#[cfg(test)]
pub(crate) mod samples;
