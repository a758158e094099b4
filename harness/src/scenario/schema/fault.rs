//! `fault:`.

use serde_json::{Value, json};
use sim::throttle::BUDGETS;

use super::form::{mapping, one_of, reference, text, words};
use crate::scenario::fault::{Direction, PortCall, Service};
use crate::scenario::read::words as known;

pub(super) fn fault() -> Value {
    let agent = || ("agent", text("An agent."));
    let dc = || ("dc", text("A domain controller."));
    let lasts = || ("for", reference("duration"));
    let count = || ("count", json!({"type": "integer", "minimum": 1}));
    let nth = || ("nth", json!({"type": "integer", "minimum": 1}));
    let when = || ("when", one_of(&known::WHEN));
    let operation = || ("operation", one_of(&known::OPERATIONS));
    let calls = || PortCall::ALL.iter().map(|(_, name)| json!(name));
    let direction = ("direction", one_of(&Direction::ALL));
    let service = || ("service", one_of(&Service::ALL));
    let call = || ("call", json!({"enum": calls().collect::<Vec<_>>()}));
    let at = json!({"enum": calls().chain([json!("random")]).collect::<Vec<_>>()});
    let of_cloud = |more: Vec<(&'static str, Value)>| {
        let mut keys = vec![service(), call(), lasts(), count()];
        keys.extend(more);
        mapping(&keys, &[])
    };
    let by = || ("by", reference("duration"));
    let retry = || ("retry_after", reference("duration"));
    let status = json!({"type": "integer", "minimum": 500, "maximum": 599});
    let budget = words(&BUDGETS.map(|budget| budget.name));
    let faults: Vec<(&str, Value)> = vec![
        ("agent_offline", mapping(&[agent(), lasts()], &["agent"])),
        ("agent_restart", mapping(&[agent(), lasts()], &["agent"])),
        ("agent_slow", mapping(&[agent(), by(), operation(), lasts(), count()], &["by"])),
        ("engine_crash", mapping(&[("at", at), when(), nth()], &["at"])),
        ("dc_down", mapping(&[dc(), lasts()], &[])),
        ("dc_busy", mapping(&[dc(), operation(), lasts(), count()], &[])),
        ("replication_stopped", mapping(&[dc(), direction, lasts()], &[])),
        (
            "replication_slow",
            mapping(&[dc(), ("by", reference("duration")), lasts(), count()], &["by"]),
        ),
        ("dc_unavailable", mapping(&[dc(), operation(), lasts(), count()], &[])),
        ("connection_lost", mapping(&[agent(), operation(), when(), lasts(), count(), nth()], &[])),
        ("delivery_duplicated", mapping(&[agent(), lasts(), count(), nth()], &[])),
        (
            "delivery_reordered",
            mapping(&[agent(), ("by", reference("duration")), lasts(), count(), nth()], &[]),
        ),
        ("schema_not_extended", mapping(&[agent(), lasts(), count()], &[])),
        ("store_damaged", mapping(&[lasts()], &["for"])),
        ("rights_removed", mapping(&[agent(), lasts(), count()], &[])),
        ("forward_sync_delayed", mapping(&[by(), lasts(), count()], &[])),
        ("throttled", of_cloud(vec![retry(), ("budget", budget)])),
        ("service_failure", of_cloud(vec![("status", status), retry()])),
        ("timed_out", of_cloud(vec![by(), when()])),
        ("truncated_body", of_cloud(Vec::new())),
        ("page_expired", mapping(&[lasts(), count()], &[])),
        ("certificate_expired", of_cloud(Vec::new())),
        ("cloud_offline", of_cloud(Vec::new())),
    ];
    let mut schema = mapping(&faults, &[]);
    schema["type"] = json!("object");
    schema["minProperties"] = json!(1);
    schema["maxProperties"] = json!(1);
    schema
}
