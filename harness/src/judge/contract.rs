//! Only mapped attributes cross: an automatic writer touches nothing outside its contract.
//!
//! Why: the writeback job modifies the attributes mapped in its schema and nothing else; a transfer
//! changes no value by itself; inbound synchronization never writes to AD (Exchange Team Blog
//! 2026-08-03; Microsoft Learn, "Cloud-based management of Exchange attributes for remote mailboxes").

use std::collections::BTreeMap;

use sim::directory::forests::ForestNumber;
use sim::estate::Estate;
use sim::exchange::property;
use sim::ledger::{Activity, Event, Side, Write};

use super::mapping::Mapping;
use super::{Charge, Oracle, shown};

/// The rule, with the numbers of the mapped attributes of each forest once they are known.
#[derive(Clone, Default)]
pub(super) struct Contract {
    mapped: BTreeMap<ForestNumber, Vec<u16>>,
}

impl Oracle for Contract {
    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn observe(&mut self, event: &Event, estate: &Estate) -> Option<Charge> {
        let Event::Write(write) = event else { return None };
        let activity = write.actor.activity;
        let forest = estate.forests.get(write.object.forest)?;
        let mapped = self.mapped.entry(write.object.forest).or_insert_with(|| {
            Mapping::new(estate, forest).rules.iter().filter_map(|rule| rule.ad).collect()
        });
        let stray =
            write.changes.iter().find(|change| !is_allowed(write, change.attribute, mapped))?;
        Some(Charge {
            oracle: "contract",
            at: write.at,
            object: Some(write.object),
            attribute: Some(stray.attribute),
            message: format!("{} wrote an attribute that it must not touch", activity.word()),
            expected: Some(shown(&stray.old)),
            actual: Some(shown(&stray.new)),
        })
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
        (Activity::Sync, side) => {
            side != Side::Ad && attribute != property::FLAG && attribute != property::IS_DIR_SYNCED
        }
        (Activity::Service, side) => side != Side::Ad,
        (Activity::Writeback | Activity::Reconcile | Activity::Transfer, _)
        | (Activity::Restore, Side::Entra) => false,
    }
}
