//! Replication between the domain controllers of a forest ([MS-ADTS] 3.1.1.1.9, [MS-DRSR] 4.1.10.6).
//!
//! A domain controller *pulls*: it asks another one for everything that changed there since it asked
//! last (the high-water mark) and takes, attribute by attribute and link value by link value, whatever
//! has the greater stamp: the higher version, then the later second, then the greater GUID of the
//! database ([`order`]). What is taken gets a sequence number of the puller's own; entries that are equal
//! afterwards are shared. Then the puller repairs what two writes made impossible together: siblings of
//! one name, a parent that is deleted, a circle ([`repair`]).
//!
//! Passwords are not in the entries: an account that can bind can bind on every domain controller that
//! holds its object, as one that does not know a password asks the domain's PDC emulator.
//!
//! # Divergence from Active Directory
//!
//! A pull takes everything at once, in one instant. The partial replicas of a global catalog are not
//! kept.

pub mod compare;
mod merge;
pub mod order;
mod repair;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::clock::VirtualTime;
use crate::directory::entry::{DcNumber, Entry, Life, Stamp};
use crate::directory::forest::{DomainController, DomainNumber, Forest};
use crate::directory::request::ObjectNumber;
use crate::directory::schema::known;
use crate::directory::store::Slot;
use crate::record::AttributeNumber;
use merge::Merged;

/// Naming contexts that replicate together: those of a domain, or configuration and schema, which all
/// domain controllers of the forest hold.
pub type Partition = Option<DomainNumber>;

/// What a pull came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulled {
    /// Objects that changed here.
    pub objects: usize,
    /// Originating writes that put right what two others made impossible together.
    pub repairs: usize,
}

/// Attributes that every domain controller keeps for itself (FLAG_ATTR_NOT_REPLICATED in [MS-ADA1],
/// [MS-ADA3]).
pub(super) const NOT_REPLICATED: [AttributeNumber; 5] = [
    known::BAD_PWD_COUNT,
    known::BAD_PASSWORD_TIME,
    known::LAST_LOGOFF,
    known::LAST_LOGON,
    known::LOGON_COUNT,
];

/// searchFlags: a read-only domain controller does not get the attribute ([MS-ADTS] 3.1.1.2.3,
/// fRODCFilteredAttribute).
const FILTERED_FOR_READ_ONLY: u32 = 0x200;

/// An object that a pull changed.
#[derive(Clone, Copy, Debug)]
struct Touched {
    object: ObjectNumber,
    /// It was not here before, or has another name or parent.
    placed: bool,
    /// It is deleted now and was not before, or was deleted and brought back unseen.
    died: bool,
    /// Its links changed.
    linked: bool,
}

impl DomainController {
    /// The highest originating write of a domain controller that has arrived here, for a partition: an
    /// element of the up-to-dateness vector ([MS-DRSR], UPTODATE_VECTOR).
    #[must_use]
    pub fn knows_of(&self, partition: Partition, other: &Self) -> u64 {
        if other.number == self.number {
            return self.originated;
        }
        self.heard.get(&(partition, other.number)).copied().unwrap_or_default()
    }

    /// The sequence number under which an originating write became known here.
    pub(super) fn local_usn(&self, slot: &Slot, dc: DcNumber, usn: u64) -> u64 {
        if dc == self.number {
            return usn;
        }
        self.arrived.get(&(dc, usn)).copied().unwrap_or(slot.stamp.usn_created)
    }

    fn note_heard(&mut self, partition: Partition, of: DcNumber, usn: u64) {
        if of != self.number {
            let known = self.heard.entry((partition, of)).or_default();
            *known = usn.max(*known);
        }
    }
}

impl Forest {
    /// The domain controllers from which one pulls: all that hold something of what it holds.
    pub fn partners(&self, dc: DcNumber) -> impl Iterator<Item = DcNumber> {
        let others = self.dcs.iter().filter(move |other| other.number != dc && !other.read_only);
        others.map(|other| other.number)
    }

