//! Groups of the ActiveDirectory module: made, edited, looked at, removed. Their members: `ad_object`.
//!
//! Source: Microsoft Learn, "New-ADGroup", "Set-ADGroup", "Get-ADGroup", "Remove-ADGroup"; groupType: [MS-ADTS]
//! 2.2.12.

use super::{About, parameter, replace};
use super::{
    Act, Cmdlet, Directory, OnPremError, ad_object, ad_user, all, cmdlet, need, recipient,
};
use crate::directory::request::{AddRequest, AttributeName, Change, Operation};
use crate::powershell::{Argument, CmdletCall, ParameterKind, ParameterSpec};

/// The bits of `groupType`.
const SCOPES: [(&str, i32); 3] = [("Global", 2), ("DomainLocal", 4), ("Universal", 8)];
const SECURITY_ENABLED: i32 = i32::MIN;

/// Parameters with a name of their own, and the attribute each sets.
const NAMED: [(&str, &str); 4] = [
    ("Description", "description"),
    ("DisplayName", "displayName"),
    ("HomePage", "wWWHomePage"),
    ("SamAccountName", "sAMAccountName"),
];

pub(super) const CMDLETS: &[Cmdlet] = &[
    cmdlet("New-ADGroup", About::Nothing, new_parameters, new),
    cmdlet("Set-ADGroup", About::Object, parameters, |call, directory| {
        let mut changes = ad_user::edits(call);
        changes.extend(named(call));
        changes.extend(managed_by(call, directory)?);
        Ok(directory.modify(changes))
    }),
    cmdlet("Get-ADGroup", About::Object, ad_object::get_parameters, |_, _| Ok(Act::Show(&SHOWN))),
    cmdlet("Remove-ADGroup", About::Object, ad_object::remove_parameters, |_, directory| {
        Ok(recipient::delete(directory))
    }),
];

/// What `Get-ADGroup` shows without `-Properties`.
const SHOWN: [&str; 6] =
    ["distinguishedName", "groupType", "name", "objectClass", "objectGUID", "sAMAccountName"];

fn parameters() -> Vec<ParameterSpec> {
    let mut parameters = ad_object::about();
    parameters.push(parameter("ManagedBy", ParameterKind::Text));
    parameters.extend(ad_user::edit_parameters());
    parameters.extend(NAMED.map(|(name, _)| parameter(name, ParameterKind::Text)));
    parameters
}

fn new_parameters() -> Vec<ParameterSpec> {
    let mut parameters = all(ParameterKind::Text, &["Name", "Path", "Server", "ManagedBy"]);
    let scopes = ParameterKind::OneOf(&["DomainLocal", "Global", "Universal"]);
    parameters.push(parameter("GroupScope", scopes));
    parameters
        .push(parameter("GroupCategory", ParameterKind::OneOf(&["Distribution", "Security"])));
    parameters.push(parameter("OtherAttributes", ParameterKind::Hashtable));
    parameters.extend(NAMED.map(|(name, _)| parameter(name, ParameterKind::Text)));
    parameters
}

fn named(call: &CmdletCall) -> impl Iterator<Item = Change> {
    NAMED.into_iter().filter_map(|(parameter, attribute)| {
        let argument = call.parameter(parameter)?;
        let values = argument.texts().into_iter().filter(|value| !value.is_empty());
        Some(replace(attribute, values.collect()))
    })
}

fn managed_by(call: &CmdletCall, directory: &Directory<'_>) -> Result<Option<Change>, OnPremError> {
    let Some(argument) = call.parameter("ManagedBy") else { return Ok(None) };
    let names: Vec<String> = argument.texts().into_iter().filter(|v| !v.is_empty()).collect();
    Ok(Some(replace("managedBy", directory.dns(&names)?)))
}

/// A new group, for security unless it is said to be for distribution.
fn new(call: &CmdletCall, directory: &Directory<'_>) -> Result<Act, OnPremError> {
    let name = need(call, "Name")?;
    let scope = need(call, "GroupScope")?;
    let scope = SCOPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(&scope));
    let distribution =
        call.text("GroupCategory").is_some_and(|kind| kind.eq_ignore_ascii_case("Distribution"));
    let security = if distribution { 0 } else { SECURITY_ENABLED };
    let kind = scope.map_or(0, |(_, bit)| *bit) | security;
    let container = call.text("Path").unwrap_or_else(|| directory.container.to_owned());
    let mut attributes: Vec<(AttributeName, Vec<Vec<u8>>)> = vec![
        ("objectClass".into(), vec![b"group".to_vec()]),
        ("groupType".into(), vec![kind.to_string().into_bytes()]),
    ];
    if call.parameter("SamAccountName").is_none() {
        attributes.push(("sAMAccountName".into(), vec![name.clone().into_bytes()]));
    }
    for change in named(call).chain(managed_by(call, directory)?) {
        if !change.values.is_empty() {
            attributes.push((change.attribute, change.values));
        }
    }
    if let Some(Argument::Hashtable(members)) = call.parameter("OtherAttributes") {
        let given = members.iter();
        attributes.extend(given.map(|(name, v)| (name.as_str().into(), ad_user::ad_values(v))));
    }
    let dn = recipient::child(&name, &container);
    Ok(Act::Write(vec![Operation::Add(AddRequest { dn, attributes })]))
}
