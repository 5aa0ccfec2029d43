//! Peers: those from whom this node fetches and to whom it sends, how far that has come, and how it went.

mod seal;
mod state;

use perisai_model::Organisation;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

pub(crate) use self::seal::SealKey;
pub use self::seal::{Credential, Secret};
pub use self::state::{PeerState, Trouble, Way};
use crate::audit::NodeKey;
use crate::parties::uuid;
use crate::people::name as checked_name;
use crate::source::{of_word, word};
use crate::sql::{execute, fetch, fetch_one};
use crate::store::now;
use crate::{Error, Store};

/// What a peer speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeerKind {
    /// TAXII 2.1.
    Taxii,
    /// A file by HTTP, of any format that can be imported.
    Feed,
    /// A folder of MISP events by HTTP.
    MispFeed,
    /// A MISP server.
    Misp,
}

/// What is set for a peer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PeerSettings {
    /// The collections that are pulled, by id, alias or title; all that may be read where none is named.
    pub collections: Vec<String>,
    /// How often it is pulled, in seconds; never where it is 0.
    pub pull_seconds: u64,
    /// The collection here that what is pulled enters, besides those whose query it matches.
    pub into: Option<Uuid>,
    /// The collection here that is pushed.
    pub push: Option<Uuid>,
    /// The collection there that it is pushed to.
    pub push_to: Option<String>,
    /// SHA-256 fingerprints, in hexadecimal: where there are any, only these certificates are believed.
    pub fingerprints: Vec<String>,
    /// Nothing is done until it is taken up again.
    pub paused: bool,
}

/// A peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its number, which no other ever has.
    pub id: i64,
    /// Its name, which is unique.
    pub name: String,
    /// What it speaks.
    pub kind: PeerKind,
    /// Its address, without user, password and query.
    pub url: String,
    /// As which source what it brings is kept.
    pub source: i64,
    /// Whose it is: what it is sent is released to them.
    pub organisation: Organisation,
    /// What is set for it.
    pub settings: PeerSettings,
    /// When it was added, in microseconds since 1970.
    pub created: i64,
}

/// A peer that is new here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPeer {
    /// Its name, which is unique.
    pub name: String,
    /// What it speaks.
    pub kind: PeerKind,
    /// Its address, without user, password and query.
    pub url: String,
    /// As which source what it brings is kept.
    pub source: i64,
    /// Whose it is.
    pub organisation: Organisation,
    /// What is set for it.
    pub settings: PeerSettings,
    /// How we say who we are.
    pub secret: Secret,
}

const COLUMNS: &str = "SELECT id, name, kind, url, source, organisation, settings, created FROM peers";

impl Peer {
    fn read(row: &AnyRow) -> Result<Self, Error> {
        let settings: String = row.try_get(6)?;
        Ok(Self {
            id: row.try_get(0)?,
            name: row.try_get(1)?,
            kind: of_word(row.try_get(2)?)?,
            url: row.try_get(3)?,
            source: row.try_get(4)?,
            organisation: Organisation(uuid(row, 5)?),
            settings: serde_json::from_str(&settings)
                .map_err(|error| Error::Damaged(format!("what is set for a peer: {error}")))?,
            created: row.try_get(7)?,
        })
    }
}

/// For whom a secret is sealed: where the address changes, it goes to nobody.
fn whose(name: &str, url: &str) -> String {
    format!("{name}\n{url}")
}

