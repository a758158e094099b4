//! The recent events, and the chain of those that led to a finding.

use std::collections::VecDeque;

use sim::clock::VirtualTime;
use sim::entra::log::LogStatus;
use sim::estate::Estate;
use sim::exchange::property;
use sim::ledger::{Change, Event, LastWriter, ObjectKey, Outcome, Side, Write, WriteKind};

use super::{Place, Related, shown};

/// Events that are kept: enough for every small scenario, bounded for large ones.
const KEPT: usize = 16_384;
/// Links of a chain.
const LINKS: usize = 12;
/// Characters of a value in a chain.
const SHOWN: usize = 120;

/// The recent events, oldest first, each with whose object it concerns.
#[derive(Debug, Clone, Default)]
pub struct History {
    events: VecDeque<(Event, Option<u32>)>,
    related: Related,
}

/// Events that led to something, oldest first; to be told by [`Chain::lines`].
#[derive(Debug, Clone, Default)]
pub struct Chain(Vec<Event>);

impl History {
    /// Nothing so far, in an estate whose job maps attributes so.
    #[must_use]
    pub fn of(estate: &Estate) -> Self {
        Self { events: VecDeque::new(), related: Related::of(estate) }
    }

    /// Takes an event in. Reads, questions and what went well are not kept: they lead to nothing by
    /// themselves.
    pub fn keep(&mut self, event: Event, whose: Option<u32>) {
        if let Event::Schema(change) = &event {
            self.related = Related::by(&change.flows);
        }
        if !is_kept(&event) {
            return;
        }
        if self.events.len() == KEPT {
            self.events.pop_front();
        }
        self.events.push_back((event, whose));
    }

    /// The events that are kept, oldest first.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.events.iter().map(|(event, _)| event)
    }

    /// The last events that concern a person on any side, and the faults between them; of writes only
    /// those `about` this attribute, what feeds it and what it feeds, where one is named.
    #[must_use]
    pub fn chain(&self, person: u32, about: Option<Place>) -> Chain {
        let places = about.map(|place| self.related.places(place));
        let is_about = |write: &Write| {
            places.as_ref().is_none_or(|places| {
                write.changes.iter().any(|c| places.contains(&(write.object.side, c.attribute)))
            })
        };
        let tells = |event: &Event, whose: Option<u32>| match event {
            Event::Write(write) => whose == Some(person) && is_about(write),
            Event::Outcome(outcome) => {
                whose == Some(person)
                    && (outcome.code != 0 || !outcome.answered || !outcome.effective)
            }
            Event::Logged(_) => whose == Some(person),
            Event::Fault(_) | Event::Process(_) => true,
            _ => false,
        };
        let told = self.events.iter().rev().filter(|(event, whose)| tells(event, *whose));
        let link = |event: &Event| told_of(event, places.as_deref());
        let mut links: Vec<Event> = told.take(LINKS).map(|(event, _)| link(event)).collect();
        links.reverse();
        Chain(links)
    }
}

impl Chain {
    /// These events, oldest first.
    pub(super) const fn of(events: Vec<Event>) -> Self {
        Self(events)
    }

    /// The events as lines for people. When the last write is so long ago that it is not among them any
    /// more, the first line says so.
    #[must_use]
    pub fn lines_after(&self, estate: &Estate, last: Option<&LastWriter>) -> Vec<String> {
        let mut lines = self.lines(estate);
        let told = |last: &LastWriter| {
            self.0.iter().any(|event| matches!(event, Event::Write(write) if write.at == last.at))
        };
        if let Some(last) = last.filter(|last| !told(last)) {
            let by = format!("{} {} ({})", last.at, last.actor.name, last.actor.activity.word());
            let is_newest = self.0.iter().all(|event| at_of(event).is_some_and(|at| at <= last.at));
            if is_newest {
                lines.push(format!("{by}: this write"));
            } else {
                lines.insert(0, format!("{by} wrote it; `hybridsim explain` tells what led there"));
            }
        }
        lines
    }

