//! Backup: the values of a mailbox as they were before its flip, and the file that carries them.
//!
//! The file is JSON Lines in UTF-8. First a header `{"format":"hybridsim-backup","version":2}`, then
//! one line a mailbox, last a trailer `{"count":N,"checksum":"fnv1a64:HEX"}` over all bytes before
//! the trailer's line. A line holds `id`, `user_principal_name`, `taken` (RFC 3339),
//! `cloud_managed`, `recipient_type_details` and `values`: property to values, in any order. A property
//! that is not named had no value. The checksum finds damage; it is no protection against forgery.
//!
//! From version 2 on `sides` says what was read: `cloud`, what `Get-Mailbox` shows, or `both`. With both a
//! line also holds `directory`, unless no one AD object matched: `object` (`objectGUID`) and `values`,
//! attribute to values as they were read in AD, each a text or, where it is none, `{"base64":"..."}`. An
//! attribute that is not named had no value. Files of version 1 have neither, and fewer properties
//! ([`Backup::covers`]).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use super::{kept_properties, mailbox_properties};
use crate::change::ShownValue;
use crate::guid::Guid;
use crate::ports::{DirectoryObject, Mailbox, MailboxId, Name, ObjectGuid, is_of_user};
use crate::values::{Column, Texts};

const FORMAT: &str = "hybridsim-backup";
const VERSION: u32 = 2;
/// What version 2 reads beyond version 1.
const ADDED: [&str; 5] =
    ["AuditEnabled", "Alias", "UserCertificate", "UserSMimeCertificate", "AssistantName"];
/// The oldest that is read.
const OLDEST: u32 = 1;

/// The values of one mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// `ExternalDirectoryObjectId`.
    pub id: String,
    /// `UserPrincipalName`, for people.
    pub user_principal_name: String,
    /// When it was taken.
    pub taken: String,
    /// `IsExchangeCloudManaged` at that time.
    pub cloud_managed: bool,
    /// `RecipientTypeDetails`: stands for the two recipient type attributes.
    pub recipient_type_details: String,
    /// The values of each property that has any.
    pub values: BTreeMap<String, Vec<String>>,
    /// Which sides it keeps; `None` in what the first version wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sides: Option<Sides>,
    /// What AD held at that time; `None` when it was not read, or no one object matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<DirectorySide>,
}

/// What AD held of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectorySide {
    /// `objectGUID`.
    pub object: String,
    /// The values of each attribute that has any.
    pub values: BTreeMap<String, Vec<ShownValue>>,
}

impl DirectorySide {
    /// What an object holds that was read with these attributes.
    #[must_use]
    pub fn of(object: &DirectoryObject, attributes: &[Name]) -> Self {
        let columns = attributes.iter().zip(object.values.columns());
        let values = columns
            .filter(|(_, column)| !column.is_empty())
            .map(|(name, column)| (name.to_string(), column.iter().map(ShownValue::of).collect()))
            .collect();
        Self { object: object.guid.to_string(), values }
    }

    /// The object; `None` when it is no GUID.
    #[must_use]
    pub fn object(&self) -> Option<ObjectGuid> {
        self.object.parse::<Guid>().ok().map(ObjectGuid)
    }

    /// The values of an attribute, none when it had none; `None` when one of them is not understood.
    #[must_use]
    pub fn of_attribute(&self, name: &str) -> Option<Vec<Vec<u8>>> {
        self.values.get(name).into_iter().flatten().map(ShownValue::bytes).collect()
    }
}

/// Which sides of a mailbox a backup keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sides {
    /// What `Get-Mailbox` shows.
    Cloud,
    /// That, what `Get-User` shows beside it, and what Active Directory holds.
    #[default]
    Both,
}

/// Why a backup file is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackupError {
    /// A line is not what it should be.
    #[error("line {line}: {reason}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is of a version that is not known.
    #[error("version {0} of the format is not known")]
    Version(u32),
    /// The checksum does not fit: the file was changed or cut.
    #[error("the checksum does not fit the lines: the file was changed or damaged")]
    Checksum,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: String,
    version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trailer {
    count: usize,
    checksum: String,
}

/// What to read of a mailbox for its backup: [`kept_properties`], or those of them that cost nothing more
/// where the cloud's side is kept alone; then `UserPrincipalName`.
#[must_use]
pub fn properties(sides: Sides) -> Vec<Name> {
    let mut names = match sides {
        Sides::Cloud => mailbox_properties(),
        Sides::Both => kept_properties(),
    };
    names.push(Name::Borrowed("UserPrincipalName"));
    names
}

