//! Distinguished names and security identifiers: parse, compare, print.
//!
//! DN text follows RFC 4514, with the quoted form of LDAPv2 tolerated ([MS-ADTS] 3.1.1.3.1.2.1).
//!
//! # Divergence from Active Directory
//!
//! Names compare by lower-case folding; Active Directory compares linguistically (en-US) and folds
//! some width, kana and accent forms too.

use core::fmt;
use core::fmt::Write as _;

use crate::directory::fold;

/// A distinguished name, taken apart: the object's own relative name first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dn {
    /// The relative names, from the object up to the root.
    pub rdns: Vec<Rdn>,
}

/// A relative name, `CN=Anna`. Multi-valued relative names do not exist in Active Directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rdn {
    /// The attribute as written: a name or an OID.
    pub attribute: String,
    /// The value, unescaped.
    pub value: String,
}

/// The text is not a distinguished name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a distinguished name")]
pub struct DnError(pub String);

/// A security identifier in its binary form ([MS-DTYP] 2.4.2.2).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sid(Box<[u8]>);

impl Dn {
    /// Reads RFC 4514 text. The empty text is the root.
    ///
    /// # Errors
    /// When the text is not a DN or has a multi-valued relative name.
    pub fn parse(text: &str) -> Result<Self, DnError> {
        let mut rdns = Vec::new();
        let mut rest = text.trim_start();
        if rest.is_empty() {
            return Ok(Self { rdns });
        }
        loop {
            let (rdn, after) = take_rdn(rest).ok_or_else(|| DnError(text.to_owned()))?;
            rdns.push(rdn);
            match after {
                Some(after) => rest = after,
                None => return Ok(Self { rdns }),
            }
        }
    }

    /// The object's own relative name; `None` for the root.
    #[must_use]
    pub fn rdn(&self) -> Option<&Rdn> {
        self.rdns.first()
    }

    /// The name of the parent; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        (!self.rdns.is_empty()).then(|| Self { rdns: self.rdns[1..].to_vec() })
    }

    /// Whether both name the same object: without case.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.rdns.len() == other.rdns.len() && self.ends_with(other)
    }

    /// Whether this is `ancestor` or lies below it.
    #[must_use]
    pub fn ends_with(&self, ancestor: &Self) -> bool {
        let Some(skip) = self.rdns.len().checked_sub(ancestor.rdns.len()) else { return false };
        self.rdns[skip..].iter().zip(&ancestor.rdns).all(|(mine, theirs)| mine.same(theirs))
    }
}

/// RFC 4514 text, attribute types in the spelling they have here.
impl fmt::Display for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, rdn) in self.rdns.iter().enumerate() {
            if position > 0 {
                f.write_str(",")?;
            }
            write!(f, "{rdn}")?;
        }
        Ok(())
    }
}

impl Rdn {
    /// Reads a single relative name.
    ///
    /// # Errors
    /// When the text is not exactly one.
    pub fn parse(text: &str) -> Result<Self, DnError> {
        match take_rdn(text.trim_start()) {
            Some((rdn, None)) => Ok(rdn),
            _ => Err(DnError(text.to_owned())),
        }
    }

    /// Whether both are the same name, without case.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.attribute.eq_ignore_ascii_case(&other.attribute)
            && fold::same(self.value.as_bytes(), other.value.as_bytes())
    }
}

impl fmt::Display for Rdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=", self.attribute)?;
        let mut value = String::with_capacity(self.value.len());
        escape_into(&mut value, &self.value);
        f.write_str(&value)
    }
}

/// Appends a value as it stands in DN text, escaped as Active Directory prints it: `\,`, and `\0A`
/// for a line feed.
pub fn escape_into(out: &mut String, value: &str) {
    let last = value.chars().count().saturating_sub(1);
    for (position, char) in value.chars().enumerate() {
        match char {
            ' ' if position == 0 || position == last => out.push_str("\\ "),
            ';' => out.push_str("\\3B"),
            ',' | '+' | '"' | '\\' | '<' | '>' | '=' | '#' => {
                out.push('\\');
                out.push(char);
            }
            '\0' => out.push_str("\\00"),
            '\n' => out.push_str("\\0A"),
            '\r' => out.push_str("\\0D"),
            other => out.push(other),
        }
    }
}

