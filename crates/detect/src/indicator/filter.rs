//! A blocked Bloom filter: all bits of a key stand in one 64-bit word, so a question costs one load.

/// A set of hashes that may say yes wrongly (about one in a hundred), and never no.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    words: Vec<u64>,
    shift: u32,
}

impl Filter {
    /// For about that many keys.
    pub(super) fn with_capacity(keys: usize) -> Self {
        let words = (keys.max(1) * BITS_PER_KEY)
            .div_ceil(64)
            .next_power_of_two()
            .max(2);
        Self {
            words: vec![0; words],
            shift: 64 - words.trailing_zeros(),
        }
    }

    pub(super) fn insert(&mut self, hash: u64) {
        let at = self.word_of(hash);
        self.words[at] |= bits(hash);
    }

    #[inline]
    pub(super) fn contains(&self, hash: u64) -> bool {
        let bits = bits(hash);
        self.words[self.word_of(hash)] & bits == bits
    }

    /// Starts loading what [`contains`](Self::contains) will ask for.
    #[inline]
    pub(super) fn prefetch(&self, hash: u64) {
        super::prefetch(&self.words, self.word_of(hash));
    }

    #[inline]
    fn word_of(&self, hash: u64) -> usize {
        (hash >> self.shift) as usize
    }
}

/// At 10 to 20 bits a key (the table is a power of two) and four bits set, 2 % to 0.2 % wrong yeses.
const BITS_PER_KEY: usize = 10;

#[inline]
fn bits(hash: u64) -> u64 {
    (1 << (hash & 63)) | (1 << (hash >> 6 & 63)) | (1 << (hash >> 12 & 63)) | (1 << (hash >> 18 & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_a_wrong_no_and_few_wrong_yeses() {
        let hash =
            |n: u64| super::super::hash::child(7, &n.to_le_bytes().map(|byte| byte | 0x40), 0, 8) ^ n << 40;
        let mut filter = Filter::with_capacity(10_000);
        (0..10_000).for_each(|n| filter.insert(hash(n * 7919)));
        assert!((0..10_000).all(|n| filter.contains(hash(n * 7919))));
        let wrong = (0..100_000)
            .filter(|n| filter.contains(hash(1_000_000_007 + n * 104_729)))
            .count();
        assert!(wrong < 3_000, "{wrong} of 100,000");
    }
}
