//! A state store in memory: for the simulated estate, whose snapshots include it, and for tests.
//!
//! Rows are few bytes under keys of few bytes, and there are many of them; they are read and written
//! by key all the time and listed hardly ever. So a table is a hash table that is brought into order
//! when somebody lists it. It keeps what all its keys begin with once (the id of a transfer), and the
//! rest of a key lies in the table itself.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::ports::{StateStore, StoreError, StoreWrite, Table};

/// A [`StateStore`] that lives as long as its value. A clone is a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryStore {
    tables: [Rows; Table::ALL.len()],
}

impl MemoryStore {
    /// The rows of one table, in key order.
    pub fn rows(&self, table: Table) -> impl Iterator<Item = (Vec<u8>, &[u8])> {
        let rows = &self.tables[table as usize];
        let mut keys: Vec<&Key> = rows.rows.keys().collect();
        keys.sort_unstable();
        keys.into_iter().filter_map(|key| Some((rows.whole(key), rows.rows.get(key)?.as_ref())))
    }

    /// How many rows a table has.
    #[must_use]
    pub fn len(&self, table: Table) -> usize {
        self.tables[table as usize].rows.len()
    }
}

impl StateStore for MemoryStore {
    fn get(&mut self, table: Table, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let rows = &self.tables[table as usize];
        Ok(keys.iter().map(|key| rows.get(key).map(<[u8]>::to_vec)).collect())
    }

    fn scan(
        &mut self,
        table: Table,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
        Ok(self.tables[table as usize].scan(after, limit))
    }

    fn commit(&mut self, writes: Vec<StoreWrite>) -> Result<(), StoreError> {
        for write in writes {
            let rows = &mut self.tables[write.table as usize];
            match write.value {
                Some(value) => rows.insert(&write.key, value.into_boxed_slice()),
                None => rows.remove(&write.key),
            }
        }
        Ok(())
    }
}

/// One table.
#[derive(Debug, Clone, Default)]
struct Rows {
    /// What every key begins with.
    prefix: Vec<u8>,
    /// By the rest of the key.
    rows: HashMap<Key, Box<[u8]>, FxBuildHasher>,
    /// The keys in order, and perhaps some that were removed since; `None` when a key is missing.
    order: Option<Vec<Key>>,
}

/// The bytes at the end of a first key that are taken to differ: a mailbox id.
const DIFFERING: usize = 16;

impl Rows {
    fn get(&self, key: &[u8]) -> Option<&[u8]> {
        let rest = key.strip_prefix(self.prefix.as_slice())?;
        self.rows.get(&Key::new(&[rest])).map(AsRef::as_ref)
    }

    fn insert(&mut self, key: &[u8], value: Box<[u8]>) {
        if self.rows.is_empty() {
            self.order = None;
            self.prefix = key[..key.len().saturating_sub(DIFFERING)].to_vec();
        } else if !key.starts_with(&self.prefix) {
            self.shorten_prefix(key);
        }
        let replaced = self.rows.insert(Key::new(&[&key[self.prefix.len()..]]), value);
        if replaced.is_none() {
            self.order = None;
        }
    }

    fn remove(&mut self, key: &[u8]) {
        if let Some(rest) = key.strip_prefix(self.prefix.as_slice()) {
            self.rows.remove(&Key::new(&[rest]));
        }
    }

    /// Gives back to the keys what this one does not begin with.
    fn shorten_prefix(&mut self, key: &[u8]) {
        let common = self.prefix.iter().zip(key).take_while(|(ours, its)| ours == its).count();
        let given_back = self.prefix.split_off(common);
        self.order = None;
        self.rows = core::mem::take(&mut self.rows)
            .into_iter()
            .map(|(rest, value)| (Key::new(&[&given_back, rest.bytes()]), value))
            .collect();
    }

    /// Up to `limit` rows with keys after this one, in key order.
    fn scan(&mut self, after: Option<&[u8]>, limit: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut order = self.order.take().unwrap_or_default();
        // Whoever empties a table lists it again and again: half of it may be gone before the order
        // is made anew.
        if order.len() < self.rows.len() || order.len() / 2 > self.rows.len() {
            order = self.rows.keys().cloned().collect();
            order.sort_unstable();
        }
        let first = match after.map(|after| (after, after.strip_prefix(self.prefix.as_slice()))) {
            None => 0,
            Some((_, Some(rest))) => {
                let rest = Key::new(&[rest]);
                order.partition_point(|key| *key <= rest)
            }
            Some((after, None)) if after < self.prefix.as_slice() => 0,
            Some(_) => order.len(),
        };
        let row = |key| Some((self.whole(key), self.rows.get(key)?.to_vec()));
        let rows = order[first..].iter().filter_map(row).take(limit).collect();
        self.order = Some(order);
        rows
    }

    fn whole(&self, key: &Key) -> Vec<u8> {
        [&self.prefix, key.bytes()].concat()
    }
}

/// Equal rows are equal tables, whatever their keys begin with.
impl PartialEq for Rows {
    fn eq(&self, other: &Self) -> bool {
        self.rows.len() == other.rows.len()
            && self.rows.iter().all(|(key, value)| other.get(&self.whole(key)) == Some(value))
    }
}

impl Eq for Rows {}

/// Bytes, ordered as bytes are; few of them lie in the key itself.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    /// Zeros follow the `length` bytes.
    Short {
        length: u8,
        bytes: [u8; SHORT],
    },
    Long(Box<[u8]>),
}

/// What a key holds without an allocation.
const SHORT: usize = 22;

