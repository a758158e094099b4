//! The token service and the discovery documents, through the router.

use serde_json::json;

use super::key::SigningKey;
use super::token::{Claims, Resource, wall_clock};
use super::*;
use crate::wire::test_cloud::{HOST, TestCloud};

const GRAPH: &str = "https://graph.microsoft.com/.default";

async fn refusal(cloud: &TestCloud, tenant: &str, form: &str) -> (StatusCode, String, u64) {
    let path = format!("/{tenant}/oauth2/v2.0/token");
    let answered = cloud.request("POST", &path, &[("client-request-id", "mine")], form).await;
    let body = answered.json();
    assert_eq!(body["correlation_id"], "mine");
    let code = body["error_codes"][0].as_u64().unwrap();
    assert!(body["error_description"].as_str().unwrap().starts_with(&format!("AADSTS{code}: ")));
    (answered.status, body["error"].as_str().unwrap().to_owned(), code)
}

/// Clients branch on number, word and status of each refusal.
#[tokio::test]
async fn refusals_are_the_documented_ones() {
    let cloud = TestCloud::new();
    let known = cloud.application("reader").clone();
    let id = format!("client_id={}", known.client_id);
    let grant = "grant_type=client_credentials";
    let good = format!("{grant}&{id}&client_secret={}", known.secret);
    let tenant = cloud.tenant();
    let cases = [
        ("nowhere.example", good.clone(), 400, "invalid_request", 90_002),
        ("nonsense", good.clone(), 400, "invalid_request", 900_023),
        ("common", good.clone(), 400, "invalid_request", 50_059),
        ("contoso.lab", id.clone(), 400, "invalid_request", 900_144),
        ("contoso.lab", "grant_type=password".to_owned(), 400, "unsupported_grant_type", 70_003),
        ("contoso.lab", grant.to_owned(), 400, "invalid_request", 900_144),
        (&tenant, format!("{grant}&client_id={tenant}"), 400, "unauthorized_client", 700_016),
        (&tenant, format!("{grant}&{id}"), 401, "invalid_client", 7_000_216),
        (&tenant, format!("{grant}&{id}&client_secret=x"), 401, "invalid_client", 7_000_215),
        (&tenant, format!("{grant}&{id}&client_assertion=x"), 401, "invalid_client", 700_027),
        (&tenant, good.clone(), 400, "invalid_request", 900_144),
        (&tenant, format!("{good}&scope=User.Read"), 400, "invalid_scope", 1_002_012),
        (&tenant, format!("{good}&scope=a%20b"), 400, "invalid_scope", 70_011),
        (
            &tenant,
            format!("{good}&scope=https://x.example/.default"),
            400,
            "invalid_resource",
            500_011,
        ),
    ];
    for (tenant, form, status, error, code) in cases {
        let (got, word, number) = refusal(&cloud, tenant, &form).await;
        assert_eq!((got.as_u16(), word.as_str(), number), (status, error, code), "{form}");
    }
}

/// Secrets come in the body or as HTTP Basic, and v1.0 answers numbers as text.
#[tokio::test]
async fn both_endpoints_and_both_ways_to_send_a_secret_give_tokens() {
    let cloud = TestCloud::new();
    let reader = cloud.application("reader").clone();
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&resource=https%3A%2F%2Fgraph.microsoft.com",
        reader.client_id, reader.secret
    );
    let v1 = cloud.request("POST", "/contoso.lab/oauth2/token", &[], &form).await.json();
    assert_eq!((&v1["expires_in"], &v1["token_type"]), (&json!("3599"), &json!("Bearer")));
    assert_eq!(v1["resource"], "https://graph.microsoft.com");

    use base64::Engine as _;
    let basic = base64::engine::general_purpose::STANDARD
        .encode(format!("{}:{}", reader.client_id, reader.secret));
    let form = format!("grant_type=client_credentials&scope={GRAPH}");
    let headers = [("authorization", format!("Basic {basic}"))];
    let headers = [(headers[0].0, headers[0].1.as_str())];
    let v2 = cloud.request("POST", "/contoso.lab/oauth2/v2.0/token", &headers, &form).await;
    assert_eq!(v2.status, StatusCode::OK);
    let token = v2.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(v2.json()["expires_in"], 3_599);
    let claims = jsonwebtoken::dangerous::insecure_decode_claims::<Value>(&token).unwrap();
    assert_eq!(claims["appid"], reader.client_id.to_string());
    assert_eq!(claims["tid"], cloud.tenant());
    assert_eq!(claims["app_displayname"], "reader");
    assert_eq!(claims["aud"], "https://graph.microsoft.com");
    let roles = claims["roles"].as_array().unwrap();
    assert!(roles.contains(&json!("User.Read.All")));
    assert!(!roles.contains(&json!("Exchange.ManageAsApp")), "that is a role of another resource");
}

