//! Faults and budgets as clients see them, in each service's own words.

use core::time::Duration;

use axum::http::StatusCode;
use serde_json::json;

use super::test_cloud::{Answered, TestCloud};
use crate::fault::{Effect, Felt, Operations, Place, Rule};
use crate::profile::Value as Setting;

fn declare(cloud: &TestCloud, place: Place, effect: Effect) {
    cloud.estate.with(|estate| {
        let from = estate.now();
        estate.faults.install(Rule {
            name: "a fault",
            place,
            operations: Operations::Any,
            effect,
            skip: 0,
            left: Some(1),
            from,
            until: None,
            hits: 0,
            overtaken: 0,
            felt: Felt::default(),
        });
    });
}

struct Client {
    cloud: TestCloud,
    exchange: String,
    graph: String,
}

impl Client {
    async fn new() -> Self {
        let cloud = TestCloud::new();
        let exchange = cloud.exchange_token("hybridsim").await;
        let graph = cloud.graph_token("hybridsim").await;
        Self { cloud, exchange, graph }
    }

    async fn cmdlet(&self) -> Answered {
        let address = format!("/adminapi/beta/{}/InvokeCommand", self.cloud.tenant());
        let body = json!({"CmdletInput": {"CmdletName": "Get-Mailbox"}}).to_string();
        let headers = [("authorization", self.exchange.as_str())];
        self.cloud.request("POST", &address, &headers, &body).await
    }

    async fn graph(&self, address: &str) -> Answered {
        let headers = [("authorization", self.graph.as_str())];
        self.cloud.request("GET", address, &headers, "").await
    }

    async fn token(&self) -> Answered {
        let application = self.cloud.application("hybridsim");
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}&scope=https://graph.microsoft.com/.default",
            application.client_id, application.secret
        );
        let path = format!("/{}/oauth2/v2.0/token", self.cloud.tenant());
        self.cloud.request("POST", &path, &[], &form).await
    }
}

const fn http(status: u16, retry_after: Option<u32>) -> Effect {
    Effect::Http { status, retry_after }
}

/// Exchange Online: the envelope from the back end, HTML from the front end, and the wait in the header as
/// well as at the end of the text. Afterwards it works again.
#[tokio::test]
async fn exchange_online_fails_in_its_own_words() {
    let client = Client::new().await;
    declare(&client.cloud, Place::ExchangeOnline, http(429, Some(37)));
    let answered = client.cmdlet().await;
    assert_eq!(answered.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answered.header("retry-after"), "37");
    let error = &answered.json()["error"];
    assert_eq!(error["code"], "TooManyRequests");
    assert!(error["message"].as_str().unwrap().ends_with("after 37 seconds."));
    declare(&client.cloud, Place::Cloud, http(429, None));
    assert_eq!(client.cmdlet().await.header("retry-after"), "", "none was named");
    declare(&client.cloud, Place::ExchangeOnline, http(500, None));
    let answered = client.cmdlet().await;
    assert_eq!(answered.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answered.json()["error"]["code"], "InternalServerError");
    for status in [502, 503, 504] {
        declare(&client.cloud, Place::ExchangeOnline, http(status, None));
        let answered = client.cmdlet().await;
        assert_eq!(answered.status.as_u16(), status);
        assert!(answered.body.starts_with(b"<html>"));
    }
    assert_eq!(client.cmdlet().await.status, StatusCode::OK);
}

/// Graph: its error object, the wait where directory services say one, none from the reports.
#[tokio::test]
async fn graph_fails_in_its_own_words() {
    let client = Client::new().await;
    for (status, code) in [
        (429, "TooManyRequests"),
        (500, "InternalServerError"),
        (502, "BadGateway"),
        (503, "serviceNotAvailable"),
        (504, "GatewayTimeout"),
    ] {
        declare(&client.cloud, Place::Graph, http(status, Some(9)));
        let answered = client.graph("/v1.0/users").await;
        assert_eq!(answered.status.as_u16(), status);
        assert_eq!(answered.header("retry-after"), "9");
        assert_eq!(answered.json()["error"]["code"], code);
    }
    declare(&client.cloud, Place::Graph, http(429, Some(9)));
    let answered = client.graph("/v1.0/auditLogs/provisioning").await;
    assert_eq!(answered.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answered.header("retry-after"), "", "reports name no wait");
    assert_eq!(client.graph("/v1.0/users").await.status, StatusCode::OK);
}