/// The line of a mailbox that was read with [`properties`], as [`Backup::to_line`] gives it; `taken`
/// is the time in RFC 3339; what was read of which sides comes last.
///
/// # Errors
/// [`BackupError::Line`] when it cannot be written as JSON.
pub fn line_of(
    mailbox: &Mailbox,
    properties: &[Name],
    taken: &str,
    (sides, directory): (Sides, Option<&DirectorySide>),
) -> Result<Vec<u8>, BackupError> {
    let kept = properties.len().saturating_sub(1);
    let line = Line {
        id: &mailbox.id,
        user_principal_name: mailbox.values.column(kept).first().unwrap_or_default(),
        taken,
        cloud_managed: mailbox.cloud_managed,
        recipient_type_details: &mailbox.recipient_type_details,
        values: Kept { names: &properties[..kept], values: &mailbox.values },
        sides,
        directory,
    };
    let mut bytes = Vec::with_capacity(LINE);
    serde_json::to_writer(&mut bytes, &line).map_err(|error| of_line(0, &error))?;
    // An exact copy instead of spare room: there is one for every mailbox.
    Ok(bytes.as_slice().to_vec())
}

/// Bytes that most lines fit in.
const LINE: usize = 1_536;

/// A [`Backup`] that borrows all it says.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(serialize_with = "as_text")]
    id: &'a MailboxId,
    user_principal_name: &'a str,
    taken: &'a str,
    cloud_managed: bool,
    recipient_type_details: &'a str,
    values: Kept<'a>,
    sides: Sides,
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<&'a DirectorySide>,
}

fn as_text<S: Serializer>(id: &&MailboxId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

/// The columns that have values, by name.
struct Kept<'a> {
    names: &'a [Name],
    values: &'a Texts,
}

impl Serialize for Kept<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let columns = self.names.iter().zip(self.values.columns());
        serializer.collect_map(
            columns
                .filter(|(_, column)| !column.is_empty())
                .map(|(name, column)| (name, KeptColumn(column))),
        )
    }
}

struct KeptColumn<'a>(Column<'a, str>);

impl Serialize for KeptColumn<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter())
    }
}

impl Backup {
    /// The mailbox; `None` when the id is no GUID.
    #[must_use]
    pub fn mailbox(&self) -> Option<MailboxId> {
        self.id.parse::<Guid>().ok().map(MailboxId)
    }

    /// Whether the backup says of this property what it was: one that is not named had no value then.
    #[must_use]
    pub fn covers(&self, property: &str) -> bool {
        match self.sides {
            None => !ADDED.contains(&property),
            Some(Sides::Cloud) => !is_of_user(property),
            Some(Sides::Both) => true,
        }
    }

    /// The values of a property, none when it had none.
    #[must_use]
    pub fn of_property(&self, property: &str) -> &[String] {
        self.values.get(property).map(Vec::as_slice).unwrap_or_default()
    }

    /// The values by property, in the order of [`kept_properties`].
    #[must_use]
    pub fn in_order(&self) -> Vec<Vec<String>> {
        let of = |name: &Name| self.values.get(name.as_ref()).cloned().unwrap_or_default();
        kept_properties().iter().map(of).collect()
    }

    /// One line of the file, without the line end; also the row of the state store.
    ///
    /// # Errors
    /// [`BackupError::Line`] when it cannot be written as JSON.
    pub fn to_line(&self) -> Result<Vec<u8>, BackupError> {
        serde_json::to_vec(self).map_err(|error| of_line(0, &error))
    }

    /// From one line.
    ///
    /// # Errors
    /// [`BackupError::Line`].
    pub fn from_line(line: &[u8]) -> Result<Self, BackupError> {
        serde_json::from_slice(line).map_err(|error| of_line(0, &error))
    }
}

/// The whole file.
///
/// # Errors
/// [`BackupError::Line`] when a value cannot be written as JSON.
pub fn write_file<'a>(
    backups: impl IntoIterator<Item = &'a Backup>,
) -> Result<Vec<u8>, BackupError> {
    let header = Header { format: FORMAT.to_owned(), version: VERSION };
    let mut file = serde_json::to_vec(&header).map_err(|error| of_line(1, &error))?;
    file.push(b'\n');
    let mut count = 0;
    for backup in backups {
        count += 1;
        file.extend(backup.to_line()?);
        file.push(b'\n');
    }
    let trailer = Trailer { count, checksum: checksum(&file) };
    file.extend(serde_json::to_vec(&trailer).map_err(|error| of_line(count + 2, &error))?);
    file.push(b'\n');
    Ok(file)
}

/// Reads a whole file and checks it.
///
/// # Errors
/// [`BackupError`]; then nothing of the file is to be trusted.
pub fn read_file(file: &[u8]) -> Result<Vec<Backup>, BackupError> {
    let body = file.strip_suffix(b"\n").unwrap_or(file);
    let Some(end) = body.iter().rposition(|byte| *byte == b'\n') else {
        return Err(BackupError::Line { line: 1, reason: "no header and trailer".to_owned() });
    };
    let lines: Vec<&[u8]> = body[..end].split(|byte| *byte == b'\n').collect();
    let header: Header = serde_json::from_slice(lines[0]).map_err(|error| of_line(1, &error))?;
    if header.format != FORMAT {
        let reason = format!("`{}` is not the format `{FORMAT}`", header.format);
        return Err(BackupError::Line { line: 1, reason });
    }
    if !(OLDEST..=VERSION).contains(&header.version) {
        return Err(BackupError::Version(header.version));
    }
    let last = lines.len() + 1;
    let trailer: Trailer =
        serde_json::from_slice(&body[end + 1..]).map_err(|error| of_line(last, &error))?;
    if trailer.checksum != checksum(&file[..=end]) || trailer.count + 1 != lines.len() {
        return Err(BackupError::Checksum);
    }
    lines[1..]
        .iter()
        .enumerate()
        .map(|(index, line)| {
            serde_json::from_slice(line).map_err(|error| of_line(index + 2, &error))
        })
        .collect()
}

