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
        ("contoso.lab", "grant_type=implicit".to_owned(), 400, "unsupported_grant_type", 70_003),
        ("contoso.lab", grant.to_owned(), 400, "invalid_request", 900_144),
        (&tenant, format!("{grant}&client_id={tenant}"), 400, "unauthorized_client", 700_016),
        (&tenant, format!("{grant}&{id}"), 401, "invalid_client", 7_000_216),
        (&tenant, format!("{grant}&{id}&client_secret=x"), 401, "invalid_client", 7_000_215),
        (&tenant, format!("{grant}&{id}&client_assertion=x"), 400, "invalid_request", 900_144),
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
    let resource = (Resource::Graph, audience);
    let good =
        Claims::of_application(&identity, reader, resource, grant::Proof::Secret, wall_clock());
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
    let own = a.list.iter().filter(|application| !application.is_engine && !application.public);
    assert_eq!(own.count(), 5, "reader, helpdesk, unprivileged, unassigned, expired");
}

const CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

fn sign_in(cloud: &TestCloud, user: &str, scope: &str) -> String {
    let password = &cloud.applications.accounts.password;
    format!(
        "grant_type=password&client_id={CLI}&username={user}&password={password}&scope={scope}&client_info=1"
    )
}

async fn post(cloud: &TestCloud, path: &str, form: &str) -> (u16, Value) {
    let answered = cloud.request("POST", path, &[], form).await;
    (answered.status.as_u16(), answered.json())
}

const TOKEN: &str = "/organizations/oauth2/v2.0/token";

/// A person's token carries scopes, opens what the person may do, and can be renewed.
#[tokio::test]
async fn people_sign_in_with_a_password_and_stay_signed_in() {
    let cloud = TestCloud::new();
    let scope = "https%3A%2F%2Fgraph.microsoft.com%2F.default%20openid%20offline_access";
    let (status, body) = post(&cloud, TOKEN, &sign_in(&cloud, "anna@contoso.lab", scope)).await;
    assert_eq!(status, 200, "{body}");
    let token = body["access_token"].as_str().unwrap().to_owned();
    let claims = jsonwebtoken::dangerous::insecure_decode_claims::<Value>(&token).unwrap();
    assert_eq!((&claims["idtyp"], &claims["upn"]), (&json!("user"), &json!("anna@contoso.lab")));
    assert!(claims["scp"].as_str().unwrap().contains("User.Read.All"));
    assert!(body["id_token"].is_string() && body["client_info"].is_string());
    let bearer = format!("Bearer {token}");
    let me = cloud.request("GET", "/v1.0/me", &[("authorization", &bearer)], "").await;
    assert_eq!(me.json()["id"], cloud.id("anna"));
    // An administrator of the cloud alone is somebody too, and has a role.
    let admin = "admin@contoso.onmicrosoft.com";
    let (_, body) = post(&cloud, TOKEN, &sign_in(&cloud, admin, scope)).await;
    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
    let me = cloud.request("GET", "/v1.0/me", &[("authorization", &bearer)], "").await;
    assert_eq!(me.json()["userPrincipalName"], admin);
    let roles = cloud.request("GET", "/v1.0/me/memberOf", &[("authorization", &bearer)], "").await;
    assert_eq!(roles.json()["value"][0]["displayName"], "Global Administrator");
    let bearer = format!("Bearer {token}");
    // A person without a role may not write, whatever the scope says.
    let jobs = "/v1.0/servicePrincipals/x/synchronization/jobs/y/start";
    let refused = cloud.request("POST", jobs, &[("authorization", &bearer)], "").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);

    let refresh = body["refresh_token"].as_str().unwrap();
    let form = format!(
        "grant_type=refresh_token&client_id={CLI}&refresh_token={refresh}\
         &scope=https%3A%2F%2Foutlook.office365.com%2F.default%20offline_access"
    );
    let (status, body) = post(&cloud, TOKEN, &form).await;
    assert_eq!((status, body["refresh_token"].is_string()), (200, true), "{body}");
    assert!(body["scope"].as_str().unwrap().contains("Exchange.Manage"));
    let own = cloud.application("hybridsim").client_id.to_string();
    let (status, body) = post(&cloud, TOKEN, &form.replace(CLI, &own)).await;
    assert_eq!((status, &body["error_codes"][0]), (400, &json!(9_002_313)));
}

