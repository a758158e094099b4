//! Reconciliation: compares every mailbox in scope with its AD object, says what differs and why, and
//! writes it only when told to. A separate, explicit operation: cycles look at what changed in the
//! cloud and never at AD for its own sake, so a local change of AD stays until somebody reconciles.

mod cause;

use std::collections::BTreeMap;

pub use cause::Cause;

use crate::failure::{Failure, Side};
use crate::job::JobConfiguration;
use crate::journal::rows::{EscrowRow, Link, mailbox_key};
use crate::pairing::{Pair, Pairing};
use crate::planted_bugs::PlantedBugs;
use crate::ports::{
    CallError, DirectoryObject, MODIFY_BATCH, Mailbox, MailboxId, Modification, Name, ObjectGuid,
    PageToken, Ports, Table,
};
use crate::step::{Activity, Step};
use crate::time::Timestamp;
use crate::transfer::flip::{Stop, Turn, again, step_of};
use crate::writeback::MappingPlan;
use crate::writeback::diff::diff;
use crate::writeback::map::Scope;
use crate::writeback::retry::Backoff;

/// How often a listing may start over because its page tokens expired.
const LISTINGS: u32 = 5;

/// What a reconciliation is to do.
#[derive(Debug, Clone)]
pub struct ReconcileConfig {
    /// The job whose mapping and scope count.
    pub job: JobConfiguration,
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
    /// What AD holds, values joined by `; `.
    pub directory: String,
    /// What the mapping says of the cloud.
    pub cloud: String,
    /// Why, probably.
    pub cause: Cause,
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
    /// Everything that differs, in the order of the listing.
    pub drift: Vec<Drift>,
    /// Objects that a read showed corrected.
    pub corrected: u64,
    /// Mailboxes that could not be compared or corrected.
    pub problems: Vec<Unreconciled>,
    /// Why the whole activity ended before its time.
    pub stopped: Option<Failure>,
}

/// The reconciliation.
pub struct Reconcile {
    config: ReconcileConfig,
    plan: MappingPlan,
    pairing: Pairing,
    page: Option<PageToken>,
    last_page: bool,
    listings: u32,
    pairs: Vec<Pair>,
    links: BTreeMap<MailboxId, Link>,
    /// What is to be written: the mailbox, and its modify.
    open: Vec<(Mailbox, Modification)>,
    stage: Stage,
    report: ReconcileReport,
    backoff: Backoff,
    not_before: Option<Timestamp>,
}

#[derive(Clone, Copy)]
enum Stage {
    List,
    Pair,
    Links,
    Escrow,
    Write,
    Verify,
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
            pairs: Vec::new(),
            links: BTreeMap::new(),
            open: Vec::new(),
            stage: Stage::List,
            report: ReconcileReport::default(),
            backoff: Backoff::default(),
            not_before: None,
        }
    }

    fn turn(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        match self.stage {
            Stage::List if self.last_page => return Ok(Turn::Done(())),
            Stage::List => return self.list(now, ports),
            Stage::Pair => match self.pairing.step(now, ports, &mut self.backoff)? {
                Turn::Busy => {}
                Turn::Wait(at) => return Ok(Turn::Wait(at)),
                Turn::Done(pairs) => {
                    self.pairs = pairs;
                    self.stage = Stage::Links;
                }
            },
            Stage::Links => {
                let rows = self.rows(Table::Links, ports)?;
                for (id, row) in rows {
                    self.links.insert(id, Link::decode(&row)?);
                }
                self.stage = Stage::Escrow;
            }
            Stage::Escrow => {
                let mut failed = BTreeMap::new();
                for (id, row) in self.rows(Table::Escrow, ports)? {
                    failed.insert(id, EscrowRow::decode(&row)?.code);
                }
                self.compare(&failed);
                self.stage = if self.config.apply { Stage::Write } else { Stage::List };
            }
            Stage::Write => return self.write(now, ports),
            Stage::Verify => return self.verify(now, ports),
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
                self.report =
                    ReconcileReport { corrected: self.report.corrected, ..Default::default() };
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

    fn rows(&self, table: Table, ports: &mut Ports<'_>) -> Result<Vec<(MailboxId, Vec<u8>)>, Stop> {
        let ids: Vec<MailboxId> = self.pairs.iter().map(|pair| pair.mailbox.id).collect();
        let keys: Vec<Vec<u8>> = ids.iter().map(|id| mailbox_key(*id)).collect();
        let rows = ports.store.get(table, &keys)?;
        Ok(ids.into_iter().zip(rows).filter_map(|(id, row)| Some((id, row?))).collect())
    }

    fn compare(&mut self, failed: &BTreeMap<MailboxId, String>) {
        let links = core::mem::take(&mut self.links);
        for pair in core::mem::take(&mut self.pairs) {
            let id = pair.mailbox.id;
            let (mailbox, object) = match pair.sole() {
                Ok(both) => both,
                Err((_, reason)) => {
                    self.report.problems.push(Unreconciled { mailbox: Some(id), reason });
                    continue;
                }
            };
            if !self.plan.covers(&object) {
                continue;
            }
            self.report.compared += 1;
            let difference = diff(&self.plan, &mailbox, &object);
            if difference.changes.is_empty() {
                continue;
            }
            let exported = links.get(&id).map(|link| link.exported);
            let cause = Cause::of(
                failed.get(&id).map(String::as_str),
                exported,
                self.plan.digest(&mailbox),
            );
            for change in difference.intended {
                self.report.drift.push(Drift {
                    mailbox: id,
                    object: object.guid,
                    attribute: change.property.attribute,
                    directory: change.property.old,
                    cloud: change.property.new,
                    cause: cause.clone(),
                });
            }
            let modification = Modification { object: object.guid, changes: difference.changes };
            self.open.push((mailbox, modification));
        }
        if !self.config.apply {
            self.open.clear();
        }
    }

    /// Sends what is open, as much as goes into one call.
    fn write(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        let batch: Vec<Modification> =
            self.open.iter().take(MODIFY_BATCH).map(|(_, modify)| modify.clone()).collect();
        if batch.is_empty() {
            self.stage = Stage::List;
            return Ok(Turn::Busy);
        }
        let Some(agent) = self.pairing.agent() else { return Err(nobody()) };
        match ports.directory.modify(agent, &batch) {
            // Whatever was answered or lost: the read that follows tells.
            Ok(_) | Err(CallError::Unreachable { .. } | CallError::TimedOut { .. }) => {
                self.backoff.reset();
                self.stage = Stage::Verify;
                Ok(Turn::Busy)
            }
            Err(error) => again(&error, Side::Agent, &mut self.backoff, now).map(Turn::Wait),
        }
    }

    fn verify(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        let count = self.open.len().min(MODIFY_BATCH);
        let guids: Vec<ObjectGuid> =
            self.open[..count].iter().map(|(_, modify)| modify.object).collect();
        let Some(agent) = self.pairing.agent() else { return Err(nobody()) };
        let found = ports.directory.read(agent, &guids, self.plan.read());
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                return again(&error, Side::Agent, &mut self.backoff, now).map(Turn::Wait);
            }
        };
        self.backoff.reset();
        let whole = found.into_iter().filter(|object| object.broken.is_none());
        let found: BTreeMap<ObjectGuid, DirectoryObject> =
            whole.map(|object| (object.guid, object)).collect();
        for (mailbox, modify) in self.open.drain(..count) {
            let object = found.get(&modify.object);
            if object.is_some_and(|object| diff(&self.plan, &mailbox, object).changes.is_empty()) {
                self.report.corrected += 1;
            } else {
                let reason = "AD did not take the values; a cycle or the log says why".to_owned();
                self.report.problems.push(Unreconciled { mailbox: Some(mailbox.id), reason });
            }
        }
        self.stage = Stage::Write;
        Ok(Turn::Busy)
    }
}

