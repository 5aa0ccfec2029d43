//! Sorts bytes into classes, 64 at a time, as bit masks.
//!
//! This is where a hunt spends its time, so there is a vector version beside the portable one; a test holds them
//! equal. Bit `i` of word `w` speaks of byte `64 * w + i` of the chunk.

/// Bytes to a chunk: its masks stay in the first-level cache.
pub(super) const CHUNK: usize = 4096;
pub(super) const WORDS: usize = CHUNK / 64;

/// One bit for each byte of a chunk, and a word behind them, so that there always is a next one.
pub(super) type Mask = [u64; WORDS + 1];

/// The masks of a chunk. The bits behind its end are zero to the end of the next word.
#[derive(Debug, Clone)]
pub(super) struct Masks {
    /// Letters, digits, `-`, `_`, `.`, and everything beyond ASCII: what host names are made of.
    pub(super) host: Mask,
    /// `.`
    pub(super) dot: Mask,
    /// Beyond ASCII.
    pub(super) high: Mask,
    /// Letters, digits and `_`: what long words are made of.
    pub(super) word: Mask,
    /// Hexadecimal digits, `:` and `-`.
    pub(super) hex_group: Mask,
    /// `:`
    pub(super) colon: Mask,
    /// Not zero where any byte is beyond ASCII.
    all_high: u64,
}

impl Masks {
    pub(super) fn new() -> Box<Self> {
        let zero = [0; WORDS + 1];
        Box::new(Self {
            host: zero,
            dot: zero,
            high: zero,
            word: zero,
            hex_group: zero,
            colon: zero,
            all_high: 0,
        })
    }

    /// True where any byte is beyond ASCII.
    #[inline(always)]
    pub(super) fn any_high(&self) -> bool {
        self.all_high != 0
    }

    /// Classifies a chunk of at most [`CHUNK`] bytes; gives the number of words that hold it. The word behind them is
    /// zero.
    pub(super) fn fill(&mut self, chunk: &[u8]) -> usize {
        debug_assert!(chunk.len() <= CHUNK);
        self.all_high = 0;
        self.fill_words(chunk);
        let words = chunk.len().div_ceil(64);
        self.set(words, Word::default());
        words
    }

    /// Takes the full stops of East Asian scripts, with which names are written, too, for dots where they begin in the
    /// chunk at `base`.
    #[cold]
    pub(super) fn add_wide_dots(&mut self, bytes: &[u8], base: usize) {
        const LENGTH: usize = 3;
        let end = bytes.len().min(base + CHUNK);
        for dot in ["。", "．", "｡"] {
            for at in memchr::memmem::find_iter(&bytes[base..bytes.len().min(end + LENGTH - 1)], dot) {
                self.dot[at >> 6] |= 1 << (at & 63);
            }
        }
    }

