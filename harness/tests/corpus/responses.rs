//! Controls of answers: which there are, and what they say. Cookies and estimates cannot be equal; that
//! there is one can.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sim::wire::ldap::ber::{ENUMERATED, INTEGER, OCTETS, Reader, SEQUENCE};

use super::client::Answer;
use super::controls::{DIRSYNC, DIRSYNC_EX, PAGED};
use super::rows::Row;

const SORT: &str = "1.2.840.113556.1.4.474";
const VLV: &str = "2.16.840.1.113730.3.4.10";
const ASQ: &str = "1.2.840.113556.1.4.1504";

/// Why the controls do not agree.
pub(crate) fn disagreement(row: &Row, answer: &Answer) -> Option<String> {
    let mut expected: Vec<String> = row.controls.iter().map(measured).collect();
    let mut own: Vec<String> =
        answer.controls.iter().map(|(oid, value)| said(oid, value)).collect();
    // The measured implementation says nothing of a sort unless it refuses it; Active Directory always does
    // ([MS-ADTS] 3.1.1.3.4.1.13, RFC 2891 1.2).
    if !expected.iter().any(|control| control.starts_with("sorted")) {
        own.retain(|control| !control.starts_with("sorted"));
    }
    expected.sort();
    own.sort();
    (own != expected).then(|| format!("controls {own:?} for {expected:?}"))
}

/// What a measured control says.
fn measured(control: &Value) -> String {
    let oid = control["oid"].as_str().expect("an OID");
    match control["value_b64"].as_str() {
        Some(value) => said(oid, &STANDARD.decode(value).expect("base64")),
        None => paged(control["cookie_len"].as_u64().expect("a length") > 0),
    }
}

fn paged(more: bool) -> String {
    format!("paged, {}", if more { "with a cookie" } else { "the end" })
}

/// What a control says, as far as it can be compared.
fn said(oid: &str, value: &[u8]) -> String {
    read(oid, value).unwrap_or_else(|| format!("{oid}: {value:?}"))
}

fn read(oid: &str, value: &[u8]) -> Option<String> {
    let mut outer = Reader::new(value);
    let mut reader = Reader::new(outer.expect(SEQUENCE).ok()?);
    match oid {
        PAGED => {
            reader.number(INTEGER).ok()?;
            Some(paged(!reader.expect(OCTETS).ok()?.is_empty()))
        }
        DIRSYNC | DIRSYNC_EX => {
            let more = reader.number(INTEGER).ok()?;
            reader.number(INTEGER).ok()?;
            let cookie = reader.expect(OCTETS).ok()?;
            let cookie = if cookie.starts_with(b"MSDS") { "a cookie" } else { "no cookie" };
            Some(format!("DirSync, more {more}, {cookie}"))
        }
        SORT => Some(format!("sorted: {}", reader.number(ENUMERATED).ok()?)),
        ASQ => Some(format!("scoped by attribute: {}", reader.number(ENUMERATED).ok()?)),
        VLV => {
            let (at, of) = (reader.number(INTEGER).ok()?, reader.number(INTEGER).ok()?);
            Some(format!("view at {at} of {of}: {}", reader.number(ENUMERATED).ok()?))
        }
        _ => None,
    }
}
