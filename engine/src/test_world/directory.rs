//! What AD makes of a modify.

use crate::attributes::{CONTRACT, Shape};
use crate::ports::*;

/// What AD does with a modify: the LDAP result, and on success the new values.
pub(crate) fn apply(object: &mut DirectoryObject, names: &[Name], modify: &Modification) -> u32 {
    let mut values = object.values.lists();
    for change in &modify.changes {
        let at = names.iter().position(|name| *name == change.attribute).unwrap();
        let result = apply_change(&mut values[at], change);
        if result != 0 {
            return result;
        }
    }
    object.values = values.iter().collect();
    0
}

/// One element. A second value of a single-valued attribute is refused ([MS-ADTS] 3.1.1.5.3.2): with 20 where
/// it is added, with 19 where it comes in a replace.
pub(super) fn apply_change(held: &mut Vec<Vec<u8>>, change: &AttributeChange) -> u32 {
    let same = |a: &[u8], b: &[u8]| a.eq_ignore_ascii_case(b);
    if change.values.iter().any(Vec::is_empty) {
        return 21;
    }
    let single = CONTRACT
        .iter()
        .any(|known| known.shape == Shape::Single && known.ldap_name == change.attribute);
    match change.operation {
        ChangeOperation::Replace if single && change.values.len() > 1 => return 19,
        ChangeOperation::Add if single && held.len() + change.values.len() > 1 => return 20,
        _ => {}
    }
    match change.operation {
        ChangeOperation::Replace => held.clear(),
        ChangeOperation::Delete if held.is_empty() => return 16,
        ChangeOperation::Delete if change.values.is_empty() => held.clear(),
        ChangeOperation::Delete => {
            for value in &change.values {
                let Some(at) = held.iter().position(|other| same(other, value)) else { return 16 };
                held.remove(at);
            }
            return 0;
        }
        ChangeOperation::Add => {}
    }
    for value in &change.values {
        if held.iter().any(|other| same(other, value)) {
            return 20;
        }
        held.push(value.clone());
    }
    0
}
