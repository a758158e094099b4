//! Reconciliation: compares every mailbox in scope with its AD object, says what differs and why, and
//! writes it only when told to. A separate, explicit operation: cycles look at what changed in the
//! cloud and never at AD for its own sake, so a local change of AD stays until somebody reconciles.
//!
//! Whom the job leaves alone ([`Left`]) is left alone here too. What is written is logged as the job logs it; and
//! as that log knows no beginning, and no other life of this process looks for what it had sent, a record says
//! first what is about to be written, and another how it ended ([`TransferRecord`](crate::transfer::TransferRecord)).

mod cause;
mod correction;

use std::collections::BTreeMap;

pub use cause::Cause;
use correction::{Correction, Ended};

use crate::change::{ModifiedProperty, ShownValues};
use crate::failure::{Failure, Side, code};
use crate::job::JobConfiguration;
use crate::journal::rows::{EscrowRow, Link, mailbox_of_key};
use crate::pairing::{Pair, Pairing};
use crate::planted_bugs::PlantedBugs;
use crate::ports::{
    CallError, DirectoryObject, MailboxId, Modification, Name, ObjectGuid, PageToken, Ports, Table,
    User, WriteOutcome,
};
use crate::step::{Accounts, Activity, Step};
use crate::time::Timestamp;
use crate::transfer::earlier::Earlier;
use crate::transfer::flip::{Stop, Turn, again, step_of};
use crate::transfer::record::hand_out;
use crate::writeback::MappingPlan;
use crate::writeback::diff::{diff, kept};
use crate::writeback::left::Left;
use crate::writeback::map::Scope;
use crate::writeback::retry::Backoff;

/// How often a listing may start over because its page tokens expired.
const LISTINGS: u32 = 5;
/// Rows read with one call of the state store.
const ROWS: usize = 5_000;

/// What a reconciliation is to do.
#[derive(Debug, Clone)]
pub struct ReconcileConfig {
    /// The job whose mapping and scope count.
    pub job: JobConfiguration,
    /// The AD domain that the job is responsible for.
    pub domain: String,
    /// Whether to write what differs.
    pub apply: bool,
}

/// One attribute that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// Its AD object.
    pub object: ObjectGuid,
    /// The attribute.
    pub attribute: Name,
    /// What AD holds.
    pub directory: ShownValues,
    /// What the mapping says of the cloud.
    pub cloud: ShownValues,
    /// Why, probably.
    pub cause: Cause,
    /// It was corrected, as a read showed.
    pub corrected: bool,
}

/// A mailbox that could not be compared or corrected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreconciled {
    /// The mailbox; `None` where a row of the listing does not even say whose it is.
    pub mailbox: Option<MailboxId>,
    /// Why.
    pub reason: String,
}

/// What a reconciliation came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReconcileReport {
    /// Mailboxes that were read.
    pub read: u64,
    /// Mailboxes that were compared.
    pub compared: u64,
    /// Mailboxes that were not compared as the job leaves them alone.
    pub left_alone: u64,
    /// Everything that differs, in the order of the listing.
    pub drift: Vec<Drift>,
    /// Objects that a read showed corrected.
    pub corrected: u64,
    /// Objects whose correction AD took, or may have taken, and that could not be read afterwards.
    pub unverified: u64,
    /// Mailboxes that could not be compared or corrected.
    pub problems: Vec<Unreconciled>,
    /// Why the whole activity ended before its time.
    pub stopped: Option<Failure>,
}

impl Drift {
    /// What to do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match (self.corrected, &self.cause) {
            (true, Cause::ChangedInDirectory) => {
                "Find who writes to AD and lead them to Exchange Online, or it comes again."
            }
            (true, _) => "Nothing is left to do.",
            (false, cause) => cause.remedy(),
        }
    }
}

impl ReconcileReport {
    /// How many differences a correction would take away, and how many stay.
    #[must_use]
    pub fn differences(&self) -> (u64, u64) {
        let stay = self.drift.iter().filter(|drift| drift.cause == Cause::OnlyInDirectory).count();
        ((self.drift.len() - stay) as u64, stay as u64)
    }
}

