//! The engine's process: its activities, its ports and its store. It can die at any port call and
//! start anew; only the store survives.

use std::cell::RefCell;
use std::rc::Rc;

use engine::job::CycleReport;
use engine::journal::MemoryStore;
use engine::planted_bugs::PlantedBugs;
use engine::ports::{StateStore, StoreError, StoreWrite, Table};
use engine::step::{Activity as _, Step};
use engine::transfer::{
    CheckConfig, Rollback, RollbackConfig, Transfer, TransferConfig, TransferReport,
};
use engine::writeback::{JobEnd, WritebackConfig, WritebackJob};
use sim::caller::Role;
use sim::clock::VirtualTime;
use sim::fault::Place;
use sim::ledger::Activity;
use sim::wire::shared::SharedEstate;

use super::decommission::Decommission;
use crate::bridge::desk::Desk;
use crate::bridge::guard::{Guarded, GuardedPorts, Life};
use crate::bridge::translate::{to_engine, to_sim};
use crate::bridge::transport::Transport;
use crate::stage::{SCHEMA_CHECK, writeback_config};

/// The state store of an engine, as its processes share it one after the other.
#[derive(Clone, Default)]
pub struct Store(Rc<RefCell<MemoryStore>>);

impl Store {
    /// A copy of everything in it.
    #[must_use]
    pub fn snapshot(&self) -> MemoryStore {
        self.0.borrow().clone()
    }

    /// Puts a copy back.
    pub fn restore(&self, snapshot: MemoryStore) {
        *self.0.borrow_mut() = snapshot;
    }
}

impl StateStore for Store {
    fn get(&mut self, table: Table, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.0.borrow_mut().get(table, keys)
    }

    fn scan(
        &mut self,
        table: Table,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
        self.0.borrow_mut().scan(table, after, limit)
    }

    fn commit(&mut self, writes: Vec<StoreWrite>) -> Result<(), StoreError> {
        self.0.borrow_mut().commit(writes)
    }
}

type EnginePorts = GuardedPorts<Store, Desk>;

/// What a transfer is told.
#[derive(Clone)]
pub enum TransferOrder {
    /// To the cloud.
    ToCloud(Box<TransferConfig>),
    /// Back to AD.
    ToOnPremises(RollbackConfig),
    /// Nothing is changed: what stands against removing the last Exchange server.
    Decommission(Box<CheckConfig>),
}

enum Flip {
    ToCloud(Box<Transfer>),
    ToOnPremises(Box<Rollback>),
    Decommission(Box<Decommission>),
}

struct Running<T> {
    work: T,
    ports: EnginePorts,
    due: VirtualTime,
    turn: u64,
}

struct TransferInHand {
    order: TransferOrder,
    role: Role,
    report: Option<TransferReport>,
}

/// The engine of one estate.
pub struct Engine {
    estate: SharedEstate,
    transport: Box<dyn Transport>,
    /// Its store.
    pub store: Store,
    writeback: Option<WritebackConfig>,
    life: Life,
    job: Option<Running<WritebackJob>>,
    flip: Option<Running<Flip>>,
    transfer: Option<TransferInHand>,
    turns: u64,
    /// How often the process died.
    pub crashes: u64,
    retried_cycle: u64,
    /// The state store was damaged: there is no process until somebody has thrown the store away.
    wrecked: bool,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineStep {
    /// It went on.
    Done,
    /// The process ended and a new one was started.
    Crashed,
    /// The engine itself gave up.
    Broken(String),
}

impl Engine {
    /// An engine that starts now.
    ///
    /// # Errors
    /// The transport's, in words.
    pub fn start(
        estate: SharedEstate,
        transport: Box<dyn Transport>,
        store: Store,
        writeback: Option<WritebackConfig>,
    ) -> Result<Self, String> {
        let bugs = writeback.as_ref().map(|config| config.bugs).unwrap_or_default();
        let mut engine = Self {
            life: Life::new(estate.clone(), transport.has_servers(), bugs),
            estate,
            transport,
            store,
            writeback,
            job: None,
            flip: None,
            transfer: None,
            turns: 0,
            crashes: 0,
            retried_cycle: 0,
            wrecked: false,
        };
        engine.begin()?;
        Ok(engine)
    }

