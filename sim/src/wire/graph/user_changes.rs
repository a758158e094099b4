//! Changes of users: `PATCH`, `POST`, `DELETE`, and the deleted items.
//!
//! Source: Microsoft Graph reference, "Update user", "Create user", "Delete user", "List deletedItems",
//! "Restore deleted directory object", "Permanently delete".

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::GraphError;
use super::users::{self, id_of};
use super::{Operation, listing, ok, user, user_values};
use crate::entra::property;
use crate::estate::{EntraError, Estate, NewUser, RestoredAs};
use crate::exchange::Changes;
use crate::guid::Guid;
use crate::record::AttributeNumber;
use crate::wire::identity::app_role;
use crate::wire::message::Answer;

/// Any of these allows changing users.
pub(super) const WRITERS: [&str; 2] = [app_role::USER, app_role::DIRECTORY];

/// Properties that are documented as read-only.
const READ_ONLY: [&str; 12] = [
    "proxyAddresses",
    "id",
    "onPremisesSyncEnabled",
    "onPremisesLastSyncDateTime",
    "onPremisesProvisioningErrors",
    "onPremisesDomainName",
    "onPremisesDistinguishedName",
    "createdDateTime",
    "deletedDateTime",
    "assignedPlans",
    "assignedLicenses",
    "provisionedPlans",
];

/// What a new user cannot be without.
const REQUIRED: [&str; 5] =
    ["accountEnabled", "displayName", "mailNickname", "userPrincipalName", "passwordProfile"];

/// `PATCH /users/{id}`.
pub(super) fn update(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    let body = object(operation.body)?;
    let values = values(&body)?;
    let initiator = operation.initiator();
    operation.with(|estate, caller| {
        let number = live(estate, key)?;
        estate
            .update_user(caller, &initiator, number, values)
            .map_err(|error| refusal(&error, key))?;
        Ok(Answer::no_content(estate.now()))
    })
}

/// `POST /users`.
pub(super) fn create(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    let body = object(operation.body)?;
    for name in REQUIRED {
        if body.get(name).is_none_or(Value::is_null) {
            return Err(GraphError::bad_request(format!(
                "A value is required for property '{name}' of resource 'User'."
            )));
        }
    }
    let values = values(&body)?;
    let initiator = operation.initiator();
    let (body, at) = operation.with(|estate, caller| {
        let number = estate
            .create_user(caller, &initiator, NewUser { values })
            .map_err(|error| refusal(&error, ""))?;
        let shown = shown(estate, number, operation);
        Ok::<_, GraphError>((shown, estate.now()))
    })?;
    let location = format!(
        "{}/{}/users/{}",
        operation.base,
        operation.version,
        body["id"].as_str().unwrap_or_default()
    );
    let mut answer = ok(&body, at).with("location", &location);
    answer.status = axum::http::StatusCode::CREATED;
    Ok(answer)
}

/// `POST /users/{id}/revokeSignInSessions`: refresh tokens given out before are good for nothing.
pub(super) fn revoke_sessions(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    let initiator = operation.initiator();
    let (upn, at) = operation.with(|estate, _| {
        let number = live(estate, key)?;
        Ok::<_, GraphError>((estate.revoke_sessions(&initiator, number), estate.now()))
    })?;
    operation.identity.revoke(&upn);
    let context = operation.context("Edm.Boolean");
    Ok(ok(&json!({"@odata.context": context, "value": true}), at))
}

/// `DELETE /users/{id}`.
pub(super) fn delete(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    let initiator = operation.initiator();
    operation.with(|estate, _| {
        let number = live(estate, key)?;
        estate.delete_user(&initiator, number).map_err(|error| refusal(&error, key))?;
        Ok(Answer::no_content(estate.now()))
    })
}

