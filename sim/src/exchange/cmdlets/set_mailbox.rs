//! `Set-Mailbox`, `Set-MailUser` and `Set-User`: who may, what the write scope allows, which values are taken.
//!
//! Sources: Microsoft Learn, "Set-Mailbox", "Set-MailUser" and "Set-User"; Exchange Team Blog 2025-08-20 (identity
//! attributes stay read-only, `-Type` is allowed in every state).

use super::{CmdletError, Context, Effect, ErrorKind, Output, Rows, SERVER, beside, known, values};
use crate::caller::Role;
use crate::exchange::address::{self, ProxyAddress};
use crate::exchange::property::{self, Bucket};
use crate::exchange::{Changes, ExchangeOnline, Mailbox, RecipientType};
use crate::powershell::{Argument, CmdletCall};
use crate::record::AttributeNumber;

/// `Some` when the role may run the call.
pub(super) fn check_role(role: Role, call: &CmdletCall) -> Option<()> {
    let flag = call.parameter("IsExchangeCloudManaged").is_some();
    let others = call.parameters.iter().any(|(name, _)| is_recipient_parameter(name));
    ((!flag || role.may_set_flag())
        && (!others || role.may_write_recipients())
        && (flag || others || role.may_write_recipients()))
    .then_some(())
}

fn is_recipient_parameter(name: &str) -> bool {
    name.eq_ignore_ascii_case("Type")
        || property::of_parameter(name).is_some()
        || beside::is_one(name)
}

pub(super) fn run(
    context: &mut Context<'_>,
    call: &CmdletCall,
    cmdlet: &str,
) -> Result<Output, CmdletError> {
    let identity = call.text("Identity").ok_or_else(|| CmdletError::missing("Identity"))?;
    let number = beside::find(context, call, &identity)
        .filter(|number| context.tenant.mailbox(*number).is_some_and(|m| is_for(cmdlet, m)))
        .ok_or_else(|| CmdletError::not_found(&identity, SERVER))?;
    let mut wanted = Wanted::read(call)?;
    // What shows only later counts only then.
    let later = wanted.flag.take_if(|_| !context.profile.forward_delay.is_zero());
    let mailbox =
        context.tenant.mailbox(number).ok_or_else(|| CmdletError::not_found(&identity, SERVER))?;
    check_write_scope(mailbox, &wanted, call, cmdlet)?;
    let mut values = new_values(context, number, mailbox, call)?;
    beside::add(context, mailbox, call, &mut values)?;
    if call.parameter("WhatIf").is_some_and(|what_if| what_if.boolean() == Some(true)) {
        return Ok(Output::rows(Rows::None));
    }
    let mut output = Output::rows(Rows::None);
    let silent_no_op = context.profile.is_on("flag_role_noop")
        && context.caller.role == Role::ExchangeAdministrator;
    let mut changes = Vec::new();
    if let Some(flag) = wanted.flag.filter(|_| !silent_no_op) {
        if context.tenant.mailbox(number).is_some_and(|m| m.dir_synced) {
            changes.extend(context.tenant.set_flag(number, context.now, flag));
        } else {
            output.warnings.push(NOT_SYNCED.to_owned());
        }
    }
    if let Some(kind) = wanted.kind {
        changes.extend(context.tenant.set_kind(number, context.now, kind));
    }
    changes.extend(context.tenant.apply(number, context.now, &values));
    let differs = |flag: &bool| {
        let mailbox = context.tenant.mailbox(number);
        mailbox.is_some_and(|mailbox| mailbox.dir_synced && mailbox.cloud_managed != *flag)
    };
    output.flag_on_its_way =
        later.filter(|_| !silent_no_op).filter(differs).map(|flag| (number, flag));
    if changes.is_empty() && output.flag_on_its_way.is_some() {
        return Ok(output);
    }
    if changes.is_empty() {
        output.warnings.push(format!(
            "The command completed successfully but no settings of '{identity}' have been modified."
        ));
    } else {
        output.effect = Some(Effect { mailbox: number, changes });
    }
    Ok(output)
}

/// Whether a recipient is one that the cmdlet changes.
fn is_for(cmdlet: &str, recipient: &Mailbox) -> bool {
    match cmdlet {
        "Set-Mailbox" => recipient.kind.is_mailbox(),
        "Set-MailUser" => !recipient.kind.is_mailbox(),
        _ => true,
    }
}

const NOT_SYNCED: &str = "IsExchangeCloudManaged has no meaning for a mailbox that is not synchronized from an on-premises directory.";

