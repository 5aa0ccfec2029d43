//! What a node remembers of itself: a few words, each with a name.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use perisai_model::{Organisation, Tlp};
use sha2::{Digest, Sha256};
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

use crate::sql::{execute, fetch_one};
use crate::{Error, NodeKey, Store};

/// The fact that says whose node it is.
pub(crate) const OWN: &str = "organisation";

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
    if let Some(known) = get(connection, OWN).await? {
        let uuid = Uuid::try_parse(&known);
        return uuid
            .map(Organisation)
            .map_err(|_| Error::Damaged(format!("`{known}` is no UUID")));
    }
    let new = Uuid::new_v4();
    set(connection, OWN, &new.to_string()).await?;
    Ok(Organisation(new))
}

/// What a sealed secret begins with, after which it is Base64. One of an earlier version stands there in clear.
const SEALED: &str = "sealed:";

impl Store {
    /// A secret of this node, by name: made up when it is first asked for, and kept, sealed with the node's key.
    ///
    /// # Errors
    /// Where the database fails, or another key sealed it.
    pub async fn secret(&self, name: &str, key: &NodeKey) -> Result<[u8; 32], Error> {
        self.change(async |connection| {
            let known = get(connection, name).await?;
            let text = match known.as_deref().map(|text| text.strip_prefix(SEALED).ok_or(text)) {
                Some(Ok(sealed)) => return open(sealed, name, key).map(|text| Sha256::digest(text).into()),
                Some(Err(clear)) => clear.to_owned(),
                // 122 random bits each.
                None => Uuid::new_v4().simple().to_string() + &Uuid::new_v4().simple().to_string(),
            };
            let sealed = key.seal().seal_bytes(text.clone().into_bytes(), &use_of(name));
            set(connection, name, &format!("{SEALED}{}", STANDARD.encode(sealed))).await?;
            Ok(Sha256::digest(text).into())
        })
        .await
    }
}

/// What a secret's seal is for.
fn use_of(name: &str) -> String {
    format!("secret of the node: {name}")
}

fn open(sealed: &str, name: &str, key: &NodeKey) -> Result<Vec<u8>, Error> {
    let damaged = || {
        let told = "its secrets do not open with the folder's node.key: that is another node's; put this one's in its place, or \
                    restore a backup";
        Error::Damaged(told.to_owned())
    };
    let bytes = STANDARD.decode(sealed).map_err(|_| damaged())?;
    key.seal().open_bytes(&bytes, &use_of(name)).ok_or_else(damaged)
}

/// How what has no TLP marking is held, where that was set.
pub(crate) async fn default_tlp(connection: &mut AnyConnection) -> Result<Option<Tlp>, Error> {
    let label = get(connection, "default-tlp").await?;
    Ok(label.map(|label| Tlp::from_label(&label).unwrap_or(Tlp::Red)))
}
