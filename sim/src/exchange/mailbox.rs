//! A recipient of Exchange Online, and the types it can have.
//!
//! Source: Microsoft Learn, "Set-Mailbox", parameter Type; "Get-Mailbox", RecipientTypeDetails.

use super::property;
use crate::clock::VirtualTime;
use crate::guid::Guid;
use crate::record::Record;

/// `RecipientTypeDetails`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecipientType {
    /// `UserMailbox`.
    User,
    /// `SharedMailbox`.
    Shared,
    /// `RoomMailbox`.
    Room,
    /// `EquipmentMailbox`.
    Equipment,
    /// `WorkspaceMailbox`: a type of the cloud alone.
    Workspace,
    /// `DeskMailbox`: a type of the cloud alone.
    Desk,
    /// `MailUser`: stands for a mailbox that is on-premises. `Get-Mailbox` does not show it.
    MailUser,
}

impl RecipientType {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::User,
        Self::Shared,
        Self::Room,
        Self::Equipment,
        Self::Workspace,
        Self::Desk,
        Self::MailUser,
    ];

    /// `RecipientTypeDetails`.
    #[must_use]
    pub const fn details(self) -> &'static str {
        match self {
            Self::User => "UserMailbox",
            Self::Shared => "SharedMailbox",
            Self::Room => "RoomMailbox",
            Self::Equipment => "EquipmentMailbox",
            Self::Workspace => "WorkspaceMailbox",
            Self::Desk => "DeskMailbox",
            Self::MailUser => "MailUser",
        }
    }

    /// By the value of `Set-Mailbox -Type`.
    #[must_use]
    pub fn by_parameter(value: &str) -> Option<Self> {
        [
            ("Regular", Self::User),
            ("Shared", Self::Shared),
            ("Room", Self::Room),
            ("Equipment", Self::Equipment),
            ("Workspace", Self::Workspace),
            ("Desk", Self::Desk),
        ]
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(value))
        .map(|(_, kind)| kind)
    }

    /// Whether the last Exchange server can make a mailbox such a one: it does not know the types of the
    /// cloud alone.
    #[must_use]
    pub const fn is_known_on_premises(self) -> bool {
        !matches!(self, Self::Workspace | Self::Desk)
    }

    /// Whether there is a mailbox in Exchange Online.
    #[must_use]
    pub const fn is_mailbox(self) -> bool {
        !matches!(self, Self::MailUser)
    }

    /// What AD shows for such a mailbox in the cloud: `msExchRecipientTypeDetails`,
    /// `msExchRecipientDisplayType`, and `msExchRemoteRecipientType` of one that was migrated.
    ///
    /// AD has no number for the types of the cloud alone; what became one of them there is a room.
    ///
    /// Source: Microsoft Learn, hybrid device account pages; long-published constants.
    #[must_use]
    pub const fn remote_numbers(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::User => ("2147483648", "-2147483642", "4"),
            Self::Shared => ("34359738368", "-2147483642", "100"),
            Self::Room | Self::Workspace | Self::Desk => ("8589934592", "-2147481850", "36"),
            Self::Equipment => ("17179869184", "-2147481594", "68"),
            Self::MailUser => ("1", "1073741824", "0"),
        }
    }
}

/// How a recipient is gone: soft-deleted, until it is restored or purged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone {
    /// `WhenSoftDeleted`.
    pub at: VirtualTime,
    /// Whether it cannot come back.
    pub purged: bool,
}

/// A recipient: state beside the values, and the values by [`super::property`] number.
#[derive(Debug, Clone)]
pub struct Mailbox {
    /// `ExternalDirectoryObjectId`.
    pub id: Guid,
    /// `RecipientTypeDetails`.
    pub kind: RecipientType,
    /// `IsDirSynced`.
    pub dir_synced: bool,
    /// `IsExchangeCloudManaged`.
    pub cloud_managed: bool,
    /// When the flag last changed.
    pub flag_changed: VirtualTime,
    /// When anything last changed; `WhenChangedUTC` shows whole seconds of it.
    pub when_changed: VirtualTime,
    /// How often it changed.
    pub version: u32,
    /// Whether it is soft-deleted.
    pub gone: Option<Gone>,
    /// The values.
    pub record: Record,
    pub(super) position: u64,
}

impl Mailbox {
    /// One of its own GUIDs beside its id, as long as none was given: it follows from the id and the property's
    /// name (`Guid`, `ExchangeGuid`, `ExchangeObjectId`).
    #[must_use]
    pub fn guid(&self, property: &str) -> uuid::Uuid {
        let of = format!("{}/{property}", self.id);
        uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, of.as_bytes())
    }

    /// Its `Name`: as it was given, else its alias.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        let text = |property: &str| self.record.text(property::number(property)?);
        text("Name").or_else(|| text("Alias"))
    }

    /// Whether it has an archive.
    #[must_use]
    pub fn has_archive(&self) -> bool {
        ["ArchiveName", "ArchiveGuid"]
            .into_iter()
            .filter_map(property::number)
            .any(|number| self.record.has(number))
    }

    /// Whether a hold keeps what is in it, deleted or not.
    #[must_use]
    pub fn is_held(&self) -> bool {
        let is_true = |value: &str| value.eq_ignore_ascii_case("true");
        let hold = property::number("LitigationHoldEnabled");
        hold.and_then(|hold| self.record.text(hold)).is_some_and(is_true)
            || property::number("InPlaceHolds").is_some_and(|holds| self.record.has(holds))
    }

    /// Whether it is a mailbox that is not deleted.
    #[must_use]
    pub const fn is_there(&self) -> bool {
        self.kind.is_mailbox() && self.gone.is_none()
    }
}
