//! Only mapped attributes cross: an automatic writer touches nothing outside its contract.
//!
//! Why: the writeback job modifies the attributes mapped in its schema and nothing else; a transfer
//! changes the flag of those whom it was told to move, to what it was told, and no value by itself; inbound
//! synchronization never writes to AD (Exchange Team Blog 2026-08-03; Microsoft Learn, "Cloud-based
//! management of Exchange attributes for remote mailboxes"). What does not cross stays in AD: see
//! `what_stays`; and what crosses was in the cloud: see `invented`.

use sim::clock::VirtualTime;
use sim::estate::Estate;
use sim::exchange::{property, truth};
use sim::ledger::{Activity, Change, Event, FlipOrder, Side, Write};
use sim::record::AttributeNumber;

use super::mapping;
use super::{About, Charge, Kind, Oracle};

/// The rule, with the numbers of the attributes that are written back.
#[derive(Clone)]
pub(super) struct Contract {
    mapped: Vec<AttributeNumber>,
    /// What was mapped until a while ago: a cycle under way may still write it once.
    before: Vec<AttributeNumber>,
    /// What was mapped earlier, and until when cycles worked with it: a modify that is held back on its way
    /// lands later.
    past: Vec<(VirtualTime, Vec<AttributeNumber>)>,
    changed: VirtualTime,
    /// What the last transfer was told.
    order: Option<FlipOrder>,
}

impl Contract {
    pub(super) fn new(estate: &Estate) -> Self {
        Self {
            mapped: mapping::written_back(&mapping::flows(estate)),
            before: Vec::new(),
            past: Vec::new(),
            changed: VirtualTime::default(),
            order: None,
        }
    }

    fn is_allowed(&self, write: &Write, change: &Change) -> bool {
        let attribute = change.attribute;
        match (write.actor.activity, write.object.side) {
            (Activity::Person | Activity::Script, _) => true,
            (Activity::Writeback | Activity::Restore | Activity::Reconcile, Side::Ad) => {
                self.mapped.contains(&attribute)
                    || self.before.contains(&attribute)
                    || (write.sent < write.at && self.was_mapped(attribute, write.sent))
            }
            (Activity::Transfer, Side::Exchange) => {
                attribute == property::FLAG && self.is_ordered(write.object.number, change)
            }
            (Activity::Restore, Side::Exchange) => true,
            // It takes an object over again whose authority came back to AD as a whole.
            (Activity::Sync, side) => side != Side::Ad && attribute != property::FLAG,
            (Activity::Service, side) => side != Side::Ad,
            (Activity::Writeback | Activity::Reconcile | Activity::Transfer, _)
            | (Activity::Restore, Side::Entra) => false,
        }
    }

    /// Whether an attribute was mapped when a modify was sent.
    fn was_mapped(&self, attribute: AttributeNumber, sent: VirtualTime) -> bool {
        let then = self.past.iter().find(|(until, _)| *until >= sent);
        then.is_some_and(|(_, mapped)| mapped.contains(&attribute))
    }

    /// Whether the transfer was told to make this of this mailbox's flag. What an engine on its own was told
    /// nobody knows here.
    fn is_ordered(&self, mailbox: u32, change: &Change) -> bool {
        self.order.as_ref().is_none_or(|order| {
            let wanted = truth(order.cloud_managed).as_bytes();
            order.mailboxes.binary_search(&mailbox).is_ok()
                && change.new.iter().all(|value| value.as_ref() == wanted)
        })
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
            Event::Order(order) => {
                self.order = Some(order.clone());
                return None;
            }
            Event::Cycle(end) if end.began >= self.changed => {
                if !self.before.is_empty() {
                    self.past.push((end.began, core::mem::take(&mut self.before)));
                }
                return None;
            }
            _ => return None,
        };
        let stray = write.changes.iter().find(|change| !self.is_allowed(write, change))?;
        let activity = write.actor.activity.word();
        let message =
            if write.actor.activity == Activity::Transfer && stray.attribute == property::FLAG {
                "a transfer changed a flag that nobody told it to change so".to_owned()
            } else {
                format!("{activity} wrote an attribute that it must not touch")
            };
        Some(Charge::of_write("contract", write, stray, message))
    }
}
