//! The order in which mailboxes changed, so that "what changed since" never scans.
//!
//! Each mailbox stands in the log once, at its latest change. Older places are skipped and cleared
//! away when they are the greater part. Positions only grow and are never used again, so that a
//! page token stays good while the log changes under it.

use crate::clock::VirtualTime;

/// The log.
#[derive(Clone, Debug, Default)]
pub(super) struct ChangeLog {
    places: Vec<Place>,
    next: u64,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    position: u64,
    second: VirtualTime,
    number: u32,
}

impl ChangeLog {
    /// Notes a change of mailbox `number` and returns its new position.
    pub(super) fn push(&mut self, number: u32, at: VirtualTime) -> u64 {
        let position = self.next;
        self.next += 1;
        self.places.push(Place { position, second: at.floor_to_second(), number });
        position
    }

    /// Drops overtaken places once there are more of them than of others.
    pub(super) fn tidy(&mut self, mailboxes: usize, is_current: impl Fn(u32, u64) -> bool) {
        if self.places.len() > 2 * mailboxes + 1_024 {
            self.places.retain(|place| is_current(place.number, place.position));
        }
    }

    /// The position of the first change in or after the second of `since`.
    #[must_use]
    pub(super) fn first_since(&self, since: VirtualTime) -> u64 {
        let second = since.floor_to_second();
        let place = self.places.partition_point(|place| place.second < second);
        self.places.get(place).map_or(self.next, |place| place.position)
    }

    /// Numbers and positions from a position on, oldest change first, overtaken ones included.
    pub(super) fn from(&self, position: u64) -> impl Iterator<Item = (u32, u64)> + '_ {
        let start = self.places.partition_point(|place| place.position < position);
        self.places[start..].iter().map(|place| (place.number, place.position))
    }
}
