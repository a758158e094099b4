//! The whole estate: its parts, its one clock, and the doors through which everybody else reaches it.
//!
//! The estate is a plain value. Nothing in it waits, sleeps or asks the machine for the time: it is
//! moved by [`Estate::advance`], and by what the engine's operations cost.

mod accounts;
mod build;
mod cloud;
mod controllers;
mod cycle;
mod delivery;
mod desk;
mod draft;
mod entra;
mod fates;
mod forward;
mod gateway;
mod groups;
mod import;
mod inbound;
mod licences;
mod lifecycle;
mod moves;
mod owed;
mod people;
mod provisioning_agents;
mod reach;
mod recipients;
pub mod replication;
mod rights;
mod servers;
mod settle;
mod standings;
mod truth;
mod unverified;

pub use accounts::{ServiceAccount, ServiceAccounts};
pub use build::{AgentPlan, BuildError, DcPlan, EstatePlan, ForestPlan, WritebackPlan};
pub use cloud::{AgentView, OrganizationView};
pub use draft::{Draft, Drafting, Identity};
pub use entra::{EntraError, NewUser, RestoredAs};
pub use gateway::Passage;
pub use groups::{GroupChange, NewGroup};
pub use import::{ExportedMailbox, Import, PassedOver};
pub use people::{PersonError, Shown};
pub use standings::Standing;
pub use truth::Subject;

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use crate::agents::Agent;
use crate::caller::Role;
use crate::chance::Chance;
use crate::clock::{Calendar, VirtualTime};
use crate::connect::{ConnectSync, CycleStep, Flow};
use crate::directory::forests::{DcKey, ForestNumber, Forests};
use crate::entra::Entra;
use crate::exchange::ExchangeOnline;
use crate::fault::{Effect, Faults, Place};
use crate::ledger::{Activity, FaultHit, Ledger};
use crate::marks::Mark;
use crate::profile::Profile;
use fates::Fates;
use truth::Subjects;

/// The estate.
#[derive(Clone)]
pub struct Estate {
    /// The behaviour of the date.
    pub profile: Profile,
    /// Active Directory.
    pub forests: Forests,
    /// Microsoft Entra ID.
    pub entra: Entra,
    /// Exchange Online.
    pub exchange: ExchangeOnline,
    /// The server that synchronizes AD to the cloud.
    pub connect: ConnectSync,
    /// The staging server beside it.
    pub staging: Option<Box<ConnectSync>>,
    /// The provisioning agents, in the order in which they are listed.
    pub agents: Vec<Agent>,
    /// What the Exchange organization on the premises has beside its recipients.
    pub onprem: crate::onprem::Organization,
    /// The faults.
    pub faults: Faults,
    /// Who wrote what.
    pub ledger: Ledger,
    /// The tenant's verified domain and its initial domain.
    pub domains: TenantDomains,
    /// What the engine is doing: every write that comes from it carries this activity.
    pub engine_activity: Activity,
    /// Whether the engine is a process of its own, which tells nobody what it is doing: then what it
    /// changes in Exchange Online tells it.
    pub engine_apart: bool,
    /// Whether the engine's operations cost virtual time. Off when the clock runs in real time.
    pub charges: bool,
    /// The marks that were reached ([`crate::marks`]).
    pub marks: marks::Reached,
    now: VirtualTime,
    calendar: Calendar<Due>,
    /// How long each domain controller waits before it pulls; others take the profile's own time.
    lags: BTreeMap<DcKey, Duration>,
    /// The domain controllers whose next pull stands in the calendar.
    pulls: BTreeSet<DcKey>,
    /// The domain controllers from which a fault keeps replication away, since it did so first.
    kept_away: BTreeSet<DcKey>,
    /// How values flow to the cloud, by forest.
    flows: Vec<Flow>,
    /// Where people of each domain are settled.
    homes: Vec<build::PeopleHome>,
    /// Where the next ones are.
    people: build::PeopleHome,
    /// By forest.
    accounts: Vec<ServiceAccounts>,
    /// What roles are to AD, where it is not what they are by themselves.
    standings: BTreeMap<Role, Standing>,
    subjects: Subjects,
    /// Modifies that were held back, by number; taken when they are delivered.
    held_back: Vec<Option<delivery::HeldBack>>,
    /// GUIDs of objects that are created while the estate runs.
    new_objects: Chance,
    /// Whether the sweep of duplicate attributes is on the calendar.
    sweeps: bool,
    /// What befalls requests to the cloud services.
    fates: Fates,
    /// Messages between the directory and Exchange Online that have not arrived, by number.
    on_their_way: Vec<Option<forward::Delivery>>,
    /// When the last of them arrives, or arrived.
    last_message: VirtualTime,
    /// By user, what waits for its soft-deleted recipient.
    owed: BTreeMap<u32, owed::Owed>,
    /// Mailboxes that move, by number; taken when the request is removed.
    moves: Vec<Option<moves::Move>>,
    /// Migration batches.
    batches: Vec<moves::Batch>,
}

