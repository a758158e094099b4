//! Drives an activity in real time, until it ends, is told to stop, or has done enough.
#![allow(clippy::disallowed_methods, reason = "on its own the engine runs in real time")]

use std::cell::Cell;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use engine::failure::Failure;
use engine::ports::CallError;
use engine::step::{Accounts, Activity, Step};
use engine::time::Timestamp;
use engine::wire::Wire;
use tokio::runtime::Runtime;

use super::desk::{Said, TransferLog};
use super::ports::Bundle;
use super::{AloneError, Settings};
use crate::serve::Interrupt;

/// How the driving ended.
pub(super) enum Driven<T> {
    /// The activity ended.
    Ended(T),
    /// It has done what was wanted of it.
    Enough,
    /// A signal came; the activity goes on with the next call from where its store is.
    Interrupted,
}

/// What an activity runs on: the sockets' runtime, and the signals that end it.
pub(super) struct Engine {
    pub(super) runtime: Runtime,
    stop: Receiver<()>,
    /// By how many microseconds the clock that is followed is ahead of this machine's.
    ahead: i64,
    /// The latest instant that was seen: the clock of a machine may be set back, time in a step never is.
    latest: Cell<Timestamp>,
}

impl Engine {
    pub(super) fn start() -> Result<Self, AloneError> {
        let broken = |error: std::io::Error| AloneError::Internal(format!("no runtime: {error}"));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(broken)?;
        let (tell, stop) = channel();
        let mut interrupt = runtime.block_on(async { Interrupt::catch() }).map_err(broken)?;
        runtime.spawn(async move {
            interrupt.wait().await;
            // Nobody listens when everything has ended.
            let _ = tell.send(());
        });
        Ok(Self { runtime, stop, ahead: 0, latest: Cell::new(Timestamp::EPOCH) })
    }

    /// Goes by the clock of the service: ages of what it tells are measured by its own, and every log and every
    /// row of a state store is dated by the same. A service that tells no time leaves this machine's.
    pub(super) fn follow(&mut self, wire: &Wire) -> Result<(), CallError> {
        if let Some(at) = wire.clock()? {
            self.ahead = at.as_micros() - now().as_micros();
        }
        Ok(())
    }

    fn now(&self) -> Timestamp {
        let now = Timestamp::from_micros(now().as_micros() + self.ahead);
        self.latest.set(now.max(self.latest.get()));
        self.latest.get()
    }

    /// Drives an activity to its end, and tells what `news` says of it meanwhile. A signal is an end too: what it
    /// changed last is read back and told before, as long as that takes no wait.
    pub(super) fn play<A: Accounts>(
        &self,
        activity: &mut A,
        bundle: &mut Bundle,
        mut news: impl FnMut(&A) -> Option<Said>,
        say: &mut dyn FnMut(Said),
    ) -> A::Outcome {
        let mut new = None;
        loop {
            let enough = |activity: &A, _: &[Said]| {
                new = news(activity);
                new.is_some()
            };
            match self.drive(activity, bundle, enough, say) {
                Driven::Ended(outcome) => return outcome,
                Driven::Enough => new.take().into_iter().for_each(&mut *say),
                Driven::Interrupted => break,
            }
        }
        while !activity.is_told() {
            let step = activity.step(self.now(), &mut bundle.ports());
            bundle.desk.take_said().into_iter().for_each(&mut *say);
            match step {
                Step::Busy => {}
                Step::WaitUntil(_) => break,
                Step::Done(outcome) => return outcome,
            }
        }
        activity.account(Some(Failure::interrupted()))
    }

    /// Steps until the end, a signal, or until `enough` says so of the activity and of what it said.
    pub(super) fn drive<A: Activity>(
        &self,
        activity: &mut A,
        bundle: &mut Bundle,
        mut enough: impl FnMut(&A, &[Said]) -> bool,
        say: &mut dyn FnMut(Said),
    ) -> Driven<A::Outcome> {
        let mut told = None;
        loop {
            let last = self.now();
            bundle.take_heard();
            let step = activity.step(last, &mut bundle.ports());
            let why = bundle.take_heard().or_else(|| activity.waits_for());
            let mut said = bundle.desk.take_said();
            if let Step::WaitUntil(at) = step
                && told != Some(at)
                && at > last
            {
                told = Some(at);
                said.push(Said::Waits(at, why));
            }
            let done = enough(activity, &said);
            said.into_iter().for_each(&mut *say);
            let wait = match step {
                Step::Done(outcome) => return Driven::Ended(outcome),
                _ if done => return Driven::Enough,
                Step::Busy => Duration::ZERO,
                Step::WaitUntil(at) => at.since(self.now()),
            };
            match self.stop.recv_timeout(wait) {
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return Driven::Interrupted,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

/// The machine's clock.
pub(super) fn now() -> Timestamp {
    Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
}

/// What lengthens waits by chance: the clock differs between engines that were throttled together, and that is
/// good enough to part them.
pub(super) fn jitter() -> u64 {
    now().as_micros().cast_unsigned() | 1
}

/// The log of transfers of the settings, opened where something may be written.
pub(super) fn transfer_log(
    settings: &Settings,
    apply: bool,
) -> Result<Option<TransferLog>, AloneError> {
    if !apply {
        return Ok(None);
    }
    Ok(Some(TransferLog {
        file: super::files::append(&settings.transfer_log)?,
        tenant: settings.wire.tenant.clone(),
        application: settings.wire.client_id.clone(),
    }))
}

/// The provisioning log of the settings, opened.
pub(super) fn log(settings: &Settings) -> Result<Option<super::files::Lines>, AloneError> {
    settings.log.as_deref().map(super::files::append).transpose()
}
