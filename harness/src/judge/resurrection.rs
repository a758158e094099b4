//! No value comes back after it was removed.
//!
//! Why: an address that was taken away and given to somebody else must not return by an export of what
//! the engine knew before. Judged is what the engine had read: a value that was removed after its read
//! may cross once. What a restore puts back from a backup is asked for, and what a rollback takes is
//! documented.

use std::hash::Hasher;

use hashbrown::HashMap;
use rustc_hash::{FxBuildHasher, FxHasher};
use sim::estate::Estate;
use sim::exchange::property;
use sim::ledger::{Activity, Change, Event, Side, Write};
use sim::record::AttributeNumber;

use super::{Charge, Kind, Oracle, mapping};

/// The rule, with what was removed in the cloud and not put back there.
#[derive(Clone)]
pub(super) struct Resurrection {
    /// Mailbox property and AD attribute.
    pairs: Vec<(AttributeNumber, AttributeNumber)>,
    removed: HashMap<u32, Vec<Removed>, FxBuildHasher>,
}

#[derive(Clone, Copy)]
struct Removed {
    /// The AD attribute.
    attribute: AttributeNumber,
    value: u64,
    /// The engine has read the mailbox since.
    known: bool,
}

impl Resurrection {
    pub(super) fn new(estate: &Estate) -> Self {
        Self { pairs: mapping::pairs(&mapping::flows(estate)), removed: HashMap::default() }
    }

    fn edit(&mut self, write: &Write, person: u32) {
        let flag_changed = write.changes.iter().any(|change| change.attribute == property::FLAG);
        if flag_changed || write.cloud_managed != Some(true) {
            self.removed.remove(&person);
            return;
        }
        for change in &write.changes {
            let fed: Vec<AttributeNumber> = self
                .pairs
                .iter()
                .filter(|(property, _)| *property == change.attribute)
                .map(|(_, attribute)| *attribute)
                .collect();
            for attribute in fed {
                self.note(person, attribute, change);
            }
        }
    }

    fn note(&mut self, person: u32, attribute: AttributeNumber, change: &Change) {
        let new: Vec<u64> = change.new.iter().map(|value| folded(value)).collect();
        let gone = change.old.iter().map(|value| folded(value)).filter(|old| !new.contains(old));
        let gone: Vec<u64> = gone.collect();
        if gone.is_empty() && !self.removed.contains_key(&person) {
            return;
        }
        let removed = self.removed.entry(person).or_default();
        removed.retain(|known| {
            known.attribute != attribute
                || !(new.contains(&known.value) || gone.contains(&known.value))
        });
        let fresh = |value| Removed { attribute, value, known: false };
        removed.extend(gone.into_iter().map(fresh));
    }

    fn export(&self, write: &Write, person: u32) -> Option<Charge> {
        let removed = self.removed.get(&person)?;
        let comes_back = |change: &&Change| {
            let old: Vec<u64> = change.old.iter().map(|value| folded(value)).collect();
            change.new.iter().map(|value| folded(value)).any(|value| {
                !old.contains(&value)
                    && removed.iter().any(|removed| {
                        removed.known
                            && removed.attribute == change.attribute
                            && removed.value == value
                    })
            })
        };
        let change = write.changes.iter().find(comes_back)?;
        let message = "the engine wrote a value that it had read as removed in the cloud";
        Some(Charge::of_write("resurrection", write, change, message.to_owned()))
    }
}

/// Values are compared without case, as AD compares them.
fn folded(value: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    for byte in value {
        hasher.write_u8(byte.to_ascii_lowercase());
    }
    hasher.finish()
}

impl Oracle for Resurrection {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Write, Kind::Read, Kind::Said]
    }

    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn observe(&mut self, event: &Event, whose: Option<u32>) -> Option<Charge> {
        match event {
            // What was removed under another mapping says nothing of this one.
            Event::Schema(change) => {
                self.pairs = mapping::pairs(&change.flows);
                self.removed.clear();
                None
            }
            Event::Write(write) if write.object.side == Side::Exchange => {
                self.edit(write, whose?);
                None
            }
            Event::Write(write)
                if write.object.side == Side::Ad
                    && matches!(
                        write.actor.activity,
                        Activity::Writeback | Activity::Reconcile
                    ) =>
            {
                self.export(write, whose?)
            }
            Event::Read(read)
                if read.object.side == Side::Exchange
                    && matches!(read.activity, Activity::Writeback | Activity::Reconcile) =>
            {
                for removed in self.removed.get_mut(&whose?)? {
                    removed.known = true;
                }
                None
            }
            _ => None,
        }
    }
}
