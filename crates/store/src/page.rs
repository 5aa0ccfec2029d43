//! Pages of collections, in the order in which objects entered: what a TAXII client reads.

use std::collections::HashMap;

use perisai_policy::Released;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::classes::LaneId;
use crate::sql::{fetch, fetch_in, fetch_in_while, fetch_one};
use crate::view::{entry_columns, head_columns};
use crate::{Entry, Error, View, hash};

/// What is asked of a collection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageQuery {
    /// The number of the collection.
    pub collection: i64,
    /// Only what entered after this, in microseconds since 1970.
    pub after: Option<i64>,
    /// How many at most.
    pub limit: usize,
    /// How many bytes of objects at most; one object is given whatever its size. Where nothing is said, any number.
    pub bytes: Option<usize>,
    /// Leave the bytes of the objects out.
    pub heads: bool,
    /// Only these ids; all where none is named.
    pub ids: Vec<String>,
    /// Only these types; all where none is named.
    pub types: Vec<String>,
    /// Only these versions of STIX; all where none is named.
    pub specs: Vec<String>,
    /// Which versions of each object; the last where none is named.
    pub versions: Vec<VersionFilter>,
}

/// Which versions of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionFilter {
    /// The newest that the reader may see.
    Last,
    /// The oldest that the reader may see.
    First,
    /// Every one.
    All,
    /// That of a time, in microseconds since 1970.
    At(i64),
}

impl VersionFilter {
    /// Whether it is the first or the last.
    const fn is_end(self) -> bool {
        matches!(self, Self::First | Self::Last)
    }
}

/// A page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// What it holds, in the order in which it entered.
    pub entries: Vec<Released<Entry>>,
    /// There is more behind it.
    pub more: bool,
}

/// How many lanes one statement looks at.
const LANES: usize = 64;

/// An object's place in a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Spot {
    position: i64,
    object: i64,
    has_siblings: bool,
}

