//! What a domain controller does by itself, and when: AdminSDHolder every 60 minutes
//! ([MS-ADTS] 3.1.1.6.1), the collection of garbage every 12 hours ([MS-ADTS] 3.1.1.1.15, 3.1.1.5.5).
//!
//! A run that would find nothing to do is not made: nothing is due before somebody has changed a
//! membership or a descriptor, or has deleted something.

use core::time::Duration;

use crate::clock::VirtualTime;
use crate::directory::entry::{DcNumber, Life};
use crate::directory::forest::Forest;
use crate::directory::modify::Working;
use crate::directory::schema::known;
use crate::directory::schema::syntax::integer;
use crate::directory::security::protect;
use crate::directory::well_known::DELETED_OBJECTS;
use crate::record::AttributeNumber;

/// How often garbage is collected (garbageCollPeriod).
const GARBAGE_PERIOD: Duration = Duration::from_secs(12 * 60 * 60);

/// tombstoneLifetime where it is not set, and the least that either lifetime can be, in days.
const UNSET_LIFETIME: u64 = 60;
const LEAST_LIFETIME: u64 = 2;

const DAY: u64 = 86_400;

/// When what is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chores {
    protect: Option<VirtualTime>,
    collect: Option<VirtualTime>,
}

impl Chores {
    /// When the next of them is due.
    #[must_use]
    pub fn next(&self) -> Option<VirtualTime> {
        match (self.protect, self.collect) {
            (Some(protect), Some(collect)) => Some(protect.min(collect)),
            (one, other) => one.or(other),
        }
    }
}

impl Forest {
    /// When the domain controllers next do something by themselves.
    #[must_use]
    pub fn next_chore(&self) -> Option<VirtualTime> {
        self.chores.next()
    }

    /// Does what is due.
    pub fn do_chores(&mut self, now: VirtualTime) {
        let dcs: Vec<DcNumber> = self.dcs.iter().map(|dc| dc.number).collect();
        if self.chores.protect.is_some_and(|at| at <= now) {
            // The PDC emulator of each domain does it: the first one here.
            let domains = self.domains.iter().map(|domain| domain.number);
            let first = |number| self.dcs.iter().find(|dc| dc.domain == number).map(|dc| dc.number);
            let emulators: Vec<DcNumber> = domains.filter_map(first).collect();
            for dc in emulators {
                self.protect_administrators(dc, now);
            }
            // Its own writes are no reason for another run.
            self.chores.protect = None;
        }
        if self.chores.collect.is_some_and(|at| at <= now) {
            for dc in &dcs {
                self.collect_garbage(*dc, now);
            }
            self.chores.collect = None;
            for dc in dcs {
                self.plan_collection(dc);
            }
        }
    }

    /// Notes a write that may concern who is protected, and how.
    pub(super) fn note_protection(&mut self, now: VirtualTime, working: &[Working]) {
        let concerns = |attribute: AttributeNumber| {
            matches!(
                attribute,
                known::MEMBER | known::PRIMARY_GROUP_ID | known::NT_SECURITY_DESCRIPTOR
            )
        };
        if self.chores.protect.is_none() && working.iter().any(|at| concerns(at.attribute)) {
            self.chores.protect = Some(next_turn(now, protect::PERIOD));
        }
    }

    /// Notes that something was deleted or recycled, and so will be gone one day.
    pub(super) fn note_deleted(&mut self, dc: DcNumber, now: VirtualTime) {
        let (deleted, tombstone) = self.lifetimes(dc);
        let at = next_turn(now + deleted.min(tombstone), GARBAGE_PERIOD);
        self.chores.collect = Some(self.chores.collect.map_or(at, |known| known.min(at)));
    }

    /// Plans the next collection by what is deleted already.
    fn plan_collection(&mut self, dc: DcNumber) {
        let Some(controller) = self.dc(dc) else { return };
        let graves: Vec<_> = self
            .contexts
            .iter()
            .filter_map(|context| controller.store.child(context.head, DELETED_OBJECTS))
            .collect();
        let oldest = graves
            .iter()
            .flat_map(|grave| controller.store.children_after(*grave, None))
            .filter_map(|object| controller.store.get(object))
            .filter(|slot| slot.entry.life != Life::Live)
            .map(|slot| slot.stamp.when_changed)
            .min();
        if let Some(oldest) = oldest {
            self.note_deleted(dc, oldest);
        }
    }

    /// How long deleted-objects stay before they are recycled, and tombstones and recycled-objects
    /// before they are gone ([MS-ADTS] 3.1.1.1.15, 3.1.1.5.5.1.1).
    pub(super) fn lifetimes(&self, dc: DcNumber) -> (Duration, Duration) {
        let slot = self.directory_service.and_then(|object| self.slot(dc, object));
        let days = |attribute| {
            let value = slot.and_then(|slot| slot.entry.record.first(attribute)).and_then(integer);
            value.and_then(|days| u64::try_from(days).ok()).map(|days| days.max(LEAST_LIFETIME))
        };
        let tombstone = days(known::TOMBSTONE_LIFETIME).unwrap_or(UNSET_LIFETIME);
        let deleted = days(known::MS_DS_DELETED_OBJECT_LIFETIME).unwrap_or(tombstone);
        (Duration::from_secs(deleted * DAY), Duration::from_secs(tombstone * DAY))
    }
}

/// The next full turn of a period: they all begin with the calendar's day.
fn next_turn(now: VirtualTime, period: Duration) -> VirtualTime {
    let period = i64::try_from(period.as_micros()).unwrap_or(i64::MAX);
    let turns = now.as_micros().div_euclid(period).saturating_add(1);
    VirtualTime::from_micros(turns.saturating_mul(period))
}
