//! Controls by OID, and their values ([MS-ADTS] 3.1.1.3.4.1).

use super::ber::{INTEGER, OCTETS, Reader, SEQUENCE, Writer};
use crate::directory::request::ControlValue;

const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";
const PERMISSIVE_MODIFY: &str = "1.2.840.113556.1.4.1413";
const DOMAIN_SCOPE: &str = "1.2.840.113556.1.4.1339";
const LAZY_COMMIT: &str = "1.2.840.113556.1.4.619";

/// Reads a control. One that is unknown, or whose value is malformed, stays as it is.
pub(super) fn control_value(oid: &str, value: Option<&[u8]>) -> ControlValue {
    let known = match oid {
        PAGED_RESULTS => value.and_then(paged_results),
        PERMISSIVE_MODIFY => Some(ControlValue::PermissiveModify),
        DOMAIN_SCOPE => Some(ControlValue::DomainScope),
        LAZY_COMMIT => Some(ControlValue::LazyCommit),
        _ => None,
    };
    known.unwrap_or_else(|| ControlValue::Other {
        oid: oid.to_owned(),
        value: value.map(<[u8]>::to_vec),
    })
}

/// The OID of a control and its encoded value.
pub(super) fn encoded(value: &ControlValue) -> (&str, Option<Vec<u8>>) {
    match value {
        ControlValue::PagedResults { size, cookie } => {
            let mut writer = Writer::default();
            let end = writer.open();
            writer.octets(OCTETS, cookie);
            writer.number(INTEGER, i64::from(*size));
            writer.close(SEQUENCE, end);
            (PAGED_RESULTS, Some(writer.bytes().to_vec()))
        }
        ControlValue::PermissiveModify => (PERMISSIVE_MODIFY, None),
        ControlValue::DomainScope => (DOMAIN_SCOPE, None),
        ControlValue::LazyCommit => (LAZY_COMMIT, None),
        ControlValue::Other { oid, value } => (oid, value.clone()),
    }
}

fn paged_results(value: &[u8]) -> Option<ControlValue> {
    let mut outer = Reader::new(value);
    let mut reader = Reader::new(outer.expect(SEQUENCE).ok()?);
    let size = u32::try_from(reader.number(INTEGER).ok()?).ok()?;
    let cookie = reader.expect(OCTETS).ok()?.to_vec();
    Some(ControlValue::PagedResults { size, cookie })
}
