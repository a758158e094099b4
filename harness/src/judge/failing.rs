//! Whose last entry in the log is a failure: one picture, for every rule that asks.

use std::collections::BTreeSet;

use sim::entra::log::LogStatus;
use sim::ledger::Logged;

/// People whose last entry in the log is a failure.
#[derive(Debug, Clone, Default)]
pub(super) struct Failing(BTreeSet<u32>);

impl Failing {
    /// Takes an entry in.
    pub(super) fn note(&mut self, logged: &Logged, whose: Option<u32>) {
        if logged.status == LogStatus::Failure {
            self.0.extend(whose);
        } else if let Some(person) = whose.filter(|_| !self.0.is_empty()) {
            self.0.remove(&person);
        }
    }

    /// Whether somebody is among them: they are tried again.
    pub(super) fn has(&self, person: u32) -> bool {
        self.0.contains(&person)
    }

    /// How many they are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}
