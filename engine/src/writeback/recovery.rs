//! Telling by reading whether a modify was applied whose answer never came.
//!
//! An intent says which attributes the modify touches and what they hold afterwards. A modify is all
//! or nothing, so if all of them hold it, it was applied.

use super::digest;
use crate::journal::rows::Intent;
use crate::ports::{DirectoryObject, Name};

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

/// Whether `object`, read with `names`, shows that the modify was applied.
pub(super) fn is_applied(intent: &Intent, object: &DirectoryObject, names: &[Name]) -> bool {
    intent.changes.iter().all(|change| {
        let column = names.iter().position(|name| *name == change.property.attribute);
        column.is_some_and(|column| {
            digest::of_set(object.values.column(column).iter()) == change.after
        })
    })
}
