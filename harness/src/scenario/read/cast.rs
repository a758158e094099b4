//! Who can be named: by name, user principal name or address, and by what a step of the story
//! creates.

use std::collections::{BTreeMap, BTreeSet};

use sim::powershell::{Argument, CmdletCall};

use super::super::world::{Population, World};
use super::places::{Tree, units};

/// Keys of an expectation that are no mailboxes.
pub(super) const RESERVED: [&str; 9] =
    ["all", "job", "log", "counts", "lag", "agents", "connect", "expect", "quarantine"];

/// Containers that every domain has, and where they are.
const CONTAINERS: [&str; 9] = [
    "Users",
    "Computers",
    "Builtin",
    "System",
    "Domain Controllers",
    "ForeignSecurityPrincipals",
    "Managed Service Accounts",
    "Deleted Objects",
    "LostAndFound",
];

/// Everybody of the population and of the story so far.
#[derive(Debug, Default)]
pub(super) struct Cast {
    /// Lower-cased name, user principal name or address to the canonical name.
    names: BTreeMap<String, String>,
    /// Canonical names, for suggestions.
    canonical: BTreeSet<String>,
    shapes: Vec<(String, u32)>,
    /// Domains in which everybody has an address of the own name.
    domains: Vec<String>,
    /// Lower-cased names of organizational units and containers.
    places: BTreeSet<String>,
    /// Whether an export brings objects that are not read for their names.
    is_exported: bool,
    /// Lower-cased names of groups.
    groups: BTreeSet<String>,
    /// Where everything is in AD.
    pub(super) tree: Tree,
}

impl Cast {
    /// Everybody of a world's population.
    pub(super) fn of(world: &World) -> Self {
        let initial = world.tenant.initial.value.to_lowercase();
        let routing = initial.replacen(".onmicrosoft.com", ".mail.onmicrosoft.com", 1);
        let mut domains = vec![world.tenant.domain.value.to_lowercase(), routing, initial];
        domains.extend(world.forest.domains.iter().map(|domain| domain.value.to_lowercase()));
        let tree = Tree::of(&world.population);
        let mut cast = Self { domains, tree, ..Self::default() };
        let units = units(&world.population);
        let names = units.iter().flat_map(|path| path.split('/')).chain(CONTAINERS);
        cast.places = names.map(str::to_lowercase).collect();
        for part in &world.population {
            match part {
                Population::Shape { shape, mailboxes, .. } => {
                    cast.shapes.push((shape.value.clone(), *mailboxes));
                }
                Population::User(user) => {
                    let name = &user.name.value;
                    cast.canonical.insert(name.clone());
                    cast.names.insert(name.to_lowercase(), name.clone());
                    cast.names.insert(user.upn.value.to_lowercase(), name.clone());
                    for address in &user.addresses {
                        let bare = without_prefix(&address.value).to_lowercase();
                        cast.names.entry(bare).or_insert_with(|| name.clone());
                    }
                }
                Population::Ldif { people, places, .. } => {
                    cast.is_exported = true;
                    let groups = places.groups.iter().filter_map(|names| names.last());
                    groups.for_each(|name| cast.learn_group(name));
                    for person in people {
                        let name = &person.name;
                        cast.canonical.insert(name.clone());
                        cast.names.insert(name.to_lowercase(), name.clone());
                        for address in &person.addresses {
                            let lowered = address.to_lowercase();
                            cast.names.entry(lowered).or_insert_with(|| name.clone());
                        }
                    }
                }
            }
        }
        cast
    }

    /// The canonical name of whoever `typed` names.
    pub(super) fn resolve(&self, typed: &str) -> Option<String> {
        let lowered = typed.to_lowercase();
        if let Some(name) = self.names.get(&lowered) {
            return Some(name.clone());
        }
        let (local, domain) = lowered.split_once('@').unwrap_or((&lowered, ""));
        if !domain.is_empty() && !self.domains.iter().any(|known| known == domain) {
            return None;
        }
        self.names.get(local).cloned().or_else(|| self.member(local))
    }

    /// Whether an `-Identity` means somebody. Forms that cannot be looked up here (GUIDs,
    /// distinguished names, canonical names) are trusted.
    pub(super) fn knows_identity(&self, typed: &str) -> bool {
        let is_guid =
            typed.len() == 36 && typed.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
        if is_guid || typed.contains('/') {
            return true;
        }
        if let Some((first, _)) = typed.split_once(',').filter(|_| typed.contains('=')) {
            let (kind, name) = first.split_once('=').unwrap_or(("", first));
            let name = name.trim();
            return self.is_exported
                || kind.trim().eq_ignore_ascii_case("dc")
                || self.places.contains(&name.to_lowercase())
                || self.resolve(name).is_some()
                || name.contains('\\');
        }
        let name = typed.rsplit_once('\\').map_or(typed, |(_, name)| name);
        self.resolve(without_prefix(name)).is_some()
    }

