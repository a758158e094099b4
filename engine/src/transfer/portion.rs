//! How much is asked of Exchange Online at once.
//!
//! A read of several mailboxes is several requests, and a budget that ends in the middle of them leaves
//! nothing of the answer. Whoever asked for as much again when the budget is whole would never get it: so
//! after each throttled read half as much is asked for, down to a single mailbox. Source: Microsoft Graph
//! throttling guidance ("reduce the number of operations per request").

use crate::failure::Side;
use crate::ports::{CallError, MAILBOX_BATCH};
use crate::time::Timestamp;
use crate::transfer::flip::{Stop, Turn, again};
use crate::writeback::retry::Backoff;

/// How many mailboxes are read with one call.
pub(crate) struct Portion {
    most: usize,
}

impl Default for Portion {
    fn default() -> Self {
        Self { most: MAILBOX_BATCH }
    }
}

impl Portion {
    /// So many.
    pub(crate) const fn most(&self) -> usize {
        self.most
    }

    /// What a failed read means: when to ask again, and after a throttled one for fewer.
    pub(crate) fn again<T>(
        &mut self,
        error: &CallError,
        backoff: &mut Backoff,
        now: Timestamp,
    ) -> Result<Turn<T>, Stop> {
        if matches!(error, CallError::Throttled { .. }) {
            self.most = (self.most / 2).max(1);
        }
        again(error, Side::Cloud, backoff, now).map(Turn::Wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
