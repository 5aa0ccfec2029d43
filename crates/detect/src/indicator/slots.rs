//! An open table of entries by the hash of their text. A slot holds half of the hash, so that a text is compared only
//! where it is nearly sure to be the one.

/// Which entries have a hash.
#[derive(Debug)]
pub(super) struct Slots(Vec<u64>);

/// Where an entry of a hash would stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Free(usize);

const HASH: u64 = !0 << 32;

impl Slots {
    /// For so many entries.
    pub(super) fn with_capacity(entries: usize) -> Self {
        Self(vec![0; (entries * 3 / 2 + 1).next_power_of_two()])
    }

    /// The first entry with this hash that is the `same`; or where it would stand.
    #[inline]
    pub(super) fn find(&self, hash: u64, mut same: impl FnMut(u32) -> bool) -> Result<u32, Free> {
        let mask = self.0.len() - 1;
        let mut at = hash as usize & mask;
        while self.0[at] != 0 {
            let entry = (self.0[at] as u32) - 1;
            if (self.0[at] ^ hash) & HASH == 0 && same(entry) {
                return Ok(entry);
            }
            at = (at + 1) & mask;
        }
        Err(Free(at))
    }

    /// Puts an entry where [`find`](Self::find) has just found that it is missing. It is below `u32::MAX`.
    pub(super) fn insert(&mut self, Free(at): Free, hash: u64, entry: u32) {
        self.0[at] = hash & HASH | u64::from(entry + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_with_one_hash() {
        let mut slots = Slots::with_capacity(3);
        for (entry, hash) in [(7, 0), (8, 1 << 40), (9, 0)] {
            let free = slots.find(hash, |found| found == entry).unwrap_err();
            slots.insert(free, hash, entry);
        }
        let all = |hash| {
            let mut all = Vec::new();
            let _ = slots.find(hash, |entry| {
                all.push(entry);
                false
            });
            all
        };
        assert_eq!(all(0), [7, 9]);
        assert_eq!(all(1 << 40), [8]);
        assert!(all(1 << 41).is_empty());
        assert_eq!(slots.find(0, |entry| entry == 9).unwrap(), 9);
    }
}
