//! Replication on the virtual clock: a write on one domain controller arrives on another one after that
//! one's lag, unless a fault keeps it away.
//!
//! A domain controller is told of the first write that it lacks, waits as long as its lag, and then
//! pulls everything there is by then (Microsoft Learn, "How the Active Directory Replication Model
//! Works": change notification). Nothing of this costs anything where there is one domain controller.

use core::time::Duration;

use super::{Due, Estate, ForestPlan};
use crate::clock::VirtualTime;
use crate::directory::entry::DcNumber;
use crate::directory::forests::{DcKey, ForestNumber};
use crate::fault::{Effect, Operations, Place};

/// What replication does at a domain controller, as faults name it: it pulls, others pull from it, it
/// waits before it pulls.
pub const INBOUND: &str = "replication.inbound";
/// See [`INBOUND`].
pub const OUTBOUND: &str = "replication.outbound";
/// See [`INBOUND`]: it pulls, or others pull from it.
pub const BOTH: &str = "replication.both";
/// See [`INBOUND`].
pub const LAG: &str = "replication.lag";

/// How long a domain controller whose pull was kept away waits before it tries again, at least.
const RETRY: Duration = Duration::from_secs(60);

impl Estate {
    /// A domain controller by its host name.
    #[must_use]
    pub fn dc_named(&self, name: &str) -> Option<DcKey> {
        self.forests.iter().find_map(|(number, forest)| {
            let mut dcs = forest.dcs().iter();
            let found = dcs.find(|dc| dc.host.eq_ignore_ascii_case(name))?;
            Some(DcKey { forest: number, dc: found.number })
        })
    }

    /// Each domain controller gets its lag, and all of them hold the same at the start.
    pub(super) fn set_up_replication(&mut self, plans: &[ForestPlan], start: VirtualTime) {
        for dc in plans.iter().flat_map(|forest| &forest.dcs) {
            if let (Some(at), Some(lag)) = (self.dc_named(&dc.name), dc.replication) {
                self.lags.insert(at, lag);
            }
        }
        for (_, forest) in self.forests.iter_mut() {
            forest.converge(start);
        }
    }

    /// Whether every domain controller has every write.
    #[must_use]
    pub fn is_replicated(&self) -> bool {
        self.forests.iter().all(|(_, forest)| forest.is_level())
    }

    /// The longest that a change takes to any domain controller, where nothing keeps it away; nothing where
    /// no domain has a second one.
    #[must_use]
    pub fn longest_replication(&self) -> Duration {
        if self.forests.iter().all(|(_, forest)| forest.dcs().len() < 2) {
            return Duration::ZERO;
        }
        let own = self.lags.values().copied().max().unwrap_or_default();
        own.max(self.profile.timing("dc_replication"))
    }

    /// Somebody wrote in a forest: whoever lacks the write pulls it after its lag.
    pub(super) fn spread(&mut self, number: ForestNumber) {
        let Some(forest) = self.forests.get(number).filter(|forest| forest.dcs().len() > 1) else {
            return;
        };
        let waiting: Vec<DcKey> = forest
            .dcs()
            .iter()
            .map(|dc| DcKey { forest: number, dc: dc.number })
            .filter(|to| !self.pulls.contains(to))
            .filter(|to| forest.partners(to.dc).any(|from| forest.is_behind(to.dc, from)))
            .collect();
        for to in waiting {
            let lag = self.lag_of(to);
            self.pulls.insert(to);
            self.calendar.enter(self.now + lag, Due::Pull(to));
        }
    }

    fn lag_of(&mut self, to: DcKey) -> Duration {
        let own = self.lags.get(&to).copied();
        let lag = own.unwrap_or_else(|| self.profile.timing("dc_replication"));
        let place = Place::DomainController(self.dc_name(to));
        match self.meet(&place, LAG) {
            Some(Effect::Delay(more)) => lag + more,
            _ => lag,
        }
    }

    /// A domain controller pulls what others have.
    pub(super) fn pull(&mut self, to: DcKey) {
        self.pulls.remove(&to);
        let Some(forest) = self.forests.get(to.forest) else { return };
        let partners: Vec<DcNumber> =
            forest.partners(to.dc).filter(|from| forest.is_behind(to.dc, *from)).collect();
        let mut kept_away = false;
        for from in partners {
            let from = DcKey { forest: to.forest, dc: from };
            if self.is_kept_away(to, INBOUND) || self.is_kept_away(from, OUTBOUND) {
                kept_away = true;
                continue;
            }
            self.kept_away.remove(&to);
            self.kept_away.remove(&from);
            let now = self.now;
            if let Some(forest) = self.forests.get_mut(to.forest) {
                forest.pull(to.dc, from.dc, now);
            }
        }
        if kept_away {
            let lag = self.lags.get(&to).copied().unwrap_or_default();
            self.pulls.insert(to);
            self.calendar.enter(self.now + lag.max(RETRY), Due::Pull(to));
        }
        self.spread(to.forest);
    }

    /// Whether a fault keeps replication away from a domain controller. One that stops replication is
    /// hit when it does so for the first time; that a domain controller is down is not hit by it.
    fn is_kept_away(&mut self, dc: DcKey, direction: &str) -> bool {
        let place = Place::DomainController(self.dc_name(dc));
        for operation in [direction, BOTH] {
            let Some(rule) = self.faults.first_at(self.now, &place, operation) else { continue };
            if rule.effect != Effect::Refuse {
                continue;
            }
            if matches!(rule.operations, Operations::Named(_)) && self.kept_away.insert(dc) {
                self.meet(&place, operation);
            }
            return true;
        }
        false
    }

    /// Whether a fault makes a domain controller refuse every connection; that is no hit.
    pub(super) fn is_down(&self, dc: DcKey) -> bool {
        let place = Place::DomainController(self.dc_name(dc));
        let rule = self.faults.first_at(self.now, &place, "connect");
        rule.is_some_and(|rule| rule.effect == Effect::Refuse)
    }

    /// Where a write goes that came to a domain controller: a read-only one refers it to the first
    /// writable one of its domain that answers, and whoever asked follows.
    pub(super) fn writable_for(&self, at: DcKey) -> DcKey {
        let Some(forest) = self.forests.get(at.forest) else { return at };
        let Some(own) = forest.dc(at.dc).filter(|dc| dc.read_only) else { return at };
        let mut writable = forest
            .dcs()
            .iter()
            .filter(|dc| dc.domain == own.domain && !dc.read_only)
            .map(|dc| DcKey { forest: at.forest, dc: dc.number });
        writable.find(|dc| !self.is_down(*dc)).unwrap_or(at)
    }
}
