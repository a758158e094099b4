//! Tokens for people: by password, by device code, and by refresh token.
//!
//! Sources: Microsoft identity platform, "Resource Owner Password Credentials", "OAuth 2.0 device
//! authorization grant", "Refresh tokens", "Scopes and permissions", "ID token claims reference".
//!
//! # Divergence from Microsoft Entra ID
//! A refresh token says itself what it is good for; none is ever revoked. Ten wrong passwords lock an
//! account for the life of the server, not for a growing time.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::accounts::{Obstacle, Person};
use super::error::Refusal;
use super::grant::{Asked, Proof, Version};
use super::token::{Claims, LIFE, Resource, wall_clock};
use super::{Application, device};

/// How long a refresh token lives without use, in seconds: 90 days.
const REFRESH_LIFE: u64 = 90 * 24 * 3_600;

/// Wrong passwords before an account is locked (Microsoft Learn, "Protect user accounts from attacks
/// with Microsoft Entra smart lockout").
pub(super) const ATTEMPTS: u32 = 10;

/// Scopes about the sign-in itself.
const OPENID: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// What a refresh token holds.
#[derive(Serialize, Deserialize)]
struct Refresh {
    aud: String,
    iss: String,
    exp: u64,
    /// Its number among those that were given out.
    serial: u64,
    upn: String,
    appid: String,
    scope: String,
}

/// No service's name: a refresh token opens nothing.
const REFRESH: &str = "urn:refresh-token";

/// `grant_type=password`.
pub(super) fn password(asked: &Asked<'_>, client: (&Application, Proof)) -> Result<Value, Refusal> {
    let (user, password) = (asked.need("username")?, asked.need("password")?);
    let person = authenticate(asked, user, password)?;
    let scope = requested(asked, None)?;
    tokens(asked, client, &person, &scope)
}

/// `grant_type=refresh_token`.
pub(super) fn refresh(asked: &Asked<'_>, client: (&Application, Proof)) -> Result<Value, Refusal> {
    let token = asked.need("refresh_token")?;
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.set_audience(&[REFRESH]);
    validation.leeway = 0;
    let held = jsonwebtoken::decode::<Refresh>(token, &asked.key.public, &validation)
        .map_err(|error| match error.kind() {
            jsonwebtoken::errors::ErrorKind::ExpiredSignature => Refusal::RefreshTokenInactive,
            _ => Refusal::RefreshTokenMalformed,
        })?
        .claims;
    if !held.appid.eq_ignore_ascii_case(&client.0.client_id.to_string()) {
        return Err(Refusal::RefreshTokenMalformed);
    }
    let person = find(asked, &held.upn)?;
    match person.obstacle {
        Some(Obstacle::Disabled) => return Err(Refusal::AccountDisabled),
        Some(Obstacle::SignInFrequency) => return Err(Refusal::SignInFrequency),
        _ if asked.identity.is_revoked(&person.upn, held.serial) => {
            return Err(Refusal::RefreshTokenRevoked);
        }
        _ => {}
    }
    let scope = requested(asked, Some(&held.scope))?;
    tokens(asked, client, &person, &scope)
}

/// `grant_type=urn:ietf:params:oauth:grant-type:device_code`.
pub(super) fn device(asked: &Asked<'_>, client: (&Application, Proof)) -> Result<Value, Refusal> {
    // Some libraries call it `code`.
    let code = match asked.form.get("device_code") {
        Some(code) => code,
        None => asked.form.get("code").ok_or(Refusal::MissingParameter("device_code"))?,
    };
    let mut devices = asked.identity.devices();
    let (person, scope) = devices.poll(code, client.0.client_id, wall_clock())?;
    drop(devices);
    tokens(asked, client, &person, &scope)
}

