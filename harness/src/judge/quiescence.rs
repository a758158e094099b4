//! When all is done, one more cycle writes nothing; nor does any cycle of a job that is paused, nor a job
//! that was deleted.
//!
//! Why: a job that writes although nothing changed never ends, and feeds every synchronization that
//! listens to AD with changes that are none. What had failed and is tried again is no such write, nor is what
//! synchronization tries again as the service refused it. And who
//! pauses a job does so before work on AD: a cycle that began before goes on to its end, and none begins
//! until the job is started again (Microsoft Graph reference, "synchronizationJob: pause"). A pause counts from
//! when somebody asked for it, whether or not the engine says that it heard of it. Of a job that was deleted
//! no cycle goes on: what the engine sends after the next change of its store is sent for nobody (Microsoft Graph
//! reference, "Delete synchronizationJob"). An export on demand that was asked for before is no cycle's.

use std::collections::{BTreeMap, BTreeSet};

use sim::clock::VirtualTime;
use sim::entra::episodes::Episode;
use sim::entra::job::{JobRequest, StatusCode};
use sim::ledger::{Activity, CycleEnd, Event, JobNews, ObjectKey, Side, Write};

use super::Charge;
use super::failing::Failing;

/// The rule; the part of it about rest is on only while the estate is expected to be quiet.
#[derive(Clone, Default)]
pub(super) struct Quiescence {
    /// Whether the estate is expected to be quiet.
    pub(super) active: bool,
    /// Since when somebody wants the job to pause.
    asked_to_pause: Option<VirtualTime>,
    /// Since when the job says that it is paused.
    says_paused: Option<VirtualTime>,
    /// The last export since then: the job may be asked for one on demand, which is no cycle's.
    while_paused: Option<Write>,
    deleted: Option<Deletion>,
    /// Whose object somebody changed in AD, and whose export of such a change the service refused in the last cycle of
    /// synchronization: it is tried again.
    changed: BTreeMap<ObjectKey, u32>,
    refused: BTreeSet<u32>,
    /// Exports on demand that were asked for and not answered.
    on_demand: u32,
}

/// The job was deleted.
#[derive(Clone, Copy)]
struct Deletion {
    at: VirtualTime,
    /// The engine's store took a change since. Before each modify that comes after one the engine asks what it is
    /// to do.
    turned: bool,
}

impl Quiescence {
    pub(super) fn observe(
        &mut self,
        event: &Event,
        whose: Option<u32>,
        failing: &Failing,
    ) -> Option<Charge> {
        match event {
            Event::Job(news) => {
                self.note(news);
                None
            }
            Event::Committed(_) => {
                if let Some(deletion) = &mut self.deleted {
                    deletion.turned = true;
                }
                None
            }
            Event::Cycle(end) => self.cycle(end),
            Event::Synchronized(end) => {
                self.refused =
                    end.pending.iter().filter_map(|o| self.changed.get(o).copied()).collect();
                None
            }
            Event::Write(write)
                if write.object.side == Side::Ad && !write.actor.activity.is_automatic() =>
            {
                self.changed.extend(whose.map(|person| (write.object, person)));
                None
            }
            Event::Write(write) if write.actor.activity.is_automatic() => {
                self.write(write, whose, failing)
            }
            _ => None,
        }
    }

    /// Since when the job is paused.
    fn paused(&self) -> Option<VirtualTime> {
        match (self.asked_to_pause, self.says_paused) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    fn note(&mut self, news: &JobNews) {
        match &news.episode {
            Episode::Asked(JobRequest::Pause) | Episode::Told(JobRequest::Pause) => {
                self.asked_to_pause.get_or_insert(news.at);
            }
            Episode::Became(StatusCode::Paused, _) => {
                self.says_paused.get_or_insert(news.at);
            }
            Episode::Became(..) => self.says_paused = None,
            Episode::Asked(JobRequest::Start | JobRequest::Restart(_))
            | Episode::Told(JobRequest::Start | JobRequest::Restart(_)) => {
                (self.asked_to_pause, self.says_paused) = (None, None);
            }
            Episode::Asked(JobRequest::ProvisionOnDemand { .. }) => self.on_demand += 1,
            Episode::Told(JobRequest::ProvisionOnDemand { .. }) => {
                self.on_demand = self.on_demand.saturating_sub(1);
            }
            Episode::Deleted => self.deleted = Some(Deletion { at: news.at, turned: false }),
            Episode::Made => {
                (self.asked_to_pause, self.says_paused, self.deleted) = (None, None, None);
            }
            Episode::Asked(JobRequest::Configure)
            | Episode::Told(JobRequest::Configure)
            | Episode::Cycles { .. } => {}
        }
        if self.paused().is_none() {
            self.while_paused = None;
        }
    }

    fn cycle(&mut self, end: &CycleEnd) -> Option<Charge> {
        let paused = self.paused().filter(|since| *since < end.began)?;
        let write = self.while_paused.take_if(|write| write.sent >= end.began)?;
        let message = format!("a cycle of a job that is paused since {paused} wrote to AD");
        Some(Charge::of_any_write("quiescence", &write, message))
    }

    fn write(&mut self, write: &Write, whose: Option<u32>, failing: &Failing) -> Option<Charge> {
        if write.object.side == Side::Ad && write.actor.activity == Activity::Writeback {
            if self.paused().is_some_and(|since| since <= write.sent) {
                self.while_paused = Some(write.clone());
            }
            let is_nobodys = |deletion: &Deletion| deletion.turned && deletion.at < write.sent;
            if let Some(deletion) = self.deleted.filter(is_nobodys)
                && self.on_demand == 0
            {
                let message = format!("a job that was deleted at {} wrote to AD", deletion.at);
                return Some(Charge::of_any_write("quiescence", write, message));
            }
        }
        let is_tried_again = || whose.is_some_and(|person| failing.has(person));
        let was_refused = || {
            write.actor.activity == Activity::Sync
                && whose.is_some_and(|person| self.refused.contains(&person))
        };
        if !self.active || was_refused() || (write.object.side == Side::Ad && is_tried_again()) {
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
}
