//! The cmdlets of role management, as far as a custom role needs them: roles and their entries, role groups and
//! their members, assignments.
//!
//! Source: Microsoft Learn, "New-ManagementRole", "Set-ManagementRoleEntry", "New-RoleGroup",
//! "New-ManagementRoleAssignment" and their kin.

use serde_json::{Value, json};

use super::{CmdletError, Context, ErrorKind, Output, Rows, SERVER};
use crate::exchange::rbac::{Assignment, ManagementRole, Rbac, RbacError, RoleGroup};
use crate::powershell::{Argument, CmdletCall, ParameterKind, ParameterSpec};

const fn text(name: &'static str) -> ParameterSpec {
    ParameterSpec { name, kind: ParameterKind::Text }
}

const fn list(name: &'static str) -> ParameterSpec {
    ParameterSpec { name, kind: ParameterKind::MultiValue }
}

const fn switch(name: &'static str) -> ParameterSpec {
    ParameterSpec { name, kind: ParameterKind::Switch }
}

const IDENTITY: [ParameterSpec; 1] = [text("Identity")];

/// The cmdlets with their own parameters, by name.
pub(super) const CMDLETS: [(&str, &[ParameterSpec]); 16] = [
    ("Add-ManagementRoleEntry", &[text("Identity"), list("Parameters")]),
    ("Add-RoleGroupMember", &[text("Identity"), text("Member")]),
    ("Get-ManagementRole", &[text("Identity"), text("Cmdlet")]),
    ("Get-ManagementRoleAssignment", &[text("Identity"), text("Role"), text("RoleAssignee")]),
    ("Get-ManagementRoleEntry", &IDENTITY),
    ("Get-RoleGroup", &IDENTITY),
    ("Get-RoleGroupMember", &IDENTITY),
    ("New-ManagementRole", &[text("Name"), text("Parent"), list("EnabledCmdlets")]),
    (
        "New-ManagementRoleAssignment",
        &[text("Name"), text("Role"), text("SecurityGroup"), text("User")],
    ),
    ("New-RoleGroup", &[text("Name"), list("Roles"), list("Members")]),
    ("Remove-ManagementRole", &IDENTITY),
    ("Remove-ManagementRoleAssignment", &IDENTITY),
    ("Remove-ManagementRoleEntry", &IDENTITY),
    ("Remove-RoleGroup", &IDENTITY),
    ("Remove-RoleGroupMember", &[text("Identity"), text("Member")]),
    (
        "Set-ManagementRoleEntry",
        &[text("Identity"), list("Parameters"), switch("AddParameter"), switch("RemoveParameter")],
    ),
];

/// The documented spelling of one of these cmdlets.
pub(super) fn named(name: &str) -> Option<&'static str> {
    CMDLETS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(known, _)| *known)
}

pub(super) fn run(
    context: &mut Context<'_>,
    cmdlet: &str,
    call: &CmdletCall,
) -> Result<Output, CmdletError> {
    let mut rbac = match &context.tenant.rbac {
        Some(rbac) => (**rbac).clone(),
        None => Rbac::built_in(),
    };
    if cmdlet.starts_with("Get-") {
        return Ok(Output::rows(Rows::Objects(shown(&rbac, cmdlet, call)?)));
    }
    let rows = change(&mut rbac, cmdlet, call)?;
    context.tenant.rbac = Some(Box::new(rbac));
    Ok(Output::rows(rows))
}

