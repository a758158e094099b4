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
    let domain = world.forest.domains.first().map_or("", |domain| domain.value.as_str());
    for place in &rights.cut_off {
        let done = estate.cut_off(&place.value) || estate.cut_off(&unit(&place.value, domain));
        check(done, &place.value)?;
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
