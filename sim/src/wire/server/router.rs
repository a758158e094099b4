//! Which service answers: by the path alone, so that one port serves all host names.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::header::{DATE, HOST};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Response, StatusCode};
use jiff::fmt::rfc2822::DateTimePrinter;

use super::strike;
use crate::fault::{FURTHER_PAGE, Place};
use crate::wire::identity::{Applications, Identity, Tenant};
use crate::wire::message::{Address, Answer, Request};
use crate::wire::shared::SharedEstate;
use crate::wire::{admin_api, graph};

/// Larger bodies are refused: what Graph takes, and the others need less.
const LARGEST_BODY: usize = 4 * 1024 * 1024;

/// How long an answer on demand may take, and how often it is looked for.
const ON_DEMAND: Duration = Duration::from_secs(60);
pub(super) const GLANCE: Duration = Duration::from_millis(5);

/// How a client reached the router: absolute links in answers start with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Over TLS.
    Https,
    /// Plain.
    Http,
}

/// The three services over one estate.
#[derive(Clone)]
pub(super) struct Cloud {
    pub(super) estate: SharedEstate,
    pub(super) identity: Arc<Identity>,
}

/// Which of them is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Exchange,
    Graph,
    Identity,
}

impl Service {
    fn of(address: &Address) -> Self {
        let first = address.segments.first().map_or("", String::as_str);
        let is = |name: &str| first.eq_ignore_ascii_case(name);
        if is("adminapi") {
            Self::Exchange
        } else if is("v1.0") || is("beta") {
            Self::Graph
        } else {
            Self::Identity
        }
    }

    const fn place(self) -> Place {
        match self {
            Self::Exchange => Place::ExchangeOnline,
            Self::Graph => Place::Graph,
            Self::Identity => Place::Identity,
        }
    }
}

/// What faults know a request by: a further page of a listing as the port call that asks for one.
fn operation(service: Service, address: &Address) -> &'static str {
    let pages = service == Service::Exchange && address.query.get("skiptoken").is_some();
    if pages { FURTHER_PAGE } else { "request" }
}

impl Cloud {
    pub(super) fn new(estate: SharedEstate, applications: Applications) -> Self {
        let tenant = estate.with(|estate| {
            estate.exchange.audit.ingestion = !estate.serves_the_engine_alone();
            Tenant::of(estate)
        });
        Self { estate, identity: Arc::new(Identity::new(tenant, applications)) }
    }

    pub(super) fn router(&self, scheme: Scheme) -> Router {
        Router::new().fallback(answer).with_state((self.clone(), scheme))
    }
}

/// The identity platform, Microsoft Graph and Exchange Online over an estate, without a socket.
pub fn router(estate: SharedEstate, applications: Applications, scheme: Scheme) -> Router {
    Cloud::new(estate, applications).router(scheme)
}

async fn answer(
    State((cloud, scheme)): State<(Cloud, Scheme)>,
    request: axum::extract::Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Some(base) = base(&parts, scheme) else {
        return status(StatusCode::BAD_REQUEST);
    };
    let body = to_bytes(body, LARGEST_BODY).await.ok();
    let is_too_large = body.is_none();
    let request = Request {
        base,
        address: Address::parse(parts.uri.path_and_query().map_or("/", |local| local.as_str())),
        method: parts.method,
        headers: parts.headers,
        body: body.unwrap_or_default(),
        id: cloud.identity.fresh_id().to_string(),
        struck_part: None,
    };
    let service = Service::of(&request.address);
    if is_too_large {
        return match service {
            Service::Graph => graph::too_large(&cloud.estate, &request).into_response(),
            Service::Exchange | Service::Identity => status(StatusCode::PAYLOAD_TOO_LARGE),
        };
    }
    let operation = operation(service, &request.address);
    let fate = cloud.estate.with(|estate| estate.request_fate(&service.place(), operation));
    let (request, fate) = strike::parts(&cloud, service, request, fate);
    strike::answer(&cloud, service, &request, fate).await
}

/// The service's answer.
pub(super) async fn dispatch(cloud: &Cloud, service: Service, request: &Request) -> Response<Body> {
    match service {
        Service::Exchange => {
            admin_api::answer(&cloud.estate, &cloud.identity, request).into_response()
        }
        Service::Graph => {
            let answer = graph::answer(&cloud.estate, &cloud.identity, request);
            if answer.waits_for.is_empty() {
                answer.into_response()
            } else {
                on_demand(cloud, request, answer).await.into_response()
            }
        }
        Service::Identity => wall_clock(cloud.identity.answer(&cloud.estate, request).await),
    }
}

/// Waits for the engine's answers to requests on demand. Its work takes virtual time, which passes in
/// real time here only as far as the clock of the estate is led by it.
async fn on_demand(cloud: &Cloud, request: &Request, answer: Answer) -> Answer {
    let until = tokio::time::Instant::now() + ON_DEMAND;
    let mut answer = answer;
    while tokio::time::Instant::now() < until {
        if graph::answered_on_demand(&cloud.estate, request, &mut answer) {
            return answer.with("request-id", &request.id);
        }
        tokio::time::sleep(GLANCE).await;
    }
    graph::timed_out(&cloud.estate, request, answer)
}

/// Scheme and host as the client sees them.
fn base(parts: &Parts, scheme: Scheme) -> Option<String> {
    let host = match parts.headers.get(HOST) {
        Some(host) => host.to_str().ok()?,
        None => parts.uri.authority()?.as_str(),
    };
    let scheme = match scheme {
        Scheme::Https => "https",
        Scheme::Http => "http",
    };
    (!host.is_empty()).then(|| format!("{scheme}://{host}"))
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    wall_clock(response)
}

/// Tokens live by the wall clock, and so do the dates beside them.
fn wall_clock(mut response: Response<Body>) -> Response<Body> {
    let date = DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&jiff::Timestamp::now())
        .ok()
        .and_then(|text| HeaderValue::from_str(&text).ok());
    if let Some(date) = date {
        response.headers_mut().insert(DATE, date);
    }
    response
}
