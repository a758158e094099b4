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

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The bytes in the order in which they are printed.
const DASHED: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [b'-'; 36];
        let mut at = 0;
        for (position, index) in DASHED.iter().enumerate() {
            if matches!(position, 4 | 6 | 8 | 10) {
                at += 1;
            }
            let byte = self.0[*index];
            text[at] = HEX[usize::from(byte >> 4)];
            text[at + 1] = HEX[usize::from(byte & 15)];
            at += 2;
        }
        f.write_str(core::str::from_utf8(&text).map_err(|_| fmt::Error)?)
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
        parse(text.as_bytes()).map(Self).ok_or_else(|| GuidError(text.to_owned()))
    }
}

/// 32 hex digits, or 36 characters with dashes after the 8th, 12th, 16th and 20th digit.
fn parse(text: &[u8]) -> Option<[u8; 16]> {
    let dashed = text.len() == 36;
    if !dashed && text.len() != 32 {
        return None;
    }
    let mut bytes = [0_u8; 16];
    let mut rest = text;
    for (position, index) in DASHED.iter().enumerate() {
        if dashed && matches!(position, 4 | 6 | 8 | 10) {
            rest = rest.strip_prefix(b"-")?;
        }
        let (pair, tail) = rest.split_first_chunk::<2>()?;
        bytes[*index] = digit(pair[0])? << 4 | digit(pair[1])?;
        rest = tail;
    }
    Some(bytes)
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        b'A'..=b'F' => Some(character - b'A' + 10),
        _ => None,
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
        assert_eq!(text.replace('-', "").to_uppercase().parse(), Ok(guid));
        for bad in [
            "not-a-guid",
            "03020100-0504-0706-0809-0a0b0c0d0e",
            "+3020100-0504-0706-0809-0a0b0c0d0e0f",
            "03020100050407060809-0a0b0c0d0e0",
            "030201000504070608090a0b0c0d0e0f0000",
        ] {
            assert!(bad.parse::<Guid>().is_err(), "{bad}");
        }
    }
}
