//! Microsoft Entra ID: users with their anchors, groups and contacts, the switches for synchronization,
//! the synchronization job's record, the provisioning log and the audit log.

pub mod audit;
pub mod configuration;
mod delta;
pub mod episodes;
pub mod features;
pub mod group;
pub mod job;
pub mod log;
pub mod property;
pub mod roles;
pub mod schema;

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

pub use delta::DeltaLog;

use crate::clock::VirtualTime;
use crate::directory::forest::DomainNumber;
use crate::directory::forests::ForestNumber;
use crate::guid::Guid;
use crate::ledger::Change;
use crate::record::{AttributeNumber, Record, is_same_set};
use audit::AuditLog;
use configuration::Configuration;
use features::SyncFeatures;
use group::{Contact, Group};
use job::WritebackJob;
use log::ProvisioningLog;
use roles::DirectoryRoles;

/// How far a user is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// Among the deleted items since then, and can be restored for 30 days.
    Soft(VirtualTime),
    /// For good.
    Hard,
}

/// A value of a user that another object has, kept aside until it is free (duplicate attribute
/// resiliency): `onPremisesProvisioningErrors[]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisioningError {
    /// The user.
    pub user: u32,
    /// `propertyCausingError`: `ProxyAddress` or `UserPrincipalName`.
    pub property: &'static str,
    /// `value`.
    pub value: String,
    /// `occurredDateTime`.
    pub at: VirtualTime,
}

/// A user.
#[derive(Debug, Clone)]
pub struct User {
    /// `id`, the object id.
    pub id: Guid,
    /// `onPremisesSyncEnabled`: true synced, false no longer, null never.
    pub sync_enabled: Option<bool>,
    /// The bytes of `onPremisesImmutableId` (Base64 of them): the source anchor.
    pub source_anchor: Option<Guid>,
    /// `onPremisesObjectIdentifier`: `objectGUID` of the AD object.
    pub object_identifier: Option<Guid>,
    /// The AD domain it comes from (`onPremisesDomainName`), with its forest; `None` for a user of the
    /// cloud alone.
    pub domain: Option<(ForestNumber, DomainNumber)>,
    /// `onPremisesSyncBehavior.isCloudManaged`: the source of authority of the whole object.
    pub object_cloud_managed: bool,
    /// Whether an Exchange Online plan is assigned.
    pub licensed: bool,
    /// Whether it was deleted.
    pub deletion: Option<Deletion>,
    /// How often it changed.
    pub version: u32,
    /// Its place in the order of changes; 0 until it changes.
    pub position: u64,
    /// The values, by [`property`] number.
    pub record: Record,
}

impl User {
    /// A user that comes from no AD, without a licence.
    #[must_use]
    pub const fn of_the_cloud(id: Guid, record: Record) -> Self {
        Self {
            id,
            sync_enabled: None,
            source_anchor: None,
            object_identifier: None,
            domain: None,
            object_cloud_managed: false,
            licensed: false,
            deletion: None,
            version: 0,
            position: 0,
            record,
        }
    }
}

/// The directory of a tenant.
#[derive(Debug, Clone)]
pub struct Entra {
    /// The tenant's id.
    pub tenant: Guid,
    /// The writeback job, when there is one.
    pub job: Option<WritebackJob>,
    /// Further configurations, which no engine runs.
    pub configurations: Vec<Configuration>,
    /// What the job did.
    pub log: ProvisioningLog,
    /// `organization.onPremisesSyncEnabled`.
    pub sync_enabled: bool,
    /// `directory/onPremisesSynchronization`.
    pub features: SyncFeatures,
    /// Groups, in the order in which they were made.
    pub groups: Vec<Group>,
    /// Organizational contacts.
    pub contacts: Vec<Contact>,
    /// Values that are kept aside.
    pub provisioning_errors: Vec<ProvisioningError>,
    /// What was changed through Graph.
    pub audit: AuditLog,
    /// Users who have addresses and are no recipients of Exchange Online.
    pub loose: BTreeSet<u32>,
    /// Users whose primary address is calculated from their names, because neither AD nor Exchange Online says one.
    pub derived_primary: BTreeSet<u32>,
    /// The user principal names of AD that are in no verified domain, by their users: what the user's own was made in
    /// the place of.
    pub unverified_names: BTreeMap<u32, Box<str>>,
    /// Users who hold directory roles, by role.
    pub roles: DirectoryRoles,
    /// Users whose mailbox was cloud-managed when authority over the whole user moved to the cloud.
    pub flagged_before_transfer: BTreeSet<u32>,
    /// Users who came from AD while new mailboxes were cloud-managed by default, and have none yet; true for those whose
    /// AD object was a recipient already.
    pub arrived_under_default: BTreeMap<u32, bool>,
    /// Managers that were set or taken away in the directory, by user, until Exchange Online or AD says another.
    pub managers: BTreeMap<u32, Option<u32>>,
    /// The order in which groups changed, as [`Self::delta`] for users.
    pub group_delta: DeltaLog,
    /// The order in which contacts changed.
    pub contact_delta: DeltaLog,
    delta: DeltaLog,
    users: Vec<User>,
    by_id: HashMap<Guid, u32, FxBuildHasher>,
}

