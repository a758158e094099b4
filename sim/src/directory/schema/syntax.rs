//! The syntaxes of attribute values: what they hold, and how their values compare
//! ([MS-ADTS] 3.1.1.2.2).

use core::cmp::Ordering;
use std::borrow::Cow;

use crate::clock::VirtualTime;
use crate::directory::fold;
use crate::directory::name::Sid;

/// The syntax of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// 2.5.5.1: a reference to an object.
    Dn,
    /// 2.5.5.2: a class or attribute, or another OID.
    Oid,
    /// 2.5.5.4: text without case.
    Teletex,
    /// 2.5.5.5: printable or IA5 text, with case.
    Ia5,
    /// 2.5.5.6: digits and blanks.
    Numeric,
    /// 2.5.5.7: a reference to an object, with an address; the reference counts.
    OrName,
    /// 2.5.5.8: `TRUE` or `FALSE`.
    Boolean,
    /// 2.5.5.9: 32 bits, signed.
    Integer,
    /// 2.5.5.10: bytes.
    Octets,
    /// 2.5.5.11: an instant, to the second.
    Time,
    /// 2.5.5.12: text without case.
    Unicode,
    /// 2.5.5.7 with binary data: `B:32:hex:DN`.
    DnBinary,
    /// 2.5.5.14: `S:length:text:DN`.
    DnString,
    /// 2.5.5.15.
    SecurityDescriptor,
    /// 2.5.5.16: 64 bits, signed.
    LargeInteger,
    /// 2.5.5.17.
    Sid,
}

