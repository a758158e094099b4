//! Every change has exactly one effect, although delivery is at-least-once.
//!
//! Why: a modify whose answer was lost may have been applied; only reading tells. Sending it again
//! unread doubles the effect where it is not idempotent, and overwrites whatever came between. And a
//! modify that succeeds and changes nothing was not needed: it costs the domain controller, and every
//! reader of `uSNChanged`, a change that is none.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use sim::clock::VirtualTime;
use sim::ledger::{Activity, Event, ObjectKey, Outcome, Read, Side};

use super::{Charge, Kind, Oracle};

/// The rule, with what it remembers of each object.
#[derive(Clone, Default)]
pub(super) struct ExactlyOnce {
    objects: HashMap<ObjectKey, Known, FxBuildHasher>,
}

#[derive(Clone, Copy, Default)]
struct Known {
    /// The last request, when the engine has not read the object since.
    unread_request: Option<u64>,
    /// An answer was lost, and the engine has not read the object since.
    in_doubt: bool,
    read_at: VirtualTime,
    changed_by_others_at: Option<VirtualTime>,
}

impl Oracle for ExactlyOnce {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Write, Kind::Read, Kind::Outcome]
    }

    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn observe(&mut self, event: &Event, _: Option<u32>) -> Option<Charge> {
        match event {
            Event::Read(Read { at, object, .. }) if object.side == Side::Ad => {
                let known = self.objects.entry(*object).or_default();
                known.unread_request = None;
                known.in_doubt = false;
                known.read_at = *at;
                None
            }
            Event::Write(write)
                if write.object.side == Side::Ad && write.actor.activity != Activity::Writeback =>
            {
                let known = self.objects.entry(write.object).or_default();
                known.changed_by_others_at = Some(write.at);
                None
            }
            Event::Outcome(outcome)
                if outcome.side == Side::Ad && outcome.actor.activity == Activity::Writeback =>
            {
                self.outcome(outcome)
            }
            _ => None,
        }
    }
}

impl ExactlyOnce {
    fn outcome(&mut self, outcome: &Outcome) -> Option<Charge> {
        let object = outcome.object?;
        let known = self.objects.entry(object).or_default();
        let repeated = known.unread_request == Some(outcome.request);
        let in_doubt = known.in_doubt;
        known.unread_request = Some(outcome.request);
        known.in_doubt = !outcome.answered;
        let message = if in_doubt {
            "the engine did not know what became of a modify, and sent another without reading"
        } else if repeated {
            "the engine sent the same modify again without reading what became of the first"
        } else if outcome.code == 0
            && !outcome.effective
            && known.changed_by_others_at.is_none_or(|at| at < known.read_at)
        {
            "the engine sent a modify that changes nothing"
        } else {
            return None;
        };
        Some(Charge {
            oracle: "exactly_once",
            at: outcome.at,
            object: Some(object),
            attribute: None,
            writer: None,
            message: message.to_owned(),
            expected: Some("one effective modify for each change".to_owned()),
            actual: Some(format!(
                "LDAP result {}, {}",
                outcome.code,
                if outcome.effective { "effective" } else { "without effect" }
            )),
        })
    }
}