/// `GET /directory/deletedItems/microsoft.graph.user`.
pub(super) fn deleted(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    operation.require(&users::READERS)?;
    let (all, at) = operation.with(|estate, _| {
        let ids: Vec<Guid> = estate
            .entra
            .users()
            .iter()
            .filter(|user| user.deletion.is_some())
            .map(|user| user.id)
            .collect();
        let numbers: Vec<u32> = ids.into_iter().filter_map(|id| estate.deleted_user(id)).collect();
        let all: Vec<Value> = numbers.into_iter().map(|n| deleted_record(estate, n)).collect();
        (all, estate.now())
    });
    let collection = listing::Collection {
        context: "directoryObjects",
        kind: "User",
        page: (100, 999),
        sample: json!({"id": "", "displayName": "", "userPrincipalName": "", "deletedDateTime": "", "mail": ""}),
    };
    listing::records(operation, &collection, all, at)
}

/// `GET /directory/deletedItems/{id}`.
pub(super) fn deleted_one(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&users::READERS)?;
    let (record, at) = operation.with(|estate, _| {
        let number = super::guid(key).and_then(|id| estate.deleted_user(id));
        let number = number.ok_or_else(|| GraphError::no_resource(key))?;
        Ok::<_, GraphError>((deleted_record(estate, number), estate.now()))
    })?;
    listing::entity(operation, ("directoryObjects", "user"), record, at)
}

/// `POST /directory/deletedItems/{id}/restore`.
pub(super) fn restore(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    let initiator = operation.initiator();
    let id = super::guid(key).ok_or_else(|| GraphError::no_resource(key))?;
    let wishes: Restoring = match operation.body {
        [] => Restoring::default(),
        body => serde_json::from_slice(body)
            .map_err(|why| GraphError::bad_request(format!("Invalid request body: {why}")))?,
    };
    let restored = RestoredAs {
        user_principal_name: wishes.user_principal_name,
        without_taken_addresses: wishes.without_taken_addresses.unwrap_or(false),
    };
    operation.with(|estate, caller| {
        let number = estate
            .restore_user(caller, &initiator, id, restored)
            .map_err(|error| refusal(&error, key))?;
        Ok(ok(&shown(estate, number, operation), estate.now()))
    })
}

/// The body of a restore, which it may do without.
#[derive(Deserialize, Default)]
struct Restoring {
    #[serde(rename = "newUserPrincipalName", default)]
    user_principal_name: Option<String>,
    #[serde(rename = "autoReconcileProxyConflict", default)]
    without_taken_addresses: Option<bool>,
}

/// `DELETE /directory/deletedItems/{id}`.
pub(super) fn purge(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    let initiator = operation.initiator();
    let id = super::guid(key).ok_or_else(|| GraphError::no_resource(key))?;
    operation.with(|estate, _| {
        estate.purge_user(&initiator, id).map_err(|error| refusal(&error, key))?;
        Ok(Answer::no_content(estate.now()))
    })
}

/// What a deleted user shows.
pub(super) fn deleted_record(estate: &Estate, number: u32) -> Value {
    let Some(user) = estate.entra.user(number) else { return Value::Null };
    let get = |name: &str| user::get(estate, user, &[name.to_owned()]);
    let mut record = json!({"@odata.type": "#microsoft.graph.user"});
    for name in ["id", "displayName", "userPrincipalName", "mail", "deletedDateTime"] {
        record[name] = get(name);
    }
    record
}

/// A user with its default properties, as the answer to a change shows it.
pub(super) fn shown(estate: &Estate, number: u32, operation: &Operation<'_>) -> Value {
    let mut out = b"{".to_vec();
    if let (Some(user), Ok(selection)) = (estate.entra.user(number), user::selection(None)) {
        user::members(&mut out, estate, user, &selection);
    }
    out.push(b'}');
    let mut body = json!({"@odata.context": operation.context("users/$entity")});
    let mut shown: Value = serde_json::from_slice(&out).unwrap_or_default();
    if let (Some(body), Some(shown)) = (body.as_object_mut(), shown.as_object_mut()) {
        body.append(shown);
    }
    body
}

