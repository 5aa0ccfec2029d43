//! Feeds: files by HTTP, MISP feed folders, MISP servers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use perisai_exchange::feed::{
    FeedCursor, FeedPage, Fetched, MispCursor, MispFeed, MispServer, Validators, fetch,
};
use perisai_exchange::{Auth, Error, Transport};
use serde_json::{Value, json};

use crate::server::{Asked, Server, Step, answer, impatient};

#[tokio::test]
async fn a_file_that_did_not_change_is_not_fetched() {
    let date = "Thu, 24 Feb 2022 03:00:00 GMT";
    let server = Server::start(move |_, asked| {
        let known = asked.header("if-none-match") == Some("\"v1\"")
            && asked.header("if-modified-since") == Some(date);
        if known && asked.target == "/list.txt" {
            return answer(304, &[], b"");
        }
        answer(
            200,
            &[
                ("ETag", "\"v1\""),
                ("Last-Modified", date),
                ("Content-Type", "text/plain"),
            ],
            b"evil.example\n",
        )
    })
    .await;
    let transport = Transport::new(&server.url, &impatient()).unwrap();
    let url = server.url.join("/list.txt").unwrap();
    let Fetched::Body {
        body,
        validators,
        content_type,
    } = fetch(&transport, &url, &Validators::default()).await.unwrap()
    else {
        panic!("it was not known");
    };
    let mut file = Vec::new();
    assert_eq!(body.copy_to(&mut file).await.unwrap(), 13);
    assert_eq!(
        (file.as_slice(), content_type.as_deref()),
        (&b"evil.example\n"[..], Some("text/plain"))
    );
    let kept = serde_json::to_string(&validators).unwrap();
    let validators: Validators = serde_json::from_str(&kept).unwrap();
    assert!(matches!(
        fetch(&transport, &url, &validators).await.unwrap(),
        Fetched::NotModified
    ));
    let other = server.url.join("/other.txt").unwrap();
    assert!(matches!(
        fetch(&transport, &other, &validators).await.unwrap(),
        Fetched::Body { .. }
    ));
}

#[tokio::test]
async fn answers_that_are_no_file() {
    let check = async |steps: Vec<Step>, expected: &str| {
        let server = Server::start(move |_, _| steps.clone()).await;
        let transport = Transport::new(&server.url, &impatient()).unwrap();
        let error = match fetch(&transport, &server.url, &Validators::default()).await {
            Ok(Fetched::Body { body, .. }) => body.bytes().await.unwrap_err(),
            Ok(Fetched::NotModified) => panic!("not modified"),
            Err(error) => error,
        };
        assert!(error.to_string().contains(expected), "{error}");
    };
    check(answer(304, &[], b""), "nothing was known of it").await;
    check(answer(204, &[], b""), "204: this is no file").await;
    check(answer(404, &[], b""), "not found").await;
    check(
        answer(200, &[], &vec![b'x'; 70_000]),
        "over the limit of 65536 bytes",
    )
    .await;
    let begun = Step::Write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc".to_vec());
    check(vec![begun], "breaks off after 3 bytes").await;
}

/// A folder on a web server; files can be changed while it runs.
type Folder = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

async fn serve(folder: &Folder) -> Server {
    let folder = Arc::clone(folder);
    Server::start(move |_, asked| {
        let folder = folder.lock().unwrap();
        let name = asked.target.trim_start_matches("/feed/");
        let Some(file) = folder.get(name) else {
            return answer(404, &[], b"");
        };
        let etag = format!("\"{}\"", perisai_exchange::Fingerprint::of(file));
        if asked.header("if-none-match") == Some(&etag) {
            return answer(304, &[], b"");
        }
        answer(200, &[("ETag", &etag)], file)
    })
    .await
}

async fn look(server: &Server, cursor: &mut FeedCursor, most: usize) -> FeedPage {
    let mut settings = impatient();
    settings.limits.body = 64 << 20;
    settings.limits.answer = std::time::Duration::from_secs(5);
    settings.limits.total = std::time::Duration::from_secs(20);
    let feed = MispFeed::new(&server.url.join("/feed/manifest.json").unwrap(), &settings).unwrap();
    let page = feed.pull(cursor, most).await.unwrap();
    let kept = serde_json::to_string(&page.cursor).unwrap();
    *cursor = serde_json::from_str(&kept).unwrap();
    page
}

