//! The hash over all that happened: equal for equal runs.
//!
//! **What it covers**: domain events only, in their order, with virtual times: writes with their
//! values, the engine's questions and reads, fault hits, what every attempt came to, the refused ones
//! included, what the engine says (log entries, cycles, transferred mailboxes), and when its process
//! started and ended. Not tokens, binds, HTTP requests or reconnects. Values of an attribute are a set and
//! are hashed in sorted order.

use twox_hash::XxHash3_128;

use crate::clock::VirtualTime;
use crate::ledger::{
    Actor, Claim, CycleEnd, Event, FaultHit, Logged, ObjectKey, Outcome, Process, Question, Read,
    SchemaChange, Write,
};

/// The running hash over the domain events.
#[derive(Clone)]
pub struct Trace {
    hash: XxHash3_128,
    events: u64,
    last: VirtualTime,
    buffer: Vec<u8>,
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            hash: XxHash3_128::new(),
            events: 0,
            last: VirtualTime::default(),
            buffer: Vec::new(),
        }
    }
}

/// What identifies a run: equal for equal runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceHash {
    /// 128 bits over all domain events in order.
    pub hash: u128,
    /// How many there were.
    pub events: u64,
    /// When the last one happened; `None` when nothing did.
    pub last: Option<VirtualTime>,
}

