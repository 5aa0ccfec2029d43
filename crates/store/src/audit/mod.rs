//! What was done, as a chain: each record holds the digest of the one before and is signed with the node's key, so that a
//! change, a gap or a cut shows. The newest record's number and digest stand in a file beside the database, too
//! ([`head`]). Where the two do not agree when the chain is gone on with, a record says so for ever.

mod head;
mod record;
mod verify;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as Lock, PoisonError};

use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};
use tokio::sync::{Mutex, oneshot};

use self::head::Head;
pub use self::record::{AuditEvent, AuditRecord, Digest, NodeKey, write_secret};
pub use self::verify::{Fault, Verified};
use crate::sql::{fetch, fetch_one, insert};
use crate::store::now;
use crate::{Error, facts};

/// How many records are read at a time.
const READ: i64 = 1_000;

/// The chain of what was done.
#[derive(Clone)]
pub struct Audit(Arc<Inner>);

struct Inner {
    pool: AnyPool,
    key: NodeKey,
    head: Head,
    /// The end of the chain. Whoever holds it writes for all who wait.
    end: Mutex<End>,
    waiting: Lock<Vec<Waiting>>,
}

struct Waiting {
    event: AuditEvent,
    done: oneshot::Sender<Result<i64, String>>,
}

/// Says in the store that there is a chain: from then on there is a file that notes its end.
const BEGUN: &str = "audit-begun";

/// The event of a chain that was found cut when it was gone on with.
const CUT: &str = "audit.cut";

/// Where a chain begins.
const START: End = End {
    number: 0,
    digest: Digest::ZERO,
};

/// The newest record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct End {
    number: i64,
    digest: Digest,
}

impl std::fmt::Debug for Audit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Audit")
            .field("head", &self.0.head.path())
            .finish_non_exhaustive()
    }
}

