//! Keys of programs: `prs_<id>_<secret>`, 12 and 64 hexadecimal digits. The beginning makes one that leaked easy to
//! search for; the id is no secret and names it in lists. Only the SHA-256 of the whole is kept: 256 random bits need
//! nothing slower.

use perisai_model::{Organisation, Person};
use sqlx::Row;
use sqlx::any::AnyRow;
use subtle::ConstantTimeEq;

use super::secret::random;
use super::{Fingerprint, check_organisation, missing, name, rows, users};
use crate::parties::uuid;
use crate::sql::{execute, fetch, fetch_one};
use crate::store::now;
use crate::{Error, Store};

/// A key of a program, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Which: twelve hexadecimal digits.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Whose it is.
    pub organisation: Organisation,
    /// The person who has it for themselves; `None`: a program of the organisation.
    pub person: Option<Person>,
    /// What it may do: a word that the server knows.
    pub role: String,
    /// To what it is narrowed; all that the role may where it is empty.
    pub scope: Vec<String>,
    /// When it was made, in microseconds since 1970.
    pub created: i64,
    /// From when on it does not count.
    pub expires: Option<i64>,
    /// When it was last used, give or take a minute.
    pub used: Option<i64>,
    /// When it was revoked.
    pub revoked: Option<i64>,
}

/// What is said of a token that is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// Whose it is.
    pub organisation: Organisation,
    /// The person who has it for themselves, of the same organisation.
    pub person: Option<Person>,
    /// What it may do.
    pub role: String,
    /// To what it is narrowed.
    pub scope: Vec<String>,
    /// From when on it does not count, in microseconds since 1970.
    pub expires: Option<i64>,
}

/// A token that was just made. `Debug` does not tell its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Issued {
    /// What is kept of it.
    pub token: Token,
    /// The whole, to be shown once.
    pub secret: String,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued")
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

/// How often the use of a token is written down at most, in microseconds.
const NOTED: i64 = 60_000_000;

impl Token {
    fn read(row: &AnyRow) -> Result<Self, Error> {
        let person: Option<String> = row.try_get(3)?;
        let scope: String = row.try_get(5)?;
        Ok(Self {
            id: row.try_get(0)?,
            name: row.try_get(1)?,
            organisation: Organisation(uuid(row, 2)?),
            person: person.map(|_| uuid(row, 3).map(Person)).transpose()?,
            role: row.try_get(4)?,
            scope: scope.split_whitespace().map(str::to_owned).collect(),
            created: row.try_get(6)?,
            expires: row.try_get(7)?,
            used: row.try_get(8)?,
            revoked: row.try_get(9)?,
        })
    }

    /// Whether it counts at a time, in microseconds since 1970.
    #[must_use]
    pub fn counts_at(&self, time: i64) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| time < expires)
    }
}

/// The columns that [`Token::read`] takes.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, organisation, person, role, scope, created, expires, used, revoked, digest FROM tokens ",
            $rest
        )
    };
}

/// The id in a token, where it has the form of one.
fn id_of(secret: &str) -> Option<&str> {
    let (id, rest) = secret.strip_prefix("prs_")?.split_once('_')?;
    let is_hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    (is_hex(id, 12) && is_hex(rest, 64)).then_some(id)
}

impl Store {
    /// The tokens of an organisation or of a person, or all; by id: those after an id, as many as asked for and a thousand
    /// at most.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn tokens(
        &self,
        organisation: Option<Organisation>,
        person: Option<Person>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Token>, Error> {
        let sql = select!(
            "WHERE id > $1 AND ($2 = '' OR organisation = $2) AND ($3 = '' OR person = $3) ORDER BY id LIMIT $4"
        );
        let mut connection = self.reader().await?;
        let all = fetch(&mut connection, sql, |values| {
            let values = values.text(after.unwrap_or_default());
            let values = values.text(&organisation.map(|one| one.0.to_string()).unwrap_or_default());
            let values = values.text(&person.map(|one| one.0.to_string()).unwrap_or_default());
            values.int(rows(limit))
        });
        all.await?.iter().map(Token::read).collect()
    }

