//! Peers that hang, lie, and send what is none: each is told of, and holds up no other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Uri;
use axum::response::Response;
use perisai_app::{AddPeer, PeerError};
use perisai_store::PeerState;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Running, until};
use crate::client::TAXII;
use crate::sample::{id, indicator};

/// What a server answers to the request of a number, from 0, for an address.
type Script = dyn Fn(usize, &Uri) -> Response + Send + Sync;

/// A server that does what it is told.
pub(crate) struct Scripted {
    pub(crate) url: String,
    pub(crate) asked: Arc<AtomicUsize>,
}

impl Scripted {
    pub(crate) async fn start(script: impl Fn(usize, &Uri) -> Response + Send + Sync + 'static) -> Self {
        let script: Arc<Script> = Arc::new(script);
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let app = Router::new().fallback(move |uri: Uri| {
            let (script, count) = (Arc::clone(&script), Arc::clone(&count));
            async move { script(count.fetch_add(1, Ordering::Relaxed), &uri) }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, asked }
    }
}

pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(body.into()).unwrap()
}

fn taxii(body: &Value) -> Response {
    answer(200, &[("Content-Type", TAXII)], body.to_string())
}

/// A TAXII server with one collection, whose objects come by a script.
async fn server(objects: impl Fn(usize, &Uri) -> Response + Send + Sync + 'static) -> Scripted {
    Scripted::start(move |number, uri| match uri.path() {
        "/taxii2/" => taxii(&json!({"title": "S", "default": "/api/", "api_roots": ["/api/"]})),
        "/api/" => taxii(&json!({"title": "R", "versions": [TAXII], "max_content_length": 1_000_000})),
        "/api/collections/" => {
            taxii(&json!({"collections": [{"id": "c", "title": "C", "can_read": true, "can_write": true}]}))
        }
        "/api/collections/c/objects/" => objects(number, uri),
        _ => answer(404, &[], "{}"),
    })
    .await
}

async fn peer(node: &Running, name: &str, server: &Scripted) {
    let new = AddPeer {
        name: name.to_owned(),
        url: server.url.clone(),
        paused: true,
        ..AddPeer::default()
    };
    node.node.add_peer(new).await.unwrap();
}

async fn check(script: impl Fn(usize, &Uri) -> Response + Send + Sync + 'static) -> (Running, PeerState) {
    let node = Running::start().await;
    let server = server(script).await;
    peer(&node, "bad", &server).await;
    let state = node.node.sync_now("bad").await.unwrap();
    (node, state)
}

