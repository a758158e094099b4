//! An object as all domain controllers share it, and the stamp that each of them puts on it.

use crate::clock::VirtualTime;
use crate::directory::request::{ObjectNumber, Sight};
use crate::guid::Guid;
use crate::record::{AttributeNumber, Record};

/// The number of a class in the schema.
pub type ClassNumber = u16;

/// The number of a domain controller in its forest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DcNumber(pub u16);

/// Where an object is in its life ([MS-ADTS] 3.1.1.5.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Life {
    /// It is there.
    #[default]
    Live,
    /// A tombstone, or a deleted-object of the recycle bin: seen only by who asks for such.
    Deleted,
    /// A recycled-object.
    Recycled,
}

impl Life {
    /// Whether a request with this sight meets the object.
    #[must_use]
    pub fn is_seen(self, sight: Sight) -> bool {
        match self {
            Self::Live => true,
            Self::Deleted => sight >= Sight::Deleted,
            Self::Recycled => sight >= Sight::Recycled,
        }
    }
}

/// The content of an object. Immutable: a change makes a new one, and whoever holds the old one (a
/// domain controller that has not heard yet, a snapshot) keeps it.
///
/// Values that follow from the fields are not in the record and are made when read: `objectGUID`,
/// `objectClass`, `objectCategory`, `distinguishedName`, `name`, `instanceType`, and what stands in
/// the [`Stamp`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `objectGUID`.
    pub guid: Guid,
    /// Its parent; `None` for the head of a naming context.
    pub parent: Option<ObjectNumber>,
    /// Its most specific structural class.
    pub class: ClassNumber,
    /// The attribute that names it (`cn`, `ou`, `dc`); the value is in the record.
    pub rdn_attribute: AttributeNumber,
    /// Whether it is there, or deleted.
    pub life: Life,
    /// Where it was created, and with which sequence number there.
    pub created_by: DcNumber,
    /// The originating USN of the creation.
    pub created_usn: u64,
    /// `whenCreated`.
    pub when_created: VirtualTime,
    /// The stored values. References to objects are four bytes, the number in little-endian order.
    pub record: Record,
    /// Replication metadata of the attributes that changed after creation, by attribute. All others
    /// stand at version 1 with the creation's time, place and number.
    pub changed: Box<[AttributeStamp]>,
}

/// Who last changed an attribute ([MS-DRSR] 5.160, PROPERTY_META_DATA_EXT).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributeStamp {
    /// The attribute.
    pub attribute: AttributeNumber,
    /// The domain controller of the originating write.
    pub dc: DcNumber,
    /// Grows by one with each originating write.
    pub version: u32,
    /// When, in whole seconds of Unix time: conflicts are settled by the second.
    pub seconds: u32,
    /// The originating USN, in two halves (low, high) to keep the stamp at twenty bytes.
    usn: [u32; 2],
}

/// What one domain controller knows about an object beyond its content. Not replicated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// `uSNCreated`.
    pub usn_created: u64,
    /// `uSNChanged`.
    pub usn_changed: u64,
    /// `whenChanged`.
    pub when_changed: VirtualTime,
}

impl Entry {
    /// The value of the naming attribute.
    #[must_use]
    pub fn rdn_value(&self) -> &str {
        self.record.text(self.rdn_attribute).unwrap_or_default()
    }

    /// The replication metadata of an attribute.
    #[must_use]
    pub fn metadata(&self, attribute: AttributeNumber) -> AttributeStamp {
        match self.changed.binary_search_by_key(&attribute, |stamp| stamp.attribute) {
            Ok(at) => self.changed[at],
            Err(_) => AttributeStamp::new(
                attribute,
                self.created_by,
                1,
                self.when_created,
                self.created_usn,
            ),
        }
    }

    /// The metadata after an originating write of these attributes, which come in ascending order.
    #[must_use]
    pub fn restamped(
        &self,
        attributes: &[AttributeNumber],
        dc: DcNumber,
        now: VirtualTime,
        usn: u64,
    ) -> Box<[AttributeStamp]> {
        let mut stamps = Vec::with_capacity(self.changed.len() + attributes.len());
        let mut old = self.changed.iter().copied().peekable();
        for &attribute in attributes {
            while let Some(earlier) = old.next_if(|stamp| stamp.attribute < attribute) {
                stamps.push(earlier);
            }
            let before = old.next_if(|stamp| stamp.attribute == attribute);
            let version = before.map_or(1, |stamp| stamp.version).saturating_add(1);
            stamps.push(AttributeStamp::new(attribute, dc, version, now, usn));
        }
        stamps.extend(old);
        stamps.into_boxed_slice()
    }
}

impl AttributeStamp {
    /// A stamp.
    #[must_use]
    pub fn new(
        attribute: AttributeNumber,
        dc: DcNumber,
        version: u32,
        at: VirtualTime,
        usn: u64,
    ) -> Self {
        let seconds = at.as_micros().div_euclid(1_000_000);
        let seconds = u32::try_from(seconds.max(0)).unwrap_or(u32::MAX);
        let bytes = usn.to_le_bytes();
        let [a, b, c, d, e, f, g, h] = bytes;
        let usn = [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])];
        Self { attribute, dc, version, seconds, usn }
    }

    /// The originating USN.
    #[must_use]
    pub fn usn(&self) -> u64 {
        u64::from(self.usn[1]) << 32 | u64::from(self.usn[0])
    }
}

/// A reference to an object as it stands in a record.
#[must_use]
pub fn reference(object: ObjectNumber) -> [u8; 4] {
    object.0.to_le_bytes()
}

/// The object that a stored reference means.
#[must_use]
pub fn referenced(value: &[u8]) -> Option<ObjectNumber> {
    Some(ObjectNumber(u32::from_le_bytes(value.try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_twenty_bytes_and_keeps_a_wide_usn() {
        assert_eq!(size_of::<AttributeStamp>(), 20);
        let usn = 0x1_2345_6789_u64;
        let stamp = AttributeStamp::new(3, DcNumber(1), 2, VirtualTime::from_micros(5), usn);
        assert_eq!(stamp.usn(), usn);
    }
}
