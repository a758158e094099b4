//! What one domain controller holds: its objects by number, and how they are found.
//!
//! Entries are shared with other domain controllers; what is the store's own is the map, the stamps
//! and the indexes. An index gives candidates, and each is confirmed on its entry.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::directory::entry::{Entry, Stamp, referenced};
use crate::directory::fold;
use crate::directory::number_index::NumberIndex;
use crate::directory::request::ObjectNumber;
use crate::directory::schema::{Schema, known};
use crate::guid::Guid;
use crate::record::{AttributeNumber, Values};

/// The attributes with an index.
pub const INDEXED: [AttributeNumber; 8] = [
    known::SAM_ACCOUNT_NAME,
    known::USER_PRINCIPAL_NAME,
    known::MAIL,
    known::PROXY_ADDRESSES,
    known::MS_DS_CONSISTENCY_GUID,
    known::MS_DS_EXTERNAL_DIRECTORY_OBJECT_ID,
    known::OBJECT_SID,
    known::SERVICE_PRINCIPAL_NAME,
];

const PAGE: usize = 256;

/// An object on this domain controller.
#[derive(Clone, Debug)]
pub struct Slot {
    /// Its content.
    pub entry: Arc<Entry>,
    /// When and under which numbers it got here.
    pub stamp: Stamp,
}

/// The objects of one domain controller.
#[derive(Clone, Debug, Default)]
pub struct Store {
    pages: Vec<Option<Box<[Option<Slot>]>>>,
    count: usize,
    children: BTreeSet<(ObjectNumber, ObjectNumber)>,
    by_usn: BTreeMap<u64, ObjectNumber>,
    by_guid: NumberIndex,
    by_name: NumberIndex,
    by_value: [NumberIndex; INDEXED.len()],
    /// Target, forward link, source.
    back_links: BTreeSet<(ObjectNumber, AttributeNumber, ObjectNumber)>,
    /// Which link values came and went, by sequence number and place in it: what DirSync tells of
    /// single values.
    link_log: BTreeMap<(u64, u32), LinkChange>,
}

/// A link value that came or went.
#[derive(Clone, Copy, Debug)]
struct LinkChange {
    source: ObjectNumber,
    attribute: AttributeNumber,
    target: ObjectNumber,
    present: bool,
}

/// What becomes of an object's values in the indexes.
#[derive(Clone, Copy)]
enum Entering {
    Enter,
    Load,
    Remove,
}

impl Store {
    /// An object.
    #[must_use]
    pub fn get(&self, object: ObjectNumber) -> Option<&Slot> {
        let number = object.0 as usize;
        self.pages.get(number / PAGE)?.as_ref()?[number % PAGE].as_ref()
    }

    /// How many objects there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// All objects after `after` in the order of their creation.
    pub fn iter_after(
        &self,
        after: Option<ObjectNumber>,
    ) -> impl Iterator<Item = (ObjectNumber, &Slot)> {
        let first = after.map_or(0, |object| object.0 as usize + 1);
        let pages = self.pages.iter().enumerate().skip(first / PAGE);
        pages
            .filter_map(|(page, slots)| Some((page, slots.as_ref()?)))
            .flat_map(|(page, slots)| {
                slots.iter().enumerate().map(move |(at, slot)| (page * PAGE + at, slot))
            })
            .filter(move |(number, _)| *number >= first)
            .filter_map(|(number, slot)| Some((number_of(number), slot.as_ref()?)))
    }

    /// The children of an object after `after`, in the order of their creation.
    pub fn children_after(
        &self,
        parent: ObjectNumber,
        after: Option<ObjectNumber>,
    ) -> impl Iterator<Item = ObjectNumber> {
        let first = after.map_or(0, |object| object.0.saturating_add(1));
        let range = (parent, ObjectNumber(first))..=(parent, ObjectNumber(u32::MAX));
        self.children.range(range).map(|(_, child)| *child)
    }

    /// The child with this relative name, whatever its naming attribute.
    #[must_use]
    pub fn child(&self, parent: ObjectNumber, rdn_value: &str) -> Option<ObjectNumber> {
        self.children_named(parent, rdn_value).next()
    }