fn change(rbac: &mut Rbac, cmdlet: &str, call: &CmdletCall) -> Result<Rows, CmdletError> {
    let texts = |name: &str| call.parameter(name).map(Argument::texts).unwrap_or_default();
    let identity = || needed(call, "Identity");
    let made = |value: Option<Value>| Rows::Objects(value.into_iter().collect());
    let refused = |subject: &str| {
        let subject = subject.to_owned();
        move |error| refusal(error, &subject)
    };
    match cmdlet {
        "New-ManagementRole" => {
            let (name, parent) = (needed(call, "Name")?, needed(call, "Parent")?);
            let cmdlets = texts("EnabledCmdlets");
            rbac.new_role(&name, &parent, &cmdlets).map_err(refused(&name))?;
            Ok(made(rbac.role(&name).map(role)))
        }
        "Remove-ManagementRole" => {
            let name = identity()?;
            rbac.remove_role(&name).map_err(refused(&name))?;
            Ok(Rows::None)
        }
        "Add-ManagementRoleEntry" | "Set-ManagementRoleEntry" | "Remove-ManagementRoleEntry" => {
            let identity = identity()?;
            let (name, entry) = parted(&identity)?;
            let parameters = texts("Parameters");
            let given = |name| super::beside::is_given(call, name);
            let change = match cmdlet {
                "Remove-ManagementRoleEntry" => None,
                "Add-ManagementRoleEntry" => Some((parameters.as_slice(), true)),
                _ if given("AddParameter") != given("RemoveParameter") => {
                    Some((parameters.as_slice(), given("AddParameter")))
                }
                _ => return Err(one_of_both()),
            };
            rbac.change_entry(name, entry, change).map_err(refused(&identity))?;
            Ok(Rows::None)
        }
        "New-RoleGroup" => {
            let name = needed(call, "Name")?;
            rbac.new_group(&name, &texts("Roles"), &texts("Members")).map_err(refused(&name))?;
            Ok(made(rbac.group(&name).map(|found| group(rbac, found))))
        }
        "Remove-RoleGroup" => {
            let name = identity()?;
            rbac.remove_group(&name).map_err(refused(&name))?;
            Ok(Rows::None)
        }
        "Add-RoleGroupMember" | "Remove-RoleGroupMember" => {
            let (name, member) = (identity()?, needed(call, "Member")?);
            let comes = cmdlet.starts_with("Add-");
            rbac.change_member(&name, &member, comes).map_err(refused(&name))?;
            Ok(Rows::None)
        }
        "New-ManagementRoleAssignment" => {
            let name = needed(call, "Role")?;
            let to = match (call.text("SecurityGroup"), call.text("User")) {
                (Some(to), None) if rbac.group(&to).is_none() => {
                    return Err(CmdletError::not_found(&to, SERVER));
                }
                (Some(to), None) | (None, Some(to)) => to,
                _ => return Err(one_of_both()),
            };
            rbac.assign(&name, &to, call.text("Name")).map_err(refused(&name))?;
            Ok(made(rbac.assignments.last().map(assignment)))
        }
        _ => {
            let name = identity()?;
            rbac.unassign(&name).map_err(refused(&name))?;
            Ok(Rows::None)
        }
    }
}

fn shown(rbac: &Rbac, cmdlet: &str, call: &CmdletCall) -> Result<Vec<Value>, CmdletError> {
    let identity = call.text("Identity").filter(|identity| !identity.is_empty());
    let is = |name: &str| identity.as_deref().is_none_or(|wanted| matches(name, wanted));
    let found: Vec<Value> = match cmdlet {
        "Get-ManagementRole" => {
            let cmdlet = call.text("Cmdlet");
            let has = |role: &&ManagementRole| {
                cmdlet.as_deref().is_none_or(|wanted| {
                    role.entries.keys().any(|known| known.eq_ignore_ascii_case(wanted))
                })
            };
            rbac.roles.iter().filter(|role| is(&role.name)).filter(has).map(role).collect()
        }
        "Get-ManagementRoleEntry" => {
            let identity = needed(call, "Identity")?;
            let (name, entry) = parted(&identity)?;
            let roles = rbac.roles.iter().filter(|role| matches(&role.name, name));
            let entries = roles.flat_map(|role| role.entries.iter().map(move |e| (role, e)));
            entries
                .filter(|(_, (cmdlet, _))| matches(cmdlet, entry))
                .map(|(role, (cmdlet, parameters))| {
                    json!({"Identity": format!("{}\\{cmdlet}", role.name), "Name": cmdlet,
                        "Role": role.name, "Parameters": parameters, "Type": "Cmdlet"})
                })
                .collect()
        }
        "Get-RoleGroup" => rbac
            .groups
            .iter()
            .filter(|group| is(&group.name))
            .map(|found| group(rbac, found))
            .collect(),
        "Get-RoleGroupMember" => {
            let name = needed(call, "Identity")?;
            let group = rbac.group(&name).ok_or_else(|| CmdletError::not_found(&name, SERVER))?;
            let members = group.members.iter();
            return Ok(members.map(|member| json!({"Identity": member, "Name": member})).collect());
        }
        _ => {
            let wants = |name: &str, value: &str| {
                call.text(name).is_none_or(|wanted| matches(value, &wanted))
            };
            let assignments = rbac.assignments.iter().filter(|assignment| {
                is(&assignment.name)
                    && wants("Role", &assignment.role)
                    && wants("RoleAssignee", &assignment.to)
            });
            assignments.map(assignment).collect()
        }
    };
    match identity {
        Some(identity) if found.is_empty() && !identity.contains('*') => {
            Err(CmdletError::not_found(&identity, SERVER))
        }
        _ => Ok(found),
    }
}

