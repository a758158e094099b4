//! One mailbox whose flag is to be set: what a read means for it, and when it is due again.

use std::time::Duration;

use super::super::report::MailboxOutcome;
use super::super::rows::Progress;
use super::words;
use crate::marks::Mark;
use crate::ports::{CallError, MailboxId, SetOutcome};
use crate::time::Timestamp;

/// How long an accepted call may take to show.
const DEADLINE: Duration = Duration::from_hours(24);
/// The first wait before another read, and the longest.
pub(super) const READ_WAITS: (Duration, Duration) =
    (Duration::from_mins(1), Duration::from_hours(1));
/// How often a mailbox that alone cannot be read is read again, before nobody can say what became of it.
const UNREADABLE: u32 = 6;
/// The waits before a refused or unanswered call is made again.
const SET_WAITS: [Duration; 3] =
    [Duration::from_mins(1), Duration::from_mins(5), Duration::from_mins(15)];

/// A mailbox whose flag is to be set.
pub(super) struct Entry {
    pub(super) mailbox: MailboxId,
    pub(super) state: State,
    pub(super) attempts: usize,
    pub(super) read_wait: Duration,
    /// Reads in a row that failed for it alone.
    pub(super) unreadable: u32,
    /// It failed before, or its last call did: it is likely to count against the criteria.
    pub(super) suspect: bool,
    /// Until when it may be set without being asked about again.
    pub(super) cleared: Option<Timestamp>,
}

/// How far it is.
pub(super) enum State {
    /// The call is to be made at this time.
    ToSet(Timestamp),
    /// The call was made; a read comes at once.
    Sent {
        at: Timestamp,
        answer: SetOutcome,
    },
    /// The call was accepted at `at`; another read is due at `next`.
    Accepted {
        at: Timestamp,
        next: Timestamp,
    },
    /// It is not known whether a call was made; a read comes first.
    Unsure,
    Done(MailboxOutcome, String),
}

impl Entry {
    /// Whether it was asked about a short while ago.
    pub(super) fn is_cleared(&self, now: Timestamp) -> bool {
        self.cleared.is_some_and(|until| now <= until)
    }

    /// It alone cannot be read: when to try again, unless that is of no use any more.
    pub(super) fn read_later(&mut self, error: &CallError, now: Timestamp) -> Option<Timestamp> {
        self.unreadable += 1;
        if self.unreadable > UNREADABLE {
            let detail = format!("the mailbox cannot be read, so nobody knows: {error}");
            self.state = State::Done(MailboxOutcome::Failed, detail);
            return None;
        }
        Some(now + READ_WAITS.0 * (1 << (self.unreadable - 1)))
    }

    /// What a read means: `shown` is whether the flag has the wanted value.
    pub(super) fn decide(&mut self, shown: Option<bool>, now: Timestamp) {
        self.suspect &= matches!((&shown, &self.state), (Some(false), State::Unsure));
        let state = core::mem::replace(&mut self.state, State::Unsure);
        self.state = match (shown, state) {
            (None, _) => State::Done(MailboxOutcome::Failed, "the mailbox is gone".to_owned()),
            (Some(true), State::Sent { answer: SetOutcome::Refused { code, message }, .. }) => {
                Mark::FlipWarned.reach();
                let detail =
                    format!("applied although the call failed: {}", words(&code, &message));
                State::Done(MailboxOutcome::FlippedWithWarning, detail)
            }
            (Some(true), _) => {
                Mark::FlipShown.reach();
                State::Done(MailboxOutcome::Flipped, String::new())
            }
            (Some(false), State::Unsure) => State::ToSet(now),
            (Some(false), State::Sent { at, answer: SetOutcome::Accepted }) => {
                Mark::FlipWaits.reach();
                State::Accepted { at, next: now + READ_WAITS.0 }
            }
            (Some(false), State::Accepted { at, .. }) if now.since(at) >= DEADLINE => {
                Mark::FlipNoOp.reach();
                let detail = "the call was accepted and changed nothing within 24 hours".to_owned();
                State::Done(MailboxOutcome::NoOp, detail)
            }
            (Some(false), State::Accepted { at, .. }) => {
                self.read_wait = (self.read_wait * 2).min(READ_WAITS.1);
                State::Accepted { at, next: (now + self.read_wait).min(at + DEADLINE) }
            }
            (Some(false), State::Sent { answer, .. }) => {
                match (SET_WAITS.get(self.attempts - 1), answer) {
                    (Some(wait), _) => {
                        Mark::FlipAgain.reach();
                        self.suspect = true;
                        State::ToSet(now + *wait)
                    }
                    (None, SetOutcome::Refused { code, message }) => {
                        Mark::FlipRefused.reach();
                        State::Done(MailboxOutcome::Refused, words(&code, &message))
                    }
                    (None, _) => State::Done(
                        MailboxOutcome::Failed,
                        "no call was answered, and the flag did not change".to_owned(),
                    ),
                }
            }
            (Some(false), other) => other,
        };
    }

    /// What is worth a row: a state that another life has to know.
    pub(super) fn progress(&self) -> Option<Progress> {
        match &self.state {
            State::Accepted { at, .. } => Some(Progress::Accepted(*at)),
            State::Done(outcome, detail) => Some(Progress::Done(*outcome, detail.clone())),
            _ => None,
        }
    }
}
