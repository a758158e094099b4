//! Witnesses of Exchange Online: its endpoints, and every parameter of every cmdlet, posted as tools post them.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sim::exchange::cmdlets::{catalogue, documented, is_move};
use sim::parity::Fidelity;
use sim::profile::Evidence;

use super::call::{Call, Who, Witness, call, post, witness};
use super::document::Row;
use super::parameters::{self, MAIL_USER, ORGANIZATION, SEARCH, SET};
use super::served::Served;
use super::{changes, lifecycle, reads, roles};

pub(crate) const INVOKE: &str = "/adminapi/beta/<tenant>/InvokeCommand";

/// A call of a cmdlet.
pub(crate) fn cmdlet(name: &str, parameters: Value) -> Call {
    post(INVOKE, json!({"CmdletInput": {"CmdletName": name, "Parameters": parameters}}))
}

/// The endpoints.
pub(crate) fn witnesses() -> Vec<Witness> {
    let one = json!({"CmdletInput": {"CmdletName": "Get-AcceptedDomain"}});
    let batch = |url: &str| {
        let request = json!({"id": "1", "method": "POST", "url": url, "body": one,
            "headers": {"Content-Type": "application/json"}});
        post("/adminapi/beta/<tenant>/$batch", json!({"requests": [request]}))
    };
    let read = |row: &'static str, path: &str, says: &'static str| {
        let target = format!("/adminapi/{path}");
        witness(row, call("GET", &target).says(says), call("GET", &target).by(Who::Nobody).is(401))
    };
    vec![
        read(
            "GET /adminapi/v1.0/{tenant}/EXOModuleFile",
            "v1.0/<tenant>/EXOModuleFile?Version=3.9.2",
            "exportedCmdlets",
        ),
        read(
            "GET /adminapi/v1.0/{tenant}/EXOBanner('AutogenSession')",
            "v1.0/<tenant>/EXOBanner('AutogenSession')?Version=3.9.2",
            "\"value\"",
        ),
        read("GET /adminapi/beta/{tenant}", "beta/<tenant>", "EntitySet"),
        read(
            "GET /adminapi/beta/{tenant}/Mailbox",
            "beta/<tenant>/Mailbox?$top=1&PropertySet=All",
            "IsDirSynced",
        ),
        read(
            "GET /adminapi/beta/{tenant}/Recipient",
            "beta/<tenant>/Recipient?$top=1",
            "RecipientTypeDetails",
        ),
        read("GET /adminapi/beta/{tenant}/User", "beta/<tenant>/User?$top=1", "<domain>"),
        witness(
            "GET /adminapi/beta/{tenant}/Mailbox('{id}')",
            call("GET", "/adminapi/beta/<tenant>/Mailbox('<upn>')").says("<upn>"),
            call("GET", "/adminapi/beta/<tenant>/Mailbox('nobody')").is(404),
        ),
        witness(
            "GET /adminapi/beta/{tenant}/Recipient('{id}')",
            call("GET", "/adminapi/beta/<tenant>/Recipient('<upn>')").says("UserMailbox"),
            call("GET", "/adminapi/beta/<tenant>/Recipient('nobody')").is(404),
        ),
        witness(
            "GET /adminapi/beta/{tenant}/User('{id}')",
            call("GET", "/adminapi/beta/<tenant>/User('<upn>')").says("<upn>"),
            call("GET", "/adminapi/beta/<tenant>/User('nobody')").is(404),
        ),
        witness(
            "POST /adminapi/beta/{tenant}/InvokeCommand",
            post(INVOKE, one.clone()).says("<domain>"),
            post(INVOKE, one.clone()).by(Who::Nobody).is(401),
        ),
        witness(
            "POST /adminapi/beta/{tenant}/$batch",
            batch("<login>/adminapi/beta/<tenant>/InvokeCommand").says("\"status\":200"),
            call("POST", "/adminapi/beta/<tenant>/$batch").text("no JSON").is(400),
        ),
    ]
}

