//! `story:`, and what stands in it.

use serde_json::{Value, json};

use super::form::{
    any_of, boolean, list, mapping, names, one_of, reference, share, text, version, words,
};
use crate::scenario::catalogue::Catalogues;
use crate::scenario::read::words as known;

fn cycle() -> Value {
    any_of(vec![
        one_of(&known::CYCLES),
        mapping(&[("connect", one_of(&known::POLICIES))], &["connect"]),
    ])
}

fn connect_step() -> Value {
    any_of(vec![
        one_of(&known::CONNECT_WORDS),
        mapping(&[("upgrade", version()), ("edited_config", boolean())], &["upgrade"]),
        mapping(&[("new_server", version())], &["new_server"]),
        mapping(&[("scheduler", boolean())], &["scheduler"]),
    ])
}

/// One shape for each kind of step: what it does, and what may stand beside it.
pub(super) fn step(catalogues: &Catalogues) -> Value {
    let cmdlet = |what: &str| text(&format!("A cmdlet {what}."));
    let exo = cmdlet("in Exchange Online");
    let onprem = cmdlet("on the last Exchange server");
    let ad = cmdlet("of the ActiveDirectory module");
    let records = text("LDIF change records (RFC 2849).");
    let dc = text("A domain controller.");
    let ldif =
        any_of(vec![records.clone(), mapping(&[("records", records), ("dc", dc)], &["records"])]);
    let graph = graph_request();
    let repeat = mapping(
        &[
            ("every", reference("duration")),
            ("for", reference("duration")),
            ("exo", exo.clone()),
            ("onprem", onprem.clone()),
            ("ad", ad.clone()),
            ("graph", graph.clone()),
            ("ldif", ldif.clone()),
        ],
        &["every"],
    );
    let fails_alone = || vec![("expect_error", text("`any`, or a code: the step must fail so."))];
    let fails = || {
        let mut beside = fails_alone();
        beside.push(("as", role_name(catalogues)));
        beside
    };
    let watched = any_of(vec![
        reference("duration"),
        reference("expectations"),
        mapping(&[("expect", reference("expectations"))], &["expect"]),
        json!({"type": "null"}),
    ]);
    let expect = || vec![("expect", reference("expectations"))];
    any_of(vec![
        one_step("exo", exo, fails()),
        one_step("onprem", onprem, fails()),
        one_step("ad", ad, fails()),
        one_step("graph", graph, fails()),
        one_step("ldif", ldif, fails()),
        one_step("transfer", any_of(vec![reference("selector"), transfer(catalogues)]), fails()),
        one_step("decommission", stated(), fails()),
        one_step("edits", edits(), Vec::new()),
        one_step("repeat", repeat, fails()),
        one_step("fault", reference("fault"), Vec::new()),
        one_step("wait", reference("duration"), Vec::new()),
        one_step("cycle", cycle(), fails_alone()),
        one_step("job", job(), fails()),
        one_step("connect", connect_step(), fails_alone()),
        one_step("expect", reference("expectations"), Vec::new()),
        one_step("within", reference("duration"), expect()),
        one_step("always", watched.clone(), expect()),
        one_step("never", watched.clone(), expect()),
        one_step("until", watched, expect()),
    ])
}

/// What people state for `decommission`.
fn stated() -> Value {
    let names = ["dns_on_premises", "smtp_relay", "groups_on_premises", "ad_readers"];
    let properties = names.map(|name| (name, boolean()));
    mapping(&properties, &[])
}

fn graph_request() -> Value {
    any_of(vec![
        text("A request: `GET /users/u7`."),
        mapping(
            &[
                ("method", one_of(&known::METHODS)),
                ("path", text("Begins with `/`.")),
                ("body", json!({})),
            ],
            &["method", "path"],
        ),
    ])
}

fn transfer(catalogues: &Catalogues) -> Value {
    let many = json!({"type": "integer", "minimum": 0});
    mapping(
        &[
            ("mailboxes", reference("selector")),
            ("wave", json!({"type": "integer", "minimum": 1})),
            ("pause", reference("duration")),
            ("most_failures", many),
            ("accept", list(names(&catalogues.findings))),
            ("to", one_of(&known::AUTHORITIES)),
        ],
        &["mailboxes"],
    )
}

fn edits() -> Value {
    mapping(
        &[
            ("mailboxes", reference("selector")),
            ("share", share()),
            ("every", reference("duration")),
            ("for", reference("duration")),
        ],
        &[],
    )
}

fn job() -> Value {
    let scopes = list(one_of(&known::SCOPES));
    any_of(vec![
        words(&["start", "pause", "restart"]),
        mapping(&[("restart", scopes)], &["restart"]),
        mapping(&[("provision_on_demand", text("A user."))], &["provision_on_demand"]),
    ])
}

fn one_step(name: &'static str, what: Value, mut beside: Vec<(&'static str, Value)>) -> Value {
    beside.push((name, what));
    beside.push(("at", text("An instant, or an offset from the start.")));
    beside.push(("note", text("Words for people.")));
    let mut step = mapping(&beside, &[name]);
    step["type"] = json!("object");
    step
}

/// A built-in role, or one that the world describes.
fn role_name(catalogues: &Catalogues) -> Value {
    any_of(vec![names(&catalogues.roles), text("One of `world.roles`.")])
}
