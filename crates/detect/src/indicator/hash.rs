//! Hashes of names, label by label from the right, without regard to case.
//!
//! The hash of `a.evil.example` goes on from that of `evil.example`, so one walk over a name gives the hash of each
//! of its parents. Bytes are folded with `| 0x20`, which for letters, digits, `-`, `.` and `_` loses nothing but case.

use std::hash::{BuildHasher, RandomState};

const KEYS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xa076_1d64_78bd_642f];
const CASE: u64 = 0x2020_2020_2020_2020;

/// What the hashes of a table start from: a random number, so that nobody can write names that all have one hash.
pub(super) fn root() -> u64 {
    RandomState::new().hash_one(KEYS)
}

#[inline(always)]
fn mix(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    (product >> 64) as u64 ^ product as u64
}

#[inline(always)]
fn load(bytes: &[u8], at: usize) -> u64 {
    let word: [u8; 8] = bytes[at..at + 8].try_into().expect("a slice of eight bytes");
    u64::from_le_bytes(word) | CASE
}

/// The last so many bytes of a word, all else zero.
const LAST: [u64; 9] = [
    0,
    !0 << 56,
    !0 << 48,
    !0 << 40,
    !0 << 32,
    !0 << 24,
    !0 << 16,
    !0 << 8,
    !0,
];

/// The hash of a name from that of its parent and the label before it, `bytes[start..end]`, which is not empty.
///
/// Labels of up to 16 bytes, nearly all, are taken without a branch on their length.
#[inline(always)]
pub(super) fn child(parent: u64, bytes: &[u8], start: usize, end: usize) -> u64 {
    let length = end - start;
    debug_assert!(length > 0);
    if length > 16 || end < 16 {
        return uncommon(parent, bytes, start, end);
    }
    let last = load(bytes, end - 8) & LAST[length.min(8)];
    let first = load(bytes, end - 16) & LAST[length.saturating_sub(8)];
    mix(parent ^ last, first ^ KEYS[0] ^ length as u64)
}

/// A label that is longer, or stands less than 16 bytes behind the start of the bytes.
#[cold]
fn uncommon(parent: u64, bytes: &[u8], start: usize, end: usize) -> u64 {
    let mut state = parent;
    let mut at = start;
    while end - at > 16 {
        state = mix(state ^ load(bytes, at), KEYS[1]);
        at += 8;
    }
    let mut room = [0; 16];
    room[16 - (end - at)..].copy_from_slice(&bytes[at..end]);
    let last = load(&room, 8) & LAST[(end - at).min(8)];
    let first = load(&room, 0) & LAST[(end - at).saturating_sub(8)];
    mix(state ^ last, first ^ KEYS[0] ^ (end - start) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(bytes: &[u8], start: usize, end: usize) -> u64 {
        child(7, bytes, start, end)
    }

    #[test]
    fn case_and_surroundings_do_not_matter() {
        for label in [
            "a",
            "evil",
            "evilevil",
            "evilevil9",
            "sixteen-letters-",
            "a-label-of-more-than-sixteen-letters",
        ] {
            let plain = word(label.as_bytes(), 0, label.len());
            let upper = format!("<<<<<<<<<{}>>", label.to_uppercase());
            assert_eq!(word(upper.as_bytes(), 9, 9 + label.len()), plain, "{label}");
            let other = format!("{label}x");
            assert_ne!(word(other.as_bytes(), 0, other.len()), plain, "{label}");
        }
    }

    #[test]
    fn labels_do_not_run_together() {
        let two = |one: &str, other: &str| {
            let parent = word(other.as_bytes(), 0, other.len());
            child(parent, one.as_bytes(), 0, one.len())
        };
        assert_ne!(two("ab", "c"), two("a", "bc"));
    }
}
