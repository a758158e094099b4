//! No edit is lost: a cycle that ends well has looked at every edit made before it began.
//!
//! Why: delivery from the cloud is by watermark with whole seconds and paging; an edit that a cycle
//! passes over is never seen again, and nobody hears of it. What a rollback takes is not an edit that
//! was lost: with the flag false AD is the source.

use std::collections::BTreeMap;

use sim::clock::VirtualTime;
use sim::estate::Estate;
use sim::ledger::{Activity, Actor, Change, CycleEnd, Event, LastWriter, ObjectKey, Side, Write};
use sim::record::AttributeNumber;

use super::scope::exports;
use super::{About, Charge, Kind, Oracle, mapping};

/// The rule, with the edits that the engine has not looked at yet.
#[derive(Clone)]
pub(super) struct LostUpdate {
    properties: Vec<AttributeNumber>,
    /// By person: the first edit since the engine's last read.
    waiting: BTreeMap<u32, Edit>,
    /// What the last cycle passed over and was not charged yet, the last one first.
    passed_over: Vec<Charge>,
}

/// An edit of a mapped attribute.
#[derive(Clone)]
struct Edit {
    at: VirtualTime,
    object: ObjectKey,
    attribute: AttributeNumber,
    actor: Actor,
}

impl LostUpdate {
    pub(super) fn new(estate: &Estate) -> Self {
        let properties = mapping::properties(&mapping::flows(estate));
        Self { properties, waiting: BTreeMap::new(), passed_over: Vec::new() }
    }

    fn write(&mut self, write: &Write, person: u32, about: About) {
        if write.object.side != Side::Exchange {
            return;
        }
        if write.cloud_managed != Some(true) || about.outside.is_some() {
            self.waiting.remove(&person);
            return;
        }
        if write.actor.activity == Activity::Transfer {
            return;
        }
        let mapped = |change: &&Change| self.properties.contains(&change.attribute);
        if let Some(change) = write.changes.iter().find(mapped) {
            self.waiting.entry(person).or_insert_with(|| Edit {
                at: write.at,
                object: write.object,
                attribute: change.attribute,
                actor: write.actor.clone(),
            });
        }
    }

    /// The edits that the cycle passed over, each once.
    fn passed_over(&mut self, end: &CycleEnd) -> Option<Charge> {
        let lost = self.waiting.iter().filter(|(_, edit)| edit.at < end.began);
        let lost: Vec<u32> = lost.map(|(person, _)| *person).collect();
        for person in lost.into_iter().rev() {
            if let Some(edit) = self.waiting.remove(&person) {
                self.passed_over.push(charge(person, edit, end));
            }
        }
        self.passed_over.pop()
    }
}

fn charge(person: u32, edit: Edit, end: &CycleEnd) -> Charge {
    let (at, actor) = (edit.at, edit.actor);
    Charge {
        oracle: "lost_update",
        at: end.at,
        object: Some(edit.object),
        person: Some(person),
        attribute: Some(edit.attribute),
        message: format!("a cycle ended well and did not look at an edit made at {at}"),
        expected: Some(format!("a look at it by the cycle that began at {}", end.began)),
        actual: None,
        writer: Some(LastWriter { at, actor, cloud_managed: Some(true) }),
    }
}

impl Oracle for LostUpdate {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Write, Kind::Read, Kind::Said]
    }

    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn more(&mut self) -> Option<Charge> {
        self.passed_over.pop()
    }

    fn observe(&mut self, event: &Event, about: About) -> Option<Charge> {
        match event {
            Event::Write(write) => {
                self.write(write, about.whose?, about);
                None
            }
            Event::Read(read) if read.object.side == Side::Exchange && exports(read.activity) => {
                self.waiting.remove(&about.whose?);
                None
            }
            Event::Cycle(end) if !end.failed => self.passed_over(end),
            Event::Schema(change) => {
                self.properties = mapping::properties(&change.flows);
                None
            }
            _ => None,
        }
    }
}
