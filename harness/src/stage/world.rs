//! The world of a scenario as an estate with its people, and the desired state of the writeback job.

use std::time::Duration;

use engine::planted_bugs::PlantedBugs;
use engine::writeback::WritebackConfig;
use sim::chance::Chance;
use sim::clock::VirtualTime;
use sim::connect::InboundEngine;
use sim::entra::features::Prevention;
use sim::estate::{
    AgentPlan, BuildError, DcPlan, Estate, EstatePlan, ForestPlan, TenantDomains, WritebackPlan,
};
use sim::exchange::{Changes, RecipientType, property};
use sim::population::shape::Shape;
use sim::population::{Person, Place};
use sim::profile::{Profile, ProfileError};

use super::crowd::{Crowd, Draws};
use super::export;
use super::job::{schema, writeback_config};
use super::rights;
use super::roles;
use super::roster::Roster;
use crate::bridge::translate::to_engine;
use crate::scenario::export::ExportError;
use crate::scenario::{
    Dc, Forest, Inbound, MailboxKind, MailboxLocation, Population, Scenario, Span, SwitchValue,
    User, World,
};

/// How long before the start everybody changed last: longer than any recommended wait.
const SETTLED_FOR: Duration = Duration::from_hours(30 * 24);

/// Why a world cannot be staged.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The profile or one of its switches.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The estate.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// An export that a population names; with its place in the scenario.
    #[error("{0}")]
    Export(ExportError, Span),
    /// What a role of Exchange Online cannot be given, or be without.
    #[error("the role `{0}` of `world.roles`: {1} is not possible, as no built-in role has it so")]
    Role(String, String),
    /// The schema of the writeback job.
    #[error("the schema of the writeback job: {0}")]
    Schema(String),
    /// Something that the language knows and this build does not model yet.
    #[error("{0} is not modelled yet")]
    NotModelled(String),
}

/// A staged world.
pub struct Staged {
    /// The estate with its people.
    pub estate: Estate,
    /// Who is of which shape.
    pub roster: Roster,
    /// What the writeback job is told; `None` without a job.
    pub writeback: Option<WritebackConfig>,
    /// Values that cloud-managed mailboxes got after the job's initial cycle: they are what the first
    /// cycle of the story finds.
    pub late: Vec<(u32, Changes)>,
    /// What people should know of it.
    pub notes: Vec<String>,
}

/// Stages the world of a scenario under a seed.
///
/// # Errors
/// [`StageError`].
pub fn stage(scenario: &Scenario, seed: u64, bugs: PlantedBugs) -> Result<Staged, StageError> {
    stage_world(&scenario.world, seed, bugs)
}

/// Stages a world without a story under a seed.
///
/// # Errors
/// [`StageError`].
pub fn stage_world(world: &World, seed: u64, bugs: PlantedBugs) -> Result<Staged, StageError> {
    let mut estate = Estate::new(plan(world, seed)?)?;
    let further = world.tenant.domains.iter().map(|domain| domain.value.clone());
    estate.exchange.accepted_domains.extend(further.clone());
    let verified = world.tenant.verified.iter().map(|domain| domain.value.clone());
    estate.exchange.verified_domains.extend(further.chain(verified));
    roles::apply(&mut estate, world)?;
    set_up_synchronization(&mut estate, world);
    let mut settled = Settled::default();
    populate(&mut estate, world, seed, &mut settled)?;
    rights::apply(&mut estate, world)?;
    let Settled { roster, late, notes } = settled;
    let mut writeback = writeback_config(&estate, bugs).map_err(StageError::Schema)?;
    if let Some(config) = &mut writeback {
        config.started = world.writeback.enabled;
    }
    if let Some(job) = &mut estate.entra.job {
        job.asked_to_pause = !world.writeback.enabled;
    }
    Ok(Staged { estate, roster, writeback, late, notes })
}