const UUIDS: [&str; 3] = [
    "5b7a2c1e-0000-4000-8000-000000000001",
    "5b7a2c1e-0000-4000-8000-000000000002",
    "5b7a2c1e-0000-4000-8000-000000000003",
];

fn fill(folder: &Folder, events: &[(&str, u32)]) {
    let mut folder = folder.lock().unwrap();
    folder.clear();
    let entry = |(uuid, time): &(&str, u32)| ((*uuid).to_owned(), json!({"timestamp": time.to_string()}));
    let manifest: serde_json::Map<String, Value> = events.iter().map(entry).collect();
    folder.insert(
        "manifest.json".to_owned(),
        Value::Object(manifest).to_string().into_bytes(),
    );
    for (uuid, time) in events {
        let event = json!({"Event": {"uuid": uuid, "timestamp": time}});
        folder.insert(format!("{uuid}.json"), event.to_string().into_bytes());
    }
}

#[tokio::test]
async fn a_feed_folder() {
    let folder = Folder::default();
    let server = serve(&folder).await;
    let mut cursor = FeedCursor::default();
    let mut check = async |most: usize,
                           events: &[&str],
                           deleted: &[&str],
                           problems: usize,
                           more: bool,
                           requests: usize| {
        let before = server.asked().len();
        let page = look(&server, &mut cursor, most).await;
        let found: Vec<&str> = page.events.iter().map(|event| event.uuid.as_str()).collect();
        assert_eq!(
            (found.as_slice(), page.deleted.as_slice()),
            (
                events,
                deleted
                    .iter()
                    .map(|uuid| (*uuid).to_owned())
                    .collect::<Vec<_>>()
                    .as_slice()
            )
        );
        assert_eq!((page.problems.len(), page.more), (problems, more), "{page:?}");
        assert_eq!(server.asked().len() - before, requests);
    };
    let [a, b, c] = UUIDS;
    fill(&folder, &[(a, 3), (b, 1), (c, 2)]);
    check(2, &[b, c], &[], 0, true, 3).await;
    check(2, &[a], &[], 0, false, 2).await;
    check(2, &[], &[], 0, false, 1).await;
    // One is changed, one is gone.
    fill(&folder, &[(a, 3), (b, 9)]);
    check(2, &[b], &[c], 0, false, 2).await;
    check(2, &[], &[], 0, false, 1).await;
    // One is named and not there, or is no JSON: the others come, and it is tried again.
    fill(&folder, &[(a, 4), (b, 9), (c, 5)]);
    folder.lock().unwrap().remove(&format!("{a}.json"));
    check(2, &[c], &[], 1, false, 3).await;
    folder
        .lock()
        .unwrap()
        .insert(format!("{a}.json"), b"<html>".to_vec());
    check(2, &[], &[], 1, false, 2).await;
    folder.lock().unwrap().insert(format!("{a}.json"), b"{}".to_vec());
    check(2, &[a], &[], 0, false, 2).await;
    check(2, &[], &[], 0, false, 1).await;
}

/// Real events, as a feed.
#[tokio::test]
async fn real_events_in_a_feed() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/misp");
    let Ok(files) = std::fs::read_dir(&data) else {
        eprintln!("skipped: no {}", data.display());
        return;
    };
    let folder = Folder::default();
    let mut manifest = serde_json::Map::new();
    let mut expected = BTreeMap::new();
    for file in files {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let Ok(document) = serde_json::from_slice::<Value>(&bytes) else {
            continue;
        };
        let event = document.get("Event").unwrap_or(&document);
        let (Some(uuid), Some(time)) = (event["uuid"].as_str(), event.get("timestamp")) else {
            continue;
        };
        manifest.insert(uuid.to_owned(), json!({"timestamp": time, "info": event["info"]}));
        folder
            .lock()
            .unwrap()
            .insert(format!("{uuid}.json"), bytes.clone());
        expected.insert(uuid.to_owned(), bytes);
    }
    assert!(expected.len() > 20, "{} events", expected.len());
    let manifest = Value::Object(manifest).to_string().into_bytes();
    folder
        .lock()
        .unwrap()
        .insert("manifest.json".to_owned(), manifest);
    let server = serve(&folder).await;
    let mut cursor = FeedCursor::default();
    let mut found = BTreeMap::new();
    loop {
        let page = look(&server, &mut cursor, 10).await;
        assert!(page.problems.is_empty(), "{:?}", page.problems);
        for event in page.events {
            found.insert(event.uuid, event.raw.get().as_bytes().to_vec());
        }
        if !page.more {
            break;
        }
    }
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>()
    );
    for (uuid, bytes) in &expected {
        assert_eq!(found[uuid], bytes.trim_ascii(), "{uuid}");
    }
}

