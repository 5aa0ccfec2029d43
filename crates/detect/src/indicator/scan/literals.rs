//! Listed texts, by the words that they begin with.

use super::super::Hit;
use super::super::candidates::{Chunk, is_word};
use super::Scanner;

impl Scanner<'_> {
    /// Looks at each word that begins in a chunk as a listed one may.
    #[inline(always)]
    pub(super) fn literals(&mut self, chunk: Chunk<'_>, out: &mut Vec<Hit>) {
        let literals = &self.matcher.literals;
        let mut places = std::mem::take(&mut self.places);
        let mut found = 0;
        let (mut before, mut begun) = before(chunk);
        let listed = literals.letters().starts(chunk.bytes, chunk.base);
        for (word, bits) in listed.into_iter().enumerate().take(chunk.words) {
            let mask = self.masks.word[word];
            let starts = mask & !(mask << 1 | before);
            let bits = bits & mask;
            if bits != 0 {
                let bits = bits & behind_escapes(starts, begun);
                found = places.add_few(bits, chunk.base + (word << 6), found);
            }
            (before, begun) = (mask >> 63, starts);
        }
        for &at in places.first(found) {
            if literals.may_start(chunk.bytes, at as usize) {
                literals.walk_word(chunk.bytes, at as usize, |start, end, indicator| {
                    out.push(Hit::new(start, end, indicator));
                });
            }
        }
        self.places = places;
    }
}

/// Whether the byte before a chunk is of a word, and which of the last 64 bytes before begin one.
fn before(chunk: Chunk<'_>) -> (u64, u64) {
    let is_word_at = |back: usize| {
        let at = chunk.base.checked_sub(back);
        at.is_some_and(|at| is_word(chunk.bytes[at]))
    };
    // No escape is longer.
    let begun = (1..=6).fold(0, |begun, back| {
        begun | u64::from(is_word_at(back) && !is_word_at(back + 1)) << (64 - back)
    });
    (u64::from(is_word_at(1)), begun)
}

/// Where words begin, and where they may if the end of an escape makes one word with them: `\n`, `\u0022`, `\x22`, `#011`,
/// or a colour (`0m`, `36m`). `begun` is the same of the word of the mask before.
#[inline(always)]
fn behind_escapes(starts: u64, begun: u64) -> u64 {
    let by = |places: u32| starts << places | begun >> (64 - places);
    starts | by(1) | by(2) | by(3) | by(5)
}
