//! What two writes made impossible together, and how a domain controller that sees both puts it right:
//! by writes of its own, which replicate like any other ([MS-DRSR] 4.1.10.6).

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::Touched;
use crate::clock::VirtualTime;
use crate::directory::delete::mangled;
use crate::directory::entry::{DcNumber, Entry, Life, Stamp, reference, referenced};
use crate::directory::forest::{DomainController, Forest};
use crate::directory::request::ObjectNumber;
use crate::directory::schema::known;
use crate::directory::store::Slot;
use crate::directory::well_known::{LOST_AND_FOUND, LOST_AND_FOUND_CONFIG};
use crate::record::AttributeNumber;

/// A bound for walks towards the root.
const MAX_DEPTH: usize = 512;

impl Forest {
    /// Takes links away that lead to what is gone: a tombstone has none ([MS-ADTS] 3.1.1.5.5.1.3).
    pub(super) fn settle_links(&mut self, dc: DcNumber, at: Touched) {
        let Some(slot) = self.slot(dc, at.object) else { return };
        let gone = |slot: &Slot| {
            slot.entry.life != Life::Live && slot.entry.record.has(known::IS_RECYCLED)
        };
        if at.died && (gone(slot) || !self.recycle_bin) {
            self.unlink(dc, at.object);
        }
        if !at.linked {
            return;
        }
        let Some(controller) = self.dc(dc) else { return };
        let Some(slot) = controller.store.get(at.object) else { return };
        let lost = |target: ObjectNumber| controller.store.get(target).is_some_and(gone);
        let entry = &slot.entry;
        let mut changes: Vec<(AttributeNumber, Vec<Vec<u8>>)> = Vec::new();
        for (number, values) in entry.record.attributes() {
            if !self.schema.attribute(number).is_some_and(|at| at.is_forward_link()) {
                continue;
            }
            let all = values.len();
            let left: Vec<Vec<u8>> = values
                .filter(|value| !referenced(value).is_some_and(lost))
                .map(<[u8]>::to_vec)
                .collect();
            if left.len() < all {
                changes.push((number, left));
            }
        }
        let links = entry.links.retained(|stamp| !lost(stamp.target));
        if changes.is_empty() && links == entry.links {
            return;
        }
        let numbers: Vec<AttributeNumber> = changes.iter().map(|(number, _)| *number).collect();
        let changes: Vec<(AttributeNumber, &[Vec<u8>])> =
            changes.iter().map(|(number, values)| (*number, values.as_slice())).collect();
        let fresh = Entry { record: entry.record.with(&changes), links, ..Entry::clone(entry) };
        let slot = Slot { entry: Arc::new(fresh), stamp: slot.stamp };
        let schema = Arc::clone(&self.schema);
        if let Some(controller) = self.dcs.get_mut(usize::from(dc.0)) {
            controller.store.replace(&schema, at.object, slot, &numbers);
        }
    }

    /// Puts right what the objects that a pull touched are part of; gives the number of writes.
    pub(super) fn repair(&mut self, dc: DcNumber, touched: &[Touched], now: VirtualTime) -> usize {
        let mut repairs = 0;
        let mut next: VecDeque<ObjectNumber> = VecDeque::new();
        for at in touched {
            if at.placed {
                next.push_back(at.object);
            }
            if at.died {
                next.extend(self.orphans(dc, at.object));
            }
        }
        let mut seen = BTreeSet::new();
        while let Some(object) = next.pop_front() {
            if !seen.insert(object) {
                continue;
            }
            if self.is_lost(dc, object) && self.move_to_lost_and_found(dc, object, now) {
                repairs += 1;
            }
            repairs += self.part_siblings(dc, object, now);
        }
        repairs
    }

    /// The live children of an object that is deleted.
    fn orphans(&self, dc: DcNumber, parent: ObjectNumber) -> Vec<ObjectNumber> {
        let Some(controller) = self.dc(dc) else { return Vec::new() };
        let live = |object: &ObjectNumber| {
            controller.store.get(*object).is_some_and(|slot| slot.entry.life == Life::Live)
        };
        controller.store.children_after(parent, None).filter(live).collect()
    }

    /// Whether a live object hangs below nothing, below something deleted, or below itself.
    fn is_lost(&self, dc: DcNumber, object: ObjectNumber) -> bool {
        let Some(controller) = self.dc(dc) else { return false };
        let slot = controller.store.get(object).filter(|slot| slot.entry.life == Life::Live);
        let Some(parent) = slot.and_then(|slot| slot.entry.parent) else { return false };
        let above = controller.store.get(parent);
        above.is_none_or(|above| above.entry.life != Life::Live)
            || is_below(controller, parent, object)
    }

