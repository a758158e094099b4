//! Every change has exactly one effect, although delivery is at-least-once.
//!
//! Why: a modify whose answer was lost may have been applied; only reading tells, and only whoever sent it
//! knows what to look for. Sending it again unread doubles the effect where it is not idempotent, and
//! overwrites whatever came between. And a modify that succeeds and changes nothing was not needed: it
//! costs the domain controller, and every reader of `uSNChanged`, a change that is none. The same goes for
//! the flag of a mailbox: a call that was accepted is not made again before a read.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use sim::clock::VirtualTime;
use sim::ledger::{Activity, Event, ObjectKey, Outcome, Side};

use super::{About, Charge, Kind, Oracle};

/// The rule, with what it remembers of each object.
#[derive(Clone, Default)]
pub(super) struct ExactlyOnce {
    /// Of objects in AD, by what sends modifies there.
    modifies: [HashMap<ObjectKey, Known, FxBuildHasher>; SENDERS.len()],
    /// The call for a flag that was made last, of mailboxes that were not read since.
    calls: HashMap<ObjectKey, u64, FxBuildHasher>,
}

/// The activities that send modifies to AD, in the order of what is remembered of them.
const SENDERS: [Activity; 3] = [Activity::Writeback, Activity::Restore, Activity::Reconcile];

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

    fn observe(&mut self, event: &Event, _: About) -> Option<Charge> {
        match event {
            Event::Read(read) if read.activity == Activity::Transfer => {
                self.calls.remove(&read.object);
                None
            }
            Event::Read(read) if read.object.side == Side::Ad => {
                let known = self.known(read.object, read.activity)?;
                known.unread_request = None;
                known.in_doubt = false;
                known.read_at = read.at;
                None
            }
            Event::Write(write) if write.object.side == Side::Ad => {
                for (sender, objects) in SENDERS.iter().zip(&mut self.modifies) {
                    let is_other = *sender != write.actor.activity || write.sent < write.at;
                    if is_other && let Some(known) = objects.get_mut(&write.object) {
                        known.changed_by_others_at = Some(write.at);
                    }
                }
                None
            }
            Event::Outcome(outcome) => match (outcome.actor.activity, outcome.side) {
                (Activity::Transfer, Side::Exchange) => self.call(outcome),
                (_, Side::Ad) => self.modify(outcome),
                _ => None,
            },
            _ => None,
        }
    }
}

impl ExactlyOnce {
    fn known(&mut self, object: ObjectKey, activity: Activity) -> Option<&mut Known> {
        let place = SENDERS.iter().position(|sender| *sender == activity)?;
        Some(self.modifies[place].entry(object).or_default())
    }

    fn modify(&mut self, outcome: &Outcome) -> Option<Charge> {
        let object = outcome.object?;
        let known = self.known(object, outcome.actor.activity)?;
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
        Some(charge(outcome, object, message, "one effective modify for each change"))
    }

    /// A call for a flag. One that was refused and changed nothing may be made again; of any other only
    /// a read tells.
    fn call(&mut self, outcome: &Outcome) -> Option<Charge> {
        let object = outcome.object?;
        let may_be_made = outcome.code == 0 || outcome.effective || !outcome.answered;
        let before = if may_be_made {
            self.calls.insert(object, outcome.request)
        } else {
            self.calls.get(&object).copied()
        };
        let message = "the transfer made a call for a flag again without reading what became of the \
                       first";
        (before == Some(outcome.request))
            .then(|| charge(outcome, object, message, "a read before the call is made again"))
    }
}

fn charge(outcome: &Outcome, object: ObjectKey, message: &str, expected: &str) -> Charge {
    let answer = if outcome.side == Side::Ad { "LDAP result" } else { "status" };
    Charge {
        oracle: "exactly_once",
        at: outcome.at,
        object: Some(object),
        person: None,
        attribute: None,
        writer: None,
        message: message.to_owned(),
        expected: Some(expected.to_owned()),
        actual: Some(format!(
            "{answer} {}, {}",
            outcome.code,
            if outcome.effective { "effective" } else { "without effect" }
        )),
    }
}