fn added(time: &str) -> [(&str, &str); 3] {
    [
        ("Content-Type", TAXII),
        ("X-TAXII-Date-Added-First", time),
        ("X-TAXII-Date-Added-Last", time),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_told_and_waited_for() {
    let (node, state) = check(|_, _| answer(500, &[], "no")).await;
    assert!(
        state.trouble().unwrap().error.contains("answers 500"),
        "{state:?}"
    );
    let trouble = state.trouble().unwrap();
    assert_eq!(trouble.failures, 1);
    assert!(trouble.not_before > state.pull.tried.unwrap());
    let again = node.node.sync_now("bad").await.unwrap();
    let still = again.trouble().unwrap();
    assert_eq!((still.failures, still.since), (2, trouble.since));
    let (_, state) = check(|_, _| answer(429, &[("Retry-After", "600")], "")).await;
    let wait = state.trouble().unwrap().not_before - state.pull.tried.unwrap();
    assert!((590_000_000..620_000_000).contains(&wait), "{state:?}");
    let (_, state) = check(|_, _| answer(401, &[], "")).await;
    assert!(
        state.trouble().unwrap().error.contains("credentials"),
        "{state:?}"
    );
    let (_, state) = check(|_, _| answer(200, &[("Content-Type", "text/html")], "<html>")).await;
    assert!(
        state.trouble().unwrap().error.contains("no TAXII 2.1 answer"),
        "{state:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_to_be_left_alone_is() {
    let node = Running::start().await;
    let server = Scripted::start(|_, _| answer(429, &[("Retry-After", "600")], "")).await;
    let other = Scripted::start(|_, _| answer(500, &[], "")).await;
    peer(&node, "busy", &server).await;
    peer(&node, "broken", &other).await;
    let state = node.node.sync_now("busy").await.unwrap();
    let until = state.trouble().unwrap().not_before;
    node.node.sync_now("broken").await.unwrap();
    let asked = server.asked.load(Ordering::Relaxed);
    // After a restart, too.
    let folder = node.stop().await;
    let node = Running::with(folder, super::pace()).await;
    for _ in 0..2 {
        match node.node.sync_now("busy").await {
            Err(PeerError::NotBefore { name, until: told }) => {
                assert_eq!((name.as_str(), told.as_microsecond()), ("busy", until));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(server.asked.load(Ordering::Relaxed), asked);
    // The wait after any other failure is ours, and may be cut short.
    let state = node.node.sync_now("broken").await.unwrap();
    assert_eq!(state.trouble().unwrap().failures, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_is_seen_while_it_lasts() {
    let node = Running::start().await;
    let (end, is_over) = tokio::sync::watch::channel(false);
    let server = server(move |number, _| {
        let page = number.saturating_sub(3);
        let mut body = json!({"objects": [indicator(page as u128 + 1, 1)]});
        if !*is_over.borrow() {
            body["more"] = json!(true);
            body["next"] = json!(page.to_string());
        }
        std::thread::sleep(Duration::from_millis(20));
        answer(
            200,
            &added(&format!("2026-01-01T00:00:00.{page:06}Z")),
            body.to_string(),
        )
    })
    .await;
    peer(&node, "long", &server).await;
    let long = node.node.store().peer("long").await.unwrap();
    assert_eq!(
        node.node.peer_now(&long).await.unwrap(),
        (PeerState::default(), None)
    );
    let dealing = Arc::clone(&node.node);
    let round = tokio::spawn(async move { dealing.sync_now("long").await });
    until("a count", async || {
        let (state, since) = node.node.peer_now(&long).await.unwrap();
        since.is_some() && state.stored > 3
    })
    .await;
    let (state, _) = node.node.peer_now(&long).await.unwrap();
    assert_eq!(state.pull.tried, None, "it has not ended");
    end.send_replace(true);
    let state = round.await.unwrap().unwrap();
    assert_eq!(node.node.peer_now(&long).await.unwrap(), (state, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn half_broken_objects_cost_themselves() {
    let good = indicator(1, 1);
    let body = format!(
        r#"{{"objects":[{good},7,{{"type":"x","id":"nothing"}},{{"id":"a--1","type":7}},{}]}}"#,
        indicator(2, 1)
    );
    let (node, state) =
        check(move |_, _| answer(200, &added("2026-01-01T00:00:00.000000Z"), body.clone())).await;
    assert_eq!((state.stored, state.trouble()), (2, None), "{state:?}");
    assert!(state.refused >= 2 && !state.told.is_empty(), "{state:?}");
    assert_eq!(node.shows(node.own(), &id("indicator", 2)).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_more_ends() {
    // The same page again and again, under a `next` that changes.
    let (_, state) = check(|number, _| {
        let body = json!({"objects": [indicator(1, 1)], "more": true, "next": number.to_string()});
        answer(200, &added("2026-01-01T00:00:00.000000Z"), body.to_string())
    })
    .await;
    assert_eq!((state.stored, state.trouble()), (1, None), "{state:?}");
    assert!(
        state.told.iter().any(|line| line.contains("again and again")),
        "{state:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_objects_up_ends() {
    let (_, state) = check(|number, _| {
        let body = json!({"objects": [indicator(number as u128, 1)], "more": true, "next": "again"});
        taxii(&body)
    })
    .await;
    let error = &state.trouble().unwrap().error;
    assert!(error.contains("under the same `next`"), "{error}");
    assert!((100..1_000).contains(&state.stored), "{state:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_new_is_one_request() {
    let node = Running::start().await;
    let server = server(|_, uri| {
        let is_new = uri.query().is_none_or(|query| !query.contains("added_after"));
        let body = if is_new {
            json!({"objects": [indicator(1, 1)]})
        } else {
            json!({})
        };
        answer(200, &added("2026-01-01T00:00:00.000000Z"), body.to_string())
    })
    .await;
    peer(&node, "quiet", &server).await;
    node.syncs("quiet").await;
    let before = server.asked.load(Ordering::Relaxed);
    for _ in 0..5 {
        node.syncs("quiet").await;
    }
    assert_eq!(server.asked.load(Ordering::Relaxed) - before, 5);
}

/// A server that takes connections and says nothing.
async fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/taxii2/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut all = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            all.push(stream);
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_hangs_holds_up_no_other() {
    let (node, good) = (Running::start().await, Running::start().await);
    good.knows(node.own(), "node", "").await;
    good.basket("out", &[(node.own(), "r")]).await;
    for number in 0..5 {
        let new = AddPeer {
            name: format!("silent {number}"),
            url: silent().await,
            pull: Some(Duration::from_secs(1)),
            ..AddPeer::default()
        };
        node.node.add_peer(new).await.unwrap();
    }
    let garbage = Scripted::start(|number, _| {
        let noise: Vec<u8> = (0..5_000).map(|at: usize| (at * 31 + number * 7) as u8).collect();
        answer(200, &[("Content-Type", TAXII)], noise)
    })
    .await;
    let new = AddPeer {
        name: "garbage".to_owned(),
        url: garbage.url.clone(),
        pull: Some(Duration::from_secs(1)),
        ..AddPeer::default()
    };
    node.node.add_peer(new).await.unwrap();
    node.peers_with(&good, "good", |peer| {
        peer.paused = false;
        peer.pull = Some(Duration::from_secs(1));
    })
    .await;
    for number in 1..=3 {
        let begun = Instant::now();
        good.takes(None, "out", None, &[indicator(number, 1)]).await;
        let id = id("indicator", number);
        until("a pull beside one that hangs", async || {
            !node.shows(node.own(), &id).await.is_empty()
        })
        .await;
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
    let bad = node.node.store().peer("garbage").await.unwrap();
    until("an error", async || {
        let state = node.node.store().peer_state(&bad).await.unwrap();
        state.trouble().is_some_and(|trouble| trouble.failures > 1)
    })
    .await;
    let begun = Instant::now();
    node.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_peer_does_not_take_holds_up_nothing() {
    let node = Running::start().await;
    node.basket("out", &[]).await;
    let objects: Vec<_> = (1..=5).map(|number| indicator(number, 1)).collect();
    node.takes(None, "out", None, &objects).await;
    let refused = id("indicator", 3);
    let told = refused.clone();
    let server = Scripted::start(move |_, uri| match uri.path() {
        "/taxii2/" => taxii(&json!({"title": "S", "default": "/api/", "api_roots": ["/api/"]})),
        "/api/collections/" => {
            taxii(&json!({"collections": [{"id": "c", "title": "C", "can_read": false, "can_write": true}]}))
        }
        "/api/collections/c/objects/" => answer(
            202,
            &[("Content-Type", TAXII)],
            json!({"id": "s", "status": "complete", "total_count": 6, "success_count": 5, "failure_count": 1,
                "pending_count": 0, "failures": [{"id": told, "message": "we do not like it"}]})
            .to_string(),
        ),
        _ => answer(404, &[], "{}"),
    })
    .await;
    let new = AddPeer {
        name: "picky".to_owned(),
        url: server.url.clone(),
        pull: Some(Duration::ZERO),
        push: Some("out".to_owned()),
        paused: true,
        ..AddPeer::default()
    };
    node.node.add_peer(new).await.unwrap();
    let state = node.syncs("picky").await;
    assert_eq!((state.sent, state.not_taken), (4, 1), "{state:?}");
    let line = state
        .told
        .iter()
        .find(|line| line.contains("do not like"))
        .unwrap();
    assert!(line.contains(&refused), "{line}");
    let before = server.asked.load(Ordering::Relaxed);
    node.syncs("picky").await;
    assert_eq!(server.asked.load(Ordering::Relaxed), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_peer_never_tells_of_is_given_up() {
    let node = Running::start().await;
    node.basket("out", &[]).await;
    node.takes(None, "out", None, &[indicator(1, 1)]).await;
    let server = server(|_, _| answer(202, &[("Content-Type", TAXII)], "no status")).await;
    let new = AddPeer {
        name: "mute".to_owned(),
        url: server.url.clone(),
        pull: Some(Duration::ZERO),
        push: Some("out".to_owned()),
        paused: true,
        ..AddPeer::default()
    };
    node.node.add_peer(new).await.unwrap();
    for round in 1..=2 {
        let state = node.node.sync_now("mute").await.unwrap();
        let error = state.trouble().unwrap().error.clone();
        assert!(error.contains("what became of it is not known"), "{error}");
        assert_eq!((state.trouble().unwrap().failures, state.not_taken), (round, 0));
    }
    let state = node.syncs("mute").await;
    assert_eq!(
        (state.sent, state.not_taken, state.push_tries),
        (0, 1, 0),
        "{state:?}"
    );
}
