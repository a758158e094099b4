//! Role-based access control of Exchange Online: management roles with their entries, role groups with their
//! members, and who is assigned what.
//!
//! As long as nobody changes anything, what a caller may follows from its directory role alone
//! ([`crate::caller::Role`]). A custom role is a child of a built-in one and can only have less; what keeps a parameter
//! from somebody is that no role assigned to it has it.
//!
//! Sources: Microsoft Learn, "Permissions in Exchange Online", "New-ManagementRole", "Remove-ManagementRoleEntry",
//! "Set-ManagementRoleEntry", "New-ManagementRoleAssignment", "New-RoleGroup".
//!
//! # Divergence from Exchange Online
//! Of some 70 built-in roles there are those that bear on recipients, the organization, roles and the audit log. The roles
//! of the directory are role groups under their own names. Scopes of assignments are not modelled.

use std::collections::{BTreeMap, BTreeSet};

use super::cmdlets::catalogue;
use crate::caller::{Caller, Role};

/// A management role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagementRole {
    /// Its name.
    pub name: String,
    /// The role that it is a child of; `None` for a built-in one.
    pub parent: Option<String>,
    /// Cmdlets with the parameters that it allows.
    pub entries: BTreeMap<String, BTreeSet<String>>,
}

/// A role group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleGroup {
    /// Its name.
    pub name: String,
    /// The directory role whose holders are its members.
    pub of: Option<Role>,
    /// Further members, by the names of those who call.
    pub members: BTreeSet<String>,
}

/// A role that is assigned to a role group or to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Its name.
    pub name: String,
    /// The role.
    pub role: String,
    /// The role group's or the person's name.
    pub to: String,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rbac {
    /// Roles, the built-in ones first.
    pub roles: Vec<ManagementRole>,
    /// Role groups.
    pub groups: Vec<RoleGroup>,
    /// Assignments.
    pub assignments: Vec<Assignment>,
}

/// What is refused, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RbacError {
    /// No such role, entry, group or assignment.
    NotFound,
    /// Something has the name already.
    Exists,
    /// Built-in roles and their groups cannot be changed so.
    BuiltIn,
    /// A child cannot have what its parent does not.
    NotInParent,
    /// A role that is still assigned, or has children.
    InUse,
}

const MAIL_RECIPIENTS: &str = "Mail Recipients";
const VIEW_ONLY: &str = "View-Only Recipients";
const ORGANIZATION: &str = "Organization Configuration";
const ROLE_MANAGEMENT: &str = "Role Management";
const AUDIT_LOGS: &str = "View-Only Audit Logs";
const SOURCE_OF_AUTHORITY: &str = "Hybrid Identity";
const HELP_DESK: &str = "Help Desk Recipients";

impl Rbac {
    /// As it is for a tenant in which nobody changed anything. `flag_by_exchange` is whether Exchange administrators may
    /// set the flag.
    #[must_use]
    pub fn built_in() -> Self {
        let mut roles: Vec<ManagementRole> = [
            MAIL_RECIPIENTS,
            VIEW_ONLY,
            ORGANIZATION,
            ROLE_MANAGEMENT,
            AUDIT_LOGS,
            SOURCE_OF_AUTHORITY,
            HELP_DESK,
        ]
        .into_iter()
        .map(|name| ManagementRole {
            name: name.to_owned(),
            parent: None,
            entries: BTreeMap::new(),
        })
        .collect();
        for spec in catalogue() {
            let parameters: BTreeSet<String> =
                spec.parameters.iter().map(|parameter| parameter.name.to_owned()).collect();
            for role in &mut roles {
                let parameters: BTreeSet<String> = parameters
                    .iter()
                    .filter(|parameter| is_of(&role.name, spec.name, parameter))
                    .cloned()
                    .collect();
                if has(&role.name, spec.name)
                    && (!parameters.is_empty() || spec.parameters.is_empty())
                {
                    role.entries.insert(spec.name.to_owned(), parameters);
                }
            }
        }
        let group = |name: &str, of: Option<Role>| RoleGroup {
            name: name.to_owned(),
            of,
            members: BTreeSet::new(),
        };
        let groups = vec![
            group("Organization Management", Some(Role::GlobalAdministrator)),
            group("Exchange Administrator", Some(Role::ExchangeAdministrator)),
            group("Hybrid Identity Administrator", Some(Role::HybridIdentityAdministrator)),
            group("Recipient Management", None),
            group("Help Desk", Some(Role::Helpdesk)),
            group("View-Only Organization Management", Some(Role::Reader)),
        ];
        let mut rbac = Self { roles, groups, assignments: Vec::new() };
        let everything = [MAIL_RECIPIENTS, VIEW_ONLY, ORGANIZATION, ROLE_MANAGEMENT, AUDIT_LOGS];
        for (group, roles) in [
            ("Organization Management", everything.as_slice()),
            ("Exchange Administrator", everything.as_slice()),
            ("Hybrid Identity Administrator", &[SOURCE_OF_AUTHORITY, VIEW_ONLY, AUDIT_LOGS]),
            ("Recipient Management", &[MAIL_RECIPIENTS, VIEW_ONLY]),
            ("Help Desk", &[HELP_DESK, VIEW_ONLY, AUDIT_LOGS]),
            ("View-Only Organization Management", &[VIEW_ONLY, AUDIT_LOGS]),
        ] {
            for role in roles {
                let name = format!("{role}-{group}");
                rbac.assignments.push(Assignment {
                    name,
                    role: (*role).to_owned(),
                    to: group.to_owned(),
                });
            }
        }
        rbac
    }

