//! Drives an activity in real time, until it ends, is told to stop, or has done enough.
#![allow(clippy::disallowed_methods, reason = "on its own the engine runs in real time")]

use std::cell::Cell;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use engine::failure::{Failure, Side};
use engine::ports::CallError;
use engine::step::{Accounts, Activity, Step};
use engine::time::Timestamp;
use engine::wire::{Claims, Wire};
use engine::writeback::retry::Backoff;
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
    pub(super) fn follow(
        &mut self,
        wire: &Wire,
        say: &mut dyn FnMut(Said),
    ) -> Result<(), CallError> {
        if let Some(at) = self.ask("Microsoft Graph", || wire.clock(), say)? {
            self.ahead = at.as_micros() - now().as_micros();
        }
        Ok(())
    }

    /// What the token says of the caller.
    pub(super) fn claims(
        &self,
        wire: &Wire,
        say: &mut dyn FnMut(Said),
    ) -> Result<Claims, CallError> {
        self.ask("the token service", || wire.claims(), say)
    }

    /// What time it is there.
    pub(super) fn now(&self) -> Timestamp {
        let now = Timestamp::from_micros(now().as_micros() + self.ahead);
        self.latest.set(now.max(self.latest.get()));
        self.latest.get()
    }

    /// Makes a call that everything else depends on. A service that wants to be asked later is asked later, as long as
    /// nobody ends the process; every other failure is an answer.
    pub(super) fn ask<T>(
        &self,
        whom: &str,
        mut call: impl FnMut() -> Result<T, CallError>,
        say: &mut dyn FnMut(Said),
    ) -> Result<T, CallError> {
        let mut backoff = Backoff::jittered(jitter());
        loop {
            let error = match call() {
                Err(error @ CallError::Throttled { .. }) => error,
                answer => return answer,
            };
            let class = Failure::of_call(&error, Side::Cloud).class;
            let Some(at) = backoff.next(class, self.now()) else { return Err(error) };
            say(Said::Waits(at, Some(format!("{whom}: {error}"))));
            match self.stop.recv_timeout(at.since(self.now())) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return Err(error),
            }
        }
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
        let mut far = Far { at: self.now(), told: None };
        loop {
            let last = self.now();
            bundle.take_heard();
            let step = activity.step(last, &mut bundle.ports());
            let why = bundle.take_heard().or_else(|| activity.waits_for());
            let mut said = bundle.desk.take_said();
            if !matches!(step, Step::Done(_)) {
                said.extend(far.look(activity.progress(), last).map(Said::Progress));
            }
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

/// How far something is, told every now and then.
struct Far {
    at: Timestamp,
    told: Option<String>,
}

impl Far {
    /// Who watches wants to see that it goes on, and to read the rest all the same.
    const PERIOD: Duration = Duration::from_secs(10);

    /// What is to be told now.
    fn look(&mut self, progress: Option<String>, now: Timestamp) -> Option<String> {
        if now.since(self.at) < Self::PERIOD || progress == self.told {
            return None;
        }
        self.at = now;
        self.told.clone_from(&progress);
        progress
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_it_is_is_told_every_now_and_then_and_when_it_went_on() {
        let mut far = Far { at: Timestamp::EPOCH, told: None };
        let mut look = |seconds, text: &str| {
            let at = Timestamp::EPOCH + Duration::from_secs(seconds);
            far.look(Some(text.to_owned()).filter(|text| !text.is_empty()), at)
        };
        assert_eq!(look(9, "1 of 9"), None);
        assert_eq!(look(10, "1 of 9").as_deref(), Some("1 of 9"));
        assert_eq!(look(40, "1 of 9"), None, "it stands still");
        assert_eq!(look(41, "2 of 9").as_deref(), Some("2 of 9"));
        assert_eq!(look(45, "3 of 9"), None);
        assert_eq!(look(60, ""), None, "there is nothing to say");
    }
}
