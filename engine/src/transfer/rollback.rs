//! Rollback: authority goes back to AD. First comes the list of what will be lost, for every
//! mailbox; only then, and only when asked to, the flags. Between the two may lie hours, so each mailbox is
//! weighed again just before its flag is set.

mod again;
mod taken;

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use hashbrown::{HashMap, HashSet};
use rustc_hash::FxBuildHasher;

use self::again::Again;
use super::backup::{Sides, properties};
use super::budget::{Budget, Pace};
use super::criterion::Criterion;
use super::difference::names_of;
use super::flip::{Flip, Stop, Turn, breached, step_of};
use super::loss::{Loss, attributes, losses, refers, smtp_addresses};
use super::portion::Portion;
use super::readiness;
use super::record::{TransferRecord, hand_out};
use super::report::{MailboxOutcome, TransferReport};
use super::rows::{Progress, prefix, read_on, rollback_of, taken_by};
use super::spelling::Recipients;
use crate::failure::{Failure, code};
use crate::job::MATCH_ORDER;
use crate::journal::rows::version_write;
use crate::marks::Mark;
use crate::pairing::{Pair, Pairing};
use crate::ports::{MailboxId, Name, Ports, StoreWrite};
use crate::step::{Accounts, Activity, Step};
use crate::time::Timestamp;
use crate::writeback::retry::Backoff;

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
    /// How many mailboxes make a wave. The losses of all of them are known before the first.
    pub wave: usize,
    /// How long to wait between two waves.
    pub pause: Duration,
    /// The rollback stops once more mailboxes of a wave than this are refused, without effect or failed;
    /// `None`: never.
    pub most_failures: Option<u64>,
    /// How fast to go.
    pub pace: Pace,
}

impl RollbackConfig {
    /// A rollback of these mailboxes in waves of 500 that sets no flag yet, and takes no value from
    /// anybody.
    #[must_use]
    pub fn new(id: impl Into<String>, mailboxes: Vec<MailboxId>) -> Self {
        Self {
            id: id.into(),
            mailboxes,
            apply: false,
            accept_losses: false,
            wave: 500,
            pause: Duration::ZERO,
            most_failures: None,
            pace: Pace::default(),
        }
    }
}

/// The return of the source of authority to AD.
pub struct Rollback {
    config: RollbackConfig,
    properties: Vec<Name>,
    pairing: Pairing,
    /// Whom names in AD stand for, as far as they were read.
    recipients: Recipients,
    /// Mailboxes whose losses depend on that: they are weighed when everybody was read.
    referring: Vec<Pair>,
    stage: Stage,
    queue: VecDeque<MailboxId>,
    /// What earlier lives did; looked up and never iterated.
    known: HashMap<MailboxId, Progress, FxBuildHasher>,
    ready: VecDeque<(MailboxId, Progress, bool)>,
    wave: Vec<(MailboxId, Progress, bool)>,
    in_wave: u64,
    criterion: Criterion,
    report: TransferReport,
    /// The losses of the report.
    told: BTreeSet<Loss>,
    /// What was kept before flags were set, by this life or earlier ones; looked up and never iterated.
    taken: HashMap<MailboxId, Vec<Loss>, FxBuildHasher>,
    /// Whether every loss is known.
    weighed: bool,
    backoff: Backoff,
    portion: Portion,
    budget: Budget,
    /// What an earlier life did and neither logged nor decided.
    resolved: Vec<MailboxId>,
    not_before: Option<Timestamp>,
}

enum Stage {
    Version,
    Taken(Option<Vec<u8>>),
    Resume(Option<Vec<u8>>),
    Mailboxes,
    Pair,
    NextWave,
    Commit(Vec<StoreWrite>),
    Flip(Box<Flip>),
    /// Those that are about to be set are weighed again.
    Again(Box<Again>),
}

