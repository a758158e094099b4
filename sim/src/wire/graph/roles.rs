//! Directory roles and who holds them.
//!
//! Source: Microsoft Graph reference, resource type directoryRole.
//!
//! # Divergence from Microsoft Graph
//! Every role is activated, and its `id` is that of its template.

use serde_json::{Value, json};

use super::error::GraphError;
use super::groups::{body, referenced};
use super::user_changes::live;
use super::{Operation, listing, relations};
use crate::entra::roles::{DirectoryRoles, ROLES};
use crate::wire::identity::app_role;
use crate::wire::message::Answer;

const READERS: [&str; 3] =
    [app_role::DIRECTORY_READ, app_role::DIRECTORY, app_role::ROLE_MANAGEMENT];

const WRITERS: [&str; 1] = [app_role::ROLE_MANAGEMENT];

fn role(key: &str) -> Result<usize, GraphError> {
    DirectoryRoles::find(key).ok_or_else(|| GraphError::no_resource(key))
}

fn record(place: usize) -> Value {
    let role = ROLES[place];
    json!({
        "id": role.template,
        "deletedDateTime": null,
        "description": null,
        "displayName": role.name,
        "roleTemplateId": role.template,
    })
}

/// `GET /directoryRoles`.
pub(super) fn list(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    let at = operation.with(|estate, _| estate.now());
    let collection = listing::Collection {
        context: "directoryRoles",
        kind: "DirectoryRole",
        page: (100, 999),
        sample: record(0),
    };
    listing::records(operation, &collection, (0..ROLES.len()).map(record).collect(), at)
}

/// `GET /directoryRoles/{id}`.
pub(super) fn get(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    let place = role(key)?;
    let at = operation.with(|estate, _| estate.now());
    listing::entity(operation, ("directoryRoles", "directoryRole"), record(place), at)
}

/// `GET /directoryRoles/{id}/members`.
pub(super) fn members(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    let place = role(key)?;
    let (all, at) = operation.with(|estate, _| {
        let members = estate.entra.roles.members(place);
        (members.map(|user| relations::object(estate, user)).collect(), estate.now())
    });
    let collection = listing::Collection {
        context: "directoryObjects",
        kind: "User",
        page: (100, 999),
        sample: json!({"id": "", "displayName": "", "userPrincipalName": "", "mail": ""}),
    };
    listing::records(operation, &collection, all, at)
}

/// `POST /directoryRoles/{id}/members/$ref`.
pub(super) fn assign(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    let place = role(key)?;
    let body = body(operation)?;
    let link = body.get("@odata.id").and_then(Value::as_str);
    let invalid = || GraphError::bad_request("Invalid URL format specified in @odata.id.");
    let member = link.map(|link| link.rsplit('/').next().unwrap_or(link)).ok_or_else(invalid)?;
    let member = link.and_then(referenced).map_or_else(|| member.to_owned(), |id| id.to_string());
    let initiator = operation.initiator();
    operation.with(|estate, _| {
        let user = live(estate, &member)?;
        if !estate.assign_role(&initiator, place, user) {
            return Err(GraphError::bad_request(
                "One or more added object references already exist for the following modified properties: 'members'.",
            ));
        }
        Ok(Answer::no_content(estate.now()))
    })
}

/// `DELETE /directoryRoles/{id}/members/{id}/$ref`.
pub(super) fn remove(
    operation: &Operation<'_>,
    key: &str,
    member: &str,
) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    let place = role(key)?;
    let initiator = operation.initiator();
    operation.with(|estate, _| {
        let user = live(estate, member)?;
        if !estate.remove_role(&initiator, place, user) {
            return Err(GraphError::no_resource(member));
        }
        Ok(Answer::no_content(estate.now()))
    })
}
