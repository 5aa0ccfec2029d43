//! Serving: TCP with or without TLS, and the socket of who runs the node. What one side may do to the other is bounded
//! here: how many connections, how long a handshake, a request's head, and silence may last.

mod connection;
mod idle;
mod linger;
mod places;
mod quiet;
#[cfg(unix)]
mod socket;
mod tls;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::server::graceful::GracefulShutdown;
use perisai_store::Fingerprint;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use self::connection::Connections;
use self::places::Places;
use self::tls::Keys;
pub use self::tls::{Tls, TlsError};
use crate::auth::Networks;

/// What is served where.
#[derive(Debug, Clone)]
pub struct Listen {
    /// Where others reach it; `None`: they do not.
    pub tcp: Option<Tcp>,
    /// Where the socket of who runs the node stands, if anywhere: `admin.sock` in the data folder.
    pub admin_socket: Option<PathBuf>,
    /// What one side may do to the other.
    pub bounds: Bounds,
}

/// Where others reach a server.
#[derive(Debug, Clone)]
pub struct Tcp {
    /// The address; port 0 for any that is free.
    pub address: SocketAddr,
    /// With which key, if any.
    pub tls: Tls,
    /// Plain HTTP is served even where others than this machine can reach it.
    pub insecure: bool,
    /// Behind whom there are many: their connections are not counted by address.
    pub proxies: Networks,
}

