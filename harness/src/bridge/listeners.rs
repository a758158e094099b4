//! The estate's servers, started and ended together: the cloud's endpoints, one LDAP gateway for each
//! agent, and LDAP of a domain controller where somebody other than an agent is to reach it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rustls::ServerConfig;
use sim::directory::forests::DcKey;
use sim::directory::root_dse::Ports;
use sim::estate::Estate;
use sim::wire::identity::Applications;
use sim::wire::ldap::server::{Encryption, LdapServer};
use sim::wire::ldap::session::{DirectoryDoor, SessionOptions};
use sim::wire::server::{CloudOptions, CloudServer};
use sim::wire::shared::SharedEstate;
use sim::wire::tls::Authority;

use super::doors::{ControllerDoor, GatewayDoor, SharedReads};

/// Where to listen. A port 0 is any free one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenOptions {
    /// The address of every listener.
    pub bind: IpAddr,
    /// The TLS port of the cloud.
    pub cloud_port: u16,
    /// The plain HTTP port of the cloud, when there is to be one.
    pub http_port: Option<u16>,
    /// The port of the CONNECT proxy, when there is to be one.
    pub proxy_port: Option<u16>,
    /// The LDAP port of the first domain controller of the job's domain, when it is to be reached without an
    /// agent.
    pub ldap_port: Option<u16>,
    /// Its port of LDAP over TLS.
    pub ldaps_port: Option<u16>,
    /// Its port as a global catalog.
    pub gc_port: Option<u16>,
    /// Whether every other domain controller of the estate listens too, each on free ports.
    pub all_controllers: bool,
}

impl Default for ListenOptions {
    /// What the engine needs: the cloud over TLS, and the agents.
    fn default() -> Self {
        let bind = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self {
            bind,
            cloud_port: 0,
            http_port: None,
            proxy_port: None,
            ldap_port: None,
            ldaps_port: None,
            gc_port: None,
            all_controllers: false,
        }
    }
}

/// A listener could not start.
#[derive(Debug, thiserror::Error)]
#[error("{what} cannot listen on {address}: {why}")]
pub struct ListenError {
    what: String,
    address: SocketAddr,
    why: std::io::Error,
}

/// Running servers. Dropping them closes every connection.
pub struct Listeners {
    /// The identity platform, Microsoft Graph and Exchange Online.
    pub cloud: CloudServer,
    /// LDAP of the first domain controller.
    pub ldap: Option<LdapServer>,
    /// LDAP over TLS of the same.
    pub ldaps: Option<LdapServer>,
    /// The global catalog of the same.
    pub gc: Option<LdapServer>,
    /// The other domain controllers, where they are to be reached too.
    pub others: Vec<(DcKey, [LdapServer; 3])>,
    /// Who read what at the domain controller.
    pub reads: SharedReads,
    /// Each agent's name with its gateway.
    pub gateways: Vec<(String, LdapServer)>,
}

impl Listeners {
    /// Starts the servers of an estate.
    ///
    /// # Errors
    /// [`ListenError`] for the first that cannot start; those before it end again.
    pub async fn start(
        estate: &SharedEstate,
        applications: &Applications,
        authority: &Authority,
        options: ListenOptions,
    ) -> Result<Self, ListenError> {
        let ListenOptions { bind, cloud_port, http_port, proxy_port, .. } = options;
        let cloud = CloudServer::start(
            estate.clone(),
            applications.clone(),
            authority,
            CloudOptions { bind, port: cloud_port, http_port, proxy_port },
        )
        .await
        .map_err(|why| ListenError {
            what: "the cloud's server".to_owned(),
            address: SocketAddr::from((bind, cloud_port)),
            why,
        })?;
        let tls = authority.server_config(&[]).map_err(|why| ListenError {
            what: "LDAP over TLS".to_owned(),
            address: SocketAddr::from((bind, 0)),
            why: std::io::Error::other(why),
        })?;
        let reads = SharedReads::default();
        let at = estate.with(|estate| estate.forests.first_dc(estate.job_domain()));
        let controller = Controller { estate, bind, at, reads: reads.clone() };
        let ldap = controller.ldap(options.ldap_port, &tls).await?;
        let ldaps = controller.ldaps(options.ldaps_port, &tls).await?;
        let gc = controller.catalog(options.gc_port, &tls).await?;
        let mut others = Vec::new();
        if options.all_controllers {
            let all = estate.with(|estate| controllers(estate));
            for other in all.into_iter().filter(|other| Some(*other) != at) {
                let controller = Controller { estate, bind, at: Some(other), reads: reads.clone() };
                let ldap = controller.ldap(Some(0), &tls).await?;
                let ldaps = controller.ldaps(Some(0), &tls).await?;
                let gc = controller.catalog(Some(0), &tls).await?;
                if let (Some(ldap), Some(ldaps), Some(gc)) = (ldap, ldaps, gc) {
                    others.push((other, [ldap, ldaps, gc]));
                }
            }
        }
        let names =
            estate.with(|estate| estate.agents.iter().map(|a| a.name.clone()).collect::<Vec<_>>());
        let mut gateways = Vec::with_capacity(names.len());
        for name in names {
            let door = GatewayDoor::new(estate.clone(), &name);
            let what = format!("the gateway of {name}");
            gateways.push((name, listen(&what, SocketAddr::from((bind, 0)), door).await?));
        }
        let port =
            |server: &Option<LdapServer>| server.as_ref().map(|server| server.address().port());
        let mut ports: Vec<(DcKey, Ports)> = at
            .map(|at| (at, Ports { ldap: port(&ldap), ldaps: port(&ldaps) }))
            .into_iter()
            .collect();
        ports.extend(others.iter().map(|(at, [ldap, ldaps, _])| {
            let port = |server: &LdapServer| Some(server.address().port());
            (*at, Ports { ldap: port(ldap), ldaps: port(ldaps) })
        }));
        estate.with(|estate| {
            for (at, ports) in ports {
                if let Some(forest) = estate.forests.get_mut(at.forest) {
                    forest.set_ports(at.dc, ports);
                }
            }
        });
        Ok(Self { cloud, ldap, ldaps, gc, others, reads, gateways })
    }

