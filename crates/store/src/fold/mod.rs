//! The derived tables: ids, indicators and observables by value, edges, the words of a search. They follow the objects in
//! large steps, and are made by the same code when they are made again.

mod dates;
mod derive;
mod documents;

use std::time::Duration;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

pub(crate) use self::dates::{Finest, cover};
use self::derive::{Derived, Rows};
use self::documents::remove_documents;
use crate::filter::Filter;
use crate::sql::{execute, fetch, fetch_in};
use crate::{Error, Store, hash, known, shared};

/// How many objects make a step, if there are so many: an index over random keys is cheaper by the thousand.
const STEP: usize = 50_000;

/// How many objects are read at a time.
const READ: i64 = 4_000;

/// How often it is looked whether more is coming.
const PAUSE: Duration = Duration::from_millis(200);

/// For how many pauses a step may be put off.
const PATIENCE: u32 = 10;

impl Store {
    /// Brings the derived tables up to date, and lets enter what matches a collection and is not in it yet: a step of each.
    /// Tells whether there was anything to do.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn fold(&self) -> Result<bool, Error> {
        let came = self.fold_step().await?;
        let changed = self.fold_touched().await?;
        let matched = self.match_step().await?;
        Ok(came || changed || matched)
    }

    /// Brings into the derived tables what came until now, and into collections what is to enter them.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn catch_up(&self) -> Result<(), Error> {
        let last = self.size().await?.objects;
        let mut through = shared::folded(&mut *self.reader().await?).await?;
        while through < last && self.fold_step().await? {
            through = shared::folded(&mut *self.reader().await?).await?;
        }
        // Those that count otherwise now.
        self.fold_touched().await?;
        while self.match_step().await? {}
        Ok(())
    }

    /// How many objects came that are not in the derived tables.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.shared().tail.len() as u64
    }

    /// Brings into the derived tables what came until now, and waits for that so long at most. Tells how many objects they
    /// lack then.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn catch_up_within(&self, patience: Duration) -> Result<u64, Error> {
        let last = self.size().await?.objects;
        let store = self.clone();
        // What was begun is ended, also where nobody waits any more.
        let folding = tokio::spawn(async move {
            while shared::folded(&mut *store.reader().await?).await? < last && store.fold_step().await? {}
            store.fold_touched().await
        });
        if let Ok(done) = tokio::time::timeout(patience, folding).await {
            done.map_err(|error| Error::Damaged(format!("folding ended early: {error}")))??;
        }
        let through = shared::folded(&mut *self.reader().await?).await?;
        Ok(u64::try_from(last - through).unwrap_or(0))
    }

    /// Brings the derived tables up to date whenever something came, as long as it is polled. Under load it waits until
    /// there is enough for a step that is worth it, but never long.
    pub async fn keep_folding(&self) {
        self.keep_filter().await;
        // What came before the last end of the node may still wait.
        self.inner().came.notify_one();
        loop {
            self.inner().came.to_fold.notified().await;
            self.let_gather().await;
            loop {
                match self.fold().await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        tracing::error!(%error, "the search index lags behind");
                        tokio::time::sleep(10 * PAUSE).await;
                        self.keep_filter().await;
                    }
                }
            }
        }
    }

    async fn keep_filter(&self) {
        if let Err(error) = self.fill_filter().await {
            tracing::error!(%error, "all that comes is looked for in the index, new or not");
        }
    }

    /// Waits until nothing more comes, or enough has, or for long enough.
    async fn let_gather(&self) {
        let mut before = 0;
        for _ in 0..PATIENCE {
            let now = self.shared().tail.len();
            if now == before || now >= STEP {
                return;
            }
            before = now;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Makes the derived tables again from the objects.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn reindex(&self) -> Result<(), Error> {
        {
            // In the order in which whoever takes in comes by them.
            let mut writer = self.writer().await;
            let _folding = self.inner().folding.lock().await;
            self.inner().database.clear_derived().await?;
            let mut connection = self.reader().await?;
            let tail = shared::load_tail(&mut connection).await?;
            self.shared_mut().tail = tail;
            writer.forget();
        }
        while self.fold().await? {}
        Ok(())
    }

    /// All that came, but for what is still being written.
    pub(crate) async fn fold_all(&self) -> Result<(), Error> {
        while self.fold_step().await? {}
        Ok(())
    }

    async fn fold_step(&self) -> Result<bool, Error> {
        let _folding = self.inner().folding.lock().await;
        let mut transaction = self.inner().database.folder.begin().await?;
        let from = shared::folded(&mut transaction).await?;
        let (mut step, mut through) = (Rows::default(), from);
        while step.len() < STEP {
            let sql = "SELECT seq, id, standing, lane, source, received, raw FROM objects \
                       WHERE seq > $1 ORDER BY seq LIMIT $2";
            let rows = fetch(&mut transaction, sql, |values| values.int(through).int(READ)).await?;
            let Some(last) = rows.last() else {
                break;
            };
            through = last.try_get(0)?;
            let derived = self.derive(rows).await?;
            self.index(&mut transaction, derived.documents).await?;
            step.append(derived.rows);
        }
        if through == from {
            return Ok(false);
        }
        let ids = step.write(&mut transaction).await?;
        set_state(&mut transaction, "folded", through).await?;
        if let Err(error) = transaction.commit().await {
            // It may be there all the same.
            self.shared_mut().filter = Filter::default();
            return Err(error.into());
        }
        let mut shared = self.shared_mut();
        ids.into_iter().for_each(|hash| shared.filter.add(hash));
        // Last: what is in neither is taken for new.
        shared.tail.forget(through);
        Ok(true)
    }

    /// Reads some rows, off the threads that serve others.
    async fn derive(&self, rows: Vec<AnyRow>) -> Result<Derived, Error> {
        let sources = self.shared().sources.clone();
        let task = tokio::task::spawn_blocking(move || Derived::of(&rows, &sources));
        task.await
            .map_err(|error| Error::Damaged(format!("deriving ended early: {error}")))?
    }

    /// Objects that count otherwise than when they were folded.
    async fn fold_touched(&self) -> Result<bool, Error> {
        let mut connection = self.reader().await?;
        let through = shared::folded(&mut connection).await?;
        let sql = "SELECT object FROM touched WHERE object <= $1 ORDER BY object LIMIT $2";
        let rows = fetch(&mut connection, sql, |values| values.int(through).int(READ)).await?;
        let seqs: Vec<i64> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        if seqs.is_empty() {
            return Ok(false);
        }
        self.remake(&mut connection, &seqs).await?;
        drop(connection);
        self.change(async |connection| {
            for seq in &seqs {
                let sql = "DELETE FROM touched WHERE object = $1";
                execute(connection, sql, |values| values.int(*seq)).await?;
            }
            Ok(())
        })
        .await?;
        Ok(true)
    }

    /// Makes the documents of some objects again, and those of all versions beside them: which is found may have changed.
    async fn remake(&self, connection: &mut AnyConnection, seqs: &[i64]) -> Result<(), Error> {
        let _folding = self.inner().folding.lock().await;
        let touched = known::read(connection, seqs).await?;
        let hashes: Vec<_> = touched.iter().map(|one| hash::of_id(&one.id)).collect();
        let folded = shared::folded(connection).await?;
        let mut seqs = self.with_hashes(connection, &hashes).await?;
        // What waits is made when its turn comes.
        seqs.retain(|seq| *seq <= folded);
        let seqs = &seqs;
        let sql = "SELECT seq, id, standing, lane, source, received, raw FROM objects WHERE seq IN ({})";
        let rows = fetch_in(connection, sql, seqs).await?;
        let derived = self.derive(rows).await?;
        let mut transaction = self.inner().database.folder.begin().await?;
        remove_documents(&mut transaction, seqs).await?;
        self.index(&mut transaction, derived.documents).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// Notes how far the derived tables are.
async fn set_state(connection: &mut AnyConnection, name: &str, value: i64) -> Result<(), Error> {
    let sql = "INSERT INTO derived.state (name, value) VALUES ($1, $2) \
               ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    execute(connection, sql, |values| values.text(name).int(value)).await?;
    Ok(())
}