/// Every cmdlet and parameter, each tried; those about mail users where there is one.
pub(crate) async fn cmdlets(served: &mut Served, with_mail_user: &mut Served) -> Vec<Row> {
    prepare(served).await;
    let changes = changes::all();
    let mut used: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut rows = Vec::new();
    for spec in catalogue().into_iter().filter(|spec| {
        !(roles::is_one(spec.name) || is_move(spec.name) || lifecycle::is_one(spec.name))
    }) {
        if spec.parameters.is_empty() {
            let success = served.expect(&cmdlet(spec.name, json!({}))).await;
            let refusal = cmdlet(spec.name, json!({})).by(Who::Client("unassigned")).is(403);
            let refusal = served.expect(&refusal).await;
            let shown = (success.shown(), refusal.shown());
            rows.push(row(spec.name.to_owned(), Fidelity::Modelled, Some(shown.0), shown.1));
        }
        for parameter in &spec.parameters {
            let name = format!("{} -{}", spec.name, parameter.name);
            let reads = spec.name.starts_with("Get-") || spec.name == SEARCH;
            let outcome = if reads {
                let mail_user = (spec.name, parameter.name) == ("Get-MailUser", "Identity");
                let where_it_is = if mail_user { &mut *with_mail_user } else { &mut *served };
                reads::read(where_it_is, spec.name, parameter.name).await
            } else {
                let how = changes
                    .iter()
                    .find(|c| c.cmdlet == spec.name && c.names.contains(&parameter.name));
                used.insert((spec.name, parameter.name));
                let mail_user = spec.name == MAIL_USER;
                let where_it_is = if mail_user { &mut *with_mail_user } else { &mut *served };
                match how {
                    Some(how) => Some(
                        parameters::change(where_it_is, how, parameter.name, parameter.kind).await,
                    ),
                    None => None,
                }
            };
            match outcome {
                Some((success, refusal)) => {
                    let fidelity = documented::fidelity(spec.name, parameter.name);
                    rows.push(row(name, fidelity, Some(success), refusal));
                }
                None => served.problems.push(format!("a row without a witness: {name}")),
            }
        }
    }
    for how in &changes {
        let stray = how.names.iter().filter(|name| !used.contains(&(how.cmdlet, **name)));
        served
            .problems
            .extend(stray.map(|name| format!("a witness without a row: {} -{name}", how.cmdlet)));
    }
    rows.extend(absent(served).await);
    rows.extend(roles::rows().await);
    served.problems.append(&mut with_mail_user.problems);
    served.settle();
    rows.sort_by(|a, b| a.what.cmp(&b.what));
    rows
}

fn row(what: String, fidelity: Fidelity, success: Option<String>, refusal: String) -> Row {
    Row { what, fidelity, evidence: Evidence::Documented, success, refusal }
}

/// One mailbox whose Exchange attributes the cloud has authority over, one that is the cloud's as a whole;
/// the second stays as it is.
async fn prepare(served: &mut Served) {
    let flip = json!({"Identity": "<upn>", "IsExchangeCloudManaged": true});
    served.expect(&cmdlet(SET, flip)).await;
    let behavior = "/v1.0/users/<user3>/onPremisesSyncBehavior";
    let whole = call("PATCH", behavior).with(json!({"isCloudManaged": true})).is(204);
    served.expect(&whole).await;
}

/// What is documented and not here is refused as the service refuses what it does not know.
async fn absent(served: &mut Served) -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, parameter) in documented::absent() {
        let (what, made) = match parameter {
            None => (name.to_owned(), cmdlet(name, json!({})).is(403)),
            Some(parameter) => {
                let mut given = json!({ parameter: "x" });
                if ![ORGANIZATION, SEARCH, "New-Mailbox"].contains(&name) {
                    given["Identity"] = json!("<upn>");
                }
                (format!("{name} -{parameter}"), cmdlet(name, given).is(400))
            }
        };
        let answer = served.expect(&made).await;
        if parameter.is_some_and(|parameter| !answer.text.contains(parameter)) {
            served.problems.push(format!("{what}: {}", answer.text));
        }
        rows.push(row(what, Fidelity::Absent, None, answer.shown()));
    }
    rows
}
