//! Keys and certificates: ours, which are read anew when their files change, and those of partners, of which only the
//! fingerprint counts.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use perisai_store::Fingerprint;
use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, ServerConfig, ServerConnection, SignatureScheme,
};

/// With which key is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// None: plain HTTP.
    Off,
    /// Files in PEM: the certificate with its chain, and its key.
    Files {
        /// The certificate first, then those that signed it.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
    /// A certificate that was made here, in a folder; on the first start it is. Partners pin its fingerprint.
    SelfSigned {
        /// Where `tls.crt` and `tls.key` are.
        folder: PathBuf,
        /// For which names and addresses it is made.
        names: Vec<String>,
    },
}

/// Why a key or a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("cannot use {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{path} holds no {what} in PEM")]
    Pem {
        /// Which.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// Why.
        #[source]
        source: pem::Error,
    },
    /// The key and the certificate do not go together, or their kind is not known.
    #[error("the key and the certificate cannot be used")]
    Refused(#[source] Error),
    /// None could be made.
    #[error("cannot make a certificate")]
    Making(#[source] rcgen::Error),
}

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// Our key and certificate.
#[derive(Debug)]
pub(super) struct Keys {
    certificate: PathBuf,
    key: PathBuf,
    current: Arc<Current>,
    config: Arc<ServerConfig>,
}

impl Keys {
    /// Reads them, and makes them where they are to be made; `None` without TLS.
    pub(super) fn open(tls: &Tls) -> Result<Option<Self>, TlsError> {
        let (certificate, key) = match tls {
            Tls::Off => return Ok(None),
            Tls::Files { certificate, key } => (certificate.clone(), key.clone()),
            Tls::SelfSigned { folder, names } => make(folder, names)?,
        };
        let current = Arc::new(Current(RwLock::new(Arc::new(read(&certificate, &key)?))));
        let config = Arc::new(config(Arc::clone(&current))?);
        Ok(Some(Self {
            certificate,
            key,
            current,
            config,
        }))
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        let current = self.current.get();
        Fingerprint::of(
            current
                .cert
                .first()
                .map_or(&[], |certificate| certificate.as_ref()),
        )
    }

    /// Reads the files again. Those who are connected stay so.
    pub(super) fn reload(&self) -> Result<(), TlsError> {
        let new = Arc::new(read(&self.certificate, &self.key)?);
        *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// Reads the files again whenever they change, for ever.
    pub(super) async fn watch(&self) {
        let mut known = self.changed();
        loop {
            tokio::time::sleep(LOOK).await;
            let now = self.changed();
            if now == known {
                continue;
            }
            known = now;
            match self.reload() {
                Ok(()) => tracing::info!(fingerprint = %self.fingerprint(), "the certificate was read anew"),
                // Where only one of the two is written yet, the next change will tell.
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "the certificate stays as it was");
                    known = [None; 2];
                }
            }
        }
    }

    fn changed(&self) -> [Option<SystemTime>; 2] {
        [&self.certificate, &self.key].map(|path| fs::metadata(path).and_then(|found| found.modified()).ok())
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn config(current: Arc<Current>) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(TlsError::Refused)?;
    let mut config = builder
        .with_client_cert_verifier(Arc::new(AnyCertificate(provider())))
        .with_cert_resolver(current);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let bytes = |path: &Path| {
        fs::read(path).map_err(|source| TlsError::File {
            path: path.to_owned(),
            source,
        })
    };
    let wrong = |path: &Path, what, source| TlsError::Pem {
        path: path.to_owned(),
        what,
        source,
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes(certificate)?).collect();
    let chain = chain.map_err(|source| wrong(certificate, "certificate", source))?;
    if chain.is_empty() {
        return Err(wrong(certificate, "certificate", pem::Error::NoItemsFound));
    }
    let private = PrivateKeyDer::from_pem_slice(&bytes(key)?);
    let private = private.map_err(|source| wrong(key, "private key", source))?;
    CertifiedKey::from_der(chain, private, &provider()).map_err(TlsError::Refused)
}

/// Makes a key and a certificate in a folder, unless they are there.
fn make(folder: &Path, names: &[String]) -> Result<(PathBuf, PathBuf), TlsError> {
    let (certificate, key) = (folder.join("tls.crt"), folder.join("tls.key"));
    if certificate.exists() && key.exists() {
        return Ok((certificate, key));
    }
    let pair = KeyPair::generate().map_err(TlsError::Making)?;
    let mut params = CertificateParams::new(names).map_err(TlsError::Making)?;
    let name = names.first().map_or("perisai", String::as_str);
    params.distinguished_name.push(DnType::CommonName, name);
    let made = params.self_signed(&pair).map_err(TlsError::Making)?;
    write(&key, &pair.serialize_pem(), 0o600)?;
    write(&certificate, &made.pem(), 0o644)?;
    Ok((certificate, key))
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), TlsError> {
    let all = || {
        let new = path.with_extension("new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
        #[cfg(not(unix))]
        let _ = mode;
        let mut file = options.open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    all().map_err(|source| TlsError::File {
        path: path.to_owned(),
        source,
    })
}

/// The key and the certificate that are served now.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl Current {
    fn get(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.get())
    }
}

/// The fingerprint of the certificate that the other side has shown, where it has.
pub(super) fn certificate(session: &ServerConnection) -> Option<Fingerprint> {
    let shown = session.peer_certificates()?.first()?;
    Some(Fingerprint::of(shown))
}

/// Takes any certificate of which the other side holds the key. Whose it is, the fingerprint says, and nothing in the
/// certificate itself: neither who signed it nor its dates.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
