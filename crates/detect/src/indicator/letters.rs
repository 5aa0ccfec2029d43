//! Which letters the words begin with by which listed texts are found.
//!
//! With few such words, nearly every word of a log is given up at its first two letters, 64 bytes at a time.

/// The first and the second letters, without regard to case.
#[derive(Debug, Default)]
pub(super) struct Letters {
    first: Set,
    second: Set,
}

/// A set of letters, digits and `_`: by the low half of a byte, a bit for each high half.
#[derive(Debug, Default, Clone, Copy)]
struct Set([u8; 16]);

/// The bit for a high half of a byte in lower case; what is no letter, digit or `_` has none.
const HIGH: [u8; 16] = [0, 0, 0, 1, 0, 0, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0];

impl Set {
    fn insert(&mut self, byte: u8) {
        let byte = byte | 0x20;
        self.0[usize::from(byte & 15)] |= HIGH[usize::from(byte >> 4)];
    }

    #[cfg(any(test, not(target_arch = "x86_64")))]
    fn contains(&self, byte: u8) -> bool {
        let byte = byte | 0x20;
        self.0[usize::from(byte & 15)] & HIGH[usize::from(byte >> 4)] != 0
    }
}

impl Letters {
    pub(super) fn insert(&mut self, word: &[u8]) {
        self.first.insert(word[0]);
        self.second.insert(word[1]);
    }

    /// Where in 64 bytes such a word may begin, judged by its first two letters; at the last byte, by one.
    #[inline(always)]
    pub(super) fn may_start(&self, part: &[u8; 64]) -> u64 {
        let (first, second) = self.masks(part);
        first & (second >> 1 | 1 << 63)
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn masks(&self, part: &[u8; 64]) -> (u64, u64) {
        if !is_x86_feature_detected!("avx2") {
            return (!0, !0);
        }
        // SAFETY: the processor has AVX2.
        unsafe { avx2::masks(self, part) }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn masks(&self, part: &[u8; 64]) -> (u64, u64) {
        let mask = |set: &Set| (0..64).fold(0, |mask, bit| mask | u64::from(set.contains(part[bit])) << bit);
        (mask(&self.first), mask(&self.second))
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8,
        _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm256_setzero_si256,
        _mm256_shuffle_epi8, _mm256_srli_epi16,
    };

    use super::{HIGH, Letters};

    /// Where the bytes of the two sets stand.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn masks(letters: &Letters, part: &[u8; 64]) -> (u64, u64) {
        // SAFETY: each table has the 16 bytes that are loaded; the load needs no alignment.
        let table =
            |table: &[u8; 16]| unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(table.as_ptr().cast())) };
        let (first, second, high) = (table(&letters.first.0), table(&letters.second.0), table(&HIGH));
        let half = |at: usize| {
            // SAFETY: `at` is 0 or 32, so that 32 bytes from it are inside the 64.
            let bytes = unsafe { _mm256_loadu_si256(part.as_ptr().add(at).cast()) };
            let nibble = _mm256_set1_epi8(15);
            let folded = _mm256_or_si256(bytes, _mm256_set1_epi8(0x20));
            let low = _mm256_and_si256(folded, nibble);
            let high = _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16::<4>(folded), nibble));
            (member(first, low, high), member(second, low, high))
        };
        let ((first_low, second_low), (first_high, second_high)) = (half(0), half(32));
        (first_low | first_high << 32, second_low | second_high << 32)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn member(set: __m256i, low: __m256i, high: __m256i) -> u64 {
        let bits = _mm256_and_si256(_mm256_shuffle_epi8(set, low), high);
        let none = _mm256_cmpeq_epi8(bits, _mm256_setzero_si256());
        u64::from(!_mm256_movemask_epi8(none).cast_unsigned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_judged_by_the_sets() {
        let mut letters = Letters::default();
        for word in ["evil", "9x", "_Z", "Wiper"] {
            letters.insert(word.as_bytes());
        }
        for start in 0..=255u8 {
            let part: [u8; 64] = std::array::from_fn(|at| start.wrapping_add(at as u8 * 3));
            let expected = (0..64).fold(0u64, |mask, bit| {
                let second = bit == 63 || letters.second.contains(part[bit + 1]);
                mask | u64::from(letters.first.contains(part[bit]) && second) << bit
            });
            assert_eq!(letters.may_start(&part), expected);
        }
        let part = *b"evil EVIL wiper viper 9X _z ewil  evi       e v                 ";
        assert_eq!(
            letters.may_start(&part) & 0b1_0000_0000_0000_0000_0000_0000_0010_0001,
            0b10_0001
        );
    }
}