impl Rollback {
    /// A rollback that will find out with its first steps how far it was.
    #[must_use]
    pub fn new(mut config: RollbackConfig) -> Self {
        let queue = config.mailboxes.iter().copied().collect();
        config.id = rollback_of(&config.id);
        Self {
            properties: properties(Sides::Both),
            pairing: Pairing::new(with_name(), MATCH_ORDER),
            recipients: Recipients::default(),
            referring: Vec::new(),
            stage: Stage::Version,
            queue,
            known: HashMap::default(),
            ready: VecDeque::new(),
            wave: Vec::new(),
            in_wave: 0,
            criterion: Criterion::new(config.most_failures, None),
            report: TransferReport::default(),
            told: BTreeSet::new(),
            taken: HashMap::default(),
            weighed: false,
            backoff: Backoff::jittered(config.pace.jitter),
            portion: Portion::default(),
            budget: Budget::new(config.pace),
            resolved: Vec::new(),
            config,
            not_before: None,
        }
    }

    /// What is known so far: the losses before any flag is set.
    #[must_use]
    pub const fn report(&self) -> &TransferReport {
        &self.report
    }

    /// Whether the losses of all mailboxes are known: no flag is set before. What is edited later is told before
    /// the flag of its own mailbox is set.
    #[must_use]
    pub const fn is_weighed(&self) -> bool {
        self.weighed
    }

    fn turn(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        match &mut self.stage {
            Stage::Version => {
                self.budget.open(ports.store, now)?;
                self.stage = Stage::Taken(Some(prefix(&taken_by(&self.config.id))));
            }
            Stage::Taken(after) => {
                let after = after.take();
                self.read_taken(after.as_deref(), ports)?;
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
            Stage::NextWave => return Ok(self.next_wave()),
            Stage::Commit(_) if !self.resolved.is_empty() => {
                let outcome = (MailboxOutcome::Flipped, "");
                let of = |id| TransferRecord::of_flag(now, &self.config.id, false, id, outcome);
                let records: Vec<TransferRecord> = self.resolved.iter().copied().map(of).collect();
                if let Some(at) = hand_out(&records, ports, &mut self.backoff, now)? {
                    return Ok(Turn::Wait(at));
                }
                self.resolved.clear();
            }
            Stage::Commit(writes) => {
                ports.store.commit(core::mem::take(writes))?;
                let (wave, budget) =
                    (core::mem::take(&mut self.wave), core::mem::take(&mut self.budget));
                self.in_wave = wave.len() as u64;
                let failed = |id| matches!(self.known.get(&id), Some(Progress::Done(outcome, _)) if outcome.is_bad());
                let flip = Flip::new(&self.config.id, false, wave, now);
                let flip = flip.paced(self.config.pace, budget).under(self.criterion, failed);
                let flip = flip.asking();
                self.stage = Stage::Flip(Box::new(flip));
            }
            Stage::Again(_) => return self.weigh_again(now, ports),
            Stage::Flip(flip) => match flip.step(now, ports)? {
                Turn::Busy => self.ask(now),
                Turn::Wait(at) => return Ok(Turn::Wait(at)),
                Turn::Done(decided) => {
                    self.budget = flip.take_budget();
                    self.criterion = flip.criterion();
                    let open = decided.open();
                    self.report.take(decided);
                    return Ok(self.end_wave(open, now));
                }
            },
        }
        Ok(Turn::Busy)
    }

    fn resume(&mut self, after: Option<&[u8]>, ports: &mut Ports<'_>) -> Result<(), Stop> {
        if let Some(last) = read_on(&self.config.id, after, ports.store, &mut self.known)? {
            self.stage = Stage::Resume(Some(last));
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
                Some(progress @ Progress::Accepted(_)) if self.config.apply => {
                    Mark::TransferResumed.reach();
                    self.ready.push_back((mailbox, progress.clone(), false));
                    self.tell_taken(mailbox);
                }
                // Whether its call was made, a read tells; if not, it is weighed anew.
                _ => queue.push_back(mailbox),
            }
        }
        self.queue = queue;
        self.stage = Stage::Mailboxes;
        Ok(())
    }

