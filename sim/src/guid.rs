//! GUIDs, in the byte order in which Active Directory stores them.

use core::fmt;
use core::str::FromStr;

use uuid::Uuid;

/// A GUID. The bytes are those of an AD `objectGUID` value: the first three fields little-endian,
/// the last eight bytes as printed ([MS-DTYP] 2.3.4.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(pub [u8; 16]);

/// The text is not a GUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a GUID of the form 00000000-0000-0000-0000-000000000000")]
pub struct GuidError(pub String);

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Uuid::from_bytes_le(self.0), f)
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Guid {
    type Err = GuidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Braces and `urn:uuid:` make a text longer; AD takes neither.
        let bare = matches!(text.len(), 32 | 36);
        let uuid = bare.then(|| Uuid::try_parse(text).ok()).flatten();
        uuid.map(|uuid| Self(uuid.to_bytes_le())).ok_or_else(|| GuidError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_follow_the_order_of_ad() {
        let text = "03020100-0504-0706-0809-0a0b0c0d0e0f";
        let guid: Guid = text.parse().unwrap();
        assert_eq!(guid.0, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        assert_eq!(guid.to_string(), text);
        assert_eq!("030201000504070608090A0B0C0D0E0F".parse(), Ok(guid));
        for wrong in [
            "not-a-guid",
            "0302010005040706-0809-0a0b0c0d0e0f",
            "+f020100-0504-0706-0809-0a0b0c0d0e0f",
        ] {
            assert!(wrong.parse::<Guid>().is_err(), "{wrong}");
        }
    }
}
