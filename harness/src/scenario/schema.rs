//! The JSON Schema of a scenario file, for editors: made of the same tables that the reader checks
//! against. What a schema cannot say (who exists, what excludes what, cmdlet lines) `check` says.

use serde_json::{Map, Value, json};

use super::catalogue::{Catalogues, SwitchKind, SwitchSpec};
use super::expectation::{
    AGENT_PROPERTIES, CONNECT_COUNTS, COUNTS, JOB_PROPERTIES, LAGS, QUARANTINE_PROPERTIES,
};
use super::fault::{Direction, PortCall, Service};
use super::read::words;

/// The schema, draft 2020-12.
#[must_use]
pub fn schema(catalogues: &Catalogues) -> Value {
    let scenario = mapping(
        &[
            ("scenario", text("A sentence that says what it is about.")),
            ("id", text("Its id in the library of facts.")),
            ("about", one_of(&words::ABOUT)),
            ("evidence", one_of(&words::EVIDENCE)),
            ("tier", one_of(&words::TIERS)),
            ("world", reference("world")),
            ("story", json!({"type": "array", "items": reference("step")})),
            ("expect", reference("expectations")),
            ("suspend", json!({"type": "array", "items": suspension(catalogues)})),
        ],
        &["scenario", "story"],
    );
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A hybridsim scenario",
        "$defs": {
            "world": world(catalogues),
            "population": population(catalogues),
            "step": step(catalogues),
            "fault": fault(),
            "expectations": expectations(),
            "comparison": comparison(),
            "value": value(),
            "duration": duration(),
            "selector": selector(),
        },
    });
    if let (Some(schema), Value::Object(scenario)) = (schema.as_object_mut(), scenario) {
        schema.extend(scenario);
    }
    schema
}

fn world(catalogues: &Catalogues) -> Value {
    let switches: Vec<(&str, Value)> = catalogues
        .switches
        .iter()
        .map(|switch| (switch.name.as_str(), switch_value(switch)))
        .collect();
    mapping(
        &[
            ("include", include()),
            ("profile", names(&catalogues.profiles)),
            ("switches", mapping(&switches, &[])),
            ("seed", json!({"type": "integer", "minimum": 0})),
            ("start", json!({"type": "string", "format": "date-time"})),
            ("forest", forest()),
            ("tenant", tenant()),
            (
                "rights",
                mapping(
                    &[
                        ("agents", any_of(vec![json!({"enum": ["all", "none"]}), texts()])),
                        ("cut_off", texts()),
                        ("protected", texts()),
                    ],
                    &[],
                ),
            ),
            ("inbound", one_of(&words::INBOUND)),
            ("connect", connect()),
            ("agents", json!({"type": "array", "items": agent()})),
            ("writeback", writeback()),
            ("population", json!({"type": "array", "items": reference("population")})),
        ],
        &[],
    )
}

fn include() -> Value {
    let file = || text("A file with a world, beside this one.");
    any_of(vec![
        file(),
        mapping(&[("file", file()), ("with", json!({"type": "object"}))], &["file"]),
    ])
}

fn forest() -> Value {
    let dc = any_of(vec![
        text("A host name."),
        mapping(
            &[
                ("name", text("A host name.")),
                ("replication", reference("duration")),
                ("domain", text("One of `domains`.")),
                ("read_only", boolean()),
            ],
            &["name"],
        ),
    ]);
    let one = mapping(
        &[
            ("domains", list(text("The DNS name of a domain; the root first."))),
            ("dcs", json!({"type": "array", "items": dc, "minItems": 1})),
            ("exchange_schema", boolean()),
        ],
        &[],
    );
    any_of(vec![one.clone(), json!({"type": "array", "items": one, "minItems": 1})])
}

fn connect() -> Value {
    mapping(
        &[
            ("build", version()),
            ("cycle", reference("duration")),
            ("dc", text("The domain controller from which it imports.")),
            ("staging", version()),
            ("ous", list(text("An organizational unit that is synchronized, `Staff/North`."))),
            ("scheduler", boolean()),
        ],
        &[],
    )
}

