//! No value comes back after it was removed.
//!
//! Why: an address that was taken away and given to somebody else must not return by an export of what
//! the engine knew before. Judged is what the engine had read: a value that was removed after its read
//! may cross once, and a modify that is held back on its way is judged by what was known when it was sent.
//! What a restore puts back from a backup is asked for, and what a rollback takes is documented. The other
//! way, where AD has authority: what inbound synchronization took away from the cloud it must not bring
//! back, unless AD has it again. A change in AD that is on its way to the domain controller from which synchronization
//! imports has not happened there yet: as long as it may travel, the value that it took away may come up once more.

use std::hash::Hasher;

use hashbrown::HashMap;
use rustc_hash::{FxBuildHasher, FxHasher};
use sim::clock::VirtualTime;
use sim::estate::Estate;
use sim::exchange::property;
use sim::ledger::{Activity, Change, Event, Side, Write, WriteKind};
use sim::record::AttributeNumber;

use super::lag::{Lag, has_copies};
use super::scope::exports;
use super::{About, Charge, Kind, Oracle, mapping};

/// The rule, with what was removed in the cloud and not put back there.
#[derive(Clone)]
pub(super) struct Resurrection {
    /// Mailbox property and AD attribute.
    pairs: Vec<(AttributeNumber, AttributeNumber)>,
    removed: HashMap<u32, Vec<Removed>, FxBuildHasher>,
    /// Mailbox property and value that inbound synchronization took away and AD has not again.
    taken: HashMap<u32, Vec<(AttributeNumber, u64)>, FxBuildHasher>,
    /// By person, values that came to AD or left it a while ago; where there are several domain controllers.
    moving: Option<HashMap<u32, Vec<Moving>, FxBuildHasher>>,
    lag: Lag,
}

#[derive(Clone, Copy)]
struct Removed {
    /// The AD attribute.
    attribute: AttributeNumber,
    value: u64,
    /// When the engine first read the mailbox since.
    known: Option<VirtualTime>,
}

/// A value on its way between domain controllers.
#[derive(Clone, Copy)]
struct Moving {
    value: u64,
    /// It came, or it left.
    came: bool,
    at: VirtualTime,
}

impl Resurrection {
    pub(super) fn new(estate: &Estate) -> Self {
        Self {
            pairs: mapping::pairs(&mapping::flows(estate)),
            removed: HashMap::default(),
            taken: HashMap::default(),
            moving: has_copies(estate).then(HashMap::default),
            lag: Lag::new(estate),
        }
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
        let fresh = |value| Removed { attribute, value, known: None };
        removed.extend(gone.into_iter().map(fresh));
    }

