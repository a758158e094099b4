//! What Microsoft Graph changes in the directory: users, their deletion and restore, and the source of
//! authority of whole objects.
//!
//! Sources: Microsoft Graph reference, "Update user", "Create user", "Delete user", "Restore deleted
//! item", "Update onPremisesSyncBehavior"; Microsoft Learn, "Configure User Source of Authority".

use super::forward::Delivery;
use super::lifecycle::without;
use super::{Estate, Subject};
use crate::caller::Caller;
use crate::connect::Since;
use crate::connect::{ConnectorKey, InboundEngine};
use crate::directory::forests::AdObject;
use crate::directory::name::Sid;
use crate::entra::audit::{DirectoryAudit, Initiator};
use crate::entra::{Deletion, User, property as own};
use crate::exchange::address::{self, ProxyAddress};
use crate::exchange::{Changes, RecipientType, property};
use crate::guid::Guid;
use crate::ledger::Change;
use crate::marks::Mark;
use crate::profile::version_order;
use crate::record::{AttributeNumber, Record};

/// Why Graph refuses a change of the directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntraError {
    /// No such object.
    #[error("there is no object {0}")]
    NotFound(String),
    /// AD has authority over the property.
    #[error("the object is mastered on-premises")]
    OnPremisesMastered,
    /// The property cannot be set at all.
    #[error("property {0} is read-only")]
    ReadOnly(&'static str),
    /// Another object has the value.
    #[error("another object has the same {0}")]
    Conflict(&'static str),
    /// The value is not one that the property takes.
    #[error("property {property}: {why}")]
    Invalid {
        /// The property.
        property: &'static str,
        /// What is wrong.
        why: &'static str,
    },
    /// What is asked for does not go with the object's state.
    #[error("{0}")]
    State(&'static str),
}

/// A user that somebody makes in the cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// Values by property number.
    pub values: Changes,
}

/// How a deleted user comes back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RestoredAs {
    /// `newUserPrincipalName`: the name it has from now on.
    pub user_principal_name: Option<String>,
    /// `autoReconcileProxyConflict`: addresses that others have by now are not its own any more.
    pub without_taken_addresses: bool,
}

/// What a synchronized user takes from the cloud.
const CLOUD_WRITABLE: [AttributeNumber; 4] = [own::USAGE_LOCATION, 210, 212, 214];

/// Days that a deleted user can be restored.
const RETENTION_DAYS: u64 = 30;

/// The oldest build of Connect Sync that understands `isCloudManaged` of users and groups.
const OBJECT_SOA_BUILD: &str = "2.5.76.0";

impl Estate {
    /// A user that Graph can see: there and not deleted.
    #[must_use]
    pub fn live_user(&self, id: Guid) -> Option<u32> {
        let number = self.entra.by_id(id)?;
        self.entra.user(number).filter(|user| user.deletion.is_none()).map(|_| number)
    }

    /// `PATCH /users/{id}`.
    ///
    /// # Errors
    /// [`EntraError`]; then nothing changed.
    pub fn update_user(
        &mut self,
        caller: &Caller,
        initiator: &Initiator,
        number: u32,
        values: Changes,
    ) -> Result<(), EntraError> {
        let user = self.entra.user(number).ok_or(EntraError::OnPremisesMastered)?;
        if values.iter().any(|(property, _)| *property == property::EMAIL_ADDRESSES) {
            return Err(EntraError::ReadOnly("proxyAddresses"));
        }
        let synced = user.sync_enabled == Some(true);
        if synced && values.iter().any(|(property, _)| !CLOUD_WRITABLE.contains(property)) {
            return Err(EntraError::OnPremisesMastered);
        }
        let mut values = values;
        self.check_user(Some(number), &values)?;
        self.follow_mail(number, &mut values);
        let changes = self.apply_user(number, &values);
        let flag = self.flag_of(number);
        self.audit_user(initiator, "Update user", "Update", number, &changes);
        self.note_entra_write(&caller.actor, number, flag, changes.clone());
        self.forward_sync(number, &changes);
        Ok(())
    }

