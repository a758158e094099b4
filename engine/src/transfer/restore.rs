//! Restore: brings values of a backup back, to the cloud or to Active Directory. An activity of its
//! own: nothing restores by itself, and no flag is touched.
//!
//! To the cloud every value of the backup is set again with `Set-Mailbox`, where the cloud has
//! authority; to AD the attributes of the contract are written, before a rollback for instance, so that
//! nothing is lost with it. Either way only what differs is written, and a read decides whether it was.

use std::collections::{BTreeMap, VecDeque};

use super::backup::Backup;
use super::flip::{Stop, Turn, again, step_of, words};
use super::kept_properties;
use super::portion::Portion;
use crate::attributes::GENERAL_AVAILABILITY;
use crate::failure::{Failure, Side, code};
use crate::job::{JobConfiguration, MATCH_ORDER, ModifiedProperty, Switches};
use crate::pairing::{Pair, Pairing};
use crate::planted_bugs::PlantedBugs;
use crate::ports::{
    CallError, DirectoryObject, Mailbox, MailboxChange, MailboxId, Modification, Name, ObjectGuid,
    Ports, SetOutcome, WriteOutcome,
};
use crate::recipient_type::is_transferable;
use crate::step::{Activity, Step};
use crate::time::Timestamp;
use crate::writeback::MappingPlan;
use crate::writeback::diff::diff;
use crate::writeback::retry::Backoff;
use crate::writeback::scope::Filter;

/// Where the values go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestoreTo {
    /// To Exchange Online.
    Cloud,
    /// To Active Directory.
    Directory,
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
}

/// What a restore came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestoreReport {
    /// Every mailbox of the backup, in its order.
    pub mailboxes: Vec<RestoredMailbox>,
    /// Why the whole activity ended before its time.
    pub stopped: Option<Failure>,
}

/// The restore.
pub struct Restore {
    config: RestoreConfig,
    properties: Vec<Name>,
    plan: MappingPlan,
    pairing: Pairing,
    queue: VecDeque<Backup>,
    batch: Vec<Case>,
    stage: Stage,
    report: RestoreReport,
    backoff: Backoff,
    /// The waits after writes that were throttled in part.
    throttle: Backoff,
    portion: Portion,
    not_before: Option<Timestamp>,
}

/// What is said of a write whose answer was lost.
const NO_ANSWER: &str = "no answer came";

/// A mailbox under way.
struct Case {
    backup: Backup,
    id: MailboxId,
    changes: Vec<ModifiedProperty>,
    cloud: Option<MailboxChange>,
    directory: Option<Modification>,
    /// It was written, or nobody knows: a read is to tell.
    tried: bool,
    /// What the service said, should the read show otherwise.
    answer: String,
    outcome: Option<Restored>,
}

enum Stage {
    Read,
    Pair,
    Write,
    Verify,
}

impl Restore {
    /// A restore of these values.
    #[must_use]
    pub fn new(config: RestoreConfig) -> Self {
        let plan = MappingPlan::new(&exact(), PlantedBugs::none());
        Self {
            properties: kept_properties(),
            pairing: Pairing::new(plan.attributes().to_vec(), MATCH_ORDER),
            plan,
            queue: config.backups.iter().cloned().collect(),
            config,
            batch: Vec::new(),
            stage: Stage::Read,
            report: RestoreReport::default(),
            backoff: Backoff::default(),
            throttle: Backoff::default(),
            portion: Portion::default(),
            not_before: None,
        }
    }