/// A throttled part of a batch is throttled, and the others are not (Microsoft Graph, "Combine multiple
/// requests in one HTTP call using JSON batching").
#[tokio::test]
async fn a_part_of_a_batch_is_throttled() {
    let client = Client::new().await;
    let part = |id: &str| json!({"id": id, "method": "GET", "url": "/users"});
    let batch = json!({"requests": [part("1"), part("2")]}).to_string();
    declare(&client.cloud, Place::Graph, http(429, None));
    let headers = [("authorization", client.graph.as_str()), ("content-type", "application/json")];
    let answered = client.cloud.request("POST", "/v1.0/$batch", &headers, &batch).await;
    assert_eq!(answered.status, StatusCode::OK);
    let parts = answered.json()["responses"].clone();
    assert_eq!((&parts[0]["status"], &parts[1]["status"]), (&json!(429), &json!(200)));
    assert_eq!(parts[0]["headers"]["Retry-After"], "10", "directory services name a wait");
    let scope = parts[0]["headers"]["X-Ms-Throttle-Scope"].as_str().unwrap();
    assert!(scope.starts_with("Tenant_Application/ReadWrite/"), "{scope}");

    let tenant = client.cloud.tenant();
    let part = |id: &str| {
        let url = format!("https://outlook.office365.com/adminapi/beta/{tenant}/InvokeCommand");
        let body = json!({"CmdletInput": {"CmdletName": "Get-Mailbox"}});
        json!({"id": id, "method": "POST", "url": url, "body": body})
    };
    let batch = json!({"requests": [part("1"), part("2")]}).to_string();
    declare(&client.cloud, Place::ExchangeOnline, http(429, Some(7)));
    let headers = [("authorization", client.exchange.as_str())];
    let address = format!("/adminapi/beta/{tenant}/$batch");
    let answered = client.cloud.request("POST", &address, &headers, &batch).await;
    let parts = answered.json()["responses"].clone();
    assert_eq!((&parts[0]["status"], &parts[1]["status"]), (&json!(429), &json!(200)));
    assert_eq!(parts[0]["headers"]["Retry-After"], "7");
}

/// The token service: the OAuth error object with the documented AADSTS code.
#[tokio::test]
async fn the_token_service_fails_in_its_own_words() {
    let client = Client::new().await;
    for (status, code, error) in [
        (429, 90_055, "temporarily_unavailable"),
        (500, 50_000, "server_error"),
        (502, 90_006, "temporarily_unavailable"),
        (503, 90_033, "temporarily_unavailable"),
        (504, 90_024, "temporarily_unavailable"),
    ] {
        declare(&client.cloud, Place::Identity, http(status, Some(5)));
        let answered = client.token().await;
        assert_eq!(answered.status.as_u16(), status);
        assert_eq!(answered.header("retry-after"), "5");
        let body = answered.json();
        assert_eq!((&body["error"], &body["error_codes"]), (&json!(error), &json!([code])));
    }
    assert_eq!(client.token().await.status, StatusCode::OK);
}

/// An expired certificate: the services refuse the token, and there is no other.
#[tokio::test]
async fn without_a_certificate_there_is_no_token() {
    let client = Client::new().await;
    declare(&client.cloud, Place::Cloud, Effect::NoToken);
    let answered = client.cmdlet().await;
    assert_eq!(answered.status, StatusCode::UNAUTHORIZED);
    assert!(answered.header("www-authenticate").starts_with("Bearer "));
    declare(&client.cloud, Place::Cloud, Effect::NoToken);
    let answered = client.token().await;
    assert_eq!(answered.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answered.json()["error_codes"], json!([700_027]));
}

