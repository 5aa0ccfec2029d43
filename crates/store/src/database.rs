//! Opening a database: SQLite in a folder, or PostgreSQL; who may write; the schema.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use sqlx::any::AnyPoolOptions;
use sqlx::{AnyConnection, AnyPool, Connection, Row};

use crate::place::Place;
use crate::sql::{execute, fetch_one, for_backend, statements};
use crate::{Error, facts};

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// SQLite files in a folder, which is made where it is missing.
    Folder(PathBuf),
    /// A database of PostgreSQL: `postgres://…`.
    Postgres(String),
}

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

/// The versions of the schema, oldest first: a migration each.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/main.sql"),
    include_str!("schema/peers.sql"),
    include_str!("schema/matching.sql"),
    include_str!("schema/hearsay.sql"),
    include_str!("schema/sides.sql"),
    include_str!("schema/apart.sql"),
    include_str!("schema/requery.sql"),
];

const AUDIT: &str = include_str!("schema/audit.sql");

const DERIVED: &str = include_str!("schema/derived.sql");

/// Changes with `derived.sql`, and with what is put into its tables.
const DERIVED_VERSION: i64 = 3;

/// How many connections read at a time.
const READERS: u32 = 4;

/// How long to wait for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// What PostgreSQL knows the writer's lock by: `perisai` in ASCII.
const LOCK: i64 = 0x70_65_72_69_73_61_69;

/// A database that is open.
pub(crate) struct Database {
    pub(crate) backend: Backend,
    pub(crate) readers: AnyPool,
    /// One connection: there is one writer.
    pub(crate) writer: AnyPool,
    /// One connection, which fills the derived tables.
    pub(crate) folder: AnyPool,
    /// One connection, for the audit chain.
    pub(crate) audit: AnyPool,
    /// Held as long as the store is open.
    _lock: Option<File>,
}

impl Database {
    /// Opens it, alone, and brings its schema up to date. Nothing is made in one that is not the place's.
    pub(crate) async fn open(location: &Location, place: Option<&Place>) -> Result<Self, Error> {
        sqlx::any::install_default_drivers();
        let database = match location {
            Location::Folder(folder) => Self::sqlite(folder).await?,
            Location::Postgres(url) => Self::postgres(url).await?,
        };
        let mut connection = database.writer.acquire().await?;
        if let Some(place) = place {
            // The table is missing in an empty database.
            let found = facts::get(&mut connection, facts::OWN).await;
            place.check(
                match found {
                    Err(Error::Database(_)) => None,
                    found => found?,
                }
                .as_deref(),
            )?;
        }
        migrate(&mut connection, database.backend).await?;
        if derived_version(&mut connection).await != Some(DERIVED_VERSION) {
            make_derived(&mut connection, database.backend).await?;
        }
        drop(connection);
        let mut connection = database.audit.acquire().await?;
        run_all(&mut connection, &for_backend(AUDIT, database.backend)).await?;
        drop(connection);
        Ok(database)
    }

    async fn sqlite(folder: &Path) -> Result<Self, Error> {
        let lock = lock(folder)?;
        for name in ["perisai.db", "derived.db", "audit.db"] {
            make_private(&folder.join(name))?;
        }
        let url = sqlite_url(&folder.join("perisai.db"));
        let derived: Arc<str> = folder.join("derived.db").to_string_lossy().into();
        let pool = |connections, cache| sqlite_pool(connections, cache, Arc::clone(&derived));
        let writer = pool(1, WRITER_CACHE).connect(&url).await?;
        let folder_pool = pool(1, FOLDER_CACHE).connect_lazy(&url)?;
        let readers = pool(READERS, READER_CACHE).connect_lazy(&url)?;
        Ok(Self {
            backend: Backend::Sqlite,
            readers,
            writer,
            folder: folder_pool,
            audit: audit_pool(&sqlite_url(&folder.join("audit.db")))?,
            _lock: Some(lock),
        })
    }

    async fn postgres(url: &str) -> Result<Self, Error> {
        let pool = || AnyPoolOptions::new().acquire_timeout(PATIENCE);
        let writer = pool()
            .max_connections(1)
            .after_connect(|connection, _| Box::pin(take_lock(connection)));
        Ok(Self {
            backend: Backend::Postgres,
            folder: pool().max_connections(1).connect_lazy(url)?,
            audit: pool().max_connections(1).connect_lazy(url)?,
            readers: pool().max_connections(READERS).connect_lazy(url)?,
            writer: writer.connect(url).await.map_err(|error| match error {
                sqlx::Error::Protocol(told) if told == TAKEN => Error::InUse("the database".to_owned()),
                error => error.into(),
            })?,
            _lock: None,
        })
    }

    /// Empties the derived tables.
    pub(crate) async fn clear_derived(&self) -> Result<(), Error> {
        let mut connection = self.writer.acquire().await?;
        make_derived(&mut connection, self.backend).await
    }
}

/// What the writer's connection is told where another has the lock.
const TAKEN: &str = "the lock is taken";

async fn take_lock(connection: &mut AnyConnection) -> sqlx::Result<()> {
    let row = fetch_one(connection, "SELECT pg_try_advisory_lock($1)", |values| {
        values.int(LOCK)
    });
    match row.await?.map(|row| row.try_get::<bool, _>(0)).transpose()? {
        Some(true) => Ok(()),
        _ => Err(sqlx::Error::Protocol(TAKEN.to_owned())),
    }
}

fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join("node.lock");
    let told = |source| Error::File {
        path: path.clone(),
        source,
    };
    make_folder(folder)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(told)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse(folder.display().to_string())),
        Err(TryLockError::Error(source)) => Err(told(source)),
    }
}

/// Makes a folder that only its owner may read, where there is none.
///
/// # Errors
/// Where it cannot be made.
pub fn make_folder(folder: &Path) -> Result<(), Error> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|source| Error::File {
        path: folder.to_owned(),
        source,
    })
}

/// Makes a file that only its owner may read, where there is none: the folder may be one that others read. What SQLite puts
/// beside a database has the mode of the database.
fn make_private(path: &Path) -> Result<(), Error> {
    let mut options = File::options();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let made = options.open(path).map(drop);
    made.map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })
}

fn sqlite_url(path: &Path) -> String {
    const ODD: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(b'?').add(b'#');
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let text = path.to_string_lossy();
    format!("sqlite://{}?mode=rwc", utf8_percent_encode(&text, ODD))
}

/// How many MiB of pages a connection to SQLite keeps: of the objects, and of what is derived.
#[derive(Debug, Clone, Copy)]
struct Cache {
    objects: u32,
    derived: u32,
}

const WRITER_CACHE: Cache = Cache {
    objects: 8,
    derived: 1,
};

const FOLDER_CACHE: Cache = Cache {
    objects: 2,
    derived: 16,
};

const READER_CACHE: Cache = Cache {
    objects: 2,
    derived: 4,
};

fn sqlite_pool(connections: u32, cache: Cache, derived: Arc<str>) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(move |connection, _| {
            let derived = Arc::clone(&derived);
            Box::pin(async move { prepare_sqlite(connection, cache, &derived).await })
        })
}

/// The connection of the audit chain in SQLite.
fn audit_pool(url: &str) -> Result<AnyPool, Error> {
    let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -1024";
    let pool = AnyPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(|connection, _| Box::pin(run_all(connection, settings)));
    Ok(pool.connect_lazy(url)?)
}

/// What is confirmed survives a power cut in the main file; the derived one may lose its last seconds.
async fn prepare_sqlite(connection: &mut AnyConnection, cache: Cache, derived: &str) -> sqlx::Result<()> {
    execute(connection, "ATTACH $1 AS derived", |values| values.text(derived)).await?;
    let settings = format!(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA cache_size = -{};
         PRAGMA wal_autocheckpoint = 16000;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA temp_store = MEMORY;
         PRAGMA derived.journal_mode = WAL;
         PRAGMA derived.synchronous = NORMAL;
         PRAGMA derived.cache_size = -{};
         PRAGMA derived.journal_size_limit = 67108864",
        cache.objects * 1024,
        cache.derived * 1024,
    );
    run_all(connection, &settings).await
}

async fn run_all(connection: &mut AnyConnection, text: &str) -> sqlx::Result<()> {
    for statement in statements(text) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// The number of the newest schema.
pub(crate) fn newest_schema() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Runs the migrations that are missing, each in a transaction of its own.
async fn migrate(connection: &mut AnyConnection, backend: Backend) -> Result<(), Error> {
    // The table is missing in an empty database.
    let found = fetch_one(
        connection,
        "SELECT value FROM facts WHERE name = 'schema'",
        |values| values,
    )
    .await;
    let found: i64 = match found {
        Ok(Some(row)) => row
            .try_get::<String, _>(0)?
            .parse()
            .map_err(|_| Error::Damaged("its schema has no number".to_owned()))?,
        Ok(None) => 0,
        Err(sqlx::Error::Database(_)) => 0,
        Err(error) => return Err(error.into()),
    };
    let known = newest_schema();
    if found > known {
        return Err(Error::Newer { found, known });
    }
    for (number, text) in (1..).zip(MIGRATIONS).filter(|(number, _)| *number > found) {
        let mut transaction = connection.begin().await?;
        run_all(&mut transaction, &for_backend(text, backend)).await?;
        let sql = "INSERT INTO facts (name, value) VALUES ('schema', $1) \
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        execute(&mut transaction, sql, |values| values.text(&number.to_string())).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// The version of the derived tables; `None` where there are none.
async fn derived_version(connection: &mut AnyConnection) -> Option<i64> {
    let sql = "SELECT value FROM derived.state WHERE name = 'schema'";
    let row = fetch_one(connection, sql, |values| values).await.ok().flatten()?;
    row.try_get(0).ok()
}

async fn make_derived(connection: &mut AnyConnection, backend: Backend) -> Result<(), Error> {
    let mut transaction = connection.begin().await?;
    let drop = match backend {
        Backend::Sqlite => {
            "DROP TABLE IF EXISTS derived.state; DROP TABLE IF EXISTS derived.ids;
             DROP TABLE IF EXISTS derived.documents; DROP TABLE IF EXISTS derived.observables;
             DROP TABLE IF EXISTS derived.edges; DROP TABLE IF EXISTS derived.words"
        }
        Backend::Postgres => "DROP SCHEMA IF EXISTS derived CASCADE; CREATE SCHEMA derived",
    };
    run_all(&mut transaction, drop).await?;
    run_all(&mut transaction, &for_backend(DERIVED, backend)).await?;
    let sql = "INSERT INTO derived.state (name, value) VALUES ('schema', $1)";
    execute(&mut transaction, sql, |values| values.int(DERIVED_VERSION)).await?;
    transaction.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_paths_are_written_as_urls() {
        assert_eq!(
            sqlite_url(Path::new("/a b/c%d?e")),
            "sqlite:///a%20b/c%25d%3Fe?mode=rwc"
        );
    }
}
