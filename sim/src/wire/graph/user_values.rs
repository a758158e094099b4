//! What values the properties of a user take: lengths, characters and words.
//!
//! Source: Microsoft Graph reference, resource type user (properties).

use crate::exchange::property as exchange;
use crate::record::AttributeNumber;

/// The longest value of a property, in UTF-16 units, where one is documented.
const LONGEST: [(&str, usize); 17] = [
    ("city", 128),
    ("companyName", 64),
    ("country", 128),
    ("department", 64),
    ("displayName", 256),
    ("employeeId", 16),
    ("givenName", 64),
    ("jobTitle", 128),
    ("mailNickname", 64),
    ("mobilePhone", 64),
    ("officeLocation", 128),
    ("otherMails", 250),
    ("postalCode", 40),
    ("state", 128),
    ("streetAddress", 1_024),
    ("surname", 64),
    ("userPrincipalName", 113),
];

/// Whether a property takes these values.
pub(super) fn fit(name: &str, number: AttributeNumber, values: &[String]) -> bool {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    let own = LONGEST.iter().find(|(known, _)| is(known)).map(|(_, longest)| *longest);
    let shared = || exchange::spec(number).and_then(|spec| spec.max_length);
    let longest = own.or_else(shared).unwrap_or(1_024);
    if values.iter().any(|text| text.encode_utf16().count() > longest) {
        return false;
    }
    let all = |takes: fn(&str) -> bool| values.iter().all(|text| takes(text));
    match name.to_ascii_lowercase().as_str() {
        // ISO 3166, two letters.
        "usagelocation" => {
            all(|text| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase()))
        }
        "agegroup" => all(|text| ["Minor", "NotAdult", "Adult"].contains(&text)),
        "passwordpolicies" => all(|text| text.split(',').all(|one| is_policy(one.trim()))),
        "preferredlanguage" => all(is_language),
        "mailnickname" => all(is_nickname),
        "userprincipalname" => all(is_name),
        "businessphones" => values.len() < 2,
        _ => true,
    }
}

fn is_policy(text: &str) -> bool {
    ["None", "DisableStrongPassword", "DisablePasswordExpiration"].contains(&text)
}

/// ISO 639-1, with a country or not: `en`, `en-US`.
fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let language = parts.next().unwrap_or_default();
    (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(|part| {
            (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

/// ASCII, without blanks and the signs that addresses use.
fn is_nickname(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !br#"@()\[]";:<>,"#.contains(&byte))
}

/// Letters, digits and a few signs before and after the `@`.
fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"'.-_!#^~@".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The documented limits: the last value that fits and the first that does not.
    #[test]
    fn lengths_words_and_characters_are_held() {
        let takes = |name: &str, text: &str| fit(name, 999, &[text.to_owned()]);
        for (name, longest) in LONGEST {
            assert!(takes(name, &"a".repeat(longest)), "{name}");
            assert!(!takes(name, &"a".repeat(longest + 1)), "{name}");
        }
        for (name, good, bad) in [
            ("usageLocation", "DE", "de"),
            ("ageGroup", "Adult", "Elder"),
            ("passwordPolicies", "DisableStrongPassword, DisablePasswordExpiration", "Anything"),
            ("preferredLanguage", "en-US", "english!"),
            ("mailNickname", "anna.b", "anna b"),
            ("userPrincipalName", "o'neil@contoso.com", "anna+b@contoso.com"),
        ] {
            assert!(takes(name, good) && !takes(name, bad), "{name}");
        }
        assert!(!fit("businessPhones", 999, &["1".to_owned(), "2".to_owned()]));
    }
}
