//! The connection to one gateway: opened and bound when it is needed, given up when it is lost.

use std::sync::Arc;
use std::time::Duration;

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, StdStream};
use reqwest::Url;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time;

use crate::ports::CallError;
use crate::wire::repair::needs_repair;
use crate::wire::{AgentGateway, WireError};

/// The way to one agent's DC.
pub(super) struct Gateway {
    target: Arc<Target>,
    session: Option<Ldap>,
}

/// What a connection needs to know.
struct Target {
    agent: AgentGateway,
    host: String,
    port: u16,
    tls: Option<Arc<ClientConfig>>,
    timeout: Duration,
}

impl Gateway {
    pub(super) fn new(
        agent: &AgentGateway,
        tls: Option<Arc<ClientConfig>>,
        timeout: Duration,
    ) -> Result<Self, WireError> {
        if agent.bind_dn.is_empty() || agent.bind_password.reveal().is_empty() {
            let what = format!("the account of the agent `{}`", agent.name.0);
            return Err(WireError::Value { what, detail: "lacks its name or its password" });
        }
        let refuse = |detail: String| WireError::Url {
            what: "an agent's gateway",
            url: agent.ldap_url.clone(),
            detail,
        };
        let url = Url::parse(&agent.ldap_url).map_err(|error| refuse(error.to_string()))?;
        let port = match url.scheme() {
            "ldap" => 389,
            "ldaps" => 636,
            _ => return Err(refuse("the scheme is neither ldap nor ldaps".to_owned())),
        };
        let host = match url.host_str() {
            None | Some("") => return Err(refuse("it names no host".to_owned())),
            // IPv6 addresses stand in brackets.
            Some(host) => host.trim_start_matches('[').trim_end_matches(']').to_owned(),
        };
        let port = url.port().unwrap_or(port);
        let target = Arc::new(Target { agent: agent.clone(), host, port, tls, timeout });
        Ok(Self { target, session: None })
    }

    /// The same gateway without its connection.
    pub(super) fn unconnected(&self) -> Self {
        Self { target: Arc::clone(&self.target), session: None }
    }

    /// A handle on the connection, which is opened and bound first if there is none.
    pub(super) async fn connected(&mut self) -> Result<Ldap, CallError> {
        if let Some(session) = &mut self.session
            && !session.is_closed()
        {
            return Ok(session.clone());
        }
        self.session = None;
        let session = self.target.open().await?;
        Ok(self.session.insert(session).clone())
    }

    /// Gives the connection up.
    pub(super) fn disconnect(&mut self) {
        self.session = None;
    }
}

impl Target {
    async fn open(&self) -> Result<Ldap, CallError> {
        let timed_out =
            |what: &str| CallError::TimedOut { detail: format!("{}: {what}", self.at()) };
        let unusable = |error: LdapError| match unusable(&error) {
            CallError::Unreachable { detail } => {
                CallError::Unreachable { detail: format!("{}: {detail}", self.at()) }
            }
            CallError::Unusable { detail } => {
                CallError::Unusable { detail: format!("{}: {detail}", self.at()) }
            }
            error => error,
        };
        let stream = time::timeout(self.timeout, self.stream())
            .await
            .map_err(|_| timed_out("connecting"))?
            .map_err(|error| unusable(LdapError::from(error)))?;
        let mut settings = LdapConnSettings::new()
            .set_conn_timeout(self.timeout)
            .set_std_stream(StdStream::Tcp(stream));
        if let Some(tls) = &self.tls {
            settings = settings.set_config(Arc::clone(tls));
        }
        let (connection, mut ldap) =
            LdapConnAsync::with_settings(settings, &self.agent.ldap_url).await.map_err(unusable)?;
        tokio::spawn(async move {
            // How it ended is seen by whoever waits for an answer.
            let _ = connection.drive().await;
        });
        let result = ldap
            .with_timeout(self.timeout)
            .simple_bind(&self.agent.bind_dn, self.agent.bind_password.reveal())
            .await
            .map_err(unusable)?;
        if result.rc == 0 { Ok(ldap) } else { Err(refusal(&result)) }
    }

    /// A stream that sends small requests at once: the library leaves Nagle's algorithm on.
    async fn stream(&self) -> std::io::Result<std::net::TcpStream> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        stream.into_std()
    }

    fn at(&self) -> String {
        format!("{} at {}:{}", self.agent.name.0, self.host, self.port)
    }
}

/// The TLS settings for these certificates; `None` leaves them to the operating system.
pub(super) fn tls(ca_pem: Option<&[u8]>) -> Result<Option<Arc<ClientConfig>>, WireError> {
    let Some(pem) = ca_pem else { return Ok(None) };
    let refuse = |error: &dyn std::fmt::Display| WireError::Certificates(error.to_string());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| refuse(&error))?;
        roots.add(certificate).map_err(|error| refuse(&error))?;
    }
    if roots.is_empty() {
        return Err(refuse(&"there is no certificate in it"));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| refuse(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Some(Arc::new(config)))
}

/// What it means that the connection brought no answer.
pub(super) fn unusable(error: &LdapError) -> CallError {
    match error {
        LdapError::LdapResult { result } => refusal(result),
        LdapError::Timeout { .. } => CallError::TimedOut { detail: error.to_string() },
        LdapError::FilterParsing | LdapError::DecodingUTF8 => {
            CallError::Malformed { detail: error.to_string() }
        }
        // The channel to the task that held the connection: the connection has ended.
        LdapError::OpSend { .. }
        | LdapError::ResultRecv { .. }
        | LdapError::IdScrubSend { .. }
        | LdapError::EndOfStream => {
            CallError::Unreachable { detail: "the connection was closed".to_owned() }
        }
        error if needs_repair(error) => CallError::Unusable { detail: error.to_string() },
        error => CallError::Unreachable { detail: error.to_string() },
    }
}

/// What a result code other than success means for a whole call (RFC 4511 appendix A).
pub(super) fn refusal(result: &LdapResult) -> CallError {
    let code = result.rc.to_string();
    let words = result.text.split(|c: char| c.is_whitespace() || c.is_control());
    let detail = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match result.rc {
        // authMethodNotSupported, strongerAuthRequired, confidentialityRequired,
        // inappropriateAuthentication, invalidCredentials, insufficientAccessRights.
        7 | 8 | 13 | 48 | 49 | 50 => CallError::Refused { code, detail },
        // operationsError, size and administrative limit, busy, unavailable,
        // unwillingToPerform, other.
        3 => CallError::TimedOut { detail },
        1 | 4 | 11 | 51 | 52 | 53 | 80 => CallError::ServiceFailure { code, detail },
        10 => CallError::Malformed {
            detail: format!(
                "referral (10): the base of the search is not in a domain of this domain controller: {detail}"
            ),
        },
        _ => CallError::Malformed { detail: format!("LDAP result {code}: {detail}") },
    }
}
