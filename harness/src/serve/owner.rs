//! The owner of the estate: one thread that holds the loop, lets time pass, and does what the control
//! API asks for, one thing after the other.
//!
//! With a running clock, virtual time is where it was anchored plus the real time since then, times
//! the factor. Whatever moves the clock by itself (a cycle that is waited for, a restored snapshot)
//! anchors it anew; it never goes back by itself.

#![expect(clippy::disallowed_methods, reason = "here real time becomes virtual time")]

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use sim::clock::VirtualTime;
use sim::wire::shared::SharedEstate;
use tokio::sync::oneshot;

use super::Clock;
use crate::run::RunError;
use crate::run::live::{Live, LivePlan};

/// How often a running clock moves.
const TICK: Duration = Duration::from_millis(20);

/// How often the judge looks at what clients did while the clock stands.
const GLANCE: Duration = Duration::from_millis(100);

type Work = Box<dyn FnOnce(&mut Live) + Send>;

/// The way to the owner.
#[derive(Clone)]
pub(super) struct Owner(mpsc::Sender<Work>);

/// The owner has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone;

/// Told once when the owner ends: with words when it broke.
pub(super) type Ended = oneshot::Receiver<Result<(), String>>;

impl Owner {
    /// Starts the owner of a staged estate and waits until the engine is settled in it. It ends when
    /// nobody can reach it any more.
    ///
    /// # Errors
    /// Why the engine cannot start.
    pub(super) fn start(
        estate: SharedEstate,
        plan: LivePlan,
        clock: Clock,
    ) -> Result<(Self, Ended), RunError> {
        let (works, inbox) = mpsc::channel::<Work>();
        let (ready, is_ready) = mpsc::channel();
        let (end, ended) = oneshot::channel();
        // The engine cannot leave the thread that it was made in.
        let body = move || {
            let live = match Live::start(estate, plan) {
                Ok(live) => live,
                Err(error) => {
                    // Without a listener there is nobody to be told.
                    let _ = ready.send(Err(error));
                    return;
                }
            };
            let _ = ready.send(Ok(()));
            let _ = end.send(keep(live, &inbox, clock));
        };
        let lost = |why: String| RunError::Internal(format!("the estate has no owner: {why}"));
        thread::Builder::new()
            .name("estate".to_owned())
            .spawn(body)
            .map_err(|error| lost(error.to_string()))?;
        is_ready.recv().map_err(|error| lost(error.to_string()))??;
        Ok((Self(works), ended))
    }

    /// Has something done, and waits for the answer.
    ///
    /// # Errors
    /// `Gone`.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Live) -> T + Send + 'static,
    ) -> Result<T, Gone> {
        let (answer, answered) = oneshot::channel();
        // Who asked may have left before the answer came.
        let work: Work = Box::new(move |live| drop(answer.send(act(live))));
        self.0.send(work).map_err(|_| Gone)?;
        answered.await.map_err(|_| Gone)
    }
}

/// Real and virtual time at the same instant.
struct Anchor {
    real: Instant,
    virtual_: VirtualTime,
}

impl Anchor {
    fn at(now: VirtualTime) -> Self {
        Self { real: Instant::now(), virtual_: now }
    }

    fn now(&self, factor: u32) -> VirtualTime {
        self.virtual_ + self.real.elapsed().saturating_mul(factor)
    }
}

fn keep(mut live: Live, inbox: &mpsc::Receiver<Work>, clock: Clock) -> Result<(), String> {
    let mut anchor = Anchor::at(live.now());
    let patience = if clock == Clock::Manual { GLANCE } else { TICK };
    loop {
        match inbox.recv_timeout(patience) {
            Ok(work) => {
                let before = live.now();
                work(&mut live);
                if live.now() != before {
                    anchor = Anchor::at(live.now());
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        match clock {
            Clock::Manual => {
                live.answer_on_demand();
                live.observe();
            }
            Clock::Times(factor) => live.advance_to(anchor.now(factor)),
        }
        if let Some(problem) = live.broken() {
            return Err(problem.to_owned());
        }
    }
}