/// Every link of the documents leads back to where the client asked.
#[tokio::test]
async fn discovery_stays_on_the_host_of_the_request() {
    let cloud = TestCloud::new();
    let tenant = cloud.tenant();
    let base = format!("https://{HOST}");
    let path = "/contoso.lab/v2.0/.well-known/openid-configuration";
    let v2 = cloud.request("GET", path, &[], "").await.json();
    assert_eq!(v2["issuer"], format!("{base}/{tenant}/v2.0"));
    assert_eq!(v2["token_endpoint"], format!("{base}/{tenant}/oauth2/v2.0/token"));
    let keys = v2["jwks_uri"].as_str().unwrap();
    assert_eq!(cloud.request("GET", keys, &[], "").await.json()["keys"][0]["kty"], "RSA");
    let path = "/common/.well-known/openid-configuration";
    let v1 = cloud.request("GET", path, &[], "").await.json();
    assert_eq!(v1["issuer"], "https://sts.windows.net/{tenantid}/");
    assert_eq!(v1["jwks_uri"], format!("{base}/common/discovery/keys"));
    let instance = |host: &str| {
        format!(
            "/common/discovery/instance?api-version=1.1&authorization_endpoint=https%3A%2F%2F{host}%2Fcontoso.lab%2Foauth2%2Fv2.0%2Fauthorize"
        )
    };
    let known = cloud.request("GET", &instance(HOST), &[], "").await.json();
    assert_eq!(
        known["tenant_discovery_endpoint"],
        format!("{base}/contoso.lab/v2.0/.well-known/openid-configuration")
    );
    assert_eq!(known["metadata"][0]["aliases"], json!([HOST]));
    let unknown = cloud.request("GET", &instance("login.example"), &[], "").await;
    assert_eq!(
        (unknown.status.as_u16(), &unknown.json()["error"]),
        (400, &json!("invalid_instance"))
    );
    let nothing = cloud.request("GET", "/contoso.lab/oauth2/v2.0/authorize", &[], "").await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
}

/// A token that is too old, for somebody else or signed by somebody else opens nothing.
#[test]
fn tokens_are_checked() {
    let estate = crate::wire::test_cloud::estate();
    let applications = Applications::standard(1);
    let identity = Identity::new(Tenant::of(&estate), applications);
    let key = SigningKey::of_process().unwrap();
    let check = |claims: &Claims| {
        let token = jsonwebtoken::encode(&key.header(), claims, &key.private).unwrap();
        let mut headers = axum::http::HeaderMap::new();
        headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
        identity.graph_bearer(&headers).map(|bearer| bearer.application.name.clone())
    };
    let reader = identity.applications.named("reader").unwrap();
    let audience = "https://graph.microsoft.com";
    let good = Claims::new(&identity, reader, Resource::Graph, audience, wall_clock());
    assert_eq!(check(&good).as_deref(), Ok("reader"));
    let with = |change: &dyn Fn(&mut Claims)| {
        let mut claims = good.clone();
        change(&mut claims);
        check(&claims)
    };
    assert_eq!(with(&|c| c.exp = wall_clock() - 1), Err(BearerError::Expired));
    assert_eq!(
        with(&|c| c.aud = "https://outlook.office365.com".to_owned()),
        Err(BearerError::Audience)
    );
    assert_eq!(
        with(&|c| c.iss = "https://sts.windows.net/x/".to_owned()),
        Err(BearerError::Malformed)
    );
    assert_eq!(with(&|c| c.appid = c.tid.clone()), Err(BearerError::Malformed));
    let check = |header: &'static str| {
        let mut headers = axum::http::HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_static(header));
        identity.graph_bearer(&headers).err()
    };
    assert_eq!(check("Bearer a.b.c"), Some(BearerError::Malformed));
    assert_eq!(check("Basic abc"), Some(BearerError::Missing));
    assert_eq!(check("Bearer "), Some(BearerError::Missing));
}

/// The ready file of `serve` names secrets: the same seed must give the same ones.
#[test]
fn applications_follow_from_the_seed() {
    assert_eq!(Applications::standard(7), Applications::standard(7));
    let (a, b) = (Applications::standard(7), Applications::standard(8));
    assert_ne!(a.list[0].secret, b.list[0].secret);
    assert_eq!(a.list[0].secret.len(), 40);
    for (name, role) in crate::caller::Role::ALL {
        assert!(a.engine(role).is_some_and(|engine| engine.is_engine), "{name}");
    }
    assert_eq!(a.list.iter().filter(|application| !application.is_engine).count(), 4);
}