/// What is asked for beside values.
struct Wanted {
    flag: Option<bool>,
    kind: Option<RecipientType>,
}

impl Wanted {
    fn read(call: &CmdletCall) -> Result<Self, CmdletError> {
        let flag = call
            .parameter("IsExchangeCloudManaged")
            .map(|value| {
                value
                    .boolean()
                    .ok_or_else(|| wrong_value("IsExchangeCloudManaged", value, "System.Boolean"))
            })
            .transpose()?;
        let kind = call
            .parameter("Type")
            .map(|value| {
                let text = value.texts().into_iter().next().unwrap_or_default();
                RecipientType::by_parameter(&text).ok_or_else(|| {
                    wrong_value(
                        "Type",
                        value,
                        "Microsoft.Exchange.Data.Directory.Recipient.ConvertibleMailboxSubType",
                    )
                })
            })
            .transpose()?;
        Ok(Self { flag, kind })
    }
}

pub(super) fn wrong_value(parameter: &str, value: &Argument, kind: &str) -> CmdletError {
    let given = value.texts().join(",");
    CmdletError::new(
        ErrorKind::ParameterValue,
        format!(
            "Cannot process argument transformation on parameter '{parameter}'. Cannot convert value \"{given}\" to type \"{kind}\"."
        ),
    )
}

/// Refuses all parameters together whose authority is on-premises. The flag of the same call counts
/// already: both are in one parameter set.
fn check_write_scope(
    mailbox: &Mailbox,
    wanted: &Wanted,
    call: &CmdletCall,
    cmdlet: &str,
) -> Result<(), CmdletError> {
    if !mailbox.dir_synced {
        return Ok(());
    }
    let cloud_managed = wanted.flag.unwrap_or(mailbox.cloud_managed);
    let offending: Vec<&str> = call
        .parameters
        .iter()
        .filter_map(|(name, _)| {
            let bucket = match property::of_parameter(name).and_then(property::spec) {
                Some(spec) => spec.bucket,
                None => beside::bucket(name)?,
            };
            let is_onprem = match bucket {
                Bucket::Identity => true,
                Bucket::WrittenBack | Bucket::CloudOnlyCopy => !cloud_managed,
                Bucket::MailboxOnly => false,
            };
            is_onprem.then(|| spelling_of(cmdlet, name)).flatten()
        })
        .collect();
    if offending.is_empty() {
        return Ok(());
    }
    Err(CmdletError::out_of_write_scope(mailbox, cmdlet, &offending.join(",")))
}

/// A parameter as it is documented.
fn spelling_of(cmdlet: &str, parameter: &str) -> Option<&'static str> {
    known::named(cmdlet)?.parameter(parameter).map(|parameter| parameter.name)
}

fn new_values(
    context: &Context<'_>,
    number: u32,
    mailbox: &Mailbox,
    call: &CmdletCall,
) -> Result<Changes, CmdletError> {
    let tenant = &*context.tenant;
    let mut new_values: Changes = Vec::new();
    for (name, argument) in &call.parameters {
        let Some(property) = property::of_parameter(name) else { continue };
        let argument = &values::read(tenant, property, argument)?;
        let new = match property {
            property::EMAIL_ADDRESSES => addresses(mailbox, argument)?,
            _ => collection(mailbox, property, argument),
        };
        let new: Vec<String> = new.into_iter().filter(|value| !value.is_empty()).collect();
        values::check_lengths(property, &new)?;
        new_values.push((property, new));
    }
    check_alias(mailbox, &new_values)?;
    join_addresses(mailbox, &mut new_values)?;
    if context.profile.is_on("upn_adds_proxy") {
        keep_upn(context.tenant, number, mailbox, &mut new_values);
    }
    let tenant = &*context.tenant;
    new_values.sort_by_key(|(property, _)| *property);
    new_values.dedup_by_key(|(property, _)| *property);
    if let Some((_, addresses)) = new_values.iter().find(|(p, _)| *p == property::EMAIL_ADDRESSES) {
        check_addresses(context, number, mailbox, addresses)?;
    }
    if let Some((_, upn)) = new_values.iter().find(|(p, _)| *p == property::USER_PRINCIPAL_NAME) {
        check_upn(tenant, Some(number), upn.first().map_or("", String::as_str))?;
    }
    Ok(new_values)
}

