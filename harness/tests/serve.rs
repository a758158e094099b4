//! `hybridsim serve` from outside: started as a program, used over HTTPS, LDAP and the control API as
//! programs would, ended by a signal.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    reason = "a process of its own is waited for in real time; helpers of tests may panic"
)]

mod program;

use std::fs;
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use ldap3::{LdapConnAsync, Scope, SearchEntry};
use reqwest::{Certificate, Client, Method};
use serde_json::{Value, json};

use program::{PATIENCE, Program};

/// A running `hybridsim serve` and what a program asks of it.
struct Served(Program);

impl Deref for Served {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.0
    }
}

impl Served {
    fn start(options: &[&str]) -> Self {
        Self(Program::serve(options))
    }

    /// Status and JSON body.
    async fn call(&self, method: Method, url: &str, body: Option<&Value>) -> (u16, Value) {
        let mut request = self.client.request(method, url);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, response.json().await.expect("JSON"))
    }

    async fn control(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let url = format!("{}{path}", self.text("control"));
        self.call(method, &url, body).await
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.control(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn post(&self, path: &str, body: Option<&Value>) -> Value {
        let (status, body) = self.control(Method::POST, path, body).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// A token for Exchange Online; from the plain HTTP port when `base` says so.
    async fn token(&self, base: &str, id: &str, secret: &str) -> String {
        self.token_for("outlook.office365.com", base, id, secret).await
    }

    async fn token_for(&self, resource: &str, base: &str, id: &str, secret: &str) -> String {
        let url = format!("{base}/{}/oauth2/v2.0/token", self.text("tenant_id"));
        let form = format!(
            "grant_type=client_credentials&client_id={id}&client_secret={secret}\
             &scope=https%3A%2F%2F{resource}%2F.default"
        );
        let request = self.client.post(url).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
        answer["access_token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned()
    }

    async fn cmdlet(&self, token: &str, name: &str, parameters: Value) -> (u16, Value) {
        let tenant = self.text("tenant_id");
        let url = format!("{}/adminapi/beta/{tenant}/InvokeCommand", self.text("exchange"));
        let body = json!({"CmdletInput": {"CmdletName": name, "Parameters": parameters}});
        let request = self.client.post(url).bearer_auth(token).json(&body);
        let response = request.send().await.expect("an answer");
        (response.status().as_u16(), response.json().await.unwrap_or(Value::Null))
    }

    /// The values of an attribute, by LDAP.
    async fn ldap(&self, url: &str, bind: (&str, &str), dn: &str, attribute: &str) -> Vec<String> {
        let (connection, mut ldap) = LdapConnAsync::new(url).await.expect("a connection");
        tokio::spawn(connection.drive());
        ldap.simple_bind(bind.0, bind.1).await.expect("an answer").success().expect("bound");
        let filter = "(objectClass=user)";
        let found = ldap.search(dn, Scope::Base, filter, vec![attribute]).await.expect("an answer");
        let (mut entries, _) = found.success().expect("found");
        let mut entry = SearchEntry::construct(entries.remove(0));
        ldap.unbind().await.expect("sent");
        entry.attrs.remove(attribute).unwrap_or_default()
    }

    /// Sends a signal and waits for the end, which leaves no file behind: exit code, and what it printed.
    fn end(mut self, signal: &str) -> (Option<i32>, String) {
        let (status, printed) = self.0.end(signal);
        let left: Vec<PathBuf> =
            fs::read_dir(self.folder()).expect("ours").map(|e| e.expect("ours").path()).collect();
        assert!(left.is_empty(), "{left:?}");
        (status.code(), printed)
    }
}

/// The whole way of a program: token, read, flip, edit, cycle, and the value in AD.
#[tokio::test]
async fn an_edit_in_the_cloud_reaches_ad_and_the_judge_is_content() {
    let served = Served::start(&["--clock", "manual", "--mailboxes", "20"]);
    let mode = fs::metadata(served.path("ready.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let user = &served.ready["users"][0];
    let (upn, dn) = (user["upn"].as_str().unwrap(), user["dn"].as_str().unwrap());
    let (id, secret) = (served.text("client_id"), served.text("client_secret"));
    let token = served.token(served.text("login"), id, secret).await;
    let (status, found) = served.cmdlet(&token, "Get-Mailbox", json!({"Identity": upn})).await;
    assert_eq!(status, 200, "{found}");
    assert_eq!(found["value"][0]["IsExchangeCloudManaged"], false);
    assert_eq!(served.get(&format!("/mailboxes/{upn}")).await["authority"], "on-premises");
    let flip = json!({"Identity": upn, "IsExchangeCloudManaged": true});
    let edit = json!({"Identity": upn, "CustomAttribute7": "from the cloud"});
    for parameters in [flip, edit] {
        let (status, body) = served.cmdlet(&token, "Set-Mailbox", parameters).await;
        assert_eq!(status, 200, "{body}");
    }
    assert_eq!(served.get("/verdict").await["verdict"], "fail", "AD does not say so yet");
    let cycle = served.post("/cycles/writeback", None).await;
    assert_eq!((&cycle["written"], &cycle["failed"]), (&json!(1), &json!(0)), "{cycle}");
    assert!(cycle["virtual_seconds"].as_f64().unwrap() > 0.0, "by hand, work costs virtual time");

    let mailbox = served.get(&format!("/mailboxes/{upn}")).await;
    assert_eq!(mailbox["authority"], "cloud");
    assert_eq!(mailbox["ad"]["extensionAttribute7"], "from the cloud");
    assert_eq!(mailbox["exchange"]["CustomAttribute7"], "from the cloud");
    assert_eq!(mailbox["last_writers"]["ad.extensionAttribute7"]["activity"], "writeback");
    let judgement = served.get("/verdict").await;
    assert_eq!((&judgement["verdict"], &judgement["findings"]), (&json!("pass"), &json!([])));
    let administrator = (served.text("bind_dn"), served.text("bind_password"));
    let agent = (served.text("agent_bind_dn"), served.text("agent_bind_password"));
    let gateway = served.ready["agents"][0]["ldap"].as_str().unwrap();
    for (url, bind) in [(served.text("ldap"), administrator), (gateway, agent)] {
        let values = served.ldap(url, bind, dn, "extensionAttribute7").await;
        assert_eq!(values, ["from the cloud"], "{url}");
    }

    let secrets = [secret.to_owned(), served.text("bind_password").to_owned()];
    let control = served.text("control").to_owned();
    let (code, printed) = served.end("TERM");
    assert_eq!(code, Some(0));
    assert!(printed.contains(&control), "{printed}");
    assert!(secrets.iter().all(|secret| !printed.contains(secret)), "{printed}");
}

/// Faults, time and snapshots, and what calls are refused with.
#[tokio::test]
async fn the_control_api_does_what_it_says_and_refuses_the_rest() {
    let served = Served::start(&["--clock", "manual", "--mailboxes", "5"]);
    assert_eq!(served.get("/clock").await["now"], "2026-09-01T08:00:00Z");
    let kept = served.post("/snapshot", None).await["id"].clone();

    let offline = json!({"agent_offline": {"agent": "agent1", "for": "2h"}});
    let declared = served.post("/faults", Some(&offline)).await;
    assert_eq!((&declared["fault"], &declared["active"]), (&offline, &json!(true)));
    assert_eq!(served.get("/verdict").await["verdict"], "unknown", "it was never hit");
    let cycle = served.post("/cycles/writeback", None).await;
    assert!(cycle["error"].as_str().unwrap().contains("NoActiveAgents"), "{cycle}");
    let listed = served.get("/faults").await;
    assert!(listed[0]["hits"].as_u64().unwrap() > 0, "{listed}");
    let path = format!("/faults/{}", declared["id"]);
    let (status, ended) = served.control(Method::DELETE, &path, None).await;
    assert_eq!((status, &ended["active"]), (200, &json!(false)));
    assert_eq!(served.control(Method::DELETE, &path, None).await.0, 404);
    assert_eq!(served.get("/faults").await, json!([]));

    let later = served.post("/clock/advance", Some(&json!({"by": "3h"}))).await;
    assert!(later["now"].as_str().unwrap() >= "2026-09-01T11:00:00", "{later}");
    assert!(served.post("/cycles/connect", None).await["virtual_seconds"].as_f64().unwrap() > 0.0);
    served.post(&format!("/restore/{kept}"), None).await;
    assert_eq!(served.get("/clock").await["now"], "2026-09-01T08:00:00Z");
    assert_eq!(served.get("/verdict").await["verdict"], "pass");
    for _ in 1..8 {
        served.post("/snapshot", None).await;
    }

    let typo = json!({"agent_offline": {"agent": "agnet1"}});
    for (method, path, body, status, said) in [
        (Method::POST, "/faults", Some(&typo), 400, "did you mean `agent1`"),
        (Method::POST, "/clock/advance", Some(&json!({"by": "soon"})), 400, "length of time"),
        (Method::POST, "/clock/advance", Some(&json!({"to": "20m"})), 400, "unknown field"),
        (Method::POST, "/snapshot", None, 409, "8 snapshots"),
        (Method::POST, "/restore/99", None, 404, "snapshot 99"),
        (Method::POST, "/restore/first", None, 404, "snapshot `first`"),
        (Method::GET, "/mailboxes/nobody@contoso.com", None, 404, "nobody@contoso.com"),
        (Method::GET, "/nothing", None, 404, "nothing here"),
        (Method::PUT, "/clock", None, 405, "method"),
    ] {
        let (answered, body) = served.control(method, path, body).await;
        let error = body["error"].as_str().unwrap_or_default();
        assert_eq!(answered, status, "{path}: {body}");
        assert!(error.contains(said), "{path}: {error}");
    }
    assert_eq!(served.end("INT").0, Some(0));
}

/// Without the engine, programs that bring their own find the job's record and nobody at work; with
/// a running clock, time passes by itself; over plain HTTP, tokens are asked for as over TLS.
#[tokio::test]
async fn reads_are_logged_and_content_is_exported() {
    let served = Served::start(&["--clock", "manual", "--mailboxes", "5", "--no-engine"]);
    assert_eq!(served.get("/reads").await, json!([]), "nobody has read yet");
    let base = served.text("base_dn").to_owned();
    let bind = (served.text("bind_dn"), served.text("bind_password"));
    let (connection, mut ldap) = LdapConnAsync::new(served.text("ldap")).await.unwrap();
    tokio::spawn(connection.drive());
    ldap.simple_bind(bind.0, bind.1).await.unwrap().success().unwrap();
    let asked =
        ldap.search(&base, Scope::Subtree, "(mail=*)", vec!["mail", "proxyAddresses"]).await;
    let (people, _) = asked.unwrap().success().unwrap();
    assert_eq!(people.len(), 5);
    ldap.unbind().await.unwrap();
    let reads = served.get("/reads").await;
    let reader = &reads[0];
    assert_eq!(reader["identity"], "CORP\\Administrator", "{reads}");
    assert_eq!((&reader["address"], &reader["searches"]), (&json!("127.0.0.1"), &json!(1)));
    let mail = &reader["attributes"][0];
    assert_eq!(
        (&mail["name"], &mail["tested"], &mail["objects"]),
        (&json!("mail"), &json!(1), &json!(5))
    );
    assert_eq!(mail["examples"].as_array().map(Vec::len), Some(5));
    let url = |query: &str| format!("{}/ldif{query}", served.text("control"));
    let whole = served.client.get(url("")).send().await.unwrap().text().await.unwrap();
    assert!(whole.starts_with("version: 1\n\ndn: DC="), "{whole}");
    let operations = sim::directory::ldif::operations(&whole).expect("LDIF");
    let records = whole.lines().filter(|line| line.starts_with("dn:")).count();
    assert_eq!(operations.len(), records, "every record is read back");
    let mine = whole.matches("\nmail: ").count();
    assert_eq!(mine, 5, "the people are among them");
    let named = served.client.get(url("?attributes=cn&style=ldifde")).send().await.unwrap();
    let named = named.text().await.unwrap();
    assert!(named.contains("changetype: add\ncn: ") && !named.contains("mail"), "{named}");
    for (query, what) in [("?base=DC=nowhere", "base"), ("?attributes=nonsense", "nonsense")] {
        let refusal = served.client.get(url(query)).send().await.unwrap();
        assert_eq!(refusal.status().as_u16(), 400);
        assert!(refusal.text().await.unwrap().contains(what));
    }
}

#[tokio::test]
async fn a_running_clock_without_an_engine_over_plain_http() {
    let served = Served::start(&[
        "--clock",
        "x3600",
        "--no-engine",
        "--http",
        "--tenant-domain",
        "fabrikam.de",
    ]);
    assert_eq!(served.text("domain"), "fabrikam.de");
    assert!(served.ready["job"]["job_id"].as_str().unwrap().contains("AttributeWriteback"));
    let (status, body) = served.control(Method::POST, "/cycles/writeback", None).await;
    assert_eq!(status, 409);
    assert!(body["error"].as_str().unwrap().contains("--no-engine"), "{body}");
    let crash = json!({"engine_crash": {"at": "directory.modify"}});
    assert_eq!(served.control(Method::POST, "/faults", Some(&crash)).await.0, 409);
    let until = Instant::now() + PATIENCE;
    while served.get("/clock").await["now"].as_str().unwrap() < "2026-09-01T08:10:00" {
        assert!(Instant::now() < until, "time does not pass");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let reader = &served.ready["clients"]["reader"];
    let (id, secret) = (reader["id"].as_str().unwrap(), reader["secret"].as_str().unwrap());
    let token = served.token(served.text("http"), id, secret).await;
    let upn = served.ready["users"][1]["upn"].as_str().unwrap();
    let flip = json!({"Identity": upn, "IsExchangeCloudManaged": true});
    assert_eq!(served.cmdlet(&token, "Set-Mailbox", flip).await.0, 403, "a reader may not");
    assert_eq!(served.end("TERM").0, Some(0));
}

/// An engine in a process of its own tells nobody what it is doing. What it sets in Exchange Online tells
/// the judge: the flag is a transfer, a value a restore, and neither is writeback out of its bounds.
#[tokio::test]
async fn the_judge_knows_a_transfer_of_an_engine_on_its_own() {
    let served = Served::start(&["--mailboxes", "5", "--clock", "manual", "--no-engine"]);
    let engine = &served.ready["clients"]["engine"];
    let (id, secret) = (engine["id"].as_str().unwrap(), engine["secret"].as_str().unwrap());
    let token = served.token(served.text("exchange"), id, secret).await;
    let upn = served.ready["users"][0]["upn"].as_str().unwrap();
    let flip = json!({"Identity": upn, "IsExchangeCloudManaged": true});
    assert_eq!(served.cmdlet(&token, "Set-Mailbox", flip).await.0, 200);
    let value = json!({"Identity": upn, "CustomAttribute1": "from a backup"});
    assert_eq!(served.cmdlet(&token, "Set-Mailbox", value).await.0, 200);
    let writers = &served.get(&format!("/mailboxes/{upn}")).await["last_writers"];
    assert!(writers.to_string().contains("restore"), "{writers:#}");
    let verdict = served.get("/verdict").await;
    // No cycle came yet: that AD is behind is all that there is to say.
    let oracles: Vec<&Value> =
        verdict["findings"].as_array().unwrap().iter().map(|found| &found["oracle"]).collect();
    assert!(oracles.iter().all(|oracle| *oracle == "convergence"), "{verdict:#}");
}

/// Graph drives the real engine: one user on demand with its steps, and the job's life.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn graph_drives_the_engine() {
    let served = Served::start(&["--mailboxes", "5", "--clock", "manual"]);
    let base = served.text("exchange").to_owned();
    let (id, secret) = (served.text("client_id"), served.text("client_secret"));
    let exchange = served.token(&base, id, secret).await;
    let user = &served.ready["users"][0];
    let (upn, dn) = (user["upn"].as_str().unwrap(), user["dn"].as_str().unwrap());
    let set =
        json!({"Identity": upn, "IsExchangeCloudManaged": true, "CustomAttribute3": "demand"});
    assert_eq!(served.cmdlet(&exchange, "Set-Mailbox", set).await.0, 200);
    let token = served.token_for("graph.microsoft.com", &base, id, secret).await;
    let job = &served.ready["job"];
    let text = |key: &str| job[key].as_str().expect("text").to_owned();
    let (principal, job_id, rule) = (text("service_principal_id"), text("job_id"), text("rule_id"));
    let jobs = format!("{base}/v1.0/servicePrincipals/{principal}/synchronization/jobs");
    let call = async |method: Method, path: &str, body: Value| {
        let url = format!("{jobs}/{job_id}{path}");
        let request = served.client.request(method, url).bearer_auth(&token).json(&body);
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap_or_default())
    };
    let subject = |id: &str| {
        json!({"parameters": [{"ruleId": rule, "subjects":
            [{"objectId": format!("User_{id}"), "objectTypeName": "User"}]}]})
    };
    let demand = async |user: &Value| {
        let id = user["id"].as_str().expect("an id").to_owned();
        let (status, body) = call(Method::POST, "/provisionOnDemand", subject(&id)).await;
        assert_eq!(status, 200, "{body}");
        let inner = |key: &str| -> Value {
            serde_json::from_str(body[key].as_str().expect("JSON in text")).expect("JSON")
        };
        (inner("key"), inner("value"))
    };
    let (key, value) = demand(user).await;
    assert_eq!(key["result"], "Success", "{value}");
    let steps: Vec<&str> = value["provisioningSteps"]
        .as_array()
        .expect("steps")
        .iter()
        .map(|step| step["type"].as_str().expect("text"))
        .collect();
    assert_eq!(steps, ["Import", "Matching", "Scoping", "Export"]);
    let bind = (served.text("bind_dn"), served.text("bind_password"));
    let values = served.ldap(served.text("ldap"), bind, dn, "extensionAttribute3").await;
    assert_eq!(values, ["demand"]);
    let (key, _) = demand(&served.ready["users"][1]).await;
    assert_eq!(
        (&key["result"], &key["details"]["errorCode"]),
        (&json!("Skipped"), &json!("NotInScope"))
    );

    assert_eq!(call(Method::POST, "/pause", json!({})).await.0, 204);
    served.post("/clock/advance", Some(&json!({"by": "1s"}))).await;
    assert_eq!(call(Method::GET, "", json!({})).await.1["status"]["code"], "Paused");
    let (status, schema) = call(Method::GET, "/schema", json!({})).await;
    assert_eq!(status, 200);
    let flows = &schema["synchronizationRules"][0]["objectMappings"][0]["attributeMappings"];
    assert_eq!(flows.as_array().expect("mappings").len(), 24);
    assert_eq!(call(Method::PUT, "/schema", schema.clone()).await.0, 204);
    let restart = json!({"criteria": {"resetScope": "Watermark, Escrows, QuarantineState"}});
    assert_eq!(call(Method::POST, "/restart", restart).await.0, 204);
    assert_eq!(call(Method::POST, "/start", json!({})).await.0, 204);
    served.post("/clock/advance", Some(&json!({"by": "5m"}))).await;
    let shown = call(Method::GET, "", json!({})).await.1;
    assert_eq!(shown["status"]["lastExecution"]["state"], "Succeeded", "{shown}");
    assert_eq!(served.get("/verdict").await["findings"], json!([]));
}

/// The documented order of setting the job up: a configuration out of the template, its job, schema and domain,
/// then the start. The engine works for it as soon as the one that was there is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_configuration_is_set_up_and_runs() {
    let served = Served::start(&["--mailboxes", "3", "--clock", "manual"]);
    let base = served.text("exchange").to_owned();
    let (id, secret) = (served.text("client_id"), served.text("client_secret"));
    let token = served.token_for("graph.microsoft.com", &base, id, secret).await;
    let call = async |method: Method, path: &str, body: Value| {
        let url = format!("{base}/v1.0{path}");
        let request = served.client.request(method, url).bearer_auth(&token).json(&body);
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap_or_default())
    };
    let template = "/applicationTemplates/3b99513e-0cee-4291-aea8-84356239fb82/instantiate";
    let name = json!({"displayName": "corp.contoso.com"});
    let (status, made) = call(Method::POST, template, name).await;
    assert_eq!(status, 201, "{made}");
    let principal = made["servicePrincipal"]["id"].as_str().expect("an id");
    let sync = format!("/servicePrincipals/{principal}/synchronization");
    let wanted = json!({"templateId": "Entra2ADExchangeOnlineAttributeWriteback"});
    let (status, job) = call(Method::POST, &format!("{sync}/jobs"), wanted).await;
    assert_eq!((status, &job["schedule"]["state"]), (201, &json!("Disabled")), "{job}");
    let one = format!("{sync}/jobs/{}", job["id"].as_str().expect("an id"));
    let (_, schema) = call(Method::GET, &format!("{one}/schema"), json!({})).await;
    assert_eq!(call(Method::PUT, &format!("{one}/schema"), schema).await.0, 204);
    let domain = json!({"domain": "corp.contoso.com"}).to_string();
    let secrets = json!({"value": [{"key": "Domain", "value": domain}]});
    assert_eq!(call(Method::PUT, &format!("{sync}/secrets"), secrets).await.0, 204);
    let (status, refused) = call(Method::POST, &format!("{one}/start"), json!({})).await;
    assert_eq!(status, 409, "another job writes to the domain: {refused}");
    let other = &served.ready["job"]["service_principal_id"].as_str().expect("an id");
    let gone = format!("/servicePrincipals/{other}");
    assert_eq!(call(Method::DELETE, &gone, json!({})).await.0, 204);
    assert_eq!(call(Method::POST, &format!("{one}/start"), json!({})).await.0, 204);

    let exchange = served.token(&base, id, secret).await;
    let user = &served.ready["users"][0];
    let (upn, dn) = (user["upn"].as_str().expect("a name"), user["dn"].as_str().expect("a name"));
    let set =
        json!({"Identity": upn, "IsExchangeCloudManaged": true, "CustomAttribute3": "new job"});
    assert_eq!(served.cmdlet(&exchange, "Set-Mailbox", set).await.0, 200);
    served.post("/clock/advance", Some(&json!({"by": "45m"}))).await;
    let bind = (served.text("bind_dn"), served.text("bind_password"));
    let values = served.ldap(served.text("ldap"), bind, dn, "extensionAttribute3").await;
    assert_eq!(values, ["new job"]);
    let (_, shown) = call(Method::GET, &one, json!({})).await;
    assert_eq!(shown["status"]["lastExecution"]["state"], "Succeeded", "{shown}");
    assert_eq!(served.get("/verdict").await["findings"], json!([]));
}

/// A client that knows nothing but its proxy and whom to trust reaches the estate; `env` says both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unmodified_clients_are_led_by_their_environment() {
    let served = Served::start(&["--mailboxes", "3", "--clock", "manual", "--proxy"]);
    let file = served.path("ready.json");
    let output = Command::new(env!("CARGO_BIN_EXE_hybridsim"))
        .arg("env")
        .arg(&file)
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(0));
    let printed = String::from_utf8_lossy(&output.stdout);
    let value = |name: &str| {
        let line = printed.lines().find_map(|l| l.strip_prefix(&format!("export {name}='")));
        line.unwrap_or_else(|| panic!("no {name} in {printed}")).trim_end_matches('\'').to_owned()
    };
    let ca = fs::read(value("SSL_CERT_FILE")).expect("the certificate");
    let client = Client::builder()
        .tls_certs_only(Certificate::from_pem_bundle(&ca).expect("PEM"))
        .proxy(reqwest::Proxy::https(value("HTTPS_PROXY")).expect("a proxy"))
        .build()
        .expect("a client");
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}\
         &scope=https%3A%2F%2Fgraph.microsoft.com%2F.default",
        value("AZURE_CLIENT_ID"),
        value("AZURE_CLIENT_SECRET")
    );
    let login = "https://login.microsoftonline.com";
    let url = format!("{login}/{}/oauth2/v2.0/token", value("AZURE_TENANT_ID"));
    let request = client.post(url).header("content-type", "application/x-www-form-urlencoded");
    let answer: Value = request.body(form).send().await.expect("sent").json().await.expect("JSON");
    let token = answer["access_token"].as_str().unwrap_or_else(|| panic!("no token: {answer}"));
    let users = client.get("https://graph.microsoft.com/v1.0/users").bearer_auth(token);
    let users: Value = users.send().await.expect("sent").json().await.expect("JSON");
    assert_eq!(users["value"].as_array().expect("a list").len(), 3);
    let nobody = Command::new(env!("CARGO_BIN_EXE_hybridsim"))
        .args(["env", "/nowhere/ready.json"])
        .output()
        .expect("the program starts");
    assert_eq!(nobody.status.code(), Some(5));
}

