//! Virtual time and the calendar of due events.

use core::fmt;
use core::ops::{Add, Sub};
use core::time::Duration;
use std::collections::BTreeMap;

/// An instant of virtual time, in microseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtualTime(i64);

impl VirtualTime {
    /// From microseconds since the Unix epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The start of the second this instant lies in.
    #[must_use]
    pub const fn floor_to_second(self) -> Self {
        Self(self.0.div_euclid(1_000_000) * 1_000_000)
    }

    /// The time since `earlier`; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// As a `jiff` timestamp, for calendars and formats.
    #[must_use]
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::MAX)
    }

    /// From a `jiff` timestamp; finer parts than a microsecond are dropped.
    #[must_use]
    pub fn from_jiff(instant: jiff::Timestamp) -> Self {
        Self(instant.as_microsecond())
    }
}

impl Add<Duration> for VirtualTime {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(rhs.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for VirtualTime {
    type Output = Self;

    fn sub(self, rhs: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(rhs.as_micros()).unwrap_or(i64::MAX)))
    }
}

/// RFC 3339 in UTC.
impl fmt::Display for VirtualTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_jiff().fmt(f)
    }
}

/// What is due when. Events of one instant come in the order in which they were entered.
#[derive(Clone, Debug)]
pub struct Calendar<E> {
    due: BTreeMap<(VirtualTime, u64), E>,
    entered: u64,
}

impl<E> Default for Calendar<E> {
    fn default() -> Self {
        Self { due: BTreeMap::new(), entered: 0 }
    }
}

impl<E> Calendar<E> {
    /// Enters an event.
    pub fn enter(&mut self, at: VirtualTime, event: E) {
        self.due.insert((at, self.entered), event);
        self.entered += 1;
    }

    /// When the next event is due.
    #[must_use]
    pub fn next_due(&self) -> Option<VirtualTime> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the next event that is due at or before `now`.
    pub fn take_due(&mut self, now: VirtualTime) -> Option<(VirtualTime, E)> {
        if self.next_due()? > now {
            return None;
        }
        self.due.pop_first().map(|((at, _), event)| (at, event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_one_instant_keep_their_order() {
        let mut calendar = Calendar::default();
        let at = VirtualTime::from_micros(5);
        calendar.enter(at, "first");
        calendar.enter(VirtualTime::from_micros(9), "later");
        calendar.enter(at, "second");
        assert_eq!(calendar.take_due(at), Some((at, "first")));
        assert_eq!(calendar.take_due(at), Some((at, "second")));
        assert_eq!(calendar.take_due(at), None);
    }
}
