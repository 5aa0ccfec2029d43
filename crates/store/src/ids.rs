//! From an id to its versions. The index is made in large steps, since an index over random keys costs a page for each
//! row that is added alone; what came since the last step is in memory.

use std::collections::{BTreeMap, HashMap};

use sqlx::{AnyConnection, Row};

use crate::sql::fetch_in;
use crate::{Error, Store};

/// The objects that are not in the derived tables yet.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    by_seq: BTreeMap<i64, i64>,
    by_hash: HashMap<i64, Vec<i64>>,
}

impl Tail {
    /// Adds an object.
    pub(crate) fn add(&mut self, hash: i64, seq: i64) {
        if self.by_seq.insert(seq, hash).is_none() {
            self.by_hash.entry(hash).or_default().push(seq);
        }
    }

    /// Forgets all up to an object: they are in the index.
    pub(crate) fn forget(&mut self, through: i64) {
        let kept = self.by_seq.split_off(&(through + 1));
        for (seq, hash) in std::mem::replace(&mut self.by_seq, kept) {
            if let Some(all) = self.by_hash.get_mut(&hash) {
                all.retain(|one| *one != seq);
                if all.is_empty() {
                    self.by_hash.remove(&hash);
                }
            }
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.by_seq.len()
    }

    /// Which of them have one of some digests.
    pub(crate) fn find(&self, hashes: &[i64]) -> Vec<i64> {
        let found = hashes.iter().filter_map(|hash| self.by_hash.get(hash));
        found.flatten().copied().collect()
    }
}

impl Store {
    /// All objects with one of some digests. The connection must not be in a transaction: what moved into the index since
    /// that began is in neither.
    pub(crate) async fn with_hashes(
        &self,
        connection: &mut AnyConnection,
        hashes: &[i64],
    ) -> Result<Vec<i64>, Error> {
        let mut seqs = self.shared().tail.find(hashes);
        let sql = "SELECT object FROM derived.ids WHERE id_hash IN ({})";
        for row in fetch_in(connection, sql, hashes).await? {
            seqs.push(row.try_get(0)?);
        }
        seqs.sort_unstable();
        seqs.dedup();
        Ok(seqs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_indexed_is_forgotten() {
        let mut tail = Tail::default();
        for (hash, seq) in [(7, 1), (8, 2), (7, 3), (7, 3)] {
            tail.add(hash, seq);
        }
        assert_eq!(tail.find(&[7, 9]), [1, 3]);
        tail.forget(2);
        assert_eq!((tail.find(&[7, 8]), tail.len()), (vec![3], 1));
        tail.forget(3);
        assert_eq!((tail.find(&[7]), tail.by_hash.len()), (vec![], 0));
    }
}
