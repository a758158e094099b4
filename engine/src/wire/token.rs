//! Access tokens by the client credentials grant.
//!
//! Sources: RFC 6749 4.4; Microsoft identity platform and the OAuth 2.0 client credentials flow;
//! Microsoft Entra authentication and authorization error codes.

use std::time::{Duration, Instant};

use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde_json::Value;

use super::http::{self, Failure};
use super::secret::Secret;
use crate::ports::CallError;

/// How long before its end a token is no longer used, unless its whole life is short.
const MARGIN: Duration = Duration::from_mins(5);

/// Gets tokens for one resource and keeps the last one.
pub(super) struct TokenSource {
    client: reqwest::Client,
    url: Url,
    client_id: String,
    client_secret: Secret,
    scope: &'static str,
    held: Option<Held>,
}

struct Held {
    /// `Bearer` and the token, marked as sensitive.
    authorization: HeaderValue,
    renew_at: Instant,
}

impl TokenSource {
    pub(super) fn new(
        client: reqwest::Client,
        url: Url,
        client_id: String,
        client_secret: Secret,
        scope: &'static str,
    ) -> Self {
        Self { client, url, client_id, client_secret, scope, held: None }
    }

    /// The value of an `Authorization` header.
    pub(super) async fn authorization(&mut self) -> Result<HeaderValue, CallError> {
        if let Some(held) = &self.held
            && Instant::now() < held.renew_at
        {
            return Ok(held.authorization.clone());
        }
        let held = self.fetch().await?;
        let authorization = held.authorization.clone();
        self.held = Some(held);
        Ok(authorization)
    }

    /// The service did not take the token: the next one is fetched.
    pub(super) fn discard(&mut self) {
        self.held = None;
    }

    async fn fetch(&self) -> Result<Held, CallError> {
        let asked = Instant::now();
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(self.form());
        let answer = http::exchange(request).await.map_err(|failure| failure.error)?;
        let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
        match answer.status {
            200 => {}
            429 | 500..=599 => return Err(Failure::from_answer(&answer).error),
            status => return Err(refusal(status, body.as_ref())),
        }
        let malformed = |detail: &str| CallError::Malformed {
            detail: format!("answer of the token service: {detail}"),
        };
        let body = body.ok_or_else(|| malformed("not JSON"))?;
        let token = body["access_token"].as_str().ok_or_else(|| malformed("no access_token"))?;
        let life = seconds(&body["expires_in"]).ok_or_else(|| malformed("no expires_in"))?;
        let mut authorization = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| malformed("access_token is no header text"))?;
        authorization.set_sensitive(true);
        Ok(Held { authorization, renew_at: asked + (life - MARGIN.min(life / 2)) })
    }

    /// The body of the request, form-encoded.
    fn form(&self) -> String {
        let mut form = self.url.clone();
        form.query_pairs_mut()
            .clear()
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.client_id)
            .append_pair("client_secret", self.client_secret.reveal())
            .append_pair("scope", self.scope);
        form.query().unwrap_or_default().to_owned()
    }
}

/// `expires_in` is a number in v2.0 and a text in v1.0. Unreasonable numbers are capped at a day.
fn seconds(value: &Value) -> Option<Duration> {
    let seconds = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    Some(Duration::from_secs(seconds).min(Duration::from_hours(24)))
}

