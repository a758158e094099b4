//! Who wrote what, when, with what authority; and the hash over all of it.
//!
//! Every write on every side passes here. The ledger keeps the last writer of each touched
//! attribute, hands the events on to whoever judges, and folds them into the trace hash. Initial
//! values are implicit: an attribute that nobody touched has no last writer.
//!
//! **What the trace hash covers**: domain events only, in their order, with virtual times: writes
//! with their values, the engine's questions and reads, fault hits, and what every attempt came to, the
//! refused ones included. Not tokens, binds, HTTP requests or reconnects. Values of an attribute are a set and are hashed in sorted order.

use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use twox_hash::XxHash3_128;

use crate::clock::VirtualTime;
use crate::directory::forests::ForestNumber;
use crate::directory::request::ObjectNumber;
use crate::guid::Guid;
use crate::record::AttributeNumber;

/// One of the three sides an object lives on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Active Directory.
    Ad,
    /// Microsoft Entra ID.
    Entra,
    /// Exchange Online.
    Exchange,
}

impl Side {
    /// The short name that scenario files use.
    #[must_use]
    pub const fn short(self) -> &'static str {
        match self {
            Self::Ad => "ad",
            Self::Entra => "entra",
            Self::Exchange => "exo",
        }
    }
}

/// What a writer was doing. What it may touch is a rule for the activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Activity {
    /// The engine's writeback job.
    Writeback,
    /// The engine's transfer of authority, in either direction.
    Transfer,
    /// Values put back from a backup.
    Restore,
    /// An explicit reconciliation.
    Reconcile,
    /// Connect Sync or another inbound engine.
    Sync,
    /// The cloud services among themselves (forward and back sync).
    Service,
    /// A person at a console.
    Person,
    /// A script on its own account.
    Script,
}

impl Activity {
    /// Whether a machine does it by itself, so that the oracles judge it.
    #[must_use]
    pub const fn is_automatic(self) -> bool {
        !matches!(self, Self::Person | Self::Script)
    }

    /// The word that reports use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Writeback => "writeback",
            Self::Transfer => "transfer",
            Self::Restore => "restore",
            Self::Reconcile => "reconcile",
            Self::Sync => "sync",
            Self::Service => "service",
            Self::Person => "person",
            Self::Script => "script",
        }
    }
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// A name for people: `exchange-admin`, `provAgentgMSA$ via agent1`, `Connect Sync 2.5.190.0`.
    pub name: Arc<str>,
    /// What it was doing.
    pub activity: Activity,
}

impl Actor {
    /// An actor.
    #[must_use]
    pub fn new(name: &str, activity: Activity) -> Self {
        Self { name: Arc::from(name), activity }
    }
}

/// An object on one side, by its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// The side.
    pub side: Side,
    /// The forest that numbers the object; always the first for the two cloud sides, of which there
    /// is one tenant.
    pub forest: ForestNumber,
    /// The number of the object on that side, in its forest.
    pub number: u32,
}

impl ObjectKey {
    /// An object of a forest.
    #[must_use]
    pub const fn ad(forest: ForestNumber, object: ObjectNumber) -> Self {
        Self { side: Side::Ad, forest, number: object.0 }
    }

    /// A user of the tenant.
    #[must_use]
    pub const fn entra(number: u32) -> Self {
        Self { side: Side::Entra, forest: ForestNumber(0), number }
    }

    /// A recipient of Exchange Online.
    #[must_use]
    pub const fn exchange(number: u32) -> Self {
        Self { side: Side::Exchange, forest: ForestNumber(0), number }
    }
}

/// One attribute that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its number on that side.
    pub attribute: AttributeNumber,
    /// Values before.
    pub old: Vec<Box<[u8]>>,
    /// Values after.
    pub new: Vec<Box<[u8]>>,
}