fn of_line(line: usize, error: &serde_json::Error) -> BackupError {
    BackupError::Line { line, reason: error.to_string() }
}

/// FNV-1a, 64 bits.
fn checksum(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("fnv1a64:{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_world::{START, mailbox, object_guid};

    fn sample() -> Vec<Backup> {
        let line = |number| {
            let mut mailbox = mailbox(number);
            mailbox.values.edit(|values| {
                values[0] = vec!["a \"quoted\"\nline, é 😀".into()];
                values[3].clear();
                values.push(vec!["True".into()]);
                values.resize(kept_properties().len(), Vec::new());
                values.push(vec![format!("u{number}@contoso.com")]);
            });
            let object = DirectoryObject {
                guid: object_guid(number),
                consistency_guid: None,
                external_id: None,
                values: [vec![b"text".to_vec(), b"\xff\x00".to_vec()], vec![]]
                    .into_iter()
                    .collect(),
                broken: None,
            };
            let side = DirectorySide::of(&object, &["a".into(), "b".into()]);
            let side = (number > 0).then_some(&side);
            let sides = (Sides::Both, side);
            line_of(&mailbox, &properties(Sides::Both), &START.to_string(), sides).unwrap()
        };
        (0..3).map(|number| Backup::from_line(&line(number)).unwrap()).collect()
    }

    #[test]
    fn a_round_trip_is_exact() {
        let backups = sample();
        let file = write_file(&backups).unwrap();
        assert_eq!(read_file(&file).unwrap(), backups);
        let order = backups[0].in_order();
        assert_eq!((order.len(), order[3].len()), (kept_properties().len(), 0));
        assert_eq!(
            (order[0][0].as_str(), order[22][0].as_str()),
            ("a \"quoted\"\nline, é 😀", "True")
        );
        assert_eq!(backups[1].user_principal_name, "u1@contoso.com");
        assert_eq!(backups[1].values.len(), 22, "empty ones are left out");
        assert_eq!(backups[1].mailbox(), Some(mailbox(1).id));
        assert_eq!(read_file(&write_file(&[]).unwrap()).unwrap(), []);
    }

    #[test]
    fn any_damage_is_found() {
        let file = write_file(&sample()).unwrap();
        assert_eq!(checksum(b""), "fnv1a64:cbf29ce484222325");
        for cut in (0..file.len() - 1).step_by(7) {
            assert!(read_file(&file[..cut]).is_err(), "cut at {cut}");
        }
        for position in (0..file.len()).step_by(11) {
            let mut changed = file.clone();
            changed[position] ^= 1;
            assert!(read_file(&changed).is_err(), "changed at {position}");
        }
        let newer = String::from_utf8(file).unwrap().replace("\"version\":2", "\"version\":3");
        assert_eq!(read_file(newer.as_bytes()), Err(BackupError::Version(3)));
    }

    /// A file as the first version wrote it, byte for byte: it is read, and has no side of AD.
    #[test]
    fn the_first_version_is_still_read() {
        let lines = concat!(
            r#"{"format":"hybridsim-backup","version":1}"#,
            "\n",
            r#"{"id":"01010101-0101-0101-0101-010101010007","user_principal_name":"u7@contoso.com","#,
            r#""taken":"2026-11-18T12:00:00Z","cloud_managed":false,"#,
            r#""recipient_type_details":"UserMailbox","values":{"CustomAttribute1":["a"]}}"#,
            "\n",
        );
        let trailer = format!("{{\"count\":1,\"checksum\":\"{}\"}}\n", checksum(lines.as_bytes()));
        let backups = read_file(format!("{lines}{trailer}").as_bytes()).unwrap();
        assert_eq!(backups[0].values["CustomAttribute1"], ["a"]);
        assert_eq!((backups.len(), &backups[0].directory), (1, &None));
        // What it never read is not taken for empty.
        assert!(backups[0].covers("MailTip") && !backups[0].covers("Alias"));
    }

    #[test]
    fn values_of_ad_come_back_as_bytes_whatever_they_are() {
        let backup = &sample()[1];
        let side = backup.directory.as_ref().unwrap();
        assert_eq!(side.object(), Some(object_guid(1)));
        assert_eq!(side.of_attribute("a").unwrap(), [b"text".to_vec(), b"\xff\x00".to_vec()]);
        assert_eq!(side.of_attribute("b").unwrap(), Vec::<Vec<u8>>::new());
        let text = String::from_utf8(backup.to_line().unwrap()).unwrap();
        assert!(text.contains(r#"{"base64":"/wA="}"#), "{text}");
    }
}
