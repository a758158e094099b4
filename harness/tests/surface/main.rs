//! The parity table: what of each service's surface is here, seen on the wire. Rows come from what the code
//! declares, each with a witness: a call that works and one that is refused, made against `hybridsim serve`.
//! A declaration without a witness fails here, a witness without a declaration too, and so does a page of
//! `docs/parity/` that says something else than was seen.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    reason = "a process of its own is waited for in real time; helpers of tests may panic and tell"
)]
#![expect(
    clippy::too_many_lines,
    clippy::needless_pass_by_value,
    reason = "witnesses are tables, written where they are used"
)]

mod behaviours;
mod call;
mod changes;
mod document;
mod documented_errors;
mod endpoints;
mod exchange;
mod graph;
mod groups;
mod lifecycle;
mod login;
mod memberships;
mod moves;
mod onprem;
mod parameters;
#[path = "../program/mod.rs"]
mod program;
mod reads;
mod roles;
mod served;
mod steps;

use std::path::Path;

use document::Part;
use engine::planted_bugs::PlantedBugs;
use harness::{scenario, stage};
use served::Served;
use sim::entra::group::{Contact, Group, Synced};
use sim::estate::Estate;
use sim::exchange::property;
use sim::guid::Guid;
use sim::parity::Endpoint;

const ANSWERS: &str = "The statuses are those that the two calls came back with.";