impl Sid {
    /// From the binary form; `None` when the bytes are not a SID.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let valid = bytes.len() >= 8
            && bytes[0] == 1
            && bytes[1] <= 15
            && bytes.len() == 8 + 4 * usize::from(bytes[1]);
        valid.then(|| Self(bytes.into()))
    }

    /// `S-1-0-0`: nobody.
    #[must_use]
    pub fn nobody() -> Self {
        Self([1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0].into())
    }

    /// From `S-1-5-...`; `None` when the text is not a SID.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        if !parts.next()?.eq_ignore_ascii_case("S") || parts.next()? != "1" {
            return None;
        }
        let authority: u64 = parts.next()?.parse().ok()?;
        let mut bytes = vec![1, 0];
        bytes.extend_from_slice(authority.to_be_bytes().get(2..)?);
        for part in parts {
            bytes.extend_from_slice(&part.parse::<u32>().ok()?.to_le_bytes());
            bytes[1] = bytes[1].checked_add(1)?;
        }
        Self::from_bytes(&bytes).filter(|_| authority < 1 << 48)
    }

    /// From text, or from the hex digits of the binary form.
    #[must_use]
    pub fn from_text_or_hex(text: &str) -> Option<Self> {
        Self::from_text(text).or_else(|| Self::from_bytes(&hex_bytes(text)?))
    }

    /// The SID of an account of this domain.
    #[must_use]
    pub fn with_rid(&self, rid: u32) -> Self {
        let mut bytes = self.0.to_vec();
        bytes[1] += 1;
        bytes.extend_from_slice(&rid.to_le_bytes());
        Self(bytes.into())
    }

    /// Whether it is that of an account of a domain.
    #[must_use]
    pub fn is_of(&self, domain: &Self) -> bool {
        self.rid().is_some_and(|rid| domain.0[1] < 15 && domain.with_rid(rid) == *self)
    }

    /// The last part: the account's number in its domain.
    #[must_use]
    pub fn rid(&self) -> Option<u32> {
        (self.0[1] > 0).then(|| self.0.last_chunk::<4>().map(|tail| u32::from_le_bytes(*tail)))?
    }

    /// The binary form.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// `S-1-5-21-...`.
impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.0[2..8].iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        write!(f, "S-1-{authority}")?;
        let mut parts = &self.0[8..];
        while let Some((part, rest)) = parts.split_first_chunk::<4>() {
            write!(f, "-{}", u32::from_le_bytes(*part))?;
            parts = rest;
        }
        Ok(())
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The bytes behind an even number of hex digits.
#[must_use]
pub fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits
        .chunks_exact(2)
        .map(|pair| Some(hex_digit(pair[0])? << 4 | hex_digit(pair[1])?))
        .collect()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Takes one relative name; the rest is `None` at the end of the text.
fn take_rdn(text: &str) -> Option<(Rdn, Option<&str>)> {
    let (attribute, rest) = text.split_once('=')?;
    let attribute = attribute.trim();
    // LDAP version 2 has a word in front of an OID (RFC 2253 4).
    let oid = attribute.strip_prefix("OID.").or_else(|| attribute.strip_prefix("oid."));
    let attribute = oid.filter(|oid| is_oid(oid)).unwrap_or(attribute);
    if !is_oid(attribute) && !is_descriptor(attribute) {
        return None;
    }
    let (value, rest) = take_value(rest.trim_start_matches(' '))?;
    if value.is_empty() {
        return None;
    }
    let value = String::from_utf8(value).ok()?;
    Some((Rdn { attribute: attribute.to_owned(), value }, rest))
}

