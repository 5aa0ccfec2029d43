//! What a search finds: of each id the newest version in force that the reader may see. So an older one stays where it is of
//! another class than all that are newer: somebody may see it, and none of those.

use std::cmp::Reverse;
use std::collections::HashMap;

use sqlx::{AnyConnection, Row};

use super::derive::Document;
use super::set_state;
use crate::classes::{ClassId, LaneId};
use crate::database::Backend;
use crate::known::{self, Known, KnownById, Standing};
use crate::sql::{Values, execute, fetch_one, insert};
use crate::{Error, Store, hash};

impl Store {
    /// Writes those of some documents that somebody may find, and removes those that they make old for everybody.
    pub(super) async fn index(
        &self,
        connection: &mut AnyConnection,
        documents: Vec<Document>,
    ) -> Result<(), Error> {
        let stored = self.stored(connection, &documents).await?;
        let placed = {
            let shared = self.shared();
            place(documents, &stored, |lane| {
                shared.classes.lane(lane).map(|lane| lane.class)
            })
        };
        remove_documents(connection, &placed.gone).await?;
        for seq in &placed.older {
            let sql = "UPDATE derived.documents SET older = 1 WHERE object = $1";
            execute(connection, sql, |values| values.int(*seq)).await?;
        }
        write_documents(connection, self.inner().database.backend, &placed.found).await
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

/// What becomes of documents and of what is stored beside them.
#[derive(Default)]
struct Placed {
    /// What can be found, in the order of the objects, and whether there is a newer version.
    found: Vec<(Document, bool)>,
    /// Stored versions that nobody finds any more.
    gone: Vec<i64>,
    /// Stored versions of which there are newer ones now.
    older: Vec<i64>,
}

/// A version of an id: one of these documents, or one that is stored.
enum Version<'a> {
    Here(Document),
    Stored(&'a Known),
}

impl Version<'_> {
    fn at(&self) -> (Option<i64>, i64) {
        match self {
            Self::Here(document) => (document.version, document.seq),
            Self::Stored(known) => (known.version, known.seq),
        }
    }

    fn lane(&self) -> LaneId {
        match self {
            Self::Here(document) => document.lane,
            Self::Stored(known) => known.lane,
        }
    }
}

/// Decides which versions can be found.
fn place(
    documents: Vec<Document>,
    stored: &KnownById,
    class_of: impl Fn(LaneId) -> Option<ClassId>,
) -> Placed {
    let mut ids: HashMap<String, Vec<Version<'_>>> = HashMap::with_capacity(documents.len());
    for document in documents {
        let id = document.id.clone();
        ids.entry(id).or_default().push(Version::Here(document));
    }
    let mut placed = Placed::default();
    for (id, mut versions) in ids {
        let rivals = stored.get(&hash::of_id(&id)).into_iter().flatten();
        let rivals = rivals.filter(|one| one.id == id && one.standing == Standing::InForce);
        versions.extend(rivals.map(Version::Stored));
        versions.sort_unstable_by_key(|version| Reverse(version.at()));
        let mut classes = Vec::with_capacity(1);
        for (place, version) in versions.into_iter().enumerate() {
            let class = class_of(version.lane());
            let is_covered = classes.contains(&class);
            classes.push(class);
            match version {
                Version::Here(document) if !is_covered => placed.found.push((document, place > 0)),
                Version::Here(_) => {}
                Version::Stored(known) if is_covered => placed.gone.push(known.seq),
                Version::Stored(known) if place > 0 => placed.older.push(known.seq),
                Version::Stored(_) => {}
            }
        }
    }
    placed.found.sort_unstable_by_key(|(document, _)| document.seq);
    placed
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
    documents: &[(Document, bool)],
) -> Result<(), Error> {
    let sql = "SELECT value FROM derived.state WHERE name = 'number'";
    let row = fetch_one(connection, sql, |values| values).await?;
    let first: i64 = row.map(|row| row.try_get(0)).transpose()?.unwrap_or(1);
    let rows: Vec<_> = (first..).zip(documents).collect();
    let fill = |values: Values, (number, (document, is_older)): &(i64, &(Document, bool))| {
        let values = values.int(*number).int(document.seq).int(document.lane.number());
        values
            .int(document.source)
            .int(document.received)
            .maybe_int(document.valid_until)
            .int(i64::from(*is_older))
    };
    match backend {
        Backend::Sqlite => {
            let head =
                "INSERT INTO derived.documents (number, object, lane, source, received, valid_until, older)";
            insert(connection, head, 7, "", &rows, fill).await?;
            let head = "INSERT INTO derived.words (rowid, text)";
            insert(
                connection,
                head,
                2,
                "",
                &rows,
                |values, (number, (document, _))| values.int(*number).text(&document.words),
            )
            .await?;
        }
        Backend::Postgres => {
            let head = "INSERT INTO derived.documents (number, object, lane, source, received, valid_until, older, words)";
            insert(connection, head, 8, "", &rows, |values, row| {
                fill(values, row).text(&row.1.0.words)
            })
            .await?;
        }
    }
    let next = first + i64::try_from(documents.len()).unwrap_or(0);
    set_state(connection, "number", next).await
}
