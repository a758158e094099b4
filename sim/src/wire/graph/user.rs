//! The `user` resource as JSON text.
//!
//! Source: Microsoft Graph reference, resource type user (default properties, types, nullability).
//!
//! # Divergence from Microsoft Graph
//! Documented properties that the estate does not model are null, or empty where they are
//! collections. `onPremisesObjectIdentifier` is shown by `v1.0` as well.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::GraphError;
use crate::entra::{User, property};
use crate::estate::Estate;
use crate::record::AttributeNumber;
use crate::wire::json;

/// A property of the resource.
pub(super) struct Property {
    name: &'static str,
    source: Source,
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
const NULL: [&str; 33] = [
    "accountEnabled",
    "ageGroup",
    "country",
    "createdDateTime",
    "creationType",
    "deletedDateTime",
    "employeeHireDate",
    "employeeId",
    "employeeType",
    "externalUserState",
    "faxNumber",
    "lastPasswordChangeDateTime",
    "legalAgeGroupClassification",
    "mobilePhone",
    "onPremisesDistinguishedName",
    "onPremisesSamAccountName",
    "onPremisesSecurityIdentifier",
    "onPremisesUserPrincipalName",
    "passwordPolicies",
    "passwordProfile",
    "postalCode",
    "preferredDataLocation",
    "preferredLanguage",
    "securityIdentifier",
    "showInAddressList",
    "state",
    "streetAddress",
    "usageLocation",
    "consentProvidedForMinor",
    "externalUserStateChangeDateTime",
    "isResourceAccount",
    "isManagementRestricted",
    "identityParentId",
];

const EMPTY: [&str; 9] = [
    "assignedLicenses",
    "assignedPlans",
    "identities",
    "imAddresses",
    "licenseAssignmentStates",
    "onPremisesProvisioningErrors",
    "otherMails",
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
    ];
    let modelled =
        property::all().filter(|(_, name)| !name.starts_with(EXTENSION)).map(|(number, name)| {
            let many = matches!(name, "proxyAddresses" | "businessPhones");
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
        Source::Same(text) => out.extend_from_slice(text.as_bytes()),
    }
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
