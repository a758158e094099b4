//! The way over loopback: the estate's servers on ports of their own, and the engine's HTTPS and LDAP
//! adapters in front of them.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "sockets live in real time; the estate behind them does not"
)]

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use engine::ports::AgentName;
use engine::wire::{AgentGateway, Secret, Wire, WireConfig};
use sim::caller::Role;
use sim::directory::answer::LdapResult;
use sim::directory::principal::Principal;
use sim::directory::request::{BindRequest, Request};
use sim::estate::Passage;
use sim::ledger::Activity;
use sim::wire::identity::{Application, Applications};
use sim::wire::ldap::server::LdapServer;
use sim::wire::ldap::session::{DirectoryDoor, DoorAnswer, DoorBind, SessionOptions};
use sim::wire::server::{CloudOptions, CloudServer};
use sim::wire::shared::SharedEstate;
use sim::wire::tls::Authority;
use tokio::runtime::Runtime;

use super::transport::{Transport, WorldPorts};

/// How long the engine waits for one answer. Virtual time does not pass meanwhile, so this only
/// catches a server that hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// The servers of an estate and the way to them.
pub struct Loopback {
    estate: SharedEstate,
    applications: Applications,
    cloud: CloudServer,
    gateways: Vec<(String, LdapServer)>,
    // Last: connections close before the runtime that serves them.
    runtime: Runtime,
}

impl Loopback {
    /// Starts the servers of an estate on loopback. Ids and secrets follow from the seed.
    ///
    /// # Errors
    /// Why a server could not start, in words.
    pub fn start(estate: SharedEstate, seed: u64) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| format!("no runtime for the servers: {error}"))?;
        let applications = Applications::standard(seed);
        let authority = Authority::new(&["localhost", "127.0.0.1"])
            .map_err(|error| format!("no certificate for the servers: {error}"))?;
        let cloud = runtime
            .block_on(CloudServer::start(
                estate.clone(),
                applications.clone(),
                &authority,
                CloudOptions::default(),
            ))
            .map_err(|error| format!("the cloud endpoints could not start: {error}"))?;
        let agents = estate.with(|estate| {
            estate.agents.iter().map(|agent| agent.name.clone()).collect::<Vec<_>>()
        });
        let mut gateways = Vec::with_capacity(agents.len());
        for agent in agents {
            let door = GatewayDoor { estate: estate.clone(), agent: agent.clone() };
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let server = runtime
                .block_on(LdapServer::start(address, door, SessionOptions::default()))
                .map_err(|error| format!("the gateway of {agent} could not start: {error}"))?;
            gateways.push((agent, server));
        }
        Ok(Self { estate, applications, cloud, gateways, runtime })
    }

    fn config(&self, application: &Application) -> WireConfig {
        let (tenant, base_dn, account) = self.estate.with(|estate| {
            (estate.entra.tenant.to_string(), estate.base_dn(), estate.accounts().agent.clone())
        });
        let bind = self
            .estate
            .with(|estate| estate.forest.dn_of(sim::directory::entry::DcNumber(0), account.object));
        WireConfig {
            tenant,
            login_url: self.cloud.url(),
            graph_url: self.cloud.url(),
            exchange_url: self.cloud.url(),
            client_id: application.client_id.to_string(),
            client_secret: Secret::new(application.secret.clone()),
            ca_pem: Some(self.cloud.ca_pem().as_bytes().to_vec()),
            agents: self
                .gateways
                .iter()
                .map(|(name, server)| AgentGateway {
                    name: AgentName(name.clone()),
                    ldap_url: format!("ldap://{}", server.address()),
                    bind_dn: bind.clone(),
                    bind_password: Secret::new(account.password.clone()),
                })
                .collect(),
            base_dn,
            request_timeout: PATIENCE,
        }
    }
}

impl Transport for Loopback {
    fn ports(&self, role: Role, _: Activity) -> Result<WorldPorts, String> {
        let application = self
            .applications
            .engine(role)
            .ok_or_else(|| format!("there is no application with the role {}", role.name()))?;
        let wire = Wire::new(self.config(application), self.runtime.handle().clone())
            .map_err(|error| error.to_string())?;
        Ok(WorldPorts {
            exchange: Box::new(wire.exchange()),
            entra: Box::new(wire.entra()),
            directory: Box::new(wire.directory()),
        })
    }
}

/// An agent's gateway as the LDAP listener sees it.
#[derive(Clone)]
pub struct GatewayDoor {
    estate: SharedEstate,
    agent: String,
}

impl GatewayDoor {
    /// The gateway of an agent.
    #[must_use]
    pub fn new(estate: SharedEstate, agent: &str) -> Self {
        Self { estate, agent: agent.to_owned() }
    }
}

impl DirectoryDoor for GatewayDoor {
    fn connect(&mut self) -> bool {
        self.estate.with(|estate| estate.gateway_connect(&self.agent))
    }

    fn bind(&mut self, request: &BindRequest) -> DoorBind {
        self.estate.with(|estate| {
            let Some(dc) = estate.agent(&self.agent).map(|agent| agent.dc) else {
                return DoorBind::Close;
            };
            match estate.forest.bind(dc, estate.now(), request) {
                Ok(principal) => DoorBind::Bound(principal),
                Err(refusal) => DoorBind::Denied(refusal),
            }
        })
    }

    /// The agent relays under its own account, whoever is bound; nobody else gets in.
    fn request(&mut self, principal: &Principal, request: &Request) -> DoorAnswer {
        self.estate.with(|estate| {
            let own = estate.agent(&self.agent).is_some_and(|agent| agent.account == *principal);
            if !own {
                let refusal: LdapResult = sim::directory::diagnostic::not_bound();
                return DoorAnswer::Answer(refusal.into());
            }
            match estate.gateway(&self.agent, request) {
                Passage::Answered(response) => DoorAnswer::Answer(response),
                Passage::Refused => DoorAnswer::Refused,
                Passage::Lost => DoorAnswer::Close,
            }
        })
    }
}
