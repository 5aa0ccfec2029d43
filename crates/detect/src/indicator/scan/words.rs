//! Long words: digests, wallets, JA4.

use super::super::Hit;
use super::super::candidates::{Chunk, is_word};
use super::super::escapes::other_start;
use super::Scanner;

/// A run of this many characters covers two neighbouring groups of eight whole.
const SHORTEST: usize = 23;

impl Scanner<'_> {
    /// Looks up the long words that begin in a chunk.
    #[inline(always)]
    pub(super) fn long_words(&mut self, chunk: Chunk<'_>, out: &mut Vec<Hit>) {
        let mut carried = 0;
        for word in 0..chunk.words {
            let full = full_bytes(self.masks.word[word]);
            // A group counts where the one before it is full too, or where it is the first of a chunk.
            let before = full << 8 | carried | u64::from(word == 0);
            carried = full >> 56 & 1;
            let mut groups = full & before;
            while groups != 0 {
                let at = chunk.base + (word << 6) + groups.trailing_zeros() as usize;
                groups &= groups - 1;
                if at < self.done.words {
                    continue;
                }
                let start = chunk.run_start(&self.masks.word, is_word, at);
                let end = chunk.run_end(&self.masks.word, is_word, at);
                self.done.words = end;
                if end - start >= SHORTEST {
                    self.long_word(chunk.bytes, start, end, out);
                }
            }
        }
    }

    /// The parts of a run between underscores, and JA4, which has two inside.
    #[inline(never)]
    fn long_word(&self, bytes: &[u8], start: usize, end: usize, out: &mut Vec<Hit>) {
        let words = &self.matcher.words;
        let indicators = &self.matcher.indicators;
        let mut at = start;
        let ends = memchr::memchr_iter(b'_', &bytes[start..end]).map(|length| start + length);
        for stop in ends.chain([end]) {
            let starts = [Some(at), other_start(bytes, at).filter(|_| at == start)];
            for from in starts.into_iter().flatten().filter(|&from| from < stop) {
                if words.has_length(stop - from) {
                    words.walk(indicators, bytes, from, stop, |indicator| {
                        out.push(Hit::new(from, stop, indicator))
                    });
                }
                if stop - from == 10 && words.has_length(36) {
                    self.ja4(bytes, from, end, out);
                }
            }
            at = stop + 1;
        }
    }

    /// `a_b_c` with 10, 12 and 12 characters.
    fn ja4(&self, bytes: &[u8], start: usize, end: usize, out: &mut Vec<Hit>) {
        let stop = start + 36;
        let whole = stop <= end && (stop == end || bytes[stop] == b'_') && bytes[start + 23] == b'_';
        if whole {
            let indicators = &self.matcher.indicators;
            self.matcher
                .words
                .walk(indicators, bytes, start, stop, |indicator| {
                    out.push(Hit::new(start, stop, indicator));
                });
        }
    }
}

/// Sets the lowest bit of each group of eight bits that is all ones.
#[inline(always)]
pub(super) fn full_bytes(mask: u64) -> u64 {
    let pairs = mask & mask >> 1;
    let fours = pairs & pairs >> 2;
    fours & fours >> 4 & 0x0101_0101_0101_0101
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_groups_are_found() {
        assert_eq!(full_bytes(0), 0);
        assert_eq!(full_bytes(!0), 0x0101_0101_0101_0101);
        assert_eq!(full_bytes(0xff00), 0x0100);
        assert_eq!(full_bytes(0x1fe), 0);
    }
}
