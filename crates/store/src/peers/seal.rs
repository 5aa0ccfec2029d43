//! Secrets of others that the database keeps: sealed with a key that is made from the node's key file, so that the
//! database alone does not tell them.

use std::fmt;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use serde::{Deserialize, Serialize};

use crate::Error;

/// How a node says who it is to a peer. What it holds is in no log: `Debug` leaves it out.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Credential {
    /// Not at all.
    #[default]
    None,
    /// By name and password.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
    /// By a token.
    Bearer(String),
    /// By a key that stands alone in `Authorization`, as MISP takes it.
    Key(String),
}

impl Credential {
    /// The word for what it is.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic { .. } => "basic",
            Self::Bearer(_) => "token",
            Self::Key(_) => "key",
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({})", self.kind())
    }
}

/// All that is secret of a peer.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// How we say who we are.
    pub credential: Credential,
    /// What stands behind the `?` of its address, where keys of feeds may be.
    pub query: Option<String>,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("credential", &self.credential)
            .finish_non_exhaustive()
    }
}

/// The key that seals: made from that of the node.
#[derive(Clone)]
pub(crate) struct SealKey([u8; 32]);

impl SealKey {
    /// The key that follows from the bytes of the node's key file.
    pub(crate) fn of(node_key: &[u8]) -> Self {
        let secret = Salt::new(HKDF_SHA256, b"perisai").extract(node_key);
        let mut key = [0; 32];
        secret
            .expand(&[b"peer secrets, version 1"], HKDF_SHA256)
            .and_then(|made| made.fill(&mut key))
            .expect("32 bytes are what SHA-256 gives");
        Self(key)
    }

    fn cipher(&self) -> LessSafeKey {
        let key = UnboundKey::new(&CHACHA20_POLY1305, &self.0).expect("the key has the length that it needs");
        LessSafeKey::new(key)
    }

    /// Seals a secret for whom it is: elsewhere it does not open.
    pub(crate) fn seal(&self, secret: &Secret, whose: &str) -> Vec<u8> {
        let text = serde_json::to_vec(secret).expect("a secret is plain data");
        self.seal_bytes(text, whose)
    }

    /// Seals a few bytes for a use: in another they do not open.
    pub(crate) fn seal_bytes(&self, mut text: Vec<u8>, whose: &str) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).expect("the system gives random numbers");
        self.cipher()
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(whose.as_bytes()),
                &mut text,
            )
            .expect("it is short");
        [nonce.as_slice(), &text].concat()
    }

    /// Opens what was sealed.
    pub(crate) fn open(&self, sealed: &[u8], whose: &str) -> Result<Secret, Error> {
        let damaged = || {
            Error::Damaged(
                "the secret of a peer does not open with this node's key: remove the peer and add it again"
                    .to_owned(),
            )
        };
        let opened = self.open_bytes(sealed, whose).ok_or_else(damaged)?;
        serde_json::from_slice(&opened).map_err(|_| damaged())
    }

    /// Opens sealed bytes; `None` where they were not sealed with this key for this use.
    pub(crate) fn open_bytes(&self, sealed: &[u8], whose: &str) -> Option<Vec<u8>> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let aad = Aad::from(whose.as_bytes());
        let opened = self.cipher().open_in_place(nonce, aad, &mut text).ok()?;
        Some(opened.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_with_its_key_and_for_its_peer_only() {
        let secret = Secret {
            credential: Credential::Bearer("a very secret token".to_owned()),
            query: Some("key=1".to_owned()),
        };
        let key = SealKey::of(b"one");
        let sealed = key.seal(&secret, "a https://a.example/");
        let check = |key: &SealKey, sealed: &[u8], whose: &str, opens: bool| {
            let opened = key.open(sealed, whose);
            assert_eq!(opened.as_ref().ok(), Some(&secret).filter(|_| opens));
        };
        check(&key, &sealed, "a https://a.example/", true);
        check(&key, &sealed, "a https://b.example/", false);
        check(&SealKey::of(b"two"), &sealed, "a https://a.example/", false);
        check(&key, &sealed[1..], "a https://a.example/", false);
        check(&key, &sealed[..5], "a https://a.example/", false);
        let text = String::from_utf8_lossy(&sealed).into_owned();
        assert!(!text.contains("secret"), "{text}");
        assert_ne!(sealed, key.seal(&secret, "a https://a.example/"));
        assert!(!format!("{secret:?}").contains("very"), "{secret:?}");
    }
}
