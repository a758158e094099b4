//! What the ledger told that a comparison of everything goes by: what the estate itself does not show.

use std::collections::{BTreeMap, BTreeSet};

use sim::clock::VirtualTime;
use sim::estate::Estate;
use sim::exchange::{property, truth};
use sim::ledger::{Change, CycleEnd, Event, ObjectKey, Outcome, Read, Side, Synchronized, Write};
use sim::record::AttributeNumber;

use super::inbound;
use super::scope::exports;
use super::versions::Versions;

/// When the directory last refused a modify of the engine, by object: the evidence behind a logged
/// failure.
pub(super) type Refusals = BTreeMap<ObjectKey, VirtualTime>;

/// An attribute of an object.
type Place = (ObjectKey, AttributeNumber);

/// What was heard so far.
#[derive(Clone, Default)]
pub(super) struct Heard {
    pub(super) refused: Refusals,
    /// When somebody last wrote an attribute in AD by hand or by a script.
    by_hand: BTreeMap<Place, VirtualTime>,
    /// Attributes of AD whose last write was held back on its way, and when it landed.
    landed: BTreeMap<Place, VirtualTime>,
    /// When cycles of the job began and ended, oldest first.
    cycles: Vec<(VirtualTime, VirtualTime)>,
    /// When the last cycle and the last initial one began that ended well.
    last_cycle: Option<VirtualTime>,
    initial: Option<VirtualTime>,
    /// The last cycle of synchronization that took in all that AD had.
    pub(super) synchronized: Option<Synchronized>,
    /// Identity attributes of AD, ascending, and objects of which somebody changed one.
    identity: Vec<AttributeNumber>,
    renamed: BTreeSet<ObjectKey>,
    /// Which versions of mailboxes the job can tell apart.
    pub(super) versions: Versions,
    /// Flags that changed in the story, by mailbox; kept where they are asked for (switch `export_mode`).
    flags: Option<Flags>,
}

/// What the job knows of flags.
#[derive(Clone, Default)]
struct Flags {
    of: BTreeMap<u32, Flag>,
    /// Mailboxes of those that were read since the last cycle ended.
    read: Vec<u32>,
}

/// What the job knows of one flag.
#[derive(Clone, Copy)]
struct Flag {
    /// As the last cycle that ended well has seen it.
    known: bool,
    /// As it was read since.
    read: bool,
    /// When it was set last while the job knew it as not set.
    entered: Option<VirtualTime>,
}

impl Heard {
    /// Nothing so far.
    pub(super) fn new(estate: &Estate) -> Self {
        let by_attribute = estate.profile.text("export_mode") == "changed_attributes";
        let mut identity: Vec<AttributeNumber> =
            inbound::identity_pairs().into_iter().map(|(_, attribute)| attribute).collect();
        identity.sort_unstable();
        let versions = Versions::new(estate);
        Self { identity, versions, flags: by_attribute.then(Flags::default), ..Self::default() }
    }

    /// Takes an event in.
    pub(super) fn note(&mut self, event: &Event) {
        self.versions.note(event);
        match event {
            Event::Outcome(Outcome {
                side: Side::Ad, object: Some(key), code, at, actor, ..
            }) if *code != 0 && actor.activity.is_automatic() => {
                self.refused.insert(*key, *at);
            }
            Event::Write(write) => self.write(write),
            Event::Read(read) if read.object.side == Side::Exchange && exports(read.activity) => {
                if let Some(flags) = &mut self.flags {
                    flags.read(read);
                }
            }
            Event::Cycle(end) => self.cycle(end),
            Event::Synchronized(end) => self.synchronized = Some(end.clone()),
            _ => {}
        }
    }

    fn write(&mut self, write: &Write) {
        if write.object.side == Side::Exchange
            && let Some(flags) = &mut self.flags
        {
            flags.write(write);
        }
        if write.object.side != Side::Ad {
            return;
        }
        let places = || write.changes.iter().map(|change| (write.object, change.attribute));
        if !write.actor.activity.is_automatic() {
            self.by_hand.extend(places().map(|place| (place, write.at)));
        }
        let is_identity = |c: &Change| self.identity.binary_search(&c.attribute).is_ok();
        if !exports(write.actor.activity) && write.changes.iter().any(is_identity) {
            self.renamed.insert(write.object);
        }
        if write.sent < write.at && exports(write.actor.activity) {
            self.landed.extend(places().map(|place| (place, write.at)));
        } else if !self.landed.is_empty() {
            for place in places() {
                self.landed.remove(&place);
            }
        }
    }

    fn cycle(&mut self, end: &CycleEnd) {
        self.cycles.push((end.began, end.at));
        if end.failed {
            return;
        }
        self.last_cycle = Some(end.began);
        if end.initial {
            self.initial = Some(end.began);
        }
        if let Some(flags) = &mut self.flags {
            flags.cycle();
        }
    }

    /// When somebody last wrote an attribute of AD by hand or by a script.
    pub(super) fn by_hand(
        &self,
        object: ObjectKey,
        attribute: AttributeNumber,
    ) -> Option<VirtualTime> {
        self.by_hand.get(&(object, attribute)).copied()
    }

    /// Whether the last write of an attribute of AD is one of the job's that was held back on its way.
    pub(super) fn landed_late(&self, object: ObjectKey, attribute: AttributeNumber) -> bool {
        self.landed.contains_key(&(object, attribute))
    }

    /// Objects of AD of which somebody changed an identity attribute.
    pub(super) fn renamed(&self) -> impl Iterator<Item = ObjectKey> + '_ {
        self.renamed.iter().copied()
    }

    /// When the last cycle began that ended well, so that everything was looked at; the beginning of time when none has.
    pub(super) fn last_cycle(&self) -> VirtualTime {
        self.last_cycle.unwrap_or_default()
    }

    /// When the last initial cycle began that ended well.
    pub(super) const fn initial_cycle(&self) -> Option<VirtualTime> {
        self.initial
    }

    /// When the cycle began that was at work at an instant; the instant itself where none was.
    pub(super) fn began(&self, at: VirtualTime) -> VirtualTime {
        let next = self.cycles.partition_point(|(_, ended)| *ended < at);
        self.cycles.get(next).map_or(at, |(began, _)| at.min(*began))
    }

    /// When a flag was set last that the job knew as not set: then everything of the mailbox is exported. Where only
    /// what changed is exported, a flag that went and came back between two cycles tells the job nothing.
    pub(super) fn entered(&self, mailbox: u32) -> Option<VirtualTime> {
        self.flags.as_ref()?.of.get(&mailbox)?.entered
    }
}

impl Flags {
    fn write(&mut self, write: &Write) {
        let Some(change) = write.changes.iter().find(|c| c.attribute == property::FLAG) else {
            return;
        };
        let is_true = |values: &[Box<[u8]>]| values.iter().any(|v| **v == *truth(true).as_bytes());
        let was = is_true(&change.old);
        // Everybody starts as the job knows them.
        let flag = self.of.entry(write.object.number).or_insert(Flag {
            known: was,
            read: was,
            entered: None,
        });
        if is_true(&change.new) && !flag.known {
            flag.entered = Some(write.at);
        }
    }

    fn read(&mut self, read: &Read) {
        let Some((seen, flag)) = read.cloud_managed.zip(self.of.get_mut(&read.object.number))
        else {
            return;
        };
        flag.read = seen;
        self.read.push(read.object.number);
    }

    fn cycle(&mut self) {
        for mailbox in self.read.drain(..) {
            if let Some(flag) = self.of.get_mut(&mailbox) {
                flag.known = flag.read;
            }
        }
    }
}
