//! What a node remembers of itself: a few words, each with a name.

use perisai_model::{Organisation, Tlp};
use sha2::{Digest, Sha256};
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

use crate::sql::{execute, fetch_one};
use crate::{Error, Store};

/// A fact, where it is known.
pub(crate) async fn get(connection: &mut AnyConnection, name: &str) -> Result<Option<String>, Error> {
    let sql = "SELECT value FROM facts WHERE name = $1";
    let row = fetch_one(connection, sql, |values| values.text(name)).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// Writes a fact down.
pub(crate) async fn set(connection: &mut AnyConnection, name: &str, value: &str) -> Result<(), Error> {
    let sql = "INSERT INTO facts (name, value) VALUES ($1, $2) \
               ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    execute(connection, sql, |values| values.text(name).text(value)).await?;
    Ok(())
}

/// Whose node it is: made up when the store is, and kept.
pub(crate) async fn own(connection: &mut AnyConnection) -> Result<Organisation, Error> {
    if let Some(known) = get(connection, "organisation").await? {
        let uuid = Uuid::try_parse(&known);
        return uuid
            .map(Organisation)
            .map_err(|_| Error::Damaged(format!("`{known}` is no UUID")));
    }
    let new = Uuid::new_v4();
    set(connection, "organisation", &new.to_string()).await?;
    Ok(Organisation(new))
}

impl Store {
    /// A secret of this node, by name: made up when it is first asked for, and kept.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn secret(&self, name: &str) -> Result<[u8; 32], Error> {
        self.change(async |connection| {
            let known = get(connection, name).await?;
            let text = match known {
                Some(text) => text,
                None => {
                    // 122 random bits each.
                    let text = Uuid::new_v4().simple().to_string() + &Uuid::new_v4().simple().to_string();
                    set(connection, name, &text).await?;
                    text
                }
            };
            Ok(Sha256::digest(text).into())
        })
        .await
    }
}

/// How what has no TLP marking is held, where that was set.
pub(crate) async fn default_tlp(connection: &mut AnyConnection) -> Result<Option<Tlp>, Error> {
    let label = get(connection, "default-tlp").await?;
    Ok(label.map(|label| Tlp::from_label(&label).unwrap_or(Tlp::Red)))
}
