//! Organizational contacts: read-only.
//!
//! Source: Microsoft Graph reference, resource type orgContact; "orgContact: delta".

use serde_json::{Value, json};

use super::delta::{Ended, Round, Tracked, delta_link, places, round};
use super::error::GraphError;
use super::{Operation, guid, instant, listing, ok};
use crate::entra::group::{Contact, Synced};
use crate::estate::Estate;
use crate::guid::Guid;
use crate::wire::identity::app_role;
use crate::wire::message::Answer;

/// Contacts of a page: by default, and at most.
const PAGE: (usize, usize) = (100, 999);

pub(super) const READERS: [&str; 3] =
    [app_role::CONTACT_READ, app_role::DIRECTORY_READ, app_role::DIRECTORY];

/// `GET /contacts`.
pub(super) fn list(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    let (all, at) = operation.with(|estate, _| (live(estate).map(record).collect(), estate.now()));
    let collection = listing::Collection {
        context: "contacts",
        kind: "OrgContact",
        page: PAGE,
        sample: sample(),
    };
    listing::records(operation, &collection, all, at)
}

/// A record with every member.
pub(super) fn sample() -> Value {
    record(&Contact {
        id: Guid([0; 16]),
        deleted: None,
        synced: Synced { sync_enabled: None, object_cloud_managed: false, on_premises: None },
        display_name: String::new(),
        mail_nickname: String::new(),
        mail: String::new(),
        proxy_addresses: Vec::new(),
        position: 0,
    })
}

/// `GET /contacts/delta`: every contact once, then what changed since.
pub(super) fn delta(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    operation.require(&READERS)?;
    operation.only_options(&["select", "filter", "skiptoken", "deltatoken"])?;
    let size = operation.page_size.unwrap_or(PAGE.0).min(PAGE.1);
    operation.with(|estate, _| {
        let log = &estate.entra.contact_delta;
        let round = round(operation, "contacts", log.next(), estate.now())?;
        let places = places(&estate.entra.contacts, log, (&round, size), |contact| Tracked {
            id: contact.id,
            is_there: contact.deleted.is_none(),
            position: contact.position,
        });
        let contacts = places.found.iter().filter_map(|at| estate.entra.contacts.get(*at));
        let value = contacts.map(|contact| changed(&round, contact));
        let value = value.collect::<Result<Vec<Value>, GraphError>>()?;
        let ended = Ended { next: places.next, latest: log.next(), now: estate.now() };
        let (name, link) = delta_link(operation, "contacts", &round, &ended);
        let mut body = json!({"@odata.context": operation.context("contacts")});
        body[name] = link.into();
        body["value"] = value.into();
        Ok(ok(&body, estate.now()))
    })
}

/// A contact in a round of a delta query. None that was deleted can come back.
fn changed(round: &Round, contact: &Contact) -> Result<Value, GraphError> {
    if contact.deleted.is_some() {
        return Ok(json!({"id": contact.id.to_string(), "@removed": {"reason": "deleted"}}));
    }
    let mut record = record(contact);
    round.keep(&mut record, "orgContact", &[])?;
    Ok(record)
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

pub(super) fn record(contact: &Contact) -> Value {
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
