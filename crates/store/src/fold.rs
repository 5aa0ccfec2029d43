//! The derived tables: ids, indicators and observables by value, edges, the words of a search. They follow the objects in
//! large steps, and are made by the same code when they are made again.

use std::collections::{BTreeMap, HashMap};

use perisai_intel::Object;
use perisai_model::Kind;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::classes::LaneId;
use crate::database::Backend;
use crate::incoming::{Incoming, Types};
use crate::known::{self, Standing};
use crate::sql::{Values, execute, fetch, fetch_in, fetch_one, insert};
use crate::words::{mark, words};
use crate::{Error, Store, hash, shared};

/// How many objects make a step, if there are so many: an index over random keys is cheaper by the thousand.
const STEP: i64 = 50_000;

/// How many objects are read at a time.
const READ: i64 = 2_000;

/// What is derived of some objects.
#[derive(Default)]
struct Derived {
    through: i64,
    ids: Vec<(i64, i64)>,
    edges: Vec<(i64, i64)>,
    observables: Vec<(String, Kind, i64)>,
    /// By the digest of their id: which is the newest is decided at the end.
    documents: HashMap<i64, Vec<Document>>,
}

/// What a search may find.
struct Document {
    seq: i64,
    id: String,
    version: Option<i64>,
    lane: LaneId,
    source: i64,
    received: i64,
    valid_until: Option<i64>,
    words: String,
}

