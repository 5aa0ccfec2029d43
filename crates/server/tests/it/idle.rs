//! Connections of HTTP/2 that only keep themselves alive, and how many of them one address may have.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::Request;
use http_body_util::channel::Channel;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use perisai_server::auth::{AuthSettings, Networks};
use perisai_server::serve::Bounds;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use crate::node::{Served, Way};

const IDLE: Duration = Duration::from_secs(1);
const SILENCE: Duration = Duration::from_secs(2);

/// Longer than any of them, with what a busy machine takes.
const LONG: Duration = Duration::from_secs(8);

async fn served(per_address: usize, proxies: &[&str]) -> Served {
    let bounds = Bounds {
        connections: 20,
        per_address,
        silence: SILENCE,
        idle: IDLE,
        ..Bounds::default()
    };
    let settings = AuthSettings {
        trusted_proxies: Networks::read(proxies).unwrap(),
        ..AuthSettings::default()
    };
    Served::start(Way {
        tls: true,
        settings,
        bounds,
    })
    .await
}

/// A connection that says PING all the time and answers each; its task ends with it.
struct Open {
    send: SendRequest<Body>,
    ends: JoinHandle<()>,
}

/// Connects from an address of this machine; `None` where it is closed at once.
async fn connect(served: &Served, from: &str) -> Option<Open> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(from.parse().unwrap(), 0)).unwrap();
    let stream = socket.connect(served.address).await.ok()?;
    let mut roots = RootCertStore::empty();
    let pem = std::fs::read(served.data().join("tls.crt")).unwrap();
    roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
    let mut config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .ok()?;
    let (send, connection) = Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_millis(200))
        .keep_alive_while_idle(true)
        // So small that a longer answer waits until it is read.
        .initial_stream_window_size(1_000)
        .handshake(TokioIo::new(stream))
        .await
        .ok()?;
    let ends = tokio::spawn(async move { drop(connection.await) });
    Some(Open { send, ends })
}

fn request(served: &Served, method: &str, path: &str, body: Body) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(served.url(path))
        .header("content-type", "application/json")
        .body(body)
        .unwrap()
}

/// How long a connection lives; `None`: for longer than is waited.
async fn lived(open: Open) -> Option<Duration> {
    let start = Instant::now();
    let ended = tokio::time::timeout(LONG, open.ends).await;
    drop(open.send);
    ended.ok().map(|_| start.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_keeps_itself_alive_is_closed() {
    let served = served(20, &[]).await;
    let nothing = connect(&served, "127.0.0.1").await.unwrap();
    let mut stops = connect(&served, "127.0.0.1").await.unwrap();
    let (mut piece, body) = Channel::<Bytes>::new(1);
    piece.send_data(Bytes::from_static(b"{")).await.unwrap();
    let asked = stops
        .send
        .send_request(request(&served, "POST", "/api/session", Body::new(body)));
    let mut unread = connect(&served, "127.0.0.1").await.unwrap();
    let empty = Body::new(Empty::<Bytes>::new());
    let answer = unread
        .send
        .send_request(request(&served, "GET", "/api/openapi.json", empty));
    let answer = answer.await.unwrap();
    let asked = tokio::spawn(asked);
    let (nothing, stops, unread) = tokio::join!(lived(nothing), lived(stops), lived(unread));
    for (what, lived) in [
        ("asks nothing", nothing),
        ("a body that stops", stops),
        ("an unread answer", unread),
    ] {
        assert!(lived.is_some(), "{what}: it lives on");
    }
    drop((piece, answer));
    assert!(asked.await.unwrap().is_err(), "it was cut off");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_used_lives_on() {
    let served = served(20, &[]).await;
    let mut open = connect(&served, "127.0.0.1").await.unwrap();
    for _ in 0..8 {
        tokio::time::sleep(IDLE / 2).await;
        let empty = Body::new(Empty::<Bytes>::new());
        let answer = open.send.send_request(request(&served, "GET", "/who", empty));
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.into_body().collect().await.unwrap();
    }
    assert!(!open.ends.is_finished());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_does_not_take_all_places() {
    let check = async |proxies: &[&str], expected: usize| {
        let served = served(4, proxies).await;
        let mut held = Vec::new();
        for _ in 0..8 {
            held.extend(connect(&served, "127.0.0.1").await);
        }
        assert_eq!(held.len(), expected, "{proxies:?}");
        let mut other = connect(&served, "127.0.0.2").await.unwrap();
        let empty = Body::new(Empty::<Bytes>::new());
        let answer = other
            .send
            .send_request(request(&served, "GET", "/who", empty))
            .await;
        assert_eq!(answer.unwrap().status(), 200);
        // What ends leaves its place to the next.
        for open in held {
            open.ends.abort();
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(connect(&served, "127.0.0.1").await.is_some());
    };
    check(&[], 4).await;
    check(&["127.0.0.1"], 8).await;
}
