//! Roles as the world says them: in Exchange Online, and in AD.

use sim::caller::Role;
use sim::estate::{Estate, Standing};
use sim::exchange::rbac::{Rbac, RbacError};

use super::StageError;
use crate::scenario::{InAd, OwnRole, RoleEntry, World};

/// The role that `as:` means: a built-in one, or one of the world's own.
#[must_use]
pub fn role_named(world: &World, name: &str) -> Option<Role> {
    Role::by_name(name).or_else(|| {
        let new = world.roles.iter().filter(|role| Role::by_name(&role.name.value).is_none());
        let place = new.clone().position(|role| role.name.value.eq_ignore_ascii_case(name))?;
        u8::try_from(place).ok().filter(|at| usize::from(*at) < Role::OWN.len()).map(Role::Own)
    })
}

/// Puts the roles of a world in force.
///
/// # Errors
/// [`StageError::Role`] for what no role can be given, or be without.
pub(super) fn apply(estate: &mut Estate, world: &World) -> Result<(), StageError> {
    if world.roles.is_empty() {
        return Ok(());
    }
    let mut rbac = Rbac::built_in();
    for role in &world.roles {
        let group = group(&mut rbac, world, role)
            .map_err(|_| StageError::Role(role.name.value.clone(), "its name".to_owned()))?;
        let refused = |entry: &RoleEntry| {
            let said = std::iter::once(&entry.cmdlet).chain(&entry.parameters);
            let said: Vec<&str> = said.map(String::as_str).collect();
            StageError::Role(role.name.value.clone(), format!("`{}`", said.join(" -")))
        };
        for entry in &role.may_not {
            rbac.withdraw(&group, &entry.cmdlet, &entry.parameters).map_err(|_| refused(entry))?;
        }
        for entry in &role.may {
            rbac.grant(&group, &entry.cmdlet, &entry.parameters).map_err(|_| refused(entry))?;
        }
    }
    estate.exchange.rbac = Some(Box::new(rbac));
    for role in &world.roles {
        stand_in_ad(estate, world, role);
    }
    Ok(())
}

/// What a role is to AD: what the world says, else what the role is that it begins with.
fn stand_in_ad(estate: &mut Estate, world: &World, role: &OwnRole) {
    let Some(of) = role_named(world, &role.name.value) else { return };
    let like = role.like.as_ref().and_then(|like| role_named(world, &like.value));
    let standing = match &role.in_ad {
        Some(InAd::All) => Some(Standing::Delegate(None)),
        Some(InAd::Attributes(names)) => Some(Standing::Delegate(Some(names.clone()))),
        None => like.map(|like| estate.standing(like)),
    };
    if let Some(standing) = standing {
        estate.set_standing(of, standing);
    }
}

/// The role group of a role; a new one begins with what the role is like.
fn group(rbac: &mut Rbac, world: &World, role: &OwnRole) -> Result<String, RbacError> {
    let of = role_named(world, &role.name.value).ok_or(RbacError::NotFound)?;
    if let Some(group) = rbac.group_of(of) {
        return Ok(group.name.clone());
    }
    let name = role.name.value.clone();
    rbac.new_group_of(&name, of)?;
    let like = role.like.as_ref().and_then(|like| role_named(world, &like.value));
    let like = like.and_then(|like| rbac.group_of(like)).map(|group| group.name.clone());
    if let Some(like) = like {
        rbac.assign_as(&like, &name)?;
    }
    Ok(name)
}
