//! Every call against medallion, the reference server of OASIS, with its memory backend.
//!
//! What it gets wrong, and is met here: all objects of one envelope have one `date_added`; one `next` stands for all
//! pages, each of which is given once; what it already has it calls a failure; it forgets the version of observables
//! that were asked for alone, and fails from then on.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use perisai_exchange::taxii::{
    Client, CollectionUrl, Cursor, Fate, Matching, Page, PullOptions, PushOptions, Query,
};
use perisai_exchange::{Auth, Error, Settings};
use serde_json::{Value, json};
use url::Url;

use crate::push::{partner, released};

const BOTH: &str = "91a7b528-80eb-42ed-a74d-c6fbd5a26116";
const WRITE_ONLY: &str = "52892447-4d7e-4f70-b94d-d7f22742ff63";

/// Python with medallion. Without it the test is skipped, or fails where `PERISAI_REQUIRE_PEERS` says so.
fn python() -> Option<PathBuf> {
    let usual = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/venv/bin/python3");
    let python = PathBuf::from(std::env::var("PERISAI_PYTHON").unwrap_or(usual.to_owned()));
    let installed = python.exists()
        && Command::new(&python)
            .args(["-c", "import medallion"])
            .status()
            .is_ok_and(|status| status.success());
    if installed {
        return Some(python);
    }
    assert!(
        std::env::var("PERISAI_REQUIRE_PEERS").is_err(),
        "no medallion in target/venv: `cargo xtask test` installs it"
    );
    eprintln!("skipped: no medallion in target/venv (`cargo xtask test` installs it)");
    None
}

/// A running medallion; it ends with this.
struct Medallion {
    child: Child,
    url: Url,
    _folder: tempfile::TempDir,
}