impl View {
    /// A page of a collection, as the recipient may see it now.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn page(&self, query: &PageQuery) -> Result<Page, Error> {
        let mut connection = self.store.reader().await?;
        // A page holds only what was written before it is decided what may be seen. Else a reader could pass what enters
        // while the page is read, and would never be shown it.
        let through = last_position(&mut connection, query.collection).await?;
        drop(connection);
        let now = self.store.view(*self.recipient());
        now.page_through(query, through).await
    }

    /// A page of what stands no later than a position.
    async fn page_through(&self, query: &PageQuery, through: i64) -> Result<Page, Error> {
        let takes = |kind: &str, spec: &str| {
            let one_of =
                |wanted: &[String], found: &str| wanted.is_empty() || wanted.iter().any(|one| one == found);
            one_of(&query.types, kind) && one_of(&query.specs, spec)
        };
        let lanes = self.lanes(query.collection, takes);
        let mut connection = self.store.reader().await?;
        if !query.ids.is_empty() {
            let mut spots = self.spots_of_ids(&mut connection, query, &lanes).await?;
            spots.retain(|spot| spot.position <= through);
            return self.of_ids(&mut connection, query, spots).await;
        }
        let mut after = query.after.unwrap_or(i64::MIN);
        let mut page = Page::default();
        // Versions that are not asked for leave a page short: more is read until it is full.
        loop {
            let wanted = query.limit + 1 - page.entries.len();
            let spots = self
                .spots(
                    &mut connection,
                    query.collection,
                    &lanes,
                    (after, through),
                    wanted,
                )
                .await?;
            let is_end = spots.len() < wanted;
            let some = self.fill(&mut connection, query, &spots, &mut page).await?;
            after = some.last().map_or(after, |spot| spot.position);
            let is_full = some.len() < spots.len() && !page.entries.is_empty();
            if is_full || page.entries.len() > query.limit {
                page.entries.truncate(query.limit);
                page.more = true;
                return Ok(page);
            }
            if is_end && some.len() == spots.len() {
                return Ok(page);
            }
        }
    }

    /// The next places of some lanes.
    async fn spots(
        &self,
        connection: &mut AnyConnection,
        collection: i64,
        lanes: &[LaneId],
        (after, through): (i64, i64),
        limit: usize,
    ) -> Result<Vec<Spot>, Error> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut all = Vec::new();
        for lanes in lanes.chunks(LANES) {
            let rows = fetch(connection, merge(lanes.len()), |values| {
                let values = values.int(collection).int(after).int(limit).int(through);
                lanes
                    .iter()
                    .fold(values, |values, lane| values.int(lane.number()))
            });
            for row in rows.await? {
                all.push(spot(&row)?);
            }
        }
        if lanes.len() > LANES {
            all.sort_unstable();
            all.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        Ok(all)
    }

    /// Adds what stands at some places and is asked for, as far as there is room for it; tells at which.
    async fn fill<'a>(
        &self,
        connection: &mut AnyConnection,
        query: &PageQuery,
        spots: &'a [Spot],
        page: &mut Page,
    ) -> Result<&'a [Spot], Error> {
        let (spots, found) = rows(connection, query, spots, page).await?;
        let mut rows: HashMap<i64, AnyRow> = HashMap::with_capacity(found.len());
        for row in found {
            rows.insert(row.try_get(0)?, row);
        }
        let mut siblings = Siblings::default();
        for spot in spots {
            let Some(row) = rows.get(&spot.object) else {
                continue;
            };
            if !self.is_asked(connection, query, spot, row, &mut siblings).await? {
                continue;
            }
            // What is held under other terms since the place was read is not for this reader now.
            if let Ok(entry) = self.entry(row, Some(spot.position))? {
                page.entries.push(entry);
            }
        }
        Ok(spots)
    }

    async fn is_asked(
        &self,
        connection: &mut AnyConnection,
        query: &PageQuery,
        spot: &Spot,
        row: &AnyRow,
        siblings: &mut Siblings,
    ) -> Result<bool, Error> {
        // What has no version of its own counts by when it entered.
        let is_versioned = row.try_get::<Option<String>, _>(3)?.is_some();
        let version = if is_versioned {
            row.try_get(2)?
        } else {
            spot.position
        };
        let default = [VersionFilter::Last];
        let versions = if query.versions.is_empty() {
            &default[..]
        } else {
            &query.versions
        };
        for filter in versions {
            if let VersionFilter::At(time) = filter
                && *time != version
            {
                continue;
            }
            // An observable has no versions: each time that it entered stands for one.
            let is_alone = !spot.has_siblings || !is_versioned && !filter.is_end();
            if is_alone {
                return Ok(true);
            }
            let id: String = row.try_get(1)?;
            let versions = self.versions(connection, query, &id, siblings).await?;
            let is_asked = match filter {
                VersionFilter::Last => versions.last(),
                VersionFilter::First => versions.first(),
                VersionFilter::All | VersionFilter::At(_) => {
                    // Several may have brought the same version.
                    versions.iter().rev().find(|(one, _)| *one == version)
                }
            };
            if is_asked.is_some_and(|(_, object)| *object == spot.object) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The versions of an id that the reader may see in a collection, of the versions of STIX that are asked for, the
    /// oldest first.
    async fn versions<'a>(
        &self,
        connection: &mut AnyConnection,
        query: &PageQuery,
        id: &str,
        siblings: &'a mut Siblings,
    ) -> Result<&'a [(i64, i64)], Error> {
        if siblings.0.contains_key(id) {
            return Ok(&siblings.0[id]);
        }
        let is_spec = |spec: &str| query.specs.is_empty() || query.specs.iter().any(|one| one == spec);
        let lanes = self.lanes(query.collection, |_, spec| is_spec(spec));
        let mut versions = Vec::new();
        for (_, spot, row) in self
            .places(connection, query.collection, &[id.to_owned()])
            .await?
        {
            let lane = LaneId::from_number(row.try_get(4)?)?;
            if lanes.contains(&lane) {
                versions.push((row.try_get(2)?, spot.object));
            }
        }
        versions.sort_unstable();
        Ok(siblings.0.entry(id.to_owned()).or_insert(versions))
    }

    /// All versions of some ids that stand in a collection, without their bytes.
    async fn places(
        &self,
        connection: &mut AnyConnection,
        collection: i64,
        wanted: &[String],
    ) -> Result<Vec<(i64, Spot, AnyRow)>, Error> {
        let hashes: Vec<_> = wanted.iter().map(|id| hash::of_id(id)).collect();
        let seqs = self.store.with_hashes(connection, &hashes).await?;
        let sql = concat!(
            "SELECT ",
            head_columns!(),
            ", m.collection, m.position, m.object, m.siblings \
             FROM objects o JOIN members m ON m.object = o.seq WHERE o.seq IN ({})"
        );
        let mut found = Vec::new();
        for row in fetch_in(connection, sql, &seqs).await? {
            let id: String = row.try_get(1)?;
            if row.try_get::<i64, _>(8)? != collection || !wanted.contains(&id) {
                continue;
            }
            let spot = Spot {
                position: row.try_get(9)?,
                object: row.try_get(10)?,
                has_siblings: row.try_get::<i64, _>(11)? != 0,
            };
            found.push((spot.position, spot, row));
        }
        found.sort_unstable_by_key(|(position, ..)| *position);
        Ok(found)
    }

    async fn spots_of_ids(
        &self,
        connection: &mut AnyConnection,
        query: &PageQuery,
        lanes: &[LaneId],
    ) -> Result<Vec<Spot>, Error> {
        let mut spots = Vec::new();
        for (position, spot, row) in self.places(connection, query.collection, &query.ids).await? {
            let lane = LaneId::from_number(row.try_get(4)?)?;
            if lanes.contains(&lane) && query.after.is_none_or(|after| position > after) {
                spots.push(spot);
            }
        }
        Ok(spots)
    }

    async fn of_ids(
        &self,
        connection: &mut AnyConnection,
        query: &PageQuery,
        spots: Vec<Spot>,
    ) -> Result<Page, Error> {
        let mut page = Page::default();
        let mut rest = &spots[..];
        while !rest.is_empty() && page.entries.len() <= query.limit {
            let step = &rest[..rest.len().min(query.limit + 1)];
            let some = self.fill(connection, query, step, &mut page).await?;
            rest = &rest[some.len()..];
            if some.len() < step.len() && !page.entries.is_empty() {
                break;
            }
        }
        page.more = !rest.is_empty() || page.entries.len() > query.limit;
        page.entries.truncate(query.limit);
        Ok(page)
    }
}

