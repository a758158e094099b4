//! When something that failed is tried again: within a step's call, and over days for an object.
//!
//! Sources: Microsoft Learn, "Quarantine state of provisioning" and "How provisioning works" (retry
//! 6, 12 and 24 hours after the first failure, then daily, for 28 days); HTTP 429 with `Retry-After`
//! ("Microsoft Graph throttling guidance").

use std::time::Duration;

use crate::failure::Class;
use crate::job::EscrowLadder;
use crate::marks::Mark;
use crate::time::Timestamp;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// After this long the retries of an object end.
pub const GIVE_UP_AFTER: Duration = Duration::from_hours(28 * 24);
/// How often a call is repeated when the service fails, before the cycle fails.
pub const CALL_ATTEMPTS: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_mins(5);
/// The longest wait that a service's own wish is followed for: what asks for more is asked again then.
const LONGEST_WISH: Duration = Duration::from_hours(24);

/// When a failed object is due again; `None` when its retries have ended.
///
/// What will probably pass by itself (busy, a lost connection, an object in another state than it
/// was read in) is due in the next cycle once, and then by the ladder like everything else: the
/// ladder is documented for the platform, and nothing is published about this job (open question U19).
/// What was only interrupted did not fail, and is due in the next cycle however often that happens.
#[must_use]
pub fn next_attempt(
    failures: u32,
    first_failure: Timestamp,
    class: Class,
    now: Timestamp,
    ladder: EscrowLadder,
) -> Option<Timestamp> {
    if class == Class::Interrupted {
        Mark::EscrowNextCycle.reach();
        return Some(now);
    }
    if ladder == EscrowLadder::EveryCycle {
        return (now.since(first_failure) < GIVE_UP_AFTER).then_some(now);
    }
    let passes = matches!(class, Class::Transient | Class::Throttled(_) | Class::Conflict);
    if failures <= 1 && passes {
        Mark::EscrowNextCycle.reach();
        return Some(now);
    }
    let elapsed = now.since(first_failure);
    let rung = if elapsed < 6 * HOUR {
        6 * HOUR
    } else if elapsed < 12 * HOUR {
        12 * HOUR
    } else {
        let days = u32::try_from(elapsed.as_secs() / DAY.as_secs()).unwrap_or(u32::MAX);
        DAY.saturating_mul(days.saturating_add(1))
    };
    let goes_on = rung <= GIVE_UP_AFTER;
    if goes_on { Mark::EscrowLadder } else { Mark::EscrowEnds }.reach();
    goes_on.then_some(first_failure + rung)
}

/// The waits between attempts of one call.
#[derive(Debug, Clone, Copy, Default)]
pub struct Backoff {
    failures: u32,
    jitter: u64,
}

impl Backoff {
    /// Waits that are up to a quarter longer, by chance that is drawn from `jitter`: engines that were
    /// throttled together do not come back together. 0 is no jitter.
    #[must_use]
    pub const fn jittered(jitter: u64) -> Self {
        Self { failures: 0, jitter }
    }

    fn share_of(&self, wait: Duration) -> Duration {
        if self.jitter == 0 {
            return Duration::ZERO;
        }
        let drawn = super::digest::chain(self.jitter, u64::from(self.failures)) % 256;
        wait * u32::try_from(drawn).unwrap_or(0) / 1_024
    }