    /// Whether there is such a shape.
    pub(super) fn shape(&self, name: &str) -> Option<&str> {
        self.shapes.iter().map(|(shape, _)| shape.as_str()).find(|s| s.eq_ignore_ascii_case(name))
    }

    /// Names of the shapes.
    pub(super) fn shapes(&self) -> Vec<&str> {
        self.shapes.iter().map(|(shape, _)| shape.as_str()).collect()
    }

    /// Names to suggest to whoever typed another: of the users, and one for each shape; or their
    /// user principal names and addresses.
    pub(super) fn suggestions(&self, typed: &str) -> Vec<String> {
        if typed.contains('@') {
            return self.names.keys().filter(|name| name.contains('@')).cloned().collect();
        }
        let members = self.shapes.iter().map(|(shape, count)| format!("{shape}-{count}"));
        self.canonical.iter().cloned().chain(members).collect()
    }

    /// Takes in whoever a cmdlet creates or gives another name to.
    pub(super) fn learn(&mut self, call: &CmdletCall) {
        const NAMING: [&str; 9] = [
            "Name",
            "Alias",
            "SamAccountName",
            "UserPrincipalName",
            "MicrosoftOnlineServicesID",
            "PrimarySmtpAddress",
            "WindowsEmailAddress",
            "EmailAddresses",
            "NewName",
        ];
        let own = ["Identity", "Name"].iter().find_map(|parameter| call.text(parameter));
        let is_trial = call.parameter("WhatIf").and_then(Argument::boolean) == Some(true);
        let Some(own) = own.filter(|_| !is_trial) else { return };
        self.tree.learn(call);
        if call.name.eq_ignore_ascii_case("New-ADGroup") {
            self.learn_group(&own);
        }
        let canonical = self.resolve(&own).unwrap_or_else(|| own.clone());
        let creates = call.name.split_once('-').is_some_and(|(verb, _)| {
            ["New", "Enable", "Restore"].iter().any(|known| known.eq_ignore_ascii_case(verb))
        });
        if creates {
            self.names.entry(own.to_lowercase()).or_insert_with(|| canonical.clone());
        }
        if !self.names.values().any(|name| *name == canonical) && self.member(&canonical).is_none()
        {
            return;
        }
        for (name, value) in &call.parameters {
            if !NAMING.iter().any(|naming| naming.eq_ignore_ascii_case(name)) {
                continue;
            }
            for text in value.texts() {
                let bare = without_prefix(&text).to_lowercase();
                self.names.entry(bare).or_insert_with(|| canonical.clone());
            }
        }
    }

    /// Takes in a group.
    pub(super) fn learn_group(&mut self, name: &str) {
        self.groups.insert(name.to_lowercase());
        self.names.entry(name.to_lowercase()).or_insert_with(|| name.to_owned());
    }

    /// Whether a canonical name is that of a group.
    pub(super) fn is_group(&self, name: &str) -> bool {
        self.groups.contains(&name.to_lowercase())
    }

    /// Takes in the entry that an LDIF record adds.
    pub(super) fn learn_entry(&mut self, name: &str) {
        self.names.entry(name.to_lowercase()).or_insert_with(|| name.to_owned());
    }

    /// Takes in a user that is made in the cloud, by its user principal name: steps call it by its local
    /// part as well.
    pub(super) fn learn_user(&mut self, upn: &str) {
        let local = upn.split('@').next().unwrap_or(upn);
        for name in [upn, local] {
            self.names.entry(name.to_lowercase()).or_insert_with(|| local.to_owned());
        }
    }

    /// `<shape>-<number>`.
    fn member(&self, typed: &str) -> Option<String> {
        let (shape, number) = typed.rsplit_once('-')?;
        let (shape, count) = self.shapes.iter().find(|(s, _)| s.eq_ignore_ascii_case(shape))?;
        let number: u32 = number.parse().ok()?;
        let exists = (1..=*count).contains(&number);
        exists.then(|| format!("{shape}-{number}"))
    }
}

/// An address without its type (`smtp:`).
fn without_prefix(address: &str) -> &str {
    address.split_once(':').map_or(address, |(_, rest)| rest)
}
