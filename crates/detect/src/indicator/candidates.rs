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

    /// The first byte of the run that holds the byte at `at`, which is in the class.
    #[inline(always)]
    pub(super) fn run_start(&self, mask: &[u64], class: fn(u8) -> bool, at: usize) -> usize {
        let bit = at - self.base;
        let mut word = bit >> 6;
        let mut outside = !mask[word] & ((1 << (bit & 63)) - 1);
        loop {
            if outside != 0 {
                return self.base + (word << 6) + 64 - outside.leading_zeros() as usize;
            }
            if word == 0 {
                break;
            }
            word -= 1;
            outside = !mask[word];
        }
        let before = self.bytes[..self.base]
            .iter()
            .rev()
            .take_while(|&&byte| class(byte))
            .count();
        self.base - before
    }

    /// The end of the run that holds the byte at `at`, which is in the class.
    #[inline(always)]
    pub(super) fn run_end(&self, mask: &[u64], class: fn(u8) -> bool, at: usize) -> usize {
        let bit = at - self.base;
        let mut word = bit >> 6;
        let mut outside = !mask[word] & (!0 << (bit & 63));
        loop {
            if outside != 0 {
                // Bits behind the end of the last chunk are outside too.
                return self.base + (word << 6) + outside.trailing_zeros() as usize;
            }
            word += 1;
            if word == self.words {
                break;
            }
            outside = !mask[word];
        }
        let end = self.end();
        end + self.bytes[end..].iter().take_while(|&&byte| class(byte)).count()
    }

    /// The 64 mask bits before `end`, the last in the highest bit; the chunk holds `end - 1`.
    #[inline(always)]
    pub(super) fn window(&self, mask: &[u64], end: usize) -> u64 {
        let bit = end - self.base;
        let (word, rest) = (bit >> 6, bit & 63);
        if rest == 0 {
            return mask[word - 1];
        }
        let before = if word > 0 { mask[word - 1] >> rest } else { 0 };
        mask[word] << (64 - rest) | before
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
                    assert_eq!(chunk.run_start(&masks.host, is_host, at), run.start);
                    assert_eq!(chunk.run_end(&masks.host, is_host, at), run.end);
                }
            }
        }
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