    /// The partitions that two domain controllers both hold.
    fn shared(&self, one: DcNumber, other: DcNumber) -> impl Iterator<Item = Partition> + use<> {
        let domain = |dc| self.dc(dc).map(|dc| dc.domain);
        let same = domain(one).filter(|own| domain(other) == Some(*own));
        core::iter::once(None).chain(same.map(Some))
    }

    /// Whether a domain controller lacks a write that another one has.
    #[must_use]
    pub fn is_behind(&self, to: DcNumber, from: DcNumber) -> bool {
        let (Some(here), Some(there)) = (self.dc(to), self.dc(from)) else { return false };
        self.shared(to, from).any(|partition| {
            let mut origins = self.dcs.iter().filter(|origin| origin.number != to);
            origins.any(|dc| there.knows_of(partition, dc) > here.knows_of(partition, dc))
        })
    }

    /// Whether every domain controller has every write.
    #[must_use]
    pub fn is_level(&self) -> bool {
        self.dcs.iter().all(|to| self.partners(to.number).all(|at| !self.is_behind(to.number, at)))
    }

    /// Notes that all domain controllers hold the same: what was loaded in bulk is on all of them.
    pub fn mark_level(&mut self) {
        if self.dcs.len() < 2 {
            return;
        }
        let numbers: Vec<DcNumber> = self.dcs.iter().map(|dc| dc.number).collect();
        for to in &numbers {
            for from in numbers.iter().filter(|from| *from != to) {
                self.note_pull(*to, *from);
            }
        }
    }

    /// Lets every domain controller pull from every other one until nobody lacks anything. Repairs are
    /// writes that have to arrive everywhere too, so this takes a few rounds.
    pub fn converge(&mut self, now: VirtualTime) {
        let numbers: Vec<DcNumber> = self.dcs.iter().map(|dc| dc.number).collect();
        let rounds = 4 + numbers.len() * 2;
        for _ in 0..rounds {
            if self.is_level() {
                return;
            }
            for to in &numbers {
                let partners: Vec<DcNumber> = self.partners(*to).collect();
                for from in partners {
                    self.pull(*to, from, now);
                }
            }
        }
    }

    /// Pulls: `to` takes what `from` has and it lacks.
    pub fn pull(&mut self, to: DcNumber, from: DcNumber, now: VirtualTime) -> Pulled {
        let Some(changed) = self.offered(to, from) else { return Pulled::default() };
        let mut touched = Vec::new();
        for (object, theirs) in changed {
            touched.extend(self.take(to, object, &theirs, now));
        }
        self.note_pull(to, from);
        for at in &touched {
            self.settle_links(to, *at);
        }
        let writable = self.dc(to).is_some_and(|dc| !dc.read_only);
        let repairs = if writable { self.repair(to, &touched, now) } else { 0 };
        Pulled { objects: touched.len(), repairs }
    }

    /// What a domain controller has that another one may lack, parents among it before their children
    /// where that order is the one in which they changed.
    fn offered(&self, to: DcNumber, from: DcNumber) -> Option<Vec<(ObjectNumber, Arc<Entry>)>> {
        let (here, there) = (self.dc(to)?, self.dc(from)?);
        if to == from || there.read_only {
            return None;
        }
        let after = here.pulled.get(&from).copied().unwrap_or_default();
        let whole = here.domain == there.domain;
        let changed =
            there.store.changed_from(after.saturating_add(1)).filter_map(|(_, object)| {
                let slot = there.store.get(object)?;
                let known = here.store.get(object);
                if known.is_some_and(|known| Arc::ptr_eq(&known.entry, &slot.entry)) {
                    return None;
                }
                let wanted = whole || self.partition_of(there, object).is_none();
                wanted.then(|| (object, Arc::clone(&slot.entry)))
            });
        Some(changed.collect())
    }

