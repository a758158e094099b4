//! Access tokens: resources, claims, and how long they live.
//!
//! Source: Microsoft identity platform, "Access token claims reference" (v1.0 tokens).

use serde::{Deserialize, Serialize};

use super::accounts::Person;
use super::applications::{scope, wid};
use super::grant::Proof;
use super::{Application, Identity};
use crate::guid::Guid;

/// How long a token lives, in seconds.
pub(super) const LIFE: u64 = 3_599;

/// A service for which there are tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource {
    /// Microsoft Graph.
    Graph,
    /// Exchange Online.
    Exchange,
    /// Azure Resource Manager, which tools that sign in with the Azure CLI ask first.
    Azure,
}

impl Resource {
    /// Its URIs and its application id; the first is the one that tokens name.
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Graph => &[
                "https://graph.microsoft.com",
                "https://graph.microsoft.com/",
                "00000003-0000-0000-c000-000000000000",
                "https://canary.graph.microsoft.com",
            ],
            Self::Exchange => &[
                "https://outlook.office365.com",
                "https://outlook.office365.com/",
                "00000002-0000-0ff1-ce00-000000000000",
                "https://outlook.office.com",
            ],
            Self::Azure => &[
                "https://management.azure.com",
                "https://management.azure.com/",
                "797f4846-ba00-4fd7-ba43-dac1f8f63013",
                "https://management.core.windows.net",
                "https://management.core.windows.net/",
            ],
        }
    }

    /// Whether a delegated permission belongs to it.
    pub(super) fn has_scope(self, scope: &str) -> bool {
        self.defines(scope)
    }

    /// By a URI or application id. The audience of the token is what was asked for.
    pub(super) fn find(name: &str) -> Option<Self> {
        [Self::Graph, Self::Exchange, Self::Azure]
            .into_iter()
            .find(|resource| resource.names().iter().any(|known| known.eq_ignore_ascii_case(name)))
    }

    /// Whether an app role belongs to it.
    fn defines(self, role: &str) -> bool {
        match self {
            Self::Azure => role == scope::USER_IMPERSONATION,
            Self::Exchange => role.starts_with("Exchange."),
            Self::Graph => !Self::Exchange.defines(role) && !Self::Azure.defines(role),
        }
    }
}

/// The claims of an access token, in the order of v1.0 tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) aud: String,
    pub(super) iss: String,
    pub(super) iat: u64,
    pub(super) nbf: u64,
    pub(super) exp: u64,
    aio: String,
    pub(super) app_displayname: String,
    pub(super) appid: String,
    appidacr: String,
    idp: String,
    #[serde(default)]
    pub(super) idtyp: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    pub(super) oid: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) scp: Option<String>,
    sub: String,
    pub(super) tid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unique_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) upn: Option<String>,
    uti: String,
    ver: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) wids: Vec<String>,
}

impl Claims {
    /// What is said of an application towards a resource.
    pub(super) fn of_application(
        identity: &Identity,
        application: &Application,
        (resource, audience): (Resource, &str),
        proof: Proof,
        now: u64,
    ) -> Self {
        let tenant = identity.tenant.id.to_string();
        let issuer = issuer(identity.tenant.id);
        let principal = application.principal.to_string();
        Self {
            aud: audience.to_owned(),
            iss: issuer.clone(),
            iat: now,
            nbf: now,
            exp: now + LIFE,
            aio: identity.fresh_id().to_string(),
            app_displayname: application.name.clone(),
            appid: application.client_id.to_string(),
            appidacr: match proof {
                Proof::None => "0",
                Proof::Secret => "1",
                Proof::Certificate => "2",
            }
            .to_owned(),
            idp: issuer,
            idtyp: "app".to_owned(),
            name: None,
            oid: principal.clone(),
            roles: application.roles.iter().filter(|r| resource.defines(r)).cloned().collect(),
            scp: None,
            sub: principal,
            tid: tenant,
            unique_name: None,
            upn: None,
            uti: identity.fresh_id().to_string(),
            ver: "1.0".to_owned(),
            wids: application.wids.clone(),
        }
    }

    /// What is said of somebody who signed in to an application, towards a resource.
    pub(super) fn of_person(
        identity: &Identity,
        application: &Application,
        person: &Person,
        (resource, audience): (Resource, &str),
        (permissions, proof): (&str, Proof),
        now: u64,
    ) -> Self {
        let id = person.id.to_string();
        Self {
            idtyp: "user".to_owned(),
            name: Some(person.name.clone()),
            oid: id.clone(),
            roles: Vec::new(),
            scp: Some(permissions.to_owned()),
            sub: id,
            unique_name: Some(person.upn.clone()),
            upn: Some(person.upn.clone()),
            wids: wid(person.role).map(str::to_owned).into_iter().collect(),
            ..Self::of_application(identity, application, (resource, audience), proof, now)
        }
    }
}

/// `iss` of v1.0 tokens.
pub(super) fn issuer(tenant: Guid) -> String {
    format!("https://sts.windows.net/{tenant}/")
}

/// Seconds since the Unix epoch, by the wall clock.
pub(super) fn wall_clock() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or(0)
}