fn role(role: &ManagementRole) -> Value {
    json!({"Identity": role.name, "Name": role.name, "Parent": role.parent,
        "IsRootRole": role.parent.is_none(), "RoleEntries": role.entries.keys().collect::<Vec<_>>()})
}

fn group(rbac: &Rbac, group: &RoleGroup) -> Value {
    let assigned = rbac.assignments.iter().filter(|a| a.to.eq_ignore_ascii_case(&group.name));
    let (names, roles): (Vec<&str>, Vec<&str>) =
        assigned.map(|a| (a.name.as_str(), a.role.as_str())).unzip();
    json!({"Identity": group.name, "Name": group.name, "Members": group.members,
        "Roles": roles, "RoleAssignments": names})
}

fn assignment(assignment: &Assignment) -> Value {
    json!({"Identity": assignment.name, "Name": assignment.name, "Role": assignment.role,
        "RoleAssignee": assignment.to, "RoleAssigneeName": assignment.to, "Enabled": true})
}

/// `role\entry`.
fn parted(identity: &str) -> Result<(&str, &str), CmdletError> {
    identity.split_once('\\').ok_or_else(|| {
        CmdletError::new(
            ErrorKind::ParameterValue,
            format!("Cannot process argument transformation on parameter 'Identity'. \"{identity}\" is not a role entry: use the form Role\\Cmdlet."),
        )
    })
}

/// With `*` at the end or alone.
fn matches(name: &str, wanted: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(begins) => name.to_lowercase().starts_with(&begins.to_lowercase()),
        None => name.eq_ignore_ascii_case(wanted),
    }
}

fn needed(call: &CmdletCall, parameter: &str) -> Result<String, CmdletError> {
    call.text(parameter).filter(|value| !value.is_empty()).ok_or_else(|| {
        CmdletError::new(
            ErrorKind::ParameterSet,
            format!("Cannot process command because of one or more missing mandatory parameters: {parameter}."),
        )
    })
}

fn one_of_both() -> CmdletError {
    CmdletError::new(
        ErrorKind::ParameterSet,
        "Parameter set cannot be resolved using the specified named parameters.",
    )
}

fn refusal(error: RbacError, subject: &str) -> CmdletError {
    let invalid =
        |why: &str| CmdletError::new(ErrorKind::InvalidOperation, format!("{why} {subject}"));
    match error {
        RbacError::NotFound => CmdletError::not_found(subject, SERVER),
        RbacError::Exists => invalid("An object with this name already exists:"),
        RbacError::BuiltIn => invalid("A built-in role or role group can't be changed or removed:"),
        RbacError::NotInParent => {
            invalid("The parent role doesn't have a role entry that allows this:")
        }
        RbacError::InUse => invalid("The role has children or is assigned; remove these first:"),
    }
}
