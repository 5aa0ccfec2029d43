//! The same version from others than who brought it first: should that one go, it stays as theirs.

use sqlx::{AnyConnection, Row};

use crate::Error;
use crate::classes::TermsId;
use crate::sql::{execute, fetch_in};

/// What another brought, too.
#[derive(Debug)]
pub(crate) struct Copied {
    /// The number of the object.
    pub(crate) object: i64,
    pub(crate) source: i64,
    /// The terms under which they brought it.
    pub(crate) terms: TermsId,
    received: i64,
    held: Option<String>,
}

/// The copies of some objects; of each, the earliest first.
pub(crate) async fn copies_of(connection: &mut AnyConnection, objects: &[i64]) -> Result<Vec<Copied>, Error> {
    let sql = "SELECT object, source, received, terms, held FROM copies WHERE object IN ({})";
    let mut all = Vec::new();
    for row in fetch_in(connection, sql, objects).await? {
        let terms: i64 = row.try_get(3)?;
        all.push(Copied {
            object: row.try_get(0)?,
            source: row.try_get(1)?,
            received: row.try_get(2)?,
            terms: TermsId(u32::try_from(terms).map_err(|_| Error::Damaged(format!("terms {terms}")))?),
            held: row.try_get(4)?,
        });
    }
    all.sort_unstable_by_key(|copy| (copy.object, copy.received, copy.source));
    Ok(all)
}

impl Copied {
    /// Makes the object theirs from now on. How it is held is still to be changed.
    pub(crate) async fn inherit(&self, connection: &mut AnyConnection) -> Result<(), Error> {
        let sql = "UPDATE objects SET source = $1, received = $2, held = $3 WHERE seq = $4";
        execute(connection, sql, |values| {
            let values = values.int(self.source).int(self.received);
            values.maybe_text(self.held.as_deref()).int(self.object)
        })
        .await?;
        for sql in [
            "DELETE FROM copies WHERE object = $1 AND source = $2",
            "INSERT INTO touched (object) SELECT seq FROM objects WHERE seq = $1 AND source = $2 \
             ON CONFLICT (object) DO NOTHING",
        ] {
            execute(connection, sql, |values| values.int(self.object).int(self.source)).await?;
        }
        Ok(())
    }
}