    /// Whether somebody may run a cmdlet with these parameters: each of them is in some role that is assigned to it.
    #[must_use]
    pub fn allows(&self, caller: &Caller, cmdlet: &str, parameters: &[&str]) -> bool {
        let roles = self.roles_of(caller);
        let entries: Vec<&BTreeSet<String>> = roles
            .iter()
            .filter_map(|role| {
                let mut entries = role.entries.iter();
                entries.find(|(name, _)| name.eq_ignore_ascii_case(cmdlet)).map(|(_, known)| known)
            })
            .collect();
        let known = |parameter: &str| {
            let is = |known: &String| known.eq_ignore_ascii_case(parameter);
            entries.iter().any(|entry| entry.iter().any(is))
        };
        !entries.is_empty() && parameters.iter().all(|parameter| known(parameter))
    }

    /// The roles that somebody has, through its groups or by itself.
    #[must_use]
    pub fn roles_of(&self, caller: &Caller) -> Vec<&ManagementRole> {
        let name: &str = &caller.actor.name;
        let is_in = |group: &RoleGroup| {
            group.of == Some(caller.role)
                || group.members.iter().any(|member| member.eq_ignore_ascii_case(name))
        };
        let is_for = |assignment: &Assignment| {
            assignment.to.eq_ignore_ascii_case(name)
                || self.group(&assignment.to).is_some_and(is_in)
        };
        let assigned = self.assignments.iter().filter(|assignment| is_for(assignment));
        assigned.filter_map(|assignment| self.role(&assignment.role)).collect()
    }