/// A user that is there and not deleted.
pub(super) fn live(estate: &Estate, key: &str) -> Result<u32, GraphError> {
    id_of(estate, key)
        .and_then(|id| estate.live_user(id))
        .ok_or_else(|| GraphError::no_resource(key))
}

fn object(body: &[u8]) -> Result<Map<String, Value>, GraphError> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(super::spelt(members, &REQUIRED)),
        Ok(_) => Err(GraphError::bad_request("The request body must be a JSON object.")),
        Err(why) => Err(GraphError::bad_request(format!("Invalid request body: {why}"))),
    }
}

/// Whether a user can be changed so at all.
///
/// # Errors
/// The service's refusal.
pub(super) fn check(body: &Map<String, Value>) -> Result<(), GraphError> {
    values(body).map(drop)
}

/// Values by property number, out of a request's body.
fn values(body: &Map<String, Value>) -> Result<Changes, GraphError> {
    let mut values: Changes = Vec::new();
    for (name, value) in body {
        if name.ends_with("@odata.bind") {
            return Err(GraphError::no_binding(name, "user"));
        }
        if name.contains('@') || name.eq_ignore_ascii_case("passwordProfile") {
            continue;
        }
        if READ_ONLY.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Err(GraphError::bad_request(format!(
                "Property '{name}' is read-only and cannot be set."
            )));
        }
        if name.eq_ignore_ascii_case("onPremisesExtensionAttributes") {
            for (name, value) in value.as_object().into_iter().flatten() {
                values.push(one(name, value)?);
            }
        } else {
            values.push(one(name, value)?);
        }
    }
    values.sort_by_key(|(number, _)| *number);
    values.dedup_by_key(|(number, _)| *number);
    Ok(values)
}

fn one(name: &str, value: &Value) -> Result<(AttributeNumber, Vec<String>), GraphError> {
    let number = property::number(name).ok_or_else(|| {
        if user::is_known(name) {
            GraphError::not_implemented()
        } else {
            GraphError::bad_request(format!(
                "One or more property values specified are invalid: there is no property '{name}' on resource 'User'."
            ))
        }
    })?;
    let invalid = || {
        GraphError::bad_request(format!(
            "Invalid value specified for property '{name}' of resource 'User'."
        ))
    };
    let values = match value {
        Value::Null => Vec::new(),
        Value::Bool(true) => vec!["True".to_owned()],
        Value::Bool(false) => vec!["False".to_owned()],
        Value::String(text) if text.is_empty() => return Err(invalid()),
        Value::String(text) => vec![text.clone()],
        Value::Array(texts) if user::is_collection(name) => texts
            .iter()
            .map(|text| text.as_str().map(str::to_owned).ok_or_else(invalid))
            .collect::<Result<_, _>>()?,
        Value::Array(_) | Value::Object(_) | Value::Number(_) => return Err(invalid()),
    };
    if matches!(value, Value::Bool(_)) != matches!(number, property::ACCOUNT_ENABLED | 213)
        && !value.is_null()
    {
        return Err(invalid());
    }
    if !user_values::fit(name, number, &values) {
        return Err(invalid());
    }
    Ok((number, values))
}

/// The refusal as Graph puts it.
pub(super) fn refusal(error: &EntraError, key: &str) -> GraphError {
    match error {
        EntraError::NotFound(id) => GraphError::no_resource(id),
        EntraError::OnPremisesMastered if key.is_empty() => GraphError::denied(),
        EntraError::OnPremisesMastered => GraphError::bad_request(
            "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.",
        ),
        EntraError::ReadOnly(name) => {
            GraphError::bad_request(format!("Property '{name}' is read-only and cannot be set."))
        }
        EntraError::Conflict(name) => GraphError::bad_request(format!(
            "Another object with the same value for property {name} already exists."
        ))
        .with_detail("ObjectConflict", name),
        EntraError::Invalid { property, why } => GraphError::bad_request(format!(
            "Invalid value specified for property '{property}' of resource 'User'. {why}"
        )),
        EntraError::State(why) => GraphError::bad_request(*why),
    }
}
