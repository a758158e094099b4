//! The rows: what each table holds, as values and as bytes.
//!
//! Keys of `Links`, `Escrow` and `Intents` are the 16 bytes of the mailbox id. `Meta` has two rows,
//! `version` and `job`. `Backups` and `Transfers` belong to [`crate::transfer`].

use serde::{Deserialize, Serialize};

use super::bytes::{Reader, Writer};
use crate::change::{ModifiedProperty, ShownValues};
use crate::guid::Guid;
use crate::ports::{AgentName, MailboxId, ObjectGuid, StoreError, StoreWrite, Table};
use crate::time::Timestamp;

/// Key of the row that says which layout the whole store has.
pub const VERSION_KEY: &[u8] = b"version";
/// The layout that this engine writes.
pub const VERSION: &[u8] = b"1";
/// Key of the job's own row.
pub const JOB_KEY: &[u8] = b"job";

/// Checks the version row: absent in a new store, otherwise the one that is known.
///
/// # Errors
/// [`StoreError::Damaged`] for any other version.
pub fn check_version(value: Option<&[u8]>) -> Result<(), StoreError> {
    match value {
        None => Ok(()),
        Some(known) if known == VERSION => Ok(()),
        Some(other) => Err(StoreError::Damaged(format!(
            "layout version {}, and only {} is known",
            String::from_utf8_lossy(other),
            String::from_utf8_lossy(VERSION)
        ))),
    }
}

/// The write that stamps the version on a store.
#[must_use]
pub fn version_write() -> StoreWrite {
    StoreWrite { table: Table::Meta, key: VERSION_KEY.to_vec(), value: Some(VERSION.to_vec()) }
}

/// A mailbox and its AD object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The AD object.
    pub object: ObjectGuid,
    /// The digest of the cloud version that was last brought to it.
    pub exported: u64,
    /// `WhenChangedUTC` of that version, in microseconds since the epoch; 0 where it is not known. Only the
    /// very same version needs no comparison with AD: authority may have been away and come back.
    pub changed: i64,
    /// Whether the mailbox has left the scope since. The two belong together still, and it is not counted among
    /// those that are written back.
    pub rests: bool,
}

/// Which version of each attribute was last exported, for a job that exports only what changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions {
    /// Which mapping they stand for.
    pub mapping: u64,
    /// The digest of what feeds each attribute, in the order of the mapping.
    pub of: Vec<u64>,
}

impl Versions {
    /// In the place of a digest: what AD holds is not known. That of an empty set is 0, and others are this
    /// one by a chance of 1 in 2^64.
    pub const IN_DOUBT: u64 = u64::MAX;
}

impl Link {
    /// The same where it is not known any more which version AD holds: the next look compares.
    #[must_use]
    pub const fn in_doubt(self) -> Self {
        Self { exported: Versions::IN_DOUBT, ..self }
    }

    /// The same of a mailbox that leaves the scope.
    #[must_use]
    pub const fn at_rest(self) -> Self {
        Self { rests: true, ..self }
    }

    /// The layout before the version had its time.
    const WITHOUT_TIME: u8 = 1;
    const VERSION: u8 = 3;
    const WITH_VERSIONS: u8 = 4;
    /// The layout of one that rests.
    const AT_REST: u8 = 5;

    /// As bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.start(if self.rests { Self::AT_REST } else { Self::VERSION }, 0).finish()
    }

    fn start(&self, version: u8, more: usize) -> Writer {
        Writer::with_version(version, 32 + more)
            .raw(&self.object.0.0)
            .number(self.exported)
            .number(self.changed.cast_unsigned())
    }

    /// As bytes, with the versions of its attributes: of a mailbox in scope, as those of one that rests mean nothing.
    #[must_use]
    pub fn encode_with(&self, versions: &Versions) -> Vec<u8> {
        let writer = self
            .start(Self::WITH_VERSIONS, 16 + versions.of.len() * 8)
            .number(versions.mapping)
            .number(versions.of.len() as u64);
        versions.of.iter().fold(writer, |writer, version| writer.number(*version)).finish()
    }

    /// From bytes.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        Self::decode_with(bytes).map(|(link, _)| link)
    }

    /// From bytes, with the versions of its attributes where they were kept.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub fn decode_with(bytes: &[u8]) -> Result<(Self, Option<Versions>), StoreError> {
        let known = [Self::WITHOUT_TIME, Self::WITH_VERSIONS, Self::AT_REST];
        let version = bytes.first().copied().filter(|first| known.contains(first));
        let version = version.unwrap_or(Self::VERSION);
        let with_versions = version == Self::WITH_VERSIONS;
        let mut reader = Reader::open("link", version, bytes)?;
        let (object, exported) = (ObjectGuid(Guid(reader.raw()?)), reader.number()?);
        let changed =
            if version == Self::WITHOUT_TIME { 0 } else { reader.number()?.cast_signed() };
        let link = Self { object, exported, changed, rests: version == Self::AT_REST };
        let mut versions = None;
        if with_versions {
            let mapping = reader.number()?;
            let count = reader.number()?;
            let of = (0..count).map(|_| reader.number()).collect::<Result<_, _>>()?;
            versions = Some(Versions { mapping, of });
        }
        reader.finish().map(|()| (link, versions))
    }
}

