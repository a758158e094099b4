//! The values of an attribute as a set: adding to it, taking from it, comparing it.

use crate::directory::answer::LdapResult;
use crate::directory::diagnostic::{self, AttributeProblem, UpdateProblem};
use crate::directory::fold;
use crate::directory::schema::{Attribute, known};

/// Adds values to those of an attribute.
pub(super) fn add_values(
    attribute: &Attribute,
    is_group: bool,
    permissive: bool,
    values: &mut Vec<Vec<u8>>,
    given: Vec<Vec<u8>>,
) -> Result<(), LdapResult> {
    let exists = |win32| diagnostic::attribute(AttributeProblem::ValueExists, win32, attribute);
    if attribute.single && given.len() > 1 {
        return Err(exists(0x2081));
    }
    let mut given = given;
    if attribute.is_forward_link() {
        // The same target twice in one element counts once.
        let mut seen = std::collections::BTreeSet::new();
        given.retain(|value| seen.insert(value.clone()));
    }
    check_distinct(attribute, &given)?;
    let present = Lookup::of(attribute, values);
    let mut fresh = Vec::with_capacity(given.len());
    for value in given {
        if present.find(attribute, values, &value).is_none() {
            fresh.push(value);
        } else if !permissive {
            if is_group && attribute.number == known::MEMBER {
                return Err(diagnostic::update(UpdateProblem::EntryExists, 0x0562));
            }
            return Err(exists(0x2083));
        }
    }
    if attribute.single && !values.is_empty() && !fresh.is_empty() {
        return Err(exists(0x2083));
    }
    values.append(&mut fresh);
    Ok(())
}

/// Takes values away from those of an attribute; all of them when none are given.
pub(super) fn delete_values(
    attribute: &Attribute,
    is_group: bool,
    permissive: bool,
    values: &mut Vec<Vec<u8>>,
    given: &[Vec<u8>],
) -> Result<(), LdapResult> {
    let missing =
        |win32| diagnostic::attribute(AttributeProblem::NoAttributeOrValue, win32, attribute);
    let is_member = is_group && attribute.number == known::MEMBER;
    if values.is_empty() && given.is_empty() && !permissive {
        return Err(missing(0x2076));
    }
    if given.is_empty() {
        values.clear();
        return Ok(());
    }
    let present = Lookup::of(attribute, values);
    let mut gone = vec![false; values.len()];
    for value in given {
        match present.find(attribute, values, value) {
            Some(at) if !gone[at] => gone[at] = true,
            _ if permissive => {}
            _ if is_member => return Err(diagnostic::unwilling(0x0561)),
            _ => return Err(missing(0x2085)),
        }
    }
    let mut gone = gone.into_iter();
    values.retain(|_| !gone.next().unwrap_or_default());
    Ok(())
}

/// Finds values: one by one among few, by hash among many.
struct Lookup(Option<hashbrown::HashTable<(u64, usize)>>);

impl Lookup {
    fn of(attribute: &Attribute, values: &[Vec<u8>]) -> Self {
        if values.len() < 16 {
            return Self(None);
        }
        let mut table = hashbrown::HashTable::with_capacity(values.len());
        for (at, value) in values.iter().enumerate() {
            let hash = attribute.syntax.hash(value);
            table.insert_unique(hash, (hash, at), |known| known.0);
        }
        Self(Some(table))
    }

    fn find(&self, attribute: &Attribute, values: &[Vec<u8>], value: &[u8]) -> Option<usize> {
        match &self.0 {
            None => values.iter().position(|known| attribute.syntax.same(known, value)),
            Some(table) => table
                .find(attribute.syntax.hash(value), |known| {
                    attribute.syntax.same(&values[known.1], value)
                })
                .map(|known| known.1),
        }
    }
}

/// Refuses the same value twice in one element.
pub(super) fn check_distinct(attribute: &Attribute, given: &[Vec<u8>]) -> Result<(), LdapResult> {
    if given.len() < 2 {
        return Ok(());
    }
    let mut folded: Vec<_> = given
        .iter()
        .map(
            |value| {
                if attribute.syntax.ignores_case() { fold::folded(value) } else { value.into() }
            },
        )
        .collect();
    folded.sort_unstable();
    if folded.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(diagnostic::attribute(AttributeProblem::ValueExists, 0x2083, attribute));
    }
    Ok(())
}

/// Refuses what may not take the place of all values: the same member of a group twice has a refusal of
/// its own.
pub(super) fn check_replaced(
    attribute: &Attribute,
    is_group: bool,
    given: &[Vec<u8>],
) -> Result<(), LdapResult> {
    check_distinct(attribute, given).map_err(|refusal| {
        if is_group && attribute.number == known::MEMBER {
            diagnostic::update(UpdateProblem::EntryExists, 0x0562)
        } else {
            refusal
        }
    })
}

/// Whether both hold the same values by bytes, in whatever order.
pub(super) fn same_set(a: &[Vec<u8>], b: &[Vec<u8>]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    if a == b {
        return true;
    }
    let sorted = |values: &[Vec<u8>]| {
        let mut values: Vec<Vec<u8>> = values.to_vec();
        values.sort_unstable();
        values
    };
    sorted(a) == sorted(b)
}
