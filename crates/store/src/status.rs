//! What became of what was sent: kept for a while, for who sent it.

use perisai_model::Organisation;
use sqlx::Row;
use uuid::Uuid;

use crate::sql::{execute, fetch_one};
use crate::store::now;
use crate::{Error, Store};

/// How long a status is kept, in microseconds: TAXII 2.1, section 5.4, asks for a day.
const KEPT: i64 = 48 * 3600 * 1_000_000;

impl Store {
    /// Keeps a status, for an organisation to ask for.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn keep_status(
        &self,
        id: Uuid,
        organisation: Option<Organisation>,
        body: &str,
    ) -> Result<(), Error> {
        self.change(async |connection| {
            let now = now();
            let sql = "DELETE FROM statuses WHERE created < $1";
            execute(connection, sql, |values| values.int(now - KEPT)).await?;
            let sql = "INSERT INTO statuses (id, organisation, created, body) VALUES ($1, $2, $3, $4)";
            execute(connection, sql, |values| {
                let organisation = organisation.map(|organisation| organisation.0.to_string());
                let values = values.text(&id.to_string()).maybe_text(organisation.as_deref());
                values.int(now).text(body)
            })
            .await?;
            Ok(())
        })
        .await
    }

    /// A status that is kept for an organisation.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn status(
        &self,
        id: Uuid,
        organisation: Option<Organisation>,
    ) -> Result<Option<String>, Error> {
        let mut connection = self.reader().await?;
        let sql = "SELECT organisation, body FROM statuses WHERE id = $1";
        let Some(row) = fetch_one(&mut connection, sql, |values| values.text(&id.to_string())).await? else {
            return Ok(None);
        };
        let kept_for: Option<String> = row.try_get(0)?;
        let is_theirs = kept_for == organisation.map(|organisation| organisation.0.to_string());
        Ok(if is_theirs { Some(row.try_get(1)?) } else { None })
    }
}
