//! How fast a transfer goes: a budget of mailboxes that are set in any minute.
//!
//! What was spent lies in the state store before it is spent, one row for all transfers of a store: a transfer
//! that was killed, and whatever follows it within the minute, does not begin a minute of its own.

use std::collections::VecDeque;
use std::time::Duration;

use crate::journal::rows::{VERSION_KEY, check_version};
use crate::ports::{SET_BATCH, StateStore, StoreError, StoreWrite, Table};
use crate::time::Timestamp;

/// The time that a budget counts for.
pub(super) const MINUTE: Duration = Duration::from_mins(1);

/// Key of the row in the table `Meta`.
pub(super) const KEY: &[u8] = b"sets";
const VERSION: u8 = 1;

/// How fast a transfer goes, beside what the service asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    /// Mailboxes that are set in any minute, at most; `None`: as many as the service takes.
    pub sets_a_minute: Option<u32>,
    /// Lengthens waits by chance ([`Backoff::jittered`](crate::writeback::retry::Backoff::jittered)).
    pub jitter: u64,
}

/// A budget, and what was spent of it in the last minute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Budget {
    most: Option<u32>,
    /// When how many mailboxes were set.
    spent: VecDeque<(Timestamp, usize)>,
}

impl Budget {
    pub(super) const fn new(pace: Pace) -> Self {
        Self { most: pace.sets_a_minute, spent: VecDeque::new() }
    }

    /// Whether there is any limit.
    pub(super) const fn is_limited(&self) -> bool {
        self.most.is_some()
    }

    /// How many mailboxes may be set now; otherwise when some may.
    pub(super) fn allowance(&mut self, now: Timestamp) -> Result<usize, Timestamp> {
        let Some(most) = self.most else { return Ok(SET_BATCH) };
        while self.spent.front().is_some_and(|(at, _)| now.since(*at) >= MINUTE) {
            self.spent.pop_front();
        }
        let used: usize = self.spent.iter().map(|(_, count)| count).sum();
        match (most.max(1) as usize).saturating_sub(used) {
            0 => Err(self.spent.front().map_or(now, |(at, _)| *at) + MINUTE),
            left => Ok(left.min(SET_BATCH)),
        }
    }

    /// So many are about to be set.
    pub(super) fn spend(&mut self, now: Timestamp, count: usize) {
        if self.is_limited() {
            self.spent.push_back((now, count));
        }
    }

    /// So many of the last ones were in fact.
    pub(super) fn correct(&mut self, count: usize) {
        if let Some((_, last)) = self.spent.back_mut() {
            *last = count;
        }
    }

    /// The row that keeps what was spent.
    pub(super) fn write(&self) -> StoreWrite {
        let numbers = self.spent.iter().flat_map(|(at, count)| {
            let count = u64::try_from(*count).unwrap_or(u64::MAX);
            [at.as_micros().to_le_bytes(), count.to_le_bytes()]
        });
        let value = [VERSION].into_iter().chain(numbers.flatten()).collect();
        StoreWrite { table: Table::Meta, key: KEY.to_vec(), value: Some(value) }
    }

    /// Checks that the store is of a known layout, and takes over what another life spent.
    pub(super) fn open(
        &mut self,
        store: &mut dyn StateStore,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut rows = store.get(Table::Meta, &[VERSION_KEY.to_vec(), KEY.to_vec()])?.into_iter();
        check_version(rows.next().flatten().as_deref())?;
        self.take_over(rows.next().flatten().as_deref(), now)
    }

    /// Takes over what another life spent. What lies after this instant was noted by a clock that was wrong.
    pub(super) fn take_over(
        &mut self,
        row: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(row) = row else { return Ok(()) };
        let damaged = || StoreError::Damaged("what was spent of the budget".to_owned());
        let Some((&VERSION, rest)) = row.split_first() else { return Err(damaged()) };
        let (pairs, odd) = rest.as_chunks::<16>();
        if !odd.is_empty() {
            return Err(damaged());
        }
        for pair in pairs {
            let (at, count) = pair.split_first_chunk::<8>().ok_or_else(damaged)?;
            let at = Timestamp::from_micros(i64::from_le_bytes(*at));
            let count = u64::from_le_bytes(count.try_into().map_err(|_| damaged())?);
            if at <= now {
                self.spent.push_back((at, usize::try_from(count).unwrap_or(usize::MAX)));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_world::START;

    #[test]
    fn what_was_spent_comes_back_and_damage_is_told() {
        let pace = Pace { sets_a_minute: Some(3), jitter: 0 };
        let mut budget = Budget::new(pace);
        assert_eq!(budget.allowance(START), Ok(3));
        budget.spend(START, 3);
        let row = budget.write().value.unwrap();
        let mut next = Budget::new(pace);
        let later = START + Duration::from_secs(20);
        next.take_over(Some(&row), later).unwrap();
        assert_eq!((next.allowance(later), &next), (Err(START + MINUTE), &budget));
        assert_eq!(next.allowance(START + MINUTE), Ok(3));
        budget.correct(1);
        assert_eq!(budget.allowance(later), Ok(2), "what was not let through is not spent");
        let mut early = Budget::new(pace);
        early.take_over(Some(&row), START - MINUTE).unwrap();
        assert_eq!(early, Budget::new(pace), "by a clock that was wrong");
        for damaged in [&row[..0], &row[..9], &[9]] {
            assert!(Budget::new(pace).take_over(Some(damaged), later).is_err());
        }
    }
}
