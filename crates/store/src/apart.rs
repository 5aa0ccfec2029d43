//! What is kept apart: versions, revocations and deletions of objects by others than whose these are (design.md,
//! invariant 3). It counts for nothing, is given to no partner, and is listed for our own people.

use perisai_intel::Object;
use perisai_intel::write::Tombstone;
use perisai_model::Tlp;
use perisai_policy::{Released, Terms, release};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::classes::LaneId;
use crate::known::{Known, Standing};
use crate::sql::{fetch, fetch_one};
use crate::{Error, Store, View};

/// How many are looked at at a time.
const STEP: usize = 500;

/// How many steps a page looks through at most: partners choose how much of it is asked for in vain.
const STEPS: usize = 20;

/// What somebody tried to do to an object that is not theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attempt {
    /// They sent another version of it, or the same version with other content.
    Version,
    /// They sent a version that says that it is revoked.
    Revocation,
    /// They sent a tombstone of it.
    Deletion,
}

/// Something that is kept apart, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apart {
    /// Its number in this store.
    pub seq: i64,
    /// Its id, as it came.
    pub id: String,
    /// Its version in microseconds since 1970; where it says none, when it came.
    pub version: i64,
    /// Its version as it says it.
    pub version_text: Option<String>,
    /// What it was to do.
    pub attempt: Attempt,
    /// The id of the object to which: its own, but for a deletion.
    pub object: String,
    /// From whom it came, by number.
    pub source: i64,
    /// When it came, in microseconds since 1970.
    pub received: i64,
    /// How it is held; `None` where the node's default counts.
    pub tlp: Option<Tlp>,
}

/// Which of it is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApartFilter {
    /// What came from a source, by its number.
    pub source: Option<i64>,
    /// What has this id, or was to change the object of this id.
    pub id: Option<String>,
}

impl ApartFilter {
    fn takes_source(&self, source: i64) -> bool {
        self.source.is_none_or(|wanted| wanted == source)
    }

    fn takes(&self, apart: &Apart) -> bool {
        let is_of = |id: &String| *id == apart.id || *id == apart.object;
        self.id.as_ref().is_none_or(is_of)
    }
}

/// A page of what is kept apart, the latest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptApart<T> {
    /// One for each.
    pub entries: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<i64>,
}

/// What the row of an object tells.
struct Head {
    seq: i64,
    lane: LaneId,
    row: AnyRow,
}

impl Store {
    /// What is kept apart, for who runs the node: all of it, the latest first, `limit` at most, behind the place `before`
    /// ([`KeptApart::next`] of the page before).
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn kept_apart(&self, before: Option<i64>, limit: usize) -> Result<KeptApart<Apart>, Error> {
        let mut connection = self.reader().await?;
        let mut heads = heads(&mut connection, before, limit.saturating_add(1)).await?;
        let is_more = heads.len() > limit;
        heads.truncate(limit);
        let mut entries = Vec::with_capacity(heads.len());
        for head in &heads {
            entries.push(self.apart(&mut connection, head).await?);
        }
        let last = heads.last().map(|head| head.seq);
        Ok(KeptApart {
            entries,
            next: last.filter(|_| is_more),
        })
    }

    /// The bytes of what is kept apart under a number, as they came, for who runs the node; `None` where nothing is.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn apart_bytes(&self, seq: i64) -> Result<Option<Vec<u8>>, Error> {
        bytes(&mut *self.reader().await?, seq).await
    }

    /// Reads one. Its bytes are read alone, and are in memory no longer than that: they may be many.
    async fn apart(&self, connection: &mut AnyConnection, head: &Head) -> Result<Apart, Error> {
        let row = &head.row;
        let id: String = row.try_get(1)?;
        let raw = bytes(connection, head.seq).await?.unwrap_or_default();
        // What is stored was read once.
        let (attempt, object) = match Object::parse(&raw) {
            Ok(object) => match Tombstone::of(&object) {
                Some(told) => (Attempt::Deletion, told.object),
                None if object.revoked => (Attempt::Revocation, id.clone()),
                None => (Attempt::Version, id.clone()),
            },
            Err(_) => (Attempt::Version, id.clone()),
        };
        let terms = self.terms_of(head.lane);
        Ok(Apart {
            seq: head.seq,
            id,
            version: row.try_get(2)?,
            version_text: row.try_get(3)?,
            attempt,
            object,
            source: row.try_get(5)?,
            received: row.try_get(6)?,
            tlp: terms.first().and_then(|terms| terms.tlp),
        })
    }

    fn terms_of(&self, lane: LaneId) -> Vec<Terms> {
        let shared = self.shared();
        let lane = shared.classes.lane(lane);
        lane.map_or_else(Vec::new, |lane| shared.classes.terms_of(lane.class))
    }
}