#[tokio::test]
async fn the_login_host() {
    let mut served = Served::start(&["--mailboxes", "3", "--no-engine"]);
    let witnesses = login::witnesses();
    let declared = sim::wire::identity::endpoints();
    let absent = |endpoint: &_| endpoints::any(endpoint, "");
    let rows = endpoints::rows(&mut served, declared, &witnesses, absent).await;
    let part = Part {
        title: "Endpoints",
        says: ANSWERS,
        witness: "harness/tests/surface/login.rs",
        rows: &rows,
    };
    document::compare("login", "the identity platform", &[part]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn graph() {
    let mut served = Served::start(&["--mailboxes", "8"]);
    let (synced, declared): (Vec<_>, Vec<_>) =
        sim::wire::graph::endpoints().partition(is_of_synced_objects);
    let absent = |endpoint: &_| endpoints::any(endpoint, "/v1.0");
    let witnesses = graph::witnesses();
    let mut rows = endpoints::rows(&mut served, declared.into_iter(), &witnesses, absent).await;
    let mut of_its_own = Served::of_estate(with_synced_objects()).await;
    of_its_own.names.insert("contacts".to_owned(), CONTACT.to_string());
    of_its_own.names.insert("groups".to_owned(), GROUP.to_string());
    let witnesses = graph::of_synced_objects();
    rows.extend(endpoints::rows(&mut of_its_own, synced.into_iter(), &witnesses, absent).await);
    rows.sort_by(|a, b| a.what.cmp(&b.what));
    let part = Part {
        title: "Endpoints",
        says: ANSWERS,
        witness: "harness/tests/surface/graph.rs",
        rows: &rows,
    };
    document::compare("graph", "Microsoft Graph", &[part]);
}

/// Contacts, groups out of AD, and managers are in no population of `serve`: these are shown by the cloud's servers
/// over an estate that was given them.
fn is_of_synced_objects(endpoint: &Endpoint) -> bool {
    let group = "/groups/{id}/onPremisesSyncBehavior";
    endpoint.path.starts_with("/contacts")
        || (endpoint.method, endpoint.path) == ("PATCH", group)
        || ["/users/{id}/manager", "/users/{id}/directReports"].contains(&endpoint.path)
            && endpoint.method == "GET"
}

const CONTACT: Guid = Guid([7; 16]);
const GROUP: Guid = Guid([8; 16]);

#[test]
fn behaviours_have_their_scenarios() {
    behaviours::compare();
}

/// Every documented error of the cloud side is provoked somewhere.
#[test]
fn documented_errors_are_provoked() {
    let missing = documented_errors::missing();
    assert!(missing.is_empty(), "nothing provokes\n{}", missing.join("\n"));
}

/// Cmdlets that no listener of `serve` takes: on an estate of this process.
#[test]
fn the_premises() {
    let (exchange, ad, problems) = onprem::rows(staged(THREE));
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
    let says = "These cmdlets have no wire here: they are typed on an estate of the test's own process. Refusals are about nobody, or about what is there already.";
    let witness = "harness/tests/surface/onprem.rs";
    let parts = [
        Part { title: "The last Exchange server", says, witness, rows: &exchange },
        Part { title: "The ActiveDirectory module", says, witness, rows: &ad },
    ];
    document::compare("premises", "the premises", &parts);
}

const THREE: &str = "\
scenario: Three people
world:
  population:
    - user: {name: u1}
    - user: {name: u2}
    - user: {name: u3}
story:
  - wait: 1m
";

/// A mailbox on the last Exchange server is a mail user in the cloud.
const MAIL_USER: &str = "\
scenario: Mail users
world:
  population:
    - user: {name: old, mailbox: on-premises}
    - user: {name: new, mailbox: on-premises}
story:
  - wait: 1m
";

/// The estate of a scenario, at its start.
fn staged(text: &str) -> Estate {
    let catalogues = stage::catalogues();
    let scenario =
        scenario::read(Path::new("surface.yaml"), text, &catalogues).expect("a scenario");
    stage::stage(&scenario, 1, PlantedBugs::none()).expect("a world").estate
}

fn with_synced_objects() -> Estate {
    let mut estate = staged(
        "scenario: A manager\nworld: {population: [user: boss, user: report]}\nstory:\n  - wait: 1m\n",
    );
    let synced =
        Synced { sync_enabled: Some(true), object_cloud_managed: false, on_premises: None };
    estate.entra.contacts.push(Contact {
        id: CONTACT,
        deleted: None,
        synced: synced.clone(),
        display_name: "Partner".to_owned(),
        mail_nickname: "partner".to_owned(),
        mail: "partner@elsewhere.example".to_owned(),
        proxy_addresses: vec!["SMTP:partner@elsewhere.example".to_owned()],
        position: 0,
    });
    estate.entra.groups.push(Group {
        id: GROUP,
        created: estate.now(),
        deleted: None,
        synced,
        display_name: "Staff".to_owned(),
        description: None,
        mail_nickname: "staff".to_owned(),
        mail: Some("staff@contoso.com".to_owned()),
        proxy_addresses: vec!["SMTP:staff@contoso.com".to_owned()],
        mail_enabled: true,
        security_enabled: false,
        types: Vec::new(),
        members: Vec::new(),
        owners: Vec::new(),
        position: 0,
        left: Vec::new(),
    });
    let manager = property::number("Manager").expect("a property");
    let mailbox = estate.exchange.find("report").expect("a mailbox");
    let now = estate.now();
    estate.exchange.apply(mailbox, now, &vec![(manager, vec!["boss".to_owned()])]);
    estate
}

/// Both services ask for a token at every endpoint.
#[tokio::test]
async fn nobody_gets_in_without_a_token() {
    let mut served = Served::start(&["--mailboxes", "3", "--no-engine"]);
    endpoints::need_tokens(&mut served, sim::wire::graph::endpoints(), "/beta").await;
    endpoints::need_tokens(&mut served, sim::wire::admin_api::endpoints(), "").await;
}

#[tokio::test]
async fn exchange_online() {
    let mut served = Served::start(&["--mailboxes", "8", "--no-engine"]);
    let absent = |endpoint: &_| endpoints::any(endpoint, "");
    let declared = sim::wire::admin_api::endpoints();
    let endpoints = endpoints::rows(&mut served, declared, &exchange::witnesses(), absent).await;
    let mut estate = staged(MAIL_USER);
    // One of them is the cloud's own.
    let new = estate.exchange.find("new@contoso.com").expect("a mail user");
    let now = estate.now();
    estate.exchange.set_dir_synced(new, now, false);
    let mut with_mail_user = Served::of_estate(estate).await;
    for (name, value) in [
        ("upn", "old@contoso.com"),
        ("upn2", "old@contoso.com"),
        ("upn3", "new@contoso.com"),
        ("domain", "contoso.com"),
    ] {
        with_mail_user.names.insert(name.to_owned(), value.to_owned());
    }
    let mut cmdlets = exchange::cmdlets(&mut served, &mut with_mail_user).await;
    cmdlets.extend(moves::rows(&mut Served::of_estate(staged(moves::WORLD)).await).await);
    let mut made = Served::of_estate(staged(lifecycle::WORLD)).await;
    cmdlets.extend(lifecycle::rows(&mut made).await);
    cmdlets.sort_by(|a, b| a.what.cmp(&b.what));
    let witness = "harness/tests/surface/exchange.rs";
    let parts = [
        Part { title: "Endpoints", says: ANSWERS, witness, rows: &endpoints },
        Part { title: "Cmdlets and their parameters", says: ANSWERS, witness, rows: &cmdlets },
    ];
    document::compare("exchange-online", "Exchange Online", &parts);
}
