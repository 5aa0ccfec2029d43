//! The store as one recipient may see it.

use std::sync::Arc;

use perisai_model::Tlp;
use perisai_policy::{PolicyContext, Recipient, Refusal, Released, release};
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::classes::{ClassId, LaneId};
use crate::sql::fetch_in;
use crate::{Error, Store, hash};

/// The store as one recipient may see it: what it reads is [`Released`] to them, and no query touches anything else.
#[derive(Debug, Clone)]
pub struct View {
    pub(crate) store: Store,
    recipient: Recipient,
    context: Arc<PolicyContext>,
    /// By class: whether the recipient may know it.
    visible: Arc<[bool]>,
}

/// A version of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The number of it in this store.
    pub seq: i64,
    /// Its id.
    pub id: String,
    /// Its version in microseconds since 1970; of an observable, when it came.
    pub version: i64,
    /// Its version as it says it; an observable says none.
    pub version_text: Option<String>,
    /// The version of STIX: `2.0` or `2.1`.
    pub spec: Arc<str>,
    /// From whom it came, by number.
    pub source: i64,
    /// When it came, in microseconds since 1970.
    pub received: i64,
    /// How it is held; `None` where the node's default counts.
    pub tlp: Option<Tlp>,
    /// When it entered the collection, in microseconds since 1970; when it came, where no collection was asked.
    pub added: i64,
    /// The bytes that came in; none where they were not asked for.
    pub raw: Vec<u8>,
}

impl Store {
    /// The store as a recipient may see it now.
    #[must_use]
    pub fn view(&self, recipient: Recipient) -> View {
        let shared = self.shared();
        let context = Arc::clone(&shared.context);
        let visible = shared.classes.visible(&recipient, &context).into();
        drop(shared);
        View {
            store: self.clone(),
            recipient,
            context,
            visible,
        }
    }
}

/// The columns that [`View::entry`] takes, of a table `o` of objects.
macro_rules! entry_columns {
    () => {
        "o.seq, o.id, o.version, o.version_text, o.lane, o.source, o.received, o.raw"
    };
}
pub(crate) use entry_columns;

/// The same without the bytes, which are not even read.
macro_rules! head_columns {
    () => {
        "o.seq, o.id, o.version, o.version_text, o.lane, o.source, o.received, \
         CASE WHEN o.seq < 0 THEN o.raw END"
    };
}
pub(crate) use head_columns;

impl View {
    /// For whom it is.
    #[must_use]
    pub const fn recipient(&self) -> &Recipient {
        &self.recipient
    }

    /// Who is who, as it was when the view was made.
    pub(crate) fn context(&self) -> &PolicyContext {
        &self.context
    }

    /// Whether the recipient may know what is of a class. A class that came later is not known to this view.
    pub(crate) fn may_see(&self, class: ClassId) -> bool {
        self.visible.get(class.0 as usize).copied().unwrap_or(false)
    }

    /// Those lanes of a collection that the recipient may see and that a filter takes.
    pub(crate) fn lanes(&self, collection: i64, takes: impl Fn(&str, &str) -> bool) -> Vec<LaneId> {
        let shared = self.store.shared();
        let lanes = shared.lanes.get(&collection).into_iter().flatten().copied();
        let is_open = |lane: &LaneId| {
            let lane = shared.classes.lane(*lane);
            lane.is_some_and(|lane| self.may_see(lane.class) && takes(&lane.kind, &lane.spec))
        };
        lanes.filter(is_open).collect()
    }

    /// All versions of an object that the recipient may see, the newest first; none where there is no such object.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn object(&self, id: &str) -> Result<Vec<Released<Entry>>, Error> {
        let mut connection = self.store.reader().await?;
        let seqs = self
            .store
            .with_hashes(&mut connection, &[hash::of_id(id)])
            .await?;
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM objects o WHERE o.standing = 0 AND o.seq IN ({})"
        );
        let mut found = Vec::new();
        for row in fetch_in(&mut connection, sql, &seqs).await? {
            if let Ok(entry) = self.entry(&row, None)? {
                found.push(entry);
            }
        }
        found.retain(|entry| entry.get().id == id);
        found.sort_by_key(|entry| std::cmp::Reverse((entry.get().version, entry.get().seq)));
        // Several may have brought the same version.
        found.dedup_by_key(|entry| entry.get().version);
        Ok(found)
    }

    /// Releases the object of a row, or refuses it.
    pub(crate) fn entry(
        &self,
        row: &AnyRow,
        added: Option<i64>,
    ) -> Result<Result<Released<Entry>, Refusal>, Error> {
        let lane = LaneId::from_number(row.try_get(4)?)?;
        let (terms, spec) = {
            let shared = self.store.shared();
            let lane = shared.classes.lane(lane);
            let lane = lane.ok_or_else(|| Error::Damaged("an object without a lane".to_owned()))?;
            (shared.classes.terms_of(lane.class), Arc::clone(&lane.spec))
        };
        let received = row.try_get(6)?;
        let entry = Entry {
            seq: row.try_get(0)?,
            id: row.try_get(1)?,
            version: row.try_get(2)?,
            version_text: row.try_get(3)?,
            spec,
            source: row.try_get(5)?,
            received,
            tlp: terms.first().and_then(|terms| terms.tlp),
            added: added.unwrap_or(received),
            raw: row.try_get::<Option<_>, _>(7)?.unwrap_or_default(),
        };
        Ok(release(entry, &terms, &self.recipient, &self.context))
    }
}
