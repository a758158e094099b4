//! Organizational units and groups that the world names: the population or the story makes them.

use super::super::diagnostic::Diagnostic;
use super::super::nearest::advice;
use super::super::span::Spanned;
use super::super::world::{Population, World};
use super::Reader;

/// Everybody's organizational unit, unless a user says another.
const PEOPLE: &str = "People";

/// The organizational units that a population makes, by their paths from the domain down.
pub(super) fn units(population: &[Population]) -> Vec<String> {
    let mut units = vec![PEOPLE.to_owned()];
    for part in population {
        let Population::User(user) = part else { continue };
        for depth in 1..=user.units.len() {
            let unit = user.units[..depth].join("/");
            if !units.contains(&unit) {
                units.push(unit);
            }
        }
    }
    units
}

/// The names of a path or distinguished name, from the top down, without the domain.
fn steps(name: &str) -> Vec<String> {
    if !name.contains('=') {
        return name.split('/').map(|step| step.trim().to_lowercase()).collect();
    }
    let parts = name.split(',').filter_map(|part| part.split_once('='));
    let inside = parts.filter(|(kind, _)| !kind.trim().eq_ignore_ascii_case("dc"));
    let mut names: Vec<String> = inside.map(|(_, name)| name.trim().to_lowercase()).collect();
    names.reverse();
    names
}

impl Reader<'_> {
    /// A scope of nobody is silent: so every unit and group that it names must be made by somebody.
    /// `story` is the text of the story.
    pub(super) fn check_places(&mut self, world: &World, story: &str) {
        if world.population.iter().any(|part| matches!(part, Population::Ldif { .. })) {
            return;
        }
        let story = story.to_lowercase();
        let units = units(&world.population);
        let scope = &world.writeback.scope;
        for unit in world.connect.units.iter().chain(&scope.ous) {
            self.check_unit(unit, &units, &story);
        }
        for group in &scope.groups {
            let name = steps(&group.value).pop().unwrap_or_default();
            if name.is_empty() || !story.contains(&name) {
                let message = format!("nobody makes a group `{}`", group.value);
                self.report(
                    Diagnostic::error("unknown-place", group.span, message)
                        .label("nobody is in scope")
                        .help("a step makes it (`ad: New-ADGroup ...`), or an export holds it"),
                );
            }
        }
    }

    fn check_unit(&mut self, unit: &Spanned<String>, units: &[String], story: &str) {
        let wanted = steps(&unit.value);
        let is_made = units.iter().any(|known| steps(known) == wanted);
        // The head of a domain, and its own containers, are there without anybody's doing.
        let is_built_in = unit.value.to_ascii_lowercase().starts_with("cn=") || wanted.is_empty();
        let leaf = wanted.last().map_or("", String::as_str);
        if is_made || is_built_in || (!leaf.is_empty() && story.contains(leaf)) {
            return;
        }
        let message = format!("nobody is in an organizational unit `{}`", unit.value);
        let problem = Diagnostic::error("unknown-place", unit.span, message)
            .label("no `ou:` of a user, and no step makes it");
        let names = units.iter().map(String::as_str);
        self.report(match advice(&unit.value, names) {
            Some(help) => problem.help(help),
            None => problem,
        });
    }
}
