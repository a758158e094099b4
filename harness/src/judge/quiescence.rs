//! When all is done, one more cycle writes nothing.
//!
//! Why: a job that writes although nothing changed never ends, and feeds every synchronization that
//! listens to AD with changes that are none.

use sim::ledger::{Event, Side};

use super::Charge;

/// The rule; it is on only while the estate is expected to be quiet.
#[derive(Clone, Default)]
pub(super) struct Quiescence {
    /// Whether the estate is expected to be quiet.
    pub(super) active: bool,
}

impl Quiescence {
    pub(super) fn observe(&self, event: &Event) -> Option<Charge> {
        let Event::Write(write) = event else { return None };
        if !self.active || !write.actor.activity.is_automatic() {
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
