//! A node that is served while a test runs, and clients of it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Once};
use std::time::Duration;

use axum::routing::any;
use axum::{Json, Router};
use perisai_app::{Node, NodeSettings};
use perisai_model::{Organisation, Person};
use perisai_server::auth::{Auth, AuthSettings, Rate};
use perisai_server::serve::{Bounds, Listen, Reload, Server, Tcp, Tls};
use perisai_server::{Caller, State, router};
use perisai_store::{Fingerprint, NewToken, NewUser, Store};
use reqwest::{Certificate, Client, ClientBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// A partner, and another one.
pub(crate) const ONE: Organisation = Organisation(Uuid::from_u128(0x4000_8000_0000_0000_0001));
pub(crate) const TWO: Organisation = Organisation(Uuid::from_u128(0x4000_8000_0000_0000_0002));

/// A person of our own.
pub(crate) const ANNA: Person = Person(Uuid::from_u128(0x4000_8000_0000_0000_0003));
pub(crate) const PASS_PHRASE: &str = "a horse that is stapled";

pub(crate) struct Served {
    pub(crate) store: Store,
    pub(crate) address: SocketAddr,
    pub(crate) fingerprint: Option<Fingerprint>,
    pub(crate) reload: Reload,
    pub(crate) folder: TempDir,
    pub(crate) is_tls: bool,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

/// How a node is to be served.
#[derive(Default)]
pub(crate) struct Way {
    pub(crate) tls: bool,
    pub(crate) settings: AuthSettings,
    pub(crate) bounds: Bounds,
}

impl Way {
    /// For one who asks faster than people do.
    pub(crate) fn unlimited() -> Self {
        let rate = Rate {
            burst: 1e9,
            per_second: 1e9,
        };
        let settings = AuthSettings {
            requests: rate,
            failures: rate,
            ..AuthSettings::default()
        };
        Self {
            settings,
            ..Self::default()
        }
    }
}

/// A route that says who called, under each root that the layer tells apart.
fn who() -> Router {
    let say = any(|caller: Caller| async move {
        Json(json!({
            "organisation": caller.organisation.map(|one| one.0),
            "person": caller.person.map(|one| one.0),
            "role": caller.role,
        }))
    });
    Router::new()
        .route("/taxii2/who", say.clone())
        .route("/api/who", say.clone())
        .route("/who", say)
}

impl Served {
    pub(crate) async fn start(way: Way) -> Self {
        provider();
        let folder = TempDir::new().unwrap();
        let data = folder.path().join("data");
        let node = Node::open(NodeSettings {
            data: data.clone(),
            title: "Own".to_owned(),
            ..NodeSettings::default()
        })
        .await
        .unwrap();
        let node = Arc::new(node);
        let store = node.store().clone();
        let tls = match way.tls {
            true => Tls::SelfSigned {
                folder: data.clone(),
                names: vec!["localhost".to_owned()],
            },
            false => Tls::Off,
        };
        let tcp = Tcp {
            address: "127.0.0.1:0".parse().unwrap(),
            tls,
            insecure: false,
            proxies: way.settings.trusted_proxies.clone(),
        };
        let listen = Listen {
            tcp: Some(tcp),
            admin_socket: Some(data.join("admin.sock")),
            bounds: way.bounds,
        };
        let server = Server::bind(listen).await.unwrap();
        let (address, fingerprint, reload) =
            (server.address().unwrap(), server.fingerprint(), server.reload());
        let auth = Auth::new(Arc::clone(&node), way.settings);
        let routes = auth.guard(router(State::new(node)).merge(who()));
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server.serve(routes, async move {
            let _ = stopped.await;
        }));
        Self {
            store,
            address,
            fingerprint,
            reload,
            folder,
            is_tls: way.tls,
            stop: Some(stop),
            task: Some(task),
        }
    }

    /// With two partners, and Anna who is an analyst.
    pub(crate) async fn with_people(way: Way) -> Self {
        let served = Self::start(way).await;
        for (organisation, name) in [(ONE, "One"), (TWO, "Two")] {
            served
                .store
                .add_organisation(organisation, name, false, false)
                .await
                .unwrap();
        }
        let hashes = perisai_server::auth::PassPhrases::default();
        let anna = NewUser {
            id: ANNA,
            name: "anna".to_owned(),
            organisation: served.store.own(),
            role: "analyst".to_owned(),
            pass_phrase: Some(hashes.hash(PASS_PHRASE.to_owned()).await.unwrap()),
            reads_red: false,
        };
        served.store.add_user(anna).await.unwrap();
        served
    }

    pub(crate) async fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.task.take().unwrap().await.unwrap();
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://localhost:{}{path}", self.address.port())
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        let builder = Client::builder().no_proxy().timeout(Duration::from_secs(20));
        let builder = builder.resolve("localhost", self.address);
        if !self.is_tls {
            return builder;
        }
        let pem = std::fs::read(self.data().join("tls.crt")).unwrap();
        builder.tls_certs_only([Certificate::from_pem(&pem).unwrap()])
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    /// A token of an organisation.
    pub(crate) async fn token(&self, of: Organisation, role: &str, scope: &[&str]) -> String {
        let new = NewToken {
            name: "a program".to_owned(),
            organisation: of,
            person: None,
            role: role.to_owned(),
            scope: scope.iter().map(|word| (*word).to_owned()).collect(),
            expires: None,
        };
        self.store.add_token(new).await.unwrap().secret
    }

    /// Logs Anna in: the cookie and the CSRF word.
    pub(crate) async fn log_in(&self, client: &Client) -> (String, String) {
        let body = json!({"name": "anna", "pass_phrase": PASS_PHRASE});
        let answer = client
            .post(self.url("/api/session"))
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
        let told: Value = answer.json().await.unwrap();
        let pair = cookie.split(';').next().unwrap().to_owned();
        (pair, told["csrf"].as_str().unwrap().to_owned())
    }
}

/// The status, and who the node said that called.
pub(crate) async fn told(answer: Response) -> (u16, Option<Organisation>) {
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap_or_default();
    let organisation = body["organisation"].as_str().and_then(|text| text.parse().ok());
    (status, organisation.map(Organisation))
}

pub(crate) fn provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        rustls::crypto::ring::default_provider()
            .install_default()
            .unwrap()
    });
}
