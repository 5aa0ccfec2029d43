//! Taking objects out of a collection.

use std::collections::HashSet;

use perisai_model::Organisation;
use sqlx::Row;

use crate::known::{self, Known, Standing};
use crate::sql::{execute, fetch_in};
use crate::{Error, Store, VersionFilter, hash};

/// What became of a wish to remove an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// So many versions are gone from the collection.
    Removed(usize),
    /// There is no such object in it.
    Missing,
    /// It is another's.
    NotTheirs,
}

impl Store {
    /// Removes versions of an object from a collection, for the organisation that asks: its own, or what it brought. Who
    /// runs the node (`None`) may remove any.
    ///
    /// What is removed from a collection stays in the store and in other collections; whose it is can delete it there with
    /// [`delete`](Self::delete).
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn remove(
        &self,
        collection: i64,
        id: &str,
        versions: &[VersionFilter],
        asks: Option<Organisation>,
    ) -> Result<Removal, Error> {
        let _writer = self.writer().await;
        let found = self.in_collection(collection, id).await?;
        let all = select(found, versions);
        if all.is_empty() {
            return Ok(Removal::Missing);
        }
        if asks.is_some_and(|asks| !all.iter().all(|known| self.is_owner(known, asks))) {
            return Ok(Removal::NotTheirs);
        }
        let mut transaction = self.begin().await?;
        for known in &all {
            let sql = "DELETE FROM members WHERE collection = $1 AND object = $2";
            execute(&mut transaction, sql, |values| {
                values.int(collection).int(known.seq)
            })
            .await?;
        }
        transaction.commit().await?;
        Ok(Removal::Removed(all.len()))
    }

    /// Deletes all versions of an object for whose it is: it leaves all collections and searches, and its bytes are gone.
    /// How it was to be shared still counts for what names it.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn delete(&self, id: &str, asks: Option<Organisation>) -> Result<Removal, Error> {
        let _writer = self.writer().await;
        let mut all = self.versions_of(id).await?;
        all.retain(|known| known.standing == Standing::InForce);
        if all.is_empty() {
            return Ok(Removal::Missing);
        }
        if asks.is_some_and(|asks| !self.is_owner(&all[0], asks)) {
            return Ok(Removal::NotTheirs);
        }
        let mut transaction = self.begin().await?;
        for known in &all {
            let sql = "UPDATE objects SET standing = $1, raw = $2 WHERE seq = $3";
            let standing = Standing::Deleted.number();
            execute(&mut transaction, sql, |values| {
                values.int(standing).bytes(b"").int(known.seq)
            })
            .await?;
            for sql in [
                "DELETE FROM members WHERE object = $1",
                "INSERT INTO touched (object) VALUES ($1) ON CONFLICT (object) DO NOTHING",
            ] {
                execute(&mut transaction, sql, |values| values.int(known.seq)).await?;
            }
        }
        transaction.commit().await?;
        self.inner().came.notify_one();
        Ok(Removal::Removed(all.len()))
    }

    /// All stored versions of an id, oldest first.
    pub(crate) async fn versions_of(&self, id: &str) -> Result<Vec<Known>, Error> {
        let mut connection = self.reader().await?;
        let seqs = self.with_hashes(&mut connection, &[hash::of_id(id)]).await?;
        let mut all = known::read(&mut connection, &seqs).await?;
        all.retain(|known| known.id == id);
        Ok(all)
    }

    async fn in_collection(&self, collection: i64, id: &str) -> Result<Vec<Known>, Error> {
        let all = self.versions_of(id).await?;
        let seqs: Vec<_> = all.iter().map(|known| known.seq).collect();
        let mut connection = self.reader().await?;
        let sql = "SELECT object, collection FROM members WHERE object IN ({})";
        let mut members = HashSet::new();
        for row in fetch_in(&mut connection, sql, &seqs).await? {
            if row.try_get::<i64, _>(1)? == collection {
                members.insert(row.try_get::<i64, _>(0)?);
            }
        }
        Ok(all
            .into_iter()
            .filter(|known| members.contains(&known.seq))
            .collect())
    }

    /// Whether a version is an organisation's: it made it, or sent it.
    fn is_owner(&self, known: &Known, organisation: Organisation) -> bool {
        let shared = self.shared();
        let source = shared.sources.get(&known.source);
        let sent = source.and_then(|source| source.owner()) == Some(organisation);
        sent || crate::ingest::originator(&shared.classes, known) == Some(organisation)
    }
}

/// The versions that are asked for; all where nothing is said (TAXII 2.1, section 5.7).
fn select(mut all: Vec<Known>, versions: &[VersionFilter]) -> Vec<Known> {
    all.sort_by_key(|known| (known.version, known.seq));
    let (first, last) = (all.first().map(|one| one.seq), all.last().map(|one| one.seq));
    let is_asked = |known: &Known| {
        versions.is_empty()
            || versions.iter().any(|filter| match filter {
                VersionFilter::All => true,
                VersionFilter::First => Some(known.seq) == first,
                VersionFilter::Last => Some(known.seq) == last,
                VersionFilter::At(time) => known.version == Some(*time),
            })
    };
    all.retain(is_asked);
    all
}
