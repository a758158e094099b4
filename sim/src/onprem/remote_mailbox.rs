//! Remote mailboxes: the AD objects of mailboxes that are in the cloud, made, enabled, edited and taken
//! apart.
//!
//! Source: Microsoft Learn, "New-RemoteMailbox", "Enable-RemoteMailbox", "Set-RemoteMailbox",
//! "Get-RemoteMailbox", "Disable-RemoteMailbox", "Remove-RemoteMailbox"; the numbers of
//! `msExchRemoteRecipientType`: "Filterable properties for the Filter parameter on Exchange cmdlets".

use super::recipient::{self, Kind};
use super::{About, Act, Cmdlet, Directory, OnPremError, all, cmdlet, given, parameter, replace};
use crate::directory::request::Change;
use crate::exchange::address::{self, ProxyAddress};
use crate::exchange::property::{Bucket, Form, PROPERTIES, PropertySpec};
use crate::exchange::{RecipientType, spelling};
use crate::powershell::{Argument, CmdletCall, ParameterKind, ParameterSpec};

/// Properties beyond the written-back ones that the cmdlet sets.
const OTHERS: [&str; 16] = [
    "AcceptMessagesOnlyFrom",
    "AcceptMessagesOnlyFromDLMembers",
    "Alias",
    "ArchiveName",
    "DisplayName",
    "GrantSendOnBehalfTo",
    "HiddenFromAddressListsEnabled",
    "MailTip",
    "MailTipTranslations",
    "ModeratedBy",
    "ModerationEnabled",
    "RejectMessagesFrom",
    "RejectMessagesFromDLMembers",
    "RequireSenderAuthenticationEnabled",
    "SendModerationNotifications",
    "UserPrincipalName",
];

pub(super) const CMDLETS: &[Cmdlet] = &[
    cmdlet("Set-RemoteMailbox", About::Object, parameters, |call, directory| {
        need_remote(directory)?;
        Ok(directory.modify(changes(call, directory)?))
    }),
    cmdlet("New-RemoteMailbox", About::Nothing, new_parameters, new),
    cmdlet("Enable-RemoteMailbox", About::Object, enable_parameters, enable),
    cmdlet("Disable-RemoteMailbox", About::Object, disable_parameters, disable),
    cmdlet("Remove-RemoteMailbox", About::Object, remove_parameters, |_, directory| {
        need_remote(directory)?;
        Ok(recipient::delete(directory))
    }),
    cmdlet("Get-RemoteMailbox", About::Object, get_parameters, |_, directory| {
        need_remote(directory)?;
        Ok(Act::Show(&recipient::SHOWN))
    }),
];

fn get_parameters() -> Vec<ParameterSpec> {
    vec![parameter("Identity", ParameterKind::Text)]
}

fn remove_parameters() -> Vec<ParameterSpec> {
    vec![parameter("Identity", ParameterKind::Text), parameter("Confirm", ParameterKind::Boolean)]
}

fn disable_parameters() -> Vec<ParameterSpec> {
    let mut parameters = remove_parameters();
    parameters.push(parameter("Archive", ParameterKind::Switch));
    parameters
}

/// What says the type of a mailbox that is made.
const TYPES: [&str; 4] = ["Room", "Equipment", "Shared", "Archive"];

fn new_parameters() -> Vec<ParameterSpec> {
    let mut parameters = recipient::new_parameters();
    parameters.push(parameter("RemoteRoutingAddress", ParameterKind::Text));
    parameters.extend(all(ParameterKind::Switch, &TYPES));
    parameters
}

fn enable_parameters() -> Vec<ParameterSpec> {
    let mut parameters = recipient::enable_parameters();
    parameters.push(parameter("RemoteRoutingAddress", ParameterKind::Text));
    parameters.extend(all(ParameterKind::Switch, &TYPES));
    parameters
}

/// The type that the switches say; its bits in `msExchRemoteRecipientType` say that it was born in the
/// cloud.
fn kind(call: &CmdletCall) -> Result<(Kind, u32), OnPremError> {
    let types: Vec<&str> = TYPES[..3].iter().copied().filter(|name| given(call, name)).collect();
    let archive = if given(call, "Archive") { PROVISION_ARCHIVE } else { 0 };
    let (kind, remote) = match types.as_slice() {
        [] => (RecipientType::User, PROVISION_MAILBOX),
        ["Room"] => (RecipientType::Room, PROVISION_MAILBOX | 32),
        ["Equipment"] => (RecipientType::Equipment, PROVISION_MAILBOX | 64),
        ["Shared"] => (RecipientType::Shared, PROVISION_MAILBOX | 96),
        several => {
            return Err(OnPremError::WrongValue {
                parameter: several.join(", "),
                problem: "a mailbox has one type".to_owned(),
            });
        }
    };
    Ok((Kind::Remote(kind), remote | archive))
}

