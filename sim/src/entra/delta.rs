//! The order in which users changed, so that a delta query never scans.
//!
//! Users that were there from the start and never changed are not in it. Each other stands once at its
//! latest change; overtaken places are skipped, and cleared away when they are the greater part.
//! Positions only grow.

/// The log.
#[derive(Debug, Clone)]
pub struct DeltaLog {
    places: Vec<(u64, u32)>,
    next: u64,
}

impl Default for DeltaLog {
    fn default() -> Self {
        Self { places: Vec::new(), next: 1 }
    }
}

impl DeltaLog {
    /// Notes a change and returns its position, at least 1.
    pub(super) fn push(&mut self, number: u32) -> u64 {
        let position = self.next;
        self.next += 1;
        self.places.push((position, number));
        position
    }

    /// The position of the next change.
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// Numbers and positions from a position on, overtaken ones included.
    pub fn from(&self, position: u64) -> impl Iterator<Item = (u32, u64)> + '_ {
        let start = self.places.partition_point(|(at, _)| *at < position);
        self.places[start..].iter().map(|(at, number)| (*number, *at))
    }

    /// Drops overtaken places once there are more of them than of others.
    pub(super) fn tidy(&mut self, users: usize, is_current: impl Fn(u32, u64) -> bool) {
        if self.places.len() > 2 * users + 1_024 {
            self.places.retain(|(position, number)| is_current(*number, *position));
        }
    }
}