/// The domains of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantDomains {
    /// The default verified domain.
    pub verified: String,
    /// `*.onmicrosoft.com`.
    pub initial: String,
}

/// What the estate does by itself at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// A Connect Sync cycle begins by its schedule.
    ConnectCycle,
    /// A step of the running cycle.
    ConnectStep(CycleStep),
    /// The modify of this number that was held back reaches its domain controller.
    HeldBack(u32),
    /// A domain controller pulls what others have.
    Pull(DcKey),
    /// Values that were kept aside are looked at again.
    Sweep,
    /// The message of this number arrives.
    Forward(u32),
    /// The mailbox of the move of this number is copied.
    Move(u32),
    /// The mailbox of this user has outlived its licence.
    LicenceGone(u32),
}

impl Estate {
    /// Now, by the estate's own clock.
    #[must_use]
    pub fn now(&self) -> VirtualTime {
        self.now
    }

    /// The accounts of a forest with a password.
    #[must_use]
    pub fn accounts(&self, forest: ForestNumber) -> Option<&ServiceAccounts> {
        self.accounts.get(usize::from(forest.0))
    }

    /// The account under which an agent works, with its password.
    #[must_use]
    pub fn agent_account(&self, agent: &Agent) -> Option<&ServiceAccount> {
        let domain = self.forests.dc(agent.dc)?.domain;
        self.accounts(agent.dc.forest)?.agent(domain)
    }

    /// From now on people are settled in this domain; `false`, and nothing changes, when there is none.
    pub fn live_in(&mut self, domain: &str) -> bool {
        let named = |home: &&build::PeopleHome| {
            let known = self.forests.domain((home.dc.forest, home.domain));
            known.is_some_and(|known| known.dns.eq_ignore_ascii_case(domain))
        };
        let home = self.homes.iter().find(named).copied();
        self.people = home.unwrap_or(self.people);
        home.is_some()
    }

    /// How values of a forest flow to the cloud.
    fn flow(&self, forest: ForestNumber) -> Option<&Flow> {
        self.flows.get(usize::from(forest.0))
    }

    /// When the estate will next do something by itself.
    #[must_use]
    pub fn next_due(&self) -> Option<VirtualTime> {
        let due = self.calendar.next_due();
        match self.next_chore() {
            Some(chore) => Some(due.map_or(chore, |due| due.min(chore))),
            None => due,
        }
    }

    /// When a domain controller next does something by itself.
    fn next_chore(&self) -> Option<VirtualTime> {
        self.forests.iter().filter_map(|(_, forest)| forest.next_chore()).min()
    }

    /// Moves the clock to `to`, doing on the way what comes due. Does nothing when `to` has passed.
    pub fn advance(&mut self, to: VirtualTime) {
        loop {
            let chore = self.next_chore().filter(|at| *at <= to);
            if let Some(at) = chore
                && self.calendar.next_due().is_none_or(|due| at <= due)
            {
                self.now = self.now.max(at);
                let now = self.now;
                self.forests.iter_mut().for_each(|(_, forest)| forest.do_chores(now));
                let forests: Vec<ForestNumber> = self.forests.iter().map(|(at, _)| at).collect();
                forests.into_iter().for_each(|forest| self.spread(forest));
                continue;
            }
            let Some((at, due)) = self.calendar.take_due(to) else { break };
            self.now = self.now.max(at);
            match due {
                Due::ConnectCycle => self.begin_scheduled_cycle(),
                Due::ConnectStep(step) => self.connect_step(step),
                Due::HeldBack(number) => self.deliver_held_back(number),
                Due::Pull(to) => self.pull(to),
                Due::Sweep => self.sweep(),
                Due::Forward(number) => self.arrive(number),
                Due::Move(number) => self.end_move(number),
                Due::LicenceGone(user) => self.end_grace(user),
            }
        }
        self.now = self.now.max(to);
    }

    /// An operation of the engine took this long.
    fn charge(&mut self, cost: Duration) {
        if self.charges {
            self.advance(self.now + cost);
        }
    }

    /// The fate of an operation; notes the hit.
    fn meet(&mut self, place: &Place, operation: &str) -> Option<Effect> {
        let (rule, effect) = self.faults.meet(self.now, place, operation)?;
        Mark::of_fault(effect).reach();
        self.note_hit(rule, place);
        Some(effect)
    }

    fn note_hit(&mut self, rule: u32, place: &Place) {
        let name = self.faults.rules().get(rule as usize).map_or("", |rule| rule.name);
        self.ledger.fault(FaultHit { at: self.now, rule, name, place: place.to_string() });
    }

    /// The fate of a call of the engine's state store.
    pub fn store_call(&mut self, call: &str) -> Option<Effect> {
        self.meet(&Place::StateStore, call)
    }

    /// The fate of a port call of the engine: whether its process ends before or after it.
    pub fn engine_call(&mut self, call: &str) -> Option<Effect> {
        self.faults.call_begins();
        self.meet(&Place::Engine, call)
    }
}