/// A MISP server with events of `(uuid, timestamp)`, as far as `restSearch` goes.
fn misp(events: &Arc<Mutex<Vec<(String, i64)>>>, asked: &Asked) -> Vec<Step> {
    if asked.header("authorization") != Some("key") {
        return answer(
            403,
            &[],
            br#"{"name":"Authentication failed.","message":"Authentication failed.","url":"/"}"#,
        );
    }
    assert_eq!(
        (asked.method.as_str(), asked.target.as_str()),
        ("POST", "/misp/events/restSearch")
    );
    let question: Value = serde_json::from_slice(&asked.body).unwrap();
    let since = question["timestamp"]
        .as_str()
        .map_or(0, |since| since.parse().unwrap());
    let limit = question["limit"].as_u64().unwrap() as usize;
    let page = question["page"].as_u64().unwrap() as usize;
    let events = events.lock().unwrap();
    let found: Vec<Value> = events
        .iter()
        .filter(|(_, time)| *time >= since)
        .skip((page - 1) * limit)
        .take(limit)
        .map(|(uuid, time)| json!({"Event": {"uuid": uuid, "timestamp": time.to_string(), "Attribute": []}}))
        .collect();
    answer(
        200,
        &[("Content-Type", "application/json")],
        json!({"response": found}).to_string().as_bytes(),
    )
}

#[tokio::test]
async fn a_misp_server() {
    let events: Arc<Mutex<Vec<(String, i64)>>> = Arc::default();
    let held = Arc::clone(&events);
    let server = Server::start(move |_, asked| misp(&held, asked)).await;
    let url = server.url.join("/misp").unwrap();
    let error = MispServer::new(&url, &impatient())
        .unwrap()
        .pull(&MispCursor::default(), 5)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Forbidden { told, .. } if told.contains("Authentication failed")),
        "{error}"
    );
    let mut settings = impatient();
    settings.auth = Auth::Key("key".to_owned());
    let client = MispServer::new(&url, &settings).unwrap();
    let mut cursor = MispCursor::default();
    let mut check = async |add: &[(&str, i64)], expected: &[&str], requests: usize| {
        for (uuid, time) in add {
            let mut events = events.lock().unwrap();
            events.retain(|(known, _)| known != uuid);
            events.push(((*uuid).to_owned(), *time));
        }
        let before = server.asked().len();
        let mut found = BTreeSet::new();
        loop {
            let page = client.pull(&cursor, 2).await.unwrap();
            for raw in &page.events {
                let event: Value = serde_json::from_str(raw.get()).unwrap();
                assert!(found.insert(event["Event"]["uuid"].as_str().unwrap().to_owned()));
            }
            let kept = serde_json::to_string(&page.cursor).unwrap();
            cursor = serde_json::from_str(&kept).unwrap();
            if !page.more {
                break;
            }
        }
        assert_eq!(
            found,
            expected
                .iter()
                .map(|uuid| (*uuid).to_owned())
                .collect::<BTreeSet<_>>()
        );
        assert_eq!(server.asked().len() - before, requests);
    };
    check(&[("a", 5), ("b", 9), ("c", 7)], &["a", "b", "c"], 2).await;
    check(&[], &[], 1).await;
    check(&[("d", 9)], &["d"], 2).await;
    check(&[("a", 10)], &["a"], 2).await;
    check(&[], &[], 1).await;
}