/// A write that had an effect.
#[derive(Debug, Clone)]
pub struct Write {
    /// When.
    pub at: VirtualTime,
    /// Who.
    pub actor: Actor,
    /// Which object.
    pub object: ObjectKey,
    /// The object's GUID on that side.
    pub guid: Guid,
    /// `IsExchangeCloudManaged` of the mailbox at that moment; `None` where there is no mailbox.
    pub cloud_managed: Option<bool>,
    /// What changed; never empty.
    pub changes: Vec<Change>,
}

/// A read by the engine whose answer got through to it.
#[derive(Debug, Clone, Copy)]
pub struct Read {
    /// When.
    pub at: VirtualTime,
    /// What the engine was doing.
    pub activity: Activity,
    /// Which object.
    pub object: ObjectKey,
    /// Its GUID.
    pub guid: Guid,
    /// The flag that the engine saw, when it read a mailbox.
    pub cloud_managed: Option<bool>,
    /// How often the object had changed.
    pub version: u32,
}

/// A question by the engine and how much it found; what it found follows as reads.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// When.
    pub at: VirtualTime,
    /// What the engine was doing.
    pub activity: Activity,
    /// What was asked: `search`, `Get-Mailbox`, `users`, `agents`, `organization`, ...
    pub what: &'static str,
    /// How many things were found.
    pub found: u32,
}

/// Something that somebody tried: a cmdlet that was to change a recipient, a change in AD that was
/// refused, any modify by the engine. Whether it had an effect, and whether the answer got through.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// When.
    pub at: VirtualTime,
    /// Who asked.
    pub actor: Actor,
    /// The side that answered.
    pub side: Side,
    /// The object's GUID on that side; zero when there is no such object.
    pub guid: Guid,
    /// The object, when it exists.
    pub object: Option<ObjectKey>,
    /// 0 for success; else the LDAP result code, or the HTTP status of a cmdlet's refusal.
    pub code: u32,
    /// The diagnostic message, for people.
    pub diagnostic: String,
    /// Whether any value changed.
    pub effective: bool,
    /// A digest of the request, to recognise a repetition.
    pub request: u64,
    /// Whether the answer got through to whoever asked.
    pub answered: bool,
}

/// A fault that did something.
#[derive(Debug, Clone)]
pub struct FaultHit {
    /// When.
    pub at: VirtualTime,
    /// The rule.
    pub rule: u32,
    /// Its name: `agent_offline`, `dc_busy`, ...
    pub name: &'static str,
    /// Where it was met: `agent1`, `DC1 modify`.
    pub place: String,
}

/// Something that happened in the estate and that a judge may want to know.
#[derive(Debug, Clone)]
pub enum Event {
    /// A write with effect.
    Write(Write),
    /// A read by the engine.
    Read(Read),
    /// A question by the engine.
    Question(Question),
    /// What somebody's attempt came to.
    Outcome(Outcome),
    /// A fault did something.
    Fault(FaultHit),
}

/// The last writer of an attribute.
#[derive(Debug, Clone)]
pub struct LastWriter {
    /// When.
    pub at: VirtualTime,
    /// Who.
    pub actor: Actor,
    /// The flag at that moment.
    pub cloud_managed: Option<bool>,
}

#[derive(Clone, Copy)]
struct Touch {
    at: VirtualTime,
    actor: u32,
    cloud_managed: Option<bool>,
}

/// The ledger of an estate.
#[derive(Clone, Default)]
pub struct Ledger {
    touched: HashMap<u64, Touch, FxBuildHasher>,
    actors: Vec<Actor>,
    pending: Vec<Event>,
    trace: Trace,
}

/// The running hash over the domain events.
#[derive(Clone)]
struct Trace {
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

impl Ledger {
    /// Notes a write. One without changes is nobody's write and is ignored.
    pub fn write(&mut self, write: Write) {
        if write.changes.is_empty() {
            return;
        }
        let actor = self.actor_number(&write.actor);
        for change in &write.changes {
            let touch = Touch { at: write.at, actor, cloud_managed: write.cloud_managed };
            self.touched.insert(touch_key(write.object, change.attribute), touch);
        }
        self.trace.write(&write);
        self.pending.push(Event::Write(write));
    }

