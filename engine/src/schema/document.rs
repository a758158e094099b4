//! The schema of a job as Microsoft Graph shapes it (`synchronizationSchema`).
//!
//! Source: Microsoft Graph reference, resource types synchronizationSchema, synchronizationRule,
//! objectMapping, attributeMapping, attributeMappingSource, containerFilter, groupFilter. What names,
//! describes or versions the document has no effect and may say anything.

use serde_json::{Value, json};

use super::{Mapping, SchemaError, Wish};
use crate::writeback::scope::{Filter, ScopeFilter};

/// What a document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// The attribute mappings.
    pub mapping: Mapping,
    /// The scoping filter.
    pub scope: Filter,
}

/// Members of each object that mean nothing to the engine.
const RULE: [&str; 8] = [
    "id",
    "name",
    "priority",
    "editable",
    "metadata",
    "sourceDirectoryName",
    "targetDirectoryName",
    "@odata.type",
];
const OBJECT: [&str; 5] =
    ["name", "metadata", "sourceObjectName", "targetObjectName", "@odata.type"];
const FLOW: [&str; 2] = ["exportMissingReferences", "@odata.type"];

/// Reads a document.
///
/// # Errors
/// [`SchemaError`] with the first place that is wrong or not supported.
pub fn read(document: &Value) -> Result<Schema, SchemaError> {
    let rules = list(document, "", "synchronizationRules")?;
    let [rule] = rules else {
        let why = format!("there are {} rules; this job has one", rules.len());
        return Err(SchemaError::unsupported("synchronizationRules", why));
    };
    let place = "synchronizationRules[0]";
    only(rule, place, &RULE, &["objectMappings", "containerFilter", "groupFilter"])?;
    let objects = list(rule, place, "objectMappings")?;
    let [object] = objects else {
        let why =
            format!("there are {} object mappings; this job has one, of users", objects.len());
        return Err(SchemaError::unsupported(format!("{place}.objectMappings"), why));
    };
    let mapping = object_mapping(object, &format!("{place}.objectMappings[0]"))?;
    let scope = ScopeFilter {
        containers: names(rule, place, "containerFilter", "includedContainers")?,
        groups: names(rule, place, "groupFilter", "includedGroups")?,
    };
    let scope = scope.parse().map_err(|why| SchemaError::malformed(place, why.to_string()))?;
    Ok(Schema { mapping, scope })
}

/// The document of these mappings and this scope: what [`read`] takes for the same.
#[must_use]
pub fn write(wishes: &[Wish], scope: &ScopeFilter) -> Value {
    let flow = |wish: &Wish| {
        let name = wish.source.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let name = name.filter(|name| name.chars().all(char::is_alphanumeric));
        json!({
            "targetAttributeName": wish.target,
            "source": {
                "type": if name.is_some() { "Attribute" } else { "Function" },
                "name": name,
                "expression": wish.source,
            },
            "defaultValue": wish.default,
            "flowBehavior": "FlowWhenChanged",
            "flowType": "Always",
            "matchingPriority": 0,
        })
    };
    let own = json!({"operatorName": "IS TRUE", "sourceOperandName": "IsExchangeCloudManaged"});
    json!({"synchronizationRules": [{
        "containerFilter": {"includedContainers": scope.containers},
        "groupFilter": {"includedGroups": scope.groups},
        "objectMappings": [{
            "enabled": true,
            "flowTypes": "Update",
            "scope": {"groups": [{"clauses": [own]}]},
            "attributeMappings": wishes.iter().map(flow).collect::<Vec<Value>>(),
        }],
    }]})
}

fn object_mapping(object: &Value, place: &str) -> Result<Mapping, SchemaError> {
    only(object, place, &OBJECT, &["enabled", "flowTypes", "scope", "attributeMappings"])?;
    let refuse =
        |member: &str, why: &str| Err(SchemaError::unsupported(format!("{place}.{member}"), why));
    if object["enabled"] == false {
        return refuse("enabled", "the only object mapping is off; pause the job instead");
    }
    let flow_types = object["flowTypes"].as_str().unwrap_or("Update");
    if !flow_types.split(',').any(|flow| flow.trim().eq_ignore_ascii_case("update")) {
        return refuse("flowTypes", "this job updates objects and does nothing else");
    }
    if !is_own_scope(&object["scope"]) {
        return refuse(
            "scope",
            "attribute scoping filters are not supported; containerFilter and groupFilter are, and the \
             clause `IsExchangeCloudManaged IS TRUE` always holds",
        );
    }
    let mut wishes = Vec::new();
    for (at, flow) in list(object, place, "attributeMappings")?.iter().enumerate() {
        wishes.push(attribute_mapping(flow, &format!("{place}.attributeMappings[{at}]"))?);
    }
    Mapping::new(&wishes).map_err(|error| SchemaError {
        place: format!("{place}.attributeMappings, `{}`", error.place),
        ..error
    })
}

