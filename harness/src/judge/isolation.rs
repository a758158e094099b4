//! One failing object never blocks another.
//!
//! Why: an object that AD refuses goes into escrow and is tried again by itself; the others of its
//! batch and of its cycle go on (Microsoft Learn, "How application provisioning works"). So a cycle that
//! ends well and in which the directory refused somebody has answered for every edit that came before it:
//! with a modify, or with an entry in the log. And an object that still differs at the end, although
//! nothing ever refused it, while others were refused, was held up by them. Edits that together change nothing
//! ask for no answer. The whole job slows down for failures from the documented numbers on, not before
//! (Microsoft Learn, "Application provisioning in quarantine status").

use std::hash::Hasher;

use rustc_hash::FxHasher;
use sim::clock::VirtualTime;
use sim::entra::episodes::Episode;
use sim::entra::log::LogStatus;
use sim::estate::Estate;
use sim::exchange::property;
use sim::ledger::{Activity, Change, CycleEnd, Event, JobNews, ObjectKey, Side, Write};
use sim::record::AttributeNumber;

use super::failing::Failing;
use super::heard::Refusals;
use super::{About, Charge, Kind, Oracle, mapping};
use crate::observe::ByPerson;

/// The rule, with the edits that the job has not answered for.
#[derive(Clone)]
pub(super) struct Isolation {
    properties: Vec<AttributeNumber>,
    waiting: ByPerson<Option<Edit>>,
    /// Of whom the engine said that they are not in scope: it owes their edits no answer. Whether it may
    /// say so is for convergence to judge.
    left_out: ByPerson<bool>,
    /// Whom the directory refused last, and when.
    refused: Option<(ObjectKey, VirtualTime)>,
    held_up: Vec<Charge>,
}

/// Fewer failures than this never quarantine a job.
const FLOOR: usize = 5_000;
/// More than this do, however large the job is.
const BASE: usize = 40_000;

/// An edit of a mapped attribute.
#[derive(Clone, Copy)]
struct Edit {
    at: VirtualTime,
    mailbox: u32,
    attribute: AttributeNumber,
    /// What the mapped values became less what they had been when it came first: zero when they are again
    /// as they were.
    moved: u64,
}

/// What an edit moves mapped values by: edits there and back come to zero.
pub(super) fn moved<'c>(changes: impl Iterator<Item = &'c Change>) -> u64 {
    let of = |attribute: AttributeNumber, value: &[u8]| {
        let mut hasher = FxHasher::default();
        hasher.write_u16(attribute);
        hasher.write(value);
        hasher.finish()
    };
    changes.fold(0, |sum: u64, change| {
        let all = |values: &[Box<[u8]>]| {
            values.iter().fold(0, |sum: u64, value| sum.wrapping_add(of(change.attribute, value)))
        };
        sum.wrapping_add(all(&change.new)).wrapping_sub(all(&change.old))
    })
}

impl Isolation {
    pub(super) fn new(estate: &Estate) -> Self {
        Self {
            properties: mapping::properties(&mapping::flows(estate)),
            waiting: ByPerson::default(),
            left_out: ByPerson::default(),
            refused: None,
            held_up: Vec::new(),
        }
    }

    fn edit(&mut self, write: &Write, about: About) {
        let Some(person) = about.whose.filter(|_| write.object.side == Side::Exchange) else {
            return;
        };
        if write.changes.iter().any(|change| change.attribute == property::FLAG) {
            self.left_out.set(person, false);
        }
        let waiting = self.waiting.at(person);
        let owed = write.cloud_managed == Some(true) && !self.left_out.get(person);
        if !owed || about.outside.is_some() {
            *waiting = None;
            return;
        }
        let mut mapped = write.changes.iter().filter(|c| self.properties.contains(&c.attribute));
        let moved = moved(mapped.clone());
        match waiting {
            Some(edit) => {
                edit.moved = edit.moved.wrapping_add(moved);
                waiting.take_if(|edit| edit.moved == 0);
            }
            None => {
                *waiting = mapped.next().map(|change| {
                    let (mailbox, attribute) = (write.object.number, change.attribute);
                    Edit { at: write.at, mailbox, attribute, moved }
                });
            }
        }
    }

