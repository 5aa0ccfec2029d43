//! Who is believed to be the server, and who we say we are: pins, authorities, our certificate.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};

use super::Settings;
use crate::error::{Error, Result};

/// The SHA-256 of a certificate (of its DER form), as `openssl x509 -fingerprint -sha256` shows it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = Error;

    /// Reads 64 hexadecimal digits, with or without colons.
    fn from_str(text: &str) -> Result<Self> {
        let bad = || Error::setup("fingerprint", "64 hexadecimal digits are expected (SHA-256)");
        let digits: Vec<u32> = text
            .chars()
            .filter(|c| *c != ':' && !c.is_whitespace())
            .map(|c| c.to_digit(16))
            .collect::<Option<_>>()
            .ok_or_else(bad)?;
        let bytes: Vec<u8> = digits
            .chunks(2)
            .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | *digit as u8))
            .collect();
        let bytes = bytes.try_into().map_err(|_| bad())?;
        if digits.len() == 64 {
            Ok(Self(bytes))
        } else {
            Err(bad())
        }
    }
}

impl Fingerprint {
    /// The fingerprint of a certificate in DER.
    pub fn of(der: &[u8]) -> Self {
        Self(Sha256::digest(der).into())
    }

    /// The fingerprint of the first certificate of a text in PEM.
    ///
    /// # Errors
    /// Where there is none.
    pub fn of_pem(pem: &[u8]) -> Result<Self> {
        let found = certificates("certificate", pem)?;
        Ok(Self::of(&found[0]))
    }
}

/// The settings of TLS; without our certificate where `identified` is false.
pub(super) fn config(settings: &Settings, identified: bool) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::setup("TLS", error))?;
    let builder = if settings.pins.is_empty() {
        builder.with_root_certificates(authorities(settings)?)
    } else {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Pinned {
                pins: settings.pins.clone(),
                provider,
            }))
    };
    let Some(pem) = settings.identity_pem.as_deref().filter(|_| identified) else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates("client certificate", pem)?;
    let key = PrivateKeyDer::from_pem_slice(pem)
        .map_err(|error| Error::setup("client certificate's key", error))?;
    builder
        .with_client_auth_cert(chain, key)
        .map_err(|error| Error::setup("client certificate", error))
}

/// The system's authorities and those that were given.
fn authorities(settings: &Settings) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(pem) = &settings.ca_pem {
        for certificate in certificates("certificate authority", pem)? {
            store
                .add(certificate)
                .map_err(|error| Error::setup("certificate authority", error))?;
        }
    }
    Ok(store)
}

fn certificates(what: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| Error::setup(what, error))?;
    if found.is_empty() {
        return Err(Error::setup(what, "there is no certificate in this PEM text"));
    }
    Ok(found)
}

/// Believes the certificates that were told out of band, and no other. Names, dates and authorities do not count: the
/// pin is the key.
#[derive(Debug)]
struct Pinned {
    pins: Vec<Fingerprint>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let found = Fingerprint::of(end_entity);
        if self.pins.contains(&found) {
            return Ok(ServerCertVerified::assertion());
        }
        let count = self.pins.len();
        Err(rustls::Error::General(format!(
            "the server's certificate has the fingerprint {found}, which is none of the {count} pinned"
        )))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// What a failed handshake means to the person who set the connection up.
pub(super) fn explain(error: &rustls::Error, how: &str) -> String {
    match error {
        rustls::Error::General(told) => told.clone(),
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            format!("no authority that is known here signed the server's certificate ({how})")
        }
        rustls::Error::AlertReceived(alert) => format!("the server ended the handshake: {alert:?}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints() {
        let hex = "00ff".repeat(16);
        let check = |text: &str, good: bool| {
            let read = text.parse::<Fingerprint>();
            assert_eq!(
                read.as_ref().is_ok_and(|read| read.to_string() == hex),
                good,
                "{text}: {read:?}"
            );
        };
        check(&hex, true);
        check(&hex.to_uppercase(), true);
        check(&"00:FF:".repeat(16), true);
        check(&hex[1..], false);
        check(&hex[2..], false);
        check(&format!("{hex}0"), false);
        check(&"zz".repeat(32), false);
        check("", false);
    }
}
