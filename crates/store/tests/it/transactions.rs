//! What breaks off in the middle is as if it had never begun, and leaves nothing behind in a connection.

use std::time::Duration;

use perisai_model::Tlp;
use perisai_policy::Recipient;
use perisai_store::{Error, Location, Search, Store};
use sqlx::{AnyConnection, Connection};

use crate::backend::{Backend, again, backends};
use crate::sample::{indicator, partner, take};

/// A connection beside the store's: to the file of a name in SQLite.
async fn beside(backend: &Backend, file: &str) -> AnyConnection {
    sqlx::any::install_default_drivers();
    let url = match &backend.location {
        Location::Folder(folder) => format!("sqlite://{}?mode=rwc", folder.join(file).display()),
        Location::Postgres(url) => url.clone(),
    };
    AnyConnection::connect(&url).await.unwrap()
}

/// Runs the statement that is meant for this database.
async fn run(backend: &Backend, file: &str, sqlite: &'static str, postgres: &'static str) {
    let mut connection = beside(backend, file).await;
    let sql = match &backend.location {
        Location::Folder(_) => sqlite,
        Location::Postgres(_) => postgres,
    };
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn found(store: &Store) -> usize {
    let search = Search {
        text: "gate".to_owned(),
        limit: 100,
        ..Search::default()
    };
    while store.fold().await.unwrap() {}
    store
        .view(Recipient::ANYBODY)
        .search(&search)
        .await
        .unwrap()
        .entries
        .len()
}

#[tokio::test]
async fn a_reindex_that_fails_can_be_done_again() {
    for backend in backends().await {
        let store = backend.open().await;
        let source = partner(&store, "a", None).await;
        take(&store, source, None, &[indicator(1, 1, Some(Tlp::Clear))]).await;
        assert_eq!(found(&store).await, 1, "{}", backend.name);
        // The tables before the last are dropped when it fails.
        run(
            &backend,
            "derived.db",
            "DROP TABLE words; CREATE VIEW words AS SELECT 1",
            "CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS \
             'BEGIN RAISE EXCEPTION ''not now''; END'; \
             CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION refuse()",
        )
        .await;
        for _ in 0..2 {
            let error = store.reindex().await.unwrap_err();
            assert!(matches!(error, Error::Database(_)), "{} {error:?}", backend.name);
        }
        // What is written meanwhile is written.
        take(&store, source, None, &[indicator(2, 1, Some(Tlp::Clear))]).await;
        run(
            &backend,
            "derived.db",
            "DROP VIEW words",
            "DROP EVENT TRIGGER refuse",
        )
        .await;
        store.reindex().await.unwrap();
        assert_eq!(found(&store).await, 2, "{}", backend.name);
        drop(store);
        let store = again(&backend).await;
        assert_eq!(found(&store).await, 2, "{}", backend.name);
    }
}

/// Why a store does not open whose last connections may still be closing.
async fn refused(backend: &Backend) -> Error {
    loop {
        match Store::open(&backend.location).await.unwrap_err() {
            Error::InUse(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            error => return error,
        }
    }
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing() {
    for backend in backends().await {
        drop(backend.open().await);
        // A store of the first schema, in which a table of a later one is in the way: the last of its migration.
        let sql = "DROP INDEX objects_apart; DROP TABLE matching; DROP TABLE peers; DROP TABLE peer_states; \
                   UPDATE facts SET value = '1' WHERE name = 'schema'";
        run(&backend, "perisai.db", sql, sql).await;
        for _ in 0..2 {
            let error = refused(&backend).await;
            assert!(matches!(error, Error::Database(_)), "{} {error:?}", backend.name);
        }
        let sql = "CREATE TABLE peers (a BIGINT); DROP TABLE peers; DROP TABLE peer_cursors";
        run(&backend, "perisai.db", sql, sql).await;
        let sql = "ALTER TABLE copies DROP COLUMN told; ALTER TABLE copies DROP COLUMN held";
        run(&backend, "perisai.db", sql, sql).await;
        let store = again(&backend).await;
        assert!(store.peers().await.unwrap().is_empty(), "{}", backend.name);
    }
}

#[tokio::test]
async fn a_backup_that_nobody_takes_leaves_no_reader_behind() {
    for backend in backends().await {
        let store = backend.open().await;
        let source = partner(&store, "a", None).await;
        let many: Vec<_> = (0..3_000)
            .map(|number| indicator(number, 1, Some(Tlp::Clear)))
            .collect();
        take(&store, source, None, &many).await;
        for _ in 0..3 {
            let (send, mut receive) = tokio::sync::mpsc::channel(1);
            tokio::select! {
                done = store.dump(&send) => panic!("all of it was taken: {done:?}"),
                piece = receive.recv() => assert!(piece.is_some()),
            }
        }
        take(&store, source, None, &[indicator(4_000, 1, Some(Tlp::Clear))]).await;
        // Whichever connection reads, it sees what is there now.
        for _ in 0..8 {
            let size = store.size().await.unwrap().objects;
            assert_eq!(size, 3_001, "{}", backend.name);
        }
    }
}
