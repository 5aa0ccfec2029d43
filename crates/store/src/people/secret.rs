//! Secrets that are made here, and the digests by which they are known.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// A SHA-256, in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// That of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// What is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is a SHA-256: 64 hexadecimal digits, colons between them or not")]
pub struct NoFingerprint;

impl FromStr for Fingerprint {
    type Err = NoFingerprint;

    /// As `openssl x509 -fingerprint -sha256` prints it, or without colons, in either case.
    fn from_str(text: &str) -> Result<Self, NoFingerprint> {
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
        if digits.len() != 64 || text.len() > 95 {
            return Err(NoFingerprint);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |at: usize| char::from(pair[at]).to_digit(16).ok_or(NoFingerprint);
            *byte = u8::try_from(digit(0)? * 16 + digit(1)?).map_err(|_| NoFingerprint)?;
        }
        Ok(Self(bytes))
    }
}

/// So many random bytes, in hexadecimal.
pub(super) fn random<const N: usize>() -> String {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system gives random numbers");
    hex(&bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_as_they_are_printed() {
        let plain = Fingerprint::of(b"a certificate").to_string();
        let pairs: Vec<_> = plain
            .as_bytes()
            .chunks(2)
            .map(|pair| String::from_utf8_lossy(pair))
            .collect();
        let check =
            |text: &str, expected: bool| assert_eq!(text.parse::<Fingerprint>().is_ok(), expected, "{text}");
        check(&plain, true);
        check(&plain.to_uppercase(), true);
        check(&pairs.join(":"), true);
        check(&plain[1..], false);
        check(&format!("{plain}0"), false);
        check(&plain.replace(&plain[..1], "g"), false);
        check("", false);
        assert_eq!(pairs.join(":").parse(), Ok(Fingerprint::of(b"a certificate")));
        assert_ne!(random::<32>(), random::<32>());
        assert_eq!(random::<6>().len(), 12);
    }
}
