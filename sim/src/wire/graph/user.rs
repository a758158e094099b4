//! The `user` resource as JSON text.
//!
//! Source: Microsoft Graph reference, resource type user (default properties, types, nullability).
//!
//! # Divergence from Microsoft Graph
//! Documented properties that the estate does not model are null, or empty where they are
//! collections. `onPremisesObjectIdentifier` is shown by `v1.0` as well. Names and identifiers of the AD
//! object are read there, so that a rename shows before Connect Sync has brought it.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::GraphError;
use super::licences::SKU;
use serde_json::Value;

use crate::entra::{Deletion, User, property};
use crate::estate::Estate;
use crate::record::AttributeNumber;
use crate::wire::json;

/// A property of the resource.
pub(super) struct Property {
    name: &'static str,
    source: Source,
}

impl Property {
    /// Whether a property changed, as far as that is told of its attributes; those that are no values of the
    /// user always did.
    pub(super) fn is_changed(&self, changed: &dyn Fn(AttributeNumber) -> bool) -> bool {
        match self.source {
            Source::Text(number) | Source::Collection(number) | Source::Boolean(number) => {
                changed(number)
            }
            Source::AccountEnabled => changed(property::ACCOUNT_ENABLED),
            Source::ExtensionAttributes => property::all()
                .filter(|(_, name)| name.starts_with(EXTENSION))
                .any(|(number, _)| changed(number)),
            Source::Same(_) => false,
            _ => true,
        }
    }
}

