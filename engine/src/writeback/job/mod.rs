//! The job: an activity that never ends. It restores its state, obeys commands, runs cycles by the
//! schedule and reports.
//!
//! The desired state comes from outside, at construction and by command; the run state lives in the
//! state store alone, so a job that was killed goes on where its last commit left it.

mod close;
mod commands;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use close::cycle_entry;

use super::batch::Owners;
use super::cycle::Cycle;
use super::desk::{Desk, Interrupt, Lookup, Stepped, Tally, Turn};
use super::on_demand::OnDemand;
use super::plan::MappingPlan;
use super::quarantine;
use super::retry::Backoff;
use crate::failure::{Failure, Side};
use crate::job::{CycleReport, JobConfiguration, JobReport, JobStatus, QuarantineStatus};
use crate::journal::rows::{
    EscrowRow, JOB_KEY, JobRow, VERSION_KEY, check_version, mailbox_of_key, version_write,
};
use crate::marks::Mark;
use crate::planted_bugs::{PlantedBugs, planted};
use crate::ports::{CallError, Ports, StoreError, StoreWrite, Table};
use crate::step::{Activity, Step};
use crate::time::Timestamp;

/// Rows read or deleted with one call of the state store.
const ROWS: usize = 5_000;

/// What a job is to do.
#[derive(Debug, Clone)]
pub struct WritebackConfig {
    /// The desired state, until a command replaces it.
    pub job: JobConfiguration,
    /// The AD domain (FQDN) that it is responsible for.
    pub domain: String,
    /// Whether a job without a history runs at once; otherwise it waits for `Start`.
    pub started: bool,
    /// Lengthens the waits before a call is made again by up to a quarter, so that engines that were
    /// throttled together do not come back together; 0 is no jitter.
    pub jitter: u64,
    /// Deliberate mistakes; none but in tests of the judge.
    pub bugs: PlantedBugs,
}

/// Why a job ended. It never does so by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEnd {
    /// The process is at its end.
    Halted,
    /// The state store is damaged or does not work.
    Store(StoreError),
}

/// The writeback job.
pub struct WritebackJob {
    desk: Desk,
    stage: Stage,
    cycle: Option<Running>,
    on_demand: Option<OnDemand>,
    /// The number of the command under way: the one that is obeyed, or answered on demand.
    in_hand: Option<u64>,
    not_before: Option<Timestamp>,
    last_cycle: Option<CycleReport>,
    report: Option<JobReport>,
}

struct Running {
    cycle: Cycle,
    began: Timestamp,
    /// When the one after it is due. Kept here until this one ends: a job that is killed before
    /// that finds its cycle still due.
    next_due: Timestamp,
}

enum Stage {
    LoadJob,
    LoadEscrow(Option<Vec<u8>>),
    Idle,
    /// A command empties these tables; then its effect on the run state is committed, with its number.
    Clear(Vec<Table>),
    ClearRows(Vec<Table>, Vec<StoreWrite>),
    Commit,
    CloseLog(CycleReport, Vec<StoreWrite>),
    CloseCommit(CycleReport, Vec<StoreWrite>),
}

impl WritebackJob {
    /// A job that will restore its state from the store with its first steps.
    #[must_use]
    pub fn new(config: WritebackConfig) -> Self {
        #[cfg(feature = "planted-bugs")]
        let config = restless(config);
        let plan = MappingPlan::new(&config.job, config.bugs);
        let row = JobRow::new(plan.fingerprint(), !config.started);
        Self {
            desk: Desk {
                configuration: config.job,
                domain: config.domain,
                plan,
                bugs: config.bugs,
                #[cfg(feature = "planted-bugs")]
                removed: std::cell::RefCell::default(),
                row,
                escrow: BTreeMap::new(),
                owners: Owners::default(),
                seen: Lookup::default(),
                told_before: None,
                attempted: Lookup::default(),
                inbox: VecDeque::new(),
                taken: 0,
                open: BTreeSet::new(),
                slot: None,
                stop: false,
                backoff: Backoff::jittered(config.jitter),
            },
            stage: Stage::LoadJob,
            cycle: None,
            on_demand: None,
            in_hand: None,
            not_before: None,
            last_cycle: None,
            report: None,
        }
    }

    /// The cycle that ended last in this life.
    #[must_use]
    pub const fn last_cycle(&self) -> Option<&CycleReport> {
        self.last_cycle.as_ref()
    }

    /// How many cycles have ended, in all lives.
    #[must_use]
    pub const fn cycles(&self) -> u64 {
        self.desk.row.cycle
    }

    /// How many objects wait in escrow.
    #[must_use]
    pub fn escrowed(&self) -> u64 {
        self.desk.escrow.len() as u64
    }

    /// Everything that changed before this instant was looked at.
    #[must_use]
    pub fn watermark(&self) -> Option<Timestamp> {
        self.desk.row.watermark.map(Timestamp::from_micros)
    }

