//! A private certificate authority and one certificate for all servers of the estate.
//!
//! The keys are ECDSA P-256, so that making them costs no noticeable time. The authority carries
//! `basicConstraints` and `keyUsage` (RFC 5280 4.2.1): strict verifiers refuse it otherwise.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// The names of the cloud that clients with fixed hosts ask for.
const PUBLIC_NAMES: [&str; 11] = [
    "login.microsoftonline.com",
    "login.microsoft.com",
    "canary.graph.microsoft.com",
    "manage.office.com",
    "login.windows.net",
    "sts.windows.net",
    "graph.microsoft.com",
    "outlook.office365.com",
    "*.outlook.office365.com",
    "outlook.office.com",
    "management.azure.com",
];

/// The certificates could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate library refused.
    #[error("no certificate could be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refused.
    #[error("no TLS server could be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// An authority, and the certificate that it gave to the estate's servers.
pub struct Authority {
    ca_pem: String,
    chain: Vec<CertificateDer<'static>>,
    key: PrivatePkcs8KeyDer<'static>,
}

impl Authority {
    /// Makes an authority and a server certificate for `localhost`, the loopback addresses, the
    /// public names of the cloud, and `names` (host names of domain controllers and the like).
    ///
    /// # Errors
    /// [`TlsError`] when a name is none, or the library cannot make a key.
    pub fn new(names: &[&str]) -> Result<Self, TlsError> {
        let ca = CertifiedIssuer::self_signed(authority_params(), KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let certificate = server_params(names)?.signed_by(&key, &ca)?;
        Ok(Self {
            ca_pem: ca.pem(),
            chain: vec![certificate.der().clone(), ca.der().clone()],
            key: PrivatePkcs8KeyDer::from(key.serialize_der()),
        })
    }

    /// The authority's certificate, PEM: what clients have to trust.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// What a TLS server needs; these application protocols are offered (`http/1.1`), none for LDAP.
    ///
    /// # Errors
    /// [`TlsError::Tls`] when the TLS library does not take key or certificate.
    pub fn server_config(&self, protocols: &[&str]) -> Result<Arc<ServerConfig>, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), PrivateKeyDer::Pkcs8(self.key.clone_key()))?;
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(Arc::new(config))
    }
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "hybridsim rehearsal CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn server_params(names: &[&str]) -> Result<CertificateParams, rcgen::Error> {
    let all: Vec<String> = ["localhost"]
        .iter()
        .chain(&PUBLIC_NAMES)
        .chain(names)
        .map(|name| (*name).to_owned())
        .collect();
    let mut params = CertificateParams::new(all)?;
    for address in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        params.subject_alt_names.push(SanType::IpAddress(address));
    }
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}
