//! Restore: brings values of a backup back, to the cloud or to Active Directory. An activity of its
//! own: nothing restores by itself, and no flag is touched.
//!
//! To the cloud every value of the backup's cloud side is set again with `Set-Mailbox` and `Set-User`, where
//! the cloud has authority. To AD its AD side is written back, to the byte: what was there comes back, what
//! came since goes. And before a rollback the values of the cloud can be brought to AD, so that nothing is
//! lost with it: as the job's mapping would write them, with those that are not written back, and without
//! removing what the cloud lacks. Whichever way, only what differs is written, a read decides whether it
//! was, and what cannot be written is said.

mod case;
mod sending;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use self::case::Case;
use super::backup::Backup;
use super::bucket_c::BUCKET_C;
use super::budget::{Budget, Pace};
use super::difference;
use super::earlier::Earlier;
use super::flip::{Stop, Turn, again, step_of};
use super::kept_properties;
use super::loss::attributes;
use super::portion::Portion;
use super::record::{BEGUN, TransferRecord, hand_out};
use crate::change::ModifiedProperty;
use crate::failure::{Failure, Side, code};
use crate::job::{JobConfiguration, Switches};
use crate::journal::rows::version_write;
use crate::pairing::{Pair, Pairing};
use crate::planted_bugs::PlantedBugs;
use crate::ports::{
    CallError, DirectoryObject, Mailbox, MailboxId, Modification, Name, ObjectGuid, Ports, Row,
};
use crate::step::{Accounts, Activity, Step};
use crate::time::Timestamp;
use crate::writeback::MappingPlan;
use crate::writeback::retry::Backoff;

/// Where the values go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestoreTo {
    /// The cloud's side to Exchange Online.
    Cloud,
    /// AD's side to Active Directory, to the byte.
    Directory,
    /// The cloud's side to Active Directory; what the cloud lacks stays.
    CloudToDirectory,
}

/// What a restore is to do.
#[derive(Debug, Clone)]
pub struct RestoreConfig {
    /// The values.
    pub backups: Vec<Backup>,
    /// Where they go.
    pub to: RestoreTo,
    /// Whether to write; otherwise the report says what would be written.
    pub apply: bool,
    /// The job whose mapping brings values of the cloud to AD, and whose keys find the objects.
    pub job: JobConfiguration,
}

/// What became of one mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restored {
    /// It held these values already.
    Equal,
    /// A read shows the values of the backup; without `apply`: they would be written.
    Written,
    /// Nothing was tried, for this reason.
    Blocked(String),
    /// The values are not those of the backup.
    Failed(String),
    /// It was written, or may have been, and no read could decide.
    Unverified(String),
}

/// One mailbox of a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoredMailbox {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// What became of it.
    pub outcome: Restored,
    /// What differed.
    pub changes: Vec<ModifiedProperty>,
    /// What is left as it is, and why.
    pub notes: Vec<String>,
}

/// What a restore came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestoreReport {
    /// Every mailbox of the backup that was looked at, in its order.
    pub mailboxes: Vec<RestoredMailbox>,
    /// How many are still to be looked at, or written, since it ended before its time.
    pub not_begun: u64,
    /// Why the whole activity ended before its time.
    pub stopped: Option<Failure>,
}

/// The restore.
pub struct Restore {
    config: RestoreConfig,
    properties: Vec<Name>,
    plan: MappingPlan,
    attributes: Vec<Name>,
    pairing: Pairing,
    queue: VecDeque<Backup>,
    batch: Vec<Case>,
    /// Attributes that AD's schema does not have, as somebody found before, or as it said of a modify.
    absent: BTreeSet<Name>,
    /// What earlier calls were about to write.
    earlier: Earlier,
    stage: Stage,
    report: RestoreReport,
    backoff: Backoff,
    /// The waits after writes that were throttled in part.
    throttle: Backoff,
    portion: Portion,
    budget: Budget,
    /// Why it ends once the log says what was written.
    end: Option<Failure>,
    not_before: Option<Timestamp>,
}

/// What is said of a write whose answer was lost.
const NO_ANSWER: &str = "no answer came";

enum Stage {
    /// What others spent of the budget.
    Budget,
    Read,
    Pair,
    Write,
    /// So many may be written: that is kept.
    Chosen(usize),
    Verify,
    Told,
}