/// Whether this is an attribute type by number: `2.5.4.3` (RFC 4512 1.4, numericoid).
fn is_oid(text: &str) -> bool {
    text.split('.').all(|arc| !arc.is_empty() && arc.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether this is an attribute type by name (RFC 4512 1.4, descr).
fn is_descriptor(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Takes a value up to an unescaped separator.
fn take_value(text: &str) -> Option<(Vec<u8>, Option<&str>)> {
    if let Some(quoted) = text.strip_prefix('"') {
        return take_quoted(quoted);
    }
    if let Some(hex) = text.strip_prefix('#') {
        let end = hex.find([',', ';']).unwrap_or(hex.len());
        let value = ber_string(&hex_bytes(hex[..end].trim())?)?;
        return Some((value, hex.get(end + 1..).map(str::trim_start)));
    }
    let bytes = text.as_bytes();
    let mut value = Vec::new();
    // Blanks at the end count only when escaped.
    let mut solid = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => {
                let (unescaped, length) = take_escape(&bytes[at + 1..])?;
                value.push(unescaped);
                solid = value.len();
                at += length;
            }
            b',' | b';' => {
                value.truncate(solid);
                return Some((value, Some(text[at + 1..].trim_start())));
            }
            b'+' | b'"' | b'<' | b'>' => return None,
            b' ' => value.push(byte),
            _ => {
                value.push(byte);
                solid = value.len();
            }
        }
        at += 1;
    }
    value.truncate(solid);
    Some((value, None))
}

fn take_quoted(text: &str) -> Option<(Vec<u8>, Option<&str>)> {
    let bytes = text.as_bytes();
    let mut value = Vec::new();
    let mut at = 0;
    loop {
        match *bytes.get(at)? {
            b'"' => break,
            b'\\' => {
                let (unescaped, length) = take_escape(&bytes[at + 1..])?;
                value.push(unescaped);
                at += length;
            }
            byte => value.push(byte),
        }
        at += 1;
    }
    let rest = text[at + 1..].trim_start();
    if rest.is_empty() {
        return Some((value, None));
    }
    let rest = rest.strip_prefix([',', ';'])?;
    Some((value, Some(rest.trim_start())))
}

/// What follows a backslash: two hex digits, or the byte itself. Gives the byte and the length.
fn take_escape(bytes: &[u8]) -> Option<(u8, usize)> {
    let first = *bytes.first()?;
    if let (Some(high), Some(low)) = (hex_digit(first), bytes.get(1).copied().and_then(hex_digit)) {
        return Some((high << 4 | low, 2));
    }
    (first.is_ascii() && !first.is_ascii_alphanumeric()).then_some((first, 1))
}

/// The content of a short BER string (`#04024869`).
fn ber_string(bytes: &[u8]) -> Option<Vec<u8>> {
    let [_, length, content @ ..] = bytes else { return None };
    (usize::from(*length) == content.len() && *length < 0x80).then(|| content.to_vec())
}

/// Appends `TYPE=value`, the type in upper case as Active Directory prints it.
pub fn push_rdn(out: &mut String, attribute: &str, value: &str) {
    for char in attribute.chars() {
        out.push(char.to_ascii_uppercase());
    }
    // Writing to a String cannot fail; the result is of no interest.
    let _ = out.write_char('=');
    escape_into(out, value);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An attribute type is a name or an OID, and what is written is read again.
    #[test]
    fn an_attribute_type_is_a_name_or_an_oid() {
        for text in ["CN=a", "2.5.4.3=a", "OID.2.5.4.3=a", "ms-Exch-Name=a"] {
            let dn = Dn::parse(text).unwrap();
            assert!(Dn::parse(&dn.to_string()).unwrap().same(&dn), "{text}");
        }
        for text in ["oid.oid.=a", "oid.=a", "2..5=a", ".2=a", "1cn=a", "c.n=a", "-cn=a", "=a"] {
            assert!(Dn::parse(text).is_err(), "{text}");
        }
    }

    fn values(text: &str) -> Vec<String> {
        Dn::parse(text).unwrap().rdns.into_iter().map(|rdn| rdn.value).collect()
    }

    #[test]
    fn escapes_quotes_and_blanks_are_read() {
        assert_eq!(values("CN=Doe\\, Jane , OU = a"), ["Doe, Jane", "a"]);
        assert_eq!(values("CN=\"Doe, Jane\",DC=x"), ["Doe, Jane", "x"]);
        assert_eq!(values("CN=a\\20,DC=x"), ["a ", "x"]);
        assert_eq!(values("CN=M\\C3\\BCller;DC=x"), ["Müller", "x"]);
        assert_eq!(values("CN=#04024869"), ["Hi"]);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["a", "CN=", "=b", "CN=a+OU=b", "CN=a,", "CN=\"a", "CN=a\\", "C N=a", "CN=\\zz"]
        {
            assert!(Dn::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_compare_without_case() {
        let a = Dn::parse("CN=ÄNNE,OU=People,DC=Contoso,DC=com").unwrap();
        let b = Dn::parse("cn=änne, ou=people, dc=contoso, dc=COM").unwrap();
        assert!(a.same(&b));
        assert!(a.ends_with(&Dn::parse("DC=contoso,DC=com").unwrap()));
        assert!(!a.ends_with(&Dn::parse("DC=toso,DC=com").unwrap()));
    }

    #[test]
    fn a_sid_keeps_its_parts() {
        let sid = Sid::from_text("S-1-5-21-1-2-4294967295").unwrap().with_rid(1105);
        assert_eq!(sid.to_string(), "S-1-5-21-1-2-4294967295-1105");
        assert_eq!(Sid::from_bytes(sid.as_bytes()).unwrap(), sid);
        assert_eq!(sid.rid(), Some(1105));
        assert!(Sid::from_text("S-1-5-x").is_none());
        assert!(Sid::from_bytes(&[1, 5, 0]).is_none());
    }

    proptest! {
        #[test]
        fn printed_names_read_back(parts in prop::collection::vec("\\PC{1,12}|[ ,+\"\\\\<>;=#\n]{1,4}", 1..5)) {
            let rdns: Vec<Rdn> =
                parts.into_iter().map(|value| Rdn { attribute: "CN".to_owned(), value }).collect();
            let dn = Dn { rdns };
            prop_assert_eq!(Dn::parse(&dn.to_string()).unwrap(), dn);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,40}|[CN=,+\"\\\\#; a0]{0,30}") {
            let _ = Dn::parse(&text);
        }
    }
}
