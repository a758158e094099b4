//! Identity attributes never travel from the cloud to AD, and no engine changes them in the cloud.
//!
//! Why: only Exchange attributes change their source of authority; names, department, manager and the
//! like stay AD's for a synced user whatever the flag says (Microsoft Learn, "Cloud-based management of
//! Exchange attributes for remote mailboxes").

use sim::directory::schema::known;
use sim::exchange::property::{Bucket, PROPERTIES};
use sim::ledger::{Activity, Event, Side};
use sim::record::AttributeNumber;

use super::{About, Charge, Kind, Oracle};

/// The rule, with the numbers of the identity attributes on both sides.
#[derive(Clone)]
pub(super) struct IdentityStaysHome {
    ad: Vec<AttributeNumber>,
    cloud: Vec<AttributeNumber>,
}

impl IdentityStaysHome {
    pub(super) fn new() -> Self {
        let identity =
            || (0..).zip(PROPERTIES).filter(|(_, property)| property.bucket == Bucket::Identity);
        Self {
            ad: identity().filter_map(|(_, property)| known::number(property.ad?)).collect(),
            cloud: identity().map(|(number, _)| number).collect(),
        }
    }
}

impl Oracle for IdentityStaysHome {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Write]
    }

    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn observe(&mut self, event: &Event, _: About) -> Option<Charge> {
        let Event::Write(write) = event else { return None };
        if !is_engine(write.actor.activity) {
            return None;
        }
        let identity = if write.object.side == Side::Ad { &self.ad } else { &self.cloud };
        let change = write.changes.iter().find(|c| identity.contains(&c.attribute))?;
        let message = format!("{} wrote an identity attribute", write.actor.activity.word());
        Some(Charge::of_write("identity_stays_home", write, change, message))
    }
}

/// Whether it is the engine that acts.
pub(super) const fn is_engine(activity: Activity) -> bool {
    matches!(
        activity,
        Activity::Writeback | Activity::Transfer | Activity::Restore | Activity::Reconcile
    )
}