/// What stands in the way of a sign-in has its number, and so has what was not consented to.
#[tokio::test]
async fn sign_ins_are_refused_with_the_documented_numbers() {
    let cloud = TestCloud::new();
    let user = |name: &str| format!("{name}@contoso.onmicrosoft.com");
    let form = |name: &str| sign_in(&cloud, &user(name), "User.Read");
    let cases = [
        (form("nobody"), "invalid_grant", 50_034),
        (form("password-expired"), "invalid_grant", 50_055),
        (form("disabled"), "invalid_grant", 50_057),
        (form("second-factor"), "interaction_required", 50_076),
        (form("blocked"), "invalid_grant", 53_003),
        (form("registration"), "interaction_required", 50_079),
        (sign_in(&cloud, &user("admin"), "Mail.Send"), "invalid_grant", 65_001),
        (
            sign_in(
                &cloud,
                &user("admin"),
                "User.Read%20https%3A%2F%2Foutlook.office365.com%2F.default",
            ),
            "invalid_scope",
            28_000,
        ),
        (
            form("admin").replace(CLI, &cloud.application("reader").client_id.to_string()),
            "invalid_client",
            7_000_218,
        ),
        (format!("{}&client_secret=x", form("admin")), "invalid_client", 700_026),
    ];
    for (form, error, code) in cases {
        let (_, body) = post(&cloud, TOKEN, &form).await;
        assert_eq!(
            (&body["error"], &body["error_codes"][0]),
            (&json!(error), &json!(code)),
            "{body}"
        );
    }
    let wrong = form("admin").replace("Pa1-", "wrong");
    for _ in 0..10 {
        assert_eq!(post(&cloud, TOKEN, &wrong).await.1["error_codes"][0], 50_126);
    }
    assert_eq!(post(&cloud, TOKEN, &form("admin")).await.1["error_codes"][0], 50_053, "locked");
    let expired = cloud.application("expired");
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&scope={GRAPH}",
        expired.client_id, expired.secret
    );
    let path = "/contoso.lab/oauth2/v2.0/token";
    assert_eq!(post(&cloud, path, &form).await.1["error_codes"][0], 7_000_222);
}

/// Whoever is disabled in the directory, as AD says for synchronized people, gets no token, and loses the session.
#[tokio::test]
async fn whoever_is_disabled_in_ad_is_refused() {
    let cloud = TestCloud::new();
    let scope = "https%3A%2F%2Fgraph.microsoft.com%2F.default%20offline_access";
    let form = sign_in(&cloud, "anna@contoso.lab", scope);
    let (status, body) = post(&cloud, TOKEN, &form).await;
    assert_eq!(status, 200, "{body}");
    let refresh = format!(
        "grant_type=refresh_token&client_id={CLI}&refresh_token={}",
        body["refresh_token"].as_str().unwrap()
    );
    cloud.estate.with(|estate| {
        let anna = estate.user_named("anna@contoso.lab").unwrap();
        let no = vec![b"False".as_slice().into()];
        estate.entra.apply(anna, &[(crate::entra::property::ACCOUNT_ENABLED, no)]);
    });
    for form in [form, refresh] {
        let (_, body) = post(&cloud, TOKEN, &form).await;
        assert_eq!(body["error_codes"][0], 50_057, "{body}");
    }
}

/// What ends a session has its number too: a revocation, and Conditional Access.
#[tokio::test]
async fn sessions_end_with_the_documented_numbers() {
    let cloud = TestCloud::new();
    let scope = "https%3A%2F%2Fgraph.microsoft.com%2F.default%20offline_access";
    let refreshed = async |cloud: &TestCloud, user: &str| {
        let (status, body) = post(cloud, TOKEN, &sign_in(cloud, user, scope)).await;
        assert_eq!(status, 200, "{body}");
        let token = body["refresh_token"].as_str().unwrap();
        format!("grant_type=refresh_token&client_id={CLI}&refresh_token={token}")
    };
    let form = refreshed(&cloud, "sign-in-frequency@contoso.onmicrosoft.com").await;
    assert_eq!(post(&cloud, TOKEN, &form).await.1["error_codes"][0], 70_043);
    let form = refreshed(&cloud, "anna@contoso.lab").await;
    assert_eq!(post(&cloud, TOKEN, &form).await.0, 200);
    let bearer = cloud.graph_token("hybridsim").await;
    let path = format!("/v1.0/users/{}/revokeSignInSessions", cloud.id("anna"));
    let answered = cloud.request("POST", &path, &[("authorization", &bearer)], "{}").await;
    assert_eq!(answered.json()["value"], true);
    assert_eq!(post(&cloud, TOKEN, &form).await.1["error_codes"][0], 50_173);
    let again = refreshed(&cloud, "anna@contoso.lab").await;
    assert_eq!(post(&cloud, TOKEN, &again).await.0, 200, "a new sign-in is good");
}

