//! Which endpoint of the login host is answered by whom: one table, in which paths are found and of which
//! the parity table is made.

use axum::http::StatusCode;

use super::error::Refusal;
use super::grant::{self, Version};
use super::key::SigningKey;
use super::{Answered, Identity, device, discovery, resource_manager};
use crate::parity::Endpoint;
use crate::wire::message::Request;
use crate::wire::shared::SharedEstate;

/// A request at the door of the login host.
pub(super) struct Door<'r> {
    pub(super) identity: &'r Identity,
    pub(super) estate: &'r SharedEstate,
    pub(super) request: &'r Request,
    /// The key that signs, for endpoints that need it.
    pub(super) key: Option<&'static SigningKey>,
}

impl Door<'_> {
    fn key(&self) -> Result<&'static SigningKey, Refusal> {
        self.key.ok_or_else(|| Refusal::unavailable("the signing key was not made"))
    }

    /// The tenant that the path names.
    fn tenant(&self) -> &str {
        self.request.address.segments.first().map_or("", String::as_str)
    }

    fn token(&self, version: Version) -> Result<Answered, Refusal> {
        let asked = (self.tenant(), version);
        grant::answer(self.identity, self.estate, self.request, self.key()?, asked)
            .map(Answered::Json)
    }

    fn device_code(&self, version: Version) -> Result<Answered, Refusal> {
        let asked = (self.tenant(), version);
        self.identity.device_code(self.estate, self.request, self.key()?, asked)
    }

    fn keys(&self) -> Result<Answered, Refusal> {
        let tenant = &self.identity.tenant;
        tenant.resolve_or_shared(self.tenant())?;
        let issuer = format!("https://sts.windows.net/{}/", tenant.id);
        Ok(Answered::Json(self.key()?.set(&issuer)))
    }
}

/// An endpoint and who answers it.
struct Route {
    endpoint: Endpoint,
    /// Whether it needs the signing key, which takes tenths of a second to make.
    keyed: bool,
    answer: fn(&Door<'_>) -> Result<Answered, Refusal>,
}

const fn route(
    method: &'static str,
    path: &'static str,
    answer: fn(&Door<'_>) -> Result<Answered, Refusal>,
) -> Route {
    Route { endpoint: Endpoint::new(method, path), keyed: false, answer }
}

const fn absent(method: &'static str, path: &'static str) -> Route {
    let endpoint = Endpoint::new(method, path).absent();
    Route { endpoint, keyed: false, answer: |_| Ok(Answered::Nothing) }
}

impl Route {
    const fn keyed(mut self) -> Self {
        self.keyed = true;
        self
    }

    const fn differing(mut self, note: &'static str) -> Self {
        self.endpoint = self.endpoint.differing(note);
        self
    }
}

const GRANTS: &str = "client credentials, password, device code and refresh token; the grants that need a browser or act on behalf of another are refused; tokens live by the machine's clock, which clients that keep them go by, not by the estate's";

const CODES: &str = "codes live by the machine's clock, not by the estate's";

const ROUTES: &[Route] = &[
    route("POST", "/{tenant}/oauth2/v2.0/token", |door| door.token(Version::V2))
        .keyed()
        .differing(GRANTS),
    route("POST", "/{tenant}/oauth2/token", |door| door.token(Version::V1))
        .keyed()
        .differing(GRANTS),
    route("POST", "/{tenant}/oauth2/v2.0/devicecode", |door| door.device_code(Version::V2))
        .keyed()
        .differing(CODES),
    route("POST", "/{tenant}/oauth2/devicecode", |door| door.device_code(Version::V1))
        .keyed()
        .differing(CODES),
    route("GET", "/{tenant}/oauth2/deviceauth", |door| {
        door.identity.tenant.resolve_or_shared(door.tenant())?;
        Ok(Answered::Page(StatusCode::OK, device::page(None)))
    })
    .keyed()
    .differing("a page of its own"),
    route("POST", "/{tenant}/oauth2/deviceauth", |door| {
        door.identity.device_page(door.estate, door.request, door.key()?)
    })
    .keyed()
    .differing("a page of its own"),
    route("GET", "/{tenant}/v2.0/.well-known/openid-configuration", |door| {
        let tenant = door.identity.tenant.resolve_or_shared(door.tenant())?;
        Ok(Answered::Json(discovery::v2(&door.request.base, tenant)))
    }),
    route("GET", "/{tenant}/.well-known/openid-configuration", |door| {
        let tenant = door.identity.tenant.resolve_or_shared(door.tenant())?;
        Ok(Answered::Json(discovery::v1(&door.request.base, tenant)))
    }),
    route("GET", "/{tenant}/discovery/v2.0/keys", |door| door.keys()).keyed(),
    route("GET", "/{tenant}/discovery/keys", |door| door.keys()).keyed(),
    route("GET", "/{tenant}/discovery/instance", |door| {
        discovery::instance(door.request).map(Answered::Json)
    }),
    route("GET", "/{tenant}/userrealm/{user}", |door| {
        door.identity.tenant.resolve_or_shared(door.tenant())?;
        let user = door.request.address.segments.get(2).map_or("", String::as_str);
        Ok(Answered::Json(discovery::user_realm(user)))
    }),
    route("GET", "/subscriptions", resource_manager::subscriptions)
        .differing("of management.azure.com: there is none"),
    route("GET", "/tenants", resource_manager::tenants)
        .differing("of management.azure.com: the one tenant"),
    absent("GET", "/{tenant}/oauth2/v2.0/authorize"),
    absent("GET", "/{tenant}/oauth2/authorize"),
    absent("GET", "/{tenant}/oauth2/v2.0/logout"),
    absent("GET", "/{tenant}/openid/userinfo"),
];

/// Every endpoint of the login host that is known here.
pub fn endpoints() -> impl Iterator<Item = Endpoint> {
    ROUTES.iter().map(|route| route.endpoint)
}

fn find(request: &Request) -> Option<&'static Route> {
    let segments = &request.address.segments;
    let fits = |path: &str| {
        let mut parts = path.split('/').skip(1);
        let same = segments.iter().all(|segment| {
            parts.next().is_some_and(|p| p.starts_with('{') || p.eq_ignore_ascii_case(segment))
        });
        same && parts.next().is_none()
    };
    ROUTES
        .iter()
        .find(|route| route.endpoint.method == request.method.as_str() && fits(route.endpoint.path))
}

/// Whether the request is for an endpoint that needs the signing key.
pub(super) fn needs_key(request: &Request) -> bool {
    find(request).is_some_and(|route| route.keyed)
}

/// Answers a request to the login host.
pub(super) fn answer(door: &Door<'_>) -> Result<Answered, Refusal> {
    find(door.request).map_or(Ok(Answered::Nothing), |route| (route.answer)(door))
}
