//! Organizational units and groups that the world names: the population or the story makes them.

use std::collections::{BTreeMap, BTreeSet};

use sim::directory::name::Dn;
use sim::powershell::CmdletCall;

use super::super::diagnostic::Diagnostic;
use super::super::nearest::advice;
use super::super::span::{Span, Spanned};
use super::super::world::{MailboxLocation, Population, User, World};
use super::Reader;
use crate::cmdlet::ROUND;

/// Everybody's organizational unit, unless a user says another.
const PEOPLE: &str = "People";

/// The organizational units that a population makes, by their paths from the domain down.
pub(super) fn units(population: &[Population]) -> Vec<String> {
    let mut units = vec![PEOPLE.to_owned()];
    let mut known: BTreeSet<String> = units.iter().cloned().collect();
    for part in population {
        let own: Vec<String> = match part {
            Population::User(user) => {
                (1..=user.units.len()).map(|depth| user.units[..depth].join("/")).collect()
            }
            Population::Ldif { places, .. } => {
                places.units.iter().map(|names| names.join("/")).collect()
            }
            Population::Shape { .. } => continue,
        };
        units.extend(own.into_iter().filter(|unit| known.insert(unit.clone())));
    }
    units
}

/// The names of a distinguished name from the domain down, without the domain; `None` when it is none.
pub(super) fn names_of(dn: &str) -> Option<Vec<String>> {
    let dn = Dn::parse(dn).ok()?;
    let inside = dn.rdns.into_iter().filter(|rdn| !rdn.attribute.eq_ignore_ascii_case("dc"));
    let mut names: Vec<String> = inside.map(|rdn| rdn.value).collect();
    names.reverse();
    Some(names)
}

/// The names of a path or distinguished name from the domain down, in lower case.
fn steps(name: &str) -> Vec<String> {
    let parsed = if name.contains('=') { names_of(name) } else { None };
    let names = parsed.unwrap_or_else(|| name.split('/').map(str::to_owned).collect());
    names.iter().map(|step| step.trim().to_lowercase()).collect()
}

/// What of the tree of AD can be named: what the world has, and what steps have made so far.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Organizational units and containers, as [`steps`], each with its path as written.
    units: BTreeMap<Vec<String>, String>,
    /// Groups, likewise.
    groups: BTreeSet<Vec<String>>,
    /// Whether something was moved, renamed or made under a name that is not known here: then anything may be
    /// anywhere.
    is_open: bool,
}

impl Tree {
    /// What a population makes.
    pub(super) fn of(population: &[Population]) -> Self {
        let units = units(population).into_iter().map(|path| (steps(&path), path)).collect();
        let exported = population.iter().filter_map(|part| match part {
            Population::Ldif { places, .. } => Some(&places.groups),
            Population::User(_) | Population::Shape { .. } => None,
        });
        let lowered = |names: &Vec<String>| names.iter().map(|name| name.to_lowercase()).collect();
        let groups = exported.flatten().map(lowered).collect();
        Self { units, groups, is_open: false }
    }

    /// Takes in what a cmdlet makes, moves or renames.
    pub(super) fn learn(&mut self, call: &CmdletCall) {
        let is = |name: &str| call.name.eq_ignore_ascii_case(name);
        if ["Move-ADObject", "Rename-ADObject", "Restore-ADObject"].into_iter().any(is) {
            self.is_open = true;
        }
        let (is_unit, is_group) = (is("New-ADOrganizationalUnit"), is("New-ADGroup"));
        let Some(name) = call.text("Name").filter(|_| is_unit || is_group) else { return };
        let default = if is_group { vec![PEOPLE.to_owned()] } else { Vec::new() };
        let path = call.text("Path");
        let mut names = path.map_or(default, |path| names_of(&path).unwrap_or_default());
        names.push(name);
        self.take(&names, is_group);
    }

    /// Takes in the object that a record adds.
    pub(super) fn learn_entry(&mut self, dn: &str, is_group: bool) {
        self.take(&names_of(dn).unwrap_or_default(), is_group);
    }

    /// Something is renamed or moved.
    pub(super) const fn open(&mut self) {
        self.is_open = true;
    }

    fn take(&mut self, names: &[String], is_group: bool) {
        // A name of every round is many names.
        self.is_open |= names.iter().any(|name| name.contains(ROUND));
        let lowered = names.iter().map(|name| name.trim().to_lowercase()).collect();
        if is_group {
            self.groups.insert(lowered);
        } else {
            self.units.insert(lowered, names.join("/"));
        }
    }

    fn has_unit(&self, names: &[String]) -> bool {
        self.is_open || self.units.contains_key(names)
    }

    fn has_group(&self, names: &[String]) -> bool {
        self.is_open || self.groups.contains(names)
    }

    fn unit_paths(&self) -> impl Iterator<Item = &str> + Clone {
        self.units.values().map(String::as_str)
    }
}

