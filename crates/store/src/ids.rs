//! From an id to its versions. The index is made in large steps, since an index over random keys costs a page for each
//! row that is added alone; what came since the last step is in memory.

use std::collections::{BTreeSet, VecDeque};

use sqlx::{AnyConnection, Row};

use crate::sql::fetch_in;
use crate::{Error, Store};

/// The objects that are not in the derived tables yet.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    by_hash: BTreeSet<(i64, i64)>,
    /// In the order of their numbers.
    in_order: VecDeque<(i64, i64)>,
}

impl Tail {
    /// Adds an object, which came after all that are here.
    pub(crate) fn add(&mut self, hash: i64, seq: i64) {
        if self.by_hash.insert((hash, seq)) {
            self.in_order.push_back((seq, hash));
        }
    }

    /// Forgets all up to an object: they are in the index.
    pub(crate) fn forget(&mut self, through: i64) {
        while let Some((seq, hash)) = self.in_order.pop_front_if(|(seq, _)| *seq <= through) {
            self.by_hash.remove(&(hash, seq));
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.in_order.len()
    }

    /// Which of them have one of some digests.
    pub(crate) fn find(&self, hashes: &[i64]) -> Vec<i64> {
        let of_hash = |hash: &i64| self.by_hash.range((*hash, i64::MIN)..=(*hash, i64::MAX));
        hashes.iter().flat_map(of_hash).map(|(_, seq)| *seq).collect()
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
        for (hash, seq) in [(7, 1), (8, 2), (7, 3)] {
            tail.add(hash, seq);
        }
        assert_eq!(tail.find(&[7, 9]), [1, 3]);
        tail.forget(2);
        assert_eq!((tail.find(&[7, 8]), tail.len()), (vec![3], 1));
        tail.forget(3);
        assert_eq!((tail.find(&[7]), tail.by_hash.len()), (vec![], 0));
    }
}
