//! One connection: its handshake, its bounds, and what each of its requests is told of it.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::Bounds;
use super::idle::Activity;
use super::linger::linger;
use super::quiet::Quiet;
use super::tls::{self, Keys};
use crate::auth::Peer;

#[cfg(unix)]
type AdminStream = tokio::net::UnixStream;
#[cfg(not(unix))]
type AdminStream = tokio::io::DuplexStream;

/// A connection of who runs the node, and its place among them.
pub(super) type Admin = (AdminStream, OwnedSemaphorePermit);

/// The most a request's head may have, in bytes: of HTTP/1 with its first line.
const HEAD: usize = 32 << 10;

/// The most headers that a request may have.
const HEADERS: usize = 100;

/// How many requests one connection of HTTP/2 may have at a time.
const STREAMS: u32 = 64;

/// A connection of anybody, from where, and its place among them.
pub(super) type Accepted = (TcpStream, SocketAddr, OwnedSemaphorePermit);

/// Accepts a connection, once there is a place for one more.
pub(super) async fn accept(tcp: &TcpListener, free: &Arc<Semaphore>) -> Accepted {
    let permit = Arc::clone(free).acquire_owned().await;
    let permit = permit.expect("the semaphore is never closed");
    loop {
        match tcp.accept().await {
            Ok((stream, address)) => return (stream, address, permit),
            // Out of file handles, or the other side has gone: neither may stop the node.
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "accepting failed");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// What all connections share.
#[derive(Clone)]
pub(super) struct Connections {
    routes: Router,
    http: Builder<TokioExecutor>,
    bounds: Bounds,
}

impl Connections {
    pub(super) fn new(routes: Router, bounds: Bounds) -> Self {
        let mut http = Builder::new(TokioExecutor::new());
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(bounds.head)
            .max_headers(HEADERS)
            .max_buf_size(HEAD);
        http.http2()
            .timer(TokioTimer::new())
            .max_header_list_size(HEAD as u32)
            .max_concurrent_streams(STREAMS)
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(10));
        Self { routes, http, bounds }
    }

    pub(super) const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Serves a connection of TCP to its end.
    pub(super) fn tcp(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        keys: Option<Arc<Keys>>,
        watcher: Watcher,
    ) -> impl Future<Output = ()> + Send + 'static {
        let this = self.clone();
        async move {
            // Answers are written whole: there is nothing to wait for.
            let _ = stream.set_nodelay(true);
            let mut peer = Peer {
                address: Some(address),
                ..Peer::default()
            };
            let Some(keys) = keys else {
                return this.http(stream, peer, false, watcher).await;
            };
            let acceptor = TlsAcceptor::from(keys.config());
            let shaken = tokio::time::timeout(this.bounds.handshake, acceptor.accept(stream)).await;
            let Ok(Ok(stream)) = shaken else {
                tracing::debug!(%address, "no TLS came about");
                return;
            };
            let (_, session) = stream.get_ref();
            peer.is_tls = true;
            peer.certificate = tls::certificate(session);
            let is_http2 = session.alpn_protocol() == Some(b"h2");
            this.http(stream, peer, is_http2, watcher).await;
        }
    }

    /// Serves a connection of who runs the node to its end.
    pub(super) fn admin(
        &self,
        stream: AdminStream,
        watcher: Watcher,
    ) -> impl Future<Output = ()> + Send + 'static {
        let this = self.clone();
        let peer = Peer {
            is_admin: true,
            ..Peer::default()
        };
        async move { this.http(stream, peer, false, watcher).await }
    }

    async fn http<S>(self, stream: S, peer: Peer, is_http2: bool, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let activity = Activity::new();
        let routes = self.routes.clone();
        let (counting, bounds) = (activity.clone(), self.bounds);
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            let routes = routes.clone();
            let exchange = is_http2.then(|| counting.begin());
            async move {
                let counts = |body: Body| match &exchange {
                    Some(exchange) => exchange.counts(body),
                    None => body,
                };
                let (parts, body) = request.into_parts();
                let body = linger(&parts.headers, counts(Body::new(body)));
                let answer = routes.oneshot(Request::from_parts(parts, body)).await?;
                Ok::<_, Infallible>(answer.map(counts))
            }
        });
        let stream = TokioIo::new(Quiet::new(stream, bounds.silence));
        // The version is known: to find it out would wait for bytes without a bound.
        let http = if is_http2 {
            self.http.http2_only()
        } else {
            self.http.http1_only()
        };
        let connection = http.serve_connection(stream, service);
        let idle = async {
            match is_http2 {
                true => activity.ends(bounds.idle, bounds.silence).await,
                // There is one request at a time, and `Quiet` sees all of it.
                false => std::future::pending().await,
            }
        };
        tokio::select! {
            ended = watcher.watch(connection.into_owned()) => if let Err(error) = ended {
                tracing::debug!(error = &*error, "a connection ended early");
            },
            () = idle => tracing::debug!("a connection on which nothing is asked was closed"),
        }
    }
}