    /// A role by name.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<&ManagementRole> {
        self.roles.iter().find(|role| role.name.eq_ignore_ascii_case(name))
    }

    /// A role group by name.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&RoleGroup> {
        self.groups.iter().find(|group| group.name.eq_ignore_ascii_case(name))
    }

    /// A new role with all that its parent has, or with these cmdlets alone.
    ///
    /// # Errors
    /// [`RbacError::Exists`], [`RbacError::NotFound`] without such a parent, [`RbacError::NotInParent`].
    pub fn new_role(
        &mut self,
        name: &str,
        parent: &str,
        cmdlets: &[String],
    ) -> Result<(), RbacError> {
        if self.role(name).is_some() {
            return Err(RbacError::Exists);
        }
        let parent = self.role(parent).ok_or(RbacError::NotFound)?;
        let is_wanted = |known: &String| {
            cmdlets.is_empty() || cmdlets.iter().any(|c| c.eq_ignore_ascii_case(known))
        };
        let entries: BTreeMap<String, BTreeSet<String>> = parent
            .entries
            .iter()
            .filter(|(name, _)| is_wanted(name))
            .map(|(name, parameters)| (name.clone(), parameters.clone()))
            .collect();
        if entries.len() < cmdlets.len() {
            return Err(RbacError::NotInParent);
        }
        let role =
            ManagementRole { name: name.to_owned(), parent: Some(parent.name.clone()), entries };
        self.roles.push(role);
        Ok(())
    }

    /// Removes a role that nobody has and that no other is a child of.
    ///
    /// # Errors
    /// [`RbacError::NotFound`], [`RbacError::BuiltIn`], [`RbacError::InUse`].
    pub fn remove_role(&mut self, name: &str) -> Result<(), RbacError> {
        let role = self.role(name).ok_or(RbacError::NotFound)?;
        if role.parent.is_none() {
            return Err(RbacError::BuiltIn);
        }
        let is_it = |other: &str| other.eq_ignore_ascii_case(name);
        let has_children = self.roles.iter().any(|role| role.parent.as_deref().is_some_and(is_it));
        if has_children || self.assignments.iter().any(|assignment| is_it(&assignment.role)) {
            return Err(RbacError::InUse);
        }
        self.roles.retain(|role| !is_it(&role.name));
        Ok(())
    }

    /// Changes the entry of a cmdlet in a custom role: parameters come, parameters go, or all of it (`None`).
    ///
    /// # Errors
    /// [`RbacError::NotFound`], [`RbacError::BuiltIn`], [`RbacError::NotInParent`] for what the parent lacks.
    pub fn change_entry(
        &mut self,
        role: &str,
        cmdlet: &str,
        change: Option<(&[String], bool)>,
    ) -> Result<(), RbacError> {
        let found = self.role(role).ok_or(RbacError::NotFound)?;
        let parent = found.parent.clone().ok_or(RbacError::BuiltIn)?;
        let allowed = self.role(&parent).and_then(|parent| entry(parent, cmdlet));
        let allowed = allowed.map(|(name, parameters)| (name.clone(), parameters.clone()));
        let is_it = |known: &String| known.eq_ignore_ascii_case(cmdlet);
        let found = self.roles.iter_mut().find(|known| known.name.eq_ignore_ascii_case(role));
        let found = found.ok_or(RbacError::NotFound)?;
        let Some((parameters, adds)) = change else {
            let before = found.entries.len();
            found.entries.retain(|name, _| !is_it(name));
            return if found.entries.len() < before { Ok(()) } else { Err(RbacError::NotFound) };
        };
        let is_known = |set: &BTreeSet<String>, name: &String| {
            set.iter().any(|known| known.eq_ignore_ascii_case(name))
        };
        if adds {
            let (name, allowed) = allowed.ok_or(RbacError::NotInParent)?;
            if !parameters.iter().all(|parameter| is_known(&allowed, parameter)) {
                return Err(RbacError::NotInParent);
            }
            let wanted = allowed.into_iter().filter(|known| {
                parameters.is_empty() || parameters.iter().any(|p| p.eq_ignore_ascii_case(known))
            });
            found.entries.entry(name).or_default().extend(wanted);
            return Ok(());
        }
        let own = found.entries.iter_mut().find(|(name, _)| is_it(name));
        let (_, own) = own.ok_or(RbacError::NotFound)?;
        if !parameters.iter().all(|parameter| is_known(own, parameter)) {
            return Err(RbacError::NotFound);
        }
        own.retain(|known| !parameters.iter().any(|p| p.eq_ignore_ascii_case(known)));
        Ok(())
    }

    /// A new role group with roles and members.
    ///
    /// # Errors
    /// [`RbacError::Exists`], [`RbacError::NotFound`] for a role that is not there.
    pub fn new_group(
        &mut self,
        name: &str,
        roles: &[String],
        members: &[String],
    ) -> Result<(), RbacError> {
        if self.group(name).is_some() {
            return Err(RbacError::Exists);
        }
        if !roles.iter().all(|role| self.role(role).is_some()) {
            return Err(RbacError::NotFound);
        }
        let members = members.iter().cloned().collect();
        self.groups.push(RoleGroup { name: name.to_owned(), of: None, members });
        roles.iter().try_for_each(|role| self.assign(role, name, None))
    }

    /// Removes a role group of one's own, with its assignments.
    ///
    /// # Errors
    /// [`RbacError::NotFound`], [`RbacError::BuiltIn`].
    pub fn remove_group(&mut self, name: &str) -> Result<(), RbacError> {
        let built_in = Self::built_in();
        self.group(name).ok_or(RbacError::NotFound)?;
        if built_in.group(name).is_some() {
            return Err(RbacError::BuiltIn);
        }
        self.groups.retain(|group| !group.name.eq_ignore_ascii_case(name));
        self.assignments.retain(|assignment| !assignment.to.eq_ignore_ascii_case(name));
        Ok(())
    }

    /// Somebody comes into a role group, or leaves it.
    ///
    /// # Errors
    /// [`RbacError::NotFound`]; [`RbacError::Exists`] for who is a member already.
    pub fn change_member(
        &mut self,
        group: &str,
        member: &str,
        comes: bool,
    ) -> Result<(), RbacError> {
        let found = self.groups.iter_mut().find(|known| known.name.eq_ignore_ascii_case(group));
        let found = found.ok_or(RbacError::NotFound)?;
        let before = found.members.len();
        if comes {
            found.members.insert(member.to_owned());
            return if found.members.len() > before { Ok(()) } else { Err(RbacError::Exists) };
        }
        found.members.retain(|known| !known.eq_ignore_ascii_case(member));
        if found.members.len() < before { Ok(()) } else { Err(RbacError::NotFound) }
    }

    /// Assigns a role.
    ///
    /// # Errors
    /// [`RbacError::NotFound`] without such a role, [`RbacError::Exists`].
    pub fn assign(&mut self, role: &str, to: &str, name: Option<String>) -> Result<(), RbacError> {
        let role = self.role(role).ok_or(RbacError::NotFound)?.name.clone();
        let name = name.unwrap_or_else(|| format!("{role}-{to}"));
        if self.assignments.iter().any(|known| known.name.eq_ignore_ascii_case(&name)) {
            return Err(RbacError::Exists);
        }
        self.assignments.push(Assignment { name, role, to: to.to_owned() });
        Ok(())
    }

    /// Takes an assignment away.
    ///
    /// # Errors
    /// [`RbacError::NotFound`].
    pub fn unassign(&mut self, name: &str) -> Result<(), RbacError> {
        let before = self.assignments.len();
        self.assignments.retain(|assignment| !assignment.name.eq_ignore_ascii_case(name));
        if self.assignments.len() < before { Ok(()) } else { Err(RbacError::NotFound) }
    }
}

