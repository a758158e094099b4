//! The end of a cycle: watermark, quarantine, report.

use std::time::Duration;

use super::{Running, Stage, WritebackJob};
use crate::job::{CycleFailure, CycleReport, LogEntry, LogStatus};
use crate::journal::rows::{QuarantineReason, mailbox_write, version_write};
use crate::marks::Mark;
use crate::planted_bugs::planted;
use crate::ports::{StoreWrite, Table};
use crate::time::Timestamp;
use crate::writeback::cycle::{Cycle, CycleEnd};
use crate::writeback::desk::{Stepped, Tally, Turn};
use crate::writeback::quarantine;

impl WritebackJob {
    pub(super) fn close(
        &mut self,
        running: Option<Running>,
        end: Result<CycleEnd, (CycleFailure, bool)>,
        now: Timestamp,
    ) -> Stepped<()> {
        let Some(Running { cycle, began, next_due }) = running else { return Ok(Turn::Busy) };
        self.desk.slot = None;
        self.desk.row.next_due = Some(next_due.as_micros());
        let mut tally = cycle.tally();
        let mut refused = false;
        let failure = match end {
            Ok(end) => {
                tally = end.tally;
                let leaves_it =
                    planted!(self.desk.bugs, LazyWriter) && !cycle.number().is_multiple_of(12);
                if !leaves_it {
                    self.desk.row.watermark = Some(end.watermark.as_micros());
                }
                if planted!(self.desk.bugs, WatermarkAhead) {
                    let ahead = end.watermark + Duration::from_mins(9);
                    self.desk.row.watermark = Some(ahead.as_micros());
                }
                self.desk.seen = end.edge;
                self.desk.told_before = None;
                None
            }
            Err((failure, by_credentials)) => {
                Mark::CycleFailed.reach();
                refused = by_credentials;
                Some(failure)
            }
        };
        self.desk.row.cycle = cycle.number();
        let mut writes = if failure.is_none() || refused {
            self.weigh(&cycle, tally, refused, now)
        } else {
            self.disable_if_over(now);
            Vec::new()
        };
        writes.push(version_write());
        writes.push(self.desk.row.write()?);
        let report = report_of(&cycle, began, now, tally, failure);
        self.stage = if report.failure.is_some() {
            Stage::CloseLog(report, writes)
        } else {
            Stage::CloseCommit(report, writes)
        };
        Ok(Turn::Busy)
    }

    /// Quarantine, and what it does to the job.
    fn weigh(
        &mut self,
        cycle: &Cycle,
        tally: Tally,
        refused: bool,
        now: Timestamp,
    ) -> Vec<StoreWrite> {
        let desk = &mut self.desk;
        let failed = desk.escrow.values().filter(|row| row.has_failed()).count() as u64;
        let unlinked = desk.escrow.values().filter(|row| !row.linked).count() as u64;
        let objects = (desk.row.linked + unlinked).max(tally.in_scope);
        let reason = if refused {
            Some(QuarantineReason::EncounteredQuarantineException)
        } else if failed > 0 && planted!(desk.bugs, QuarantineAtOnce) {
            Some(QuarantineReason::EncounteredEscrowProportionThreshold)
        } else {
            quarantine::by_failures(failed, objects)
        };
        let was = desk.row.quarantine;
        desk.row.quarantine = quarantine::after_cycle(was, reason, now);
        if was.is_none() != desk.row.quarantine.is_none() {
            if was.is_none() { Mark::QuarantineBegins } else { Mark::QuarantineLifted }.reach();
            let wait =
                if was.is_none() { quarantine::CADENCE } else { desk.configuration.interval };
            desk.row.next_due = Some((now + wait).as_micros());
        }
        self.disable_if_over(now);
        // An initial cycle that fails on too many gives its failures up and pauses the job.
        let given_up = cycle.is_initial() && reason.is_some() && !refused;
        if cycle.is_initial() {
            self.desk.row.escrows_pruned = given_up;
        }
        if given_up {
            Mark::QuarantineInitial.reach();
            self.desk.row.paused = true;
            // What a broken connection interrupted did not fail, and is still to be done.
            let mut writes = Vec::new();
            self.desk.escrow.retain(|id, row| {
                if row.has_failed() {
                    writes.push(mailbox_write(Table::Escrow, *id, None));
                }
                !row.has_failed()
            });
            return writes;
        }
        Vec::new()
    }

    fn disable_if_over(&mut self, now: Timestamp) {
        if quarantine::is_over(self.desk.row.quarantine, now) {
            Mark::QuarantineDisables.reach();
            self.desk.row.disabled = true;
        }
    }
}

fn report_of(
    cycle: &Cycle,
    began: Timestamp,
    ended: Timestamp,
    tally: Tally,
    failure: Option<CycleFailure>,
) -> CycleReport {
    CycleReport {
        cycle: cycle.number(),
        initial: cycle.is_initial(),
        began,
        ended,
        read: tally.read,
        in_scope: tally.in_scope,
        written: tally.written,
        skipped: tally.skipped,
        failed: tally.failed,
        retried: tally.retried,
        failure,
    }
}

pub(super) fn cycle_entry(report: &CycleReport, failure: &CycleFailure) -> LogEntry {
    LogEntry {
        at: report.ended,
        cycle: report.cycle,
        mailbox: None,
        target: None,
        status: LogStatus::Failure,
        code: failure.code,
        detail: failure.detail.clone(),
        modified: Vec::new(),
        unread: true,
        took: report.ended.since(report.began),
        version: 0,
    }
}
