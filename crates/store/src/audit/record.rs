//! Records, their digests and signatures.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::Error;
use crate::peers::SealKey;

/// What was done.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEvent {
    /// What kind of thing (`release`, `ingest`, `recall`, `token.add`).
    pub event: &'static str,
    /// Who did it, or had it done: the name of a person, a partner, a program.
    pub who: Option<String>,
    /// All that is worth knowing of it, as JSON. Never a secret.
    pub data: serde_json::Value,
}

/// An event in the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// Counted from 1, without gaps.
    pub number: i64,
    /// When, in UTC.
    pub time: String,
    /// What kind of thing.
    pub event: String,
    /// Who did it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub who: Option<String>,
    /// All that is worth knowing of it.
    pub data: serde_json::Value,
    /// The digest of the record before; zeros in the first.
    pub before: String,
}

impl AuditRecord {
    pub(super) fn new(number: i64, micros: i64, event: &AuditEvent, before: Digest) -> Self {
        let time = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH);
        Self {
            number,
            time: format!("{time:.6}"),
            event: event.event.to_owned(),
            who: event.who.clone(),
            data: event.data.clone(),
            before: before.to_string(),
        }
    }

    /// The line whose digest is signed.
    pub(super) fn to_line(&self) -> String {
        serde_json::to_string(self).expect("a record is plain data")
    }
}

/// A line with its signature, as it is exported: `{"record": …, "signature": "hex"}`. The record stands as it is signed.
pub(super) fn export_line(body: &str, signature: &[u8], out: &mut Vec<u8>) {
    let line = format!("{{\"record\":{body},\"signature\":\"{}\"}}\n", Hex(signature));
    out.extend_from_slice(line.as_bytes());
}

/// The SHA-256 of a record's line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// What stands in the first record for the digest of the one before.
    pub(super) const ZERO: Self = Self([0; 32]);

    /// The digest of a line.
    #[must_use]
    pub fn of(line: &str) -> Self {
        Self(Sha256::digest(line).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

impl FromStr for Digest {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut digest = [0; 32];
        for (at, byte) in digest.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2).unwrap_or("?"), 16)?;
        }
        Ok(Self(digest))
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The Ed25519 key with which a node signs, and a key made from it with which it seals what only it may read.
#[derive(Clone)]
pub struct NodeKey {
    pair: Arc<Ed25519KeyPair>,
    seal: SealKey,
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeKey({})", Hex(self.public()))
    }
}

impl NodeKey {
    /// Reads the key of a file, and makes one where there is none. Only its owner may read the file.
    ///
    /// # Errors
    /// Where the file cannot be read or written, or holds no key.
    pub fn of_file(path: &Path) -> Result<Self, Error> {
        let told = |source| Error::File {
            path: path.to_owned(),
            source,
        };
        if !path.exists() {
            let new = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
                .map_err(|_| told(io::Error::other("the system gives no random numbers")))?;
            write_secret(path, new.as_ref()).map_err(told)?;
        }
        let bytes = fs::read(path).map_err(told)?;
        let pair = Ed25519KeyPair::from_pkcs8(&bytes).map_err(|_| {
            told(io::Error::new(
                io::ErrorKind::InvalidData,
                "no Ed25519 key in PKCS #8",
            ))
        })?;
        Ok(Self {
            pair: Arc::new(pair),
            seal: SealKey::of(&bytes),
        })
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// Signs a record's digest.
    pub(super) fn sign(&self, digest: Digest) -> Vec<u8> {
        self.pair.sign(&digest.0).as_ref().to_vec()
    }

    /// A place in a list, in a form that says nothing to whoever holds it: `use_` is what it is good for.
    #[must_use]
    pub fn seal_place(&self, place: i64, use_: &str) -> String {
        let sealed = self.seal.seal_bytes(place.to_be_bytes().to_vec(), use_);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// The place that was sealed for a use; `None` where none was.
    #[must_use]
    pub fn open_place(&self, sealed: &str, use_: &str) -> Option<i64> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let place = self.seal.open_bytes(&sealed, use_)?;
        Some(i64::from_be_bytes(place.try_into().ok()?))
    }

    /// The key that seals.
    pub(crate) fn seal(&self) -> &SealKey {
        &self.seal
    }
}

/// Writes a file that only its owner may read, whole or not at all.
///
/// # Errors
/// Where it cannot be written.
pub fn write_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let new = path.with_extension("new");
    let _ = fs::remove_file(&new);
    let mut file = options.open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)
}

/// Whether a digest was signed with a key.
pub(super) fn is_signed(digest: Digest, signature: &[u8], key: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, key)
        .verify(&digest.0, signature)
        .is_ok()
}
