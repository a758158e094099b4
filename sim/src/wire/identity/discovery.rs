//! OpenID configuration documents and instance discovery.
//!
//! Sources: OpenID Connect Discovery 1.0, 3 and 4; Microsoft identity platform, "Find your app's
//! OpenID configuration document URI".

use serde_json::{Value, json};

use super::error::Refusal;
use super::tenant::Authority;
use crate::wire::message::{Address, Request};

/// Login hosts that a client may name as its authority besides the host it talks to.
const LOGIN_HOSTS: [&str; 3] =
    ["login.microsoftonline.com", "login.windows.net", "login.microsoft.com"];

/// The document of v2.0.
pub(super) fn v2(base: &str, authority: Authority) -> Value {
    let (name, issuer) = match authority {
        Authority::Tenant(id) => (id.to_string(), format!("{base}/{id}/v2.0")),
        Authority::Shared(name) => (name, format!("{base}/{{tenantid}}/v2.0")),
    };
    document(base, &name, "/oauth2/v2.0", "/discovery/v2.0/keys", &issuer)
}

/// The document of v1.0.
pub(super) fn v1(base: &str, authority: Authority) -> Value {
    let (name, issuer) = match authority {
        Authority::Tenant(id) => (id.to_string(), super::token::issuer(id)),
        Authority::Shared(name) => (name, "https://sts.windows.net/{tenantid}/".to_owned()),
    };
    document(base, &name, "/oauth2", "/discovery/keys", &issuer)
}

fn document(base: &str, tenant: &str, oauth: &str, keys: &str, issuer: &str) -> Value {
    let place = |rest: &str| format!("{base}/{tenant}{oauth}/{rest}");
    json!({
        "token_endpoint": place("token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt",
            "client_secret_basic"],
        "jwks_uri": format!("{base}/{tenant}{keys}"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer,
        "request_uri_parameter_supported": false,
        "userinfo_endpoint": format!("{base}/oidc/userinfo"),
        "authorization_endpoint": place("authorize"),
        "device_authorization_endpoint": place("devicecode"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": place("logout"),
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username",
            "name", "tid", "ver", "oid"],
        "kerberos_endpoint": format!("{base}/{tenant}/kerberos"),
        "tenant_region_scope": "EU",
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
        "rbac_url": "https://pas.windows.net",
    })
}

/// `GET /common/discovery/instance?authorization_endpoint=...`.
pub(super) fn instance(request: &Request) -> Result<Value, Refusal> {
    let version = request.address.query.get("api-version").unwrap_or("1.0");
    let asked = request
        .address
        .query
        .get("authorization_endpoint")
        .ok_or(Refusal::MissingParameter("authorization_endpoint"))?;
    let own = request.base.split_once("://").map_or("", |(_, host)| host);
    let host =
        asked.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
    let known = |name: &str| name.eq_ignore_ascii_case(host);
    if host.is_empty() || !(known(own) || LOGIN_HOSTS.into_iter().any(known)) {
        return Err(Refusal::UnknownInstance(host.to_owned()));
    }
    let asked = Address::parse(asked);
    let tenant = asked.segments.first().map_or("common", String::as_str);
    let base = &request.base;
    Ok(json!({
        "tenant_discovery_endpoint":
            format!("{base}/{tenant}/v2.0/.well-known/openid-configuration"),
        "api-version": version,
        "metadata": [{"preferred_network": own, "preferred_cache": own, "aliases": [own]}],
    }))
}

/// `GET /common/userrealm/{upn}`: every domain here is managed, so that passwords are checked here.
pub(super) fn user_realm(upn: &str) -> Value {
    let domain = upn.rsplit_once('@').map_or("", |(_, domain)| domain);
    json!({
        "ver": "1.0",
        "account_type": "Managed",
        "domain_name": domain,
        "cloud_instance_name": "microsoftonline.com",
        "cloud_audience_urn": "urn:federation:MicrosoftOnline",
    })
}