impl Drop for Medallion {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Medallion {
    async fn start(python: &PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let url: Url = format!("http://127.0.0.1:{port}/").parse().unwrap();
        let collection = |id: &str, can_read: bool| {
            json!({"id": id, "title": format!("Collection {can_read}"), "can_read": can_read, "can_write": true,
                "media_types": ["application/stix+json;version=2.1"], "objects": [], "manifest": []})
        };
        let data = json!({
            "/discovery": {"title": "Some TAXII Server", "default": format!("{url}api/"), "api_roots": [format!("{url}api/")]},
            "api": {
                "information": {"title": "Root", "versions": ["application/taxii+json;version=2.1"], "max_content_length": 9_765_625},
                "status": [],
                "collections": [collection(BOTH, true), collection(WRITE_ONLY, false)],
            },
        });
        let data_file = folder.path().join("data.json");
        std::fs::write(&data_file, data.to_string()).unwrap();
        let config = json!({
            "backend": {"module": "medallion.backends.memory_backend", "module_class": "MemoryBackend", "filename": data_file},
            "users": {"admin": "Password0"},
            "taxii": {"max_page_size": 20},
        });
        let config_file = folder.path().join("config.json");
        std::fs::write(&config_file, config.to_string()).unwrap();
        let child = Command::new(python)
            .args([
                "-c",
                "from medallion.scripts.run import main; main()",
                "--port",
                &port.to_string(),
            ])
            .arg(&config_file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let this = Self {
            child,
            url,
            _folder: folder,
        };
        for _ in 0..300 {
            if this
                .client("Password0")
                .discovery(&this.url.join("/taxii2/").unwrap())
                .await
                .is_ok()
            {
                return this;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("medallion does not start");
    }

    fn client(&self, password: &str) -> Client {
        let settings = Settings {
            auth: Auth::Basic {
                user: "admin".to_owned(),
                password: password.to_owned(),
            },
            ..Settings::default()
        };
        Client::new(&self.url, &settings).unwrap()
    }

    fn root(&self) -> Url {
        self.url.join("/api/").unwrap()
    }
}

/// An object of a number: every fifth is an observable, which has no version.
fn object(index: usize, version: u32) -> Value {
    let uuid = uuid::Uuid::from_u128(0x1234_0000_4000_8000_0000_0000_0000 + index as u128);
    if index % 5 == 4 {
        return json!({"type": "ipv4-addr", "spec_version": "2.1", "id": format!("ipv4-addr--{uuid}"),
            "value": format!("192.0.2.{index}")});
    }
    json!({"type": "tool", "spec_version": "2.1", "id": format!("tool--{uuid}"), "name": format!("été {index} \"x\""),
        "created": "2022-02-24T03:00:00.000Z", "modified": format!("2022-02-24T03:00:0{version}.000Z")})
}

/// Pulls to the end, as if the process ended after each page where `restarts`.
async fn pull_all(
    client: &Client,
    at: &CollectionUrl,
    cursor: &mut Cursor,
    limit: u32,
    restarts: bool,
) -> Vec<Value> {
    let options = PullOptions {
        limit,
        ..PullOptions::default()
    };
    let mut found = Vec::new();
    for _ in 0..100 {
        let Page {
            objects,
            broken,
            cursor: next,
            more,
            notes,
            ..
        } = client.pull(at, cursor, &options).await.unwrap();
        assert!(broken.is_empty() && notes.is_empty(), "{broken:?} {notes:?}");
        found.extend(
            objects
                .iter()
                .map(|raw| serde_json::from_str::<Value>(raw.get()).unwrap()),
        );
        *cursor = next;
        if restarts {
            *cursor = serde_json::from_str(&serde_json::to_string(cursor).unwrap()).unwrap();
        }
        if !more {
            return found;
        }
    }
    panic!("it does not end: {found:?}");
}

/// By id and version: medallion gives the keys of objects in another order.
fn sorted(values: &[Value]) -> BTreeMap<String, &Value> {
    let key = |value: &Value| format!("{} {}", value["id"], value["modified"]);
    values.iter().map(|value| (key(value), value)).collect()
}

#[tokio::test]
async fn every_call() {
    let Some(python) = python() else {
        return;
    };
    let medallion = Medallion::start(&python).await;
    let client = medallion.client("Password0");
    finds(&medallion, &client).await;
    let at = CollectionUrl::new(&medallion.root(), BOTH).unwrap();
    let objects: Vec<Value> = (0..50).map(|index| object(index, 1)).collect();
    pushes(&client, &at, &objects).await;
    pulls(&client, &at, &objects).await;
    reads(&client, &at).await;
    refusals(&medallion, &client, &at).await;
}

async fn finds(medallion: &Medallion, client: &Client) {
    let discovery = client
        .discovery(&medallion.url.join("/taxii2/").unwrap())
        .await
        .unwrap();
    assert_eq!(
        (discovery.title.as_str(), discovery.api_roots.len()),
        ("Some TAXII Server", 1)
    );
    let root = client.api_root(&medallion.root()).await.unwrap();
    assert_eq!(root.max_content_length, Some(9_765_625));
    assert_eq!(client.collections(&medallion.root()).await.unwrap().len(), 2);
    let one = format!("/api/collections/{BOTH}");
    for (path, wanted, count) in [
        ("/", None, 2),
        ("/taxii2/", Some(BOTH), 1),
        ("/api/", Some("Collection true"), 1),
        (&one, None, 1),
    ] {
        let found = client
            .find(&medallion.url.join(path).unwrap(), wanted)
            .await
            .unwrap();
        assert_eq!(found.len(), count, "{path}");
        assert!(found[0].collection.can_write);
    }
}

async fn pushes(client: &Client, at: &CollectionUrl, objects: &[Value]) {
    let ready: Vec<_> = objects
        .iter()
        .map(|object| released(object, &partner()))
        .collect();
    let options = PushOptions {
        max_objects: 30,
        ..PushOptions::default()
    };
    // The second time it calls all of them failures, though it has them.
    for _ in 0..2 {
        let pushed = client.push(at, partner(), &ready, &options).await;
        assert!(
            pushed.stopped.is_none() && pushed.fates.iter().all(|fate| *fate == Fate::Stored),
            "{pushed:?}"
        );
        let status = client.status(at.root(), &pushed.statuses[0]).await.unwrap();
        assert_eq!((status.is_complete, status.total), (true, Some(30)));
    }
}

async fn pulls(client: &Client, at: &CollectionUrl, objects: &[Value]) {
    for (limit, restarts) in [(7, false), (7, true), (1_000, true)] {
        let mut cursor = Cursor::default();
        let found = pull_all(client, at, &mut cursor, limit, restarts).await;
        assert_eq!(found.len(), 50, "{limit} {restarts}");
        assert_eq!(sorted(&found), sorted(objects), "{limit} {restarts}");
        assert!(
            pull_all(client, at, &mut cursor, limit, restarts)
                .await
                .is_empty()
        );
    }
    // A new version, and nothing else, comes after that.
    let mut cursor = Cursor::default();
    pull_all(client, at, &mut cursor, 20, true).await;
    let newer = object(0, 2);
    client
        .push(
            at,
            partner(),
            &[released(&newer, &partner())],
            &PushOptions::default(),
        )
        .await;
    assert_eq!(pull_all(client, at, &mut cursor, 20, true).await, [newer]);
    // By type.
    let options = PullOptions {
        matching: Matching {
            types: vec!["ipv4-addr".to_owned()],
            ..Matching::default()
        },
        ..PullOptions::default()
    };
    let page = client.pull(at, &Cursor::default(), &options).await.unwrap();
    assert_eq!((page.objects.len(), page.more), (10, false));
}

async fn reads(client: &Client, at: &CollectionUrl) {
    let newer = object(0, 2);
    let id = newer["id"].as_str().unwrap();
    let last = client.object(at, id, &Query::default()).await.unwrap();
    assert_eq!(last.objects.len(), 1);
    assert_eq!(
        serde_json::from_str::<Value>(last.objects[0].get()).unwrap(),
        newer
    );
    let all = Query {
        matching: Matching {
            versions: vec!["all".to_owned()],
            ..Matching::default()
        },
        ..Query::default()
    };
    assert_eq!(client.object(at, id, &all).await.unwrap().objects.len(), 2);
    let versions = client.versions(at, id, &Query::default()).await.unwrap();
    assert_eq!(
        versions.versions,
        ["2022-02-24T03:00:02.000Z", "2022-02-24T03:00:01.000Z"]
    );
    let manifest = client.manifest(at, &Query::default()).await.unwrap();
    assert!(
        manifest.more && manifest.rows.len() == 20 && manifest.rows[0].date_added.is_some(),
        "{manifest:?}"
    );
    client.delete(at, id, &all).await.unwrap();
    let gone = client.object(at, id, &Query::default()).await;
    assert!(matches!(gone, Err(Error::NotFound { .. })), "{gone:?}");
}

async fn refusals(medallion: &Medallion, client: &Client, at: &CollectionUrl) {
    let wrong = medallion.client("wrong").collection(at).await;
    assert!(matches!(wrong, Err(Error::Unauthorised { .. })), "{wrong:?}");
    let hidden = CollectionUrl::new(&medallion.root(), WRITE_ONLY).unwrap();
    let page = client
        .pull(&hidden, &Cursor::default(), &PullOptions::default())
        .await;
    assert!(matches!(page, Err(Error::Forbidden { .. })), "{page:?}");
    let gone = CollectionUrl::new(&medallion.root(), "none").unwrap();
    let page = client
        .pull(&gone, &Cursor::default(), &PullOptions::default())
        .await;
    assert!(matches!(page, Err(Error::NotFound { .. })), "{page:?}");
    // It fails of an object without an id, and with it of the whole envelope; the others are stored all the same.
    let mut bad = object(60, 1);
    bad["created"] = json!(5);
    bad["modified"] = json!(5);
    let objects = [object(61, 1), bad, object(62, 1)];
    let ready: Vec<_> = objects
        .iter()
        .map(|object| released(object, &partner()))
        .collect();
    let pushed = client.push(at, partner(), &ready, &PushOptions::default()).await;
    assert_eq!(
        (&pushed.fates[0], &pushed.fates[2]),
        (&Fate::Stored, &Fate::Stored),
        "{pushed:?}"
    );
}