    fn export(&self, write: &Write, person: u32) -> Option<Charge> {
        let removed = self.removed.get(&person)?;
        let comes_back = |change: &&Change| {
            let old: Vec<u64> = change.old.iter().map(|value| folded(value)).collect();
            change.new.iter().map(|value| folded(value)).any(|value| {
                !old.contains(&value)
                    && removed.iter().any(|removed| {
                        removed.known.is_some_and(|at| at <= write.sent)
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

impl Resurrection {
    /// What synchronization does to a mailbox that AD has authority over.
    fn inbound(&mut self, write: &Write, person: u32) -> Option<Charge> {
        let mut back = None;
        self.removed.remove(&person);
        let moving = self.moving.as_ref().and_then(|moving| moving.get(&person));
        let lag = self.lag.longest();
        let travels = |value: u64, came: bool| {
            moving.into_iter().flatten().any(|known| {
                (known.value, known.came) == (value, came) && write.at <= known.at + lag
            })
        };
        let as_they_are =
            |change: &&Change| self.pairs.iter().any(|(property, _)| *property == change.attribute);
        for change in write.changes.iter().filter(as_they_are) {
            let old: Vec<u64> = change.old.iter().map(|value| address(value)).collect();
            let new: Vec<u64> = change.new.iter().map(|value| address(value)).collect();
            let gone = old.iter().filter(|value| !new.contains(value));
            // What AD has had for so short a time is not gone: it has not come to everybody.
            let gone = gone.filter(|value| !travels(**value, true));
            let gone: Vec<_> = gone.map(|value| (change.attribute, *value)).collect();
            if gone.is_empty() && !self.taken.contains_key(&person) {
                continue;
            }
            let taken = self.taken.entry(person).or_default();
            let comes = |known: &(AttributeNumber, u64)| {
                known.0 == change.attribute
                    && new.contains(&known.1)
                    && !old.contains(&known.1)
                    && !travels(known.1, false)
            };
            if back.is_none() && taken.iter().any(comes) {
                back = Some(change);
            }
            taken.retain(|known| known.0 != change.attribute || !new.contains(&known.1));
            taken.extend(gone);
        }
        let message = "inbound synchronization brought back a value that it had taken away, and AD \
                       does not have it again";
        Some(Charge::of_write("resurrection", write, back?, message.to_owned()))
    }

    /// What comes to AD, or leaves it, is on its way to the other domain controllers.
    fn moves(&mut self, write: &Write, person: u32) {
        let (lag, Some(all)) = (self.lag.longest(), &mut self.moving) else { return };
        let at = write.at;
        let moving = all.entry(person).or_default();
        moving.retain(|known| at <= known.at + lag);
        for Change { old, new, .. } in &write.changes {
            let came = new.iter().filter(|value| !old.contains(value)).map(|value| (value, true));
            let left = old.iter().filter(|value| !new.contains(value)).map(|value| (value, false));
            let both = came.chain(left);
            moving.extend(both.map(|(value, came)| Moving { value: address(value), came, at }));
        }
    }

    /// What AD, or somebody in the cloud, has again may come again.
    fn has_again(&mut self, write: &Write, person: u32) {
        let Some(taken) = self.taken.get_mut(&person) else { return };
        let flips = write.changes.iter().any(|change| change.attribute == property::FLAG);
        if write.kind != WriteKind::Changed || (write.object.side == Side::Exchange && flips) {
            self.taken.remove(&person);
            return;
        }
        if write.object.side != Side::Ad && write.actor.activity.is_automatic() {
            // What machines do in the cloud is what synchronization brought there, or follows from it.
            return;
        }
        for value in write.changes.iter().flat_map(|change| &change.new) {
            let value = address(value);
            taken.retain(|known| known.1 != value);
        }
    }
}

/// A value, an address without its kind: a user principal name or `mail` makes an address too.
fn address(value: &[u8]) -> u64 {
    match value.get(..5) {
        Some(kind) if kind.eq_ignore_ascii_case(b"smtp:") => folded(&value[5..]),
        _ => folded(value),
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

impl Resurrection {
    fn write(&mut self, write: &Write, person: u32) -> Option<Charge> {
        let is_inbound = write.actor.activity == Activity::Sync
            && write.object.side == Side::Exchange
            && write.cloud_managed == Some(false);
        if is_inbound {
            return self.inbound(write, person);
        }
        self.has_again(write, person);
        if write.object.side == Side::Ad {
            self.moves(write, person);
        }
        match write.object.side {
            Side::Exchange => {
                self.edit(write, person);
                None
            }
            Side::Ad if exports(write.actor.activity) => self.export(write, person),
            Side::Ad | Side::Entra => None,
        }
    }
}

impl Oracle for Resurrection {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Write, Kind::Read, Kind::Said, Kind::Fault]
    }

    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn observe(&mut self, event: &Event, about: About) -> Option<Charge> {
        self.lag.hear(event);
        match event {
            // What was removed under another mapping says nothing of this one.
            Event::Schema(change) => {
                self.pairs = mapping::pairs(&change.flows);
                self.removed.clear();
                self.taken.clear();
                None
            }
            Event::Write(write) => self.write(write, about.whose?),
            Event::Read(read) if read.object.side == Side::Exchange && exports(read.activity) => {
                for removed in self.removed.get_mut(&about.whose?)? {
                    removed.known.get_or_insert(read.at);
                }
                None
            }
            _ => None,
        }
    }
}
