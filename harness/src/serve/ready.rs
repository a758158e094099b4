//! The ready file's document: what a program that started `serve` has to know.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sim::estate::{Estate, Subject};
use sim::exchange::{RecipientType, property};
use sim::wire::identity::{Application, Applications};

use super::ServeError;
use super::addresses::Urls;

/// Users that it names.
const EXAMPLES: usize = 3;

/// Applications that it names beside the one that may do everything. What `engine` reads and writes
/// is the engine's to the oracles; everybody else is a person.
const CLIENTS: [&str; 6] =
    ["engine", "reader", "helpdesk", "unprivileged", "unassigned", "expired"];

/// The document. It holds secrets, so it is never shown otherwise.
#[derive(Serialize)]
pub(super) struct Ready {
    pub(super) login: String,
    pub(super) graph: String,
    pub(super) exchange: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) http: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) proxy: Option<String>,
    pub(super) control: String,
    pub(super) ldap: String,
    pub(super) ldaps: String,
    pub(super) gc: String,
    pub(super) ca_file: PathBuf,
    pub(super) tenant_id: String,
    pub(super) domain: String,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) clients: BTreeMap<String, Client>,
    pub(super) accounts: SignIn,
    pub(super) base_dn: String,
    pub(super) bind_dn: String,
    pub(super) bind_upn: String,
    pub(super) bind_password: String,
    pub(super) agent_bind_dn: String,
    pub(super) agent_bind_password: String,
    pub(super) agents: Vec<Gateway>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) controllers: Vec<Controller>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) job: Option<Job>,
    pub(super) users: Vec<User>,
}

/// A further application.
#[derive(Serialize)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) roles: Vec<String>,
}

/// Who can sign in with a password: the administrator, and every user of the directory.
#[derive(Serialize)]
pub(super) struct SignIn {
    pub(super) admin: String,
    pub(super) password: String,
}

/// A domain controller, and an administrator of its forest.
#[derive(Serialize)]
pub(super) struct Controller {
    #[serde(flatten)]
    urls: ControllerUrls,
    bind_dn: String,
    bind_password: String,
}

impl Controller {
    fn of(estate: &Estate, urls: &ControllerUrls) -> Option<Self> {
        let mut forests = estate.forests.iter();
        let (forest, _) = forests
            .find(|(_, forest)| forest.domains().iter().any(|domain| domain.dns == urls.domain))?;
        let administrator = &estate.accounts(forest)?.administrator;
        Some(Self {
            urls: urls.clone(),
            bind_dn: estate.ad_dn(administrator.object),
            bind_password: administrator.password.clone(),
        })
    }
}

/// A domain controller beside the one of `ldap`, `ldaps` and `gc`.
#[derive(Debug, Clone, Serialize)]
pub struct ControllerUrls {
    /// Its name.
    pub name: String,
    /// The DNS name of its domain.
    pub domain: String,
    /// The naming context of its domain.
    pub base_dn: String,
    /// Whether it refers writes to others.
    pub read_only: bool,
    /// LDAP.
    pub ldap: String,
    /// LDAP over TLS.
    pub ldaps: String,
    /// The global catalog of its forest.
    pub gc: String,
}

/// An agent's gateway.
#[derive(Debug, Clone, Serialize)]
pub struct Gateway {
    /// The agent's name.
    pub name: String,
    /// Where it relays.
    pub ldap: String,
}

/// The writeback job.
#[derive(Serialize)]
pub(super) struct Job {
    pub(super) service_principal_id: String,
    pub(super) job_id: String,
    pub(super) rule_id: String,
}

/// Somebody to begin with.
#[derive(Serialize)]
pub(super) struct User {
    pub(super) upn: String,
    pub(super) id: String,
    pub(super) dn: String,
}

impl Ready {
    /// The document about an estate and its listeners.
    pub(super) fn of(
        estate: &Estate,
        urls: &Urls,
        applications: &Applications,
        ca_file: &Path,
    ) -> Result<Self, ServeError> {
        let named = |name: &str| -> Result<&Application, ServeError> {
            applications
                .named(name)
                .ok_or_else(|| ServeError::Internal(format!("there is no application `{name}`")))
        };
        let domain = estate.job_domain();
        let accounts = estate
            .accounts(domain.0)
            .ok_or_else(|| ServeError::Internal("the forest has no accounts".to_owned()))?;
        let administrator = &accounts.administrator;
        let agent = accounts
            .agent(domain.1)
            .ok_or_else(|| ServeError::Internal("the domain has no agent's account".to_owned()))?;
        let upn = estate.ad_texts(administrator.object, "userPrincipalName").pop();
        let application = named(super::APPLICATION)?;
        let mut clients = BTreeMap::new();
        for name in CLIENTS {
            let client = named(name)?;
            let (id, secret) = (client.client_id.to_string(), client.secret.clone());
            clients.insert(name.to_owned(), Client { id, secret, roles: client.roles.clone() });
        }
        Ok(Self {
            login: urls.cloud.clone(),
            graph: urls.cloud.clone(),
            exchange: urls.cloud.clone(),
            http: urls.http.clone(),
            proxy: urls.proxy.clone(),
            control: urls.control.clone(),
            ldap: urls.ldap.clone(),
            ldaps: urls.ldaps.clone(),
            gc: urls.gc.clone(),
            ca_file: ca_file.to_owned(),
            tenant_id: estate.entra.tenant.to_string(),
            domain: estate.domains.verified.clone(),
            client_id: application.client_id.to_string(),
            client_secret: application.secret.clone(),
            clients,
            accounts: SignIn {
                admin: format!("admin@{}", estate.domains.initial),
                password: applications.accounts.password.clone(),
            },
            base_dn: estate.base_dn(domain.0, domain.1),
            bind_dn: estate.ad_dn(administrator.object),
            bind_upn: upn.unwrap_or_default(),
            bind_password: administrator.password.clone(),
            agent_bind_dn: estate.ad_dn(agent.object),
            agent_bind_password: agent.password.clone(),
            agents: urls.agents.clone(),
            controllers: urls
                .controllers
                .iter()
                .filter_map(|urls| Controller::of(estate, urls))
                .collect(),
            job: estate.entra.job.as_ref().map(|job| Job {
                service_principal_id: job.service_principal.to_string(),
                job_id: job.id.clone(),
                rule_id: job.rule.clone(),
            }),
            users: examples(estate),
        })
    }
}

/// The first synced remote mailboxes of people.
fn examples(estate: &Estate) -> Vec<User> {
    let example = |subject: &Subject| {
        let mailbox = estate.exchange.mailbox(subject.exchange?)?;
        if mailbox.kind != RecipientType::User || !mailbox.dir_synced {
            return None;
        }
        Some(User {
            upn: mailbox.record.text(property::USER_PRINCIPAL_NAME)?.to_owned(),
            id: mailbox.id.to_string(),
            dn: estate.ad_dn(subject.ad?),
        })
    };
    estate.subjects().iter().filter_map(example).take(EXAMPLES).collect()
}
