//! Which failures to connect no repetition mends.
//!
//! Sources: RFC 5280 6 (a certificate that nobody trusts), RFC 6125 (one of another name), RFC 3493 6.1
//! (`EAI_NONAME`: the name is not known, unlike `EAI_AGAIN`).

use std::error::Error;
use std::io;

/// How the C libraries and Windows say that a name is not known: the standard library keeps their words alone.
const NOT_KNOWN: [&str; 5] = [
    "Name or service not known",
    "No address associated with hostname",
    "Name does not resolve",
    "nodename nor servname provided",
    "No such host is known",
];

/// Whether somebody has to repair something before it can work: the peer's certificate is not trusted, or its name
/// is not known. A port that refuses is none of these: the service may just be starting.
pub(super) fn needs_repair(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_))) {
            return true;
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            // An error within it is not among its sources.
            let within = error.get_ref();
            let text = error.to_string();
            if within.is_some_and(|within| needs_repair(within))
                || NOT_KNOWN.iter().any(|words| text.contains(words))
            {
                return true;
            }
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use rustls::{CertificateError, Error};

    use super::*;

    #[test]
    fn what_repetition_mends_is_told_from_what_it_does_not() {
        let untrusted = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let within = io::Error::new(io::ErrorKind::InvalidData, untrusted.clone());
        let deeper = io::Error::other(io::Error::other(untrusted.clone()));
        let name = "failed to lookup address information: Name or service not known";
        let later = "failed to lookup address information: Temporary failure in name resolution";
        assert!(needs_repair(&untrusted) && needs_repair(&within) && needs_repair(&deeper));
        assert!(needs_repair(&io::Error::other(name)));
        assert!(!needs_repair(&io::Error::other(later)));
        assert!(!needs_repair(&io::Error::from(io::ErrorKind::ConnectionRefused)));
        assert!(!needs_repair(&Error::HandshakeNotComplete));
    }
}
