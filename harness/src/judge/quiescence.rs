//! When all is done, one more cycle writes nothing; nor does any cycle of a job that is paused.
//!
//! Why: a job that writes although nothing changed never ends, and feeds every synchronization that
//! listens to AD with changes that are none. What had failed and is tried again is no such write. And who
//! pauses a job does so before work on AD: a cycle that began before goes on to its end, and none begins
//! until the job is started again (Microsoft Graph reference, "synchronizationJob: pause").

use std::collections::BTreeSet;

use sim::clock::VirtualTime;
use sim::entra::episodes::Episode;
use sim::entra::job::{JobRequest, StatusCode};
use sim::entra::log::LogStatus;
use sim::ledger::{Activity, Event, Side, Write};

use super::Charge;

/// The rule; it is on only while the estate is expected to be quiet.
#[derive(Clone, Default)]
pub(super) struct Quiescence {
    /// Whether the estate is expected to be quiet.
    pub(super) active: bool,
    /// People whose last entry in the log is a failure: they are tried again.
    failing: BTreeSet<u32>,
    /// Since when the job is paused.
    paused: Option<VirtualTime>,
    /// The last export since then: the job may be asked for one on demand, which is no cycle's.
    while_paused: Option<Write>,
}

impl Quiescence {
    pub(super) fn observe(&mut self, event: &Event, whose: Option<u32>) -> Option<Charge> {
        self.note(event);
        if let Event::Cycle(end) = event {
            let paused = self.paused.filter(|since| *since <= end.began)?;
            let write = self.while_paused.take_if(|write| write.sent >= end.began)?;
            let message = format!("a cycle of a job that is paused since {paused} wrote to AD");
            return Some(Charge::of_any_write("quiescence", &write, message));
        }
        let write = match event {
            Event::Write(write) if self.active && write.actor.activity.is_automatic() => write,
            Event::Logged(logged) if logged.status == LogStatus::Failure => {
                self.failing.extend(whose);
                return None;
            }
            Event::Logged(_) if !self.failing.is_empty() => {
                self.failing.remove(&whose?);
                return None;
            }
            _ => return None,
        };
        let is_tried_again = || whose.is_some_and(|person| self.failing.contains(&person));
        if write.object.side == Side::Ad && is_tried_again() {
            return None;
        }
        let what = match write.object.side {
            Side::Ad => "AD",
            Side::Entra => "Entra",
            Side::Exchange => "Exchange Online",
        };
        let word = write.actor.activity.word();
        let message = format!("{word} wrote to {what} although nothing had changed");
        Some(Charge::of_any_write("quiescence", write, message))
    }

    /// Whether the job is paused, and what it exports while it is.
    fn note(&mut self, event: &Event) {
        match event {
            Event::Job(news) => match &news.episode {
                Episode::Told(JobRequest::Pause) | Episode::Became(StatusCode::Paused, _) => {
                    self.paused.get_or_insert(news.at);
                }
                Episode::Told(JobRequest::Start | JobRequest::Restart(_)) | Episode::Became(..) => {
                    (self.paused, self.while_paused) = (None, None);
                }
                Episode::Told(_) | Episode::Cycles { .. } => {}
            },
            Event::Write(write)
                if write.object.side == Side::Ad
                    && write.actor.activity == Activity::Writeback
                    && self.paused.is_some_and(|since| since <= write.sent) =>
            {
                self.while_paused = Some(write.clone());
            }
            _ => {}
        }
    }
}