impl Syntax {
    /// The syntax by its word in the tables.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "dn" => Self::Dn,
            "oid" => Self::Oid,
            "teletex" => Self::Teletex,
            "ia5" => Self::Ia5,
            "numeric" => Self::Numeric,
            "orname" => Self::OrName,
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "octets" => Self::Octets,
            "time" => Self::Time,
            "unicode" => Self::Unicode,
            "dnbinary" => Self::DnBinary,
            "dnstring" => Self::DnString,
            "sd" => Self::SecurityDescriptor,
            "largeint" => Self::LargeInteger,
            "sid" => Self::Sid,
            _ => return None,
        })
    }

    /// The syntax that attributeSyntax, oMSyntax and oMObjectClass name together; those of a kind that are
    /// told apart by nothing that is kept here are one ([MS-ADTS] 3.1.1.2.2.2).
    ///
    /// # Errors
    /// ERROR_DS_SYNTAX_MISMATCH or ERROR_DS_WRONG_OM_OBJ_CLASS when they do not belong together.
    pub fn of_definition(oid: &str, om: i64, object: Option<&[u8]>) -> Result<Self, u32> {
        const SYNTAX_MISMATCH: u32 = 0x20C0;
        const WRONG_OM_OBJECT_CLASS: u32 = 0x211C;
        let syntax = match (oid, om) {
            ("2.5.5.1", 127) => Self::Dn,
            ("2.5.5.2", 6) => Self::Oid,
            ("2.5.5.4", 20) => Self::Teletex,
            // The first two: general and printable text, with case too.
            ("2.5.5.3", 27) | ("2.5.5.5", 19 | 22) => Self::Ia5,
            ("2.5.5.6", 18) => Self::Numeric,
            ("2.5.5.7", 127) if object == Self::OrName.om_object_class() => Self::OrName,
            ("2.5.5.7", 127) => Self::DnBinary,
            ("2.5.5.8", 1) => Self::Boolean,
            ("2.5.5.9", 2 | 10) => Self::Integer,
            ("2.5.5.10", 4) => Self::Octets,
            ("2.5.5.11", 23 | 24) => Self::Time,
            ("2.5.5.12", 64) => Self::Unicode,
            ("2.5.5.14", 127) => Self::DnString,
            ("2.5.5.15", 66) => Self::SecurityDescriptor,
            ("2.5.5.16", 65) => Self::LargeInteger,
            ("2.5.5.17", 4) => Self::Sid,
            _ => return Err(SYNTAX_MISMATCH),
        };
        let fits = object.is_none() || object == syntax.om_object_class();
        if fits { Ok(syntax) } else { Err(WRONG_OM_OBJECT_CLASS) }
    }

    /// oMObjectClass: what tells those with the same oMSyntax apart, an OID in BER
    /// ([MS-ADTS] 3.1.1.2.2.2).
    #[must_use]
    pub const fn om_object_class(self) -> Option<&'static [u8]> {
        match self {
            Self::Dn => Some(&[0x2b, 0x0c, 0x02, 0x87, 0x73, 0x1c, 0x00, 0x85, 0x4a]),
            Self::OrName => Some(&[0x56, 0x06, 0x01, 0x02, 0x05, 0x0b, 0x1d]),
            Self::DnBinary => Some(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x14, 0x01, 0x01, 0x01, 0x0b]),
            Self::DnString => Some(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x14, 0x01, 0x01, 0x01, 0x0c]),
            _ => None,
        }
    }

    /// The attributeSyntax OID.
    #[must_use]
    pub fn oid(self) -> &'static str {
        match self {
            Self::Dn => "2.5.5.1",
            Self::Oid => "2.5.5.2",
            Self::Teletex => "2.5.5.4",
            Self::Ia5 => "2.5.5.5",
            Self::Numeric => "2.5.5.6",
            Self::OrName | Self::DnBinary => "2.5.5.7",
            Self::Boolean => "2.5.5.8",
            Self::Integer => "2.5.5.9",
            Self::Octets => "2.5.5.10",
            Self::Time => "2.5.5.11",
            Self::Unicode => "2.5.5.12",
            Self::DnString => "2.5.5.14",
            Self::SecurityDescriptor => "2.5.5.15",
            Self::LargeInteger => "2.5.5.16",
            Self::Sid => "2.5.5.17",
        }
    }

    /// Whether values are stored as references to objects.
    #[must_use]
    pub fn is_reference(self) -> bool {
        matches!(self, Self::Dn | Self::OrName)
    }

    /// Whether values compare without case.
    #[must_use]
    pub fn ignores_case(self) -> bool {
        matches!(self, Self::Unicode | Self::Teletex | Self::Oid)
    }

    /// The form in which a value is stored: canonical, so that values of a syntax that knows several
    /// spellings compare by bytes. `None` when the syntax cannot hold the value. References are
    /// resolved by the directory, not here: their text passes.
    #[must_use]
    pub fn stored(self, value: &[u8]) -> Option<Cow<'_, [u8]>> {
        let is_text = || !value.is_empty() && core::str::from_utf8(value).is_ok();
        let as_is = |valid: bool| valid.then_some(Cow::Borrowed(value));
        match self {
            Self::Unicode | Self::Dn | Self::OrName | Self::DnBinary | Self::DnString => {
                as_is(is_text())
            }
            Self::Oid => as_is(!value.is_empty() && value.is_ascii()),
            Self::Teletex | Self::Ia5 => as_is(is_text()),
            Self::Numeric => as_is(
                !value.is_empty()
                    && value.iter().all(|byte| byte.is_ascii_digit() || *byte == b' '),
            ),
            Self::Boolean => as_is(value == b"TRUE" || value == b"FALSE"),
            Self::Integer => integer(value).and_then(|n| canonical(value, &i32::try_from(n).ok()?)),
            Self::LargeInteger => integer(value).and_then(|n| canonical(value, &n)),
            Self::Octets => as_is(true),
            Self::SecurityDescriptor => as_is(!value.is_empty()),
            Self::Time => time_of(value).map(|at| Cow::Owned(generalized_time(at).into_bytes())),
            Self::Sid => match Sid::from_bytes(value) {
                Some(_) => as_is(true),
                None => {
                    let sid = Sid::from_text(core::str::from_utf8(value).ok()?)?;
                    Some(Cow::Owned(sid.as_bytes().to_vec()))
                }
            },
        }
    }

    /// Whether two stored values are the same value.
    #[must_use]
    pub fn same(self, a: &[u8], b: &[u8]) -> bool {
        if self.ignores_case() { fold::same(a, b) } else { a == b }
    }

    /// A hash under which the same values are equal.
    #[must_use]
    pub fn hash(self, value: &[u8]) -> u64 {
        if self.ignores_case() { fold::hash(value) } else { fold::hash_bytes(value) }
    }

    /// How two stored values are ordered; `None` for a syntax without order.
    #[must_use]
    pub fn order(self, a: &[u8], b: &[u8]) -> Option<Ordering> {
        match self {
            Self::Integer | Self::LargeInteger => Some(integer(a)?.cmp(&integer(b)?)),
            Self::Unicode | Self::Teletex => Some(fold::folded(a).cmp(&fold::folded(b))),
            Self::Ia5 | Self::Numeric | Self::Octets | Self::Time | Self::Sid => Some(a.cmp(b)),
            Self::Boolean
            | Self::Oid
            | Self::Dn
            | Self::OrName
            | Self::DnBinary
            | Self::DnString
            | Self::SecurityDescriptor => None,
        }
    }

    /// Whether substrings can be looked for.
    #[must_use]
    pub fn has_substrings(self) -> bool {
        matches!(self, Self::Unicode | Self::Teletex | Self::Ia5 | Self::Numeric | Self::Octets)
    }

    /// The length that range limits count: UTF-16 units for text, the value of a number, bytes
    /// otherwise.
    #[must_use]
    pub fn extent(self, value: &[u8]) -> i64 {
        match self {
            Self::Unicode | Self::Teletex => match core::str::from_utf8(value) {
                Ok(text) => i64::try_from(text.encode_utf16().count()).unwrap_or(i64::MAX),
                Err(_) => i64::try_from(value.len()).unwrap_or(i64::MAX),
            },
            Self::Integer | Self::LargeInteger => integer(value).unwrap_or_default(),
            _ => i64::try_from(value.len()).unwrap_or(i64::MAX),
        }
    }
}

