//! How the cloud computes a mailbox's addresses from what comes up from AD.
//!
//! Source: Microsoft Learn, "How the proxyAddresses attribute is populated in Microsoft Entra ID":
//! the primary comes from `proxyAddresses`, else `mail`, else the user principal name; reserved
//! suffixes, legacy protocols and malformed values are discarded; addresses in domains that are not
//! verified are removed; the service adds its own address and the user principal name.

use crate::exchange::address::{self, ProxyAddress};
use crate::marks::Mark;

/// What the calculation starts from.
#[derive(Debug, Clone)]
pub struct Inbound<'a> {
    /// `proxyAddresses` of AD.
    pub proxy_addresses: Vec<&'a str>,
    /// `mail` of AD.
    pub mail: Option<&'a str>,
    /// The user principal name.
    pub user_principal_name: &'a str,
    /// The addresses that the mailbox has now: the service's own among them stay.
    pub current: Vec<&'a str>,
    /// Whether the user principal name becomes an address (switch `upn_adds_proxy`).
    pub upn_adds_proxy: bool,
    /// Verified domains.
    pub domains: &'a [String],
    /// Whether the user is a recipient or has a licence: only then the user principal name becomes an address,
    /// and addresses in domains that are not verified are removed.
    pub licensed: bool,
    /// Whether the user principal name may stand in for a primary address: not for a mailbox that has lost its
    /// licence, whose primary is the service's own then.
    pub upn_is_primary: bool,
}

impl Inbound<'_> {
    /// What AD says of the primary address: an `SMTP:` value, else `mail`. `None` when it says nothing that the
    /// cloud takes.
    #[must_use]
    pub fn primary_of_ad(&self) -> Option<&str> {
        let mut listed = self.proxy_addresses.iter().filter(|value| is_taken(value, self));
        let listed = listed.find(|value| ProxyAddress::parse(value).is_primary());
        let mail = || self.mail.filter(|mail| is_taken(&format!("smtp:{mail}"), self));
        listed.map(|value| ProxyAddress::parse(value).address).or_else(mail)
    }

    /// Whether the user principal name can be the primary address: a name in a domain that is not verified is none of the
    /// user's, and the service's own address takes its place.
    fn names_primary(&self) -> bool {
        let upn = format!("smtp:{}", self.user_principal_name);
        let parsed = ProxyAddress::parse(&upn);
        self.upn_is_primary && (parsed.is_reserved() || is_taken(&upn, self))
    }

    /// Whether the primary address is calculated, because AD says nothing of one.
    #[must_use]
    pub fn has_derived_primary(&self) -> bool {
        self.licensed && self.primary_of_ad().is_none()
    }
}

/// The addresses that result, one primary among them.
#[must_use]
pub fn computed(inbound: &Inbound<'_>) -> Vec<String> {
    let mut list: Vec<String> = inbound
        .proxy_addresses
        .iter()
        .filter(|value| is_taken(value, inbound))
        .map(|value| (*value).to_owned())
        .collect();
    if list.len() < inbound.proxy_addresses.len() {
        Mark::AddressLeftOut.reach();
    }
    let has_primary = |list: &[String]| list.iter().any(|v| ProxyAddress::parse(v).is_primary());
    if !has_primary(&list) {
        let mail = inbound.mail.filter(|mail| is_taken(&format!("smtp:{mail}"), inbound));
        let stands_in = inbound.licensed && inbound.names_primary();
        let upn = Some(inbound.user_principal_name).filter(|_| stands_in);
        match (mail, upn) {
            (Some(_), _) => Mark::AddressFromMail.reach(),
            (None, Some(_)) => Mark::AddressFromUpn.reach(),
            (None, None) => {}
        }
        if let Some(source) = mail.or(upn) {
            list = address::with_primary(list, source);
        }
    }
    let own = inbound.current.iter().filter(|v| ProxyAddress::parse(v).is_reserved());
    for value in own {
        if !list.iter().any(|have| have.eq_ignore_ascii_case(value)) {
            Mark::AddressOwn.reach();
            list.push(value.replacen("SMTP:", "smtp:", 1));
        }
    }
    if !inbound.names_primary()
        && (inbound.licensed || !inbound.upn_is_primary)
        && !has_primary(&list)
        && let Some(own) = list.iter().find(|value| ProxyAddress::parse(value).is_reserved())
    {
        let own = ProxyAddress::parse(own).address.to_owned();
        list = address::with_primary(list, &own);
    }
    let upn = format!("smtp:{}", inbound.user_principal_name);
    if inbound.licensed
        && inbound.upn_adds_proxy
        && (ProxyAddress::parse(&upn).is_reserved() || is_taken(&upn, inbound))
        && !list.iter().any(|have| have.eq_ignore_ascii_case(&upn))
    {
        Mark::AddressUpn.reach();
        list.push(upn);
    }
    address::normalized(list)
}

