//! Names to numbers, without case and without copying the name.

use hashbrown::HashTable;

use crate::directory::fold;

/// A table of ASCII names. Looked up only, never iterated.
#[derive(Clone, Debug, Default)]
pub(crate) struct NameTable {
    table: HashTable<(Box<str>, u16)>,
}

impl NameTable {
    /// Enters a name; a name that is there already is replaced.
    pub(crate) fn insert(&mut self, name: &str, number: u16) {
        let hash = fold::hash(name.as_bytes());
        if let Some(found) = self.table.find_mut(hash, |(at, _)| at.eq_ignore_ascii_case(name)) {
            found.1 = number;
            return;
        }
        let rehash = |entry: &(Box<str>, u16)| fold::hash(entry.0.as_bytes());
        self.table.insert_unique(hash, (name.into(), number), rehash);
    }

    /// Takes a name out.
    pub(crate) fn remove(&mut self, name: &str) {
        let hash = fold::hash(name.as_bytes());
        if let Ok(found) = self.table.find_entry(hash, |(at, _)| at.eq_ignore_ascii_case(name)) {
            found.remove();
        }
    }

    /// The number of a name.
    pub(crate) fn get(&self, name: &str) -> Option<u16> {
        let hash = fold::hash(name.as_bytes());
        self.table.find(hash, |(at, _)| at.eq_ignore_ascii_case(name)).map(|(_, number)| *number)
    }
}