/// A decimal number as LDAP spells it: an optional minus and digits, nothing else.
#[must_use]
pub fn integer(value: &[u8]) -> Option<i64> {
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    core::str::from_utf8(value).ok()?.parse().ok()
}

fn canonical<'v, N: ToString>(value: &'v [u8], number: &N) -> Option<Cow<'v, [u8]>> {
    let text = number.to_string().into_bytes();
    Some(if text == value { Cow::Borrowed(value) } else { Cow::Owned(text) })
}

/// `YYYYMMDDHHMMSS.0Z`, the only form in which Active Directory prints an instant.
#[must_use]
pub fn generalized_time(at: VirtualTime) -> String {
    at.to_jiff().strftime("%Y%m%d%H%M%S.0Z").to_string()
}

/// Reads a GeneralizedTime or UTCTime, with or without a fraction, `Z` or an offset.
#[must_use]
pub fn time_of(value: &[u8]) -> Option<VirtualTime> {
    let text = core::str::from_utf8(value).ok()?;
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (clock, rest) = text.split_at(digits);
    // Whatever stands between the point and the end is left out, as Windows does it.
    let rest = if rest.starts_with('.') && rest.ends_with('Z') { "Z" } else { rest };
    let (fraction, zone) = match rest.strip_prefix(['.', ',']) {
        Some(tail) => tail.split_at(tail.bytes().take_while(u8::is_ascii_digit).count()),
        None => ("", rest),
    };
    if rest.starts_with(['.', ',']) && fraction.is_empty() {
        return None;
    }
    let clock = match digits {
        14 => clock.to_owned(),
        12 => {
            // UTCTime: two digits of the year, 1950 to 2049 (RFC 5280 4.1.2.5.1).
            let year: u32 = clock.get(..2)?.parse().ok()?;
            format!("{}{clock}", if year < 50 { "20" } else { "19" })
        }
        _ => return None,
    };
    let civil = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", &clock).ok().or_else(|| {
        // Without seconds (X.680 46.2).
        let minutes = text.get(..12).filter(|_| digits == 12)?;
        jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", format!("{minutes}00")).ok()
    })?;
    let utc = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    let offset = match zone {
        "Z" => 0,
        _ => offset_seconds(zone)?,
    };
    let shifted = utc.checked_sub(jiff::SignedDuration::from_secs(offset)).ok()?;
    Some(VirtualTime::from_jiff(shifted))
}

/// `+HHMM` or `-HHMM` in seconds.
fn offset_seconds(zone: &str) -> Option<i64> {
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = zone.get(1..).filter(|rest| rest.len() == 4 && rest.is_ascii())?;
    let hours: i64 = digits.get(..2)?.parse().ok()?;
    let minutes: i64 = digits.get(2..)?.parse().ok()?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_a_syntax_cannot_hold_are_refused() {
        for (syntax, value) in [
            (Syntax::Integer, "abc"),
            (Syntax::Integer, "+5"),
            (Syntax::Integer, "0x5"),
            (Syntax::Integer, " 5"),
            (Syntax::Integer, ""),
            (Syntax::Integer, "2147483648"),
            (Syntax::LargeInteger, "9223372036854775808"),
            (Syntax::Boolean, "true"),
            (Syntax::Boolean, ""),
            (Syntax::Unicode, ""),
            (Syntax::Numeric, "12a"),
            (Syntax::Time, "yesterday"),
            (Syntax::Time, "20261332000000.0Z"),
            (Syntax::Sid, "S-1"),
        ] {
            assert_eq!(syntax.stored(value.as_bytes()), None, "{syntax:?} {value}");
        }
        assert_eq!(Syntax::Unicode.stored(&[0xff]), None);
    }

    #[test]
    fn values_are_stored_in_one_spelling() {
        let stored = |syntax: Syntax, value: &str| {
            String::from_utf8(syntax.stored(value.as_bytes()).unwrap().into_owned()).unwrap()
        };
        assert_eq!(stored(Syntax::Integer, "-007"), "-7");
        assert_eq!(stored(Syntax::Time, "20261121103000Z"), "20261121103000.0Z");
        assert_eq!(stored(Syntax::Time, "20261121103000.7+0130"), "20261121090000.0Z");
        assert_eq!(stored(Syntax::Time, "261121103000Z"), "20261121103000.0Z");
    }

    #[test]
    fn text_is_measured_in_utf16_units() {
        assert_eq!(Syntax::Unicode.extent("a😀".as_bytes()), 3);
        assert_eq!(Syntax::Octets.extent("a😀".as_bytes()), 5);
    }
}
