//! Where words may begin by which listed texts are found: judged by their first four characters, 64 places at a time.
//!
//! The words are sorted into eight groups. For each of the four places and each character a byte tells, one bit for
//! each group, which groups have a word with that character there; where the four bytes share a bit, a word of that
//! group may begin. This is the *Teddy* of Hyperscan; the tables go by the low six bits of a character where the processor
//! can look up 64 at once (AVX-512 VBMI), and by its two halves else (AVX2).

use super::classify::WORDS;

/// Characters of a word that are looked at.
pub(super) const PREFIX: usize = 4;

/// How words begin, by place and character.
#[derive(Debug)]
pub(super) struct Letters {
    /// By the low six bits of a byte.
    low_bits: [[u8; 64]; PREFIX],
    /// By the low and by the high half of a byte.
    halves: [[[u8; 16]; 2]; PREFIX],
}

impl Letters {
    /// Takes the beginnings of all words, in any order and case.
    pub(super) fn build(mut starts: Vec<[u8; PREFIX]>) -> Self {
        starts.iter_mut().for_each(|start| start.make_ascii_lowercase());
        starts.sort_unstable();
        starts.dedup();
        let mut built = Self {
            low_bits: [[0; 64]; PREFIX],
            halves: [[[0; 16]; 2]; PREFIX],
        };
        for (at, start) in starts.iter().enumerate() {
            // Neighbours begin alike, so that a group knows few characters.
            let group = 1 << (at * 8 / starts.len());
            for (place, &character) in start.iter().enumerate() {
                for byte in [character, character.to_ascii_uppercase()] {
                    built.low_bits[place][usize::from(byte & 63)] |= group;
                    built.halves[place][0][usize::from(byte & 15)] |= group;
                    built.halves[place][1][usize::from(byte >> 4)] |= group;
                }
            }
        }
        built
    }

    /// Sets a bit for each place of `bytes[base..]`, a chunk, where a word may begin, and
    /// for some others.
    #[inline(always)]
    pub(super) fn starts(&self, bytes: &[u8], base: usize) -> [u64; WORDS] {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx512vbmi") && is_x86_feature_detected!("avx512bw") {
            // SAFETY: the processor has both.
            return unsafe { self.starts_avx512(bytes, base) };
        }
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            return unsafe { self.starts_avx2(bytes, base) };
        }
        each_part(bytes, base, |_| !0)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512bw,avx512vbmi")]
    fn starts_avx512(&self, bytes: &[u8], base: usize) -> [u64; WORDS] {
        let tables = avx512::tables(&self.low_bits);
        each_part(bytes, base, |part| avx512::starts(&tables, part))
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn starts_avx2(&self, bytes: &[u8], base: usize) -> [u64; WORDS] {
        let tables = avx2::tables(&self.halves);
        each_part(bytes, base, |part| {
            avx2::starts(&tables, part, 0) | avx2::starts(&tables, part, 32) << 32
        })
    }
}

/// 64 places, and what a word that begins at the last of them reaches into.
type Part = [u8; 64 + PREFIX - 1];

