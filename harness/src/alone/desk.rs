//! The job's desk on its own: requests come from the command line, the provisioning log and the log of
//! transfers go into files, and what is worth telling is told.

use std::collections::VecDeque;

use engine::job::{JobCommand, JobReport, LogEntry};
use engine::job_log::{JobNames, summary};
use engine::ports::{CallError, JobPort, Numbered, UnreadRow};
use engine::time::Timestamp;
use engine::transfer::{TransferRecord, TransferReport};
use serde_json::{Value, json};

use super::files::Lines;

/// Something that is worth telling people.
#[derive(Debug, Clone)]
pub enum Said {
    /// What became of one object.
    Entry(LogEntry),
    /// The job's state, after a cycle, a request or a start.
    Report(Box<JobReport>),
    /// A row of a listing that cannot be used: nobody knows whose it is, or what is of it.
    Unread(UnreadRow),
    /// What a rollback is about to take away, as far as it is known: before the first flag is set, and again when
    /// more becomes known.
    Losses(Box<TransferReport>),
    /// The service does not tell its time, for this reason: this machine's counts.
    NoClock(CallError),
    /// Nothing is to be done before this instant, for this reason where it is not the job's own interval.
    Waits(Timestamp, Option<String>),
    /// How far it is.
    Progress(String),
    /// These names of the scope are of nothing in AD, so nothing is in scope by them.
    Scope(Vec<String>),
}

/// The desk.
pub(super) struct Desk {
    log: Option<Lines>,
    transfers: Option<TransferLog>,
    tenant: String,
    job: String,
    domain: String,
    entries: u64,
    inbox: VecDeque<Numbered>,
    said: Vec<Said>,
    failed: Option<String>,
}

impl Desk {
    pub(super) fn new(log: Option<Lines>, (tenant, job, domain): (&str, &str, &str)) -> Self {
        Self {
            log,
            transfers: None,
            tenant: tenant.to_owned(),
            job: job.to_owned(),
            domain: domain.to_owned(),
            entries: 0,
            inbox: VecDeque::new(),
            said: Vec::new(),
            failed: None,
        }
    }

    /// The same with a log of transfers.
    pub(super) fn recording(mut self, log: Option<TransferLog>) -> Self {
        self.transfers = log;
        self
    }

    /// Puts requests in front of the job, which has obeyed those up to the number `obeyed` before.
    pub(super) fn ask(&mut self, commands: Vec<JobCommand>, obeyed: u64) {
        let numbered = (obeyed + 1..).zip(commands);
        self.inbox.extend(numbered.map(|(number, command)| Numbered { number, command }));
    }

    /// What was said since the last call.
    pub(super) fn take_said(&mut self) -> Vec<Said> {
        core::mem::take(&mut self.said)
    }

    /// Why a log could not be written since the last call.
    pub(super) fn take_failed(&mut self) -> Option<String> {
        self.failed.take()
    }

    fn not_written(&mut self, log: &str, error: &std::io::Error) -> CallError {
        let detail = format!("the {log} cannot be written: {error}");
        self.failed = Some(detail.clone());
        CallError::Unreachable { detail }
    }

    fn write(&mut self, entries: &[LogEntry]) -> std::io::Result<()> {
        let Some(file) = &mut self.log else { return Ok(()) };
        let names = JobNames { tenant: &self.tenant, job: &self.job, domain: &self.domain };
        let mut lines = Vec::new();
        for entry in entries {
            self.entries += 1;
            // Micros and a counter: unique over the lives of the process.
            let change = entry.at.as_micros().cast_unsigned().wrapping_add(self.entries);
            serde_json::to_writer(&mut lines, &summary(entry, names, change))?;
            lines.push(b'\n');
        }
        file.append(&lines)
    }
}

impl JobPort for Desk {
    fn commands(&mut self, done: u64) -> Result<Vec<Numbered>, CallError> {
        self.inbox.retain(|numbered| numbered.number > done);
        Ok(self.inbox.iter().cloned().collect())
    }

    fn report(&mut self, report: JobReport) -> Result<(), CallError> {
        self.said.push(Said::Report(Box::new(report)));
        Ok(())
    }

    fn log(&mut self, entries: Vec<LogEntry>) -> Result<(), CallError> {
        let written = self.write(&entries);
        written.map_err(|error| self.not_written("provisioning log", &error))?;
        self.said.extend(entries.into_iter().map(Said::Entry));
        Ok(())
    }

    fn record(&mut self, records: Vec<TransferRecord>) -> Result<(), CallError> {
        let Some(log) = &mut self.transfers else { return Ok(()) };
        let lines: String =
            records.iter().map(|record| format!("{}\n", log.line(record))).collect();
        let written = log.file.append(lines.as_bytes());
        written.map_err(|error| self.not_written("log of transfers", &error))
    }
}

/// The log of what transfers did to mailboxes, and who asks for it.
pub(super) struct TransferLog {
    pub(super) file: Lines,
    pub(super) tenant: String,
    pub(super) application: String,
}

impl TransferLog {
    /// One line of it. Version 2: the values of an attribute are a list, each a text or `{"base64": "..."}`.
    fn line(&self, record: &TransferRecord) -> Value {
        let changes = record.changes.iter().map(|change| {
            json!({"name": change.attribute, "oldValues": change.old, "newValues": change.new})
        });
        json!({
            "format": "hybridsim-transfer-log",
            "version": 2,
            "at": record.at.to_string(),
            "action": record.action.word(),
            "transfer": record.transfer,
            "mailbox": record.mailbox.to_string(),
            "object": record.object.map(|object| object.to_string()),
            "outcome": record.outcome,
            "detail": record.detail,
            "changes": changes.collect::<Vec<_>>(),
            "initiatedBy": {"tenant": self.tenant, "application": self.application},
        })
    }
}
