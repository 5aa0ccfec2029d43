//! A node that is ready to serve: its store, its routes, and where it listens.

use std::sync::Arc;

use axum::Router;
use perisai_app::{Node, NodeSettings, Pace};
use tokio::sync::watch;
use tokio::time::{Duration, timeout};

use crate::auth::{Auth, AuthSettings, Networks, first_start};
use crate::observe::observed;
use crate::serve::{Bounds, Listen, ServeError, Server, Tcp, Tls};
use crate::{State, router, upload};

/// How long the dealings with peers may take to end.
const STOP: Duration = Duration::from_secs(5);

/// A node that is ready to serve.
#[derive(Debug)]
pub struct Ready {
    /// The node.
    pub node: Arc<Node>,
    /// What it serves.
    pub routes: Router,
    /// Where it listens.
    pub server: Server,
    /// How patient it is with its peers.
    pub pace: Pace,
    /// On the first start, a token for who runs the node: to be shown once.
    pub first_token: Option<String>,
    /// Nobody but who runs it reaches it.
    is_quiet: bool,
}

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its store cannot be used.
    #[error(transparent)]
    Store(#[from] perisai_store::Error),
    /// It cannot listen.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// Opens a node's store and listens. Nothing is served yet.
///
/// # Errors
/// Where the store, the key or the address cannot be used.
pub async fn start(settings: NodeSettings) -> Result<Ready, StartError> {
    let tcp = Tcp {
        address: settings.listen,
        tls: tls(&settings),
        insecure: settings.insecure,
        proxies: Networks::of_addresses(&settings.trusted_proxies),
    };
    let mut ready = open(settings, Some(tcp)).await?;
    ready.first_token = first_start(ready.node.store()).await?;
    Ok(ready)
}

/// Opens a node's store for who runs it, who reaches it by the socket in the data folder; nobody else does. Nothing is
/// served yet.
///
/// # Errors
/// Where the store or the socket cannot be used.
pub async fn start_quietly(settings: NodeSettings) -> Result<Ready, StartError> {
    let ready = open(settings, None).await?;
    // What is asked next is to be answered from all that there is.
    while ready.node.store().fold().await? {}
    Ok(ready)
}

async fn open(settings: NodeSettings, tcp: Option<Tcp>) -> Result<Ready, StartError> {
    let is_quiet = tcp.is_none();
    let listen = Listen {
        tcp,
        admin_socket: Some(settings.data.join("admin.sock")),
        bounds: Bounds::default(),
    };
    let auth = AuthSettings {
        trusted_proxies: Networks::of_addresses(&settings.trusted_proxies),
        ..AuthSettings::default()
    };
    // Before anything is made in the folder: where a node cannot listen, it leaves none behind.
    let taken = match &listen.tcp {
        Some(tcp) => Some(tcp.listen().await?),
        None => None,
    };
    let node = Arc::new(Node::open(settings).await?);
    upload::clean(node.settings());
    let server = Server::on(taken, listen)?;
    let state = State::new(Arc::clone(&node));
    let metrics = state.metrics.clone();
    let routes = Auth::new(Arc::clone(&node), auth).guard(router(state));
    let routes = observed(routes, &metrics);
    Ok(Ready {
        node,
        routes,
        server,
        pace: Pace::default(),
        first_token: None,
        is_quiet,
    })
}

impl Ready {
    /// Serves until `shutdown` is done; then lets requests that are under way end, for a while.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let store = self.node.store().clone();
        let folding = tokio::spawn(async move { store.keep_folding().await });
        let (stop, stopped) = watch::channel(false);
        // A node that only does what one command asks leaves its peers alone.
        let syncing = Arc::clone(&self.node).keep_syncing(self.pace, stopped);
        let mut syncing = (!self.is_quiet).then(|| tokio::spawn(syncing));
        self.server.serve(self.routes, shutdown).await;
        stop.send_replace(true);
        if let Some(syncing) = &mut syncing
            && timeout(STOP, &mut *syncing).await.is_err()
        {
            syncing.abort();
        }
        self.node.jobs().stop_all().await;
        folding.abort();
        if self.is_quiet {
            // Nobody else does before the next command asks.
            while self.node.store().fold().await.unwrap_or(false) {}
        }
    }
}

fn tls(settings: &NodeSettings) -> Tls {
    match &settings.tls {
        _ if settings.plain => Tls::Off,
        Some(files) => Tls::Files {
            certificate: files.certificate.clone(),
            key: files.key.clone(),
        },
        None => Tls::SelfSigned {
            folder: settings.data.clone(),
            names: names(settings),
        },
    }
}

/// The names that a certificate of our own is made for.
fn names(settings: &NodeSettings) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !settings.listen.ip().is_unspecified() {
        names.push(settings.listen.ip().to_string());
    }
    let host = settings.url.as_deref().and_then(|url| url.split_once("://"));
    if let Some((_, rest)) = host {
        let end = rest.find(['/', ':']).unwrap_or(rest.len());
        names.push(rest[..end].to_owned());
    }
    names.sort_unstable();
    names.dedup();
    names
}
