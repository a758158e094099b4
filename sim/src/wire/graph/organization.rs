//! The organization.
//!
//! Source: Microsoft Graph reference, resource type organization; a recorded answer (graph2otel).

use serde::Deserialize;
use serde_json::{Value, json};

use super::error::GraphError;
use super::{Operation, instant, listing, ok};
use crate::clock::VirtualTime;
use crate::wire::identity::app_role;
use crate::wire::message::Answer;

const READERS: [&str; 4] = [
    app_role::ORGANIZATION_READ,
    app_role::DIRECTORY_READ,
    "Organization.ReadWrite.All",
    "Directory.ReadWrite.All",
];

/// `GET /organization`: a list of one.
pub(super) fn list(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    let (record, at) = record(operation)?;
    let body = json!({"@odata.context": operation.context("organization"), "value": [record]});
    Ok(ok(&body, at))
}

/// `GET /organization/{id}`.
pub(super) fn get(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    if key.parse() != Ok(operation.identity.tenant.id) {
        operation.require(&READERS)?;
        return Err(GraphError::no_resource(key));
    }
    let (mut record, at) = record(operation)?;
    let mut body = json!({"@odata.context": operation.context("organization/$entity")});
    if let (Some(body), Some(record)) = (body.as_object_mut(), record.as_object_mut()) {
        body.append(record);
    }
    Ok(ok(&body, at))
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(rename = "onPremisesSyncEnabled")]
    sync_enabled: Option<bool>,
}

/// `PATCH /organization/{id}`: switches synchronization on or off.
///
/// Switching it off takes hours in the service; here it is done at once.
pub(super) fn update(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&[app_role::ORGANIZATION])?;
    if key.parse() != Ok(operation.identity.tenant.id) {
        return Err(GraphError::no_resource(key));
    }
    let wanted: Wanted = serde_json::from_slice(operation.body)
        .map_err(|why| GraphError::bad_request(format!("Invalid request body: {why}")))?;
    let on = wanted.sync_enabled.ok_or_else(GraphError::not_implemented)?;
    operation.with(|estate, _| {
        estate.entra.sync_enabled = on;
        Ok(Answer::no_content(estate.now()))
    })
}

fn record(operation: &Operation<'_>) -> Result<(Value, VirtualTime), GraphError> {
    operation.require(&READERS)?;
    operation.only_options(&["select"])?;
    let (mut record, at) = operation.with(|estate, caller| {
        let organization = estate.organization(caller);
        let domain = |name: &str, initial: bool| {
            json!({
                "capabilities": "Email, OfficeCommunicationsOnline",
                "isDefault": !initial,
                "isInitial": initial,
                "name": name,
                "type": "Managed",
            })
        };
        let domains = &estate.domains;
        let record = json!({
            "id": organization.tenant.to_string(),
            "displayName": domains.verified,
            "tenantType": "AAD",
            "onPremisesSyncEnabled": organization.sync_enabled.then_some(true),
            "onPremisesLastSyncDateTime": organization.last_sync.map(instant),
            "onPremisesSyncStatus": [],
            "verifiedDomains": [domain(&domains.verified, false), domain(&domains.initial, true)],
            "assignedPlans": [],
            "provisionedPlans": [],
            "businessPhones": [],
            "technicalNotificationMails": [],
            "countryLetterCode": null,
            "createdDateTime": null,
            "privacyProfile": null,
        });
        (record, estate.now())
    });
    listing::select(operation, &mut record, "organization")?;
    Ok((record, at))
}
