//! A cycle of inbound synchronization, step by step on the calendar.

use std::collections::BTreeMap;

use super::{Due, Estate};
use crate::clock::VirtualTime;
use crate::connect::{
    ConnectorKey, CycleStep, InboundEngine, NO_START_CONNECTION, Policy, Run, Since,
};
use crate::directory::forests::DcKey;
use crate::directory::request::ObjectNumber;
use crate::fault::Rule;
use crate::ledger::{ObjectKey, Synchronized};
use crate::marks::Mark;

impl Estate {
    /// Begins a cycle now; when one runs, another follows at once.
    pub fn start_connect_cycle(&mut self) {
        self.start_cycle(Policy::Delta);
    }

    /// Begins a cycle of a policy now (`Start-ADSyncSyncCycle -PolicyType`); when one runs, another follows
    /// at once.
    pub fn start_cycle(&mut self, asked: Policy) {
        if self.connect.running.is_some() {
            Mark::ConnectAgain.reach();
            self.connect.again = Some(asked);
            return;
        }
        self.connect.running = Some(Run {
            policy: self.connect.policy(asked, self.now),
            began: self.now,
            ended: self.now,
            imported: 0,
            exported: 0,
            errors: Vec::new(),
            blocked: Vec::new(),
            unreached: Vec::new(),
            failure: None,
        });
        self.calendar.enter(self.now, Due::ConnectStep(CycleStep::ImportAd));
    }

    /// How many cycles have ended.
    #[must_use]
    pub fn connect_cycles(&self) -> usize {
        self.connect.totals.cycles
    }

    /// Enters the first scheduled cycle.
    pub(super) fn schedule_connect(&mut self, first: VirtualTime) {
        self.calendar.enter(first, Due::ConnectCycle);
    }

    pub(super) fn begin_scheduled_cycle(&mut self) {
        self.calendar.enter(self.now + self.connect.interval, Due::ConnectCycle);
        if self.connect.scheduled {
            self.start_cycle(Policy::Delta);
        }
        self.staging_cycle();
    }

    pub(super) fn connect_step(&mut self, step: CycleStep) {
        if step == CycleStep::ImportAd && self.connect.engine == InboundEngine::CloudSync {
            self.find_agents_absent();
        }
        if let Some(failure) = self.obstacle() {
            if let Some(run) = &mut self.connect.running {
                run.failure = Some(failure);
            }
            self.end_cycle();
            return;
        }
        let objects = match step {
            CycleStep::ImportAd => self.import_ad(),
            CycleStep::ImportEntra => self.import_entra(),
            CycleStep::ExportEntra => self.export_entra(),
            CycleStep::SyncAd | CycleStep::SyncEntra | CycleStep::ExportAd => 0,
        };
        let failed = self.connect.running.as_ref().is_some_and(|run| run.failure.is_some());
        if failed && step == CycleStep::ImportAd {
            self.end_cycle();
            return;
        }
        let costs = &self.profile.costs;
        let duration = costs.connect_step
            + costs.connect_object.saturating_mul(u32::try_from(objects).unwrap_or(u32::MAX));
        match step.next() {
            Some(next) => self.calendar.enter(self.now + duration, Due::ConnectStep(next)),
            None => self.end_cycle(),
        }
    }

    /// Why a cycle cannot synchronize anything now.
    fn obstacle(&self) -> Option<String> {
        if let Some(why) = self.connect.stopped {
            return Some(why.to_owned());
        }
        if self.connect.is_cut_off(&self.profile, self.now) {
            Mark::ConnectCutOff.reach();
            let build = &self.connect.build;
            return Some(format!("build {build} is no longer accepted by the service"));
        }
        if !self.entra.sync_enabled {
            let why = "AzureDirectoryServiceAuthorizationFailed: directory synchronization is not enabled for the tenant";
            return Some(why.to_owned());
        }
        if self.connect.engine == InboundEngine::CloudSync && self.working_agent().is_none() {
            let code = if self.agents.is_empty() {
                "HybridIdentityServiceNoAgentsAssigned"
            } else {
                "HybridIdentityServiceNoActiveAgents"
            };
            return Some(code.to_owned());
        }
        None
    }

    fn end_cycle(&mut self) {
        let Some(mut run) = self.connect.running.take() else { return };
        run.ended = self.now;
        if run.failure.is_none() {
            self.connect.needs_initial = false;
            self.note_synchronized(&run);
        }
        self.connect.note(run);
        if let Some(policy) = self.connect.again.take() {
            self.start_cycle(policy);
        }
    }

    /// Tells the ledger of a cycle that took in all that AD had when it began.
    fn note_synchronized(&mut self, run: &Run) {
        let rules = self.faults.rules();
        let keeps_changes_away = |rule: &Rule| rule.hits > 0 && rule.is_between_dcs();
        if rules.iter().any(keeps_changes_away) || !run.unreached.is_empty() {
            return;
        }
        let key = |(forest, number): &ConnectorKey| ObjectKey::ad(*forest, ObjectNumber(*number));
        let pending = self.connect.pending.keys().map(key).collect();
        self.ledger.synchronized(Synchronized { at: self.now, began: run.began, pending });
    }

