//! Making an estate without people: its parts, from a plan.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use super::accounts::ServiceAccounts;
use super::fates::Fates;
use super::{Due, Estate, TenantDomains};
use crate::agents::Agent;
use crate::chance::Chance;
use crate::clock::{Calendar, VirtualTime};
use crate::connect::{ConnectSync, Flow, InboundEngine};
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
use crate::guid::Guid;
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
    /// The forests, at least one; all of them trust each other.
    pub forests: Vec<ForestPlan>,
    /// The tenant's domains.
    pub tenant: TenantDomains,
    /// What synchronizes AD to the cloud.
    pub inbound: InboundEngine,
    /// Connect Sync's build.
    pub connect_build: String,
    /// The interval of the inbound cycles.
    pub connect_interval: Duration,
    /// The domain controller from which it imports its domain; the first one of the domain otherwise.
    pub connect_dc: Option<String>,
    /// The agents.
    pub agents: Vec<AgentPlan>,
    /// The writeback job, when there is one.
    pub writeback: Option<WritebackPlan>,
}

/// A forest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForestPlan {
    /// DNS names of its domains, the root first.
    pub domains: Vec<String>,
    /// Its domain controllers.
    pub dcs: Vec<DcPlan>,
    /// Whether the schema has the Exchange extension.
    pub exchange_schema: bool,
    /// Whether the Active Directory Recycle Bin is enabled (Microsoft Learn, "Active Directory Recycle Bin").
    pub recycle_bin: bool,
}

/// A domain controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DcPlan {
    /// Its name.
    pub name: String,
    /// The number of its domain.
    pub domain: usize,
    /// How long a change on another one takes to arrive; `None` is the profile's own.
    pub replication: Option<Duration>,
    /// Whether it is a read-only one.
    pub read_only: bool,
}

