//! Who is who: organisations, the groups in which they share, people, and by what they are known: tokens, certificates,
//! sessions. What each may do is decided by whoever asks; here it is only kept.
//!
//! Secrets are never stored: a token and a session are known by their SHA-256, a pass-phrase by what the caller made of
//! it.

mod certificates;
mod change;
mod groups;
mod organisations;
mod secret;
mod sessions;
mod tokens;
mod users;

use perisai_model::Organisation;
use sqlx::AnyConnection;

use crate::sql::fetch_one;
use crate::{Error, Store};

pub use certificates::{Certificate, NewCertificate};
pub use groups::Group;
pub use organisations::{OrganisationChange, Party};
pub use secret::Fingerprint;
pub use sessions::{Opened, Session};
pub use tokens::{Issued, NewToken, Token};
pub use users::{NewUser, User, UserChange};

/// The longest name, in bytes.
const NAME: usize = 200;

/// The most rows of one answer.
const ROWS: usize = 1000;

/// A name that can be stored, or why not.
pub(crate) fn name(what: &'static str, name: &str) -> Result<String, Error> {
    let trimmed = name.trim();
    let is_odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if trimmed.is_empty() || trimmed.len() > NAME || trimmed.chars().any(is_odd) {
        return Err(Error::Invalid {
            what,
            why: "a name has 1 to 200 bytes and no control characters",
        });
    }
    Ok(trimmed.to_owned())
}

fn missing(what: &'static str, name: impl ToString) -> Error {
    Error::Missing {
        what,
        name: name.to_string(),
    }
}

fn exists(what: &'static str, name: impl ToString) -> Error {
    Error::Exists {
        what,
        name: name.to_string(),
    }
}

/// How many rows an answer has, of as many as were asked for.
fn rows(limit: usize) -> i64 {
    i64::try_from(limit.clamp(1, ROWS)).unwrap_or(1)
}

/// Refuses an organisation that is not known.
async fn check_organisation(
    connection: &mut AnyConnection,
    store: &Store,
    organisation: Organisation,
) -> Result<(), Error> {
    if organisation == store.own() {
        return Ok(());
    }
    let sql = "SELECT 1 FROM organisations WHERE id = $1";
    let row = fetch_one(connection, sql, |values| values.text(&organisation.0.to_string())).await?;
    row.map(|_| ())
        .ok_or_else(|| missing("organisation", organisation.0))
}

impl Store {
    /// Does something to its end, even where the caller goes away.
    async fn to_the_end<T, F>(&self, work: impl FnOnce(Self) -> F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let task = tokio::spawn(work(self.clone()));
        task.await
            .map_err(|error| Error::Damaged(format!("a change ended early: {error}")))?
    }
}