    fn read_mailboxes(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        let ids: Vec<MailboxId> = self.queue.iter().take(self.portion.most()).copied().collect();
        if ids.is_empty() {
            return Ok(self.start_flips());
        }
        let read = ports.exchange.mailbox_rows(&ids, &self.properties);
        let rows = match self.portion.rows(read, &mut self.backoff, now)? {
            Ok(rows) => rows,
            Err(at) => return Ok(Turn::Wait(at)),
        };
        self.queue.drain(..ids.len());
        let mut batch = Vec::new();
        for (id, row) in ids.into_iter().zip(rows) {
            match row {
                Err(error) => {
                    self.report.findings.push(readiness::of_unreadable(id, &error.to_string()));
                    self.report.count(id, MailboxOutcome::Blocked, readiness::id::UNREADABLE);
                }
                Ok(None) => {
                    Mark::TransferMissing.reach();
                    self.report.findings.push(readiness::of_missing(id));
                    let detail = readiness::id::MISSING;
                    self.report.count(id, MailboxOutcome::Failed, detail);
                }
                Ok(Some(mailbox)) if !mailbox.cloud_managed => self.went_back(id),
                Ok(Some(mailbox)) => batch.push(mailbox),
            }
        }
        self.stage = if batch.is_empty() { Stage::Mailboxes } else { Stage::Pair };
        self.pairing.start(batch);
        Ok(Turn::Busy)
    }

    /// A mailbox that went back before: by an earlier life, or without this rollback.
    fn went_back(&mut self, id: MailboxId) {
        self.tell_taken(id);
        match self.known.get(&id) {
            Some(Progress::Done(outcome, detail)) if outcome.is_change() => {
                self.report.count(id, *outcome, detail);
                self.report.flipped_before += 1;
            }
            Some(Progress::Prepared) if self.config.apply => {
                Mark::TransferResumed.reach();
                self.resolved.push(id);
                self.report.count(id, MailboxOutcome::Flipped, "");
                self.report.flipped_before += 1;
            }
            _ => {
                Mark::TransferAlready.reach();
                self.report.count(id, MailboxOutcome::Already, "");
            }
        }
    }

    /// What each mailbox of the batch would lose.
    fn weigh(&mut self, pairs: Vec<Pair>) {
        for pair in pairs {
            if let Some(why) = self.cannot_weigh(&pair) {
                self.report.count(pair.mailbox.id, MailboxOutcome::Blocked, why);
                continue;
            }
            let held = pair.object.as_ref().map_or(0, smtp_addresses);
            self.report.findings.extend(readiness::of_addresses(pair.mailbox.id, held));
            if let Some(object) = &pair.object
                && let Some(dn) = object.values.column(object.values.len() - 1).first()
            {
                let dn = String::from_utf8_lossy(dn);
                let names = names_of(&pair.mailbox, &self.properties, &dn);
                self.recipients.add(&dn, names);
            }
            if refers(&pair.mailbox, &self.properties, pair.object.as_ref()) {
                self.referring.push(pair);
            } else {
                self.weigh_one(&pair);
            }
        }
    }

