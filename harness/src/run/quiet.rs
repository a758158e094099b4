//! The end of a run: all faults heal, and the estate must come to rest.
//!
//! Safety was judged while faults were active; now liveness is demanded within a bound: the next
//! cycle, or the next step of the retry ladder, plus one cycle.

use std::time::Duration;

use sim::clock::VirtualTime;
use sim::entra::job::StatusCode;
use sim::estate::Estate;

use super::runner::Runner;
use crate::judge::{Comparison, rest};

/// The first steps of the retry ladder and some room (Microsoft Learn, "How application provisioning
/// works": 6 h, 12 h, 24 h).
pub(super) const LADDER: Duration = Duration::from_hours(25);

/// What a cycle may take beyond its interval, the first of all too.
const ROOM: Duration = Duration::from_hours(1);

/// How often the services look whether an address that was kept aside is free (Microsoft Learn, "Identity
/// synchronization and duplicate attribute resiliency": every hour), and some room.
const SWEEP: Duration = Duration::from_mins(61);

impl Runner<'_> {
    /// Heals the estate, lets it come to rest and judges it.
    pub(super) fn come_to_rest(&mut self) {
        self.repeated.clear();
        let healed = self.now();
        self.estate.with(|estate| estate.faults.end_all(healed));
        self.phase = "rest";
        let ladder_ends = healed + LADDER;
        self.replicate();
        let _ = self.cycles_from(self.now());
        self.let_arrive(ladder_ends);
        let mut before_rest = self.compare(healed, false);
        if before_rest.differing > 0 {
            let _ = self.cycles_from(self.now());
            let estate = self.estate.clone();
            let court = self.court();
            estate.with(|estate| court.bench.note_overdue(estate, healed));
            before_rest = self.compare(healed, false);
        }
        while self.broken.is_none() && self.now() < ladder_ends && before_rest.differing > 0 {
            let from = self.now();
            let _ = self.cycles_from(from);
            if self.now() == from {
                // Neither cycle is to come soon: a quarantined job looks once a day.
                self.play(ladder_ends, |runner| {
                    runner.engine.cycles().1.is_some_and(|began| began > from)
                });
            }
            before_rest = self.compare(healed, false);
        }
        self.replicate();
        self.sweep(ladder_ends);
        let writes = self.court().counters.writes();
        self.court().bench.expect_quiet(true);
        let from = self.now();
        if let Some(problem) = self.cycles_from(from) {
            let now = self.now();
            match self.estate.with(|estate| rest::no_way(estate)) {
                Some(why) => {
                    self.notes.push(format!("{problem}: {why}, and no cycle can change that"));
                }
                None => self.court().bench.no_rest(now, problem),
            }
        }
        self.court().bench.expect_quiet(false);
        self.phase = "comparison";
        // Where nothing differed and nobody wrote since, a second look sees the same.
        let same = before_rest.is_clean() && self.court().counters.writes() == writes;
        let comparison = if same { before_rest } else { self.compare(healed, true) };
        let estate = self.estate.clone();
        let court = self.court();
        estate.with(|estate| {
            if comparison.differing == 0 {
                court.bench.charge_overdue(estate, &court.history);
            }
            court.bench.at_rest(estate, &court.history);
        });
        court.counters.compared(comparison.compared);
        let needless = court.bench.needless_suspensions();
        let needless = needless
            .iter()
            .map(|rule| format!("the rule {rule} is suspended, and nothing broke it"))
            .collect::<Vec<_>>();
        self.notes.extend(comparison.notes);
        self.notes.extend(needless);
    }

    /// Lets what is on its way arrive, messages, mailboxes and modifies, and everybody take it in: what
    /// arrives late may be new for both cycles.
    fn let_arrive(&mut self, until: VirtualTime) {
        let is_told = |estate: &Estate| {
            !(estate.has_messages_on_their_way()
                || estate.has_moves_under_way()
                || estate.has_modifies_held_back())
        };
        while self.broken.is_none() && self.now() < until && !self.estate.with(|e| is_told(e)) {
            self.play(until, |runner| runner.estate.with(|estate| is_told(estate)));
            self.replicate();
            let _ = self.cycles_from(self.now());
        }
    }

    /// Where an address is kept aside because somebody else had it, the services look once more by
    /// themselves whether it is free, and everybody takes in what comes of it.
    fn sweep(&mut self, until: VirtualTime) {
        if self.estate.with(|estate| estate.entra.provisioning_errors.is_empty()) {
            return;
        }
        let swept = self.now() + SWEEP;
        self.play(swept, |_| false);
        self.let_arrive(until.max(swept));
        self.replicate();
        let _ = self.cycles_from(self.now());
    }

    /// Lets every domain controller get what was written on the others: what only arrives is no change.
    fn replicate(&mut self) {
        let longest = self.now() + LADDER;
        self.play(longest, |runner| runner.estate.with(|estate| estate.is_replicated()));
    }

    /// Compares AD with the mapping of the cloud state; with `charge`, what differs is a finding.
    pub(super) fn compare(&mut self, healed: VirtualTime, charge: bool) -> Comparison {
        let estate = self.estate.clone();
        let court = self.court();
        estate.with(|estate| court.bench.compare(estate, &court.history, healed, charge))
    }

    /// One whole Connect cycle that began after `from`, where the scheduler runs, and one whole writeback
    /// cycle after it, where the job runs. Answers what kept a cycle from coming to its end.
    fn cycles_from(&mut self, from: VirtualTime) -> Option<String> {
        let (connect, interval) = self.estate.with(|estate| {
            let connect = estate.connect.scheduled.then(|| {
                let runs = estate.connect.history.iter();
                let longest = runs.map(|run| run.ended.since(run.began)).max();
                estate.connect.interval + longest.unwrap_or_default()
            });
            (connect, estate.entra.job.as_ref().map(|job| job.interval))
        });
        let interval = interval.unwrap_or_default();
        if let Some(connect) = connect {
            let horizon = from + (connect + interval) * 4 + ROOM;
            if !self.play(horizon, |runner| runner.connect_ended_since(from)) {
                return Some("no Connect cycle ended within four intervals".to_owned());
            }
        }
        let after = self.now();
        if !self.job_runs() {
            return None;
        }
        let ended = self.play(after + interval * 4 + ROOM, |runner| {
            runner.engine.cycles().1.is_some_and(|began| began > after)
        });
        if !ended {
            return Some("no writeback cycle ended within four intervals".to_owned());
        }
        let failure = self.engine.last_cycle()?.failure.clone()?;
        Some(format!("the writeback cycle failed: {} {}", failure.code, failure.detail))
    }

    /// A cycle that began at this very instant may have looked before the last change of it.
    fn connect_ended_since(&self, from: VirtualTime) -> bool {
        self.estate.with(|estate| estate.connect.history.iter().rev().any(|run| run.began > from))
    }

    /// Whether cycles of the job are to come: it is neither quarantined nor paused, by whoever may.
    fn job_runs(&self) -> bool {
        self.estate.with(|estate| {
            estate
                .entra
                .job
                .as_ref()
                .is_some_and(|job| job.status() != StatusCode::Quarantine && !rest::is_paused(job))
        })
    }
}
