//! A database that goes away: its connections are cut, it stops and comes back, it hangs. The node says so, and loses
//! nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::backend::{Backend, backends};
use crate::client::Ask;
use crate::sample::indicator;
use crate::served::{Served, serve};

const SERVES: u8 = 0;
const STOPPED: u8 = 1;
const HANGS: u8 = 2;

/// A way to a real PostgreSQL on which it can be stopped: to who comes through it, that is the database.
struct Way(Arc<AtomicU8>);

impl Way {
    /// Lets what comes to a socket in `to` through to the one in `from`.
    fn open(from: PathBuf, to: &Path) -> Self {
        let state = Arc::new(AtomicU8::new(SERVES));
        let listener = UnixListener::bind(to.join(".s.PGSQL.5432")).unwrap();
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(pass(client, from.clone(), Arc::clone(&shared)));
            }
        });
        Self(state)
    }

    fn set(&self, state: u8) {
        self.0.store(state, Ordering::SeqCst);
    }
}

/// Passes a connection on until the database is stopped.
async fn pass(client: UnixStream, from: PathBuf, state: Arc<AtomicU8>) {
    if state.load(Ordering::SeqCst) == STOPPED {
        return;
    }
    let Ok(server) = UnixStream::connect(from.join(".s.PGSQL.5432")).await else {
        return;
    };
    let ((client_in, client_out), (server_in, server_out)) = (client.into_split(), server.into_split());
    let copy = |mut from: tokio::net::unix::OwnedReadHalf, mut to: tokio::net::unix::OwnedWriteHalf| {
        let state = Arc::clone(&state);
        async move {
            let mut buffer = vec![0; 64 * 1024];
            loop {
                let read = tokio::time::timeout(Duration::from_millis(50), from.read(&mut buffer)).await;
                while state.load(Ordering::SeqCst) == HANGS {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                match read {
                    _ if state.load(Ordering::SeqCst) == STOPPED => return,
                    Err(_) => {}
                    Ok(Ok(count @ 1..)) if to.write_all(&buffer[..count]).await.is_ok() => {}
                    Ok(_) => return,
                }
            }
        }
    };
    tokio::select! { () = copy(client_in, server_out) => {}, () = copy(server_in, client_out) => {} }
}

/// A node over a PostgreSQL that can be stopped, where there is one.
async fn node() -> Option<(Backend, Served, Way, String)> {
    let all = backends().await;
    let mut backend = all.into_iter().find(|backend| backend.name == "PostgreSQL")?;
    let folder = Arc::clone(&backend.folder);
    let from = backend.through(folder.path())?;
    let way = Way::open(from, folder.path());
    let served = serve(&backend).await;
    let path = served.basket("basket", &[]).await + "objects/";
    Some((backend, served, way, path))
}

/// Sends ten objects from a number on, and says whether they were taken. Who is refused is told to come again.
async fn send(served: &Served, path: &str, from: u128) -> bool {
    let objects: Vec<_> = (from..from + 10)
        .map(|number| indicator(number, 1).to_string())
        .collect();
    let body = format!("{{\"objects\":[{}]}}", objects.join(","));
    let answer = Ask::post("admin", path, body.as_bytes()).send(served.to).await;
    if answer.status == 202 {
        assert_eq!(answer.json()["success_count"], 10);
        return true;
    }
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("5")),
        "{}",
        answer.json()
    );
    false
}

/// Waits until deliveries are taken again.
async fn until_taken(served: &Served, path: &str, from: u128) {
    let started = Instant::now();
    while !send(served, path, from).await {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "it does not come back"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// All that was sent is there once, and a search finds it.
async fn check(served: &Served, path: &str, count: usize) {
    let page = served.get("admin", &format!("{path}?limit=1000")).await;
    let mut ids: Vec<_> = page
        .objects()
        .iter()
        .map(|object| object["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    let all = ids.len();
    ids.dedup();
    assert_eq!((all, ids.len()), (count, count));
    while served.node.store().fold().await.unwrap() {}
    let found = served.get("admin", "/api/objects?text=gate&limit=500").await;
    assert_eq!(found.json()["items"].as_array().unwrap().len(), count);
    assert_eq!(served.node.audit().verify().await.unwrap().fault_count, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_are_made_anew() {
    let Some((backend, served, _way, path)) = node().await else {
        return;
    };
    let mut other = PgConnection::connect(&std::env::var("PERISAI_TEST_POSTGRES").unwrap())
        .await
        .unwrap();
    for round in 0..10 {
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
        let cut = sqlx::query(sql).bind(backend.database_name());
        // In the middle of what is sent, and before it.
        let (_, cut) = tokio::join!(send(&served, &path, round * 10), cut.execute(&mut other));
        cut.unwrap();
        until_taken(&served, &path, round * 10).await;
    }
    check(&served, &path, 100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_stops_and_comes_back() {
    let Some((_backend, served, way, path)) = node().await else {
        return;
    };
    until_taken(&served, &path, 0).await;
    way.set(STOPPED);
    for _ in 0..3 {
        assert!(!send(&served, &path, 10).await);
        assert_eq!(served.get("admin", &path).await.status, 503);
        // What needs no database is there.
        assert_eq!(served.get("", "/healthz").await.status, 200);
        assert_eq!(served.get("", "/readyz").await.status, 503);
    }
    way.set(SERVES);
    until_taken(&served, &path, 10).await;
    check(&served, &path, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hangs_keeps_nobody_for_ever() {
    let Some((_backend, served, way, path)) = node().await else {
        return;
    };
    until_taken(&served, &path, 0).await;
    way.set(HANGS);
    let sent = send(&served, &path, 10);
    let asked = async {
        // Meanwhile what needs no database is there.
        for _ in 0..10 {
            let started = Instant::now();
            assert_eq!(served.get("", "/healthz").await.status, 200);
            assert!(
                started.elapsed() < Duration::from_secs(2),
                "{:?}",
                started.elapsed()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        way.set(SERVES);
    };
    tokio::join!(sent, asked);
    until_taken(&served, &path, 10).await;
    check(&served, &path, 20).await;
}
