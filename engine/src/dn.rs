//! Distinguished names, as far as scoping needs them: is this object below that container?
//!
//! Source: RFC 4514 (string representation); AD compares names without case ([MS-ADTS] 3.1.1.3).

use std::fmt;

/// A name, split into its parts and folded for comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dn(Vec<String>);

/// The text is no distinguished name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no distinguished name such as OU=Staff,DC=contoso,DC=com")]
pub struct DnError(pub String);

impl Dn {
    /// Reads a name.
    ///
    /// # Errors
    /// [`DnError`] when a part lacks its type or its value, or an escape is cut short.
    pub fn parse(text: &str) -> Result<Self, DnError> {
        let refuse = || DnError(text.to_owned());
        let mut parts = Vec::new();
        for part in split(text).ok_or_else(refuse)? {
            let (kind, value) = part.split_once('=').ok_or_else(refuse)?;
            let (kind, value) = (kind.trim(), unescaped(value).ok_or_else(refuse)?);
            if kind.is_empty() || value.is_empty() {
                return Err(refuse());
            }
            parts.push(format!("{}={}", kind.to_lowercase(), value.to_lowercase()));
        }
        if parts.is_empty() { Err(refuse()) } else { Ok(Self(parts)) }
    }

    /// Whether this is the name of something in `container`, at any depth; nothing is in itself.
    #[must_use]
    pub fn is_below(&self, container: &Self) -> bool {
        self.0.len() > container.0.len() && self.0.ends_with(&container.0)
    }
}

/// The name as it was understood: without case, and escaped anew (RFC 4514 2.4).
impl fmt::Display for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, part) in self.0.iter().enumerate() {
            let (kind, value) = part.split_once('=').unwrap_or((part, ""));
            let comma = if number == 0 { "" } else { "," };
            write!(f, "{comma}{kind}=")?;
            for (at, letter) in value.char_indices() {
                let special = matches!(letter, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=')
                    || (at == 0 && letter == '#');
                write!(f, "{}{letter}", if special { "\\" } else { "" })?;
            }
        }
        Ok(())
    }
}

/// The parts between commas that are not escaped; `None` when the text ends in an escape.
fn split(text: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b',' => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    (!escaped).then_some(parts)
}

/// A value without its escapes and without the spaces around it.
fn unescaped(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut kept = 0;
    let mut rest = value.trim_start().bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            kept = if byte == b' ' { kept } else { bytes.len() };
            continue;
        }
        let first = rest.next()?;
        let digit =
            |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match digit(first) {
            Some(high) => bytes.push(high * 16 + digit(rest.next()?)?),
            None => bytes.push(first),
        }
        kept = bytes.len();
    }
    bytes.truncate(kept);
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dn(text: &str) -> Dn {
        Dn::parse(text).unwrap()
    }

    #[test]
    fn what_lies_below_is_told_without_case_spaces_and_escapes() {
        let staff = dn("OU=Staff\\, all, DC=Contoso,DC=com");
        assert!(dn("CN=Anna,OU=People,ou=staff\\2C ALL,dc=contoso,dc=COM").is_below(&staff));
        assert!(dn("CN=Anna,OU=Staff\\, all,DC=contoso,DC=com").is_below(&staff));
        assert!(!staff.is_below(&staff));
        assert!(!dn("CN=A,OU=Staff,DC=contoso,DC=com").is_below(&staff));
        assert!(!dn("CN=A,OU=X Staff\\, all,DC=contoso,DC=com").is_below(&staff));
        assert_eq!(dn("CN=J\\C3\\B6rg"), dn("cn= JÖRG "));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for bad in ["", "Staff", "OU=", "=x", "OU=Staff,,DC=com", "OU=a\\", "OU=a\\4", "OU=\\ff"] {
            assert!(Dn::parse(bad).is_err(), "{bad}");
        }
    }
}
