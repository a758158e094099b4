//! Writes content as LDIF (RFC 2849): what `ldifde -f` writes, so that other tools can read it and
//! `ldifde -i` takes it back. One record at a time, so that a large forest needs no memory for it.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::clock::VirtualTime;
use crate::directory::answer::{LdapResult, SearchEntry};
use crate::directory::diagnostic;
use crate::directory::entry::{DcNumber, Life};
use crate::directory::forest::Forest;
use crate::directory::principal::Principal;
use crate::directory::request::{AttributeName, Filter, Name, ObjectNumber, Scope, SearchRequest};

/// The longest line (RFC 2849, note 2).
const WIDTH: usize = 76;

/// How the records of an export begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LdifStyle {
    /// Content records: the name, then the values.
    #[default]
    Content,
    /// As `ldifde` writes: each record adds its object.
    Ldifde,
}

/// A record of an entry.
#[must_use]
pub fn record(entry: &SearchEntry, style: LdifStyle) -> String {
    let mut out = String::new();
    push_line(&mut out, "dn", entry.dn.as_bytes());
    if style == LdifStyle::Ldifde {
        push_line(&mut out, "changetype", b"add");
    }
    for (name, values) in &entry.attributes {
        for value in values {
            push_line(&mut out, name, value);
        }
    }
    out.push('\n');
    out
}

/// A line, folded, its value in Base64 unless it is safe as it is.
fn push_line(out: &mut String, name: &str, value: &[u8]) {
    let line = match core::str::from_utf8(value) {
        Ok(text) if is_safe(text) => {
            let blank = if text.is_empty() { "" } else { " " };
            format!("{name}:{blank}{text}")
        }
        _ => format!("{name}:: {}", STANDARD.encode(value)),
    };
    let mut rest = line.as_str();
    let mut room = WIDTH;
    while rest.len() > room {
        // Safe text and Base64 are ASCII, and so are names of attributes.
        let (part, left) = rest.split_at(room);
        // Writing to a String cannot fail.
        let _ = write!(out, "{part}\n ");
        rest = left;
        room = WIDTH - 1;
    }
    out.push_str(rest);
    out.push('\n');
}

/// Whether a value stands as it is: a SAFE-STRING of RFC 2849, and none that ends with a blank.
fn is_safe(text: &str) -> bool {
    let starts = !text.starts_with([' ', ':', '<']);
    starts
        && !text.ends_with(' ')
        && text.bytes().all(|byte| matches!(byte, 0x01..=0x7f) && byte != b'\n' && byte != b'\r')
}

impl Forest {
    /// The objects of a subtree in an order in which each comes behind its parent, live ones only.
    ///
    /// # Errors
    /// The usual ones of a name.
    pub fn export_order(&self, dc: DcNumber, base: &Name) -> Result<Vec<ObjectNumber>, LdapResult> {
        let base = self.resolve(dc, base)?;
        let controller = self.dc(dc).ok_or_else(|| diagnostic::no_such_object(""))?;
        let mut order = vec![base];
        let mut next = 0;
        while let Some(object) = order.get(next).copied() {
            let live = |object: &ObjectNumber| {
                let slot = controller.store.get(*object);
                slot.is_some_and(|slot| slot.entry.life == Life::Live)
            };
            order.extend(controller.store.children_after(object, None).filter(live));
            next += 1;
        }
        Ok(order)
    }

    /// The record of an object: all its ordinary attributes, or those that are named. `None` when it is
    /// there no more.
    #[must_use]
    pub fn export_record(
        &self,
        dc: DcNumber,
        object: ObjectNumber,
        selection: &[AttributeName],
        style: LdifStyle,
    ) -> Option<String> {
        let search = SearchRequest {
            base: Name::Number(object),
            scope: Scope::Base,
            filter: Filter::everything(),
            selection: selection.to_vec(),
            size_limit: 0,
            time_limit: 0,
            types_only: false,
        };
        let now = VirtualTime::from_micros(0);
        let mut response = self.search(dc, &Principal::system(), now, &search, &[]);
        let mut entry = response.entries.pop()?;
        self.complete_ranges(dc, &search, &mut entry);
        Some(record(&entry, style))
    }

    /// Puts whole attributes in the place of ranges: a file has no MaxValRange.
    fn complete_ranges(&self, dc: DcNumber, search: &SearchRequest, entry: &mut SearchEntry) {
        let ranged: Vec<String> = entry
            .attributes
            .iter()
            .filter_map(|(name, _)| name.split_once(";range=").map(|(name, _)| name.to_owned()))
            .collect();
        for name in ranged {
            let Name::Number(object) = search.base else { return };
            let values = self.values(dc, object, &name);
            entry
                .attributes
                .retain(|(known, _)| known.split(';').next().is_none_or(|known| known != name));
            entry.attributes.push((name.as_str().into(), values));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::ldif;
    use crate::directory::request::Operation;
    use proptest::prelude::*;

    fn entry(dn: &str, values: Vec<Vec<u8>>) -> SearchEntry {
        SearchEntry { guid: None, dn: dn.to_owned(), attributes: vec![("info".into(), values)] }
    }

    /// Base64 where a value would not be read back as it is; lines no longer than 76.
    #[test]
    fn values_that_are_not_safe_are_encoded_and_long_lines_folded() {
        let values = [" blank", "tail ", ":colon", "<url", "Zoë", "two\nlines", "plain: text", ""];
        let values = values.iter().map(|value| value.as_bytes().to_vec()).collect();
        let text = record(&entry("CN=a,DC=c", values), LdifStyle::Ldifde);
        assert_eq!(
            text,
            "dn: CN=a,DC=c\nchangetype: add\ninfo:: IGJsYW5r\ninfo:: dGFpbCA=\ninfo:: OmNvbG9u\n\
             info:: PHVybA==\ninfo:: Wm/Dqw==\ninfo:: dHdvCmxpbmVz\ninfo: plain: text\ninfo:\n\n"
        );
        let long = record(&entry("CN=a", vec![vec![b'x'; 200]]), LdifStyle::Content);
        assert!(long.lines().all(|line| line.len() <= WIDTH), "{long}");
    }

    proptest! {
        /// What is written is read back as it was.
        #[test]
        fn what_is_written_is_read(
            values in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 1..4),
            name in "[ -~äß\u{65e5}]{1,100}",
        ) {
            let dn = format!("CN={name}");
            let text = record(&entry(&dn, values.clone()), LdifStyle::Ldifde);
            let operations = ldif::operations(&text).unwrap();
            let [Operation::Add(add)] = operations.as_slice() else { panic!("one add: {text}") };
            prop_assert_eq!(&add.dn, &dn);
            prop_assert_eq!(&add.attributes[0].1, &values);
        }
    }
}
