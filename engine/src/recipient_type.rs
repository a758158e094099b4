//! Recipient types: what the cloud calls a mailbox, and the two numbers that AD keeps for it.
//!
//! Sources: the published constants of `msExchRecipientTypeDetails` and
//! `msExchRecipientDisplayType`; samples of remote mailboxes in Microsoft Learn ("Convert a
//! mailbox in a hybrid environment"). Integers travel over LDAP as decimal text ([RFC 4517] 3.3.16).

use crate::job::RecipientTypeMode;
use crate::ports::Name;

/// The two numbers of a type, as the text that AD stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecipientType {
    /// `msExchRecipientTypeDetails`.
    pub type_details: &'static str,
    /// `msExchRecipientDisplayType`.
    pub display_type: &'static str,
}

/// The numbers for a `RecipientTypeDetails` of Exchange Online. `None` for types that are no
/// user, shared, room or equipment mailbox: they have no counterpart in AD.
#[must_use]
pub fn written_type(details: &str, mode: RecipientTypeMode) -> Option<RecipientType> {
    let kind = KINDS.iter().find(|kind| kind.name.eq_ignore_ascii_case(details))?;
    Some(match mode {
        RecipientTypeMode::Remote => kind.remote,
        RecipientTypeMode::Raw => kind.raw,
    })
}

/// Types that exist in the cloud alone (`Set-Mailbox -Type Workspace`, `Desk`).
const CLOUD_ONLY: [&str; 2] = ["WorkspaceMailbox", "DeskMailbox"];

/// The type that a mailbox counts as: its own, or a room's for a type of the cloud alone when those are
/// taken for rooms (open question U25).
#[must_use]
pub fn counted_as(details: &str, cloud_only_as_room: bool) -> &str {
    let cloud_only = CLOUD_ONLY.iter().any(|name| name.eq_ignore_ascii_case(details));
    if cloud_only && cloud_only_as_room { "RoomMailbox" } else { details }
}

/// Whether a `RecipientTypeDetails` names a mailbox whose source of authority can be transferred.
#[must_use]
pub fn is_transferable(details: &str) -> bool {
    KINDS.iter().any(|kind| kind.name.eq_ignore_ascii_case(details))
}

/// A `RecipientTypeDetails` as a name, without an allocation for the usual ones.
#[must_use]
pub fn known_name(details: &str) -> Name {
    let kind = KINDS.iter().find(|kind| kind.name == details);
    kind.map_or_else(|| Name::Owned(details.to_owned()), |kind| Name::Borrowed(kind.name))
}

struct Kind {
    name: &'static str,
    remote: RecipientType,
    raw: RecipientType,
}

const KINDS: [Kind; 4] = [
    Kind {
        name: "UserMailbox",
        remote: RecipientType { type_details: "2147483648", display_type: "-2147483642" },
        raw: RecipientType { type_details: "1", display_type: "0" },
    },
    Kind {
        name: "SharedMailbox",
        remote: RecipientType { type_details: "34359738368", display_type: "-2147483642" },
        raw: RecipientType { type_details: "4", display_type: "0" },
    },
    Kind {
        name: "RoomMailbox",
        remote: RecipientType { type_details: "8589934592", display_type: "-2147481850" },
        raw: RecipientType { type_details: "16", display_type: "7" },
    },
    Kind {
        name: "EquipmentMailbox",
        remote: RecipientType { type_details: "17179869184", display_type: "-2147481594" },
        raw: RecipientType { type_details: "32", display_type: "8" },
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_as_they_are() {
        for name in ["RoomMailbox", "roommailbox", "SchedulingMailbox", ""] {
            assert_eq!(known_name(name), name);
        }
    }

    #[test]
    fn types_of_the_cloud_alone_are_nothing_or_rooms() {
        assert_eq!(counted_as("DeskMailbox", true), "RoomMailbox");
        assert_eq!(counted_as("DeskMailbox", false), "DeskMailbox");
        assert_eq!(counted_as("UserMailbox", true), "UserMailbox");
    }

    #[test]
    fn remote_numbers_are_the_published_ones() {
        let shared = written_type("SharedMailbox", RecipientTypeMode::Remote).unwrap();
        assert_eq!(shared.type_details.parse::<i64>(), Ok(1 << 35));
        let room = written_type("roommailbox", RecipientTypeMode::Remote).unwrap();
        assert_eq!(room.display_type.parse::<i32>().unwrap().cast_unsigned(), 0x8000_0706);
        assert_eq!(written_type("SchedulingMailbox", RecipientTypeMode::Remote), None);
        assert_eq!(
            written_type("UserMailbox", RecipientTypeMode::Raw).map(|kind| kind.type_details),
            Some("1")
        );
    }
}