impl Restore {
    /// A restore of these values.
    #[must_use]
    pub fn new(config: RestoreConfig) -> Self {
        let plan = MappingPlan::new(&adding(&config.job), PlantedBugs::none());
        let attributes = match config.to {
            RestoreTo::CloudToDirectory => {
                let mut names = plan.attributes().to_vec();
                names.extend(BUCKET_C.iter().map(|kept| Name::Borrowed(kept.ldap_name)));
                names
            }
            RestoreTo::Cloud | RestoreTo::Directory => attributes(),
        };
        Self {
            properties: kept_properties(),
            pairing: Pairing::new(attributes.clone(), config.job.switches.match_order),
            attributes,
            plan,
            queue: config.backups.iter().cloned().collect(),
            config,
            batch: Vec::new(),
            absent: BTreeSet::new(),
            earlier: Earlier::default(),
            stage: Stage::Read,
            report: RestoreReport::default(),
            backoff: Backoff::default(),
            throttle: Backoff::default(),
            portion: Portion::default(),
            budget: Budget::default(),
            end: None,
            not_before: None,
        }
    }

    /// The same at this pace: what is set in the cloud stays under its budget.
    #[must_use]
    pub fn paced(mut self, pace: Pace) -> Self {
        self.backoff = Backoff::jittered(pace.jitter);
        self.throttle = self.backoff;
        self.budget = Budget::new(pace);
        if self.config.apply && self.config.to == RestoreTo::Cloud && self.budget.is_limited() {
            self.stage = Stage::Budget;
        }
        self
    }

    /// The same where AD's schema does not have these attributes: they are left out and told, in a dry run too.
    #[must_use]
    pub fn lacking(mut self, absent: impl IntoIterator<Item = Name>) -> Self {
        self.absent.extend(absent);
        self
    }

    /// The same where a log says of these mailboxes what was about to be written, and not how that ended, as the
    /// process died: whoever holds these values now is told as restored.
    #[must_use]
    pub fn completing(mut self, begun: BTreeMap<MailboxId, Vec<ModifiedProperty>>) -> Self {
        self.earlier = Earlier::new(begun);
        self
    }

    /// The attributes of AD that are compared.
    #[must_use]
    pub fn attributes(&self) -> &[Name] {
        &self.attributes
    }

    fn turn(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        match self.stage {
            Stage::Budget => {
                self.budget.open(ports.store, now)?;
                self.stage = Stage::Read;
                Ok(Turn::Busy)
            }
            Stage::Read => self.read(now, ports),
            Stage::Pair => match self.pairing.step(now, ports, &mut self.backoff)? {
                Turn::Busy => Ok(Turn::Busy),
                Turn::Wait(at) => Ok(Turn::Wait(at)),
                Turn::Done(pairs) => {
                    self.compare_with_directory(pairs);
                    self.complete();
                    self.stage = Stage::Write;
                    Ok(Turn::Busy)
                }
            },
            Stage::Write => self.write(now, ports),
            Stage::Chosen(count) => {
                self.stage = Stage::Write;
                let open = self.open().take(count).collect::<Vec<usize>>();
                self.send(&open, now, ports)
            }
            Stage::Verify => self.verify(now, ports),
            Stage::Told => self.tell(now, ports),
        }
    }

    /// Logs how that ended which was written since the last time.
    fn tell(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        let ended = self.batch.iter().filter(|case| case.begun && !case.told);
        let earlier = self.batch.iter().filter(|case| !case.told);
        let earlier = earlier.filter_map(|case| case.record_of_earlier(now));
        let records: Vec<TransferRecord> = earlier
            .chain(ended.filter_map(|case| case.record(now, case.outcome.as_ref()?)))
            .collect();
        if !records.is_empty()
            && let Some(at) = hand_out(&records, ports, &mut self.backoff, now)?
        {
            return Ok(Turn::Wait(at));
        }
        self.batch.iter_mut().for_each(|case| case.told |= case.outcome.is_some());
        if let Some(failure) = self.end.take() {
            return Err(Stop::Failed(failure));
        }
        let open = self.batch.iter().any(|case| !case.told);
        self.stage = if open { Stage::Write } else { Stage::Read };
        Ok(Turn::Busy)
    }

    /// The next mailboxes as they are now.
    fn read(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        self.settle();
        while self.batch.len() < self.portion.most() {
            let Some(backup) = self.queue.pop_front() else { break };
            let Some(id) = backup.mailbox() else {
                return Err(Stop::Failed(Failure::new(
                    crate::failure::Class::Malformed,
                    code::INTERNAL,
                    format!("`{}` in the backup is no mailbox id", backup.id),
                )));
            };
            self.batch.push(Case::new(backup, id));
        }
        if self.batch.is_empty() {
            return Ok(Turn::Done(()));
        }
        let read = self.rows(ports);
        let rows = match self.portion.rows(read, &mut self.backoff, now)? {
            Ok(rows) => rows,
            Err(at) => {
                // They come again, in their order.
                for case in self.batch.drain(..).rev() {
                    self.queue.push_front(case.backup);
                }
                return Ok(Turn::Wait(at));
            }
        };
        for (case, row) in self.batch.iter_mut().zip(&rows) {
            match row {
                Ok(row) => case.look_at(row.as_ref(), &self.properties, self.config.to),
                Err(error) => {
                    let why = format!("the mailbox cannot be read: {error}");
                    case.outcome = Some(Restored::Failed(why));
                }
            }
        }
        self.stage = Stage::Write;
        if self.config.to == RestoreTo::Cloud {
            self.complete();
        } else {
            let open = rows.into_iter().zip(&self.batch);
            let open = open.filter(|(_, case)| case.outcome.is_none());
            self.pairing.start(open.filter_map(|(row, _)| row.ok().flatten()).collect::<Vec<_>>());
            self.stage = Stage::Pair;
        }
        Ok(Turn::Busy)
    }