impl Entra {
    /// A tenant without users.
    #[must_use]
    pub fn new(tenant: Guid) -> Self {
        Self {
            tenant,
            job: None,
            configurations: Vec::new(),
            log: ProvisioningLog::default(),
            sync_enabled: true,
            features: SyncFeatures::default(),
            groups: Vec::new(),
            contacts: Vec::new(),
            provisioning_errors: Vec::new(),
            audit: AuditLog::default(),
            loose: BTreeSet::new(),
            derived_primary: BTreeSet::new(),
            unverified_names: BTreeMap::new(),
            roles: DirectoryRoles::default(),
            flagged_before_transfer: BTreeSet::new(),
            arrived_under_default: BTreeMap::new(),
            managers: BTreeMap::new(),
            group_delta: DeltaLog::default(),
            contact_delta: DeltaLog::default(),
            delta: DeltaLog::default(),
            users: Vec::new(),
            by_id: HashMap::default(),
        }
    }

    /// Room for this many more users.
    pub fn reserve(&mut self, more: usize) {
        self.users.reserve(more);
        self.by_id.reserve(more);
    }

    /// Adds a user as it is and returns its number.
    pub fn add(&mut self, user: User) -> u32 {
        let number = u32::try_from(self.users.len()).expect("fewer than 2^32 users");
        self.by_id.insert(user.id, number);
        self.users.push(user);
        number
    }

    /// All users, by number.
    #[must_use]
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// A user by number.
    #[must_use]
    pub fn user(&self, number: u32) -> Option<&User> {
        self.users.get(number as usize)
    }

    /// A user by id.
    #[must_use]
    pub fn by_id(&self, id: Guid) -> Option<u32> {
        self.by_id.get(&id).copied()
    }

    /// Puts new values in force and tells what changed. Values come in ascending number.
    pub fn apply(&mut self, number: u32, new: &[(AttributeNumber, Vec<Box<[u8]>>)]) -> Vec<Change> {
        let Some(user) = self.users.get_mut(number as usize) else { return Vec::new() };
        let changed: Vec<Change> = new
            .iter()
            .filter(|(attribute, values)| !is_same_set(user.record.values(*attribute), values))
            .map(|(attribute, values)| Change {
                attribute: *attribute,
                old: user.record.values(*attribute).map(Into::into).collect(),
                new: values.clone(),
            })
            .collect();
        if changed.is_empty() {
            return changed;
        }
        let updates: Vec<(AttributeNumber, &[Box<[u8]>])> =
            changed.iter().map(|c| (c.attribute, c.new.as_slice())).collect();
        user.record = user.record.with(&updates);
        self.touch(number);
        changed
    }

    /// A user's state beside its values changed.
    pub fn change(&mut self, number: u32, change: impl FnOnce(&mut User)) {
        if let Some(user) = self.users.get_mut(number as usize) {
            change(user);
            self.touch(number);
        }
    }

    /// Notes whether the primary address of a user is calculated, because nobody says one.
    pub fn note_primary(&mut self, number: u32, calculated: bool) {
        if calculated {
            self.derived_primary.insert(number);
        } else {
            self.derived_primary.remove(&number);
        }
    }

    /// The order of changes.
    #[must_use]
    pub const fn delta(&self) -> &DeltaLog {
        &self.delta
    }

    /// A group by id, deleted ones included.
    #[must_use]
    pub fn group(&self, id: Guid) -> Option<&Group> {
        self.groups.iter().find(|group| group.id == id)
    }

    /// Whether a user holds a role that protects it from being taken over.
    #[must_use]
    pub fn is_privileged(&self, user: u32) -> bool {
        self.roles.holds_any(user)
    }

    /// Notes that a group changed.
    pub fn note_group(&mut self, id: Guid) {
        if let Some(place) = self.groups.iter().position(|group| group.id == id) {
            let position = self.group_delta.push(u32::try_from(place).unwrap_or(u32::MAX));
            self.groups[place].position = position;
        }
    }

    /// Notes that a contact changed.
    pub fn note_contact(&mut self, id: Guid) {
        if let Some(place) = self.contacts.iter().position(|contact| contact.id == id) {
            let position = self.contact_delta.push(u32::try_from(place).unwrap_or(u32::MAX));
            self.contacts[place].position = position;
        }
    }

    /// Notes members that left a group with its last change.
    pub fn note_left(&mut self, id: Guid, members: &[Guid]) {
        if let Some(group) = self.groups.iter_mut().find(|group| group.id == id) {
            let position = group.position;
            group.left.retain(|(member, _)| !members.contains(member));
            group.left.extend(members.iter().map(|member| (*member, position)));
        }
    }

    fn touch(&mut self, number: u32) {
        let position = self.delta.push(number);
        if let Some(user) = self.users.get_mut(number as usize) {
            user.version += 1;
            user.position = position;
        }
        let users = &self.users;
        self.delta.tidy(users.len(), |number, position| {
            users.get(number as usize).is_some_and(|user| user.position == position)
        });
    }
}
