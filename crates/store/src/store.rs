//! The store: opening it, and what all of its parts share.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jiff::Timestamp;
use perisai_model::Organisation;
use perisai_policy::PolicyContext;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, Row, Transaction};
use tokio::sync::{Mutex, MutexGuard, Notify, watch};

use crate::collection::Collection;
use crate::database::{Database, make_folder};
use crate::ingest::Writer;
use crate::place::Place;
use crate::shared::Shared;
use crate::sql::fetch_one;
use crate::{Error, Location, facts};

/// All that a node keeps. Cheap to clone: the clones are one store.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

/// How much a store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// How many objects were taken in, all versions counted.
    pub objects: i64,
    /// How many of them are not in the derived tables yet.
    pub waiting: usize,
}

pub(crate) struct Inner {
    pub(crate) database: Database,
    shared: RwLock<Shared>,
    /// Whoever holds it writes; the others wait their turn.
    writer: Mutex<Writer>,
    /// Whoever holds it fills the derived tables.
    pub(crate) folding: Mutex<()>,
    /// There is something to fill them with.
    pub(crate) came: Came,
    own: Organisation,
}

/// Something came or changed.
#[derive(Default)]
pub(crate) struct Came {
    /// Wakes who fills the derived tables.
    pub(crate) to_fold: Notify,
    /// Counts the times.
    times: watch::Sender<u64>,
}

impl Came {
    pub(crate) fn notify_one(&self) {
        self.to_fold.notify_one();
        self.times.send_modify(|times| *times += 1);
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("own", &self.0.own)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens a store, and makes it where there is none. Nobody else may have it open.
    ///
    /// # Errors
    /// Where the place cannot be used, another has it, or it is of a newer version.
    pub async fn open(location: &Location) -> Result<Self, Error> {
        Self::load(Database::open(location, None).await?).await
    }

    /// The same for the node of a folder: a database that is not its own is refused, and left as it is.
    ///
    /// # Errors
    /// As [`open`](Self::open), and where the folder's node is in another database.
    pub async fn of_node(folder: &Path, location: &Location) -> Result<Self, Error> {
        let place = Place::of(folder, location)?;
        make_folder(folder)?;
        let store = Self::load(Database::open(location, Some(&place)).await?).await?;
        place.note(&store.own().0.to_string())?;
        Ok(store)
    }

    async fn load(database: Database) -> Result<Self, Error> {
        let mut connection = database.writer.acquire().await?;
        let own = facts::own(&mut connection).await?;
        let shared = Shared::load(&mut connection, own).await?;
        let writer = Writer::load(&mut connection, &shared).await?;
        drop(connection);
        Ok(Self(Arc::new(Inner {
            database,
            shared: RwLock::new(shared),
            writer: Mutex::new(writer),
            folding: Mutex::new(()),
            came: Came::default(),
            own,
        })))
    }

    /// Whose node this is.
    #[must_use]
    pub fn own(&self) -> Organisation {
        self.0.own
    }

    /// Who is who, as far as release depends on it.
    #[must_use]
    pub fn policy_context(&self) -> Arc<PolicyContext> {
        Arc::clone(&self.shared().context)
    }

    /// Changes whenever something came, or somebody may see what they could not.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.0.came.times.subscribe()
    }

    /// All collections, oldest first.
    #[must_use]
    pub fn collections(&self) -> Vec<Arc<Collection>> {
        self.shared().collections.clone()
    }

    /// Asks the database whether it is there.
    ///
    /// # Errors
    /// Where it is not.
    pub async fn check(&self) -> Result<(), Error> {
        let mut connection = self.reader().await?;
        fetch_one(
            &mut connection,
            "SELECT value FROM facts WHERE name = 'schema'",
            |values| values,
        )
        .await?;
        Ok(())
    }

    /// How much there is.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn size(&self) -> Result<Size, Error> {
        let mut connection = self.reader().await?;
        let row = fetch_one(&mut connection, "SELECT max(seq) FROM objects", |values| values).await?;
        let last: Option<i64> = row.map(|row| row.try_get(0)).transpose()?.flatten();
        Ok(Size {
            objects: last.unwrap_or(0),
            waiting: self.shared().tail.len(),
        })
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    pub(crate) fn shared(&self) -> RwLockReadGuard<'_, Shared> {
        self.0.shared.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn shared_mut(&self) -> RwLockWriteGuard<'_, Shared> {
        self.0.shared.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn writer(&self) -> MutexGuard<'_, Writer> {
        self.0.writer.lock().await
    }

    pub(crate) async fn reader(&self) -> Result<PoolConnection<Any>, Error> {
        Ok(self.0.database.readers.acquire().await?)
    }

    /// A transaction that writes; rolled back where it is dropped. Only the holder of the writer may have one.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Any>, Error> {
        // Deferred: SQLite would else lock the derived tables, too.
        Ok(self.0.database.writer.begin().await?)
    }

    /// Changes something small in a transaction of its own.
    pub(crate) async fn change<T>(
        &self,
        change: impl AsyncFnOnce(&mut AnyConnection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let _writer = self.writer().await;
        let mut transaction = self.begin().await?;
        let changed = change(&mut transaction).await?;
        transaction.commit().await?;
        Ok(changed)
    }
}

/// Microseconds since 1970.
pub(crate) fn now() -> i64 {
    Timestamp::now().as_microsecond()
}