/// The addresses that are asked for: one SMTP address at least, and one primary.
fn addresses(mailbox: &Mailbox, argument: &Argument) -> Result<Vec<String>, CmdletError> {
    let invalid = |why: &str| CmdletError::new(ErrorKind::InvalidSmtpAddress, why);
    let list = collection(mailbox, property::EMAIL_ADDRESSES, argument);
    let primaries = list.iter().filter(|value| ProxyAddress::parse(value).is_primary()).count();
    if primaries > 1 && !matches!(argument, Argument::Hashtable(_)) {
        return Err(invalid(
            "The address collection contains more than one primary address of the type SMTP.",
        ));
    }
    let list = address::normalized(list);
    if list.iter().any(|value| ProxyAddress::parse(value).is_smtp()) {
        Ok(list)
    } else {
        Err(invalid("The recipient must have a primary SMTP address."))
    }
}

/// An alias is never empty, and has no ampersand while it is synchronized.
fn check_alias(mailbox: &Mailbox, values: &Changes) -> Result<(), CmdletError> {
    let Some((_, alias)) = values.iter().find(|(property, _)| *property == property::ALIAS) else {
        return Ok(());
    };
    let is_wrong =
        alias.is_empty() || (mailbox.dir_synced && alias.iter().any(|a| a.contains('&')));
    if !is_wrong {
        return Ok(());
    }
    let given = alias.concat();
    Err(CmdletError::new(
        ErrorKind::ParameterValue,
        format!(
            "The value \"{given}\" of property \"Alias\" is used by another recipient object, is empty, or contains characters that an alias cannot have."
        ),
    ))
}

/// The user principal name stays one of the addresses (switch `upn_adds_proxy`), unless somebody else has it.
fn keep_upn(tenant: &ExchangeOnline, number: u32, mailbox: &Mailbox, values: &mut Changes) {
    if !values.iter().any(|(property, _)| *property == property::EMAIL_ADDRESSES) {
        return;
    }
    let given = values.iter().find(|(property, _)| *property == property::USER_PRINCIPAL_NAME);
    let upn = match given {
        Some((_, upn)) => upn.first().map(String::as_str),
        None => mailbox.record.text(property::USER_PRINCIPAL_NAME),
    };
    let Some(upn) = upn.map(str::to_owned) else { return };
    let domain = upn.rsplit_once('@').map_or("", |(_, domain)| domain);
    let is_accepted = tenant.accepted_domains.iter().any(|d| d.eq_ignore_ascii_case(domain));
    if !is_accepted || tenant.owner(&upn).is_some_and(|owner| owner != number) {
        return;
    }
    let list = values.iter_mut().find(|(property, _)| *property == property::EMAIL_ADDRESSES);
    if let Some((_, list)) = list
        && !list.iter().any(|have| ProxyAddress::parse(have).address.eq_ignore_ascii_case(&upn))
    {
        list.push(format!("smtp:{upn}"));
    }
}

/// The values a parameter asks for: a hashtable adds and removes, anything else replaces.
fn collection(mailbox: &Mailbox, property: AttributeNumber, argument: &Argument) -> Vec<String> {
    let Argument::Hashtable(members) = argument else { return argument.texts() };
    let add = argument.member("Add").map(Argument::texts).unwrap_or_default();
    let remove = argument.member("Remove").map(Argument::texts).unwrap_or_default();
    if members.iter().all(|(name, _)| name.starts_with('@')) {
        return Vec::new();
    }
    let same = |a: &str, b: &str| {
        if property == property::EMAIL_ADDRESSES {
            let (a, b) = (ProxyAddress::parse(a), ProxyAddress::parse(b));
            a.kind.eq_ignore_ascii_case(b.kind) && a.address.eq_ignore_ascii_case(b.address)
        } else {
            a.eq_ignore_ascii_case(b)
        }
    };
    let mut values: Vec<String> = mailbox
        .record
        .values(property)
        .map(|value| String::from_utf8_lossy(value).into_owned())
        .filter(|have| !remove.iter().any(|gone| same(gone, have)))
        .collect();
    for value in add {
        let primary = property == property::EMAIL_ADDRESSES && value.starts_with("SMTP:");
        if primary {
            demote(&mut values);
        }
        match values.iter_mut().find(|have| same(have, &value)) {
            Some(have) if primary => *have = value,
            Some(_) => {}
            None => values.push(value),
        }
    }
    values
}

fn demote(values: &mut [String]) {
    for value in values {
        if value.starts_with("SMTP:") {
            value.replace_range(..4, "smtp");
        }
    }
}