impl Reader<'_> {
    /// A scope of nobody is silent: so every unit and group that the world names must be there, or made by the
    /// story, which was read before.
    pub(super) fn check_places(&mut self, world: &World) {
        if self.lacks_people() {
            return;
        }
        let scope = &world.writeback.scope;
        let paths = units(&world.population);
        for unit in world.connect.units.iter().chain(&scope.ous) {
            self.check_unit(unit, &paths);
        }
        for group in &scope.groups {
            let wanted = steps(&group.value);
            if wanted.is_empty() || self.cast.tree.has_group(&wanted) {
                continue;
            }
            let own = wanted.last();
            let same = self.cast.tree.groups.iter().find(|names| names.last() == own);
            let help = match same.and_then(|names| names.split_last()) {
                Some((_, [])) => "the group of this name is in the head of the domain".to_owned(),
                Some((_, above)) => format!("the group of this name is in `{}`", above.join("/")),
                None => "a step makes it (`ad: New-ADGroup ...`), or an export holds it".to_owned(),
            };
            let message = format!("nobody makes a group `{}`", group.value);
            self.report(
                Diagnostic::error("unknown-place", group.span, message)
                    .label("nobody is in scope")
                    .help(help),
            );
        }
    }

    /// A mailbox in the cloud of somebody whom nothing synchronizes any more would not last: whoever leaves the
    /// synchronized units is deleted in the cloud (Microsoft Learn, "Microsoft Entra Connect Sync: Configure
    /// filtering").
    pub(super) fn check_synchronized(&mut self, world: &World) {
        let units: Vec<Vec<String>> =
            world.connect.units.iter().map(|unit| steps(&unit.value)).collect();
        // A unit that nobody makes is a mistake of its own.
        if units.is_empty() || units.iter().any(|unit| !self.cast.tree.has_unit(unit)) {
            return;
        }
        let is_synchronized = |path: &[String]| {
            let path: Vec<String> = path.iter().map(|step| step.trim().to_lowercase()).collect();
            units.iter().any(|unit| path.starts_with(unit))
        };
        let people = [PEOPLE.to_owned()];
        let has_its_mailbox =
            |user: &User| user.dir_synced && user.mailbox == MailboxLocation::Cloud;
        for part in &world.population {
            let (place, who, units) = match part {
                Population::User(user) if has_its_mailbox(user) => {
                    let units = if user.units.is_empty() { &people[..] } else { &user.units };
                    (user.name.span, user.name.value.as_str(), units)
                }
                Population::Shape { shape, .. } => (shape.span, shape.value.as_str(), &people[..]),
                Population::User(_) | Population::Ldif { .. } => continue,
            };
            if is_synchronized(units) {
                continue;
            }
            let message =
                format!("nothing synchronizes `{who}`, and it has a mailbox in the cloud");
            self.report(
                Diagnostic::error("not-synchronized", place, message)
                    .label(format!("in the unit `{}`, which is not below one of `connect.ous`", units.join("/")))
                    .help(
                        "name its unit there, or say `mailbox: none` of somebody who is in AD alone, or \
                         `dir_synced: false` of a mailbox of the cloud alone",
                    ),
            );
        }
    }

    fn check_unit(&mut self, unit: &Spanned<String>, paths: &[String]) {
        let wanted = steps(&unit.value);
        // The head of a domain, and its own containers, are there without anybody's doing.
        let is_built_in = unit.value.to_ascii_lowercase().starts_with("cn=") || wanted.is_empty();
        if is_built_in || self.cast.tree.has_unit(&wanted) {
            return;
        }
        let message = format!("nobody is in an organizational unit `{}`", unit.value);
        let problem = Diagnostic::error("unknown-place", unit.span, message)
            .label("no `ou:` of a user, no export and no step makes it");
        self.report(match advice(&unit.value, paths.iter().map(String::as_str)) {
            Some(help) => problem.help(help),
            None => problem,
        });
    }

    /// The organizational unit in which a step puts something has to be there by then. Containers are not
    /// looked up.
    pub(super) fn check_parent(&mut self, dn: &str, span: Span) {
        let is_unit = |dn: &Dn| {
            dn.rdns.first().is_some_and(|rdn| rdn.attribute.trim().eq_ignore_ascii_case("ou"))
        };
        if !Dn::parse(dn).is_ok_and(|parent| is_unit(&parent)) || dn.contains(ROUND) {
            return;
        }
        if self.lacks_people() || self.cast.tree.has_unit(&steps(dn)) {
            return;
        }
        let message = format!("there is no organizational unit `{dn}` by then");
        let problem = Diagnostic::error("unknown-place", span, message)
            .label("no `ou:` of a user, no export and no step before makes it");
        let wanted = steps(dn).join("/");
        let advice = advice(&wanted, self.cast.tree.unit_paths());
        self.report(match advice {
            Some(help) => problem.help(help),
            None => problem,
        });
    }
}
