//! Mailboxes that are made, disabled, removed and brought back in Exchange Online, and what that does to their users:
//! Exchange Online writes to the directory at once, not with the next synchronization.
//!
//! Sources: Microsoft Learn, "New-Mailbox", "Disable-Mailbox" (PermanentlyDisable: without a licence and without a
//! hold), "Remove-Mailbox" (the user goes too; PermanentlyDelete is for soft-deleted mailboxes without a hold),
//! "Undo-SoftDeletedMailbox" (a new account where the old one was not deleted with the mailbox), "Enable-Mailbox".
//!
//! # Divergence from Exchange Online
//! What `Disable-Mailbox` does to somebody with a licence is not documented: here it is refused, as the licence would
//! make the mailbox anew. An address of a mailbox that comes back with a new account stays away while somebody else has
//! it. Passwords are not kept: all users sign in with the estate's own.

use super::recipients::RETENTION;
use super::{Due, Estate, Subject};
use crate::caller::Caller;
use crate::entra::audit::Initiator;
use crate::entra::{Deletion, User, property as own};
use crate::exchange::address::{self, ProxyAddress};
use crate::exchange::cmdlets::lifecycle::{self, NewMailbox, invalid};
use crate::exchange::cmdlets::{
    CmdletError, Context, Effect, Others, Output, Rows, SERVER, is_given,
};
use crate::exchange::{Changes, ExchangeOnline, RecipientType, property, truth};
use crate::guid::Guid;
use crate::ledger::{Change, ObjectKey};
use crate::powershell::CmdletCall;
use crate::record::{AttributeNumber, Record};

impl Estate {
    /// Runs a cmdlet of [`lifecycle`]. Whether the caller may is checked already.
    pub(super) fn lifecycle_cmdlet(
        &mut self,
        caller: &Caller,
        cmdlet: &str,
        call: &CmdletCall,
    ) -> Result<Output, CmdletError> {
        match cmdlet {
            "New-Mailbox" => self.made_mailbox(caller, call),
            "Enable-Mailbox" => {
                let (number, values) = self.with_context(caller, |context| {
                    let (number, mailbox) = lifecycle::find(context, call)?;
                    Ok((number, lifecycle::with_archive(mailbox, call)?))
                })?;
                Ok(self.changed(call, number, &values, true))
            }
            "Disable-Mailbox" if is_given(call, "Archive") => {
                let (number, values) = self.with_context(caller, |context| {
                    let (number, mailbox) = lifecycle::find(context, call)?;
                    Ok((number, lifecycle::without_archive(mailbox, call)?))
                })?;
                Ok(self.changed(call, number, &values, false))
            }
            "Disable-Mailbox" => self.disabled_mailbox(caller, call),
            "Remove-Mailbox" => self.removed_mailbox(caller, call),
            _ => self.restored_mailbox(caller, call),
        }
    }