    /// The call succeeded.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// When to make the call again; `None` when there is no point or no patience left.
    ///
    /// The service's own wish is honoured as it is. Without one the wait doubles each time.
    #[must_use]
    pub fn next(&mut self, class: Class, now: Timestamp) -> Option<Timestamp> {
        let doubled = FIRST_WAIT.saturating_mul(1 << self.failures.min(10)).min(LONGEST_WAIT);
        let doubled = doubled + self.share_of(doubled);
        match class {
            Class::Throttled(wish) => {
                if wish.is_some() { Mark::CallThrottledWish } else { Mark::CallThrottled }.reach();
                self.failures = self.failures.saturating_add(1);
                let wish = wish.map(|wish| wish.min(LONGEST_WISH));
                let wish = wish.map(|wish| wish + self.share_of(wish));
                Some(now + wish.unwrap_or(doubled).max(Duration::from_secs(1)))
            }
            Class::Transient if self.failures + 1 < CALL_ATTEMPTS => {
                Mark::CallAgain.reach();
                self.failures += 1;
                Some(now + doubled)
            }
            _ => {
                Mark::CallGivenUp.reach();
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GENERAL: EscrowLadder = EscrowLadder::General;

    #[test]
    fn the_other_ladder_is_due_in_every_cycle_for_28_days() {
        let first = Timestamp::from_micros(1_000_000);
        let at = |now| next_attempt(3, first, Class::Rejected, now, EscrowLadder::EveryCycle);
        assert_eq!(at(first), Some(first));
        let late = first + GIVE_UP_AFTER;
        assert_eq!((at(first + 27 * DAY), at(late)), (Some(first + 27 * DAY), None));
    }

    #[test]
    fn the_ladder_is_six_twelve_and_twenty_four_hours_then_daily_for_28_days() {
        let first = Timestamp::from_micros(1_000_000);
        let mut now = first;
        let mut hours = Vec::new();
        let mut failures = 1;
        while let Some(next) = next_attempt(failures, first, Class::Rejected, now, GENERAL) {
            hours.push(next.since(first).as_secs() / 3_600);
            failures += 1;
            now = next;
        }
        assert_eq!(hours[..4], [6, 12, 24, 48]);
        assert_eq!(hours.last(), Some(&(28 * 24)));
        assert_eq!(hours.len(), 2 + 28);
    }

    #[test]
    fn what_passes_by_itself_is_due_in_the_next_cycle_once() {
        let first = Timestamp::from_micros(0);
        assert_eq!(next_attempt(1, first, Class::Transient, first, GENERAL), Some(first));
        assert_eq!(next_attempt(1, first, Class::Rejected, first, GENERAL), Some(first + 6 * HOUR));
        let late = first + 2 * GIVE_UP_AFTER;
        assert_eq!(next_attempt(9, first, Class::Interrupted, late, GENERAL), Some(late));
        let later = first + Duration::from_mins(20);
        assert_eq!(
            next_attempt(2, first, Class::Transient, later, GENERAL),
            Some(first + 6 * HOUR)
        );
    }

    #[test]
    fn calls_wait_as_wished_and_give_up_on_a_service_that_stays_down() {
        let now = Timestamp::EPOCH;
        let mut backoff = Backoff::default();
        let wish = Duration::from_secs(30);
        assert_eq!(backoff.next(Class::Throttled(Some(wish)), now), Some(now + wish));
        backoff.reset();
        let waits: Vec<u64> = core::iter::from_fn(|| backoff.next(Class::Transient, now))
            .map(|at| at.since(now).as_secs())
            .collect();
        assert_eq!(waits, [5, 10, 20, 40]);
        assert_eq!(backoff.next(Class::Rejected, now), None);
    }

    proptest! {
        /// Whatever fails and however late it is tried: there is always a next time, later than the
        /// last, until 28 days are over; then there is none.
        #[test]
        fn the_ladder_only_goes_up_and_ends(
            failures in prop::collection::vec((0..4_usize, 0..40_u64), 1..80),
        ) {
            const CLASSES: [Class; 4] =
                [Class::Transient, Class::Rejected, Class::Conflict, Class::Malformed];
            let first = Timestamp::from_micros(1_000_000);
            let mut now = first;
            for (number, (class, late_hours)) in (1_u32..).zip(failures) {
                let passes = matches!(CLASSES[class], Class::Transient | Class::Conflict);
                let Some(next) = next_attempt(number, first, CLASSES[class], now, GENERAL) else {
                    prop_assert!(now.since(first) >= GIVE_UP_AFTER);
                    return Ok(());
                };
                prop_assert!(next > now || (number == 1 && passes && next == now));
                prop_assert!(next.since(first) <= GIVE_UP_AFTER);
                let hours = next.since(first).as_secs() / 3_600;
                prop_assert!([0, 6, 12].contains(&hours) || hours.is_multiple_of(24), "{hours} h");
                now = next + Duration::from_mins(15 * late_hours);
            }
        }

        /// A throttled call waits at least as long as the service wishes, and no call waits for ever.
        #[test]
        fn calls_wait_and_end(
            answers in prop::collection::vec(prop::option::of(prop::option::of(0..600_u64)), 1..30),
        ) {
            let now = Timestamp::EPOCH;
            let mut backoff = Backoff::default();
            for answer in answers {
                let class = answer.map_or(Class::Transient, |wish| {
                    Class::Throttled(wish.map(Duration::from_secs))
                });
                match (backoff.next(class, now), answer) {
                    (Some(at), Some(Some(wish))) => {
                        prop_assert_eq!(at.since(now), Duration::from_secs(wish.max(1)));
                    }
                    (Some(at), _) => {
                        prop_assert!((FIRST_WAIT..=LONGEST_WAIT).contains(&at.since(now)));
                    }
                    (None, answer) => {
                        prop_assert!(answer.is_none(), "a throttled call is made again");
                        return Ok(());
                    }
                }
            }
        }

        /// Whatever a service asks for, nothing overflows and nothing waits for ever.
        #[test]
        fn an_absurd_wish_is_capped(jitter: u64, wish: u64) {
            let now = Timestamp::EPOCH;
            let wait = Duration::from_secs(wish);
            let at = Backoff::jittered(jitter).next(Class::Throttled(Some(wait)), now).unwrap();
            prop_assert!(at.since(now) <= LONGEST_WISH + LONGEST_WISH / 4);
            prop_assert!(at.since(now) >= wait.min(LONGEST_WISH));
        }

        #[test]
        fn jitter_lengthens_a_wait_by_a_quarter_at_most(jitter: u64, wish in 1..600_u64) {
            let now = Timestamp::EPOCH;
            let wait = Duration::from_secs(wish);
            let mut backoff = Backoff::jittered(jitter);
            let at = backoff.next(Class::Throttled(Some(wait)), now).unwrap();
            prop_assert!(at.since(now) >= wait && at.since(now) <= wait + wait / 4);
            let mut same = Backoff::jittered(jitter);
            prop_assert_eq!(same.next(Class::Throttled(Some(wait)), now), Some(at));
        }
    }
}