    /// All children with this relative name: deleted ones too, and more than one live one while a
    /// conflict is not settled.
    pub(super) fn children_named(
        &self,
        parent: ObjectNumber,
        rdn_value: &str,
    ) -> impl Iterator<Item = ObjectNumber> {
        self.by_name.candidates(name_hash(parent, rdn_value)).filter(move |object| {
            self.get(*object).is_some_and(|slot| {
                slot.entry.parent == Some(parent)
                    && fold::same(slot.entry.rdn_value().as_bytes(), rdn_value.as_bytes())
            })
        })
    }

    /// The object with this GUID.
    #[must_use]
    pub fn by_guid(&self, guid: Guid) -> Option<ObjectNumber> {
        self.by_guid
            .candidates(fold::hash_bytes(&guid.0))
            .find(|object| self.get(*object).is_some_and(|slot| slot.entry.guid == guid))
    }

    /// The objects that carry a value in an indexed attribute, in the order of their creation. `None`
    /// when the attribute has no index.
    #[must_use]
    pub fn with_value(
        &self,
        schema: &Schema,
        attribute: AttributeNumber,
        value: &[u8],
    ) -> Option<Vec<ObjectNumber>> {
        let index = INDEXED.iter().position(|indexed| *indexed == attribute)?;
        let syntax = schema.attribute(attribute)?.syntax;
        let mut found: Vec<ObjectNumber> = self.by_value[index]
            .candidates(syntax.hash(value))
            .filter(|object| {
                self.get(*object).is_some_and(|slot| {
                    slot.entry.record.values(attribute).any(|stored| syntax.same(stored, value))
                })
            })
            .collect();
        found.sort_unstable();
        found.dedup();
        Some(found)
    }

    /// The objects whose uSNChanged is `first` or higher, in the order of their changes.
    pub fn changed_from(&self, first: u64) -> impl Iterator<Item = (u64, ObjectNumber)> {
        self.by_usn.range(first..).map(|(usn, object)| (*usn, *object))
    }

    /// The objects that refer to `target` by a forward link.
    pub fn linked_from(
        &self,
        target: ObjectNumber,
        forward: AttributeNumber,
    ) -> impl Iterator<Item = ObjectNumber> {
        let range = (target, forward, ObjectNumber(0))..=(target, forward, ObjectNumber(u32::MAX));
        self.back_links.range(range).map(|(_, _, source)| *source)
    }

    /// The forward links to `target`: attribute and source.
    pub fn links_to(
        &self,
        target: ObjectNumber,
    ) -> impl Iterator<Item = (AttributeNumber, ObjectNumber)> {
        let range =
            (target, 0, ObjectNumber(0))..=(target, AttributeNumber::MAX, ObjectNumber(u32::MAX));
        self.back_links.range(range).map(|(_, forward, source)| (*forward, *source))
    }

    /// Notes which values of a forward link a change added and removed.
    pub(super) fn note_links(
        &mut self,
        usn: u64,
        source: ObjectNumber,
        attribute: AttributeNumber,
        values: impl IntoIterator<Item = (ObjectNumber, bool)>,
    ) {
        let first = self.link_log.range((usn, 0)..=(usn, u32::MAX)).next_back();
        let next = first.map_or(0, |((_, place), _)| place + 1);
        for (place, (target, present)) in (next..).zip(values) {
            let change = LinkChange { source, attribute, target, present };
            self.link_log.insert((usn, place), change);
        }
    }

    /// The values of a forward link that were added and removed after a sequence number, as they stand
    /// now.
    pub(super) fn link_changes(
        &self,
        source: ObjectNumber,
        attribute: AttributeNumber,
        after: u64,
    ) -> (Vec<ObjectNumber>, Vec<ObjectNumber>) {
        let mut last: BTreeMap<ObjectNumber, bool> = BTreeMap::new();
        for change in self.link_log.range((after.saturating_add(1), 0)..).map(|(_, change)| change)
        {
            if change.source == source && change.attribute == attribute {
                last.insert(change.target, change.present);
            }
        }
        let (added, removed): (Vec<_>, Vec<_>) = last.into_iter().partition(|(_, there)| *there);
        let targets =
            |list: Vec<(ObjectNumber, bool)>| list.into_iter().map(|(at, _)| at).collect();
        (targets(added), targets(removed))
    }