    fn fill_words(&mut self, chunk: &[u8]) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx512bw") {
            // SAFETY: the processor has AVX-512 with byte masks.
            return unsafe { self.fill_avx512(chunk) };
        }
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            return unsafe { self.fill_avx2(chunk) };
        }
        self.fill_portable(chunk);
    }

    fn fill_portable(&mut self, chunk: &[u8]) {
        for (at, part) in chunk.chunks(64).enumerate() {
            let mut word = Word::default();
            for (bit, &byte) in part.iter().enumerate() {
                let set = |yes: bool| u64::from(yes) << bit;
                let alphanumeric = byte.is_ascii_alphanumeric();
                word.host |= set(alphanumeric || matches!(byte, b'-' | b'_' | b'.') || byte >= 0x80);
                word.dot |= set(byte == b'.');
                word.high |= set(byte >= 0x80);
                word.word |= set(alphanumeric || byte == b'_');
                word.hex_group |= set(byte.is_ascii_hexdigit() || matches!(byte, b':' | b'-'));
                word.colon |= set(byte == b':');
            }
            self.set(at, word);
        }
    }

    #[inline]
    fn set(&mut self, at: usize, word: Word) {
        self.host[at] = word.host;
        self.dot[at] = word.dot;
        self.high[at] = word.high;
        self.word[at] = word.word;
        self.hex_group[at] = word.hex_group;
        self.colon[at] = word.colon;
        self.all_high |= word.high;
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512bw")]
    fn fill_avx512(&mut self, chunk: &[u8]) {
        let (whole, rest) = chunk.as_chunks::<64>();
        for (at, part) in whole.iter().enumerate() {
            self.set(at, avx512::word(part));
        }
        if !rest.is_empty() {
            let mut part = [0; 64];
            part[..rest.len()].copy_from_slice(rest);
            self.set(whole.len(), avx512::word(&part));
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn fill_avx2(&mut self, chunk: &[u8]) {
        let (whole, rest) = chunk.as_chunks::<64>();
        for (at, part) in whole.iter().enumerate() {
            let (low, high) = (avx2::half(part, 0), avx2::half(part, 32));
            self.set(at, avx2::join(low, high));
        }
        if !rest.is_empty() {
            let mut part = [0; 64];
            part[..rest.len()].copy_from_slice(rest);
            let (low, high) = (avx2::half(&part, 0), avx2::half(&part, 32));
            self.set(whole.len(), avx2::join(low, high));
        }
    }
}

/// The masks of 64 bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Word {
    host: u64,
    dot: u64,
    high: u64,
    word: u64,
    hex_group: u64,
    colon: u64,
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        _mm512_cmpeq_epi8_mask, _mm512_cmple_epu8_mask, _mm512_loadu_si512, _mm512_movepi8_mask,
        _mm512_or_si512, _mm512_set1_epi8, _mm512_sub_epi8,
    };

    use super::Word;

    /// The masks of 64 bytes.
    #[inline]
    #[target_feature(enable = "avx512bw")]
    pub(super) fn word(part: &[u8; 64]) -> Word {
        // SAFETY: the array holds the 64 bytes that are loaded; the load needs no alignment.
        let bytes = unsafe { _mm512_loadu_si512(part.as_ptr().cast()) };
        let splat = |byte: u8| _mm512_set1_epi8(byte.cast_signed());
        let equal = |byte: u8| _mm512_cmpeq_epi8_mask(bytes, splat(byte));

        let letter_number = _mm512_sub_epi8(_mm512_or_si512(bytes, splat(0x20)), splat(b'a'));
        let letter = _mm512_cmple_epu8_mask(letter_number, splat(25));
        let digit = _mm512_cmple_epu8_mask(_mm512_sub_epi8(bytes, splat(b'0')), splat(9));
        let hex = _mm512_cmple_epu8_mask(letter_number, splat(5)) | digit;
        let (dot, colon, dash) = (equal(b'.'), equal(b':'), equal(b'-'));
        let high = _mm512_movepi8_mask(bytes);
        let word = letter | digit | equal(b'_');
        Word {
            host: word | dot | dash | high,
            dot,
            high,
            word,
            hex_group: hex | colon | dash,
            colon,
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_min_epu8, _mm256_movemask_epi8,
        _mm256_or_si256, _mm256_set1_epi8, _mm256_sub_epi8,
    };

    use super::Word;

    /// The masks of 32 bytes, in the low halves.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn half(part: &[u8; 64], at: usize) -> Word {
        debug_assert!(at <= 32);
        // SAFETY: 32 bytes from `at` are inside the 64; the load needs no alignment.
        let bytes = unsafe { _mm256_loadu_si256(part.as_ptr().add(at).cast()) };
        let splat = |byte: u8| _mm256_set1_epi8(byte.cast_signed());
        let mask = |vector: __m256i| u64::from(_mm256_movemask_epi8(vector).cast_unsigned());
        let equal = |byte: u8| _mm256_cmpeq_epi8(bytes, splat(byte));
        let at_most =
            |value: __m256i, most: u8| _mm256_cmpeq_epi8(_mm256_min_epu8(value, splat(most)), value);

        let letter_number = _mm256_sub_epi8(_mm256_or_si256(bytes, splat(0x20)), splat(b'a'));
        let letter = at_most(letter_number, 25);
        let digit = at_most(_mm256_sub_epi8(bytes, splat(b'0')), 9);
        let alphanumeric = _mm256_or_si256(letter, digit);
        let (dot, colon, dash) = (equal(b'.'), equal(b':'), equal(b'-'));
        let word = _mm256_or_si256(alphanumeric, equal(b'_'));
        // The sign bit of a byte beyond ASCII counts as set in a mask.
        let host = _mm256_or_si256(_mm256_or_si256(word, bytes), _mm256_or_si256(dot, dash));
        let hex = _mm256_or_si256(at_most(letter_number, 5), digit);
        Word {
            host: mask(host),
            dot: mask(dot),
            high: mask(bytes),
            word: mask(word),
            hex_group: mask(_mm256_or_si256(hex, _mm256_or_si256(colon, dash))),
            colon: mask(colon),
        }
    }

    #[inline]
    pub(super) fn join(low: Word, high: Word) -> Word {
        Word {
            host: low.host | high.host << 32,
            dot: low.dot | high.dot << 32,
            high: low.high | high.high << 32,
            word: low.word | high.word << 32,
            hex_group: low.hex_group | high.hex_group << 32,
            colon: low.colon | high.colon << 32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Fill = fn(&mut Masks, &[u8]);

    fn check(fill: Fill) {
        let bytes: Vec<u8> = (0..CHUNK).map(|at| (at * 7 + at / 256) as u8).collect();
        for length in (0..200).chain([CHUNK - 1, CHUNK]) {
            let (mut one, mut other) = (Masks::new(), Masks::new());
            fill(&mut one, &bytes[..length]);
            other.fill_portable(&bytes[..length]);
            for at in 0..length.div_ceil(64) {
                let all = |masks: &Masks| {
                    [
                        masks.host,
                        masks.dot,
                        masks.high,
                        masks.word,
                        masks.hex_group,
                        masks.colon,
                    ]
                    .map(|mask| mask[at])
                };
                assert_eq!(all(&one), all(&other), "word {at} of {length} bytes");
            }
        }
    }

    #[test]
    fn all_versions_agree_on_every_byte_and_length() {
        check(|masks, chunk| {
            masks.fill(chunk);
        });
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            check(|masks, chunk| unsafe { masks.fill_avx2(chunk) });
        }
    }
}
