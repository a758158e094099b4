//! Objects of the ActiveDirectory module: moved, renamed, edited, removed and brought back.
//!
//! Source: Microsoft Learn, "Get-ADObject", "Set-ADObject", "Move-ADObject", "Rename-ADObject",
//! "Remove-ADObject", "Remove-ADUser", "Restore-ADObject", "New-ADOrganizationalUnit",
//! "Add-ADGroupMember", "Remove-ADGroupMember".

use super::{
    About, Act, Cmdlet, Directory, OnPremError, ad_user, cmdlet, need, parameter, recipient,
};
use crate::directory::request::{
    AddRequest, AttributeName, Change, ChangeOperation, ModifyDnRequest, ModifyRequest, Name,
    Operation,
};
use crate::powershell::{CmdletCall, ParameterKind, ParameterSpec};

pub(super) const CMDLETS: &[Cmdlet] = &[
    cmdlet("Get-ADObject", About::Object, get_parameters, |_, _| Ok(Act::Show(&SHOWN))),
    cmdlet("Set-ADObject", About::Object, set_parameters, |call, directory| {
        let mut changes = ad_user::edits(call);
        for (parameter, attribute) in
            [("DisplayName", "displayName"), ("Description", "description")]
        {
            if call.parameter(parameter).is_some() {
                let value = call.text(parameter).filter(|value| !value.is_empty());
                changes.push(super::replace(attribute, value.into_iter().collect()));
            }
        }
        Ok(directory.modify(changes))
    }),
    cmdlet("Move-ADObject", About::Object, || with("TargetPath"), move_to),
    cmdlet("Rename-ADObject", About::Object, || with("NewName"), rename),
    cmdlet("Remove-ADObject", About::Object, tree_parameters, |_, directory| {
        Ok(recipient::delete(directory))
    }),
    cmdlet("Remove-ADUser", About::Object, remove_parameters, |_, directory| {
        Ok(recipient::delete(directory))
    }),
    cmdlet("Restore-ADObject", About::Deleted, restore_parameters, restore),
    cmdlet("New-ADOrganizationalUnit", About::Nothing, unit_parameters, new_unit),
    cmdlet("Add-ADGroupMember", About::Object, members, |call, directory| {
        member(call, directory, ChangeOperation::Add)
    }),
    cmdlet("Remove-ADGroupMember", About::Object, members, |call, directory| {
        member(call, directory, ChangeOperation::Delete)
    }),
];

/// What `Get-ADObject` shows without `-Properties`.
const SHOWN: [&str; 4] = ["distinguishedName", "name", "objectClass", "objectGUID"];

fn with(other: &'static str) -> Vec<ParameterSpec> {
    let mut parameters = about();
    parameters.push(parameter(other, ParameterKind::Text));
    parameters
}

/// What every cmdlet about an object takes.
pub(super) fn about() -> Vec<ParameterSpec> {
    vec![parameter("Identity", ParameterKind::Text), parameter("Server", ParameterKind::Text)]
}

pub(super) fn get_parameters() -> Vec<ParameterSpec> {
    let mut parameters = about();
    parameters.push(parameter("Properties", ParameterKind::MultiValue));
    parameters
}

fn set_parameters() -> Vec<ParameterSpec> {
    let mut parameters = with("DisplayName");
    parameters.push(parameter("Description", ParameterKind::Text));
    parameters.extend(ad_user::edit_parameters());
    parameters
}

pub(super) fn remove_parameters() -> Vec<ParameterSpec> {
    let mut parameters = about();
    parameters.push(parameter("Confirm", ParameterKind::Switch));
    parameters
}

fn tree_parameters() -> Vec<ParameterSpec> {
    let mut parameters = remove_parameters();
    parameters.push(parameter("Recursive", ParameterKind::Switch));
    parameters
}

fn restore_parameters() -> Vec<ParameterSpec> {
    let mut parameters = with("NewName");
    parameters.push(parameter("TargetPath", ParameterKind::Text));
    parameters
}

fn unit_parameters() -> Vec<ParameterSpec> {
    super::all(ParameterKind::Text, &["Name", "Path", "Server"])
}

