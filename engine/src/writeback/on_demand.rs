//! Provision on demand: one mailbox, now, through the same pipeline as a cycle.
//!
//! It does not wait for an initial cycle (Microsoft Graph, `synchronizationJob: provisionOnDemand`).

use std::time::Duration;

use super::batch::{Batch, Intake, Origin};
use super::desk::{Desk, Interrupt, Stepped, Turn, answered};
use super::prologue::Prologue;
use crate::failure::{Failure, Side, code};
use crate::job::{LogEntry, LogStatus};
use crate::marks::Mark;
use crate::ports::{AgentName, MailboxId, Ports};
use crate::time::Timestamp;

/// A provision on demand under way.
pub(super) struct OnDemand {
    pub(super) request: u64,
    mailbox: MailboxId,
    rule_is_known: bool,
    phase: Phase,
}

enum Phase {
    Prologue(Box<Prologue>),
    Fetch(AgentName),
    Batch(Box<Batch>),
    /// An answer that no batch has logged.
    Log(LogEntry),
}

impl OnDemand {
    pub(super) fn new(request: u64, rule: &str, mailbox: MailboxId, desk: &Desk) -> Self {
        Self {
            request,
            mailbox,
            rule_is_known: rule == desk.configuration.rule,
            phase: Phase::Prologue(Box::new(Prologue::new(0))),
        }
    }

    /// Ends with the answer. What would fail a cycle is an answer too.
    pub(super) fn step(
        &mut self,
        now: Timestamp,
        ports: &mut Ports<'_>,
        desk: &mut Desk,
    ) -> Stepped<LogEntry> {
        if !self.rule_is_known {
            let detail = "the rule is not one of this job's".to_owned();
            self.rule_is_known = true;
            return Ok(self.say(now, LogStatus::Failure, code::INVALID_RESOURCE, detail));
        }
        match self.advance(now, ports, desk) {
            Err(Interrupt::Cycle { failure, .. }) => {
                Ok(self.say(now, LogStatus::Failure, failure.code, failure.detail))
            }
            other => other,
        }
    }

    fn advance(
        &mut self,
        now: Timestamp,
        ports: &mut Ports<'_>,
        desk: &mut Desk,
    ) -> Stepped<LogEntry> {
        match &mut self.phase {
            Phase::Prologue(prologue) => match prologue.step(now, ports, desk)? {
                Turn::Busy => {}
                Turn::Wait(at) => return Ok(Turn::Wait(at)),
                Turn::Done((agent, _)) => self.phase = Phase::Fetch(agent),
            },
            Phase::Fetch(agent) => {
                let result = ports.exchange.mailbox_rows(&[self.mailbox], desk.plan.properties());
                let rows = answered!(desk.settle_rows(result, Side::Cloud, now)?);
                let agent = agent.clone();
                let row = match rows.into_iter().next() {
                    Some(Ok(Some(row))) => row,
                    Some(Err(error)) => {
                        let failure = Failure::of_row(&error, Side::Cloud);
                        let detail = failure.detail;
                        return Ok(self.say(now, LogStatus::Failure, failure.code, detail));
                    }
                    Some(Ok(None)) | None => {
                        Mark::OnDemandMissing.reach();
                        let detail = "there is no such mailbox".to_owned();
                        return Ok(self.say(now, LogStatus::Skipped, code::NOT_IN_SCOPE, detail));
                    }
                };
                Mark::OnDemand.reach();
                // A failure of an earlier attempt does not stand in the way of this one.
                desk.attempted.remove(&self.mailbox);
                let intake = Intake { read: vec![row], unread: Vec::new() };
                let batch = Batch::new(agent, 0, Origin::OnDemand, intake, desk, now);
                self.phase = Phase::Batch(Box::new(batch));
            }
            Phase::Log(entry) => {
                let entry = entry.clone();
                return Ok(match desk.log(ports, vec![entry.clone()], now)? {
                    Some(at) => Turn::Wait(at),
                    None => Turn::Done(entry),
                });
            }
            Phase::Batch(batch) => match batch.step(now, ports, desk)? {
                Turn::Busy => {}
                Turn::Wait(at) => return Ok(Turn::Wait(at)),
                Turn::Done(end) => {
                    let Some(entry) = end.first_entry else {
                        let detail = "Exchange Online shows an older copy of it than the one that was \
                                      exported last";
                        let code = code::REDUNDANT_EXPORT;
                        return Ok(self.say(now, LogStatus::Skipped, code, detail.to_owned()));
                    };
                    return Ok(Turn::Done(entry));
                }
            },
        }
        Ok(Turn::Busy)
    }

    /// Logs an answer with the next step, and gives it then.
    fn say(
        &mut self,
        now: Timestamp,
        status: LogStatus,
        code: &'static str,
        detail: String,
    ) -> Turn<LogEntry> {
        self.phase = Phase::Log(self.answer(now, status, code, detail));
        Turn::Busy
    }

    fn answer(
        &self,
        at: Timestamp,
        status: LogStatus,
        code: &'static str,
        detail: String,
    ) -> LogEntry {
        LogEntry {
            at,
            cycle: 0,
            mailbox: Some(self.mailbox),
            target: None,
            status,
            code,
            detail,
            modified: Vec::new(),
            unread: true,
            took: Duration::ZERO,
            version: 0,
        }
    }
}
