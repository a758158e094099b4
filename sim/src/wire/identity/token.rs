//! Access tokens: resources, claims, and how long they live.
//!
//! Source: Microsoft identity platform, "Access token claims reference" (v1.0 tokens).

use serde::{Deserialize, Serialize};

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
}

impl Resource {
    /// Its URIs and its application id; the first is the one that tokens name.
    const fn names(self) -> [&'static str; 3] {
        match self {
            Self::Graph => [
                "https://graph.microsoft.com",
                "https://graph.microsoft.com/",
                "00000003-0000-0000-c000-000000000000",
            ],
            Self::Exchange => [
                "https://outlook.office365.com",
                "https://outlook.office365.com/",
                "00000002-0000-0ff1-ce00-000000000000",
            ],
        }
    }

    /// By a URI or application id. The audience of the token is what was asked for.
    pub(super) fn find(name: &str) -> Option<Self> {
        [Self::Graph, Self::Exchange]
            .into_iter()
            .find(|resource| resource.names().iter().any(|known| known.eq_ignore_ascii_case(name)))
    }

    /// Whether an app role belongs to it.
    fn defines(self, role: &str) -> bool {
        role.starts_with("Exchange.") == (self == Self::Exchange)
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
    idtyp: String,
    oid: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) roles: Vec<String>,
    sub: String,
    pub(super) tid: String,
    uti: String,
    ver: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    wids: Vec<String>,
}

impl Claims {
    /// What is said of an application towards a resource.
    pub(super) fn new(
        identity: &Identity,
        application: &Application,
        resource: Resource,
        audience: &str,
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
            appidacr: "1".to_owned(),
            idp: issuer,
            idtyp: "app".to_owned(),
            oid: principal.clone(),
            roles: application.roles.iter().filter(|r| resource.defines(r)).cloned().collect(),
            sub: principal,
            tid: tenant,
            uti: identity.fresh_id().to_string(),
            ver: "1.0".to_owned(),
            wids: application.wids.clone(),
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
