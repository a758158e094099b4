//! `directory/onPremisesSynchronization`, and verified domains.
//!
//! Source: Microsoft Graph reference, resource types onPremisesDirectorySynchronization and domain.

use serde_json::{Value, json};

use super::error::GraphError;
use super::{Operation, listing, ok};
use crate::entra::features::{FEATURES, Prevention};
use crate::estate::Estate;
use crate::wire::identity::app_role;
use crate::wire::message::Answer;

const WRITERS: [&str; 1] = [app_role::DIRECTORY_SYNCHRONIZATION];

const DOMAIN_READERS: [&str; 3] =
    [app_role::DIRECTORY_READ, app_role::DIRECTORY, "Domain.Read.All"];

/// `GET /directory/onPremisesSynchronization` (a list of one) and `.../{id}`.
pub(super) fn synchronization(
    operation: &Operation<'_>,
    key: Option<&str>,
) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    operation.only_options(&["select"])?;
    let (mut record, at) = operation.with(|estate, _| (record(estate), estate.now()));
    match key {
        None => {
            listing::select(operation, &mut record, "onPremisesDirectorySynchronization")?;
            let context = operation.context("directory/onPremisesSynchronization");
            Ok(ok(&json!({"@odata.context": context, "value": [record]}), at))
        }
        Some(key) if is_own(operation, key) => {
            let context =
                ("directory/onPremisesSynchronization", "onPremisesDirectorySynchronization");
            listing::entity(operation, context, record, at)
        }
        Some(key) => Err(GraphError::no_resource(key)),
    }
}

/// `PATCH /directory/onPremisesSynchronization/{id}`.
pub(super) fn update(operation: &Operation<'_>, key: Option<&str>) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    if let Some(key) = key.filter(|key| !is_own(operation, key)) {
        return Err(GraphError::no_resource(key));
    }
    let body: Value = serde_json::from_slice(operation.body)
        .map_err(|why| GraphError::bad_request(format!("Invalid request body: {why}")))?;
    operation.with(|estate, _| {
        // All or nothing: what is refused is refused before anything is in force.
        let mut wanted = estate.entra.features;
        let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
        for (name, value) in members(&body["features"]) {
            if name.contains('@') {
                continue;
            }
            let on = value.as_bool().ok_or_else(|| invalid(&name))?;
            if !wanted.set(&name, on) {
                let kind = "onPremisesDirectorySynchronizationFeature";
                return Err(GraphError::no_property(&name, kind));
            }
        }
        let prevention = &body["configuration"]["accidentalDeletionPrevention"];
        for (name, value) in members(prevention) {
            match name.as_str() {
                "synchronizationPreventionType" => {
                    let text = value.as_str().unwrap_or_default();
                    let known = Prevention::ALL.into_iter().find(|(known, _)| *known == text);
                    wanted.prevention = known.ok_or_else(|| invalid(&name))?.1;
                }
                "alertThreshold" => {
                    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
                    wanted.threshold = number.ok_or_else(|| invalid(&name))?;
                }
                _ if name.contains('@') => {}
                _ => {
                    let kind = "onPremisesAccidentalDeletionPrevention";
                    return Err(GraphError::no_property(&name, kind));
                }
            }
        }
        estate.entra.features = wanted;
        Ok(Answer::no_content(estate.now()))
    })
}

fn invalid(name: &str) -> GraphError {
    GraphError::bad_request(format!("Invalid value specified for property '{name}'."))
}

fn is_own(operation: &Operation<'_>, key: &str) -> bool {
    key.parse() == Ok(operation.identity.tenant.id)
}

fn record(estate: &Estate) -> Value {
    let features = estate.entra.features;
    let mut on = serde_json::Map::new();
    for name in FEATURES {
        on.insert(name.to_owned(), features.is_on(name).into());
    }
    json!({
        "id": estate.entra.tenant.to_string(),
        "configuration": {
            "accidentalDeletionPrevention": {
                "synchronizationPreventionType": features.prevention.text(),
                "alertThreshold": features.threshold,
            },
        },
        "features": on,
    })
}

/// `GET /domains`.
pub(super) fn domains(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    operation.require(&DOMAIN_READERS)?;
    let (all, at) = operation.with(|estate, _| (every_domain(estate), estate.now()));
    let collection = listing::Collection {
        context: "domains",
        kind: "Domain",
        page: (100, 999),
        sample: all.first().cloned().unwrap_or_default(),
    };
    listing::records(operation, &collection, all, at)
}

/// `GET /domains/{id}`: a domain by its name.
pub(super) fn one_domain(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&DOMAIN_READERS)?;
    let (all, at) = operation.with(|estate, _| (every_domain(estate), estate.now()));
    let is = |domain: &Value| domain["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(key));
    let found = all.into_iter().find(is).ok_or_else(|| GraphError::no_resource(key))?;
    listing::entity(operation, ("domains", "domain"), found, at)
}

fn every_domain(estate: &Estate) -> Vec<Value> {
    let names = [&estate.domains.verified, &estate.domains.initial];
    let verified = estate.exchange.verified_domains.iter();
    let further =
        verified.filter(|domain| !names.iter().any(|name| name.eq_ignore_ascii_case(domain)));
    names.into_iter().chain(further).map(|name| domain(estate, name)).collect()
}

fn domain(estate: &Estate, name: &str) -> Value {
    json!({
        "id": name,
        "authenticationType": "Managed",
        "availabilityStatus": null,
        "isAdminManaged": true,
        "isDefault": *name == estate.domains.verified,
        "isInitial": *name == estate.domains.initial,
        "isRoot": true,
        "isVerified": true,
        "supportedServices": ["Email", "OfficeCommunicationsOnline"],
        "passwordValidityPeriodInDays": null,
        "passwordNotificationWindowInDays": null,
        "state": null,
    })
}
