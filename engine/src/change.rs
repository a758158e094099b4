//! What changed of one attribute, as logs, records and reports show it: values before and after, each by itself,
//! so that nobody has to guess where one ends and the next begins.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::attributes::{Shape, by_ldap_name};
use crate::journal::bytes::{Reader, Writer};
use crate::ports::{Name, StoreError};

/// A value: a text, or bytes that are none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ShownValue {
    /// UTF-8.
    Text(String),
    /// Anything else.
    Bytes {
        /// In Base64.
        base64: String,
    },
}

impl ShownValue {
    pub(crate) fn of(value: &[u8]) -> Self {
        match core::str::from_utf8(value) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Bytes { base64: STANDARD.encode(value) },
        }
    }

    pub(crate) fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Text(text) => Some(text.as_bytes().to_vec()),
            Self::Bytes { base64 } => STANDARD.decode(base64).ok(),
        }
    }

    /// The text; `None` for bytes that are none.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bytes { .. } => None,
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Bytes { base64 } => base64,
        }
    }
}

/// The values of one attribute, in the order in which they were read.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShownValues(pub Vec<ShownValue>);

impl ShownValues {
    /// Of values as they were read.
    pub fn of<V: AsRef<[u8]>>(values: impl IntoIterator<Item = V>) -> Self {
        Self(values.into_iter().map(|value| ShownValue::of(value.as_ref())).collect())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As one text, which is what a `modifiedProperty` of Microsoft Graph has room for: that of a single-valued
    /// attribute is its value, that of a multi-valued one a JSON array. Directory audits show arrays so; what the
    /// provisioning log shows of several values is not published (Microsoft Graph reference, modifiedProperty).
    #[must_use]
    pub fn as_property(&self, attribute: &str) -> String {
        let several = by_ldap_name(attribute).is_some_and(|known| known.shape == Shape::Multi);
        match self.0.as_slice() {
            [] => String::new(),
            [only] if !several => only.text().to_owned(),
            values => {
                let texts: Vec<&str> = values.iter().map(ShownValue::text).collect();
                serde_json::Value::from(texts).to_string()
            }
        }
    }

    /// How many bytes its row takes.
    pub(crate) fn size(&self) -> usize {
        8 + self.0.iter().map(|value| 9 + value.text().len()).sum::<usize>()
    }

    pub(crate) fn encode(&self, writer: Writer) -> Writer {
        self.0.iter().fold(writer.number(self.0.len() as u64), |writer, value| {
            let is_text = matches!(value, ShownValue::Text(_));
            writer.raw(&[u8::from(is_text)]).text(value.text())
        })
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, StoreError> {
        let mut values = Vec::new();
        for _ in 0..reader.number()? {
            let is_text = reader.raw::<1>()? == [1];
            let text = reader.text()?;
            values.push(match is_text {
                true => ShownValue::Text(text),
                false => ShownValue::Bytes { base64: text },
            });
        }
        Ok(Self(values))
    }

    /// What an older row tells of values, joined as it is; they cannot be told apart any more.
    pub(crate) fn of_joined(text: String) -> Self {
        if text.is_empty() { Self::default() } else { Self(vec![ShownValue::Text(text)]) }
    }
}

impl From<&str> for ShownValues {
    fn from(text: &str) -> Self {
        Self(vec![ShownValue::Text(text.to_owned())])
    }
}

/// For people: each value in quotes, without any character that a terminal or a log would obey.
impl fmt::Display for ShownValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing");
        }
        for (at, value) in self.0.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { ", " })?;
            match value {
                ShownValue::Text(text) => write!(f, "`{}`", Plain(text))?,
                ShownValue::Bytes { base64 } => write!(f, "base64 `{base64}`")?,
            }
        }
        Ok(())
    }
}

/// A text in which every control character, and every one that turns the direction of writing, is told instead of
/// obeyed: what others may write into a directory must not move somebody's cursor.
#[derive(Debug, Clone, Copy)]
pub struct Plain<'a>(pub &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for c in self.0.chars() {
            let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if c.is_control() || turns {
                write!(f, "{}", c.escape_unicode())?;
            } else {
                f.write_char(c)?;
            }
        }
        Ok(())
    }
}

/// One changed attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModifiedProperty {
    /// The AD attribute, or the property of the cloud.
    pub attribute: Name,
    /// Its values before.
    pub old: ShownValues,
    /// Its values after.
    pub new: ShownValues,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_can_be_told_apart_in_every_form() {
        let three = ShownValues::of(["b", "a", "; c"]);
        let joined = ShownValues::of(["b; a; ; c"]);
        for attribute in ["msExchExtensionCustomAttribute1", "extensionAttribute1", "targetAddress"]
        {
            assert_ne!(three.as_property(attribute), joined.as_property(attribute));
        }
        assert_eq!(three.as_property("proxyAddresses"), r#"["b","a","; c"]"#);
        assert_eq!(ShownValues::from("x").as_property("proxyAddresses"), r#"["x"]"#);
        assert_eq!(ShownValues::from("x").as_property("mail"), "x");
        assert_eq!(ShownValues::default().as_property("proxyAddresses"), "");
        assert_eq!(three.to_string(), "`b`, `a`, `; c`");
        assert_eq!(serde_json::to_string(&three).unwrap(), r#"["b","a","; c"]"#);
        let bytes = ShownValues::of([&[0_u8, 1, 2, 255][..]]);
        assert_eq!(serde_json::to_string(&bytes).unwrap(), r#"[{"base64":"AAEC/w=="}]"#);
        assert_eq!(bytes.to_string(), "base64 `AAEC/w==`");
        assert_eq!(ShownValues::default().to_string(), "nothing");
    }

    #[test]
    fn no_value_moves_a_cursor_or_ends_a_line() {
        let evil = ShownValues::from("a\u{1b}[2J\nb\u{202e}c\u{7f}é");
        assert_eq!(evil.to_string(), "`a\\u{1b}[2J\\u{a}b\\u{202e}c\\u{7f}é`");
    }

    #[test]
    fn rows_hold_values_as_they_were() {
        for values in [ShownValues::default(), ShownValues::of([&b"a"[..], b"", b"\xff"])] {
            let bytes = values.encode(Writer::with_version(1, values.size())).finish();
            assert_eq!(bytes.len(), 1 + values.size());
            let mut reader = Reader::open("values", 1, &bytes).unwrap();
            assert_eq!(ShownValues::decode(&mut reader), Ok(values));
            assert!(reader.finish().is_ok());
        }
    }
}