/// What an option asks for and does not exist is refused, never ignored.
#[test]
fn what_cannot_be_served_is_refused() {
    for (options, said) in [
        (&["--mailbox-list", "mailboxes.csv"][..], "add `--ldif`"),
        (&["--ldif", "no-such.ldif"], "no-such.ldif"),
        (&["--profile", "newest"], "there are p1-preview-2025-08"),
        (&["--http", "--bind", "0.0.0.0"], "loopback only"),
        (&["--ready-file", "/nowhere/ready.json"], "/nowhere/ready.json"),
        (&["--clock", "fast"], "expected `real`, `manual`"),
        (&["--ad-domain", "corp,DC=evil"], "expected a DNS name"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_hybridsim"))
            .arg("serve")
            .args(options)
            .output()
            .expect("the program starts");
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{options:?}: {error}");
        assert!(error.contains(said), "{options:?}: {error}");
    }
}

/// Several domain controllers, domains and forests: each controller listens, refers to the others, and as a
/// global catalog knows all domains of its forest.
#[tokio::test]
async fn every_domain_controller_of_a_world_listens() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("world.yaml");
    let world = "scenario: Several domain controllers\nabout: directory\nworld:\n  forest:\n    \
        - domains: [corp.contoso.com, emea.corp.contoso.com]\n      \
          dcs: [DC1, DC2, {name: EMEA1, domain: emea.corp.contoso.com}]\n    \
        - {domains: [fabrikam.example], dcs: [FDC1]}\n  population:\n    \
        - user: u1\n    - user: {name: u2, domain: emea.corp.contoso.com}\n\
        story:\n  - wait: 1m\n";
    fs::write(&file, world).unwrap();
    let served = Served::start(&["--world", file.to_str().unwrap(), "--no-engine"]);
    let controllers = served.ready["controllers"].as_array().unwrap().clone();
    let names: Vec<&str> = controllers.iter().filter_map(|at| at["name"].as_str()).collect();
    assert_eq!(names, ["EMEA1", "DC2", "FDC1"]);
    let text = |at: &Value, key: &str| at[key].as_str().unwrap().to_owned();
    for controller in &controllers {
        let (connection, mut ldap) = LdapConnAsync::new(&text(controller, "ldap")).await.unwrap();
        tokio::spawn(connection.drive());
        let (dn, password) = (text(controller, "bind_dn"), text(controller, "bind_password"));
        ldap.simple_bind(&dn, &password).await.unwrap().success().unwrap();
        let base = text(controller, "base_dn");
        let found = ldap.search(&base, Scope::Base, "(objectClass=domainDNS)", vec!["dc"]).await;
        assert_eq!(found.unwrap().0.len(), 1, "{base}");
    }
    let (connection, mut catalog) = LdapConnAsync::new(served.text("gc")).await.unwrap();
    tokio::spawn(connection.drive());
    let bound = catalog.simple_bind(served.text("bind_dn"), served.text("bind_password")).await;
    bound.unwrap().success().unwrap();
    let filter = "(|(sAMAccountName=u1)(sAMAccountName=u2))";
    let found = catalog.search("", Scope::Subtree, filter, vec!["cn"]).await.unwrap();
    assert_eq!(found.success().unwrap().0.len(), 2, "of both domains");
}
