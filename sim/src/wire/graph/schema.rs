//! The schema of the writeback job as Graph shows it.
//!
//! Source: Microsoft Graph reference, resource types synchronizationSchema, directoryDefinition.
//!
//! # Divergence from Microsoft Graph
//! Whoever runs the job says which schemas it takes; another one is refused, not stored.

use serde_json::{Value, json};

use super::derived_id;
use crate::entra::job::WritebackJob;
use crate::entra::schema::{Schema, default_flows};
use crate::exchange::property::PROPERTIES;
use crate::powershell::ParameterKind;

/// The names of the two directories.
const SIDES: (&str, &str) = ("Exchange Online", "Active Directory");

/// The whole document.
pub(super) fn document(job: &WritebackJob, with_mail: bool) -> Value {
    let schema = job.schema.clone().unwrap_or_else(|| Schema::of_defaults(with_mail));
    json!({
        "id": job.id,
        "version": "v1.0",
        "provisioningTaskIdentifier": job.id,
        "synchronizationRules": schema.rules(&job.rule, SIDES),
        "directories": directories(job, with_mail),
    })
}

/// The two sides.
pub(super) fn directories(job: &WritebackJob, with_mail: bool) -> [Value; 2] {
    let attributes: Vec<(String, String, bool)> = default_flows(with_mail)
        .into_iter()
        .map(|flow| {
            let spec = PROPERTIES.iter().find(|spec| spec.ad == Some(flow.target.as_str()));
            let several = spec.is_some_and(|spec| spec.kind == ParameterKind::MultiValue);
            (flow.source.trim_matches(['[', ']']).to_owned(), flow.target, several)
        })
        .collect();
    let directory = |name: &str, object: &str, side: fn(&(String, String, bool)) -> &String| {
        let attributes: Vec<Value> = attributes
            .iter()
            .map(|attribute| {
                json!({
                    "name": side(attribute),
                    "type": "String",
                    "anchor": false,
                    "required": false,
                    "multivalued": attribute.2,
                    "mutability": "ReadWrite",
                    "caseExact": false,
                })
            })
            .collect();
        json!({
            "id": derived_id(&format!("{} directory {name}", job.id)),
            "name": name,
            "discoverabilities": "AttributeNames, AttributeDataTypes",
            "version": "1",
            "objects": [{"name": object, "attributes": attributes}],
        })
    };
    [
        directory(SIDES.0, "User", |attribute| &attribute.0),
        directory(SIDES.1, "user", |attribute| &attribute.1),
    ]
}
