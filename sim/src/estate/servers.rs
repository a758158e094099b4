//! Synchronization servers: the active one, a staging server beside it, and one that is set up anew.
//!
//! Sources: Microsoft Learn, "Microsoft Entra Connect Sync: Staging server and disaster recovery" (imports
//! and synchronizes, never exports; the switch), "Microsoft Entra Connect Sync: Scheduler".

use super::Estate;
use crate::connect::{ConnectSync, ConnectorKey, InboundEngine, Policy, Run, Since};

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
    ///
    /// Both have imported the same cloud and the same AD, so that what is joined with what is the same in
    /// both databases; what the other one had not exported yet is still to be exported.
    pub fn switch_to_staging(&mut self) -> bool {
        let Some(staging) = self.staging.take() else { return false };
        let mut beside = self.fresh_server(&self.connect.build);
        beside.connectors.clone_from(&self.connect.connectors);
        beside.history = core::mem::replace(&mut self.connect.history, staging.history);
        beside.needs_initial = false;
        self.connect.build = staging.build;
        self.connect.stopped = None;
        self.connect.scheduled = true;
        self.staging = Some(Box::new(beside));
        self.expect_what_the_cloud_does_not_have();
        true
    }

    /// A build that does not know the flag has to export what AD says otherwise of cloud-managed mailboxes.
    fn expect_what_the_cloud_does_not_have(&mut self) {
        if self.respects_the_flag() {
            return;
        }
        let since = Since::instant(self.connect.imported_at);
        let keys: Vec<ConnectorKey> = self.connect.keys().collect();
        for key in keys {
            let Some(user) = self.connect.object(key).map(|object| object.user) else { continue };
            if self.flag_of(user) != Some(true) {
                continue;
            }
            let Some(entry) = self.imported(key).map(|slot| slot.entry.clone()) else { continue };
            let exchange = self.taken_for_exported(key, &entry, user);
            let Some(object) = self.connect.object_mut(key) else { continue };
            if object.exchange != exchange {
                object.exchange = exchange;
                self.connect.pending.entry(key).or_insert(since);
            }
        }
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
