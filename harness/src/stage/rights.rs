//! Rights in AD as the world says them, once everybody is there.

use sim::estate::Estate;

use super::StageError;
use crate::scenario::World;

/// Puts the rights of a world in force.
///
/// # Errors
/// [`StageError::NotModelled`] for a place that the population did not make.
pub(super) fn apply(estate: &mut Estate, world: &World) -> Result<(), StageError> {
    let rights = &world.rights;
    if let Some(attributes) = &rights.agents {
        let names: Vec<String> = attributes.iter().map(|name| name.value.clone()).collect();
        estate.limit_agents(&names);
    }
    let domains: Vec<&str> = world
        .forests()
        .flat_map(|forest| &forest.domains)
        .map(|domain| domain.value.as_str())
        .collect();
    for place in &rights.cut_off {
        let is_user = estate.cut_off(&place.value);
        // A unit of this path is cut off in every domain that has one.
        let mut units = domains.iter().filter(|_| !is_user);
        let in_domain = |domain: &&&str| estate.cut_off(&unit(&place.value, domain));
        let done = is_user || units.by_ref().filter(in_domain).count() > 0;
        check(done, &place.value)?;
    }
    for entry in &rights.entries {
        let names: Vec<String> = entry.attributes.iter().map(|name| name.value.clone()).collect();
        let mut set = |place: &str| estate.set_agent_right(place, &names, entry.deny);
        let place = &entry.on.value;
        // As with those that are cut off: a unit of this path in every domain that has one.
        let is_user = set(place);
        let in_units = domains.iter().filter(|domain| !is_user && set(&unit(place, domain)));
        let done = is_user || in_units.count() > 0;
        check(done, place)?;
    }
    for user in &rights.protected {
        check(estate.protect(&user.value), &user.value)?;
    }
    Ok(())
}

fn check(done: bool, place: &str) -> Result<(), StageError> {
    if done {
        return Ok(());
    }
    Err(StageError::NotModelled(format!("`world.rights` of `{place}`, which is not in AD,")))
}

/// `Staff/North` as a distinguished name.
fn unit(path: &str, domain: &str) -> String {
    let units = path.rsplit('/').map(|unit| format!("OU={unit}"));
    let parts = domain.split('.').map(|part| format!("DC={part}"));
    units.chain(parts).collect::<Vec<_>>().join(",")
}