    /// The events as lines for people.
    #[must_use]
    pub fn lines(&self, estate: &Estate) -> Vec<String> {
        let line = |event: &Event| match event {
            Event::Write(write) => Some(describe(write, estate)),
            Event::Outcome(outcome) => Some(answer(outcome)),
            Event::Fault(hit) => Some(format!("{} fault {} at {}", hit.at, hit.name, hit.place)),
            Event::Logged(logged) => {
                let entry = format!("the engine logs {} {}", logged.status.text(), logged.code);
                Some(format!("{} {}", logged.at, entry.trim_end()))
            }
            Event::Process(process) => Some(format!("{} the engine's process ends", process.at)),
            _ => None,
        };
        self.0.iter().filter_map(line).collect()
    }
}

/// An event as a chain tells it: of a deletion, which takes every value away, only what is asked about.
pub(super) fn told_of(event: &Event, places: Option<&[Place]>) -> Event {
    let Event::Write(write) = event else { return event.clone() };
    if write.kind != WriteKind::Deleted {
        return event.clone();
    }
    let asked = |change: &&Change| {
        places.is_some_and(|places| places.contains(&(write.object.side, change.attribute)))
    };
    let changes = write.changes.iter().filter(asked).cloned().collect();
    Event::Write(Write { changes, ..write.clone() })
}

/// When something happened that a chain tells.
const fn at_of(event: &Event) -> Option<VirtualTime> {
    match event {
        Event::Write(write) => Some(write.at),
        Event::Outcome(outcome) => Some(outcome.at),
        Event::Fault(hit) => Some(hit.at),
        Event::Logged(logged) => Some(logged.at),
        Event::Process(process) => Some(process.at),
        _ => None,
    }
}

fn is_kept(event: &Event) -> bool {
    match event {
        Event::Write(_) | Event::Outcome(_) | Event::Fault(_) => true,
        Event::Process(process) => !process.started,
        Event::Logged(logged) => logged.status == LogStatus::Failure,
        _ => false,
    }
}

/// What somebody's attempt came to as a line.
fn answer(outcome: &Outcome) -> String {
    let lost = if outcome.answered { "" } else { ", the answer was lost" };
    let effect = if outcome.effective { "" } else { " without effect" };
    let line = format!(
        "{} {} ({}): {} answers {}{effect}{lost} {}",
        outcome.at,
        outcome.actor.name,
        outcome.actor.activity.word(),
        if outcome.side == Side::Ad { "LDAP" } else { "Exchange Online" },
        outcome.code,
        outcome.diagnostic.trim()
    );
    line.trim_end().to_owned()
}

/// One write as a line.
fn describe(write: &Write, estate: &Estate) -> String {
    let changes: Vec<String> = write
        .changes
        .iter()
        .map(|change| {
            format!(
                "{}.{} {} -> {}",
                write.object.side.short(),
                attribute_name(estate, write.object, change.attribute),
                cut(&change.old),
                cut(&change.new)
            )
        })
        .collect();
    let deleted = (write.kind == WriteKind::Deleted)
        .then(|| format!("{} deleted", write.object.side.short()));
    let told: Vec<String> = deleted.into_iter().chain(changes).collect();
    format!(
        "{} {} ({}): {}",
        write.at,
        write.actor.name,
        write.actor.activity.word(),
        told.join(", ")
    )
}

/// The documented spelling of an attribute of an object.
#[must_use]
pub fn attribute_name(estate: &Estate, object: ObjectKey, attribute: u16) -> String {
    match object.side {
        Side::Ad => estate
            .forests
            .get(object.forest)
            .and_then(|forest| forest.schema().attribute(attribute))
            .map_or_else(|| attribute.to_string(), |a| a.name.to_string()),
        Side::Entra => sim::entra::property::name(attribute).unwrap_or("?").to_owned(),
        Side::Exchange => property::name(attribute).to_owned(),
    }
}

/// Values for people, cut short.
fn cut(values: &[Box<[u8]>]) -> String {
    let text = shown(values);
    if text.chars().count() > SHOWN {
        let start: String = text.chars().take(SHOWN).collect();
        return format!("{start}... ({} characters)", text.chars().count());
    }
    text
}
