//! JSON written as text: listings of a thousand rows are not built as values first.

use std::io::Write as _;

use crate::clock::VirtualTime;

/// Appends text as a JSON string.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    // Writing text to memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// Appends bytes as a JSON string; what is not UTF-8 becomes U+FFFD.
pub(super) fn lossy_string(out: &mut Vec<u8>, bytes: &[u8]) {
    string(out, &String::from_utf8_lossy(bytes));
}

/// Appends a list of strings.
pub(super) fn strings<'v>(out: &mut Vec<u8>, values: impl IntoIterator<Item = &'v [u8]>) {
    out.push(b'[');
    for (index, value) in values.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        lossy_string(out, value);
    }
    out.push(b']');
}

/// Appends what prints without a character that JSON escapes, in quotation marks.
pub(super) fn plain(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    let _ = write!(out, "\"{value}\"");
}

/// Appends `true` or `false`.
pub(super) fn boolean(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

/// Appends an instant in whole seconds, with this after the seconds: `Z`, `.0000000+00:00`.
pub(super) fn instant(out: &mut Vec<u8>, at: VirtualTime, tail: &str) {
    let text = at.floor_to_second().to_string();
    let _ = write!(out, "\"{}{tail}\"", text.trim_end_matches('Z'));
}

/// Appends the name of a header as the services write it into a batch: `Content-Type`. Clients look for it
/// with its case.
pub(super) fn header_name(out: &mut Vec<u8>, name: &str) {
    let mut start = true;
    out.push(b'"');
    for byte in name.bytes() {
        out.push(if start { byte.to_ascii_uppercase() } else { byte });
        start = byte == b'-';
    }
    out.push(b'"');
}

/// A list that is being written.
pub(super) struct List {
    pub(super) out: Vec<u8>,
    empty: bool,
}

impl List {
    /// Starts a list after `head`, which ends where the list begins.
    pub(super) fn after(head: Vec<u8>) -> Self {
        let mut out = head;
        out.push(b'[');
        Self { out, empty: true }
    }

    /// Where the next element goes.
    pub(super) fn next(&mut self) -> &mut Vec<u8> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        &mut self.out
    }

    /// Ends the list.
    pub(super) fn end(mut self) -> Vec<u8> {
        self.out.push(b']');
        self.out
    }
}
