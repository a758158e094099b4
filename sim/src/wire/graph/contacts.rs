//! Organizational contacts: read-only.
//!
//! Source: Microsoft Graph reference, resource type orgContact.

use serde_json::{Value, json};

use super::error::GraphError;
use super::{Operation, guid, instant, listing};
use crate::entra::group::{Contact, Synced};
use crate::estate::Estate;
use crate::guid::Guid;
use crate::wire::identity::app_role;
use crate::wire::message::Answer;

const READERS: [&str; 3] = [app_role::CONTACT_READ, app_role::DIRECTORY_READ, app_role::DIRECTORY];

/// `GET /contacts`.
pub(super) fn list(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    let (all, at) = operation.with(|estate, _| (live(estate).map(record).collect(), estate.now()));
    let sample = record(&Contact {
        id: Guid([0; 16]),
        deleted: None,
        synced: Synced { sync_enabled: None, object_cloud_managed: false, on_premises: None },
        display_name: String::new(),
        mail_nickname: String::new(),
        mail: String::new(),
        proxy_addresses: Vec::new(),
    });
    let collection =
        listing::Collection { context: "contacts", kind: "OrgContact", page: (100, 999), sample };
    listing::records(operation, &collection, all, at)
}

/// `GET /contacts/$count`.
pub(super) fn count(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    let all: Vec<Value> = operation.with(|estate, _| live(estate).map(record).collect());
    listing::count(operation, "OrgContact", &all)
}

/// `GET /contacts/{id}`.
pub(super) fn get(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    operation.only_options(&["select"])?;
    let (shown, at) = operation.with(|estate, _| {
        let contact = guid(key)
            .and_then(|id| live(estate).find(|contact| contact.id == id))
            .ok_or_else(|| GraphError::no_resource(key))?;
        Ok::<_, GraphError>((record(contact), estate.now()))
    })?;
    listing::entity(operation, ("contacts", "orgContact"), shown, at)
}

/// Contacts that are there and not deleted.
pub(super) fn live(estate: &Estate) -> impl Iterator<Item = &Contact> {
    estate.entra.contacts.iter().filter(|contact| contact.deleted.is_none())
}

fn record(contact: &Contact) -> Value {
    json!({
        "id": contact.id.to_string(),
        "deletedDateTime": null,
        "addresses": [],
        "companyName": null,
        "department": null,
        "displayName": contact.display_name,
        "givenName": null,
        "jobTitle": null,
        "mail": contact.mail,
        "mailNickname": contact.mail_nickname,
        "onPremisesLastSyncDateTime":
            contact.synced.on_premises.as_ref().map(|ad| instant(ad.last_sync)),
        "onPremisesProvisioningErrors": [],
        "onPremisesSyncEnabled": contact.synced.sync_enabled,
        "phones": [],
        "proxyAddresses": contact.proxy_addresses,
        "serviceProvisioningErrors": [],
        "surname": null,
    })
}
