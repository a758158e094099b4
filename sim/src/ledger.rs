//! Who wrote what, when, with what authority.
//!
//! Every write on every side passes here. The ledger keeps the last writer of each touched
//! attribute, and hands the events on to whoever judges and folds them into a
//! [`Trace`](crate::trace::Trace). Initial values are implicit: an attribute that nobody touched has no
//! last writer.

use std::borrow::Cow;
use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::clock::VirtualTime;
use crate::directory::forests::ForestNumber;
use crate::directory::request::ObjectNumber;
use crate::entra::episodes::Episode;
use crate::entra::log::LogStatus;
use crate::entra::schema::Flow;
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

/// What a write did to its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteKind {
    /// Values of an object that stays where it is.
    Changed,
    /// The object is new.
    Created,
    /// The object is gone, or a tombstone.
    Deleted,
    /// The object has another name or parent.
    Moved,
}

/// A write that had an effect.
#[derive(Debug, Clone)]
pub struct Write {
    /// When.
    pub at: VirtualTime,
    /// When whoever writes sent it: earlier than `at` for what was held back on its way.
    pub sent: VirtualTime,
    /// Who.
    pub actor: Actor,
    /// Which object.
    pub object: ObjectKey,
    /// What became of the object.
    pub kind: WriteKind,
    /// The object's GUID on that side.
    pub guid: Guid,
    /// `IsExchangeCloudManaged` of the mailbox at that moment; `None` where there is no mailbox.
    pub cloud_managed: Option<bool>,
    /// What changed; empty only where the object itself came, went or moved and kept all its values.
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
    /// Whether Exchange Online refused to change `IsExchangeCloudManaged` of a mailbox that it has, or of a
    /// recipient that has no such flag: for what the call was, not for how it was written.
    pub refused_flip: bool,
}

/// A modify of the engine is held back on its way: what it writes comes later, and nobody can recall it.
#[derive(Debug, Clone, Copy)]
pub struct HeldBack {
    /// When it was sent.
    pub at: VirtualTime,
    /// The object that it is for.
    pub object: ObjectKey,
}

/// A modify of the engine does not arrive: nobody was there to take it, or it was lost on its way.
#[derive(Debug, Clone, Copy)]
pub struct NotArrived {
    /// When it was sent.
    pub at: VirtualTime,
    /// The object that it was for.
    pub object: ObjectKey,
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

/// An entry that the engine wrote into the provisioning log.
#[derive(Debug, Clone)]
pub struct Logged {
    /// When.
    pub at: VirtualTime,
    /// The mailbox that it is about; `None` for a cycle as a whole, and for a mailbox that is gone.
    pub object: Option<ObjectKey>,
    /// How it ended, by the entry.
    pub status: LogStatus,
    /// The code of a failure, the reason of a skip, empty for a success.
    pub code: Cow<'static, str>,
}

/// A cycle of the writeback job came to its end, by the engine's report.
#[derive(Debug, Clone, Copy)]
pub struct CycleEnd {
    /// When it was reported.
    pub at: VirtualTime,
    /// When it began.
    pub began: VirtualTime,
    /// Whether the cycle failed as a whole.
    pub failed: bool,
    /// Whether it evaluated everything.
    pub initial: bool,
}

/// A cycle of inbound synchronization came to its end and took in whatever had changed in AD before it
/// began. One that failed, that did not reach a domain controller, or that replication kept changes from
/// tells nothing.
#[derive(Debug, Clone)]
pub struct Synchronized {
    /// When it ended.
    pub at: VirtualTime,
    /// When it began.
    pub began: VirtualTime,
    /// Objects of AD whose changes are still to be exported: their export was refused.
    pub pending: Vec<ObjectKey>,
}

/// What a transfer says of a mailbox's flag, at its end.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// When.
    pub at: VirtualTime,
    /// The mailbox.
    pub object: ObjectKey,
    /// `IsExchangeCloudManaged`, as the transfer says.
    pub cloud_managed: bool,
}

/// A transfer is told whose flag it is to change.
#[derive(Debug, Clone)]
pub struct FlipOrder {
    /// When.
    pub at: VirtualTime,
    /// The mailboxes, by number, ascending.
    pub mailboxes: Vec<u32>,
    /// What `IsExchangeCloudManaged` is to be.
    pub cloud_managed: bool,
}

/// Something was asked of the writeback job, or it took that up; it changed its status, was deleted or made anew.
#[derive(Debug, Clone)]
pub struct JobNews {
    /// When.
    pub at: VirtualTime,
    /// What happened to it.
    pub episode: Episode,
}

/// The writeback job got another schema.
#[derive(Debug, Clone)]
pub struct SchemaChange {
    /// When.
    pub at: VirtualTime,
    /// Its attribute mappings from then on.
    pub flows: Vec<Flow>,
}

