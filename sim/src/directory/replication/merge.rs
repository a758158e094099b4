//! Two versions of one object become one: whatever has the greater stamp.

use core::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::NOT_REPLICATED;
use crate::directory::delete::stays_on_tombstone;
use crate::directory::entry::{
    AttributeStamp, DcNumber, Entry, Life, LinkStamp, LinkStamps, reference, referenced,
};
use crate::directory::forest::Forest;
use crate::directory::request::ObjectNumber;
use crate::directory::schema::known;
use crate::record::{AttributeNumber, Record};

/// What came of two versions of an object.
pub(super) struct Merged {
    pub(super) entry: Arc<Entry>,
    /// The originating writes that were taken.
    pub(super) taken: BTreeSet<(DcNumber, u64)>,
    /// The attributes whose values differ now.
    pub(super) values: Vec<AttributeNumber>,
    /// The values of links that came (`true`) and went.
    pub(super) links: Vec<(AttributeNumber, Vec<(ObjectNumber, bool)>)>,
    /// The object has another name or parent.
    pub(super) placed: bool,
    /// It is deleted now and was not, or was deleted and brought back unseen.
    pub(super) died: bool,
}

/// The stamps of the attributes, sorted out.
#[derive(Default)]
struct Attributes {
    /// The greater ones.
    stamps: Vec<AttributeStamp>,
    theirs: Vec<AttributeNumber>,
    /// Some of one's own count.
    mine: bool,
}

/// The stamps of the link values, sorted out.
#[derive(Default)]
struct Links {
    stamps: Vec<LinkStamp>,
    taken: Vec<LinkStamp>,
    mine: bool,
}

/// What comes of two versions; `None` when nothing of `theirs` is newer.
pub(super) fn merged(forest: &Forest, mine: &Arc<Entry>, theirs: &Arc<Entry>) -> Option<Merged> {
    let attributes = attributes(forest, mine, theirs);
    let links = links(forest, mine, theirs);
    if attributes.theirs.is_empty() && links.taken.is_empty() {
        return None;
    }
    let is_theirs = |number: AttributeNumber| attributes.theirs.binary_search(&number).is_ok();
    let placed = is_theirs(known::NAME)
        && (mine.parent != theirs.parent || mine.rdn_value() != theirs.rdn_value());
    let taken = attributes
        .theirs
        .iter()
        .map(|number| theirs.metadata(*number))
        .map(|stamp| (stamp.dc, stamp.usn()))
        .chain(links.taken.iter().map(|stamp| (stamp.dc, stamp.usn())));
    let taken = taken.collect();
    let entry = if attributes.mine || links.mine {
        Arc::new(combined(forest, mine, theirs, &attributes, &links))
    } else {
        Arc::clone(theirs)
    };
    let deletions = |entry: &Entry| entry.metadata(known::IS_DELETED).version;
    let unseen = deletions(&entry) > deletions(mine) + 1;
    let died = mine.life == Life::Live && (entry.life != Life::Live || unseen);
    let values = differing(mine, &entry);
    let links = link_changes(forest, mine, &entry, &values);
    Some(Merged { entry, taken, values, links, placed, died })
}

fn attributes(forest: &Forest, mine: &Entry, theirs: &Entry) -> Attributes {
    let mut numbers: Vec<AttributeNumber> =
        mine.changed.iter().chain(&*theirs.changed).map(|stamp| stamp.attribute).collect();
    numbers.sort_unstable();
    numbers.dedup();
    // What a domain controller keeps for itself stays as it is.
    let kept = mine.record.attributes().any(|(number, _)| NOT_REPLICATED.contains(&number));
    let mut sorted = Attributes { mine: kept, ..Attributes::default() };
    for number in numbers {
        let (own, other) = (mine.metadata(number), theirs.metadata(number));
        if NOT_REPLICATED.contains(&number) {
            sorted.mine = true;
            sorted.stamps.extend(mine.changed.iter().filter(|stamp| stamp.attribute == number));
            continue;
        }
        match forest.order(&other, &own) {
            Ordering::Greater => {
                sorted.theirs.push(number);
                sorted.stamps.push(other);
            }
            Ordering::Less => {
                sorted.mine = true;
                sorted.stamps.push(own);
            }
            Ordering::Equal => sorted.stamps.push(own),
        }
    }
    sorted
}

