//! Search filters as text (RFC 4515).

use std::fmt::Write as _;

use ldap3::ldap_escape;

use crate::ports::AnchorKey;

/// Matches an object that any of `keys` hits, in their order; a single key without the OR.
pub(super) fn any_of(keys: &[AnchorKey]) -> String {
    let mut filter = String::with_capacity(keys.len() * 64);
    if keys.len() != 1 {
        filter.push_str("(|");
    }
    for key in keys {
        match key {
            AnchorKey::ObjectGuid(guid) => bytes(&mut filter, "objectGUID", &guid.0),
            AnchorKey::ConsistencyGuid(value) => bytes(&mut filter, "mS-DS-ConsistencyGuid", value),
            AnchorKey::ExternalDirectoryObjectId(text) => {
                let text = ldap_escape(text.as_str());
                // Writing into a String cannot fail.
                let _ = write!(filter, "(msDS-ExternalDirectoryObjectId={text})");
            }
        }
    }
    if keys.len() != 1 {
        filter.push(')');
    }
    filter
}

/// Equality with raw bytes, every one of them escaped.
fn bytes(filter: &mut String, attribute: &str, value: &[u8]) {
    filter.push('(');
    filter.push_str(attribute);
    filter.push('=');
    for byte in value {
        filter.push('\\');
        for half in [byte >> 4, byte & 15] {
            filter.push(char::from_digit(half.into(), 16).expect("half a byte is a digit"));
        }
    }
    filter.push(')');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guid::Guid;

    /// The filters must be the same in the same order whichever adapter asks.
    #[test]
    fn keys_keep_their_order_and_escape_their_values() {
        let guid = AnchorKey::ObjectGuid(Guid([0xff; 16]));
        let text = AnchorKey::ExternalDirectoryObjectId("User_(*)".to_owned());
        let anchor = AnchorKey::ConsistencyGuid(vec![0, b'*']);
        let object = format!("(objectGUID={})", "\\ff".repeat(16));
        assert_eq!(any_of(std::slice::from_ref(&guid)), object);
        assert_eq!(
            any_of(&[text, anchor, guid]),
            format!(
                "(|(msDS-ExternalDirectoryObjectId=User_\\28\\2a\\29)\
                 (mS-DS-ConsistencyGuid=\\00\\2a){object})"
            )
        );
    }
}
