//! The ports over HTTPS and LDAP, and the state store on disk.
//!
//! The only place of the engine that knows of sockets, files, tokens and a runtime. The adapters
//! hold no logic of the engine: they ask, say what happened, and never wait or try again. Two
//! exceptions that concern the connection and not the work: a token that the service no longer
//! takes is renewed once, and a connection that was lost in an earlier call is opened anew.
//!
//! Every port call blocks its thread until the answer is there, so it must not be made from within
//! an asynchronous task; the sockets themselves live on the multi-threaded Tokio runtime whose
//! handle is passed in.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "sockets need a clock for tokens, and the LDAP client takes its values as HashSet"
)]

mod batch;
mod claims;
mod exchange;
mod graph;
mod http;
mod ldap;
mod repair;
mod secret;
mod service_error;
mod store;
mod token;

use std::time::Duration;

use reqwest::Url;
use tokio::runtime::Handle;

pub use claims::Claims;
pub use exchange::AdminApi;
pub use graph::GraphApi;
pub use ldap::LdapGateways;
pub use secret::Secret;
pub use store::RedbStore;

use crate::ports::{AgentName, CallError};
use crate::time::Timestamp;
use http::Service;
use token::TokenSource;

/// The scope of a token for Microsoft Graph (Microsoft identity platform, "The .default scope").
const GRAPH_SCOPE: &str = "https://graph.microsoft.com/.default";
/// The scope of a token for Exchange Online (App-only authentication for unattended scripts).
const EXCHANGE_SCOPE: &str = "https://outlook.office365.com/.default";

/// Where everything is, and who asks.
#[derive(Clone, Debug)]
pub struct WireConfig {
    /// The tenant: its id or one of its domains.
    pub tenant: String,
    /// The token service: `https://login.microsoftonline.com`.
    pub login_url: String,
    /// Microsoft Graph without a version: `https://graph.microsoft.com`.
    pub graph_url: String,
    /// Exchange Online: `https://outlook.office365.com`.
    pub exchange_url: String,
    /// The application (client) id.
    pub client_id: String,
    /// A client secret of the application.
    pub client_secret: Secret,
    /// The certificates to trust, PEM. `None` trusts those of the operating system; when given,
    /// no other is trusted, for HTTPS and LDAPS alike.
    pub ca_pem: Option<Vec<u8>>,
    /// The gateways to Active Directory.
    pub agents: Vec<AgentGateway>,
    /// Where searches in the directory begin: the DN of the domain.
    pub base_dn: String,
    /// How long to wait for one answer. Half of it may go into opening the connection.
    pub request_timeout: Duration,
}

/// One provisioning agent, as the way to its DC.
#[derive(Clone, Debug)]
pub struct AgentGateway {
    /// The machine name under which the agent registered.
    pub name: AgentName,
    /// `ldap://host:port` or `ldaps://host:port`.
    pub ldap_url: String,
    /// The account, in any form that a simple bind takes.
    pub bind_dn: String,
    /// Its password, never empty: that would be an anonymous bind ([RFC 4513] 5.1.2).
    pub bind_password: Secret,
}

/// The configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// An address is not one, or has the wrong scheme.
    #[error("`{url}` is not usable as {what}: {detail}")]
    Url {
        /// What it should be the address of.
        what: &'static str,
        /// The text.
        url: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The certificates to trust cannot be read.
    #[error("the certificates to trust are not usable: {0}")]
    Certificates(String),
    /// Another value makes no sense.
    #[error("{what} {detail}")]
    Value {
        /// Which value.
        what: String,
        /// What is wrong with it.
        detail: &'static str,
    },
    /// The HTTPS client could not be built.
    #[error("no HTTPS client: {0}")]
    Client(String),
}

/// The connections to one tenant and its forest; hands out the ports.
///
/// No connection is opened before the first call of a port.
pub struct Wire {
    runtime: Handle,
    config: WireConfig,
    client: reqwest::Client,
    token_url: Url,
    exchange: exchange::Places,
    graph: graph::Places,
    gateways: LdapGateways,
}

impl Wire {
    /// Checks `config` and prepares the clients. `runtime` must be multi-threaded.
    ///
    /// # Errors
    /// [`WireError`] when an address, a certificate or another value cannot be used.
    pub fn new(config: WireConfig, runtime: Handle) -> Result<Self, WireError> {
        require("the tenant", &config.tenant)?;
        require("the client id", &config.client_id)?;
        require("the client secret", config.client_secret.reveal())?;
        let client = http::client(&config)?;
        let token_url = http::place(
            "the token service",
            &config.login_url,
            &[&config.tenant, "oauth2", "v2.0", "token"],
        )?;
        let exchange = exchange::Places::new(&config.exchange_url, &config.tenant)?;
        let graph = graph::Places::new(&config.graph_url)?;
        let gateways = LdapGateways::new(&config, runtime.clone())?;
        Ok(Self { runtime, config, client, token_url, exchange, graph, gateways })
    }

    /// The port to Exchange Online.
    #[must_use]
    pub fn exchange(&self) -> AdminApi {
        AdminApi::new(self.runtime.clone(), self.service(EXCHANGE_SCOPE), self.exchange.clone())
    }

    /// The port to Entra.
    #[must_use]
    pub fn entra(&self) -> GraphApi {
        GraphApi::new(self.runtime.clone(), self.service(GRAPH_SCOPE), self.graph.clone())
    }

    /// The port to Active Directory. It opens connections of its own.
    #[must_use]
    pub fn directory(&self) -> LdapGateways {
        self.gateways.unconnected()
    }

    /// What the token service says of the caller: the tenant and the roles in a token for Exchange
    /// Online. The token's signature is not checked: it comes from the token service itself.
    ///
    /// # Errors
    /// Any [`CallError`]: the token service refuses, or its token is none that can be read.
    pub fn claims(&self) -> Result<Claims, CallError> {
        self.caller().claims()
    }

    /// Who asks the same question whenever somebody wants to know.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller { runtime: self.runtime.clone(), token: self.token(EXCHANGE_SCOPE) }
    }

    /// The clock of Microsoft Graph (`Date`, RFC 9110 6.6.1), by which the ages of what the cloud tells are
    /// measured; `None` where its answers show none.
    ///
    /// # Errors
    /// Any [`CallError`] but `PageExpired`.
    pub fn clock(&self) -> Result<Option<Timestamp>, CallError> {
        self.entra().clock()
    }

    fn service(&self, scope: &'static str) -> Service {
        Service::new(self.client.clone(), self.token(scope))
    }

    fn token(&self, scope: &'static str) -> TokenSource {
        TokenSource::new(
            self.client.clone(),
            self.token_url.clone(),
            self.config.client_id.clone(),
            self.config.client_secret.clone(),
            scope,
        )
    }
}

/// The caller, as the token service knows him.
pub struct Caller {
    runtime: Handle,
    token: TokenSource,
}

impl Caller {
    /// What his token says of him.
    ///
    /// # Errors
    /// As [`Wire::claims`].
    pub fn claims(&mut self) -> Result<Claims, CallError> {
        let authorization = self.runtime.block_on(self.token.authorization())?;
        Claims::of_token(authorization.to_str().unwrap_or_default())
    }
}

fn require(what: &str, text: &str) -> Result<(), WireError> {
    if text.is_empty() {
        return Err(WireError::Value { what: what.to_owned(), detail: "is empty" });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
