//! From an id to its versions. The index is made in large steps, since an index over random keys costs a page for each
//! row that is added alone; what came since the last step is in memory.

use std::collections::{BTreeSet, HashSet, VecDeque};

use sqlx::{AnyConnection, Row};

use crate::sql::{fetch, fetch_in};
use crate::{Error, Store};

/// How many ids the filter is told of at a time.
const FILL: i64 = 5_000;

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

    /// Which of them have one of some digests: digest and number of each.
    pub(crate) fn find(&self, hashes: &[i64]) -> Vec<(i64, i64)> {
        let of_hash = |hash: &i64| self.by_hash.range((*hash, i64::MIN)..=(*hash, i64::MAX));
        hashes.iter().flat_map(of_hash).copied().collect()
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
        let found = self.of_hashes(connection, hashes).await?;
        let mut seqs: Vec<_> = found.into_iter().map(|(_, seq)| seq).collect();
        seqs.sort_unstable();
        seqs.dedup();
        Ok(seqs)
    }

    /// The same with the digest of each, in their order.
    pub(crate) async fn of_hashes(
        &self,
        connection: &mut AnyConnection,
        hashes: &[i64],
    ) -> Result<Vec<(i64, i64)>, Error> {
        let (mut found, indexed) = {
            let shared = self.shared();
            let may = |hash: &&i64| shared.filter.may_have(**hash);
            let indexed: Vec<i64> = hashes.iter().filter(may).copied().collect();
            (shared.tail.find(hashes), indexed)
        };
        let sql = "SELECT id_hash, object FROM derived.ids WHERE id_hash IN ({})";
        for row in fetch_in(connection, sql, &indexed).await? {
            found.push((row.try_get(0)?, row.try_get(1)?));
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Tells the filter of all ids that are in the index, so that it can tell what is not there. What is folded meanwhile
    /// it is told of anyway.
    pub(crate) async fn fill_filter(&self) -> Result<(), Error> {
        let mut at = (i64::MIN, i64::MIN);
        while !self.shared().filter.is_whole {
            let mut connection = self.reader().await?;
            let sql = "SELECT id_hash, object FROM derived.ids WHERE (id_hash, object) > ($1, $2) \
                       ORDER BY id_hash, object LIMIT $3";
            let rows = fetch(&mut connection, sql, |values| {
                values.int(at.0).int(at.1).int(FILL)
            });
            let rows = rows.await?;
            drop(connection);
            let mut shared = self.shared_mut();
            for row in &rows {
                at = (row.try_get(0)?, row.try_get(1)?);
                shared.filter.add(at.0);
            }
            if rows.is_empty() {
                shared.filter.is_whole = true;
            }
        }
        Ok(())
    }

    /// Of which of some digests there are several versions. The connection must not be in a transaction, either.
    pub(crate) async fn several(
        &self,
        connection: &mut AnyConnection,
        hashes: &[i64],
    ) -> Result<HashSet<i64>, Error> {
        let found = self.of_hashes(connection, hashes).await?;
        let pairs = found.windows(2).filter(|pair| pair[0].0 == pair[1].0);
        Ok(pairs.map(|pair| pair[0].0).collect())
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
        assert_eq!(tail.find(&[7, 9]), [(7, 1), (7, 3)]);
        tail.forget(2);
        assert_eq!((tail.find(&[7, 8]), tail.len()), (vec![(7, 3)], 1));
        tail.forget(3);
        assert_eq!((tail.find(&[7]), tail.by_hash.len()), (vec![], 0));
    }
}
