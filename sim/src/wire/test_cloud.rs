//! A small estate behind the router, for the tests of the cloud's services.

use core::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt as _;

use super::identity::{Application, Applications};
use super::server::{Scheme, router};
use super::shared::SharedEstate;
use crate::chance::Chance;
use crate::clock::VirtualTime;
use crate::estate::{
    AgentPlan, DcPlan, Estate, EstatePlan, ForestPlan, TenantDomains, WritebackPlan,
};
use crate::population::Person;
use crate::profile::{DEFAULT_PROFILE, Profile};

/// Where the tests' requests go.
pub(super) const HOST: &str = "localhost:8443";

/// An answer, read wholly.
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answered {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|why| panic!("{why}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Anna, Ben and Clara, an agent and a writeback job.
pub(super) struct TestCloud {
    pub(super) estate: SharedEstate,
    pub(super) applications: Applications,
    router: Router,
}

pub(super) fn start() -> VirtualTime {
    VirtualTime::from_jiff("2026-09-01T08:00:00Z".parse().unwrap())
}

pub(super) fn estate() -> Estate {
    let mut estate = Estate::new(EstatePlan {
        profile: Profile::load(DEFAULT_PROFILE).unwrap(),
        seed: 1,
        start: start(),
        forests: vec![ForestPlan {
            domains: vec!["corp.contoso.lab".to_owned()],
            dcs: vec![DcPlan::new("DC01", 0)],
            exchange_schema: true,
            recycle_bin: true,
        }],
        tenant: TenantDomains {
            verified: "contoso.lab".to_owned(),
            initial: "contoso.onmicrosoft.com".to_owned(),
        },
        inbound: crate::connect::InboundEngine::ConnectSync,
        connect_build: "2.5.190.0".to_owned(),
        connect_interval: Duration::from_mins(30),
        connect_dc: None,
        agents: vec![AgentPlan {
            name: "AGENT1".to_owned(),
            version: "1.1.1107.0".to_owned(),
            dcs: vec!["DC01".to_owned()],
        }],
        writeback: Some(WritebackPlan {
            created_on: start(),
            interval: Duration::from_mins(20),
            domain: None,
            schema: None,
        }),
    })
    .unwrap();
    let mut people: Vec<Person> = ["anna", "ben", "clara"]
        .iter()
        .map(|name| Person::named(name, &format!("{name}@contoso.lab")))
        .collect();
    people[0].attributes.push(("extensionAttribute1".to_owned(), vec!["HR-1".to_owned()]));
    let since = start() - Duration::from_hours(24);
    estate.settle(people, since, &mut Chance::stream(1, "people")).unwrap();
    estate
}

impl TestCloud {
    pub(super) fn new() -> Self {
        Self::with_applications(Applications::standard(1))
    }

    pub(super) fn with_applications(applications: Applications) -> Self {
        let estate = SharedEstate::new(estate());
        let router = router(estate.clone(), applications.clone(), Scheme::Https);
        Self { estate, applications, router }
    }

    pub(super) fn tenant(&self) -> String {
        self.estate.with(|estate| estate.entra.tenant.to_string())
    }

    /// The object id of somebody.
    pub(super) fn id(&self, name: &str) -> String {
        self.estate.with(|estate| {
            let number = estate.exchange.find(&format!("{name}@contoso.lab")).unwrap();
            estate.exchange.mailbox(number).unwrap().id.to_string()
        })
    }

    pub(super) fn application(&self, name: &str) -> &Application {
        self.applications.named(name).unwrap()
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Answered {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answered { status: parts.status, headers: parts.headers, body }
    }

    /// A request with these headers; the address may be absolute, as a next link is.
    pub(super) async fn request(
        &self,
        method: &str,
        address: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answered {
        let local = address.strip_prefix(&format!("https://{HOST}")).unwrap_or(address);
        let mut request = Request::builder().method(method).uri(local).header("host", HOST);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// `Bearer` and a token for an application, by the grant.
    pub(super) async fn token(&self, application: &str, resource: &str) -> String {
        let application = self.application(application);
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}&scope={resource}/.default",
            application.client_id, application.secret
        );
        let path = format!("/{}/oauth2/v2.0/token", self.tenant());
        let answered = self.request("POST", &path, &[], &form).await;
        format!("Bearer {}", answered.json()["access_token"].as_str().unwrap())
    }

    pub(super) async fn graph_token(&self, application: &str) -> String {
        self.token(application, "https://graph.microsoft.com").await
    }

    pub(super) async fn exchange_token(&self, application: &str) -> String {
        self.token(application, "https://outlook.office365.com").await
    }
}
