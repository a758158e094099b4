//! The calls by which a restore writes, and what is known of each mailbox after one.

use super::super::flip::{Stop, Turn, again, words};
use super::{NO_ANSWER, Restore, RestoreTo, Stage};
use crate::failure::Side;
use crate::ports::{CallError, MailboxChange, Modification, Ports, SetOutcome};
use crate::time::Timestamp;

impl Restore {
    /// Writes these, which the log and the budget know of.
    pub(super) fn send(
        &mut self,
        open: &[usize],
        now: Timestamp,
        ports: &mut Ports<'_>,
    ) -> Result<Turn<()>, Stop> {
        let result = match self.config.to {
            RestoreTo::Cloud => self.write_to_cloud(open, ports),
            RestoreTo::Directory | RestoreTo::CloudToDirectory => {
                self.write_to_directory(open, ports)
            }
        };
        match result {
            Ok(throttled) => {
                self.backoff.reset();
                self.budget.correct(open.iter().filter(|at| self.batch[**at].tried).count());
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
                self.budget.correct(0);
                let side = match self.config.to {
                    RestoreTo::Cloud => Side::Cloud,
                    RestoreTo::Directory | RestoreTo::CloudToDirectory => Side::Agent,
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
        let batch: Vec<Vec<Modification>> =
            open.iter().map(|at| self.batch[*at].modifies()).collect();
        let outcomes = ports.directory.modify(agent, &batch.concat())?;
        let mut outcomes = outcomes.as_slice();
        for (at, sent) in open.iter().zip(&batch) {
            let own;
            (own, outcomes) = outcomes.split_at(sent.len().min(outcomes.len()));
            self.absent.extend(self.batch[*at].answered(sent, own));
        }
        let absent = &self.absent;
        self.batch
            .iter_mut()
            .filter(|case| case.outcome.is_none())
            .for_each(|case| case.leave(absent));
        Ok(None)
    }
}
