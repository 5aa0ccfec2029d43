//! Versions that are stored, without their bytes.

use std::collections::HashMap;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::classes::LaneId;
use crate::incoming::Incoming;
use crate::sql::fetch_in;
use crate::{Error, hash};

/// What a stored version counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It counts.
    InForce,
    /// Someone sent it whose it is not: kept, told, and never given out.
    Apart,
    /// It was deleted by who made it, or who runs the node. Only its terms still count, for what names it.
    Deleted,
    /// Its source was recalled.
    Recalled,
    /// The same version came anew from whose it is.
    Replaced,
    /// Who sent it, and did not make it, took it back. Only its terms still count, for what names it; it gives no right.
    Withdrawn,
}

impl Standing {
    const ALL: [Self; 6] = [
        Self::InForce,
        Self::Apart,
        Self::Deleted,
        Self::Recalled,
        Self::Replaced,
        Self::Withdrawn,
    ];

    /// As the database has it.
    pub(crate) fn number(self) -> i64 {
        self as i64
    }

    fn from_number(number: i64) -> Result<Self, Error> {
        let known = usize::try_from(number).ok().and_then(|at| Self::ALL.get(at));
        known
            .copied()
            .ok_or_else(|| Error::Damaged(format!("an object's standing is {number}")))
    }
}

/// A version that is stored.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) seq: i64,
    pub(crate) id: String,
    /// `None` for an observable.
    pub(crate) version: Option<i64>,
    pub(crate) lane: LaneId,
    pub(crate) source: i64,
    pub(crate) standing: Standing,
    pub(crate) digest: i64,
}

impl Known {
    /// Whether it is in force, and what came is the same version in the same words.
    pub(crate) fn is_same(&self, object: &Incoming) -> bool {
        self.standing == Standing::InForce
            && self.id == object.id
            && self.version == object.version
            && self.digest == object.digest
    }

    fn read(row: &AnyRow) -> Result<Self, Error> {
        let unversioned: bool = flag(row, 3)?;
        let version = row.try_get(2)?;
        Ok(Self {
            seq: row.try_get(0)?,
            id: row.try_get(1)?,
            version: (!unversioned).then_some(version),
            lane: LaneId::from_number(row.try_get(4)?)?,
            source: row.try_get(5)?,
            standing: Standing::from_number(row.try_get(6)?)?,
            digest: row.try_get(7)?,
        })
    }
}

/// A truth value, which SQLite gives as a number.
pub(crate) fn flag(row: &AnyRow, at: usize) -> sqlx::Result<bool> {
    match row.try_get::<bool, _>(at) {
        Ok(flag) => Ok(flag),
        Err(_) => Ok(row.try_get::<i64, _>(at)? != 0),
    }
}

/// Stored versions, by the digest of their id.
pub(crate) type KnownById = HashMap<i64, Vec<Known>>;

/// Reads versions by their numbers, oldest first.
pub(crate) async fn read(connection: &mut AnyConnection, seqs: &[i64]) -> Result<Vec<Known>, Error> {
    let sql = "SELECT seq, id, version, version_text IS NULL, lane, source, standing, digest \
               FROM objects WHERE seq IN ({})";
    let rows = fetch_in(connection, sql, seqs).await?;
    let mut known = rows.iter().map(Known::read).collect::<Result<Vec<_>, _>>()?;
    known.sort_unstable_by_key(|one| one.seq);
    known.dedup_by_key(|one| one.seq);
    Ok(known)
}

/// Groups versions by id.
pub(crate) fn by_id(known: Vec<Known>) -> KnownById {
    let mut all = KnownById::new();
    for one in known {
        all.entry(hash::of_id(&one.id)).or_default().push(one);
    }
    all
}
