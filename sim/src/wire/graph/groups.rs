//! Groups, their members, and the groups of a member.
//!
//! Source: Microsoft Graph reference, resource type group.

use serde_json::{Map, Value, json};

use super::error::GraphError;
use super::expand;
use super::user_changes::refusal;
use super::{Operation, contacts, guid, instant, listing, ok};
use crate::entra::group::Group;
use crate::estate::{Estate, GroupChange, NewGroup};
use crate::exchange::property::{DISPLAY_NAME, USER_PRINCIPAL_NAME, WINDOWS_EMAIL_ADDRESS};
use crate::guid::Guid;
use crate::wire::identity::app_role;
use crate::wire::message::Answer;

pub(super) const READERS: [&str; 4] =
    [app_role::GROUP_READ, app_role::GROUP, app_role::DIRECTORY_READ, app_role::DIRECTORY];

const WRITERS: [&str; 2] = [app_role::GROUP, app_role::DIRECTORY];

const PAGE: (usize, usize) = (100, 999);

/// The annotation that binds members, and how many a change may bind (Microsoft Graph reference, "Add
/// members").
const MEMBERS: &str = "members@odata.bind";
const MOST_AT_ONCE: usize = 20;

/// `GET /groups`.
pub(super) fn list(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    let (all, at) = operation.with(|estate, _| {
        let live = estate.entra.groups.iter().filter(|group| group.deleted.is_none());
        (live.map(record).collect(), estate.now())
    });
    let collection =
        listing::Collection { context: "groups", kind: "Group", page: PAGE, sample: sample() };
    listing::records(operation, &collection, all, at)
}

/// `GET /directory/deletedItems/microsoft.graph.group`.
pub(super) fn deleted(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    let all = operation.with(|estate, _| {
        let gone = estate.entra.groups.iter().filter(|group| group.deleted.is_some());
        gone.map(record).collect()
    });
    as_objects(operation, all)
}

/// Groups in a listing of directory objects.
pub(super) fn as_objects(operation: &Operation<'_>, all: Vec<Value>) -> Result<Answer, GraphError> {
    let at = operation.with(|estate, _| estate.now());
    let collection = listing::Collection {
        context: "directoryObjects",
        kind: "Group",
        page: PAGE,
        sample: sample(),
    };
    listing::records(operation, &collection, all, at)
}

/// `GET /groups/{id}`.
pub(super) fn get(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    operation.only_options(&["select", "expand"])?;
    let expand = operation.address.query.get("expand").map(expand::read).transpose()?;
    let expand = expand.unwrap_or_default();
    if let Some(other) = expand.iter().find(|at| !matches!(&*at.name, "members" | "owners")) {
        return Err(GraphError::no_property(&other.name, "group"));
    }
    let (mut shown, expanded, at) = operation.with(|estate, _| {
        let group = live(estate, key)?;
        let expanded: Vec<(String, Vec<Value>)> = expand
            .iter()
            .map(|expanded| {
                let ids = if expanded.name == "owners" { &group.owners } else { &group.members };
                let objects = ids.iter().filter_map(|id| object(estate, *id)).take(20);
                (expanded.name.clone(), objects.map(|one| expanded.shown(one)).collect())
            })
            .collect();
        Ok::<_, GraphError>((record(group), expanded, estate.now()))
    })?;
    listing::select(operation, &mut shown, "group")?;
    let mut body = json!({"@odata.context": operation.context("groups/$entity")});
    if let (Some(body), Some(shown)) = (body.as_object_mut(), shown.as_object_mut()) {
        body.append(shown);
        for (name, objects) in expanded {
            body.insert(name, objects.into());
        }
    }
    Ok(ok(&body, at))
}