#[derive(Clone, Copy)]
enum Source {
    Id,
    /// Text or null.
    Text(AttributeNumber),
    Collection(AttributeNumber),
    SyncEnabled,
    ImmutableId,
    ObjectIdentifier,
    DomainName,
    LastSync,
    ExtensionAttributes,
    AccountEnabled,
    /// `true`, `false` or null.
    Boolean(AttributeNumber),
    Deleted,
    Licences,
    ProvisioningErrors,
    /// The text of an attribute of the AD object.
    Ad(&'static str),
    DistinguishedName,
    /// JSON text that is the same for every user.
    Same(&'static str),
}

/// Shown when nothing is selected, in the documented order.
const DEFAULT: [&str; 11] = [
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
];

/// Documented and not modelled.
const NULL: [&str; 14] = [
    "createdDateTime",
    "creationType",
    "employeeHireDate",
    "externalUserState",
    "lastPasswordChangeDateTime",
    "legalAgeGroupClassification",
    "passwordProfile",
    "preferredDataLocation",
    "securityIdentifier",
    "consentProvidedForMinor",
    "externalUserStateChangeDateTime",
    "isResourceAccount",
    "isManagementRestricted",
    "identityParentId",
];

const EMPTY: [&str; 6] = [
    "assignedPlans",
    "identities",
    "imAddresses",
    "licenseAssignmentStates",
    "provisionedPlans",
    "serviceProvisioningErrors",
];

static PROPERTIES: LazyLock<Vec<Property>> = LazyLock::new(|| {
    let fixed = [
        ("id", Source::Id),
        ("onPremisesSyncEnabled", Source::SyncEnabled),
        ("onPremisesImmutableId", Source::ImmutableId),
        ("onPremisesObjectIdentifier", Source::ObjectIdentifier),
        ("onPremisesDomainName", Source::DomainName),
        ("onPremisesLastSyncDateTime", Source::LastSync),
        ("onPremisesExtensionAttributes", Source::ExtensionAttributes),
        ("userType", Source::Same("\"Member\"")),
        ("accountEnabled", Source::AccountEnabled),
        ("showInAddressList", Source::Boolean(213)),
        ("deletedDateTime", Source::Deleted),
        ("assignedLicenses", Source::Licences),
        ("onPremisesProvisioningErrors", Source::ProvisioningErrors),
        ("onPremisesDistinguishedName", Source::DistinguishedName),
        ("onPremisesSamAccountName", Source::Ad("sAMAccountName")),
        ("onPremisesUserPrincipalName", Source::Ad("userPrincipalName")),
        ("onPremisesSecurityIdentifier", Source::Ad("objectSid")),
    ];
    let modelled = property::all().filter(|(_, name)| is_text(name)).map(|(number, name)| {
        let many = is_collection(name);
        (name, if many { Source::Collection(number) } else { Source::Text(number) })
    });
    let null = NULL.into_iter().map(|name| (name, Source::Same("null")));
    let empty = EMPTY.into_iter().map(|name| (name, Source::Same("[]")));
    fixed
        .into_iter()
        .chain(modelled)
        .chain(null)
        .chain(empty)
        .map(|(name, source)| Property { name, source })
        .collect()
});

const EXTENSION: &str = "extensionAttribute";

fn is_text(name: &str) -> bool {
    !name.starts_with(EXTENSION) && !matches!(name, "accountEnabled" | "showInAddressList")
}

/// Whether a property has several values.
pub(super) fn is_collection(name: &str) -> bool {
    ["proxyAddresses", "businessPhones", "otherMails"].iter().any(|n| n.eq_ignore_ascii_case(name))
}

/// Whether the resource `user` has a property.
#[must_use]
pub fn is_known(name: &str) -> bool {
    named(name).is_some()
}

/// A property's value by path; null when there is none.
pub(super) fn get(estate: &Estate, user: &User, path: &[String]) -> Value {
    let Some((property, rest)) =
        path.split_first().and_then(|(name, rest)| Some((named(name)?, rest)))
    else {
        return Value::Null;
    };
    let mut out = Vec::new();
    value(&mut out, estate, user, property.source);
    let value = serde_json::from_slice(&out).unwrap_or_default();
    if rest.is_empty() { value } else { super::filter::member(&value, rest) }
}

/// Writes the members that have a value: as in the first round of a delta query.
pub(super) fn members_with_values(
    out: &mut Vec<u8>,
    estate: &Estate,
    user: &User,
    selection: &[&Property],
) {
    let mut first = true;
    for property in selection {
        let start = out.len();
        if !first {
            out.push(b',');
        }
        json::plain(out, property.name);
        out.push(b':');
        let at = out.len();
        value(out, estate, user, property.source);
        if &out[at..] == b"null" {
            out.truncate(start);
        } else {
            first = false;
        }
    }
}

fn named(name: &str) -> Option<&'static Property> {
    PROPERTIES.iter().find(|property| property.name.eq_ignore_ascii_case(name))
}

/// The properties of a `$select`, or the default ones.
pub(super) fn selection(names: Option<&[&str]>) -> Result<Vec<&'static Property>, GraphError> {
    names
        .unwrap_or(&DEFAULT)
        .iter()
        .map(|name| named(name).ok_or_else(|| GraphError::no_property(name, "user")))
        .collect()
}

/// `users(id,mail)` for `@odata.context`, `users` when nothing is selected.
pub(super) fn context(names: Option<&[&str]>) -> String {
    names.map_or_else(|| "users".to_owned(), |names| format!("users({})", names.join(",")))
}

/// Writes the members of a user, after a brace or comma that is there already.
pub(super) fn members(out: &mut Vec<u8>, estate: &Estate, user: &User, selection: &[&Property]) {
    for (index, property) in selection.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json::plain(out, property.name);
        out.push(b':');
        value(out, estate, user, property.source);
    }
}

