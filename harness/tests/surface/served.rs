//! A running `hybridsim serve`, and what a witness needs to call it.

use std::collections::BTreeMap;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use sim::estate::Estate;
use sim::wire::identity::Applications;
use sim::wire::server::{CloudOptions, CloudServer};
use sim::wire::shared::SharedEstate;
use sim::wire::tls::Authority;

use super::call::{Body, Call, Who};
use super::program::{Program, client};

/// The estate that is served, ended when dropped.
pub(crate) struct Served {
    _running: Running,
    pub(crate) ready: Value,
    client: Client,
    /// What `<name>` stands for in a call.
    pub(crate) names: BTreeMap<String, String>,
    tokens: BTreeMap<String, String>,
    /// What did not come out as it had to: all of it is told at once.
    pub(crate) problems: Vec<String>,
}

/// What ends with it.
enum Running {
    /// A program of its own.
    Program(#[expect(dead_code, reason = "it ends with it")] Program),
    /// Servers of this process.
    Server(#[expect(dead_code, reason = "it ends with it")] CloudServer),
}

impl Served {
    /// Starts it and waits for its ready file.
    pub(crate) fn start(options: &[&str]) -> Self {
        let program = Program::serve(&[&["--clock", "manual"], options].concat());
        let (ready, client) = (program.ready.clone(), program.client.clone());
        Self::of(Running::Program(program), ready, client)
    }

    /// The cloud of an estate that a test was given itself, for what no population brings.
    pub(crate) async fn of_estate(estate: Estate) -> Self {
        let tenant = estate.entra.tenant.to_string();
        let authority = Authority::new(&["localhost"]).expect("a certificate");
        let applications = Applications::standard(1);
        let own = |name: &str| {
            let application = applications.named(name).expect("an application");
            json!({"id": application.client_id.to_string(), "secret": application.secret})
        };
        let all = own("hybridsim");
        let clients = json!({"reader": own("reader"), "unprivileged": own("unprivileged"),
            "unassigned": own("unassigned")});
        let shared = SharedEstate::new(estate);
        let options = CloudOptions::default();
        let server = CloudServer::start(shared, applications, &authority, options).await;
        let server = server.expect("it listens");
        let login = format!("https://localhost:{}", server.address().port());
        let ready = json!({"login": login, "tenant_id": tenant, "client_id": all["id"],
            "client_secret": all["secret"], "clients": clients});
        Self::of(Running::Server(server), ready, client(authority.ca_pem().as_bytes()))
    }

    fn of(running: Running, ready: Value, client: Client) -> Self {
        let names = names(&ready);
        Self {
            _running: running,
            ready,
            client,
            names,
            tokens: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    /// A text of the ready file.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.ready[key].as_str().unwrap_or_else(|| panic!("`{key}` is text"))
    }

    /// A text with every `<name>` replaced.
    pub(crate) fn filled(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for (name, value) in &self.names {
            filled = filled.replace(&format!("<{name}>"), value);
        }
        filled
    }

    /// A token for whoever calls, cached.
    async fn token(&mut self, who: Who, resource: &str) -> Option<String> {
        let (form, key) = match who {
            Who::Nobody => return None,
            Who::Client(name) => {
                let client = &self.ready["clients"][name];
                let (id, secret) = if name == "hybridsim" {
                    (&self.ready["client_id"], &self.ready["client_secret"])
                } else {
                    (&client["id"], &client["secret"])
                };
                let text = |value: &Value| value.as_str().expect("text").to_owned();
                (
                    format!(
                        "grant_type=client_credentials&client_id={}&client_secret={}&scope=https%3A%2F%2F{resource}%2F.default",
                        text(id),
                        text(secret)
                    ),
                    format!("{name} {resource}"),
                )
            }
            Who::User => (
                self.filled(
                    "grant_type=password&client_id=<client_id>&client_secret=<client_secret>&username=<upn>&password=<password>&scope=User.Read",
                ),
                format!("user {resource}"),
            ),
        };
        if let Some(token) = self.tokens.get(&key) {
            return Some(token.clone());
        }
        let url = self.filled("<login>/<tenant>/oauth2/v2.0/token");
        let request = self.client.post(url).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
        let token = answer["access_token"].as_str();
        let token = token.unwrap_or_else(|| panic!("no token for {key}: {answer}")).to_owned();
        self.tokens.insert(key, token.clone());
        Some(token)
    }

    /// Makes a call. What the call is to keep of the answer gets its name.
    pub(crate) async fn send(&mut self, call: &Call) -> Answer {
        let target = self.filled(&call.target);
        let exchange = target.to_ascii_lowercase().contains("/adminapi");
        let resource = if exchange {
            "outlook.office365.com"
        } else if target.contains("api-version=2022") {
            "management.azure.com"
        } else {
            "graph.microsoft.com"
        };
        let url = if target.starts_with("http") {
            target
        } else {
            format!("{}{target}", self.text("login"))
        };
        let method = Method::from_bytes(call.method.as_bytes()).expect("a method");
        let mut request = self.client.request(method, &url);
        if let Some(token) = self.token(call.who, resource).await {
            request = request.bearer_auth(token);
        }
        for (name, value) in &call.headers {
            request = request.header(*name, *value);
        }
        request = match &call.body {
            Body::None => request,
            Body::Json(value) => request
                .header("content-type", "application/json")
                .body(self.filled(&value.to_string())),
            Body::Text(text) => {
                request.header("content-type", "application/json").body(self.filled(text))
            }
            Body::Form(text) => request
                .header("content-type", "application/x-www-form-urlencoded")
                .body(self.filled(text)),
        };
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let text = String::from_utf8_lossy(&response.bytes().await.expect("a body")).into_owned();
        let json: Value = serde_json::from_str(&text).unwrap_or_default();
        for (name, pointer) in &call.keep {
            let Some(found) = json.pointer(pointer) else {
                self.problems.push(format!("{url}: nothing at {pointer}: {status} {text}"));
                continue;
            };
            let found = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
            self.names.insert((*name).to_owned(), found);
        }
        Answer { status, text, json }
    }

    /// Fails with all that did not come out as it had to.
    #[track_caller]
    pub(crate) fn settle(&self) {
        assert!(self.problems.is_empty(), "\n{}", self.problems.join("\n"));
    }

    /// Makes a call that has to come out as it says.
    pub(crate) async fn expect(&mut self, call: &Call) -> Answer {
        let answer = self.send(call).await;
        let body = match &call.body {
            Body::Json(value) => value.to_string(),
            _ => String::new(),
        };
        let (status, text) = (answer.status, &answer.text);
        let about = format!("{} {} {body}: {status} {text}", call.method, call.target);
        let says = call.says.map(|says| self.filled(says));
        if status != call.status {
            self.problems.push(format!("expected {}: {about}", call.status));
        } else if let Some(says) = says.filter(|says| !text.contains(says)) {
            self.problems.push(format!("it does not say `{says}`: {about}"));
        }
        answer
    }
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Answer {
    /// The status, with the service's own code where there is one.
    pub(crate) fn shown(&self) -> String {
        let said = &self.json["error"];
        let code = said["code"].as_str().map(str::to_owned).or_else(|| {
            let number = self.json["error_codes"][0].as_u64()?;
            Some(format!("AADSTS{number}"))
        });
        // The class of the exception says more than the code beside it.
        let class = said["details"][0]["message"].as_str().and_then(|m| m.split('|').nth(1));
        let class = class.and_then(|class| class.rsplit('.').next());
        match class.map(str::to_owned).or(code) {
            Some(code) => format!("{} `{code}`", self.status),
            None => self.status.to_string(),
        }
    }
}

fn names(ready: &Value) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    let mut put = |name: &str, value: &Value| {
        if let Some(text) = value.as_str() {
            names.insert(name.to_owned(), text.to_owned());
        }
    };
    for key in ["login", "control", "domain", "client_id", "client_secret", "base_dn"] {
        put(key, &ready[key]);
    }
    put("tenant", &ready["tenant_id"]);
    put("password", &ready["accounts"]["password"]);
    put("sp", &ready["job"]["service_principal_id"]);
    put("job", &ready["job"]["job_id"]);
    put("rule", &ready["job"]["rule_id"]);
    for (place, suffix) in ["", "2", "3"].iter().enumerate() {
        let user = &ready["users"][place];
        put(&format!("user{suffix}"), &user["id"]);
        put(&format!("upn{suffix}"), &user["upn"]);
        put(&format!("dn{suffix}"), &user["dn"]);
    }
    names
}