    /// Makes room for `additional` objects, so that loading does not grow tables step by step.
    pub fn reserve(&mut self, additional: usize) {
        self.by_guid.reserve(additional);
        self.by_name.reserve(additional);
        for (index, attribute) in self.by_value.iter_mut().zip(INDEXED) {
            // People have two or three addresses.
            let many = if attribute == known::PROXY_ADDRESSES { 3 } else { 1 };
            index.reserve(additional.saturating_mul(many));
        }
        self.pages.reserve(additional / PAGE);
    }

    /// Moves all sequence numbers up: those of a new domain controller are its own.
    pub(super) fn renumber(&mut self, by: u64) {
        for slot in self.pages.iter_mut().flatten().flat_map(|page| page.iter_mut()).flatten() {
            slot.stamp.usn_created += by;
            slot.stamp.usn_changed += by;
        }
        let by_usn = core::mem::take(&mut self.by_usn);
        self.by_usn = by_usn.into_iter().map(|(usn, object)| (usn + by, object)).collect();
        let log = core::mem::take(&mut self.link_log);
        self.link_log =
            log.into_iter().map(|((usn, at), change)| ((usn + by, at), change)).collect();
    }

    /// Puts a new object in.
    pub fn insert(&mut self, schema: &Schema, object: ObjectNumber, slot: Slot) {
        self.index(schema, object, &slot.entry, None, Entering::Enter);
        if let Some(parent) = slot.entry.parent {
            self.by_name.insert(name_hash(parent, slot.entry.rdn_value()), object);
        }
        self.by_guid.insert(fold::hash_bytes(&slot.entry.guid.0), object);
        self.place(object, slot);
    }

    /// Puts a new object in, as one of many: [`Self::settle`] follows.
    pub fn load(&mut self, schema: &Schema, object: ObjectNumber, slot: Slot) {
        self.index(schema, object, &slot.entry, None, Entering::Load);
        if let Some(parent) = slot.entry.parent {
            self.by_name.load(name_hash(parent, slot.entry.rdn_value()), object);
        }
        self.by_guid.load(fold::hash_bytes(&slot.entry.guid.0), object);
        self.place(object, slot);
    }

