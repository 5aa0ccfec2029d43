//! What a search finds: of each id the newest version in force.

use std::collections::{BTreeMap, HashMap};

use sqlx::{AnyConnection, Row};

use super::derive::Document;
use super::set_state;
use crate::database::Backend;
use crate::known::{self, KnownById, Standing};
use crate::sql::{Values, execute, fetch_one, insert};
use crate::{Error, Store, hash};

impl Store {
    /// Writes those of some documents that are the newest of their ids, and removes those that they make old.
    pub(super) async fn index(
        &self,
        connection: &mut AnyConnection,
        documents: Vec<Document>,
    ) -> Result<(), Error> {
        let stored = self.stored(connection, &documents).await?;
        let (newest, gone) = newest(documents, &stored);
        remove_documents(connection, &gone).await?;
        write_documents(connection, self.inner().database.backend, &newest).await
    }

    /// The stored versions of the ids of some documents.
    async fn stored(
        &self,
        connection: &mut AnyConnection,
        documents: &[Document],
    ) -> Result<KnownById, Error> {
        let mut hashes: Vec<_> = documents.iter().map(|one| hash::of_id(&one.id)).collect();
        hashes.sort_unstable();
        hashes.dedup();
        let here: std::collections::HashSet<_> = documents.iter().map(|one| one.seq).collect();
        // Whoever folds is the only one who moves objects from the tail to the index, so none is missed here.
        let found = self.of_hashes(connection, &hashes).await?;
        let mut seqs: Vec<i64> = found.into_iter().map(|(_, seq)| seq).collect();
        seqs.retain(|seq| !here.contains(seq));
        seqs.sort_unstable();
        seqs.dedup();
        Ok(known::by_id(known::read(connection, &seqs).await?))
    }
}

/// Of each id the newest version in force, where it is among these documents, in their order; and the stored versions that
/// these make old.
fn newest(documents: Vec<Document>, stored: &KnownById) -> (Vec<Document>, Vec<i64>) {
    let mut here: HashMap<String, Document> = HashMap::with_capacity(documents.len());
    for document in documents {
        match here.get(&document.id) {
            Some(known) if (known.version, known.seq) > (document.version, document.seq) => {}
            _ => drop(here.insert(document.id.clone(), document)),
        }
    }
    let (mut found, mut gone) = (BTreeMap::new(), Vec::new());
    for (id, document) in here {
        let at = (document.version, document.seq);
        let stored = stored.get(&hash::of_id(&id)).into_iter().flatten();
        let rivals = stored.filter(|one| one.id == id && one.standing == Standing::InForce);
        let (older, newer): (Vec<_>, Vec<_>) = rivals.partition(|one| (one.version, one.seq) < at);
        gone.extend(older.iter().map(|one| one.seq));
        if newer.is_empty() {
            found.insert(document.seq, document);
        }
    }
    (found.into_values().collect(), gone)
}

/// Removes documents. Their words stay until all is made again; they lead nowhere.
pub(super) async fn remove_documents(connection: &mut AnyConnection, seqs: &[i64]) -> Result<(), Error> {
    for seq in seqs {
        let sql = "DELETE FROM derived.documents WHERE object = $1";
        execute(connection, sql, |values| values.int(*seq)).await?;
    }
    Ok(())
}

/// Writes documents under the next numbers: what changed last is found first. No number is given twice.
async fn write_documents(
    connection: &mut AnyConnection,
    backend: Backend,
    documents: &[Document],
) -> Result<(), Error> {
    let sql = "SELECT value FROM derived.state WHERE name = 'number'";
    let row = fetch_one(connection, sql, |values| values).await?;
    let first: i64 = row.map(|row| row.try_get(0)).transpose()?.unwrap_or(1);
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
    let next = first + i64::try_from(documents.len()).unwrap_or(0);
    set_state(connection, "number", next).await
}