    /// A token by its id.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn token(&self, id: &str) -> Result<Option<Token>, Error> {
        let sql = select!("WHERE id = $1");
        let mut connection = self.reader().await?;
        let row = fetch_one(&mut connection, sql, |values| values.text(id)).await?;
        row.as_ref().map(Token::read).transpose()
    }

    /// The token that a secret is, where it counts: neither expired nor revoked.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn token_of(&self, secret: &str) -> Result<Option<Token>, Error> {
        let Some(id) = id_of(secret) else {
            return Ok(None);
        };
        let sql = select!("WHERE id = $1");
        let row = {
            let mut connection = self.reader().await?;
            fetch_one(&mut connection, sql, |values| values.text(id)).await?
        };
        let Some(row) = row else {
            return Ok(None);
        };
        let kept: String = row.try_get(10)?;
        let given = Fingerprint::of(secret.as_bytes()).to_string();
        let is_it: bool = kept.as_bytes().ct_eq(given.as_bytes()).into();
        let token = Token::read(&row)?;
        Ok((is_it && token.counts_at(now())).then_some(token))
    }

    /// Makes a token.
    ///
    /// # Errors
    /// Where the organisation or the person is not known, or the person is another's; or the database fails.
    pub async fn add_token(&self, new: NewToken) -> Result<Issued, Error> {
        let token = Token {
            id: random::<6>(),
            name: name("token", &new.name)?,
            organisation: new.organisation,
            person: new.person,
            role: new.role,
            scope: new.scope,
            created: now(),
            expires: new.expires,
            used: None,
            revoked: None,
        };
        let secret = format!("prs_{}_{}", token.id, random::<32>());
        let digest = Fingerprint::of(secret.as_bytes()).to_string();
        self.to_the_end(|store| async move {
            let _writer = store.writer().await;
            let mut transaction = store.begin().await?;
            check_organisation(&mut transaction, &store, token.organisation).await?;
            if let Some(person) = token.person {
                let user = users::find(&mut transaction, person).await?;
                user.filter(|user| user.organisation == token.organisation)
                    .ok_or_else(|| missing("user", person.0))?;
            }
            let sql = "INSERT INTO tokens (id, digest, name, organisation, person, role, scope, created, expires) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
            execute(&mut transaction, sql, |values| {
                let person = token.person.map(|person| person.0.to_string());
                let values = values.text(&token.id).text(&digest).text(&token.name);
                let values = values.text(&token.organisation.0.to_string()).maybe_text(person.as_deref());
                let values = values.text(&token.role).text(&token.scope.join(" "));
                values.int(token.created).maybe_int(token.expires)
            })
            .await?;
            transaction.commit().await?;
            Ok(Issued { token, secret })
        })
        .await
    }

    /// Revokes a token. It stays in the list; once revoked it stays so.
    ///
    /// # Errors
    /// Where there is none of that id, or the database fails.
    pub async fn revoke_token(&self, id: &str) -> Result<(), Error> {
        let id = id.to_owned();
        self.to_the_end(|store| async move {
            let _writer = store.writer().await;
            let mut transaction = store.begin().await?;
            let sql = "UPDATE tokens SET revoked = coalesce(revoked, $1) WHERE id = $2";
            if execute(&mut transaction, sql, |values| values.int(now()).text(&id)).await? == 0 {
                return Err(missing("token", id));
            }
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// Writes down that a token was used now, where that was not done in the last minute.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn note_use(&self, token: &Token) -> Result<(), Error> {
        let now = now();
        if token.used.is_some_and(|used| now - used < NOTED) {
            return Ok(());
        }
        let id = token.id.clone();
        self.to_the_end(move |store| async move {
            let _writer = store.writer().await;
            let mut transaction = store.begin().await?;
            let sql = "UPDATE tokens SET used = $1 WHERE id = $2 AND (used IS NULL OR used <= $3)";
            execute(&mut transaction, sql, |values| {
                values.int(now).text(&id).int(now - NOTED)
            })
            .await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }
}
