//! The transfer: readiness, backup of both sides, flip and read-back, in waves.
//!
//! A wave is a number of mailboxes; the next one starts only when every flag of the one before is
//! decided by a read, and within the acceptance criterion. Progress lies in the state store, so a
//! transfer that was killed goes on where it was: what may have been set is read first, what was
//! decided is believed only as far as a read shows it, and what did not flip is checked anew, for
//! what stood against it may have been mended.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use hashbrown::{HashMap, HashSet};
use rustc_hash::FxBuildHasher;

use super::agent_version;
use super::backup::{self, DirectorySide, Sides};
use super::budget::{Budget, Pace};
use super::check;
use super::criterion::Criterion;
use super::flip::{Flip, Stop, Turn, again, breached, step_of};
use super::loss;
use super::portion::Portion;
use super::readiness::{self, Evidence, Finding, Severity};
use super::record::{TransferRecord, hand_out};
use super::report::{MailboxOutcome, TransferReport};
use super::rows::{Progress, backup_key, prefix, read_on};
use crate::failure::{Class, Failure, Side, code};
use crate::job::MATCH_ORDER;
use crate::journal::rows::version_write;
use crate::marks::Mark;
use crate::pairing::{Pair, Pairing};
use crate::planted_bugs::PlantedBugs;
use crate::ports::{Mailbox, MailboxId, Name, Ports, StoreError, StoreWrite, Table};
use crate::step::{Accounts, Activity, Step};
use crate::time::Timestamp;
use crate::writeback::retry::Backoff;

/// What a transfer is to do.
#[derive(Debug, Clone)]
pub struct TransferConfig {
    /// Names the transfer in the state store: the same name goes on with it.
    pub id: String,
    /// The mailboxes, in the order in which they are to flip.
    pub mailboxes: Vec<MailboxId>,
    /// How many of them make a wave.
    pub wave: usize,
    /// How long to wait after a wave was verified, before the next one starts.
    pub pause: Duration,
    /// What no API tells.
    pub evidence: Evidence,
    /// The interval of the inbound synchronization, for the recommended wait.
    pub sync_cycle: Duration,
    /// Ids of findings that block and are accepted all the same.
    pub accepted: BTreeSet<String>,
    /// The transfer stops once more mailboxes of a wave than this are refused, without effect or failed;
    /// `None`: never.
    pub most_failures: Option<u64>,
    /// It stops once more mailboxes than this are without the flag, blocked ones included; `None`: never.
    pub most_without: Option<u64>,
    /// Whether to flip; otherwise the report holds the findings alone.
    pub apply: bool,
    /// How fast to go.
    pub pace: Pace,
    /// Template ids of the directory roles in the caller's token, when they are known: who holds none that
    /// may set the flag does not begin.
    pub caller_roles: Option<Vec<String>>,
    /// What the backup before a flip keeps. With both sides a mailbox that several AD objects match is
    /// blocked.
    pub sides: Sides,
    /// Whether a mailbox that this transfer flipped, and whose flag somebody took back since, is
    /// flipped again. A rollout does not: to its verification that is a breach.
    pub flips_again: bool,
    /// Deliberate mistakes; none but in tests of the judge.
    pub bugs: PlantedBugs,
}

impl TransferConfig {
    /// A transfer of these mailboxes in waves of 500, with the recommended settings.
    #[must_use]
    pub fn new(id: impl Into<String>, mailboxes: Vec<MailboxId>) -> Self {
        Self {
            id: id.into(),
            mailboxes,
            wave: 500,
            pause: Duration::ZERO,
            evidence: Evidence::default(),
            sync_cycle: Duration::from_mins(30),
            accepted: BTreeSet::new(),
            most_failures: None,
            most_without: None,
            apply: true,
            pace: Pace::default(),
            caller_roles: None,
            sides: Sides::default(),
            flips_again: true,
            bugs: PlantedBugs::none(),
        }
    }
}

/// What is said where the backup of AD's side stands still.
const NO_AGENT: &str = "; the same call goes on once one answers, and without AD's side in the backup at once: keep the \
    cloud's side alone";
/// What is said of a mailbox that a ring flipped and that lacks its flag now.
const TAKEN_BACK: &str = "somebody took its flag back since it was flipped";

