//! Client assertions: a token that an application signed with its own certificate's key.
//!
//! Sources: Microsoft identity platform, "Microsoft identity platform application authentication
//! certificate credentials"; RFC 7523 3.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::Application;
use super::error::Refusal;
use crate::guid::Guid;
use crate::wire::message::Address;

/// The public part of an application's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-1 and SHA-256 of the certificate: `x5t` and `x5t#S256`.
    thumbprints: [String; 2],
    /// The key, PKCS #1 DER.
    key: Vec<u8>,
}

/// Text that is no certificate, or not one that can sign assertions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CertificateError(String);

impl Certificate {
    /// Reads a certificate with an RSA key.
    ///
    /// # Errors
    /// [`CertificateError`] when there is no certificate in the text, or its key is no RSA key.
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificateError> {
        let der = CertificateDer::from_pem_slice(pem)
            .map_err(|why| CertificateError(format!("there is no certificate in it: {why}")))?;
        let (_, parsed) = X509Certificate::from_der(&der)
            .map_err(|why| CertificateError(format!("the certificate cannot be read: {why}")))?;
        let key = parsed.public_key();
        if !matches!(key.parsed(), Ok(x509_parser::public_key::PublicKey::RSA(_))) {
            return Err(CertificateError(
                "the certificate's key is no RSA key; make one with `openssl req -x509 -newkey rsa:2048`"
                    .to_owned(),
            ));
        }
        let thumbprint = |algorithm| URL_SAFE_NO_PAD.encode(digest(algorithm, &der));
        Ok(Self {
            thumbprints: [thumbprint(&SHA1_FOR_LEGACY_USE_ONLY), thumbprint(&SHA256)],
            key: key.subject_public_key.data.to_vec(),
        })
    }
}

#[derive(Deserialize)]
struct Assertion {
    iss: String,
    sub: String,
    aud: String,
}

/// The client id that an assertion claims, unverified: the request need not name it.
pub(super) fn claimed_client(assertion: &str) -> Option<String> {
    jsonwebtoken::dangerous::insecure_decode_claims::<Assertion>(assertion)
        .ok()
        .map(|claims| claims.sub)
}

/// Checks an assertion of this application towards this tenant.
pub(super) fn check(
    application: &Application,
    tenant: Guid,
    assertion: &str,
) -> Result<(), Refusal> {
    let id = application.client_id.to_string();
    let header = jsonwebtoken::decode_header(assertion).map_err(|_| Refusal::MalformedAssertion)?;
    if !matches!(header.alg, Algorithm::RS256 | Algorithm::PS256) {
        return Err(Refusal::MalformedAssertion);
    }
    let named: Vec<String> = [header.x5t, header.x5t_s256, header.kid]
        .into_iter()
        .flatten()
        .map(|name| name.trim_end_matches('=').to_owned())
        .collect();
    let certificate = application
        .certificates
        .iter()
        .find(|known| named.iter().any(|name| known.thumbprints.contains(name)))
        .ok_or_else(|| Refusal::UnknownAssertionKey(id.clone()))?;
    let mut validation = Validation::new(header.alg);
    validation.validate_aud = false;
    validation.validate_nbf = true;
    // Clocks of clients differ by minutes; the platform documents five.
    validation.leeway = 300;
    let key = DecodingKey::from_rsa_der(&certificate.key);
    let claims = jsonwebtoken::decode::<Assertion>(assertion, &key, &validation)
        .map_err(|error| match error.kind() {
            ErrorKind::ExpiredSignature | ErrorKind::ImmatureSignature => {
                Refusal::AssertionOutOfTime
            }
            ErrorKind::InvalidSignature => Refusal::UnknownAssertionKey(id.clone()),
            _ => Refusal::MalformedAssertion,
        })?
        .claims;
    if ![&claims.iss, &claims.sub].into_iter().all(|name| name.eq_ignore_ascii_case(&id)) {
        return Err(Refusal::AssertionOfAnother(id));
    }
    if is_audience(&claims.aud, tenant) { Ok(()) } else { Err(Refusal::AssertionAudience) }
}

/// The token endpoint or the issuer, on whatever host the client knows them by.
fn is_audience(audience: &str, tenant: Guid) -> bool {
    let address = Address::parse(audience);
    let path: Vec<String> = address.segments.iter().map(|s| s.to_ascii_lowercase()).collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let [name, rest @ ..] = path.as_slice() else { return false };
    let known = name.parse() == Ok(tenant) || name.parse::<Guid>().is_err();
    known && matches!(rest, ["oauth2", "v2.0", "token"] | ["oauth2", "token"] | ["v2.0"] | [])
}
