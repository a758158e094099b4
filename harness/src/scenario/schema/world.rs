//! `world:`.

use serde_json::{Value, json};

use sim::entra::features::FEATURES;

use super::form::{
    allow_by_name, any_of, boolean, list, many, mapping, mapping_by_name, names, one_of, reference,
    share, text, texts, version, words,
};
use crate::scenario::catalogue::{Catalogues, SwitchKind, SwitchSpec};
use crate::scenario::read::words as known;

pub(super) fn world(catalogues: &Catalogues) -> Value {
    mapping(
        &[
            ("include", include()),
            ("profile", names(&catalogues.profiles)),
            ("switches", switches(catalogues)),
            ("seed", json!({"type": "integer", "minimum": 0, "maximum": u64::MAX})),
            ("start", json!({"type": "string", "format": "date-time"})),
            ("forest", forest()),
            ("tenant", tenant()),
            (
                "rights",
                mapping(
                    &[
                        ("agents", texts()),
                        ("cut_off", texts()),
                        ("protected", texts()),
                        ("deny", rights_entries()),
                        ("allow", rights_entries()),
                    ],
                    &[],
                ),
            ),
            ("roles", many(&role(catalogues))),
            ("inbound", one_of(&known::INBOUND)),
            ("connect", connect()),
            ("agents", many(&agent())),
            ("writeback", writeback()),
            ("population", many(&reference("population"))),
        ],
        &[],
    )
}

/// Switches of the profile, by their names in any case.
fn switches(catalogues: &Catalogues) -> Value {
    let known: Vec<(&str, Value)> = catalogues
        .switches
        .iter()
        .map(|switch| (switch.name.as_str(), switch_value(switch)))
        .collect();
    let mut schema = mapping(&known, &[]);
    for (name, form) in &known {
        allow_by_name(&mut schema, &[name], form);
    }
    schema
}

/// Users and organizational units, each with the attributes that an entry is about.
fn rights_entries() -> Value {
    let entry = mapping(
        &[
            ("on", list(text("A user, or an organizational unit such as `Staff/North`."))),
            ("attributes", texts()),
        ],
        &["on"],
    );
    let one = any_of(vec![text("A user or an organizational unit: every attribute."), entry]);
    any_of(vec![one.clone(), many(&one)])
}

fn role(catalogues: &Catalogues) -> Value {
    let entries = || list(text("A cmdlet with parameters, `Set-Mailbox -IsExchangeCloudManaged`."));
    mapping(
        &[
            ("name", text("What `as:` calls it.")),
            ("like", any_of(vec![names(&catalogues.roles), text("A role before this one.")])),
            ("may", entries()),
            ("may_not", entries()),
            ("ad", texts()),
        ],
        &["name"],
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
            ("recycle_bin", boolean()),
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

fn tenant() -> Value {
    mapping(
        &[
            ("features", mapping_by_name(&FEATURES, &boolean())),
            ("deletion_threshold", json!({"type": "integer", "minimum": 0})),
            ("cloud_managed_by_default", boolean()),
            ("entra_id_p1", boolean()),
            ("domain", text("The verified domain of its users.")),
            ("domains", list(text("A further verified domain."))),
            ("verified", list(text("A verified domain that Exchange Online does not accept."))),
            (
                "initial",
                json!({"type": "string", "pattern": "\\.[oO][nN][mM][iI][cC][rR][oO][sS][oO][fF][tT]\\.[cC][oO][mM]$"}),
            ),
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
        json!({"enum": ["none", "false", false]}),
        mapping(
            &[
                ("created", json!({"type": "string", "format": "date"})),
                ("interval", reference("duration")),
                ("enabled", boolean()),
                ("domain", text("The AD domain that it is for.")),
                (
                    "mappings",
                    json!({
                        "type": ["object", "null"],
                        "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
                    }),
                ),
                ("scope", mapping(&[("ous", texts()), ("groups", texts())], &[])),
            ],
            &[],
        ),
    ])
}

fn switch_value(switch: &SwitchSpec) -> Value {
    match &switch.kind {
        SwitchKind::Boolean => json!({"enum": [true, false, "on", "off", "true", "false"]}),
        SwitchKind::Integer(least, most) => {
            json!({"type": "integer", "minimum": least, "maximum": most})
        }
        SwitchKind::Duration(_) => reference("duration"),
        SwitchKind::Budget => json!({"anyOf": [
            words(&["off"]),
            {"type": "string", "pattern": "^\\s*[1-9]\\d*\\s*/"},
        ]}),
        SwitchKind::OneOf(words) => names(words),
    }
}

pub(super) fn population(catalogues: &Catalogues) -> Value {
    let mut user = vec![
        ("name", text("How steps call it; also its `cn`.")),
        ("upn", json!({"type": "string", "pattern": "^[^@]+@[^@]+$"})),
        ("addresses", list(text("A proxy address; `SMTP:` marks the primary."))),
        ("cloud_managed", boolean()),
        ("type", one_of(&known::KINDS)),
        ("mailbox", one_of(&known::LOCATIONS)),
        ("dir_synced", boolean()),
        ("licensed", boolean()),
        ("domain", text("Its AD domain.")),
        ("ou", text("Organizational units from the domain down: `Staff/North`.")),
    ];
    let properties: Vec<&str> = catalogues.exo_properties.iter().map(String::as_str).collect();
    user.push(("cloud", mapping_by_name(&properties, &reference("value"))));
    let attributes: Vec<&str> = catalogues.ad_attributes.iter().map(String::as_str).collect();
    user.extend(attributes.iter().map(|name| (*name, reference("value"))));
    let mut user = mapping(&user, &[]);
    allow_by_name(&mut user, &attributes, &reference("value"));
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
        mapping(&[("user", any_of(vec![text("A name."), user]))], &["user"]),
        mapping(
            &[
                ("ldif", text("A forest's export, beside the scenario.")),
                ("mailboxes", text("What `Get-Mailbox | Export-Csv` wrote.")),
            ],
            &["ldif"],
        ),
    ])
}