    /// Finds out what earlier calls wrote of the batch that was just compared.
    fn complete(&mut self) {
        if self.config.apply {
            self.batch.iter_mut().for_each(|case| case.complete(&mut self.earlier));
        }
    }

    fn rows(&self, ports: &mut Ports<'_>) -> Result<Vec<Row<Mailbox>>, CallError> {
        let ids: Vec<MailboxId> = self.batch.iter().map(|case| case.id).collect();
        ports.exchange.mailbox_rows(&ids, &self.properties)
    }

    fn compare_with_directory(&mut self, pairs: Vec<Pair>) {
        let mut pairs: BTreeMap<MailboxId, Pair> =
            pairs.into_iter().map(|pair| (pair.mailbox.id, pair)).collect();
        for case in self.batch.iter_mut().filter(|case| case.outcome.is_none()) {
            let Some(pair) = pairs.remove(&case.id) else { continue };
            let object = match pair.sole() {
                Ok((_, object)) => object,
                Err((_, why)) => {
                    case.outcome = Some(Restored::Blocked(why));
                    continue;
                }
            };
            let to = (self.config.to, &self.absent);
            let Some(difference) = case.in_directory(to, &self.plan, &self.attributes, &object)
            else {
                let why = "the backup holds no side of AD: bring the cloud's side to AD instead";
                case.outcome = Some(Restored::Blocked(why.to_owned()));
                continue;
            };
            case.differs(difference.changes, difference.notes);
            case.object = Some(object.guid);
            if difference.change.is_empty() {
                case.outcome = Some(Restored::Equal);
            } else {
                let (object, changes) = (object.guid, difference.change);
                case.directory = Some(Modification { object, changes });
            }
        }
    }

    fn write(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        if !self.config.apply {
            for case in self.batch.iter_mut().filter(|case| case.outcome.is_none()) {
                case.outcome = Some(Restored::Written);
            }
        }
        let mut open: Vec<usize> = self.open().collect();
        if open.is_empty() {
            self.stage = Stage::Told;
            return Ok(Turn::Busy);
        }
        // One whose attributes are sent one by one is a call of its own.
        if let Some(apart) = open.iter().copied().find(|at| self.batch[*at].apart) {
            open = vec![apart];
        }
        let limited = self.config.to == RestoreTo::Cloud && self.budget.is_limited();
        if self.config.to == RestoreTo::Cloud {
            match self.budget.allowance(now) {
                Ok(most) => open.truncate(most),
                Err(at) => return Ok(Turn::Wait(at)),
            }
        }
        // What goes into this call, and no more: the rest may wait for days.
        if open.iter().any(|at| !self.batch[*at].begun) {
            let begin = |at: &usize| self.batch[*at].record_of(now, (BEGUN, ""));
            let new = open.iter().filter(|at| !self.batch[**at].begun);
            let records: Vec<TransferRecord> = new.map(begin).collect();
            if let Some(at) = hand_out(&records, ports, &mut self.backoff, now)? {
                return Ok(Turn::Wait(at));
            }
            open.iter().for_each(|at| self.batch[*at].begun = true);
            return Ok(Turn::Busy);
        }
        if !limited {
            return self.send(&open, now, ports);
        }
        self.budget.spend(now, open.len());
        ports.store.commit(vec![version_write(), self.budget.write()])?;
        self.stage = Stage::Chosen(open.len());
        Ok(Turn::Busy)
    }

