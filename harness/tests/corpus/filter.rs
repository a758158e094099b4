//! Filters as people write them (RFC 4515), to BER.

use super::client::{element, octets};
use sim::wire::ldap::ber::OCTETS;

/// The element of a filter.
pub(crate) fn encoded(text: &str) -> Vec<u8> {
    let (filter, rest) = filter(text);
    assert!(rest.is_empty(), "`{rest}` is left of {text}");
    filter
}

fn filter(text: &str) -> (Vec<u8>, &str) {
    let inner = text.strip_prefix('(').unwrap_or_else(|| panic!("no filter: {text}"));
    match inner.as_bytes().first() {
        Some(b'&') => list(0xa0, &inner[1..]),
        Some(b'|') => list(0xa1, &inner[1..]),
        Some(b'!') => {
            let (one, rest) = filter(&inner[1..]);
            (element(0xa2, &[one]), rest.strip_prefix(')').expect("closed"))
        }
        _ => {
            let end = inner.find(')').expect("closed");
            (item(&inner[..end]), &inner[end + 1..])
        }
    }
}

fn list(tag: u8, mut rest: &str) -> (Vec<u8>, &str) {
    let mut parts = Vec::new();
    while rest.starts_with('(') {
        let (one, after) = filter(rest);
        parts.push(one);
        rest = after;
    }
    (element(tag, &parts), rest.strip_prefix(')').expect("closed"))
}

fn item(text: &str) -> Vec<u8> {
    let (left, value) = text.split_once('=').expect("an assertion");
    if let Some(left) = left.strip_suffix(':') {
        let mut parts = left.split(':');
        let attribute = parts.next().unwrap_or_default();
        let mut rule = None;
        let mut dn = false;
        for part in parts {
            if part == "dn" { dn = true } else { rule = Some(part) }
        }
        let mut content = Vec::new();
        content.extend(rule.map(|rule| octets(0x81, rule.as_bytes())));
        if !attribute.is_empty() {
            content.push(octets(0x82, attribute.as_bytes()));
        }
        content.push(octets(0x83, &unescaped(value)));
        if dn {
            content.push(vec![0x84, 1, 0xff]);
        }
        return element(0xa9, &content);
    }
    let simple = |tag, attribute: &str| {
        let parts = [octets(OCTETS, attribute.as_bytes()), octets(OCTETS, &unescaped(value))];
        element(tag, &parts)
    };
    match left.as_bytes().last() {
        Some(b'>') => simple(0xa5, &left[..left.len() - 1]),
        Some(b'<') => simple(0xa6, &left[..left.len() - 1]),
        Some(b'~') => simple(0xa8, &left[..left.len() - 1]),
        _ if value == "*" => octets(0x87, left.as_bytes()),
        _ if value.contains('*') => {
            let parts: Vec<&str> = value.split('*').collect();
            let last = parts.len() - 1;
            let parts: Vec<Vec<u8>> = parts
                .iter()
                .enumerate()
                .filter(|(_, part)| !part.is_empty())
                .map(|(at, part)| {
                    let tag = if at == 0 {
                        0x80
                    } else if at == last {
                        0x82
                    } else {
                        0x81
                    };
                    octets(tag, &unescaped(part))
                })
                .collect();
            element(0xa4, &[octets(OCTETS, left.as_bytes()), super::client::sequence(&parts)])
        }
        _ => simple(0xa3, left),
    }
}

fn unescaped(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let escape = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], escape) {
            (b'\\', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}