/// `POST /groups`.
pub(super) fn create(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    let body = body(operation)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let truth = |name: &str| body.get(name).and_then(Value::as_bool);
    let need = |name: &str| {
        GraphError::bad_request(format!(
            "A value is required for property '{name}' of resource 'Group'."
        ))
    };
    let types = body.get("groupTypes").and_then(Value::as_array);
    let new = NewGroup {
        display_name: text("displayName").ok_or_else(|| need("displayName"))?,
        description: text("description"),
        mail_nickname: text("mailNickname").ok_or_else(|| need("mailNickname"))?,
        mail_enabled: truth("mailEnabled").ok_or_else(|| need("mailEnabled"))?,
        security_enabled: truth("securityEnabled").ok_or_else(|| need("securityEnabled"))?,
        types: types.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
        members: bound(&body, MEMBERS)?,
        owners: bound(&body, "owners@odata.bind")?,
    };
    let initiator = operation.initiator();
    let (shown, at) = operation.with(|estate, _| {
        let id = estate.create_group(&initiator, new).map_err(|error| refusal(&error, ""))?;
        let shown = estate.entra.group(id).map(record).unwrap_or_default();
        Ok::<_, GraphError>((shown, estate.now()))
    })?;
    let location = format!(
        "{}/{}/groups/{}",
        operation.base,
        operation.version,
        shown["id"].as_str().unwrap_or_default()
    );
    let mut answer =
        listing::entity(operation, ("groups", "group"), shown, at)?.with("location", &location);
    answer.status = axum::http::StatusCode::CREATED;
    Ok(answer)
}

/// `PATCH /groups/{id}`.
pub(super) fn update(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    let mut change = GroupChange::default();
    let body = body(operation)?;
    let members = bound(&body, MEMBERS)?;
    if members.len() > MOST_AT_ONCE {
        return Err(GraphError::bad_request(format!(
            "The number of references in {MEMBERS} must be at most {MOST_AT_ONCE}."
        )));
    }
    for (name, value) in body {
        let text = || {
            value.as_str().map(str::to_owned).ok_or_else(|| {
                GraphError::bad_request(format!(
                    "Invalid value specified for property '{name}' of resource 'Group'."
                ))
            })
        };
        match name.as_str() {
            "displayName" => change.display_name = Some(text()?),
            "mailNickname" => change.mail_nickname = Some(text()?),
            "description" if value.is_null() => change.description = Some(None),
            "description" => change.description = Some(Some(text()?)),
            MEMBERS => {}
            // Owners come one by one: POST /groups/{id}/owners/$ref.
            _ if name.ends_with("@odata.bind") => {
                return Err(GraphError::no_binding(&name, "group"));
            }
            _ if name.contains('@') => {}
            _ => {
                return Err(GraphError::bad_request(format!(
                    "Property '{name}' is read-only and cannot be set."
                )));
            }
        }
    }
    acting(operation, key, |estate, initiator, id| {
        if !members.is_empty() {
            estate.add_members(initiator, id, &members)?;
        }
        if change == GroupChange::default() && !members.is_empty() {
            return Ok(());
        }
        estate.update_group(initiator, id, change)
    })
}

/// `DELETE /groups/{id}`.
pub(super) fn delete(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    acting(operation, key, |estate, initiator, id| estate.delete_group(initiator, id))
}

/// `POST /groups/{id}/members/$ref`.
pub(super) fn add_member(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    let body = body(operation)?;
    let member = body.get("@odata.id").and_then(Value::as_str).and_then(referenced);
    let member = member
        .ok_or_else(|| GraphError::bad_request("Invalid URL format specified in @odata.id."))?;
    acting(operation, key, |estate, initiator, id| estate.add_members(initiator, id, &[member]))
}

/// `POST /groups/{id}/owners/$ref`.
pub(super) fn add_owner(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    let body = body(operation)?;
    let owner = body.get("@odata.id").and_then(Value::as_str).and_then(referenced);
    let owner = owner
        .ok_or_else(|| GraphError::bad_request("Invalid URL format specified in @odata.id."))?;
    acting(operation, key, |estate, initiator, id| estate.add_owner(initiator, id, owner))
}

/// `DELETE /groups/{id}/owners/{owner}/$ref`.
pub(super) fn remove_owner(
    operation: &Operation<'_>,
    key: &str,
    owner: &str,
) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    let owner = guid(owner).ok_or_else(|| GraphError::no_resource(owner))?;
    acting(operation, key, |estate, initiator, id| estate.remove_owner(initiator, id, owner))
}

