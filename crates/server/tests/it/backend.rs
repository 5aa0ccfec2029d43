//! The databases that the tests run over.

use std::sync::Arc;

use perisai_app::NodeSettings;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use uuid::Uuid;

/// Where `cargo xtask test` says that a PostgreSQL runs: the URL of a database in which databases can be made.
const POSTGRES: &str = "PERISAI_TEST_POSTGRES";

/// A place for a store, empty at first, that goes when it is dropped.
pub(crate) struct Backend {
    pub(crate) name: &'static str,
    database: Option<String>,
    /// A node that was started over it keeps it, too.
    pub(crate) folder: Arc<TempDir>,
}

impl Backend {
    /// The name of its database in PostgreSQL.
    pub(crate) fn database_name(&self) -> &str {
        let url = self.database.as_deref().unwrap_or_default();
        let path = url.split('?').next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    }

    /// Lets a node look for PostgreSQL's socket in a folder; gives the one where it is. `None` where it is asked over TCP.
    pub(crate) fn through(&mut self, folder: &std::path::Path) -> Option<std::path::PathBuf> {
        let url = self.database.as_mut()?;
        let (_, query) = url.split_once('?')?;
        let host = query
            .split('&')
            .find_map(|part| part.strip_prefix("host="))?
            .to_owned();
        if !host.starts_with('/') {
            return None;
        }
        *url = url.replacen(&host, folder.to_str()?, 1);
        Some(host.into())
    }

    /// Those of a node that keeps all there.
    pub(crate) fn settings(&self) -> NodeSettings {
        NodeSettings {
            data: self.folder.path().join("node"),
            database: self.database.clone(),
            ..NodeSettings::default()
        }
    }
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
        database: Some(url.replacen("/postgres?", &format!("/{name}?"), 1)),
        folder: Arc::new(TempDir::new().unwrap()),
    });
    all
}

/// An SQLite.
pub(crate) fn sqlite() -> Backend {
    Backend {
        name: "SQLite",
        database: None,
        folder: Arc::new(TempDir::new().unwrap()),
    }
}
