//! A security descriptor and its form in bytes ([MS-DTYP] 2.4.6).

use crate::directory::name::Sid;
use crate::guid::Guid;

/// The right to create a child.
pub const CREATE_CHILD: u32 = 0x1;
/// The right to delete a child.
pub const DELETE_CHILD: u32 = 0x2;
/// The right to list children.
pub const LIST: u32 = 0x4;
/// See the object itself, in list object mode.
pub const LIST_OBJECT: u32 = 0x80;
/// The right to write as oneself.
pub const SELF: u32 = 0x8;
/// The right to read an attribute.
pub const READ_PROPERTY: u32 = 0x10;
/// The right to write an attribute.
pub const WRITE_PROPERTY: u32 = 0x20;
/// The right to delete a whole tree.
pub const DELETE_TREE: u32 = 0x40;
/// An extended right.
pub const CONTROL_ACCESS: u32 = 0x100;
/// The right to delete the object.
pub const DELETE: u32 = 0x1_0000;
/// The right to read the security descriptor.
pub const READ_CONTROL: u32 = 0x2_0000;
/// The right to write the ACL.
pub const WRITE_DAC: u32 = 0x4_0000;
/// The right to take ownership.
pub const WRITE_OWNER: u32 = 0x8_0000;
/// Everything that can be done with an object.
pub const FULL: u32 = 0xf_01ff;

/// Inherited by what is no container; objects of a directory hand it on.
pub const OBJECT_INHERIT: u8 = 0x1;
/// Inherited by containers below.
pub const CONTAINER_INHERIT: u8 = 0x2;
/// For those below only.
pub const INHERIT_ONLY: u8 = 0x8;
/// Inherited one level deep.
pub const NO_PROPAGATE: u8 = 0x4;
/// It came from above.
pub const INHERITED: u8 = 0x10;

/// The DACL takes nothing from above.
pub const DACL_PROTECTED: u16 = 0x1000;
/// The SACL takes nothing from above.
pub const SACL_PROTECTED: u16 = 0x2000;
const SELF_RELATIVE: u16 = 0x8000;
const DACL_PRESENT: u16 = 0x4;
const SACL_PRESENT: u16 = 0x10;
const AUTO_INHERITED: u16 = 0x0c00;

/// An entry of an ACL ([MS-DTYP] 2.4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ace {
    /// Whether it denies.
    pub deny: bool,
    /// Whether it asks for an audit.
    pub audit: bool,
    /// How it is inherited, and whether it was.
    pub flags: u8,
    /// The rights.
    pub mask: u32,
    /// An attribute, property set, class or extended right; `None`: all.
    pub object: Option<Guid>,
    /// The class that inherits it; `None`: all.
    pub inherited_object: Option<Guid>,
    /// For whom.
    pub sid: Sid,
}

impl Ace {
    /// Whether the entry names the owner of the object in its own way: OWNER RIGHTS, S-1-3-4, in the place of
    /// what owners have by themselves ([MS-DTYP] 2.4.2.4).
    #[must_use]
    pub fn is_for_owner(&self) -> bool {
        self.sid.as_bytes() == OWNER_RIGHTS
    }
}

/// S-1-3-4 in bytes.
const OWNER_RIGHTS: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 3, 4, 0, 0, 0];

/// A security descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityDescriptor {
    /// Who owns the object.
    pub owner: Sid,
    /// The owner's primary group.
    pub group: Sid,
    /// [`DACL_PROTECTED`], [`SACL_PROTECTED`], both or nothing.
    pub control: u16,
    /// Who may do what.
    pub dacl: Vec<Ace>,
    /// What is audited.
    pub sacl: Vec<Ace>,
}

impl SecurityDescriptor {
    /// Nobody's, without entries.
    #[must_use]
    pub fn empty() -> Self {
        let (owner, group) = (Sid::nobody(), Sid::nobody());
        Self { owner, group, control: 0, dacl: Vec::new(), sacl: Vec::new() }
    }

