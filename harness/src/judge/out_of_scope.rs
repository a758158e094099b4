//! What is out of scope stays untouched by the writeback job.
//!
//! Why: the job writes the objects of synced mailboxes in Exchange Online and no others; an object of
//! somebody else must stay byte by byte what its own side made it (Microsoft Learn, "Cloud-based
//! management of Exchange attributes for remote mailboxes").

use sim::estate::Estate;
use sim::ledger::{Activity, Event, Side};

use super::scope::Scope;
use super::{Charge, Kind, Oracle};

/// The rule, with who is in scope.
#[derive(Clone)]
pub(super) struct OutOfScope(Scope);

impl OutOfScope {
    pub(super) fn new(estate: &Estate) -> Self {
        Self(Scope::new(estate))
    }
}

impl Oracle for OutOfScope {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Write]
    }

    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn observe(&mut self, event: &Event, whose: Option<u32>) -> Option<Charge> {
        self.0.follow(event, whose);
        let Event::Write(write) = event else { return None };
        let exports = matches!(write.actor.activity, Activity::Writeback | Activity::Reconcile);
        if !exports || write.object.side != Side::Ad {
            return None;
        }
        let why = match whose.map(|person| self.0.of(person)) {
            None => "nobody's object: there is no mailbox behind it",
            Some(Some(false)) => "the object of somebody without a synced mailbox in the cloud",
            Some(Some(true) | None) => return None,
        };
        let message = format!("the engine wrote {why}");
        Some(Charge::of_write("out_of_scope", write, write.changes.first()?, message))
    }
}
