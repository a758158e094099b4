//! Who holds which directory role.
//!
//! Source: Microsoft Graph reference, resource type directoryRole; Microsoft Learn, "Microsoft Entra built-in
//! roles" (template ids).

use std::collections::BTreeSet;

/// A role that can be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectoryRole {
    /// `roleTemplateId`; also the `id` here.
    pub template: &'static str,
    /// `displayName`.
    pub name: &'static str,
}

/// The roles, all of them privileged.
pub const ROLES: [DirectoryRole; 5] = [
    DirectoryRole {
        template: "62e90394-69f5-4237-9190-012177145e10",
        name: "Global Administrator",
    },
    DirectoryRole {
        template: "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2",
        name: "Hybrid Identity Administrator",
    },
    DirectoryRole {
        template: "29232cdf-9323-42fd-ade2-1d097af3e4de",
        name: "Exchange Administrator",
    },
    DirectoryRole { template: "fe930be7-5e62-47db-91af-98c3a49a38b1", name: "User Administrator" },
    DirectoryRole {
        template: "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
        name: "Application Administrator",
    },
];

/// Members of roles: the place of the role in [`ROLES`], and the number of the user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DirectoryRoles(BTreeSet<(usize, u32)>);

impl DirectoryRoles {
    /// The place of a role in [`ROLES`], by its template id.
    #[must_use]
    pub fn find(template: &str) -> Option<usize> {
        ROLES.iter().position(|role| role.template.eq_ignore_ascii_case(template))
    }

    /// Gives a role to a user; false when it has it.
    pub fn assign(&mut self, role: usize, user: u32) -> bool {
        self.0.insert((role, user))
    }

    /// Takes a role from a user; false when it does not have it.
    pub fn remove(&mut self, role: usize, user: u32) -> bool {
        self.0.remove(&(role, user))
    }

    /// Members of a role, by number.
    pub fn members(&self, role: usize) -> impl Iterator<Item = u32> + '_ {
        self.0.range((role, 0)..=(role, u32::MAX)).map(|(_, user)| *user)
    }

    /// The roles of a user, as places in [`ROLES`].
    pub fn of(&self, user: u32) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().filter(move |(_, member)| *member == user).map(|(role, _)| *role)
    }

    /// Whether a user holds any role.
    #[must_use]
    pub fn holds_any(&self, user: u32) -> bool {
        self.of(user).next().is_some()
    }
}
