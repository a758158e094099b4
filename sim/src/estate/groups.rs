//! Groups: made, changed and deleted through Microsoft Graph, and the source of authority of groups and
//! contacts.
//!
//! Source: Microsoft Graph reference, resource type group; Microsoft Learn, "Configure Group Source of
//! Authority", "Configure Contact Source of Authority".
//!
//! # Divergence from Microsoft Entra ID
//! Groups have no entries in the ledger, which is about people; the audit log has them.

use super::{EntraError, Estate};
use crate::entra::audit::{DirectoryAudit, Initiator};
use crate::entra::group::{Group, Synced};
use crate::guid::Guid;

/// A group that somebody makes in the cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroup {
    /// `displayName`.
    pub display_name: String,
    /// `description`.
    pub description: Option<String>,
    /// `mailNickname`.
    pub mail_nickname: String,
    /// `mailEnabled`.
    pub mail_enabled: bool,
    /// `securityEnabled`.
    pub security_enabled: bool,
    /// `groupTypes`.
    pub types: Vec<String>,
    /// Members by id.
    pub members: Vec<Guid>,
    /// Owners by id.
    pub owners: Vec<Guid>,
}

/// What is to change in a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupChange {
    /// `displayName`.
    pub display_name: Option<String>,
    /// `description`.
    pub description: Option<Option<String>>,
    /// `mailNickname`.
    pub mail_nickname: Option<String>,
}

/// The oldest builds of Connect Sync that understand `isCloudManaged` of groups and of contacts.
const GROUP_BUILD: &str = "2.5.76.0";
const CONTACT_BUILD: &str = "2.5.79.0";

const NOT_SYNCED: &str = "The object is not synchronized from an on-premises directory.";

impl Estate {
    /// `POST /groups`: the new group's id.
    ///
    /// # Errors
    /// [`EntraError`]; then nothing changed.
    pub fn create_group(
        &mut self,
        initiator: &Initiator,
        new: NewGroup,
    ) -> Result<Guid, EntraError> {
        let unified = new.types.iter().any(|kind| kind == "Unified");
        if new.mail_enabled && !unified {
            return Err(EntraError::State(
                "The service does not currently support writes of mail-enabled groups. Please ensure that the mail-enablement property is unset and try again.",
            ));
        }
        if !new.mail_enabled && !new.security_enabled {
            return Err(EntraError::Invalid {
                property: "securityEnabled",
                why: "a group is enabled for mail or for security",
            });
        }
        self.check_members(&new.members)?;
        self.check_members(&new.owners)?;
        let nickname = &new.mail_nickname;
        let taken = |group: &Group| {
            group.deleted.is_none() && group.mail_nickname.eq_ignore_ascii_case(nickname)
        };
        if unified && self.entra.groups.iter().any(taken) {
            return Err(EntraError::Conflict("mailNickname"));
        }
        let address = unified.then(|| format!("{nickname}@{}", self.domains.verified));
        let id = self.new_objects.guid();
        self.entra.groups.push(Group {
            id,
            created: self.now,
            deleted: None,
            synced: Synced { sync_enabled: None, object_cloud_managed: false, on_premises: None },
            display_name: new.display_name,
            description: new.description,
            mail_nickname: new.mail_nickname,
            proxy_addresses: address.iter().map(|address| format!("SMTP:{address}")).collect(),
            mail: address,
            mail_enabled: new.mail_enabled,
            security_enabled: new.security_enabled,
            types: new.types,
            members: new.members,
            owners: new.owners,
            position: 0,
            left: Vec::new(),
        });
        self.entra.note_group(id);
        self.audit_group(initiator, "Add group", "Add", id);
        Ok(id)
    }

    /// `PATCH /groups/{id}`.
    ///
    /// # Errors
    /// [`EntraError`]; then nothing changed.
    pub fn update_group(
        &mut self,
        initiator: &Initiator,
        id: Guid,
        change: GroupChange,
    ) -> Result<(), EntraError> {
        let group = self.group_of_the_cloud(id)?;
        if let Some(name) = change.display_name {
            group.display_name = name;
        }
        if let Some(description) = change.description {
            group.description = description;
        }
        if let Some(nickname) = change.mail_nickname {
            group.mail_nickname = nickname;
        }
        self.entra.note_group(id);
        self.audit_group(initiator, "Update group", "Update", id);
        Ok(())
    }