fn nobody() -> Stop {
    let detail = "no agent answers".to_owned();
    Stop::Failed(Failure::new(
        crate::failure::Class::Transient,
        crate::failure::code::NO_ACTIVE_AGENTS,
        detail,
    ))
}

impl Activity for Reconcile {
    type Outcome = ReconcileReport;

    fn step(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Step<ReconcileReport> {
        if let Some(at) = self.not_before.filter(|at| now < *at) {
            return Step::WaitUntil(at);
        }
        let turned = self.turn(now, ports);
        step_of(turned, &mut self.not_before, &mut self.report, |report| &mut report.stopped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::code;
    use crate::test_world::{Shared, World, configuration, id, object_guid};
    use std::time::Duration;

    fn reconcile(world: &Shared, apply: bool) -> ReconcileReport {
        let config = ReconcileConfig { job: configuration(), apply };
        world.run_for(&mut Reconcile::new(config), Duration::from_hours(1)).unwrap()
    }

    fn settled(count: u16) -> Shared {
        let world = World::with(count);
        let mut job = world.job();
        world.run_for(&mut job, Duration::from_mins(1));
        world
    }

    fn drift(world: &Shared, number: u16) {
        let mut world = world.0.borrow_mut();
        let values = &mut world.objects.get_mut(&object_guid(number)).unwrap().values;
        values.insert("extensionAttribute2".into(), vec![b"local".to_vec()]);
    }

    #[test]
    fn equal_sides_have_no_drift() {
        let report = reconcile(&settled(5), true);
        assert_eq!((report.read, report.compared, report.corrected), (5, 5, 0));
        assert!(report.drift.is_empty() && report.problems.is_empty());
    }

    #[test]
    fn drift_is_told_with_its_cause_and_only_written_when_applied() {
        let world = settled(4);
        drift(&world, 0);
        world.0.borrow_mut().edit(1, "newer");
        world.0.borrow_mut().objects.remove(&object_guid(3));
        world.0.borrow_mut().add(7);
        drift(&world, 7);
        let dry = reconcile(&world, false);
        let told: Vec<_> =
            dry.drift.iter().map(|drift| (drift.mailbox, drift.cause.clone())).collect();
        assert_eq!(
            told,
            [
                (id(0), Cause::ChangedInDirectory),
                (id(7), Cause::NeverExported),
                (id(1), Cause::NotExportedYet),
            ]
        );
        assert_eq!(
            (dry.drift[0].directory.as_str(), dry.drift[0].cloud.as_str()),
            ("local", "HR-2")
        );
        assert_eq!(dry.problems.len(), 1);
        assert_eq!(world.0.borrow().modifies, 0);

        let done = reconcile(&world, true);
        assert_eq!((&done.drift, done.corrected), (&dry.drift, 3));
        assert!(reconcile(&world, false).drift.is_empty());
        assert_eq!(world.0.borrow().modifies, 3);
    }

    #[test]
    fn a_refused_or_lost_correction_is_decided_by_reading() {
        let world = settled(3);
        (0..3).for_each(|number| drift(&world, number));
        world.0.borrow_mut().results.insert(object_guid(0), 50);
        world.0.borrow_mut().lose = Some((1, true));
        let report = reconcile(&world, true);
        assert_eq!((report.corrected, report.problems.len()), (1, 2));
        world.0.borrow_mut().agents.clear();
        let blind = reconcile(&world, true);
        assert_eq!(blind.stopped.unwrap().code, code::NO_ACTIVE_AGENTS);
    }
}
