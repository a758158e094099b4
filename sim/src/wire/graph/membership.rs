//! Who is a member of what: the groups of somebody, members of one type, and the questions that are answered
//! by ids alone.
//!
//! Source: Microsoft Graph reference, "List memberOf", "List transitiveMemberOf", "directoryObject:
//! getMemberGroups", "directoryObject: checkMemberGroups", "directoryObject: getMemberObjects", "directoryObject:
//! checkMemberObjects"; "Use query
//! parameters", OData cast.
//!
//! # Divergence from Microsoft Graph
//! `memberOf` shows directory roles only where somebody asks for their own; `getMemberObjects` and `checkMemberObjects`
//! know those of every user. There are no administrative units.

use serde_json::{Value, json};

use super::error::GraphError;
use super::groups::{self, READERS, body, live, object, record};
use super::{Operation, guid, listing, ok, user_changes};
use crate::entra::group::Group;
use crate::entra::roles::{DirectoryRoles, ROLES};
use crate::estate::Estate;
use crate::guid::Guid;
use crate::wire::identity::scope;
use crate::wire::message::Answer;

/// Most ids that one question may hold.
const MOST_IDS: usize = 20;

/// Whose memberships are asked for.
#[derive(Clone, Copy)]
pub(super) enum Of {
    User,
    Group,
    /// A user or a group.
    Any,
}

impl Of {
    fn id(self, estate: &Estate, key: &str) -> Result<Guid, GraphError> {
        match self {
            Self::Group => Ok(live(estate, key)?.id),
            Self::Any => {
                let is_one = |id: &Guid| {
                    estate.live_user(*id).is_some()
                        || estate.entra.group(*id).is_some_and(|group| group.deleted.is_none())
                };
                guid(key).filter(is_one).ok_or_else(|| GraphError::no_resource(key))
            }
            Self::User => {
                let number = user_changes::live(estate, key)?;
                estate.entra.user(number).map(|u| u.id).ok_or_else(|| GraphError::no_resource(key))
            }
        }
    }
}

/// The groups that have somebody as a member, and with `through` those that have such a group as a member;
/// each once, nearest first.
fn groups_with(estate: &Estate, member: Guid, through: bool) -> Vec<&Group> {
    let mut found: Vec<&Group> = Vec::new();
    let mut open = vec![member];
    while let Some(id) = open.pop() {
        let having = |group: &&Group| group.deleted.is_none() && group.members.contains(&id);
        for group in estate.entra.groups.iter().filter(having) {
            if group.id != member && !found.iter().any(|known| known.id == group.id) {
                found.push(group);
                open.push(group.id);
            }
        }
        if !through {
            break;
        }
    }
    found
}

fn typed(group: &Group) -> Value {
    let mut shown = record(group);
    shown["@odata.type"] = "#microsoft.graph.group".into();
    shown
}

/// The groups that have somebody as a direct member.
pub(super) fn direct(estate: &Estate, member: Guid) -> impl Iterator<Item = Value> + '_ {
    groups_with(estate, member, false).into_iter().map(typed)
}

/// The groups that have somebody as a member, directly or by other groups.
pub(super) fn transitive(estate: &Estate, member: Guid) -> impl Iterator<Item = Value> + '_ {
    groups_with(estate, member, true).into_iter().map(typed)
}

fn memberships(
    operation: &Operation<'_>,
    (of, key): (Of, &str),
    through: bool,
) -> Result<Vec<Value>, GraphError> {
    operation.require(&READERS)?;
    operation.with(|estate, _| {
        let id = of.id(estate, key)?;
        Ok(groups_with(estate, id, through).into_iter().map(typed).collect())
    })
}

/// `GET .../memberOf`, and the same by type, for all members are groups.
pub(super) fn member_of(
    operation: &Operation<'_>,
    whose: (Of, &str),
) -> Result<Answer, GraphError> {
    groups::as_objects(operation, memberships(operation, whose, false)?)
}

/// `GET .../transitiveMemberOf`.
pub(super) fn transitive_member_of(
    operation: &Operation<'_>,
    whose: (Of, &str),
) -> Result<Answer, GraphError> {
    groups::as_objects(operation, memberships(operation, whose, true)?)
}

/// `GET .../memberOf/$count`.
pub(super) fn count(operation: &Operation<'_>, whose: (Of, &str)) -> Result<Answer, GraphError> {
    listing::count(operation, "Group", &memberships(operation, whose, false)?)
}

/// `GET /me/memberOf`: groups, and the directory role that somebody signed in with.
pub(super) fn own(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    let person = super::signed_in(operation)?;
    let id = person.id;
    let role = person.template().and_then(DirectoryRoles::find).map(|place| {
        let role = ROLES[place];
        json!({
            "@odata.type": "#microsoft.graph.directoryRole",
            "id": role.template,
            "displayName": role.name,
            "roleTemplateId": role.template,
        })
    });
    let groups: Vec<Value> = operation.with(|estate, _| direct(estate, id).collect());
    groups::as_objects(operation, role.into_iter().chain(groups).collect())
}

/// `GET /groups/{id}/members/microsoft.graph.{kind}` and the like: members of one type.
pub(super) fn of_type(
    operation: &Operation<'_>,
    (key, which): (&str, &str),
    kind: &str,
) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    let wanted = format!("#microsoft.graph.{kind}");
    let all = groups::of(operation, key, which)?;
    let all = all.into_iter().filter(|one| one["@odata.type"] == wanted.as_str());
    groups::members_shown(operation, all.collect())
}