/// What bounds a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How many there are at a time; more wait to be accepted.
    pub connections: usize,
    /// How many of them one address may have (one network of IPv6); more are closed at once.
    pub per_address: usize,
    /// How long a TLS handshake may last.
    pub handshake: Duration,
    /// How long a request's head may last, the wait for it included.
    pub head: Duration,
    /// How long neither side may say anything; on HTTP/2, how long no request under way may get any further.
    pub silence: Duration,
    /// How long a connection of HTTP/2 may have no request under way.
    pub idle: Duration,
    /// How long requests that are under way may go on after the node was told to stop.
    pub stop: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: 1024,
            per_address: 128,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            silence: Duration::from_secs(120),
            idle: Duration::from_secs(60),
            stop: Duration::from_secs(10),
        }
    }
}

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Pass-phrases and tokens would be readable on the way.
    #[error(
        "plain HTTP on {0} could be read by others: give a certificate, use 127.0.0.1, or ask for it (`insecure`)"
    )]
    Plain(SocketAddr),
    /// The address cannot be used.
    #[error("cannot listen on {address}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The socket cannot be made.
    #[error("cannot make the socket {path}")]
    Socket {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The key or the certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A server that listens, and serves nothing yet.
#[derive(Debug)]
pub struct Server {
    tcp: Option<TcpListener>,
    keys: Option<Arc<Keys>>,
    proxies: Networks,
    #[cfg(unix)]
    admin: Option<socket::AdminSocket>,
    bounds: Bounds,
}

/// Reads the certificate anew, where there is one: for a signal, from another thread.
#[derive(Debug, Clone)]
pub struct Reload(Option<Arc<Keys>>);

impl Reload {
    /// Reads the key and the certificate again. Where they cannot be used, those that were there stay.
    ///
    /// # Errors
    /// Where they cannot be used.
    pub fn now(&self) -> Result<(), TlsError> {
        self.0.as_ref().map_or(Ok(()), |keys| keys.reload())
    }
}

impl Tcp {
    /// Takes the address, and looks whether what is served there can be. Nothing is made for it yet.
    ///
    /// # Errors
    /// Where plain HTTP was not asked for, or the address or a key that is named cannot be used.
    pub async fn listen(&self) -> Result<TcpListener, ServeError> {
        match &self.tls {
            Tls::Off if !self.insecure && !self.address.ip().to_canonical().is_loopback() => {
                return Err(ServeError::Plain(self.address));
            }
            Tls::Files { .. } => drop(Keys::open(&self.tls)?),
            Tls::Off | Tls::SelfSigned { .. } => {}
        }
        let bound = TcpListener::bind(self.address).await;
        bound.map_err(|source| ServeError::Listen {
            address: self.address,
            source,
        })
    }
}

impl Server {
    /// Listens. Where a key and a certificate are to be made, they are.
    ///
    /// # Errors
    /// Where plain HTTP was not asked for, or the address, the key or the socket cannot be used.
    pub async fn bind(listen: Listen) -> Result<Self, ServeError> {
        let taken = match &listen.tcp {
            Some(tcp) => Some(tcp.listen().await?),
            None => None,
        };
        Self::on(taken, listen)
    }

    /// The same where the address was [taken](Tcp::listen) before.
    ///
    /// # Errors
    /// Where the key or the socket cannot be used.
    pub fn on(tcp: Option<TcpListener>, listen: Listen) -> Result<Self, ServeError> {
        let keys = match &listen.tcp {
            Some(tcp) => Keys::open(&tcp.tls)?.map(Arc::new),
            None => None,
        };
        #[cfg(unix)]
        let admin = listen.admin_socket.as_deref().map(open_socket).transpose()?;
        Ok(Self {
            tcp,
            keys,
            proxies: listen.tcp.map(|tcp| tcp.proxies).unwrap_or_default(),
            #[cfg(unix)]
            admin,
            bounds: listen.bounds,
        })
    }

    /// Where others reach it; `None` where they do not.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.tcp.as_ref().and_then(|tcp| tcp.local_addr().ok())
    }

    /// The SHA-256 of the certificate that is served now, to be told to partners out of band; `None` without TLS.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.keys.as_ref().map(|keys| keys.fingerprint())
    }

    /// Reads the certificate anew when it is asked to. It also is when the files change, within seconds.
    #[must_use]
    pub fn reload(&self) -> Reload {
        Reload(self.keys.clone())
    }

    /// Serves until `shutdown` is done; then lets requests that are under way end, for a while.
    pub async fn serve(self, routes: Router, shutdown: impl Future<Output = ()>) {
        let connections = Connections::new(routes, self.bounds);
        let (graceful, mut tasks) = (GracefulShutdown::new(), JoinSet::new());
        let free = Arc::new(Semaphore::new(self.bounds.connections));
        let places = Places::new(self.bounds.per_address);
        // Who runs the node must get in however many others there are.
        let admin_free = Arc::new(Semaphore::new(ADMINS));
        if let Some(keys) = self.keys.clone() {
            tasks.spawn(async move { keys.watch().await });
        }
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                (stream, address, permit) = self.accept(&free) => {
                    let place = places.take(address.ip());
                    if place.is_none() && !self.proxies.contain(address.ip()) {
                        tracing::debug!(%address, "one address has too many connections");
                        continue;
                    }
                    let work = connections.tcp(stream, address, self.keys.clone(), graceful.watcher());
                    tasks.spawn(async move { work.await; drop((permit, place)) });
                }
                (stream, permit) = self.accept_admin(&admin_free) => {
                    let work = connections.admin(stream, graceful.watcher());
                    tasks.spawn(async move { work.await; drop(permit) });
                }
                Some(_) = tasks.join_next() => {}
            }
        }
        drop(self);
        let stop = tokio::time::timeout(connections.bounds().stop, graceful.shutdown()).await;
        if stop.is_err() {
            tracing::warn!(left = tasks.len(), "requests under way were cut off");
        }
        tasks.shutdown().await;
    }

    async fn accept(&self, free: &Arc<Semaphore>) -> connection::Accepted {
        match &self.tcp {
            Some(tcp) => connection::accept(tcp, free).await,
            None => std::future::pending().await,
        }
    }

    #[cfg(unix)]
    async fn accept_admin(&self, free: &Arc<Semaphore>) -> connection::Admin {
        match &self.admin {
            Some(admin) => admin.accept(free).await,
            None => std::future::pending().await,
        }
    }

    #[cfg(not(unix))]
    async fn accept_admin(&self, _: &Arc<Semaphore>) -> connection::Admin {
        std::future::pending().await
    }
}

/// How many connections the socket of who runs the node has at a time.
const ADMINS: usize = 32;

#[cfg(unix)]
fn open_socket(path: &Path) -> Result<socket::AdminSocket, ServeError> {
    socket::AdminSocket::open(path).map_err(|source| ServeError::Socket {
        path: path.to_owned(),
        source,
    })
}
