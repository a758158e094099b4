//! The controls of the rows, encoded.

use serde_json::Value;
use sim::wire::ldap::ber::{INTEGER, OCTETS};

use super::client::{Control, element, number, octets, sequence};
use super::rows;

pub(crate) const PAGED: &str = "1.2.840.113556.1.4.319";
pub(crate) const SORT: &str = "1.2.840.113556.1.4.473";
pub(crate) const DIRSYNC: &str = "1.2.840.113556.1.4.841";
pub(crate) const DIRSYNC_EX: &str = "1.2.840.113556.1.4.2090";
pub(crate) const EXTENDED_DN: &str = "1.2.840.113556.1.4.529";
pub(crate) const NOTIFICATION: &str = "1.2.840.113556.1.4.528";

/// The cookies that a row may mean.
pub(crate) struct Cookies {
    pub(crate) paged: Vec<u8>,
    pub(crate) dirsync: Vec<u8>,
}

/// A control of a row.
pub(crate) fn encoded(
    control: &Value,
    cookies: &Cookies,
    text: &mut dyn FnMut(&str) -> String,
) -> Control {
    let name = control["control"].as_str().expect("a name");
    let critical = control["critical"].as_bool().unwrap_or(true);
    let oid = match (control["oid"].as_str(), name) {
        (Some(oid), _) => oid,
        (None, "paged") => PAGED,
        (None, "dirsync") => DIRSYNC,
        (None, "dirsync_ex") => DIRSYNC_EX,
        (None, other) => panic!("{other} has no OID"),
    };
    let value = &control["value"];
    let encoded = match name {
        "paged" if control["size"].is_i64() => {
            let cookie = match control["cookie"].as_str() {
                Some("") | None => &[][..],
                Some(_) => &cookies.paged,
            };
            Some(paged(control["size"].as_i64().expect("a size"), cookie))
        }
        "paged" if value.is_array() => Some(paged(value[0].as_i64().expect("a size"), b"")),
        "dirsync" | "dirsync_ex" if control["flags"].is_i64() => {
            let cookie: &[u8] = match control["cookie_len"].as_i64() {
                Some(0) => b"",
                Some(10) => b"0123456789",
                _ => &cookies.dirsync,
            };
            let flags = control["flags"].as_i64().expect("flags");
            Some(dirsync(flags, control["maxBytes"].as_i64().unwrap_or(0), cookie))
        }
        "dirsync" => {
            Some(dirsync(value[0].as_i64().expect("flags"), value[1].as_i64().unwrap_or(0), b""))
        }
        "sort" => Some(sort(value)),
        "vlv" => Some(vlv(value)),
        "asq" => Some(sequence(&[octets(OCTETS, value.as_str().expect("text").as_bytes())])),
        "dn_input" => {
            Some(sequence(&[octets(OCTETS, text(value.as_str().expect("text")).as_bytes())]))
        }
        "verify_name" => {
            let server = value.as_str().expect("text").as_bytes();
            Some(sequence(&[number(INTEGER, 0), octets(OCTETS, server)]))
        }
        "expected_count" => Some(sequence(&[
            number(INTEGER, value[0].as_i64().expect("a number")),
            number(INTEGER, value[1].as_i64().expect("a number")),
        ])),
        _ if value.is_i64() => {
            Some(sequence(&[number(INTEGER, value.as_i64().expect("a number"))]))
        }
        _ if value.is_null() => None,
        _ if value.is_array() => Some(rows::one(&value[0], text)),
        _ => Some(rows::one(value, text)),
    };
    (oid.to_owned(), critical, encoded)
}

/// The value of the paged results control.
pub(crate) fn paged(size: i64, cookie: &[u8]) -> Vec<u8> {
    sequence(&[number(INTEGER, size), octets(OCTETS, cookie)])
}

/// The value of the DirSync control.
pub(crate) fn dirsync(flags: i64, most: i64, cookie: &[u8]) -> Vec<u8> {
    sequence(&[number(INTEGER, flags), number(INTEGER, most), octets(OCTETS, cookie)])
}

/// The value of the sort control.
pub(crate) fn sort(keys: &Value) -> Vec<u8> {
    let keys: Vec<Vec<u8>> = keys
        .as_array()
        .expect("keys")
        .iter()
        .map(|key| {
            let mut parts = vec![octets(OCTETS, key[0].as_str().expect("a name").as_bytes())];
            parts.extend(key[2].as_str().map(|rule| octets(0x80, rule.as_bytes())));
            if key[1].as_bool().unwrap_or(false) {
                parts.push(vec![0x81, 1, 0xff]);
            }
            sequence(&parts)
        })
        .collect();
    sequence(&keys)
}

fn vlv(value: &Value) -> Vec<u8> {
    let at = |index: usize| number(INTEGER, value[index].as_i64().expect("a count"));
    let mut parts = vec![at(0), at(1)];
    parts.push(match value[2].as_str() {
        Some(from) => octets(0x81, from.as_bytes()),
        None => {
            let at = |index: usize| number(INTEGER, value[2][index].as_i64().expect("a count"));
            element(0xa0, &[at(0), at(1)])
        }
    });
    parts.extend(value[3].as_str().map(|context| octets(OCTETS, context.as_bytes())));
    sequence(&parts)
}
