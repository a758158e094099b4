//! `onPremisesSyncBehavior`: the source of authority of a whole user, group or contact.
//!
//! Source: Microsoft Graph reference, resource type onPremisesSyncBehavior; Microsoft Learn, "Configure
//! User Source of Authority". A change answers 204; the documentation shows 200 with the object, which
//! the switch `sync_behavior_answer` of the profile gives.

use serde::Deserialize;
use serde_json::{Value, json};

use super::error::GraphError;
use super::user_changes::refusal;
use super::{Operation, groups, guid, listing, users};
use crate::clock::VirtualTime;
use crate::estate::Estate;
use crate::guid::Guid;
use crate::wire::identity::app_role;
use crate::wire::message::Answer;

/// What has such a thing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Group,
    Contact,
}

impl Kind {
    const fn segment(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::Group => "groups",
            Self::Contact => "contacts",
        }
    }

    /// The permission to read and to write it: there is no other.
    const fn permission(self) -> &'static str {
        match self {
            Self::User => app_role::USER_SYNC_BEHAVIOR,
            Self::Group => app_role::GROUP_SYNC_BEHAVIOR,
            Self::Contact => app_role::CONTACT_SYNC_BEHAVIOR,
        }
    }
}

/// `GET .../{id}/onPremisesSyncBehavior`.
pub(super) fn get(operation: &Operation<'_>, kind: Kind, key: &str) -> Result<Answer, GraphError> {
    operation.require(&[kind.permission()])?;
    operation.only_options(&["select"])?;
    let missing = || GraphError::no_resource(key);
    let (id, flag, at) = operation.with(|estate, caller| {
        let (id, flag) = match kind {
            Kind::User => {
                let id = users::id_of(estate, key).ok_or_else(missing)?;
                let flag = estate.object_cloud_managed(caller, &[id]).into_iter().flatten().next();
                (id, flag.ok_or_else(missing)?)
            }
            Kind::Group => {
                let group = groups::live(estate, key)?;
                (group.id, group.synced.object_cloud_managed)
            }
            Kind::Contact => {
                let id = guid(key).ok_or_else(missing)?;
                let contact = super::contacts::live(estate).find(|contact| contact.id == id);
                (id, contact.ok_or_else(missing)?.synced.object_cloud_managed)
            }
        };
        Ok::<_, GraphError>((id, flag, estate.now()))
    })?;
    shown(operation, kind, (id, flag), at)
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(rename = "isCloudManaged")]
    cloud_managed: bool,
}

/// `PATCH .../{id}/onPremisesSyncBehavior`.
pub(super) fn update(
    operation: &Operation<'_>,
    kind: Kind,
    key: &str,
) -> Result<Answer, GraphError> {
    operation.require(&[kind.permission()])?;
    let wanted: Wanted = serde_json::from_slice(operation.body)
        .map_err(|why| GraphError::bad_request(format!("Invalid request body: {why}")))?;
    let initiator = operation.initiator();
    let cloud = wanted.cloud_managed;
    let (id, at, with_object) = operation.with(|estate, caller| {
        let id = key_of(estate, kind, key)?;
        let done = match kind {
            Kind::User => {
                let number = super::user_changes::live(estate, key)?;
                estate.set_object_authority(caller, &initiator, number, cloud)
            }
            Kind::Group => estate.set_group_authority(&initiator, id, cloud),
            Kind::Contact => estate.set_contact_authority(&initiator, id, cloud),
        };
        done.map_err(|error| refusal(&error, key))?;
        let with_object = estate.profile.text("sync_behavior_answer") == "object";
        Ok::<_, GraphError>((id, estate.now(), with_object))
    })?;
    if with_object { shown(operation, kind, (id, cloud), at) } else { Ok(Answer::no_content(at)) }
}

fn key_of(estate: &Estate, kind: Kind, key: &str) -> Result<Guid, GraphError> {
    let id = if kind == Kind::User { users::id_of(estate, key) } else { guid(key) };
    id.ok_or_else(|| GraphError::no_resource(key))
}

fn shown(
    operation: &Operation<'_>,
    kind: Kind,
    (id, flag): (Guid, bool),
    at: VirtualTime,
) -> Result<Answer, GraphError> {
    let record: Value = json!({"id": id.to_string(), "isCloudManaged": flag});
    let context = format!("{}('{id}')/onPremisesSyncBehavior", kind.segment());
    listing::entity(operation, (&context, "onPremisesSyncBehavior"), record, at)
}
