//! Telling by reading what became of modifies whose answer never came.
//!
//! An intent says which attributes were to be changed, what they held before and what they hold
//! afterwards. Each is decided by itself: one that holds the new values was written. A modify is all or
//! nothing ([RFC 4511] 4.6), so where all attributes went in one, an attribute that was written stands
//! for the others too: what holds neither the old nor the new values then was changed by somebody since,
//! and that edit stays. An attribute with its old values is taken as not written whatever the others say:
//! writing it again is right even if somebody put it back, and losing it never is.

use super::digest;
use crate::journal::rows::Intent;
use crate::ports::{AttributeChange, DirectoryObject, Name};

/// Which changes of an intent were made, by their number. An AD object has no more mapped attributes
/// than this has bits ([`crate::attributes::CONTRACT`]); one beyond them would count as not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Made(u64);

impl Made {
    pub(super) const NONE: Self = Self(0);
    pub(super) const ALL: Self = Self(u64::MAX);

    pub(super) fn has(self, number: usize) -> bool {
        bit(number).is_some_and(|bit| self.0 & bit != 0)
    }

    pub(super) const fn any(self) -> bool {
        self.0 != 0
    }

    /// Whether every change of the intent was made.
    pub(super) fn whole(self, intent: &Intent) -> bool {
        (0..intent.changes.len()).all(|number| self.has(number))
    }

    fn add(&mut self, number: usize) {
        self.0 |= bit(number).unwrap_or(0);
    }

    /// The modify with these elements was applied.
    pub(super) fn add_modify(&mut self, intent: &Intent, elements: &[AttributeChange]) {
        if !intent.split {
            *self = Self::ALL;
            return;
        }
        for element in elements {
            let of = |attribute: &Name| *attribute == element.attribute;
            let number = intent.changes.iter().position(|change| of(&change.property.attribute));
            number.into_iter().for_each(|number| self.add(number));
        }
    }
}

fn bit(number: usize) -> Option<u64> {
    1_u64.checked_shl(u32::try_from(number).ok()?)
}

/// The attributes that any of these intents touches: what to read.
pub(super) fn touched<'a>(intents: impl Iterator<Item = &'a Intent>) -> Vec<Name> {
    let mut names: Vec<Name> = Vec::new();
    for change in intents.flat_map(|intent| &intent.changes) {
        if !names.contains(&change.property.attribute) {
            names.push(change.property.attribute.clone());
        }
    }
    names
}

/// What `object`, read with `names`, shows to have been made, beside what is `known` to have been.
pub(super) fn made(intent: &Intent, object: &DirectoryObject, names: &[Name], known: Made) -> Made {
    let mut made = known;
    let mut missing = false;
    for (number, change) in intent.changes.iter().enumerate() {
        let column = names.iter().position(|name| *name == change.property.attribute);
        let held = column.map(|column| digest::of_set(object.values.column(column).iter()));
        if held == Some(change.after) {
            made.add(number);
        } else if !made.has(number) {
            missing |= intent.split || held.is_none() || held == Some(change.before);
        }
    }
    if made.any() && !missing { Made::ALL } else { made }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::ModifiedProperty;
    use crate::guid::Guid;
    use crate::journal::rows::IntendedChange;
    use crate::ports::ObjectGuid;

    fn digest_of(text: &str) -> u64 {
        digest::of_set(Some(text.as_bytes()).filter(|text| !text.is_empty()))
    }

    fn intent(split: bool) -> Intent {
        let change = |attribute: &'static str| IntendedChange {
            before: digest_of("old"),
            after: digest_of("new"),
            property: ModifiedProperty {
                attribute: attribute.into(),
                old: "old".into(),
                new: "new".into(),
            },
        };
        Intent {
            agent: None,
            object: ObjectGuid(Guid([1; 16])),
            digest: 1,
            changed: 1,
            split,
            changes: vec![change("a"), change("b")],
        }
    }

    fn read(split: bool, a: &str, b: &str) -> Vec<bool> {
        let values = [a, b].map(|text| if text.is_empty() { vec![] } else { vec![text] });
        let values: Vec<Vec<Vec<u8>>> = values
            .into_iter()
            .map(|values| values.into_iter().map(|text| text.as_bytes().to_vec()).collect())
            .collect();
        let object = DirectoryObject {
            guid: ObjectGuid(Guid([1; 16])),
            consistency_guid: None,
            external_id: None,
            values: values.iter().collect(),
            broken: None,
        };
        let intent = intent(split);
        let names = touched([&intent].into_iter());
        let made = made(&intent, &object, &names, Made::NONE);
        vec![made.has(0), made.has(1)]
    }

    /// Every way in which two attributes may stand, for one modify and for one each.
    #[test]
    fn each_attribute_is_decided_by_itself() {
        let table = [
            ("new", "new", [true, true], [true, true]),
            ("old", "old", [false, false], [false, false]),
            ("new", "old", [true, false], [true, false]),
            ("new", "theirs", [true, true], [true, false]),
            ("new", "", [true, true], [true, false]),
            ("old", "theirs", [false, false], [false, false]),
            ("theirs", "theirs", [false, false], [false, false]),
        ];
        for (a, b, one, split) in table {
            assert_eq!(read(false, a, b), one, "one modify: {a}, {b}");
            assert_eq!(read(true, a, b), split, "one each: {a}, {b}");
        }
    }
}