/// The addresses of a user who gets a licence: the service's own and the user principal name come.
#[must_use]
pub fn with_licence(current: Vec<String>, upn: &str, own: &str) -> Vec<String> {
    let mut list = current;
    let has_primary = list.iter().any(|value| ProxyAddress::parse(value).is_primary());
    list.push(if has_primary { format!("smtp:{upn}") } else { format!("SMTP:{upn}") });
    list.push(format!("smtp:{own}"));
    address::normalized(list)
}

/// The addresses of a user whose licence is removed, where nothing but the user principal name made the primary:
/// that one goes, and the service's own is promoted.
#[must_use]
pub fn without_licence(current: Vec<String>, upn: &str) -> Vec<String> {
    let is_upn = |value: &str| {
        let parsed = ProxyAddress::parse(value);
        parsed.is_smtp() && parsed.address.eq_ignore_ascii_case(upn)
    };
    let upn_was_primary =
        current.iter().any(|value| ProxyAddress::parse(value).is_primary() && is_upn(value));
    let own = current.iter().find(|value| ProxyAddress::parse(value).is_reserved()).cloned();
    let (Some(own), true) = (own, upn_was_primary) else { return current };
    let rest = current.into_iter().filter(|value| !is_upn(value)).collect();
    address::with_primary(rest, ProxyAddress::parse(&own).address)
}

/// Whether an address is of a kind that no domain matters for, or in a verified domain, or the service's own.
#[must_use]
pub fn is_verified(value: &str, domains: &[String]) -> bool {
    let parsed = ProxyAddress::parse(value);
    let is_in = |domain: &str| domains.iter().any(|known| known.eq_ignore_ascii_case(domain));
    !parsed.is_smtp() || parsed.is_reserved() || parsed.domain().is_some_and(is_in)
}