/// `WindowsEmailAddress` and the primary SMTP address are one thing: whichever is given moves both.
fn join_addresses(mailbox: &Mailbox, values: &mut Changes) -> Result<(), CmdletError> {
    let given = |property| values.iter().find(|(p, _)| *p == property).map(|(_, v)| v.clone());
    let windows = given(property::WINDOWS_EMAIL_ADDRESS);
    let addresses = given(property::EMAIL_ADDRESSES);
    let stored = || {
        mailbox
            .record
            .values(property::EMAIL_ADDRESSES)
            .map(|value| String::from_utf8_lossy(value).into_owned())
            .collect::<Vec<_>>()
    };
    let joined = match (windows.and_then(|w| w.into_iter().next()), addresses) {
        (Some(windows), addresses) => {
            if !address::is_well_formed(&windows) {
                return Err(not_smtp(&windows));
            }
            address::with_primary(addresses.unwrap_or_else(stored), &windows)
        }
        (None, Some(addresses)) => addresses,
        (None, None) => return Ok(()),
    };
    let primary = address::primary(joined.iter().map(String::as_str)).map(str::to_owned);
    values.retain(|(p, _)| {
        !matches!(*p, property::WINDOWS_EMAIL_ADDRESS | property::EMAIL_ADDRESSES)
    });
    values.push((property::EMAIL_ADDRESSES, joined));
    values.push((property::WINDOWS_EMAIL_ADDRESS, primary.into_iter().collect()));
    Ok(())
}

/// A user principal name lies in an accepted domain and is nobody else's.
pub(super) fn check_upn(
    tenant: &ExchangeOnline,
    own: Option<u32>,
    upn: &str,
) -> Result<(), CmdletError> {
    if !address::is_well_formed(upn) {
        return Err(not_smtp(upn));
    }
    let domain = upn.rsplit_once('@').map_or("", |(_, domain)| domain);
    if !tenant.accepted_domains.iter().any(|known| known.eq_ignore_ascii_case(domain)) {
        return Err(not_accepted(domain));
    }
    if tenant.find(upn).is_some_and(|owner| Some(owner) != own) {
        return Err(CmdletError::new(
            ErrorKind::ProxyAddressExists,
            format!("The user principal name \"{upn}\" is already being used by another user."),
        ));
    }
    Ok(())
}

fn not_accepted(domain: &str) -> CmdletError {
    CmdletError::new(
        ErrorKind::NotAcceptedDomain,
        format!(
            "You can't use the domain because it's not an accepted domain for your organization. {domain}"
        ),
    )
}

fn not_smtp(address: &str) -> CmdletError {
    CmdletError::new(
        ErrorKind::InvalidSmtpAddress,
        format!(
            "The email address \"{address}\" isn't correct. Please use this format: user name, the @ sign, followed by the domain name."
        ),
    )
}

/// SMTP addresses must be addresses, lie in accepted domains and belong to nobody else. Addresses
/// that the mailbox has already are not asked about again; other types are not checked.
fn check_addresses(
    context: &Context<'_>,
    number: u32,
    mailbox: &Mailbox,
    addresses: &[String],
) -> Result<(), CmdletError> {
    let is_new = |value: &&String| {
        let mut known = mailbox.record.values(property::EMAIL_ADDRESSES);
        !known.any(|have| have.eq_ignore_ascii_case(value.as_bytes()))
    };
    let mut new = addresses.iter().filter(is_new);
    new.try_for_each(|value| check_address(context, Some(number), value))
}

/// An address of the type SMTP that a recipient is to have: it is one, lies in an accepted domain, and nobody else
/// has it.
pub(super) fn check_address(
    context: &Context<'_>,
    own: Option<u32>,
    value: &str,
) -> Result<(), CmdletError> {
    let tenant = &*context.tenant;
    let parsed = ProxyAddress::parse(value);
    if !parsed.is_smtp() {
        return Ok(());
    }
    if !address::is_well_formed(parsed.address) {
        return Err(not_smtp(parsed.address));
    }
    let domain = parsed.domain().unwrap_or_default();
    if !tenant.accepted_domains.iter().any(|d| d.eq_ignore_ascii_case(domain)) {
        return Err(not_accepted(domain));
    }
    let owner = tenant.owner(parsed.address).filter(|owner| Some(*owner) != own);
    let named = |owner| tenant.mailbox(owner).and_then(|m| m.record.text(property::DISPLAY_NAME));
    let owner = owner.map(|owner| named(owner).unwrap_or_default().to_owned());
    let other = || context.others.owner(parsed.address).map(|o| o.display_name().to_owned());
    match owner.or_else(other) {
        Some(other) => Err(CmdletError::address_taken(value, &other)),
        None => Ok(()),
    }
}