    fn with_context<T>(
        &mut self,
        caller: &Caller,
        look: impl FnOnce(&Context<'_>) -> Result<T, CmdletError>,
    ) -> Result<T, CmdletError> {
        let oldest_deletion = self.oldest_deletion();
        look(&Context {
            tenant: &mut self.exchange,
            profile: &self.profile,
            now: self.now,
            caller,
            others: Others { groups: &self.entra.groups, contacts: &self.entra.contacts },
            oldest_deletion,
        })
    }

    /// Puts new values of a mailbox in force, unless the call only asks what it would do.
    fn changed(&mut self, call: &CmdletCall, number: u32, values: &Changes, shows: bool) -> Output {
        let mut output = Output::of(Rows::None);
        if is_given(call, "WhatIf") {
            return output;
        }
        let changes = self.exchange.apply(number, self.now, values);
        if !changes.is_empty() {
            output.effect = Some(Effect { mailbox: number, changes });
        }
        if shows {
            output.rows = Rows::Mailboxes(vec![number]);
        }
        output
    }

    /// `New-Mailbox`: a user of the cloud with a mailbox. One of a person has 30 days to get a licence.
    fn made_mailbox(&mut self, caller: &Caller, call: &CmdletCall) -> Result<Output, CmdletError> {
        let domain = self.domains.verified.clone();
        let new =
            self.with_context(caller, |context| lifecycle::planned(context, call, &domain))?;
        self.check_free(&new.upn)?;
        self.check_free(&new.primary)?;
        if is_given(call, "WhatIf") {
            return Ok(Output::of(Rows::None));
        }
        let archive = is_given(call, "Archive");
        let (user, values) = self.made_user(&new);
        let number = self.made_recipient(user, new.kind, &values);
        if archive && let Some(mailbox) = self.exchange.mailbox(number) {
            let guid = mailbox.guid("ArchiveGuid").to_string();
            let shown = self.user_text(user, property::DISPLAY_NAME);
            let named = format!("In-Place Archive -{shown}");
            let mut archive: Changes = [("ArchiveName", named), ("ArchiveGuid", guid)]
                .into_iter()
                .filter_map(|(name, value)| Some((property::number(name)?, vec![value])))
                .collect();
            archive.sort_by_key(|(property, _)| *property);
            self.exchange.apply(number, self.now, &archive);
        }
        if new.kind == RecipientType::User {
            self.calendar.enter(self.now + RETENTION, Due::LicenceGone(user));
        }
        let record = self.exchange.mailbox(number).map(|mailbox| as_new(&mailbox.record));
        let mut output = Output::of(Rows::Mailboxes(vec![number]));
        output.effect = Some(Effect { mailbox: number, changes: record.unwrap_or_default() });
        Ok(output)
    }

    /// Nobody in the directory has a name or address, whether Exchange Online knows them or not.
    fn check_free(&self, address: &str) -> Result<(), CmdletError> {
        let user = self.user_named(address);
        let named = user.map(|user| self.user_text(user, property::DISPLAY_NAME));
        match named.or_else(|| self.address_holder(address).map(|(_, shown)| shown)) {
            Some(other) => Err(CmdletError::address_taken(&format!("SMTP:{address}"), &other)),
            None => Ok(()),
        }
    }

    /// The user of a new mailbox, and all values of both.
    fn made_user(&mut self, new: &NewMailbox) -> (u32, Changes) {
        let alias = new.values.iter().find(|(property, _)| *property == property::ALIAS);
        let alias = alias.and_then(|(_, values)| values.first()).cloned().unwrap_or_default();
        let mut list = vec![format!("SMTP:{}", new.primary)];
        list.push(format!("smtp:{}", self.free_service_address(&alias)));
        list.push(format!("smtp:{}", new.upn));
        let mut values = new.values.clone();
        values.push((property::EMAIL_ADDRESSES, address::normalized(list)));
        values.sort_by_key(|(property, _)| *property);
        let mut of_user: Changes =
            values.iter().filter(|(property, _)| own::name(*property).is_some()).cloned().collect();
        let enabled = truth(new.enabled).to_owned();
        of_user.push((own::ACCOUNT_ENABLED, vec![enabled]));
        (self.add_user_of_exchange(&of_user), values)
    }

    /// A user that Exchange Online makes in the directory.
    fn add_user_of_exchange(&mut self, values: &Changes) -> u32 {
        let id = self.new_objects.guid();
        let user = self.entra.add(User::of_the_cloud(id, record_of(values)));
        self.entra.change(user, |_| {});
        let changes = as_new(&record_of(values));
        self.audit_user(&by_exchange(), "Add user", "Add", user, &changes);
        self.note_entra_write(&Self::forward_actor(), user, None, changes);
        user
    }

    /// The mailbox of a user that was made for it.
    fn made_recipient(&mut self, user: u32, kind: RecipientType, values: &Changes) -> u32 {
        let id = self.entra.user(user).map_or(Guid([0; 16]), |user| user.id);
        let mut mailbox = ExchangeOnline::recipient(id, kind, self.now, record_of(values));
        mailbox.dir_synced = false;
        let number = self.exchange.add(mailbox);
        self.introduce(user, number);
        number
    }

    /// A user with a mailbox is somebody whom steps can name.
    fn introduce(&mut self, user: u32, mailbox: u32) {
        let upn = self.user_text(user, property::USER_PRINCIPAL_NAME);
        let name = upn.split('@').next().unwrap_or_default().into();
        let subject = Subject { name, ad: None, entra: Some(user), exchange: Some(mailbox) };
        self.subjects.add(subject);
    }

    /// `Disable-Mailbox`: the user stays, and the mailbox can be brought back, unless it is to be gone for good.
    fn disabled_mailbox(
        &mut self,
        caller: &Caller,
        call: &CmdletCall,
    ) -> Result<Output, CmdletError> {
        let for_good = is_given(call, "PermanentlyDisable");
        let (number, id, held) = self.with_context(caller, |context| {
            let (number, mailbox) = lifecycle::find(context, call)?;
            if !mailbox.kind.is_mailbox() {
                return Err(CmdletError::not_found(&named(call, "Identity"), SERVER));
            }
            if mailbox.dir_synced && !for_good {
                return Err(CmdletError::out_of_write_scope(
                    mailbox,
                    "Disable-Mailbox",
                    "Identity",
                ));
            }
            Ok((number, mailbox.id, mailbox.is_held()))
        })?;
        let user = self.entra.by_id(id);
        let licensed = user.and_then(|user| self.entra.user(user)).is_some_and(|u| u.licensed);
        if licensed {
            return Err(invalid(
                "The mailbox can't be disabled: its user has an Exchange Online license. Remove the license first.",
            ));
        }
        if held && for_good {
            return Err(invalid("The mailbox can't be disabled permanently: it is on hold."));
        }
        if is_given(call, "WhatIf") {
            return Ok(Output::of(Rows::None));
        }
        let output = self.soft_deleted(number);
        if for_good {
            self.exchange.purge(number);
        }
        if let Some(user) = user {
            self.note_loose(user);
        }
        Ok(output)
    }

    fn soft_deleted(&mut self, number: u32) -> Output {
        let mut output = Output::of(Rows::None);
        let change = self.exchange.soft_delete(number, self.now);
        output.effect = change.map(|change| Effect { mailbox: number, changes: vec![change] });
        output
    }

    /// `Remove-Mailbox`: the mailbox is soft-deleted with its user, or, soft-deleted, gone for good.
    fn removed_mailbox(
        &mut self,
        caller: &Caller,
        call: &CmdletCall,
    ) -> Result<Output, CmdletError> {
        if is_given(call, "PermanentlyDelete") {
            return self.purged_mailbox(call);
        }
        let (number, id) = self.with_context(caller, |context| {
            let (number, mailbox) = lifecycle::find(context, call)?;
            if !mailbox.kind.is_mailbox() {
                return Err(CmdletError::not_found(&named(call, "Identity"), SERVER));
            }
            if mailbox.dir_synced {
                return Err(CmdletError::out_of_write_scope(mailbox, "Remove-Mailbox", "Identity"));
            }
            Ok((number, mailbox.id))
        })?;
        if is_given(call, "WhatIf") {
            return Ok(Output::of(Rows::None));
        }
        if let Some(user) = self.entra.by_id(id) {
            let now = self.now;
            self.entra.change(user, |user| user.deletion = Some(Deletion::Soft(now)));
            self.audit_user(&by_exchange(), "Delete user", "Delete", user, &[]);
        }
        Ok(self.soft_deleted(number))
    }

    fn purged_mailbox(&mut self, call: &CmdletCall) -> Result<Output, CmdletError> {
        let identity = named(call, "Identity");
        let oldest = self.oldest_deletion();
        let Some(number) = self.exchange.find_deleted(&identity, oldest) else {
            return Err(match self.exchange.find(&identity) {
                Some(_) => invalid("Only a soft-deleted mailbox can be deleted permanently."),
                None => CmdletError::not_found(&identity, SERVER),
            });
        };
        let mailbox = self.exchange.mailbox(number);
        let (held, id) = mailbox.map_or((false, Guid([0; 16])), |m| (m.is_held(), m.id));
        if held {
            return Err(invalid("The mailbox is on hold, and can't be deleted permanently."));
        }
        if !is_given(call, "WhatIf") {
            self.exchange.purge(number);
            if let Some(user) = self.entra.by_id(id) {
                self.owed.remove(&user);
            }
        }
        Ok(Output::of(Rows::None))
    }

    /// `Undo-SoftDeletedMailbox`: the mailbox is back, with the user that was deleted with it, or with a new one.
    fn restored_mailbox(
        &mut self,
        caller: &Caller,
        call: &CmdletCall,
    ) -> Result<Output, CmdletError> {
        let identity = named(call, "SoftDeletedObject");
        if identity.is_empty() {
            return Err(CmdletError::missing("SoftDeletedObject"));
        }
        let oldest = self.oldest_deletion();
        let found = self.exchange.find_deleted(&identity, oldest);
        let found = found.filter(|_| !is_given(call, "PublicFolder"));
        let number = found.ok_or_else(|| CmdletError::not_found(&identity, SERVER))?;
        let account = call.text("WindowsLiveID").filter(|account| !account.is_empty());
        let (user, called) = match account {
            None => (self.user_to_restore(number)?, Changes::new()),
            Some(account) => {
                if call.text("Password").is_none() {
                    return Err(CmdletError::missing("Password"));
                }
                self.with_context(caller, |context| lifecycle::check_account(context, &account))?;
                self.check_free(&account)?;
                if is_given(call, "WhatIf") {
                    return Ok(Output::of(Rows::None));
                }
                self.user_anew(number, &account)
            }
        };
        if is_given(call, "WhatIf") {
            return Ok(Output::of(Rows::None));
        }
        if self.entra.user(user).is_some_and(|user| user.deletion.is_some()) {
            self.entra.change(user, |user| user.deletion = None);
            self.audit_user(&by_exchange(), "Restore user", "Update", user, &[]);
        }
        let mut changes = self.come_back(user, number);
        changes.extend(self.exchange.apply(number, self.now, &called));
        self.give_owed(user, number);
        let mut names: Changes = ["DisplayName", "Name"]
            .into_iter()
            .filter_map(|name| Some((property::number(name)?, vec![call.text(name)?])))
            .collect();
        names.sort_by_key(|(property, _)| *property);
        changes.extend(self.exchange.apply(number, self.now, &names));
        let kind = self.exchange.mailbox(number).map(|mailbox| mailbox.kind);
        let licensed = self.entra.user(user).is_some_and(|user| user.licensed);
        if kind == Some(RecipientType::User) && !licensed {
            self.calendar.enter(self.now + RETENTION, Due::LicenceGone(user));
        }
        let mut output = Output::of(Rows::Mailboxes(vec![number]));
        output.effect = Some(Effect { mailbox: number, changes });
        Ok(output)
    }

    /// The user that was deleted with a mailbox, when it can come back with it.
    fn user_to_restore(&self, number: u32) -> Result<u32, CmdletError> {
        let mailbox = self.exchange.mailbox(number);
        let mailbox = mailbox.ok_or_else(|| CmdletError::not_found("", SERVER))?;
        let user = self.deleted_user(mailbox.id);
        let user = user.ok_or_else(|| {
            invalid(
                "The account of this mailbox wasn't deleted together with it, or can't be restored. Specify a new account with the WindowsLiveID and Password parameters.",
            )
        })?;
        if self.entra.user(user).is_some_and(|user| user.sync_enabled == Some(true)) {
            let cmdlet = "Undo-SoftDeletedMailbox";
            return Err(CmdletError::out_of_write_scope(mailbox, cmdlet, "SoftDeletedObject"));
        }
        let upn = self.user_text(user, property::USER_PRINCIPAL_NAME);
        if let Some(other) = self.user_named(&upn) {
            let shown = self.user_text(other, property::DISPLAY_NAME);
            return Err(CmdletError::address_taken(&upn, &shown));
        }
        match self.taken_addresses(user, number).first() {
            None => Ok(user),
            Some((value, other)) => Err(CmdletError::address_taken(value, other)),
        }
    }

    /// A new user for a mailbox whose own is not deleted, or gone for good, and what the mailbox is called with it.
    /// What it was called stays an address.
    fn user_anew(&mut self, number: u32, account: &str) -> (u32, Changes) {
        let old = self.whose(ObjectKey::exchange(number));
        let record = self.exchange.mailbox(number).map(|mailbox| mailbox.record.clone());
        let record = record.unwrap_or_default();
        let texts = |property: AttributeNumber| -> Vec<String> {
            let values = record.values(property);
            values.map(|value| String::from_utf8_lossy(value).into_owned()).collect()
        };
        let mut list = texts(property::EMAIL_ADDRESSES);
        list.extend(
            texts(property::USER_PRINCIPAL_NAME).into_iter().map(|upn| format!("smtp:{upn}")),
        );
        list.retain(|value| {
            let parsed = ProxyAddress::parse(value);
            !parsed.is_smtp()
                || self.user_named(parsed.address).is_none()
                    && self.address_holder(parsed.address).is_none()
        });
        let list = address::normalized(address::with_primary(list, account));
        let mut values: Changes = record
            .attributes()
            .filter(|(property, _)| own::name(*property).is_some())
            .map(|(property, _)| (property, texts(property)))
            .collect();
        let mut called = vec![
            (property::USER_PRINCIPAL_NAME, vec![account.to_owned()]),
            (property::EMAIL_ADDRESSES, list),
            (property::WINDOWS_EMAIL_ADDRESS, vec![account.to_owned()]),
        ];
        called.sort_by_key(|(property, _)| *property);
        values.retain(|(known, _)| called.iter().all(|(property, _)| property != known));
        values.extend(called.iter().cloned());
        values.sort_by_key(|(property, _)| *property);
        let user = self.add_user_of_exchange(&values);
        if let Some(old) = old {
            self.subjects.take_mailbox(old);
        }
        self.introduce(user, number);
        (user, called)
    }

    /// A soft-deleted mailbox is this user's, with what the directory has of it, without the addresses that others
    /// have by now.
    pub(super) fn come_back(&mut self, user: u32, number: u32) -> Vec<Change> {
        let Some(found) = self.entra.user(user) else { return Vec::new() };
        let (id, synced) = (found.id, found.sync_enabled == Some(true));
        let taken: Vec<String> =
            self.taken_addresses(user, number).into_iter().map(|(value, _)| value).collect();
        let Some(change) = self.exchange.restore(number, id, self.now) else { return Vec::new() };
        let mut changes = vec![change];
        changes.extend(self.exchange.set_dir_synced(number, self.now, synced));
        if !synced || !self.profile.is_on("flag_after_restore") {
            changes.extend(self.exchange.set_flag(number, self.now, false));
        }
        if !taken.is_empty() {
            let list = self.exchange.mailbox(number).map(|mailbox| {
                let values = mailbox.record.values(property::EMAIL_ADDRESSES);
                values.map(|value| String::from_utf8_lossy(value).into_owned()).collect()
            });
            let values = without(list.unwrap_or_default(), &taken);
            changes.extend(self.exchange.apply(number, self.now, &values));
        }
        self.entra.loose.remove(&user);
        changes
    }

    /// The addresses of a soft-deleted mailbox that somebody else has by now, with who.
    pub(super) fn taken_addresses(&self, user: u32, number: u32) -> Vec<(String, String)> {
        let Some(mailbox) = self.exchange.mailbox(number) else { return Vec::new() };
        let values = mailbox.record.values(property::EMAIL_ADDRESSES);
        let values = values.map(|value| String::from_utf8_lossy(value).into_owned());
        let taken = values.filter_map(|value| {
            let parsed = ProxyAddress::parse(&value);
            let (holder, shown) =
                self.address_holder(parsed.address).filter(|_| parsed.is_smtp())?;
            (holder != Some(user)).then(|| (value.clone(), shown))
        });
        taken.collect()
    }
}

/// A list without these values, and the primary address that it has then.
pub(super) fn without(mut list: Vec<String>, taken: &[String]) -> Changes {
    list.retain(|value| !taken.iter().any(|taken| taken.eq_ignore_ascii_case(value)));
    let list = address::normalized(list);
    let primary = address::primary(list.iter().map(String::as_str)).map(str::to_owned);
    vec![
        (property::EMAIL_ADDRESSES, list),
        (property::WINDOWS_EMAIL_ADDRESS, primary.into_iter().collect()),
    ]
}

/// Who acts in the directory when Exchange Online does.
fn by_exchange() -> Initiator {
    Initiator::Application {
        name: "Office 365 Exchange Online".to_owned(),
        principal: "00000002-0000-0ff1-ce00-000000000000".to_owned(),
    }
}

fn named(call: &CmdletCall, parameter: &str) -> String {
    call.text(parameter).unwrap_or_default()
}

fn record_of(values: &Changes) -> Record {
    Record::from_sorted(
        values.iter().map(|(number, values)| (*number, values.iter().map(String::as_bytes))),
    )
}

/// All values of a record, as of something that was not there before.
fn as_new(record: &Record) -> Vec<Change> {
    let changes = record.attributes().map(|(attribute, values)| Change {
        attribute,
        old: Vec::new(),
        new: values.map(Into::into).collect(),
    });
    changes.collect()
}
