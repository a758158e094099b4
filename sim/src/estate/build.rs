//! Making an estate without people: its parts, from a plan.

use core::time::Duration;

use super::accounts::ServiceAccounts;
use super::{Due, Estate, TenantDomains};
use crate::agents::Agent;
use crate::chance::Chance;
use crate::clock::{Calendar, VirtualTime};
use crate::connect::{ConnectSync, Flow};
use crate::directory::entry::DcNumber;
use crate::directory::forest::{DcSpec, DomainNumber, DomainSpec, Forest};
use crate::directory::forests::{DcKey, ForestNumber, Forests};
use crate::directory::name::Sid;
use crate::directory::principal::Principal;
use crate::directory::request::ObjectNumber;
use crate::directory::schema::Schema;
use crate::entra::Entra;
use crate::entra::job::WritebackJob;
use crate::exchange::ExchangeOnline;
use crate::ledger::{Activity, Ledger};
use crate::profile::Profile;

/// What an estate is made of.
#[derive(Debug, Clone)]
pub struct EstatePlan {
    /// The behaviour.
    pub profile: Profile,
    /// Determines all chance.
    pub seed: u64,
    /// The first instant.
    pub start: VirtualTime,
    /// DNS names of the AD domains, the forest's root first.
    pub ad_domains: Vec<String>,
    /// The domain controllers.
    pub dcs: Vec<DcPlan>,
    /// Whether the schema has the Exchange extension.
    pub exchange_schema: bool,
    /// The tenant's domains.
    pub tenant: TenantDomains,
    /// Connect Sync's build.
    pub connect_build: String,
    /// The interval of its cycles.
    pub connect_interval: Duration,
    /// The agents.
    pub agents: Vec<AgentPlan>,
    /// The writeback job, when there is one.
    pub writeback: Option<WritebackPlan>,
}

/// A domain controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DcPlan {
    /// Its name.
    pub name: String,
    /// The number of its domain.
    pub domain: usize,
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentPlan {
    /// Its machine name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The name of its domain controller.
    pub dc: String,
}

/// The writeback job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WritebackPlan {
    /// When its configuration was created.
    pub created_on: VirtualTime,
    /// The interval of its cycles.
    pub interval: Duration,
}

/// Why an estate cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// An agent names a domain controller that does not exist.
    #[error("agent `{agent}` talks to domain controller `{dc}`, which does not exist")]
    UnknownDc {
        /// The agent.
        agent: String,
        /// The domain controller.
        dc: String,
    },
    /// The schema does not have an attribute.
    #[error("`{person}` has the attribute `{attribute}`, which the schema does not have")]
    UnknownAttribute {
        /// Who.
        person: String,
        /// The attribute.
        attribute: String,
    },
}

impl Estate {
    /// An estate without people.
    ///
    /// # Errors
    /// `UnknownDc`.
    pub fn new(plan: EstatePlan) -> Result<Self, BuildError> {
        let mut chance = Chance::stream(plan.seed, "estate");
        let Layout { mut forest, people } = build_forest(&plan, &mut chance);
        let accounts =
            vec![ServiceAccounts::create(people.dc.forest, &mut forest, plan.start, &mut chance)];
        let forests = Forests::new(forest);
        let mut agents = Vec::with_capacity(plan.agents.len());
        for agent in &plan.agents {
            agents.push(build_agent(agent, &accounts, &forests, &mut chance)?);
        }
        let initial_label = plan.tenant.initial.split('.').next().unwrap_or("tenant");
        let exchange = ExchangeOnline::new(vec![
            plan.tenant.verified.clone(),
            plan.tenant.initial.clone(),
            format!("{initial_label}.mail.onmicrosoft.com"),
        ]);
        let mut entra = Entra::new(chance.guid());
        let [principal, instance, rule] = [chance.guid(), chance.guid(), chance.guid()];
        entra.job = plan.writeback.as_ref().map(|job| {
            WritebackJob::new(
                entra.tenant,
                (principal, instance, rule),
                plan.ad_domains.first().cloned().unwrap_or_default(),
                job.created_on,
                job.interval,
            )
        });
        let flows = forests.iter().map(|(_, forest)| Flow::new(forest.schema())).collect();
        let imports_from: Vec<DcKey> = forests.domains().map(|(_, at)| at).collect();
        let mut estate = Self {
            profile: plan.profile,
            forests,
            entra,
            exchange,
            connect: ConnectSync::new(&plan.connect_build, plan.connect_interval, imports_from),
            agents,
            // Who extended the schema has, or had, a server.
            onprem: crate::onprem::Organization {
                server: plan.exchange_schema.then(|| "EX1".to_owned()),
                ..Default::default()
            },
            faults: crate::fault::Faults::default(),
            ledger: Ledger::default(),
            domains: plan.tenant,
            engine_activity: Activity::Writeback,
            engine_apart: false,
            charges: true,
            held_back: Vec::new(),
            marks: marks::Reached::NONE,
            now: plan.start,
            calendar: Calendar::<Due>::default(),
            flows,
            people,
            accounts,
            subjects: super::truth::Subjects::default(),
            new_objects: Chance::stream(plan.seed, "new objects"),
        };
        estate.schedule_connect(plan.start + plan.connect_interval);
        Ok(estate)
    }
}

