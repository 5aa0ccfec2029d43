//! Who is logged in. A session ends at a time that is set when it begins, and earlier where it is not used.

use perisai_model::Person;
use sqlx::Row;

use super::secret::random;
use super::{Fingerprint, User, missing, users};
use crate::parties::uuid;
use crate::sql::{execute, fetch_one};
use crate::store::now;
use crate::{Error, Store};

/// A session, without its secret. `Debug` tells nothing of what proves it.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// The SHA-256 of its secret.
    pub digest: Fingerprint,
    /// Whose it is.
    pub user: User,
    /// What requests that change something must repeat.
    pub csrf: String,
    /// When it ends at the latest, in microseconds since 1970.
    pub expires: i64,
    /// When it was last used, give or take a minute.
    pub used: i64,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// A session that was just opened.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// What is kept of it.
    pub session: Session,
    /// What the cookie says: 64 hexadecimal digits.
    pub secret: String,
}

/// How long a session lasts at most, in microseconds: half a day.
const ABSOLUTE: i64 = 12 * 3600 * 1_000_000;

/// How long a session lasts that is not used, in microseconds: an hour.
const IDLE: i64 = 3600 * 1_000_000;

/// How often the use of a session is written down at most, in microseconds.
const NOTED: i64 = 60_000_000;

/// How many sessions a person has at a time; the oldest ends where one more begins.
const SESSIONS: i64 = 20;

impl Store {
    /// Opens a session for a person, whose proof the caller has seen.
    ///
    /// # Errors
    /// Where there is no such person, or they are disabled; or the database fails.
    pub async fn open_session(&self, person: Person) -> Result<Opened, Error> {
        self.to_the_end(move |store| async move {
            let _writer = store.writer().await;
            let mut transaction = store.begin().await?;
            let user = users::find(&mut transaction, person).await?;
            let user = user.filter(|user| !user.is_disabled);
            let user = user.ok_or_else(|| missing("user", person.0))?;
            let (now, secret) = (now(), random::<32>());
            let session = Session {
                digest: Fingerprint::of(secret.as_bytes()),
                user,
                csrf: random::<32>(),
                expires: now + ABSOLUTE,
                used: now,
            };
            let sql = "DELETE FROM sessions WHERE expires <= $1 OR used <= $2";
            execute(&mut transaction, sql, |values| values.int(now).int(now - IDLE)).await?;
            let sql = "DELETE FROM sessions WHERE person = $1 AND digest NOT IN \
                       (SELECT digest FROM sessions WHERE person = $1 ORDER BY created DESC, digest LIMIT $2)";
            execute(&mut transaction, sql, |values| {
                values.text(&person.0.to_string()).int(SESSIONS - 1)
            })
            .await?;
            let sql = "INSERT INTO sessions (digest, person, csrf, created, expires, used) \
                       VALUES ($1, $2, $3, $4, $5, $6)";
            execute(&mut transaction, sql, |values| {
                let values = values.text(&session.digest.to_string()).text(&person.0.to_string());
                values.text(&session.csrf).int(now).int(session.expires).int(now)
            })
            .await?;
            transaction.commit().await?;
            Ok(Opened { session, secret })
        })
        .await
    }

    /// The session that a secret is, where it has not ended and its person is not disabled.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn session_of(&self, secret: &str) -> Result<Option<Session>, Error> {
        let digest = Fingerprint::of(secret.as_bytes());
        let mut connection = self.reader().await?;
        let sql = "SELECT person, csrf, expires, used FROM sessions WHERE digest = $1";
        let row = fetch_one(&mut connection, sql, |values| values.text(&digest.to_string())).await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let (now, expires, used) = (now(), row.try_get::<i64, _>(2)?, row.try_get::<i64, _>(3)?);
        if now >= expires || now >= used.saturating_add(IDLE) {
            return Ok(None);
        }
        let user = users::find(&mut connection, Person(uuid(&row, 0)?)).await?;
        let Some(user) = user.filter(|user| !user.is_disabled) else {
            return Ok(None);
        };
        let csrf = row.try_get(1)?;
        Ok(Some(Session {
            digest,
            user,
            csrf,
            expires,
            used,
        }))
    }

    /// Writes down that a session was used now, where that was not done in the last minute.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn keep_session(&self, session: &Session) -> Result<(), Error> {
        let now = now();
        if now - session.used < NOTED {
            return Ok(());
        }
        let digest = session.digest;
        self.to_the_end(move |store| async move {
            let _writer = store.writer().await;
            let mut transaction = store.begin().await?;
            let sql = "UPDATE sessions SET used = $1 WHERE digest = $2";
            execute(&mut transaction, sql, |values| {
                values.int(now).text(&digest.to_string())
            })
            .await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// Ends a session.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn close_session(&self, digest: Fingerprint) -> Result<(), Error> {
        self.to_the_end(move |store| async move {
            let _writer = store.writer().await;
            let mut transaction = store.begin().await?;
            let sql = "DELETE FROM sessions WHERE digest = $1";
            execute(&mut transaction, sql, |values| values.text(&digest.to_string())).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }
}
