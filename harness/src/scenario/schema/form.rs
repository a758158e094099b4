//! What schemas are made of: the forms of values and mappings.

use serde_json::{Map, Value, json};

pub(super) fn value() -> Value {
    let scalar = json!({"type": ["string", "number", "boolean", "null"]});
    any_of(vec![scalar.clone(), json!({"type": "array", "items": scalar})])
}

pub(super) fn duration() -> Value {
    json!({"type": "string", "pattern": "^\\s*(\\d+\\s*(ms|s|m|h|d|w)\\s*)+$"})
}

pub(super) fn share() -> Value {
    json!({"type": "string", "pattern": "^\\s*\\d+(\\.\\d+)?\\s*%\\s*$"})
}

pub(super) fn selector() -> Value {
    any_of(vec![
        text("A mailbox, `shape:<name>` or `all`."),
        json!({"type": "array", "items": {"type": "string"}, "minItems": 1}),
    ])
}

pub(super) fn version() -> Value {
    json!({"type": "string", "pattern": "^\\d+\\.\\d+\\.\\d+\\.\\d+$"})
}

pub(super) fn boolean() -> Value {
    json!({"type": "boolean"})
}

/// One text, or several.
pub(super) fn texts() -> Value {
    json!({"type": ["string", "array"], "items": {"type": "string"}})
}

/// YAML reads `7` as a number where the language reads a text.
pub(super) fn text(description: &str) -> Value {
    json!({"type": ["string", "number", "boolean"], "description": description})
}

/// One thing or a list of them.
pub(super) fn list(item: Value) -> Value {
    let many = json!({"type": "array", "items": item});
    any_of(vec![item, many])
}

pub(super) fn one_of<T>(words: &[(&str, T)]) -> Value {
    json!({"enum": words.iter().map(|(word, _)| *word).collect::<Vec<_>>()})
}

pub(super) fn names(words: &[String]) -> Value {
    json!({"enum": words})
}

pub(super) fn any_of(schemas: Vec<Value>) -> Value {
    let mut schema = Map::new();
    schema.insert("anyOf".to_owned(), Value::Array(schemas));
    Value::Object(schema)
}

pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}

/// A mapping that has these keys and no other.
pub(super) fn mapping(keys: &[(&str, Value)], required: &[&str]) -> Value {
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