    /// Takes no more connections, lets running requests end, and returns when all are closed.
    pub async fn shut_down(self) {
        self.cloud.shutdown().await;
        let own = [self.ldap, self.ldaps, self.gc].into_iter().flatten();
        for server in own.chain(self.others.into_iter().flat_map(|(_, servers)| servers)) {
            server.shut_down().await;
        }
        for (_, gateway) in self.gateways {
            gateway.shut_down().await;
        }
    }
}

/// Every domain controller of an estate.
fn controllers(estate: &Estate) -> Vec<DcKey> {
    let forests = estate.forests.iter();
    forests
        .flat_map(|(forest, held)| held.dcs().iter().map(move |dc| DcKey { forest, dc: dc.number }))
        .collect()
}

/// A domain controller, about to listen.
struct Controller<'e> {
    estate: &'e SharedEstate,
    bind: IpAddr,
    at: Option<DcKey>,
    reads: SharedReads,
}

impl Controller<'_> {
    async fn ldap(
        &self,
        port: Option<u16>,
        tls: &Arc<ServerConfig>,
    ) -> Result<Option<LdapServer>, ListenError> {
        self.listen("LDAP", port, false, Encryption::OnRequest(Arc::clone(tls))).await
    }

    async fn ldaps(
        &self,
        port: Option<u16>,
        tls: &Arc<ServerConfig>,
    ) -> Result<Option<LdapServer>, ListenError> {
        self.listen("LDAPS", port, false, Encryption::FromStart(Arc::clone(tls))).await
    }

    async fn catalog(
        &self,
        port: Option<u16>,
        tls: &Arc<ServerConfig>,
    ) -> Result<Option<LdapServer>, ListenError> {
        self.listen("the global catalog", port, true, Encryption::OnRequest(Arc::clone(tls))).await
    }

    async fn listen(
        &self,
        what: &str,
        port: Option<u16>,
        catalog: bool,
        encryption: Encryption,
    ) -> Result<Option<LdapServer>, ListenError> {
        let Some(port) = port else { return Ok(None) };
        let what = format!("{what} of the domain controller");
        let address = SocketAddr::from((self.bind, port));
        let refused = |why| ListenError { what: what.clone(), address, why };
        let at = self.at;
        let none = || std::io::Error::other("the domain has no domain controller");
        let at = at.ok_or_else(|| refused(none()))?;
        let door = if catalog {
            ControllerDoor::catalog(self.estate.clone(), at, self.reads.clone())
        } else {
            ControllerDoor::new(self.estate.clone(), at, self.reads.clone())
        };
        let options = SessionOptions::default();
        let server = LdapServer::start_with_tls(address, door, options, encryption).await;
        server.map(Some).map_err(refused)
    }
}

async fn listen<D>(what: &str, address: SocketAddr, door: D) -> Result<LdapServer, ListenError>
where
    D: DirectoryDoor + Clone + Send + 'static,
{
    LdapServer::start(address, door, SessionOptions::default()).await.map_err(|why| ListenError {
        what: what.to_owned(),
        address,
        why,
    })
}
