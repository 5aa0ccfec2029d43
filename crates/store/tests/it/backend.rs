//! The databases that the tests run over.

use perisai_store::{Location, Store};
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

impl Backend {
    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.location).await.unwrap()
    }
}

/// One of each database there is.
pub(crate) async fn backends() -> Vec<Backend> {
    let folder = TempDir::new().unwrap();
    let mut all = vec![Backend {
        name: "SQLite",
        location: Location::Folder(folder.path().join("node")),
        _folder: Some(folder),
    }];
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

/// Opens a store that was open before, and may still be closing.
pub(crate) async fn again(backend: &Backend) -> Store {
    for _ in 0..100 {
        match Store::open(&backend.location).await {
            Ok(store) => return store,
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    }
    backend.open().await
}