    /// `DELETE /groups/{id}`.
    ///
    /// # Errors
    /// [`EntraError`]; then nothing changed.
    pub fn delete_group(&mut self, initiator: &Initiator, id: Guid) -> Result<(), EntraError> {
        let now = self.now;
        self.group_of_the_cloud(id)?.deleted = Some(now);
        self.entra.note_group(id);
        self.audit_group(initiator, "Delete group", "Delete", id);
        Ok(())
    }

    /// `POST /groups/{id}/members/$ref`, and `members@odata.bind` of a change: all of them or none.
    ///
    /// # Errors
    /// [`EntraError`]; then nothing changed.
    pub fn add_members(
        &mut self,
        initiator: &Initiator,
        id: Guid,
        members: &[Guid],
    ) -> Result<(), EntraError> {
        self.check_members(members)?;
        let group = self.group_of_the_cloud(id)?;
        let twice = |(at, member): (usize, &Guid)| {
            group.members.contains(member) || members[..at].contains(member)
        };
        if members.iter().enumerate().any(twice) {
            return Err(EntraError::State(
                "One or more added object references already exist for the following modified properties: 'members'.",
            ));
        }
        group.members.extend_from_slice(members);
        self.entra.note_group(id);
        for _ in members {
            self.audit_group(initiator, "Add member to group", "Assign", id);
        }
        Ok(())
    }

    /// `DELETE /groups/{id}/members/{member}/$ref`.
    ///
    /// # Errors
    /// [`EntraError`]; then nothing changed.
    pub fn remove_member(
        &mut self,
        initiator: &Initiator,
        id: Guid,
        member: Guid,
    ) -> Result<(), EntraError> {
        let group = self.group_of_the_cloud(id)?;
        let place = group.members.iter().position(|known| *known == member);
        let place = place.ok_or_else(|| EntraError::NotFound(member.to_string()))?;
        group.members.remove(place);
        self.entra.note_group(id);
        self.entra.note_left(id, &[member]);
        self.audit_group(initiator, "Remove member from group", "Unassign", id);
        Ok(())
    }

    /// `POST /groups/{id}/owners/$ref`.
    ///
    /// # Errors
    /// [`EntraError`]; then nothing changed.
    pub fn add_owner(
        &mut self,
        initiator: &Initiator,
        id: Guid,
        owner: Guid,
    ) -> Result<(), EntraError> {
        self.check_members(&[owner])?;
        let group = self.group_of_the_cloud(id)?;
        if group.owners.contains(&owner) {
            return Err(EntraError::State(
                "One or more added object references already exist for the following modified properties: 'owners'.",
            ));
        }
        group.owners.push(owner);
        self.entra.note_group(id);
        self.audit_group(initiator, "Add owner to group", "Assign", id);
        Ok(())
    }

    /// `DELETE /groups/{id}/owners/{owner}/$ref`: the last owner of a Microsoft 365 group stays.
    ///
    /// # Errors
    /// [`EntraError`]; then nothing changed.
    pub fn remove_owner(
        &mut self,
        initiator: &Initiator,
        id: Guid,
        owner: Guid,
    ) -> Result<(), EntraError> {
        let group = self.group_of_the_cloud(id)?;
        let place = group.owners.iter().position(|known| *known == owner);
        let place = place.ok_or_else(|| EntraError::NotFound(owner.to_string()))?;
        if group.owners.len() == 1 && group.types.iter().any(|kind| kind == "Unified") {
            return Err(EntraError::State(
                "The group must have at least one owner, hence this owner cannot be removed.",
            ));
        }
        group.owners.remove(place);
        self.entra.note_group(id);
        self.audit_group(initiator, "Remove owner from group", "Unassign", id);
        Ok(())
    }

