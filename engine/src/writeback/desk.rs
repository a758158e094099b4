//! What all parts of a job share between steps: configuration, run state, escrow, and the one
//! place where a failed call becomes a wait, a failed cycle or the end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::batch::Owners;
use super::job::JobEnd;
use super::map::Scope;
use super::plan::MappingPlan;
use super::retry::Backoff;
use crate::failure::{Class, Failure, Side};
use crate::job::{CycleFailure, JobCommand, JobConfiguration, LogEntry};
use crate::journal::rows::{EscrowRow, JobRow};
use crate::planted_bugs::{PlantedBugs, planted};
use crate::ports::{CallError, Mailbox, MailboxId, Numbered, Ports, Row, StoreError};
use crate::time::Timestamp;

/// How far a part of the job got in one step.
pub(super) enum Turn<T> {
    /// There is more to do now.
    Busy,
    /// There is nothing to do before this instant.
    Wait(Timestamp),
    /// It is done.
    Done(T),
}

/// Why a part of the job cannot go on.
#[derive(Debug)]
pub(super) enum Interrupt {
    /// The cycle fails. `refused`: because credentials were refused.
    Cycle { failure: CycleFailure, refused: bool },
    /// A command asks the cycle to end.
    Stopped,
    /// The whole job ends.
    End(JobEnd),
}

/// One step of a part.
pub(super) type Stepped<T> = Result<Turn<T>, Interrupt>;

/// The answer of a call, or when to make it again.
pub(super) enum Answer<T> {
    Value(T),
    Later(Timestamp),
}

/// Takes the value of an answer, or returns the wait from the enclosing step.
macro_rules! answered {
    ($answer:expr) => {
        match $answer {
            $crate::writeback::desk::Answer::Value(value) => value,
            $crate::writeback::desk::Answer::Later(at) => {
                return Ok($crate::writeback::desk::Turn::Wait(at));
            }
        }
    };
}
pub(super) use answered;

/// The numbers of a cycle, as they grow.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) read: u64,
    pub(super) in_scope: u64,
    pub(super) written: u64,
    pub(super) skipped: u64,
    pub(super) failed: u64,
    pub(super) retried: u64,
}

impl Tally {
    pub(super) const fn add(&mut self, other: Self) {
        self.read += other.read;
        self.in_scope += other.in_scope;
        self.written += other.written;
        self.skipped += other.skipped;
        self.failed += other.failed;
        self.retried += other.retried;
    }
}

/// A map that is never iterated.
pub(super) type Lookup<K, V> = HashMap<K, V, FxBuildHasher>;

/// What all parts share.
pub(super) struct Desk {
    pub(super) configuration: JobConfiguration,
    pub(super) domain: String,
    pub(super) plan: MappingPlan,
    pub(super) bugs: PlantedBugs,
    #[cfg(feature = "planted-bugs")]
    pub(super) removed: std::cell::RefCell<super::planted::Removed>,
    /// As committed, or about to be.
    pub(super) row: JobRow,
    /// A mirror of the table `Escrow`.
    pub(super) escrow: BTreeMap<MailboxId, EscrowRow>,
    /// Which mailbox has which object, once somebody asked.
    pub(super) owners: Owners,
    /// Versions that the next listing shows again: their skips are logged already. Two versions of one second may
    /// differ in whether they are in scope.
    pub(super) seen: Lookup<MailboxId, (Timestamp, Scope)>,
    /// What lies before this instant was told by an earlier life, of which nothing else is remembered.
    pub(super) told_before: Option<i64>,
    /// Digests that failed in this cycle: a listing that starts over does not try them again.
    pub(super) attempted: Lookup<MailboxId, u64>,
    /// Commands that came and were not yet obeyed.
    pub(super) inbox: VecDeque<Numbered>,
    /// The highest number among the commands that came in this life.
    pub(super) taken: u64,
    /// The numbers of those that have not had their effect.
    pub(super) open: BTreeSet<u64>,
    /// When the running cycle was due: what fails in it failed then, as far as its ladder is concerned. Counted from the
    /// instant of the failure, each rung would lie a moment behind the cycle that it is meant for.
    pub(super) slot: Option<Timestamp>,
    /// A command asks the running cycle to end before its next write.
    pub(super) stop: bool,
    pub(super) backoff: Backoff,
}

impl Desk {
    /// Whether this version of a mailbox was looked at before: it lies within the overlap of the
    /// watermark, or it comes only because every cycle looks at everything (switch `drift_heal`).
    pub(super) fn knows(&self, mailbox: &Mailbox) -> bool {
        let before = |at: Option<i64>| {
            at.is_some_and(|at| mailbox.when_changed < Timestamp::from_micros(at))
        };
        let seen = self.seen.get(&mailbox.id);
        seen.is_some_and(|seen| *seen == (mailbox.when_changed, self.plan.scope(mailbox)))
            || before(self.told_before)
            || (self.configuration.switches.drift_heal && before(self.row.watermark))
    }

