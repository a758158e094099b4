//! Serve: the estate kept running for people and programs, with the control API.
//!
//! The estate is staged from a world of defaults with one population, its servers and the control API
//! listen, and the engine runs in it, in the same loop and under the same oracles as in a scenario.
//! What programs need to know stands in the ready file.

mod addresses;
mod content;
mod control;
pub mod engine_files;
pub mod environment;
pub(crate) mod interrupt;
mod openapi;
mod options;
mod owner;
mod place;
mod ready;
mod view;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::planted_bugs::PlantedBugs;
use sim::directory::name::Dn;
use sim::wire::identity::{Applications, Certificate};
use sim::wire::shared::SharedEstate;

use crate::bridge::listeners::{ListenError, ListenOptions, Listeners};
use crate::run::RunError;
use crate::run::live::LivePlan;
use crate::scenario::export;
use crate::scenario::{self, Catalogues, ExportedPlaces, Population, Share, Spanned, World};
use crate::stage::{self, StageError, Staged};
use addresses::{Hosts, Urls};
use control::Control;
pub(crate) use interrupt::Interrupt;
pub use options::{Clock, DomainName, Options};
use owner::{Ended, Owner};
use place::Place;
use ready::Ready;
pub use ready::{ControllerUrls, Gateway};

/// The shape of the population. Nobody is cloud-managed: whoever is to be, is flipped.
const SHAPE: &str = "university";

/// The application that may do everything.
const APPLICATION: &str = "hybridsim";

/// Why `serve` did not start, or ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// What an option asks for is not to be had.
    #[error("{0}")]
    Usage(String),
    /// The world.
    #[error("the estate cannot be made: {0}")]
    Stage(#[from] StageError),
    /// The engine.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A listener.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Something that must not happen.
    #[error("{0}")]
    Internal(String),
}

impl ServeError {
    /// Whether another command line would help.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Usage(_) | Self::Listen(_) | Self::Stage(StageError::Export(..)))
    }
}

/// What is told to people once everything answers: no secret.
#[derive(Debug, Clone)]
pub struct Started {
    /// How many mailboxes there are.
    pub mailboxes: u32,
    /// The export that the forest is built from, instead of so many mailboxes.
    pub export: Option<PathBuf>,
    /// The scenario file whose world it is.
    pub world: Option<PathBuf>,
    /// The seed.
    pub seed: u64,
    /// The profile.
    pub profile: String,
    /// How virtual time passes.
    pub clock: Clock,
    /// Whether the engine is there.
    pub engine: bool,
    /// The identity platform, Graph and the admin API.
    pub cloud: String,
    /// The same over plain HTTP.
    pub http: Option<String>,
    /// The CONNECT proxy.
    pub proxy: Option<String>,
    /// LDAP of the domain controller.
    pub ldap: String,
    /// LDAP over TLS of the domain controller.
    pub ldaps: String,
    /// Its global catalog.
    pub gc: String,
    /// The other domain controllers.
    pub controllers: Vec<ControllerUrls>,
    /// The agents' gateways.
    pub agents: Vec<Gateway>,
    /// The control API.
    pub control: String,
    /// What people should know of the world: what of an export is not in it.
    pub notes: Vec<String>,
    /// The ready file.
    pub ready_file: PathBuf,
    /// The certificate authority.
    pub ca_file: PathBuf,
}

/// Serves until it is interrupted. `started` is told once, when everything answers.
///
/// # Errors
/// [`ServeError`]. Nothing listens any more, and the ready file is gone.
pub fn run(options: &Options, started: impl FnOnce(&Started)) -> Result<(), ServeError> {
    options.check()?;
    let place = Place::prepare(options.ready_file.as_deref())?;
    let catalogues = stage::catalogues();
    let world = world(options, &catalogues)?;
    let staged = stage::stage_world(&world, options.seed, PlantedBugs::none())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|why| ServeError::Internal(format!("no runtime for the servers: {why}")))?;
    let ended = runtime.block_on(serve(options, place, world, catalogues, staged, started));
    // The owner may be in the middle of a long play, which nobody waits for any more.
    runtime.shutdown_background();
    ended
}

/// The standard applications; the certificate that the options name stands for a secret of `hybridsim`.
fn applications(options: &Options) -> Result<Applications, ServeError> {
    let mut applications = Applications::standard(options.seed);
    let Some(path) = &options.client_certificate else { return Ok(applications) };
    let refused = |why: &dyn std::fmt::Display| {
        ServeError::Usage(format!("`--client-certificate {}`: {why}", path.display()))
    };
    let pem = std::fs::read(path).map_err(|why| refused(&why))?;
    let certificate = Certificate::from_pem(&pem).map_err(|why| refused(&why))?;
    let own = applications.list.iter_mut().find(|application| application.name == APPLICATION);
    if let Some(own) = own {
        own.certificates.push(certificate);
    }
    Ok(applications)
}

/// The world of a scenario file. Its story is not played: who drives the estate is whoever uses it.
fn world_of(path: &Path, options: &Options, catalogues: &Catalogues) -> Result<World, ServeError> {
    let source = std::fs::read_to_string(path).map_err(|why| {
        ServeError::Usage(format!("`--world {}` cannot be read: {why}", path.display()))
    })?;
    let scenario = scenario::read(path, &source, catalogues).map_err(|problems| {
        let drawn = problems.iter().map(|problem| problem.render(path, &source, false));
        let drawn: Vec<String> = drawn.collect();
        ServeError::Usage(format!("`--world {}`:\n{}", path.display(), drawn.join("\n")))
    })?;
    Ok(World { seed: options.seed, ..scenario.world })
}