/// `DELETE /groups/{id}/members/{member}/$ref`.
pub(super) fn remove_member(
    operation: &Operation<'_>,
    key: &str,
    member: &str,
) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    let member = guid(member).ok_or_else(|| GraphError::no_resource(member))?;
    acting(operation, key, |estate, initiator, id| estate.remove_member(initiator, id, member))
}

/// `GET /groups/{id}/members`, `transitiveMembers` and `owners`.
pub(super) fn members(
    operation: &Operation<'_>,
    key: &str,
    which: &str,
) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    members_shown(operation, of(operation, key, which)?)
}

/// The members or owners of a group.
pub(super) fn of(
    operation: &Operation<'_>,
    key: &str,
    which: &str,
) -> Result<Vec<Value>, GraphError> {
    operation.with(|estate, _| {
        let group = live(estate, key)?;
        let ids = match which {
            "owners" => group.owners.clone(),
            "transitivemembers" => transitive(estate, group),
            _ => group.members.clone(),
        };
        Ok(ids.into_iter().filter_map(|id| object(estate, id)).collect())
    })
}

/// Members as a listing shows them.
pub(super) fn members_shown(
    operation: &Operation<'_>,
    all: Vec<Value>,
) -> Result<Answer, GraphError> {
    let at = operation.with(|estate, _| estate.now());
    let collection = listing::Collection {
        context: "directoryObjects",
        kind: "User",
        page: PAGE,
        sample: json!({"id": "", "displayName": "", "mail": "", "userPrincipalName": ""}),
    };
    listing::records(operation, &collection, all, at)
}

/// A group that is there and not deleted.
pub(super) fn live<'e>(estate: &'e Estate, key: &str) -> Result<&'e Group, GraphError> {
    guid(key)
        .and_then(|id| estate.entra.group(id))
        .filter(|group| group.deleted.is_none())
        .ok_or_else(|| GraphError::no_resource(key))
}

fn acting(
    operation: &Operation<'_>,
    key: &str,
    act: impl FnOnce(
        &mut Estate,
        &crate::entra::audit::Initiator,
        Guid,
    ) -> Result<(), crate::estate::EntraError>,
) -> Result<Answer, GraphError> {
    let id = guid(key).ok_or_else(|| GraphError::no_resource(key))?;
    let initiator = operation.initiator();
    operation.with(|estate, _| {
        act(estate, &initiator, id).map_err(|error| refusal(&error, key))?;
        Ok(Answer::no_content(estate.now()))
    })
}

/// All members of members, each once.
fn transitive(estate: &Estate, group: &Group) -> Vec<Guid> {
    let mut found: Vec<Guid> = Vec::new();
    let mut open: Vec<Guid> = group.members.clone();
    while let Some(id) = open.pop() {
        if found.contains(&id) {
            continue;
        }
        found.push(id);
        if let Some(inner) = estate.entra.group(id).filter(|group| group.deleted.is_none()) {
            open.extend(&inner.members);
        }
    }
    found
}

/// A user, group or contact as a directory object.
pub(super) fn object(estate: &Estate, id: Guid) -> Option<Value> {
    if let Some(number) = estate.live_user(id) {
        let user = estate.entra.user(number)?;
        return Some(json!({
            "@odata.type": "#microsoft.graph.user",
            "id": id.to_string(),
            "displayName": user.record.text(DISPLAY_NAME),
            "mail": user.record.text(WINDOWS_EMAIL_ADDRESS),
            "userPrincipalName": user.record.text(USER_PRINCIPAL_NAME),
        }));
    }
    if let Some(group) = estate.entra.group(id).filter(|group| group.deleted.is_none()) {
        let mut shown = record(group);
        shown["@odata.type"] = "#microsoft.graph.group".into();
        return Some(shown);
    }
    let contact = contacts::live(estate).find(|contact| contact.id == id)?;
    let mut shown = contacts::record(contact);
    shown["@odata.type"] = "#microsoft.graph.orgContact".into();
    Some(shown)
}