/// A failed object and when it is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EscrowRow {
    /// How often it failed in a row; 0 for an object that was only interrupted, by a connection that broke at
    /// another one.
    pub failures: u32,
    /// When it failed first.
    pub first: Timestamp,
    /// When it is due.
    pub next: Timestamp,
    /// The code of the last failure.
    pub code: String,
    /// Whether the object is linked, and counted among those that are.
    pub linked: bool,
    /// Which version of the mailbox failed: its digest and `WhenChangedUTC`, in microseconds since the
    /// epoch. Zeros where nothing is known of it.
    pub version: (u64, i64),
}

impl EscrowRow {
    /// Whether the object itself ever failed: what was only interrupted counts for no threshold.
    #[must_use]
    pub const fn has_failed(&self) -> bool {
        self.failures > 0
    }

    /// The layout before the row knew its version.
    const WITHOUT_VERSION: u8 = 1;
    const VERSION: u8 = 2;

    /// As bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Writer::with_version(Self::VERSION, 80)
            .number(u64::from(self.failures))
            .number(self.first.as_micros().cast_unsigned())
            .number(self.next.as_micros().cast_unsigned())
            .text(&self.code)
            .raw(&[u8::from(self.linked)])
            .number(self.version.0)
            .number(self.version.1.cast_unsigned())
            .finish()
    }

    /// From bytes.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let older = bytes.first() == Some(&Self::WITHOUT_VERSION);
        let layout = if older { Self::WITHOUT_VERSION } else { Self::VERSION };
        let mut reader = Reader::open("escrow row", layout, bytes)?;
        let failures = u32::try_from(reader.number()?).map_err(|_| reader.damaged("number"))?;
        let row = Self {
            failures,
            first: Timestamp::from_micros(reader.number()?.cast_signed()),
            next: Timestamp::from_micros(reader.number()?.cast_signed()),
            code: reader.text()?,
            linked: reader.raw::<1>()? == [1],
            version: if older {
                (0, 0)
            } else {
                (reader.number()?, reader.number()?.cast_signed())
            },
        };
        reader.finish().map(|()| row)
    }
}

/// One attribute that a modify was about to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntendedChange {
    /// Digest of the set of values that the attribute had when it was read. Rows of older layouts did not
    /// keep it: then it is one that no set of values has.
    pub before: u64,
    /// Digest of the set of values that the attribute has once the modify is applied.
    pub after: u64,
    /// The change as the log shows it.
    pub property: ModifiedProperty,
}

/// A modify that was about to be sent: enough to tell by reading whether it was applied, and to log
/// it then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// The agent that it goes through. Each is bound to a domain controller, and what was written at one is not at
    /// once on the others. Rows of older layouts did not keep it.
    pub agent: Option<AgentName>,
    /// The AD object.
    pub object: ObjectGuid,
    /// The digest of the cloud version.
    pub digest: u64,
    /// `WhenChangedUTC` of that version, in microseconds since the epoch; 0 where it is not known.
    pub changed: i64,
    /// Whether each attribute went in a modify of its own, so that a part may have been applied.
    pub split: bool,
    /// The attributes it touches.
    pub changes: Vec<IntendedChange>,
}

impl Intent {
    /// The layouts before the version had its time, before the values that were read were kept, and before the agent
    /// was, when values were joined to one text.
    const WITHOUT_TIME: u8 = 1;
    const WITHOUT_BEFORE: u8 = 2;
    const WITHOUT_AGENT: u8 = 3;
    const VERSION: u8 = 4;

