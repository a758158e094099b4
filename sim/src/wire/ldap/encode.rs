//! From an answer to the bytes of its messages.
//!
//! The writer goes from the end, so an answer of several messages is written from its last one.

use super::ber::{BOOLEAN, ENUMERATED, INTEGER, OCTETS, SEQUENCE, SET, Writer};
use super::controls::encoded;
use super::tags;
use crate::directory::answer::{LdapResult, Response, SearchEntry};
use crate::directory::request::{Control, Operation};

/// The OID of the notice of disconnection (RFC 4511 4.4.1).
const NOTICE_OF_DISCONNECTION: &str = "1.3.6.1.4.1.1466.20036";

/// How answers are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Encoder {
    /// Active Directory ends its error texts with a NUL byte inside the string.
    pub(super) nul_terminated: bool,
}

impl Encoder {
    /// Writes the whole answer to an operation.
    pub(super) fn response(
        self,
        writer: &mut Writer,
        id: i32,
        operation: &Operation,
        response: &Response,
    ) {
        let tag = match operation {
            Operation::Search(_) => tags::SEARCH_DONE,
            Operation::Modify(_) => tags::MODIFY_RESPONSE,
            Operation::Add(_) => tags::ADD_RESPONSE,
            Operation::Delete(_) => tags::DELETE_RESPONSE,
            Operation::ModifyDn(_) => tags::MODIFY_DN_RESPONSE,
            Operation::Compare(_) => tags::COMPARE_RESPONSE,
        };
        self.result(writer, id, tag, &response.result, &response.controls);
        for reference in response.references.iter().rev() {
            let message = writer.open();
            let end = writer.open();
            writer.octets(OCTETS, reference.as_bytes());
            writer.close(tags::SEARCH_REFERENCE, end);
            writer.number(INTEGER, i64::from(id));
            writer.close(SEQUENCE, message);
        }
        for entry in response.entries.iter().rev() {
            write_entry(writer, id, entry);
        }
    }

    /// Writes a result under the tag of its operation.
    pub(super) fn result(
        self,
        writer: &mut Writer,
        id: i32,
        tag: u8,
        result: &LdapResult,
        controls: &[Control],
    ) {
        let message = writer.open();
        write_controls(writer, controls);
        let end = writer.open();
        self.components(writer, result);
        writer.close(tag, end);
        writer.number(INTEGER, i64::from(id));
        writer.close(SEQUENCE, message);
    }

    /// Writes the answer to an extended operation.
    pub(super) fn extended(
        self,
        writer: &mut Writer,
        id: i32,
        result: &LdapResult,
        name: Option<&str>,
        value: Option<&[u8]>,
    ) {
        let message = writer.open();
        let end = writer.open();
        if let Some(value) = value {
            writer.octets(tags::RESPONSE_VALUE, value);
        }
        if let Some(name) = name {
            writer.octets(tags::RESPONSE_NAME, name.as_bytes());
        }
        self.components(writer, result);
        writer.close(tags::EXTENDED_RESPONSE, end);
        writer.number(INTEGER, i64::from(id));
        writer.close(SEQUENCE, message);
    }

    /// Writes the notice that comes before the server closes.
    pub(super) fn notice_of_disconnection(self, writer: &mut Writer, result: &LdapResult) {
        self.extended(writer, 0, result, Some(NOTICE_OF_DISCONNECTION), None);
    }

    fn components(self, writer: &mut Writer, result: &LdapResult) {
        if !result.referrals.is_empty() {
            let end = writer.open();
            for referral in result.referrals.iter().rev() {
                writer.octets(OCTETS, referral.as_bytes());
            }
            writer.close(tags::REFERRAL, end);
        }
        let end = writer.open();
        if self.nul_terminated && !result.diagnostic.is_empty() {
            writer.raw(&[0]);
        }
        writer.raw(result.diagnostic.as_bytes());
        writer.close(OCTETS, end);
        writer.octets(OCTETS, result.matched_dn.as_bytes());
        writer.number(ENUMERATED, i64::from(result.code.number()));
    }
}

pub(super) fn write_entry(writer: &mut Writer, id: i32, entry: &SearchEntry) {
    let message = writer.open();
    let operation = writer.open();
    let list = writer.open();
    for (name, values) in entry.attributes.iter().rev() {
        let attribute = writer.open();
        let set = writer.open();
        for value in values.iter().rev() {
            writer.octets(OCTETS, value);
        }
        writer.close(SET, set);
        writer.octets(OCTETS, name.as_bytes());
        writer.close(SEQUENCE, attribute);
    }
    writer.close(SEQUENCE, list);
    writer.octets(OCTETS, entry.dn.as_bytes());
    writer.close(tags::SEARCH_ENTRY, operation);
    writer.number(INTEGER, i64::from(id));
    writer.close(SEQUENCE, message);
}

pub(super) fn write_controls(writer: &mut Writer, controls: &[Control]) {
    if controls.is_empty() {
        return;
    }
    let list = writer.open();
    for control in controls.iter().rev() {
        let end = writer.open();
        let (oid, value) = encoded(&control.value);
        if let Some(value) = value {
            writer.octets(OCTETS, &value);
        }
        if control.critical {
            writer.boolean(BOOLEAN, true);
        }
        writer.octets(OCTETS, oid.as_bytes());
        writer.close(SEQUENCE, end);
    }
    writer.close(tags::CONTROLS, list);
}
