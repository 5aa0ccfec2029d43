//! Senders who mean harm, or have none of their own: the node answers, and stays small.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::backend::{backends, sqlite};
use crate::client::{Answer, Ask, answer};
use crate::sample::indicator;
use crate::served::{PARTNER, Served, serve, serve_as};

/// Sends a body in chunks for as long as they are taken; the answer, and how many bytes went.
async fn stream(
    served: &Served,
    path: &str,
    begin: &[u8],
    piece: &[u8],
    pieces: usize,
    end: &[u8],
) -> (Answer, usize) {
    let mut ask = Ask::post("admin", path, b"");
    ask.headers.push(("Transfer-Encoding", "chunked"));
    let mut stream = TcpStream::connect(served.to).await.unwrap();
    stream.write_all(ask.head().as_bytes()).await.unwrap();
    let chunk = |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
    let mut sent = 0;
    let (first, middle, last) = (chunk(begin), chunk(piece), chunk(end));
    for bytes in std::iter::once(&first)
        .chain(std::iter::repeat_n(&middle, pieces))
        .chain([&last])
    {
        if stream.write_all(bytes).await.is_err() {
            break;
        }
        sent += bytes.len();
    }
    let _ = stream.write_all(b"0\r\n\r\n").await;
    (answer(&mut stream).await, sent)
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_too_long() {
    for backend in backends().await {
        let served = serve_as(&backend, |settings| settings.max_content_length = 1 << 20).await;
        let path = served.basket("basket", &[]).await + "objects/";
        // One that says so is not even read.
        let mut ask = Ask::post("admin", &path, b"");
        ask.headers.push(("Content-Length", "10737418240"));
        let told = ask.send(served.to).await;
        assert_eq!(
            (told.status, told.json()["http_status"].as_str()),
            (413, Some("413"))
        );
        // One that does not is counted while it comes.
        let object = indicator(1, 1).to_string() + ",";
        let (told, _) = stream(
            &served,
            &path,
            b"{\"objects\":[",
            object.as_bytes(),
            5_000,
            b"0]}",
        )
        .await;
        assert_eq!(told.status, 413, "{}", backend.name);
        let description = told.json()["description"].as_str().unwrap().to_owned();
        assert!(description.contains("at most 1048576 bytes"), "{description}");
        // One of just that length is taken.
        let blanks = " ".repeat((1 << 20) - 14);
        let body = format!("{{{blanks}\"objects\":[]}}");
        assert_eq!(body.len(), 1 << 20);
        assert_eq!(
            Ask::post("admin", &path, body.as_bytes())
                .send(served.to)
                .await
                .status,
            202
        );
        let body = format!(" {body}");
        assert_eq!(
            Ask::post("admin", &path, body.as_bytes())
                .send(served.to)
                .await
                .status,
            413
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_million_brackets() {
    let backend = sqlite();
    let served = serve(&backend).await;
    let path = served.basket("basket", &[]).await + "objects/";
    let deep = "[".repeat(1_000_000);
    let closed = format!("{deep}{}", "]".repeat(1_000_000));
    let nested =
        |inner: &str| format!("{{\"objects\":[{{\"type\":\"x-a\",\"id\":\"x-a--1\",\"a\":{inner}}}]}}");
    let check = async |body: &str, status: u16, told: &str| {
        let answer = Ask::post("admin", &path, body.as_bytes()).send(served.to).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, status, "{text}");
        assert!(text.contains(told), "{text}");
    };
    check(&nested(&closed), 202, "\"failure_count\":1").await;
    check(&nested(&deep), 422, "the text ends").await;
    check(
        &format!("{{\"a\":{closed},\"objects\":[]}}"),
        202,
        "\"total_count\":0",
    )
    .await;
    check(&format!("{{\"objects\":{closed}}}"), 422, "is not a STIX object").await;
    check(&"{\"objects\":[".repeat(100_000), 422, "the text ends").await;
    assert_eq!(served.get("", "/taxii2/").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_failures_make_a_small_status() {
    let backend = sqlite();
    let served = serve(&backend).await;
    let path = served.basket("basket", &[]).await + "objects/";
    let body = format!("{{\"objects\":[{},{}1]}}", indicator(1, 1), "1,".repeat(500_000));
    let status = Ask::post("admin", &path, body.as_bytes())
        .send(served.to)
        .await
        .json();
    assert_eq!(
        (&status["total_count"], &status["failure_count"]),
        (&json!(500_002), &json!(500_001))
    );
    assert!(status.get("failures").is_none());
    assert!(status["x_perisai_first_failures"].as_array().unwrap().len() > 50);
    let body = format!("{{\"objects\":[{}{{}}]}}", "{},".repeat(50_000));
    let status = Ask::post("admin", &path, body.as_bytes())
        .send(served.to)
        .await
        .json();
    assert_eq!(status["failure_count"], json!(50_001));
    assert_eq!(
        status["x_perisai_first_failures"].as_array().unwrap().len(),
        10_000
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_is_told_so() {
    let patience = Duration::from_millis(400);
    let backend = sqlite();
    let served = serve_as(&backend, |settings| settings.body_timeout = patience).await;
    let path = served.basket("basket", &[]).await + "objects/";
    let mut ask = Ask::post("admin", &path, b"");
    ask.headers.push(("Content-Length", "1000000"));
    let begin = format!("{{\"objects\":[{},", indicator(1, 1));
    let open = async || {
        let mut stream = TcpStream::connect(served.to).await.unwrap();
        stream.write_all(ask.head().as_bytes()).await.unwrap();
        stream.write_all(begin.as_bytes()).await.unwrap();
        stream
    };
    let started = Instant::now();
    let mut silent = open().await;
    assert_eq!(answer(&mut silent).await.status, 408);
    assert!(started.elapsed() < patience * 5, "{:?}", started.elapsed());
    // A byte now and then does not help for long.
    let started = Instant::now();
    let mut slow = open().await;
    let (mut reads, mut writes) = slow.split();
    let drip = async {
        while writes.write_all(b" ").await.is_ok() {
            tokio::time::sleep(patience / 8).await;
        }
    };
    let mut bytes = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut reads, &mut bytes);
    tokio::select! { _ = read => {}, () = drip => {} }
    assert_eq!(Answer::read(&bytes).status, 408);
    assert!(
        started.elapsed() > patience && started.elapsed() < patience * 8,
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_deliveries_at_once() {
    let backend = sqlite();
    let served = serve(&backend).await;
    let path = served.basket("basket", &[(PARTNER, "rw")]).await + "objects/";
    let mut ask = Ask::post("partner", &path, b"");
    ask.headers.push(("Content-Length", "1000"));
    let mut open = Vec::new();
    for _ in 0..40 {
        let mut stream = TcpStream::connect(served.to).await.unwrap();
        stream.write_all(ask.head().as_bytes()).await.unwrap();
        stream.write_all(b"{").await.unwrap();
        open.push(stream);
    }
    // The others are refused at once.
    for _ in 0..50 {
        let mut told = 0;
        for stream in &open {
            let mut byte = [0];
            let look = tokio::time::timeout(Duration::from_millis(5), stream.peek(&mut byte));
            told += usize::from(look.await.is_ok());
        }
        if told == 24 {
            break;
        }
    }
    let try_once = async |user: &str| Ask::post(user, &path, b"{}").send(served.to).await;
    let refused = try_once("partner").await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("5")));
    assert_eq!(try_once("admin").await.status, 202);
    assert_eq!(served.get("partner", &path).await.status, 200);
    drop(open);
    for _ in 0..100 {
        if try_once("partner").await.status == 202 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("who left still counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_breaks_off_leaves_what_was_whole() {
    for backend in backends().await {
        let served = serve(&backend).await;
        let basket = served.basket("basket", &[]).await;
        let path = format!("{basket}objects/");
        let mut ask = Ask::post("admin", &path, b"");
        ask.headers.push(("Content-Length", "100000000"));
        let mut stream = TcpStream::connect(served.to).await.unwrap();
        stream.write_all(ask.head().as_bytes()).await.unwrap();
        // Who we are is there from the start.
        let before = served.node.store().size().await.unwrap().objects;
        let objects: Vec<_> = (0..5_000)
            .map(|number| indicator(number, 1).to_string())
            .collect();
        let body = format!("{{\"objects\":[{}", objects.join(","));
        stream.write_all(body.as_bytes()).await.unwrap();
        drop(stream);
        let mut count = 0;
        for _ in 0..200 {
            count = served.node.store().size().await.unwrap().objects - before;
            if count >= 2_000 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(count >= 2_000 && count % 2_000 == 0, "{} {count}", backend.name);
        assert_eq!(served.get("admin", &path).await.status, 200);
    }
}

/// Memory that this process holds, in KiB.
#[cfg(target_os = "linux")]
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute, and needs the process for itself"]
async fn ten_gigabytes_need_no_memory() {
    let backend = sqlite();
    let served = serve_as(&backend, |settings| settings.max_content_length = 20 << 30).await;
    let path = served.basket("basket", &[]).await + "objects/";
    let before = resident();
    let blanks = vec![b' '; 1 << 20];
    let (told, sent) = stream(&served, &path, b"{\"objects\":[", &blanks, 10 << 10, b"]}").await;
    assert_eq!(told.status, 202, "{sent}");
    assert!(
        resident() < before + 64 * 1024,
        "{before} KiB, {} KiB",
        resident()
    );
    let (told, _) = stream(
        &served,
        &path,
        b"{\"objects\":[\"",
        &vec![b'x'; 1 << 20],
        1 << 10,
        b"\"]}",
    )
    .await;
    assert_eq!(told.status, 422);
    assert!(
        resident() < before + 128 * 1024,
        "{before} KiB, {} KiB",
        resident()
    );
}