    /// Why nobody can say what a mailbox would lose.
    fn cannot_weigh(&mut self, pair: &Pair) -> Option<&'static str> {
        if let Some(why) = &pair.unread {
            self.report.findings.push(readiness::of_unreadable(pair.mailbox.id, why));
            return Some(readiness::id::UNREADABLE);
        }
        pair.ambiguous.then(|| {
            Mark::RollbackAmbiguous.reach();
            code::DUPLICATE_ENTRIES
        })
    }

    fn weigh_one(&mut self, pair: &Pair) {
        let id = pair.mailbox.id;
        match self.losses_of(pair) {
            Ok(_) => self.ready.push_back((id, Progress::Prepared, true)),
            Err(detail) => self.report.count(id, MailboxOutcome::Blocked, &detail),
        }
    }

    /// Tells what a mailbox would lose; an error where that blocks it.
    fn losses_of(&mut self, pair: &Pair) -> Result<Vec<Loss>, String> {
        let object = pair.object.as_ref();
        let lost = losses(&pair.mailbox, &self.properties, object, &self.recipients);
        if lost.is_empty() { Mark::RollbackClean } else { Mark::RollbackLoses }.reach();
        let blocks = (!lost.is_empty() && !self.config.accept_losses).then(|| in_words(&lost));
        self.tell(&lost);
        blocks.map_or(Ok(lost), Err)
    }

    fn tell(&mut self, lost: &[Loss]) {
        for loss in lost {
            if self.told.insert(loss.clone()) {
                self.report.losses.push(loss.clone());
            }
        }
    }

    /// Every loss is known: the flags may follow.
    fn start_flips(&mut self) -> Turn<()> {
        for pair in core::mem::take(&mut self.referring) {
            self.weigh_one(&pair);
        }
        self.weighed = true;
        if !self.config.apply {
            return Turn::Done(());
        }
        self.next_wave()
    }

    fn next_wave(&mut self) -> Turn<()> {
        let count = self.ready.len().min(self.config.wave.max(1));
        if count == 0 && self.resolved.is_empty() {
            return Turn::Done(());
        }
        self.criterion.begin_wave();
        self.wave = self.ready.drain(..count).collect();
        let fresh = self.wave.iter().filter(|(_, _, fresh)| *fresh);
        let mut writes: Vec<StoreWrite> = vec![version_write()];
        writes.extend(fresh.map(|(id, progress, _)| progress.write(&self.config.id, *id)));
        let done = Progress::Done(MailboxOutcome::Flipped, String::new());
        writes.extend(self.resolved.iter().map(|id| done.write(&self.config.id, *id)));
        self.stage = Stage::Commit(writes);
        Turn::Busy
    }

    fn end_wave(&mut self, open: u64, now: Timestamp) -> Turn<()> {
        self.report.waves += u64::from(self.in_wave > 0);
        if let Some(why) = self.criterion.breach() {
            Mark::TransferBreach.reach();
            self.report.stopped = Some(breached(why, open));
            return Turn::Done(());
        }
        self.stage = Stage::NextWave;
        if self.ready.is_empty() || self.config.pause.is_zero() {
            return Turn::Busy;
        }
        Mark::TransferPauses.reach();
        Turn::Wait(now + self.config.pause)
    }
}

fn in_words(lost: &[Loss]) -> String {
    let unsure = lost.iter().filter(|loss| loss.unsure.is_some()).count();
    match lost.len() - unsure {
        0 => format!("{unsure} values may be lost"),
        sure if unsure == 0 => format!("{sure} values would be lost"),
        sure => format!("{sure} values would be lost, {unsure} more may be"),
    }
}

/// What to read of an object: what the losses are found by, and its name at the end.
fn with_name() -> Vec<Name> {
    let mut names = attributes();
    names.push(Name::Borrowed("distinguishedName"));
    names
}

impl Activity for Rollback {
    type Outcome = TransferReport;

    fn step(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Step<TransferReport> {
        if let Some(at) = self.not_before.filter(|at| now < *at) {
            return Step::WaitUntil(at);
        }
        let turned = self.turn(now, ports);
        step_of(self, turned, |rollback| &mut rollback.not_before)
    }

    fn waits_for(&self) -> Option<String> {
        self.flip().map(|flip| flip.waits_for().to_owned())
    }

    fn progress(&self) -> Option<String> {
        let all = self.config.mailboxes.len();
        if !self.weighed {
            let open = self.queue.len() + self.pairing.under_way();
            let weighed = all.saturating_sub(open);
            return (weighed > 0).then(|| format!("{weighed} of {all} mailboxes weighed"));
        }
        self.report.progress(all, "rolled back")
    }
}

impl Rollback {
    /// The flags of the wave under way.
    const fn flip(&self) -> Option<&Flip> {
        match &self.stage {
            Stage::Flip(flip) => Some(flip),
            Stage::Again(again) => Some(again.flip()),
            _ => None,
        }
    }
}

impl Accounts for Rollback {
    fn account(&mut self, stopped: Option<Failure>) -> TransferReport {
        let mut to_come = self.queue.len() + self.referring.len() + self.wave.len();
        match core::mem::replace(&mut self.stage, Stage::NextWave) {
            Stage::Flip(mut flip) => self.report.take(flip.decided()),
            Stage::Again(again) => self.report.take(again.into_flip().decided()),
            Stage::Pair => to_come += self.pairing.under_way(),
            _ => {}
        }
        if self.config.apply {
            to_come += self.ready.len();
        } else {
            self.report.would_flip = self.ready.len() as u64;
        }
        self.report.end(to_come, stopped)
    }

    fn is_told(&self) -> bool {
        self.flip().is_none_or(Flip::is_told)
    }
}
