//! A read-back decides the outcome of a flip, not the answer to the call.
//!
//! Why: `Set-Mailbox -IsExchangeCloudManaged` may answer with success and change nothing (the preview's
//! silent no-op), and with an error although it was applied (field report, Microsoft Q&A). What a
//! transfer says of a flag must be what it read after its last call for that mailbox.

use sim::exchange::truth;
use sim::ledger::{Activity, Event, Side};

use super::{About, Charge, Kind, Oracle};
use crate::observe::ByPerson;

/// The rule, with the flag that transfers read last of each mailbox; `None` since a call for it.
#[derive(Clone, Default)]
pub(super) struct ReadBack {
    /// By number of the mailbox.
    read: ByPerson<Option<bool>>,
}

impl Oracle for ReadBack {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Read, Kind::Outcome, Kind::Said]
    }

    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn observe(&mut self, event: &Event, _: About) -> Option<Charge> {
        match event {
            Event::Read(read) if read.activity == Activity::Transfer => {
                if read.object.side == Side::Exchange {
                    self.read.set(read.object.number, read.cloud_managed);
                }
                None
            }
            Event::Outcome(outcome) if outcome.actor.activity == Activity::Transfer => {
                if outcome.side == Side::Exchange {
                    self.read.set(outcome.object?.number, None);
                }
                None
            }
            Event::Claim(claim) => {
                let read = self.read.get(claim.object.number);
                if read == Some(claim.cloud_managed) {
                    return None;
                }
                let seen = match read {
                    None => "it was not read since the last call",
                    Some(_) => "the last read says otherwise",
                };
                Some(Charge {
                    oracle: "read_back",
                    at: claim.at,
                    object: Some(claim.object),
                    person: None,
                    attribute: Some(sim::exchange::property::FLAG),
                    writer: None,
                    message: format!("the transfer says what the flag is, and {seen}"),
                    expected: read.map(|flag| truth(flag).to_owned()),
                    actual: Some(truth(claim.cloud_managed).to_owned()),
                })
            }
            _ => None,
        }
    }
}