/// The transfer of the source of authority to the cloud.
pub struct Transfer {
    config: TransferConfig,
    properties: Vec<Name>,
    stage: Stage,
    /// Mailboxes still to come.
    queue: VecDeque<MailboxId>,
    /// What earlier lives did; looked up and never iterated.
    known: HashMap<MailboxId, Progress, FxBuildHasher>,
    /// Who asks AD for its side.
    pairing: Option<Pairing>,
    attributes: Vec<Name>,
    /// The wave under way: what is still to be read, what nothing stands against and is to be backed up,
    /// and what is ready to flip.
    unread: VecDeque<MailboxId>,
    passed: Vec<Mailbox>,
    ready: Vec<(MailboxId, Progress, bool)>,
    in_wave: u64,
    /// The pause before the next wave has begun.
    rested: bool,
    criterion: Criterion,
    report: TransferReport,
    backoff: Backoff,
    portion: Portion,
    budget: Budget,
    /// What an earlier life did and did not log.
    records: Vec<TransferRecord>,
    not_before: Option<Timestamp>,
}

enum Stage {
    Version,
    Resume(Option<Vec<u8>>),
    Tenant,
    Agents,
    NextWave,
    Read,
    Pair(Vec<StoreWrite>),
    Commit(Vec<StoreWrite>),
    Flip(Box<Flip>),
    Ended,
}

impl Transfer {
    /// A transfer that will find out with its first steps how far it was.
    #[must_use]
    pub fn new(config: TransferConfig) -> Self {
        let mut report = TransferReport::default();
        let mut seen: HashSet<MailboxId, FxBuildHasher> = HashSet::default();
        seen.reserve(config.mailboxes.len());
        let mut queue = VecDeque::with_capacity(config.mailboxes.len());
        for mailbox in &config.mailboxes {
            if seen.insert(*mailbox) {
                queue.push_back(*mailbox);
            } else {
                report.duplicates += 1;
            }
        }
        let (backoff, budget) = (Backoff::jittered(config.pace.jitter), Budget::new(config.pace));
        let criterion = match config.apply {
            true => Criterion::new(config.most_failures, config.most_without),
            false => Criterion::default(),
        };
        Self {
            properties: backup::properties(config.sides),
            attributes: loss::attributes(),
            pairing: None,
            passed: Vec::new(),
            config,
            stage: Stage::Version,
            queue,
            known: HashMap::default(),
            unread: VecDeque::new(),
            ready: Vec::new(),
            in_wave: 0,
            rested: false,
            criterion,
            report,
            backoff,
            portion: Portion::default(),
            budget,
            records: Vec::new(),
            not_before: None,
        }
    }

    /// What was decided so far.
    #[must_use]
    pub const fn report(&self) -> &TransferReport {
        &self.report
    }

    fn turn(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        match &mut self.stage {
            Stage::Version => {
                self.budget.open(ports.store, now)?;
                self.stage = Stage::Resume(Some(prefix(&self.config.id)));
            }
            Stage::Resume(after) => {
                let after = after.take();
                self.resume(after.as_deref(), ports)?;
            }
            Stage::Tenant => return self.tenant(now, ports),
            Stage::Agents => return self.agents(now, ports),
            Stage::NextWave => return self.next_wave(now, ports),
            Stage::Read => return self.read(now, ports),
            Stage::Pair(writes) => {
                let writes = core::mem::take(writes);
                return self.pair(writes, now, ports);
            }
            Stage::Commit(_) if !self.records.is_empty() => {
                if let Some(at) = hand_out(&self.records, ports, &mut self.backoff, now)? {
                    return Ok(Turn::Wait(at));
                }
                self.records.clear();
            }
            Stage::Commit(writes) => {
                ports.store.commit(core::mem::take(writes))?;
                self.stage = Stage::Read;
            }
            Stage::Flip(flip) => match flip.step(now, ports)? {
                Turn::Busy => {}
                Turn::Wait(at) => return Ok(Turn::Wait(at)),
                Turn::Done(decided) => {
                    self.budget = flip.take_budget();
                    self.criterion = flip.criterion();
                    let open = decided.open();
                    self.report.take(decided);
                    self.end_wave(open);
                }
            },
            Stage::Ended => return Ok(Turn::Done(())),
        }
        Ok(Turn::Busy)
    }

    fn resume(&mut self, after: Option<&[u8]>, ports: &mut Ports<'_>) -> Result<(), Stop> {
        self.stage = match read_on(&self.config.id, after, ports.store, &mut self.known)? {
            Some(last) => Stage::Resume(Some(last)),
            None => Stage::Tenant,
        };
        Ok(())
    }

