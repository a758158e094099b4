//! The cmdlets with which mailboxes are made, get an archive, are disabled, removed and brought back: what they take,
//! and what of them is Exchange Online's alone. What they do to users is the directory's (`crate::estate`).
//!
//! Sources: Microsoft Learn, "New-Mailbox", "Enable-Mailbox" (in Exchange Online for archives alone), "Disable-Mailbox",
//! "Remove-Mailbox", "Undo-SoftDeletedMailbox"; "Mail Recipient Creation role".

use super::beside::is_given;
use super::catalogue::{parameter, switch, with_common};
use super::set_mailbox::{check_address, check_upn};
use super::{CmdletError, Context, ErrorKind, SERVER, values};
use crate::caller::Role;
use crate::exchange::property;
use crate::exchange::{Changes, Mailbox, RecipientType, truth};
use crate::powershell::{CmdletCall, CmdletSpec, ParameterKind, ParameterSpec};
use crate::record::AttributeNumber;

/// The cmdlets, by name.
const NAMES: [&str; 5] = [
    "Disable-Mailbox",
    "Enable-Mailbox",
    "New-Mailbox",
    "Remove-Mailbox",
    "Undo-SoftDeletedMailbox",
];

/// The parameters of `New-Mailbox` that set a property, under their own names.
const VALUES: [&str; 21] = [
    "AddressBookPolicy",
    "Alias",
    "DisplayName",
    "EnableRoomMailboxAccount",
    "FirstName",
    "ImmutableId",
    "Initials",
    "LastName",
    "MailboxRegion",
    "MicrosoftOnlineServicesID",
    "ModeratedBy",
    "ModerationEnabled",
    "Name",
    "Office",
    "Phone",
    "PrimarySmtpAddress",
    "ResourceCapacity",
    "RetentionPolicy",
    "RoleAssignmentPolicy",
    "SendModerationNotifications",
    "SharingPolicy",
];

/// The documented spelling of one of these cmdlets.
#[must_use]
pub fn named(name: &str) -> Option<&'static str> {
    NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(name))
}

/// Whether a role may run one of them: an archive goes with recipients, a mailbox itself does not.
pub(super) fn may(role: Role, cmdlet: &str) -> bool {
    if makes(cmdlet) { role.may_make_recipients() } else { role.may_write_recipients() }
}

/// Whether a cmdlet makes mailboxes, removes them or brings them back.
#[must_use]
pub fn makes(cmdlet: &str) -> bool {
    named(cmdlet).is_some_and(|name| !matches!(name, "Enable-Mailbox" | "Disable-Mailbox"))
}

pub(super) fn catalogue() -> impl Iterator<Item = CmdletSpec> {
    NAMES.into_iter().map(|name| CmdletSpec { name, parameters: with_common(own(name)) })
}

fn own(cmdlet: &str) -> Vec<ParameterSpec> {
    let text = |name| parameter(name, ParameterKind::Text);
    match cmdlet {
        "New-Mailbox" => {
            let further = ["Archive", "Equipment", "Force", "Room", "Shared", "WhatIf"];
            let secrets = ["Password", "RoomMailboxPassword"].map(text);
            let reset = parameter("ResetPasswordOnNextLogon", ParameterKind::Boolean);
            let kind = |name| {
                let spec = property::of_parameter(name).and_then(property::spec);
                spec.map_or(ParameterKind::Text, |spec| spec.kind)
            };
            let values = VALUES.into_iter().map(|name| parameter(name, kind(name)));
            values.chain(further.map(switch)).chain(secrets).chain([reset]).collect()
        }
        "Enable-Mailbox" => {
            let texts = ["Identity", "ArchiveName", "RoleAssignmentPolicy"].map(text);
            let switches = ["Archive", "AutoExpandingArchive", "Force", "WhatIf"].map(switch);
            texts.into_iter().chain(switches).collect()
        }
        "Disable-Mailbox" => {
            let switches = ["Archive", "PermanentlyDisable", "WhatIf"].map(switch);
            [text("Identity")].into_iter().chain(switches).collect()
        }
        "Remove-Mailbox" => {
            let switches = ["Force", "Migration", "PermanentlyDelete", "PublicFolder", "WhatIf"];
            [text("Identity")].into_iter().chain(switches.map(switch)).collect()
        }
        _ => {
            let texts = ["SoftDeletedObject", "DisplayName", "Name", "Password", "WindowsLiveID"];
            let switches = ["PublicFolder", "WhatIf"].map(switch);
            texts.map(text).into_iter().chain(switches).collect()
        }
    }
}

