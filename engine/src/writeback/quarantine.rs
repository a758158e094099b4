//! Quarantine: when too much fails, the job slows down to once a day, and ends after four weeks.
//!
//! Source: Microsoft Learn, "Application provisioning in quarantine status".

use std::time::Duration;

use crate::journal::rows::{QuarantineReason, QuarantineRow};
use crate::time::Timestamp;

/// Fewer failures than this are never weighed.
pub const FLOOR: u64 = 5_000;
/// More failures than this quarantine a job of any size.
pub const BASE_THRESHOLD: u64 = 40_000;
/// More than this share of the objects, in percent.
pub const PROPORTION_PERCENT: u64 = 40;
/// How often a quarantined job runs.
pub const CADENCE: Duration = Duration::from_hours(24);
/// After this long in quarantine the job is disabled.
pub const DISABLED_AFTER: Duration = Duration::from_hours(28 * 24);

/// Whether so many failed objects of so many in all are too much.
#[must_use]
pub fn by_failures(failed: u64, objects: u64) -> Option<QuarantineReason> {
    if failed < FLOOR {
        None
    } else if failed > BASE_THRESHOLD {
        Some(QuarantineReason::EncounteredBaseEscrowThreshold)
    } else if failed * 100 > objects * PROPORTION_PERCENT {
        Some(QuarantineReason::EncounteredEscrowProportionThreshold)
    } else {
        None
    }
}

/// The quarantine after a cycle: kept, begun or lifted.
#[must_use]
pub fn after_cycle(
    before: Option<QuarantineRow>,
    reason: Option<QuarantineReason>,
    now: Timestamp,
) -> Option<QuarantineRow> {
    reason.map(|reason| QuarantineRow {
        reason,
        began: before.map_or(now.as_micros(), |earlier| earlier.began),
        imposed: Some(now.as_micros()),
        times: before.map_or(0, |earlier| earlier.times) + 1,
    })
}

/// Whether the job has been quarantined for so long that it is disabled.
#[must_use]
pub fn is_over(quarantine: Option<QuarantineRow>, now: Timestamp) -> bool {
    quarantine.is_some_and(|row| now.since(Timestamp::from_micros(row.began)) >= DISABLED_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn thresholds_are_the_documented_ones() {
        use QuarantineReason::{
            EncounteredBaseEscrowThreshold, EncounteredEscrowProportionThreshold,
        };
        assert_eq!(by_failures(1_000, 1_000), None);
        assert_eq!(by_failures(4_900, 10_000), None);
        assert_eq!(by_failures(5_100, 12_000), Some(EncounteredEscrowProportionThreshold));
        assert_eq!(by_failures(5_000, 12_500), None);
        assert_eq!(by_failures(40_000, 600_000), None);
        assert_eq!(by_failures(40_001, 600_000), Some(EncounteredBaseEscrowThreshold));
    }

    #[test]
    fn a_quarantine_keeps_its_beginning_until_it_is_lifted() {
        let reason = Some(QuarantineReason::EncounteredQuarantineException);
        let began = after_cycle(None, reason, Timestamp::EPOCH);
        let later = Timestamp::EPOCH + CADENCE;
        let again = after_cycle(began, reason, later).unwrap();
        assert_eq!((again.began, again.times), (Timestamp::EPOCH.as_micros(), 2));
        assert_eq!(again.imposed, Some(later.as_micros()));
        assert_eq!(after_cycle(began, None, later), None);
        assert!(!is_over(began, Timestamp::EPOCH + DISABLED_AFTER - CADENCE));
        assert!(is_over(began, Timestamp::EPOCH + DISABLED_AFTER));
    }

    proptest! {
        /// The documented thresholds in plain words; one failure more never lifts a quarantine.
        #[test]
        fn thresholds_hold_at_every_size(failed in 0..70_000_u64, rest in 0..700_000_u64) {
            let objects = failed + rest;
            let share = failed as f64 / objects.max(1) as f64;
            let too_much = failed >= 5_000 && (failed > 40_000 || share > 0.4);
            prop_assert_eq!(by_failures(failed, objects).is_some(), too_much);
            if too_much {
                prop_assert!(by_failures(failed + 1, objects).is_some());
            }
        }
    }
}
