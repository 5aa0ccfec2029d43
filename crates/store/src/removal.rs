//! Taking objects out of a collection.

use std::collections::{BTreeSet, HashMap, HashSet};

use perisai_model::Organisation;
use sqlx::{AnyConnection, Row};

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

/// In which collections objects stand.
const MEMBERS: &str = "SELECT object, collection FROM members WHERE object IN ({})";

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
        let mut found = self.in_collection(collection, id).await?;
        // Each side may have brought its own.
        let theirs = |known: &Known| asks.is_none_or(|asks| self.is_owner(known, asks));
        if found.iter().any(theirs) {
            found.retain(theirs);
        }
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

    /// Whether what an organisation has of an object is in no collection any more once some versions of it are taken out of
    /// one. To our own, what nobody's source brought is ours.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn is_last(
        &self,
        collection: i64,
        id: &str,
        versions: &[VersionFilter],
        asks: Organisation,
    ) -> Result<bool, Error> {
        let theirs = |known: &Known| self.burying(known, asks).is_some();
        let mut here = self.in_collection(collection, id).await?;
        here.retain(theirs);
        let goes = select(here, versions);
        let mut all = self.versions_of(id).await?;
        all.retain(theirs);
        let seqs: Vec<_> = all.iter().map(|known| known.seq).collect();
        let mut connection = self.reader().await?;
        for row in fetch_in(&mut connection, MEMBERS, &seqs).await? {
            let (object, stands_in): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            if stands_in != collection || !goes.iter().any(|known| known.seq == object) {
                return Ok(false);
            }
        }
        Ok(!goes.is_empty())
    }

    /// Whether any version of an object counts here, or was deleted by who made it.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn knows(&self, id: &str) -> Result<bool, Error> {
        let all = self.versions_of(id).await?;
        Ok(all
            .iter()
            .any(|known| matches!(known.standing, Standing::InForce | Standing::Deleted)))
    }

    /// The newest versions in force of those objects that are here, in microseconds since 1970, by id. An observable has none.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn newest_versions(&self, ids: &[String]) -> Result<HashMap<String, i64>, Error> {
        let wanted: HashSet<&str> = ids.iter().map(String::as_str).collect();
        let hashes: Vec<_> = ids.iter().map(|id| hash::of_id(id)).collect();
        let mut connection = self.reader().await?;
        let seqs = self.with_hashes(&mut connection, &hashes).await?;
        let mut newest: HashMap<String, i64> = HashMap::new();
        for one in known::read(&mut connection, &seqs).await? {
            let counts = one.standing == Standing::InForce && wanted.contains(&*one.id);
            if let Some(version) = one.version.filter(|_| counts) {
                let known = newest.entry(one.id).or_insert(version);
                *known = version.max(*known);
            }
        }
        Ok(newest)
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
        let mut members = HashSet::new();
        for row in fetch_in(&mut connection, MEMBERS, &seqs).await? {
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
        self.right(known, organisation).is_some()
    }
}

pub(crate) async fn collections_of(
    connection: &mut AnyConnection,
    versions: &[Known],
) -> Result<Vec<i64>, Error> {
    let seqs: Vec<_> = versions.iter().map(|known| known.seq).collect();
    let rows = fetch_in(connection, MEMBERS, &seqs).await?;
    let all: sqlx::Result<BTreeSet<_>> = rows.iter().map(|row| row.try_get(1)).collect();
    Ok(all?.into_iter().collect())
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
