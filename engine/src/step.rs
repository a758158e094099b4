//! The one interface of every activity.
//!
//! An activity is a resumable value. Whoever drives it (the runner on virtual time, the stand-alone
//! driver on real time) calls `step` again and again; one step makes **at most one** call on one
//! port, so an edit, a pause, an outage or a crash can land between any two of them. An activity
//! never sleeps and never retries inside a step: "come back in 30 s" is an answer.

use crate::failure::Failure;
use crate::ports::Ports;
use crate::time::Timestamp;

/// What one step came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<T> {
    /// There is more to do now.
    Busy,
    /// There is nothing to do before this instant. Stepping earlier is harmless.
    WaitUntil(Timestamp),
    /// The activity has ended, with this result. It is not stepped again.
    Done(T),
}

/// Something the engine does over time: a transfer wave, a writeback job, a restore.
pub trait Activity {
    /// What the activity comes to in the end, success and failure alike.
    type Outcome;

    /// Goes on by at most one port call. `now` never runs backwards.
    fn step(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Step<Self::Outcome>;

    /// For people: what it waits for after a step that said so, where that is no failure of a call.
    fn waits_for(&self) -> Option<String> {
        None
    }

    /// For people: how far it is, as soon as there is anything to say.
    fn progress(&self) -> Option<String> {
        None
    }
}

/// An activity that ends with an account of what it did, whichever way it ends: by itself, by a failure, or as
/// somebody interrupts it.
pub trait Accounts: Activity {
    /// Ends it here: what is known by now, and `stopped`, why it ended before its time. It is not stepped again.
    fn account(&mut self, stopped: Option<Failure>) -> Self::Outcome;

    /// Whether everything that it changed is told where it is to last. Whoever interrupts it goes on stepping
    /// until then, as long as that takes no wait.
    fn is_told(&self) -> bool {
        true
    }
}
