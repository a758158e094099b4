//! The key that signs tokens.
//!
//! # Divergence from Microsoft Entra ID
//! One RSA key of 2048 bits for the process: making one takes tenths of a second, and a run of
//! scenarios over the wire starts many servers. A token names its tenant and application, and each
//! server accepts only its own, so that sharing the key opens nothing.

use std::sync::OnceLock;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256};
use serde_json::{Value, json};

/// The key, with what others need to check its signatures.
pub(super) struct SigningKey {
    pub(super) private: EncodingKey,
    pub(super) public: DecodingKey,
    /// The certificate's SHA-1 thumbprint: `kid` and `x5t`.
    id: String,
    modulus: String,
    exponent: String,
    certificate: String,
}

static KEY: OnceLock<Result<SigningKey, String>> = OnceLock::new();

impl SigningKey {
    /// The key of this process; the first call makes it.
    pub(super) fn of_process() -> Result<&'static Self, &'static str> {
        KEY.get_or_init(|| Self::new().map_err(|error| error.to_string()))
            .as_ref()
            .map_err(String::as_str)
    }

    /// The key, when there is one already.
    pub(super) fn made() -> Option<&'static Self> {
        KEY.get()?.as_ref().ok()
    }

    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let pair = KeyPair::generate_for(&PKCS_RSA_SHA256)?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "accounts.accesscontrol.windows.net");
        let certificate = params.self_signed(&pair)?;
        let thumbprint = digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate.der());
        let (modulus, exponent) =
            components(pair.public_key_raw()).ok_or("the public key is no PKCS #1 key")?;
        Ok(Self {
            private: EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes())?,
            public: DecodingKey::from_rsa_der(pair.public_key_raw()),
            id: URL_SAFE_NO_PAD.encode(thumbprint.as_ref()),
            modulus: URL_SAFE_NO_PAD.encode(modulus),
            exponent: URL_SAFE_NO_PAD.encode(exponent),
            certificate: STANDARD.encode(certificate.der()),
        })
    }

    /// The header of a token.
    pub(super) fn header(&self) -> Header {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.id.clone());
        header.x5t = Some(self.id.clone());
        header
    }

    /// The JSON Web Key Set (RFC 7517 5).
    pub(super) fn set(&self, issuer: &str) -> Value {
        json!({"keys": [{
            "kty": "RSA",
            "use": "sig",
            "kid": self.id,
            "x5t": self.id,
            "n": self.modulus,
            "e": self.exponent,
            "x5c": [self.certificate],
            "cloud_instance_name": "microsoftonline.com",
            "issuer": issuer,
        }]})
    }
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017 A.1.1): a sequence of two integers.
fn components(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, _) = element(der, 0x30)?;
    let (modulus, rest) = element(sequence, 0x02)?;
    let (exponent, _) = element(rest, 0x02)?;
    // DER puts a zero before a number whose first bit is set.
    let unsigned = |number: &'_ [u8]| number.iter().take_while(|byte| **byte == 0).count();
    Some((&modulus[unsigned(modulus)..], &exponent[unsigned(exponent)..]))
}

/// The content of a DER element with this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, length], rest) = der.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    let (length, rest) = if length < 0x80 {
        (usize::from(length), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
        if digits.len() > 4 {
            return None;
        }
        (digits.iter().fold(0, |number, digit| number << 8 | usize::from(*digit)), rest)
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// OIDC libraries rebuild the key from the set: it must be the one that signs.
    #[test]
    fn the_published_key_is_the_signing_key() {
        let key = SigningKey::of_process().unwrap();
        let set = key.set("issuer");
        let text = |name: &str| set["keys"][0][name].as_str().unwrap().to_owned();
        let public = DecodingKey::from_rsa_components(&text("n"), &text("e")).unwrap();
        let claims = json!({"exp": 32_503_680_000_u64});
        let token = jsonwebtoken::encode(&key.header(), &claims, &key.private).unwrap();
        let mut validation = jsonwebtoken::Validation::new(Algorithm::RS256);
        validation.validate_aud = false;
        assert!(jsonwebtoken::decode::<Value>(&token, &public, &validation).is_ok());
        assert!(jsonwebtoken::decode::<Value>(&token, &key.public, &validation).is_ok());
    }
}
