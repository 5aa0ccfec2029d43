//! Words by which listed texts are found.

use super::super::Hit;
use super::super::candidates::{Chunk, is_word};
use super::Scanner;

impl Scanner<'_> {
    /// Looks at each word of at least `shortest` characters that begins in a chunk.
    #[inline(always)]
    pub(super) fn words(&mut self, chunk: Chunk<'_>, shortest: usize, out: &mut Vec<Hit>) {
        let literals = &self.matcher.literals;
        let mut places = std::mem::take(&mut self.places);
        let mut found = 0;
        // Of a longer word it is enough to know that it has eight.
        let behind = shortest.min(8) - 1;
        let mut before = u64::from(chunk.base > 0 && is_word(chunk.bytes[chunk.base - 1]));
        for word in 0..chunk.words {
            let mask = self.masks.word[word];
            let next = if word + 1 < chunk.words {
                self.masks.word[word + 1]
            } else {
                !0
            };
            let mut starts = mask & !(mask << 1 | before);
            before = mask >> 63;
            for shift in 1..=behind {
                starts &= mask >> shift | next << (64 - shift);
            }
            found = places.add(starts, chunk.base + (word << 6), found);
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