/// A mailbox that is to be made, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMailbox {
    /// Its type.
    pub kind: RecipientType,
    /// The user principal name of its user.
    pub upn: String,
    /// Whether its user may sign in: shared mailboxes and those of resources have a disabled account.
    pub enabled: bool,
    /// Its values, without addresses.
    pub values: Changes,
    /// The primary SMTP address.
    pub primary: String,
}

/// What `New-Mailbox` comes to; `domain` is the tenant's default one.
///
/// # Errors
/// The service's refusal: what is missing, what does not go together, what somebody else has.
pub fn planned(
    context: &Context<'_>,
    call: &CmdletCall,
    domain: &str,
) -> Result<NewMailbox, CmdletError> {
    let name = call.text("Name").filter(|name| !name.trim().is_empty());
    let name = name.ok_or_else(|| CmdletError::missing("Name"))?;
    let kind = kind_of(call)?;
    let account = call.text("MicrosoftOnlineServicesID");
    let room_account = kind == RecipientType::Room && is_given(call, "EnableRoomMailboxAccount");
    if kind == RecipientType::User {
        for needed in ["MicrosoftOnlineServicesID", "Password"] {
            if call.text(needed).is_none() {
                return Err(CmdletError::missing(needed));
            }
        }
    }
    let mut values = given(context, call)?;
    let alias = match call.text("Alias") {
        Some(alias) => alias,
        None => alias_of(account.as_deref().and_then(|id| id.split('@').next()).unwrap_or(&name)),
    };
    check_names(context, &name, &alias)?;
    let upn = account.unwrap_or_else(|| format!("{alias}@{domain}"));
    check_upn(context.tenant, None, &upn)?;
    let primary = call.text("PrimarySmtpAddress").unwrap_or_else(|| upn.clone());
    for address in [&primary, &upn] {
        check_address(context, None, address)?;
    }
    let shown = call.text("DisplayName").unwrap_or_else(|| name.clone());
    for (property, value) in [
        (property::USER_PRINCIPAL_NAME, &upn),
        (property::DISPLAY_NAME, &shown),
        (property::ALIAS, &alias),
        (property::WINDOWS_EMAIL_ADDRESS, &primary),
    ] {
        put(&mut values, property, vec![value.clone()]);
    }
    values.sort_by_key(|(property, _)| *property);
    let enabled = kind == RecipientType::User || room_account;
    Ok(NewMailbox { kind, upn, enabled, values, primary })
}

fn put(values: &mut Changes, property: AttributeNumber, new: Vec<String>) {
    values.retain(|(known, _)| *known != property);
    values.push((property, new));
}

fn kind_of(call: &CmdletCall) -> Result<RecipientType, CmdletError> {
    let kinds = [
        ("Shared", RecipientType::Shared),
        ("Room", RecipientType::Room),
        ("Equipment", RecipientType::Equipment),
    ];
    let mut asked = kinds.into_iter().filter(|(name, _)| is_given(call, name));
    let kind = asked.next().map_or(RecipientType::User, |(_, kind)| kind);
    match asked.next() {
        None => Ok(kind),
        Some((name, _)) => Err(CmdletError::new(
            ErrorKind::ParameterSet,
            format!(
                "Parameter set cannot be resolved using the specified named parameters. Invalid cmdlet parameters specified. {name}"
            ),
        )),
    }
}