    /// Where objects without a parent go in the naming context of a domain controller's own domain, or
    /// of the configuration.
    fn lost_and_found(&self, dc: DcNumber, entry: &Entry) -> Option<ObjectNumber> {
        let controller = self.dc(dc)?;
        let own = self.domain(controller.domain)?.head;
        let in_domain = controller.store.child(own, LOST_AND_FOUND);
        let configuration = self.contexts.get(1)?.head;
        let in_configuration = controller.store.child(configuration, LOST_AND_FOUND_CONFIG);
        let mut at = entry.parent;
        for _ in 0..MAX_DEPTH {
            let Some(parent) = at else { break };
            if parent == configuration {
                return in_configuration;
            }
            at = controller.store.get(parent).and_then(|slot| slot.entry.parent);
        }
        in_domain
    }

    fn move_to_lost_and_found(
        &mut self,
        dc: DcNumber,
        object: ObjectNumber,
        now: VirtualTime,
    ) -> bool {
        let Some(entry) = self.slot(dc, object).map(|slot| Arc::clone(&slot.entry)) else {
            return false;
        };
        let Some(place) = self.lost_and_found(dc, &entry) else { return false };
        if entry.parent == Some(place) {
            return false;
        }
        let name = entry.rdn_value().to_owned();
        self.put_name(dc, object, &entry, (place, &name), entry.parent, now);
        true
    }

    /// Of two live siblings with one name the one that was named earlier gets another one; in one second
    /// the one with the smaller objectGUID ([MS-DRSR] 4.1.10.6.12, ResolveNameConflict).
    fn part_siblings(&mut self, dc: DcNumber, object: ObjectNumber, now: VirtualTime) -> usize {
        let mut parted = 0;
        while let Some(loser) = self.loser(dc, object) {
            let Some(entry) = self.slot(dc, loser).map(|slot| Arc::clone(&slot.entry)) else {
                break;
            };
            let Some(parent) = entry.parent else { break };
            let name = mangled(entry.rdn_value(), "CNF", entry.guid);
            self.put_name(dc, loser, &entry, (parent, &name), None, now);
            parted += 1;
            if loser == object {
                break;
            }
        }
        parted
    }

    fn loser(&self, dc: DcNumber, object: ObjectNumber) -> Option<ObjectNumber> {
        let controller = self.dc(dc)?;
        let own = controller.store.get(object).filter(|slot| slot.entry.life == Life::Live)?;
        let mut same = controller.store.children_named(own.entry.parent?, own.entry.rdn_value());
        let (other, entry) = same.find_map(|other| {
            let slot = controller.store.get(other)?;
            let rival = other != object && slot.entry.life == Life::Live;
            if rival { Some((other, &slot.entry)) } else { None }
        })?;
        let named = |entry: &Entry| (entry.metadata(known::NAME).seconds, entry.guid);
        let wins = named(&own.entry) > named(entry);
        Some(if wins { other } else { object })
    }

    /// An originating write of a name by the system itself.
    fn put_name(
        &mut self,
        dc: DcNumber,
        object: ObjectNumber,
        entry: &Entry,
        (parent, name): (ObjectNumber, &str),
        lost: Option<ObjectNumber>,
        now: VirtualTime,
    ) {
        let schema = Arc::clone(&self.schema);
        let Some(controller) = self.dcs.get_mut(usize::from(dc.0)) else { return };
        let Some(created) = controller.store.get(object).map(|slot| slot.stamp.usn_created) else {
            return;
        };
        let usn = controller.take_usn();
        let last = lost.map(reference);
        let name = [name.as_bytes()];
        let last: Vec<&[u8]> = last.iter().map(<[u8; 4]>::as_slice).collect();
        let mut changes: Vec<(AttributeNumber, &[&[u8]])> = vec![(entry.rdn_attribute, &name)];
        let mut stamped = vec![known::NAME];
        if !last.is_empty() {
            changes.push((known::LAST_KNOWN_PARENT, &last));
            stamped.push(known::LAST_KNOWN_PARENT);
        }
        changes.sort_unstable_by_key(|(number, _)| *number);
        stamped.sort_unstable();
        let fresh = Entry {
            parent: Some(parent),
            record: entry.record.with(&changes),
            changed: entry.restamped(&stamped, dc, now, usn),
            ..entry.clone()
        };
        let values: Vec<AttributeNumber> = changes.iter().map(|(number, _)| *number).collect();
        let stamp = Stamp { usn_created: created, usn_changed: usn, when_changed: now };
        controller.store.replace(&schema, object, Slot { entry: Arc::new(fresh), stamp }, &values);
    }
}

/// Whether an object is `ancestor` or lies below it.
fn is_below(dc: &DomainController, object: ObjectNumber, ancestor: ObjectNumber) -> bool {
    let mut at = object;
    for _ in 0..MAX_DEPTH {
        if at == ancestor {
            return true;
        }
        let Some(parent) = dc.store.get(at).and_then(|slot| slot.entry.parent) else {
            return false;
        };
        at = parent;
    }
    true
}
