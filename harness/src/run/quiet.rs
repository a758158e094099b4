//! The end of a run: all faults heal, and the estate must come to rest.
//!
//! Safety was judged while faults were active; now liveness is demanded within a bound: the next
//! cycle, or the next step of the retry ladder, plus one cycle.

use std::time::Duration;

use sim::clock::VirtualTime;
use sim::entra::job::StatusCode;

use super::runner::Runner;

/// The first steps of the retry ladder and some room (Microsoft Learn, "How application provisioning
/// works": 6 h, 12 h, 24 h).
pub(super) const LADDER: Duration = Duration::from_hours(25);

impl Runner<'_> {
    /// Heals the estate, lets it come to rest and judges it.
    pub(super) fn come_to_rest(&mut self) {
        self.repeated.clear();
        let healed = self.now();
        self.estate.with(|estate| estate.faults.end_all(healed));
        self.phase = "rest";
        self.cycles_from(healed);
        let ladder_ends = healed + LADDER;
        while self.broken.is_none() && self.now() < ladder_ends && self.differs(healed) {
            let from = self.now();
            self.cycles_from(from);
        }
        self.bench.expect_quiet(true);
        let from = self.now();
        self.cycles_from(from);
        self.bench.expect_quiet(false);
        self.phase = "comparison";
        let comparison =
            self.estate.with(|estate| self.bench.compare(estate, &self.history, healed, true));
        self.counters.compared(comparison.compared);
        self.notes.extend(comparison.notes);
    }

    fn differs(&mut self, healed: VirtualTime) -> bool {
        let (bench, history) = (&mut self.bench, &self.history);
        self.estate.with(|estate| bench.compare(estate, history, healed, false)).differing > 0
    }

    /// One whole Connect cycle and one whole writeback cycle that began after `from`, whichever of
    /// them there are, and a writeback cycle after the Connect cycle.
    fn cycles_from(&mut self, from: VirtualTime) {
        let (connect, interval) = self.estate.with(|estate| {
            let interval = estate.entra.job.as_ref().map(|job| job.interval);
            (estate.connect.interval, interval)
        });
        let horizon = from + (connect + interval.unwrap_or_default()) * 4;
        self.play(horizon, |runner| runner.connect_ended_since(from));
        let after = self.now();
        if self.job_runs() {
            self.play(after + interval.unwrap_or_default() * 4, |runner| {
                runner.engine.cycles().1.is_some_and(|began| began >= after)
            });
        }
    }

    fn connect_ended_since(&self, from: VirtualTime) -> bool {
        self.estate.with(|estate| estate.connect.history.iter().rev().any(|run| run.began >= from))
    }

    fn job_runs(&self) -> bool {
        self.estate.with(|estate| {
            estate.entra.job.as_ref().is_some_and(|job| {
                !matches!(job.status(), StatusCode::Paused | StatusCode::Quarantine)
            })
        })
    }
}
