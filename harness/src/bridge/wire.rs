//! The way over loopback: the estate's servers on ports of their own, and the engine's HTTPS and LDAP
//! adapters in front of them.

use std::time::Duration;

use engine::ports::AgentName;
use engine::wire::{AgentGateway, Secret, Wire, WireConfig};
use sim::caller::Role;
use sim::ledger::Activity;
use sim::wire::identity::{Application, Applications};
use sim::wire::shared::SharedEstate;
use sim::wire::tls::Authority;
use tokio::runtime::Runtime;

use super::listeners::{ListenOptions, Listeners};
use super::transport::{Transport, WorldPorts};

/// How long the engine waits for one answer. Virtual time does not pass meanwhile, so this only
/// catches a server that hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// The servers of an estate and the way to them.
pub struct Loopback {
    estate: SharedEstate,
    applications: Applications,
    listeners: Listeners,
    // Last: connections close before the runtime that serves them.
    runtime: Runtime,
}

impl Loopback {
    /// Starts the servers of an estate on loopback. Ids and secrets follow from the seed.
    ///
    /// # Errors
    /// Why a server could not start, in words.
    pub fn start(estate: SharedEstate, seed: u64) -> Result<Self, String> {
        estate.with(sim::estate::Estate::serve_the_engine_alone);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| format!("no runtime for the servers: {error}"))?;
        let mut applications = Applications::standard(seed);
        estate.with(|estate| {
            if let Some(rbac) = &estate.exchange.rbac {
                applications.learn_role_groups(rbac, seed);
            }
        });
        let authority = Authority::new(&["localhost", "127.0.0.1"])
            .map_err(|error| format!("no certificate for the servers: {error}"))?;
        let listeners = runtime
            .block_on(Listeners::start(
                &estate,
                &applications,
                &authority,
                ListenOptions::default(),
            ))
            .map_err(|error| error.to_string())?;
        Ok(Self { estate, applications, listeners, runtime })
    }

    /// As whom to bind at an agent's gateway: its distinguished name and the password.
    fn credentials(&self, agent: &str) -> Option<(String, String)> {
        self.estate.with(|estate| {
            let account = estate.agent_account(estate.agent(agent)?)?;
            Some((estate.ad_dn(account.object), account.password.clone()))
        })
    }

    fn config(&self, application: &Application) -> WireConfig {
        let (tenant, base_dn) = self.estate.with(|estate| {
            let (forest, domain) = estate.job_domain();
            (estate.entra.tenant.to_string(), estate.base_dn(forest, domain))
        });
        WireConfig {
            tenant,
            login_url: self.listeners.cloud.url(),
            graph_url: self.listeners.cloud.url(),
            exchange_url: self.listeners.cloud.url(),
            client_id: application.client_id.to_string(),
            client_secret: Secret::new(application.secret.clone()),
            ca_pem: Some(self.listeners.cloud.ca_pem().as_bytes().to_vec()),
            agents: self
                .listeners
                .gateways
                .iter()
                .filter_map(|(name, server)| {
                    let (bind_dn, password) = self.credentials(name)?;
                    Some(AgentGateway {
                        name: AgentName(name.clone()),
                        ldap_url: format!("ldap://{}", server.address()),
                        bind_dn,
                        bind_password: Secret::new(password),
                    })
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

    fn has_servers(&self) -> bool {
        true
    }
}
