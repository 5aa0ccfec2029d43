//! People.

use perisai_model::{Organisation, Person};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{check_organisation, exists, missing, name, rows};
use crate::known::flag;
use crate::parties::uuid;
use crate::sql::{execute, fetch, fetch_one};
use crate::store::now;
use crate::{Error, Store};

/// A person. `Debug` tells no hash.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// Which: the UUID of their STIX identity.
    pub id: Person,
    /// The name by which they log in, which is unique.
    pub name: String,
    /// Whose they are.
    pub organisation: Organisation,
    /// What they may do: a word that the server knows.
    pub role: String,
    /// What the caller made of their pass-phrase; without one they can have tokens only.
    pub pass_phrase: Option<String>,
    /// They take RED that names nobody.
    pub reads_red: bool,
    /// Nothing by which they are known counts.
    pub is_disabled: bool,
    /// Since when they are known, in microseconds since 1970.
    pub created: i64,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("organisation", &self.organisation)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// What is said of a person who is new.
#[derive(Clone, PartialEq, Eq)]
pub struct NewUser {
    /// Which.
    pub id: Person,
    /// The name by which they log in.
    pub name: String,
    /// Whose they are.
    pub organisation: Organisation,
    /// What they may do.
    pub role: String,
    /// What the caller made of their pass-phrase.
    pub pass_phrase: Option<String>,
    /// They take RED that names nobody.
    pub reads_red: bool,
}

/// What changes of a person; `None`: nothing.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    /// The name by which they log in.
    pub name: Option<String>,
    /// What they may do.
    pub role: Option<String>,
    /// What the caller made of a new pass-phrase; whoever is logged in as them is no longer.
    pub pass_phrase: Option<String>,
    /// They take RED that names nobody.
    pub reads_red: Option<bool>,
    /// Nothing by which they are known counts.
    pub is_disabled: Option<bool>,
}

impl User {
    fn read(row: &AnyRow) -> Result<Self, Error> {
        Ok(Self {
            id: Person(uuid(row, 0)?),
            name: row.try_get(1)?,
            organisation: Organisation(uuid(row, 2)?),
            role: row.try_get(3)?,
            pass_phrase: row.try_get(4)?,
            reads_red: flag(row, 5)?,
            is_disabled: flag(row, 6)?,
            created: row.try_get(7)?,
        })
    }
}

/// The columns that [`User::read`] takes.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, organisation, role, pass_phrase, reads_red, is_disabled, created FROM users ",
            $rest
        )
    };
}

