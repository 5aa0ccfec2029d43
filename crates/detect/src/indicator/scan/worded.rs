//! Words by which listed texts are found.

use super::super::Hit;
use super::super::candidates::{Chunk, is_word};
use super::Scanner;

impl Scanner<'_> {
    /// Looks at each word that begins in a chunk as a listed one may.
    #[inline(always)]
    pub(super) fn words(&mut self, chunk: Chunk<'_>, out: &mut Vec<Hit>) {
        let literals = &self.matcher.literals;
        let mut places = std::mem::take(&mut self.places);
        let mut found = 0;
        let is_word_at = |back: usize| {
            let at = chunk.base.checked_sub(back);
            at.is_some_and(|at| is_word(chunk.bytes[at]))
        };
        // Whether the byte before is of a word, and whether a word begins with it.
        let mut before = u64::from(is_word_at(1));
        let mut begun = u64::from(is_word_at(1) && !is_word_at(2));
        let listed = literals.letters().starts(chunk.bytes, chunk.base);
        for (word, bits) in listed.into_iter().enumerate().take(chunk.words) {
            let mask = self.masks.word[word];
            let starts = mask & !(mask << 1 | before);
            // The letter of a JSON escape makes one word with the word behind it.
            let bits = bits & mask & (starts | starts << 1 | begun);
            (before, begun) = (mask >> 63, starts >> 63);
            if bits != 0 {
                found = places.add(bits, chunk.base + (word << 6), found);
            }
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