/// Nothing, or the one clause that this job has by itself.
fn is_own_scope(scope: &Value) -> bool {
    let groups = scope["groups"].as_array().map_or(&[][..], Vec::as_slice);
    let others = ["categoryFilterGroups", "inputFilterGroups"];
    let clauses = groups.iter().flat_map(|group| group["clauses"].as_array().into_iter().flatten());
    others.iter().all(|other| scope[*other].as_array().is_none_or(Vec::is_empty))
        && clauses.into_iter().all(|clause| {
            let says = |member: &str, text: &str| {
                clause[member].as_str().is_some_and(|said| said.eq_ignore_ascii_case(text))
            };
            says("operatorName", "IS TRUE") && says("sourceOperandName", "IsExchangeCloudManaged")
        })
}

fn attribute_mapping(flow: &Value, place: &str) -> Result<Wish, SchemaError> {
    let known = [
        "defaultValue",
        "flowBehavior",
        "flowType",
        "matchingPriority",
        "targetAttributeName",
        "source",
    ];
    only(flow, place, &FLOW, &known)?;
    let at = |member: &str| format!("{place}.{member}");
    let is = |member: &str, usual: &str| {
        flow[member].as_str().is_none_or(|said| said.eq_ignore_ascii_case(usual))
    };
    if !is("flowBehavior", "FlowWhenChanged") {
        let why = "only `FlowWhenChanged` is supported";
        return Err(SchemaError::unsupported(at("flowBehavior"), why));
    }
    if !is("flowType", "Always") {
        let why = "only `Always` is supported: this job makes no objects and keeps sets whole";
        return Err(SchemaError::unsupported(at("flowType"), why));
    }
    if flow["matchingPriority"].as_u64().unwrap_or(0) != 0 {
        let why = "objects are matched by their anchors, not by mapped attributes";
        return Err(SchemaError::unsupported(at("matchingPriority"), why));
    }
    let default = match &flow["defaultValue"] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        _ => return Err(SchemaError::malformed(at("defaultValue"), "is no text")),
    };
    let target = flow["targetAttributeName"]
        .as_str()
        .ok_or_else(|| SchemaError::malformed(at("targetAttributeName"), "is missing"))?;
    let source = &flow["source"];
    let text = |member: &str| source[member].as_str().filter(|text| !text.is_empty());
    let expression = match (text("expression"), text("name"), text("type")) {
        (Some(expression), ..) => expression.to_owned(),
        (None, Some(name), Some("Constant")) => format!("\"{}\"", name.replace('"', "\"\"")),
        (None, Some(name), Some("Attribute") | None) => format!("[{name}]"),
        _ => {
            let why = "has neither an `expression` nor the `name` of an attribute";
            return Err(SchemaError::malformed(at("source"), why));
        }
    };
    Ok(Wish { target: target.to_owned(), source: expression, default })
}

fn list<'v>(parent: &'v Value, place: &str, member: &str) -> Result<&'v [Value], SchemaError> {
    let at = if place.is_empty() { member.to_owned() } else { format!("{place}.{member}") };
    let items = parent[member].as_array();
    items.map(Vec::as_slice).ok_or_else(|| SchemaError::malformed(at, "is no list"))
}

fn names(
    rule: &Value,
    place: &str,
    filter: &str,
    member: &str,
) -> Result<Vec<String>, SchemaError> {
    let filter_of = &rule[filter];
    if filter_of.is_null() || filter_of[member].is_null() {
        return Ok(Vec::new());
    }
    list(filter_of, &format!("{place}.{filter}"), member)?
        .iter()
        .map(|name| {
            let text = name.as_str().map(str::to_owned);
            text.ok_or_else(|| {
                SchemaError::malformed(
                    format!("{place}.{filter}.{member}"),
                    "holds what is no text",
                )
            })
        })
        .collect()
}