impl Trace {
    /// Folds an event in.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Write(write) => self.write(write),
            Event::Read(read) => self.read(read),
            Event::Question(question) => self.question(question),
            Event::Outcome(outcome) => self.outcome(outcome),
            Event::Fault(hit) => self.fault(hit),
            Event::Logged(logged) => self.logged(logged),
            Event::Cycle(end) => self.cycle(end),
            Event::Claim(claim) => self.claim(claim),
            Event::Process(process) => self.process(process),
            Event::Schema(change) => self.schema(change),
            // The hit of the fault that holds it back or loses it says so already; what was synchronized
            // the writes do, what was ordered the calls, and how the job stands its cycles and entries. The store is the
            // engine's own.
            Event::HeldBack(_)
            | Event::NotArrived(_)
            | Event::Synchronized(_)
            | Event::Order(_)
            | Event::Job(_)
            | Event::Committed(_) => {}
        }
    }

    /// The hash over everything so far.
    #[must_use]
    pub fn hash(&self) -> TraceHash {
        TraceHash {
            hash: self.hash.finish_128(),
            events: self.events,
            last: (self.events > 0).then_some(self.last),
        }
    }

    fn begin(&mut self, kind: u8, at: VirtualTime) {
        self.events += 1;
        self.last = at;
        self.buffer.clear();
        self.buffer.push(kind);
        self.buffer.extend_from_slice(&at.as_micros().to_le_bytes());
    }

    fn end(&mut self) {
        self.hash.write(&self.buffer);
    }

    fn text(&mut self, text: &[u8]) {
        self.buffer.extend_from_slice(&(text.len() as u64).to_le_bytes());
        self.buffer.extend_from_slice(text);
    }

    fn values(&mut self, values: &[Box<[u8]>]) {
        self.buffer.extend_from_slice(&(values.len() as u64).to_le_bytes());
        let mut sorted: Vec<&[u8]> = values.iter().map(AsRef::as_ref).collect();
        sorted.sort_unstable();
        for value in sorted {
            self.text(value);
        }
    }

    fn flag(&mut self, flag: Option<bool>) {
        self.buffer.push(flag.map_or(2, u8::from));
    }

    fn actor(&mut self, actor: &Actor) {
        self.buffer.push(actor.activity as u8);
        self.text(actor.name.as_bytes());
    }

    /// Where an object is; which one it is, its GUID tells.
    fn object(&mut self, object: ObjectKey) {
        self.buffer.push(object.side as u8);
        self.buffer.extend_from_slice(&object.forest.0.to_le_bytes());
    }

    fn schema(&mut self, change: &SchemaChange) {
        self.begin(10, change.at);
        self.buffer.extend_from_slice(&(change.flows.len() as u64).to_le_bytes());
        for flow in &change.flows {
            self.text(flow.target.as_bytes());
            self.text(flow.source.as_bytes());
            self.text(flow.default.as_deref().unwrap_or_default().as_bytes());
        }
        self.end();
    }

    fn write(&mut self, write: &Write) {
        self.begin(1, write.at);
        self.actor(&write.actor);
        self.object(write.object);
        self.buffer.push(write.kind as u8);
        self.buffer.extend_from_slice(&write.guid.0);
        self.flag(write.cloud_managed);
        for change in &write.changes {
            self.buffer.extend_from_slice(&change.attribute.to_le_bytes());
            self.values(&change.old);
            self.values(&change.new);
        }
        self.end();
    }

    fn question(&mut self, question: &Question) {
        self.begin(5, question.at);
        self.buffer.push(question.activity as u8);
        self.text(question.what.as_bytes());
        self.buffer.extend_from_slice(&question.found.to_le_bytes());
        self.end();
    }

    fn read(&mut self, read: &Read) {
        self.begin(2, read.at);
        self.buffer.push(read.activity as u8);
        self.object(read.object);
        self.buffer.extend_from_slice(&read.guid.0);
        self.flag(read.cloud_managed);
        self.buffer.extend_from_slice(&read.version.to_le_bytes());
        self.end();
    }

    fn outcome(&mut self, outcome: &Outcome) {
        self.begin(3, outcome.at);
        self.actor(&outcome.actor);
        self.buffer.push(outcome.side as u8);
        self.buffer.extend_from_slice(&outcome.guid.0);
        self.buffer.extend_from_slice(&outcome.code.to_le_bytes());
        self.buffer.extend_from_slice(&outcome.request.to_le_bytes());
        self.buffer.push(u8::from(outcome.effective) | u8::from(outcome.answered) << 1);
        self.end();
    }

    fn fault(&mut self, hit: &FaultHit) {
        self.begin(4, hit.at);
        self.text(hit.name.as_bytes());
        self.text(hit.place.as_bytes());
        self.end();
    }

    fn logged(&mut self, logged: &Logged) {
        self.begin(6, logged.at);
        self.buffer.push(logged.status as u8);
        self.text(logged.code.as_bytes());
        self.buffer.push(u8::from(logged.object.is_some()));
        self.end();
    }

    fn cycle(&mut self, end: &CycleEnd) {
        self.begin(7, end.at);
        self.buffer.extend_from_slice(&end.began.as_micros().to_le_bytes());
        self.buffer.push(u8::from(end.failed));
        self.end();
    }

    fn claim(&mut self, claim: &Claim) {
        self.begin(8, claim.at);
        self.object(claim.object);
        self.buffer.extend_from_slice(&claim.object.number.to_le_bytes());
        self.buffer.push(u8::from(claim.cloud_managed));
        self.end();
    }

    fn process(&mut self, process: &Process) {
        self.begin(9, process.at);
        self.buffer.push(u8::from(process.started));
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::forests::ForestNumber;
    use crate::directory::request::ObjectNumber;
    use crate::guid::Guid;
    use crate::ledger::{Activity, Change, WriteKind};

    fn write(attribute: u16, new: &str) -> Write {
        Write {
            at: VirtualTime::from_micros(1),
            sent: VirtualTime::from_micros(1),
            actor: Actor::new("somebody", Activity::Person),
            object: ObjectKey::ad(ForestNumber(0), ObjectNumber(3)),
            kind: WriteKind::Changed,
            guid: Guid([0; 16]),
            cloud_managed: Some(true),
            changes: vec![Change { attribute, old: Vec::new(), new: vec![new.as_bytes().into()] }],
        }
    }

    fn hash(writes: &[Write]) -> TraceHash {
        let mut trace = Trace::default();
        for write in writes {
            trace.take(&Event::Write(write.clone()));
        }
        trace.hash()
    }

    #[test]
    fn the_hash_sees_values_and_order() {
        let (a, b) = (write(1, "x"), write(2, "y"));
        assert_eq!(hash(&[a.clone(), b.clone()]), hash(&[a.clone(), b.clone()]));
        assert_ne!(hash(&[a.clone(), b.clone()]).hash, hash(&[b, a.clone()]).hash);
        assert_ne!(hash(core::slice::from_ref(&a)).hash, hash(&[write(1, "X")]).hash);
    }

    #[test]
    fn the_order_of_values_means_nothing() {
        let mut a = write(1, "x");
        a.changes[0].new = vec![b"p".as_slice().into(), b"q".as_slice().into()];
        let mut b = a.clone();
        b.changes[0].new.reverse();
        assert_eq!(hash(&[a]), hash(&[b]));
    }
}
