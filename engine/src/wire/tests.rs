//! What the tests of the adapters share, and tests of the configuration.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::guid::Guid;
use crate::ports::{Directory as _, Entra as _, ObjectGuid};

/// A runtime as a program would have one.
pub(super) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// A configuration in which every service lives at `url`.
pub(super) fn config(url: &str) -> WireConfig {
    WireConfig {
        tenant: "contoso.lab".to_owned(),
        login_url: url.to_owned(),
        graph_url: url.to_owned(),
        exchange_url: url.to_owned(),
        client_id: "11111111-1111-1111-1111-111111111111".to_owned(),
        client_secret: Secret::new("do not tell"),
        ca_pem: None,
        agents: Vec::new(),
        base_dn: "DC=contoso,DC=lab".to_owned(),
        request_timeout: Duration::from_secs(20),
    }
}

/// One agent's gateway.
pub(super) fn agent(name: &str, ldap_url: &str, password: &str) -> AgentGateway {
    AgentGateway {
        name: AgentName(name.to_owned()),
        ldap_url: ldap_url.to_owned(),
        bind_dn: "CN=agent".to_owned(),
        bind_password: Secret::new(password),
    }
}

/// A tenant behind a mock server that gives out the tokens `token1`, `token2`, ...
pub(super) struct Cloud {
    pub(super) runtime: Runtime,
    pub(super) server: MockServer,
    pub(super) wire: Wire,
}

impl Cloud {
    pub(super) fn new() -> Self {
        let runtime = runtime();
        let given = Mutex::new(0);
        let server = runtime.block_on(async {
            let server = MockServer::start().await;
            Mock::given(method("POST"))
                .and(path("/contoso.lab/oauth2/v2.0/token"))
                .respond_with(move |_: &wiremock::Request| {
                    let mut given = given.lock().unwrap();
                    *given += 1;
                    ResponseTemplate::new(200).set_body_json(json!({"token_type": "Bearer",
                        "expires_in": 3599, "access_token": format!("token{given}")}))
                })
                .mount(&server)
                .await;
            server
        });
        let wire = Wire::new(config(&server.uri()), runtime.handle().clone()).unwrap();
        Self { runtime, server, wire }
    }

    pub(super) fn mount(&self, mock: Mock) {
        self.runtime.block_on(mock.mount(&self.server));
    }

    /// Every request but those for tokens: its address with the query, its token and its body.
    pub(super) fn requests(&self) -> Vec<(String, String, Value)> {
        let requests = self.runtime.block_on(self.server.received_requests()).unwrap();
        requests
            .iter()
            .filter(|request| !request.url.path().ends_with("/token"))
            .map(|request| {
                let query = request.url.query().map(|query| format!("?{query}"));
                let token = request.headers.get("authorization").unwrap().to_str().unwrap();
                (
                    format!(
                        "{} {}{}",
                        request.method,
                        request.url.path(),
                        query.unwrap_or_default()
                    ),
                    token.trim_start_matches("Bearer ").to_owned(),
                    serde_json::from_slice(&request.body).unwrap_or_default(),
                )
            })
            .collect()
    }
}

/// A server that answers one request a connection: a token, or the next of `answers` byte by byte
/// as given. It keeps the bodies of the latter requests.
pub(super) struct RawServer {
    pub(super) url: String,
    pub(super) seen: Arc<Mutex<Vec<String>>>,
}

impl RawServer {
    pub(super) fn start(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut answers = answers.into_iter();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read_request(&mut stream);
                let answer = if request.contains("/oauth2/") {
                    let token = r#"{"expires_in":3599,"access_token":"token1"}"#;
                    Some(complete(200, "", token))
                } else {
                    keep.lock().unwrap().push(request);
                    answers.next()
                };
                let _ = stream.write_all(answer.unwrap_or_default().as_bytes());
            }
        });
        Self { url, seen }
    }
}

/// A complete answer; `headers` are lines that end in CR LF.
pub(super) fn complete(status: u16, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}",
        body.len()
    )
}

fn read_request(stream: &mut std::net::TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).unwrap();
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            if read == 0 {
                return text;
            }
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()
            })
            .unwrap_or(0);
        if read == 0 || body.len() >= length {
            return text;
        }
    }
}

/// What goes to a log must not hold the secrets.
#[test]
fn a_configuration_shows_no_secret() {
    let mut config = config("https://login.contoso.lab");
    config.agents.push(agent("AGENT1", "ldap://127.0.0.1:1", "hush"));
    let shown = format!("{config:?} {}", config.client_secret);
    assert!(!shown.contains("do not tell") && !shown.contains("hush"), "{shown}");
}

/// Mistakes in the configuration are found before anything is asked.
#[test]
fn unusable_values_are_refused() {
    let runtime = runtime();
    let refused = |change: fn(&mut WireConfig)| {
        let mut config = config("https://login.contoso.lab");
        change(&mut config);
        Wire::new(config, runtime.handle().clone()).err().unwrap()
    };
    assert!(matches!(refused(|c| c.graph_url = "graph".to_owned()), WireError::Url { .. }));
    assert!(matches!(refused(|c| c.login_url = "ftp://x".to_owned()), WireError::Url { .. }));
    assert!(matches!(refused(|c| c.tenant.clear()), WireError::Value { .. }));
    let no_certificate = refused(|c| c.ca_pem = Some(b"no certificate".to_vec()));
    assert!(matches!(no_certificate, WireError::Certificates(_)));
    let without_password = refused(|c| c.agents.push(agent("A", "ldap://127.0.0.1:1", "")));
    assert!(matches!(without_password, WireError::Value { .. }));
    let wrong_scheme = refused(|c| c.agents.push(agent("A", "http://127.0.0.1:1", "x")));
    assert!(matches!(wrong_scheme, WireError::Url { .. }));
}

/// A peer that takes the connection and says nothing must not hold the engine for ever.
#[test]
fn silence_is_a_timeout() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = silent.local_addr().unwrap();
    let runtime = runtime();
    let mut config = config(&format!("http://{at}"));
    config.agents.push(agent("A", &format!("ldap://{at}"), "x"));
    config.request_timeout = Duration::from_millis(50);
    let wire = Wire::new(config, runtime.handle().clone()).unwrap();
    let error = wire.entra().agents().unwrap_err();
    assert!(matches!(error, CallError::TimedOut { .. }), "{error}");
    let error = wire
        .directory()
        .read(&AgentName("A".to_owned()), &[ObjectGuid(Guid([0; 16]))], &[])
        .unwrap_err();
    assert!(matches!(error, CallError::TimedOut { .. }), "{error}");
}
