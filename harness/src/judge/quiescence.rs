//! When all is done, one more cycle writes nothing.
//!
//! Why: a job that writes although nothing changed never ends, and feeds every synchronization that
//! listens to AD with changes that are none. What had failed and is tried again is no such write.

use std::collections::BTreeSet;

use sim::entra::log::LogStatus;
use sim::ledger::{Event, Side};

use super::Charge;

/// The rule; it is on only while the estate is expected to be quiet.
#[derive(Clone, Default)]
pub(super) struct Quiescence {
    /// Whether the estate is expected to be quiet.
    pub(super) active: bool,
    /// People whose last entry in the log is a failure: they are tried again.
    failing: BTreeSet<u32>,
}

impl Quiescence {
    pub(super) fn observe(&mut self, event: &Event, whose: Option<u32>) -> Option<Charge> {
        let write = match event {
            Event::Write(write) if self.active && write.actor.activity.is_automatic() => write,
            Event::Logged(logged) if logged.status == LogStatus::Failure => {
                self.failing.extend(whose);
                return None;
            }
            Event::Logged(_) if !self.failing.is_empty() => {
                self.failing.remove(&whose?);
                return None;
            }
            _ => return None,
        };
        let is_tried_again = || whose.is_some_and(|person| self.failing.contains(&person));
        if write.object.side == Side::Ad && is_tried_again() {
            return None;
        }
        let what = match write.object.side {
            Side::Ad => "AD",
            Side::Entra => "Entra",
            Side::Exchange => "Exchange Online",
        };
        let word = write.actor.activity.word();
        let message = format!("{word} wrote to {what} although nothing had changed");
        Some(Charge::of_any_write("quiescence", write, message))
    }
}
