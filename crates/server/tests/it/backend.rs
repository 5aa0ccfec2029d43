//! The databases that the tests run over.

use perisai_store::Location;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use uuid::Uuid;

/// Where `cargo xtask test` says that a PostgreSQL runs: the URL of a database in which databases can be made.
const POSTGRES: &str = "PERISAI_TEST_POSTGRES";

/// A place for a store, empty at first, that goes when it is dropped.
pub(crate) struct Backend {
    pub(crate) name: &'static str,
    pub(crate) location: Location,
    _folder: Option<TempDir>,
}

/// One of each database there is.
pub(crate) async fn backends() -> Vec<Backend> {
    let mut all = vec![sqlite()];
    let Ok(url) = std::env::var(POSTGRES) else {
        eprintln!("no PostgreSQL here ({POSTGRES} is not set): only SQLite is tested");
        return all;
    };
    let name = format!("t{}", Uuid::new_v4().simple());
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let sql = format!("CREATE DATABASE {name}");
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await
        .unwrap();
    all.push(Backend {
        name: "PostgreSQL",
        location: Location::Postgres(url.replacen("/postgres?", &format!("/{name}?"), 1)),
        _folder: None,
    });
    all
}

/// An SQLite.
pub(crate) fn sqlite() -> Backend {
    let folder = TempDir::new().unwrap();
    Backend {
        name: "SQLite",
        location: Location::Folder(folder.path().join("node")),
        _folder: Some(folder),
    }
}