/// Checks a user's name and password.
pub(super) fn authenticate(
    asked: &Asked<'_>,
    user: &str,
    password: &str,
) -> Result<Person, Refusal> {
    let person = find(asked, user)?;
    if asked.identity.is_locked(&person.upn) {
        return Err(Refusal::AccountLocked);
    }
    if password != asked.identity.applications.accounts.password {
        asked.identity.count_failure(&person.upn);
        return Err(Refusal::WrongPassword);
    }
    match person.obstacle {
        None | Some(Obstacle::SignInFrequency) => Ok(person),
        Some(Obstacle::Registration) => Err(Refusal::SecondFactorRegistration),
        Some(Obstacle::PasswordExpired) => Err(Refusal::PasswordExpired),
        Some(Obstacle::Disabled) => Err(Refusal::AccountDisabled),
        Some(Obstacle::SecondFactor) => Err(Refusal::SecondFactor),
        Some(Obstacle::Blocked) => Err(Refusal::ConditionalAccess),
    }
}

fn find(asked: &Asked<'_>, user: &str) -> Result<Person, Refusal> {
    let accounts = &asked.identity.applications.accounts;
    asked.estate.with(|estate| accounts.find(estate, user)).ok_or_else(|| Refusal::UnknownUser {
        user: user.to_owned(),
        tenant: asked.tenant.to_string(),
    })
}

/// The scopes of a request; those of the first sign-in when it names none.
fn requested(asked: &Asked<'_>, first: Option<&str>) -> Result<String, Refusal> {
    match asked.version {
        Version::V1 => Ok(format!("{}/.default openid offline_access", asked.need("resource")?)),
        Version::V2 => match (asked.form.get("scope"), first) {
            (Some(scope), _) => Ok(scope.to_owned()),
            (None, Some(first)) => Ok(first.to_owned()),
            (None, None) => Err(Refusal::MissingParameter("scope")),
        },
    }
}

/// What scopes ask for: one resource, its permissions, and whether a refresh and an ID token.
struct Scopes {
    audience: String,
    resource: Resource,
    permissions: Vec<String>,
    offline: bool,
    openid: bool,
}

/// Reads scopes. Permissions must have been consented to; `.default` is all that were.
fn read(asked: &Asked<'_>, application: &Application, scope: &str) -> Result<Scopes, Refusal> {
    let names: Vec<&str> = scope.split_whitespace().collect();
    let has = |name: &str| names.iter().any(|n| n.eq_ignore_ascii_case(name));
    let (offline, openid) = (has("offline_access"), has("openid"));
    let mut audience: Option<String> = None;
    let mut permissions: Vec<String> = Vec::new();
    for name in names.iter().filter(|n| !OPENID.iter().any(|o| o.eq_ignore_ascii_case(n))) {
        let (of, permission) =
            name.rsplit_once('/').unwrap_or(("https://graph.microsoft.com", name));
        let resource = Resource::find(of).ok_or_else(|| Refusal::UnknownResource {
            resource: of.to_owned(),
            tenant: asked.tenant.to_string(),
        })?;
        match &audience {
            Some(known) if Resource::find(known) != Some(resource) => {
                return Err(Refusal::SeveralResources(scope.to_owned()));
            }
            Some(_) => {}
            None => audience = Some(of.to_owned()),
        }
        let mut consented = application.scopes.iter().filter(|s| resource.has_scope(s));
        if permission.eq_ignore_ascii_case(".default") {
            permissions.extend(consented.cloned());
        } else {
            let found = consented.find(|s| s.eq_ignore_ascii_case(permission));
            permissions.push(found.ok_or_else(|| no_consent(application))?.clone());
        }
    }
    let audience = audience.unwrap_or_else(|| "https://graph.microsoft.com".to_owned());
    let resource = Resource::find(&audience).unwrap_or(Resource::Graph);
    if permissions.is_empty() {
        let least = super::applications::scope::USER_READ;
        if !application.scopes.iter().any(|s| s == least) {
            return Err(no_consent(application));
        }
        permissions.push(least.to_owned());
    }
    permissions.sort();
    permissions.dedup();
    Ok(Scopes { audience, resource, permissions, offline, openid })
}

fn no_consent(application: &Application) -> Refusal {
    Refusal::NoConsent { id: application.client_id.to_string(), name: application.name.clone() }
}

