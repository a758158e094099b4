//! Rollback: authority goes back to AD. First comes the list of what will be lost, for every
//! mailbox; only then, and only when asked to, the flags.

use std::collections::VecDeque;

use hashbrown::{HashMap, HashSet};
use rustc_hash::FxBuildHasher;

use super::flip::{Flip, Stop, Turn, again, step_of};
use super::kept_properties;
use super::loss::{attributes, losses};
use super::readiness;
use super::report::{MailboxOutcome, TransferReport};
use super::rows::{Progress, mailbox_of, prefix, rollback_of};
use crate::failure::{Side, code};
use crate::job::MATCH_ORDER;
use crate::journal::rows::{
    Link, VERSION_KEY, check_version, mailbox_key, mailbox_write, version_write,
};
use crate::marks::Mark;
use crate::pairing::{Pair, Pairing};
use crate::ports::{MAILBOX_BATCH, MailboxId, Name, Ports, StoreError, StoreWrite, Table};
use crate::step::{Activity, Step};
use crate::time::Timestamp;
use crate::writeback::retry::Backoff;

/// Rows read with one call of the state store.
const ROWS: usize = 5_000;

/// What a rollback is to do.
#[derive(Debug, Clone)]
pub struct RollbackConfig {
    /// Names the rollback in the state store: the same name goes on with it. A transfer of this name
    /// has rows of its own.
    pub id: String,
    /// The mailboxes.
    pub mailboxes: Vec<MailboxId>,
    /// Whether to set the flags once the losses are known; otherwise the report is all.
    pub apply: bool,
    /// Whether to set the flags of mailboxes that lose values too. Without it they are blocked.
    pub accept_losses: bool,
}

/// The return of the source of authority to AD.
pub struct Rollback {
    config: RollbackConfig,
    properties: Vec<Name>,
    pairing: Pairing,
    stage: Stage,
    queue: VecDeque<MailboxId>,
    /// What earlier lives did; looked up and never iterated.
    known: HashMap<MailboxId, Progress, FxBuildHasher>,
    ready: Vec<(MailboxId, Progress, bool)>,
    report: TransferReport,
    backoff: Backoff,
    not_before: Option<Timestamp>,
}

enum Stage {
    Version,
    Resume(Option<Vec<u8>>),
    Mailboxes,
    Pair,
    Commit(Vec<StoreWrite>),
    Flip(Box<Flip>),
    /// The flags are decided: what the writeback job knows of these mailboxes is out of date.
    Forget(VecDeque<MailboxId>),
    Forgotten(VecDeque<MailboxId>, Vec<StoreWrite>),
}

impl Rollback {
    /// A rollback that will find out with its first steps how far it was.
    #[must_use]
    pub fn new(mut config: RollbackConfig) -> Self {
        let queue = config.mailboxes.iter().copied().collect();
        config.id = rollback_of(&config.id);
        Self {
            config,
            properties: kept_properties(),
            pairing: Pairing::new(attributes(), MATCH_ORDER),
            stage: Stage::Version,
            queue,
            known: HashMap::default(),
            ready: Vec::new(),
            report: TransferReport::default(),
            backoff: Backoff::default(),
            not_before: None,
        }
    }

    /// What is known so far: the losses before any flag is set.
    #[must_use]
    pub const fn report(&self) -> &TransferReport {
        &self.report
    }

    fn turn(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        match &mut self.stage {
            Stage::Version => {
                let row = ports.store.get(Table::Meta, &[VERSION_KEY.to_vec()])?;
                check_version(row.into_iter().next().flatten().as_deref())?;
                self.stage = Stage::Resume(Some(prefix(&self.config.id)));
            }
            Stage::Resume(after) => {
                let after = after.take();
                self.resume(after.as_deref(), ports)?;
            }
            Stage::Mailboxes => return self.read_mailboxes(now, ports),
            Stage::Pair => match self.pairing.step(now, ports, &mut self.backoff)? {
                Turn::Busy => {}
                Turn::Wait(at) => return Ok(Turn::Wait(at)),
                Turn::Done(pairs) => {
                    self.weigh(pairs);
                    self.stage = Stage::Mailboxes;
                }
            },
            Stage::Commit(writes) => {
                ports.store.commit(core::mem::take(writes))?;
                let ready = core::mem::take(&mut self.ready);
                self.stage = Stage::Flip(Box::new(Flip::new(&self.config.id, false, ready, now)));
            }
            Stage::Flip(flip) => match flip.step(now, ports)? {
                Turn::Busy => {}
                Turn::Wait(at) => return Ok(Turn::Wait(at)),
                Turn::Done(decided) => {
                    let mut back = VecDeque::new();
                    for (mailbox, outcome, detail) in decided {
                        if outcome == MailboxOutcome::Flipped {
                            back.push_back(mailbox);
                        }
                        self.report.count(mailbox, outcome, &detail);
                    }
                    self.report.waves += 1;
                    self.stage = Stage::Forget(back);
                }
            },
            Stage::Forget(back) => {
                let mut back = core::mem::take(back);
                let some: Vec<MailboxId> = back.drain(..back.len().min(ROWS)).collect();
                if some.is_empty() {
                    return Ok(Turn::Done(()));
                }
                let keys: Vec<Vec<u8>> = some.iter().map(|id| mailbox_key(*id)).collect();
                let rows = ports.store.get(Table::Links, &keys)?;
                self.stage = Stage::Forgotten(back, forgotten(&some, &rows)?);
            }
            Stage::Forgotten(back, writes) => {
                let (back, writes) = (core::mem::take(back), core::mem::take(writes));
                if !writes.is_empty() {
                    ports.store.commit(writes)?;
                }
                self.stage = Stage::Forget(back);
            }
        }
        Ok(Turn::Busy)
    }