/// The members of a body, by the names that the service spells: it takes them in any case.
pub(super) fn body(operation: &Operation<'_>) -> Result<Map<String, Value>, GraphError> {
    const SPELT: [&str; 12] = [
        "ids",
        "securityEnabledOnly",
        "groupIds",
        "displayName",
        "description",
        "mailNickname",
        "mailEnabled",
        "securityEnabled",
        "groupTypes",
        "isCloudManaged",
        MEMBERS,
        "owners@odata.bind",
    ];
    match serde_json::from_slice(operation.body) {
        Ok(Value::Object(members)) => Ok(super::spelt(members, &SPELT)),
        Ok(_) => Err(GraphError::bad_request("The request body must be a JSON object.")),
        Err(why) => Err(GraphError::bad_request(format!("Invalid request body: {why}"))),
    }
}

/// Ids out of `members@odata.bind`.
fn bound(body: &Map<String, Value>, name: &str) -> Result<Vec<Guid>, GraphError> {
    let links = body.get(name).and_then(Value::as_array).into_iter().flatten();
    links
        .map(|link| {
            link.as_str().and_then(referenced).ok_or_else(|| {
                GraphError::bad_request(format!("Invalid URL format specified in {name}."))
            })
        })
        .collect()
}

/// The id at the end of a link, with or without parentheses.
pub(super) fn referenced(link: &str) -> Option<Guid> {
    let last = link.trim_end_matches('/').rsplit('/').next()?;
    let last = last.rsplit_once("('").map_or(last, |(_, key)| key.trim_end_matches("')"));
    guid(last)
}

/// A group as JSON.
pub(super) fn record(group: &Group) -> Value {
    let ad = group.synced.on_premises.as_ref();
    json!({
        "id": group.id.to_string(),
        "deletedDateTime": group.deleted.map(instant),
        "classification": null,
        "createdDateTime": instant(group.created),
        "creationOptions": [],
        "description": group.description,
        "displayName": group.display_name,
        "expirationDateTime": null,
        "groupTypes": group.types,
        "isAssignableToRole": null,
        "mail": group.mail,
        "mailEnabled": group.mail_enabled,
        "mailNickname": group.mail_nickname,
        "membershipRule": null,
        "membershipRuleProcessingState": null,
        "onPremisesDomainName": ad.map(|ad| &ad.domain),
        "onPremisesLastSyncDateTime": ad.map(|ad| instant(ad.last_sync)),
        "onPremisesNetBiosName": ad.map(|ad| &ad.netbios),
        "onPremisesSamAccountName": ad.and_then(|ad| ad.sam_account_name.as_ref()),
        "onPremisesSecurityIdentifier": ad.and_then(|ad| ad.sid.as_ref()),
        "onPremisesSyncEnabled": group.synced.sync_enabled,
        "preferredDataLocation": null,
        "preferredLanguage": null,
        "proxyAddresses": group.proxy_addresses,
        "renewedDateTime": instant(group.created),
        "resourceBehaviorOptions": [],
        "resourceProvisioningOptions": [],
        "securityEnabled": group.security_enabled,
        "securityIdentifier": null,
        "theme": null,
        "visibility": if group.types.is_empty() { Value::Null } else { "Public".into() },
        "onPremisesProvisioningErrors": [],
        "serviceProvisioningErrors": [],
    })
}

/// Every member that a group has.
pub(super) fn sample() -> Value {
    record(&Group {
        id: Guid([0; 16]),
        created: crate::clock::VirtualTime::from_micros(0),
        deleted: None,
        synced: crate::entra::group::Synced {
            sync_enabled: None,
            object_cloud_managed: false,
            on_premises: None,
        },
        display_name: String::new(),
        description: None,
        mail_nickname: String::new(),
        mail: None,
        proxy_addresses: Vec::new(),
        mail_enabled: false,
        security_enabled: false,
        types: Vec::new(),
        members: Vec::new(),
        owners: Vec::new(),
        position: 0,
        left: Vec::new(),
    })
}