impl Store {
    /// The people, by name: those after a name, as many as asked for and a thousand at most.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn users(&self, after: Option<&str>, limit: usize) -> Result<Vec<User>, Error> {
        let sql = select!("WHERE name > $1 ORDER BY name LIMIT $2");
        let mut connection = self.reader().await?;
        let all = fetch(&mut connection, sql, |values| {
            values.text(after.unwrap_or_default()).int(rows(limit))
        });
        all.await?.iter().map(User::read).collect()
    }

    /// A person.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn user(&self, id: Person) -> Result<Option<User>, Error> {
        find(&mut *self.reader().await?, id).await
    }

    /// The person who logs in by a name.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn user_named(&self, name: &str) -> Result<Option<User>, Error> {
        let sql = select!("WHERE name = $1");
        let mut connection = self.reader().await?;
        let row = fetch_one(&mut connection, sql, |values| values.text(name)).await?;
        row.as_ref().map(User::read).transpose()
    }

    /// Adds a person.
    ///
    /// # Errors
    /// Where their id or name is taken, their organisation is not known, or the database fails.
    pub async fn add_user(&self, new: NewUser) -> Result<User, Error> {
        let user = User {
            id: new.id,
            name: name("user", &new.name)?,
            organisation: new.organisation,
            role: new.role,
            pass_phrase: new.pass_phrase,
            reads_red: new.reads_red,
            is_disabled: false,
            created: now(),
        };
        self.to_the_end(|store| async move {
            let mut change = store.change_parties().await?;
            check_organisation(change.connection(), &store, user.organisation).await?;
            if find(change.connection(), user.id).await?.is_some() {
                return Err(exists("user", user.id.0));
            }
            check_name(change.connection(), &user).await?;
            write(change.connection(), &user).await?;
            change.commit().await?;
            Ok(user)
        })
        .await
    }

    /// Changes a person.
    ///
    /// # Errors
    /// Where there is none of that id, their new name is taken, or the database fails.
    pub async fn change_user(&self, id: Person, changed: UserChange) -> Result<User, Error> {
        let new_name = changed.name.as_deref().map(|one| name("user", one)).transpose()?;
        self.to_the_end(move |store| async move {
            let mut change = store.change_parties().await?;
            let found = find(change.connection(), id).await?;
            let mut user = found.ok_or_else(|| missing("user", id.0))?;
            let ends_sessions = changed.pass_phrase.is_some() || changed.is_disabled == Some(true);
            user.name = new_name.unwrap_or(user.name);
            user.role = changed.role.unwrap_or(user.role);
            user.pass_phrase = changed.pass_phrase.or(user.pass_phrase);
            user.reads_red = changed.reads_red.unwrap_or(user.reads_red);
            user.is_disabled = changed.is_disabled.unwrap_or(user.is_disabled);
            check_name(change.connection(), &user).await?;
            write(change.connection(), &user).await?;
            if ends_sessions {
                let sql = "DELETE FROM sessions WHERE person = $1";
                execute(change.connection(), sql, |values| values.text(&id.0.to_string())).await?;
            }
            change.commit().await?;
            Ok(user)
        })
        .await
    }

    /// Removes a person, and all by which they are known.
    ///
    /// # Errors
    /// Where there is none of that id, or the database fails.
    pub async fn remove_user(&self, id: Person) -> Result<(), Error> {
        self.to_the_end(move |store| async move {
            let mut change = store.change_parties().await?;
            if find(change.connection(), id).await?.is_none() {
                return Err(missing("user", id.0));
            }
            for sql in [
                "DELETE FROM sessions WHERE person = $1",
                "DELETE FROM tokens WHERE person = $1",
                "DELETE FROM users WHERE id = $1",
                "INSERT INTO former_parties (id) VALUES ($1) ON CONFLICT (id) DO NOTHING",
            ] {
                execute(change.connection(), sql, |values| values.text(&id.0.to_string())).await?;
            }
            change.commit().await
        })
        .await
    }
}

pub(super) async fn find(connection: &mut AnyConnection, id: Person) -> Result<Option<User>, Error> {
    let sql = select!("WHERE id = $1");
    let row = fetch_one(connection, sql, |values| values.text(&id.0.to_string())).await?;
    row.as_ref().map(User::read).transpose()
}

async fn check_name(connection: &mut AnyConnection, user: &User) -> Result<(), Error> {
    let sql = "SELECT 1 FROM users WHERE name = $1 AND id <> $2";
    let row = fetch_one(connection, sql, |values| {
        values.text(&user.name).text(&user.id.0.to_string())
    });
    row.await?.map_or(Ok(()), |_| Err(exists("user", &user.name)))
}

async fn write(connection: &mut AnyConnection, user: &User) -> Result<(), Error> {
    let sql = "INSERT INTO users (id, name, organisation, role, pass_phrase, reads_red, is_disabled, created) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
               ON CONFLICT (id) DO UPDATE SET name = excluded.name, organisation = excluded.organisation, \
               role = excluded.role, pass_phrase = excluded.pass_phrase, reads_red = excluded.reads_red, \
               is_disabled = excluded.is_disabled";
    execute(connection, sql, |values| {
        let values = values.text(&user.id.0.to_string()).text(&user.name);
        let values = values.text(&user.organisation.0.to_string()).text(&user.role);
        let values = values
            .maybe_text(user.pass_phrase.as_deref())
            .int(user.reads_red.into());
        values.int(user.is_disabled.into()).int(user.created)
    })
    .await?;
    Ok(())
}
