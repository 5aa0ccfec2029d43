//! medallion, the reference server of OASIS, between two nodes: what one pushes to it, the other pulls from it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use perisai_app::AddPeer;
use perisai_model::Tlp;
use perisai_store::{Credential, PeerState};
use serde_json::json;

use super::Running;
use crate::sample::{id, indicator, marked, observable};

const COLLECTION: &str = "91a7b528-80eb-42ed-a74d-c6fbd5a26116";

fn python() -> Option<PathBuf> {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python3");
    let python = std::env::var_os("PERISAI_PYTHON").map_or(usual, PathBuf::from);
    let import = Command::new(&python).args(["-c", "import medallion"]).status();
    if import.is_ok_and(|status| status.success()) {
        return Some(python);
    }
    let is_required = std::env::var_os("PERISAI_REQUIRE_PEERS").is_some_and(|value| value == "1");
    assert!(!is_required, "the Python environment is missing");
    eprintln!("skipped: medallion is not installed");
    None
}

/// A running medallion; it ends with this.
struct Medallion {
    child: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Drop for Medallion {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Medallion {
    async fn start(python: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let url = format!("http://127.0.0.1:{port}/");
        let collection = json!({"id": COLLECTION, "title": "Both", "can_read": true, "can_write": true,
            "media_types": ["application/stix+json;version=2.1"], "objects": [], "manifest": []});
        let data = json!({
            "/discovery": {"title": "S", "default": format!("{url}api/"), "api_roots": [format!("{url}api/")]},
            "api": {
                "information": {"title": "Root", "versions": ["application/taxii+json;version=2.1"],
                    "max_content_length": 9_765_625},
                "status": [], "collections": [collection],
            },
        });
        let config = json!({
            "backend": {"module": "medallion.backends.memory_backend", "module_class": "MemoryBackend",
                "filename": folder.path().join("data.json")},
            "users": {"admin": "Password0"}, "taxii": {"max_page_size": 20},
        });
        std::fs::write(folder.path().join("data.json"), data.to_string()).unwrap();
        std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
        let child = Command::new(python)
            .args(["-c", "from medallion.scripts.run import main; main()", "--port"])
            .arg(port.to_string())
            .arg(folder.path().join("config.json"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..300 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Self {
            child,
            url: format!("{url}taxii2/"),
            _folder: folder,
        }
    }
}

async fn peer(node: &Running, medallion: &Medallion, change: impl FnOnce(&mut AddPeer)) {
    let mut new = AddPeer {
        name: "medallion".to_owned(),
        url: medallion.url.clone(),
        credential: Credential::Basic {
            user: "admin".to_owned(),
            password: "Password0".to_owned(),
        },
        paused: true,
        ..AddPeer::default()
    };
    change(&mut new);
    node.node.add_peer(new).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_with_medallion_between_them() {
    let Some(python) = python() else { return };
    let medallion = Medallion::start(&python).await;
    let (one, two) = (Running::start().await, Running::start().await);
    one.basket("out", &[]).await;
    two.basket("mix", &[]).await;
    peer(&one, &medallion, |peer| {
        peer.pull = Some(Duration::ZERO);
        peer.push = Some("out".to_owned());
        peer.push_to = Some(COLLECTION.to_owned());
    })
    .await;
    peer(&two, &medallion, |peer| peer.into = Some("mix".to_owned())).await;
    let mut objects: Vec<_> = (1..=55).map(|number| indicator(number, 1)).collect();
    objects.extend([observable(60), marked(61, 1, Tlp::Green)]);
    one.takes(None, "out", None, &objects).await;
    let check = async |node: &Running, expected: &dyn Fn(&PeerState) -> bool| {
        let state = node.syncs("medallion").await;
        assert!(expected(&state), "{state:?}");
    };
    // Nothing is known of who runs it, so it gets what is open.
    check(&one, &|state| (state.sent, state.not_taken) == (56, 0)).await;
    // With our identity.
    check(&two, &|state| {
        (state.stored, state.apart, state.refused) == (57, 0, 0)
    })
    .await;
    assert!(two.shows(two.own(), &id("indicator", 61)).await.is_empty());
    check(&two, &|state| (state.stored, state.known) == (57, 0)).await;
    let mut revoked = indicator(1, 2);
    revoked["revoked"] = json!(true);
    tokio::time::sleep(Duration::from_millis(5)).await;
    one.takes(None, "out", None, std::slice::from_ref(&revoked)).await;
    one.node.delete(&id("indicator", 2), None).await.unwrap();
    check(&one, &|state| (state.sent, state.not_taken) == (58, 0)).await;
    check(&two, &|state| {
        (state.stored, state.deleted, state.apart) == (59, 1, 0)
    })
    .await;
    assert_eq!(two.shows(two.own(), &id("indicator", 1)).await[0], revoked);
    assert!(two.shows(two.own(), &id("indicator", 2)).await.is_empty());
    // Both ways on one collection: nothing of it goes back.
    two.node.remove_peer("medallion").await.unwrap();
    peer(&two, &medallion, |peer| {
        peer.into = Some("mix".to_owned());
        peer.push = Some("mix".to_owned());
    })
    .await;
    two.takes(None, "mix", None, &[indicator(100, 1)]).await;
    check(&two, &|state| {
        (state.sent, state.not_taken, state.apart) == (1, 0, 0)
    })
    .await;
}