/// `GET /groups/{id}/members/$count`.
pub(super) fn count_members(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    listing::count(operation, "User", &groups::of(operation, key, "members")?)
}

fn ids(operation: &Operation<'_>, ids: impl Iterator<Item = Guid>) -> Answer {
    let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
    let context = operation.context("Collection(Edm.String)");
    let at = operation.with(|estate, _| estate.now());
    ok(&json!({"@odata.context": context, "value": ids}), at)
}

/// What is asked about: groups alone, or all objects that have members.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Groups,
    /// Groups and directory roles.
    Objects,
}

/// The ids of the directory roles that a user holds.
fn roles_of(estate: &Estate, id: Guid) -> Vec<Guid> {
    let user = estate.entra.by_id(id);
    let roles = user.into_iter().flat_map(|user| estate.entra.roles.of(user));
    roles.filter_map(|place| guid(ROLES.get(place)?.template)).collect()
}

/// `POST .../getMemberGroups` and `POST .../getMemberObjects`: the ids of all that have it as a member, through others
/// too.
pub(super) fn ids_of(
    operation: &Operation<'_>,
    whose: (Of, &str),
    over: Over,
) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    all_of(operation, whose, over)
}

fn all_of(
    operation: &Operation<'_>,
    (of, key): (Of, &str),
    over: Over,
) -> Result<Answer, GraphError> {
    let secure = body(operation)?.get("securityEnabledOnly").and_then(Value::as_bool);
    let secure = secure.ok_or_else(|| {
        GraphError::bad_request(
            "A value is required for parameter 'securityEnabledOnly', true or false.",
        )
    })?;
    let all: Vec<Guid> = operation.with(|estate, _| {
        let id = of.id(estate, key)?;
        let groups = groups_with(estate, id, true).into_iter();
        let groups = groups.filter(|group| group.security_enabled || !secure);
        let mut all: Vec<Guid> = groups.map(|group| group.id).collect();
        if over == Over::Objects && !secure {
            all.extend(roles_of(estate, id));
        }
        Ok::<_, GraphError>(all)
    })?;
    Ok(ids(operation, all.into_iter()))
}

/// `POST .../checkMemberGroups` and `POST .../checkMemberObjects`: which of these have it as a member.
pub(super) fn check(
    operation: &Operation<'_>,
    whose: (Of, &str),
    over: Over,
) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    those_of(operation, whose, over)
}

fn those_of(
    operation: &Operation<'_>,
    (of, key): (Of, &str),
    over: Over,
) -> Result<Answer, GraphError> {
    let name = if over == Over::Groups { "groupIds" } else { "ids" };
    let body = body(operation)?;
    let asked = body.get(name).and_then(Value::as_array);
    let asked =
        asked.filter(|asked| !asked.is_empty() && asked.len() <= MOST_IDS).ok_or_else(|| {
            GraphError::bad_request(format!(
                "The number of {name} must be between 1 and {MOST_IDS}."
            ))
        })?;
    let asked = asked.iter().map(|id| {
        let text = id.as_str().unwrap_or_default();
        guid(text).ok_or_else(|| GraphError::bad_request(format!("Invalid GUID:{text}")))
    });
    let asked = asked.collect::<Result<Vec<Guid>, GraphError>>()?;
    let all: Vec<Guid> = operation.with(|estate, _| {
        let id = of.id(estate, key)?;
        let having = groups_with(estate, id, true);
        let roles = if over == Over::Objects { roles_of(estate, id) } else { Vec::new() };
        let has = |id: &Guid| having.iter().any(|group| group.id == *id) || roles.contains(id);
        Ok::<_, GraphError>(asked.into_iter().filter(has).collect())
    })?;
    Ok(ids(operation, all.into_iter()))
}

/// `POST /me/getMemberGroups` and `POST /me/getMemberObjects`.
pub(super) fn own_ids(operation: &Operation<'_>, over: Over) -> Result<Answer, GraphError> {
    let id = oneself(operation)?;
    all_of(operation, (Of::User, &id), over)
}

/// `POST /me/checkMemberGroups` and `POST /me/checkMemberObjects`.
pub(super) fn own_check(operation: &Operation<'_>, over: Over) -> Result<Answer, GraphError> {
    let id = oneself(operation)?;
    those_of(operation, (Of::User, &id), over)
}

/// Whoever signed in, who may ask about themselves with `User.Read` alone.
fn oneself(operation: &Operation<'_>) -> Result<String, GraphError> {
    let person = super::signed_in(operation)?;
    let [first, second, third, fourth] = READERS;
    operation.require(&[scope::USER_READ, first, second, third, fourth])?;
    Ok(person.id.to_string())
}

/// `GET /directoryObjects/{id}`: a user, a group or a contact.
pub(super) fn directory_object(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    let (record, at) = operation.with(|estate, _| {
        let record = guid(key).and_then(|id| object(estate, id));
        Ok::<_, GraphError>((record.ok_or_else(|| GraphError::no_resource(key))?, estate.now()))
    })?;
    listing::entity(operation, ("directoryObjects", "directoryObject"), record, at)
}
