//! Numbers by which the database finds ids and tells bytes apart. Whoever looks one up compares the id itself, too.

use sha2::{Digest, Sha256};

/// The digest of an id.
pub(crate) fn of_id(id: &str) -> i64 {
    of_bytes(id.as_bytes())
}

/// The first eight bytes of the SHA-256.
pub(crate) fn of_bytes(bytes: &[u8]) -> i64 {
    let digest = Sha256::digest(bytes);
    let first = digest.first_chunk().expect("a digest has 32 bytes");
    i64::from_le_bytes(*first)
}
