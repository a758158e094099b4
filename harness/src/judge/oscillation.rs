//! No attribute swings back and forth while nobody edits it.
//!
//! Why: two machines that each believe to have authority undo each other's write at every cycle, and
//! every reader follows. After an edit of an attribute, or of what feeds it, machines may bring it to one
//! new state after the other; none of them may take it back to one that it had. What lands late, after
//! others have overtaken it, is nobody's decision: it counts as an edit. So does a change in AD for as long as
//! it travels from one domain controller to the others, and an edit that the engine had not read yet when it
//! sent what it wrote, and what synchronization brings up of somebody whom the cloud manages: that is for
//! `authority`. Whether a mailbox is deleted is no attribute: when somebody is deleted or comes back,
//! everything of theirs may follow. Where the flag was away between two cycles of synchronization, AD's values
//! may come up once, and take back what was there.

use std::hash::Hasher;

use hashbrown::HashMap;
use rustc_hash::{FxBuildHasher, FxHasher};
use sim::clock::VirtualTime;
use sim::directory::schema::known;
use sim::entra::schema::Flow;
use sim::estate::Estate;
use sim::exchange::property::{self, PROPERTIES};
use sim::ledger::{Activity, Change, Event, ObjectKey, Side, Write, WriteKind};
use sim::record::AttributeNumber;

use super::given_back::GivenBack;
use super::lag::{Lag, has_copies};
use super::scope::exports;
use super::{About, Charge, Kind, Oracle, mapping};
use crate::observe::ByPerson;

/// The rule, with the states that machines brought each attribute to.
#[derive(Clone)]
pub(super) struct Oscillation {
    feeds: Feeds,
    /// Writes and reads so far, to tell before from after.
    now: u32,
    last: HashMap<(ObjectKey, AttributeNumber), Swing, FxBuildHasher>,
    /// When somebody last edited or flipped something of a person that may feed more than itself.
    touched: ByPerson<u32>,
    /// The same of an attribute that feeds itself alone, by the mailbox property.
    fed: HashMap<(u32, AttributeNumber), u32, FxBuildHasher>,
    /// When somebody last edited anything at all of a person.
    edited: ByPerson<u32>,
    /// When the engine last read somebody's mailbox to export it.
    read: ByPerson<u32>,
    /// When somebody's object in AD last changed, where there are several domain controllers.
    in_ad: Option<ByPerson<VirtualTime>>,
    lag: Lag,
    given_back: GivenBack,
}

/// The states of an attribute since somebody edited it.
#[derive(Clone)]
struct Swing {
    at: u32,
    from: u32,
    to: u32,
    /// Those before `from`.
    earlier: Vec<u32>,
}

/// What feeds an attribute.
enum Source {
    /// One mailbox property, which feeds nothing else.
    Own(AttributeNumber),
    /// Several, or some that feed several.
    Shared,
    /// Nobody knows: a computed mapping, or one that crosses over.
    Anything,
}

impl Oscillation {
    pub(super) fn new(estate: &Estate) -> Self {
        Self {
            feeds: Feeds::of(&mapping::flows(estate)),
            now: 0,
            last: HashMap::default(),
            touched: ByPerson::default(),
            fed: HashMap::default(),
            edited: ByPerson::default(),
            read: ByPerson::default(),
            in_ad: has_copies(estate).then(ByPerson::default),
            lag: Lag::new(estate),
            given_back: GivenBack::default(),
        }
    }

    /// Whether a change of somebody's object in AD may still be on its way between domain controllers.
    fn travels(&self, write: &Write, person: u32) -> bool {
        write.actor.activity == Activity::Sync
            && self.in_ad.as_ref().is_some_and(|changed| {
                let changed = changed.get(person);
                changed > VirtualTime::default() && write.at <= changed + self.lag.longest()
            })
    }

    /// Somebody changed something, and machines may follow.
    fn touch(&mut self, write: &Write, person: u32, wholly: bool) {
        self.edited.set(person, self.now);
        if write.kind != WriteKind::Changed {
            // Deleted, restored, moved: everything may follow.
            self.touched.set(person, self.now);
        }
        for change in &write.changes {
            match self.feeds.source(write.object.side, change.attribute) {
                Source::Own(property) if !wholly => {
                    self.fed.insert((person, property), self.now);
                }
                _ => {
                    self.touched.set(person, self.now);
                }
            }
        }
    }

    fn touched(&self, side: Side, attribute: AttributeNumber, person: u32) -> u32 {
        match self.feeds.source(side, attribute) {
            Source::Own(property) => {
                let fed = self.fed.get(&(person, property)).copied().unwrap_or_default();
                fed.max(self.touched.get(person))
            }
            Source::Shared => self.touched.get(person),
            Source::Anything => self.edited.get(person),
        }
    }

    fn swing(&mut self, write: &Write, whose: Option<u32>) -> Option<Charge> {
        let mut back = None;
        let anew = whose.is_some_and(|person| self.travels(write, person))
            || (write.actor.activity == Activity::Sync
                && whose.is_some_and(|person| self.given_back.has(person)));
        let side = write.object.side;
        let exported = side == Side::Ad && exports(write.actor.activity);
        // What somebody edits after the engine has read is for the next export.
        let read = whose.filter(|_| exported).map_or(0, |person| self.read.get(person));
        let now = if read == 0 { self.now } else { read };
        for change in &write.changes {
            let touched = whose.map_or(0, |person| self.touched(side, change.attribute, person));
            let (from, to) = (set(&change.old), set(&change.new));
            let fresh = || Swing { at: 0, from, to, earlier: Vec::new() };
            let last = self.last.entry((write.object, change.attribute)).or_insert_with(fresh);
            if last.at == 0 || last.at <= touched || anew {
                *last = Swing { at: now, ..fresh() };
                continue;
            }
            if back.is_none() && (last.from == to || last.earlier.contains(&to)) {
                back = Some(change);
            }
            last.earlier.push(last.from);
            (last.at, last.from, last.to) = (now, last.to, to);
        }
        let message = format!(
            "{} took back what a machine had written, and nobody had edited anything",
            write.actor.activity.word()
        );
        Some(Charge::of_write("oscillation", write, back?, message))
    }
}

