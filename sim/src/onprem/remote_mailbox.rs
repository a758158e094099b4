//! `Set-RemoteMailbox`: edits the AD object of a mailbox that is in the cloud.

use super::{Current, OnPremError, parameter, replace};
use crate::directory::request::Change;
use crate::exchange::RecipientType;
use crate::exchange::address;
use crate::exchange::property::{Bucket, PROPERTIES};
use crate::powershell::{Argument, CmdletCall, ParameterKind, ParameterSpec};

pub(super) fn parameters() -> Vec<ParameterSpec> {
    let mut parameters = vec![
        parameter("Identity", ParameterKind::Text),
        parameter("Type", ParameterKind::OneOf(&["Regular", "Shared", "Room", "Equipment"])),
        parameter("PrimarySmtpAddress", ParameterKind::Text),
    ];
    parameters.extend(
        PROPERTIES
            .iter()
            .filter(|p| p.ad.is_some() && !p.user_facet && p.name != "Office")
            .map(|p| parameter(p.name, p.kind)),
    );
    parameters
}

pub(super) fn changes(call: &CmdletCall, current: Current<'_>) -> Result<Vec<Change>, OnPremError> {
    let mut changes = Vec::new();
    let mut addresses: Option<Vec<String>> = None;
    for (name, argument) in &call.parameters {
        if name.eq_ignore_ascii_case("Identity") {
            continue;
        }
        if name.eq_ignore_ascii_case("Type") {
            changes.extend(type_changes(argument)?);
        } else if name.eq_ignore_ascii_case("EmailAddresses") {
            let edited = edited(argument, addresses.unwrap_or_else(|| current("proxyAddresses")));
            addresses = Some(address::normalized(edited));
        } else if name.eq_ignore_ascii_case("PrimarySmtpAddress")
            || name.eq_ignore_ascii_case("WindowsEmailAddress")
        {
            let primary = argument.texts().into_iter().next().unwrap_or_default();
            let list = addresses.unwrap_or_else(|| current("proxyAddresses"));
            addresses = Some(address::with_primary(list, &primary));
        } else if let Some(spec) =
            PROPERTIES.iter().find(|p| p.name.eq_ignore_ascii_case(name) && p.ad.is_some())
        {
            let attribute = spec.ad.unwrap_or_default();
            let values = match argument {
                Argument::Hashtable(_) => edited(argument, current(attribute)),
                Argument::Boolean(value) => {
                    vec![if *value { "TRUE" } else { "FALSE" }.to_owned()]
                }
                _ => argument.texts(),
            };
            debug_assert!(spec.bucket != Bucket::MailboxOnly, "mailbox settings are not in AD");
            changes.push(replace(attribute, without_empty(values)));
        }
    }
    if let Some(list) = addresses {
        let primary = address::primary(list.iter().map(String::as_str)).map(str::to_owned);
        changes.push(replace("mail", primary.into_iter().collect()));
        changes.push(replace("proxyAddresses", list));
    }
    Ok(changes)
}

/// The three numbers that tell the type; a remote mailbox that was migrated keeps that mark.
fn type_changes(argument: &Argument) -> Result<Vec<Change>, OnPremError> {
    let text = argument.texts().into_iter().next().unwrap_or_default();
    let kind = RecipientType::by_parameter(&text).ok_or_else(|| OnPremError::WrongValue {
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