/// Refuses members that are neither without meaning nor known.
fn only(
    object: &Value,
    place: &str,
    without_meaning: &[&str],
    known: &[&str],
) -> Result<(), SchemaError> {
    let Some(members) = object.as_object() else {
        return Err(SchemaError::malformed(place, "is no object"));
    };
    let strange = members.iter().find(|(name, value)| {
        !value.is_null()
            && !without_meaning.contains(&name.as_str())
            && !known.contains(&name.as_str())
    });
    match strange {
        None => Ok(()),
        Some((name, _)) => {
            Err(SchemaError::unsupported(format!("{place}.{name}"), "is not supported"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document() -> Value {
        json!({
            "id": "x",
            "directories": [{"name": "anything"}],
            "synchronizationRules": [{
                "id": "r",
                "name": "USER_OUTBOUND_USER",
                "containerFilter": {"includedContainers": ["OU=Staff,DC=c"]},
                "groupFilter": {"includedGroups": []},
                "objectMappings": [{
                    "enabled": true,
                    "flowTypes": "Add,Update,Delete",
                    "scope": {"groups": [{"clauses": [{
                        "operatorName": "IS TRUE", "sourceOperandName": "IsExchangeCloudManaged",
                    }]}]},
                    "attributeMappings": [
                        {"targetAttributeName": "mail", "flowBehavior": "FlowWhenChanged",
                         "flowType": "Always", "matchingPriority": 0, "defaultValue": null,
                         "source": {"type": "Attribute", "name": "Mail", "expression": "[Mail]", "parameters": []}},
                        {"targetAttributeName": "extensionAttribute1",
                         "source": {"type": "Constant", "name": "say \"hi\""}},
                    ],
                }],
            }],
        })
    }

    #[test]
    fn a_document_becomes_mapping_and_scope() {
        let schema = read(&document()).unwrap();
        assert_eq!(schema.mapping.flows().len(), 2);
        assert!(!schema.scope.is_open());
    }

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let wish = |target: &str, source: &str, default: Option<&str>| Wish {
            target: target.into(),
            source: source.into(),
            default: default.map(str::to_owned),
        };
        let wishes = [
            wish("extensionAttribute1", "[CustomAttribute9]", None),
            wish("extensionAttribute2", "ToUpper([CustomAttribute7])", Some("none")),
            wish("mail", "[Mail]", None),
        ];
        let scope = ScopeFilter {
            containers: vec!["OU=Staff,DC=c".into()],
            groups: vec!["CN=G,DC=c".into()],
        };
        let schema = read(&write(&wishes, &scope)).unwrap();
        assert_eq!(
            schema,
            Schema { mapping: Mapping::new(&wishes).unwrap(), scope: scope.parse().unwrap() }
        );
    }

    #[test]
    fn every_part_that_is_not_supported_is_named_with_its_place() {
        let refused = |pointer: &str, value: Value| {
            let mut document = document();
            *document.pointer_mut(pointer).unwrap() = value;
            read(&document).unwrap_err()
        };
        let rule = "/synchronizationRules/0";
        let object = "/synchronizationRules/0/objectMappings/0";
        let flow = "/synchronizationRules/0/objectMappings/0/attributeMappings/0";
        for (pointer, value, place, unsupported) in [
            ("/synchronizationRules", json!([]), "synchronizationRules", true),
            ("/synchronizationRules", json!(1), "synchronizationRules", false),
            (
                &format!("{rule}/containerFilter"),
                json!({"includedContainers": ["Staff"]}),
                "synchronizationRules[0]",
                false,
            ),
            (&format!("{rule}/groupFilter"), json!({"includedGroups": [1]}), "groupFilter", false),
            (&format!("{object}/enabled"), json!(false), "enabled", true),
            (&format!("{object}/flowTypes"), json!("Delete"), "flowTypes", true),
            (
                &format!("{object}/scope/groups/0/clauses/0/operatorName"),
                json!("EQUALS"),
                "scope",
                true,
            ),
            (&format!("{object}/attributeMappings"), json!([]), "attributeMappings", true),
            (&format!("{flow}/flowBehavior"), json!("FlowAlways"), "flowBehavior", true),
            (&format!("{flow}/flowType"), json!("ObjectAddOnly"), "flowType", true),
            (&format!("{flow}/matchingPriority"), json!(1), "matchingPriority", true),
            (&format!("{flow}/defaultValue"), json!(7), "defaultValue", false),
            (&format!("{flow}/targetAttributeName"), json!("department"), "department", true),
            (&format!("{flow}/source"), json!({"expression": "Guid()"}), "mail", true),
            (&format!("{flow}/source"), json!({}), "source", false),
        ] {
            let error = refused(pointer, value.clone());
            assert!(error.place.contains(place), "{pointer} {value}: {error}");
            assert_eq!(error.unsupported, unsupported, "{pointer} {value}: {error}");
        }
        let mut strange = document();
        strange["synchronizationRules"][0]["postProcess"] = json!(1);
        assert!(read(&strange).unwrap_err().place.ends_with("postProcess"));
    }
}
