//! Organisations.

use perisai_model::Organisation;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use std::sync::Arc;

use super::{exists, missing, name, rows};
use crate::known::flag;
use crate::parties::uuid;
use crate::sql::{execute, fetch, fetch_one};
use crate::store::now;
use crate::{Error, Store};

/// An organisation that is known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Which: the UUID of its STIX identity.
    pub id: Organisation,
    /// Its name, which is unique.
    pub name: String,
    /// We serve it, and may warn it under AMBER.
    pub is_client: bool,
    /// GREEN is shared with it.
    pub in_community: bool,
    /// Since when it is known, in microseconds since 1970.
    pub created: i64,
}

/// What changes of an organisation; `None`: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrganisationChange {
    /// Its name.
    pub name: Option<String>,
    /// Whether we serve it.
    pub is_client: Option<bool>,
    /// Whether GREEN is shared with it.
    pub in_community: Option<bool>,
}

impl Party {
    fn read(row: &AnyRow) -> Result<Self, Error> {
        Ok(Self {
            id: Organisation(uuid(row, 0)?),
            name: row.try_get(1)?,
            is_client: flag(row, 2)?,
            in_community: flag(row, 3)?,
            created: row.try_get(4)?,
        })
    }
}

impl Store {
    /// The organisations that are known, by name: those after a name, as many as asked for and a thousand at most.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn organisations(&self, after: Option<&str>, limit: usize) -> Result<Vec<Party>, Error> {
        let mut connection = self.reader().await?;
        let sql = "SELECT id, name, is_client, in_community, created FROM organisations \
                   WHERE name > $1 ORDER BY name LIMIT $2";
        let all = fetch(&mut connection, sql, |values| {
            values.text(after.unwrap_or_default()).int(rows(limit))
        });
        all.await?.iter().map(Party::read).collect()
    }

    /// An organisation that is known.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn organisation(&self, id: Organisation) -> Result<Option<Party>, Error> {
        find(&mut *self.reader().await?, id).await
    }

    /// Adds an organisation. The row of our own one only gives it a name.
    ///
    /// # Errors
    /// Where its id or name is taken, or the database fails.
    pub async fn add_organisation(
        &self,
        id: Organisation,
        name: &str,
        is_client: bool,
        in_community: bool,
    ) -> Result<Party, Error> {
        let party = Party {
            id,
            name: self::name("organisation", name)?,
            is_client,
            in_community,
            created: now(),
        };
        self.to_the_end(|store| async move {
            let mut change = store.change_parties().await?;
            if find(change.connection(), id).await?.is_some() {
                return Err(exists("organisation", id.0));
            }
            check_name(change.connection(), &party.name, id).await?;
            write(change.connection(), &party).await?;
            change.commit().await?;
            Ok(party)
        })
        .await
    }

    /// Changes an organisation.
    ///
    /// # Errors
    /// Where there is none of that id, its new name is taken, or the database fails.
    pub async fn change_organisation(
        &self,
        id: Organisation,
        changed: OrganisationChange,
    ) -> Result<Party, Error> {
        let new_name = changed.name.map(|one| name("organisation", &one)).transpose()?;
        self.to_the_end(move |store| async move {
            let mut change = store.change_parties().await?;
            let found = find(change.connection(), id).await?;
            let mut party = found.ok_or_else(|| missing("organisation", id.0))?;
            if let Some(name) = new_name {
                check_name(change.connection(), &name, id).await?;
                party.name = name;
            }
            party.is_client = changed.is_client.unwrap_or(party.is_client);
            party.in_community = changed.in_community.unwrap_or(party.in_community);
            write(change.connection(), &party).await?;
            change.commit().await?;
            Ok(party)
        })
        .await
    }

    /// Removes an organisation with its people, and all by which they and it are known. What it sent stays.
    ///
    /// # Errors
    /// Where there is none of that id, it is our own, or the database fails.
    pub async fn remove_organisation(&self, id: Organisation) -> Result<(), Error> {
        if id == self.own() {
            return Err(Error::Invalid {
                what: "organisation",
                why: "a node cannot do without its own",
            });
        }
        self.to_the_end(move |store| async move {
            let mut change = store.change_parties().await?;
            if find(change.connection(), id).await?.is_none() {
                return Err(missing("organisation", id.0));
            }
            remove_all(change.connection(), id).await?;
            change.commit().await?;
            let mut shared = store.shared_mut();
            for collection in &mut shared.collections {
                if collection.rights.contains_key(&id) {
                    Arc::make_mut(collection).rights.remove(&id);
                }
            }
            Ok(())
        })
        .await
    }
}

async fn find(connection: &mut AnyConnection, id: Organisation) -> Result<Option<Party>, Error> {
    let sql = "SELECT id, name, is_client, in_community, created FROM organisations WHERE id = $1";
    let row = fetch_one(connection, sql, |values| values.text(&id.0.to_string())).await?;
    row.as_ref().map(Party::read).transpose()
}

async fn check_name(connection: &mut AnyConnection, name: &str, id: Organisation) -> Result<(), Error> {
    let sql = "SELECT 1 FROM organisations WHERE name = $1 AND id <> $2";
    let row = fetch_one(connection, sql, |values| {
        values.text(name).text(&id.0.to_string())
    })
    .await?;
    row.map_or(Ok(()), |_| Err(exists("organisation", name)))
}

async fn write(connection: &mut AnyConnection, party: &Party) -> Result<(), Error> {
    let sql = "INSERT INTO organisations (id, name, is_client, in_community, created) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (id) DO UPDATE SET name = excluded.name, is_client = excluded.is_client, \
               in_community = excluded.in_community";
    execute(connection, sql, |values| {
        let values = values.text(&party.id.0.to_string()).text(&party.name);
        let values = values.int(party.is_client.into()).int(party.in_community.into());
        values.int(party.created)
    })
    .await?;
    Ok(())
}

async fn remove_all(connection: &mut AnyConnection, id: Organisation) -> Result<(), Error> {
    for sql in [
        "DELETE FROM sessions WHERE person IN (SELECT id FROM users WHERE organisation = $1)",
        "DELETE FROM tokens WHERE organisation = $1",
        "DELETE FROM certificates WHERE organisation = $1",
        "INSERT INTO former_parties (id) SELECT id FROM users WHERE organisation = $1 ON CONFLICT (id) DO NOTHING",
        "DELETE FROM users WHERE organisation = $1",
        "DELETE FROM group_members WHERE organisation = $1",
        "DELETE FROM grants WHERE organisation = $1",
        "INSERT INTO former_parties (id) VALUES ($1) ON CONFLICT (id) DO NOTHING",
        "DELETE FROM organisations WHERE id = $1",
    ] {
        execute(connection, sql, |values| values.text(&id.0.to_string())).await?;
    }
    Ok(())
}