    fn turn(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        match self.stage {
            Stage::Read => self.read(now, ports),
            Stage::Pair => match self.pairing.step(now, ports, &mut self.backoff)? {
                Turn::Busy => Ok(Turn::Busy),
                Turn::Wait(at) => Ok(Turn::Wait(at)),
                Turn::Done(pairs) => {
                    self.compare_with_directory(pairs);
                    self.stage = Stage::Write;
                    Ok(Turn::Busy)
                }
            },
            Stage::Write => self.write(now, ports),
            Stage::Verify => self.verify(now, ports),
        }
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
        let rows = match self.rows(ports) {
            Ok(rows) => rows,
            Err(error) => {
                // They come again, in their order.
                for case in self.batch.drain(..).rev() {
                    self.queue.push_front(case.backup);
                }
                return self.portion.again(&error, &mut self.backoff, now);
            }
        };
        self.backoff.reset();
        for (case, row) in self.batch.iter_mut().zip(&rows) {
            case.look_at(row.as_ref(), &self.properties, self.config.to);
        }
        self.stage = Stage::Write;
        if self.config.to == RestoreTo::Directory {
            let open = rows.into_iter().zip(&self.batch);
            let open = open.filter(|(_, case)| case.outcome.is_none());
            self.pairing.start(open.filter_map(|(row, _)| row).collect::<Vec<_>>());
            self.stage = Stage::Pair;
        }
        Ok(Turn::Busy)
    }

    fn rows(&self, ports: &mut Ports<'_>) -> Result<Vec<Option<Mailbox>>, CallError> {
        let ids: Vec<MailboxId> = self.batch.iter().map(|case| case.id).collect();
        ports.exchange.mailboxes(&ids, &self.properties)
    }