/// The domains with their domain controllers, and where people are.
struct Layout {
    forest: Forest,
    people: PeopleHome,
}

/// Where people are settled.
#[derive(Debug, Clone, Copy)]
pub(super) struct PeopleHome {
    /// The first domain controller of their domain.
    pub(super) dc: DcKey,
    pub(super) domain: DomainNumber,
    /// Their organizational unit.
    pub(super) container: ObjectNumber,
}

fn build_forest(plan: &EstatePlan, chance: &mut Chance) -> Layout {
    let schema = Schema::shared(plan.exchange_schema);
    let first_of = |domain: usize| {
        plan.dcs
            .iter()
            .find(|dc| dc.domain == domain)
            .map_or_else(|| format!("DC{}", domain + 1), |dc| dc.name.clone())
    };
    let now = plan.start;
    let root = domain_spec(plan, 0, chance);
    let dc = dc_spec(&first_of(0), chance);
    let mut forest = Forest::new(schema, &root, dc, now, &mut || chance.guid());
    for domain in 1..plan.ad_domains.len() {
        let spec = domain_spec(plan, domain, chance);
        let dc = dc_spec(&first_of(domain), chance);
        forest.add_domain(&spec, dc, now, &mut || chance.guid());
    }
    let root = DomainNumber(0);
    let head = forest.domain(root).map_or(ObjectNumber(0), |domain| domain.head);
    let container =
        forest.load_container(root, head, "organizationalUnit", "People", chance.guid(), now);
    for (domain, number) in (0..plan.ad_domains.len()).zip(0..) {
        for dc in plan.dcs.iter().filter(|dc| dc.domain == domain).skip(1) {
            forest.add_dc(DomainNumber(number), dc_spec(&dc.name, chance));
        }
    }
    let dc = DcKey { forest: ForestNumber(0), dc: DcNumber(0) };
    Layout { forest, people: PeopleHome { dc, domain: root, container } }
}

fn domain_spec(plan: &EstatePlan, number: usize, chance: &mut Chance) -> DomainSpec {
    let dns = plan.ad_domains.get(number).cloned().unwrap_or_default();
    let label = dns.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let part = |chance: &mut Chance| chance.below(1 << 31);
    DomainSpec {
        netbios: label.chars().take(15).collect(),
        sid: Sid::from_text(&format!(
            "S-1-5-21-{}-{}-{}",
            part(chance),
            part(chance),
            part(chance)
        ))
        .expect("three numbers below 2^31 make a SID"),
        dns,
    }
}

fn dc_spec(host: &str, chance: &mut Chance) -> DcSpec {
    DcSpec {
        host: host.to_owned(),
        site: "Default-First-Site-Name".to_owned(),
        invocation_id: chance.guid(),
        read_only: false,
    }
}

fn build_agent(
    agent: &AgentPlan,
    accounts: &[ServiceAccounts],
    forests: &Forests,
    chance: &mut Chance,
) -> Result<Agent, BuildError> {
    let dc = forests
        .iter()
        .flat_map(|(number, forest)| forest.dcs().iter().map(move |dc| (number, dc)))
        .find(|(_, dc)| dc.host.eq_ignore_ascii_case(&agent.dc))
        .map(|(forest, dc)| DcKey { forest, dc: dc.number })
        .ok_or_else(|| BuildError::UnknownDc { agent: agent.name.clone(), dc: agent.dc.clone() })?;
    let account = accounts.get(usize::from(dc.forest.0)).and_then(|accounts| {
        forests.get(dc.forest)?.principal_of(dc.dc, accounts.agent.object.number)
    });
    Ok(Agent {
        id: chance.guid(),
        name: agent.name.clone(),
        version: agent.version.clone(),
        dc,
        account: account.unwrap_or_else(Principal::anonymous),
    })
}
