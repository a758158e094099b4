//! The doors of the cloud: Exchange Online's cmdlets, Entra's users, agents and settings.
//!
//! The engine's in-process bridge and the HTTPS servers both come through here with the same values,
//! so that both leave the same trace.

use super::Estate;
use crate::caller::Caller;
use crate::clock::VirtualTime;
use crate::exchange::cmdlets::{self, CmdletError, Context, Output, Rows};
use crate::exchange::property;
use crate::guid::Guid;
use crate::ledger::{Activity, Actor, Change, ObjectKey, Read, Side, Write};
use crate::powershell::CmdletCall;

/// An agent as the service lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentView {
    /// Its id.
    pub id: Guid,
    /// Its machine name.
    pub name: String,
    /// `status` is `active`.
    pub active: bool,
    /// Its version.
    pub version: String,
}

/// The organization as Graph shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrganizationView {
    /// The tenant's id.
    pub tenant: Guid,
    /// `onPremisesSyncEnabled`.
    pub sync_enabled: bool,
    /// `onPremisesLastSyncDateTime`.
    pub last_sync: Option<VirtualTime>,
}

impl Estate {
    /// Runs a cmdlet in Exchange Online.
    ///
    /// # Errors
    /// The service's refusal; then nothing changed.
    pub fn cmdlet(
        &mut self,
        caller: &Caller,
        call: &CmdletCall,
        page: Option<&str>,
        page_size: usize,
    ) -> Result<Output, CmdletError> {
        if caller.is_engine {
            self.charge(self.cmdlet_cost(call));
        }
        let mut context =
            Context { tenant: &mut self.exchange, profile: &self.profile, now: self.now, caller };
        let output = cmdlets::invoke(&mut context, call, page, page_size)?;
        if caller.is_engine
            && let Rows::Mailboxes(rows) = &output.rows
        {
            for number in rows {
                self.note_mailbox_read(*number);
            }
        }
        if let Some(effect) = &output.effect {
            self.note_exchange_write(&caller.actor, effect.mailbox, effect.changes.clone());
            self.back_sync(effect.mailbox, &effect.changes);
        }
        Ok(output)
    }

    /// The numbers of users by id; `None` where there is none. At most 1,000.
    pub fn users(&mut self, caller: &Caller, ids: &[Guid]) -> Vec<Option<u32>> {
        self.charge_graph(caller);
        let numbers: Vec<Option<u32>> = ids.iter().map(|id| self.entra.by_id(*id)).collect();
        if caller.is_engine {
            for number in numbers.iter().flatten() {
                let Some(user) = self.entra.user(*number) else { continue };
                self.ledger.read(Read {
                    at: self.now,
                    object: ObjectKey { side: Side::Entra, number: *number },
                    guid: user.id,
                    cloud_managed: None,
                    version: user.version,
                });
            }
        }
        numbers
    }

    /// The object-level source of authority of users; `None` where there is no such user.
    pub fn object_cloud_managed(&mut self, caller: &Caller, ids: &[Guid]) -> Vec<Option<bool>> {
        self.charge_graph(caller);
        ids.iter()
            .map(|id| Some(self.entra.user(self.entra.by_id(*id)?)?.object_cloud_managed))
            .collect()
    }

    /// The provisioning agents, in the order in which they are listed.
    pub fn list_agents(&mut self, caller: &Caller) -> Vec<AgentView> {
        self.charge_graph(caller);
        let inactive_after = self.profile.timing("agent_inactive_after");
        self.agents
            .iter()
            .map(|agent| AgentView {
                id: agent.id,
                name: agent.name.clone(),
                active: agent.is_listed_active(&self.faults, self.now, inactive_after),
                version: agent.version.clone(),
            })
            .collect()
    }

    /// The organization.
    pub fn organization(&mut self, caller: &Caller) -> OrganizationView {
        self.charge_graph(caller);
        OrganizationView {
            tenant: self.entra.tenant,
            sync_enabled: true,
            last_sync: self.connect.history.last().map(|run| run.ended),
        }
    }

    /// Notes a change of a mailbox, whoever made it.
    pub(super) fn note_exchange_write(&mut self, actor: &Actor, number: u32, changes: Vec<Change>) {
        let Some(mailbox) = self.exchange.mailbox(number) else { return };
        if changes.iter().any(|change| change.attribute == property::FLAG)
            && let Some(user) = self.entra.by_id(mailbox.id)
        {
            self.connect.flag_changes.push(user);
        }
        self.ledger.write(Write {
            at: self.now,
            actor: actor.clone(),
            object: ObjectKey { side: Side::Exchange, number },
            guid: mailbox.id,
            cloud_managed: Some(mailbox.cloud_managed),
            changes,
        });
    }

    /// Copies what Entra shows too from a mailbox to its user.
    fn back_sync(&mut self, mailbox: u32, changes: &[Change]) {
        let Some((id, flag)) = self.exchange.mailbox(mailbox).map(|m| (m.id, m.cloud_managed))
        else {
            return;
        };
        let Some(number) = self.entra.by_id(id) else { return };
        let values: Vec<_> = changes
            .iter()
            .filter(|change| crate::entra::property::name(change.attribute).is_some())
            .map(|change| (change.attribute, change.new.clone()))
            .collect();
        let changes = self.entra.apply(number, &values);
        let actor = Actor::new("Exchange Online back sync", Activity::Service);
        self.note_entra_write(&actor, number, Some(flag), changes);
    }

    /// Notes a change of a user, whoever made it.
    pub(super) fn note_entra_write(
        &mut self,
        actor: &Actor,
        number: u32,
        cloud_managed: Option<bool>,
        changes: Vec<Change>,
    ) {
        let Some(user) = self.entra.user(number) else { return };
        self.ledger.write(Write {
            at: self.now,
            actor: actor.clone(),
            object: ObjectKey { side: Side::Entra, number },
            guid: user.id,
            cloud_managed,
            changes,
        });
    }

    fn note_mailbox_read(&mut self, number: u32) {
        let Some(mailbox) = self.exchange.mailbox(number) else { return };
        self.ledger.read(Read {
            at: self.now,
            object: ObjectKey { side: Side::Exchange, number },
            guid: mailbox.id,
            cloud_managed: Some(mailbox.cloud_managed),
            version: mailbox.version,
        });
    }

    fn charge_graph(&mut self, caller: &Caller) {
        if caller.is_engine {
            self.charge(self.profile.costs.graph_call);
        }
    }

    fn cmdlet_cost(&self, call: &CmdletCall) -> core::time::Duration {
        let costs = &self.profile.costs;
        if call.name.to_ascii_lowercase().starts_with("set-") {
            costs.exchange_set
        } else if call.parameter("Identity").is_some() {
            costs.exchange_get
        } else {
            costs.exchange_list_page
        }
    }
}
