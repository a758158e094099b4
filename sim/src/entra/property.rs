//! The properties of an Entra user. Where Exchange Online has the same property, it has the same
//! number, so that forward and back sync copy by number; those of Entra alone start at 200.
//!
//! Source: Microsoft Graph reference, resource type user.

use crate::exchange::property as exchange;
use crate::record::AttributeNumber;

const NAMES: &[(AttributeNumber, &str)] = &[
    (exchange::USER_PRINCIPAL_NAME, "userPrincipalName"),
    (exchange::DISPLAY_NAME, "displayName"),
    (exchange::ALIAS, "mailNickname"),
    (exchange::EMAIL_ADDRESSES, "proxyAddresses"),
    (exchange::WINDOWS_EMAIL_ADDRESS, "mail"),
    (5, "extensionAttribute1"),
    (6, "extensionAttribute2"),
    (7, "extensionAttribute3"),
    (8, "extensionAttribute4"),
    (9, "extensionAttribute5"),
    (10, "extensionAttribute6"),
    (11, "extensionAttribute7"),
    (12, "extensionAttribute8"),
    (13, "extensionAttribute9"),
    (14, "extensionAttribute10"),
    (15, "extensionAttribute11"),
    (16, "extensionAttribute12"),
    (17, "extensionAttribute13"),
    (18, "extensionAttribute14"),
    (19, "extensionAttribute15"),
    (38, "givenName"),
    (39, "surname"),
    (40, "jobTitle"),
    (41, "department"),
    (42, "companyName"),
    (43, "officeLocation"),
    (44, "businessPhones"),
    (45, "city"),
    (ACCOUNT_ENABLED, "accountEnabled"),
    (USAGE_LOCATION, "usageLocation"),
    (55, "mobilePhone"),
    (203, "preferredLanguage"),
    (51, "country"),
    (49, "state"),
    (48, "streetAddress"),
    (50, "postalCode"),
    (57, "faxNumber"),
    (209, "employeeId"),
    (210, "otherMails"),
    (211, "employeeType"),
    (212, "passwordPolicies"),
    (213, "showInAddressList"),
    (214, "ageGroup"),
];

/// `accountEnabled`: `True`, or `False`; absent is enabled.
pub const ACCOUNT_ENABLED: AttributeNumber = 200;
/// `usageLocation`.
pub const USAGE_LOCATION: AttributeNumber = 201;

/// The documented spelling; `None` where Entra has no such property.
#[must_use]
pub fn name(number: AttributeNumber) -> Option<&'static str> {
    NAMES.iter().find(|(n, _)| *n == number).map(|(_, name)| *name)
}

/// The number of a property, by name without case.
#[must_use]
pub fn number(name: &str) -> Option<AttributeNumber> {
    NAMES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(number, _)| *number)
}

/// All numbers and names.
pub fn all() -> impl Iterator<Item = (AttributeNumber, &'static str)> {
    NAMES.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_exchange_online() {
        for (number, pair) in [
            (38, ("FirstName", "givenName")),
            (45, ("City", "city")),
            (48, ("StreetAddress", "streetAddress")),
            (49, ("StateOrProvince", "state")),
            (50, ("PostalCode", "postalCode")),
            (51, ("CountryOrRegion", "country")),
            (55, ("MobilePhone", "mobilePhone")),
            (57, ("Fax", "faxNumber")),
            (19, ("CustomAttribute15", "extensionAttribute15")),
        ] {
            assert_eq!((exchange::name(number), name(number).unwrap()), pair);
        }
    }
}
