//! The doors of the cloud: Exchange Online's cmdlets, Entra's users, agents and settings.
//!
//! The engine's in-process bridge and the HTTPS servers both come through here with the same values,
//! so that both leave the same trace.

use core::fmt::{self, Write as _};
use std::hash::Hasher;

use rustc_hash::FxHasher;

use super::Estate;
use super::forward::Delivery;
use crate::agents::Agent;
use crate::caller::Caller;
use crate::clock::VirtualTime;
use crate::directory::fold;
use crate::exchange::audit::AuditRecord;
use crate::exchange::cmdlets::{self, CmdletError, Context, ErrorKind, Others, Output, Rows};
use crate::exchange::property;
use crate::guid::Guid;
use crate::ledger::{
    Activity, Actor, Change, ObjectKey, Outcome, Question, Read, Side, Write, WriteKind,
};
use crate::marks::Mark;
use crate::powershell::CmdletCall;
use crate::throttle::{CMDLETS, Charge, Limit, ON_DEMAND, ON_DEMAND_CALLS, Tripped, whole_seconds};

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
        self.spend_on_exchange(caller)?;
        let oldest_deletion = self.oldest_deletion();
        let mut context = Context {
            tenant: &mut self.exchange,
            profile: &self.profile,
            now: self.now,
            caller,
            others: Others { groups: &self.entra.groups, contacts: &self.entra.contacts },
            oldest_deletion,
        };
        let outcome = if cmdlets::is_move(&call.name) {
            let checked = cmdlets::check(&context, call);
            checked.and_then(|_| self.move_cmdlet(call))
        } else if cmdlets::lifecycle::named(&call.name).is_some() {
            let checked = cmdlets::check(&context, call);
            checked.and_then(|cmdlet| self.lifecycle_cmdlet(caller, cmdlet, call))
        } else {
            cmdlets::invoke(&mut context, call, page, page_size)
        };
        let caller = &self.as_it_acts(caller, call);
        self.note_cmdlet(caller, call, &outcome);
        let mut output = outcome.inspect_err(|error| reach_refusal(error.kind))?;
        if self.exchange.audit.ingestion && !is_read(call) {
            self.audit_cmdlet(caller, call);
        }
        if let Some((mailbox, flag)) = output.flag_on_its_way {
            let actor = caller.actor.clone();
            self.forward(Delivery::Flag { mailbox, flag, actor });
        } else if output.effect.is_none() && matches!(output.rows, Rows::None) {
            Mark::CloudNoChange.reach();
        }
        if let Some(effect) = &output.effect {
            self.note_exchange_write(&caller.actor, effect.mailbox, effect.changes.clone());
            self.back_sync(effect.mailbox, &effect.changes);
        }
        self.with_quirks(call, &mut output)?;
        Ok(output)
    }

    /// A caller with the activity that its call belongs to. Writeback changes nothing in Exchange
    /// Online, so an engine that says nothing of itself transfers when it sets the flag, and restores
    /// when it sets a value.
    fn as_it_acts(&self, caller: &Caller, call: &CmdletCall) -> Caller {
        let mut caller = caller.clone();
        if self.engine_apart && caller.is_engine && !is_read(call) {
            let flips = call.parameter("IsExchangeCloudManaged").is_some();
            caller.actor.activity = if flips { Activity::Transfer } else { Activity::Restore };
        }
        caller
    }

    /// What some builds of the module and the service make of a flip that worked (switches
    /// `empty_error_applied` and `emits_object`).
    fn with_quirks(&self, call: &CmdletCall, output: &mut Output) -> Result<(), CmdletError> {
        let flips = call.parameter("IsExchangeCloudManaged").is_some();
        let Some(effect) = output.effect.as_ref().filter(|_| flips) else { return Ok(()) };
        if self.profile.is_on("empty_error_applied") {
            let error = CmdletError::empty();
            reach_refusal(error.kind);
            return Err(error);
        }
        if self.profile.is_on("emits_object") {
            output.rows = Rows::Mailboxes(vec![effect.mailbox]);
        }
        Ok(())
    }

    /// A record of the unified audit log for a cmdlet that was run.
    fn audit_cmdlet(&mut self, caller: &Caller, call: &CmdletCall) {
        let Some(operation) = cmdlets::spelling(&call.name) else { return };
        let parameters: Vec<_> = call
            .parameters
            .iter()
            .map(
                |(name, value)| serde_json::json!({"Name": name, "Value": value.texts().join(";")}),
            )
            .collect();
        let about = ["Identity", "SoftDeletedObject", "Name"];
        let named = about.into_iter().find_map(|parameter| call.text(parameter));
        self.exchange.audit.push(AuditRecord {
            at: self.now,
            user: caller.actor.name.clone(),
            operation,
            object: named.unwrap_or_default().into(),
            parameters: serde_json::Value::Array(parameters).to_string().into(),
        });
    }

    /// Notes what a cmdlet came to: for the engine what it asked and read, for everybody what was to be
    /// changed.
    fn note_cmdlet(
        &mut self,
        caller: &Caller,
        call: &CmdletCall,
        outcome: &Result<Output, CmdletError>,
    ) {
        let reads = is_read(call);
        let rows: &[u32] = match outcome.as_ref().map(|output| &output.rows) {
            Ok(Rows::Mailboxes(rows) | Rows::Recipients(_, rows, _)) => rows,
            Ok(
                Rows::None
                | Rows::Objects(_)
                | Rows::Organization
                | Rows::AcceptedDomains
                | Rows::Audit { .. },
            )
            | Err(_) => &[],
        };
        if caller.is_engine && reads {
            self.note_question(caller, "Get-Mailbox", rows.len());
            for number in rows {
                self.note_mailbox_read(caller, *number);
            }
        }
        if !reads {
            self.note_attempt(caller, call, outcome);
        }
    }

    fn note_attempt(
        &mut self,
        caller: &Caller,
        call: &CmdletCall,
        outcome: &Result<Output, CmdletError>,
    ) {
        let number = call.text("Identity").and_then(|identity| self.exchange.find(&identity));
        let mailbox = number.and_then(|number| self.exchange.mailbox(number));
        let (code, diagnostic, effective) = match outcome {
            Ok(output) => (0, String::new(), output.effect.is_some()),
            Err(error) => (u32::from(error.kind.status()), error.message.clone(), false),
        };
        let flag = call.parameter("IsExchangeCloudManaged");
        let is_flip = flag.is_some_and(|flag| flag.boolean().is_some());
        let refused_flip = is_flip
            && outcome.as_ref().is_err_and(|error| match error.kind {
                // A mail user, a group or a contact, which have no flag.
                ErrorKind::NotFound => call.text("Identity").is_some_and(|identity| {
                    mailbox.is_some() || self.is_other_recipient(&identity)
                }),
                kind => mailbox.is_some() && kind.is_of_what_was_asked(),
            });
        let outcome = Outcome {
            at: self.now,
            actor: caller.actor.clone(),
            side: Side::Exchange,
            guid: mailbox.map_or(Guid([0; 16]), |mailbox| mailbox.id),
            object: number.map(ObjectKey::exchange),
            code,
            diagnostic,
            effective,
            request: digest(call),
            answered: true,
            refused_flip,
        };
        self.ledger.outcome(outcome);
    }

    /// Whether this names a group or a contact that Exchange Online knows.
    fn is_other_recipient(&self, identity: &str) -> bool {
        let others = Others { groups: &self.entra.groups, contacts: &self.entra.contacts };
        others.find(identity).is_some()
    }

    fn note_question(&mut self, caller: &Caller, what: &'static str, found: usize) {
        if caller.is_engine {
            self.ledger.question(Question {
                at: self.now,
                activity: caller.actor.activity,
                what,
                found: u32::try_from(found).unwrap_or(u32::MAX),
            });
        }
    }

    /// A user by user principal name, without case.
    #[must_use]
    pub fn user_named(&self, upn: &str) -> Option<u32> {
        let is_called = |number: &u32| {
            let user = self.entra.user(*number).filter(|user| user.deletion.is_none());
            user.and_then(|user| user.record.text(property::USER_PRINCIPAL_NAME))
                .is_some_and(|known| known.eq_ignore_ascii_case(upn))
        };
        // Nearly every user has a mailbox, which is found by its index.
        let by_mailbox = self
            .exchange
            .find(upn)
            .and_then(|number| self.exchange.mailbox(number))
            .and_then(|mailbox| self.entra.by_id(mailbox.id))
            .filter(is_called);
        by_mailbox.or_else(|| (0..).take(self.entra.users().len()).find(is_called))
    }

    /// The numbers of users by id; `None` where there is none. At most 1,000.
    pub fn users(&mut self, caller: &Caller, ids: &[Guid]) -> Vec<Option<u32>> {
        self.charge_graph(caller);
        let numbers: Vec<Option<u32>> = ids.iter().map(|id| self.live_user(*id)).collect();
        self.note_question(caller, "users", numbers.iter().flatten().count());
        if caller.is_engine {
            for number in numbers.iter().flatten() {
                let Some(user) = self.entra.user(*number) else { continue };
                self.ledger.read(Read {
                    at: self.now,
                    activity: caller.actor.activity,
                    object: ObjectKey::entra(*number),
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
        let found: Vec<Option<bool>> = ids
            .iter()
            .map(|id| Some(self.entra.user(self.live_user(*id)?)?.object_cloud_managed))
            .collect();
        self.note_question(caller, "onPremisesSyncBehavior", found.iter().flatten().count());
        found
    }

    /// The provisioning agents, in the order in which they are listed.
    pub fn list_agents(&mut self, caller: &Caller) -> Vec<AgentView> {
        self.charge_graph(caller);
        let inactive_after = self.profile.timing("agent_inactive_after");
        let removed_after = self.profile.timing("agent_removed_after");
        let is_listed = |agent: &&Agent| agent.is_listed(&self.faults, self.now, removed_after);
        let listed = self.agents.iter().filter(is_listed).count();
        self.note_question(caller, "agents", listed);
        self.agents
            .iter()
            .filter(|agent| agent.is_listed(&self.faults, self.now, removed_after))
            .map(|agent| {
                let active = agent.is_listed_active(&self.faults, self.now, inactive_after);
                if !active {
                    Mark::AgentInactive.reach();
                }
                AgentView {
                    id: agent.id,
                    name: agent.name.clone(),
                    active,
                    version: agent.version.clone(),
                }
            })
            .collect()
    }

    /// The organization.
    pub fn organization(&mut self, caller: &Caller) -> OrganizationView {
        self.charge_graph(caller);
        self.note_question(caller, "organization", 1);
        OrganizationView {
            tenant: self.entra.tenant,
            sync_enabled: self.entra.sync_enabled,
            last_sync: self.connect.history.last().map(|run| run.ended),
        }
    }

    /// Notes a change of a mailbox, whoever made it.
    pub(super) fn note_exchange_write(&mut self, actor: &Actor, number: u32, changes: Vec<Change>) {
        self.note_late_exchange_write(actor, number, changes, self.now);
    }

    /// Notes a change of a mailbox that was sent at an instant.
    pub(super) fn note_late_exchange_write(
        &mut self,
        actor: &Actor,
        number: u32,
        changes: Vec<Change>,
        sent: VirtualTime,
    ) {
        let Some(mailbox) = self.exchange.mailbox(number) else { return };
        if changes.iter().any(|change| change.attribute == property::FLAG)
            && let Some(user) = self.entra.by_id(mailbox.id)
        {
            self.connect.flag_changes.push((user, mailbox.cloud_managed, self.now));
        }
        let says_manager = property::number("Manager")
            .is_some_and(|manager| changes.iter().any(|change| change.attribute == manager));
        if says_manager && *actor != Self::forward_actor() {
            // What Exchange Online or AD says is the newer word.
            if let Some(user) = self.entra.by_id(mailbox.id) {
                self.entra.managers.remove(&user);
            }
        }
        self.ledger.write(Write {
            at: self.now,
            sent,
            actor: actor.clone(),
            object: ObjectKey::exchange(number),
            kind: WriteKind::Changed,
            guid: mailbox.id,
            cloud_managed: Some(mailbox.cloud_managed),
            changes,
        });
    }

    /// Tells the directory what it shows too of a mailbox.
    fn back_sync(&mut self, mailbox: u32, changes: &[Change]) {
        let is_shown = |change: &&Change| crate::entra::property::name(change.attribute).is_some();
        let changes: Vec<Change> = changes.iter().filter(is_shown).cloned().collect();
        if !changes.is_empty() {
            self.forward(Delivery::ToEntra { mailbox, changes, sent: self.now });
        }
    }

    /// The directory hears from Exchange Online what was edited there at an instant.
    pub(super) fn told_by_exchange(&mut self, mailbox: u32, changes: &[Change], sent: VirtualTime) {
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
        if changes.iter().any(|change| change.attribute == property::EMAIL_ADDRESSES) {
            self.entra.note_primary(number, false);
        }
        let changes = self.entra.apply(number, &values);
        let actor = Actor::new("Exchange Online back sync", Activity::Service);
        self.note_late_entra_write(&actor, number, Some(flag), changes, sent);
    }

    /// Notes a change of a user, whoever made it.
    pub(super) fn note_entra_write(
        &mut self,
        actor: &Actor,
        number: u32,
        cloud_managed: Option<bool>,
        changes: Vec<Change>,
    ) {
        self.note_late_entra_write(actor, number, cloud_managed, changes, self.now);
    }

    /// Notes a change of a user that was sent at an instant.
    fn note_late_entra_write(
        &mut self,
        actor: &Actor,
        number: u32,
        cloud_managed: Option<bool>,
        changes: Vec<Change>,
        sent: VirtualTime,
    ) {
        let Some(user) = self.entra.user(number) else { return };
        self.ledger.write(Write {
            at: self.now,
            sent,
            actor: actor.clone(),
            object: ObjectKey::entra(number),
            kind: WriteKind::Changed,
            guid: user.id,
            cloud_managed,
            changes,
        });
    }

    fn note_mailbox_read(&mut self, caller: &Caller, number: u32) {
        let Some(mailbox) = self.exchange.mailbox(number) else { return };
        self.ledger.read(Read {
            at: self.now,
            activity: caller.actor.activity,
            object: ObjectKey::exchange(number),
            guid: mailbox.id,
            cloud_managed: Some(mailbox.cloud_managed),
            version: mailbox.version,
        });
    }

    /// Charges one cmdlet to the budget of whoever runs it.
    fn spend_on_exchange(&mut self, caller: &Caller) -> Result<(), CmdletError> {
        let Some(limit) = self.profile.exo_budget.filter(|_| !caller.is_crowd) else {
            return Ok(());
        };
        let charge = exchange_charge(caller, limit);
        self.fates.throttle.spend(self.now, &[charge]).map(drop).map_err(|_| {
            // Whoever came back for the next cmdlet alone would never get through a batch.
            let (_, whole) = self.fates.throttle.left(self.now, &charge);
            let wait = whole_seconds(whole.since(self.now)).min(LONGEST_WAIT);
            let error = CmdletError::throttled(wait);
            reach_refusal(error.kind);
            error
        })
    }

    /// What is left of a caller's budget in Exchange Online: of how many cmdlets, how many, and when it is
    /// whole again. `None` without a budget.
    #[must_use]
    pub fn exchange_budget(&self, caller: &Caller) -> Option<(u32, u32, VirtualTime)> {
        let limit = self.profile.exo_budget?;
        let (left, whole) = self.fates.throttle.left(self.now, &exchange_charge(caller, limit));
        Some((limit.units, left, whole))
    }

    /// Charges a request to the budgets of Microsoft Graph, and says what share of the fullest is used.
    ///
    /// # Errors
    /// The first budget that has too little left; then none is charged.
    pub(crate) fn spend_on_graph(&mut self, charges: &[Charge<'_>]) -> Result<f64, Tripped> {
        self.fates.throttle.spend(self.now, charges)
    }

    /// Somebody provisions on demand: how long to wait first, when the budget is used up, by a fault or by
    /// what was asked before.
    pub fn spend_on_demand(&mut self) -> Option<core::time::Duration> {
        if let Some(wait) = self.meet_budget(ON_DEMAND) {
            return Some(wait);
        }
        if !self.profile.is_on("graph_budgets") {
            return None;
        }
        let charge = Charge { scope: ON_DEMAND, owner: "", limit: ON_DEMAND_CALLS, cost: 1 };
        self.spend_on_graph(&[charge]).err().map(|tripped| tripped.retry_after)
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

fn reach_refusal(kind: ErrorKind) {
    if let Some(mark) = Mark::of_cmdlet(kind) {
        mark.reach();
    }
}

fn is_read(call: &CmdletCall) -> bool {
    call.name.get(..4).is_some_and(|verb| verb.eq_ignore_ascii_case("get-"))
}

/// The longest wait that Exchange Online asks for, in seconds.
const LONGEST_WAIT: u32 = 30;

fn exchange_charge(caller: &Caller, limit: Limit) -> Charge<'_> {
    Charge { scope: CMDLETS, owner: &caller.actor.name, limit, cost: 1 }
}

/// A digest of a call, by which two attempts differ: the order of parameters and the case of names do
/// not matter.
fn digest(call: &CmdletCall) -> u64 {
    let parts = call.parameters.iter().map(|(name, value)| {
        let mut hashed = Hashed::default();
        hashed.0.write_u64(fold::hash(name.as_bytes()));
        // Hashing cannot fail.
        let _ = write!(hashed, "{value}");
        hashed.0.finish()
    });
    // A sum does not ask for their order.
    let mut hasher = FxHasher::default();
    hasher.write_u64(fold::hash(call.name.as_bytes()));
    hasher.write_u64(parts.fold(0, u64::wrapping_add));
    hasher.finish()
}

/// Text as it is written, hashed instead of kept.
#[derive(Default)]
struct Hashed(FxHasher);

impl fmt::Write for Hashed {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        self.0.write_u8(0xff);
        Ok(())
    }
}