impl Key {
    /// A key of these parts.
    fn new(parts: &[&[u8]]) -> Self {
        let total: usize = parts.iter().map(|part| part.len()).sum();
        match u8::try_from(total) {
            Ok(length) if total <= SHORT => {
                let mut bytes = [0; SHORT];
                let mut at = 0;
                for part in parts {
                    bytes[at..at + part.len()].copy_from_slice(part);
                    at += part.len();
                }
                Self::Short { length, bytes }
            }
            _ => Self::Long(parts.concat().into_boxed_slice()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Short { length, bytes } => &bytes[..usize::from(*length)],
            Self::Long(bytes) => bytes,
        }
    }

    /// The bytes of a short key as numbers; two bytes are in both.
    fn numbers(bytes: &[u8; SHORT]) -> (u128, u64) {
        let (mut first, mut last) = ([0; 16], [0; 8]);
        first.copy_from_slice(&bytes[..16]);
        last.copy_from_slice(&bytes[SHORT - 8..]);
        (u128::from_be_bytes(first), u64::from_be_bytes(last))
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Short { bytes, .. } => Self::numbers(bytes).hash(state),
            Self::Long(bytes) => bytes.hash(state),
        }
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (
                Self::Short { length, bytes },
                Self::Short { length: other_length, bytes: other_bytes },
            ) => {
                // Zeros in place of what is not there come before everything else.
                let order = Self::numbers(bytes).cmp(&Self::numbers(other_bytes));
                order.then(length.cmp(other_length))
            }
            _ => self.bytes().cmp(other.bytes()),
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::ops::Bound;

    fn put(key: &[u8], value: Option<&[u8]>) -> StoreWrite {
        StoreWrite { table: Table::Links, key: key.to_vec(), value: value.map(<[u8]>::to_vec) }
    }

    #[test]
    fn a_scan_goes_on_after_the_last_key() {
        let mut store = MemoryStore::default();
        store.commit((0..5).map(|key| put(&[key], Some(&[key, key]))).collect()).unwrap();
        let first = store.scan(Table::Links, None, 2).unwrap();
        assert_eq!(first.len(), 2);
        let rest = store.scan(Table::Links, Some(&first[1].0), 10).unwrap();
        assert_eq!(rest.iter().map(|row| row.0[0]).collect::<Vec<_>>(), [2, 3, 4]);
        assert!(store.scan(Table::Escrow, None, 10).unwrap().is_empty());
        store.commit(vec![put(&[0], None)]).unwrap();
        assert_eq!(store.len(Table::Links), 4);
    }

    #[test]
    fn an_emptied_store_is_an_empty_store() {
        let mut store = MemoryStore::default();
        store.commit(vec![put(&[7; 40], Some(b"x"))]).unwrap();
        assert_ne!(store, MemoryStore::default());
        store.commit(vec![put(&[7; 40], None)]).unwrap();
        assert_eq!(store, MemoryStore::default());
    }

    #[test]
    fn a_table_can_be_listed_while_it_is_emptied() {
        let mut store = MemoryStore::default();
        store.commit((0..200).map(|key| put(&[key], Some(&[key]))).collect()).unwrap();
        let mut seen = Vec::new();
        loop {
            let rows = store.scan(Table::Links, None, 7).unwrap();
            if rows.is_empty() {
                break;
            }
            seen.extend(rows.iter().map(|(key, _)| key[0]));
            store.commit(rows.iter().map(|(key, _)| put(key, None)).collect()).unwrap();
        }
        assert_eq!(seen, (0..200).collect::<Vec<u8>>());
    }

    /// Keys that share much, little and nothing, on both sides of what a key holds in itself.
    fn key() -> impl Strategy<Value = Vec<u8>> {
        let tail = proptest::collection::vec(0..3_u8, 0..5);
        (0..4_usize, 0..40_usize, tail).prop_map(|(kind, zeros, tail)| {
            let head: &[u8] =
                [&b"a transfer with a long name\0"[..], b"a transfer", b"", b"b"][kind];
            [head, &vec![0; zeros], &tail].concat()
        })
    }

    proptest! {
        #[test]
        fn it_behaves_as_a_map_ordered_by_bytes(
            writes in proptest::collection::vec((key(), proptest::option::of(0..9_u8)), 0..60),
            asked in proptest::collection::vec(key(), 0..20),
        ) {
            let mut store = MemoryStore::default();
            let mut map: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
            for (key, value) in writes {
                // An order that was made before must not outlive what changes now.
                let first = store.scan(Table::Links, None, 1).unwrap().pop().map(|row| row.0);
                prop_assert_eq!(first.as_ref(), map.keys().next());
                store.commit(vec![put(&key, value.as_ref().map(std::slice::from_ref))]).unwrap();
                match value {
                    Some(value) => map.insert(key, vec![value]),
                    None => map.remove(&key),
                };
            }
            let rows = store.scan(Table::Links, None, usize::MAX).unwrap();
            prop_assert_eq!(&rows, &map.clone().into_iter().collect::<Vec<_>>());
            prop_assert!(store.rows(Table::Links).eq(rows.iter().map(|(k, v)| (k.clone(), v.as_slice()))));
            let mut copy = MemoryStore::default();
            copy.commit(rows.iter().rev().map(|(k, v)| put(k, Some(v))).collect()).unwrap();
            prop_assert_eq!(&copy, &store);
            let got = store.get(Table::Links, &asked).unwrap();
            for (key, value) in asked.iter().zip(got) {
                prop_assert_eq!(value.as_ref(), map.get(key));
                let after = store.scan(Table::Links, Some(key), 3).unwrap();
                let expected = map.range::<[u8], _>((Bound::Excluded(key.as_slice()), Bound::Unbounded));
                let expected: Vec<_> = expected.take(3).map(|(k, v)| (k.clone(), v.clone())).collect();
                prop_assert_eq!(after, expected);
            }
        }
    }
}