    /// As bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let size: usize = self
            .changes
            .iter()
            .map(|change| {
                24 + change.property.attribute.len()
                    + change.property.old.size()
                    + change.property.new.size()
            })
            .sum();
        let agent = self.agent.as_ref().map_or("", |agent| agent.0.as_str());
        let mut writer = Writer::with_version(Self::VERSION, 50 + agent.len() + size)
            .text(agent)
            .raw(&self.object.0.0)
            .number(self.digest)
            .number(self.changed.cast_unsigned())
            .raw(&[u8::from(self.split)])
            .number(self.changes.len() as u64);
        for change in &self.changes {
            writer =
                writer.number(change.before).number(change.after).text(&change.property.attribute);
            writer = change.property.new.encode(change.property.old.encode(writer));
        }
        writer.finish()
    }

    /// From bytes.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let layout = bytes.first().copied().unwrap_or(Self::VERSION).clamp(1, Self::VERSION);
        let mut reader = Reader::open("intent", layout, bytes)?;
        let agent = if layout <= Self::WITHOUT_AGENT { String::new() } else { reader.text()? };
        let agent = (!agent.is_empty()).then_some(AgentName(agent));
        let object = ObjectGuid(Guid(reader.raw()?));
        let digest = reader.number()?;
        let changed = if layout == Self::WITHOUT_TIME { 0 } else { reader.number()?.cast_signed() };
        // Where older layouts said something else: then a part may have been applied.
        let flag = reader.raw::<1>()? == [1];
        let split = flag || layout <= Self::WITHOUT_BEFORE;
        let count = reader.number()?;
        let mut changes = Vec::new();
        for _ in 0..count {
            let before = if layout <= Self::WITHOUT_BEFORE { None } else { Some(reader.number()?) };
            let after = reader.number()?;
            let attribute = reader.text()?.into();
            let mut values = || match layout {
                ..=Self::WITHOUT_AGENT => reader.text().map(ShownValues::of_joined),
                _ => ShownValues::decode(&mut reader),
            };
            let property = ModifiedProperty { attribute, old: values()?, new: values()? };
            changes.push(IntendedChange { before: before.unwrap_or(!after), after, property });
        }
        reader.finish().map(|()| Self { agent, object, digest, changed, split, changes })
    }
}

/// Why the job is quarantined (`synchronizationQuarantine.reason`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum QuarantineReason {
    /// More than 40,000 objects failed.
    EncounteredBaseEscrowThreshold,
    /// More than 40 % of the objects failed, and at least 5,000.
    EncounteredEscrowProportionThreshold,
    /// Credentials were refused.
    EncounteredQuarantineException,
}

impl QuarantineReason {
    /// As Microsoft Graph spells it (`quarantineReason`).
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::EncounteredBaseEscrowThreshold => "EncounteredBaseEscrowThreshold",
            Self::EncounteredEscrowProportionThreshold => "EncounteredEscrowProportionThreshold",
            Self::EncounteredQuarantineException => "EncounteredQuarantineException",
        }
    }
}

/// The job's quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineRow {
    /// Why.
    pub reason: QuarantineReason,
    /// Since when, in microseconds since the epoch.
    pub began: i64,
    /// When it was last imposed, by a cycle that left it in effect, and by how many. Rows of older layouts did not keep
    /// it.
    #[serde(default)]
    pub imposed: Option<i64>,
    /// The number of them.
    #[serde(default)]
    pub times: u64,
}

/// The job's run state, but for its links, escrow and intents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobRow {
    /// Everything that changed before this instant was looked at (microseconds since the epoch).
    pub watermark: Option<i64>,
    /// How many cycles have ended.
    pub cycle: u64,
    /// When the next cycle is due (microseconds since the epoch).
    pub next_due: Option<i64>,
    /// Whether cycles run.
    pub paused: bool,
    /// Whether the job was disabled after four weeks in quarantine.
    pub disabled: bool,
    /// How many mailboxes are linked, those at rest not counted.
    pub linked: u64,
    /// Which mapping the watermark stands for; another one makes the next cycle an initial one.
    pub mapping: u64,
    /// The quarantine, if any.
    pub quarantine: Option<QuarantineRow>,
    /// The number of the last command whose effect is in this store.
    #[serde(default)]
    pub obeyed: u64,
    /// Whether the last initial cycle gave its failures up.
    #[serde(default)]
    pub escrows_pruned: bool,
}

impl JobRow {
    /// The row of a job that has never run.
    #[must_use]
    pub fn new(mapping: u64, paused: bool) -> Self {
        Self {
            watermark: None,
            cycle: 0,
            next_due: None,
            paused,
            disabled: false,
            linked: 0,
            mapping,
            quarantine: None,
            obeyed: 0,
            escrows_pruned: false,
        }
    }

    /// The write that stores the row.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the row cannot be encoded.
    pub fn write(&self) -> Result<StoreWrite, StoreError> {
        let value = serde_json::to_vec(self).map_err(|error| StoreError::Io(error.to_string()))?;
        Ok(StoreWrite { table: Table::Meta, key: JOB_KEY.to_vec(), value: Some(value) })
    }

