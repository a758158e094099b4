//! How much is asked of Exchange Online at once.
//!
//! A read of several mailboxes is several requests, and a budget that ends in the middle of them leaves
//! nothing of the answer. Whoever asked for as much again when the budget is whole would never get it: so
//! after each throttled read half as much is asked for, down to a single mailbox, and after some that were
//! answered twice as much again. Source: Microsoft Graph throttling guidance ("reduce the number of operations
//! per request").

use crate::failure::{Class, Failure, Side};
use crate::ports::{CallError, MAILBOX_BATCH, Row};
use crate::time::Timestamp;
use crate::transfer::flip::{Stop, Turn, again};
use crate::writeback::retry::Backoff;

/// So many reads are answered before twice as much is asked for again.
const GOOD: u32 = 8;

/// How many mailboxes are read with one call.
pub(crate) struct Portion {
    most: usize,
    /// Reads that were answered since it changed.
    good: u32,
}

impl Default for Portion {
    fn default() -> Self {
        Self { most: MAILBOX_BATCH, good: 0 }
    }
}

impl Portion {
    /// So many.
    pub(crate) const fn most(&self) -> usize {
        self.most
    }

    /// The rows of a read, or when to read again. While the service fails on one of them the read is made
    /// again, as if it had failed on all; then they stand as they are.
    pub(crate) fn rows<T>(
        &mut self,
        read: Result<Vec<Row<T>>, CallError>,
        backoff: &mut Backoff,
        now: Timestamp,
    ) -> Result<Result<Vec<Row<T>>, Timestamp>, Stop> {
        let rows = match read {
            Ok(rows) => rows,
            Err(error) => return self.later(&error, backoff, now).map(Err),
        };
        let passes = |row: &Row<T>| {
            let failure = row.as_ref().err().map(|error| Failure::of_row(error, Side::Cloud));
            failure.is_some_and(|failure| failure.class == Class::Transient)
        };
        if rows.iter().any(passes)
            && let Some(at) = backoff.next(Class::Transient, now)
        {
            return Ok(Err(at));
        }
        backoff.reset();
        self.answered();
        Ok(Ok(rows))
    }

    /// A read was throttled: half as much is asked for from now on.
    pub(crate) fn throttled(&mut self) {
        self.most = (self.most / 2).max(1);
        self.good = 0;
    }

    /// A read was answered.
    pub(crate) fn answered(&mut self) {
        self.good += 1;
        if self.good >= GOOD {
            self.good = 0;
            self.most = (self.most * 2).min(MAILBOX_BATCH);
        }
    }

    /// What a failed read means: when to ask again, and after a throttled one for fewer.
    pub(crate) fn again<T>(
        &mut self,
        error: &CallError,
        backoff: &mut Backoff,
        now: Timestamp,
    ) -> Result<Turn<T>, Stop> {
        self.later(error, backoff, now).map(Turn::Wait)
    }

    fn later(
        &mut self,
        error: &CallError,
        backoff: &mut Backoff,
        now: Timestamp,
    ) -> Result<Timestamp, Stop> {
        if matches!(error, CallError::Throttled { .. }) {
            self.throttled();
        }
        again(error, Side::Cloud, backoff, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What passes by itself is read again; what does not pass stands, and keeps nobody waiting.
    #[test]
    fn a_row_that_may_pass_is_read_again_for_a_while() {
        let (mut portion, mut backoff) = (Portion::default(), Backoff::default());
        let mut rows = |detail: fn(String) -> CallError| {
            let read = Ok(vec![Ok(Some(1)), Err(detail("odd".into()))]);
            portion.rows(read, &mut backoff, Timestamp::EPOCH).ok().expect("it goes on")
        };
        let refused = |detail| CallError::Refused { code: "403".into(), detail };
        assert_eq!(rows(refused).unwrap().len(), 2);
        let busy = |detail| CallError::ServiceFailure { code: "500".into(), detail };
        let tries = (0..100).take_while(|_| rows(busy).is_err()).count();
        assert!((1..99).contains(&tries), "{tries}");
    }

    #[test]
    fn a_throttled_read_is_halved_down_to_one_mailbox_and_others_are_not() {
        let (mut portion, mut backoff) = (Portion::default(), Backoff::default());
        let mut fail = |error: CallError| {
            let _ = portion.again::<()>(&error, &mut backoff, Timestamp::EPOCH);
            portion.most()
        };
        assert_eq!(fail(CallError::Unreachable { detail: String::new() }), MAILBOX_BATCH);
        let throttled = || CallError::Throttled { retry_after: None };
        let sizes: Vec<usize> = (0..8).map(|_| fail(throttled())).collect();
        assert_eq!(sizes, [50, 25, 12, 6, 3, 1, 1, 1]);
        // A budget that is whole again is used again.
        let mut read = || {
            let rows = portion.rows(Ok(vec![Ok(Some(1))]), &mut backoff, Timestamp::EPOCH);
            assert!(rows.is_ok_and(|rows| rows.is_ok()));
            portion.most()
        };
        let sizes: Vec<usize> = (0..64).map(|_| read()).collect();
        assert_eq!((sizes[6], sizes[7], sizes[15], sizes[63]), (1, 2, 4, MAILBOX_BATCH));
    }
}
