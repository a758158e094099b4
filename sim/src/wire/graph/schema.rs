//! The schema of the writeback job: which attribute goes where.
//!
//! Source: Microsoft Graph reference, resource types synchronizationSchema, synchronizationRule,
//! objectMapping, attributeMapping, directoryDefinition. The document of this job is not published; what
//! is here is the documented shape with the announced 24 attributes (synthetic).
//!
//! # Divergence from Microsoft Graph
//! The engine has one mapping. A schema that differs from it is refused, not stored.

use serde_json::{Value, json};

use super::derived_id;
use crate::entra::job::WritebackJob;
use crate::exchange::property::{Bucket, PROPERTIES};
use crate::powershell::ParameterKind;

/// Source and target of the mappings, in the order of the announcement.
fn mappings(with_mail: bool) -> Vec<(&'static str, &'static str, bool)> {
    let mut list: Vec<(&str, &str, bool)> = PROPERTIES
        .iter()
        .filter(|spec| spec.bucket == Bucket::WrittenBack)
        .filter_map(|spec| {
            let several = spec.kind == ParameterKind::MultiValue;
            Some((if spec.ad? == "mail" { "Mail" } else { spec.name }, spec.ad?, several))
        })
        .filter(|(_, ad, _)| with_mail || *ad != "mail")
        .collect();
    list.push(("RecipientDisplayType", "msExchRecipientDisplayType", false));
    list.push(("RecipientTypeDetails", "msExchRecipientTypeDetails", false));
    list
}

/// The whole document.
pub(super) fn document(job: &WritebackJob, with_mail: bool) -> Value {
    let mappings = mappings(with_mail);
    let attribute_mappings: Vec<Value> = mappings
        .iter()
        .map(|(source, target, _)| {
            json!({
                "defaultValue": null,
                "exportMissingReferences": false,
                "flowBehavior": "FlowWhenChanged",
                "flowType": "Always",
                "matchingPriority": 0,
                "targetAttributeName": target,
                "source": {
                    "expression": format!("[{source}]"),
                    "name": source,
                    "type": "Attribute",
                    "parameters": [],
                },
            })
        })
        .collect();
    let [source, target] = directories(job, with_mail);
    json!({
        "id": job.id,
        "version": "v1.0",
        "provisioningTaskIdentifier": job.id,
        "synchronizationRules": [{
            "id": job.rule,
            "name": "USER_OUTBOUND_USER",
            "priority": 1,
            "editable": true,
            "sourceDirectoryName": source["name"],
            "targetDirectoryName": target["name"],
            "metadata": [],
            "containerFilter": {"includedContainers": []},
            "groupFilter": {"includedGroups": []},
            "objectMappings": [{
                "enabled": true,
                "flowTypes": "Update",
                "name": "Synchronize Exchange attributes of users to Active Directory",
                "sourceObjectName": "User",
                "targetObjectName": "user",
                "metadata": [],
                "scope": {"groups": [{
                    "name": "Cloud-managed mailboxes",
                    "clauses": [{
                        "operatorName": "IS TRUE",
                        "sourceOperandName": "IsExchangeCloudManaged",
                        "targetOperand": {"values": []},
                    }],
                }]},
                "attributeMappings": attribute_mappings,
            }],
        }],
        "directories": [source, target],
    })
}

/// The two sides.
pub(super) fn directories(job: &WritebackJob, with_mail: bool) -> [Value; 2] {
    let mappings = mappings(with_mail);
    let directory =
        |name: &str,
         object: &str,
         side: fn(&(&'static str, &'static str, bool)) -> &'static str| {
            let attributes: Vec<Value> = mappings
                .iter()
                .map(|mapping| {
                    json!({
                        "name": side(mapping),
                        "type": "String",
                        "anchor": false,
                        "required": false,
                        "multivalued": mapping.2,
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
        directory("Exchange Online", "User", |mapping| mapping.0),
        directory("Active Directory", "user", |mapping| mapping.1),
    ]
}

/// Whether somebody's schema says the same as the job's: the mappings that are on, and no scope beyond
/// its own.
pub(super) fn is_same(given: &Value, own: &Value) -> bool {
    let essence = |schema: &Value| {
        let rule = &schema["synchronizationRules"][0];
        let mapping = &rule["objectMappings"][0];
        let mut flows: Vec<(String, String)> = mapping["attributeMappings"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|flow| {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_ascii_lowercase();
                (text(&flow["source"]["expression"]), text(&flow["targetAttributeName"]))
            })
            .collect();
        flows.sort();
        let filters = [
            rule["containerFilter"]["includedContainers"].clone(),
            rule["groupFilter"]["includedGroups"].clone(),
        ];
        (
            flows,
            filters.map(|list| list.as_array().map_or(0, Vec::len)),
            mapping["enabled"] != false,
        )
    };
    essence(given) == essence(own)
}