    /// From bytes.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        serde_json::from_slice(bytes)
            .map_err(|error| StoreError::Damaged(format!("job row: {error}")))
    }
}

/// The key of a mailbox's row.
#[must_use]
pub fn mailbox_key(id: MailboxId) -> Vec<u8> {
    id.0.0.to_vec()
}

/// The mailbox of a row.
///
/// # Errors
/// [`StoreError::Damaged`] when the key has another length.
pub fn mailbox_of_key(key: &[u8]) -> Result<MailboxId, StoreError> {
    <[u8; 16]>::try_from(key)
        .map(|bytes| MailboxId(Guid(bytes)))
        .map_err(|_| StoreError::Damaged("a key that is no mailbox id".to_owned()))
}

/// A write of one mailbox's row; `None` deletes it.
#[must_use]
pub fn mailbox_write(table: Table, id: MailboxId, value: Option<Vec<u8>>) -> StoreWrite {
    StoreWrite { table, key: mailbox_key(id), value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_were() {
        let link =
            Link { object: ObjectGuid(Guid([3; 16])), exported: 77, changed: 5, rests: false };
        assert_eq!(Link::decode(&link.at_rest().encode()), Ok(link.at_rest()));
        assert_eq!(link.encode().len(), 33);
        let old = [&[1], &link.encode()[1..25]].concat();
        assert_eq!(Link::decode(&old), Ok(Link { changed: 0, ..link }), "an older row is taken");
        assert_eq!(Link::decode(&link.encode()), Ok(link));
        let versions = Versions { mapping: 9, of: vec![1, 2] };
        assert_eq!(Link::decode_with(&link.encode_with(&versions)), Ok((link, Some(versions))));
        assert_eq!(Link::decode_with(&link.encode()), Ok((link, None)));
        let escrow = EscrowRow {
            failures: 3,
            first: Timestamp::from_micros(-5),
            next: Timestamp::from_micros(9),
            code: "TimeOut".into(),
            linked: true,
            version: (7, 8),
        };
        let bytes = escrow.encode();
        let old = [&[1], &bytes[1..bytes.len() - 16]].concat();
        assert_eq!(EscrowRow::decode(&old), Ok(EscrowRow { version: (0, 0), ..escrow.clone() }));
        assert_eq!(EscrowRow::decode(&bytes), Ok(escrow));
        let intent = Intent {
            agent: Some(AgentName("DC1".into())),
            object: ObjectGuid(Guid([4; 16])),
            digest: 5,
            changed: 3,
            split: true,
            changes: vec![IntendedChange {
                before: 0,
                after: 6,
                property: ModifiedProperty {
                    attribute: "mail".into(),
                    old: ShownValues::default(),
                    new: "ä".into(),
                },
            }],
        };
        assert_eq!(Intent::decode(&intent.encode()), Ok(intent.clone()));
        // As older engines wrote it.
        let older = |layout: u8| {
            let mut row = Writer::with_version(layout, 0).raw(&[4; 16]).number(5);
            row = if layout > Intent::WITHOUT_TIME { row.number(3) } else { row };
            row = row.raw(&[1]).number(1);
            row = if layout > Intent::WITHOUT_BEFORE { row.number(0) } else { row };
            row.number(6).text("mail").text("").text("ä").finish()
        };
        let mut read = Intent { agent: None, ..intent };
        assert_eq!(Intent::decode(&older(Intent::WITHOUT_AGENT)), Ok(read.clone()));
        read.changes[0].before = !6;
        assert_eq!(Intent::decode(&older(Intent::WITHOUT_BEFORE)), Ok(read.clone()));
        assert_eq!(Intent::decode(&older(1)), Ok(Intent { changed: 0, ..read }));
        let job = JobRow::new(1, false);
        let bytes = job.write().unwrap().value.unwrap();
        assert_eq!(JobRow::decode(&bytes), Ok(job));
    }

    #[test]
    fn damage_is_reported_and_never_read_over() {
        let link =
            Link { object: ObjectGuid(Guid([3; 16])), exported: 77, changed: 5, rests: false };
        let bytes = link.encode();
        for cut in 0..bytes.len() {
            assert!(matches!(Link::decode(&bytes[..cut]), Err(StoreError::Damaged(_))), "{cut}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(Link::decode(&longer).is_err());
        let other_version = [&[9], &bytes[1..]].concat();
        assert!(Link::decode(&other_version).is_err());
        assert!(JobRow::decode(b"{}").is_err());
        assert!(check_version(Some(b"2")).is_err() && check_version(None).is_ok());
        assert!(mailbox_of_key(&[1, 2]).is_err());
    }
}