    /// Whether this very version failed and waits for its ladder.
    pub(super) fn waits(&self, mailbox: &Mailbox, digest: u64, now: Timestamp) -> bool {
        let version = (digest, mailbox.when_changed.as_micros());
        self.escrow.get(&mailbox.id).is_some_and(|row| row.next > now && row.version == version)
    }

    /// Whether as many mailboxes as the service supports are linked already, with so many more that are
    /// about to be: another one is beyond the limit (switch `limit_action`).
    pub(super) fn is_full(&self, more: u64) -> bool {
        let limit = self.configuration.switches.mailbox_limit;
        let linked = self.row.linked + more;
        // Who failed before it was linked has its place too.
        let waiting = || self.escrow.values().filter(|row| !row.linked).count() as u64;
        linked + self.escrow.len() as u64 >= limit && linked + waiting() >= limit
    }

    /// The value of a call, the time of its repetition, or the failure of the cycle.
    pub(super) fn settle<T>(
        &mut self,
        result: Result<T, CallError>,
        side: Side,
        now: Timestamp,
    ) -> Result<Answer<T>, Interrupt> {
        let error = match result {
            Ok(value) => {
                self.backoff.reset();
                return Ok(Answer::Value(value));
            }
            Err(CallError::Halted) => return Err(Interrupt::End(JobEnd::Halted)),
            Err(error) => error,
        };
        let failure = Failure::of_call(&error, side);
        // An agent that is gone fails the cycle at once; the cloud is given some minutes.
        let gone = side == Side::Agent
            && matches!(error, CallError::Unreachable { .. } | CallError::TimedOut { .. });
        if !gone && let Some(at) = self.backoff.next(failure.class, now) {
            return Ok(Answer::Later(at));
        }
        self.backoff.reset();
        Err(Interrupt::of_failure(failure))
    }

    /// The same for a call whose rows have outcomes of their own. While the service fails on some of them
    /// the call is made again, as if it had failed on all; then they stand as they are.
    pub(super) fn settle_rows<T>(
        &mut self,
        result: Result<Vec<Row<T>>, CallError>,
        side: Side,
        now: Timestamp,
    ) -> Result<Answer<Vec<Row<T>>>, Interrupt> {
        let Ok(rows) = result else { return self.settle(result, side, now) };
        let passes = |row: &Row<T>| {
            let failure = row.as_ref().err().map(|error| Failure::of_row(error, side));
            failure.is_some_and(|failure| failure.class == Class::Transient)
        };
        if rows.iter().any(passes)
            && let Some(at) = self.backoff.next(Class::Transient, now)
        {
            return Ok(Answer::Later(at));
        }
        self.backoff.reset();
        Ok(Answer::Value(rows))
    }

    /// Fetches commands; those that end a running cycle raise the flag for it.
    pub(super) fn poll(&mut self, ports: &mut Ports<'_>) -> Result<(), Interrupt> {
        if planted!(self.bugs, DeafToCommands) {
            return Ok(());
        }
        let done = self.open.first().map_or(self.taken, |open| open.saturating_sub(1));
        match ports.job.commands(done) {
            Ok(commands) => {
                commands.into_iter().for_each(|numbered| self.take(numbered));
                Ok(())
            }
            Err(CallError::Halted) => Err(Interrupt::End(JobEnd::Halted)),
            // The desk is away: the configuration that is known goes on.
            Err(_) => Ok(()),
        }
    }

    /// Takes a command in. One that came in this life is there already, and the effect of one that an
    /// earlier life obeyed is in the store.
    fn take(&mut self, numbered: Numbered) {
        if numbered.number <= self.taken {
            return;
        }
        self.taken = numbered.number;
        let on_demand = matches!(numbered.command, JobCommand::ProvisionOnDemand { .. });
        if !on_demand && numbered.number <= self.row.obeyed {
            return;
        }
        self.stop |= !on_demand;
        self.open.insert(numbered.number);
        self.inbox.push_back(numbered);
    }

    /// Hands out log entries; answers when to try again while the desk is away. After some minutes
    /// the work goes on without it: AD and the state store decide, the log only tells.
    pub(super) fn log(
        &mut self,
        ports: &mut Ports<'_>,
        entries: Vec<LogEntry>,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Interrupt> {
        let result = ports.job.log(entries);
        match self.settle(result, Side::Cloud, now) {
            Ok(Answer::Later(at)) => Ok(Some(at)),
            Err(Interrupt::End(end)) => Err(Interrupt::End(end)),
            Ok(Answer::Value(())) | Err(_) => Ok(None),
        }
    }
}

impl Interrupt {
    pub(super) fn of_failure(failure: Failure) -> Self {
        let refused = failure.class == Class::Fatal;
        Self::Cycle {
            failure: CycleFailure { code: failure.code, detail: failure.detail },
            refused,
        }
    }
}

impl From<StoreError> for Interrupt {
    fn from(error: StoreError) -> Self {
        Self::End(match error {
            StoreError::Halted => JobEnd::Halted,
            other => JobEnd::Store(other),
        })
    }
}
