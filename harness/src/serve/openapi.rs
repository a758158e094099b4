//! The OpenAPI document of the control API (OpenAPI Specification 3.1), written by hand.

use serde_json::{Map, Value, json};

/// The document.
pub(super) fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "hybridsim control API",
            "version": "1",
            "description": "Time, faults, cycles, mailboxes, verdict and snapshots of the estate that `hybridsim serve` keeps running. Calls are done one after the other; with a running clock, whatever waits for virtual time makes the clock leap."
        },
        "paths": paths(),
        "components": {"schemas": schemas()},
    })
}

fn paths() -> Value {
    json!({
        "/clock": {"get": call("Virtual time", None, &[], "Now")},
        "/clock/advance": {"post": call(
            "Lets virtual time pass: cycles and everything else that is due happen. The clock may stand a little later than asked when a cycle was at work at the end", Some("Advance"), &[400], "Now"
        )},
        "/faults": {
            "get": call("The declared faults, oldest first", None, &[], "Faults"),
            "post": call(
                "Declares a fault, from now on, as a scenario's `fault:` step does", Some("FaultSpec"), &[400, 409], "Fault"
            ),
        },
        "/faults/{id}": {"delete": with_parameter("id", "The fault's number", call(
            "Ends a fault and takes it off the list; answers its last state", None, &[404], "Fault"
        ))},
        "/cycles/connect": {"post": call(
            "Runs a Connect Sync cycle now and waits for its end", None, &[], "Cycle"
        )},
        "/cycles/writeback": {"post": call(
            "Runs a writeback cycle now and waits for its end; a paused job is started. 409 without an engine (`--no-engine`) or without writeback in the profile", None, &[409], "Cycle"
        )},
        "/mailboxes/{upn}": {"get": with_parameter("upn", "User principal name, alias, address or id", call(
            "A mailbox on the three sides, and who wrote each attribute last", None, &[404], "Mailbox"
        ))},
        "/verdict": {"get": call(
            "What the oracles found since the start, and whether AD says now what the cloud says: an edit that waits for its writeback cycle is a difference. Unknown while differences are due to a fault in force, and for a fault that was never hit", None, &[], "Verdict"
        )},
        "/snapshot": {"post": call(
            "Keeps the whole estate with the engine's store and the judge's memory. 409 when 8 are kept already", None, &[409], "Snapshot"
        )},
        "/restore/{id}": {"post": with_parameter("id", "The snapshot's number", call(
            "Puts a snapshot back, any number of times; the engine starts anew from its store, and the clock says what it said then", None, &[404], "Snapshot"
        ))},
        "/reads": {"get": call(
            "Who read what over LDAP since the start, for each bind identity and address: how many searches and comparisons, which attributes in filters and in answers, of how many objects, and the names of some of them", None, &[], "Reads"
        )},
        "/ldif": {"get": with_queries(&[
            ("base", "The subtree's distinguished name; the domain of the ready file's `base_dn` without it"),
            ("attributes", "Names of attributes, separated by commas; all ordinary ones without it"),
            ("style", "`content` (RFC 2849 content records) or `ldifde` (each record has `changetype: add`)"),
        ], json!({
            "summary": "The content of a subtree as LDIF, parents before children, streamed",
            "responses": {
                "200": {"description": "LDIF", "content": {"text/plain": {"schema": {"type": "string"}}}},
                "400": {"description": "Refused", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}},
            },
        }))},
        "/openapi.json": {"get": call("This document", None, &[], "Document")},
    })
}

/// An operation: what it does, its body's schema, its refusals, its answer's schema.
fn call(summary: &str, body: Option<&str>, refusals: &[u16], answer: &str) -> Value {
    let content = |schema: &str| {
        let reference = format!("#/components/schemas/{schema}");
        json!({"application/json": {"schema": {"$ref": reference}}})
    };
    let mut responses = Map::new();
    responses.insert("200".to_owned(), json!({"description": "Done", "content": content(answer)}));
    for status in refusals {
        let refusal = json!({"description": "Refused", "content": content("Error")});
        responses.insert(status.to_string(), refusal);
    }
    let mut operation = json!({"summary": summary, "responses": responses});
    if let Some(body) = body {
        operation["requestBody"] = json!({"required": true, "content": content(body)});
    }
    operation
}

fn with_parameter(name: &str, description: &str, mut operation: Value) -> Value {
    operation["parameters"] = json!([{
        "name": name,
        "in": "path",
        "required": true,
        "description": description,
        "schema": {"type": "string"},
    }]);
    operation
}

fn with_queries(parameters: &[(&str, &str)], mut operation: Value) -> Value {
    operation["parameters"] = parameters
        .iter()
        .map(|(name, description)| {
            json!({"name": name, "in": "query", "description": description, "schema": {"type": "string"}})
        })
        .collect();
    operation
}

