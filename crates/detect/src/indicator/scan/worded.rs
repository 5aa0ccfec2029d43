//! Words by which listed texts are found.

use super::super::Hit;
use super::super::candidates::{Chunk, is_word};
use super::Scanner;

impl Scanner<'_> {
    /// Looks at each word that begins in a chunk as a listed one may.
    #[inline(always)]
    pub(super) fn words(&mut self, chunk: Chunk<'_>, out: &mut Vec<Hit>) {
        let literals = &self.matcher.literals;
        let letters = literals.letters();
        let mut places = std::mem::take(&mut self.places);
        let mut found = 0;
        let mut before = u64::from(chunk.base > 0 && is_word(chunk.bytes[chunk.base - 1]));
        for word in 0..chunk.words {
            let base = chunk.base + (word << 6);
            let mask = self.masks.word[word];
            let mut starts = mask & !(mask << 1 | before);
            before = mask >> 63;
            if let Some(part) = chunk.bytes[base..].first_chunk() {
                starts &= letters.may_start(part);
            }
            if starts != 0 {
                found = places.add(starts, base, found);
            }
        }
        for &at in places.first(found) {
            if literals.may_start(chunk.bytes, at as usize) {
                literals.walk_word(chunk.bytes, at as usize, |start, end, indicator| {
                    out.push(Hit {
                        start,
                        end,
                        indicator,
                    });
                });
            }
        }
        self.places = places;
    }
}