    fn cycle(&mut self, end: &CycleEnd) -> Option<Charge> {
        let (refused, at) = self.refused.take()?;
        if at < end.began {
            return None;
        }
        for (person, waiting) in self.waiting.all() {
            if let Some(edit) = waiting.take_if(|edit| edit.at < end.began) {
                self.held_up.push(held_back(person, edit, end, refused, at));
            }
        }
        self.held_up.reverse();
        self.held_up.pop()
    }
}

impl Oracle for Isolation {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Write, Kind::Outcome, Kind::Said]
    }

    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn observe(&mut self, event: &Event, about: About) -> Option<Charge> {
        match event {
            Event::Write(write) => self.edit(write, about),
            Event::Outcome(outcome)
                if outcome.side == Side::Ad && outcome.actor.activity == Activity::Writeback =>
            {
                if let Some(object) = outcome.object.filter(|_| outcome.code != 0) {
                    self.refused = Some((object, outcome.at));
                }
                self.waiting.set(about.whose?, None);
            }
            Event::Logged(entry) => {
                let person = about.whose?;
                self.waiting.set(person, None);
                let left_out = entry.status == LogStatus::Skipped && entry.code == "NotInScope";
                self.left_out.set(person, left_out);
            }
            Event::Cycle(end) if !end.failed => return self.cycle(end),
            Event::Schema(change) => self.properties = mapping::properties(&change.flows),
            _ => {}
        }
        None
    }

    fn more(&mut self) -> Option<Charge> {
        self.held_up.pop()
    }
}

fn held_back(
    person: u32,
    edit: Edit,
    end: &CycleEnd,
    refused: ObjectKey,
    at: VirtualTime,
) -> Charge {
    Charge {
        oracle: "isolation",
        at: end.at,
        object: Some(ObjectKey::exchange(edit.mailbox)),
        person: Some(person),
        attribute: Some(edit.attribute),
        writer: None,
        message: format!(
            "a cycle ended well and answered neither with a modify nor with a log entry for an edit \
             made at {}; in the same cycle the directory refused another object (number {}) at {at}",
            edit.at, refused.number
        ),
        expected: Some(format!("an answer by the cycle that began at {}", end.began)),
        actual: None,
    }
}

/// Whether the job has to do with so few failures what is documented for many.
pub(super) fn quarantined(news: &JobNews, failing: &Failing) -> Option<Charge> {
    let Episode::Became(_, Some(reason)) = &news.episode else { return None };
    let least = match *reason {
        "EncounteredEscrowProportionThreshold" => FLOOR,
        "EncounteredBaseEscrowThreshold" => BASE + 1,
        _ => return None,
    };
    let failing = failing.count();
    (failing < least).then(|| Charge {
        oracle: "isolation",
        at: news.at,
        object: None,
        person: None,
        attribute: None,
        writer: None,
        message: format!("the job went into quarantine ({reason}) for {failing} failure(s)"),
        expected: Some(format!("at least {least} mailboxes that fail")),
        actual: Some(failing.to_string()),
    })
}

/// The charge beside a difference at rest, when others were refused since the healing and this object
/// was not.
pub(super) fn held_up(
    difference: &Charge,
    refused: &Refusals,
    healed: VirtualTime,
) -> Option<Charge> {
    let since = |key: &ObjectKey| refused.get(key).is_some_and(|at| *at >= healed);
    let object = difference.object.filter(|object| !since(object))?;
    let other = refused.iter().find(|(key, at)| **key != object && **at >= healed)?;
    Some(Charge {
        oracle: "isolation",
        message: format!(
            "the object was not brought in line, nothing refused it, and the directory refused \
             another one at {}",
            other.1
        ),
        ..difference.clone()
    })
}