/// What times out takes its time by the estate's clock.
#[tokio::test]
async fn what_times_out_takes_its_time() {
    let client = Client::new().await;
    let before = client.cloud.estate.with(|estate| {
        estate.charges = true;
        estate.now()
    });
    let after = Duration::from_mins(15);
    declare(&client.cloud, Place::ExchangeOnline, Effect::TimeOut { after, done: false });
    assert_eq!(client.cmdlet().await.status, StatusCode::GATEWAY_TIMEOUT);
    assert!(client.cloud.estate.with(|estate| estate.now()) >= before + after);
}

/// The fate of a port call reaches the next request to its service alone, and only that one.
#[tokio::test]
async fn a_fate_that_is_handed_over_meets_one_request() {
    let client = Client::new().await;
    client.cloud.estate.with(|estate| {
        estate.serve_the_engine_alone();
        estate.hand_over(Place::Graph, http(503, None));
    });
    assert_eq!(client.cmdlet().await.status, StatusCode::OK, "another service");
    assert_eq!(client.graph("/v1.0/users").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(client.graph("/v1.0/users").await.status, StatusCode::OK);
    client.cloud.estate.with(|estate| estate.hand_over(Place::Identity, http(429, Some(3))));
    assert_eq!(client.cmdlet().await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(client.token().await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(client.cmdlet().await.status, StatusCode::OK);
}

/// A budget that is used up refuses with a wait after which calls pass.
#[tokio::test]
async fn exchange_online_keeps_a_budget() {
    let client = Client::new().await;
    client.cloud.estate.with(|estate| {
        let budget = Setting::String("3/30s".to_owned());
        estate.profile.set_switch("exo_budget", budget).unwrap();
        estate.profile.set_switch("exo_rate_limit_headers", Setting::Boolean(true)).unwrap();
    });
    for left in ["2", "1", "0"] {
        let answered = client.cmdlet().await;
        assert_eq!(answered.status, StatusCode::OK);
        assert_eq!(answered.header("rate-limit-limit"), "3");
        assert_eq!(answered.header("rate-limit-remaining"), left);
        assert!(answered.header("rate-limit-reset").starts_with("2026-09-01T08:00:"));
    }
    let answered = client.cmdlet().await;
    assert_eq!(answered.status, StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = answered.header("retry-after").parse().unwrap();
    assert!((1..=30).contains(&wait));
    client.cloud.estate.with(|estate| {
        let then = estate.now() + Duration::from_secs(wait);
        estate.advance(then);
    });
    assert_eq!(client.cmdlet().await.status, StatusCode::OK);
}

/// Graph charges resource units, and says so; reports have a budget of five in ten seconds and no wait.
#[tokio::test]
async fn graph_keeps_several_budgets() {
    let client = Client::new().await;
    let cost =
        async |address: &str| client.graph(address).await.header("x-ms-resource-unit").to_owned();
    assert_eq!(cost("/v1.0/users").await, "2");
    assert_eq!(cost("/v1.0/users?$select=id").await, "1");
    assert_eq!(cost("/v1.0/users?$top=5&$select=id").await, "1", "never less");
    for _ in 0..5 {
        let answered = client.graph("/v1.0/auditLogs/directoryAudits").await;
        assert_eq!(answered.status, StatusCode::OK);
    }
    let answered = client.graph("/v1.0/auditLogs/directoryAudits").await;
    assert_eq!(answered.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answered.header("retry-after"), "");
    assert_eq!(client.graph("/v1.0/users").await.status, StatusCode::OK, "another budget");
    let mut tripped = None;
    for _ in 0..2_000 {
        let answered = client.graph("/v1.0/users").await;
        if answered.status == StatusCode::TOO_MANY_REQUESTS {
            tripped = Some(answered);
            break;
        }
    }
    let tripped = tripped.expect("3,500 units in ten seconds of a small tenant");
    assert!(tripped.header("retry-after").parse::<u32>().unwrap() >= 1);
    assert!(tripped.header("x-ms-throttle-scope").starts_with("Tenant_Application/ReadWrite/"));
    assert_eq!(tripped.header("x-ms-throttle-information"), "ResourceUnitLimitExceeded");
}
