//! A node that is served on a loopback port, and who may ask it.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use perisai_app::{Node, NodeSettings};
use perisai_model::Organisation;
use perisai_server::{Caller, Role, State, router};
use perisai_store::{Delivery, NewCollection, NewSource, Rights, SourceKind};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::backend::Backend;
use crate::client::{Answer, Ask};
use crate::sample::{bytes, uuid};

/// The organisation of the user `partner`.
pub(crate) const PARTNER: u128 = 1;

/// The organisation of the user `other`.
pub(crate) const OTHER: u128 = 2;

/// A node that is served.
pub(crate) struct Served {
    pub(crate) to: SocketAddr,
    pub(crate) node: Arc<Node>,
    serving: JoinHandle<()>,
    _folder: Arc<tempfile::TempDir>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

pub(crate) async fn serve(backend: &Backend) -> Served {
    serve_as(backend, |_| {}).await
}

pub(crate) async fn serve_as(backend: &Backend, change: impl Fn(&mut NodeSettings)) -> Served {
    let mut settings = backend.settings();
    change(&mut settings);
    // Another that was dropped may still be letting go of it.
    let mut node = Node::open(settings.clone()).await;
    for _ in 0..100 {
        if node.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        node = Node::open(settings.clone()).await;
    }
    let node = Arc::new(node.unwrap());
    let own = node.store().own();
    let state = State::new(Arc::clone(&node));
    let names = from_fn(move |mut request: Request, next: Next| {
        let caller = caller(own, &request);
        request.extensions_mut().insert(caller);
        next.run(request)
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let routes = router(state).layer(names);
    let serving = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    Served {
        to,
        node,
        serving,
        _folder: Arc::clone(&backend.folder),
    }
}

/// Whom a Basic name stands for.
fn caller(own: Organisation, request: &Request) -> Caller {
    let word = request.headers().get("authorization");
    let word = word.and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
    let text = word.and_then(|word| String::from_utf8(STANDARD.decode(word).ok()?).ok());
    let Some(name) = text.as_deref().and_then(|text| text.split(':').next()) else {
        return Caller::default();
    };
    let (organisation, role) = match name {
        "admin" => (own, Role::Admin),
        "analyst" => (own, Role::Analyst),
        "sensor" => (own, Role::Sensor),
        "viewer" => (own, Role::Viewer),
        "partner" => (Organisation(uuid(PARTNER)), Role::Partner),
        "other" => (Organisation(uuid(OTHER)), Role::Partner),
        _ => return Caller::default(),
    };
    Caller {
        organisation: Some(organisation),
        person: None,
        role: Some(role),
        ..Caller::default()
    }
}

impl Served {
    /// Makes a collection, with rights such as `(PARTNER, "rw")`, and gives its path.
    pub(crate) async fn basket(&self, alias: &str, granted: &[(u128, &str)]) -> String {
        let new = NewCollection {
            alias: Some(alias.to_owned()),
            title: format!("All of {alias}"),
            ..NewCollection::default()
        };
        let made = self.node.store().create_collection(new).await.unwrap();
        for (organisation, rights) in granted {
            let rights = Rights {
                read: rights.contains('r'),
                write: rights.contains('w'),
            };
            let organisation = Organisation(uuid(*organisation));
            self.node
                .store()
                .grant(alias, organisation, rights)
                .await
                .unwrap();
        }
        format!("/taxii2/api/collections/{}/", made.id)
    }

    pub(crate) async fn get(&self, user: &str, path: &str) -> Answer {
        Ask::get(user, path).send(self.to).await
    }

    /// Sends objects, and gives the status.
    pub(crate) async fn push(&self, user: &str, collection: &str, objects: &[Value]) -> Value {
        let body = json!({ "objects": objects }).to_string();
        let path = format!("{collection}objects/");
        let answer = Ask::post(user, &path, body.as_bytes()).send(self.to).await;
        assert_eq!(answer.status, 202, "{}", answer.json());
        answer.json()
    }

    /// Puts objects into a collection without the server: from a source of an organisation.
    pub(crate) async fn store(&self, from: u128, alias: &str, objects: &[Value]) {
        let store = self.node.store();
        let new = NewSource {
            name: uuid(from).to_string(),
            kind: SourceKind::Partner,
            organisation: Some(Organisation(uuid(from))),
            tlp: None,
        };
        let delivery = Delivery {
            source: store.ensure_source(new).await.unwrap().number,
            collection: Some(store.collection(alias).unwrap().number),
            tlp: None,
            audience: None,
            objects: bytes(objects),
        };
        let receipts = store.ingest(delivery).await.unwrap();
        assert!(
            receipts.iter().all(|receipt| receipt.outcome.is_success()),
            "{receipts:?}"
        );
    }
}
