//! Nodes that are each other's peers, and what others' servers and feeds bring them: each node as it is served.

mod api;
mod certificates;
mod changed;
mod exchange;
mod feeds;
mod hostile;
mod large;
mod medallion;
mod schedule;
mod standards;
mod terms;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use perisai_app::{AddPeer, ChangePeer, Limits, Node, NodeSettings, Pace, Retry};
use perisai_model::{Audience, Organisation};
use perisai_policy::Recipient;
use perisai_server::start;
use perisai_store::{
    Credential, Delivery, NewCollection, NewSource, NewToken, PageQuery, PeerState, Receipt, Rights,
    SourceKind,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::sample::bytes;

/// A node that is served, and deals with its peers.
pub(crate) struct Running {
    pub(crate) node: Arc<Node>,
    pub(crate) address: SocketAddr,
    /// Of its certificate, where it has one.
    pub(crate) fingerprint: Option<String>,
    /// A token of who runs it.
    pub(crate) admin: Option<String>,
    folder: Arc<TempDir>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// Little patience, so that tests are short.
pub(crate) fn pace() -> Pace {
    Pace {
        limits: Limits {
            body: 64 << 20,
            connect: Duration::from_millis(500),
            answer: Duration::from_secs(5),
            idle: Duration::from_secs(2),
            total: Duration::from_secs(30),
            speed: 100,
        },
        retry: Retry {
            attempts: 2,
            first: Duration::from_millis(10),
            longest: Duration::from_millis(50),
        },
        debounce: Duration::from_millis(50),
        backoff: Duration::from_millis(300),
        longest_backoff: Duration::from_secs(1),
        turn: Duration::from_secs(60),
    }
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::with(Arc::new(TempDir::new().unwrap()), pace()).await
    }

    pub(crate) async fn with(folder: Arc<TempDir>, pace: Pace) -> Self {
        Self::with_settings(folder, pace, |_| {}).await
    }

    pub(crate) async fn with_settings(
        folder: Arc<TempDir>,
        pace: Pace,
        change: impl Fn(&mut NodeSettings),
    ) -> Self {
        let mut settings = NodeSettings {
            data: folder.path().join("node"),
            listen: "127.0.0.1:0".parse().unwrap(),
            plain: true,
            page: 5_000,
            ..NodeSettings::default()
        };
        change(&mut settings);
        // Another that was stopped may still be letting go of it.
        let mut ready = start(settings.clone()).await;
        for _ in 0..100 {
            if ready.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            ready = start(settings.clone()).await;
        }
        let mut ready = ready.unwrap();
        ready.pace = pace;
        let (node, address) = (Arc::clone(&ready.node), ready.server.address().unwrap());
        let fingerprint = ready.server.fingerprint().map(|print| print.to_string());
        let admin = ready.first_token.clone();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(ready.serve(async move {
            let _ = stopped.await;
        }));
        Self {
            node,
            address,
            fingerprint,
            admin,
            folder,
            stop: Some(stop),
            task,
        }
    }

    /// Stops it as who runs it does; gives what is left of it.
    pub(crate) async fn stop(mut self) -> Arc<TempDir> {
        self.stop.take().unwrap().send(()).unwrap();
        self.task.await.unwrap();
        self.folder
    }

    pub(crate) fn own(&self) -> Organisation {
        self.node.store().own()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/taxii2/", self.address)
    }

    /// Makes another organisation known, with what it is to us: words of `client community`.
    pub(crate) async fn knows(&self, other: Organisation, name: &str, what: &str) {
        let store = self.node.store();
        store
            .add_organisation(other, name, what.contains("client"), what.contains("community"))
            .await
            .unwrap();
    }

    /// Makes a collection with rights such as `(organisation, "rw")`; gives its number.
    pub(crate) async fn basket(&self, alias: &str, granted: &[(Organisation, &str)]) -> i64 {
        let new = NewCollection {
            alias: Some(alias.to_owned()),
            title: format!("All of {alias}"),
            ..NewCollection::default()
        };
        let store = self.node.store();
        let made = store.create_collection(new).await.unwrap();
        for (organisation, rights) in granted {
            let rights = Rights {
                read: rights.contains('r'),
                write: rights.contains('w'),
            };
            store.grant(alias, *organisation, rights).await.unwrap();
        }
        made.number
    }

    /// Takes objects in, from ourselves or another, for all or some.
    pub(crate) async fn takes(
        &self,
        from: Option<Organisation>,
        alias: &str,
        audience: Option<Audience>,
        objects: &[Value],
    ) -> Vec<Receipt> {
        let store = self.node.store();
        let new = NewSource {
            name: from.map_or_else(|| "own".to_owned(), |from| from.0.to_string()),
            kind: from.map_or(SourceKind::Own, |_| SourceKind::Partner),
            organisation: Some(from.unwrap_or(self.own())),
            tlp: None,
        };
        let delivery = Delivery {
            source: store.ensure_source(new).await.unwrap().number,
            collection: Some(store.collection(alias).unwrap().number),
            tlp: None,
            audience,
            objects: bytes(objects),
        };
        store.ingest(delivery).await.unwrap()
    }

    /// A token of a partner.
    pub(crate) async fn token(&self, of: Organisation) -> String {
        let new = NewToken {
            name: "a node".to_owned(),
            organisation: of,
            person: None,
            role: "partner".to_owned(),
            scope: Vec::new(),
            expires: None,
        };
        self.node.store().add_token(new).await.unwrap().secret
    }

    /// Makes another node a peer of this one, which is only dealt with when it is asked to, unless `change` says else.
    pub(crate) async fn peers_with(&self, other: &Self, name: &str, change: impl FnOnce(&mut AddPeer)) {
        let mut new = AddPeer {
            name: name.to_owned(),
            url: other.url(),
            credential: Credential::Bearer(other.token(self.own()).await),
            organisation: Some(other.own()),
            paused: true,
            ..AddPeer::default()
        };
        change(&mut new);
        self.node.add_peer(new).await.unwrap();
    }

    /// Stops all dealings with a peer, or takes them up again.
    pub(crate) async fn pauses(&self, name: &str, paused: bool) {
        let change = ChangePeer {
            paused: Some(paused),
            ..ChangePeer::default()
        };
        self.node.change_peer(name, change).await.unwrap();
    }

    /// Syncs with a peer now, without any trouble.
    pub(crate) async fn syncs(&self, name: &str) -> PeerState {
        let state = self.node.sync_now(name).await.unwrap();
        assert_eq!(state.trouble(), None, "{state:?}");
        state
    }

    /// The versions of an object that an organisation may see here.
    pub(crate) async fn shows(&self, to: Organisation, id: &str) -> Vec<Value> {
        let view = self.node.store().view(Recipient::organisation(to));
        let found = view.object(id).await.unwrap();
        found
            .iter()
            .map(|entry| serde_json::from_slice(&entry.get().raw).unwrap())
            .collect()
    }

    /// The ids in a collection, as we may see it ourselves, in its order.
    pub(crate) async fn ids(&self, alias: &str) -> Vec<String> {
        let store = self.node.store();
        let query = PageQuery {
            collection: store.collection(alias).unwrap().number,
            limit: 10_000_000,
            heads: true,
            ..PageQuery::default()
        };
        let view = store.view(Recipient::organisation(self.own()));
        let page = view.page(&query).await.unwrap();
        page.entries.iter().map(|entry| entry.get().id.clone()).collect()
    }
}

/// Waits until something is so, for a while.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..400 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what} did not come to be");
}
