//! Clients that are slow, or send too much of what comes before a request.

use std::time::{Duration, Instant};

use perisai_server::serve::Bounds;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::node::{Served, Way};

fn short() -> Bounds {
    Bounds {
        connections: 20,
        per_address: 20,
        handshake: Duration::from_secs(1),
        head: Duration::from_secs(1),
        silence: Duration::from_secs(2),
        idle: Duration::from_secs(1),
        stop: Duration::from_secs(1),
    }
}

/// How long a connection lives that sends something every so often.
async fn lives(served: &Served, first: &str, again: &str, every: Duration) -> Duration {
    let stream = TcpStream::connect(served.address).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let (first, again) = (first.to_owned(), again.to_owned());
    let start = Instant::now();
    let writes = tokio::spawn(async move {
        let _ = write.write_all(first.as_bytes()).await;
        loop {
            tokio::time::sleep(every).await;
            if write.write_all(again.as_bytes()).await.is_err() {
                return;
            }
        }
    });
    let mut sink = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(15), read.read_to_end(&mut sink)).await;
    writes.abort();
    assert!(ended.is_ok(), "it lives on");
    start.elapsed()
}

#[tokio::test]
async fn the_slow_are_cut_off() {
    let head = "GET /who HTTP/1.1\r\nhost: localhost\r\n";
    let body = "POST /api/session HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 1000\r\n\r\n{";
    let every = Duration::from_millis(200);
    for (what, tls, first, again, every, longest) in [
        ("says nothing", false, "", "", Duration::from_secs(60), 3),
        ("a head, bit by bit", false, head, "a: b\r\n", every, 3),
        ("a head that stops", false, head, "", Duration::from_secs(60), 3),
        ("a body that stops", false, body, "", Duration::from_secs(60), 5),
        ("no TLS", true, "", "", Duration::from_secs(60), 3),
        ("TLS, bit by bit", true, "\u{16}\u{3}\u{1}", "\u{1}", every, 3),
        (
            "stays and asks no more",
            false,
            "GET /who HTTP/1.1\r\nhost: localhost\r\n\r\n",
            "",
            Duration::from_secs(60),
            5,
        ),
    ] {
        let served = Served::start(Way {
            tls,
            bounds: short(),
            ..Way::default()
        })
        .await;
        let lived = lives(&served, first, again, every).await;
        assert!(lived < Duration::from_secs(longest), "{what}: {lived:?}");
    }
}

#[tokio::test]
async fn the_slow_do_not_keep_others_out_for_long() {
    let served = Served::start(Way {
        bounds: short(),
        ..Way::default()
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(b"GET /who HTTP/1.1\r\n").await.unwrap();
        held.push(stream);
    }
    let start = Instant::now();
    let answer = served.client().get(served.url("/who")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(start.elapsed() < Duration::from_secs(12), "{:?}", start.elapsed());
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused() {
    let served = Served::start(Way::default()).await;
    let one = |name: &str, value: &str| format!("{name}: {value}\r\n");
    let many = |count: usize| {
        (0..count)
            .map(|number| one(&format!("x-{number}"), "a"))
            .collect::<String>()
    };
    for (what, line, headers, expected) in [
        ("a usual one", "GET /who", many(50), &["200"][..]),
        ("many headers", "GET /who", many(200), &["431"]),
        (
            "one that is long",
            "GET /who",
            one("x", &"a".repeat(100_000)),
            &["431", "400"],
        ),
        (
            "a long path",
            &format!("GET /{}", "a".repeat(100_000)),
            String::new(),
            &["414", "431", "400"],
        ),
        ("no HTTP", "\u{0}\u{1}\u{2}", String::new(), &["400"]),
    ] {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        let request = format!("{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n");
        // It may be refused before all of it is sent.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.split(' ').nth(1).unwrap_or_default();
        // A connection that is reset takes the answer with it.
        let is_reset = answer.is_empty() && !expected.contains(&"200");
        assert!(is_reset || expected.contains(&status), "{what}: {answer}");
    }
    let answer = served.client().get(served.url("/who")).send().await.unwrap();
    assert_eq!(answer.status(), 200, "the node is up");
}
