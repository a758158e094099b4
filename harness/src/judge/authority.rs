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
use sim::directory::request::ObjectNumber;
use sim::estate::Estate;
use sim::exchange::property::{self, Bucket};
use sim::ledger::{Activity, Event, ObjectKey, Read, Side, Write};

use super::{Charge, Oracle, shown};

/// The rule, with what the engine saw last and when flags were set.
#[derive(Clone, Default)]
pub(super) struct Authority {
    seen: HashMap<u32, bool, FxBuildHasher>,
    changed_on_premises: HashMap<ObjectKey, VirtualTime, FxBuildHasher>,
}

impl Oracle for Authority {
    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn observe(&mut self, event: &Event, estate: &Estate) -> Option<Charge> {
        match event {
            Event::Read(Read {
                object: ObjectKey { side: Side::Exchange, number, .. },
                activity: Activity::Writeback | Activity::Reconcile,
                cloud_managed: Some(flag),
                ..
            }) => {
                self.seen.insert(*number, *flag);
                None
            }
            Event::Write(write) => self.write(write, estate),
            Event::Read(_) | Event::Question(_) | Event::Outcome(_) | Event::Fault(_) => None,
        }
    }
}

impl Authority {
    fn write(&mut self, write: &Write, estate: &Estate) -> Option<Charge> {
        match (write.actor.activity, write.object.side) {
            (Activity::Writeback | Activity::Reconcile, Side::Ad) => self.export(write, estate),
            (_, Side::Ad) => {
                self.changed_on_premises.insert(write.object, write.at);
                None
            }
            (Activity::Sync, Side::Exchange) => self.inbound(write, estate),
            _ => None,
        }
    }

    fn export(&mut self, write: &Write, estate: &Estate) -> Option<Charge> {
        let mailbox = estate
            .subject_of_ad(write.object.forest, ObjectNumber(write.object.number))
            .and_then(|s| s.exchange);
        let seen = mailbox.and_then(|number| self.seen.remove(&number));
        if seen == Some(true) {
            return None;
        }
        let change = write.changes.first()?;
        let why = match (mailbox, seen) {
            (None, _) => "there is no mailbox behind the object",
            (Some(_), Some(_)) => "the mailbox's flag was false when the engine read it",
            (Some(_), None) => "the engine did not read the mailbox for this export",
        };
        Some(Charge {
            oracle: "authority",
            at: write.at,
            object: Some(write.object),
            attribute: Some(change.attribute),
            message: format!("the engine wrote to AD without authority: {why}"),
            expected: Some(shown(&change.old)),
            actual: Some(shown(&change.new)),
        })
    }

    fn inbound(&self, write: &Write, estate: &Estate) -> Option<Charge> {
        if write.cloud_managed != Some(true) {
            return None;
        }
        let change = write.changes.iter().find(|change| {
            property::spec(change.attribute)
                .is_some_and(|s| matches!(s.bucket, Bucket::WrittenBack | Bucket::CloudOnlyCopy))
        })?;
        if estate.profile.text("race") == "land" && self.was_pending(write, estate) {
            return None;
        }
        Some(Charge {
            oracle: "authority",
            at: write.at,
            object: Some(write.object),
            attribute: Some(change.attribute),
            message:
                "inbound synchronization changed an Exchange attribute of a cloud-managed mailbox"
                    .to_owned(),
            expected: Some(shown(&change.old)),
            actual: Some(shown(&change.new)),
        })
    }

    /// Whether the object last changed on-premises before its flag was set.
    fn was_pending(&self, write: &Write, estate: &Estate) -> bool {
        let ad = estate.subject_of_mailbox(write.object.number).and_then(|subject| subject.ad);
        let key = ad.map(|ad| ObjectKey::ad(ad.forest, ad.number));
        let changed = key.and_then(|key| self.changed_on_premises.get(&key));
        let flagged = estate.exchange.mailbox(write.object.number).map(|m| m.flag_changed);
        changed.zip(flagged).is_some_and(|(changed, flagged)| *changed < flagged)
    }
}
