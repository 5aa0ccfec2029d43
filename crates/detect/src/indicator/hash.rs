//! Hashes of names, label by label from the right, without regard to case.
//!
//! The hash of `a.evil.example` goes on from that of `evil.example`, so one walk over a name gives the hash of each
//! of its parents. Bytes are folded with `| 0x20`, which for letters, digits, `-`, `.` and `_` loses nothing but case.

const KEYS: [u64; 3] = [
    0x9e37_79b9_7f4a_7c15,
    0xd6e8_feb8_6659_fd93,
    0xa076_1d64_78bd_642f,
];
const CASE: u64 = 0x2020_2020_2020_2020;

/// What a name's hash starts from, at the root.
pub(super) const ROOT: u64 = 0x5bd1_e995_0c6f_a31d;

#[inline]
fn mix(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    (product >> 64) as u64 ^ product as u64
}

#[inline]
fn load(bytes: &[u8], at: usize) -> u64 {
    let word: [u8; 8] = bytes[at..at + 8].try_into().expect("a slice of eight bytes");
    u64::from_le_bytes(word) | CASE
}

/// The up to eight bytes before `end`; those that came earlier are cut off.
#[inline]
fn load_before(bytes: &[u8], end: usize, length: usize) -> u64 {
    debug_assert!(0 < length && length <= 8 && length <= end);
    if end >= 8 {
        let word: [u8; 8] = bytes[end - 8..end].try_into().expect("a slice of eight bytes");
        return (u64::from_le_bytes(word) >> (64 - 8 * length)) | CASE;
    }
    let mut word = [0; 8];
    word[..length].copy_from_slice(&bytes[end - length..end]);
    u64::from_le_bytes(word) | CASE
}

/// The hash of a name from that of its parent and the label before it, `bytes[start..end]`, which is not empty.
#[inline]
pub(super) fn child(parent: u64, bytes: &[u8], start: usize, end: usize) -> u64 {
    let length = end - start;
    if length <= 8 {
        return mix(parent ^ load_before(bytes, end, length), KEYS[0] ^ length as u64);
    }
    let mut state = parent;
    let mut at = start;
    while end - at > 16 {
        state = mix(state ^ load(bytes, at), KEYS[1]);
        at += 8;
    }
    mix(
        state ^ load(bytes, at),
        load(bytes, end - 8) ^ KEYS[2] ^ length as u64,
    )
}

/// The hash of a word, without regard to case.
#[inline]
pub(super) fn word(bytes: &[u8], start: usize, end: usize) -> u64 {
    child(ROOT, bytes, start, end)
}

#[cfg(test)]
mod tests {
    use super::*;

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
