//! How fast pages go out, and objects come in. Run it optimised, and by itself:
//! `cargo test --release -p perisai-server --test it -- speed --ignored --nocapture`.

use std::time::{Duration, Instant};

use crate::backend::{Backend, backends};
use crate::client::Ask;
use crate::sample::indicator;
use crate::served::{PARTNER, Served, serve};

/// How many objects.
const MANY: u128 = 100_000;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures"]
async fn pages_and_deliveries() {
    for backend in backends().await {
        measure(&backend).await;
    }
}

async fn measure(backend: &Backend) {
    let served = serve(backend).await;
    let basket = served.basket("basket", &[(PARTNER, "rw")]).await;
    let path = format!("{basket}objects/");
    let objects: Vec<_> = (0..MANY).map(|number| indicator(number, 1).to_string()).collect();
    let started = Instant::now();
    for step in objects.chunks(50_000) {
        let body = format!("{{\"objects\":[{}]}}", step.join(","));
        let answer = Ask::post("partner", &path, body.as_bytes()).send(served.to).await;
        assert_eq!(answer.json()["success_count"].as_u64(), Some(step.len() as u64));
    }
    rate(backend, "taken in over HTTP", MANY, started.elapsed());
    for (user, resource) in [
        ("partner", "objects"),
        ("admin", "objects"),
        ("partner", "manifest"),
    ] {
        let (times, elapsed) = walk(&served, user, &format!("{basket}{resource}/")).await;
        rate(backend, &format!("{resource} given out to {user}"), MANY, elapsed);
        println!(
            "{}: a page of 1,000 {resource}: median {:?}, longest {:?}",
            backend.name,
            times[times.len() / 2],
            times[times.len() - 1]
        );
        assert!(times[times.len() / 2] < Duration::from_millis(20) || cfg!(debug_assertions));
    }
}

/// Reads all pages; the times of each, sorted, and of all together.
async fn walk(served: &Served, user: &str, path: &str) -> (Vec<Duration>, Duration) {
    let (mut times, mut next, mut bytes) = (Vec::new(), String::new(), 0);
    let started = Instant::now();
    loop {
        let page_started = Instant::now();
        let page = served.get(user, &format!("{path}?limit=1000{next}")).await;
        times.push(page_started.elapsed());
        assert_eq!(page.status, 200);
        bytes += page.body.len();
        // The cursor stands at the front: the client here need not read the rest.
        let text = std::str::from_utf8(&page.body[..page.body.len().min(200)]).unwrap();
        match text
            .split_once("\"next\":\"")
            .and_then(|(_, rest)| rest.split_once('"'))
        {
            Some((cursor, _)) => next = format!("&next={cursor}"),
            None => break,
        }
    }
    let elapsed = started.elapsed();
    assert_eq!(times.len(), 100, "{bytes} bytes");
    times.sort_unstable();
    (times, elapsed)
}

fn rate(backend: &Backend, what: &str, many: u128, elapsed: Duration) {
    let each = many as f64 / elapsed.as_secs_f64();
    println!(
        "{}: {many} objects {what} in {elapsed:?}: {each:.0} a second",
        backend.name
    );
}