    /// Whether it stands between two cycles, with nothing under way.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Idle)
            && self.cycle.is_none()
            && self.on_demand.is_none()
            && self.report.is_none()
    }

    /// `status.code`.
    #[must_use]
    pub const fn status(&self) -> JobStatus {
        let row = &self.desk.row;
        if row.paused || row.disabled {
            JobStatus::Paused
        } else if row.quarantine.is_some() {
            JobStatus::Quarantine
        } else if row.cycle == 0 {
            JobStatus::NotRun
        } else {
            JobStatus::Active
        }
    }

    fn turn(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Stepped<()> {
        match &mut self.stage {
            Stage::LoadJob => self.load_job(ports)?,
            Stage::LoadEscrow(after) => {
                let after = after.take();
                self.load_escrow(after.as_deref(), ports)?;
            }
            Stage::Commit => {
                ports.store.commit(vec![version_write(), self.desk.row.write()?])?;
                self.put_down();
                self.report = Some(self.report_with(None));
                self.stage = Stage::Idle;
            }
            Stage::Clear(tables) => {
                let tables = core::mem::take(tables);
                self.clear(tables, ports)?;
            }
            Stage::ClearRows(tables, writes) => {
                let (tables, writes) = (core::mem::take(tables), core::mem::take(writes));
                self.clear_rows(tables, writes, ports)?;
            }
            Stage::CloseLog(report, writes) => {
                let (report, writes) = (report.clone(), core::mem::take(writes));
                let entries = report.failure.iter().map(|failure| cycle_entry(&report, failure));
                if let Some(at) = self.desk.log(ports, entries.collect(), now)? {
                    self.stage = Stage::CloseLog(report, writes);
                    return Ok(Turn::Wait(at));
                }
                self.stage = Stage::CloseCommit(report, writes);
            }
            Stage::CloseCommit(report, writes) => {
                let report = report.clone();
                ports.store.commit(core::mem::take(writes))?;
                self.last_cycle = Some(report.clone());
                self.report = Some(self.report_with(Some(report)));
                self.stage = Stage::Idle;
            }
            Stage::Idle => return self.idle(now, ports),
        }
        Ok(Turn::Busy)
    }

    /// A desk that is away misses a report and gets the next one; only an answer is handed out again,
    /// some times.
    fn hand_out(
        &mut self,
        report: JobReport,
        now: Timestamp,
        ports: &mut Ports<'_>,
    ) -> Stepped<()> {
        let answer = report.on_demand.is_some().then(|| report.clone());
        match ports.job.report(report) {
            Err(CallError::Halted) => return Err(Interrupt::End(JobEnd::Halted)),
            Err(error) if answer.is_some() => {
                let class = Failure::of_call(&error, Side::Cloud).class;
                if let Some(at) = self.desk.backoff.next(class, now) {
                    self.report = answer;
                    return Ok(Turn::Wait(at));
                }
            }
            Ok(()) | Err(_) => {}
        }
        if answer.is_some() {
            self.desk.backoff.reset();
            self.put_down();
        }
        Ok(Turn::Busy)
    }

    /// The command in hand has had its effect.
    fn put_down(&mut self) {
        if let Some(number) = self.in_hand.take() {
            self.desk.open.remove(&number);
        }
    }

    fn load_job(&mut self, ports: &mut Ports<'_>) -> Result<(), Interrupt> {
        let keys = [VERSION_KEY.to_vec(), JOB_KEY.to_vec()];
        let mut rows = ports.store.get(Table::Meta, &keys)?.into_iter();
        check_version(rows.next().flatten().as_deref())?;
        if let Some(bytes) = rows.next().flatten() {
            Mark::JobRestored.reach();
            let mapping = self.desk.row.mapping;
            self.desk.row = JobRow::decode(&bytes)?;
            if self.desk.row.mapping != mapping {
                self.desk.row.mapping = mapping;
                self.desk.row.watermark = None;
            }
            self.desk.told_before = self.desk.row.watermark;
        }
        self.stage = Stage::LoadEscrow(None);
        Ok(())
    }

    fn load_escrow(
        &mut self,
        after: Option<&[u8]>,
        ports: &mut Ports<'_>,
    ) -> Result<(), Interrupt> {
        let rows = ports.store.scan(Table::Escrow, after, ROWS)?;
        let last = rows.last().map(|(key, _)| key.clone());
        let complete = rows.len() < ROWS;
        for (key, value) in rows {
            self.desk.escrow.insert(mailbox_of_key(&key)?, EscrowRow::decode(&value)?);
        }
        self.stage = if complete { Stage::Idle } else { Stage::LoadEscrow(last) };
        if complete {
            self.report = Some(self.report_with(None));
        }
        Ok(())
    }

    /// What comes next: a report, a cycle under way, a command, a cycle that is due.
    fn idle(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Stepped<()> {
        if let Some(report) = self.report.take() {
            return self.hand_out(report, now, ports);
        }
        if self.on_demand.is_some() {
            return self.step_on_demand(now, ports);
        }
        if self.cycle.as_ref().is_none_or(|running| running.cycle.is_between_batches())
            && self.start_on_demand()
        {
            return Ok(Turn::Busy);
        }
        if self.cycle.is_some() {
            return self.step_cycle(now, ports);
        }
        if let Some(numbered) = self.desk.inbox.pop_front() {
            self.in_hand = Some(numbered.number);
            self.obey(numbered.command, now);
            return Ok(Turn::Busy);
        }
        self.desk.stop = false;
        self.desk.poll(ports)?;
        if !self.desk.inbox.is_empty() {
            return Ok(Turn::Busy);
        }
        let row = &self.desk.row;
        if (row.paused && !planted!(self.desk.bugs, IgnorePause)) || row.disabled {
            return Ok(Turn::Wait(now + self.desk.configuration.interval));
        }
        let due = row.next_due.map_or(now, Timestamp::from_micros);
        if now < due {
            return Ok(Turn::Wait(due));
        }
        self.begin_cycle(due, now);
        Ok(Turn::Busy)
    }

    /// The next cycle is due one interval after this one was, or at the first such instant to come.
    fn begin_cycle(&mut self, due: Timestamp, now: Timestamp) {
        let interval = if self.desk.row.quarantine.is_some() {
            quarantine::CADENCE
        } else {
            self.desk.configuration.interval
        };
        let interval = interval.max(Duration::from_secs(1));
        let late = now.since(due).as_micros() / interval.as_micros();
        if late > 0 {
            Mark::CycleLate.reach();
        }
        let slots = u32::try_from(late + 1).unwrap_or(u32::MAX);
        let next_due = due + interval.saturating_mul(slots);
        self.desk.slot = Some(next_due - interval);
        self.cycle = Some(Running { cycle: Cycle::new(now, &mut self.desk), began: now, next_due });
    }

    fn step_cycle(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Stepped<()> {
        let Some(running) = &mut self.cycle else { return Ok(Turn::Busy) };
        match running.cycle.step(now, ports, &mut self.desk) {
            Ok(Turn::Busy) => Ok(Turn::Busy),
            Ok(Turn::Wait(at)) => Ok(Turn::Wait(at)),
            Ok(Turn::Done(end)) => {
                let running = self.cycle.take();
                self.close(running, Ok(end), now)
            }
            Err(Interrupt::Stopped) => {
                // Not an end of a cycle: nothing is reported, and the watermark stays.
                (self.cycle, self.desk.slot) = (None, None);
                Ok(Turn::Busy)
            }
            Err(Interrupt::Cycle { failure, refused }) => {
                let running = self.cycle.take();
                self.close(running, Err((failure, refused)), now)
            }
            Err(end @ Interrupt::End(_)) => Err(end),
        }
    }

    fn quarantine(&self) -> Option<QuarantineStatus> {
        let row = self.desk.row.quarantine?;
        let began = Timestamp::from_micros(row.began);
        let next = self.desk.row.next_due.map_or(began, Timestamp::from_micros);
        let imposed = row.imposed.map_or(began, Timestamp::from_micros);
        Some(QuarantineStatus { reason: row.reason, began, imposed, times: row.times.max(1), next })
    }

    fn report_with(&self, last_cycle: Option<CycleReport>) -> JobReport {
        JobReport {
            status: self.status(),
            last_cycle,
            escrowed: self.escrowed(),
            escrows_pruned: self.desk.row.escrows_pruned,
            linked: self.desk.row.linked,
            quarantine: self.quarantine(),
            on_demand: None,
        }
    }
}

impl Activity for WritebackJob {
    type Outcome = JobEnd;

    fn step(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Step<JobEnd> {
        // Being stepped early must not make a call before the service asked for it.
        if let Some(at) = self.not_before.filter(|at| now < *at) {
            return Step::WaitUntil(at);
        }
        self.not_before = None;
        match self.turn(now, ports) {
            Ok(Turn::Busy | Turn::Done(())) | Err(Interrupt::Stopped | Interrupt::Cycle { .. }) => {
                Step::Busy
            }
            Ok(Turn::Wait(at)) => {
                let idle = self.cycle.is_none()
                    && self.on_demand.is_none()
                    && matches!(self.stage, Stage::Idle);
                if !idle {
                    self.not_before = Some(at);
                }
                Step::WaitUntil(at)
            }
            Err(Interrupt::End(end)) => Step::Done(end),
        }
    }

    fn progress(&self) -> Option<String> {
        let cycle = &self.cycle.as_ref()?.cycle;
        let Tally { read, in_scope, written, failed, .. } = cycle.tally();
        (read > 0).then(|| {
            let number = cycle.number();
            format!("cycle {number}: {read} read, {in_scope} in scope, {written} written, {failed} failed")
        })
    }
}

/// With the planted bug every cycle looks at everybody.
#[cfg(feature = "planted-bugs")]
fn restless(mut config: WritebackConfig) -> WritebackConfig {
    config.job.switches.drift_heal |= crate::planted_bugs::planted!(config.bugs, NeverQuiet);
    config
}