    /// Which of the batch are to be written.
    fn open(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.batch.len()).filter(|at| self.batch[*at].outcome.is_none())
    }

    /// A read decides; where none is to be had, what was written is told as not verified before all ends.
    fn verify(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        match self.read_back(now, ports) {
            Err(Stop::Failed(failure)) => {
                let unsure = |case: &&mut Case| case.tried && case.outcome.is_none();
                for case in self.batch.iter_mut().filter(unsure) {
                    case.outcome = Some(case.unverified());
                }
                self.backoff.reset();
                (self.end, self.stage) = (Some(failure), Stage::Told);
                Ok(Turn::Busy)
            }
            other => other,
        }
    }

    /// What was not let through is written again afterwards.
    fn read_back(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        let tried = |at: &usize| self.batch[*at].tried && self.batch[*at].outcome.is_none();
        let tried: Vec<usize> =
            (0..self.batch.len()).filter(tried).take(self.portion.most()).collect();
        if tried.is_empty() {
            self.stage = Stage::Told;
            return Ok(Turn::Busy);
        }
        let cases = || tried.iter().map(|at| &self.batch[*at]);
        let equal: Vec<bool> = match self.config.to {
            RestoreTo::Cloud => {
                let ids: Vec<MailboxId> = cases().map(|case| case.id).collect();
                match ports.exchange.mailbox_rows(&ids, &self.properties) {
                    Ok(rows) => {
                        let same = |(case, row): (&Case, Row<Mailbox>)| {
                            row.ok().flatten().is_some_and(|row| {
                                let now =
                                    difference::in_cloud(&case.backup, &row, &self.properties);
                                now.change.values.is_empty()
                            })
                        };
                        cases().zip(rows).map(same).collect()
                    }
                    Err(error) => return self.portion.again(&error, &mut self.backoff, now),
                }
            }
            RestoreTo::Directory | RestoreTo::CloudToDirectory => match self.objects(ports) {
                Ok(found) => cases()
                    .map(|case| {
                        let object =
                            case.directory.as_ref().and_then(|modify| found.get(&modify.object));
                        let (to, plan) = ((self.config.to, &self.absent), &self.plan);
                        let now = object.and_then(|object| {
                            case.in_directory(to, plan, &self.attributes, object)
                        });
                        now.is_some_and(|now| now.change.is_empty())
                    })
                    .collect(),
                Err(error) => {
                    return again(&error, Side::Agent, &mut self.backoff, now).map(Turn::Wait);
                }
            },
        };
        self.backoff.reset();
        for (at, equal) in tried.into_iter().zip(equal) {
            let case = &mut self.batch[at];
            let nothing = case.directory.as_ref().is_some_and(|left| left.changes.is_empty());
            case.outcome = Some(if equal && nothing {
                Restored::Equal
            } else if equal {
                Restored::Written
            } else {
                Restored::Failed(core::mem::take(&mut case.answer))
            });
        }
        Ok(Turn::Busy)
    }

    fn objects(
        &self,
        ports: &mut Ports<'_>,
    ) -> Result<BTreeMap<ObjectGuid, DirectoryObject>, CallError> {
        let Some(agent) = self.pairing.agent() else {
            return Err(CallError::Unreachable { detail: "no agent answers".to_owned() });
        };
        let guids: Vec<ObjectGuid> =
            self.batch.iter().filter_map(|case| Some(case.directory.as_ref()?.object)).collect();
        let found = ports.directory.read(agent, &guids, &self.attributes)?;
        let whole = found.into_iter().filter(|object| object.broken.is_none());
        Ok(whole.map(|object| (object.guid, object)).collect())
    }

    /// Moves the batch into the report.
    fn settle(&mut self) {
        for mut case in self.batch.drain(..) {
            let open = case.tried.then(|| case.unverified());
            let Some(outcome) = case.outcome.take().or(open) else {
                self.report.not_begun += 1;
                continue;
            };
            let Case { id: mailbox, changes, notes, .. } = case;
            self.report.mailboxes.push(RestoredMailbox { mailbox, outcome, changes, notes });
        }
    }
}

/// The job, so that its mapping removes nothing that the cloud merely lacks.
fn adding(job: &JobConfiguration) -> JobConfiguration {
    let switches = Switches { null_flow: false, null_flow_multi: false, ..job.switches.clone() };
    JobConfiguration { switches, ..job.clone() }
}

impl Activity for Restore {
    type Outcome = RestoreReport;

    fn step(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Step<RestoreReport> {
        if let Some(at) = self.not_before.filter(|at| now < *at) {
            return Step::WaitUntil(at);
        }
        let turned = self.turn(now, ports);
        step_of(self, turned, |restore| &mut restore.not_before)
    }

    fn waits_for(&self) -> Option<String> {
        self.budget.is_limited().then(|| "the budget of sets a minute".to_owned())
    }

    fn progress(&self) -> Option<String> {
        let (done, all) = (self.report.mailboxes.len(), self.config.backups.len());
        (done > 0).then(|| format!("{done} of {all} mailboxes looked at"))
    }
}

impl Accounts for Restore {
    fn account(&mut self, stopped: Option<Failure>) -> RestoreReport {
        self.settle();
        self.report.not_begun += self.queue.len() as u64;
        self.report.stopped = stopped;
        core::mem::take(&mut self.report)
    }

    fn is_told(&self) -> bool {
        !self.batch.iter().any(|case| case.tried && !case.told)
    }
}
