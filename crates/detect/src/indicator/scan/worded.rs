//! Words by which listed texts are found.

use super::super::Hit;
use super::super::candidates::{Chunk, is_word};
use super::Scanner;

impl Scanner<'_> {
    /// Looks at each word of at least `shortest` characters that begins in a chunk.
    #[inline(always)]
    pub(super) fn words(&mut self, chunk: Chunk<'_>, shortest: usize, out: &mut Vec<Hit>) {
        let literals = &self.matcher.literals;
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
            while starts != 0 {
                let at = chunk.base + (word << 6) + starts.trailing_zeros() as usize;
                starts &= starts - 1;
                if literals.may_start(chunk.bytes, at) {
                    literals.walk_word(chunk.bytes, at, |start, end, indicator| {
                        out.push(Hit {
                            start,
                            end,
                            indicator,
                        })
                    });
                }
            }
        }
    }
}
