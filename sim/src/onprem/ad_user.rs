//! `Set-ADUser`: edits any attribute of a user.

use super::{Directory, OnPremError, parameter, replace};
use crate::directory::request::{AttributeName, Change, ChangeOperation};
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

pub(super) fn parameters() -> Vec<ParameterSpec> {
    let mut parameters = vec![
        parameter("Identity", ParameterKind::Text),
        parameter("Clear", ParameterKind::MultiValue),
        parameter("Enabled", ParameterKind::Boolean),
        parameter("Manager", ParameterKind::Text),
    ];
    parameters.extend(OPERATIONS.map(|(name, _)| parameter(name, ParameterKind::Hashtable)));
    parameters.extend(NAMED.map(|(name, _)| parameter(name, ParameterKind::Text)));
    parameters
}

pub(super) fn changes(
    call: &CmdletCall,
    directory: &Directory<'_>,
) -> Result<Vec<Change>, OnPremError> {
    let mut changes = Vec::new();
    for (name, operation) in OPERATIONS {
        let Some(argument) = call.parameter(name) else { continue };
        let Argument::Hashtable(members) = argument else {
            return Err(OnPremError::WrongValue {
                parameter: name.to_owned(),
                problem: "it takes a hashtable: @{attribute='value'}".to_owned(),
            });
        };
        changes.extend(members.iter().map(|(attribute, value)| Change {
            operation,
            attribute: AttributeName::from(attribute.as_str()),
            values: ad_values(value),
        }));
    }
    if let Some(argument) = call.parameter("Clear") {
        changes.extend(argument.texts().iter().map(|name| replace(name, Vec::new())));
    }
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
        let control = (directory.current)("userAccountControl");
        let control = control.first().and_then(|value| value.parse::<u32>().ok()).unwrap_or(512);
        let control = if enabled { control & !ACCOUNT_DISABLE } else { control | ACCOUNT_DISABLE };
        changes.push(replace("userAccountControl", vec![control.to_string()]));
    }
    Ok(changes)
}

/// Values as AD takes them: Booleans in capitals.
fn ad_values(argument: &Argument) -> Vec<Vec<u8>> {
    match argument {
        Argument::Boolean(value) => {
            vec![if *value { b"TRUE".to_vec() } else { b"FALSE".to_vec() }]
        }
        Argument::Array(values) => values.iter().flat_map(ad_values).collect(),
        _ => argument.texts().into_iter().map(String::into_bytes).collect(),
    }
}