    /// Notes a read by the engine.
    pub fn read(&mut self, read: Read) {
        self.trace.read(&read);
        self.pending.push(Event::Read(read));
    }

    /// Notes a question by the engine.
    pub fn question(&mut self, question: Question) {
        self.trace.question(&question);
        self.pending.push(Event::Question(question));
    }

    /// Notes what somebody's attempt came to.
    pub fn outcome(&mut self, outcome: Outcome) {
        self.trace.outcome(&outcome);
        self.pending.push(Event::Outcome(outcome));
    }

    /// Notes that a fault did something.
    pub fn fault(&mut self, hit: FaultHit) {
        self.trace.fault(&hit);
        self.pending.push(Event::Fault(hit));
    }

    /// The events since the last call, oldest first.
    pub fn drain(&mut self) -> Vec<Event> {
        core::mem::take(&mut self.pending)
    }

    /// The last writer of an attribute; `None` when nobody touched it since the start.
    #[must_use]
    pub fn last_writer(&self, object: ObjectKey, attribute: AttributeNumber) -> Option<LastWriter> {
        let touch = self.touched.get(&touch_key(object, attribute))?;
        let actor = self.actors.get(touch.actor as usize)?.clone();
        Some(LastWriter { at: touch.at, actor, cloud_managed: touch.cloud_managed })
    }

    /// The hash over everything so far.
    #[must_use]
    pub fn trace(&self) -> TraceHash {
        TraceHash {
            hash: self.trace.hash.finish_128(),
            events: self.trace.events,
            last: (self.trace.events > 0).then_some(self.trace.last),
        }
    }

    /// Forgets everything: what came before was the making of the world, not its history.
    pub fn begin(&mut self) {
        *self = Self::default();
    }

    fn actor_number(&mut self, actor: &Actor) -> u32 {
        let place = self.actors.iter().rposition(|known| known == actor).unwrap_or_else(|| {
            self.actors.push(actor.clone());
            self.actors.len() - 1
        });
        u32::try_from(place).unwrap_or(u32::MAX)
    }
}

/// One number for an attribute of an object. Sixteen bits tell the cloud sides and the forests apart,
/// so there are at most [`Forests::MOST`](crate::directory::forests::Forests::MOST) forests.
fn touch_key(object: ObjectKey, attribute: AttributeNumber) -> u64 {
    let place = match object.side {
        Side::Ad => object.forest.0,
        Side::Entra => u16::MAX - 1,
        Side::Exchange => u16::MAX,
    };
    u64::from(place) << 48 | u64::from(attribute) << 32 | u64::from(object.number)
}

impl Trace {
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

    fn write(&mut self, write: &Write) {
        self.begin(1, write.at);
        self.actor(&write.actor);
        self.object(write.object);
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(attribute: u16, new: &str) -> Write {
        Write {
            at: VirtualTime::from_micros(1),
            actor: Actor::new("somebody", Activity::Person),
            object: ObjectKey::ad(ForestNumber(0), ObjectNumber(3)),
            guid: Guid([0; 16]),
            cloud_managed: Some(true),
            changes: vec![Change { attribute, old: Vec::new(), new: vec![new.as_bytes().into()] }],
        }
    }

    fn hash(writes: &[Write]) -> TraceHash {
        let mut ledger = Ledger::default();
        for write in writes {
            ledger.write(write.clone());
        }
        ledger.trace()
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

    #[test]
    fn the_last_writer_is_the_last() {
        let mut ledger = Ledger::default();
        ledger.write(write(1, "x"));
        let mut later = write(1, "y");
        later.actor = Actor::new("engine", Activity::Writeback);
        ledger.write(later);
        let key = ObjectKey::ad(ForestNumber(0), ObjectNumber(3));
        assert_eq!(ledger.last_writer(key, 1).unwrap().actor.activity, Activity::Writeback);
        assert!(ledger.last_writer(key, 2).is_none());
        assert_eq!(ledger.drain().len(), 2);
    }
}
