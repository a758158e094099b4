//! Deliberate mistakes that need more than a condition ([`crate::planted_bugs`]).

use super::desk::Desk;
use super::diff::Difference;
use crate::planted_bugs::planted;
use crate::ports::{AttributeChange, ChangeOperation, DirectoryObject, Mailbox, MailboxId, Name};
use crate::values::Column;

/// Values that were removed from objects, by mailbox and attribute.
pub(super) type Removed = Vec<(MailboxId, Name, Vec<Vec<u8>>)>;

/// With [`ResurrectRemoved`](crate::planted_bugs::PlantedBug::ResurrectRemoved): the difference, with what
/// an earlier one removed put back; what it removes itself is remembered.
pub(super) fn put_back(
    mut difference: Difference,
    mailbox: &Mailbox,
    object: &DirectoryObject,
    desk: &Desk,
) -> Difference {
    if !planted!(desk.bugs, ResurrectRemoved) || difference.changes.is_empty() {
        return difference;
    }
    let mut removed = desk.removed.borrow_mut();
    let (own, others): (Removed, Removed) =
        removed.drain(..).partition(|(id, _, _)| *id == mailbox.id);
    *removed = others;
    for change in &difference.changes {
        if change.operation == ChangeOperation::Delete {
            removed.push((mailbox.id, change.attribute.clone(), change.values.clone()));
        }
    }
    for (_, attribute, values) in own {
        let names = desk.plan.attributes();
        let held = names.iter().position(|name| *name == attribute);
        let held = held.map_or_else(Column::default, |at| object.values.column(at));
        let values: Vec<Vec<u8>> =
            values.into_iter().filter(|value| held.iter().all(|held| held != value)).collect();
        if !values.is_empty() {
            let operation = ChangeOperation::Add;
            difference.changes.push(AttributeChange { attribute, operation, values });
        }
    }
    difference
}

/// With [`TakeBackAtOnce`](crate::planted_bugs::PlantedBug::TakeBackAtOnce): the modify that brings the
/// first attribute back to what the object holds now.
pub(super) fn taken_back(
    difference: &Difference,
    object: &DirectoryObject,
    desk: &Desk,
) -> Option<Vec<AttributeChange>> {
    if !planted!(desk.bugs, TakeBackAtOnce) {
        return None;
    }
    let attribute = difference.changes.first()?.attribute.clone();
    let at = desk.plan.attributes().iter().position(|name| *name == attribute)?;
    let values: Vec<Vec<u8>> = object.values.column(at).iter().map(<[u8]>::to_vec).collect();
    let operation =
        if values.is_empty() { ChangeOperation::Delete } else { ChangeOperation::Replace };
    Some(vec![AttributeChange { attribute, operation, values }])
}