/// The default world with the population and the names that the options ask for, or that of a file.
fn world(options: &Options, catalogues: &Catalogues) -> Result<World, ServeError> {
    if let Some(path) = &options.world {
        return world_of(path, options, catalogues);
    }
    let mut world = scenario::standard_world(catalogues);
    if let Some(name) = &options.profile {
        let mut known = catalogues.profiles.iter();
        let found = known.find(|known| known.eq_ignore_ascii_case(name)).ok_or_else(|| {
            let names = catalogues.profiles.join(", ");
            ServeError::Usage(format!("there is no profile `{name}`; there are {names}"))
        })?;
        world.profile = Spanned::implied(found.clone());
    }
    let tenant = &options.tenant_domain;
    world.seed = options.seed;
    let domain = match &options.ldif {
        Some(path) => domain_of(path)?.unwrap_or_else(|| options.ad_domain.as_str().to_owned()),
        None => options.ad_domain.as_str().to_owned(),
    };
    world.forest.domains = vec![Spanned::implied(domain)];
    world.tenant.domain = Spanned::implied(tenant.as_str().to_owned());
    world.tenant.initial = Spanned::implied(format!("{}.onmicrosoft.com", tenant.first_label()));
    world.population = vec![match &options.ldif {
        Some(path) => Population::Ldif {
            ldif: Spanned::implied(path.clone()),
            mailboxes: options.mailbox_list.clone().map(Spanned::implied),
            people: Vec::new(),
            places: ExportedPlaces::default(),
            domain: None,
        },
        None => Population::Shape {
            domain: None,
            shape: Spanned::implied(SHAPE.to_owned()),
            mailboxes: options.mailboxes,
            cloud_managed: Share::NONE,
        },
    }];
    Ok(world)
}

/// The DNS name of the domain that an export is of: that of its first object.
fn domain_of(path: &Path) -> Result<Option<String>, ServeError> {
    let refused = |why: &dyn std::fmt::Display| ServeError::Usage(why.to_string());
    let mut objects = export::objects(path).map_err(|why| refused(&why))?;
    let Some(first) = objects.next() else { return Ok(None) };
    let first = first.map_err(|why| refused(&why))?;
    let Ok(dn) = Dn::parse(&first.dn) else { return Ok(None) };
    let labels: Vec<&str> = dn
        .rdns
        .iter()
        .filter(|rdn| rdn.attribute.eq_ignore_ascii_case("dc"))
        .map(|rdn| rdn.value.as_str())
        .collect();
    Ok((labels.len() > 1).then(|| labels.join(".").to_lowercase()))
}

async fn serve(
    options: &Options,
    place: Place,
    world: World,
    catalogues: Catalogues,
    staged: Staged,
    started: impl FnOnce(&Started),
) -> Result<(), ServeError> {
    // What comes late is of single users; a shape has none.
    let Staged { mut estate, roster, writeback, notes, .. } = staged;
    estate.engine_apart = options.no_engine;
    let hosts = Hosts::of(options.bind);
    let authority = hosts.authority(&estate)?;
    let mut applications = applications(options)?;
    if let Some(rbac) = &estate.exchange.rbac {
        applications.learn_role_groups(rbac, options.seed);
    }
    let shared = SharedEstate::new(estate);
    let listen = ListenOptions {
        bind: options.bind,
        cloud_port: options.cloud_port,
        http_port: options.http.then_some(0),
        proxy_port: options.proxy.then_some(0),
        ldap_port: Some(options.ldap_port),
        ldaps_port: Some(options.ldaps_port),
        gc_port: Some(options.gc_port),
        all_controllers: true,
    };
    let listeners = Listeners::start(&shared, &applications, &authority, listen).await?;
    let plan = LivePlan {
        world: world.clone(),
        roster,
        writeback: writeback.filter(|_| !options.no_engine),
        charges: options.clock == Clock::Manual,
    };
    let (owner, ended) = Owner::start(shared.clone(), plan, options.clock)?;
    let profile = world.profile.value.clone();
    let desk = control::Desk {
        owner,
        estate: shared.clone(),
        world: Arc::new(world),
        catalogues: Arc::new(catalogues),
        reads: listeners.reads.clone(),
    };
    let control = Control::start(desk).await?;
    let mut interrupt = Interrupt::catch()
        .map_err(|why| ServeError::Internal(format!("no signals can be caught: {why}")))?;
    let urls = shared.with(|estate| Urls::of(&listeners, control.address(), &hosts, estate));
    let ready = shared.with(|estate| Ready::of(estate, &urls, &applications, &place.ca))?;
    place.write(&ready, authority.ca_pem())?;
    started(&Started {
        mailboxes: options.mailboxes,
        export: options.ldif.clone(),
        world: options.world.clone(),
        seed: options.seed,
        profile,
        clock: options.clock,
        engine: !options.no_engine && ready.job.is_some(),
        cloud: urls.cloud,
        http: urls.http,
        proxy: urls.proxy,
        ldap: urls.ldap,
        ldaps: urls.ldaps,
        gc: urls.gc,
        controllers: urls.controllers,
        agents: urls.agents,
        control: urls.control,
        notes,
        ready_file: place.ready.clone(),
        ca_file: place.ca.clone(),
    });
    let end = until_the_end(&mut interrupt, ended).await;
    // First: who looks for the file now finds none.
    drop(place);
    control.shut_down().await;
    listeners.shut_down().await;
    end
}

async fn until_the_end(interrupt: &mut Interrupt, ended: Ended) -> Result<(), ServeError> {
    tokio::select! {
        () = interrupt.wait() => Ok(()),
        ended = ended => Err(ServeError::Internal(match ended {
            Ok(Err(problem)) => problem,
            Ok(Ok(())) | Err(_) => "the owner of the estate ended".to_owned(),
        })),
    }
}
