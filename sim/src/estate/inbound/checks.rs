//! What the service does not take of an object, whatever else it says.
//!
//! Source: Microsoft Learn, "Understanding errors during Microsoft Entra synchronization"
//! (IdentityDataValidationFailed, DataValidationFailed, LargeObject, ExceededAllowedLength).

use crate::directory::schema::known;
use crate::exchange::address::ProxyAddress;
use crate::record::Record;

/// SMTP addresses of an object that has nothing else large: one more is too many. Ten certificates cost
/// three of them.
const ADDRESSES: usize = 332;
const CERTIFICATES: usize = 15;
/// Longest user principal name: 64 characters, `@`, and 48 characters.
const LONGEST_UPN: usize = 113;

/// The error that the service answers an export of this AD object with: its name and what it is about.
pub(super) fn objection(ad: &Record) -> Option<(&'static str, String)> {
    let upn = ad.text(known::USER_PRINCIPAL_NAME).unwrap_or_default();
    if !upn.is_empty() && !is_upn(upn) {
        return Some(("IdentityDataValidationFailed", format!("userPrincipalName: {upn}")));
    }
    if upn.chars().count() > LONGEST_UPN {
        return Some(("ExceededAllowedLength", "userPrincipalName".to_owned()));
    }
    let nickname = ad.text(known::MAIL_NICKNAME).unwrap_or_default();
    if nickname.chars().any(|c| c.is_whitespace() || c.is_control() || "@()\\[]\";:<>,".contains(c))
    {
        return Some(("DataValidationFailed", format!("mailNickname: {nickname}")));
    }
    let certificates = ad.values(known::USER_CERTIFICATE).len();
    if certificates > CERTIFICATES {
        return Some(("LargeObject", format!("userCertificate: {certificates} values")));
    }
    let addresses = ad
        .values(known::PROXY_ADDRESSES)
        .filter_map(|value| core::str::from_utf8(value).ok())
        .filter(|value| ProxyAddress::parse(value).is_smtp())
        .count();
    (addresses > ADDRESSES - certificates * 3 / 10)
        .then(|| ("LargeObject", format!("proxyAddresses: {addresses} values")))
}

/// Letters, digits and `' . - _ ! # ^ ~`, one `@`, and a dotted domain behind it (Microsoft Learn,
/// "Prepare a non-routable domain for directory synchronization").
fn is_upn(upn: &str) -> bool {
    let Some((prefix, domain)) = upn.split_once('@') else { return false };
    let plain = |c: char| c.is_ascii_alphanumeric() || "'.-_!#^~".contains(c);
    !prefix.is_empty()
        && prefix.chars().all(plain)
        && !prefix.ends_with('.')
        && domain.contains('.')
        && domain.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(attribute: u16, values: &[String]) -> Option<&'static str> {
        let record = Record::from_sorted([(attribute, values.iter().map(String::as_bytes))]);
        objection(&record).map(|(code, _)| code)
    }

    /// The limits of the documentation, each at its edge.
    #[test]
    fn names_and_sizes_have_limits() {
        let upn = |text: &str| code(known::USER_PRINCIPAL_NAME, &[text.to_owned()]);
        assert_eq!(upn("o'neil_a@contoso.com"), None);
        for wrong in ["a b@contoso.com", "a@b@contoso.com", "a@contoso", "a.@contoso.com", "ä@c.de"]
        {
            assert_eq!(upn(wrong), Some("IdentityDataValidationFailed"), "{wrong}");
        }
        let long = format!("{}@contoso.com", "a".repeat(110));
        assert_eq!(upn(&long), Some("ExceededAllowedLength"));
        let nickname = |text: &str| code(known::MAIL_NICKNAME, &[text.to_owned()]);
        assert_eq!((nickname("u1"), nickname("u 1")), (None, Some("DataValidationFailed")));
        let addresses = |count: usize| {
            let all: Vec<String> = (0..count).map(|n| format!("smtp:a{n}@contoso.com")).collect();
            code(known::PROXY_ADDRESSES, &all)
        };
        assert_eq!((addresses(332), addresses(333)), (None, Some("LargeObject")));
        let certificates = |count: usize| {
            let all: Vec<String> = (0..count).map(|n| n.to_string()).collect();
            code(known::USER_CERTIFICATE, &all)
        };
        assert_eq!((certificates(15), certificates(16)), (None, Some("LargeObject")));
    }
}