/// The values that are given, in the properties' own words.
fn given(context: &Context<'_>, call: &CmdletCall) -> Result<Changes, CmdletError> {
    let mut values: Changes = Vec::new();
    for (name, argument) in &call.parameters {
        if !VALUES.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            continue;
        }
        let Some(property) = property::of_parameter(name) else { continue };
        let new = values::read(context.tenant, property, argument)?.texts();
        let new: Vec<String> = new.into_iter().filter(|value| !value.is_empty()).collect();
        values::check_lengths(property, &new)?;
        put(&mut values, property, new);
    }
    Ok(values)
}

/// An alias out of a name: without blanks, with a question mark for what an alias cannot have (Microsoft Learn,
/// "New-Mailbox", parameter Alias).
fn alias_of(name: &str) -> String {
    const SIGNS: &str = "!#$%&'*+-/=?^_`{|}~.";
    let is_one = |c: char| c.is_ascii_alphanumeric() || SIGNS.contains(c);
    let kept = name.chars().filter(|c| !c.is_whitespace());
    let alias: String = kept.map(|c| if is_one(c) { c } else { '?' }).take(64).collect();
    alias.trim_matches('.').to_owned()
}

/// Neither the name nor the alias is another mailbox's.
fn check_names(context: &Context<'_>, name: &str, alias: &str) -> Result<(), CmdletError> {
    let is = |known: Option<&str>, wanted: &str| {
        known.is_some_and(|known| known.eq_ignore_ascii_case(wanted))
    };
    for other in context.tenant.mailboxes().iter().filter(|other| other.gone.is_none()) {
        if is(other.name(), name) {
            return Err(invalid(format!(
                "The name \"{name}\" is already being used. Please try another name."
            )));
        }
        if is(other.record.text(property::ALIAS), alias) {
            return Err(invalid(format!(
                "The value \"{alias}\" of property \"Alias\" is used by another recipient object. Please specify a unique value."
            )));
        }
    }
    Ok(())
}

/// Whether a mailbox that comes back may have this account.
///
/// # Errors
/// The service's refusal.
pub fn check_account(context: &Context<'_>, account: &str) -> Result<(), CmdletError> {
    check_upn(context.tenant, None, account)?;
    check_address(context, None, account)
}

/// A refusal by the state of things.
pub fn invalid(why: impl Into<String>) -> CmdletError {
    CmdletError::new(ErrorKind::InvalidOperation, why)
}

/// The values of a mailbox that gets an archive, or lets the one it has grow by itself.
///
/// # Errors
/// The service's refusal.
pub fn with_archive(mailbox: &Mailbox, call: &CmdletCall) -> Result<Changes, CmdletError> {
    let name = mailbox.record.text(property::DISPLAY_NAME).unwrap_or_default();
    let (archive, expanding) = (is_given(call, "Archive"), is_given(call, "AutoExpandingArchive"));
    let mut values: Changes = Vec::new();
    if !archive && !expanding {
        // A mailbox comes with a licence, not with this cmdlet.
        return Err(invalid(format!(
            "This task does not support recipients of this type. The specified recipient {name} is of type {}. Please make sure that this recipient matches the required recipient type for this task.",
            mailbox.kind.details()
        )));
    }
    if archive && mailbox.has_archive() {
        return Err(invalid(format!("The mailbox \"{name}\" already has an archive.")));
    }
    if expanding && !archive && !mailbox.has_archive() {
        return Err(invalid(format!(
            "The archive of the mailbox \"{name}\" isn't enabled: auto-expanding archiving needs one."
        )));
    }
    check_scope(mailbox, call, "Enable-Mailbox")?;
    if archive {
        let given = call.text("ArchiveName").filter(|name| !name.is_empty());
        let named = given.unwrap_or_else(|| format!("In-Place Archive -{name}"));
        values.extend(of("ArchiveName", vec![named]));
        values.extend(of("ArchiveGuid", vec![mailbox.guid("ArchiveGuid").to_string()]));
    }
    if expanding {
        values.extend(of("AutoExpandingArchiveEnabled", vec![truth(true).to_owned()]));
    }
    if let Some(policy) = call.text("RoleAssignmentPolicy") {
        values.extend(of("RoleAssignmentPolicy", vec![policy]));
    }
    for (property, new) in &values {
        values::check_lengths(*property, new)?;
    }
    values.sort_by_key(|(property, _)| *property);
    Ok(values)
}