fn schemas() -> Value {
    let text = json!({"type": "string"});
    let count = json!({"type": "integer", "minimum": 0});
    json!({
        "Error": object(&json!({"error": text})),
        "Now": object(&json!({"now": {"type": "string", "format": "date-time"}})),
        "Advance": object(&json!({"by": {"type": "string", "examples": ["20m", "1h 30m", "2d"]}})),
        "FaultSpec": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "description": "One fault by name, with its keys, as in scenario files",
            "examples": [
                {"agent_offline": {"agent": "agent1", "for": "2h"}},
                {"dc_busy": {"dc": "DC1", "operation": "modify", "count": 3}},
                {"connection_lost": {"agent": "agent1", "when": "after", "count": 1}},
                {"engine_crash": {"at": "directory.modify", "when": "after", "nth": 1}}
            ]
        },
        "Fault": object(&json!({
            "id": count,
            "fault": {"$ref": "#/components/schemas/FaultSpec"},
            "hits": count,
            "active": {"type": "boolean"},
        })),
        "Faults": {"type": "array", "items": {"$ref": "#/components/schemas/Fault"}},
        "Cycle": {
            "type": "object",
            "required": ["read", "written", "skipped", "failed", "virtual_seconds"],
            "properties": {
                "read": count, "written": count, "skipped": count, "failed": count,
                "virtual_seconds": {"type": "number"},
                "error": {"type": "string", "description": "Why the cycle failed as a whole"},
            },
        },
        "Mailbox": object(&json!({
            "ad": {"type": ["object", "null"], "description": "Attributes by LDAP name: text, or a list of texts; bytes as Base64"},
            "entra": {"type": ["object", "null"], "description": "Properties as Microsoft Graph names them"},
            "exchange": {"type": "object", "description": "Properties as Get-Mailbox names them"},
            "authority": {"enum": ["cloud", "on-premises"]},
            "last_writers": {
                "type": "object",
                "description": "By `ad.`, `entra.` or `exo.` and the attribute; only what was written since the start",
                "additionalProperties": object(&json!({
                    "by": text, "activity": text, "at": {"type": "string", "format": "date-time"},
                    "authority": {"enum": ["cloud", "on-premises", null]},
                })),
            },
        })),
        "Verdict": object(&json!({
            "verdict": {"enum": ["pass", "fail", "unknown"]},
            "findings": {"type": "array", "items": {"type": "object", "description": "As in the document of `run --json`"}},
            "reasons": {"type": "array", "items": text, "description": "Why it is unknown"},
            "notes": {"type": "array", "items": text},
        })),
        "Snapshot": object(&json!({"id": count})),
        "Reads": reads_schema(),
        "Document": {"type": "object"},
    })
}

/// Who read what.
fn reads_schema() -> Value {
    let text = json!({"type": "string"});
    let count = json!({"type": "integer", "minimum": 0});
    json!({"type": "array", "items": object(&json!({
        "identity": {"type": "string", "description": "`DOMAIN\\\\user`; empty when anonymous"},
        "address": text,
        "searches": count, "compares": count, "entries": count, "objects": count,
        "first": {"type": "string", "format": "date-time"},
        "last": {"type": "string", "format": "date-time"},
        "attributes": {"type": "array", "items": object(&json!({
            "name": text,
            "tested": {"type": "integer", "description": "Searches whose filter names it, and comparisons"},
            "returned": {"type": "integer", "description": "Entries that carried it"},
            "objects": {"type": "integer", "description": "Objects of which it was returned or compared"},
            "examples": {"type": "array", "items": text, "description": "The names of some of these objects"},
        }))},
    }))})
}

/// An object that has all of these properties.
fn object(properties: &Value) -> Value {
    let names: Vec<&String> = properties.as_object().into_iter().flat_map(Map::keys).collect();
    json!({"type": "object", "required": names, "properties": properties})
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::serve::control::routes;

    #[test]
    fn the_document_lists_exactly_the_routes() {
        let served: BTreeSet<(String, String)> = routes()
            .into_iter()
            .map(|(method, path, _)| (path.to_owned(), method.as_str().to_lowercase()))
            .collect();
        let document = document();
        let mut listed = BTreeSet::new();
        for (path, operations) in document["paths"].as_object().unwrap() {
            for method in operations.as_object().unwrap().keys() {
                listed.insert((path.clone(), method.clone()));
            }
        }
        assert_eq!(listed, served);
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(map) => {
                    if let Some(Value::String(reference)) = map.get("$ref") {
                        found.push(reference.clone());
                    }
                    map.values().for_each(|value| references(value, found));
                }
                Value::Array(list) => list.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 20);
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }
}