    /// Whether it inherits nothing.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        self.control & DACL_PROTECTED != 0
    }

    /// Whether its SACL inherits nothing.
    #[must_use]
    pub fn is_sacl_protected(&self) -> bool {
        self.control & SACL_PROTECTED != 0
    }

    /// As [`Self::to_bytes`], as clients see it: without a SACL in which there is nothing.
    #[must_use]
    pub fn shown(&self, parts: u32) -> Vec<u8> {
        let nothing = self.sacl.is_empty() && !self.is_sacl_protected();
        self.to_bytes(if nothing { parts & !8 } else { parts })
    }

    /// The bytes of some parts: 1 owner, 2 group, 4 DACL, 8 SACL ([MS-ADTS] 3.1.1.3.4.1.11).
    #[must_use]
    pub fn to_bytes(&self, parts: u32) -> Vec<u8> {
        let mut control = SELF_RELATIVE | AUTO_INHERITED | self.control;
        let mut tail = Vec::new();
        let mut offsets = [0_u32; 4];
        let place = |tail: &Vec<u8>| u32::try_from(20 + tail.len()).unwrap_or(0);
        if parts & 1 != 0 {
            offsets[0] = place(&tail);
            tail.extend_from_slice(self.owner.as_bytes());
        }
        if parts & 2 != 0 {
            offsets[1] = place(&tail);
            tail.extend_from_slice(self.group.as_bytes());
        }
        if parts & 8 != 0 {
            control |= SACL_PRESENT;
            offsets[2] = place(&tail);
            push_acl(&mut tail, &self.sacl);
        }
        if parts & 4 != 0 {
            control |= DACL_PRESENT;
            offsets[3] = place(&tail);
            push_acl(&mut tail, &self.dacl);
        }
        let mut bytes = vec![1, 0];
        bytes.extend_from_slice(&control.to_le_bytes());
        for offset in offsets {
            bytes.extend_from_slice(&offset.to_le_bytes());
        }
        bytes.extend_from_slice(&tail);
        bytes
    }

    /// Reads bytes; parts that are not there stay as they are in `self`. `None` when the bytes are no
    /// security descriptor.
    #[must_use]
    pub fn overlaid(&self, bytes: &[u8], parts: u32) -> Option<Self> {
        let mut new = self.clone();
        if bytes.len() < 20 || bytes[0] != 1 {
            return None;
        }
        let control = u16::from_le_bytes([bytes[2], bytes[3]]);
        let offset = |at: usize| -> Option<usize> {
            let word = bytes.get(at..at + 4)?;
            usize::try_from(u32::from_le_bytes(word.try_into().ok()?)).ok()
        };
        let (owner, group, sacl, dacl) = (offset(4)?, offset(8)?, offset(12)?, offset(16)?);
        if parts & 1 != 0 && owner != 0 {
            new.owner = read_sid(bytes.get(owner..)?)?;
        }
        if parts & 2 != 0 && group != 0 {
            new.group = read_sid(bytes.get(group..)?)?;
        }
        if parts & 8 != 0 && control & SACL_PRESENT != 0 && sacl != 0 {
            new.sacl = read_acl(bytes.get(sacl..)?)?;
            new.control = new.control & !SACL_PROTECTED | control & SACL_PROTECTED;
        }
        if parts & 4 != 0 && control & DACL_PRESENT != 0 && dacl != 0 {
            new.dacl = read_acl(bytes.get(dacl..)?)?;
            new.control = new.control & !DACL_PROTECTED | control & DACL_PROTECTED;
        }
        Some(new)
    }
}

/// Whether the DACL of a descriptor in bytes has an entry that denies something.
pub(super) fn has_denial(bytes: &[u8]) -> bool {
    let empty = SecurityDescriptor::empty();
    empty.overlaid(bytes, 4).is_some_and(|read| read.dacl.iter().any(|ace| ace.deny))
}