/// The reconciliation.
pub struct Reconcile {
    config: ReconcileConfig,
    plan: MappingPlan,
    pairing: Pairing,
    page: Option<PageToken>,
    last_page: bool,
    listings: u32,
    /// What the job remembers: which mailbox has which object, and the reverse; who failed.
    links: BTreeMap<MailboxId, Link>,
    owners: BTreeMap<ObjectGuid, MailboxId>,
    escrow: BTreeMap<MailboxId, EscrowRow>,
    /// Mailboxes that have their place in the job, or would enter it; and how many have one.
    taken: u64,
    places: u64,
    /// What is to be written.
    open: Vec<Correction>,
    /// What earlier calls were about to write, and what a comparison shows of it to be there.
    earlier: Earlier,
    found: Vec<Correction>,
    /// What was answered to the first of them, and when they were sent.
    answers: Vec<WriteOutcome>,
    sent_at: Timestamp,
    stage: Stage,
    report: ReconcileReport,
    backoff: Backoff,
    not_before: Option<Timestamp>,
}

enum Stage {
    Links(Option<Vec<u8>>),
    Escrow(Option<Vec<u8>>),
    List,
    Pair,
    Write,
    Verify,
    /// How corrections ended is to be logged; then it goes on, or ends for this reason.
    Log(Ended, Option<Failure>),
}

impl Reconcile {
    /// A reconciliation by the mapping of this job.
    #[must_use]
    pub fn new(config: ReconcileConfig) -> Self {
        let plan = MappingPlan::new(&config.job, PlantedBugs::none());
        Self {
            pairing: Pairing::new(plan.read().to_vec(), config.job.switches.match_order),
            config,
            plan,
            page: None,
            last_page: false,
            listings: 1,
            links: BTreeMap::new(),
            owners: BTreeMap::new(),
            escrow: BTreeMap::new(),
            taken: 0,
            places: 0,
            open: Vec::new(),
            earlier: Earlier::default(),
            found: Vec::new(),
            answers: Vec::new(),
            sent_at: Timestamp::EPOCH,
            stage: Stage::Links(None),
            report: ReconcileReport::default(),
            backoff: Backoff::default(),
            not_before: None,
        }
    }

    /// The same with waits that are longer by chance ([`Backoff::jittered`]).
    #[must_use]
    pub const fn jittered(mut self, jitter: u64) -> Self {
        self.backoff = Backoff::jittered(jitter);
        self
    }

    /// The same where a log says of these mailboxes what was about to be written, and not how that ended, as the
    /// process died: where AD holds these values now, that is told in both logs.
    #[must_use]
    pub fn completing(mut self, begun: BTreeMap<MailboxId, Vec<ModifiedProperty>>) -> Self {
        self.earlier = Earlier::new(begun);
        self
    }

