//! The counts of a run, and how long changes took to reach AD.
//!
//! An edit waits until the engine writes the object in AD, or until a whole cycle has looked at both sides
//! of it and had neither a write nor a failure: then there was nothing to write.

use std::time::Duration;

use sim::clock::VirtualTime;
use sim::entra::log::LogStatus;
use sim::exchange::property::{self, Bucket};
use sim::ledger::{Activity, CycleEnd, Event, Read, Side, Write};

use super::ByPerson;
use crate::judge::verdict::Counts;

/// Counts, from the events of the ledger.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    counts: Counts,
    /// Flips of a mailbox that Exchange Online refused.
    refused_flips: u64,
    /// Effective writes by anybody, on any side.
    writes: u64,
    /// Edits of somebody's mailbox that wait for AD.
    waiting: ByPerson<Waiting>,
    /// Who waits and was looked at on both sides since the last cycle ended, and when.
    looked_at: Vec<(u32, VirtualTime)>,
    lags: Vec<Arrival>,
}

/// Edits of a mailbox on their way to AD.
#[derive(Debug, Clone, Copy, Default)]
struct Waiting {
    /// Since when; `None` when there are none.
    since: Option<VirtualTime>,
    seen: Seen,
}

/// What the engine has looked at since the last edit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Seen {
    #[default]
    Nothing,
    Mailbox,
    BothSides,
}

/// An edit that reached AD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival {
    /// How long it took.
    pub took: Duration,
    /// When it was made; the first of several that came together.
    pub edited: VirtualTime,
    /// Whose.
    pub person: u32,
}

impl Arrival {
    /// When it was in AD.
    #[must_use]
    pub fn arrived(&self) -> VirtualTime {
        self.edited + self.took
    }
}

/// How long changes took from a cloud edit to the engine's write of that object in AD, ascending.
#[derive(Debug, Clone, Default)]
pub struct Lag(Vec<Arrival>);

impl Lag {
    /// Whether nothing was measured.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The slowest of this share (in a hundred) of the changes; `None` when nothing was measured.
    #[must_use]
    pub fn percentile(&self, share: u64) -> Option<Arrival> {
        let last = self.0.len().checked_sub(1)? as u64;
        let place = (self.0.len() as u64 * share).div_ceil(100).saturating_sub(1).min(last);
        self.0.get(usize::try_from(place).unwrap_or(0)).copied()
    }
}

impl Counters {
    /// Takes an event in; `whose` object it concerns.
    pub fn observe(&mut self, event: &Event, whose: Option<u32>) {
        match event {
            Event::Write(write) => {
                self.writes += 1;
                self.write(write, whose);
            }
            Event::Outcome(outcome)
                if outcome.side == Side::Ad
                    && outcome.actor.activity == Activity::Writeback
                    && outcome.code == 0
                    && !outcome.effective =>
            {
                self.counts.redundant_writes += 1;
            }
            Event::Outcome(outcome) => {
                self.refused_flips += u64::from(outcome.refused_flip);
                if outcome.side == Side::Ad && outcome.code != 0 {
                    self.goes_on_waiting(whose);
                }
            }
            Event::Logged(logged) if logged.status == LogStatus::Failure => {
                self.goes_on_waiting(whose);
            }
            Event::HeldBack(_) => self.goes_on_waiting(whose),
            Event::Read(read) if read.activity == Activity::Writeback => self.read(read, whose),
            Event::Cycle(end) => self.cycle(end),
            _ => {}
        }
    }

    /// Somebody's edits did not get through this time.
    fn goes_on_waiting(&mut self, whose: Option<u32>) {
        if let Some(person) = whose.filter(|person| self.waiting.get(*person).since.is_some()) {
            self.waiting.at(person).seen = Seen::Nothing;
        }
    }

    fn read(&mut self, read: &Read, whose: Option<u32>) {
        let Some(person) = whose.filter(|person| self.waiting.get(*person).since.is_some()) else {
            return;
        };
        let waiting = self.waiting.at(person);
        match (read.object.side, waiting.seen) {
            (Side::Exchange, _) => waiting.seen = Seen::Mailbox,
            (Side::Ad, Seen::Mailbox) => {
                waiting.seen = Seen::BothSides;
                self.looked_at.push((person, read.at));
            }
            (Side::Ad | Side::Entra, _) => {}
        }
    }

    /// Whoever a cycle looked at on both sides, and had nothing to write for, waits for nothing.
    fn cycle(&mut self, end: &CycleEnd) {
        for (person, at) in core::mem::take(&mut self.looked_at) {
            let waiting = self.waiting.at(person);
            if !end.failed && at >= end.began && waiting.seen == Seen::BothSides {
                *waiting = Waiting::default();
            }
        }
    }

    fn write(&mut self, write: &Write, whose: Option<u32>) {
        match write.object.side {
            Side::Exchange => {
                self.counts.flips += u64::from(is_flip(write));
                let edited = write.changes.iter().any(|c| c.attribute != property::FLAG);
                if edited && !write.actor.activity.is_automatic() {
                    self.counts.cloud_edits += 1;
                    let waits = write.changes.iter().any(|c| is_written_back(c.attribute));
                    if let Some(person) = whose.filter(|_| waits) {
                        let waiting = self.waiting.at(person);
                        waiting.since.get_or_insert(write.at);
                        waiting.seen = Seen::Nothing;
                    }
                }
            }
            Side::Ad if write.actor.activity == Activity::Writeback => {
                self.counts.ad_writes += 1;
                let Some(person) = whose else { return };
                if let Some(edited) = self.waiting.set(person, Waiting::default()).since {
                    self.lags.push(Arrival { took: write.at.since(edited), edited, person });
                }
            }
            Side::Ad | Side::Entra => {}
        }
    }

    /// Flips of a mailbox that Exchange Online refused, whoever asked for them.
    #[must_use]
    pub const fn refused_flips(&self) -> u64 {
        self.refused_flips
    }

    /// Effective writes so far, by anybody, on any side.
    #[must_use]
    pub const fn writes(&self) -> u64 {
        self.writes
    }

    /// Notes objects of the escrow that a cycle tried again.
    pub fn retried(&mut self, objects: u64) {
        self.counts.retries += objects;
    }

    /// Notes how many objects were compared at the end.
    pub fn compared(&mut self, objects: u64) {
        self.counts.compared_objects = objects;
    }

    /// The counts so far.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Whose edits no write to AD has followed yet.
    pub fn waiting(&self) -> impl Iterator<Item = u32> {
        let waiting = self.waiting.noted().filter(|(_, waiting)| waiting.since.is_some());
        waiting.map(|(person, _)| person)
    }

    /// The times measured so far.
    #[must_use]
    pub fn lag(&self) -> Lag {
        let mut lags = self.lags.clone();
        lags.sort_unstable();
        Lag(lags)
    }
}

/// Whether somebody changed the flag: the service clears it by itself where authority over the whole object
/// moves, or with a mailbox that comes back.
fn is_flip(write: &Write) -> bool {
    let changes = |attribute| write.changes.iter().any(|change| change.attribute == attribute);
    changes(property::FLAG)
        && !changes(property::IS_DIR_SYNCED)
        && write.actor.activity != Activity::Service
}

fn is_written_back(attribute: u16) -> bool {
    attribute == property::RECIPIENT_TYPE_DETAILS
        || property::spec(attribute).is_some_and(|spec| spec.bucket == Bucket::WrittenBack)
}
