//! Feeds: files of several formats by HTTP, a folder of MISP events, a MISP server.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::post;
use perisai_app::AddPeer;
use perisai_model::Tlp;
use perisai_store::{Credential, PeerKind, Search, SourceKind};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use super::Running;
use super::hostile::answer;
use crate::sample::{id, indicator};

/// Files on a web server, which can be changed while it runs.
#[derive(Clone, Default)]
struct Files {
    all: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    /// How many answers had a body.
    bodies: Arc<AtomicUsize>,
}

impl Files {
    fn put(&self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.all.lock().unwrap().insert(name.to_owned(), bytes.into());
    }

    fn bodies(&self) -> usize {
        self.bodies.load(Ordering::Relaxed)
    }

    fn answer(&self, request: &Request) -> Response {
        if request.uri().path() == "/secret.txt" && request.uri().query() != Some("key=right") {
            return answer(403, &[], "");
        }
        let Some(file) = self.all.lock().unwrap().get(request.uri().path()).cloned() else {
            return answer(404, &[], "");
        };
        let etag = Sha256::digest(&file)
            .iter()
            .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let etag = format!("\"{etag}\"");
        if request
            .headers()
            .get("if-none-match")
            .is_some_and(|known| known == etag.as_str())
        {
            return answer(304, &[], "");
        }
        self.bodies.fetch_add(1, Ordering::Relaxed);
        answer(200, &[("ETag", &etag)], file)
    }

    async fn serve(&self) -> String {
        let files = self.clone();
        let app = Router::new().fallback(move |request: Request| async move { files.answer(&request) });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        url
    }
}

async fn feed(node: &Running, name: &str, url: &str, kind: PeerKind) {
    let new = AddPeer {
        name: name.to_owned(),
        kind: Some(kind),
        url: url.to_owned(),
        tlp: Some(Tlp::Green),
        into: Some("feeds".to_owned()),
        paused: true,
        ..AddPeer::default()
    };
    node.node.add_peer(new).await.unwrap();
}