    /// The partition that an object belongs to.
    #[must_use]
    pub fn partition_of(&self, dc: &DomainController, object: ObjectNumber) -> Partition {
        let mut at = object;
        while let Some(parent) = dc.store.get(at).and_then(|slot| slot.entry.parent) {
            at = parent;
        }
        self.contexts.iter().find(|context| context.head == at).and_then(|context| context.domain)
    }

    fn note_pull(&mut self, to: DcNumber, from: DcNumber) {
        let Some(there) = self.dc(from) else { return };
        let highest = there.highest_usn;
        let mut heard = Vec::new();
        for partition in self.shared(to, from) {
            for origin in &self.dcs {
                heard.push((partition, origin.number, there.knows_of(partition, origin)));
            }
        }
        let Some(here) = self.dcs.get_mut(usize::from(to.0)) else { return };
        here.pulled.insert(from, highest);
        for (partition, origin, usn) in heard {
            here.note_heard(partition, origin, usn);
        }
    }

    /// Takes what is newer of an object; `None` when nothing is.
    fn take(
        &mut self,
        to: DcNumber,
        object: ObjectNumber,
        theirs: &Arc<Entry>,
        now: VirtualTime,
    ) -> Option<Touched> {
        let schema = Arc::clone(&self.schema);
        let theirs = self.filtered(to, theirs);
        let known = self.slot(to, object).map(|slot| (Arc::clone(&slot.entry), slot.stamp));
        let Some((mine, stamp)) = known else {
            return self.take_new(to, object, theirs, now);
        };
        let Merged { entry, taken, values, links, placed, died } =
            merge::merged(self, &mine, &theirs)?;
        let controller = self.dcs.get_mut(usize::from(to.0))?;
        let usn = controller.take_local_usn();
        let stamp = Stamp { usn_changed: usn, when_changed: now, ..stamp };
        controller.store.replace(&schema, object, Slot { entry, stamp }, &values);
        for (dc, origin) in taken.into_iter().filter(|(dc, _)| *dc != to) {
            controller.arrived.insert((dc, origin), usn);
        }
        let linked = !links.is_empty();
        for (attribute, changes) in links {
            controller.store.note_links(usn, object, attribute, changes);
        }
        Some(Touched { object, placed, died, linked })
    }

    /// Takes an object that is not here yet.
    fn take_new(
        &mut self,
        to: DcNumber,
        object: ObjectNumber,
        entry: Arc<Entry>,
        now: VirtualTime,
    ) -> Option<Touched> {
        let schema = Arc::clone(&self.schema);
        let controller = self.dcs.get_mut(usize::from(to.0))?;
        let usn = controller.take_local_usn();
        let stamp = Stamp { usn_created: usn, usn_changed: usn, when_changed: now };
        let live = entry.life == Life::Live;
        controller.store.insert(&schema, object, Slot { entry, stamp });
        Some(Touched { object, placed: live, died: !live, linked: true })
    }

    /// An entry as it goes to another domain controller: without what each keeps for itself, and to a
    /// read-only one without the attributes of the filtered set.
    fn filtered(&self, to: DcNumber, entry: &Arc<Entry>) -> Arc<Entry> {
        let read_only = self.dc(to).is_some_and(|dc| dc.read_only);
        let is_filtered = |number: &AttributeNumber| {
            let attribute = self.schema.attribute(*number);
            let kept_back =
                attribute.is_some_and(|at| at.search_flags & FILTERED_FOR_READ_ONLY != 0);
            NOT_REPLICATED.contains(number) || (read_only && kept_back)
        };
        let gone: Vec<AttributeNumber> =
            entry.record.attributes().map(|(number, _)| number).filter(is_filtered).collect();
        if gone.is_empty() {
            return Arc::clone(entry);
        }
        let none: &[&[u8]] = &[];
        let changes: Vec<_> = gone.iter().map(|number| (*number, none)).collect();
        let record = entry.record.with(&changes);
        Arc::new(Entry { record, ..Entry::clone(entry) })
    }
}
