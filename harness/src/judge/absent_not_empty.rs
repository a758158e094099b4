//! An attribute of AD is absent, never empty.
//!
//! Why: AD has no empty value, and what reads it takes an empty string for a value; an attribute that
//! the cloud has not is left alone or removed, by the profile's switch `null_flow`.

use sim::ledger::{Event, Side};

use super::{About, Charge, Kind, Oracle};

/// The rule. It needs no memory.
#[derive(Clone)]
pub(super) struct AbsentNotEmpty;

impl Oracle for AbsentNotEmpty {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Write]
    }

    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn observe(&mut self, event: &Event, _: About) -> Option<Charge> {
        let Event::Write(write) = event else { return None };
        if write.object.side != Side::Ad || !write.actor.activity.is_automatic() {
            return None;
        }
        let has_empty = |values: &[Box<[u8]>]| values.iter().any(|value| value.is_empty());
        let change = write.changes.iter().find(|change| has_empty(&change.new))?;
        let message = format!("{} left an empty value", write.actor.activity.word());
        let charge = Charge::of_write("absent_not_empty", write, change, message);
        Some(Charge { expected: Some("a value, or no attribute".to_owned()), ..charge })
    }
}