fn value(out: &mut Vec<u8>, estate: &Estate, user: &User, source: Source) {
    let null = |out: &mut Vec<u8>| out.extend_from_slice(b"null");
    match source {
        Source::Id => json::plain(out, user.id),
        Source::Text(number) => match user.record.first(number) {
            Some(value) => json::lossy_string(out, value),
            None => null(out),
        },
        Source::Collection(number) => json::strings(out, user.record.values(number)),
        Source::SyncEnabled => match user.sync_enabled {
            Some(enabled) => json::boolean(out, enabled),
            None => null(out),
        },
        Source::ImmutableId => match user.source_anchor {
            Some(anchor) => json::string(out, &STANDARD.encode(anchor.0)),
            None => null(out),
        },
        Source::ObjectIdentifier => match user.object_identifier {
            Some(guid) => json::plain(out, guid),
            None => null(out),
        },
        Source::DomainName => {
            let domain = user.domain.and_then(|domain| estate.forests.domain(domain));
            match domain.filter(|_| user.source_anchor.is_some()) {
                Some(domain) => json::string(out, &domain.dns),
                None => null(out),
            }
        }
        Source::LastSync => {
            let last = estate.connect.history.last().filter(|_| user.sync_enabled.is_some());
            match last {
                Some(run) => json::instant(out, run.ended, "Z"),
                None => null(out),
            }
        }
        Source::ExtensionAttributes => extension_attributes(out, user),
        Source::AccountEnabled => {
            json::boolean(out, user.record.text(property::ACCOUNT_ENABLED) != Some("False"));
        }
        Source::Boolean(number) => match user.record.text(number) {
            Some(text) => json::boolean(out, text == "True"),
            None => null(out),
        },
        Source::Deleted => match user.deletion {
            Some(Deletion::Soft(at)) => json::instant(out, at, "Z"),
            Some(Deletion::Hard) | None => null(out),
        },
        Source::Licences => {
            if user.licensed {
                let one = format!("[{{\"disabledPlans\":[],\"skuId\":\"{SKU}\"}}]");
                out.extend_from_slice(one.as_bytes());
            } else {
                out.extend_from_slice(b"[]");
            }
        }
        Source::ProvisioningErrors => provisioning_errors(out, estate, user),
        Source::Ad(attribute) => match from_ad(estate, user, attribute) {
            Some(text) => json::string(out, &text),
            None => null(out),
        },
        Source::DistinguishedName => {
            match user.source_anchor.and_then(|_| estate.ad_of_user(user.id)) {
                Some(ad) => json::string(out, &estate.ad_dn(ad)),
                None => null(out),
            }
        }
        Source::Same(text) => out.extend_from_slice(text.as_bytes()),
    }
}

fn from_ad(estate: &Estate, user: &User, attribute: &str) -> Option<String> {
    user.source_anchor?;
    let ad = estate.ad_of_user(user.id)?;
    if attribute == "objectSid" {
        return estate.ad_sid(ad);
    }
    estate.ad_texts(ad, attribute).into_iter().next()
}

fn provisioning_errors(out: &mut Vec<u8>, estate: &Estate, user: &User) {
    let errors = estate
        .entra
        .provisioning_errors
        .iter()
        .filter(|error| estate.entra.user(error.user).is_some_and(|of| of.id == user.id));
    out.push(b'[');
    for (index, error) in errors.enumerate() {
        out.extend_from_slice(if index > 0 { b",{" } else { b"{" });
        out.extend_from_slice(b"\"category\":\"PropertyConflict\",\"occurredDateTime\":");
        json::instant(out, error.at, "Z");
        out.extend_from_slice(b",\"propertyCausingError\":");
        json::string(out, error.property);
        out.extend_from_slice(b",\"value\":");
        json::string(out, &error.value);
        out.push(b'}');
    }
    out.push(b']');
}

fn extension_attributes(out: &mut Vec<u8>, user: &User) {
    let all = property::all().filter(|(_, name)| name.starts_with(EXTENSION));
    for (index, (number, name)) in all.enumerate() {
        out.push(if index == 0 { b'{' } else { b',' });
        json::plain(out, name);
        out.push(b':');
        match user.record.first(number) {
            Some(value) => json::lossy_string(out, value),
            None => out.extend_from_slice(b"null"),
        }
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name in two lists would be written twice into one object.
    #[test]
    fn every_property_is_there_once() {
        let mut names: Vec<&str> = PROPERTIES.iter().map(|property| property.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(selection(None).is_ok(), "every default property is known");
        assert!(selection(Some(&["isexchangecloudmanaged"])).is_err(), "Graph has no such thing");
    }
}
