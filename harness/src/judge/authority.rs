//! Only the side with authority changes an attribute.
//!
//! Why: with `IsExchangeCloudManaged` false AD is the source of Exchange attributes, with true
//! Exchange Online is; two writers mean lost values. A write to AD is judged by the flag that the
//! engine saw when it read the mailbox for that export: a flip in flight allows that one write, and a
//! read counts for one write of each attribute where a modify is of one attribute (switch
//! `modify_granularity`), else for one write; of a modify that is held back on its way the read before it was sent counts.
//! A change on-premises that was pending when the flag was set may still land where the profile's switch
//! `race` says so; it is pending until a cycle of synchronization that began after it has ended. Where each
//! value of the flag counts that it had between two cycles (switch `flag_sampling`), AD's values may come
//! up once although the flag is set again. What was on its way to Exchange Online when the flag was set is as
//! what was pending. Inbound are also what synchronization writes to the user in Entra and what the services
//! make of that; the addresses that the cloud computes by itself are its own (switches `upn_adds_proxy`,
//! `licence_recalc`).

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use sim::clock::VirtualTime;
use sim::directory::schema::known;
use sim::estate::Estate;
use sim::exchange::property::{self, Bucket};
use sim::ledger::{Activity, Event, ObjectKey, Read, Side, Synchronized, Write};
use sim::record::AttributeNumber;

use super::given_back::GivenBack;
use super::mapping::is_same_set;
use super::scope::exports;
use super::{About, Charge, HELD_BACK, Kind, Oracle};
use crate::observe::ByPerson;

/// The rule, with what the engine saw last of whom, and when flags were set.
#[derive(Clone)]
pub(super) struct Authority {
    /// Switch `race`: a change that was pending when the flag was set may land.
    pending_may_land: bool,
    /// Switch `flag_sampling`: a flag that was away between two cycles counts.
    each_flag_counts: bool,
    given_back: GivenBack,
    seen: ByPerson<Option<bool>>,
    /// Switch `modify_granularity`: an object is written attribute by attribute.
    piecemeal: bool,
    /// The attributes that were written since the engine read whom, where that is so.
    pieces: HashMap<u32, Vec<AttributeNumber>, FxBuildHasher>,
    /// The same when a modify was sent that is held back on its way.
    sent: BTreeMap<(ObjectKey, VirtualTime), Option<bool>>,
    /// Whose user in Entra somebody changed last, and when: the services follow.
    asked_for: ByPerson<Option<VirtualTime>>,
    /// What changed on-premises of whom, and when, as long as synchronization has not taken it in.
    changed_on_premises: HashMap<u32, Vec<Pending>, FxBuildHasher>,
    /// Attributes of AD, by the property that comes from it alone.
    sources: Vec<Option<AttributeNumber>>,
    /// How long a change takes to every domain controller.
    late: Duration,
    /// How long what a cycle exported takes on to Exchange Online at most.
    forward: Duration,
    /// Cycles whose exports may still be on their way, and until when.
    ended: VecDeque<(VirtualTime, Synchronized)>,
    /// When somebody's flag changed last; nobody is in here whose flag changed before the story.
    flagged: ByPerson<Option<VirtualTime>>,
}

/// A change on-premises that is to come in.
#[derive(Clone, Copy)]
struct Pending {
    object: ObjectKey,
    attribute: AttributeNumber,
    /// When it changed.
    at: VirtualTime,
    /// When it changed again: what was exported from then on says something else.
    until: Option<VirtualTime>,
}

impl Oracle for Authority {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Write, Kind::Read, Kind::HeldBack, Kind::Said, Kind::Fault]
    }

    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn observe(&mut self, event: &Event, about: About) -> Option<Charge> {
        match event {
            Event::Read(Read {
                object: ObjectKey { side: Side::Exchange, .. },
                activity,
                cloud_managed: Some(flag),
                ..
            }) if exports(*activity) => {
                self.seen.set(about.whose?, Some(*flag));
                if self.piecemeal {
                    self.pieces.remove(&about.whose?);
                }
                None
            }
            Event::HeldBack(held) => {
                let seen = self.seen.set(about.whose?, None);
                self.sent.insert((held.object, held.at), seen);
                None
            }
            Event::Write(write) => self.write(write, about.whose),
            Event::Synchronized(end) if self.forward.is_zero() => {
                self.synchronized(end);
                None
            }
            Event::Synchronized(end) => {
                self.ended.push_back((end.at + self.forward, end.clone()));
                None
            }
            Event::Fault(hit) if hit.name.starts_with("forward_sync") => {
                self.forward = HELD_BACK;
                None
            }
            _ => None,
        }
    }
}

impl Authority {
    pub(super) fn new(estate: &Estate) -> Self {
        Self {
            pending_may_land: estate.profile.text("race") == "land",
            each_flag_counts: estate.profile.text("flag_sampling") == "event",
            given_back: GivenBack::default(),
            seen: ByPerson::default(),
            piecemeal: estate.profile.text("modify_granularity") == "attribute",
            pieces: HashMap::default(),
            sent: BTreeMap::new(),
            asked_for: ByPerson::default(),
            changed_on_premises: HashMap::default(),
            sources: sources(),
            late: estate.longest_replication(),
            forward: estate.profile.forward_delay,
            ended: VecDeque::new(),
            flagged: ByPerson::default(),
        }
    }