    /// How many loaded objects are found by going through them one by one.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.by_guid.pending()
    }

    /// Puts what was loaded into the tables of the indexes.
    pub fn settle(&mut self) {
        self.each_index(|_, index| index.settle());
    }

    /// As [`Self::settle`]; `others` loaded the same, or part of it, and share the tables then.
    pub(super) fn settle_with(&mut self, others: &mut [&mut Self]) {
        self.each_index(|at, index| {
            let before = index.loaded_part();
            index.settle();
            for other in &mut *others {
                other.nth_index(at).settle_like(index, &before);
            }
        });
    }

    fn each_index(&mut self, mut then: impl FnMut(usize, &mut NumberIndex)) {
        for at in 0..INDEXED.len() + 2 {
            then(at, self.nth_index(at));
        }
    }

    fn nth_index(&mut self, at: usize) -> &mut NumberIndex {
        match at {
            0 => &mut self.by_guid,
            1 => &mut self.by_name,
            _ => &mut self.by_value[at - 2],
        }
    }

    fn place(&mut self, object: ObjectNumber, slot: Slot) {
        if let Some(parent) = slot.entry.parent {
            self.children.insert((parent, object));
        }
        self.by_usn.insert(slot.stamp.usn_changed, object);
        let number = object.0 as usize;
        if self.pages.len() <= number / PAGE {
            self.pages.resize(number / PAGE + 1, None);
        }
        let page =
            self.pages[number / PAGE].get_or_insert_with(|| vec![None; PAGE].into_boxed_slice());
        if page[number % PAGE].replace(slot).is_none() {
            self.count += 1;
        }
    }

    /// Puts a new content in the place of an object's old one. `changed` are the attributes that
    /// differ.
    pub fn replace(
        &mut self,
        schema: &Schema,
        object: ObjectNumber,
        slot: Slot,
        changed: &[AttributeNumber],
    ) {
        let Some(old) = self.get(object) else {
            self.insert(schema, object, slot);
            return;
        };
        let (entry, usn) = (Arc::clone(&old.entry), old.stamp.usn_changed);
        self.index(schema, object, &entry, Some(changed), Entering::Remove);
        self.index(schema, object, &slot.entry, Some(changed), Entering::Enter);
        let moved =
            entry.parent != slot.entry.parent || changed.contains(&slot.entry.rdn_attribute);
        if moved {
            self.unname(object, &entry);
            if let Some(parent) = slot.entry.parent {
                self.children.insert((parent, object));
                self.by_name.insert(name_hash(parent, slot.entry.rdn_value()), object);
            }
        }
        if usn != slot.stamp.usn_changed {
            self.by_usn.remove(&usn);
            self.by_usn.insert(slot.stamp.usn_changed, object);
        }
        let number = object.0 as usize;
        if let Some(page) = self.pages.get_mut(number / PAGE).and_then(Option::as_mut) {
            page[number % PAGE] = Some(slot);
        }
    }

    /// Takes an object out.
    pub fn remove(&mut self, schema: &Schema, object: ObjectNumber) -> Option<Slot> {
        let number = object.0 as usize;
        let slot = self.pages.get_mut(number / PAGE)?.as_mut()?[number % PAGE].take()?;
        self.count -= 1;
        self.index(schema, object, &slot.entry, None, Entering::Remove);
        self.unname(object, &slot.entry);
        self.by_guid.remove(fold::hash_bytes(&slot.entry.guid.0), object);
        self.by_usn.remove(&slot.stamp.usn_changed);
        Some(slot)
    }

    fn unname(&mut self, object: ObjectNumber, entry: &Entry) {
        if let Some(parent) = entry.parent {
            self.children.remove(&(parent, object));
            self.by_name.remove(name_hash(parent, entry.rdn_value()), object);
        }
    }

    /// Enters the values of an object, or takes them out; all of them, or those of some attributes.
    fn index(
        &mut self,
        schema: &Schema,
        object: ObjectNumber,
        entry: &Entry,
        only: Option<&[AttributeNumber]>,
        entering: Entering,
    ) {
        match only {
            None => {
                for (number, values) in entry.record.attributes() {
                    self.index_values(schema, object, number, values, entering);
                }
            }
            Some(only) => {
                for number in only.iter().filter(|number| is_indexed(schema, **number)) {
                    let values = entry.record.values(*number);
                    self.index_values(schema, object, *number, values, entering);
                }
            }
        }
    }

    fn index_values(
        &mut self,
        schema: &Schema,
        object: ObjectNumber,
        number: AttributeNumber,
        values: Values<'_>,
        entering: Entering,
    ) {
        let Some(attribute) = schema.attribute(number) else { return };
        if let Some(index) = INDEXED.iter().position(|indexed| *indexed == number) {
            for value in values {
                let hash = attribute.syntax.hash(value);
                match entering {
                    Entering::Enter => self.by_value[index].insert(hash, object),
                    Entering::Load => self.by_value[index].load(hash, object),
                    Entering::Remove => self.by_value[index].remove(hash, object),
                }
            }
        } else if attribute.is_forward_link() {
            for target in values.filter_map(referenced) {
                match entering {
                    Entering::Enter | Entering::Load => {
                        self.back_links.insert((target, number, object));
                    }
                    Entering::Remove => {
                        self.back_links.remove(&(target, number, object));
                    }
                }
            }
        }
    }
}

/// Whether an index, or the back links, know the attribute.
fn is_indexed(schema: &Schema, number: AttributeNumber) -> bool {
    INDEXED.contains(&number)
        || schema.attribute(number).is_some_and(|attribute| attribute.is_forward_link())
}

fn name_hash(parent: ObjectNumber, rdn_value: &str) -> u64 {
    fold::hash(rdn_value.as_bytes())
        ^ u64::from(parent.0).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn number_of(at: usize) -> ObjectNumber {
    ObjectNumber(u32::try_from(at).expect("objects are numbered by 32 bits"))
}
