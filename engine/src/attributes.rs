//! The contract: the attributes that are written back, with their names and shapes on both sides.
//!
//! Sources: the Exchange team's list of attributes for "Cloud-managed remote mailboxes" writeback
//! (23 attributes in preview, `mail` added with general availability on 2026-08-03); the reference
//! of `Set-Mailbox` and of filterable properties; the Active Directory schema ([MS-ADA1] to
//! [MS-ADA3]) and the Exchange Active Directory schema changes.

use crate::time::Timestamp;

/// How many values an attribute holds in AD (`isSingleValued`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One value.
    Single,
    /// A set of values.
    Multi,
}

/// Since when an attribute is part of the default mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Part of the list from the first preview on.
    Preview,
    /// Only in configurations that were created on or after 2026-08-03.
    GeneralAvailability,
}

/// One attribute of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// The `lDAPDisplayName` in AD.
    pub ldap_name: &'static str,
    /// The property on `Get-Mailbox`.
    pub property: &'static str,
    /// The parameter of `Set-Mailbox` that replaces the value; `None` where none does.
    pub parameter: Option<&'static str>,
    /// One value or a set.
    pub shape: Shape,
    /// The longest value that the AD schema takes (`rangeUpper`), in UTF-16 units; `None` for
    /// numbers.
    pub max_length: Option<u32>,
    /// Since when it is mapped by default.
    pub since: Since,
}

impl Attribute {
    /// Whether a configuration that was created then maps this attribute by default.
    #[must_use]
    pub fn is_default_for(&self, created_on: Timestamp) -> bool {
        match self.since {
            Since::Preview => true,
            Since::GeneralAvailability => created_on >= GENERAL_AVAILABILITY,
        }
    }
}

/// 2026-08-03, 00:00 UTC: configurations created from then on map `mail`.
pub const GENERAL_AVAILABILITY: Timestamp = Timestamp::from_micros(1_785_715_200 * 1_000_000);

/// The attributes that are written back; no other attribute of AD is ever touched.
pub const CONTRACT: [Attribute; 24] = [
    custom("extensionAttribute1", "CustomAttribute1", 1_024),
    custom("extensionAttribute2", "CustomAttribute2", 1_024),
    custom("extensionAttribute3", "CustomAttribute3", 1_024),
    custom("extensionAttribute4", "CustomAttribute4", 1_024),
    custom("extensionAttribute5", "CustomAttribute5", 1_024),
    custom("extensionAttribute6", "CustomAttribute6", 1_024),
    custom("extensionAttribute7", "CustomAttribute7", 1_024),
    custom("extensionAttribute8", "CustomAttribute8", 1_024),
    custom("extensionAttribute9", "CustomAttribute9", 1_024),
    custom("extensionAttribute10", "CustomAttribute10", 1_024),
    custom("extensionAttribute11", "CustomAttribute11", 2_048),
    custom("extensionAttribute12", "CustomAttribute12", 2_048),
    custom("extensionAttribute13", "CustomAttribute13", 2_048),
    custom("extensionAttribute14", "CustomAttribute14", 2_048),
    custom("extensionAttribute15", "CustomAttribute15", 2_048),
    extension("msExchExtensionCustomAttribute1", "ExtensionCustomAttribute1"),
    extension("msExchExtensionCustomAttribute2", "ExtensionCustomAttribute2"),
    extension("msExchExtensionCustomAttribute3", "ExtensionCustomAttribute3"),
    extension("msExchExtensionCustomAttribute4", "ExtensionCustomAttribute4"),
    extension("msExchExtensionCustomAttribute5", "ExtensionCustomAttribute5"),
    recipient_type(RECIPIENT_DISPLAY_TYPE),
    recipient_type(RECIPIENT_TYPE_DETAILS),
    Attribute {
        ldap_name: PROXY_ADDRESSES,
        property: EMAIL_ADDRESSES,
        parameter: Some(EMAIL_ADDRESSES),
        shape: Shape::Multi,
        max_length: Some(1_123),
        since: Since::Preview,
    },
    Attribute {
        ldap_name: MAIL,
        property: "WindowsEmailAddress",
        parameter: Some("WindowsEmailAddress"),
        shape: Shape::Single,
        max_length: Some(256),
        since: Since::GeneralAvailability,
    },
];

/// `msExchRecipientDisplayType`.
pub const RECIPIENT_DISPLAY_TYPE: &str = "msExchRecipientDisplayType";
/// `msExchRecipientTypeDetails`.
pub const RECIPIENT_TYPE_DETAILS: &str = "msExchRecipientTypeDetails";
/// `proxyAddresses`.
pub const PROXY_ADDRESSES: &str = "proxyAddresses";
/// `mail`.
pub const MAIL: &str = "mail";
/// `EmailAddresses`, the cloud's name of `proxyAddresses`.
pub const EMAIL_ADDRESSES: &str = "EmailAddresses";

/// The attribute of this `lDAPDisplayName`, compared without case as AD does.
#[must_use]
pub fn by_ldap_name(name: &str) -> Option<&'static Attribute> {
    CONTRACT.iter().find(|attribute| attribute.ldap_name.eq_ignore_ascii_case(name))
}

const fn custom(ldap_name: &'static str, property: &'static str, max_length: u32) -> Attribute {
    Attribute {
        ldap_name,
        property,
        parameter: Some(property),
        shape: Shape::Single,
        max_length: Some(max_length),
        since: Since::Preview,
    }
}

const fn extension(ldap_name: &'static str, property: &'static str) -> Attribute {
    Attribute {
        ldap_name,
        property,
        parameter: Some(property),
        shape: Shape::Multi,
        max_length: Some(2_048),
        since: Since::Preview,
    }
}

/// Both follow `Set-Mailbox -Type`, which takes a kind and not a value.
const fn recipient_type(ldap_name: &'static str) -> Attribute {
    Attribute {
        ldap_name,
        property: "RecipientTypeDetails",
        parameter: None,
        shape: Shape::Single,
        max_length: None,
        since: Since::Preview,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_alone_waits_for_general_availability() {
        assert_eq!(GENERAL_AVAILABILITY.to_string(), "2026-08-03T00:00:00Z");
        let before = Timestamp::from_micros(GENERAL_AVAILABILITY.as_micros() - 1);
        let late: Vec<&str> = CONTRACT
            .iter()
            .filter(|attribute| !attribute.is_default_for(before))
            .map(|attribute| attribute.ldap_name)
            .collect();
        assert_eq!(late, ["mail"]);
        assert!(CONTRACT.iter().all(|attribute| attribute.is_default_for(GENERAL_AVAILABILITY)));
    }

    #[test]
    fn names_are_unique_and_found_without_case() {
        for (index, attribute) in CONTRACT.iter().enumerate() {
            let found = by_ldap_name(&attribute.ldap_name.to_uppercase()).unwrap();
            assert_eq!(found, &CONTRACT[index]);
        }
        assert!(by_ldap_name("msExchHideFromAddressLists").is_none());
    }
}
