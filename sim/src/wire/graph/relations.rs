//! Managers and reports.
//!
//! Source: Microsoft Graph reference, "List manager", "List directReports".
//!
//! # Divergence from Microsoft Graph
//! A manager is known as far as Exchange Online knows it: of users who are recipients. It is set in AD, or
//! with `Set-User`.

use serde_json::{Value, json};

use super::error::GraphError;
use super::user_changes::{deleted_record, live};
use super::{Operation, listing, users};
use crate::estate::Estate;
use crate::exchange::property;
use crate::wire::message::Answer;

/// The number of a user's manager.
pub(super) fn manager_of(estate: &Estate, user: u32) -> Option<u32> {
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