impl View {
    /// The same for one of our own people: what they ask for and may know, and only where they may know the object, too. To
    /// others nothing is told. A page may hold less than asked for where there is more.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn kept_apart(
        &self,
        filter: &ApartFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<KeptApart<Released<Apart>>, Error> {
        let mut page = KeptApart {
            entries: Vec::new(),
            next: None,
        };
        if !self.is_own() || limit == 0 {
            return Ok(page);
        }
        let (mut before, mut last) = (before, None);
        for _ in 0..STEPS {
            let heads = heads(&mut *self.store.reader().await?, before, STEP).await?;
            for head in &heads {
                if !filter.takes_source(head.row.try_get(5)?) {
                    continue;
                }
                let entry = self.open(head).await?;
                let Some(entry) = entry.filter(|entry| filter.takes(entry.get())) else {
                    continue;
                };
                if page.entries.len() == limit {
                    page.next = last;
                    return Ok(page);
                }
                last = Some(head.seq);
                page.entries.push(entry);
            }
            if heads.len() < STEP {
                return Ok(page);
            }
            before = heads.last().map(|head| head.seq);
        }
        page.next = before;
        Ok(page)
    }

    /// One that is kept apart under a number, and its bytes as they came; `None` where nothing is that they may know.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn one_apart(&self, seq: i64) -> Result<Option<Released<(Apart, Vec<u8>)>>, Error> {
        if !self.is_own() {
            return Ok(None);
        }
        let behind = seq.checked_add(1);
        let heads = heads(&mut *self.store.reader().await?, behind, 1).await?;
        let Some(head) = heads.first().filter(|head| head.seq == seq) else {
            return Ok(None);
        };
        let Some(entry) = self.open(head).await? else {
            return Ok(None);
        };
        let raw = self.store.apart_bytes(seq).await?;
        Ok(raw.map(|raw| entry.map(|apart| (apart, raw))))
    }

    fn is_own(&self) -> bool {
        self.recipient().organisation == Some(self.store.own())
    }

    /// One of them, if the reader may know it and what it was to change.
    async fn open(&self, head: &Head) -> Result<Option<Released<Apart>>, Error> {
        let class = self.store.shared().classes.lane(head.lane).map(|lane| lane.class);
        if !class.is_some_and(|class| self.may_see(class)) {
            return Ok(None);
        }
        let apart = self.store.apart(&mut *self.store.reader().await?, head).await?;
        let mut terms = self.store.terms_of(head.lane);
        let known = self.store.versions_of(&apart.object).await?;
        let counts = |one: &&Known| !matches!(one.standing, Standing::Apart | Standing::Replaced);
        let binding = known.iter().filter(counts);
        if let Some(newest) = binding.max_by_key(|one| (one.version, one.seq)) {
            terms.extend(self.store.terms_of(newest.lane));
        }
        Ok(release(apart, &terms, self.recipient(), self.context()).ok())
    }
}

/// What is kept apart, the latest first, behind a place.
async fn heads(
    connection: &mut AnyConnection,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<Head>, Error> {
    // The number of the standing stands in the text, so that the index is used that has no other.
    let sql = "SELECT seq, id, version, version_text, lane, source, received FROM objects \
               WHERE standing = 1 AND seq < $1 ORDER BY seq DESC LIMIT $2";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = fetch(connection, sql, |values| {
        values.int(before.unwrap_or(i64::MAX)).int(limit)
    });
    let head = |row: AnyRow| {
        Ok(Head {
            seq: row.try_get(0)?,
            lane: LaneId::from_number(row.try_get(4)?)?,
            row,
        })
    };
    rows.await?.into_iter().map(head).collect()
}

async fn bytes(connection: &mut AnyConnection, seq: i64) -> Result<Option<Vec<u8>>, Error> {
    let sql = "SELECT raw FROM objects WHERE standing = 1 AND seq = $1";
    let row = fetch_one(connection, sql, |values| values.int(seq)).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}
