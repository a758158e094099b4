//! How long a change in AD takes to every domain controller: until then whoever reads may read what was there
//! before.

use std::time::Duration;

use sim::estate::Estate;
use sim::ledger::Event;

use super::HELD_BACK;

/// That long; where a fault held changes back, as long as any run waits for rest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lag(Duration);

impl Lag {
    pub(super) fn new(estate: &Estate) -> Self {
        Self(estate.longest_replication())
    }

    /// Looks at a fault that did something.
    pub(super) fn hear(&mut self, event: &Event) {
        if matches!(event, Event::Fault(hit) if hit.name.starts_with("replication_")) {
            self.0 = HELD_BACK;
        }
    }

    pub(super) const fn longest(self) -> Duration {
        self.0
    }
}

/// Whether some domain has several domain controllers.
pub(super) fn has_copies(estate: &Estate) -> bool {
    estate.forests.iter().any(|(_, forest)| forest.dcs().len() > 1)
}
