//! `next`: where the page after this one starts, and of what. It is signed, and kept nowhere.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::error::Refused;

/// What a cursor belongs to: it is good for nothing else.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    /// The resource: `objects`, or that and an id.
    pub(super) resource: &'a str,
    /// The number of the collection.
    pub(super) collection: i64,
    /// A digest of the filters.
    pub(super) filters: [u8; 32],
}

/// The first byte of a cursor, which changes with what follows.
const VERSION: u8 = 1;

/// Version, position, signature.
const LENGTH: usize = 1 + 8 + 32;

/// Writes a cursor that leads behind a position.
pub(super) fn write(key: &[u8; 32], scope: &Scope<'_>, position: i64) -> String {
    let mut bytes = Vec::with_capacity(LENGTH);
    bytes.push(VERSION);
    bytes.extend(position.to_be_bytes());
    bytes.extend(mac(key, scope, position).finalize().into_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The position that a cursor leads behind.
pub(super) fn read(key: &[u8; 32], scope: &Scope<'_>, text: &str) -> Result<i64, Refused> {
    let refused = || Refused::BadRequest("`next` is not of this query".to_owned());
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| refused())?;
    let bytes: [u8; LENGTH] = bytes.try_into().map_err(|_| refused())?;
    let (version, rest) = bytes.split_first().expect("its length is known");
    let (position, signature) = rest.split_first_chunk().expect("its length is known");
    let position = i64::from_be_bytes(*position);
    if *version != VERSION || mac(key, scope, position).verify_slice(signature).is_err() {
        return Err(refused());
    }
    Ok(position)
}

fn mac(key: &[u8; 32], scope: &Scope<'_>, position: i64) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(&[VERSION]);
    mac.update(&position.to_be_bytes());
    mac.update(&scope.collection.to_be_bytes());
    mac.update(&scope.filters);
    mac.update(scope.resource.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SCOPE: Scope<'_> = Scope {
        resource: "objects",
        collection: 7,
        filters: [3; 32],
    };

    #[test]
    fn cursors_are_good_for_one_query() {
        let cursor = write(&[1; 32], &SCOPE, 1_645_678_800_000_000);
        let check = |key: u8, scope: Scope<'_>, text: &str, expected: Option<i64>| {
            assert_eq!(read(&[key; 32], &scope, text).ok(), expected, "{text}");
        };
        check(1, SCOPE, &cursor, Some(1_645_678_800_000_000));
        check(2, SCOPE, &cursor, None);
        let (resource, collection, filters) = ("manifest", 8, [4; 32]);
        check(1, Scope { resource, ..SCOPE }, &cursor, None);
        check(1, Scope { collection, ..SCOPE }, &cursor, None);
        check(1, Scope { filters, ..SCOPE }, &cursor, None);
        check(1, SCOPE, "", None);
        check(1, SCOPE, &cursor[1..], None);
        check(1, SCOPE, &format!("{cursor}A"), None);
    }

    proptest! {
        #[test]
        fn no_byte_of_a_cursor_can_be_changed(at in 0..LENGTH, by in 1u8..=255) {
            let mut bytes = URL_SAFE_NO_PAD.decode(write(&[1; 32], &SCOPE, 42)).unwrap();
            bytes[at] ^= by;
            prop_assert!(read(&[1; 32], &SCOPE, &URL_SAFE_NO_PAD.encode(bytes)).is_err());
        }

        #[test]
        fn never_panics(text in "\\PC{0,80}") {
            prop_assert!(read(&[1; 32], &SCOPE, &text).is_err());
        }
    }
}
