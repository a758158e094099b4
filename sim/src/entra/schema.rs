//! The schema of the writeback job, as a record: which attribute goes where, and which objects it is for.
//!
//! What it does is the engine's; here it is kept, shown and handed over.
//!
//! Source: Microsoft Graph reference, resource types synchronizationSchema, synchronizationRule,
//! objectMapping, attributeMapping. The document of this job is not published; what is here is the
//! documented shape with the announced 24 attributes, one to one (synthetic).

use serde_json::{Value, json};

use crate::exchange::property::{Bucket, PROPERTIES};

/// One attribute mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// `targetAttributeName`.
    pub target: String,
    /// `source.expression`.
    pub source: String,
    /// `defaultValue`.
    pub default: Option<String>,
}

/// A schema that somebody put in the place of the default one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// The attribute mappings.
    pub flows: Vec<Flow>,
    /// `containerFilter.includedContainers`.
    pub containers: Vec<String>,
    /// `groupFilter.includedGroups`.
    pub groups: Vec<String>,
}

/// The mappings of a new configuration; `mail` came with general availability (Exchange Team Blog
/// 2026-08-03).
#[must_use]
pub fn default_flows(with_mail: bool) -> Vec<Flow> {
    let flow = |source: &str, target: &str| Flow {
        target: target.to_owned(),
        source: format!("[{source}]"),
        default: None,
    };
    let mut flows: Vec<Flow> = PROPERTIES
        .iter()
        .filter(|spec| spec.bucket == Bucket::WrittenBack)
        .filter_map(|spec| {
            let target = spec.ad?;
            Some(flow(if target == "mail" { "Mail" } else { spec.name }, target))
        })
        .filter(|flow| with_mail || flow.target != "mail")
        .collect();
    flows.push(flow("RecipientDisplayType", "msExchRecipientDisplayType"));
    flows.push(flow("RecipientTypeDetails", "msExchRecipientTypeDetails"));
    flows
}

impl Schema {
    /// The default one.
    #[must_use]
    pub fn of_defaults(with_mail: bool) -> Self {
        Self { flows: default_flows(with_mail), containers: Vec::new(), groups: Vec::new() }
    }

    /// What a document says. What it cannot say here is nothing: whoever runs the job has checked it.
    #[must_use]
    pub fn of_document(document: &Value) -> Self {
        let rule = &document["synchronizationRules"][0];
        let names = |filter: &str, member: &str| -> Vec<String> {
            let list = rule[filter][member].as_array();
            list.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
        };
        let flows = rule["objectMappings"][0]["attributeMappings"].as_array();
        let flow = |flow: &Value| {
            let source = &flow["source"];
            let name = || source["name"].as_str().unwrap_or_default();
            let source = match source["expression"].as_str().filter(|text| !text.is_empty()) {
                Some(expression) => expression.to_owned(),
                None if source["type"] == "Constant" => {
                    format!("\"{}\"", name().replace('"', "\"\""))
                }
                None => format!("[{}]", name()),
            };
            Some(Flow {
                target: flow["targetAttributeName"].as_str()?.to_owned(),
                source,
                default: flow["defaultValue"].as_str().map(str::to_owned),
            })
        };
        Self {
            flows: flows.into_iter().flatten().filter_map(flow).collect(),
            containers: names("containerFilter", "includedContainers"),
            groups: names("groupFilter", "includedGroups"),
        }
    }

    /// `synchronizationRules`: one rule, with this id, from one directory to another.
    #[must_use]
    pub fn rules(&self, rule: &str, (source, target): (&str, &str)) -> Value {
        let flows: Vec<Value> = self.flows.iter().map(attribute_mapping).collect();
        json!([{
            "id": rule,
            "name": "USER_OUTBOUND_USER",
            "priority": 1,
            "editable": true,
            "sourceDirectoryName": source,
            "targetDirectoryName": target,
            "metadata": [],
            "containerFilter": {"includedContainers": self.containers},
            "groupFilter": {"includedGroups": self.groups},
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
                "attributeMappings": flows,
            }],
        }])
    }
}

fn attribute_mapping(flow: &Flow) -> Value {
    let reference = flow.source.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let reference = reference.filter(|name| !name.contains(['[', ']', '(', ',']));
    let kind = match (reference, flow.source.starts_with('"')) {
        (Some(_), _) => "Attribute",
        (None, true) => "Constant",
        (None, false) => "Function",
    };
    json!({
        "defaultValue": flow.default,
        "exportMissingReferences": false,
        "flowBehavior": "FlowWhenChanged",
        "flowType": "Always",
        "matchingPriority": 0,
        "targetAttributeName": flow.target,
        "source": {
            "expression": flow.source,
            "name": reference.unwrap_or(&flow.source),
            "type": kind,
            "parameters": [],
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_shown_and_understood_again() {
        let mut schema = Schema::of_defaults(true);
        assert_eq!(schema.flows.len(), 24);
        assert_eq!(Schema::of_defaults(false).flows.len(), 23);
        schema.containers.push("OU=Staff,DC=c".to_owned());
        schema.flows[0].source = "ToUpper([CustomAttribute9])".to_owned();
        schema.flows[1].default = Some("none".to_owned());
        schema.flows[2].source = "\"constant\"".to_owned();
        let document = json!({"synchronizationRules": schema.rules("r", ("a", "b"))});
        assert_eq!(Schema::of_document(&document), schema);
        let kinds = &document["synchronizationRules"][0]["objectMappings"][0]["attributeMappings"];
        assert_eq!(
            [0, 1, 2].map(|at| kinds[at]["source"]["type"].clone()),
            ["Function", "Attribute", "Constant"]
        );
    }
}