/// The values of a mailbox whose archive goes.
///
/// # Errors
/// The service's refusal.
pub fn without_archive(mailbox: &Mailbox, call: &CmdletCall) -> Result<Changes, CmdletError> {
    if !mailbox.has_archive() {
        let name = mailbox.record.text(property::DISPLAY_NAME).unwrap_or_default();
        return Err(invalid(format!("The mailbox \"{name}\" doesn't have an archive.")));
    }
    check_scope(mailbox, call, "Disable-Mailbox")?;
    let names = ["ArchiveName", "ArchiveGuid", "AutoExpandingArchiveEnabled"];
    let mut values: Changes = names.into_iter().flat_map(|name| of(name, Vec::new())).collect();
    values.sort_by_key(|(property, _)| *property);
    Ok(values)
}

fn of(name: &str, values: Vec<String>) -> Option<(AttributeNumber, Vec<String>)> {
    Some((property::number(name)?, values))
}

/// An archive is AD's to say as long as the mailbox's Exchange attributes are.
fn check_scope(mailbox: &Mailbox, call: &CmdletCall, cmdlet: &str) -> Result<(), CmdletError> {
    if !mailbox.dir_synced || mailbox.cloud_managed {
        return Ok(());
    }
    let named = ["Archive", "ArchiveName", "AutoExpandingArchive"];
    let given: Vec<&str> =
        named.into_iter().filter(|name| call.parameter(name).is_some()).collect();
    Err(CmdletError::out_of_write_scope(mailbox, cmdlet, &given.join(",")))
}

/// The mailbox that a cmdlet names: one that is there, with its number.
///
/// # Errors
/// [`ErrorKind::NotFound`], also for the mailboxes of public folders and migrations, which are not here.
pub fn find<'c>(
    context: &'c Context<'_>,
    call: &CmdletCall,
) -> Result<(u32, &'c Mailbox), CmdletError> {
    let identity = call.text("Identity").ok_or_else(|| CmdletError::missing("Identity"))?;
    let special = ["PublicFolder", "Migration"].iter().any(|name| is_given(call, name));
    let tenant = &*context.tenant;
    let found = tenant.find(&identity).filter(|_| !special);
    let found = found.and_then(|number| Some((number, tenant.mailbox(number)?)));
    found.ok_or_else(|| CmdletError::not_found(&identity, SERVER))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an alias cannot have becomes a question mark, and blanks go.
    #[test]
    fn an_alias_is_made_out_of_a_name() {
        for (name, alias) in
            [("Sales Team", "SalesTeam"), ("Café", "Caf?"), (".a.b.", "a.b"), ("o'neil", "o'neil")]
        {
            assert_eq!(alias_of(name), alias);
        }
    }

    /// Only who makes recipients makes and removes mailboxes; a help desk may give an archive.
    #[test]
    fn a_help_desk_makes_no_mailboxes() {
        assert!(!may(Role::Helpdesk, "New-Mailbox") && may(Role::Helpdesk, "Enable-Mailbox"));
        assert!(may(Role::ExchangeAdministrator, "Undo-SoftDeletedMailbox"));
        assert!(makes("remove-mailbox") && !makes("Disable-Mailbox") && !makes("Set-Mailbox"));
    }
}