    /// The deliberate mistakes that it has.
    #[must_use]
    pub fn bugs(&self) -> PlantedBugs {
        self.writeback.as_ref().map(|config| config.bugs).unwrap_or_default()
    }

    /// When it next wants a step.
    #[must_use]
    pub fn next_due(&self) -> Option<VirtualTime> {
        if self.wrecked {
            return Some(self.repaired_at());
        }
        self.next().map(|(due, _)| due)
    }

    /// When the state store works again.
    fn repaired_at(&self) -> VirtualTime {
        self.estate.with(|estate| {
            let now = estate.now();
            estate.faults.in_force_until(now, &Place::StateStore).unwrap_or(now)
        })
    }

    /// Somebody throws the damaged store away, and the engine starts as on its first day.
    fn start_afresh(&mut self) -> EngineStep {
        self.wrecked = false;
        self.retried_cycle = 0;
        self.store.restore(MemoryStore::default());
        // A transfer that was asked for goes on, with the mailboxes as they are.
        match self.begin().and_then(|()| self.begin_transfer()) {
            Ok(()) => EngineStep::Crashed,
            Err(problem) => EngineStep::Broken(problem),
        }
    }

    /// The job cannot go on without its store: the process ends, and says why.
    fn wreck(&mut self) {
        self.wrecked = true;
        self.job = None;
        self.life.end();
        self.estate.with(|estate| {
            if let Some(job) = &mut estate.entra.job {
                job.attached = false;
            }
        });
    }

    /// Wakes the job: somebody asked something of it.
    pub fn wake(&mut self, now: VirtualTime) {
        if let Some(job) = &mut self.job {
            job.due = job.due.min(now);
        }
    }

    /// Starts a transfer.
    ///
    /// # Errors
    /// The transport's, in words.
    pub fn order(&mut self, order: TransferOrder, role: Role) -> Result<(), String> {
        self.transfer = Some(TransferInHand { order, role, report: None });
        self.begin_transfer()
    }

    /// The report of the transfer, once it has ended; taken once.
    pub fn take_report(&mut self) -> Option<TransferReport> {
        let report = self.transfer.as_mut()?.report.take()?;
        self.transfer = None;
        Some(report)
    }

    /// The cycles of the job so far, and when the last one began.
    #[must_use]
    pub fn cycles(&self) -> (u64, Option<VirtualTime>) {
        self.job.as_ref().map_or((0, None), |job| {
            (job.work.cycles(), job.work.last_cycle().map(|cycle| to_sim(cycle.began)))
        })
    }

    /// The cycle that ended last since the process started.
    #[must_use]
    pub fn last_cycle(&self) -> Option<&CycleReport> {
        self.job.as_ref()?.work.last_cycle()
    }

    /// Objects of the escrow that cycles tried again since the last call.
    pub fn take_retried(&mut self) -> u64 {
        let last = self.job.as_ref().and_then(|job| job.work.last_cycle());
        let Some(cycle) = last.filter(|cycle| cycle.cycle > self.retried_cycle) else { return 0 };
        self.retried_cycle = cycle.cycle;
        cycle.retried
    }

    /// Goes on by one step of whatever is due first.
    pub fn step(&mut self) -> EngineStep {
        let now = self.estate.with(|estate| estate.now());
        if self.wrecked {
            return if self.repaired_at() <= now { self.start_afresh() } else { EngineStep::Done };
        }
        let Some((_, is_flip)) = self.next() else { return EngineStep::Done };
        self.turns += 1;
        let broken = if is_flip { self.step_flip(now) } else { self.step_job(now) };
        if self.wrecked {
            return EngineStep::Crashed;
        }
        if self.life.has_ended() {
            self.crashes += 1;
            return match self.begin().and_then(|()| self.begin_transfer()) {
                Ok(()) => EngineStep::Crashed,
                Err(problem) => EngineStep::Broken(problem),
            };
        }
        broken.map_or(EngineStep::Done, EngineStep::Broken)
    }

    fn next(&self) -> Option<(VirtualTime, bool)> {
        let job = self.job.as_ref().map(|job| (job.due, job.turn, false));
        let flip = self.flip.as_ref().map(|flip| (flip.due, flip.turn, true));
        job.into_iter().chain(flip).min().map(|(due, _, is_flip)| (due, is_flip))
    }