    fn compare_with_directory(&mut self, pairs: Vec<Pair>) {
        let mut pairs: BTreeMap<MailboxId, Pair> =
            pairs.into_iter().map(|pair| (pair.mailbox.id, pair)).collect();
        for case in self.batch.iter_mut().filter(|case| case.outcome.is_none()) {
            let Some(pair) = pairs.remove(&case.id) else { continue };
            let Some(object) = pair.object.filter(|_| !pair.ambiguous) else {
                let why =
                    if pair.ambiguous { code::DUPLICATE_ENTRIES } else { "no AD object matches" };
                case.outcome = Some(Restored::Blocked(why.to_owned()));
                continue;
            };
            let kept = as_mailbox(&case.backup, case.id, &self.plan);
            let difference = diff(&self.plan, &kept, &object);
            case.changes = difference.intended.into_iter().map(|change| change.property).collect();
            if difference.changes.is_empty() {
                case.outcome = Some(Restored::Equal);
            } else {
                let (object, changes) = (object.guid, difference.changes);
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
        let open: Vec<usize> =
            (0..self.batch.len()).filter(|at| self.batch[*at].outcome.is_none()).collect();
        if open.is_empty() {
            self.stage = Stage::Read;
            return Ok(Turn::Busy);
        }
        let result = match self.config.to {
            RestoreTo::Cloud => self.write_to_cloud(&open, ports),
            RestoreTo::Directory => self.write_to_directory(&open, ports),
        };
        match result {
            Ok(throttled) => {
                self.backoff.reset();
                self.stage = Stage::Verify;
                let Some(error) = throttled else {
                    self.throttle.reset();
                    return Ok(Turn::Busy);
                };
                again(&error, Side::Cloud, &mut self.throttle, now).map(Turn::Wait)
            }
            // Nobody knows what of it arrived: the read that follows tells.
            Err(CallError::Unreachable { .. } | CallError::TimedOut { .. }) => {
                self.backoff.reset();
                open.iter().for_each(|at| self.batch[*at].tried = true);
                self.stage = Stage::Verify;
                Ok(Turn::Busy)
            }
            Err(error) => {
                let side = match self.config.to {
                    RestoreTo::Cloud => Side::Cloud,
                    RestoreTo::Directory => Side::Agent,
                };
                again(&error, side, &mut self.backoff, now).map(Turn::Wait)
            }
        }
    }

    /// Sets the values; the error of a batch that was throttled in part.
    fn write_to_cloud(
        &mut self,
        open: &[usize],
        ports: &mut Ports<'_>,
    ) -> Result<Option<CallError>, CallError> {
        let changes: Vec<MailboxChange> =
            open.iter().filter_map(|at| self.batch[*at].cloud.clone()).collect();
        let answers = ports.exchange.set_mailboxes(&changes)?;
        let mut throttled = None;
        for (at, answer) in open.iter().zip(answers) {
            let case = &mut self.batch[*at];
            case.tried = true;
            case.answer = match answer {
                SetOutcome::Accepted => "the call was accepted and changed nothing".to_owned(),
                SetOutcome::Refused { code, message } => words(&code, &message),
                SetOutcome::Unknown => NO_ANSWER.to_owned(),
                SetOutcome::NotSent => {
                    case.tried = false;
                    continue;
                }
                SetOutcome::Throttled { retry_after } => {
                    case.tried = false;
                    throttled = throttled.max(Some(retry_after));
                    continue;
                }
            };
        }
        Ok(throttled.map(|retry_after| CallError::Throttled { retry_after }))
    }

    fn write_to_directory(
        &mut self,
        open: &[usize],
        ports: &mut Ports<'_>,
    ) -> Result<Option<CallError>, CallError> {
        let Some(agent) = self.pairing.agent() else {
            return Err(CallError::Unreachable { detail: "no agent answers".to_owned() });
        };
        let batch: Vec<Modification> =
            open.iter().filter_map(|at| self.batch[*at].directory.clone()).collect();
        let outcomes = ports.directory.modify(agent, &batch)?;
        for (at, outcome) in open.iter().zip(outcomes) {
            self.batch[*at].tried = true;
            self.batch[*at].answer = match outcome {
                WriteOutcome::Result { code, diagnostic } => Failure::of_result(code, &diagnostic)
                    .map(|failure| format!("{}: {}", failure.code, failure.detail))
                    .unwrap_or_default(),
                WriteOutcome::Unknown => NO_ANSWER.to_owned(),
            };
        }
        Ok(None)
    }

    /// A read decides. What was not let through is written again afterwards.
    fn verify(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        let tried = |at: &usize| self.batch[*at].tried && self.batch[*at].outcome.is_none();
        let tried: Vec<usize> =
            (0..self.batch.len()).filter(tried).take(self.portion.most()).collect();
        if tried.is_empty() {
            self.stage = Stage::Write;
            return Ok(Turn::Busy);
        }
        let cases = || tried.iter().map(|at| &self.batch[*at]);
        let equal: Vec<bool> = match self.config.to {
            RestoreTo::Cloud => {
                let ids: Vec<MailboxId> = cases().map(|case| case.id).collect();
                match ports.exchange.mailboxes(&ids, &self.properties) {
                    Ok(rows) => {
                        let same = |(case, row): (&Case, Option<Mailbox>)| {
                            row.is_some_and(|row| {
                                change(&case.backup, &row, &self.properties).0.values.is_empty()
                            })
                        };
                        cases().zip(rows).map(same).collect()
                    }
                    Err(error) => return self.portion.again(&error, &mut self.backoff, now),
                }
            }
            RestoreTo::Directory => match self.objects(ports) {
                Ok(found) => cases()
                    .map(|case| {
                        let object =
                            case.directory.as_ref().and_then(|modify| found.get(&modify.object));
                        let kept = as_mailbox(&case.backup, case.id, &self.plan);
                        object.is_some_and(|object| {
                            diff(&self.plan, &kept, object).changes.is_empty()
                        })
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
            case.outcome = Some(if equal {
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
        let found = ports.directory.read(agent, &guids, self.plan.attributes());
        let found = DirectoryObject::whole(found?)?;
        Ok(found.into_iter().map(|object| (object.guid, object)).collect())
    }

    /// Moves the batch into the report.
    fn settle(&mut self) {
        for case in self.batch.drain(..) {
            let outcome =
                case.outcome.unwrap_or_else(|| Restored::Failed("not decided".to_owned()));
            let changes = case.changes;
            self.report.mailboxes.push(RestoredMailbox { mailbox: case.id, outcome, changes });
        }
    }
}

impl Case {
    const fn new(backup: Backup, id: MailboxId) -> Self {
        Self {
            backup,
            id,
            changes: Vec::new(),
            cloud: None,
            directory: None,
            tried: false,
            answer: String::new(),
            outcome: None,
        }
    }

    fn look_at(&mut self, row: Option<&Mailbox>, properties: &[Name], to: RestoreTo) {
        let Some(mailbox) = row else {
            self.outcome = Some(Restored::Blocked("the mailbox no longer exists".to_owned()));
            return;
        };
        if to == RestoreTo::Directory {
            return;
        }
        let (change, changes) = change(&self.backup, mailbox, properties);
        self.changes = changes;
        if change.values.is_empty() {
            self.outcome = Some(Restored::Equal);
        } else if mailbox.dir_synced && !mailbox.cloud_managed {
            let why = "AD has authority over it: restore to AD, or flip it first";
            self.outcome = Some(Restored::Blocked(why.to_owned()));
        } else {
            self.cloud = Some(change);
        }
    }
}

/// What to set so that the mailbox is as in the backup.
fn change(
    backup: &Backup,
    mailbox: &Mailbox,
    properties: &[Name],
) -> (MailboxChange, Vec<ModifiedProperty>) {
    let mut change = MailboxChange { id: mailbox.id, cloud_managed: None, values: Vec::new() };
    let mut changes = Vec::new();
    let mut differs = |name: Name, old: String, new: &[String]| {
        changes.push(ModifiedProperty { attribute: name.clone(), old, new: new.join("; ") });
        change.values.push((name, new.to_vec()));
    };
    let now = mailbox.recipient_type_details.as_ref();
    let then = backup.recipient_type_details.as_str();
    if now != then && is_transferable(then) {
        let kind = match then {
            "UserMailbox" => "Regular",
            other => other.trim_end_matches("Mailbox"),
        };
        differs(Name::Borrowed("Type"), now.to_owned(), &[kind.to_owned()]);
    }
    for (name, column) in properties.iter().zip(mailbox.values.columns()) {
        let mut held: Vec<&str> = column.iter().collect();
        let wanted = backup.values.get(name.as_ref()).map(Vec::as_slice).unwrap_or_default();
        let mut sorted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        held.sort_unstable();
        sorted.sort_unstable();
        if held != sorted {
            differs(name.clone(), column.iter().collect::<Vec<_>>().join("; "), wanted);
        }
    }
    // Setting the addresses sets the Windows address with them.
    if change.values.iter().any(|(name, _)| name == "EmailAddresses") {
        change.values.retain(|(name, _)| name != "WindowsEmailAddress");
    }
    (change, changes)
}

/// The backup as the mapping takes it.
fn as_mailbox(backup: &Backup, id: MailboxId, plan: &MappingPlan) -> Mailbox {
    let of = |name: &Name| backup.values.get(name.as_ref()).cloned().unwrap_or_default();
    Mailbox {
        id,
        when_changed: Timestamp::EPOCH,
        dir_synced: true,
        cloud_managed: backup.cloud_managed,
        recipient_type_details: crate::recipient_type::known_name(&backup.recipient_type_details),
        values: plan.properties().iter().map(of).collect(),
    }
}

/// The mapping of a restore: all attributes, and what had no value gets none.
fn exact() -> JobConfiguration {
    JobConfiguration {
        id: "restore".to_owned(),
        rule: String::new(),
        created_on: GENERAL_AVAILABILITY,
        interval: core::time::Duration::from_mins(20),
        switches: Switches { null_flow: true, null_flow_multi: true, ..Switches::default() },
        mapping: None,
        scope: Filter::default(),
    }
}

impl Activity for Restore {
    type Outcome = RestoreReport;

    fn step(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Step<RestoreReport> {
        if let Some(at) = self.not_before.filter(|at| now < *at) {
            return Step::WaitUntil(at);
        }
        let turned = self.turn(now, ports);
        step_of(turned, &mut self.not_before, &mut self.report, |report| &mut report.stopped)
    }
}
