//! A rollout: rings of mailboxes, one transfer after the other. The next ring starts only when the one
//! before is verified, and the first breach of its acceptance criteria is the end.
//!
//! Each ring is a [`Transfer`] of its own name, so its progress survives a crash; what was decided is
//! not touched again, and a ring that had been verified is read once more. When its flips had ended is kept too: its
//! soak goes on where it was, and one that is over is over.

use std::collections::VecDeque;
use std::time::Duration;

use super::flip::{Stop, Turn, breach, step_of};
use super::portion::Portion;
use super::report::{ACCEPTANCE_BREACHED, TransferReport};
use super::rows::RingEnd;
use super::wave::{Transfer, TransferConfig};
use crate::failure::Failure;
use crate::journal::rows::version_write;
use crate::ports::{Mailbox, MailboxId, Ports, Row};
use crate::step::{Accounts, Activity, Step};
use crate::time::Timestamp;
use crate::writeback::retry::Backoff;

/// One ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring {
    /// Its name, unique in the rollout.
    pub name: String,
    /// Its mailboxes.
    pub mailboxes: Vec<MailboxId>,
    /// When it counts as accepted.
    pub acceptance: Acceptance,
}

/// When a ring counts as accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acceptance {
    /// At most so many of its mailboxes may be without the flag in the end, blocked ones included.
    pub most_without: u64,
    /// How long to wait after its flips before it is verified.
    pub soak: Duration,
}

/// What a rollout is to do.
#[derive(Debug, Clone)]
pub struct RolloutConfig {
    /// What every ring has in common; its id is the first part of the name of each ring's transfer,
    /// its mailboxes are not used.
    pub transfer: TransferConfig,
    /// The rings, in order.
    pub rings: Vec<Ring>,
}

/// What one ring came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RingReport {
    /// Its name.
    pub name: String,
    /// What its transfer came to, so far.
    pub transfer: TransferReport,
    /// Mailboxes that lacked the flag, or could not be read, when it was verified; `None` when it was not.
    pub without: Option<Vec<MailboxId>>,
    /// Why the rollout ends with it.
    pub breach: Option<String>,
}

/// What a rollout came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RolloutReport {
    /// The rings that were begun, in order.
    pub rings: Vec<RingReport>,
    /// The names of the rings that were not begun.
    pub waiting: Vec<String>,
    /// Why the whole activity ended before its time.
    pub stopped: Option<Failure>,
}

/// The rollout.
pub struct Rollout {
    config: TransferConfig,
    waiting: VecDeque<Ring>,
    current: Option<(Ring, Stage)>,
    report: RolloutReport,
    backoff: Backoff,
    portion: Portion,
    not_before: Option<Timestamp>,
}

enum Stage {
    Transfer(Box<Transfer>),
    /// Its flips have ended: when, an earlier life may have kept.
    Ended(Box<TransferReport>),
    /// That is to be kept.
    Keep(RingEnd, Box<TransferReport>),
    Soak(Timestamp, Box<TransferReport>),
    Verify {
        report: Box<TransferReport>,
        read: usize,
        without: Vec<MailboxId>,
    },
}

impl Rollout {
    /// A rollout that will find out with its first steps how far it was.
    #[must_use]
    pub fn new(config: RolloutConfig) -> Self {
        Self {
            backoff: Backoff::jittered(config.transfer.pace.jitter),
            config: config.transfer,
            waiting: config.rings.into(),
            current: None,
            report: RolloutReport::default(),
            portion: Portion::default(),
            not_before: None,
        }
    }

    fn turn(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        let Some((ring, stage)) = &mut self.current else {
            let Some(ring) = self.waiting.pop_front() else { return Ok(Turn::Done(())) };
            let config = TransferConfig {
                id: format!("{}/{}", self.config.id, ring.name),
                mailboxes: ring.mailboxes.clone(),
                flips_again: false,
                most_without: Some(ring.acceptance.most_without),
                ..self.config.clone()
            };
            self.current = Some((ring, Stage::Transfer(Box::new(Transfer::new(config)))));
            return Ok(Turn::Busy);
        };
        match stage {
            Stage::Transfer(transfer) => match transfer.step(now, ports) {
                Step::Busy => {}
                Step::WaitUntil(at) => return Ok(Turn::Wait(at)),
                Step::Done(report) => {
                    let bad = report.stopped.is_some();
                    if bad
                        || !self.config.apply
                        || report.not_flipped() > ring.acceptance.most_without
                    {
                        return Ok(self.close(report, None, self.config.apply));
                    }
                    *stage = match ring.acceptance.soak.is_zero() {
                        true => Stage::Soak(now, Box::new(report)),
                        false => Stage::Ended(Box::new(report)),
                    };
                }
            },
            Stage::Ended(report) => {
                let names = (self.config.id.as_str(), ring.name.as_str());
                let kept = RingEnd::get(names, ports.store)?;
                *stage = soak(kept, ring.acceptance.soak, core::mem::take(report), now);
            }
            Stage::Keep(end, report) => {
                let names = (self.config.id.as_str(), ring.name.as_str());
                ports.store.commit(vec![version_write(), end.write(names)])?;
                *stage = Stage::Soak(end.at + ring.acceptance.soak, core::mem::take(report));
            }
            Stage::Soak(until, _) if now < *until => return Ok(Turn::Wait(*until)),
            Stage::Soak(_, report) => {
                let report = core::mem::take(report);
                *stage = Stage::Verify { report, read: 0, without: Vec::new() };
            }
            Stage::Verify { report, read, without } => {
                let ids: Vec<MailboxId> =
                    ring.mailboxes.iter().skip(*read).take(self.portion.most()).copied().collect();
                if ids.is_empty() {
                    let (report, without) = (core::mem::take(report), core::mem::take(without));
                    return Ok(self.close(*report, Some(without), true));
                }
                let answer = ports.exchange.mailbox_rows(&ids, &[]);
                let rows = match self.portion.rows(answer, &mut self.backoff, now)? {
                    Ok(rows) => rows,
                    Err(at) => return Ok(Turn::Wait(at)),
                };
                *read += ids.len();
                // One that cannot be read is not verified.
                let flagged =
                    |row: &Row<Mailbox>| matches!(row, Ok(Some(mailbox)) if mailbox.cloud_managed);
                without.extend(
                    ids.into_iter().zip(&rows).filter(|(_, row)| !flagged(row)).map(|(id, _)| id),
                );
            }
        }
        Ok(Turn::Busy)
    }

