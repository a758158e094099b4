//! Users of the ActiveDirectory module: made, edited, looked at.
//!
//! Source: Microsoft Learn, "New-ADUser", "Set-ADUser", "Get-ADUser", "Enable-ADAccount",
//! "Disable-ADAccount".

use super::{About, Act, Cmdlet, Directory, OnPremError, ad_object, cmdlet, parameter, replace};
use crate::directory::request::{AddRequest, AttributeName, Change, ChangeOperation, Operation};
use crate::powershell::{Argument, CmdletCall, ParameterKind, ParameterSpec};

/// Parameters with a name of their own, and the attribute each sets.
const NAMED: [(&str, &str); 30] = [
    ("DisplayName", "displayName"),
    ("GivenName", "givenName"),
    ("Surname", "sn"),
    ("OtherName", "middleName"),
    ("Initials", "initials"),
    ("Title", "title"),
    ("Department", "department"),
    ("Company", "company"),
    ("Division", "division"),
    ("Organization", "o"),
    ("EmployeeID", "employeeID"),
    ("EmployeeNumber", "employeeNumber"),
    ("Office", "physicalDeliveryOfficeName"),
    ("OfficePhone", "telephoneNumber"),
    ("HomePhone", "homePhone"),
    ("MobilePhone", "mobile"),
    ("Fax", "facsimileTelephoneNumber"),
    ("StreetAddress", "streetAddress"),
    ("POBox", "postOfficeBox"),
    ("PostalCode", "postalCode"),
    ("City", "l"),
    ("State", "st"),
    ("Country", "c"),
    ("HomePage", "wWWHomePage"),
    ("Description", "description"),
    ("EmailAddress", "mail"),
    ("HomeDirectory", "homeDirectory"),
    ("HomeDrive", "homeDrive"),
    ("UserPrincipalName", "userPrincipalName"),
    ("SamAccountName", "sAMAccountName"),
];

/// The bit of `userAccountControl` that disables an account ([MS-ADTS] 2.2.16).
const ACCOUNT_DISABLE: u32 = 2;

/// Parameters with attribute names inside, in the order in which the module applies them.
const OPERATIONS: [(&str, ChangeOperation); 3] = [
    ("Remove", ChangeOperation::Delete),
    ("Add", ChangeOperation::Add),
    ("Replace", ChangeOperation::Replace),
];

pub(super) const CMDLETS: &[Cmdlet] = &[
    cmdlet("Set-ADUser", About::Object, parameters, |call, directory| {
        Ok(directory.modify(changes(call, directory)?))
    }),
    cmdlet("New-ADUser", About::Nothing, new_parameters, new),
    cmdlet("Get-ADUser", About::Object, ad_object::get_parameters, |_, _| Ok(Act::Show(&SHOWN))),
    cmdlet("Enable-ADAccount", About::Object, ad_object::about, |_, directory| {
        Ok(directory.modify(vec![enabled(directory, true)]))
    }),
    cmdlet("Disable-ADAccount", About::Object, ad_object::about, |_, directory| {
        Ok(directory.modify(vec![enabled(directory, false)]))
    }),
];

/// What `Get-ADUser` shows without `-Properties`.
const SHOWN: [&str; 8] = [
    "distinguishedName",
    "givenName",
    "name",
    "objectClass",
    "objectGUID",
    "sAMAccountName",
    "sn",
    "userPrincipalName",
];

fn new_parameters() -> Vec<ParameterSpec> {
    let mut parameters = vec![
        parameter("Name", ParameterKind::Text),
        parameter("Path", ParameterKind::Text),
        parameter("Server", ParameterKind::Text),
        parameter("AccountPassword", ParameterKind::Text),
        parameter("Enabled", ParameterKind::Boolean),
        parameter("Manager", ParameterKind::Text),
        parameter("OtherAttributes", ParameterKind::Hashtable),
    ];
    parameters.extend(NAMED.map(|(name, _)| parameter(name, ParameterKind::Text)));
    parameters
}