fn plan(world: &World, seed: u64) -> Result<EstatePlan, StageError> {
    let mut profile = Profile::load(&world.profile.value)?;
    for (name, value) in &world.switches {
        profile.set_switch(name, switch_value(&value.value))?;
    }
    let domain = world.writeback.domain.as_ref().or_else(|| world.forest.domains.first());
    let domain = domain.map_or("", |domain| domain.value.as_str());
    let created_on = midnight(world.writeback.created);
    let with_mail = profile.is_on("mail_written_back")
        && engine::attributes::GENERAL_AVAILABILITY <= to_engine(created_on);
    let has_job = world.writeback.exists && profile.is_on("writeback");
    Ok(EstatePlan {
        seed,
        start: VirtualTime::from_jiff(world.start),
        forests: world.forests().map(forest_plan).collect(),
        tenant: TenantDomains {
            verified: world.tenant.domain.value.clone(),
            initial: world.tenant.initial.value.clone(),
        },
        inbound: match world.inbound {
            Inbound::ConnectSync => InboundEngine::ConnectSync,
            Inbound::CloudSync => InboundEngine::CloudSync,
        },
        connect_build: world.connect.build.value.clone(),
        connect_interval: world.connect.cycle,
        connect_dc: world.connect.dc.as_ref().map(|dc| dc.value.clone()),
        agents: world
            .agents
            .iter()
            .map(|agent| AgentPlan {
                name: agent.name.value.clone(),
                version: agent.version.value.clone(),
                dcs: agent.dcs.iter().map(|dc| dc.value.clone()).collect(),
            })
            .collect(),
        writeback: has_job.then(|| WritebackPlan {
            created_on,
            interval: world.writeback.interval,
            domain: world.writeback.domain.as_ref().map(|domain| domain.value.clone()),
            schema: schema(&world.writeback, domain, with_mail),
        }),
        profile,
    })
}

fn forest_plan(forest: &Forest) -> ForestPlan {
    let domain_of = |name: &str| {
        forest.domains.iter().position(|domain| domain.value.eq_ignore_ascii_case(name))
    };
    let dc = |dc: &Dc| DcPlan {
        name: dc.name.value.clone(),
        domain: dc.domain.as_ref().and_then(|at| domain_of(&at.value)).unwrap_or(0),
        replication: dc.replication,
        read_only: dc.read_only,
    };
    ForestPlan {
        domains: forest.domains.iter().map(|domain| domain.value.clone()).collect(),
        dcs: forest.dcs.iter().map(dc).collect(),
        exchange_schema: forest.exchange_schema,
        recycle_bin: forest.recycle_bin,
    }
}

/// What the tenant allows synchronization, and how its server is set up.
fn set_up_synchronization(estate: &mut Estate, world: &World) {
    for (name, on) in &world.tenant.features {
        estate.entra.features.set(&name.value, *on);
    }
    estate.exchange.cloud_managed_by_default = world.tenant.cloud_managed_by_default;
    match world.tenant.deletion_threshold {
        Some(0) => estate.entra.features.prevention = Prevention::Disabled,
        Some(threshold) => estate.entra.features.threshold = threshold,
        None => {}
    }
    estate.connect.scheduled = world.connect.scheduler;
    let units = world.connect.units.iter().map(|unit| unit.value.clone());
    estate.connect.units = units.collect();
    if let Some(build) = &world.connect.staging {
        estate.add_staging_server(&build.value);
    }
}

fn midnight(date: jiff::civil::Date) -> VirtualTime {
    let instant = jiff::tz::TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0));
    VirtualTime::from_jiff(instant.unwrap_or_default())
}

fn switch_value(value: &SwitchValue) -> sim::profile::Value {
    match value {
        SwitchValue::Text(text) => sim::profile::Value::String(text.clone()),
        SwitchValue::Boolean(truth) => sim::profile::Value::Boolean(*truth),
        SwitchValue::Integer(number) => sim::profile::Value::Integer(*number),
    }
}

/// What settling people came to.
#[derive(Default)]
struct Settled {
    roster: Roster,
    late: Vec<(u32, Changes)>,
    notes: Vec<String>,
}

