//! An object as all domain controllers share it, and the stamp that each of them puts on it.

use std::sync::Arc;

use crate::clock::VirtualTime;
use crate::directory::request::{ObjectNumber, Sight};
use crate::directory::schema::known;
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
    /// Replication metadata of the values of forward links that came or went after creation.
    pub links: LinkStamps,
}

/// Stamps of link values by attribute and target, shared by the versions of an object; most objects
/// have none. Values without one came with the object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkStamps(Option<Arc<Vec<LinkStamp>>>);

/// Who last added or removed one value of a link ([MS-DRSR], REPLVALINF): link values replicate
/// one by one. A removed value keeps its stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkStamp {
    /// The forward link.
    pub attribute: AttributeNumber,
    /// The domain controller of the originating write.
    pub dc: DcNumber,
    /// The value.
    pub target: ObjectNumber,
    /// Grows by one with each originating write.
    pub version: u32,
    /// When, in whole seconds of Unix time.
    pub seconds: u32,
    /// When the value came for the first time, in whole seconds of Unix time.
    pub created: u32,
    usn: [u32; 2],
    /// Whether the value is there.
    pub present: bool,
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

    /// Where it stands, and whether it is there.
    #[must_use]
    pub fn place(&self) -> (Option<ObjectNumber>, &str, Life) {
        (self.parent, self.rdn_value(), self.life)
    }

    /// Whether an attribute that nobody stamped has a value since the creation; others stand at version 0.
    fn came_with(&self, attribute: AttributeNumber) -> bool {
        let own = [known::NAME, known::OBJECT_CLASS, known::NT_SECURITY_DESCRIPTOR];
        self.record.has(attribute)
            || own.contains(&attribute)
            || [known::INSTANCE_TYPE, known::WHEN_CREATED, known::OBJECT_CATEGORY]
                .contains(&attribute)
    }

    /// The replication metadata of an attribute.
    #[must_use]
    pub fn metadata(&self, attribute: AttributeNumber) -> AttributeStamp {
        match self.changed.binary_search_by_key(&attribute, |stamp| stamp.attribute) {
            Ok(at) => self.changed[at],
            Err(_) => AttributeStamp::new(
                attribute,
                self.created_by,
                u32::from(self.came_with(attribute)),
                self.when_created,
                self.created_usn,
            ),
        }
    }

    /// The second of the last originating write of an attribute: [`Self::metadata`] without the version,
    /// which costs a look into the record.
    #[must_use]
    pub fn changed_at(&self, attribute: AttributeNumber) -> VirtualTime {
        let stamped = self.changed.binary_search_by_key(&attribute, |stamp| stamp.attribute);
        stamped.map_or(self.when_created, |at| self.changed[at].at()).floor_to_second()
    }

    /// Whether any attribute was written in these seconds.
    #[must_use]
    pub fn has_changes_at(&self, is_meant: impl Fn(VirtualTime) -> bool) -> bool {
        is_meant(self.when_created.floor_to_second())
            || self.changed.iter().any(|stamp| is_meant(stamp.at()))
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
            let version =
                before.map_or_else(|| u32::from(self.came_with(attribute)), |stamp| stamp.version);
            let version = version.saturating_add(1);
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
        Self { attribute, dc, version, seconds: whole_seconds(at), usn: halves(usn) }
    }

    /// The same write, as that of another attribute.
    #[must_use]
    pub const fn as_of(self, attribute: AttributeNumber) -> Self {
        Self { attribute, ..self }
    }

    /// The originating USN.
    #[must_use]
    pub fn usn(&self) -> u64 {
        u64::from(self.usn[1]) << 32 | u64::from(self.usn[0])
    }

    /// The second of the originating write.
    #[must_use]
    pub fn at(&self) -> VirtualTime {
        VirtualTime::from_micros(i64::from(self.seconds) * 1_000_000)
    }
}

impl LinkStamps {
    /// All of them, by attribute and target.
    #[must_use]
    pub fn all(&self) -> &[LinkStamp] {
        self.0.as_ref().map_or(&[], |stamps| stamps.as_slice())
    }

