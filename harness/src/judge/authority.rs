//! Only the side with authority changes an attribute.
//!
//! Why: with `IsExchangeCloudManaged` false AD is the source of Exchange attributes, with true
//! Exchange Online is; two writers mean lost values. A write to AD is judged by the flag that the
//! engine saw when it read the mailbox for that export: a flip in flight allows that one write, and a
//! read counts for one write. A
//! change on-premises that was pending when the flag was set may still land where the profile's
//! switch `race` says so.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use sim::clock::VirtualTime;
use sim::estate::Estate;
use sim::exchange::property::{self, Bucket};
use sim::ledger::{Activity, Event, ObjectKey, Read, Side, Write};

use super::{Charge, Kind, Oracle};
use crate::observe::ByPerson;

/// The rule, with what the engine saw last of whom, and when flags were set.
#[derive(Clone)]
pub(super) struct Authority {
    /// Switch `race`: a change that was pending when the flag was set may land.
    pending_may_land: bool,
    seen: ByPerson<Option<bool>>,
    changed_on_premises: HashMap<u32, VirtualTime, FxBuildHasher>,
    /// When somebody's flag changed last; nobody is in here whose flag changed before the story.
    flagged: ByPerson<Option<VirtualTime>>,
}

impl Oracle for Authority {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Write, Kind::Read]
    }

    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn observe(&mut self, event: &Event, whose: Option<u32>) -> Option<Charge> {
        match event {
            Event::Read(Read {
                object: ObjectKey { side: Side::Exchange, .. },
                activity: Activity::Writeback | Activity::Reconcile,
                cloud_managed: Some(flag),
                ..
            }) => {
                self.seen.set(whose?, Some(*flag));
                None
            }
            Event::Write(write) => self.write(write, whose),
            _ => None,
        }
    }
}

impl Authority {
    pub(super) fn new(estate: &Estate) -> Self {
        Self {
            pending_may_land: estate.profile.text("race") == "land",
            seen: ByPerson::default(),
            changed_on_premises: HashMap::default(),
            flagged: ByPerson::default(),
        }
    }

    fn write(&mut self, write: &Write, whose: Option<u32>) -> Option<Charge> {
        match (write.actor.activity, write.object.side) {
            (Activity::Writeback | Activity::Reconcile, Side::Ad) => self.export(write, whose),
            (_, Side::Ad) => {
                self.changed_on_premises.insert(whose?, write.at);
                None
            }
            (activity, Side::Exchange) => {
                if write.changes.iter().any(|change| change.attribute == property::FLAG) {
                    self.flagged.set(whose?, Some(write.at));
                }
                (activity == Activity::Sync).then(|| self.inbound(write, whose)).flatten()
            }
            _ => None,
        }
    }

    fn export(&mut self, write: &Write, whose: Option<u32>) -> Option<Charge> {
        let seen = whose.and_then(|person| self.seen.set(person, None));
        if seen == Some(true) {
            return None;
        }
        let change = write.changes.first()?;
        let why = match (write.cloud_managed, seen) {
            (None, _) => "there is no mailbox behind the object",
            (Some(_), Some(_)) => "the mailbox's flag was false when the engine read it",
            (Some(_), None) => "the engine did not read the mailbox for this export",
        };
        let message = format!("the engine wrote to AD without authority: {why}");
        Some(Charge::of_write("authority", write, change, message))
    }

    fn inbound(&self, write: &Write, whose: Option<u32>) -> Option<Charge> {
        if write.cloud_managed != Some(true) {
            return None;
        }
        let change = write.changes.iter().find(|change| {
            property::spec(change.attribute)
                .is_some_and(|s| matches!(s.bucket, Bucket::WrittenBack | Bucket::CloudOnlyCopy))
        })?;
        if self.pending_may_land && self.was_pending(whose?) {
            return None;
        }
        let message =
            "inbound synchronization changed an Exchange attribute of a cloud-managed mailbox";
        Some(Charge::of_write("authority", write, change, message.to_owned()))
    }

    /// Whether the object last changed on-premises before its flag was set.
    fn was_pending(&self, person: u32) -> bool {
        let changed = self.changed_on_premises.get(&person);
        changed.zip(self.flagged.get(person)).is_some_and(|(changed, flagged)| *changed < flagged)
    }
}
