//! Managers and reports.
//!
//! Source: Microsoft Graph reference, "List manager", "Assign manager", "Remove manager", "List directReports".
//!
//! # Divergence from Microsoft Graph
//! Of a synchronized user the manager is known as far as Exchange Online knows it: when both are recipients.

use serde_json::{Value, json};

use super::error::GraphError;
use super::user_changes::{WRITERS, deleted_record, live, refusal};
use super::{Operation, groups, listing, users};
use crate::estate::Estate;
use crate::exchange::property;
use crate::wire::message::Answer;

/// The number of a user's manager.
pub(super) fn manager_of(estate: &Estate, user: u32) -> Option<u32> {
    if let Some(said) = estate.entra.managers.get(&user) {
        let is_there =
            |manager: &u32| estate.entra.user(*manager).is_some_and(|user| user.deletion.is_none());
        return said.filter(is_there);
    }
    let id = estate.entra.user(user)?.id;
    let mailbox = estate.exchange.mailbox(estate.exchange.by_id(id)?)?;
    let named = mailbox.record.text(property::number("Manager")?)?;
    let manager = estate.exchange.mailbox(estate.exchange.find(named)?)?.id;
    estate.live_user(manager)
}

/// The users whose manager somebody is.
pub(super) fn reports_of(estate: &Estate, user: u32) -> Vec<u32> {
    let all = 0..u32::try_from(estate.entra.users().len()).unwrap_or(u32::MAX);
    let is_here = |number: &u32| estate.entra.user(*number).is_some_and(|u| u.deletion.is_none());
    all.filter(is_here).filter(|number| manager_of(estate, *number) == Some(user)).collect()
}

/// A user as a directory object.
pub(super) fn object(estate: &Estate, user: u32) -> Value {
    let mut record = deleted_record(estate, user);
    if let Some(members) = record.as_object_mut() {
        members.remove("deletedDateTime");
    }
    record
}

/// `GET /users/{id}/manager`.
pub(super) fn manager(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&users::READERS)?;
    operation.only_options(&["select"])?;
    let (record, at) = operation.with(|estate, _| {
        let number = live(estate, key)?;
        let manager =
            manager_of(estate, number).ok_or_else(|| GraphError::no_resource("manager"))?;
        Ok::<_, GraphError>((object(estate, manager), estate.now()))
    })?;
    listing::entity(operation, ("directoryObjects", "user"), record, at)
}

/// `PUT /users/{id}/manager/$ref`.
pub(super) fn assign(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    let body: Value = serde_json::from_slice(operation.body)
        .map_err(|why| GraphError::bad_request(format!("Invalid request body: {why}")))?;
    let link = body["@odata.id"].as_str().and_then(groups::referenced);
    let id =
        link.ok_or_else(|| GraphError::bad_request("Invalid URL format specified in @odata.id."))?;
    let initiator = operation.initiator();
    operation.with(|estate, _| {
        let number = live(estate, key)?;
        let manager =
            estate.live_user(id).ok_or_else(|| GraphError::no_resource(&id.to_string()))?;
        estate
            .set_manager(&initiator, number, Some(manager))
            .map_err(|error| refusal(&error, key))?;
        Ok(Answer::no_content(estate.now()))
    })
}

/// `DELETE /users/{id}/manager/$ref`.
pub(super) fn remove(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    let initiator = operation.initiator();
    operation.with(|estate, _| {
        let number = live(estate, key)?;
        manager_of(estate, number).ok_or_else(|| GraphError::no_resource("manager"))?;
        estate.set_manager(&initiator, number, None).map_err(|error| refusal(&error, key))?;
        Ok(Answer::no_content(estate.now()))
    })
}

/// `GET /users/{id}/directReports`.
pub(super) fn reports(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&users::READERS)?;
    let (all, at) = operation.with(|estate, _| {
        let number = live(estate, key)?;
        let reports = reports_of(estate, number).into_iter();
        Ok::<_, GraphError>((reports.map(|n| object(estate, n)).collect(), estate.now()))
    })?;
    let collection = listing::Collection {
        context: "directoryObjects",
        kind: "User",
        page: (100, 999),
        sample: json!({"id": "", "displayName": "", "userPrincipalName": "", "mail": ""}),
    };
    listing::records(operation, &collection, all, at)
}