fn entry<'r>(role: &'r ManagementRole, cmdlet: &str) -> Option<(&'r String, &'r BTreeSet<String>)> {
    role.entries.iter().find(|(name, _)| name.eq_ignore_ascii_case(cmdlet))
}

/// Whether a built-in role has a cmdlet.
fn has(role: &str, cmdlet: &str) -> bool {
    let reads = cmdlet.starts_with("Get-");
    let of_roles = cmdlet.contains("ManagementRole") || cmdlet.contains("RoleGroup");
    let of_organization = cmdlet == "Set-OrganizationConfig";
    let audit = cmdlet == "Search-UnifiedAuditLog";
    match role {
        VIEW_ONLY => reads && !of_roles,
        AUDIT_LOGS => audit,
        ORGANIZATION => of_organization,
        ROLE_MANAGEMENT => of_roles,
        SOURCE_OF_AUTHORITY => of_organization || cmdlet == "Set-Mailbox",
        MAIL_RECIPIENTS | HELP_DESK => !reads && !of_roles && !of_organization && !audit,
        _ => false,
    }
}

/// Whether a built-in role has a parameter of a cmdlet that it has.
fn is_of(role: &str, cmdlet: &str, parameter: &str) -> bool {
    const FLAG: &str = "IsExchangeCloudManaged";
    const COMMON: [&str; 6] =
        ["Confirm", "ErrorAction", "Force", "Identity", "WarningAction", "WhatIf"];
    has(role, cmdlet)
        && match role {
            HELP_DESK => parameter != FLAG,
            SOURCE_OF_AUTHORITY if cmdlet == "Set-Mailbox" => {
                parameter == FLAG || COMMON.contains(&parameter)
            }
            _ => true,
        }
}
