//! The edges of runs of bytes of one class, by masks inside a chunk and byte by byte beyond it.

use super::classify::CHUNK;

/// A chunk of the bytes being scanned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk<'a> {
    pub(super) bytes: &'a [u8],
    /// Where the chunk begins in them.
    pub(super) base: usize,
    /// How many mask words it fills.
    pub(super) words: usize,
}

impl Chunk<'_> {
    /// Where the chunk ends.
    pub(super) fn end(&self) -> usize {
        self.bytes.len().min(self.base + CHUNK)
    }

    /// The first byte of the run of a class that ends before `end`, which is in the chunk or its end.
    #[inline(always)]
    pub(super) fn run_start(&self, mask: &[u64], class: fn(u8) -> bool, end: usize) -> usize {
        if end > self.base {
            let inside = (!self.window(mask, end)).leading_zeros() as usize;
            let start = end - inside.min(end - self.base);
            if inside < 64 && start > self.base {
                return start;
            }
        }
        end - self.bytes[..end]
            .iter()
            .rev()
            .take_while(|&&byte| class(byte))
            .count()
    }

    /// The end of the run that holds the byte at `at`, which is in the class.
    #[inline(always)]
    pub(super) fn run_end(&self, mask: &[u64], class: fn(u8) -> bool, at: usize) -> usize {
        if let Some(end) = self.run_end_inside(mask, at) {
            return end;
        }
        let end = self.end().min(at + 64);
        end + self.bytes[end..].iter().take_while(|&&byte| class(byte)).count()
    }

    /// The same where the masks of the chunk show it and it is no more than 64 bytes away.
    #[inline(always)]
    pub(super) fn run_end_inside(&self, mask: &[u64], at: usize) -> Option<usize> {
        let bit = at - self.base;
        let (word, rest) = (bit >> 6, bit & 63);
        let next = mask.get(word + 1).copied().unwrap_or(0);
        let inside = (!(mask[word] >> rest | next << (63 - rest) << 1)).trailing_zeros() as usize;
        let end = at + inside;
        // Bits behind the end of the last chunk are outside the class.
        (inside < 64 && end < self.base + CHUNK).then_some(end)
    }

    /// The 64 mask bits before `end`, the last in the highest bit; the chunk holds `end - 1`. Bits before the chunk
    /// are zero.
    #[inline(always)]
    pub(super) fn window(&self, mask: &[u64], end: usize) -> u64 {
        let [window] = self.windows([mask], end);
        window
    }

    /// The same of several masks.
    #[inline(always)]
    pub(super) fn windows<const N: usize>(&self, masks: [&[u64]; N], end: usize) -> [u64; N] {
        let bit = end - 1 - self.base;
        let (word, rest) = (bit >> 6, bit & 63);
        masks.map(|mask| {
            let before = if word > 0 { mask[word - 1] } else { 0 };
            mask[word] << (63 - rest) | before >> rest >> 1
        })
    }
}

/// Room for the places that a chunk's masks show.
#[derive(Debug, Default)]
pub(super) struct Places(Vec<u32>);

const ROOM: usize = CHUNK + 64;

impl Places {
    /// Adds the places of the bits of a word, the first of which stands at `base`, behind the `found` that there are.
    ///
    /// Four are written whether there are as many or not: a loop that ends with the last bit costs more, for the
    /// processor guesses its end wrongly.
    #[inline(always)]
    pub(super) fn add(&mut self, mut mask: u64, base: usize, found: usize) -> usize {
        if self.0.len() < ROOM {
            self.0.resize(ROOM, 0);
        }
        let count = mask.count_ones() as usize;
        let room = &mut self.0[found..found + 64];
        for four in room.chunks_exact_mut(4).take(count.div_ceil(4).max(1)) {
            for place in four {
                // Blocks are smaller than 4 GiB.
                *place = (base + mask.trailing_zeros() as usize) as u32;
                mask &= mask.wrapping_sub(1);
            }
        }
        found + count
    }

