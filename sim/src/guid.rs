//! GUIDs, in the byte order in which Active Directory stores them.

use core::fmt;
use core::str::FromStr;

/// A GUID. The bytes are those of an AD `objectGUID` value: the first three fields little-endian,
/// the last eight bytes as printed ([MS-DTYP] 2.3.4.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(pub [u8; 16]);

/// The text is not a GUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a GUID of the form 00000000-0000-0000-0000-000000000000")]
pub struct GuidError(pub String);

const DASHED: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, index) in DASHED.iter().enumerate() {
            if matches!(position, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{:02x}", self.0[*index])?;
        }
        Ok(())
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
        let refuse = || GuidError(text.to_owned());
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
        if digits.len() != 32 || (text.len() != 32 && text.len() != 36) {
            return Err(refuse());
        }
        let mut bytes = [0_u8; 16];
        for (position, pair) in digits.chunks_exact(2).enumerate() {
            let pair = core::str::from_utf8(pair).map_err(|_| refuse())?;
            bytes[DASHED[position]] = u8::from_str_radix(pair, 16).map_err(|_| refuse())?;
        }
        Ok(Self(bytes))
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
        assert!("not-a-guid".parse::<Guid>().is_err());
    }
}
