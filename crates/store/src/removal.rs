//! Taking objects out of a collection.

use std::collections::{BTreeSet, HashMap, HashSet};

use perisai_model::{Audience, Organisation, Tlp};
use sqlx::{AnyConnection, Row};

use crate::known::{self, Known, Standing};
use crate::sql::{execute, fetch_in};
use crate::{Error, Store, VersionFilter, hash};

/// What a tombstone has to say of an object, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grave {
    /// As which source the tombstone is kept: one of those whose the object is.
    pub source: i64,
    /// The newest version of the object, as it says it.
    pub version: Option<String>,
    /// How it is held; `None` where the node's default counts.
    pub tlp: Option<Tlp>,
    /// For whom it is, where that was said.
    pub audience: Option<Audience>,
    /// The collections in which it stands, by number.
    pub collections: Vec<i64>,
}

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
        // Of an observable each side has its own.
        let theirs = |known: &Known| asks.is_none_or(|asks| self.is_owner(known, asks));
        if found.iter().any(|known| known.version.is_none() && theirs(known)) {
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
        let theirs = |known: &Known| asks.is_none_or(|asks| self.is_owner(known, asks));
        all.retain(|known| known.version.is_some() || theirs(known));
        if !all.first().is_some_and(theirs) {
            return Ok(Removal::NotTheirs);
        }
        self.mark_deleted(&all).await
    }

    /// The same for a source, as a tombstone of it says: nothing where a version is newer than what it tells of.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn delete_as(&self, id: &str, source: i64, through: Option<i64>) -> Result<Removal, Error> {
        let _writer = self.writer().await;
        let mut all = self.versions_of(id).await?;
        all.retain(|known| known.standing != Standing::Apart);
        if all
            .iter()
            .any(|known| known.version.is_none() && self.is_of(known, source))
        {
            all.retain(|known| self.is_of(known, source));
        }
        let is_theirs = all.first().is_some_and(|first| self.is_of(first, source));
        all.retain(|known| known.standing == Standing::InForce);
        let is_newer = |known: &Known| through.is_some_and(|through| known.version > Some(through));
        if all.is_empty() || all.iter().any(is_newer) {
            return Ok(Removal::Missing);
        }
        if !is_theirs {
            return Ok(Removal::NotTheirs);
        }
        self.mark_deleted(&all).await
    }

    /// Marks versions as deleted. The caller has the writer.
    async fn mark_deleted(&self, all: &[Known]) -> Result<Removal, Error> {
        let mut transaction = self.begin().await?;
        for known in all {
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

    /// What a tombstone has to say of an object that an organisation deletes; `None` where it is not theirs, or nobody
    /// has it. To our own, what nobody's source brought is ours.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn grave(&self, id: &str, asks: Organisation) -> Result<Option<Grave>, Error> {
        let mut all = self.versions_of(id).await?;
        all.retain(|known| known.standing != Standing::Apart);
        let source = all.first().and_then(|first| self.burying(first, asks));
        all.retain(|known| known.standing == Standing::InForce);
        let newest = all.iter().max_by_key(|known| (known.version, known.seq));
        let (Some(source), Some(newest)) = (source, newest) else {
            return Ok(None);
        };
        let mut connection = self.reader().await?;
        let sql = "SELECT version_text FROM objects WHERE seq IN ({})";
        let rows = fetch_in(&mut connection, sql, &[newest.seq]).await?;
        let version = rows.first().map(|row| row.try_get(0)).transpose()?.flatten();
        let collections = collections_of(&mut connection, &all).await?;
        let terms = {
            let shared = self.shared();
            let lane = shared.classes.lane(newest.lane);
            lane.and_then(|lane| shared.classes.terms_of(lane.class).into_iter().next())
        };
        Ok(Some(Grave {
            source,
            version,
            tlp: terms.as_ref().and_then(|terms| terms.tlp),
            audience: terms.and_then(|terms| terms.audience),
            collections,
        }))
    }

    /// As whose source an organisation may tell that a version is deleted.
    fn burying(&self, first: &Known, asks: Organisation) -> Option<i64> {
        let shared = self.shared();
        let source = shared.sources.get(&first.source)?;
        let is_nobodys = source.owner().is_none() && asks == self.own();
        if source.owner() == Some(asks) || is_nobodys {
            return Some(source.number);
        }
        if crate::ingest::originator(&shared.classes, first) != Some(asks) {
            return None;
        }
        let theirs = shared
            .sources
            .values()
            .filter(|source| source.owner() == Some(asks));
        theirs.map(|source| source.number).min()
    }

    /// Whether an object is in no collection any more once some versions of it are taken out of one.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn is_last(
        &self,
        collection: i64,
        id: &str,
        versions: &[VersionFilter],
    ) -> Result<bool, Error> {
        let goes = select(self.in_collection(collection, id).await?, versions);
        let all = self.versions_of(id).await?;
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

    /// The collections, by number, in which an object stands.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn collections_of(&self, id: &str) -> Result<Vec<i64>, Error> {
        let all = self.versions_of(id).await?;
        collections_of(&mut *self.reader().await?, &all).await
    }

    /// Whether any version of an object is here that somebody did not have kept apart.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn knows(&self, id: &str) -> Result<bool, Error> {
        let all = self.versions_of(id).await?;
        Ok(all.iter().any(|known| known.standing != Standing::Apart))
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

    /// Whether a version is a source's: it brought it, or is of who made it.
    fn is_of(&self, first: &Known, source: i64) -> bool {
        let shared = self.shared();
        let owner = shared.sources.get(&source).and_then(|source| source.owner());
        first.source == source
            || owner.is_some() && crate::ingest::originator(&shared.classes, first) == owner
    }

    /// Whether a version is an organisation's: it made it, or sent it.
    fn is_owner(&self, known: &Known, organisation: Organisation) -> bool {
        let shared = self.shared();
        let source = shared.sources.get(&known.source);
        let sent = source.and_then(|source| source.owner()) == Some(organisation);
        sent || crate::ingest::originator(&shared.classes, known) == Some(organisation)
    }
}

async fn collections_of(connection: &mut AnyConnection, versions: &[Known]) -> Result<Vec<i64>, Error> {
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