    fn tenant(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        let sync = match ports.entra.sync_configuration() {
            Ok(sync) => sync,
            Err(error) => {
                return again(&error, Side::Cloud, &mut self.backoff, now).map(Turn::Wait);
            }
        };
        self.backoff.reset();
        let (evidence, cycle) = (&self.config.evidence, self.config.sync_cycle);
        self.report.findings.extend(readiness::of_tenant(&sync, evidence, now));
        self.report.findings.extend(readiness::of_sync(&sync, cycle, now));
        if let Some(roles) = &self.config.caller_roles {
            self.report.findings.extend(check::of_caller(Some(roles)));
        }
        if let Some(finding) = self.blocking(&self.report.findings) {
            Mark::TransferTenantBlocks.reach();
            let stopped = Failure::new(Class::Rejected, finding.id, finding.reason.clone());
            self.report.stopped = Some(stopped);
            self.stage = Stage::Ended;
        } else if self.config.sides == Sides::Both {
            self.stage = Stage::Agents;
        } else {
            self.stage = Stage::NextWave;
        }
        Ok(Turn::Busy)
    }

    /// The first finding that blocks and was not accepted.
    fn blocking<'f>(&self, findings: &'f [Finding]) -> Option<&'f Finding> {
        let accepted = &self.config.accepted;
        findings.iter().find(|one| one.severity == Severity::Block && !accepted.contains(one.id))
    }

    /// AD's side is read through an agent, and what flips is to be written back by one.
    fn agents(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        let agents = match ports.entra.agents() {
            Ok(agents) => agents,
            Err(error) => {
                return again(&error, Side::Cloud, &mut self.backoff, now).map(Turn::Wait);
            }
        };
        self.backoff.reset();
        let mut found = agent_version::findings(&agents);
        found.extend(agent_version::of_inbound(&agents, &self.config.evidence));
        self.stage = Stage::NextWave;
        if let Some(finding) = self.blocking(&found) {
            Mark::TransferTenantBlocks.reach();
            let detail = format!("{}{NO_AGENT}", finding.reason);
            self.report.stopped = Some(Failure::new(Class::Rejected, finding.id, detail));
            self.stage = Stage::Ended;
        }
        self.report.findings.extend(found);
        Ok(Turn::Busy)
    }

    fn next_wave(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        let between = self.report.waves > 0 && !self.queue.is_empty();
        if between && !self.config.pause.is_zero() && !core::mem::replace(&mut self.rested, true) {
            Mark::TransferPauses.reach();
            return Ok(Turn::Wait(now + self.config.pause));
        }
        self.rested = false;
        self.in_wave = 0;
        self.criterion.begin_wave();
        while self.unread.len() + self.ready.len() < self.config.wave.max(1) {
            let Some(mailbox) = self.queue.pop_front() else { break };
            match self.known.get(&mailbox) {
                Some(progress @ Progress::Accepted(_)) if self.config.apply => {
                    Mark::TransferResumed.reach();
                    self.ready.push((mailbox, progress.clone(), false));
                }
                // Whether its call was made, a read tells; if not, it is checked and backed up anew.
                _ => self.unread.push_back(mailbox),
            }
        }
        if self.unread.is_empty() && self.ready.is_empty() {
            self.stage = Stage::Ended;
            return Ok(Turn::Done(()));
        }
        self.stage = Stage::Read;
        self.read(now, ports)
    }

    /// Reads the next mailboxes of the wave; when all are read, the flips begin.
    fn read(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        let count = self.unread.len().min(self.portion.most());
        if count == 0 {
            let ready = core::mem::take(&mut self.ready);
            self.in_wave = ready.len() as u64;
            let budget = core::mem::take(&mut self.budget);
            let flip = Flip::new(&self.config.id, true, ready, now).paced(self.config.pace, budget);
            let failed = |id| matches!(self.known.get(&id), Some(Progress::Done(outcome, _)) if outcome.is_bad());
            let flip = flip.under(self.criterion, failed).with(self.config.bugs);
            self.stage = Stage::Flip(Box::new(flip));
            return Ok(Turn::Busy);
        }
        let ids: Vec<MailboxId> = self.unread.iter().take(count).copied().collect();
        let read = ports.exchange.mailbox_rows(&ids, &self.properties);
        let rows = match self.portion.rows(read, &mut self.backoff, now)? {
            Ok(rows) => rows,
            Err(at) => return Ok(Turn::Wait(at)),
        };
        self.unread.drain(..count);
        let mut writes = Vec::with_capacity(2 * count + 1);
        writes.push(version_write());
        for (id, row) in ids.into_iter().zip(rows) {
            match row {
                Ok(row) => self.prepare(id, row, &mut writes, now),
                Err(error) => self.unreadable(id, &error.to_string(), &mut writes),
            }
        }
        if self.config.sides == Sides::Cloud || self.passed.is_empty() {
            let taken = now.to_string();
            for mailbox in core::mem::take(&mut self.passed) {
                self.keep(&mailbox, None, &mut writes, (now, &taken))?;
            }
            self.commit(writes);
        } else {
            let attributes = &self.attributes;
            let pairing =
                self.pairing.get_or_insert_with(|| Pairing::new(attributes.clone(), MATCH_ORDER));
            pairing.start(core::mem::take(&mut self.passed));
            self.stage = Stage::Pair(writes);
        }
        Ok(Turn::Busy)
    }

    fn commit(&mut self, writes: Vec<StoreWrite>) {
        self.stage = if self.config.apply { Stage::Commit(writes) } else { Stage::Read };
    }

    /// AD's side of those that are to flip.
    fn pair(
        &mut self,
        mut writes: Vec<StoreWrite>,
        now: Timestamp,
        ports: &mut Ports<'_>,
    ) -> Result<Turn<()>, Stop> {
        let Some(pairing) = &mut self.pairing else {
            self.commit(writes);
            return Ok(Turn::Busy);
        };
        let turn = pairing.step(now, ports, &mut self.backoff).map_err(|stop| match stop {
            Stop::Failed(mut failure) if failure.code == code::NO_ACTIVE_AGENTS => {
                failure.detail += NO_AGENT;
                Stop::Failed(failure)
            }
            other => other,
        })?;
        let pairs = match turn {
            Turn::Done(pairs) => pairs,
            Turn::Busy => {
                self.stage = Stage::Pair(writes);
                return Ok(Turn::Busy);
            }
            Turn::Wait(at) => {
                self.stage = Stage::Pair(writes);
                return Ok(Turn::Wait(at));
            }
        };
        let taken = now.to_string();
        for Pair { mailbox, object, ambiguous, rival, unread, .. } in pairs {
            if ambiguous || object.is_none() {
                let finding = match (rival, unread) {
                    (_, Some(why)) => readiness::of_unreadable(mailbox.id, &why),
                    (Some(rival), None) => check::shared(mailbox.id, rival),
                    (None, None) => check::unmatched(mailbox.id, ambiguous),
                };
                let blocks = finding.severity == Severity::Block
                    && !self.config.accepted.contains(finding.id);
                let id = finding.id;
                self.report.findings.push(finding);
                if blocks {
                    Mark::TransferBlocked.reach();
                    self.decided(mailbox.id, MailboxOutcome::Blocked, id, &mut writes);
                    continue;
                }
            }
            let object = object.filter(|_| !ambiguous);
            let side = object.map(|object| DirectorySide::of(&object, &self.attributes));
            self.keep(&mailbox, side.as_ref(), &mut writes, (now, &taken))?;
        }
        self.commit(writes);
        Ok(Turn::Busy)
    }

    /// The backup of a mailbox that is to flip; `taken` is the time, and the same as text.
    fn keep(
        &mut self,
        mailbox: &Mailbox,
        directory: Option<&DirectorySide>,
        writes: &mut Vec<StoreWrite>,
        (now, taken): (Timestamp, &str),
    ) -> Result<(), Stop> {
        if !self.config.apply {
            self.report.would_flip += 1;
            return Ok(());
        }
        let line =
            backup::line_of(mailbox, &self.properties, taken, (self.config.sides, directory))
                .map_err(|error| Stop::from(StoreError::Io(error.to_string())))?;
        // What an earlier flip kept is the only copy of what was there then.
        let again = self.known.contains_key(&mailbox.id).then_some(now);
        let key = backup_key(&self.config.id, mailbox.id, again);
        writes.push(StoreWrite { table: Table::Backups, key, value: Some(line) });
        writes.push(Progress::Prepared.write(&self.config.id, mailbox.id));
        self.ready.push((mailbox.id, Progress::Prepared, true));
        Ok(())
    }

    fn decided(
        &mut self,
        id: MailboxId,
        outcome: MailboxOutcome,
        detail: &str,
        writes: &mut Vec<StoreWrite>,
    ) {
        self.report.count(id, outcome, detail);
        self.criterion.count(outcome);
        writes.push(Progress::Done(outcome, detail.to_owned()).write(&self.config.id, id));
    }

    /// A mailbox that alone cannot be read: nothing is tried with it.
    fn unreadable(&mut self, id: MailboxId, why: &str, writes: &mut Vec<StoreWrite>) {
        self.report.findings.push(readiness::of_unreadable(id, why));
        self.decided(id, MailboxOutcome::Blocked, readiness::id::UNREADABLE, writes);
    }

    /// Readiness of one mailbox: what nothing stands against is passed on.
    fn prepare(
        &mut self,
        id: MailboxId,
        row: Option<Mailbox>,
        writes: &mut Vec<StoreWrite>,
        now: Timestamp,
    ) {
        if let (Some(Progress::Done(outcome, detail)), Some(mailbox)) = (self.known.get(&id), &row)
            && outcome.is_change()
        {
            if mailbox.cloud_managed {
                self.report.count(id, *outcome, detail);
                self.report.flipped_before += 1;
                return;
            }
            if !self.config.flips_again {
                // What was decided stays on record: once the flag is back, it is as it was.
                self.report.count(id, MailboxOutcome::Failed, TAKEN_BACK);
                return;
            }
        }
        if let (Some(Progress::Prepared), Some(mailbox)) = (self.known.get(&id), &row)
            && self.config.apply
        {
            Mark::TransferResumed.reach();
            if mailbox.cloud_managed {
                let outcome = (MailboxOutcome::Flipped, "");
                self.records.push(TransferRecord::of_flag(now, &self.config.id, true, id, outcome));
                self.decided(id, MailboxOutcome::Flipped, "", writes);
                self.report.flipped_before += 1;
                return;
            }
        }
        let findings = match &row {
            Some(mailbox) => {
                readiness::of_mailbox(mailbox, &self.config.evidence, self.config.sync_cycle, now)
            }
            None => vec![readiness::of_missing(id)],
        };
        let block = self.blocking(&findings).map(|finding| finding.id);
        if block.is_none() && findings.iter().any(|finding| finding.severity == Severity::Block) {
            Mark::TransferAccepted.reach();
        }
        self.report.findings.extend(findings);
        let done = match (block, &row) {
            (Some(finding), _) => Some((MailboxOutcome::Blocked, finding, Mark::TransferBlocked)),
            (None, None) => {
                Some((MailboxOutcome::Failed, readiness::id::MISSING, Mark::TransferMissing))
            }
            (None, Some(mailbox)) if mailbox.cloud_managed => {
                Some((MailboxOutcome::Already, "", Mark::TransferAlready))
            }
            _ => None,
        };
        if let Some((outcome, detail, mark)) = done {
            mark.reach();
            self.decided(id, outcome, detail, writes);
        } else {
            self.passed.extend(row);
        }
    }

    /// The wave is decided, or so much of it that the criteria are breached; so many are `open`.
    fn end_wave(&mut self, open: u64) {
        self.report.waves += u64::from(self.in_wave > 0);
        self.stage = match self.criterion.breach() {
            Some(why) => {
                Mark::TransferBreach.reach();
                self.report.stopped = Some(breached(why, open));
                Stage::Ended
            }
            None => Stage::NextWave,
        };
    }
}