/// Whether a value of AD is taken over.
fn is_taken(value: &str, inbound: &Inbound<'_>) -> bool {
    let Some((kind, rest)) = value.split_once(':') else { return false };
    if kind.eq_ignore_ascii_case("smtp") {
        let parsed = ProxyAddress::parse(value);
        return address::is_well_formed(rest)
            && !parsed.is_reserved()
            && (!inbound.licensed || is_verified(value, inbound.domains));
    }
    ["x500", "sip", "eum"].iter().any(|known| kind.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(proxy: &[&str], mail: Option<&str>, current: &[&str], expected: &[&str]) {
        let domains = ["contoso.com".to_owned()];
        let list = computed(&Inbound {
            proxy_addresses: proxy.to_vec(),
            mail,
            user_principal_name: "u1@contoso.com",
            current: current.to_vec(),
            upn_adds_proxy: true,
            domains: &domains,
            licensed: true,
            upn_is_primary: true,
        });
        assert_eq!(list, expected);
    }

    /// Microsoft Learn, "How the proxyAddresses attribute is populated in Microsoft Entra ID": the user
    /// principal name is the primary only where AD says nothing, and only with a licence.
    #[test]
    fn only_a_primary_that_ad_does_not_say_follows_from_the_upn() {
        let domains = ["contoso.com".to_owned()];
        let inbound = |proxy: &'static str, mail: Option<&'static str>, upn_is_primary| Inbound {
            proxy_addresses: if proxy.is_empty() { Vec::new() } else { vec![proxy] },
            mail,
            user_principal_name: "u1@contoso.com",
            current: vec!["SMTP:u1@contoso.onmicrosoft.com"],
            upn_adds_proxy: true,
            domains: &domains,
            licensed: true,
            upn_is_primary,
        };
        assert!(!inbound("SMTP:u1@contoso.com", None, true).has_derived_primary());
        assert!(!inbound("smtp:x@contoso.com", Some("u1@contoso.com"), true).has_derived_primary());
        assert!(inbound("smtp:x@contoso.com", None, true).has_derived_primary());
        assert!(
            inbound("SMTP:x@elsewhere.com", Some("x@elsewhere.com"), true).has_derived_primary()
        );
        assert_eq!(
            computed(&inbound("", None, false)),
            ["SMTP:u1@contoso.onmicrosoft.com", "smtp:u1@contoso.com"],
            "a mailbox without its licence"
        );
        let listed = computed(&inbound("SMTP:u1@contoso.com", None, false));
        assert_eq!(listed, ["SMTP:u1@contoso.com", "smtp:u1@contoso.onmicrosoft.com"]);
    }

    #[test]
    fn reserved_and_malformed_values_stay_behind_and_the_services_own_stay() {
        check(
            &[
                "SMTP:u1@contoso.com",
                "smtp:x@contoso.onmicrosoft.com",
                "smtp:a b@contoso.com",
                "X400:c=de",
            ],
            None,
            &["smtp:u1@contoso.onmicrosoft.com"],
            &["SMTP:u1@contoso.com", "smtp:u1@contoso.onmicrosoft.com"],
        );
    }

    #[test]
    fn without_addresses_mail_and_then_the_upn_are_the_primary() {
        check(
            &[],
            Some("info@contoso.com"),
            &[],
            &["SMTP:info@contoso.com", "smtp:u1@contoso.com"],
        );
        check(&[], Some("info@elsewhere.com"), &[], &["SMTP:u1@contoso.com"]);
    }

    /// Microsoft Learn, "How the proxyAddresses attribute is populated": licence assigned and removed.
    #[test]
    fn a_licence_brings_two_addresses_and_takes_the_primary_that_was_the_upn() {
        let upn = "u1@contoso.com";
        let with = with_licence(Vec::new(), upn, "u1@contoso.onmicrosoft.com");
        assert_eq!(with, ["SMTP:u1@contoso.com", "smtp:u1@contoso.onmicrosoft.com"]);
        assert_eq!(without_licence(with, upn), ["SMTP:u1@contoso.onmicrosoft.com"]);
        let other = vec!["SMTP:info@contoso.com".to_owned(), "smtp:u1@contoso.com".to_owned()];
        assert_eq!(without_licence(other.clone(), upn), other, "the primary is not the UPN");
    }

    /// Without a licence the user principal name is no address, and foreign domains stay.
    #[test]
    fn somebody_without_a_licence_has_what_ad_says() {
        let list = |proxy: &[&str]| {
            computed(&Inbound {
                proxy_addresses: proxy.to_vec(),
                mail: None,
                user_principal_name: "u1@contoso.com",
                current: Vec::new(),
                upn_adds_proxy: true,
                domains: &["contoso.com".to_owned()],
                licensed: false,
                upn_is_primary: true,
            })
        };
        assert_eq!(list(&["SMTP:u1@elsewhere.com"]), ["SMTP:u1@elsewhere.com"]);
        assert!(list(&[]).is_empty());
    }

    #[test]
    fn x500_values_are_carried() {
        check(
            &["SMTP:u1@contoso.com", "X500:/o=Contoso/cn=u1"],
            None,
            &[],
            &["SMTP:u1@contoso.com", "X500:/o=Contoso/cn=u1"],
        );
    }
}