/// The stamp of a link value, whether it was given one or came with the object.
fn link_stamp(
    entry: &Entry,
    attribute: AttributeNumber,
    target: ObjectNumber,
) -> Option<LinkStamp> {
    entry.links.get(attribute, target).copied().or_else(|| {
        let mut values = entry.record.values(attribute).filter_map(referenced);
        let there = values.any(|value| value == target);
        there.then(|| LinkStamp::of_creation(entry, attribute, target))
    })
}

fn links(forest: &Forest, mine: &Entry, theirs: &Entry) -> Links {
    let mut sorted = Links::default();
    if mine.links == theirs.links {
        sorted.stamps = mine.links.all().to_vec();
        return sorted;
    }
    let both = mine.links.all().iter().chain(theirs.links.all());
    let keys: BTreeSet<(AttributeNumber, ObjectNumber)> =
        both.map(|stamp| (stamp.attribute, stamp.target)).collect();
    for (attribute, target) in keys {
        let own = link_stamp(mine, attribute, target);
        let other = link_stamp(theirs, attribute, target);
        let (own, other) = match (own, other) {
            (Some(own), Some(other)) => (own, other),
            (Some(own), None) => {
                sorted.mine = true;
                sorted.stamps.push(own);
                continue;
            }
            (None, Some(other)) => {
                sorted.stamps.push(other);
                sorted.taken.push(other);
                continue;
            }
            (None, None) => continue,
        };
        match forest.order_of_links(&other, &own) {
            Ordering::Greater => {
                sorted.stamps.push(other);
                sorted.taken.push(other);
            }
            Ordering::Less => {
                sorted.mine = true;
                sorted.stamps.push(own);
            }
            Ordering::Equal => sorted.stamps.push(own),
        }
    }
    sorted
}

/// An entry with the greater stamps of both.
fn combined(
    forest: &Forest,
    mine: &Entry,
    theirs: &Entry,
    attributes: &Attributes,
    links: &Links,
) -> Entry {
    let moved = attributes.theirs.binary_search(&known::NAME).is_ok();
    let place = if moved { theirs } else { mine };
    let mut updates: BTreeMap<AttributeNumber, Vec<Vec<u8>>> = BTreeMap::new();
    let values = |entry: &Entry, number: AttributeNumber| -> Vec<Vec<u8>> {
        entry.record.values(number).map(<[u8]>::to_vec).collect()
    };
    for number in &attributes.theirs {
        let is_link = forest.schema.attribute(*number).is_some_and(|at| at.is_forward_link());
        if !is_link && *number != mine.rdn_attribute && *number != known::NAME {
            updates.insert(*number, values(theirs, *number));
        }
    }
    // The naming attribute follows from the name, which is what replicates.
    updates.insert(mine.rdn_attribute, values(place, mine.rdn_attribute));
    for number in linked(mine, theirs, links) {
        updates.insert(number, link_values(forest, mine, theirs, number, links));
    }
    let updates: Vec<(AttributeNumber, Vec<Vec<u8>>)> = updates.into_iter().collect();
    let updates: Vec<(AttributeNumber, &[Vec<u8>])> =
        updates.iter().map(|(number, values)| (*number, values.as_slice())).collect();
    let mut entry = Entry {
        parent: place.parent,
        record: mine.record.with(&updates),
        changed: attributes.stamps.as_slice().into(),
        links: LinkStamps::from_unsorted(links.stamps.clone()),
        ..mine.clone()
    };
    entry.life = life_of(forest, &entry.record);
    if entry.life != Life::Live && entry.record.has(known::IS_RECYCLED) {
        strip(forest, &mut entry);
    }
    entry
}

/// The links that have values, or stamps.
fn linked(mine: &Entry, theirs: &Entry, links: &Links) -> BTreeSet<AttributeNumber> {
    let stamped = links.stamps.iter().map(|stamp| stamp.attribute);
    let both = mine.links.all().iter().chain(theirs.links.all()).map(|stamp| stamp.attribute);
    stamped.chain(both).collect()
}

