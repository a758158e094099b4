//! The cloud's services: cmdlet calls in process and over HTTPS, and delta pages of Graph.

#![allow(missing_docs, reason = "criterion's macros make public functions")]

use core::hint::black_box;

use benches::tenant_of;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use reqwest::{Certificate, Client};
use serde_json::{Value, json};
use sim::caller::{Caller, Role};
use sim::powershell::{Argument, CmdletCall};
use sim::wire::identity::Applications;
use sim::wire::server::{CloudOptions, CloudServer};
use sim::wire::shared::SharedEstate;
use sim::wire::tls::Authority;
use tokio::runtime::Runtime;

/// Mailboxes of the tenant that cmdlets are called in.
const MAILBOXES: u32 = 20_000;
/// Users of the tenant whose delta is paged through.
const USERS: u32 = 200_000;

/// A tenant behind its servers, with a token for each resource.
struct Served {
    runtime: Runtime,
    client: Client,
    base: String,
    tenant: String,
    exchange: String,
    graph: String,
    _server: CloudServer,
}

impl Served {
    fn start(estate: SharedEstate) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let tenant = estate.with(|estate| estate.entra.tenant.to_string());
        let authority = Authority::new(&["localhost"]).expect("a certificate");
        let applications = Applications::standard(1);
        let own = applications.named("hybridsim").expect("the application").clone();
        let options = CloudOptions::default();
        let server = CloudServer::start(estate, applications, &authority, options);
        let server = runtime.block_on(server).expect("it listens");
        let ca = Certificate::from_pem(authority.ca_pem().as_bytes()).expect("PEM");
        let client = Client::builder().no_proxy().tls_certs_only([ca]).build().expect("a client");
        let base = format!("https://localhost:{}", server.address().port());
        let token = |resource: &str| {
            let form = format!(
                "grant_type=client_credentials&client_id={}&client_secret={}&scope=https%3A%2F%2F{resource}%2F.default",
                own.client_id, own.secret
            );
            let request = client
                .post(format!("{base}/{tenant}/oauth2/v2.0/token"))
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form);
            let answer: Value = runtime.block_on(async {
                request.send().await.expect("an answer").json().await.expect("JSON")
            });
            answer["access_token"].as_str().expect("a token").to_owned()
        };
        let (exchange, graph) = (token("outlook.office365.com"), token("graph.microsoft.com"));
        Self { client, base, tenant, exchange, graph, _server: server, runtime }
    }

    fn cmdlet(&self, name: &str, parameters: &Value) -> Value {
        let url = format!("{}/adminapi/beta/{}/InvokeCommand", self.base, self.tenant);
        let body = json!({"CmdletInput": {"CmdletName": name, "Parameters": parameters}});
        let request = self.client.post(url).bearer_auth(&self.exchange).json(&body);
        self.runtime.block_on(async {
            let answer = request.send().await.expect("an answer");
            assert!(answer.status().is_success(), "{}", answer.status());
            answer.json().await.expect("JSON")
        })
    }

    /// A whole round of a delta query; how many users it showed.
    fn delta(&self) -> usize {
        let mut url = format!("{}/v1.0/users/delta?$select=id,displayName,mail", self.base);
        let mut seen = 0;
        loop {
            let request = self
                .client
                .get(&url)
                .bearer_auth(&self.graph)
                .header("prefer", "odata.maxpagesize=999");
            let page: Value = self.runtime.block_on(async {
                request.send().await.expect("an answer").json().await.expect("JSON")
            });
            seen += page["value"].as_array().map_or(0, Vec::len);
            match page["@odata.nextLink"].as_str() {
                Some(next) => next.clone_into(&mut url),
                None => return seen,
            }
        }
    }
}

fn cmdlets(criterion: &mut Criterion) {
    let mut estate = tenant_of(MAILBOXES);
    let ids: Vec<String> =
        estate.exchange.mailboxes().iter().map(|mailbox| mailbox.id.to_string()).collect();
    let caller = Caller::person(Role::ExchangeAdministrator);
    let mut group = criterion.benchmark_group("cmdlets, 20,000 mailboxes");
    group.throughput(Throughput::Elements(1));
    let mut round = 0_usize;
    let mut next = || {
        round += 1;
        (ids[round % ids.len()].clone(), format!("round {round}"))
    };
    let call = |name: &str, parameters: Vec<(&str, String)>| CmdletCall {
        name: name.to_owned(),
        parameters: parameters
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Argument::Text(value)))
            .collect(),
    };
    group.bench_function("Get-Mailbox in process", |bencher| {
        bencher.iter(|| {
            let (id, _) = next();
            let call = call("Get-Mailbox", vec![("Identity", id)]);
            black_box(estate.cmdlet(&caller, &call, None, 1_000).expect("a mailbox"))
        });
    });
    group.bench_function("Set-Mailbox in process", |bencher| {
        bencher.iter(|| {
            let (id, value) = next();
            let call = call("Set-Mailbox", vec![("Identity", id), ("CustomAttribute1", value)]);
            black_box(estate.cmdlet(&caller, &call, None, 1_000).expect("it is cloud-managed"))
        });
    });
    let served = Served::start(SharedEstate::new(estate));
    group.bench_function("Get-Mailbox over HTTPS", |bencher| {
        bencher.iter(|| {
            let (id, _) = next();
            served.cmdlet("Get-Mailbox", &json!({"Identity": id}))
        });
    });
    group.bench_function("Set-Mailbox over HTTPS", |bencher| {
        bencher.iter(|| {
            let (id, value) = next();
            served.cmdlet("Set-Mailbox", &json!({"Identity": id, "CustomAttribute1": value}))
        });
    });
    group.finish();
}

fn delta(criterion: &mut Criterion) {
    let served = Served::start(SharedEstate::new(tenant_of(USERS)));
    let mut group = criterion.benchmark_group("Graph, 200,000 users");
    group.sample_size(10);
    group.throughput(Throughput::Elements(u64::from(USERS)));
    group.bench_function("users/delta, 999 a page", |bencher| {
        bencher.iter(|| {
            let seen = served.delta();
            assert!(seen >= USERS as usize, "{seen} users");
        });
    });
    group.finish();
}

criterion_group!(benches, cmdlets, delta);
criterion_main!(benches);