#[inline(always)]
fn each_part(bytes: &[u8], base: usize, starts: impl Fn(&Part) -> u64) -> [u64; WORDS] {
    let mut all = [0; WORDS];
    for (at, bits) in (base..bytes.len()).step_by(64).zip(&mut all) {
        *bits = match bytes[at..].first_chunk() {
            Some(part) => starts(part),
            None => {
                let mut part = [0; size_of::<Part>()];
                part[..bytes.len() - at].copy_from_slice(&bytes[at..]);
                starts(&part)
            }
        };
    }
    all
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        __m512i, _mm512_and_si512, _mm512_loadu_si512, _mm512_permutexvar_epi8, _mm512_test_epi8_mask,
    };

    use super::{PREFIX, Part};

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn tables(low_bits: &[[u8; 64]; PREFIX]) -> [__m512i; PREFIX] {
        // SAFETY: each table has the 64 bytes that are loaded; the load needs no alignment.
        low_bits
            .each_ref()
            .map(|table| unsafe { _mm512_loadu_si512(table.as_ptr().cast()) })
    }

    #[inline]
    #[target_feature(enable = "avx512bw,avx512vbmi")]
    pub(super) fn starts(tables: &[__m512i; PREFIX], part: &Part) -> u64 {
        let groups = |place: usize| {
            // SAFETY: 64 bytes from a place below four are inside the part; the load needs no alignment.
            let bytes = unsafe { _mm512_loadu_si512(part.as_ptr().add(place).cast()) };
            _mm512_permutexvar_epi8(bytes, tables[place])
        };
        let first = _mm512_and_si512(groups(0), groups(1));
        _mm512_test_epi8_mask(first, _mm512_and_si512(groups(2), groups(3)))
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8,
        _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_set1_epi8, _mm256_setzero_si256,
        _mm256_shuffle_epi8, _mm256_srli_epi16,
    };

    use super::{PREFIX, Part};

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn tables(halves: &[[[u8; 16]; 2]; PREFIX]) -> [[__m256i; 2]; PREFIX] {
        halves.map(|tables| {
            tables.map(|table| {
                // SAFETY: each table has the 16 bytes that are loaded; the load needs no alignment.
                unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(table.as_ptr().cast())) }
            })
        })
    }

    /// The 32 places from `at`, which is 0 or 32.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn starts(tables: &[[__m256i; 2]; PREFIX], part: &Part, at: usize) -> u64 {
        debug_assert!(at <= 32);
        let groups = |place: usize| {
            // SAFETY: 32 bytes from at most 32 + 3 are inside the part; the load needs no alignment.
            let bytes = unsafe { _mm256_loadu_si256(part.as_ptr().add(at + place).cast()) };
            let high = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), _mm256_set1_epi8(15));
            // A byte beyond ASCII has no low half to a shuffle.
            _mm256_and_si256(
                _mm256_shuffle_epi8(tables[place][0], bytes),
                _mm256_shuffle_epi8(tables[place][1], high),
            )
        };
        let first = _mm256_and_si256(groups(0), groups(1));
        let all = _mm256_and_si256(first, _mm256_and_si256(groups(2), groups(3)));
        let none = _mm256_cmpeq_epi8(all, _mm256_setzero_si256());
        u64::from(!_mm256_movemask_epi8(none).cast_unsigned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::classify::CHUNK;
    use super::*;

    fn check(starts: fn(&Letters, &[u8], usize) -> [u64; WORDS]) {
        let words = ["evil", "9xyz", "_Zab", "Wiper", "wide"];
        let letters = Letters::build(words.map(|word| *word.as_bytes().first_chunk().unwrap()).to_vec());
        let mut bytes = b"xEVIL evil 9XYZ ev\xe9l wipe _zAB e9_w\0 wide,".repeat(300);
        bytes.truncate(2 * CHUNK + 70);
        for base in [0, CHUNK, 2 * CHUNK] {
            let starts = starts(&letters, &bytes, base);
            let mut wrong = 0;
            for at in base..bytes.len().min(base + CHUNK) {
                let begins = |start: &[u8]| {
                    let four = bytes.get(at..at + PREFIX);
                    four.is_some_and(|four| four.eq_ignore_ascii_case(start))
                };
                let set = starts[(at - base) / 64] >> (at % 64) & 1 != 0;
                let expected = words.iter().any(|word| begins(&word.as_bytes()[..PREFIX]));
                assert!(set || !expected, "{at}");
                wrong += u32::from(set && !expected);
            }
            assert!(wrong <= 100, "{wrong} of a chunk");
        }
    }

    #[test]
    fn every_start_is_found_and_few_others() {
        check(Letters::starts);
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            check(|letters, bytes, base| unsafe { letters.starts_avx2(bytes, base) });
        }
    }
}