fn tokens(
    asked: &Asked<'_>,
    (application, proof): (&Application, Proof),
    person: &Person,
    scope: &str,
) -> Result<Value, Refusal> {
    let scopes = read(asked, application, scope)?;
    let now = wall_clock();
    let claims = Claims::of_person(
        asked.identity,
        application,
        person,
        (scopes.resource, &scopes.audience),
        (&scopes.permissions.join(" "), proof),
        now,
    );
    let granted: Vec<String> = scopes
        .permissions
        .iter()
        .map(|permission| format!("{}/{permission}", scopes.audience.trim_end_matches('/')))
        .collect();
    let mut body = json!({
        "token_type": "Bearer",
        "scope": granted.join(" "),
        "expires_in": LIFE,
        "ext_expires_in": LIFE,
        "access_token": asked.sign(&claims)?,
    });
    if asked.version == Version::V1 {
        body["expires_in"] = LIFE.to_string().into();
        body["ext_expires_in"] = LIFE.to_string().into();
        body["expires_on"] = claims.exp.to_string().into();
        body["not_before"] = claims.nbf.to_string().into();
        body["resource"] = scopes.audience.clone().into();
    }
    if scopes.offline {
        body["refresh_token"] = asked
            .sign(&Refresh {
                aud: REFRESH.to_owned(),
                iss: super::token::issuer(asked.tenant),
                exp: now + REFRESH_LIFE,
                serial: asked.identity.next_serial(),
                upn: person.upn.clone(),
                appid: application.client_id.to_string(),
                scope: scope.to_owned(),
            })?
            .into();
    }
    if scopes.openid {
        body["id_token"] = id_token(asked, application, person, now)?.into();
    }
    if asked.form.get("client_info").is_some_and(|wanted| wanted == "1") {
        let info = json!({"uid": person.id.to_string(), "utid": asked.tenant.to_string()});
        body["client_info"] = URL_SAFE_NO_PAD.encode(info.to_string()).into();
    }
    Ok(body)
}

fn id_token(
    asked: &Asked<'_>,
    application: &Application,
    person: &Person,
    now: u64,
) -> Result<String, Refusal> {
    let issuer = match asked.version {
        Version::V1 => super::token::issuer(asked.tenant),
        Version::V2 => format!("{}/{}/v2.0", asked.request.base, asked.tenant),
    };
    asked.sign(&json!({
        "aud": application.client_id.to_string(),
        "iss": issuer,
        "iat": now,
        "nbf": now,
        "exp": now + LIFE,
        "name": person.name,
        "oid": person.id.to_string(),
        "preferred_username": person.upn,
        "upn": person.upn,
        "sub": person.id.to_string(),
        "tid": asked.tenant.to_string(),
        "ver": if asked.version == Version::V1 { "1.0" } else { "2.0" },
    }))
}

/// `POST /{tenant}/oauth2/v2.0/devicecode`.
pub(super) fn device_code(asked: &Asked<'_>) -> Result<Value, Refusal> {
    let id = asked.need("client_id")?;
    let application =
        id.parse().ok().and_then(|id| asked.identity.applications.by_client_id(id)).ok_or_else(
            || Refusal::UnknownApplication { id: id.to_owned(), tenant: asked.tenant.to_string() },
        )?;
    if !application.public {
        return Err(Refusal::ConfidentialClient);
    }
    let scope = match asked.version {
        Version::V1 => format!("{}/.default openid offline_access", asked.need("resource")?),
        Version::V2 => asked.need("scope")?.to_owned(),
    };
    read(asked, application, &scope)?;
    let code = asked.identity.start_device(application.client_id, &scope, wall_clock());
    let page = format!("{}/common/oauth2/deviceauth", asked.request.base);
    let message = format!(
        "To sign in, use a web browser to open the page {page} and enter the code {} to authenticate.",
        code.user_code
    );
    let mut body = json!({
        "user_code": code.user_code,
        "device_code": code.device_code,
        "verification_uri": page,
        "expires_in": device::LIFE,
        "interval": device::INTERVAL,
        "message": message,
    });
    if asked.version == Version::V1 {
        body["verification_url"] = page.into();
        body["expires_in"] = device::LIFE.to_string().into();
        body["interval"] = device::INTERVAL.to_string().into();
    }
    Ok(body)
}