    /// The same where a word hardly ever has more than two bits.
    #[inline(always)]
    pub(super) fn add_few(&mut self, mask: u64, base: usize, found: usize) -> usize {
        if self.0.len() < ROOM || mask.count_ones() > 2 {
            return self.add(mask, base, found);
        }
        let rest = mask & mask.wrapping_sub(1);
        self.0[found] = (base + mask.trailing_zeros() as usize) as u32;
        self.0[found + 1] = (base + rest.trailing_zeros() as usize) as u32;
        found + mask.count_ones() as usize
    }

    /// The first so many.
    #[inline(always)]
    pub(super) fn first(&self, found: usize) -> &[u32] {
        &self.0[..found]
    }
}

/// What names are made of: letters, digits, `-`, `_`, `.`, and all beyond ASCII.
pub(super) fn is_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') || byte >= 0x80
}

/// What long words are made of.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The character that ends before `at`, if it is whole.
pub(super) fn char_before(bytes: &[u8], at: usize) -> Option<char> {
    let last = bytes[at.saturating_sub(4)..at].utf8_chunks().last()?;
    last.invalid()
        .is_empty()
        .then(|| last.valid().chars().next_back())
        .flatten()
}

/// The character that begins at `at`, if it is whole.
pub(super) fn char_behind(bytes: &[u8], at: usize) -> Option<char> {
    bytes[at..bytes.len().min(at + 4)]
        .utf8_chunks()
        .next()?
        .valid()
        .chars()
        .next()
}

/// True for a letter beyond ASCII of a script that puts spaces between words: it makes one name with what it touches.
/// Scripts beyond U+0E00 (Thai, Chinese, Japanese, Korean) set names into text without spaces.
pub(super) fn joins_names(c: char) -> bool {
    !c.is_ascii() && c.is_alphanumeric() && c < '\u{e00}'
}

#[cfg(test)]
mod tests {
    use super::super::classify::Masks;
    use super::*;

    #[test]
    fn runs_across_chunks() {
        let mut bytes = vec![b' '; 3 * CHUNK];
        let runs = [
            0..3,
            60..70,
            CHUNK - 5..CHUNK + 5,
            2 * CHUNK - 1..2 * CHUNK,
            3 * CHUNK - 200..3 * CHUNK,
        ];
        for run in &runs {
            bytes[run.clone()].fill(b'a');
        }
        let mut masks = Masks::new();
        for base in [0, CHUNK, 2 * CHUNK] {
            let words = masks.fill(&bytes[base..base + CHUNK]);
            let chunk = Chunk {
                bytes: &bytes,
                base,
                words,
            };
            for run in &runs {
                for at in run.clone().filter(|at| (base..base + CHUNK).contains(at)) {
                    assert_eq!(chunk.run_start(&masks.host, is_host, at + 1), run.start);
                    assert_eq!(chunk.run_end(&masks.host, is_host, at), run.end);
                }
            }
        }
    }

    #[test]
    fn places_of_bits() {
        let mut places = Places::default();
        let found = places.add(0b1010, 64, 0);
        let found = places.add(!0, 128, found);
        assert_eq!(found, 66);
        assert_eq!(places.first(4), [65, 67, 128, 129]);
        let mut few = 0;
        for mask in [0, 0b100, 0, 0b11, 0b111] {
            few = places.add_few(mask, 64, few);
        }
        assert_eq!(places.first(few), [66, 64, 65, 64, 65, 66]);
        let found = places.add(!0, 128, 2);
        assert_eq!(places.first(found).last(), Some(&191));
    }

    #[test]
    fn windows_end_where_they_should() {
        let mut masks = Masks::new();
        let bytes = [b'.'; 130];
        let words = masks.fill(&bytes);
        let chunk = Chunk {
            bytes: &bytes,
            base: 0,
            words,
        };
        for end in 1..=130 {
            let ones = chunk.window(&masks.dot, end).count_ones() as usize;
            assert_eq!(ones, end.min(64), "{end}");
        }
    }
}