impl Store {
    /// All peers, by name.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn peers(&self) -> Result<Vec<Peer>, Error> {
        let mut connection = self.reader().await?;
        let sql = format!("{COLUMNS} ORDER BY name");
        let rows = fetch(&mut connection, sql, |values| values).await?;
        rows.iter().map(Peer::read).collect()
    }

    /// The peer of a name.
    ///
    /// # Errors
    /// Where there is none, or the database fails.
    pub async fn peer(&self, name: &str) -> Result<Peer, Error> {
        let mut connection = self.reader().await?;
        let sql = format!("{COLUMNS} WHERE name = $1");
        let rows = fetch(&mut connection, sql, |values| values.text(name)).await?;
        let row = rows.first().ok_or_else(|| missing(name))?;
        Peer::read(row)
    }

    /// Adds a peer; its secret is sealed with the node's key.
    ///
    /// # Errors
    /// Where its name is none or taken, or the database fails.
    pub async fn add_peer(&self, new: NewPeer, key: &NodeKey) -> Result<Peer, Error> {
        let name = checked_name("peer", &new.name)?;
        let secret = key.seal().seal(&new.secret, &whose(&name, &new.url));
        let created = now();
        let id = self
            .change(async |connection| {
                let sql = "SELECT 1 FROM peers WHERE name = $1";
                if fetch_one(connection, sql, |values| values.text(&name))
                    .await?
                    .is_some()
                {
                    return Err(Error::Exists {
                        what: "peer",
                        name: name.clone(),
                    });
                }
                let last = fetch_one(connection, "SELECT max(id) FROM peers", |values| values).await?;
                let last: Option<i64> = last.map(|row| row.try_get(0)).transpose()?.flatten();
                // By the clock, so that the number of one that was removed does not come again.
                let id = created.max(last.unwrap_or(0) + 1);
                let settings = serde_json::to_string(&new.settings).expect("settings are plain data");
                let sql = "INSERT INTO peers (id, name, kind, url, source, organisation, settings, secret, created) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
                execute(connection, sql, |values| {
                    let values = values.int(id).text(&name).text(&word(new.kind)).text(&new.url);
                    let values = values.int(new.source).text(&new.organisation.0.to_string());
                    values.text(&settings).bytes(&secret).int(created)
                })
                .await?;
                Ok(id)
            })
            .await?;
        Ok(Peer {
            id,
            name,
            kind: new.kind,
            url: new.url,
            source: new.source,
            organisation: new.organisation,
            settings: new.settings,
            created,
        })
    }

    /// What is secret of a peer.
    ///
    /// # Errors
    /// Where it is gone, was sealed with another key, or the database fails.
    pub async fn peer_secret(&self, peer: &Peer, key: &NodeKey) -> Result<Secret, Error> {
        let mut connection = self.reader().await?;
        let sql = "SELECT secret FROM peers WHERE id = $1";
        let row = fetch_one(&mut connection, sql, |values| values.int(peer.id)).await?;
        let sealed: Vec<u8> = row.ok_or_else(|| missing(&peer.name))?.try_get(0)?;
        key.seal().open(&sealed, &whose(&peer.name, &peer.url))
    }

    /// Keeps what is set for a peer now, and, with what is secret of it, where it is. How far it was read stays where its
    /// collections have ids, as in TAXII; else one that is elsewhere is read from its beginning.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn change_peer(
        &self,
        peer: &Peer,
        secret: Option<&Secret>,
        key: &NodeKey,
    ) -> Result<(), Error> {
        let settings = serde_json::to_string(&peer.settings).expect("settings are plain data");
        let sealed = secret.map(|secret| key.seal().seal(secret, &whose(&peer.name, &peer.url)));
        self.change(async |connection| {
            let sql = "UPDATE peers SET settings = $1 WHERE id = $2";
            execute(connection, sql, |values| values.text(&settings).int(peer.id)).await?;
            let Some(sealed) = &sealed else {
                return Ok(());
            };
            if peer.kind != PeerKind::Taxii {
                let sql = "DELETE FROM peer_cursors WHERE peer IN (SELECT id FROM peers WHERE id = $1 AND url <> $2)";
                execute(connection, sql, |values| values.int(peer.id).text(&peer.url)).await?;
            }
            let sql = "UPDATE peers SET url = $1, secret = $2 WHERE id = $3";
            execute(connection, sql, |values| {
                values.text(&peer.url).bytes(sealed).int(peer.id)
            })
            .await?;
            Ok(())
        })
        .await
    }

    /// Removes a peer, with its secret and how far it was read. What it brought stays, and says from whom it is.
    ///
    /// # Errors
    /// Where there is none of that name, or the database fails.
    pub async fn remove_peer(&self, name: &str) -> Result<(), Error> {
        let peer = self.peer(name).await?;
        self.change(async |connection| {
            for sql in [
                "DELETE FROM peer_cursors WHERE peer = $1",
                "DELETE FROM peer_states WHERE peer = $1",
                "DELETE FROM peers WHERE id = $1",
            ] {
                execute(connection, sql, |values| values.int(peer.id)).await?;
            }
            Ok(())
        })
        .await
    }

    /// The organisation of a name.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn organisation_named(&self, name: &str) -> Result<Option<Organisation>, Error> {
        let mut connection = self.reader().await?;
        let sql = "SELECT id FROM organisations WHERE name = $1";
        let row = fetch_one(&mut connection, sql, |values| values.text(name)).await?;
        row.map(|row| Ok(Organisation(uuid(&row, 0)?))).transpose()
    }
}

fn missing(name: &str) -> Error {
    Error::Missing {
        what: "peer",
        name: name.to_owned(),
    }
}
