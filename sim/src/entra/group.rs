//! Groups and organizational contacts.
//!
//! Source: Microsoft Graph reference, resource types group and orgContact.

use crate::clock::VirtualTime;
use crate::guid::Guid;

/// What groups and contacts have in common with users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Synced {
    /// `onPremisesSyncEnabled`.
    pub sync_enabled: Option<bool>,
    /// `onPremisesSyncBehavior.isCloudManaged`.
    pub object_cloud_managed: bool,
    /// What AD says of an object that comes from there. It stays when authority moves to the cloud.
    pub on_premises: Option<OnPremises>,
}

/// What a group shows of its AD object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnPremises {
    /// `onPremisesDomainName`.
    pub domain: String,
    /// `onPremisesNetBiosName`.
    pub netbios: String,
    /// `onPremisesSamAccountName`.
    pub sam_account_name: Option<String>,
    /// `onPremisesSecurityIdentifier`.
    pub sid: Option<String>,
    /// `onPremisesLastSyncDateTime`.
    pub last_sync: VirtualTime,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// `id`.
    pub id: Guid,
    /// `createdDateTime`.
    pub created: VirtualTime,
    /// When it was deleted, when it was.
    pub deleted: Option<VirtualTime>,
    /// Whether it comes from AD.
    pub synced: Synced,
    /// `displayName`.
    pub display_name: String,
    /// `description`.
    pub description: Option<String>,
    /// `mailNickname`.
    pub mail_nickname: String,
    /// `mail`.
    pub mail: Option<String>,
    /// `proxyAddresses`.
    pub proxy_addresses: Vec<String>,
    /// `mailEnabled`.
    pub mail_enabled: bool,
    /// `securityEnabled`.
    pub security_enabled: bool,
    /// `groupTypes`: `Unified` for a Microsoft 365 group.
    pub types: Vec<String>,
    /// `members`, by id.
    pub members: Vec<Guid>,
    /// `owners`, by id.
    pub owners: Vec<Guid>,
    /// Its place in the order of changes; 0 until it changes.
    pub position: u64,
    /// Members that left it, each with the place of that change.
    pub left: Vec<(Guid, u64)>,
}

impl Group {
    /// Whether nothing but the time of its last synchronization is different.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let mut timeless = other.clone();
        timeless.synced.on_premises.clone_from(&self.synced.on_premises);
        timeless.position = self.position;
        timeless.left.clone_from(&self.left);
        *self == timeless
    }
}

impl Contact {
    /// Whether nothing but the time of its last synchronization is different.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let mut timeless = other.clone();
        timeless.synced.on_premises.clone_from(&self.synced.on_premises);
        timeless.position = self.position;
        *self == timeless
    }
}

/// An organizational contact: it has a mailbox elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// `id`.
    pub id: Guid,
    /// When it was deleted, when it was.
    pub deleted: Option<VirtualTime>,
    /// Whether it comes from AD.
    pub synced: Synced,
    /// `displayName`.
    pub display_name: String,
    /// `mailNickname`.
    pub mail_nickname: String,
    /// `mail`.
    pub mail: String,
    /// `proxyAddresses`.
    pub proxy_addresses: Vec<String>,
    /// Its place in the order of changes; 0 until it changes.
    pub position: u64,
}