    fn resume(&mut self, after: Option<&[u8]>, ports: &mut Ports<'_>) -> Result<(), Stop> {
        let rows = ports.store.scan(Table::Transfers, after, ROWS)?;
        let complete = rows.len() < ROWS;
        let last = rows.last().map(|(key, _)| key.clone());
        let mut foreign = false;
        for (key, value) in rows {
            match mailbox_of(&self.config.id, &key) {
                Some(mailbox) => {
                    self.known.insert(mailbox, Progress::decode(&value)?);
                }
                None => foreign = true,
            }
        }
        if !(complete || foreign) {
            self.stage = Stage::Resume(last);
            return Ok(());
        }
        let mut queue = VecDeque::new();
        let mut seen: HashSet<MailboxId, FxBuildHasher> = HashSet::default();
        for mailbox in core::mem::take(&mut self.queue) {
            if !seen.insert(mailbox) {
                self.report.duplicates += 1;
                continue;
            }
            match self.known.get(&mailbox) {
                Some(progress @ (Progress::Prepared | Progress::Accepted(_)))
                    if self.config.apply =>
                {
                    Mark::TransferResumed.reach();
                    self.ready.push((mailbox, progress.clone(), false));
                }
                _ => queue.push_back(mailbox),
            }
        }
        self.queue = queue;
        self.stage = Stage::Mailboxes;
        Ok(())
    }

    fn read_mailboxes(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        let ids: Vec<MailboxId> = self.queue.iter().take(MAILBOX_BATCH).copied().collect();
        if ids.is_empty() {
            return Ok(self.start_flips());
        }
        let rows = match ports.exchange.mailboxes(&ids, &self.properties) {
            Ok(rows) => rows,
            Err(error) => {
                return again(&error, Side::Cloud, &mut self.backoff, now).map(Turn::Wait);
            }
        };
        self.backoff.reset();
        self.queue.drain(..ids.len());
        let mut batch = Vec::new();
        for (id, row) in ids.into_iter().zip(rows) {
            match row {
                None => {
                    Mark::TransferMissing.reach();
                    self.report.findings.push(readiness::of_missing(id));
                    let detail = readiness::id::MISSING;
                    self.report.count(id, MailboxOutcome::Failed, detail);
                }
                Some(mailbox) if !mailbox.cloud_managed => match self.known.get(&id) {
                    Some(Progress::Done(outcome, detail)) if outcome.is_change() => {
                        self.report.count(id, *outcome, detail);
                    }
                    _ => {
                        Mark::TransferAlready.reach();
                        self.report.count(id, MailboxOutcome::Already, "");
                    }
                },
                Some(mailbox) => batch.push(mailbox),
            }
        }
        self.stage = if batch.is_empty() { Stage::Mailboxes } else { Stage::Pair };
        self.pairing.start(batch);
        Ok(Turn::Busy)
    }

    /// What each mailbox of the batch would lose.
    fn weigh(&mut self, pairs: Vec<Pair>) {
        for pair in pairs {
            let id = pair.mailbox.id;
            if pair.ambiguous {
                Mark::RollbackAmbiguous.reach();
                self.report.count(id, MailboxOutcome::Blocked, code::DUPLICATE_ENTRIES);
                continue;
            }
            let lost = losses(&pair.mailbox, &self.properties, pair.object.as_ref());
            if lost.is_empty() { Mark::RollbackClean } else { Mark::RollbackLoses }.reach();
            if lost.is_empty() || self.config.accept_losses {
                self.ready.push((id, Progress::Prepared, true));
            } else {
                let detail = format!("{} values would be lost", lost.len());
                self.report.count(id, MailboxOutcome::Blocked, &detail);
            }
            self.report.losses.extend(lost);
        }
    }

    fn start_flips(&mut self) -> Turn<()> {
        if !self.config.apply {
            self.report.would_flip = self.ready.len() as u64;
        }
        if !self.config.apply || self.ready.is_empty() {
            return Turn::Done(());
        }
        let fresh = self.ready.iter().filter(|(_, _, fresh)| *fresh);
        let mut writes: Vec<StoreWrite> = vec![version_write()];
        writes.extend(fresh.map(|(id, progress, _)| progress.write(&self.config.id, *id)));
        self.stage = Stage::Commit(writes);
        Turn::Busy
    }
}

/// The links of these mailboxes without a version that was exported: once authority has been back in AD,
/// what the job wrote there says nothing any more, and a mailbox that returns is compared anew.
fn forgotten(
    mailboxes: &[MailboxId],
    rows: &[Option<Vec<u8>>],
) -> Result<Vec<StoreWrite>, StoreError> {
    let mut writes = Vec::new();
    for (mailbox, row) in mailboxes.iter().zip(rows) {
        let Some(row) = row else { continue };
        let link = Link::decode(row)?;
        let other = Link { exported: !link.exported, ..link };
        writes.push(mailbox_write(Table::Links, *mailbox, Some(other.encode())));
    }
    Ok(writes)
}

impl Activity for Rollback {
    type Outcome = TransferReport;

    fn step(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Step<TransferReport> {
        if let Some(at) = self.not_before.filter(|at| now < *at) {
            return Step::WaitUntil(at);
        }
        let turned = self.turn(now, ports);
        step_of(turned, &mut self.not_before, &mut self.report, |report| &mut report.stopped)
    }
}
