//! Licences of users.
//!
//! Source: Microsoft Graph reference, "user: assignLicense", "List licenseDetails", resource type
//! subscribedSku; Microsoft Learn, "Product names and service plan identifiers for licensing".
//!
//! # Divergence from Microsoft Graph
//! The tenant owns one product, Office 365 E3, as often as it is assigned; service plans cannot be
//! disabled one by one.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::GraphError;
use super::user_changes::{live, refusal, shown};
use super::{Operation, derived_id, listing, ok, users};
use crate::wire::identity::app_role;
use crate::wire::message::Answer;

/// `skuId` of Office 365 E3.
pub(super) const SKU: &str = "6fd2c87f-b296-42f0-b197-1e91e994b900";

/// Its `skuPartNumber`.
const PART_NUMBER: &str = "ENTERPRISEPACK";

/// The service plan with the mailbox: id and name.
const MAILBOX_PLAN: (&str, &str) =
    ("efb87545-963c-4e0d-99df-69c6916d9eb0", "EXCHANGE_S_ENTERPRISE");

const WRITERS: [&str; 3] = [app_role::USER, app_role::DIRECTORY, app_role::LICENCE];

#[derive(Deserialize)]
struct Wanted {
    #[serde(rename = "addLicenses")]
    add: Vec<Added>,
    #[serde(rename = "removeLicenses")]
    remove: Vec<String>,
}

#[derive(Deserialize)]
struct Added {
    #[serde(rename = "skuId", alias = "SkuId")]
    sku: String,
    #[serde(rename = "disabledPlans", alias = "DisabledPlans", default)]
    disabled: Vec<String>,
}

/// What a body asks for, of products that the tenant has. Both collections are demanded, and may be empty.
fn wanted(body: Map<String, Value>) -> Result<Wanted, GraphError> {
    let wanted = super::spelt(body, &["addLicenses", "removeLicenses"]);
    let wanted: Wanted = serde_json::from_value(Value::Object(wanted))
        .map_err(|why| GraphError::bad_request(format!("Invalid request body: {why}")))?;
    let mut named = wanted.add.iter().map(|added| &added.sku).chain(&wanted.remove);
    if let Some(unknown) = named.find(|sku| !sku.eq_ignore_ascii_case(SKU)) {
        return Err(GraphError::bad_request(format!(
            "License {unknown} does not correspond to a valid company License."
        )));
    }
    Ok(wanted)
}

/// Whether a body asks for what no tenant here could give, whoever it is for.
pub(super) fn check(body: &Map<String, Value>) -> Result<(), GraphError> {
    wanted(body.clone()).map(drop)
}

/// `POST /users/{id}/assignLicense`: 200 with the user.
pub(super) fn assign(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&WRITERS)?;
    let wanted = wanted(super::groups::body(operation)?)?;
    if wanted.add.iter().any(|added| !added.disabled.is_empty()) {
        return Err(GraphError::not_implemented());
    }
    if !wanted.add.is_empty() && !wanted.remove.is_empty() {
        return Err(GraphError::bad_request(
            "License assignment failed because the same license is added and removed.",
        ));
    }
    let initiator = operation.initiator();
    let (user, at) = operation.with(|estate, caller| {
        let number = live(estate, key)?;
        if !(wanted.add.is_empty() && wanted.remove.is_empty()) {
            estate
                .assign_licence(caller, &initiator, number, !wanted.add.is_empty())
                .map_err(|error| refusal(&error, key))?;
        }
        Ok::<_, GraphError>((shown(estate, number, operation), estate.now()))
    })?;
    Ok(ok(&user, at))
}

/// `GET /users/{id}/licenseDetails`.
pub(super) fn details(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&users::READERS)?;
    let (licensed, at) = operation.with(|estate, _| {
        let number = live(estate, key)?;
        let licensed = estate.entra.user(number).is_some_and(|user| user.licensed);
        Ok::<_, GraphError>((licensed, estate.now()))
    })?;
    let one = json!({
        "id": derived_id(&format!("licence of {key}")),
        "skuId": SKU,
        "skuPartNumber": PART_NUMBER,
        "servicePlans": [plan()],
    });
    let collection = listing::Collection {
        context: &format!("users('{key}')/licenseDetails"),
        kind: "LicenseDetails",
        page: (100, 999),
        sample: one.clone(),
    };
    listing::records(operation, &collection, licensed.then_some(one).into_iter().collect(), at)
}

/// `GET /subscribedSkus`: what the tenant owns.
pub(super) fn subscribed(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    operation.require(&[
        app_role::ORGANIZATION_READ,
        app_role::ORGANIZATION,
        app_role::DIRECTORY_READ,
        app_role::DIRECTORY,
    ])?;
    let (one, at) = operation.with(|estate, _| {
        let has = |user: &&crate::entra::User| user.licensed && user.deletion.is_none();
        let consumed = estate.entra.users().iter().filter(has).count();
        let tenant = estate.entra.tenant;
        let one = json!({
            "id": format!("{tenant}_{SKU}"),
            "accountName": estate.domains.initial,
            "accountId": tenant.to_string(),
            "appliesTo": "User",
            "capabilityStatus": "Enabled",
            "consumedUnits": consumed,
            "prepaidUnits": {"enabled": consumed, "suspended": 0, "warning": 0, "lockedOut": 0},
            "skuId": SKU,
            "skuPartNumber": PART_NUMBER,
            "servicePlans": [plan()],
        });
        (one, estate.now())
    });
    let collection = listing::Collection {
        context: "subscribedSkus",
        kind: "SubscribedSku",
        page: (100, 999),
        sample: one.clone(),
    };
    listing::records(operation, &collection, vec![one], at)
}

fn plan() -> Value {
    let (id, name) = MAILBOX_PLAN;
    json!({
        "servicePlanId": id,
        "servicePlanName": name,
        "provisioningStatus": "Success",
        "appliesTo": "User",
    })
}
