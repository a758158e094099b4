//! Everything that happened to one person, for whoever asks how a value came about.

use sim::ledger::{Event, Side, Write, WriteKind};

use super::Chain;
use super::history::told_of;

/// An attribute on a side, by its number there.
pub type Place = (Side, u16);

/// Keeps what concerns one person, and the faults and crashes between.
#[derive(Debug, Clone)]
pub struct Recorder {
    person: u32,
    /// The attributes that are asked about; none for all of them.
    places: Vec<Place>,
    events: Vec<Event>,
}

impl Recorder {
    /// Of one person, by number, these attributes; all when there are none.
    #[must_use]
    pub const fn new(person: u32, places: Vec<Place>) -> Self {
        Self { person, places, events: Vec::new() }
    }

    /// Takes an event in.
    pub fn note(&mut self, event: &Event, whose: Option<u32>) {
        let concerns = whose == Some(self.person);
        match event {
            Event::Write(write) if concerns && write.kind == WriteKind::Deleted => {
                self.events.push(told_of(event, Some(&self.places)));
            }
            Event::Write(write) if concerns => {
                let changes = self.asked_for(write);
                if !changes.is_empty() {
                    self.events.push(Event::Write(Write { changes, ..write.clone() }));
                }
            }
            Event::Outcome(outcome)
                if concerns && (outcome.code != 0 || !outcome.answered || !outcome.effective) =>
            {
                self.events.push(event.clone());
            }
            Event::Logged(_) if concerns => self.events.push(event.clone()),
            Event::Fault(_) => self.events.push(event.clone()),
            Event::Process(process) if !process.started => self.events.push(event.clone()),
            _ => {}
        }
    }

    /// What was kept, oldest first. Faults and crashes after the last event of the person tell nothing.
    #[must_use]
    pub fn chain(&self) -> Chain {
        let is_own = |event: &Event| !matches!(event, Event::Fault(_) | Event::Process(_));
        let end = self.events.iter().rposition(is_own).map_or(0, |last| last + 1);
        Chain::of(self.events[..end].to_vec())
    }

    fn asked_for(&self, write: &Write) -> Vec<sim::ledger::Change> {
        let asked = |attribute| {
            self.places.is_empty() || self.places.contains(&(write.object.side, attribute))
        };
        write.changes.iter().filter(|change| asked(change.attribute)).cloned().collect()
    }
}