impl DcPlan {
    /// A writable one with the profile's own time of replication.
    #[must_use]
    pub fn new(name: &str, domain: usize) -> Self {
        Self { name: name.to_owned(), domain, replication: None, read_only: false }
    }
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentPlan {
    /// Its machine name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The names of its domain controllers: the preferred one, then others in the order in which it goes
    /// to them. Those of the domain that are not named come last.
    pub dcs: Vec<String>,
}

/// The writeback job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WritebackPlan {
    /// When its configuration was created.
    pub created_on: VirtualTime,
    /// The interval of its cycles.
    pub interval: Duration,
    /// The domain that it is for; the first one otherwise.
    pub domain: Option<String>,
    /// Its schema, where it is not the default one.
    pub schema: Option<crate::entra::schema::Schema>,
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
    /// There is no forest, or more of them than there can be.
    #[error("an estate has at least one forest, and at most {most}")]
    Forests {
        /// How many there may be.
        most: u16,
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
        let Layout { forests, homes, accounts } = layout(&plan, &mut chance)?;
        let people = *homes.first().ok_or(NO_FOREST)?;
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
        let ids = (chance.guid(), chance.guid(), chance.guid());
        entra.job = writeback_job(&plan, entra.tenant, ids);
        let flows = forests.iter().map(|(_, forest)| Flow::new(forest.schema())).collect();
        let imports_from = imports_from(&forests, plan.connect_dc.as_deref());
        let mut estate = Self {
            profile: plan.profile,
            forests,
            entra,
            exchange,
            connect: ConnectSync::new(
                plan.inbound,
                &plan.connect_build,
                plan.connect_interval,
                imports_from,
            ),
            staging: None,
            agents,
            // Who extended the schema has, or had, a server.
            onprem: crate::onprem::Organization {
                server: plan
                    .forests
                    .first()
                    .is_some_and(|forest| forest.exchange_schema)
                    .then(|| "EX1".to_owned()),
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
            lags: BTreeMap::new(),
            pulls: BTreeSet::new(),
            kept_away: BTreeSet::new(),
            flows,
            homes,
            people,
            accounts,
            standings: BTreeMap::new(),
            subjects: super::truth::Subjects::default(),
            new_objects: Chance::stream(plan.seed, "new objects"),
            sweeps: false,
            fates: Fates::default(),
            on_their_way: Vec::new(),
            last_message: plan.start,
            owed: BTreeMap::new(),
            moves: Vec::new(),
            batches: Vec::new(),
        };
        estate.set_up_replication(&plan.forests, plan.start);
        estate.schedule_connect(plan.start + plan.connect_interval);
        Ok(estate)
    }
}

/// The record of the writeback job, with the ids of its service principal, of itself and of its rule.
fn writeback_job(plan: &EstatePlan, tenant: Guid, ids: (Guid, Guid, Guid)) -> Option<WritebackJob> {
    let job = plan.writeback.as_ref()?;
    let first = || plan.forests.first()?.domains.first().cloned();
    let domain = job.domain.clone().or_else(first).unwrap_or_default();
    let mut made = WritebackJob::new(tenant, ids, domain, job.created_on, job.interval);
    made.schema.clone_from(&job.schema);
    Some(made)
}

/// The domain controllers from which Connect imports: the first one of each domain, and the one that is
/// named instead of its domain's first.
fn imports_from(forests: &Forests, named: Option<&str>) -> Vec<DcKey> {
    let mut found: Vec<DcKey> = forests.domains().map(|(_, at)| at).collect();
    if let Some((domain, at)) = named.and_then(|name| dc_of(forests, name)) {
        let own = |from: &&mut DcKey| {
            from.forest == at.forest && forests.dc(**from).is_some_and(|dc| dc.domain == domain)
        };
        if let Some(from) = found.iter_mut().find(own) {
            *from = at;
        }
    }
    found
}

/// A domain controller by its name, with its domain.
fn dc_of(forests: &Forests, name: &str) -> Option<(DomainNumber, DcKey)> {
    forests.iter().find_map(|(number, forest)| {
        let found = forest.dcs().iter().find(|dc| dc.host.eq_ignore_ascii_case(name))?;
        Some((found.domain, DcKey { forest: number, dc: found.number }))
    })
}

const NO_FOREST: BuildError = BuildError::Forests { most: Forests::MOST };

/// The forests with their domain controllers and accounts, and where people are.
struct Layout {
    forests: Forests,
    homes: Vec<PeopleHome>,
    accounts: Vec<ServiceAccounts>,
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

fn layout(plan: &EstatePlan, chance: &mut Chance) -> Result<Layout, BuildError> {
    let mut built: Option<Forests> = None;
    let (mut homes, mut accounts) = (Vec::new(), Vec::new());
    for (number, spec) in (0..).map(ForestNumber).zip(&plan.forests) {
        let mut forest = build_forest(spec, plan.start, chance);
        homes.extend(people_homes(number, &mut forest, plan.start, chance));
        accounts.push(ServiceAccounts::create(number, &mut forest, plan.start, chance));
        forest.settle();
        forest.protect_from_the_start(plan.start);
        add_dcs(spec, &mut forest, chance);
        match &mut built {
            None => built = Some(Forests::new(forest)),
            Some(forests) => {
                forests.push(forest).ok_or(NO_FOREST)?;
            }
        }
    }
    let mut forests = built.ok_or(NO_FOREST)?;
    trust_each_other(&mut forests, plan.start);
    Ok(Layout { forests, homes, accounts })
}

/// Lets every forest trust every other one, both ways.
fn trust_each_other(forests: &mut Forests, now: VirtualTime) {
    let roots: Vec<_> = forests
        .iter()
        .filter_map(|(number, forest)| Some((number, forest.domains().first()?.clone())))
        .collect();
    for (number, forest) in forests.iter_mut() {
        for (_, other) in roots.iter().filter(|(other, _)| *other != number) {
            forest.trust_forest(&other.dns, &other.netbios, &other.sid, now);
        }
    }
}

/// A forest with its domains, each with its first domain controller.
fn build_forest(plan: &ForestPlan, now: VirtualTime, chance: &mut Chance) -> Forest {
    let schema = Schema::shared(plan.exchange_schema);
    let first_of = |domain: usize| {
        plan.dcs
            .iter()
            .find(|dc| dc.domain == domain)
            .cloned()
            .unwrap_or_else(|| DcPlan::new(&format!("DC{}", domain + 1), domain))
    };
    let root = domain_spec(plan, 0, chance);
    let dc = dc_spec(&first_of(0), chance);
    let mut forest = Forest::new(schema, &root, dc, now, &mut || chance.guid());
    for domain in 1..plan.domains.len() {
        let spec = domain_spec(plan, domain, chance);
        let dc = dc_spec(&first_of(domain), chance);
        forest.add_domain(&spec, dc, now, &mut || chance.guid());
    }
    if plan.recycle_bin {
        forest.begin_with_recycle_bin();
    }
    forest
}

/// The further domain controllers of each domain.
fn add_dcs(plan: &ForestPlan, forest: &mut Forest, chance: &mut Chance) {
    for (domain, number) in (0..plan.domains.len()).zip(0..) {
        for dc in plan.dcs.iter().filter(|dc| dc.domain == domain).skip(1) {
            forest.add_dc(DomainNumber(number), dc_spec(dc, chance));
        }
    }
}

/// `OU=People` of each domain.
fn people_homes(
    number: ForestNumber,
    forest: &mut Forest,
    now: VirtualTime,
    chance: &mut Chance,
) -> Vec<PeopleHome> {
    let domains: Vec<(DomainNumber, ObjectNumber)> =
        forest.domains().iter().map(|domain| (domain.number, domain.head)).collect();
    let home = |(domain, head)| {
        let unit = "organizationalUnit";
        let container = forest.load_container(domain, head, unit, "People", chance.guid(), now);
        let dcs = forest.dcs().iter();
        let dc = dcs.filter(|dc| dc.domain == domain).map(|dc| dc.number).next();
        let dc = DcKey { forest: number, dc: dc.unwrap_or(DcNumber(0)) };
        PeopleHome { dc, domain, container }
    };
    domains.into_iter().map(home).collect()
}

fn domain_spec(plan: &ForestPlan, number: usize, chance: &mut Chance) -> DomainSpec {
    let dns = plan.domains.get(number).cloned().unwrap_or_default();
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

fn dc_spec(dc: &DcPlan, chance: &mut Chance) -> DcSpec {
    DcSpec {
        host: dc.name.clone(),
        site: "Default-First-Site-Name".to_owned(),
        invocation_id: chance.guid(),
        read_only: dc.read_only,
    }
}

fn build_agent(
    agent: &AgentPlan,
    accounts: &[ServiceAccounts],
    forests: &Forests,
    chance: &mut Chance,
) -> Result<Agent, BuildError> {
    let named = |name: &String| {
        let mut all = forests
            .iter()
            .flat_map(|(number, forest)| forest.dcs().iter().map(move |dc| (number, dc)));
        all.find(|(_, dc)| dc.host.eq_ignore_ascii_case(name))
            .map(|(forest, dc)| DcKey { forest, dc: dc.number })
            .ok_or_else(|| BuildError::UnknownDc { agent: agent.name.clone(), dc: name.clone() })
    };
    let mut dcs = agent.dcs.iter().map(named).collect::<Result<Vec<DcKey>, _>>()?;
    let unknown = || BuildError::UnknownDc { agent: agent.name.clone(), dc: String::new() };
    let dc = *dcs.first().ok_or_else(unknown)?;
    let of_domain = forests.get(dc.forest).into_iter().flat_map(|forest| {
        let own = forest.dc(dc.dc).map(|dc| dc.domain);
        forest.dcs().iter().filter(move |other| Some(other.domain) == own)
    });
    for other in of_domain.map(|other| DcKey { forest: dc.forest, dc: other.number }) {
        if !dcs.contains(&other) {
            dcs.push(other);
        }
    }
    let others = dcs.split_off(1);
    let account = accounts.get(usize::from(dc.forest.0)).and_then(|accounts| {
        let domain = forests.dc(dc)?.domain;
        let account = accounts.agent(domain)?.object.number;
        forests.get(dc.forest)?.principal_of(dc.dc, account)
    });
    Ok(Agent {
        id: chance.guid(),
        name: agent.name.clone(),
        version: agent.version.clone(),
        dc,
        others,
        account: account.unwrap_or_else(Principal::anonymous),
    })
}