impl Store {
    /// Brings the derived tables up to date, and tells whether there was anything to do.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn fold(&self) -> Result<bool, Error> {
        let came = self.fold_step(STEP).await?;
        let changed = self.fold_touched().await?;
        Ok(came || changed)
    }

    /// Brings the derived tables up to date in a task of its own, as long as the store is open. Under load it waits until
    /// there is enough for a step that is worth it, but never long.
    pub async fn keep_folding(&self) {
        const PAUSE: std::time::Duration = std::time::Duration::from_millis(200);
        loop {
            self.inner().came.notified().await;
            let mut waited = 0;
            loop {
                let before = self.shared().tail.len();
                tokio::time::sleep(PAUSE).await;
                waited += 1;
                let now = self.shared().tail.len();
                // Quiet, or enough, or long enough.
                if now == before || now >= usize::try_from(STEP).unwrap_or(usize::MAX) || waited >= 15 {
                    break;
                }
            }
            loop {
                match self.fold().await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        tracing::error!(
                            error = &error as &dyn std::error::Error,
                            "the search index lags behind"
                        );
                        tokio::time::sleep(10 * PAUSE).await;
                    }
                }
            }
        }
    }

    /// Makes the derived tables again from the objects.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn reindex(&self) -> Result<(), Error> {
        {
            let _folding = self.inner().folding.lock().await;
            let mut writer = self.writer().await;
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
        while self.fold_step(STEP).await? {}
        Ok(())
    }

    async fn fold_step(&self, most: i64) -> Result<bool, Error> {
        let _folding = self.inner().folding.lock().await;
        let mut connection = self.inner().database.folder.acquire().await?;
        let from = shared::folded(&mut connection).await?;
        let mut derived = Derived {
            through: from,
            ..Derived::default()
        };
        while i64::try_from(derived.ids.len()).unwrap_or(most) < most {
            let sql = "SELECT seq, id, standing, lane, source, received, raw FROM objects \
                       WHERE seq > $1 ORDER BY seq LIMIT $2";
            let through = derived.through;
            let rows = fetch(&mut connection, sql, |values| values.int(through).int(READ)).await?;
            if rows.is_empty() {
                break;
            }
            derived = self.derive(rows, derived).await?;
        }
        drop(connection);
        if derived.through == from {
            return Ok(false);
        }
        self.write_derived(&mut derived).await?;
        self.shared_mut().tail.forget(derived.through);
        Ok(true)
    }

    /// Reads some rows, off the threads that serve others.
    async fn derive(&self, rows: Vec<AnyRow>, mut derived: Derived) -> Result<Derived, Error> {
        let sources = self.shared().sources.clone();
        let lanes = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            for row in &rows {
                let source: i64 = row.try_get(4)?;
                let name = sources.get(&source).map_or("", |source| &source.name);
                lanes.derive_row(row, name, &mut derived)?;
            }
            Ok(derived)
        });
        task.await
            .map_err(|error| Error::Damaged(format!("deriving ended early: {error}")))?
    }

    fn derive_row(&self, row: &AnyRow, source: &str, derived: &mut Derived) -> Result<(), Error> {
        let seq: i64 = row.try_get(0)?;
        let id: String = row.try_get(1)?;
        let hash = hash::of_id(&id);
        derived.through = seq;
        derived.ids.push((hash, seq));
        if row.try_get::<i64, _>(2)? != Standing::InForce.number() {
            return Ok(());
        }
        let raw: Vec<u8> = row.try_get(6)?;
        let object = Object::parse(&raw)
            .map_err(|error| Error::Damaged(format!("object {seq} cannot be read: {error}")))?;
        let names = Incoming::of(&object, &mut Types::default()).names;
        derived.edges.extend(names.into_iter().map(|name| (name, seq)));
        let values = object.values();
        let document = Document {
            seq,
            version: object.version().map(|time| time.micros),
            lane: LaneId::from_number(row.try_get(3)?)?,
            source: row.try_get(4)?,
            received: row.try_get(5)?,
            valid_until: if object.revoked {
                Some(i64::MIN)
            } else {
                object.valid_until
            },
            words: searched(&object, source, &values),
            id,
        };
        derived
            .observables
            .extend(values.into_iter().map(|(kind, value)| (value, kind, seq)));
        derived.documents.entry(hash).or_default().push(document);
        Ok(())
    }

    async fn write_derived(&self, derived: &mut Derived) -> Result<(), Error> {
        let mut transaction = self.inner().database.folder.begin().await?;
        let older = older(&mut transaction, derived).await?;
        derived.ids.sort_unstable();
        let head = "INSERT INTO derived.ids (id_hash, object)";
        insert(
            &mut transaction,
            head,
            2,
            "",
            &derived.ids,
            |values, (hash, seq)| values.int(*hash).int(*seq),
        )
        .await?;
        derived.edges.sort_unstable();
        derived.edges.dedup();
        let head = "INSERT INTO derived.edges (target, object)";
        insert(
            &mut transaction,
            head,
            2,
            "",
            &derived.edges,
            |values, (target, seq)| values.int(*target).int(*seq),
        )
        .await?;
        derived.observables.sort_unstable();
        derived.observables.dedup();
        let head = "INSERT INTO derived.observables (value, kind, object)";
        insert(
            &mut transaction,
            head,
            3,
            "",
            &derived.observables,
            |values, (value, kind, seq)| values.text(value).text(kind.as_str()).int(*seq),
        )
        .await?;
        let backend = self.inner().database.backend;
        let newest = newest(std::mem::take(&mut derived.documents), &older);
        for (_, gone) in &newest {
            remove_documents(&mut transaction, gone).await?;
        }
        let documents: BTreeMap<i64, Document> = newest
            .into_iter()
            .filter_map(|(document, _)| document)
            .map(|document| (document.seq, document))
            .collect();
        let documents: Vec<_> = documents.into_values().collect();
        write_documents(&mut transaction, backend, &documents).await?;
        let sql = "INSERT INTO derived.state (name, value) VALUES ('folded', $1) \
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        let through = derived.through;
        execute(&mut transaction, sql, |values| values.int(through)).await?;
        transaction.commit().await?;
        Ok(())
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

    async fn remake(&self, connection: &mut AnyConnection, seqs: &[i64]) -> Result<(), Error> {
        let _folding = self.inner().folding.lock().await;
        let sql = "SELECT seq, id, standing, lane, source, received, raw FROM objects WHERE seq IN ({})";
        let rows = fetch_in(connection, sql, seqs).await?;
        let mut derived = self.derive(rows, Derived::default()).await?;
        let mut transaction = self.inner().database.folder.begin().await?;
        let older = older(&mut transaction, &derived).await?;
        remove_documents(&mut transaction, seqs).await?;
        let newest = newest(std::mem::take(&mut derived.documents), &older);
        for (_, gone) in &newest {
            remove_documents(&mut transaction, gone).await?;
        }
        let documents: Vec<_> = newest.into_iter().filter_map(|(document, _)| document).collect();
        write_documents(&mut transaction, self.inner().database.backend, &documents).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// The other stored versions of the ids of some documents.
async fn older(connection: &mut AnyConnection, derived: &Derived) -> Result<known::KnownById, Error> {
    let mut hashes: Vec<_> = derived.documents.keys().copied().collect();
    hashes.sort_unstable();
    let sql = "SELECT object FROM derived.ids WHERE id_hash IN ({})";
    let rows = fetch_in(connection, sql, &hashes).await?;
    let seqs: Vec<i64> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    Ok(known::by_id(known::read(connection, &seqs).await?))
}

/// Of each id the newest version in force, where it is among these documents, and the versions that it makes old.
fn newest(
    documents: HashMap<i64, Vec<Document>>,
    stored: &known::KnownById,
) -> Vec<(Option<Document>, Vec<i64>)> {
    let mut all = Vec::with_capacity(documents.len());
    for (hash, mut documents) in documents {
        // Two ids of one digest are told apart by themselves.
        while let Some(first) = documents.pop() {
            let (same, other): (Vec<_>, _) = documents.into_iter().partition(|one| one.id == first.id);
            documents = other;
            let newest = same
                .into_iter()
                .chain([first])
                .max_by_key(|one| (one.version, one.seq));
            let Some(newest) = newest else { continue };
            let stored = stored.get(&hash).into_iter().flatten();
            let rivals: Vec<_> = stored
                .filter(|one| one.id == newest.id && one.seq != newest.seq)
                .filter(|one| one.standing == Standing::InForce)
                .collect();
            let at = (newest.version, newest.seq);
            let is_newest = rivals.iter().all(|one| (one.version, one.seq) < at);
            let gone = rivals
                .iter()
                .filter(|one| (one.version, one.seq) < at)
                .map(|one| one.seq);
            let gone = gone.collect();
            all.push((is_newest.then_some(newest), gone));
        }
    }
    all
}

async fn remove_documents(connection: &mut AnyConnection, seqs: &[i64]) -> Result<(), Error> {
    for seq in seqs {
        let sql = "DELETE FROM derived.documents WHERE object = $1";
        execute(connection, sql, |values| values.int(*seq)).await?;
    }
    Ok(())
}

/// Writes documents under the next numbers: what changed last is found first.
async fn write_documents(
    connection: &mut AnyConnection,
    backend: Backend,
    documents: &[Document],
) -> Result<(), Error> {
    let sql = "SELECT max(number) FROM derived.documents";
    let row = fetch_one(connection, sql, |values| values).await?;
    let last: Option<i64> = row.map(|row| row.try_get(0)).transpose()?.flatten();
    let sql = "SELECT value FROM derived.state WHERE name = 'number'";
    let row = fetch_one(connection, sql, |values| values).await?;
    let used: Option<i64> = row.map(|row| row.try_get(0)).transpose()?;
    let first = last.max(used).unwrap_or(0) + 1;
    let rows: Vec<_> = (first..).zip(documents).collect();
    let fill = |values: Values, (number, document): &(i64, &Document)| {
        let values = values.int(*number).int(document.seq).int(document.lane.number());
        values
            .int(document.source)
            .int(document.received)
            .maybe_int(document.valid_until)
    };
    match backend {
        Backend::Sqlite => {
            let head = "INSERT INTO derived.documents (number, object, lane, source, received, valid_until)";
            insert(connection, head, 6, "", &rows, fill).await?;
            let head = "INSERT INTO derived.words (rowid, text)";
            insert(connection, head, 2, "", &rows, |values, (number, document)| {
                values.int(*number).text(&document.words)
            })
            .await?;
        }
        Backend::Postgres => {
            let head =
                "INSERT INTO derived.documents (number, object, lane, source, received, valid_until, words)";
            insert(connection, head, 7, "", &rows, |values, row| {
                fill(values, row).text(&row.1.words)
            })
            .await?;
        }
    }
    let sql = "INSERT INTO derived.state (name, value) VALUES ('number', $1) \
               ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    let used = first + i64::try_from(documents.len()).unwrap_or(0);
    execute(connection, sql, |values| values.int(used)).await?;
    Ok(())
}

/// All that an object is found by.
fn searched(object: &Object<'_>, source: &str, values: &[(Kind, String)]) -> String {
    let texts = object.texts.iter().map(|text| &**text);
    let mut all = words(texts.chain(values.iter().map(|(_, value)| &**value)));
    all.insert(mark("type", &object.kind));
    all.insert(mark("source", source));
    all.extend(object.labels.iter().map(|label| mark("label", label)));
    all.extend(values.iter().map(|(kind, _)| mark("kind", kind.as_str())));
    all.into_iter().collect::<Vec<_>>().join(" ")
}