fn populate(
    estate: &mut Estate,
    world: &World,
    seed: u64,
    settled: &mut Settled,
) -> Result<(), StageError> {
    let Settled { roster, late, notes } = settled;
    let since = estate.now() - SETTLED_FOR;
    let mut identities = Chance::stream(seed, "identities");
    let mut draws = Chance::stream(seed, "population");
    let domain = world.tenant.domain.value.as_str();
    for part in &world.population {
        let first = estate.subjects().len();
        let home = match part {
            Population::Shape { domain, .. } => domain.as_ref(),
            Population::User(user) => user.domain.as_ref(),
            Population::Ldif { .. } => None,
        };
        let home = home.or_else(|| world.forest.domains.first());
        estate.live_in(home.map_or("", |domain| domain.value.as_str()));
        match part {
            Population::Shape { shape, mailboxes, cloud_managed, .. } => {
                let model = Shape::by_name(&shape.value).ok_or_else(|| {
                    StageError::NotModelled(format!("the shape `{}`", shape.value))
                })?;
                let crowd = Crowd {
                    shape: model,
                    members: *mailboxes,
                    cloud_managed: cloud_managed.of(u64::from(*mailboxes)),
                    domain,
                };
                let draws = Draws { people: &mut draws, identities: &mut identities };
                crowd.settle(estate, since, draws)?;
                roster.note(&shape.value, first, estate.subjects().len());
            }
            Population::User(user) => {
                let mut person = person(user)?;
                let mut differences = if person.cloud_managed {
                    core::mem::take(&mut person.cloud)
                } else {
                    Vec::new()
                };
                own_sets(&mut person);
                estate.settle([person], since, &mut identities)?;
                let mailbox = estate.subjects().last().and_then(|subject| subject.exchange);
                if let (Some(mailbox), false) = (mailbox, differences.is_empty()) {
                    differences.sort_by_key(|(property, _)| *property);
                    late.push((mailbox, differences));
                }
            }
            Population::Ldif { ldif, mailboxes, .. } => {
                let rows = mailboxes.as_ref().map(|path| path.value.as_path());
                let known = export::populate(estate, &ldif.value, rows, since, &mut identities);
                notes.extend(known.map_err(|error| {
                    let csv = mailboxes.as_ref().filter(|path| error.path() == path.value);
                    let span = csv.map_or(ldif.span, |path| path.span);
                    StageError::Export(error, span)
                })?);
            }
        }
    }
    // What steps make without a place of its own is made there, whoever was settled last.
    estate.live_in(world.forest.domains.first().map_or("", |domain| domain.value.as_str()));
    Ok(())
}

/// What AD says of the extension sets never comes up; a cloud-managed mailbox has them of its own, and
/// both sides agree.
fn own_sets(person: &mut Person) {
    if !(person.cloud_managed && person.dir_synced) {
        return;
    }
    let first = property::EXTENSION_CUSTOM_ATTRIBUTE_1;
    for number in first..first + 5 {
        let ad = property::spec(number).and_then(|spec| spec.ad).unwrap_or_default();
        let held = person.attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case(ad));
        if let Some((_, values)) = held {
            person.cloud.push((number, values.clone()));
        }
    }
}

fn person(user: &User) -> Result<Person, StageError> {
    let mut person = Person::named(&user.name.value, &user.upn.value);
    person.kind = match user.kind {
        MailboxKind::User => RecipientType::User,
        MailboxKind::Shared => RecipientType::Shared,
        MailboxKind::Room => RecipientType::Room,
        MailboxKind::Equipment => RecipientType::Equipment,
    };
    person.mailbox = match user.mailbox {
        MailboxLocation::Cloud => Place::Cloud,
        MailboxLocation::OnPremises => Place::OnPremises,
        MailboxLocation::None => Place::None,
    };
    person.dir_synced = user.dir_synced;
    person.units.clone_from(&user.units);
    person.cloud_managed = user.cloud_managed;
    person.licensed = user.licensed;
    person.addresses = user.addresses.iter().map(|address| address.value.clone()).collect();
    person.attributes =
        user.attributes.iter().map(|(name, values)| (name.value.clone(), values.clone())).collect();
    for (name, values) in &user.cloud {
        let number = property::number(&name.value).ok_or_else(|| {
            StageError::NotModelled(format!("the Exchange Online property `{}`", name.value))
        })?;
        person.cloud.push((number, values.clone()));
    }
    Ok(person)
}
