//! Who is a member of what: the groups of somebody, members of one type, and the questions that are answered
//! by ids alone.
//!
//! Source: Microsoft Graph reference, "List memberOf", "List transitiveMemberOf", "directoryObject:
//! getMemberGroups", "directoryObject: checkMemberGroups", "directoryObject: getMemberObjects"; "Use query
//! parameters", OData cast.
//!
//! # Divergence from Microsoft Graph
//! Directory roles are members' only where somebody asks for `memberOf` of themselves.

use serde_json::{Value, json};

use super::error::GraphError;
use super::groups::{self, READERS, body, live, object, record};
use super::{Operation, guid, listing, ok, user_changes};
use crate::entra::group::Group;
use crate::entra::roles::{DirectoryRoles, ROLES};
use crate::estate::Estate;
use crate::guid::Guid;
use crate::wire::message::Answer;

/// Most ids that one question may hold.
const MOST_IDS: usize = 20;

/// Whose memberships are asked for.
#[derive(Clone, Copy)]
pub(super) enum Of {
    User,
    Group,
}

impl Of {
    fn id(self, estate: &Estate, key: &str) -> Result<Guid, GraphError> {
        match self {
            Self::Group => Ok(live(estate, key)?.id),
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

/// `POST .../getMemberGroups` and `POST .../getMemberObjects`: the ids of all groups that have it as a member,
/// through others too.
pub(super) fn ids_of_groups(
    operation: &Operation<'_>,
    (of, key): (Of, &str),
) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    let secure = body(operation)?.get("securityEnabledOnly").and_then(Value::as_bool);
    let secure = secure.ok_or_else(|| {
        GraphError::bad_request(
            "A value is required for parameter 'securityEnabledOnly', true or false.",
        )
    })?;
    let all: Vec<Guid> = operation.with(|estate, _| {
        let id = of.id(estate, key)?;
        let all = groups_with(estate, id, true).into_iter();
        Ok::<_, GraphError>(
            all.filter(|group| group.security_enabled || !secure).map(|group| group.id).collect(),
        )
    })?;
    Ok(ids(operation, all.into_iter()))
}

/// `POST .../checkMemberGroups`: which of these groups have it as a member.
pub(super) fn check_groups(
    operation: &Operation<'_>,
    (of, key): (Of, &str),
) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    let body = body(operation)?;
    let asked = body.get("groupIds").and_then(Value::as_array);
    let asked =
        asked.filter(|asked| !asked.is_empty() && asked.len() <= MOST_IDS).ok_or_else(|| {
            GraphError::bad_request(format!(
                "The number of groupIds must be between 1 and {MOST_IDS}."
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
        let has = |id: &Guid| having.iter().any(|group| group.id == *id);
        Ok::<_, GraphError>(asked.into_iter().filter(has).collect())
    })?;
    Ok(ids(operation, all.into_iter()))
}

/// `GET /directoryObjects/{id}`: a user or a group.
pub(super) fn directory_object(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    let (record, at) = operation.with(|estate, _| {
        let record = guid(key).and_then(|id| object(estate, id));
        Ok::<_, GraphError>((record.ok_or_else(|| GraphError::no_resource(key))?, estate.now()))
    })?;
    listing::entity(operation, ("directoryObjects", "directoryObject"), record, at)
}