/// The ids of what a search for a value finds, with the names of their sources.
async fn found(node: &Running, value: &str) -> Vec<(String, String)> {
    let store = node.node.store();
    while store.fold().await.unwrap() {}
    let search = Search {
        value: Some(value.to_owned()),
        limit: 10,
        ..Search::default()
    };
    let view = store.view(perisai_policy::Recipient::organisation(node.own()));
    let found = view.search(&search).await.unwrap();
    let sources = store.sources();
    let of = |number: i64| {
        sources
            .iter()
            .find(|one| one.number == number)
            .unwrap()
            .name
            .clone()
    };
    let mut all: Vec<_> = found
        .entries
        .iter()
        .map(|entry| (of(entry.get().source), entry.get().id.clone()))
        .collect();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_any_format_are_fetched_when_they_change() {
    let node = Running::start().await;
    node.basket("feeds", &[]).await;
    let files = Files::default();
    let url = files.serve().await;
    files.put("/list.txt", "# a list\nevil.example\n192.0.2.7\nnot a value\n");
    files.put(
        "/table.csv",
        "domain,comment\nevil.example,seen\nworse.example,seen too\n",
    );
    let bundle =
        json!({"type": "bundle", "id": "bundle--1", "objects": [indicator(1, 1), 7, indicator(2, 1)]});
    files.put("/bundle.json", bundle.to_string());
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(b"packed.example\n").unwrap();
    files.put("/list.gz", packed.finish().unwrap());
    files.put("/secret.txt", "secret.example\n");
    let check = async |path: &str, stored: u64, refused: u64| {
        let name = path.trim_start_matches('/');
        feed(&node, name, &format!("{url}{path}"), PeerKind::Feed).await;
        let state = node.syncs(name).await;
        assert_eq!(
            (state.stored, state.refused),
            (stored, refused),
            "{path}: {state:?}"
        );
        let bodies = files.bodies();
        let again = node.syncs(name).await;
        assert_eq!(
            (again.stored, again.known, files.bodies()),
            (stored, 0, bodies),
            "{path}"
        );
    };
    // Who made them comes along, and is not counted.
    check("/list.txt", 2, 1).await;
    check("/table.csv", 2, 0).await;
    check("/bundle.json", 2, 1).await;
    check("/list.gz", 1, 0).await;
    check("/secret.txt?key=right", 1, 0).await;
    // The same value in two feeds is two indicators, each of its own maker.
    let twice = found(&node, "evil.example").await;
    let sources: Vec<_> = twice.iter().map(|(source, _)| source.as_str()).collect();
    assert_eq!(sources, ["list.txt", "table.csv"]);
    assert_ne!(twice[0].1, twice[1].1);
    let source = node.node.store().source("list.txt").unwrap();
    assert_eq!(source.kind, SourceKind::Feed);
    let seen = node.shows(node.own(), &twice[0].1).await;
    let maker = format!("identity--{}", source.owner().unwrap().0);
    assert_eq!(seen[0]["created_by_ref"], json!(maker));
    assert_eq!(node.shows(node.own(), &maker).await[0]["name"], json!("list.txt"));
    // What is new in it comes; what was there is known.
    files.put("/list.txt", "evil.example\n192.0.2.7\nnew.example\n");
    let state = node.syncs("list.txt").await;
    assert_eq!((state.stored, state.known), (3, 2), "{state:?}");
    assert_eq!(found(&node, "new.example").await.len(), 1);
    // It is gone: told, and what it brought stays.
    files.all.lock().unwrap().remove("/list.txt");
    let state = node.node.sync_now("list.txt").await.unwrap();
    assert!(state.trouble().unwrap().error.clone().contains("not found"));
    assert_eq!(found(&node, "new.example").await.len(), 1);
    let left = std::fs::read_dir(node.node.settings().data.join("incoming")).unwrap();
    let names: Vec<_> = left.map(|file| file.unwrap().file_name()).collect();
    assert!(names.is_empty(), "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_made_it_comes_back_after_a_recall() {
    let node = Running::start().await;
    node.basket("feeds", &[]).await;
    let files = Files::default();
    let url = files.serve().await;
    files.put("/list.txt", "evil.example\n");
    feed(&node, "list", &format!("{url}/list.txt"), PeerKind::Feed).await;
    node.syncs("list").await;
    let store = node.node.store();
    let source = store.source("list").unwrap();
    let maker = format!("identity--{}", source.owner().unwrap().0);
    let made = async |value: &str| {
        let found = found(&node, value).await;
        assert_eq!(found.len(), 1, "{value}");
        let indicator = node.shows(node.own(), &found[0].1).await;
        assert_eq!(indicator[0]["created_by_ref"], json!(maker));
        let names: Vec<_> = node.shows(node.own(), &maker).await;
        assert_eq!(names[0]["name"], json!("list"), "{value}");
        assert!(node.ids("feeds").await.contains(&maker), "{value}");
    };
    made("evil.example").await;
    store.recall(source.number, 0, |_| {}).await.unwrap();
    let left = async || {
        let peer = store.peer("list").await.unwrap();
        let state = store.peer_state(&peer).await.unwrap();
        state.stored - state.withdrawn
    };
    assert_eq!(left().await, 0);
    assert!(node.shows(node.own(), &maker).await.is_empty());
    files.put("/list.txt", "evil.example\nworse.example\n");
    node.syncs("list").await;
    made("worse.example").await;
    made("evil.example").await;
    assert_eq!(left().await, 2);
}

fn event(uuid: &str, timestamp: u32, values: &[&str]) -> Value {
    let attribute = |value: &&str| {
        json!({"type": "domain", "category": "Network activity", "to_ids": true, "value": value,
            "uuid": uuid::Uuid::new_v4(), "timestamp": timestamp.to_string()})
    };
    let attributes: Vec<_> = values.iter().map(attribute).collect();
    json!({"Event": {"uuid": uuid, "info": "An event", "timestamp": timestamp.to_string(),
        "date": "2026-01-01", "Tag": [{"name": "tlp:clear"}], "Attribute": attributes}})
}

const ONE: &str = "5b7a2c1e-0000-4000-8000-000000000001";
const TWO: &str = "5b7a2c1e-0000-4000-8000-000000000002";

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_misp_events() {
    let node = Running::start().await;
    node.basket("feeds", &[]).await;
    let files = Files::default();
    let url = files.serve().await;
    files.put(
        &format!("/feed/{ONE}.json"),
        event(ONE, 1, &["one.example", "two.example"]).to_string(),
    );
    files.put(
        &format!("/feed/{TWO}.json"),
        event(TWO, 2, &["three.example"]).to_string(),
    );
    let manifest = |one: u32| json!({ONE: {"timestamp": one}, TWO: {"timestamp": "2"}}).to_string();
    files.put("/feed/manifest.json", manifest(1));
    feed(&node, "misp feed", &format!("{url}/feed"), PeerKind::MispFeed).await;
    let state = node.syncs("misp feed").await;
    assert_eq!((state.stored, state.refused), (3, 0), "{state:?}");
    let bodies = files.bodies();
    node.syncs("misp feed").await;
    assert_eq!(files.bodies(), bodies);
    files.put(
        &format!("/feed/{ONE}.json"),
        event(ONE, 9, &["one.example", "four.example"]).to_string(),
    );
    files.put("/feed/manifest.json", manifest(9));
    node.syncs("misp feed").await;
    assert_eq!(files.bodies(), bodies + 2);
    let four = found(&node, "four.example").await;
    assert_eq!(four.len(), 1);
    let seen = node.shows(node.own(), &four[0].1).await;
    assert_eq!(seen[0]["object_marking_refs"], json!([Tlp::Clear.stix_id()]));
}

/// Real events of a partner who has nothing but MISP.
#[tokio::test(flavor = "multi_thread")]
async fn real_misp_events() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/misp");
    let Ok(folder) = std::fs::read_dir(&data) else {
        eprintln!("skipped: no {}", data.display());
        return;
    };
    let node = Running::start().await;
    node.basket("feeds", &[]).await;
    let files = Files::default();
    let url = files.serve().await;
    let mut manifest = serde_json::Map::new();
    for file in folder {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let Ok(document) = serde_json::from_slice::<Value>(&bytes) else {
            continue;
        };
        // Some are answers of a server, which a folder holds one by one.
        let list = document["response"].as_array().cloned();
        for document in list.unwrap_or_else(|| vec![document]) {
            let event = &document["Event"];
            if let (Some(uuid), Some(time)) = (event["uuid"].as_str(), event.get("timestamp")) {
                manifest.insert(uuid.to_owned(), json!({"timestamp": time}));
                files.put(&format!("/{uuid}.json"), document.to_string());
            }
        }
    }
    let count = manifest.len();
    assert!(count > 50, "{count} events");
    files.put("/manifest.json", Value::Object(manifest).to_string());
    feed(&node, "real", &format!("{url}/manifest.json"), PeerKind::MispFeed).await;
    let state = node.syncs("real").await;
    assert!(state.stored > 1_000, "{state:?}");
    assert_eq!(state.apart, 0, "{state:?}");
    let again = node.syncs("real").await;
    assert_eq!((again.stored, again.known), (state.stored, state.known));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_misp_server() {
    let node = Running::start().await;
    node.basket("feeds", &[]).await;
    let events: Arc<Mutex<Vec<(i64, Value)>>> = Arc::default();
    let held = Arc::clone(&events);
    let app = Router::new().route(
        "/misp/events/restSearch",
        post(move |headers: HeaderMap, body: Bytes| async move {
            if headers.get("authorization").is_none_or(|key| key != "a key") {
                return answer(403, &[], r#"{"message":"Authentication failed."}"#);
            }
            let asked: Value = serde_json::from_slice(&body).unwrap();
            let since: i64 = asked["timestamp"]
                .as_str()
                .map_or(0, |since| since.parse().unwrap());
            let (page, limit) = (asked["page"].as_u64().unwrap(), asked["limit"].as_u64().unwrap());
            let events = held.lock().unwrap();
            let found = events.iter().filter(|(time, _)| *time >= since);
            let found = found.skip(((page - 1) * limit) as usize).take(limit as usize);
            let found: Vec<_> = found.map(|(_, event)| event.clone()).collect();
            answer(
                200,
                &[("Content-Type", "application/json")],
                json!({"response": found}).to_string(),
            )
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/misp", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    for number in 0..45_u32 {
        let uuid = format!("5b7a2c1e-0000-4000-8000-{number:012}");
        let value = format!("misp{number}.example");
        events
            .lock()
            .unwrap()
            .push((i64::from(number) + 100, event(&uuid, number + 100, &[&value])));
    }
    let add = async |name: &str, key: &str| {
        let new = AddPeer {
            name: name.to_owned(),
            kind: Some(PeerKind::Misp),
            url: url.clone(),
            credential: Credential::Key(key.to_owned()),
            paused: true,
            ..AddPeer::default()
        };
        node.node.add_peer(new).await.unwrap();
        node.node.sync_now(name).await.unwrap()
    };
    let wrong = add("wrong", "no key").await;
    let error = wrong.trouble().unwrap().error.clone();
    assert!(
        error.contains("Authentication failed") && !error.contains("no key"),
        "{error}"
    );
    let state = add("misp", "a key").await;
    assert_eq!((state.stored, state.trouble()), (45, None), "{state:?}");
    events
        .lock()
        .unwrap()
        .push((500, event(TWO, 500, &["late.example"])));
    let state = node.syncs("misp").await;
    assert_eq!((state.stored, state.known), (46, 0), "{state:?}");
    let late = found(&node, "late.example").await;
    assert_eq!(late.len(), 1);
    assert!(node.shows(node.own(), &id("indicator", 1)).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_of_which_nothing_can_be_read_fails() {
    let (node, files) = (Running::start().await, Files::default());
    let url = files.serve().await;
    let page = "\u{feff}\n<!DOCTYPE html><html><a href=\"https://login.example/\">evil.example</a></html>";
    files.put("/feed", page);
    let new = AddPeer {
        name: "feed".to_owned(),
        kind: Some(PeerKind::Feed),
        url: format!("{url}/feed"),
        paused: true,
        ..AddPeer::default()
    };
    node.node.add_peer(new).await.unwrap();
    let check = async |what: &str, stored: u64, error: Option<&str>| {
        let before = files.bodies();
        let state = node.node.sync_now("feed").await.unwrap();
        let told = state.trouble().map(|trouble| trouble.error.as_str());
        assert_eq!(told.is_some(), error.is_some(), "{what}: {state:?}");
        assert!(
            told.is_none_or(|told| told.contains(error.unwrap())),
            "{what}: {told:?}"
        );
        assert_eq!(state.stored, stored, "{what}");
        files.bodies() - before
    };
    // What failed is asked for whole each time.
    for _ in 0..2 {
        assert_eq!(check("a page", 0, Some("(HTML)")).await, 1);
    }
    files.put("/feed", "not a value\nnor this\n");
    for _ in 0..2 {
        assert_eq!(
            check("no values", 0, Some("nothing of it can be read: 1 refused")).await,
            1
        );
    }
    files.put("/feed", "evil.example\nnot a value\n");
    check("some values", 1, None).await;
    assert_eq!(check("the same", 1, None).await, 0);
    files.put("/feed", "# nothing today\n");
    check("an empty list", 1, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_does_not_lead_inside() {
    let node = Running::start().await;
    let server = super::hostile::Scripted::start(|_, _| {
        answer(
            302,
            &[("Location", "http://169.254.169.254/latest/meta-data/")],
            "",
        )
    })
    .await;
    let new = AddPeer {
        name: "feed".to_owned(),
        kind: Some(PeerKind::Feed),
        url: server.url.clone(),
        paused: true,
        ..AddPeer::default()
    };
    node.node.add_peer(new).await.unwrap();
    let state = node.node.sync_now("feed").await.unwrap();
    let error = &state.trouble().unwrap().error;
    assert!(
        error.contains("169.254.169.254 is an address of a link"),
        "{error}"
    );
}