    fn turn(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        match &mut self.stage {
            Stage::Links(after) => {
                let rows = ports.store.scan(Table::Links, after.as_deref(), ROWS)?;
                self.stage = match rows.last().filter(|_| rows.len() >= ROWS) {
                    Some((key, _)) => Stage::Links(Some(key.clone())),
                    None => Stage::Escrow(None),
                };
                for (key, row) in rows {
                    let (mailbox, link) = (mailbox_of_key(&key)?, Link::decode(&row)?);
                    self.owners.entry(link.object).or_insert(mailbox);
                    self.links.insert(mailbox, link);
                }
            }
            Stage::Escrow(after) => {
                let rows = ports.store.scan(Table::Escrow, after.as_deref(), ROWS)?;
                self.stage = match rows.last().filter(|_| rows.len() >= ROWS) {
                    Some((key, _)) => Stage::Escrow(Some(key.clone())),
                    None => Stage::List,
                };
                for (key, row) in rows {
                    self.escrow.insert(mailbox_of_key(&key)?, EscrowRow::decode(&row)?);
                }
                if matches!(self.stage, Stage::List) {
                    let linked = self.links.values().filter(|link| !link.rests).count();
                    let waiting = self.escrow.values().filter(|row| !row.linked).count();
                    self.places = (linked + waiting) as u64;
                    self.taken = self.places;
                }
            }
            Stage::List if self.last_page => return Ok(Turn::Done(())),
            Stage::List => return self.list(now, ports),
            Stage::Pair => match self.pairing.step(now, ports, &mut self.backoff)? {
                Turn::Busy => {}
                Turn::Wait(at) => return Ok(Turn::Wait(at)),
                Turn::Done(pairs) => {
                    pairs.into_iter().for_each(|pair| self.compare(pair));
                    self.stage = if self.config.apply { Stage::Write } else { Stage::List };
                }
            },
            Stage::Write => return self.write(now, ports),
            Stage::Verify => return self.verify(now, ports),
            Stage::Log(ended, _) if !ended.entries.is_empty() => {
                match ports.job.log(ended.entries.clone()) {
                    Ok(()) => {
                        self.backoff.reset();
                        ended.entries.clear();
                    }
                    Err(error) => {
                        return again(&error, Side::Cloud, &mut self.backoff, now).map(Turn::Wait);
                    }
                }
            }
            Stage::Log(ended, end) => {
                if let Some(at) = hand_out(&ended.records, ports, &mut self.backoff, now)? {
                    return Ok(Turn::Wait(at));
                }
                if let Some(failure) = end.take() {
                    return Err(Stop::Failed(failure));
                }
                self.stage = Stage::Write;
            }
        }
        Ok(Turn::Busy)
    }

    fn list(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        let properties = self.plan.properties();
        let page = ports.exchange.mailboxes_changed(None, self.page.as_ref(), properties);
        let page = match page {
            Ok(page) => page,
            Err(CallError::PageExpired) if self.listings < LISTINGS => {
                // From the start: what was found so far would be found again.
                self.listings += 1;
                self.page = None;
                self.taken = self.places;
                let ReconcileReport { corrected, unverified, .. } = self.report;
                self.report = ReconcileReport { corrected, unverified, ..Default::default() };
                return Ok(Turn::Busy);
            }
            Err(error) => {
                return again(&error, Side::Cloud, &mut self.backoff, now).map(Turn::Wait);
            }
        };
        self.backoff.reset();
        self.report.read += (page.rows.len() + page.unread.len()) as u64;
        self.report.problems.extend(page.unread.into_iter().map(|row| Unreconciled {
            mailbox: row.id,
            reason: format!("the mailbox cannot be read: {}", row.error),
        }));
        self.last_page = page.next.is_none();
        self.page = page.next;
        let plan = &self.plan;
        self.pairing.start(page.rows.into_iter().filter(|row| plan.scope(row) == Scope::In));
        self.stage = Stage::Pair;
        Ok(Turn::Busy)
    }

    /// Why the job would not write this mailbox to this object.
    fn left(
        &mut self,
        id: MailboxId,
        user: Option<&User>,
        object: &DirectoryObject,
    ) -> Option<Left> {
        let switches = &self.config.job.switches;
        let link = self.links.get(&id);
        let is_linked = link.is_some();
        // One at rest has lost its place.
        let enters = link.is_none_or(|link| link.rests) && !self.escrow.contains_key(&id);
        let of_first_time = || Left::of_first_time(switches).filter(|_| enters && !is_linked);
        let of_user = || user.and_then(|user| Left::of_user(user, &self.config.domain));
        let left = of_first_time()
            .or_else(|| of_user().filter(|_| !is_linked))
            .or_else(|| Left::of_object(&self.plan, object));
        if left.is_some() || !enters {
            return left;
        }
        let left = Left::of_limit(switches, self.taken >= switches.mailbox_limit);
        self.taken += u64::from(left.is_none());
        left
    }