    fn step_job(&mut self, now: VirtualTime) -> Option<String> {
        let turn = self.turns;
        let job = self.job.as_mut()?;
        self.estate.with(|estate| estate.engine_activity = Activity::Writeback);
        job.turn = turn;
        match job.work.step(to_engine(now), &mut job.ports.ports()) {
            Step::Busy => job.due = now,
            Step::WaitUntil(at) => job.due = to_sim(at).max(now),
            Step::Done(JobEnd::Halted) => self.life.end(),
            Step::Done(JobEnd::Store(error)) => {
                if self.repaired_at() > now {
                    self.wreck();
                    return None;
                }
                self.job = None;
                return Some(format!("the writeback job ended: {error}"));
            }
        }
        None
    }

    fn step_flip(&mut self, now: VirtualTime) -> Option<String> {
        let turn = self.turns;
        let flip = self.flip.as_mut()?;
        self.estate.with(|estate| estate.engine_activity = Activity::Transfer);
        flip.turn = turn;
        let step = match &mut flip.work {
            Flip::ToCloud(transfer) => transfer.step(to_engine(now), &mut flip.ports.ports()),
            Flip::ToOnPremises(rollback) => rollback.step(to_engine(now), &mut flip.ports.ports()),
            Flip::Decommission(check) => check.step(to_engine(now), &mut flip.ports.ports()),
        };
        match step {
            Step::Busy => flip.due = now,
            Step::WaitUntil(at) => flip.due = to_sim(at).max(now),
            Step::Done(_) if self.life.has_ended() => {}
            Step::Done(report) => {
                self.flip = None;
                if let Some(transfer) = &mut self.transfer {
                    transfer.report = Some(report);
                }
            }
        }
        None
    }

    /// A new process: nothing of the old one but its store.
    fn begin(&mut self) -> Result<(), String> {
        self.life = Life::new(self.estate.clone(), self.transport.has_servers(), self.bugs());
        self.estate.with(sim::estate::Estate::engine_started);
        self.flip = None;
        self.job = None;
        let Some(known) = &self.writeback else { return Ok(()) };
        // The record says what the job is to do now: it may have changed since the last process began.
        let config = self.estate.with(|estate| {
            if let Some(job) = &mut estate.entra.job {
                job.attached = true;
                job.schema_check = Some(SCHEMA_CHECK);
            }
            writeback_config(estate, known.bugs)
        })?;
        let Some(mut config) = config else { return Ok(()) };
        // Whoever loses his store begins as on his first day, and what people asked for since then still holds.
        config.started = self.estate.with(|estate| {
            estate.entra.job.as_ref().map_or(known.started, |job| !job.asked_to_pause)
        });
        let ports = self.ports(Role::GlobalAdministrator, Activity::Writeback)?;
        let due = self.estate.with(|estate| estate.now());
        self.job = Some(Running { work: WritebackJob::new(config), ports, due, turn: self.turns });
        Ok(())
    }

    fn begin_transfer(&mut self) -> Result<(), String> {
        let Some(transfer) = self.transfer.as_ref().filter(|t| t.report.is_none()) else {
            return Ok(());
        };
        let work = match transfer.order.clone() {
            TransferOrder::ToCloud(config) => Flip::ToCloud(Box::new(Transfer::new(*config))),
            TransferOrder::ToOnPremises(config) => {
                Flip::ToOnPremises(Box::new(Rollback::new(config)))
            }
            TransferOrder::Decommission(config) => {
                Flip::Decommission(Box::new(Decommission::new(*config)))
            }
        };
        let ports = self.ports(transfer.role, Activity::Transfer)?;
        let due = self.estate.with(|estate| estate.now());
        self.flip = Some(Running { work, ports, due, turn: self.turns });
        Ok(())
    }

    fn ports(&self, role: Role, activity: Activity) -> Result<EnginePorts, String> {
        let world = self.transport.ports(role, activity)?;
        let life = &self.life;
        Ok(GuardedPorts {
            exchange: Guarded::new(life.clone(), world.exchange),
            entra: Guarded::new(life.clone(), world.entra),
            directory: Guarded::new(life.clone(), world.directory),
            store: Guarded::new(life.clone(), self.store.clone()),
            job: Guarded::new(life.clone(), Desk::new(self.estate.clone())),
        })
    }
}