    /// Those of one link.
    #[must_use]
    pub fn of(&self, attribute: AttributeNumber) -> &[LinkStamp] {
        let all = self.all();
        let from = all.partition_point(|stamp| stamp.attribute < attribute);
        let to = all.partition_point(|stamp| stamp.attribute <= attribute);
        &all[from..to]
    }

    /// That of one value.
    #[must_use]
    pub fn get(&self, attribute: AttributeNumber, target: ObjectNumber) -> Option<&LinkStamp> {
        let own = self.of(attribute);
        own.binary_search_by_key(&target, |stamp| stamp.target).ok().map(|at| &own[at])
    }

    /// Stamps in any order, each value once.
    #[must_use]
    pub fn from_unsorted(mut stamps: Vec<LinkStamp>) -> Self {
        if stamps.is_empty() {
            return Self(None);
        }
        stamps.sort_unstable_by_key(|stamp| (stamp.attribute, stamp.target));
        Self(Some(Arc::new(stamps)))
    }

    /// Those that are to stay.
    #[must_use]
    pub fn retained(&self, stays: impl Fn(&LinkStamp) -> bool) -> Self {
        if self.all().iter().all(&stays) {
            return self.clone();
        }
        Self::from_unsorted(self.all().iter().filter(|stamp| stays(stamp)).copied().collect())
    }

    /// These stamps after an originating write of one link: `changes` are the values that came and
    /// went. Of a link with a single value every other one goes, those that lost a conflict included.
    #[must_use]
    pub fn restamped(
        &self,
        attribute: AttributeNumber,
        changes: &[(ObjectNumber, bool)],
        single: bool,
        write: (DcNumber, VirtualTime, u64),
        created: VirtualTime,
    ) -> Self {
        let (dc, now, usn) = write;
        let seconds = whole_seconds(now);
        let mut stamps: Vec<LinkStamp> = self.all().to_vec();
        let mut put = |target: ObjectNumber, present: bool| {
            let at = stamps.binary_search_by_key(&(attribute, target), |s| (s.attribute, s.target));
            // A value that goes and has no stamp came with the object.
            let (version, created) = match at {
                Ok(at) => (stamps[at].version.saturating_add(1), stamps[at].created),
                Err(_) if present => (1, seconds),
                Err(_) => (2, whole_seconds(created)),
            };
            let usn = halves(usn);
            let stamp =
                LinkStamp { attribute, dc, target, version, seconds, created, usn, present };
            match at {
                Ok(at) => stamps[at] = stamp,
                Err(at) => stamps.insert(at, stamp),
            }
        };
        for (target, present) in changes {
            put(*target, *present);
        }
        if single {
            let mine = |target: &ObjectNumber| changes.iter().any(|(known, _)| known == target);
            let rest = self.of(attribute).iter().filter(|stamp| stamp.present);
            for target in rest.map(|stamp| stamp.target).filter(|target| !mine(target)) {
                put(target, false);
            }
        }
        Self(Some(Arc::new(stamps)))
    }
}

impl LinkStamp {
    /// The stamp of a value that came with its object.
    #[must_use]
    pub fn of_creation(entry: &Entry, attribute: AttributeNumber, target: ObjectNumber) -> Self {
        let seconds = whole_seconds(entry.when_created);
        Self {
            attribute,
            dc: entry.created_by,
            target,
            version: 1,
            seconds,
            created: seconds,
            usn: halves(entry.created_usn),
            present: true,
        }
    }

    /// The originating USN.
    #[must_use]
    pub fn usn(&self) -> u64 {
        u64::from(self.usn[1]) << 32 | u64::from(self.usn[0])
    }
}

fn whole_seconds(at: VirtualTime) -> u32 {
    let seconds = at.as_micros().div_euclid(1_000_000);
    u32::try_from(seconds.max(0)).unwrap_or(u32::MAX)
}

fn halves(usn: u64) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = usn.to_le_bytes();
    [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])]
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

    /// A group may have hundreds of thousands of members.
    #[test]
    fn a_link_stamp_is_small() {
        assert_eq!(size_of::<LinkStamp>(), 32);
    }
}