    /// Whether the job has another object for this mailbox, or another mailbox for this object.
    fn contested(&self, id: MailboxId, object: ObjectGuid) -> Option<String> {
        let linked = self.links.get(&id).map(|link| link.object);
        if let Some(other) = linked.filter(|other| *other != object) {
            return Some(format!(
                "its anchors lead to the object {object}, and the job has it linked to {other}: a cycle decides"
            ));
        }
        let owner = self.owners.get(&object).filter(|owner| **owner != id)?;
        Some(format!(
            "{}: its object in Active Directory belongs to mailbox {owner}, which is written to it",
            code::DUPLICATE_ENTRIES
        ))
    }

    fn compare(&mut self, mut pair: Pair) {
        let (id, user) = (pair.mailbox.id, pair.user.take());
        let (mailbox, object) = match pair.sole() {
            Ok(both) => both,
            Err((_, reason)) => return self.problem(id, reason),
        };
        if let Some(reason) = self.contested(id, object.guid) {
            return self.problem(id, reason);
        }
        if self.left(id, user.as_ref(), &object).is_some() {
            self.report.left_alone += 1;
            return;
        }
        self.report.compared += 1;
        let drift = |attribute, directory, cloud, cause| Drift {
            mailbox: id,
            object: object.guid,
            attribute,
            directory,
            cloud,
            cause,
            corrected: false,
        };
        let kept = kept(&self.plan, &mailbox, &object).into_iter();
        let only = Cause::OnlyInDirectory;
        let kept = kept.map(|(name, held)| drift(name, held, ShownValues::default(), only.clone()));
        self.report.drift.extend(kept);
        let difference = diff(&self.plan, &mailbox, &object);
        if self.config.apply {
            let intended = &difference.intended;
            let lacks = |name: &Name| intended.iter().any(|one| one.property.attribute == *name);
            let modified = self.earlier.made(id, lacks);
            if !modified.is_empty() {
                let modify = Modification { object: object.guid, changes: Vec::new() };
                let mailbox = mailbox.clone();
                self.found.push(Correction { mailbox, modify, modified, drift: 0..0, begun: true });
            }
        }
        if difference.changes.is_empty() {
            return;
        }
        let exported = self.links.get(&id).map(|link| link.exported);
        let failed = self.escrow.get(&id).map(|row| row.code.as_str());
        let cause = Cause::of(failed, exported, self.plan.digest(&mailbox));
        let modified: Vec<ModifiedProperty> =
            difference.intended.into_iter().map(|change| change.property).collect();
        let first = self.report.drift.len();
        self.report.drift.extend(
            modified.iter().cloned().map(|property| {
                drift(property.attribute, property.old, property.new, cause.clone())
            }),
        );
        if self.config.apply {
            let modify = Modification { object: object.guid, changes: difference.changes };
            let drift = first..self.report.drift.len();
            self.open.push(Correction { mailbox, modify, modified, drift, begun: false });
        }
    }

    fn problem(&mut self, mailbox: MailboxId, reason: String) {
        self.report.problems.push(Unreconciled { mailbox: Some(mailbox), reason });
    }
}

impl Activity for Reconcile {
    type Outcome = ReconcileReport;

    fn step(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Step<ReconcileReport> {
        if let Some(at) = self.not_before.filter(|at| now < *at) {
            return Step::WaitUntil(at);
        }
        let turned = self.turn(now, ports);
        step_of(self, turned, |reconcile| &mut reconcile.not_before)
    }

    fn progress(&self) -> Option<String> {
        let ReconcileReport { read, compared, corrected, .. } = &self.report;
        (*read > 0)
            .then(|| format!("{read} mailboxes read, {compared} compared, {corrected} corrected"))
    }
}

impl Accounts for Reconcile {
    fn account(&mut self, stopped: Option<Failure>) -> ReconcileReport {
        // What was sent and not read yet: the records say no more of it than that it was begun.
        self.unread(self.sent_at);
        self.report.stopped = stopped;
        core::mem::take(&mut self.report)
    }

    fn is_told(&self) -> bool {
        !matches!(self.stage, Stage::Verify | Stage::Log(..))
    }
}

#[cfg(test)]
mod tests;