    /// Ends the ring; whatever breaches its acceptance ends the rollout.
    fn close(
        &mut self,
        transfer: TransferReport,
        without: Option<Vec<MailboxId>>,
        judged: bool,
    ) -> Turn<()> {
        let Some((ring, _)) = self.current.take() else { return Turn::Busy };
        let most = ring.acceptance.most_without;
        let left = without.as_ref().map_or(transfer.not_flipped(), |ids| ids.len() as u64);
        let breach = match &transfer.stopped {
            Some(stopped) if stopped.code == ACCEPTANCE_BREACHED => Some(stopped.detail.clone()),
            Some(stopped) => Some(format!("{}: {}", stopped.code, stopped.detail)),
            None if judged && left > most => Some(format!(
                "{left} mailboxes of the ring are without the flag, at most {most} may be"
            )),
            None => None,
        };
        let ends = breach.is_some();
        if let Some(why) = &breach {
            let detail = format!("ring `{}`: {why}", ring.name);
            self.report.stopped =
                Some(transfer.stopped.clone().unwrap_or_else(|| self::breach(detail)));
        }
        self.report.rings.push(RingReport { name: ring.name, transfer, without, breach });
        if ends { Turn::Done(()) } else { Turn::Busy }
    }
}

/// The soak from where it was: from the end that is kept, unless somebody was flipped since.
fn soak(
    kept: Option<RingEnd>,
    length: Duration,
    report: Box<TransferReport>,
    now: Timestamp,
) -> Stage {
    let flipped = report.flipped;
    let new = flipped > report.flipped_before;
    match kept.filter(|end| !new && end.flipped == flipped) {
        // A clock that was wrong makes no soak longer.
        Some(end) => Stage::Soak(end.at.min(now) + length, report),
        None => Stage::Keep(RingEnd { at: now, flipped }, report),
    }
}

impl Activity for Rollout {
    type Outcome = RolloutReport;

    fn step(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Step<RolloutReport> {
        if let Some(at) = self.not_before.filter(|at| now < *at) {
            return Step::WaitUntil(at);
        }
        let turned = self.turn(now, ports);
        step_of(self, turned, |rollout| &mut rollout.not_before)
    }

    fn waits_for(&self) -> Option<String> {
        match &self.current {
            Some((ring, Stage::Soak(..))) => Some(format!("the soak of the ring `{}`", ring.name)),
            Some((_, Stage::Transfer(transfer))) => transfer.waits_for(),
            _ => None,
        }
    }

    fn progress(&self) -> Option<String> {
        let Some((ring, Stage::Transfer(transfer))) = &self.current else { return None };
        Some(format!("ring {}: {}", ring.name, transfer.progress()?))
    }
}

impl Accounts for Rollout {
    fn account(&mut self, stopped: Option<Failure>) -> RolloutReport {
        if let Some((ring, stage)) = self.current.take() {
            let transfer = match stage {
                Stage::Transfer(mut transfer) => transfer.account(stopped.clone()),
                Stage::Ended(report)
                | Stage::Keep(_, report)
                | Stage::Soak(_, report)
                | Stage::Verify { report, .. } => *report,
            };
            let ring = RingReport { name: ring.name, transfer, without: None, breach: None };
            self.report.rings.push(ring);
        }
        if stopped.is_some() {
            self.report.stopped = stopped;
        }
        self.report.waiting = self.waiting.drain(..).map(|ring| ring.name).collect();
        core::mem::take(&mut self.report)
    }

    fn is_told(&self) -> bool {
        match &self.current {
            Some((_, Stage::Transfer(transfer))) => transfer.is_told(),
            _ => true,
        }
    }
}