fn cycle() -> Value {
    any_of(vec![
        one_of(&words::CYCLES),
        mapping(&[("connect", one_of(&words::POLICIES))], &["connect"]),
    ])
}

fn connect_step() -> Value {
    any_of(vec![
        one_of(&words::CONNECT_WORDS),
        mapping(&[("upgrade", version()), ("edited_config", boolean())], &["upgrade"]),
        mapping(&[("new_server", version())], &["new_server"]),
        mapping(&[("scheduler", boolean())], &["scheduler"]),
    ])
}

fn tenant() -> Value {
    let features = sim::entra::features::FEATURES.map(|name| (name, boolean()));
    mapping(
        &[
            ("features", mapping(&features, &[])),
            ("deletion_threshold", json!({"type": "integer", "minimum": 0})),
            ("cloud_managed_by_default", boolean()),
            ("domain", text("The verified domain of its users.")),
            ("domains", list(text("A further verified domain."))),
            ("initial", json!({"type": "string", "pattern": "\\.onmicrosoft\\.com$"})),
        ],
        &[],
    )
}

fn agent() -> Value {
    any_of(vec![
        text("A machine name."),
        mapping(
            &[
                ("name", text("A machine name.")),
                ("version", version()),
                (
                    "dc",
                    list(text("A domain controller that it talks to, the preferred one first.")),
                ),
            ],
            &["name"],
        ),
    ])
}

fn writeback() -> Value {
    any_of(vec![
        json!({"enum": ["none", false]}),
        mapping(
            &[
                ("created", json!({"type": "string", "format": "date"})),
                ("interval", reference("duration")),
                ("enabled", boolean()),
                ("domain", text("The AD domain that it is for.")),
                (
                    "mappings",
                    json!({"type": "object", "additionalProperties": {"type": ["string", "null"]}}),
                ),
                ("scope", mapping(&[("ous", names_list()), ("groups", names_list())], &[])),
            ],
            &[],
        ),
    ])
}

fn names_list() -> Value {
    json!({"type": ["string", "array"], "items": {"type": "string"}})
}

fn switch_value(switch: &SwitchSpec) -> Value {
    match &switch.kind {
        SwitchKind::Boolean => json!({"enum": [true, false, "on", "off"]}),
        SwitchKind::Integer => json!({"type": "integer"}),
        SwitchKind::Duration => reference("duration"),
        SwitchKind::OneOf(words) => names(words),
        SwitchKind::Text => json!({"type": ["string", "number", "boolean"]}),
    }
}

fn population(catalogues: &Catalogues) -> Value {
    let mut user = vec![
        ("name", text("How steps call it; also its `cn`.")),
        ("upn", json!({"type": "string", "pattern": "^[^@]+@[^@]+$"})),
        ("addresses", list(text("A proxy address; `SMTP:` marks the primary."))),
        ("cloud_managed", boolean()),
        ("type", one_of(&words::KINDS)),
        ("mailbox", one_of(&words::LOCATIONS)),
        ("dir_synced", boolean()),
        ("domain", text("Its AD domain.")),
        ("ou", text("Organizational units from the domain down: `Staff/North`.")),
    ];
    let cloud: Vec<(&str, Value)> =
        catalogues.exo_properties.iter().map(|name| (name.as_str(), reference("value"))).collect();
    user.push(("cloud", mapping(&cloud, &[])));
    let attributes = catalogues.ad_attributes.iter();
    user.extend(attributes.map(|name| (name.as_str(), reference("value"))));
    any_of(vec![
        mapping(
            &[
                ("shape", names(&catalogues.shapes)),
                ("mailboxes", json!({"type": "integer", "minimum": 1})),
                ("cloud_managed", any_of(vec![share(), boolean()])),
                ("domain", text("Their AD domain.")),
            ],
            &["shape", "mailboxes"],
        ),
        mapping(&[("user", any_of(vec![text("A name."), mapping(&user, &[])]))], &["user"]),
        mapping(
            &[
                ("ldif", text("A forest's export, beside the scenario.")),
                ("mailboxes", text("What `Get-Mailbox | Export-Csv` wrote.")),
            ],
            &["ldif"],
        ),
    ])
}