    fn import_ad(&mut self) -> usize {
        if self.connect.engine == InboundEngine::CloudSync {
            self.import_through_the_agent();
        }
        let initial =
            self.connect.running.as_ref().is_some_and(|run| run.policy == Policy::Initial);
        let mut changed = 0;
        let mut everything = false;
        let mut unreached = Vec::new();
        for place in 0..self.connect.connectors.len() {
            let mut connector = self.connect.connectors[place];
            if self.connector_finds_down(connector.dc) {
                // The connector waits for its own domain controller; the others go on.
                unreached.push(self.dc_name(connector.dc));
                continue;
            }
            if initial {
                connector.imported_usn = 0;
            }
            let forest = connector.dc.forest;
            let (Some(directory), Some(flow)) =
                (self.forests.get(forest), self.flows.get(usize::from(forest.0)))
            else {
                continue;
            };
            let since = Since {
                at: self.connect.imported_at,
                read: Some((connector.dc.dc, connector.imported_usn)),
            };
            for (usn, object, slot) in
                directory.changes_since(connector.dc.dc, connector.imported_usn)
            {
                connector.imported_usn = connector.imported_usn.max(usn);
                changed += 1;
                let key = (forest, object.0);
                if self.connect.knows(key) || flow.is_synchronized(&slot.entry) {
                    self.connect.pending.entry(key).or_insert(since);
                } else {
                    everything |= !self.connect.units.is_empty() && flow.is_container(&slot.entry);
                }
            }
            self.connect.connectors[place] = connector;
        }
        if initial || everything {
            self.look_at_everything(initial);
        }
        let last = unreached.last().cloned();
        if let Some(run) = &mut self.connect.running {
            run.unreached = unreached;
        }
        if let (Some(host), 0) = (last, changed) {
            if let Some(run) = &mut self.connect.running {
                run.failure = Some(format!("{NO_START_CONNECTION}: {host} does not answer"));
            }
            return 0;
        }
        self.connect.imported_at = self.now;
        if let Some(run) = &mut self.connect.running {
            run.imported = changed as u64;
        }
        changed
    }

    /// Puts every known object among the pending ones: a full synchronization, or a container has moved.
    fn look_at_everything(&mut self, full: bool) {
        let since = Since::instant(self.connect.imported_at);
        let keys: Vec<ConnectorKey> = self.connect.keys().collect();
        for key in keys {
            self.connect.pending.entry(key).or_insert(since);
            if let Some(object) = self.connect.object_mut(key).filter(|_| full) {
                object.full = true;
            }
        }
    }

    /// Cloud Sync reads at the domain controller of the agent that works.
    fn import_through_the_agent(&mut self) {
        let Some(dc) = self.working_agent().map(|agent| agent.dc) else { return };
        let domain_of = |at: DcKey| self.forests.dc(at).map(|dc| (at.forest, dc.domain));
        let domain = domain_of(dc);
        let place =
            self.connect.connectors.iter().position(|connector| domain_of(connector.dc) == domain);
        if let Some(connector) = place.and_then(|place| self.connect.connectors.get_mut(place))
            && connector.dc != dc
        {
            // Sequence numbers count on one domain controller alone.
            connector.dc = dc;
            connector.imported_usn = 0;
        }
    }

    /// Learns the flags. Authority that came back to AD means a full export of the object; what counts is
    /// the flag as it is now, or each value that it had since the last time (switch `flag_sampling`).
    fn import_entra(&mut self) -> usize {
        let changes = core::mem::take(&mut self.connect.flag_changes);
        let each_counts = self.profile.text("flag_sampling") == "event";
        // The first change of each: who is given the flag by it did not have it when it was imported last.
        let mut first = BTreeMap::new();
        for (user, became, at) in &changes {
            let (was_set, set) = *first.entry(*user).or_insert((*became, *at));
            let Some(flag) = self.flag_of(*user) else { continue };
            let Some(key) = self.ad_object_of_user(*user) else { continue };
            let Some(object) = self.connect.object_mut(key) else { continue };
            object.flagged = if flag && was_set { set } else { VirtualTime::default() };
            let came_back = if each_counts { !became } else { !flag };
            if !came_back {
                continue;
            }
            Mark::ConnectCameBack.reach();
            object.full = true;
            if flag {
                Mark::ConnectFlagWasAway.reach();
                object.given_back = true;
            }
            let since = Since::instant(self.connect.imported_at);
            self.connect.pending.entry(key).or_insert(since);
        }
        changes.len()
    }

    fn ad_object_of_user(&self, user: u32) -> Option<ConnectorKey> {
        let id = self.entra.user(user)?.id;
        let ad = self.subject_of_mailbox(self.exchange.by_id(id)?)?.ad?;
        Some((ad.forest, ad.number.0))
    }

    /// The domain controller from which an object was imported, when it holds it.
    pub(super) fn connector_at(&self, (forest, number): ConnectorKey) -> Option<DcKey> {
        let connectors = self.connect.connectors.iter().filter(|c| c.dc.forest == forest);
        let mut dcs = connectors.map(|connector| connector.dc);
        dcs.find(|dc| self.forests.object(*dc, ObjectNumber(number)).is_some())
    }
}
