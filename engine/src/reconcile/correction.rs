//! Corrections: sent, read back, and told in both logs.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use super::{Reconcile, Stage};
use crate::change::ModifiedProperty;
use crate::failure::{Failure, Side, code};
use crate::job::{LogEntry, LogStatus};
use crate::ports::{
    CallError, DirectoryObject, MODIFY_BATCH, Mailbox, Modification, ObjectGuid, Ports,
    WriteOutcome,
};
use crate::time::Timestamp;
use crate::transfer::earlier::FOUND;
use crate::transfer::flip::{Stop, Turn, again};
use crate::transfer::record::{Action, BEGUN, TransferRecord, UNVERIFIED, hand_out};
use crate::writeback::diff::diff;
use crate::writeback::digest;

/// What is to be written to one object.
pub(super) struct Correction {
    pub(super) mailbox: Mailbox,
    pub(super) modify: Modification,
    pub(super) modified: Vec<ModifiedProperty>,
    /// Its rows in the report.
    pub(super) drift: Range<usize>,
    /// A record says that it is about to be written.
    pub(super) begun: bool,
}

/// How corrections ended, for both logs.
#[derive(Default)]
pub(super) struct Ended {
    pub(super) entries: Vec<LogEntry>,
    pub(super) records: Vec<TransferRecord>,
}

/// What is said of a correction that AD took and that nobody could read afterwards.
const TAKEN: &str = "written, not verified: AD took the change, and was not read afterwards";
/// What is said of one without an answer then.
const UNKNOWN: &str =
    "perhaps written: no answer came to the modify, and AD was not read afterwards";

/// Why a correction is not there, by what was answered to it: the code and words.
fn failure_of(answer: WriteOutcome) -> (&'static str, String) {
    match answer {
        WriteOutcome::Result { code: result, diagnostic } => {
            match Failure::of_result(result, &diagnostic) {
                Some(failure) => (failure.code, failure.detail),
                None => {
                    (code::INTERNAL, "it was taken, and AD holds other values since".to_owned())
                }
            }
        }
        WriteOutcome::Unknown | WriteOutcome::NotSent => (
            code::AGENT_SIGNALING,
            "no answer came to the modify, and reading shows that it was not made".to_owned(),
        ),
    }
}

impl Reconcile {
    /// Sends what is open, as much as goes into one call.
    pub(super) fn write(
        &mut self,
        now: Timestamp,
        ports: &mut Ports<'_>,
    ) -> Result<Turn<()>, Stop> {
        let batch: Vec<Modification> =
            self.open.iter().take(MODIFY_BATCH).map(|open| open.modify.clone()).collect();
        if !self.found.is_empty() {
            self.stage = Stage::Log(self.of_earlier(now), None);
            return Ok(Turn::Busy);
        }
        if batch.is_empty() {
            self.stage = Stage::List;
            return Ok(Turn::Busy);
        }
        let first = &mut self.open[..batch.len()];
        if first.iter().any(|open| !open.begun) {
            let new = first.iter().filter(|open| !open.begun);
            let records: Vec<TransferRecord> =
                new.map(|open| open.record(now, BEGUN, "")).collect();
            if let Some(at) = hand_out(&records, ports, &mut self.backoff, now)? {
                return Ok(Turn::Wait(at));
            }
            first.iter_mut().for_each(|open| open.begun = true);
            return Ok(Turn::Busy);
        }
        let Some(agent) = self.pairing.agent() else { return Err(nobody()) };
        self.answers = match ports.directory.modify(agent, &batch) {
            Ok(answers) => answers,
            // The read that follows tells what became of it.
            Err(CallError::Unreachable { .. } | CallError::TimedOut { .. }) => Vec::new(),
            Err(error) => {
                return again(&error, Side::Agent, &mut self.backoff, now).map(Turn::Wait);
            }
        };
        self.answers.resize(batch.len(), WriteOutcome::Unknown);
        // What was not sent stays open.
        let sent = self.answers.iter().position(|answer| *answer == WriteOutcome::NotSent);
        self.answers.truncate(sent.unwrap_or(batch.len()));
        self.sent_at = now;
        self.backoff.reset();
        self.stage = Stage::Verify;
        Ok(Turn::Busy)
    }

