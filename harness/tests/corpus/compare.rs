//! Whether an answer agrees with a row: result code, the number and the attribute of its text, the matched
//! name, entries, attributes and values, references, controls. What cannot be equal is compared by shape.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde_json::Value;

use super::client::{Answer, Entry};
use super::rows::Row;
use super::{diagnostics, responses};

/// Why an answer does not agree; `None` when it does.
pub(crate) fn disagreement(row: &Row, answer: &Answer) -> Option<String> {
    if row.transport.as_deref().is_some_and(|how| how.contains("closed") || how.contains("reset")) {
        return (!answer.closed).then(|| "the connection is open still".to_owned());
    }
    if answer.closed {
        return Some("the connection was closed".to_owned());
    }
    let expected = row.ad.as_ref().map(|ad| ad.code).or(row.code)?;
    if answer.code != expected {
        return Some(format!("{} for {expected}: {}", answer.code, answer.diagnostic.trim()));
    }
    if let Some(data) = row.data.as_ref().filter(|_| row.ad.is_none())
        && !answer.diagnostic.contains(&format!("data {data},"))
    {
        return Some(format!("`{}` without data {data}", answer.diagnostic));
    }
    if let Some(why) = diagnostics::disagreement(row, answer) {
        return Some(why);
    }
    if row.ad.as_ref().is_some_and(|ad| Some(ad.code) != row.code) {
        // What comes with another result code was not measured, but for how much it is.
        let count = row.ad.as_ref().and_then(|ad| ad.count)?;
        let own = answer.entries.len();
        return (own != count).then(|| format!("{own} entries for {count}"));
    }
    entries(row, answer)
        .or_else(|| references(row, answer))
        .or_else(|| responses::disagreement(row, answer))
}

fn references(row: &Row, answer: &Answer) -> Option<String> {
    let tail = |url: &String| url.rsplit('/').next().unwrap_or_default().to_lowercase();
    let mut own: Vec<String> = answer.references.iter().map(tail).collect();
    let mut expected: Vec<String> = row.references.iter().map(tail).collect();
    own.sort();
    expected.sort();
    (own != expected).then(|| format!("references {own:?} for {expected:?}"))
}

fn entries(row: &Row, answer: &Answer) -> Option<String> {
    let count = row.ad.as_ref().and_then(|ad| ad.count).or(row.count).unwrap_or_default();
    if answer.entries.len() != count {
        let names: Vec<&str> = answer.entries.iter().map(|entry| entry.dn.as_str()).collect();
        return Some(format!("{} entries for {count}: {names:?}", names.len()));
    }
    let own: BTreeMap<String, _> =
        answer.entries.iter().map(|entry| (shape("", &entry.dn).to_lowercase(), entry)).collect();
    if own.len() != count {
        return Some("an object comes twice".to_owned());
    }
    if row.ad.as_ref().and_then(|ad| ad.count).is_some_and(|count| Some(count) != row.count) {
        // Other entries than the measured ones.
        return None;
    }
    // The order of an answer is not defined, and with it what stands on which page.
    if row.group == "large" || row.name.starts_with("paged-2-") {
        return answer.entries.iter().find_map(|entry| of_many(row, entry));
    }
    for expected in &row.entries {
        let Some(entry) = own.get(&shape("", &expected.dn).to_lowercase()) else {
            return Some(format!("no {} among {:?}", expected.dn, own.keys()));
        };
        let shown: BTreeMap<&str, &Vec<Vec<u8>>> =
            entry.attributes.iter().map(|(name, values)| (name.as_str(), values)).collect();
        let missing: Vec<&String> =
            expected.attrs.keys().filter(|name| !shown.contains_key(name.as_str())).collect();
        let surplus: Vec<&&str> =
            shown.keys().filter(|name| !expected.attrs.contains_key(**name)).collect();
        if !missing.is_empty() || !surplus.is_empty() {
            return Some(format!("{}: missing {missing:?}, surplus {surplus:?}", expected.dn));
        }
        for (name, values) in &expected.attrs {
            let expected = measured(name, values.as_array().expect("values"));
            let mut own: Vec<String> =
                shown[name.as_str()].iter().map(|v| own_shape(name, v)).collect();
            own.sort();
            if expected.last().is_some_and(|last| last.starts_with("... ")) {
                continue;
            }
            if own != expected {
                return Some(format!("{name}: {own:?} for {expected:?}"));
            }
        }
    }
    None
}

