//! Values for people.

use std::borrow::Cow;
use std::fmt::Write as _;

/// One value as it is, several as a JSON list, so that they can be told apart whatever is in them. What is
/// no text (a GUID, a SID) is in hexadecimal digits.
#[must_use]
pub fn shown<V: AsRef<[u8]>>(values: &[V]) -> String {
    match values {
        [] => "(absent)".to_owned(),
        [only] => text(only.as_ref()).into_owned(),
        several => {
            let list: serde_json::Value = several.iter().map(|v| text(v.as_ref())).collect();
            list.to_string()
        }
    }
}

fn text(value: &[u8]) -> Cow<'_, str> {
    let is_layout = |c: char| matches!(c, '\t' | '\n' | '\r');
    match std::str::from_utf8(value) {
        Ok(text) if !text.chars().any(|c| c.is_control() && !is_layout(c)) => Cow::Borrowed(text),
        _ => {
            let mut digits = "0x".to_owned();
            for byte in value {
                let _ = write!(digits, "{byte:02x}");
            }
            Cow::Owned(digits)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_told_in_digits() {
        assert_eq!(shown::<&[u8]>(&[]), "(absent)");
        assert_eq!(shown(&["Straße".as_bytes()]), "Straße");
        assert_eq!(shown(&[&[1, 5, 0][..]]), "0x010500");
        assert_eq!(shown(&[&b"a"[..], &[0xff]]), r#"["a","0xff"]"#);
    }
}