fn members() -> Vec<ParameterSpec> {
    let mut parameters = remove_parameters();
    parameters.push(parameter("Members", ParameterKind::MultiValue));
    parameters
}

fn object(directory: &Directory<'_>) -> Result<Name, OnPremError> {
    directory.object.map(Name::Number).ok_or(OnPremError::MissingParameter("Identity"))
}

/// The object's own relative name as it is written.
fn own_rdn(directory: &Directory<'_>) -> String {
    let dn = directory.first("distinguishedName").unwrap_or_default();
    let mut escaped = false;
    let end = dn.find(|character| {
        let ends = character == ',' && !escaped;
        escaped = character == '\\' && !escaped;
        ends
    });
    end.map_or(dn.clone(), |end| dn[..end].to_owned())
}

fn move_to(call: &CmdletCall, directory: &Directory<'_>) -> Result<Act, OnPremError> {
    let target = Name::Dn(need(call, "TargetPath")?);
    Ok(Act::Write(vec![Operation::ModifyDn(ModifyDnRequest {
        object: object(directory)?,
        new_rdn: own_rdn(directory),
        delete_old_rdn: true,
        new_superior: Some(target),
    })]))
}

fn rename(call: &CmdletCall, directory: &Directory<'_>) -> Result<Act, OnPremError> {
    let name = need(call, "NewName")?;
    let own = own_rdn(directory);
    let attribute = own.split_once('=').map_or("CN", |(attribute, _)| attribute);
    let escaped = recipient::child(&name, "");
    let value = escaped.trim_start_matches("CN=").trim_end_matches(',');
    Ok(Act::Write(vec![Operation::ModifyDn(ModifyDnRequest {
        object: object(directory)?,
        new_rdn: format!("{attribute}={value}"),
        delete_old_rdn: true,
        new_superior: None,
    })]))
}

/// Back to where it was, or where it is said to go ([MS-ADTS] 3.1.1.5.3.7).
fn restore(call: &CmdletCall, directory: &Directory<'_>) -> Result<Act, OnPremError> {
    let name = call.text("NewName").or_else(|| directory.first("msDS-LastKnownRDN"));
    let parent = call.text("TargetPath").or_else(|| directory.first("lastKnownParent"));
    let (Some(name), Some(parent)) = (name, parent) else {
        return Err(OnPremError::InvalidOperation("the object is not deleted".to_owned()));
    };
    let dn = recipient::child(&name, &parent).into_bytes();
    let change = |operation, attribute: &str, values| Change {
        operation,
        attribute: AttributeName::from(attribute),
        values,
    };
    let changes = vec![
        change(ChangeOperation::Delete, "isDeleted", Vec::new()),
        change(ChangeOperation::Replace, "distinguishedName", vec![dn]),
    ];
    let object = object(directory)?;
    Ok(Act::Write(vec![Operation::Modify(ModifyRequest { object, changes })]))
}

fn new_unit(call: &CmdletCall, directory: &Directory<'_>) -> Result<Act, OnPremError> {
    let name = need(call, "Name")?;
    let parent = match call.text("Path") {
        Some(path) => path,
        // The domain itself: above the people's own unit.
        None => directory.container.split_once(',').map_or("", |(_, rest)| rest).to_owned(),
    };
    let dn = recipient::child(&name, &parent).replacen("CN=", "OU=", 1);
    let class = ("objectClass".into(), vec![b"organizationalUnit".to_vec()]);
    Ok(Act::Write(vec![Operation::Add(AddRequest { dn, attributes: vec![class] })]))
}

fn member(
    call: &CmdletCall,
    directory: &Directory<'_>,
    operation: ChangeOperation,
) -> Result<Act, OnPremError> {
    let named = call.parameter("Members").map(|value| value.texts()).unwrap_or_default();
    if named.is_empty() {
        return Err(OnPremError::MissingParameter("Members"));
    }
    let values = directory.dns(&named)?.into_iter().map(String::into_bytes).collect();
    Ok(directory.modify(vec![Change { operation, attribute: "member".into(), values }]))
}
