//! A state store in memory: for the simulated estate, whose snapshots include it, and for tests.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::ports::{StateStore, StoreError, StoreWrite, Table};

/// A [`StateStore`] that lives as long as its value. A clone is a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryStore {
    tables: [BTreeMap<Vec<u8>, Vec<u8>>; Table::ALL.len()],
}

impl MemoryStore {
    /// The rows of one table, in key order.
    pub fn rows(&self, table: Table) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.tables[table as usize].iter().map(|(key, value)| (key.as_slice(), value.as_slice()))
    }

    /// How many rows a table has.
    #[must_use]
    pub fn len(&self, table: Table) -> usize {
        self.tables[table as usize].len()
    }
}

impl StateStore for MemoryStore {
    fn get(&mut self, table: Table, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let rows = &self.tables[table as usize];
        Ok(keys.iter().map(|key| rows.get(key).cloned()).collect())
    }

    fn scan(
        &mut self,
        table: Table,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(self.tables[table as usize]
            .range::<[u8], _>((start, Bound::Unbounded))
            .take(limit)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    }

    fn commit(&mut self, writes: Vec<StoreWrite>) -> Result<(), StoreError> {
        for write in writes {
            let rows = &mut self.tables[write.table as usize];
            match write.value {
                Some(value) => rows.insert(write.key, value),
                None => rows.remove(&write.key),
            };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_goes_on_after_the_last_key() {
        let mut store = MemoryStore::default();
        let put = |key: u8| StoreWrite {
            table: Table::Links,
            key: vec![key],
            value: Some(vec![key, key]),
        };
        store.commit((0..5).map(put).collect()).unwrap();
        let first = store.scan(Table::Links, None, 2).unwrap();
        assert_eq!(first.len(), 2);
        let rest = store.scan(Table::Links, Some(&first[1].0), 10).unwrap();
        assert_eq!(rest.iter().map(|row| row.0[0]).collect::<Vec<_>>(), [2, 3, 4]);
        assert!(store.scan(Table::Escrow, None, 10).unwrap().is_empty());
        let delete = StoreWrite { table: Table::Links, key: vec![0], value: None };
        store.commit(vec![delete]).unwrap();
        assert_eq!(store.len(Table::Links), 4);
    }
}