impl Activity for Transfer {
    type Outcome = TransferReport;

    fn step(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Step<TransferReport> {
        if let Some(at) = self.not_before.filter(|at| now < *at) {
            return Step::WaitUntil(at);
        }
        let turned = self.turn(now, ports);
        step_of(self, turned, |transfer| &mut transfer.not_before)
    }

    fn waits_for(&self) -> Option<String> {
        match &self.stage {
            Stage::NextWave => Some("the pause between two waves".to_owned()),
            Stage::Flip(flip) => Some(flip.waits_for().to_owned()),
            _ => None,
        }
    }

    fn progress(&self) -> Option<String> {
        self.report.progress(self.config.mailboxes.len(), "flipped")
    }
}

impl Accounts for Transfer {
    /// What the report lacks then lies in the state store.
    fn account(&mut self, stopped: Option<Failure>) -> TransferReport {
        if let Stage::Flip(flip) = &mut self.stage {
            self.report.take(flip.decided());
        }
        let paired = self.pairing.as_ref().map_or(0, Pairing::under_way);
        let wave = self.unread.len() + self.passed.len() + self.ready.len();
        self.report.end(self.queue.len() + wave + paired, stopped)
    }

    fn is_told(&self) -> bool {
        match &self.stage {
            Stage::Flip(flip) => flip.is_told(),
            Stage::Commit(_) => self.records.is_empty(),
            _ => true,
        }
    }
}