fn push_acl(out: &mut Vec<u8>, aces: &[Ace]) {
    let start = out.len();
    let objects = aces.iter().any(|ace| ace.object.is_some() || ace.inherited_object.is_some());
    out.extend_from_slice(&[if objects { 4 } else { 2 }, 0, 0, 0]);
    out.extend_from_slice(&u16::try_from(aces.len()).unwrap_or(u16::MAX).to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    for ace in aces {
        push_ace(out, ace);
    }
    let length = u16::try_from(out.len() - start).unwrap_or(u16::MAX).to_le_bytes();
    out[start + 2..start + 4].copy_from_slice(&length);
}

fn push_ace(out: &mut Vec<u8>, ace: &Ace) {
    let start = out.len();
    let is_object = ace.object.is_some() || ace.inherited_object.is_some();
    let kind = match (ace.audit, ace.deny, is_object) {
        (false, false, false) => 0,
        (false, true, false) => 1,
        (true, _, false) => 2,
        (false, false, true) => 5,
        (false, true, true) => 6,
        (true, _, true) => 7,
    };
    out.extend_from_slice(&[kind, ace.flags, 0, 0]);
    out.extend_from_slice(&ace.mask.to_le_bytes());
    if is_object {
        let present =
            u32::from(ace.object.is_some()) | u32::from(ace.inherited_object.is_some()) << 1;
        out.extend_from_slice(&present.to_le_bytes());
        for guid in ace.object.iter().chain(&ace.inherited_object) {
            out.extend_from_slice(&guid.0);
        }
    }
    out.extend_from_slice(ace.sid.as_bytes());
    let length = u16::try_from(out.len() - start).unwrap_or(u16::MAX).to_le_bytes();
    out[start + 2..start + 4].copy_from_slice(&length);
}

fn read_sid(bytes: &[u8]) -> Option<Sid> {
    let length = 8 + 4 * usize::from(*bytes.get(1)?);
    Sid::from_bytes(bytes.get(..length)?)
}

fn read_acl(bytes: &[u8]) -> Option<Vec<Ace>> {
    let length = usize::from(u16::from_le_bytes(bytes.get(2..4)?.try_into().ok()?));
    let count = u16::from_le_bytes(bytes.get(4..6)?.try_into().ok()?);
    let mut rest = bytes.get(8..length)?;
    let mut aces = Vec::new();
    for _ in 0..count {
        let length = usize::from(u16::from_le_bytes(rest.get(2..4)?.try_into().ok()?));
        let (ace, after) = rest.split_at_checked(length)?;
        aces.push(read_ace(ace)?);
        rest = after;
    }
    Some(aces)
}

fn read_ace(bytes: &[u8]) -> Option<Ace> {
    let kind = *bytes.first()?;
    let flags = *bytes.get(1)?;
    let word = |at: usize| -> Option<u32> {
        Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
    };
    let mask = word(4)?;
    let guid = |at: usize| -> Option<Guid> { Some(Guid(bytes.get(at..at + 16)?.try_into().ok()?)) };
    let (deny, audit) = (matches!(kind, 1 | 6), matches!(kind, 2 | 7));
    let (object, inherited_object, at) = match kind {
        0..=2 => (None, None, 8),
        5..=7 => {
            let present = word(8)?;
            let mut at = 12;
            let mut take = |wanted: bool| -> Option<Option<Guid>> {
                if !wanted {
                    return Some(None);
                }
                at += 16;
                guid(at - 16).map(Some)
            };
            let (object, inherited) = (take(present & 1 != 0)?, take(present & 2 != 0)?);
            (object, inherited, at)
        }
        _ => return None,
    };
    let sid = read_sid(bytes.get(at..)?)?;
    Some(Ace { deny, audit, flags, mask, object, inherited_object, sid })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sid() -> Sid {
        Sid::from_text("S-1-5-21-1-2-3-512").unwrap()
    }

    fn blank() -> SecurityDescriptor {
        SecurityDescriptor {
            owner: Sid::from_text("S-1-5-18").unwrap(),
            group: Sid::from_text("S-1-5-18").unwrap(),
            control: 0,
            dacl: Vec::new(),
            sacl: Vec::new(),
        }
    }

    #[test]
    fn what_is_written_is_read_part_by_part() {
        let ace = Ace {
            deny: true,
            audit: false,
            flags: CONTAINER_INHERIT,
            mask: WRITE_PROPERTY,
            object: Some(Guid([7; 16])),
            inherited_object: None,
            sid: sid(),
        };
        let written = SecurityDescriptor {
            owner: sid(),
            group: sid(),
            control: DACL_PROTECTED,
            dacl: vec![ace],
            sacl: Vec::new(),
        };
        assert_eq!(blank().overlaid(&written.to_bytes(15), 15), Some(written.clone()));
        let owner_only = blank().overlaid(&written.to_bytes(1), 15).unwrap();
        assert_eq!(owner_only, SecurityDescriptor { owner: sid(), ..blank() });
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let _ = blank().overlaid(&bytes, 15);
        }
    }
}