    /// `POST /users`: the new user's number.
    ///
    /// # Errors
    /// [`EntraError`]; then nothing changed.
    pub fn create_user(
        &mut self,
        caller: &Caller,
        initiator: &Initiator,
        new: NewUser,
    ) -> Result<u32, EntraError> {
        let mut values = new.values;
        values.sort_by_key(|(number, _)| *number);
        self.check_user(None, &values)?;
        let record = Record::from_sorted(
            values.iter().map(|(number, values)| (*number, values.iter().map(String::as_bytes))),
        );
        let id = self.new_objects.guid();
        let number = self.entra.add(User::of_the_cloud(id, record));
        self.entra.change(number, |_| {});
        let upn = self.user_text(number, property::USER_PRINCIPAL_NAME);
        let name = upn.split('@').next().unwrap_or_default().into();
        self.subjects.add(Subject { name, ad: None, entra: Some(number), exchange: None });
        let changes: Vec<Change> = values
            .into_iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(attribute, values)| Change {
                attribute,
                old: Vec::new(),
                new: values.into_iter().map(|value| value.into_bytes().into()).collect(),
            })
            .collect();
        self.audit_user(initiator, "Add user", "Add", number, &changes);
        self.note_entra_write(&caller.actor, number, None, changes);
        Ok(number)
    }

    /// `DELETE /users/{id}`: among the deleted items for 30 days.
    ///
    /// # Errors
    /// [`EntraError::OnPremisesMastered`] for a synchronized user: AD decides.
    pub fn delete_user(&mut self, initiator: &Initiator, number: u32) -> Result<(), EntraError> {
        let user = self.entra.user(number);
        if user.is_none_or(|user| user.sync_enabled == Some(true)) {
            return Err(EntraError::OnPremisesMastered);
        }
        let now = self.now;
        self.entra.change(number, |user| user.deletion = Some(Deletion::Soft(now)));
        self.audit_user(initiator, "Delete user", "Delete", number, &[]);
        self.settle_recipient(number);
        Ok(())
    }

    /// `POST /directory/deletedItems/{id}/restore`: the user's number.
    ///
    /// # Errors
    /// [`EntraError::NotFound`] when it is not among the deleted items, [`EntraError::Conflict`] when its name or one
    /// of its addresses was taken meanwhile, [`EntraError::Invalid`] for a new name that is none.
    pub fn restore_user(
        &mut self,
        caller: &Caller,
        initiator: &Initiator,
        id: Guid,
        restored: RestoredAs,
    ) -> Result<u32, EntraError> {
        let number = self.deleted_user(id).ok_or_else(|| EntraError::NotFound(id.to_string()))?;
        let upn = self.user_text(number, property::USER_PRINCIPAL_NAME);
        match &restored.user_principal_name {
            Some(new) => self.check_upn(Some(number), new)?,
            None if self.user_named(&upn).is_some_and(|other| other != number) => {
                return Err(EntraError::Conflict("userPrincipalName"));
            }
            None => {}
        }
        let addresses = self.user_texts(number, property::EMAIL_ADDRESSES);
        let is_taken = |value: &&String| {
            let parsed = ProxyAddress::parse(value);
            let holder = self.address_holder(parsed.address).filter(|_| parsed.is_smtp());
            holder.is_some_and(|(holder, _)| holder != Some(number))
        };
        let taken: Vec<String> = addresses.iter().filter(is_taken).cloned().collect();
        if !taken.is_empty() && !restored.without_taken_addresses {
            return Err(EntraError::Conflict("proxyAddresses"));
        }
        self.entra.change(number, |user| user.deletion = None);
        self.audit_user(initiator, "Restore user", "Update", number, &[]);
        let mut values: Changes =
            if taken.is_empty() { Vec::new() } else { without(addresses, &taken) };
        values.extend(
            restored.user_principal_name.map(|new| (property::USER_PRINCIPAL_NAME, vec![new])),
        );
        let changes = self.apply_user(number, &values);
        let flag = self.flag_of(number);
        self.note_entra_write(&caller.actor, number, flag, changes.clone());
        self.settle_recipient(number);
        self.forward_sync(number, &changes);
        Ok(number)
    }

    /// `PUT` and `DELETE /users/{id}/manager/$ref`.
    ///
    /// # Errors
    /// [`EntraError::OnPremisesMastered`] for a synchronized user.
    pub fn set_manager(
        &mut self,
        initiator: &Initiator,
        number: u32,
        manager: Option<u32>,
    ) -> Result<(), EntraError> {
        let user = self.entra.user(number);
        if user.is_none_or(|user| user.sync_enabled == Some(true)) {
            return Err(EntraError::OnPremisesMastered);
        }
        let recipient = manager.and_then(|manager| self.entra.user(manager));
        let recipient = recipient.and_then(|user| self.exchange.by_id(user.id));
        let named = recipient.and_then(|recipient| self.exchange.reference_to(recipient));
        self.entra.managers.insert(number, manager);
        self.entra.change(number, |_| {});
        self.audit_user(initiator, "Update user", "Update", number, &[]);
        if let Some(property) = property::number("Manager") {
            let values = vec![(property, named.into_iter().collect())];
            let actor = Self::forward_actor();
            self.forward(Delivery::ToExchange { user: number, values, actor, sent: self.now });
        }
        Ok(())
    }

    /// `DELETE /directory/deletedItems/{id}`: gone for good.
    ///
    /// # Errors
    /// [`EntraError::NotFound`] when it is not among the deleted items.
    pub fn purge_user(&mut self, initiator: &Initiator, id: Guid) -> Result<(), EntraError> {
        let number = self.deleted_user(id).ok_or_else(|| EntraError::NotFound(id.to_string()))?;
        self.entra.change(number, |user| user.deletion = Some(Deletion::Hard));
        self.audit_user(initiator, "Hard Delete user", "Delete", number, &[]);
        let oldest = self.oldest_deletion();
        if let Some(mailbox) = self.exchange.deleted_of(id, oldest) {
            self.exchange.purge(mailbox);
        }
        self.owed.remove(&number);
        Ok(())
    }

    /// A user that can be restored.
    #[must_use]
    pub fn deleted_user(&self, id: Guid) -> Option<u32> {
        let number = self.entra.by_id(id)?;
        match self.entra.user(number)?.deletion? {
            Deletion::Soft(at) if self.now.since(at).as_secs() < RETENTION_DAYS * 86_400 => {
                Some(number)
            }
            Deletion::Soft(_) | Deletion::Hard => None,
        }
    }

    /// `PATCH /users/{id}/onPremisesSyncBehavior`: moves authority over the whole user.
    ///
    /// To the cloud: the object stops being synchronized, and the flag over its Exchange attributes has
    /// no meaning any more. Back: the next cycle of Connect Sync takes it over.
    ///
    /// # Errors
    /// [`EntraError::State`] when the object is not synchronized, or Connect Sync is too old.
    pub fn set_object_authority(
        &mut self,
        caller: &Caller,
        initiator: &Initiator,
        number: u32,
        cloud: bool,
    ) -> Result<(), EntraError> {
        let user = self.entra.user(number).ok_or(EntraError::OnPremisesMastered)?;
        if user.object_cloud_managed == cloud {
            return Ok(());
        }
        if cloud && user.sync_enabled != Some(true) {
            return Err(EntraError::State(
                "The object is not synchronized from an on-premises directory.",
            ));
        }
        self.check_sync_client(OBJECT_SOA_BUILD)?;
        if cloud {
            self.check_transfer(number)?;
        }
        if cloud { Mark::ObjectToCloud } else { Mark::ObjectToAd }.reach();
        let id = user.id;
        let had_flag = self.flag_of(number) == Some(true);
        if cloud && had_flag {
            self.entra.flagged_before_transfer.insert(number);
        }
        self.entra.change(number, |user| {
            user.object_cloud_managed = cloud;
            // Null on both ways: what comes back is taken over by the next cycle.
            user.sync_enabled = None;
        });
        let activity = if cloud {
            "Change Source of Authority from AD to cloud"
        } else {
            "Undo changes to Source of Authority from AD DS to cloud"
        };
        self.audit_user(initiator, activity, "Update", number, &[]);
        if let Some(mailbox) = self.exchange.by_id(id).filter(|_| cloud) {
            let mut changes: Vec<Change> =
                self.exchange.set_flag(mailbox, self.now, false).into_iter().collect();
            changes.extend(self.exchange.set_dir_synced(mailbox, self.now, false));
            if !changes.is_empty() {
                self.note_exchange_write(&caller.actor, mailbox, changes);
            }
        }
        if !cloud && let Some(key) = self.connector_of(number) {
            let since = Since::instant(self.connect.imported_at);
            self.connect.pending.insert(key, since);
            if let Some(object) = self.connect.object_mut(key) {
                object.full = true;
            }
        }
        Ok(())
    }

    /// What stands against moving authority over a user to the cloud (Microsoft Learn, "Configure User Source
    /// of Authority", prerequisites).
    fn check_transfer(&self, number: u32) -> Result<(), EntraError> {
        if self.entra.is_privileged(number) {
            return Err(EntraError::State(
                "The source of authority of an object that holds an administrative role cannot be transferred.",
            ));
        }
        let on_premises = self.entra.user(number).and_then(|user| {
            let ad = self.ad_of_user(user.id)?;
            let record = &self.ad_object(ad)?.entry.record;
            Some(crate::connect::recipient_type(record)? == RecipientType::MailUser)
        });
        if on_premises == Some(true) {
            return Err(EntraError::State(
                "The user's mailbox is on-premises: all mailboxes must be in Exchange Online before the source of authority is transferred.",
            ));
        }
        Ok(())
    }

    /// Whether what synchronizes the tenant understands object-level source of authority.
    pub(super) fn check_sync_client(&self, oldest_build: &str) -> Result<(), EntraError> {
        let (version, oldest) = match self.connect.engine {
            InboundEngine::ConnectSync => (self.connect.build.as_str(), oldest_build),
            InboundEngine::CloudSync => (
                self.working_agent_version().unwrap_or_default(),
                self.profile.text("cloud_sync_minimum"),
            ),
        };
        if version_order(version, oldest).is_lt() {
            return Err(EntraError::State(
                "The sync client of this tenant is too old for a transfer of the source of authority.",
            ));
        }
        Ok(())
    }

    /// Gives a directory role to a user; false when it has it.
    pub fn assign_role(&mut self, initiator: &Initiator, role: usize, user: u32) -> bool {
        let done = self.entra.roles.assign(role, user);
        if done {
            self.audit_user(initiator, "Add member to role", "Assign", user, &[]);
        }
        done
    }

    /// Takes a directory role from a user; false when it does not have it.
    pub fn remove_role(&mut self, initiator: &Initiator, role: usize, user: u32) -> bool {
        let done = self.entra.roles.remove(role, user);
        if done {
            self.audit_user(initiator, "Remove member from role", "Unassign", user, &[]);
        }
        done
    }

    /// Notes that somebody's sign-in sessions were revoked; answers the user principal name.
    pub fn revoke_sessions(&mut self, initiator: &Initiator, user: u32) -> String {
        self.audit_user(
            initiator,
            "Update StsRefreshTokenValidFrom Timestamp",
            "Update",
            user,
            &[],
        );
        self.user_text(user, property::USER_PRINCIPAL_NAME)
    }

    /// An id for something new.
    pub fn new_id(&mut self) -> Guid {
        self.new_objects.guid()
    }

    /// The AD object of a user that has a mailbox or mail user.
    #[must_use]
    pub fn ad_of_user(&self, id: Guid) -> Option<AdObject> {
        self.subject_of_mailbox(self.exchange.by_id(id)?)?.ad
    }

    /// `objectSid` of an AD object, as text.
    #[must_use]
    pub fn ad_sid(&self, ad: AdObject) -> Option<String> {
        let schema = self.forests.get(ad.forest)?.schema();
        let number = schema.attribute_named("objectSid")?.number;
        let bytes = self.ad_object(ad)?.entry.record.first(number)?;
        Sid::from_bytes(bytes).map(|sid| sid.to_string())
    }

    fn connector_of(&self, user: u32) -> Option<ConnectorKey> {
        let ad = self.ad_of_user(self.entra.user(user)?.id)?;
        Some((ad.forest, ad.number.0))
    }

    /// Values of a user that must be unique, in a verified domain, or in a form.
    fn check_user(&self, number: Option<u32>, values: &Changes) -> Result<(), EntraError> {
        let given = |wanted: AttributeNumber| {
            values.iter().find(|(property, _)| *property == wanted).map(|(_, v)| v.as_slice())
        };
        if let Some(upn) = given(property::USER_PRINCIPAL_NAME) {
            let upn = upn.first().map_or("", String::as_str);
            self.check_upn(number, upn)?;
        }
        if given(property::DISPLAY_NAME).is_some_and(<[String]>::is_empty) {
            let why = "must not be empty";
            return Err(EntraError::Invalid { property: "displayName", why });
        }
        if let Some([mail]) = given(property::WINDOWS_EMAIL_ADDRESS) {
            if !address::is_well_formed(mail) {
                return Err(EntraError::Invalid { property: "mail", why: "is no SMTP address" });
            }
            let mailbox = number.and_then(|n| self.exchange.by_id(self.entra.user(n)?.id));
            if self.exchange.owner(mail).is_some_and(|owner| Some(owner) != mailbox) {
                return Err(EntraError::Conflict("mail"));
            }
        }
        Ok(())
    }

    fn check_upn(&self, number: Option<u32>, upn: &str) -> Result<(), EntraError> {
        let property = "userPrincipalName";
        let domain = upn.rsplit_once('@').map_or("", |(_, domain)| domain);
        let domains = [&self.domains.verified, &self.domains.initial];
        let further = self.exchange.verified_domains.iter();
        if !address::is_well_formed(upn) {
            return Err(EntraError::Invalid { property, why: "is no user principal name" });
        }
        if !domains.into_iter().chain(further).any(|d| d.eq_ignore_ascii_case(domain)) {
            let why = "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization.";
            return Err(EntraError::Invalid { property, why });
        }
        match self.user_named(upn).filter(|other| Some(*other) != number) {
            Some(_) => Err(EntraError::Conflict(property)),
            None => Ok(()),
        }
    }

    /// A new `mail` is a new primary address.
    fn follow_mail(&mut self, number: u32, values: &mut Changes) {
        let mail = values.iter().find(|(p, _)| *p == property::WINDOWS_EMAIL_ADDRESS);
        let Some(mail) = mail.and_then(|(_, v)| v.first()).cloned() else { return };
        self.entra.note_primary(number, false);
        let addresses = self.user_texts(number, property::EMAIL_ADDRESSES);
        values.push((property::EMAIL_ADDRESSES, address::with_primary(addresses, &mail)));
        values.sort_by_key(|(property, _)| *property);
    }

    pub(super) fn apply_user(&mut self, number: u32, values: &Changes) -> Vec<Change> {
        let mut values: Vec<_> = values
            .iter()
            .map(|(number, values)| {
                let values: Vec<Box<[u8]>> =
                    values.iter().map(|value| value.as_bytes().into()).collect();
                (*number, values)
            })
            .collect();
        values.sort_by_key(|(number, _)| *number);
        self.entra.apply(number, &values)
    }

    /// Copies what a mailbox shows too from its user.
    pub(super) fn forward_sync(&mut self, number: u32, changes: &[Change]) {
        let values: Changes = changes
            .iter()
            .filter(|change| property::spec(change.attribute).is_some())
            .map(|change| {
                let new = change.new.iter();
                let texts = new.map(|value| String::from_utf8_lossy(value).into_owned());
                (change.attribute, texts.collect())
            })
            .collect();
        let actor = Self::forward_actor();
        self.forward(Delivery::ToExchange { user: number, values, actor, sent: self.now });
    }

    pub(super) fn flag_of(&self, user: u32) -> Option<bool> {
        let mailbox = self.exchange.by_id(self.entra.user(user)?.id)?;
        self.exchange.mailbox(mailbox).map(|mailbox| mailbox.cloud_managed)
    }

    pub(super) fn user_text(&self, number: u32, property: AttributeNumber) -> String {
        let user = self.entra.user(number);
        user.and_then(|user| user.record.text(property)).unwrap_or_default().to_owned()
    }

    /// All values of a user's property.
    pub(super) fn user_texts(&self, number: u32, property: AttributeNumber) -> Vec<String> {
        let values = self.entra.user(number).map(|user| user.record.values(property));
        let values = values.into_iter().flatten();
        values.map(|value| String::from_utf8_lossy(value).into_owned()).collect()
    }

    pub(super) fn audit_user(
        &mut self,
        initiator: &Initiator,
        activity: &'static str,
        operation: &'static str,
        number: u32,
        changes: &[Change],
    ) {
        let Some(user) = self.entra.user(number) else { return };
        let json = |values: &[Box<[u8]>]| {
            let texts: Vec<_> = values.iter().map(|v| String::from_utf8_lossy(v)).collect();
            serde_json::to_string(&texts).unwrap_or_default()
        };
        let entry = DirectoryAudit {
            at: self.now,
            activity,
            category: "UserManagement",
            operation,
            initiator: initiator.clone(),
            target: user.id.to_string(),
            kind: "User",
            name: user.record.text(property::USER_PRINCIPAL_NAME).unwrap_or_default().to_owned(),
            modified: changes
                .iter()
                .filter_map(|change| {
                    let name = own::name(change.attribute)?.to_owned();
                    Some((name, json(&change.old), json(&change.new)))
                })
                .collect(),
        };
        self.entra.audit.push(entry);
    }
}
