//! The counts of a run, and how long changes took to reach AD.

use sim::clock::VirtualTime;
use sim::exchange::property::{self, Bucket};
use sim::ledger::{Activity, Event, Side, Write};

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
    /// Since when an edit of somebody's mailbox waits for AD.
    waiting: ByPerson<Option<VirtualTime>>,
    lags: Vec<u64>,
}

/// Times from a cloud edit to the engine's write of that object in AD, in microseconds, ascending.
#[derive(Debug, Clone, Default)]
pub struct Lag(Vec<u64>);

impl Lag {
    /// Whether nothing was measured.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The time that this share (in a hundred) of the changes took at most; `None` when nothing was
    /// measured.
    #[must_use]
    pub fn percentile(&self, share: u64) -> Option<u64> {
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
            Event::Outcome(outcome) => self.refused_flips += u64::from(outcome.refused_flip),
            _ => {}
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
                        self.waiting.at(person).get_or_insert(write.at);
                    }
                }
            }
            Side::Ad if write.actor.activity == Activity::Writeback => {
                self.counts.ad_writes += 1;
                if let Some(since) = whose.and_then(|person| self.waiting.set(person, None)) {
                    let lag = write.at.since(since).as_micros();
                    self.lags.push(u64::try_from(lag).unwrap_or(u64::MAX));
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
        self.waiting.noted().filter(|(_, since)| since.is_some()).map(|(person, _)| person)
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