/// A new user: disabled, unless it is said to be enabled.
fn new(call: &CmdletCall, directory: &Directory<'_>) -> Result<Act, OnPremError> {
    let name = super::need(call, "Name")?;
    let container = match call.text("Path") {
        Some(path) => path,
        None => directory.container.to_owned(),
    };
    let mut attributes: Vec<(AttributeName, Vec<Vec<u8>>)> =
        vec![("objectClass".into(), vec![b"user".to_vec()])];
    if call.parameter("SamAccountName").is_none() {
        attributes.push(("sAMAccountName".into(), vec![name.clone().into_bytes()]));
    }
    for (parameter, attribute) in NAMED {
        let value = call.text(parameter).filter(|value| !value.is_empty());
        attributes.extend(value.map(|value| (attribute.into(), vec![value.into_bytes()])));
    }
    if let Some(manager) = call.text("Manager") {
        attributes.push(("manager".into(), vec![directory.dn(&manager)?.into_bytes()]));
    }
    if let Some(Argument::Hashtable(members)) = call.parameter("OtherAttributes") {
        for (attribute, value) in members {
            attributes.push((attribute.as_str().into(), ad_values(value)));
        }
    }
    let control = if super::given(call, "Enabled") { NORMAL } else { NORMAL | ACCOUNT_DISABLE };
    attributes.push(("userAccountControl".into(), vec![control.to_string().into_bytes()]));
    let dn = super::recipient::child(&name, &container);
    Ok(Act::Write(vec![Operation::Add(AddRequest { dn, attributes })]))
}

/// A normal account ([MS-ADTS] 2.2.16).
const NORMAL: u32 = 512;

fn enabled(directory: &Directory<'_>, enabled: bool) -> Change {
    let control = directory.first("userAccountControl");
    let control = control.and_then(|value| value.parse::<u32>().ok()).unwrap_or(NORMAL);
    let control = if enabled { control & !ACCOUNT_DISABLE } else { control | ACCOUNT_DISABLE };
    replace("userAccountControl", vec![control.to_string()])
}

fn parameters() -> Vec<ParameterSpec> {
    let mut parameters = ad_object::about();
    parameters.push(parameter("Enabled", ParameterKind::Boolean));
    parameters.push(parameter("Manager", ParameterKind::Text));
    parameters.extend(edit_parameters());
    parameters.extend(NAMED.map(|(name, _)| parameter(name, ParameterKind::Text)));
    parameters
}

fn changes(call: &CmdletCall, directory: &Directory<'_>) -> Result<Vec<Change>, OnPremError> {
    let mut changes = edits(call);
    for (name, attribute) in NAMED {
        if let Some(argument) = call.parameter(name) {
            let values = argument.texts().into_iter().filter(|v| !v.is_empty()).collect();
            changes.push(replace(attribute, values));
        }
    }
    if let Some(argument) = call.parameter("Manager") {
        let manager: Vec<String> = argument.texts().into_iter().filter(|v| !v.is_empty()).collect();
        changes.push(replace("manager", directory.dns(&manager)?));
    }
    if let Some(enabled) = call.parameter("Enabled").and_then(Argument::boolean) {
        changes.push(self::enabled(directory, enabled));
    }
    Ok(changes)
}

/// The parameters with attribute names inside.
pub(super) fn edit_parameters() -> Vec<ParameterSpec> {
    let mut parameters = vec![parameter("Clear", ParameterKind::MultiValue)];
    parameters.extend(OPERATIONS.map(|(name, _)| parameter(name, ParameterKind::Hashtable)));
    parameters
}

/// What `-Remove`, `-Add`, `-Replace` and `-Clear` ask for.
pub(super) fn edits(call: &CmdletCall) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, operation) in OPERATIONS {
        let Some(Argument::Hashtable(members)) = call.parameter(name) else { continue };
        changes.extend(members.iter().map(|(attribute, value)| Change {
            operation,
            attribute: AttributeName::from(attribute.as_str()),
            values: ad_values(value),
        }));
    }
    if let Some(argument) = call.parameter("Clear") {
        changes.extend(argument.texts().iter().map(|name| replace(name, Vec::new())));
    }
    changes
}

/// Values as AD takes them: Booleans in capitals.
pub(super) fn ad_values(argument: &Argument) -> Vec<Vec<u8>> {
    match argument {
        Argument::Boolean(value) => {
            vec![if *value { b"TRUE".to_vec() } else { b"FALSE".to_vec() }]
        }
        Argument::Array(values) => values.iter().flat_map(ad_values).collect(),
        _ => argument.texts().into_iter().map(String::into_bytes).collect(),
    }
}
