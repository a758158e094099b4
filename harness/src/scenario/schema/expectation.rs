//! `expect:`, and what compares.

use serde_json::{Value, json};

use super::form::{any_of, boolean, many, mapping, reference, text};
use crate::scenario::expectation::{
    AGENT_PROPERTIES, CONNECT_COUNTS, COUNTS, JOB_PROPERTIES, LAGS, QUARANTINE_PROPERTIES,
    RUN_PROPERTIES,
};

pub(super) fn expectations() -> Value {
    let all = |names: &[&'static str]| {
        let keys: Vec<(&str, Value)> =
            names.iter().map(|name| (*name, reference("comparison"))).collect();
        mapping(&keys, &[])
    };
    let question = |count: bool| {
        let mut keys = vec![
            ("code", text("The error code or skip reason.")),
            ("mailbox", text("A mailbox.")),
            ("status", text("`Success`, `Failure` or `Skipped`.")),
        ];
        if count {
            let bounds = ["equals", "below", "above", "at_least", "at_most"];
            keys.extend(bounds.map(|bound| (bound, json!({"type": ["integer", "string"]}))));
        }
        let one = mapping(&keys, &[]);
        let mut forms = vec![one.clone(), json!({"type": "array", "items": one})];
        if count {
            forms.push(json!({"type": "integer", "minimum": 0}));
        }
        any_of(forms)
    };
    let log = mapping(
        &[("count", question(true)), ("contains", question(false)), ("absent", question(false))],
        &[],
    );
    let of_all_runs = CONNECT_COUNTS.map(|name| (name, reference("comparison")));
    let of_the_last = [("last", all(&RUN_PROPERTIES)), ("runs", many(&all(&RUN_PROPERTIES)))];
    let connect: Vec<(&str, Value)> = of_all_runs.into_iter().chain(of_the_last).collect();
    let connect = mapping(&connect, &[]);
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
            "connect": connect,
            "lag": all(&LAGS),
            "agents": {"type": ["object", "null"], "additionalProperties": all(&AGENT_PROPERTIES)},
            "log": any_of(vec![log.clone(), json!({"type": "array", "items": log})]),
        },
        "additionalProperties": mailbox,
    })
}

pub(super) fn comparison() -> Value {
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
                ("matches", text("A regular expression that is found in some value.")),
                ("below", size.clone()),
                ("above", size.clone()),
                ("at_least", size.clone()),
                ("at_most", size),
            ],
            &[],
        ),
    ])
}
