//! What `serve` can be asked for.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use super::ServeError;

/// Everything that `serve` can be asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many mailboxes the estate has.
    pub mailboxes: u32,
    /// Determines all chance.
    pub seed: u64,
    /// The behaviour profile; `None` is the newest.
    pub profile: Option<String>,
    /// An LDIF export to build the forest from.
    pub ldif: Option<PathBuf>,
    /// The mailboxes of that forest, as CSV.
    pub mailbox_list: Option<PathBuf>,
    /// A scenario file whose world is served, instead of so many mailboxes.
    pub world: Option<PathBuf>,
    /// The DNS name of the AD domain.
    pub ad_domain: DomainName,
    /// The default verified domain of the tenant.
    pub tenant_domain: DomainName,
    /// Where programs read what there is; `None` is a file in a new temporary folder.
    pub ready_file: Option<PathBuf>,
    /// How virtual time passes.
    pub clock: Clock,
    /// Whether the cloud is served over plain HTTP too.
    pub http: bool,
    /// Whether there is a CONNECT proxy.
    pub proxy: bool,
    /// A PEM certificate that the application `hybridsim` may prove itself with.
    pub client_certificate: Option<PathBuf>,
    /// The address of the listeners.
    pub bind: IpAddr,
    /// The port of LDAP; 0 is any free one.
    pub ldap_port: u16,
    /// The port of LDAP over TLS; 0 is any free one.
    pub ldaps_port: u16,
    /// The port of the global catalog; 0 is any free one.
    pub gc_port: u16,
    /// The TLS port of the cloud; 0 is any free one.
    pub cloud_port: u16,
    /// Whether the engine is left out.
    pub no_engine: bool,
}

impl Options {
    /// Refuses what contradicts itself.
    pub(super) fn check(&self) -> Result<(), ServeError> {
        if self.mailbox_list.is_some() && self.ldif.is_none() {
            let problem = "`--mailbox-list` tells about the mailboxes of a forest: add `--ldif`";
            return Err(ServeError::Usage(problem.to_owned()));
        }
        if self.http && !self.bind.is_loopback() {
            return Err(ServeError::Usage(format!(
                "`--http` would show tokens to the network on {}: plain HTTP is for loopback only",
                self.bind
            )));
        }
        Ok(())
    }
}

/// How virtual time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// By hand only, through the control API.
    Manual,
    /// So many times as fast as real time.
    Times(u32),
}

/// The fastest clock: a day in less than a second.
const FASTEST: u32 = 100_000;

impl FromStr for Clock {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "manual" => Ok(Self::Manual),
            "real" => Ok(Self::Times(1)),
            _ => text
                .strip_prefix('x')
                .and_then(|factor| factor.parse().ok())
                .filter(|factor| (1..=FASTEST).contains(factor))
                .map(Self::Times)
                .ok_or_else(|| {
                    format!("expected `real`, `manual`, or a factor from `x1` to `x{FASTEST}`")
                }),
        }
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manual => f.write_str("manual"),
            Self::Times(1) => f.write_str("real"),
            Self::Times(factor) => write!(f, "x{factor}"),
        }
    }
}

/// A DNS name of at least two labels, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainName(String);

impl DomainName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first label.
    #[must_use]
    pub fn first_label(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }
}

/// Letters, digits and hyphens in labels of at most 63 (RFC 1123 2.1).
impl FromStr for DomainName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if text.len() <= 253 && text.contains('.') && text.split('.').all(is_label) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err("expected a DNS name such as `corp.contoso.com`".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_words_or_factors() {
        for (text, clock) in [
            ("real", Clock::Times(1)),
            ("manual", Clock::Manual),
            ("x60", Clock::Times(60)),
            ("x1", Clock::Times(1)),
        ] {
            assert_eq!(text.parse(), Ok(clock));
        }
        assert_eq!(Clock::Times(60).to_string(), "x60");
        for text in ["", "x", "x0", "60", "x-1", "x1.5", "Manual", "x100001"] {
            assert!(text.parse::<Clock>().is_err(), "{text}");
        }
    }

    #[test]
    fn domain_names_are_checked_before_they_become_distinguished_names() {
        let name: DomainName = "Corp.Contoso.com".parse().unwrap();
        assert_eq!((name.as_str(), name.first_label()), ("corp.contoso.com", "corp"));
        for text in ["", "corp", "a..b", ".a.b", "a.b.", "a,b.c", "a b.c", "-a.b", "ä.com"] {
            assert!(text.parse::<DomainName>().is_err(), "{text}");
        }
    }
}
