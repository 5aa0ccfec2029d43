//! What can go wrong with a store.

use std::path::PathBuf;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process has the store.
    #[error("{0} is in use by another node: stop it first, or talk to it")]
    InUse(String),
    /// It was made by a newer version of Perisai.
    #[error("the store is of a newer version ({found}, this one knows {known}): use that version of Perisai")]
    Newer {
        /// The version of its schema.
        found: i64,
        /// The newest that is known here.
        known: i64,
    },
    /// The node of a folder is in another database.
    #[error("{folder}: {told}")]
    Elsewhere {
        /// The folder.
        folder: PathBuf,
        /// Where its node is.
        told: String,
    },
    /// A file or folder cannot be used.
    #[error("cannot use {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// There is no room left, or none that may be used.
    #[error("the disk is full, or cannot be written: nothing of this was stored")]
    Full,
    /// The database cannot be reached, or did not answer.
    #[error("the database does not answer: nothing of this was confirmed")]
    Unavailable(#[source] sqlx::Error),
    /// The database refused.
    #[error("the database refused")]
    Database(#[source] sqlx::Error),
    /// What was named does not exist.
    #[error("there is no {what} `{name}`")]
    Missing {
        /// What kind of thing.
        what: &'static str,
        /// Its name or id.
        name: String,
    },
    /// Something of that name exists.
    #[error("there is {} {what} `{name}` already", article(what))]
    Exists {
        /// What kind of thing.
        what: &'static str,
        /// Its name or id.
        name: String,
    },
    /// What was to be done could not be written down, so it is not done.
    #[error("the audit chain cannot be written: {0}")]
    Audit(String),
    /// What was asked for cannot be.
    #[error("{what}: {why}")]
    Invalid {
        /// Of what kind of thing.
        what: &'static str,
        /// Why not.
        why: &'static str,
    },
    /// A backup cannot be made or read.
    #[error("the backup: {0}")]
    Backup(String),
    /// The store holds what no version of Perisai writes.
    #[error("the store is damaged: {0}")]
    Damaged(String),
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o']) {
        "an"
    } else {
        "a"
    }
}

/// SQLite's code for a full disk, and for one that takes nothing more for another reason, such as a quota.
const SQLITE_FULL: &str = "13";
const SQLITE_IOERR_WRITE: &str = "778";

/// PostgreSQL's code for a full disk.
const POSTGRES_FULL: &str = "53100";

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(told) => match told.code().as_deref() {
                Some(SQLITE_FULL | SQLITE_IOERR_WRITE | POSTGRES_FULL) => Self::Full,
                // Connection exceptions, operator intervention (shutdown), SQLite's busy and locked.
                Some(code) if code.starts_with("08") || code.starts_with("57P") => Self::Unavailable(error),
                Some("5" | "6") => Self::Unavailable(error),
                _ => Self::Database(error),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            // Half an answer, where a connection was cut.
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error),
            _ => Self::Database(error),
        }
    }
}

impl Error {
    /// Whether the same may succeed later.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Full | Self::Unavailable(_) | Self::Audit(_) | Self::InUse(_)
        )
    }
}
