//! Only mapped attributes cross: an automatic writer touches nothing outside its contract.
//!
//! Why: the writeback job modifies the attributes mapped in its schema and nothing else; a transfer
//! changes no value by itself; inbound synchronization never writes to AD (Exchange Team Blog
//! 2026-08-03; Microsoft Learn, "Cloud-based management of Exchange attributes for remote mailboxes").

use sim::clock::VirtualTime;
use sim::estate::Estate;
use sim::exchange::property;
use sim::ledger::{Activity, Event, Side, Write};
use sim::record::AttributeNumber;

use super::mapping;
use super::{About, Charge, Kind, Oracle};

/// The rule, with the numbers of the attributes that are written back.
#[derive(Clone)]
pub(super) struct Contract {
    mapped: Vec<AttributeNumber>,
    /// What was mapped until a while ago: a cycle under way may still write it once.
    before: Vec<AttributeNumber>,
    changed: VirtualTime,
}

impl Contract {
    pub(super) fn new(estate: &Estate) -> Self {
        Self {
            mapped: mapping::written_back(&mapping::flows(estate)),
            before: Vec::new(),
            changed: VirtualTime::default(),
        }
    }
}

impl Oracle for Contract {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Write, Kind::Said]
    }

    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn observe(&mut self, event: &Event, _: About) -> Option<Charge> {
        let write = match event {
            Event::Write(write) => write,
            Event::Schema(change) => {
                self.before.append(&mut self.mapped);
                self.mapped = mapping::written_back(&change.flows);
                self.changed = change.at;
                return None;
            }
            Event::Cycle(end) if end.began >= self.changed => {
                self.before.clear();
                return None;
            }
            _ => return None,
        };
        let allowed = |attribute| {
            is_allowed(write, attribute, &self.mapped) || is_allowed(write, attribute, &self.before)
        };
        let stray = write.changes.iter().find(|change| !allowed(change.attribute))?;
        let activity = write.actor.activity.word();
        let message = format!("{activity} wrote an attribute that it must not touch");
        Some(Charge::of_write("contract", write, stray, message))
    }
}

fn is_allowed(write: &Write, attribute: u16, mapped: &[u16]) -> bool {
    match (write.actor.activity, write.object.side) {
        (Activity::Person | Activity::Script, _) => true,
        (Activity::Writeback | Activity::Restore | Activity::Reconcile, Side::Ad) => {
            mapped.contains(&attribute)
        }
        (Activity::Transfer, Side::Exchange) => attribute == property::FLAG,
        (Activity::Restore, Side::Exchange) => true,
        // It takes an object over again whose authority came back to AD as a whole.
        (Activity::Sync, side) => side != Side::Ad && attribute != property::FLAG,
        (Activity::Service, side) => side != Side::Ad,
        (Activity::Writeback | Activity::Reconcile | Activity::Transfer, _)
        | (Activity::Restore, Side::Entra) => false,
    }
}