/// The bits of `msExchRemoteRecipientType` for what the cloud is to make.
const PROVISION_MAILBOX: u32 = 1;
const PROVISION_ARCHIVE: u32 = 2;
/// The bit for an archive that is to go.
const DEPROVISION_ARCHIVE: u32 = 16;

fn new(call: &CmdletCall, directory: &Directory<'_>) -> Result<Act, OnPremError> {
    let (kind, remote) = kind(call)?;
    recipient::new(call, directory, kind, &[("msExchRemoteRecipientType", remote.to_string())])
}

fn enable(call: &CmdletCall, directory: &Directory<'_>) -> Result<Act, OnPremError> {
    let (kind, remote) = kind(call)?;
    if given(call, "Archive") && is_remote(directory) {
        let now = remote_bits(directory) & !DEPROVISION_ARCHIVE | PROVISION_ARCHIVE;
        let name = directory.first("displayName").unwrap_or_default();
        return Ok(directory.modify(vec![
            replace("msExchRemoteRecipientType", vec![now.to_string()]),
            replace("msExchArchiveName", vec![format!("In-Place Archive -{name}")]),
        ]));
    }
    recipient::enable(call, directory, kind, &[("msExchRemoteRecipientType", remote.to_string())])
}

fn disable(call: &CmdletCall, directory: &Directory<'_>) -> Result<Act, OnPremError> {
    need_remote(directory)?;
    if !given(call, "Archive") {
        return Ok(recipient::disable(directory));
    }
    let bits = remote_bits(directory);
    if bits & PROVISION_ARCHIVE == 0 {
        return Err(OnPremError::InvalidOperation("the mailbox has no archive".to_owned()));
    }
    let now = bits & !PROVISION_ARCHIVE | DEPROVISION_ARCHIVE;
    Ok(directory.modify(vec![
        replace("msExchRemoteRecipientType", vec![now.to_string()]),
        replace("msExchArchiveName", Vec::new()),
    ]))
}

fn remote_bits(directory: &Directory<'_>) -> u32 {
    let bits = directory.first("msExchRemoteRecipientType");
    bits.and_then(|bits| bits.parse().ok()).unwrap_or(0)
}

fn is_remote(directory: &Directory<'_>) -> bool {
    let details = directory.first("msExchRecipientTypeDetails").unwrap_or_default();
    [RecipientType::User, RecipientType::Shared, RecipientType::Room, RecipientType::Equipment]
        .iter()
        .any(|kind| kind.remote_numbers().0 == details)
}

/// Goes on when the object is a remote mailbox.
fn need_remote(directory: &Directory<'_>) -> Result<(), OnPremError> {
    if is_remote(directory) { Ok(()) } else { Err(recipient::wrong_type("a remote mailbox")) }
}

fn parameters() -> Vec<ParameterSpec> {
    let mut parameters = vec![
        parameter("Identity", ParameterKind::Text),
        parameter("DomainController", ParameterKind::Text),
        parameter("Type", ParameterKind::OneOf(&["Regular", "Shared", "Room", "Equipment"])),
        parameter("PrimarySmtpAddress", ParameterKind::Text),
        parameter("RemoteRoutingAddress", ParameterKind::Text),
        parameter("SamAccountName", ParameterKind::Text),
        parameter("EmailAddressPolicyEnabled", ParameterKind::Boolean),
    ];
    let settable = PROPERTIES.iter().filter(|spec| is_settable(spec));
    parameters.extend(settable.map(|spec| parameter(spec.name, spec.kind)));
    parameters
}

fn is_settable(spec: &PropertySpec) -> bool {
    spec.bucket == Bucket::WrittenBack || OTHERS.contains(&spec.name)
}