impl Audit {
    /// Goes on with the chain of a store, signing with a key. `head` is the file that tells where it ends.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn open(store: &crate::Store, key: NodeKey, head: PathBuf) -> Result<Self, Error> {
        let pool = store.inner().database.audit.clone();
        let begun = store
            .change(async |connection| {
                let begun = facts::get(connection, BEGUN).await?.is_some();
                facts::set(connection, BEGUN, "true").await?;
                Ok(begun)
            })
            .await?;
        let end = last(&pool).await?;
        let head = Head::new(head);
        let noted = head.read();
        let agree = match noted {
            Some(noted) => noted == START || digest(&pool, noted.number).await? == Some(noted.digest),
            None => !begun,
        };
        let audit = Self(Arc::new(Inner {
            pool,
            key,
            head,
            end: Mutex::new(end),
            waiting: Lock::default(),
        }));
        let written = match agree {
            true => audit.0.head.write(end),
            false => audit.0.head.clear(),
        };
        written.map_err(|source| Error::File {
            path: audit.0.head.path().to_owned(),
            source,
        })?;
        if !agree {
            tracing::error!(
                records = end.number,
                "the audit chain was cut, or the file that notes its end was"
            );
            let event = AuditEvent {
                event: CUT,
                who: None,
                data: json!({"records": end.number, "noted": noted.map(|noted| noted.number)}),
            };
            audit.append(event).await?;
        }
        Ok(audit)
    }

    /// Adds a record. Once this returns its number, a loss of power does not lose it.
    ///
    /// # Errors
    /// Where it could not be written: then what it tells of must not be done.
    pub async fn append(&self, event: AuditEvent) -> Result<i64, Error> {
        let (done, mut answer) = oneshot::channel();
        self.waiting().push(Waiting { event, done });
        let audit = self.clone();
        // Whoever comes first writes for all who came meanwhile, and goes on where a caller goes away.
        let task = tokio::spawn(async move {
            let mut end = audit.0.end.lock().await;
            let waiting = std::mem::take(&mut *audit.waiting());
            if !waiting.is_empty() {
                audit.write(&mut end, waiting).await;
            }
        });
        if let Err(error) = task.await {
            return Err(Error::Damaged(format!(
                "the audit chain's writer ended early: {error}"
            )));
        }
        match answer.try_recv() {
            Ok(Ok(number)) => Ok(number),
            Ok(Err(why)) => Err(Error::Audit(why)),
            Err(_) => Err(Error::Audit("its writer ended early".to_owned())),
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what waits, in one transaction, and tells each how it went.
    async fn write(&self, end: &mut End, waiting: Vec<Waiting>) {
        let mut after = *end;
        let mut records = Vec::with_capacity(waiting.len());
        for one in &waiting {
            let record = AuditRecord::new(after.number + 1, now(), &one.event, after.digest);
            let body = record.to_line();
            after = End {
                number: record.number,
                digest: Digest::of(&body),
            };
            let signature = self.0.key.sign(after.digest);
            records.push((record.number, body, signature));
        }
        let outcome = self.commit(&records).await.map_err(|error| {
            let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
            format!("{error}{}", source.unwrap_or_default())
        });
        if outcome.is_ok() {
            *end = after;
            if let Err(error) = self.0.head.write(after) {
                tracing::error!(%error, file = %self.0.head.path().display(), "the end of the audit chain is not noted");
            }
        }
        let first = after.number + 1 - i64::try_from(waiting.len()).unwrap_or(0);
        for (number, one) in (first..).zip(waiting) {
            // Nobody may be there to hear it.
            let _ = one.done.send(outcome.clone().map(|()| number));
        }
    }

    async fn commit(&self, records: &[(i64, String, Vec<u8>)]) -> Result<(), Error> {
        let mut transaction = self.0.pool.begin().await?;
        let head = "INSERT INTO audit (number, body, signature)";
        insert(
            &mut transaction,
            head,
            3,
            "",
            records,
            |values, (number, body, signature)| values.int(*number).text(body).bytes(signature),
        )
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The public key with which records are signed: 32 bytes, Ed25519.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.0.key.public()
    }

    /// Looks at every record.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn verify(&self) -> Result<Verified, Error> {
        // The file is read first: what is added meanwhile makes the table longer, never shorter.
        let mut walk = verify::Walk::new(self.0.key.public(), self.0.head.read());
        self.each(|number, body, signature| walk.look(number, body, signature))
            .await?;
        Ok(walk.end())
    }

    /// The next thousand records behind a number, as lines of JSON (the record stands as it is signed), and the number of the
    /// last; `None` at the end.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn export(&self, after: i64) -> Result<Option<(i64, Vec<u8>)>, Error> {
        let rows = self.rows(after).await?;
        let Some(last) = rows.last() else {
            return Ok(None);
        };
        let last = last.try_get(0)?;
        let mut lines = Vec::new();
        for row in &rows {
            let (body, signature): (String, Vec<u8>) = (row.try_get(1)?, row.try_get(2)?);
            record::export_line(&body, &signature, &mut lines);
        }
        Ok(Some((last, lines)))
    }

    async fn rows(&self, after: i64) -> Result<Vec<AnyRow>, Error> {
        let mut connection = self.0.pool.acquire().await?;
        let sql = "SELECT number, body, signature FROM audit WHERE number > $1 ORDER BY number LIMIT $2";
        Ok(fetch(&mut connection, sql, |values| values.int(after).int(READ)).await?)
    }

    async fn each(&self, mut each: impl FnMut(i64, &str, &[u8])) -> Result<(), Error> {
        let mut after = i64::MIN;
        loop {
            let rows = self.rows(after).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                after = row.try_get(0)?;
                each(
                    after,
                    &row.try_get::<String, _>(1)?,
                    &row.try_get::<Vec<u8>, _>(2)?,
                );
            }
        }
    }
}

/// The newest record of a table.
async fn last(pool: &AnyPool) -> Result<End, Error> {
    let mut connection = pool.acquire().await?;
    let sql = "SELECT number, body FROM audit ORDER BY number DESC LIMIT 1";
    let row = fetch_one(&mut connection, sql, |values| values).await?;
    row.map_or(Ok(START), |row| {
        Ok(End {
            number: row.try_get(0)?,
            digest: Digest::of(&row.try_get::<String, _>(1)?),
        })
    })
}

/// The digest of a record.
async fn digest(pool: &AnyPool, number: i64) -> Result<Option<Digest>, Error> {
    let mut connection = pool.acquire().await?;
    let sql = "SELECT body FROM audit WHERE number = $1";
    let row = fetch_one(&mut connection, sql, |values| values.int(number)).await?;
    let body = row.map(|row| row.try_get::<String, _>(0)).transpose()?;
    Ok(body.map(|body| Digest::of(&body)))
}

/// Notes the end of a chain that was restored.
pub(crate) async fn note_end(pool: &AnyPool, head: &Path) -> Result<(), Error> {
    let end = last(pool).await?;
    let written = Head::new(head.to_owned()).write(end);
    written.map_err(|source| Error::File {
        path: head.to_owned(),
        source,
    })
}
