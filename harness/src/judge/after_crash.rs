//! Nothing is accepted from the engine after the point at which its process ended.
//!
//! Why: a crash is only a crash when nothing of the old process acts on; a rehearsal in which it does
//! proves nothing about recovery. From its end to the start of the next process nothing of the engine
//! may read, write, log, report or change what it keeps in its store.

use sim::clock::VirtualTime;
use sim::entra::episodes::Episode;
use sim::ledger::{Event, JobNews, ObjectKey};

use super::identity_stays_home::is_engine;
use super::{About, Charge, Kind, Oracle};

/// The rule, with when the process ended, if it has.
#[derive(Clone, Default)]
pub(super) struct AfterCrash {
    ended: Option<VirtualTime>,
}

impl Oracle for AfterCrash {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Write, Kind::Read, Kind::Outcome, Kind::Said, Kind::Question]
    }

    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn observe(&mut self, event: &Event, _: About) -> Option<Charge> {
        if let Event::Process(process) = event {
            self.ended = (!process.started).then_some(process.at);
            return None;
        }
        let ended = self.ended?;
        if matches!(event, Event::Write(write) if write.sent < write.at && write.sent <= ended) {
            return None;
        }
        let (at, object, what) = act_of_engine(event)?;
        Some(Charge {
            oracle: "after_crash",
            at,
            object,
            person: None,
            attribute: None,
            writer: None,
            message: format!("the engine {what} although its process ended at {ended}"),
            expected: Some("nothing until the next process starts".to_owned()),
            actual: None,
        })
    }
}

fn act_of_engine(event: &Event) -> Option<(VirtualTime, Option<ObjectKey>, &'static str)> {
    match event {
        Event::Write(write) if is_engine(write.actor.activity) => {
            Some((write.at, Some(write.object), "wrote"))
        }
        Event::Outcome(outcome) if is_engine(outcome.actor.activity) => {
            Some((outcome.at, outcome.object, "was answered"))
        }
        Event::Read(read) if is_engine(read.activity) => Some((read.at, Some(read.object), "read")),
        Event::Question(question) if is_engine(question.activity) => {
            Some((question.at, None, "asked"))
        }
        Event::Logged(logged) => Some((logged.at, logged.object, "logged")),
        Event::Cycle(cycle) => Some((cycle.at, None, "reported a cycle")),
        Event::Job(JobNews { at, episode: Episode::Told(_) | Episode::Became(..) }) => {
            Some((*at, None, "spoke for its job"))
        }
        Event::Claim(claim) => Some((claim.at, Some(claim.object), "said what became of a flag")),
        Event::Committed(at) => Some((*at, None, "changed its state store")),
        _ => None,
    }
}
