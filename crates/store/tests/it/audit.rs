//! The audit chain: whole, and found out where it is not.

use perisai_store::{Audit, AuditEvent, NodeKey, Store};
use serde_json::json;
use sqlx::{AnyConnection, Connection};
use tempfile::TempDir;

use crate::backend::{Backend, backends};
use crate::objects::reopen;

fn event(number: usize) -> AuditEvent {
    AuditEvent {
        event: "release",
        who: Some("a partner".to_owned()),
        data: json!({ "count": number }),
    }
}

async fn open(store: &Store, folder: &TempDir) -> Audit {
    let key = NodeKey::of_file(&folder.path().join("node.key")).unwrap();
    Audit::open(store, key, folder.path().join("audit.head"))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_chain_goes_on() {
    for backend in backends().await {
        let folder = TempDir::new().unwrap();
        let store = backend.open().await;
        let audit = open(&store, &folder).await;
        // Many at once.
        let tasks: Vec<_> = (0..50)
            .map(|number| {
                let audit = audit.clone();
                tokio::spawn(async move { audit.append(event(number)).await.unwrap() })
            })
            .collect();
        let mut numbers = Vec::new();
        for task in tasks {
            numbers.push(task.await.unwrap());
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=50).collect::<Vec<_>>(), "{}", backend.name);
        drop((audit, store));
        let store = reopen(&backend).await;
        let audit = open(&store, &folder).await;
        assert_eq!(audit.append(event(51)).await.unwrap(), 51);
        let verified = audit.verify().await.unwrap();
        assert_eq!(
            (verified.records, verified.faults),
            (51, vec![]),
            "{}",
            backend.name
        );
        let (end, lines) = audit.export(0).await.unwrap().unwrap();
        assert_eq!((end, audit.export(end).await.unwrap()), (51, None));
        let lines = String::from_utf8(lines).unwrap();
        assert_eq!(lines.lines().count(), 51);
        let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
        assert_eq!(last["record"]["data"]["count"], 51);
    }
}

/// Where the chain of a store lies.
fn url(backend: &Backend) -> String {
    match &backend.location {
        perisai_store::Location::Folder(folder) => format!("sqlite://{}", folder.join("audit.db").display()),
        perisai_store::Location::Postgres(url) => url.clone(),
    }
}

#[tokio::test]
async fn what_was_done_to_a_chain_shows() {
    let cases = [
        (
            "UPDATE audit SET body = replace(body, '\"count\":3', '\"count\":4') WHERE number = 3",
            "record 3 was changed, or is not this node's",
        ),
        (
            "DELETE FROM audit WHERE number = 4",
            "records are missing between 3 and 5",
        ),
        (
            "DELETE FROM audit WHERE number > 7",
            "the end is missing, or was changed: it went on to record 9",
        ),
        (
            "DELETE FROM audit WHERE number < 3",
            "records are missing between 0 and 3",
        ),
        (
            "UPDATE audit SET body = (SELECT body FROM audit WHERE number = 5), \
          signature = (SELECT signature FROM audit WHERE number = 5) WHERE number = 6",
            "record 6 does not follow the one before it",
        ),
        (
            "UPDATE audit SET body = 'x' WHERE number = 2",
            "record 2 cannot be read",
        ),
        (
            "DELETE FROM audit",
            "the end is missing, or was changed: it went on to record 9",
        ),
    ];
    for (sql, expected) in cases {
        for backend in backends().await {
            let folder = TempDir::new().unwrap();
            let store = backend.open().await;
            let audit = open(&store, &folder).await;
            for number in 1..10 {
                audit.append(event(number)).await.unwrap();
            }
            let mut connection = AnyConnection::connect(&url(&backend)).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            let verified = audit.verify().await.unwrap();
            let faults: Vec<_> = verified.faults.iter().map(ToString::to_string).collect();
            assert!(
                faults.iter().any(|fault| fault == expected),
                "{}: {sql}: {faults:?}",
                backend.name
            );
        }
    }
}

#[tokio::test]
async fn a_cut_shows_for_ever() {
    const HEADLESS: &str = "the file that notes where the chain ends is missing";
    // What is done to the table, and whether the file beside it goes, too; what shows at once, and later.
    let cases = [
        (
            "DELETE FROM audit WHERE number > 7",
            false,
            "the end is missing, or was changed: it went on to record 9",
            "record 8 tells that the end before it was found missing",
        ),
        (
            "DELETE FROM audit WHERE number > 3",
            false,
            "the end is missing, or was changed: it went on to record 9",
            "record 4 tells that the end before it was found missing",
        ),
        (
            "DELETE FROM audit WHERE number > 7",
            true,
            HEADLESS,
            "record 8 tells that the end before it was found missing",
        ),
        (
            "DELETE FROM audit",
            true,
            HEADLESS,
            "record 1 tells that the end before it was found missing",
        ),
    ];
    for (sql, headless, at_once, later) in cases {
        for backend in backends().await {
            let folder = TempDir::new().unwrap();
            let store = backend.open().await;
            let audit = open(&store, &folder).await;
            for number in 1..10 {
                audit.append(event(number)).await.unwrap();
            }
            let mut connection = AnyConnection::connect(&url(&backend)).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            if headless {
                std::fs::remove_file(folder.path().join("audit.head")).unwrap();
            }
            let faults = async |audit: &Audit| {
                let verified = audit.verify().await.unwrap();
                verified
                    .faults
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
            };
            assert_eq!(faults(&audit).await, [at_once], "{}: {sql}", backend.name);
            drop((audit, store));
            for _ in 0..2 {
                let store = reopen(&backend).await;
                let audit = open(&store, &folder).await;
                assert_eq!(faults(&audit).await, [later], "{}: {sql}", backend.name);
                audit.append(event(10)).await.unwrap();
                assert_eq!(faults(&audit).await, [later], "{}: {sql}", backend.name);
            }
        }
    }
}
