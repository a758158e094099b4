//! `Set-ADUser`: edits any attribute of a user.

use super::{OnPremError, parameter, replace};
use crate::directory::request::{AttributeName, Change, ChangeOperation};
use crate::powershell::{Argument, CmdletCall, ParameterKind, ParameterSpec};

/// Parameters with a name of their own, and the attribute each sets.
const NAMED: [(&str, &str); 13] = [
    ("DisplayName", "displayName"),
    ("GivenName", "givenName"),
    ("Surname", "sn"),
    ("Title", "title"),
    ("Department", "department"),
    ("Company", "company"),
    ("Office", "physicalDeliveryOfficeName"),
    ("OfficePhone", "telephoneNumber"),
    ("City", "l"),
    ("Description", "description"),
    ("EmailAddress", "mail"),
    ("UserPrincipalName", "userPrincipalName"),
    ("SamAccountName", "sAMAccountName"),
];

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
    ];
    parameters.extend(OPERATIONS.map(|(name, _)| parameter(name, ParameterKind::Hashtable)));
    parameters.extend(NAMED.map(|(name, _)| parameter(name, ParameterKind::Text)));
    parameters
}

pub(super) fn changes(call: &CmdletCall) -> Result<Vec<Change>, OnPremError> {
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
