//! Sharing groups and their members.

use std::collections::{BTreeMap, BTreeSet};

use perisai_model::{Organisation, SharingGroup};
use sqlx::{AnyConnection, Row};

use super::{check_organisation, exists, missing, name, rows};
use crate::parties::uuid;
use crate::sql::{execute, fetch, fetch_one};
use crate::store::now;
use crate::{Error, Store};

/// A group of organisations that share with each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Which.
    pub id: SharingGroup,
    /// Its name, which is unique.
    pub name: String,
    /// Who is in it.
    pub members: BTreeSet<Organisation>,
    /// When it was made, in microseconds since 1970.
    pub created: i64,
}

impl Store {
    /// The sharing groups, by name: those after a name, as many as asked for and a thousand at most.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn groups(&self, after: Option<&str>, limit: usize) -> Result<Vec<Group>, Error> {
        let mut connection = self.reader().await?;
        let sql = "SELECT id, name, created FROM sharing_groups WHERE name > $1 ORDER BY name LIMIT $2";
        let all = fetch(&mut connection, sql, |values| {
            values.text(after.unwrap_or_default()).int(rows(limit))
        });
        let all = all.await?;
        let sql = "SELECT sharing_group, organisation FROM group_members";
        let mut members: BTreeMap<SharingGroup, BTreeSet<Organisation>> = BTreeMap::new();
        for row in fetch(&mut connection, sql, |values| values).await? {
            let of = members.entry(SharingGroup(uuid(&row, 0)?)).or_default();
            of.insert(Organisation(uuid(&row, 1)?));
        }
        let mut groups = Vec::with_capacity(all.len());
        for row in all {
            let id = SharingGroup(uuid(&row, 0)?);
            groups.push(Group {
                id,
                name: row.try_get(1)?,
                members: members.remove(&id).unwrap_or_default(),
                created: row.try_get(2)?,
            });
        }
        Ok(groups)
    }

    /// Makes a sharing group, empty at first, of which nobody is.
    ///
    /// # Errors
    /// Where its id or name is taken, or the database fails.
    pub async fn add_group(&self, id: SharingGroup, name: &str) -> Result<Group, Error> {
        let group = Group {
            id,
            name: self::name("sharing group", name)?,
            members: BTreeSet::new(),
            created: now(),
        };
        self.to_the_end(|store| async move {
            let mut change = store.change_parties().await?;
            let sql = "SELECT 1 FROM sharing_groups WHERE id = $1 OR name = $2";
            let taken = fetch_one(change.connection(), sql, |values| {
                values.text(&id.0.to_string()).text(&group.name)
            });
            if taken.await?.is_some() {
                return Err(exists("sharing group", &group.name));
            }
            let sql = "INSERT INTO sharing_groups (id, name, created) VALUES ($1, $2, $3)";
            execute(change.connection(), sql, |values| {
                values
                    .text(&id.0.to_string())
                    .text(&group.name)
                    .int(group.created)
            })
            .await?;
            change.commit().await?;
            Ok(group)
        })
        .await
    }

    /// Puts an organisation into a sharing group.
    ///
    /// # Errors
    /// Where there is no such group or organisation, or the database fails.
    pub async fn add_member(&self, group: SharingGroup, organisation: Organisation) -> Result<(), Error> {
        self.to_the_end(move |store| async move {
            let mut change = store.change_parties().await?;
            check_group(change.connection(), group).await?;
            check_organisation(change.connection(), &store, organisation).await?;
            let sql = "INSERT INTO group_members (sharing_group, organisation) VALUES ($1, $2) \
                       ON CONFLICT (sharing_group, organisation) DO NOTHING";
            execute(change.connection(), sql, |values| {
                values
                    .text(&group.0.to_string())
                    .text(&organisation.0.to_string())
            })
            .await?;
            change.commit().await
        })
        .await
    }

    /// Takes an organisation out of a sharing group.
    ///
    /// # Errors
    /// Where it is not in it, or the database fails.
    pub async fn remove_member(&self, group: SharingGroup, organisation: Organisation) -> Result<(), Error> {
        self.to_the_end(move |store| async move {
            let mut change = store.change_parties().await?;
            let sql = "DELETE FROM group_members WHERE sharing_group = $1 AND organisation = $2";
            let gone = execute(change.connection(), sql, |values| {
                values
                    .text(&group.0.to_string())
                    .text(&organisation.0.to_string())
            });
            if gone.await? == 0 {
                return Err(missing("member", organisation.0));
            }
            change.commit().await
        })
        .await
    }

    /// Removes a sharing group. What was meant for it reaches none of its members by it any more.
    ///
    /// # Errors
    /// Where there is no such group, or the database fails.
    pub async fn remove_group(&self, group: SharingGroup) -> Result<(), Error> {
        self.to_the_end(move |store| async move {
            let mut change = store.change_parties().await?;
            check_group(change.connection(), group).await?;
            for sql in [
                "DELETE FROM group_members WHERE sharing_group = $1",
                "DELETE FROM sharing_groups WHERE id = $1",
            ] {
                execute(change.connection(), sql, |values| {
                    values.text(&group.0.to_string())
                })
                .await?;
            }
            change.commit().await
        })
        .await
    }
}

async fn check_group(connection: &mut AnyConnection, group: SharingGroup) -> Result<(), Error> {
    let sql = "SELECT 1 FROM sharing_groups WHERE id = $1";
    let row = fetch_one(connection, sql, |values| values.text(&group.0.to_string())).await?;
    row.map(|_| ()).ok_or_else(|| missing("sharing group", group.0))
}