/// The values of a link after a merge: one's own in their order, then those that came. Of a link with a
/// single value the one with the greatest stamp.
fn link_values(
    forest: &Forest,
    mine: &Entry,
    theirs: &Entry,
    attribute: AttributeNumber,
    links: &Links,
) -> Vec<Vec<u8>> {
    let stamp = |target: ObjectNumber| {
        let known = |at: &&LinkStamp| at.attribute == attribute && at.target == target;
        links.stamps.iter().find(known).copied()
    };
    let there = |target: ObjectNumber| stamp(target).is_none_or(|stamp| stamp.present);
    let own = mine.record.values(attribute).filter_map(referenced);
    let other = theirs.record.values(attribute).filter_map(referenced);
    let stamped = links.stamps.iter().filter(|at| at.attribute == attribute).map(|at| at.target);
    let mut targets: Vec<ObjectNumber> = Vec::new();
    let mut seen = BTreeSet::new();
    for target in own.chain(other).chain(stamped) {
        if there(target) && seen.insert(target) {
            targets.push(target);
        }
    }
    let single = forest.schema.attribute(attribute).is_some_and(|attribute| attribute.single);
    if single && targets.len() > 1 {
        let of = |target: &ObjectNumber| {
            stamp(*target).unwrap_or_else(|| LinkStamp::of_creation(mine, attribute, *target))
        };
        targets.sort_by(|one, next| forest.order_of_links(&of(one), &of(next)));
        targets.drain(..targets.len() - 1);
    }
    targets.into_iter().map(|target| reference(target).to_vec()).collect()
}

/// Where an object is in its life, by its own attributes.
fn life_of(forest: &Forest, record: &Record) -> Life {
    let recycled = record.has(known::IS_RECYCLED);
    if recycled && forest.recycle_bin {
        Life::Recycled
    } else if recycled || record.first(known::IS_DELETED) == Some(b"TRUE") {
        Life::Deleted
    } else {
        Life::Live
    }
}

/// Takes away what a tombstone does not keep: a change that meets it has no effect.
fn strip(forest: &Forest, entry: &mut Entry) {
    let none: &[&[u8]] = &[];
    let gone: Vec<(AttributeNumber, &[&[u8]])> = entry
        .record
        .attributes()
        .filter(|(number, _)| !stays_on_tombstone(&forest.schema, entry, *number))
        .map(|(number, _)| (number, none))
        .collect();
    entry.record = entry.record.with(&gone);
    entry.links = LinkStamps::default();
}

/// The attributes whose values differ, in ascending order.
fn differing(old: &Entry, new: &Entry) -> Vec<AttributeNumber> {
    let mut numbers = Vec::new();
    let (mut left, mut right) =
        (old.record.attributes().peekable(), new.record.attributes().peekable());
    loop {
        match (left.peek().cloned(), right.peek().cloned()) {
            (Some((one, values)), Some((other, fresh))) if one == other => {
                if !values.eq(fresh) {
                    numbers.push(one);
                }
                left.next();
                right.next();
            }
            (Some((one, _)), other) if other.as_ref().is_none_or(|(other, _)| one < *other) => {
                numbers.push(one);
                left.next();
            }
            (_, Some((other, _))) => {
                numbers.push(other);
                right.next();
            }
            (Some(_) | None, None) => return numbers,
        }
    }
}

fn link_changes(
    forest: &Forest,
    old: &Entry,
    new: &Entry,
    values: &[AttributeNumber],
) -> Vec<(AttributeNumber, Vec<(ObjectNumber, bool)>)> {
    let targets = |entry: &Entry, number| -> BTreeSet<ObjectNumber> {
        entry.record.values(number).filter_map(referenced).collect()
    };
    let links = values
        .iter()
        .filter(|number| forest.schema.attribute(**number).is_some_and(|at| at.is_forward_link()));
    links
        .map(|number| {
            let (before, after) = (targets(old, *number), targets(new, *number));
            let gone = before.difference(&after).map(|target| (*target, false));
            let came = after.difference(&before).map(|target| (*target, true));
            (*number, gone.chain(came).collect())
        })
        .collect()
}
