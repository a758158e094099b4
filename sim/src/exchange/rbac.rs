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

use super::cmdlets::{catalogue, lifecycle};
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
const CREATION: &str = "Mail Recipient Creation";
const VIEW_ONLY: &str = "View-Only Recipients";
const ORGANIZATION: &str = "Organization Configuration";
const ROLE_MANAGEMENT: &str = "Role Management";
const AUDIT_LOGS: &str = "View-Only Audit Logs";
const SOURCE_OF_AUTHORITY: &str = "Hybrid Identity";
const HELP_DESK: &str = "Help Desk Recipients";

/// Parameters that say on whom and how a cmdlet is run: whoever may use another one needs them.
const BESIDE: [&str; 5] = ["Confirm", "Force", "Identity", "ResultSize", "WhatIf"];

impl Rbac {
    /// As it is for a tenant in which nobody changed anything. `flag_by_exchange` is whether Exchange administrators may
    /// set the flag.
    #[must_use]
    pub fn built_in() -> Self {
        let mut roles: Vec<ManagementRole> = [
            MAIL_RECIPIENTS,
            CREATION,
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
        let everything =
            [MAIL_RECIPIENTS, CREATION, VIEW_ONLY, ORGANIZATION, ROLE_MANAGEMENT, AUDIT_LOGS];
        for (group, roles) in [
            ("Organization Management", everything.as_slice()),
            ("Exchange Administrator", everything.as_slice()),
            ("Hybrid Identity Administrator", &[SOURCE_OF_AUTHORITY, VIEW_ONLY, AUDIT_LOGS]),
            ("Recipient Management", &[MAIL_RECIPIENTS, CREATION, VIEW_ONLY]),
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

    /// A role group whose members are those who call in a role, without any role so far.
    ///
    /// # Errors
    /// [`RbacError::Exists`].
    pub fn new_group_of(&mut self, name: &str, of: Role) -> Result<(), RbacError> {
        self.new_group(name, &[], &[])?;
        self.groups.iter_mut().filter(|group| group.name == name).for_each(|g| g.of = Some(of));
        Ok(())
    }

    /// The role group of those who call in a role.
    #[must_use]
    pub fn group_of(&self, role: Role) -> Option<&RoleGroup> {
        self.groups.iter().find(|group| group.of == Some(role))
    }

    /// A role group has all roles that another one has.
    ///
    /// # Errors
    /// [`RbacError::Exists`] for a role that it has already.
    pub fn assign_as(&mut self, like: &str, to: &str) -> Result<(), RbacError> {
        let own = self.assignments.iter().filter(|known| known.to.eq_ignore_ascii_case(like));
        let roles: Vec<String> = own.map(|known| known.role.clone()).collect();
        roles.iter().try_for_each(|role| self.assign(role, to, None))
    }

    /// A role group may run a cmdlet with these parameters, and those that say on whom and how; with all of
    /// them when none is named. It gets a role of its own for that, a child of the built-in one that has them.
    ///
    /// # Errors
    /// [`RbacError::NotInParent`] when no built-in role has them together.
    pub fn grant(
        &mut self,
        group: &str,
        cmdlet: &str,
        parameters: &[String],
    ) -> Result<(), RbacError> {
        let has = |set: &BTreeSet<String>, name: &str| {
            set.iter().any(|known| known.eq_ignore_ascii_case(name))
        };
        let mut parents = self.roles.iter().filter(|role| role.parent.is_none());
        let parent = parents
            .find(|role| {
                let entry = entry(role, cmdlet);
                entry.is_some_and(|(_, known)| parameters.iter().all(|name| has(known, name)))
            })
            .ok_or(RbacError::NotInParent)?;
        let (parent, allowed) = (parent.name.clone(), entry(parent, cmdlet));
        let allowed = allowed.map(|(_, known)| known.clone()).unwrap_or_default();
        let mut wanted = parameters.to_vec();
        if !wanted.is_empty() {
            let beside = BESIDE.iter().filter(|name| has(&allowed, name));
            wanted.extend(beside.map(|name| (*name).to_owned()));
        }
        let own = format!("{parent} for {group}");
        if self.role(&own).is_none() {
            let role = ManagementRole {
                name: own.clone(),
                parent: Some(parent),
                entries: BTreeMap::new(),
            };
            self.roles.push(role);
            self.assign(&own, group, None)?;
        }
        self.change_entry(&own, cmdlet, Some((&wanted, true)))
    }

    /// A role group may not run a cmdlet with these parameters any more; not at all when none is named. Each
    /// of its roles that has them gives way to a child without them; that none has them changes nothing.
    ///
    /// # Errors
    /// [`RbacError::Exists`] for a role that is called as a child would be.
    pub fn withdraw(
        &mut self,
        group: &str,
        cmdlet: &str,
        parameters: &[String],
    ) -> Result<(), RbacError> {
        let has = |role: &ManagementRole| {
            entry(role, cmdlet).is_some_and(|(_, known)| {
                let is = |name: &String| known.iter().any(|have| have.eq_ignore_ascii_case(name));
                parameters.is_empty() || parameters.iter().any(is)
            })
        };
        let assigned = self.assignments.iter().filter(|known| known.to.eq_ignore_ascii_case(group));
        let roles: Vec<String> = assigned
            .filter_map(|known| self.role(&known.role).filter(|role| has(role)))
            .map(|role| role.name.clone())
            .collect();
        let tail = format!(" for {group}");
        for role in roles {
            let mut own = role.clone();
            if !role.ends_with(&tail) {
                own.push_str(&tail);
                self.new_role(&own, &role, &[])?;
                self.assignments
                    .retain(|known| !(known.role == role && known.to.eq_ignore_ascii_case(group)));
                self.assign(&own, group, None)?;
            }
            let known = self.role(&own).and_then(|role| entry(role, cmdlet));
            let known = known.map(|(_, known)| known.clone()).unwrap_or_default();
            let is = |name: &&String| known.iter().any(|have| have.eq_ignore_ascii_case(name));
            let gone: Vec<String> = parameters.iter().filter(is).cloned().collect();
            let change = (!gone.is_empty()).then_some((gone.as_slice(), false));
            self.change_entry(&own, cmdlet, change)?;
        }
        Ok(())
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
    let creation = lifecycle::makes(cmdlet);
    match role {
        CREATION => creation,
        VIEW_ONLY => reads && !of_roles,
        AUDIT_LOGS => audit,
        ORGANIZATION => of_organization,
        ROLE_MANAGEMENT => of_roles,
        SOURCE_OF_AUTHORITY => of_organization || cmdlet == "Set-Mailbox",
        // Who administers recipients sees them as well (Microsoft Learn, "Mail Recipients role").
        MAIL_RECIPIENTS => !of_roles && !of_organization && !audit && !creation,
        HELP_DESK => !reads && !of_roles && !of_organization && !audit && !creation,
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

#[cfg(test)]
mod tests {
    use super::*;

    const FLAG: &str = "IsExchangeCloudManaged";

    /// What a role group is given it may, what is taken from it it may not, and no other group notices.
    #[test]
    fn a_role_group_is_given_and_loses_single_parameters() {
        let mut rbac = Rbac::built_in();
        let may = |rbac: &Rbac, role: Role, cmdlet: &str, parameter: &str| {
            rbac.allows(&Caller::person(role), cmdlet, &[parameter])
        };
        let flag = [FLAG.to_owned()];
        let (exchange, own, like) = (Role::ExchangeAdministrator, Role::Own(0), Role::Own(1));
        rbac.withdraw("Exchange Administrator", "Set-Mailbox", &flag).unwrap();
        assert!(!may(&rbac, exchange, "Set-Mailbox", FLAG));
        assert!(may(&rbac, exchange, "Set-Mailbox", "CustomAttribute1"));
        assert!(may(&rbac, Role::GlobalAdministrator, "Set-Mailbox", FLAG));
        rbac.new_group_of("operator", own).unwrap();
        rbac.grant("operator", "Set-Mailbox", &flag).unwrap();
        rbac.grant("operator", "Get-Mailbox", &[]).unwrap();
        assert!(may(&rbac, own, "Set-Mailbox", FLAG) && may(&rbac, own, "Set-Mailbox", "Identity"));
        assert!(!may(&rbac, own, "Set-Mailbox", "CustomAttribute1"));
        rbac.new_group_of("junior", like).unwrap();
        rbac.assign_as("operator", "junior").unwrap();
        rbac.withdraw("junior", "Set-Mailbox", &[]).unwrap();
        rbac.withdraw("junior", "Set-User", &[]).unwrap();
        assert!(
            !may(&rbac, like, "Set-Mailbox", FLAG) && may(&rbac, like, "Get-Mailbox", "Identity")
        );
        assert!(may(&rbac, own, "Set-Mailbox", FLAG), "the other group lost nothing");
    }
}