    /// A read decides what was corrected.
    pub(super) fn verify(
        &mut self,
        now: Timestamp,
        ports: &mut Ports<'_>,
    ) -> Result<Turn<()>, Stop> {
        let sent = &self.open[..self.answers.len()];
        let guids: Vec<ObjectGuid> = sent.iter().map(|open| open.modify.object).collect();
        let Some(agent) = self.pairing.agent() else { return Err(nobody()) };
        let found = ports.directory.read(agent, &guids, self.plan.read());
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                return match again(&error, Side::Agent, &mut self.backoff, now) {
                    Ok(at) => Ok(Turn::Wait(at)),
                    Err(Stop::Failed(failure)) => {
                        self.backoff.reset();
                        self.stage = Stage::Log(self.unread(now), Some(failure));
                        Ok(Turn::Busy)
                    }
                    Err(stop) => Err(stop),
                };
            }
        };
        self.backoff.reset();
        let whole = found.into_iter().filter(|object| object.broken.is_none());
        let found: BTreeMap<ObjectGuid, DirectoryObject> =
            whole.map(|object| (object.guid, object)).collect();
        let mut ended = Ended::default();
        for (correction, answer) in self.take_sent() {
            let object = found.get(&correction.modify.object);
            let equal = |object| diff(&self.plan, &correction.mailbox, object).changes.is_empty();
            let failure = match object.is_some_and(equal) {
                true => None,
                false => Some(failure_of(answer)),
            };
            ended.entries.push(self.entry(&correction, failure.as_ref(), now));
            ended.records.push(match failure {
                None => {
                    self.report.corrected += 1;
                    let drift = self.report.drift.get_mut(correction.drift.clone());
                    drift.into_iter().flatten().for_each(|drift| drift.corrected = true);
                    correction.record(now, "corrected", "")
                }
                Some((code, detail)) => {
                    let why = format!("{code}: {detail}");
                    let record = correction.record(now, "failed", &why);
                    self.problem(correction.mailbox.id, why);
                    record
                }
            });
        }
        self.stage = Stage::Log(ended, None);
        Ok(Turn::Busy)
    }

    /// What an earlier call wrote, and was killed before it could say so.
    fn of_earlier(&mut self, now: Timestamp) -> Ended {
        let mut ended = Ended::default();
        for correction in core::mem::take(&mut self.found) {
            let entry = self.entry(&correction, None, now);
            let (detail, took) = (FOUND.to_owned(), Duration::ZERO);
            ended.entries.push(LogEntry { detail, took, ..entry });
            ended.records.push(correction.record(now, "corrected", FOUND));
        }
        ended
    }

    /// What was sent, and what was answered.
    fn take_sent(&mut self) -> Vec<(Correction, WriteOutcome)> {
        let answers = core::mem::take(&mut self.answers);
        self.open.drain(..answers.len()).zip(answers).collect()
    }

    /// What was sent and cannot be read: the answers alone tell what AD took.
    pub(super) fn unread(&mut self, now: Timestamp) -> Ended {
        let mut ended = Ended::default();
        for (correction, answer) in self.take_sent() {
            let refused = match &answer {
                WriteOutcome::Result { code, diagnostic } => Failure::of_result(*code, diagnostic),
                WriteOutcome::Unknown | WriteOutcome::NotSent => None,
            };
            let id = correction.mailbox.id;
            let taken = matches!(answer, WriteOutcome::Result { .. });
            let (outcome, why, entry) = match refused {
                Some(Failure { code, detail, .. }) => {
                    let why = format!("{code}: {detail}");
                    ("failed", why, self.entry(&correction, Some(&(code, detail)), now))
                }
                None if taken => {
                    let entry = self.entry(&correction, None, now);
                    let entry = LogEntry { detail: TAKEN.to_owned(), ..entry };
                    (UNVERIFIED, TAKEN.to_owned(), entry)
                }
                None => {
                    let unknown = (code::AGENT_SIGNALING, UNKNOWN.to_owned());
                    let entry = self.entry(&correction, Some(&unknown), now);
                    let entry = LogEntry { modified: correction.modified.clone(), ..entry };
                    (UNVERIFIED, format!("{}: {UNKNOWN}", code::AGENT_SIGNALING), entry)
                }
            };
            self.report.unverified += u64::from(outcome == UNVERIFIED);
            ended.records.push(correction.record(now, outcome, &why));
            ended.entries.push(entry);
            self.problem(id, why);
        }
        ended
    }

    /// The log's entry about one correction. A reconciliation is no cycle.
    fn entry(
        &self,
        correction: &Correction,
        failure: Option<&(&'static str, String)>,
        now: Timestamp,
    ) -> LogEntry {
        let mailbox = &correction.mailbox;
        let version = digest::chain(
            self.plan.digest(mailbox),
            mailbox.when_changed.as_micros().cast_unsigned(),
        );
        let (status, code, detail) = match failure {
            None => (LogStatus::Success, "", String::new()),
            Some((code, detail)) => (LogStatus::Failure, *code, detail.clone()),
        };
        LogEntry {
            at: now,
            cycle: 0,
            mailbox: Some(mailbox.id),
            target: Some(correction.modify.object),
            status,
            code,
            detail,
            modified: if failure.is_none() { correction.modified.clone() } else { Vec::new() },
            unread: false,
            took: now.since(self.sent_at),
            // The same version may be corrected again: each time is a change of its own.
            version: digest::chain(version, self.sent_at.as_micros().cast_unsigned()),
        }
    }
}

impl Correction {
    fn record(&self, at: Timestamp, outcome: &'static str, detail: &str) -> TransferRecord {
        TransferRecord {
            at,
            transfer: String::new(),
            action: Action::Reconcile,
            mailbox: self.mailbox.id,
            object: Some(self.modify.object),
            outcome,
            detail: detail.to_owned(),
            changes: self.modified.clone(),
        }
    }
}

fn nobody() -> Stop {
    let detail = "no agent answers".to_owned();
    Stop::Failed(Failure::new(crate::failure::Class::Transient, code::NO_ACTIVE_AGENTS, detail))
}
