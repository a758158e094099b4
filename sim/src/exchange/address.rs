//! Proxy addresses as Exchange Online keeps them: `type:address`, an upper-case type is the primary.
//!
//! Source: Microsoft Learn, "Set-Mailbox", parameter EmailAddresses; "How the proxyAddresses
//! attribute is populated in Microsoft Entra ID".

/// A parsed proxy address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyAddress<'a> {
    /// The type as written: `SMTP`, `smtp`, `X500`, `SIP`.
    pub kind: &'a str,
    /// What follows the colon.
    pub address: &'a str,
}

impl<'a> ProxyAddress<'a> {
    /// Splits at the first colon; a value without one is an SMTP address.
    #[must_use]
    pub fn parse(value: &'a str) -> Self {
        match value.split_once(':') {
            Some((kind, address)) => Self { kind, address },
            None => Self { kind: "smtp", address: value },
        }
    }

    /// Whether it is an SMTP address, primary or not.
    #[must_use]
    pub fn is_smtp(&self) -> bool {
        self.kind.eq_ignore_ascii_case("smtp")
    }

    /// Whether it is the primary SMTP address.
    #[must_use]
    pub fn is_primary(&self) -> bool {
        self.kind == "SMTP"
    }

    /// The domain of an SMTP address.
    #[must_use]
    pub fn domain(&self) -> Option<&'a str> {
        self.address.rsplit_once('@').map(|(_, domain)| domain)
    }

    /// Whether an SMTP address lies under a suffix that only the service may use.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        let Some(domain) = self.domain() else { return false };
        ["onmicrosoft.com", "microsoftonline.com"].iter().any(|suffix| {
            domain.len() >= suffix.len()
                && domain.is_char_boundary(domain.len() - suffix.len())
                && domain[domain.len() - suffix.len()..].eq_ignore_ascii_case(suffix)
        })
    }
}

/// The primary SMTP address of a list, without its type.
pub fn primary<'a>(addresses: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    addresses
        .into_iter()
        .map(ProxyAddress::parse)
        .find(ProxyAddress::is_primary)
        .map(|address| address.address)
}

/// Whether an SMTP address has the shape of one: one `@` with something on both sides, a dotted
/// domain, no blanks or control characters, at most 320 characters ([RFC 5321] 4.5.3.1).
#[must_use]
pub fn is_well_formed(address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    !local.is_empty()
        && !local.contains('@')
        && domain.split('.').count() > 1
        && domain.split('.').all(|label| {
            !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
        && (address.bytes().all(|b| b.is_ascii_graphic())
            || address.chars().all(|c| !c.is_whitespace() && !c.is_control()))
        && address.len() <= 320
}

/// A list with exactly one primary SMTP address: the first that is marked so, else the first SMTP
/// value; every other SMTP value loses the mark. Values equal without case come once.
#[must_use]
pub fn normalized(values: Vec<String>) -> Vec<String> {
    let mut list: Vec<String> = Vec::with_capacity(values.len());
    for value in values {
        let value = if value.contains(':') { value } else { format!("smtp:{value}") };
        match list.iter_mut().find(|have| have.eq_ignore_ascii_case(&value)) {
            Some(have) if value.starts_with("SMTP:") => *have = value,
            Some(_) => {}
            None => list.push(value),
        }
    }
    let chosen = list
        .iter()
        .position(|v| ProxyAddress::parse(v).is_primary())
        .or_else(|| list.iter().position(|v| ProxyAddress::parse(v).is_smtp()));
    for (place, value) in list.iter_mut().enumerate() {
        if ProxyAddress::parse(value).is_smtp() {
            let kind = if Some(place) == chosen { "SMTP" } else { "smtp" };
            value.replace_range(..4, kind);
        }
    }
    list
}

/// The list with this address as primary; the old primary stays as a secondary address.
#[must_use]
pub fn with_primary(values: Vec<String>, address: &str) -> Vec<String> {
    let mut list: Vec<String> = vec![format!("SMTP:{address}")];
    for mut value in values {
        let parsed = ProxyAddress::parse(&value);
        if parsed.is_smtp() {
            if parsed.address.eq_ignore_ascii_case(address) {
                continue;
            }
            value.replace_range(..4, "smtp");
        }
        list.push(value);
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(values: &[&str]) -> Vec<String> {
        values.iter().map(|v| (*v).to_owned()).collect()
    }

    #[test]
    fn there_is_exactly_one_primary() {
        assert_eq!(normalized(list(&["a@x.de", "b@x.de"])), ["SMTP:a@x.de", "smtp:b@x.de"]);
        assert_eq!(
            normalized(list(&["SMTP:a@x.de", "SMTP:b@x.de", "smtp:A@x.de"])),
            ["SMTP:a@x.de", "smtp:b@x.de"]
        );
    }

    #[test]
    fn a_new_primary_demotes_the_old_one() {
        assert_eq!(
            with_primary(list(&["SMTP:a@x.de", "smtp:b@x.de", "X500:/o=x"]), "b@x.de"),
            ["SMTP:b@x.de", "smtp:a@x.de", "X500:/o=x"]
        );
    }

    #[test]
    fn reserved_suffixes_and_shapes() {
        assert!(ProxyAddress::parse("smtp:u@contoso.mail.OnMicrosoft.com").is_reserved());
        assert!(!ProxyAddress::parse("smtp:u@contoso.com").is_reserved());
        assert!(is_well_formed("u.v@contoso.com"));
        assert!(!is_well_formed("u v@contoso.com"));
        assert!(!is_well_formed("contoso.com"));
    }
}