/// One entry of those of which only some were kept, or of which a page may hold others: it has the same
/// attributes, with as many values, and its name.
fn of_many(row: &Row, entry: &Entry) -> Option<String> {
    let sample = row.entries.first()?;
    let many = |values: &Value| match values.as_array().expect("values").as_slice() {
        [Value::Number(count), Value::String(unit)] if unit == "values" => {
            usize::try_from(count.as_u64().expect("a count")).expect("a count")
        }
        values => values.len(),
    };
    let mut expected: BTreeMap<String, usize> =
        sample.attrs.iter().map(|(name, values)| (name.clone(), many(values))).collect();
    if let Some(known) = row.ad.as_ref().and_then(|ad| ad.attributes.as_ref()) {
        expected.retain(|name, _| !name.starts_with("member"));
        expected.extend(known.clone());
    }
    let own: BTreeMap<String, usize> =
        entry.attributes.iter().map(|(name, values)| (name.clone(), values.len())).collect();
    if own != expected {
        return Some(format!("{}: {own:?} for {expected:?}", entry.dn));
    }
    let named = entry.attributes.iter().find(|(name, _)| name == "cn");
    let begins = |values: &[Vec<u8>]| {
        let name = String::from_utf8_lossy(&values[0]).to_lowercase();
        entry.dn.to_lowercase().starts_with(&format!("cn={name},"))
    };
    (!named.is_none_or(|(_, values)| begins(values)))
        .then(|| format!("{} has another cn", entry.dn))
}

fn measured(name: &str, values: &[Value]) -> Vec<String> {
    let mut shapes: Vec<String> = values
        .iter()
        .map(|value| match value {
            Value::String(text) => own_shape(name, text.as_bytes()),
            Value::Object(map) => {
                let text = map["b64"].as_str().expect("text");
                let padded = text.trim_end_matches('=');
                let padded = format!("{padded}{}", "=".repeat((4 - padded.len() % 4) % 4));
                own_shape(name, &STANDARD.decode(padded).expect("base64"))
            }
            other => other.to_string(),
        })
        .collect();
    let more = shapes.iter().position(|shape| shape.starts_with("... "));
    shapes.sort();
    if more.is_some() {
        shapes.push("... more".to_owned());
    }
    shapes
}

/// A value in the form in which it is compared.
fn own_shape(name: &str, value: &[u8]) -> String {
    const BY_LENGTH: [&str; 6] = [
        "objectGUID",
        "parentGUID",
        "objectSid",
        "tokenGroups",
        "tokenGroupsGlobalAndUniversal",
        "netlogon",
    ];
    if name == "nTSecurityDescriptor" {
        // Revision and which parts there are: owner, group, DACL, SACL.
        let word = |at: usize| value.get(at..at + 4).is_some_and(|at| at != [0; 4]);
        return format!("{:?}", [4, 8, 12, 16].map(word));
    }
    if BY_LENGTH.contains(&name) {
        return if name == "netlogon" { String::new() } else { format!("{} bytes", value.len()) };
    }
    match std::str::from_utf8(value) {
        Ok(text) => shape(name, text),
        Err(_) => format!("{value:?}"),
    }
}

/// Text without what cannot be equal: GUIDs, SIDs, times, sequence numbers.
pub(crate) fn shape(name: &str, text: &str) -> String {
    static PATTERNS: LazyLock<[(Regex, &str); 6]> = LazyLock::new(|| {
        let pattern = |text| Regex::new(text).expect("a pattern");
        [
            (pattern("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"), "GUID"),
            (pattern("<SID=S-1-[0-9-]+>"), "<SID>"),
            (pattern("<SID=[0-9a-f]{40,}>"), "<SIDHEX>"),
            (pattern("<GUID=[0-9a-f]{32}>"), "<GUIDHEX>"),
            (pattern(r"^20\d{12}\.0Z$"), "TIME"),
            (pattern(r"^\$[0-9A-F]+-[0-9A-F]+$"), "$SAM"),
        ]
    });
    const NUMBERS: [&str; 6] = [
        "uSNCreated",
        "uSNChanged",
        "pwdLastSet",
        "lastLogonTimestamp",
        "highestCommittedUSN",
        "msDS-UserPasswordExpiryTimeComputed",
    ];
    if NUMBERS.contains(&name) && text.bytes().all(|byte| byte.is_ascii_digit()) && text != "0" {
        return "NUMBER".to_owned();
    }
    let mut text = text.to_owned();
    for (pattern, with) in &*PATTERNS {
        text = pattern.replace_all(&text, *with).into_owned();
    }
    text
}
