//! Which ids are not in the index, as far as that can be told without a look at it: most of what comes is new, and each
//! look would cost a page. A Bloom filter of twelve bits for each, in parts that double.

/// How many ids the first part is for.
const FIRST: usize = 1 << 16;

/// How many bits an id gets. One in a hundred that is not there then seems to be.
const BITS: usize = 12;

/// Bits of a block: all of an id's lie in one, which is a line of the processor's cache.
const BLOCK: usize = 512;

/// Knows most of what is not in the index.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    parts: Vec<Part>,
    /// All that is in the index was added. Until then anything may be there.
    pub(crate) is_whole: bool,
}

#[derive(Debug)]
struct Part {
    blocks: Vec<[u64; BLOCK / 64]>,
    room: usize,
}

impl Filter {
    /// One of an index in which nothing is.
    pub(crate) fn of_nothing() -> Self {
        Self {
            parts: Vec::new(),
            is_whole: true,
        }
    }

    /// Adds the digest of an id.
    pub(crate) fn add(&mut self, hash: i64) {
        if self.parts.last().is_none_or(|part| part.room == 0) {
            let room = FIRST << self.parts.len().min(20);
            let blocks = vec![[0; BLOCK / 64]; room * BITS / BLOCK];
            self.parts.push(Part { blocks, room });
        }
        let part = self.parts.last_mut().expect("one was just added");
        part.room -= 1;
        let at = part.at(hash);
        for bit in bits(hash) {
            part.blocks[at][bit / 64] |= 1 << (bit % 64);
        }
    }

    /// Whether the digest of an id may be in the index.
    pub(crate) fn may_have(&self, hash: i64) -> bool {
        let has = |part: &Part| {
            let block = &part.blocks[part.at(hash)];
            bits(hash).all(|bit| (block[bit / 64] >> (bit % 64)) & 1 == 1)
        };
        !self.is_whole || self.parts.iter().any(has)
    }
}

impl Part {
    /// Its block for a digest, whose upper 28 bits choose it.
    fn at(&self, hash: i64) -> usize {
        let upper = hash.cast_unsigned() >> 36;
        usize::try_from((upper * self.blocks.len() as u64) >> 28).unwrap_or(0)
    }
}

/// Four bits of a block, by the lower 36 of a digest.
fn bits(hash: i64) -> impl Iterator<Item = usize> {
    (0..4).map(move |at| (hash.cast_unsigned() >> (9 * at)) as usize % BLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::of_id;

    #[test]
    fn what_was_added_may_be_there_and_little_else() {
        let mut filter = Filter::default();
        assert!(filter.may_have(1));
        for number in 0..300_000 {
            filter.add(of_id(&number.to_string()));
        }
        filter.is_whole = true;
        assert_eq!(filter.parts.len(), 3);
        assert!((0..300_000).all(|number: i32| filter.may_have(of_id(&number.to_string()))));
        let wrong = (300_000..400_000).filter(|number: &i32| filter.may_have(of_id(&number.to_string())));
        assert!(wrong.count() < 4_000);
        assert!(!Filter::of_nothing().may_have(1));
    }
}