fn changes(call: &CmdletCall, directory: &Directory<'_>) -> Result<Vec<Change>, OnPremError> {
    let current = directory.current;
    let mut changes = Vec::new();
    let mut addresses: Option<Vec<String>> = None;
    for (name, argument) in &call.parameters {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let mut list = || addresses.take().unwrap_or_else(|| current("proxyAddresses"));
        let first = || argument.texts().into_iter().next().unwrap_or_default();
        if is("Type") {
            changes.extend(type_changes(argument)?);
        } else if is("EmailAddresses") {
            addresses = Some(address::normalized(edited(argument, list())));
        } else if is("PrimarySmtpAddress") || is("WindowsEmailAddress") {
            addresses = Some(address::with_primary(list(), &first()));
        } else if is("RemoteRoutingAddress") {
            let target = ProxyAddress::parse(&first()).address.to_owned();
            let secondary = Argument::Text(format!("smtp:{target}"));
            let add = Argument::Hashtable(vec![("Add".to_owned(), secondary)]);
            addresses = Some(address::normalized(edited(&add, list())));
            changes.push(replace("targetAddress", vec![format!("SMTP:{target}")]));
        } else if is("SamAccountName") {
            changes.push(replace("sAMAccountName", without_empty(argument.texts())));
        } else if is("EmailAddressPolicyEnabled") {
            let excluded = argument.boolean() == Some(false);
            let value = excluded.then(|| recipient::NO_ADDRESS_POLICY.to_owned());
            changes.push(replace("msExchPoliciesExcluded", value.into_iter().collect()));
        } else if let Some(spec) = PROPERTIES.iter().find(|p| is(p.name) && is_settable(p)) {
            changes.push(property_change(spec, argument, directory)?);
        }
    }
    if let Some(list) = addresses {
        let primary = address::primary(list.iter().map(String::as_str)).map(str::to_owned);
        changes.push(replace("mail", primary.into_iter().collect()));
        changes.push(replace("proxyAddresses", list));
    }
    Ok(changes)
}

fn property_change(
    spec: &PropertySpec,
    argument: &Argument,
    directory: &Directory<'_>,
) -> Result<Change, OnPremError> {
    let attribute = spec.ad.unwrap_or_default();
    let current = (directory.current)(attribute);
    let values = if spec.form == Form::Reference {
        references(argument, current, directory)?
    } else {
        let shown = spelling::in_cloud(spec.form, current.clone());
        spelling::in_ad(spec.form, without_empty(edited(argument, shown)), current)
    };
    Ok(replace(attribute, values))
}

/// The distinguished names that a reference is to have.
fn references(
    argument: &Argument,
    current: Vec<String>,
    directory: &Directory<'_>,
) -> Result<Vec<String>, OnPremError> {
    let Argument::Hashtable(members) = argument else {
        return directory.dns(&without_empty(argument.texts()));
    };
    let mut resolved = Vec::with_capacity(members.len());
    for (name, value) in members {
        let names = directory.dns(&value.texts())?.into_iter().map(Argument::Text).collect();
        resolved.push((name.clone(), Argument::Array(names)));
    }
    Ok(edited(&Argument::Hashtable(resolved), current))
}

/// The three numbers that tell the type; a remote mailbox that was migrated keeps that mark.
fn type_changes(argument: &Argument) -> Result<Vec<Change>, OnPremError> {
    let text = argument.texts().into_iter().next().unwrap_or_default();
    let known = RecipientType::by_parameter(&text).filter(|kind| kind.is_known_on_premises());
    let kind = known.ok_or_else(|| OnPremError::WrongValue {
        parameter: "Type".to_owned(),
        problem: format!("`{text}` is none of Regular, Shared, Room, Equipment"),
    })?;
    let (details, display, remote) = kind.remote_numbers();
    Ok(vec![
        replace("msExchRecipientTypeDetails", vec![details.to_owned()]),
        replace("msExchRecipientDisplayType", vec![display.to_owned()]),
        replace("msExchRemoteRecipientType", vec![remote.to_owned()]),
    ])
}

/// `@{Add=...; Remove=...}` edits the current values, anything else replaces them.
fn edited(argument: &Argument, current: Vec<String>) -> Vec<String> {
    let Argument::Hashtable(_) = argument else { return argument.texts() };
    let remove = argument.member("Remove").map(Argument::texts).unwrap_or_default();
    let add = argument.member("Add").map(Argument::texts).unwrap_or_default();
    let mut values: Vec<String> = current
        .into_iter()
        .filter(|have| !remove.iter().any(|gone| gone.eq_ignore_ascii_case(have)))
        .collect();
    if add.iter().any(|value| value.starts_with("SMTP:")) {
        for value in values.iter_mut().filter(|value| value.starts_with("SMTP:")) {
            value.replace_range(..4, "smtp");
        }
    }
    for value in add {
        if !values.contains(&value) {
            values.retain(|have| !have.eq_ignore_ascii_case(&value));
            values.push(value);
        }
    }
    values
}

fn without_empty(values: Vec<String>) -> Vec<String> {
    values.into_iter().filter(|value| !value.is_empty()).collect()
}