/// The life of the engine's process.
#[derive(Debug, Clone, Copy)]
pub struct Process {
    /// When.
    pub at: VirtualTime,
    /// Whether it started, or ended.
    pub started: bool,
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
    /// A modify of the engine is held back on its way.
    HeldBack(HeldBack),
    /// A modify of the engine does not arrive.
    NotArrived(NotArrived),
    /// A fault did something.
    Fault(FaultHit),
    /// The engine wrote a log entry.
    Logged(Logged),
    /// A cycle of the writeback job ended.
    Cycle(CycleEnd),
    /// A transfer said what became of a flag.
    Claim(Claim),
    /// The engine's process started or ended.
    Process(Process),
    /// The writeback job got another schema.
    Schema(SchemaChange),
    /// A transfer got its order.
    Order(FlipOrder),
    /// Something happened to the writeback job.
    Job(JobNews),
    /// A cycle of inbound synchronization ended well.
    Synchronized(Synchronized),
    /// The engine's state store took a change, when.
    Committed(VirtualTime),
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
}

impl Ledger {
    /// Notes a write. One that changed nothing at all is nobody's write and is ignored.
    pub fn write(&mut self, write: Write) {
        if write.changes.is_empty() && write.kind == WriteKind::Changed {
            return;
        }
        let actor = self.actor_number(&write.actor);
        for change in &write.changes {
            let touch = Touch { at: write.at, actor, cloud_managed: write.cloud_managed };
            self.touched.insert(touch_key(write.object, change.attribute), touch);
        }
        self.pending.push(Event::Write(write));
    }

    /// Notes a read by the engine.
    pub fn read(&mut self, read: Read) {
        self.pending.push(Event::Read(read));
    }

    /// Notes a question by the engine.
    pub fn question(&mut self, question: Question) {
        self.pending.push(Event::Question(question));
    }

    /// Notes what somebody's attempt came to.
    pub fn outcome(&mut self, outcome: Outcome) {
        self.pending.push(Event::Outcome(outcome));
    }

    /// Notes that a modify of the engine is held back on its way.
    pub fn held_back(&mut self, held: HeldBack) {
        self.pending.push(Event::HeldBack(held));
    }

    /// Notes that a modify of the engine does not arrive.
    pub fn not_arrived(&mut self, lost: NotArrived) {
        self.pending.push(Event::NotArrived(lost));
    }

    /// Notes that a fault did something.
    pub fn fault(&mut self, hit: FaultHit) {
        self.pending.push(Event::Fault(hit));
    }

    /// Notes an entry of the provisioning log.
    pub fn logged(&mut self, logged: Logged) {
        self.pending.push(Event::Logged(logged));
    }

    /// Notes that a cycle of the writeback job ended.
    pub fn cycle(&mut self, end: CycleEnd) {
        self.pending.push(Event::Cycle(end));
    }

    /// Notes what a transfer says of a flag.
    pub fn claim(&mut self, claim: Claim) {
        self.pending.push(Event::Claim(claim));
    }

    /// Notes that the engine's process started or ended.
    pub fn process(&mut self, process: Process) {
        self.pending.push(Event::Process(process));
    }

    /// The writeback job got another schema.
    pub fn schema(&mut self, change: SchemaChange) {
        self.pending.push(Event::Schema(change));
    }

    /// Notes whose flag a transfer is to change.
    pub fn order(&mut self, order: FlipOrder) {
        self.pending.push(Event::Order(order));
    }

    /// Notes what happened to the writeback job.
    pub fn job(&mut self, news: JobNews) {
        self.pending.push(Event::Job(news));
    }

    /// Notes that a cycle of inbound synchronization ended well.
    pub fn synchronized(&mut self, end: Synchronized) {
        self.pending.push(Event::Synchronized(end));
    }

    /// Notes that the engine's state store took a change.
    pub fn committed(&mut self, at: VirtualTime) {
        self.pending.push(Event::Committed(at));
    }

    /// The events since the last call, oldest first.
    pub fn drain(&mut self) -> Vec<Event> {
        // As many are likely to come again: a list that grows anew moves them all several times.
        let room = self.pending.len();
        core::mem::replace(&mut self.pending, Vec::with_capacity(room))
    }

    /// How many events wait for [`Self::drain`].
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// The last writer of an attribute; `None` when nobody touched it since the start.
    #[must_use]
    pub fn last_writer(&self, object: ObjectKey, attribute: AttributeNumber) -> Option<LastWriter> {
        let touch = self.touched.get(&touch_key(object, attribute))?;
        let actor = self.actors.get(touch.actor as usize)?.clone();
        Some(LastWriter { at: touch.at, actor, cloud_managed: touch.cloud_managed })
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

#[cfg(test)]
mod tests {
    use super::*;

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