    fn write(&mut self, write: &Write, whose: Option<u32>) -> Option<Charge> {
        while let Some((_, end)) = self.ended.pop_front_if(|(until, _)| *until < write.at) {
            self.synchronized(&end);
        }
        match (write.actor.activity, write.object.side) {
            (activity, Side::Ad) if exports(activity) => self.export(write, whose),
            (_, Side::Ad) => {
                let pending = self.changed_on_premises.entry(whose?).or_default();
                for attribute in write.changes.iter().map(|change| change.attribute) {
                    for known in pending.iter_mut().filter(|known| known.attribute == attribute) {
                        known.until.get_or_insert(write.at);
                    }
                    let (object, at) = (write.object, write.at);
                    pending.push(Pending { object, attribute, at, until: None });
                }
                None
            }
            (_, Side::Exchange) => {
                if write.changes.iter().any(|change| change.attribute == property::FLAG) {
                    self.flagged.set(whose?, Some(write.at));
                    self.given_back.note(write, whose?);
                }
                self.inbound(write, whose)
            }
            (activity, Side::Entra) => {
                if !activity.is_automatic() {
                    self.asked_for.set(whose?, Some(write.at));
                }
                // What the services write there comes from Exchange Online.
                (activity == Activity::Sync).then(|| self.inbound(write, whose)).flatten()
            }
        }
    }

    /// What a cycle has taken in and exported is pending no more.
    fn synchronized(&mut self, end: &Synchronized) {
        let late = self.late;
        self.changed_on_premises.retain(|_, changes| {
            changes.retain(|change| {
                change.at + late >= end.began || end.pending.contains(&change.object)
            });
            !changes.is_empty()
        });
        self.given_back.synchronized(end);
    }

    fn export(&mut self, write: &Write, whose: Option<u32>) -> Option<Charge> {
        let held_back = self.sent.remove(&(write.object, write.sent));
        let seen =
            held_back.unwrap_or_else(|| whose.and_then(|person| self.seen.set(person, None)));
        let seen = seen.filter(|flag| !(*flag && self.writes_again(write, whose)));
        if seen == Some(true) {
            return None;
        }
        let why = match (write.cloud_managed, seen) {
            (None, _) => "there is no mailbox behind the object",
            (Some(_), Some(_)) => "the mailbox's flag was false when the engine read it",
            (Some(_), None) => "the engine did not read the mailbox for this export",
        };
        let message = format!("the engine wrote to AD without authority: {why}");
        Some(Charge::of_any_write("authority", write, message))
    }

    /// Whether an attribute is written a second time on one read, where an object is written attribute by
    /// attribute: what was read counts for those that are still to come.
    fn writes_again(&mut self, write: &Write, whose: Option<u32>) -> bool {
        let Some(person) = whose.filter(|_| self.piecemeal) else { return false };
        self.seen.set(person, Some(true));
        let written = self.pieces.entry(person).or_default();
        let again = write.changes.iter().any(|change| written.contains(&change.attribute));
        written.extend(write.changes.iter().map(|change| change.attribute));
        again
    }

    fn inbound(&self, write: &Write, whose: Option<u32>) -> Option<Charge> {
        let by_itself = match write.actor.activity {
            Activity::Sync => false,
            Activity::Service => true,
            _ => return None,
        };
        let followed = || self.asked_for.get(whose?).filter(|at| *at == write.at);
        if write.cloud_managed != Some(true)
            || (by_itself && (followed().is_some() || is_birth(write)))
        {
            return None;
        }
        let own = |attribute| by_itself && is_computed(attribute);
        let change = write.changes.iter().find(|change| {
            property::spec(change.attribute)
                .is_some_and(|s| matches!(s.bucket, Bucket::WrittenBack | Bucket::CloudOnlyCopy))
                && !own(change.attribute)
                // The order alone means nothing.
                && !is_same_set(&change.old, &change.new)
        })?;
        if self.each_flag_counts && self.given_back.has(whose?) {
            return None;
        }
        let was_on_its_way = write.sent < write.at
            && self.flagged.get(whose?).is_some_and(|flagged| flagged >= write.sent);
        if self.pending_may_land && was_on_its_way {
            return None;
        }
        if self.pending_may_land && self.was_pending(whose?, change.attribute, write.sent) {
            return None;
        }
        let message =
            "inbound synchronization changed an Exchange attribute of a cloud-managed mailbox";
        Some(Charge::of_write("authority", write, change, message.to_owned()))
    }

    /// Whether what a property comes from had last changed on-premises before the flag was set, as far as who
    /// sent this could know.
    fn was_pending(&self, person: u32, property: AttributeNumber, sent: VirtualTime) -> bool {
        let source = self.sources.get(usize::from(property)).copied().flatten();
        let changes = self.changed_on_premises.get(&person);
        changes.zip(self.flagged.get(person)).is_some_and(|(changes, flagged)| {
            let told = |change: &Pending| change.until.is_none_or(|until| sent < until + self.late);
            let mut changes = changes.iter().filter(|change| change.at < flagged && told(change));
            changes.any(|change| source.is_none_or(|source| change.attribute == source))
        })
    }
}

/// Whether a recipient comes with a write: nobody had a name before. What it says then nobody in the cloud has
/// edited, also where it is cloud-managed from birth and the news of its licence took a while.
fn is_birth(write: &Write) -> bool {
    let mut names = write.changes.iter().filter(|c| c.attribute == property::USER_PRINCIPAL_NAME);
    names.any(|change| change.old.is_empty())
}

/// By property, the attribute of AD that it comes from; `None` where several make it, as they do the
/// addresses.
fn sources() -> Vec<Option<AttributeNumber>> {
    let of = |(number, spec): (AttributeNumber, &property::PropertySpec)| {
        spec.ad.filter(|_| !is_computed(number)).and_then(known::number)
    };
    (0..).map_while(|number| Some(of((number, property::spec(number)?)))).collect()
}

/// Whether the cloud computes a property by itself: the addresses.
fn is_computed(attribute: u16) -> bool {
    attribute == property::EMAIL_ADDRESSES || attribute == property::WINDOWS_EMAIL_ADDRESS
}