/// The device flow, with both spellings of the grant, and the page that a person fills in.
#[tokio::test]
async fn devices_wait_for_a_person() {
    let cloud = TestCloud::new();
    let form = format!("client_id={CLI}&scope=User.Read%20offline_access");
    let (status, code) = post(&cloud, "/contoso.lab/oauth2/v2.0/devicecode", &form).await;
    assert_eq!((status, &code["expires_in"], &code["interval"]), (200, &json!(900), &json!(5)));
    let page = code["verification_uri"].as_str().unwrap();
    assert!(cloud.request("GET", page, &[], "").await.header("content-type").contains("html"));
    let device = code["device_code"].as_str().unwrap();
    let poll = |kind: &str| format!("grant_type={kind}&client_id={CLI}&device_code={device}");
    let (_, pending) = post(&cloud, TOKEN, &poll("device_code")).await;
    assert_eq!(pending["error"], "authorization_pending");
    let enter = |user: &str| {
        format!(
            "user_code={}&username={user}&password={}",
            code["user_code"].as_str().unwrap(),
            cloud.applications.accounts.password
        )
    };
    let refused = cloud.request("POST", page, &[], &enter("nobody@contoso.lab")).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let entered = cloud.request("POST", page, &[], &enter("ben@contoso.lab")).await;
    assert_eq!(entered.status, StatusCode::OK);
    let urn = poll("urn:ietf:params:oauth:grant-type:device_code");
    let (status, body) = post(&cloud, TOKEN, &urn).await;
    assert_eq!((status, body["refresh_token"].is_string()), (200, true), "{body}");
    assert_eq!(post(&cloud, TOKEN, &urn).await.1["error"], "bad_verification_code");
}

/// A certificate stands for a secret; what is wrong with an assertion has its number.
#[tokio::test]
async fn applications_prove_who_they_are_with_a_certificate() {
    use jsonwebtoken::{Algorithm, EncodingKey, Header};
    use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};

    let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let pem = CertificateParams::default().self_signed(&pair).unwrap();
    let certificate = Certificate::from_pem(pem.pem().as_bytes()).unwrap();
    assert!(Certificate::from_pem(b"nothing").is_err());
    let mut applications = Applications::standard(1);
    applications.list[0].certificates.push(certificate);
    let cloud = TestCloud::with_applications(applications);
    let id = cloud.application("hybridsim").client_id.to_string();
    let key = EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).unwrap();
    use aws_lc_rs::digest::{SHA256, digest};
    use base64::Engine as _;
    let thumbprint =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest(&SHA256, pem.der()));
    let assertion = |algorithm, issuer: &str, audience: &str, lives: i64| {
        let mut header = Header::new(algorithm);
        header.x5t_s256 = Some(thumbprint.clone());
        let now = i64::try_from(wall_clock()).unwrap();
        let claims = json!({
            "aud": audience, "iss": issuer, "sub": issuer, "jti": "1", "nbf": now - 600, "exp": now + lives,
        });
        jsonwebtoken::encode(&header, &claims, &key).unwrap()
    };
    let form = |assertion: &str| {
        format!(
            "grant_type=client_credentials&client_id={id}&scope={GRAPH}&client_assertion={assertion}\
             &client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
        )
    };
    let path = "/contoso.lab/oauth2/v2.0/token";
    let endpoint = format!("https://{HOST}/{}/oauth2/v2.0/token", cloud.tenant());
    for algorithm in [Algorithm::RS256, Algorithm::PS256] {
        let (status, body) =
            post(&cloud, path, &form(&assertion(algorithm, &id, &endpoint, 600))).await;
        assert_eq!(status, 200, "{body}");
        let token = body["access_token"].as_str().unwrap();
        let claims = jsonwebtoken::dangerous::insecure_decode_claims::<Value>(token).unwrap();
        assert_eq!(claims["appidacr"], "2");
    }
    let rs = Algorithm::RS256;
    let cases = [
        (assertion(rs, &id, &endpoint, -400), 700_024),
        (assertion(rs, "someone", &endpoint, 600), 700_021),
        (assertion(rs, &id, "https://x.example/a/b/c/d", 600), 700_023),
        ("a.b.c".to_owned(), 50_027),
    ];
    for (assertion, code) in cases {
        let (status, body) = post(&cloud, path, &form(&assertion)).await;
        assert_eq!((status, &body["error_codes"][0]), (401, &json!(code)), "{body}");
    }
    let stranger = Header::new(rs);
    let claims = json!({"aud": endpoint, "iss": id, "sub": id, "exp": wall_clock() + 60});
    let unknown = jsonwebtoken::encode(&stranger, &claims, &key).unwrap();
    assert_eq!(post(&cloud, path, &form(&unknown)).await.1["error_codes"][0], 700_027);
}
