//! `world:`.

use serde_json::{Value, json};

use super::form::{
    any_of, boolean, list, mapping, names, one_of, reference, share, text, texts, version,
};
use crate::scenario::catalogue::{Catalogues, SwitchKind, SwitchSpec};
use crate::scenario::read::words;

pub(super) fn world(catalogues: &Catalogues) -> Value {
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
                        ("deny", rights_entries()),
                        ("allow", rights_entries()),
                    ],
                    &[],
                ),
            ),
            ("roles", json!({"type": "array", "items": role(catalogues)})),
            ("inbound", one_of(&words::INBOUND)),
            ("connect", connect()),
            ("agents", json!({"type": "array", "items": agent()})),
            ("writeback", writeback()),
            ("population", json!({"type": "array", "items": reference("population")})),
        ],
        &[],
    )
}

/// Users and organizational units, each with the attributes that an entry is about.
fn rights_entries() -> Value {
    let entry = mapping(
        &[
            ("on", list(text("A user, or an organizational unit such as `Staff/North`."))),
            ("attributes", any_of(vec![json!({"enum": ["all"]}), texts()])),
        ],
        &["on"],
    );
    let one = any_of(vec![text("A user or an organizational unit: every attribute."), entry]);
    any_of(vec![one.clone(), json!({"type": "array", "items": one})])
}

fn role(catalogues: &Catalogues) -> Value {
    let entries = || list(text("A cmdlet with parameters, `Set-Mailbox -IsExchangeCloudManaged`."));
    mapping(
        &[
            ("name", text("What `as:` calls it.")),
            ("like", any_of(vec![names(&catalogues.roles), text("A role before this one.")])),
            ("may", entries()),
            ("may_not", entries()),
            ("ad", any_of(vec![json!({"enum": ["all", "none"]}), texts()])),
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
    let features = sim::entra::features::FEATURES.map(|name| (name, boolean()));
    mapping(
        &[
            ("features", mapping(&features, &[])),
            ("deletion_threshold", json!({"type": "integer", "minimum": 0})),
            ("cloud_managed_by_default", boolean()),
            ("entra_id_p1", boolean()),
            ("domain", text("The verified domain of its users.")),
            ("domains", list(text("A further verified domain."))),
            ("verified", list(text("A verified domain that Exchange Online does not accept."))),
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
        SwitchKind::Integer(least, most) => {
            json!({"type": "integer", "minimum": least, "maximum": most})
        }
        SwitchKind::Duration(_) => reference("duration"),
        SwitchKind::Budget => json!({"anyOf": [
            {"enum": ["off", false]},
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
        ("type", one_of(&words::KINDS)),
        ("mailbox", one_of(&words::LOCATIONS)),
        ("dir_synced", boolean()),
        ("licensed", boolean()),
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
