//! Synchronization servers: the active one, a staging server beside it, and one that is set up anew.
//!
//! Sources: Microsoft Learn, "Microsoft Entra Connect Sync: Staging server and disaster recovery" (imports
//! and synchronizes, never exports; the switch), "Microsoft Entra Connect Sync: Scheduler".

use super::Estate;
use crate::connect::{ConnectSync, InboundEngine, Policy, Run};

impl Estate {
    /// Sets up a staging server of a build beside the active one.
    pub fn add_staging_server(&mut self, build: &str) {
        let mut server = self.fresh_server(build);
        for connector in &mut server.connectors {
            connector.imported_usn = self.forests.dc(connector.dc).map_or(0, |dc| dc.highest_usn);
        }
        server.needs_initial = false;
        self.staging = Some(Box::new(server));
    }

    /// Another build runs from now on. Two builds do not start again where the configuration file of the
    /// service had been edited (Microsoft Learn, "Microsoft Entra Connect: Version release history").
    pub fn upgrade_server(&mut self, build: &str, edited_config: bool) {
        build.clone_into(&mut self.connect.build);
        let fails = edited_config && ["2.5.190.0", "2.6.1.0"].contains(&build);
        self.connect.stopped = fails.then_some(
            "the service did not start: could not load System.Diagnostics.DiagnosticSource 6.0.0.1 (add a binding redirect to miiserver.exe.config)",
        );
    }

    /// Sets the active server up anew, with a build and an empty database: its first cycle is an initial
    /// one, and finds every object by its anchor.
    pub fn replace_server(&mut self, build: &str) {
        let running = self.connect.running.take();
        let fresh = self.fresh_server(build);
        let old = core::mem::replace(&mut self.connect, fresh);
        self.connect.running = running;
        self.connect.totals = old.totals;
    }

    /// The staging server becomes the active one, and the active one the staging server. False when there
    /// is no staging server.
    pub fn switch_to_staging(&mut self) -> bool {
        let Some(staging) = self.staging.take() else { return false };
        let (history, totals) = (staging.history.clone(), self.connect.totals.clone());
        let running = self.connect.running.take();
        let mut fresh = self.fresh_server(&staging.build);
        fresh.history = history;
        fresh.totals = totals;
        fresh.running = running;
        let old = core::mem::replace(&mut self.connect, fresh);
        let mut beside = self.fresh_server(&old.build);
        beside.connectors = old.connectors;
        beside.history = old.history;
        beside.needs_initial = false;
        self.staging = Some(Box::new(beside));
        true
    }

    fn fresh_server(&self, build: &str) -> ConnectSync {
        let dcs = self.connect.connectors.iter().map(|connector| connector.dc);
        let mut server =
            ConnectSync::new(InboundEngine::ConnectSync, build, self.connect.interval, dcs);
        server.units.clone_from(&self.connect.units);
        server.needs_initial = true;
        server
    }

    /// A cycle of the staging server: it imports and synchronizes, and exports nothing.
    pub(super) fn staging_cycle(&mut self) {
        let now = self.now;
        let Some(staging) = &mut self.staging else { return };
        let failure = staging
            .is_cut_off(&self.profile, now)
            .then(|| format!("build {} is no longer accepted by the service", staging.build));
        let mut imported = 0;
        if failure.is_none() {
            for connector in &mut staging.connectors {
                let Some(forest) = self.forests.get(connector.dc.forest) else { continue };
                for (usn, _, _) in forest.changes_since(connector.dc.dc, connector.imported_usn) {
                    connector.imported_usn = connector.imported_usn.max(usn);
                    imported += 1;
                }
            }
        }
        staging.note(Run {
            policy: Policy::Delta,
            began: now,
            ended: now,
            imported,
            exported: 0,
            errors: Vec::new(),
            blocked: Vec::new(),
            unreached: Vec::new(),
            failure,
        });
    }
}
