//! Witnesses of the cmdlets that move mailboxes, in an estate of their own: a move takes its mailbox out of the way
//! of every other witness.

use serde_json::{Value, json};
use sim::exchange::cmdlets::is_move;
use sim::parity::Fidelity;

use super::document::Row;
use super::served::Served;
use super::steps::{self, No, Step};

/// People on both sides; each is moved once.
pub(crate) const WORLD: &str = "\
scenario: Mailboxes that move
world:
  population:
    - user: {name: m1, mailbox: on-premises}
    - user: {name: m2, mailbox: on-premises}
    - user: {name: m3, mailbox: on-premises}
    - user: {name: m4, mailbox: on-premises}
    - user: {name: m5, mailbox: on-premises}
    - user: {name: m6, mailbox: on-premises}
    - user: {name: m7, mailbox: on-premises}
    - user: {name: m8, mailbox: on-premises}
    - user: {name: m9, mailbox: on-premises}
    - user: u1
    - user: u2
    - user: u3
    - user: u4
    - user: u5
story:
  - wait: 1m
";

/// The parameters of a call and further ones.
fn and(mut given: Value, more: &[(&str, Value)]) -> Value {
    for (name, value) in more {
        given[*name] = value.clone();
    }
    given
}

fn of_requests() -> Vec<Step> {
    const NEW: &str = "New-MoveRequest";
    let host = [("RemoteHostName", json!("mail.contoso.com"))];
    let inbound = |who: &str| and(json!({"Identity": who, "Remote": true}), &host);
    let outbound = |who: &str| and(json!({"Identity": who, "Outbound": true}), &host);
    let neither = and(json!({"Identity": "m3"}), &host);
    vec![
        (NEW, "Identity", inbound("m1"), No::So(inbound("nobody@contoso.com"), 404)),
        (NEW, "Remote", inbound("m2"), No::So(neither, 400)),
        (NEW, "Outbound", outbound("u1"), No::So(outbound("m3"), 400)),
        (
            NEW,
            "RemoteHostName",
            outbound("u2"),
            No::So(json!({"Identity": "u3", "Outbound": true}), 400),
        ),
        (
            NEW,
            "TargetDeliveryDomain",
            and(inbound("m3"), &[("TargetDeliveryDomain", json!("contoso.mail.onmicrosoft.com"))]),
            No::Again(400),
        ),
        (NEW, "BatchName", and(outbound("u3"), &[("BatchName", json!("first"))]), No::Again(400)),
        (
            NEW,
            "SuspendWhenReadyToComplete",
            and(outbound("u4"), &[("SuspendWhenReadyToComplete", json!(true))]),
            No::Again(400),
        ),
        (
            "Get-MoveRequest",
            "Identity",
            json!({"Identity": "m1"}),
            No::So(json!({"Identity": "nobody@contoso.com"}), 404),
        ),
        ("Get-MoveRequest", "MoveStatus", json!({"MoveStatus": "InProgress"}), No::Nobody),
        ("Remove-MoveRequest", "Identity", json!({"Identity": "m1"}), No::Again(404)),
    ]
}

fn of_batches() -> Vec<Step> {
    const NEW: &str = "New-MigrationBatch";
    let batch = |name: &str, endpoint: &str, who: &str| json!({"Name": name, endpoint: "premises", "CSVData": format!("EmailAddress\n{who}@contoso.com\n")});
    let inbound = |name: &str, who: &str| batch(name, "SourceEndpoint", who);
    let both = and(inbound("B9", "m9"), &[("TargetEndpoint", json!("premises"))]);
    let domain = ("TargetDeliveryDomain", json!("contoso.mail.onmicrosoft.com"));
    let named = |name: &str| json!({"Identity": name});
    vec![
        (NEW, "Name", inbound("B1", "m4"), No::Again(400)),
        (NEW, "CSVData", inbound("B2", "m5"), No::So(inbound("B9", "nobody"), 404)),
        (NEW, "SourceEndpoint", inbound("B3", "m6"), No::So(both.clone(), 400)),
        (NEW, "TargetEndpoint", batch("B4", "TargetEndpoint", "u5"), No::So(both, 400)),
        (NEW, "TargetDeliveryDomain", and(inbound("B5", "m7"), &[domain]), No::Again(400)),
        (NEW, "AutoStart", and(inbound("B6", "m8"), &[("AutoStart", json!(true))]), No::Again(400)),
        (
            NEW,
            "AutoComplete",
            and(inbound("B7", "m9"), &[("AutoComplete", json!(true))]),
            No::Again(400),
        ),
        ("Get-MigrationBatch", "Identity", named("B1"), No::So(named("nothing"), 404)),
        ("Start-MigrationBatch", "Identity", named("B1"), No::Again(400)),
        ("Complete-MigrationBatch", "Identity", named("B1"), No::So(named("B2"), 400)),
        ("Remove-MigrationBatch", "Identity", named("B2"), No::Again(404)),
    ]
}

/// Every parameter of these cmdlets.
pub(crate) async fn rows(served: &mut Served) -> Vec<Row> {
    let steps: Vec<Step> = of_requests().into_iter().chain(of_batches()).collect();
    steps::rows(served, &steps, "unassigned", is_move, |parameter| match parameter {
        "RemoteHostName" | "SourceEndpoint" | "TargetEndpoint" => {
            Fidelity::Approximated("a name, without a connection behind it")
        }
        "TargetDeliveryDomain" => {
            Fidelity::Approximated("is taken; the routing domain is always the tenant's own")
        }
        _ => Fidelity::Modelled,
    })
    .await
}
