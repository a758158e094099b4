//! Under which names and addresses clients reach what listens.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use sim::directory::forest::Forest;
use sim::directory::forests::DcKey;
use sim::estate::Estate;
use sim::wire::ldap::server::LdapServer;
use sim::wire::tls::Authority;

use super::ServeError;
use super::ready::{ControllerUrls, Gateway};
use crate::bridge::listeners::Listeners;

/// How clients name the machine.
pub(super) struct Hosts {
    /// In `https`: a name that the certificate has.
    tls: String,
    /// In `ldap`: an address, so that nobody has to resolve it.
    plain: String,
}

impl Hosts {
    pub(super) fn of(bind: IpAddr) -> Self {
        let in_url = |address: IpAddr| match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        };
        let reached = match bind {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
            other => other,
        };
        let plain = in_url(reached);
        let tls = if reached.is_loopback() { "localhost".to_owned() } else { plain.clone() };
        Self { tls, plain }
    }

    /// A certificate authority, with a certificate for every name that clients use.
    pub(super) fn authority(&self, estate: &Estate) -> Result<Authority, ServeError> {
        let named = |(_, forest): (_, &Forest)| -> Vec<String> {
            let dcs = forest.dcs().iter();
            dcs.filter_map(|dc| Some(format!("{}.{}", dc.host, forest.domain(dc.domain)?.dns)))
                .collect()
        };
        let mut names: Vec<String> = estate.forests.iter().flat_map(named).collect();
        names.push(self.plain.trim_matches(['[', ']']).to_owned());
        names.extend(machine());
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Authority::new(&names)
            .map_err(|why| ServeError::Internal(format!("no certificate for the servers: {why}")))
    }
}

/// The machine's own name: OpenLDAP's clients look for it in the certificate when they were told to
/// connect to `localhost`. `None` where it cannot be read, or is no host name.
fn machine() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = name.trim();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    (!name.is_empty() && name.len() <= 63 && name.bytes().all(fits)).then(|| name.to_owned())
}

/// Where everything is.
pub(super) struct Urls {
    pub(super) cloud: String,
    pub(super) http: Option<String>,
    pub(super) proxy: Option<String>,
    pub(super) ldap: String,
    pub(super) ldaps: String,
    pub(super) gc: String,
    pub(super) controllers: Vec<ControllerUrls>,
    pub(super) agents: Vec<Gateway>,
    pub(super) control: String,
}

impl Urls {
    pub(super) fn of(
        listeners: &Listeners,
        control: SocketAddr,
        hosts: &Hosts,
        estate: &Estate,
    ) -> Self {
        let ldap = |address: SocketAddr| format!("ldap://{}:{}", hosts.plain, address.port());
        let ldaps = |address: SocketAddr| format!("ldaps://{}:{}", hosts.tls, address.port());
        let controller = |(at, servers): &(DcKey, [LdapServer; 3])| {
            let dc = estate.forests.dc(*at)?;
            let domain = estate.forests.domain((at.forest, dc.domain))?;
            let [plain, tls, catalog] = servers.each_ref().map(LdapServer::address);
            Some(ControllerUrls {
                name: dc.host.clone(),
                domain: domain.dns.clone(),
                base_dn: estate.base_dn(at.forest, dc.domain),
                read_only: dc.read_only,
                ldap: ldap(plain),
                ldaps: ldaps(tls),
                gc: ldap(catalog),
            })
        };
        let gateways = listeners.gateways.iter();
        Self {
            cloud: format!("https://{}:{}", hosts.tls, listeners.cloud.address().port()),
            http: listeners
                .cloud
                .http_address()
                .map(|address| format!("http://{}:{}", hosts.tls, address.port())),
            proxy: listeners
                .cloud
                .proxy_address()
                .map(|address| format!("http://{}:{}", hosts.plain, address.port())),
            ldap: listeners.ldap.as_ref().map(|server| ldap(server.address())).unwrap_or_default(),
            ldaps: listeners.ldaps.as_ref().map(|at| ldaps(at.address())).unwrap_or_default(),
            gc: listeners.gc.as_ref().map(|server| ldap(server.address())).unwrap_or_default(),
            controllers: listeners.others.iter().filter_map(controller).collect(),
            agents: gateways
                .map(|(name, server)| Gateway { name: name.clone(), ldap: ldap(server.address()) })
                .collect(),
            control: format!("http://{control}"),
        }
    }
}
