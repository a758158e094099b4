//! Who was under AD's authority at some time since synchronization took in everything last.
//!
//! Until the next cycle ends AD's values may come up once, although the cloud has the authority again, where each
//! value of the flag counts that it had between two cycles (switch `flag_sampling`).

use std::collections::BTreeMap;

use sim::clock::VirtualTime;
use sim::exchange::property;
use sim::ledger::{Synchronized, Write};

/// People, and when the flag was last taken away from whom.
#[derive(Clone, Default)]
pub(super) struct GivenBack(BTreeMap<u32, VirtualTime>);

impl GivenBack {
    /// Looks at a write to somebody's mailbox.
    pub(super) fn note(&mut self, write: &Write, person: u32) {
        let is_of_flag = write.changes.iter().any(|change| change.attribute == property::FLAG);
        if is_of_flag && write.cloud_managed == Some(false) {
            self.0.insert(person, write.at);
        }
    }

    /// A cycle has taken in what there was when it began; what was refused is still to come.
    pub(super) fn synchronized(&mut self, end: &Synchronized) {
        self.0.retain(|_, at| *at >= end.began || !end.pending.is_empty());
    }

    /// Whether somebody is among them.
    pub(super) fn has(&self, person: u32) -> bool {
        self.0.contains_key(&person)
    }
}
