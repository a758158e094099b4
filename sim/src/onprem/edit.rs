//! Edits of a mailbox's object in AD: what `Set-RemoteMailbox` and the server's own `Set-Mailbox` have in
//! common.
//!
//! Source: Microsoft Learn, "Set-RemoteMailbox" and "Set-Mailbox" (on-premises Exchange).

use super::recipient::{self, Kind};
use super::{Directory, OnPremError, parameter, replace};
use crate::directory::request::Change;
use crate::exchange::address::{self, ProxyAddress};
use crate::exchange::property::{Bucket, Form, PROPERTIES, PropertySpec};
use crate::exchange::{RecipientType, spelling};
use crate::powershell::{Argument, CmdletCall, ParameterKind, ParameterSpec};

/// Properties beyond the written-back ones that both cmdlets set.
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

/// Those that the server sets of its own mailboxes alone.
pub(super) const OF_THE_SERVER: [&str; 6] = [
    "ForwardingAddress",
    "Office",
    "ResourceCapacity",
    "ResourceCustom",
    "RetentionComment",
    "RetentionUrl",
];

/// The parameters, with those that set `further` properties.
pub(super) fn parameters(further: &[&str]) -> Vec<ParameterSpec> {
    let mut parameters = vec![
        parameter("Identity", ParameterKind::Text),
        parameter("DomainController", ParameterKind::Text),
        parameter("Type", ParameterKind::OneOf(&["Regular", "Shared", "Room", "Equipment"])),
        parameter("PrimarySmtpAddress", ParameterKind::Text),
        parameter("SamAccountName", ParameterKind::Text),
        parameter("EmailAddressPolicyEnabled", ParameterKind::Boolean),
    ];
    let settable =
        PROPERTIES.iter().filter(|spec| is_settable(spec) || further.contains(&spec.name));
    parameters.extend(settable.map(|spec| parameter(spec.name, spec.kind)));
    parameters
}

fn is_settable(spec: &PropertySpec) -> bool {
    spec.bucket == Bucket::WrittenBack || OTHERS.contains(&spec.name)
}

/// What a call changes of the object, of which `kind` says where its mailbox is.
pub(super) fn changes(
    call: &CmdletCall,
    directory: &Directory<'_>,
    kind: fn(RecipientType) -> Kind,
) -> Result<Vec<Change>, OnPremError> {
    let current = directory.current;
    let mut changes = Vec::new();
    let mut addresses: Option<Vec<String>> = None;
    for (name, argument) in &call.parameters {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let mut list = || addresses.take().unwrap_or_else(|| current("proxyAddresses"));
        let first = || argument.texts().into_iter().next().unwrap_or_default();
        if is("Type") {
            changes.extend(type_changes(argument, kind)?);
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
        } else if let Some(spec) = PROPERTIES.iter().find(|p| is(p.name)) {
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

/// The numbers that tell the type; a remote mailbox has one more, and keeps the mark of a migration.
fn type_changes(
    argument: &Argument,
    kind: fn(RecipientType) -> Kind,
) -> Result<Vec<Change>, OnPremError> {
    let text = argument.texts().into_iter().next().unwrap_or_default();
    let known = RecipientType::by_parameter(&text).filter(|kind| kind.is_known_on_premises());
    let wanted = known.ok_or_else(|| OnPremError::WrongValue {
        parameter: "Type".to_owned(),
        problem: format!("`{text}` is none of Regular, Shared, Room, Equipment"),
    })?;
    let kind = kind(wanted);
    let (details, display) = kind.numbers();
    let mut changes = vec![
        replace("msExchRecipientTypeDetails", vec![details.to_owned()]),
        replace("msExchRecipientDisplayType", vec![display.to_owned()]),
    ];
    if let Kind::Remote(_) = kind {
        let (_, _, remote) = wanted.remote_numbers();
        changes.push(replace("msExchRemoteRecipientType", vec![remote.to_owned()]));
    }
    Ok(changes)
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