impl Oracle for Oscillation {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Write, Kind::Read, Kind::Said, Kind::Fault]
    }

    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn observe(&mut self, event: &Event, about: About) -> Option<Charge> {
        let write = match event {
            Event::Write(write) => write,
            Event::Synchronized(end) => {
                self.given_back.synchronized(end);
                return None;
            }
            // Another mapping is an edit of everybody.
            Event::Schema(change) => {
                self.feeds = Feeds::of(&change.flows);
                self.last.clear();
                return None;
            }
            Event::Read(read) if read.object.side == Side::Exchange && exports(read.activity) => {
                self.now += 1;
                self.read.set(about.whose?, self.now);
                return None;
            }
            event => {
                self.lag.hear(event);
                return None;
            }
        };
        self.now += 1;
        if let (Some(in_ad), Side::Ad, Some(person)) =
            (&mut self.in_ad, write.object.side, about.whose)
        {
            in_ad.set(person, write.at);
        }
        // What moves the authority over a mailbox, or over the whole object, or brings it back, lets the
        // other side's values in.
        let moves_authority = |change: &Change| {
            let is = [property::FLAG, property::IS_DIR_SYNCED, property::SOFT_DELETED];
            write.object.side != Side::Ad && is.contains(&change.attribute)
        };
        let flips = write.changes.iter().any(moves_authority);
        let asked_for = write.actor.activity == Activity::Restore;
        // AD's values that come up although the cloud has the authority are for `authority` to judge: where it
        // lets them land, they land once (switch `race`).
        let lands = write.actor.activity == Activity::Sync
            && write.object.side != Side::Ad
            && write.cloud_managed == Some(true);
        let is_late = write.sent < write.at;
        if flips || asked_for || lands || is_late || !write.actor.activity.is_automatic() {
            let person = about.whose?;
            if flips {
                self.given_back.note(write, person);
            }
            self.touch(write, person, flips);
            return None;
        }
        self.swing(write, about.whose)
    }
}

/// What feeds which attribute, by a mapping.
#[derive(Clone, Default)]
struct Feeds {
    /// AD attributes that take over one mailbox property as it is, which feeds nothing else and which
    /// inbound synchronization fills from the same attribute.
    plain: HashMap<AttributeNumber, AttributeNumber, FxBuildHasher>,
    /// By number, the mailbox properties of those.
    is_plain: Vec<bool>,
    /// AD attributes that are computed, or that take over another property than the announced one.
    odd: Vec<AttributeNumber>,
}

impl Feeds {
    fn of(flows: &[Flow]) -> Self {
        let mut feeds = Self { is_plain: vec![false; PROPERTIES.len()], ..Self::default() };
        let mapped = mapping::pairs(flows);
        for (property, ad) in mapping::plain_pairs() {
            let is_fed = |flow: &&Flow| mapping::feeds(flow, property);
            if mapped.contains(&(property, ad)) && flows.iter().filter(is_fed).count() == 1 {
                feeds.plain.insert(ad, property);
                feeds.is_plain[usize::from(property)] = true;
            }
        }
        let odd = flows.iter().filter(|flow| !is_announced(flow));
        feeds.odd = odd.filter_map(|flow| known::number(&flow.target)).collect();
        feeds.odd.retain(|attribute| !feeds.plain.contains_key(attribute));
        feeds
    }

    fn source(&self, side: Side, attribute: AttributeNumber) -> Source {
        match side {
            Side::Ad => match self.plain.get(&attribute) {
                Some(property) => Source::Own(*property),
                None if self.odd.contains(&attribute) => Source::Anything,
                None => Source::Shared,
            },
            Side::Entra | Side::Exchange => {
                match self.is_plain.get(usize::from(attribute)).copied() {
                    Some(true) => Source::Own(attribute),
                    _ => Source::Shared,
                }
            }
        }
    }
}

/// Whether a mapping is one of those that several properties feed in any case: addresses and types.
fn is_announced(flow: &Flow) -> bool {
    let announced = [
        ("proxyAddresses", "[EmailAddresses]"),
        ("mail", "[WindowsEmailAddress]"),
        ("mail", "[Mail]"),
        ("msExchRecipientTypeDetails", "[RecipientTypeDetails]"),
        ("msExchRecipientDisplayType", "[RecipientDisplayType]"),
    ];
    let is = |(target, source): &(&str, &str)| {
        flow.target.eq_ignore_ascii_case(target) && flow.source.eq_ignore_ascii_case(source)
    };
    flow.default.is_none() && announced.iter().any(is)
}

/// A digest of values as a set: their order means nothing.
fn set(values: &[Box<[u8]>]) -> u32 {
    let sum = values.iter().fold(values.len() as u64, |sum, value| {
        let mut hasher = FxHasher::default();
        hasher.write(value);
        sum.wrapping_add(hasher.finish())
    });
    u32::try_from(sum >> 32).unwrap_or_default()
}