/// The objects of the next places, as many as a page still has room for, one at least; and of how many places.
async fn rows<'a>(
    connection: &mut AnyConnection,
    query: &PageQuery,
    spots: &'a [Spot],
    page: &Page,
) -> Result<(&'a [Spot], Vec<AnyRow>), Error> {
    let mut seqs: Vec<_> = spots.iter().map(|spot| spot.object).collect();
    if query.heads {
        let sql = concat!("SELECT ", head_columns!(), " FROM objects o WHERE o.seq IN ({})");
        return Ok((spots, fetch_in(connection, sql, &seqs).await?));
    }
    let sql = concat!("SELECT ", entry_columns!(), " FROM objects o WHERE o.seq IN ({})");
    let length = |entry: &Released<Entry>| entry.get().raw.len();
    let held: usize = page.entries.iter().map(length).sum();
    let room = query.bytes.unwrap_or(usize::MAX).saturating_sub(held);
    // Mostly all of them fit: how long they are is seen as they come.
    let mut read = 0;
    let fitting = fetch_in_while(connection, sql, &seqs, |row| {
        read += row.try_get::<&[u8], _>(7)?.len();
        Ok(read <= room)
    });
    if let Some(rows) = fitting.await? {
        return Ok((spots, rows));
    }
    let mut sizes: HashMap<i64, i64> = HashMap::with_capacity(seqs.len());
    let lengths = "SELECT seq, CAST(length(raw) AS BIGINT) FROM objects WHERE seq IN ({})";
    for row in fetch_in(connection, lengths, &seqs).await? {
        sizes.insert(row.try_get(0)?, row.try_get(1)?);
    }
    let mut left = room;
    let fits = |seq: &&i64| {
        let size = sizes.get(seq).copied().unwrap_or(0);
        let rest = left.checked_sub(usize::try_from(size).unwrap_or(usize::MAX));
        left = rest.unwrap_or(left);
        rest.is_some()
    };
    let count = seqs.iter().take_while(fits).count().max(1);
    seqs.truncate(count);
    Ok((&spots[..seqs.len()], fetch_in(connection, sql, &seqs).await?))
}

/// The position up to which a collection is written.
async fn last_position(connection: &mut AnyConnection, collection: i64) -> Result<i64, Error> {
    let sql = "SELECT position FROM collections WHERE number = $1";
    let row = fetch_one(connection, sql, |values| values.int(collection)).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.unwrap_or_default())
}

/// The versions of ids that were looked up for a page, by id: of each its version and its number.
#[derive(Default)]
struct Siblings(HashMap<String, Vec<(i64, i64)>>);

fn spot(row: &AnyRow) -> Result<Spot, Error> {
    Ok(Spot {
        position: row.try_get(0)?,
        object: row.try_get(1)?,
        has_siblings: row.try_get::<i64, _>(2)? != 0,
    })
}

/// A query for the next places of so many lanes, in order: `$1` the collection, `$2` behind which position, `$3` how many,
/// `$4` up to which position, then the lanes. Each lane is read from its own place on, so nothing of another is touched.
fn merge(lanes: usize) -> String {
    let one = |at: usize| {
        format!(
            "SELECT * FROM (SELECT position, object, siblings FROM members \
             WHERE collection = $1 AND lane = ${} AND position > $2 AND position <= $4 ORDER BY position LIMIT $3) lane{at}",
            at + 5
        )
    };
    let all: Vec<_> = (0..lanes).map(one).collect();
    format!("{} ORDER BY position LIMIT $3", all.join(" UNION ALL "))
}