fn refusal(status: u16, body: Option<&Value>) -> CallError {
    let text = |name: &str| body.and_then(|body| body[name].as_str()).unwrap_or_default();
    let number = body.and_then(|body| body["error_codes"][0].as_u64());
    let code = match (number, text("error")) {
        (Some(number), _) => format!("AADSTS{number}"),
        (None, "") => status.to_string(),
        (None, error) => error.to_owned(),
    };
    CallError::Refused { code, detail: text("error_description").to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::Wire;
    use super::super::tests::{config, runtime};
    use crate::ports::{CallError, Entra};
    use serde_json::json;
    use wiremock::matchers::{body_string_contains, header, method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    /// One token serves many calls, and it is asked for as documented.
    #[test]
    fn a_token_is_kept_until_shortly_before_its_end() {
        let runtime = runtime();
        let server = runtime.block_on(async {
            let server = MockServer::start().await;
            Mock::given(method("POST"))
                .and(path("/contoso.lab/oauth2/v2.0/token"))
                .and(body_string_contains("grant_type=client_credentials"))
                .and(body_string_contains("client_secret=do+not+tell"))
                .and(body_string_contains("scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"))
                .respond_with(ResponseTemplate::new(200).set_body_json(
                    json!({"token_type":"Bearer","expires_in":"3599","access_token":"abc"}),
                ))
                .expect(1)
                .mount(&server)
                .await;
            Mock::given(method("GET"))
                .and(header("authorization", "Bearer abc"))
                .respond_with(
                    ResponseTemplate::new(200)
                        .set_body_json(json!({"value":[{"onPremisesSyncEnabled":true}]})),
                )
                .expect(3)
                .mount(&server)
                .await;
            server
        });
        let wire = Wire::new(config(&server.uri()), runtime.handle().clone()).unwrap();
        let mut entra = wire.entra();
        for _ in 0..3 {
            assert!(entra.sync_configuration().unwrap().enabled);
        }
        runtime.block_on(server.verify());
    }

    /// A refused secret must come up as a refusal with the service's code.
    #[test]
    fn refusals_carry_the_code_of_the_token_service() {
        let runtime = runtime();
        let server = runtime.block_on(async {
            let server = MockServer::start().await;
            let body = json!({"error":"invalid_client","error_codes":[7_000_215],
                "error_description":"AADSTS7000215: Invalid client secret provided."});
            Mock::given(method("POST"))
                .respond_with(ResponseTemplate::new(401).set_body_json(body))
                .expect(1)
                .mount(&server)
                .await;
            server
        });
        let wire = Wire::new(config(&server.uri()), runtime.handle().clone()).unwrap();
        let error = wire.entra().agents().unwrap_err();
        let CallError::Refused { code, detail } = error else { panic!("{error}") };
        assert_eq!(code, "AADSTS7000215");
        assert!(detail.contains("Invalid client secret"));
        runtime.block_on(server.verify());
    }

    /// It throttles, fails and speaks nonsense as every service does.
    #[test]
    fn every_answer_of_the_token_service_has_its_meaning() {
        let asked = |answer: ResponseTemplate| {
            let runtime = runtime();
            let server = runtime.block_on(async {
                let server = MockServer::start().await;
                Mock::given(method("POST")).respond_with(answer).expect(1).mount(&server).await;
                server
            });
            let wire = Wire::new(config(&server.uri()), runtime.handle().clone()).unwrap();
            let error = wire.entra().agents().unwrap_err();
            runtime.block_on(server.verify());
            error
        };
        let status = ResponseTemplate::new;
        let after = |seconds: u64| CallError::Throttled {
            retry_after: Some(std::time::Duration::from_secs(seconds)),
        };
        assert_eq!(asked(status(429).insert_header("Retry-After", "7")), after(7));
        assert_eq!(asked(status(429)), CallError::Throttled { retry_after: None });
        assert_eq!(asked(status(503).insert_header("Retry-After", "9")), after(9));
        for code in [500, 502, 504] {
            let error = asked(status(code));
            assert!(matches!(error, CallError::ServiceFailure { .. }), "{code}: {error}");
        }
        for body in
            ["{\"access_token\":", "[]", "{\"expires_in\":3599}", "{\"access_token\":\"a\"}"]
        {
            let error = asked(status(200).set_body_string(body));
            assert!(matches!(error, CallError::Malformed { .. }), "{body}: {error}");
        }
        // What is not known in an answer is no reason to refuse it: the next request is made.
        let more = json!({"expires_in": 3599, "access_token": "a", "foci": "1", "ext": {"x": []}});
        let error = asked(status(200).set_body_json(more));
        assert!(!matches!(error, CallError::Refused { .. }), "{error}");
    }

    /// One that does not answer in time is no refusal.
    #[test]
    fn a_slow_token_service_is_a_timeout() {
        let runtime = runtime();
        let server = runtime.block_on(async {
            let server = MockServer::start().await;
            let late = ResponseTemplate::new(200)
                .set_body_json(json!({"expires_in": 3599, "access_token": "a"}))
                .set_delay(std::time::Duration::from_millis(600));
            Mock::given(method("POST")).respond_with(late).mount(&server).await;
            server
        });
        let mut config = config(&server.uri());
        config.request_timeout = std::time::Duration::from_millis(200);
        let wire = Wire::new(config, runtime.handle().clone()).unwrap();
        let error = wire.entra().agents().unwrap_err();
        assert!(matches!(error, CallError::TimedOut { .. }), "{error}");
    }

    /// A body that ends before its end is no token.
    #[test]
    fn a_cut_body_of_the_token_service_is_no_token() {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 4096]);
                let cut = "HTTP/1.1 200 X\r\ncontent-length: 90\r\n\r\n{\"expires_in\":3599,";
                let _ = stream.write_all(cut.as_bytes());
            }
        });
        let runtime = runtime();
        let wire = Wire::new(config(&url), runtime.handle().clone()).unwrap();
        let error = wire.entra().agents().unwrap_err();
        assert!(matches!(error, CallError::Unreachable { .. }), "{error}");
    }
}