    /// `PATCH /groups/{id}/onPremisesSyncBehavior`: of this group alone, not of groups in it. Undone, the next
    /// cycle takes the group over as AD has it, so that members of the cloud alone are lost.
    ///
    /// # Errors
    /// [`EntraError::State`] when the group is not synchronized, or Connect Sync is too old.
    pub fn set_group_authority(
        &mut self,
        initiator: &Initiator,
        id: Guid,
        cloud: bool,
    ) -> Result<(), EntraError> {
        self.check_sync_client(GROUP_BUILD)?;
        let groups = &mut self.entra.groups;
        let group = groups.iter_mut().find(|group| group.id == id && group.deleted.is_none());
        let group = group.ok_or_else(|| EntraError::NotFound(id.to_string()))?;
        transfer(&mut group.synced, cloud)?;
        self.entra.note_group(id);
        self.audit_group(initiator, authority_activity(cloud), "Update", id);
        Ok(())
    }

    /// `PATCH /contacts/{id}/onPremisesSyncBehavior`.
    ///
    /// # Errors
    /// [`EntraError::State`] when the contact is not synchronized, or Connect Sync is too old.
    pub fn set_contact_authority(
        &mut self,
        initiator: &Initiator,
        id: Guid,
        cloud: bool,
    ) -> Result<(), EntraError> {
        self.check_sync_client(CONTACT_BUILD)?;
        let mut contacts = self.entra.contacts.iter_mut();
        let contact = contacts.find(|contact| contact.id == id && contact.deleted.is_none());
        let contact = contact.ok_or_else(|| EntraError::NotFound(id.to_string()))?;
        transfer(&mut contact.synced, cloud)?;
        let name = contact.display_name.clone();
        self.entra.note_contact(id);
        let entry = (authority_activity(cloud), "Update", "Contact");
        self.audit_object(initiator, entry, id, name);
        Ok(())
    }

    fn check_members(&self, members: &[Guid]) -> Result<(), EntraError> {
        let known = |id: &&Guid| {
            self.live_user(**id).is_none()
                && self.entra.group(**id).is_none_or(|group| group.deleted.is_some())
        };
        match members.iter().find(known) {
            Some(id) => Err(EntraError::NotFound(id.to_string())),
            None => Ok(()),
        }
    }

    /// A group that the cloud may change.
    fn group_of_the_cloud(&mut self, id: Guid) -> Result<&mut Group, EntraError> {
        let groups = &mut self.entra.groups;
        let group = groups.iter_mut().find(|group| group.id == id && group.deleted.is_none());
        let group = group.ok_or_else(|| EntraError::NotFound(id.to_string()))?;
        if group.synced.sync_enabled == Some(true) {
            return Err(EntraError::OnPremisesMastered);
        }
        // Microsoft Graph reference, "group resource type": distribution lists and mail-enabled security
        // groups are read-only here; Exchange Online manages them.
        if group.mail_enabled && !group.types.iter().any(|kind| kind == "Unified") {
            return Err(EntraError::State(
                "Cannot Update a mail-enabled security groups and or distribution list.",
            ));
        }
        Ok(group)
    }

    fn audit_group(
        &mut self,
        initiator: &Initiator,
        activity: &'static str,
        operation: &'static str,
        id: Guid,
    ) {
        let name = self.entra.group(id).map(|group| group.display_name.clone()).unwrap_or_default();
        self.audit_object(initiator, (activity, operation, "Group"), id, name);
    }

    fn audit_object(
        &mut self,
        initiator: &Initiator,
        (activity, operation, kind): (&'static str, &'static str, &'static str),
        id: Guid,
        name: String,
    ) {
        self.entra.audit.push(DirectoryAudit {
            at: self.now,
            activity,
            category: if kind == "Group" { "GroupManagement" } else { "DirectoryManagement" },
            operation,
            initiator: initiator.clone(),
            target: id.to_string(),
            kind,
            name,
            modified: Vec::new(),
        });
    }
}

const fn authority_activity(cloud: bool) -> &'static str {
    if cloud {
        "Change Source of Authority from AD to cloud"
    } else {
        "Undo changes to Source of Authority from AD DS to cloud"
    }
}

fn transfer(synced: &mut Synced, cloud: bool) -> Result<(), EntraError> {
    if synced.object_cloud_managed == cloud {
        return Ok(());
    }
    if cloud && synced.sync_enabled != Some(true) {
        return Err(EntraError::State(NOT_SYNCED));
    }
    synced.sync_enabled = None;
    synced.object_cloud_managed = cloud;
    Ok(())
}
