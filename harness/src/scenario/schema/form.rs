//! What schemas are made of: the forms of values and mappings.

use serde_json::{Map, Value, json};

use crate::scenario::quantity;

pub(super) fn value() -> Value {
    let scalar = json!({"type": ["string", "number", "boolean", "null"]});
    any_of(vec![scalar.clone(), json!({"type": "array", "items": scalar})])
}

/// As the reader takes it: `20m`, `1h 30m`, `2 weeks`, in any case.
pub(super) fn duration() -> Value {
    let mut units: Vec<&str> = quantity::UNITS.iter().map(|(unit, _)| *unit).collect();
    // The longer name first, for whoever takes the first that matches.
    units.sort_by_key(|unit| std::cmp::Reverse(unit.len()));
    let units: Vec<String> = units.into_iter().map(in_any_case).collect();
    let units = units.join("|");
    json!({"type": "string", "pattern": format!("^\\s*(\\d+\\s*({units})\\s*)+$")})
}

/// A pattern for a word in any case: a schema has no other way to say that case does not matter.
fn in_any_case(word: &str) -> String {
    let mut pattern = String::new();
    for character in word.chars() {
        if character.is_ascii_alphabetic() {
            let (upper, lower) = (character.to_ascii_uppercase(), character.to_ascii_lowercase());
            pattern.push_str(&format!("[{upper}{lower}]"));
        } else if character.is_ascii_alphanumeric() || "-_/ ".contains(character) {
            pattern.push(character);
        } else {
            pattern.push_str(&format!("\\{character}"));
        }
    }
    pattern
}

/// One of these words: as they are, for whoever completes them, and in any case, as the reader takes them.
pub(super) fn words(words: &[&str]) -> Value {
    let pattern: Vec<String> = words.iter().map(|word| in_any_case(word)).collect();
    let pattern = format!("^({})$", pattern.join("|"));
    any_of(vec![json!({"enum": words}), json!({"type": "string", "pattern": pattern})])
}

pub(super) fn share() -> Value {
    json!({"type": "string", "pattern": "^\\s*\\d+(\\.\\d+)?\\s*%\\s*$"})
}

pub(super) fn selector() -> Value {
    any_of(vec![
        text("A mailbox, `shape:<name>` or `all`."),
        json!({"type": "array", "items": text("A mailbox."), "minItems": 1}),
    ])
}

pub(super) fn version() -> Value {
    json!({"type": "string", "pattern": "^\\d+\\.\\d+\\.\\d+\\.\\d+$"})
}

pub(super) fn boolean() -> Value {
    json!({"type": "boolean"})
}

/// One text, or several; nothing is none.
pub(super) fn texts() -> Value {
    let types = ["string", "number", "boolean", "array", "null"];
    json!({"type": types, "items": {"type": ["string", "number", "boolean"]}})
}

/// Many things; nothing at all is none of them.
pub(super) fn many(item: &Value) -> Value {
    json!({"type": ["array", "null"], "items": item})
}

/// YAML reads `7` as a number where the language reads a text.
pub(super) fn text(description: &str) -> Value {
    json!({"type": ["string", "number", "boolean"], "description": description})
}

/// One thing or a list of them.
pub(super) fn list(item: Value) -> Value {
    let many = many(&item);
    any_of(vec![item, many])
}

pub(super) fn one_of<T>(known: &[(&str, T)]) -> Value {
    words(&known.iter().map(|(word, _)| *word).collect::<Vec<_>>())
}

pub(super) fn names(known: &[String]) -> Value {
    words(&known.iter().map(String::as_str).collect::<Vec<_>>())
}

pub(super) fn any_of(schemas: Vec<Value>) -> Value {
    let mut schema = Map::new();
    schema.insert("anyOf".to_owned(), Value::Array(schemas));
    Value::Object(schema)
}

pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}

/// A mapping that has these keys and no other; nothing at all is one without keys.
pub(super) fn mapping(keys: &[(&str, Value)], required: &[&str]) -> Value {
    let properties: Map<String, Value> =
        keys.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    let mut schema = json!({
        "type": ["object", "null"],
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// A mapping whose keys are names that are compared without case, all with values of one form.
pub(super) fn mapping_by_name(names: &[&str], form: &Value) -> Value {
    let keys: Vec<(&str, Value)> = names.iter().map(|name| (*name, form.clone())).collect();
    let mut schema = mapping(&keys, &[]);
    allow_by_name(&mut schema, names, form);
    schema
}

/// Lets a mapping have these keys in any case.
pub(super) fn allow_by_name(schema: &mut Value, names: &[&str], form: &Value) {
    let patterns: Vec<String> = names.iter().map(|name| in_any_case(name)).collect();
    let pattern = format!("^({})$", patterns.join("|"));
    schema["patternProperties"][pattern] = form.clone();
}