/// One shape for each kind of step: what it does, and what may stand beside it.
fn step(catalogues: &Catalogues) -> Value {
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
    let fails = || {
        vec![
            ("expect_error", text("`any`, or a code: the step must fail so.")),
            ("as", names(&catalogues.roles)),
        ]
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
        one_step("edits", edits(), role(catalogues)),
        one_step("repeat", repeat, fails()),
        one_step("fault", reference("fault"), role(catalogues)),
        one_step("wait", reference("duration"), role(catalogues)),
        one_step("cycle", cycle(), fails()),
        one_step("job", job(), fails()),
        one_step("connect", connect_step(), fails()),
        one_step("expect", reference("expectations"), role(catalogues)),
        one_step("within", reference("duration"), expect()),
        one_step("always", watched.clone(), expect()),
        one_step("never", watched.clone(), expect()),
        one_step("until", watched, expect()),
    ])
}

/// What people state for `decommission`.
fn stated() -> Value {
    let names = ["dns_on_premises", "smtp_relay", "groups_on_premises", "ad_readers"];
    let properties = names.map(|name| (name, json!({"type": "boolean"})));
    mapping(&properties, &[])
}

fn graph_request() -> Value {
    any_of(vec![
        text("A request: `GET /users/u7`."),
        mapping(
            &[
                ("method", one_of(&words::METHODS)),
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
            ("to", one_of(&words::AUTHORITIES)),
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
    let scopes = list(one_of(&words::SCOPES));
    any_of(vec![
        json!({"enum": ["start", "pause", "restart"]}),
        mapping(&[("restart", scopes)], &["restart"]),
        mapping(&[("provision_on_demand", text("A user."))], &["provision_on_demand"]),
    ])
}

fn role(catalogues: &Catalogues) -> Vec<(&'static str, Value)> {
    vec![("as", names(&catalogues.roles))]
}

fn one_step(name: &'static str, what: Value, mut beside: Vec<(&'static str, Value)>) -> Value {
    beside.push((name, what));
    beside.push(("at", text("An instant, or an offset from the start.")));
    beside.push(("note", text("Words for people.")));
    mapping(&beside, &[name])
}

fn fault() -> Value {
    let agent = || ("agent", text("An agent."));
    let dc = || ("dc", text("A domain controller."));
    let lasts = || ("for", reference("duration"));
    let count = || ("count", json!({"type": "integer", "minimum": 1}));
    let nth = || ("nth", json!({"type": "integer", "minimum": 1}));
    let when = || ("when", one_of(&words::WHEN));
    let operation = || ("operation", one_of(&words::OPERATIONS));
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
        ("throttled", of_cloud(vec![retry()])),
        ("service_failure", of_cloud(vec![("status", status), retry()])),
        ("timed_out", of_cloud(vec![by(), when()])),
        ("truncated_body", of_cloud(Vec::new())),
        ("page_expired", mapping(&[lasts(), count()], &[])),
        ("certificate_expired", of_cloud(Vec::new())),
        ("cloud_offline", of_cloud(Vec::new())),
    ];
    let mut schema = mapping(&faults, &[]);
    schema["minProperties"] = json!(1);
    schema["maxProperties"] = json!(1);
    schema
}

fn expectations() -> Value {
    let all = |names: &[&'static str]| {
        let keys: Vec<(&str, Value)> =
            names.iter().map(|name| (*name, reference("comparison"))).collect();
        mapping(&keys, &[])
    };
    let question = |count: bool| {
        let mut keys = vec![
            ("code", text("The error code or skip reason.")),
            ("mailbox", text("A mailbox.")),
            ("status", json!({"type": "string"})),
        ];
        if count {
            let bounds = ["equals", "below", "above", "at_least", "at_most"];
            keys.extend(bounds.map(|bound| (bound, json!({"type": "integer"}))));
        }
        let one = mapping(&keys, &[]);
        any_of(vec![one.clone(), json!({"type": "array", "items": one})])
    };
    let log = mapping(
        &[("count", question(true)), ("contains", question(false)), ("absent", question(false))],
        &[],
    );
    let mailbox = json!({
        "type": "object",
        "propertyNames": {"pattern": "^(ad(@[^.]+)?|exo|entra)\\."},
        "additionalProperties": reference("comparison"),
    });
    json!({
        "type": "object",
        "minProperties": 1,
        "properties": {
            "job": all(&JOB_PROPERTIES),
            "quarantine": all(&QUARANTINE_PROPERTIES),
            "counts": all(&COUNTS),
            "connect": all(&CONNECT_COUNTS),
            "lag": all(&LAGS),
            "agents": {"type": "object", "additionalProperties": all(&AGENT_PROPERTIES)},
            "log": any_of(vec![log.clone(), json!({"type": "array", "items": log})]),
        },
        "additionalProperties": mailbox,
    })
}

fn comparison() -> Value {
    let size = json!({"type": ["integer", "string"]});
    let number = any_of(vec![json!({"type": "integer"}), reference("comparison")]);
    any_of(vec![
        reference("value"),
        mapping(
            &[
                ("absent", boolean()),
                ("contains", reference("value")),
                ("lacks", reference("value")),
                ("primary", text("An address.")),
                ("equals", reference("value")),
                ("set", reference("value")),
                ("count", number.clone()),
                ("length", number),
                ("matches", json!({"type": "string", "format": "regex"})),
                ("below", size.clone()),
                ("above", size.clone()),
                ("at_least", size.clone()),
                ("at_most", size),
            ],
            &[],
        ),
    ])
}

fn suspension(catalogues: &Catalogues) -> Value {
    mapping(
        &[
            ("oracle", names(&catalogues.oracles)),
            ("because", text("The reason that every report shows.")),
        ],
        &["oracle", "because"],
    )
}

fn value() -> Value {
    let scalar = json!({"type": ["string", "number", "boolean", "null"]});
    any_of(vec![scalar.clone(), json!({"type": "array", "items": scalar})])
}

fn duration() -> Value {
    json!({"type": "string", "pattern": "^\\s*(\\d+\\s*(ms|s|m|h|d|w)\\s*)+$"})
}

fn share() -> Value {
    json!({"type": "string", "pattern": "^\\s*\\d+(\\.\\d+)?\\s*%\\s*$"})
}

fn selector() -> Value {
    any_of(vec![
        text("A mailbox, `shape:<name>` or `all`."),
        json!({"type": "array", "items": {"type": "string"}, "minItems": 1}),
    ])
}

fn version() -> Value {
    json!({"type": "string", "pattern": "^\\d+\\.\\d+\\.\\d+\\.\\d+$"})
}

fn boolean() -> Value {
    json!({"type": "boolean"})
}

/// One text, or several.
fn texts() -> Value {
    json!({"type": ["string", "array"], "items": {"type": "string"}})
}

/// YAML reads `7` as a number where the language reads a text.
fn text(description: &str) -> Value {
    json!({"type": ["string", "number", "boolean"], "description": description})
}

/// One thing or a list of them.
fn list(item: Value) -> Value {
    let many = json!({"type": "array", "items": item});
    any_of(vec![item, many])
}

fn one_of<T>(words: &[(&str, T)]) -> Value {
    json!({"enum": words.iter().map(|(word, _)| *word).collect::<Vec<_>>()})
}

fn names(words: &[String]) -> Value {
    json!({"enum": words})
}

fn any_of(schemas: Vec<Value>) -> Value {
    let mut schema = Map::new();
    schema.insert("anyOf".to_owned(), Value::Array(schemas));
    Value::Object(schema)
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}

/// A mapping that has these keys and no other.
fn mapping(keys: &[(&str, Value)], required: &[&str]) -> Value {
    let properties: Map<String, Value> =
        keys.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// The schema as text, as it is committed.
#[must_use]
pub fn schema_text(catalogues: &Catalogues) -> String {
    format!("{:#}\n", schema(catalogues))
}
