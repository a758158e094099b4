//! From a hash to the numbers of the objects that stand under it.
//!
//! An entry is a hash and a number, eight bytes, and no value: whoever looks something up confirms
//! each candidate on the object itself. So an entry that is out of date does no harm, and what was
//! loaded in bulk can lie in one sorted, immutable table that all domain controllers share. Only what
//! came later is each one's own.

use std::sync::Arc;

use hashbrown::HashTable;

use crate::directory::request::ObjectNumber;

/// Candidates by hash. Several objects may stand under one hash, one object several times.
#[derive(Clone, Debug, Default)]
pub(super) struct NumberIndex {
    /// What was loaded, oldest first.
    loaded: Vec<Arc<Loaded>>,
    /// What was loaded and is not in a table yet.
    pending: Vec<Pair>,
    /// What came later.
    fresh: HashTable<Pair>,
}

/// The half of a hash that is kept, and an object.
type Pair = (u32, u32);

/// An immutable table: pairs grouped by the upper bits of their hash.
#[derive(Debug)]
struct Loaded {
    pairs: Box<[Pair]>,
    /// Where each group begins; one more than there are groups.
    groups: Box<[u32]>,
    /// How far a hash is shifted to get its group.
    shift: u32,
}

/// More tables than this are merged.
const MOST_TABLES: usize = 4;

impl NumberIndex {
    /// The objects that may stand under a hash; some twice.
    pub(super) fn candidates(&self, hash: u64) -> impl Iterator<Item = ObjectNumber> {
        let short = short(hash);
        let loaded = self.loaded.iter().flat_map(move |table| table.group(short));
        let fresh = self.fresh.iter_hash(spread(short));
        loaded
            .chain(&self.pending)
            .chain(fresh)
            .filter(move |(at, _)| *at == short)
            .map(|(_, number)| ObjectNumber(*number))
    }

    /// Enters an object under a hash.
    pub(super) fn insert(&mut self, hash: u64, object: ObjectNumber) {
        let pair = (short(hash), object.0);
        // An entry that was left behind when the value went counts again.
        if !self.loaded.iter().any(|table| table.group(pair.0).contains(&pair)) {
            self.fresh.insert_unique(spread(pair.0), pair, |(at, _)| spread(*at));
        }
    }

    /// Takes an object out from under a hash. What was loaded stays: it is never confirmed again.
    pub(super) fn remove(&mut self, hash: u64, object: ObjectNumber) {
        let pair = (short(hash), object.0);
        if let Ok(found) = self.fresh.find_entry(spread(pair.0), |at| *at == pair) {
            found.remove();
        }
    }

    /// Enters an object under a hash, as one of many: [`Self::settle`] follows.
    pub(super) fn load(&mut self, hash: u64, object: ObjectNumber) {
        self.pending.push((short(hash), object.0));
    }

    /// Makes room for more to be loaded.
    pub(super) fn reserve(&mut self, additional: usize) {
        self.pending.reserve(additional);
    }

    /// How many loaded entries wait for a table.
    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Puts what was loaded into a table.
    pub(super) fn settle(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let mut pairs = core::mem::take(&mut self.pending);
        if self.loaded.len() >= MOST_TABLES {
            for table in self.loaded.drain(..) {
                pairs.extend_from_slice(&table.pairs);
            }
        }
        self.loaded.push(Arc::new(Loaded::new(&pairs)));
    }

    /// As [`Self::settle`], but shares the tables of `other`, which has just settled, when both loaded
    /// the same. `before` is what `other` held.
    pub(super) fn settle_like(&mut self, other: &Self, before: &Self) {
        let same = self.pending == before.pending
            && self.loaded.len() == before.loaded.len()
            && self.loaded.iter().zip(&before.loaded).all(|(a, b)| Arc::ptr_eq(a, b));
        if same {
            self.pending = Vec::new();
            self.loaded.clone_from(&other.loaded);
        } else {
            self.settle();
        }
    }

    /// A copy without what came later: what [`Self::settle_like`] compares with.
    pub(super) fn loaded_part(&self) -> Self {
        Self { loaded: self.loaded.clone(), pending: self.pending.clone(), fresh: HashTable::new() }
    }
}

impl Loaded {
    /// Groups of about eight pairs, in two passes: count, then place.
    fn new(pairs: &[Pair]) -> Self {
        let bits = (pairs.len() / 8).checked_ilog2().unwrap_or(0).min(31);
        let shift = 32 - bits;
        let group_of = |hash: u32| group_of(hash, shift);
        let mut groups = vec![0_u32; (1 << bits) + 1];
        for (hash, _) in pairs {
            groups[group_of(*hash) + 1] += 1;
        }
        let mut total = 0;
        for group in &mut groups {
            total += *group;
            *group = total;
        }
        let mut next = groups.clone();
        let mut placed = vec![(0, 0); pairs.len()].into_boxed_slice();
        for pair in pairs {
            let at = &mut next[group_of(pair.0)];
            placed[*at as usize] = *pair;
            *at += 1;
        }
        Self { pairs: placed, groups: groups.into_boxed_slice(), shift }
    }

    fn group(&self, hash: u32) -> &[Pair] {
        let group = group_of(hash, self.shift);
        &self.pairs[self.groups[group] as usize..self.groups[group + 1] as usize]
    }
}

/// The upper bits; a shift by 32 leaves one group.
fn group_of(hash: u32, shift: u32) -> usize {
    hash.checked_shr(shift).unwrap_or(0) as usize
}

/// The half of a hash that is kept.
fn short(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// A kept half over the width that the table of fresh entries works with.
fn spread(short: u32) -> u64 {
    u64::from(short).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: u32) -> u64 {
        crate::directory::fold::hash_bytes(&number.to_le_bytes())
    }

    fn under(index: &NumberIndex, number: u32) -> Vec<u32> {
        let mut found: Vec<u32> = index.candidates(hash(number)).map(|object| object.0).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    #[test]
    fn loaded_pending_and_fresh_entries_are_found_alike() {
        let mut index = NumberIndex::default();
        for round in 0..7_u32 {
            for number in round * 1000..(round + 1) * 1000 {
                index.load(hash(number), ObjectNumber(number));
            }
            index.settle();
        }
        index.load(hash(7000), ObjectNumber(7000));
        index.insert(hash(7001), ObjectNumber(7001));
        index.insert(hash(5), ObjectNumber(9));
        for number in (0..7002).filter(|number| *number != 5) {
            assert_eq!(under(&index, number), [number]);
        }
        assert_eq!(under(&index, 5), [5, 9]);
        index.remove(hash(5), ObjectNumber(9));
        assert_eq!(under(&index, 5), [5]);
        assert!(index.loaded.len() <= MOST_TABLES);
    }

    #[test]
    fn an_entry_that_comes_back_is_not_kept_twice() {
        let mut index = NumberIndex::default();
        index.load(hash(1), ObjectNumber(1));
        index.settle();
        for _ in 0..3 {
            index.remove(hash(1), ObjectNumber(1));
            index.insert(hash(1), ObjectNumber(1));
        }
        assert_eq!(index.candidates(hash(1)).count(), 1);
    }

    #[test]
    fn equal_loads_share_a_table() {
        let mut first = NumberIndex::default();
        for number in 0..100 {
            first.load(hash(number), ObjectNumber(number));
        }
        let mut second = first.clone();
        let before = first.loaded_part();
        first.settle();
        second.settle_like(&first, &before);
        assert!(Arc::ptr_eq(&first.loaded[0], &second.loaded[0]));
    }
}
