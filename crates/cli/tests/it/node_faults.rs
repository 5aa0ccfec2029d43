//! A node that has no room, or is sent too much: it stays up, says why, and loses nothing.

use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::node::{Node, OBJECTS, envelope, indicator, read};
use crate::tool::folder;

/// How many objects go into a delivery.
const STEP: usize = 2_000;

#[test]
fn a_full_disk_is_told_and_nothing_is_lost() {
    let folder = folder(&[]);
    drop(Node::start(folder.path(), ""));
    // No file may grow over 12 MiB: to who writes, that is a disk that is full. The limit can be lifted again.
    let node = Node::start(folder.path(), "trap '' XFSZ; ulimit -S -f 24576;");
    let (client, mut stored) = (&node.client, 0);
    let refused = loop {
        let answer = client
            .post(OBJECTS, envelope(stored..stored + STEP).as_bytes())
            .unwrap();
        if answer.status != 202 {
            break answer;
        }
        stored += STEP;
        assert!(stored < 100_000, "the limit is no limit here");
    };
    assert_eq!(refused.status, 503, "{}", refused.body);
    assert!(refused.body.contains("the disk is full"), "{}", refused.body);
    let log = std::fs::read_to_string(folder.path().join("node.log")).unwrap();
    assert!(log.contains("the disk is full"), "{log}");
    // It still gives out, and what was confirmed is there.
    assert!(stored > 0);
    assert!(client.all().len() >= stored);
    let pid = node.child.id().to_string();
    let lifted = Command::new("prlimit")
        .args(["--fsize=unlimited:unlimited", "--pid", &pid])
        .status();
    // Without a right to lift it, or the program for it, a new start does the same.
    let node = if lifted.is_ok_and(|status| status.success()) {
        node
    } else {
        drop(node);
        Node::start(folder.path(), "")
    };
    let client = &node.client;
    let again = client
        .post(OBJECTS, envelope(stored..stored + STEP).as_bytes())
        .unwrap();
    assert_eq!(again.status, 202, "{}", again.body);
    stored += STEP;
    let mut all = client.all();
    all.sort_by(|one, other| one["id"].as_str().cmp(&other["id"].as_str()));
    let expected: Vec<_> = (0..stored).map(indicator).collect();
    assert!(all == expected, "{} of {stored}", all.len());
    let by_value = format!("/api/objects?value=gate{}.example", stored - 1);
    client.until(&by_value, |found| found.body.contains("\"id\""));
    assert_eq!(client.get("/api/audit/verify").unwrap().json()["fault_count"], 0);
}

#[test]
fn ten_gigabytes_are_refused_and_need_no_memory() {
    let folder = folder(&[]);
    let node = Node::start(folder.path(), "");
    let client = &node.client;
    assert_eq!(
        client.post(OBJECTS, envelope(0..STEP).as_bytes()).unwrap().status,
        202
    );
    let (before, _) = node.memory();
    let object = indicator(1).to_string();
    let many = vec![object; 2_000].join(",") + ",";
    let blanks = " ".repeat(1 << 20);
    for piece in [many, blanks] {
        let mut stream = client
            .begin("POST", OBJECTS, "Transfer-Encoding: chunked\r\n")
            .unwrap();
        let chunk = |bytes: &str| format!("{:x}\r\n{bytes}\r\n", bytes.len());
        let (first, piece) = (chunk("{\"objects\":["), chunk(&piece));
        stream.write_all(first.as_bytes()).unwrap();
        let mut sent = 0u64;
        // 10 GB, as long as they are taken.
        while sent < 10_000_000_000 && stream.write_all(piece.as_bytes()).is_ok() {
            sent += piece.len() as u64;
        }
        assert!(sent < 1_000_000_000, "{sent} bytes were taken");
        // A connection that is reset may take the answer with it.
        if let Ok(answer) = read(&mut stream) {
            assert_eq!(answer.status, 413, "{}", answer.body);
        }
        let (_, peak) = node.memory();
        assert!(peak < before + 96 * 1024, "from {before} KiB to {peak} KiB");
    }
    assert_eq!(client.all().len(), STEP);
}

#[test]
fn who_dawdles_keeps_nobody_waiting() {
    let folder = folder(&[]);
    let node = Node::start(folder.path(), "");
    let client = &node.client;
    let mut held = Vec::new();
    // Heads that do not end, and bodies of which a byte comes now and then.
    for number in 0..100 {
        let headers = if number % 2 == 0 {
            ""
        } else {
            "Content-Length: 100000000\r\n"
        };
        let mut stream = client.begin("POST", OBJECTS, headers).unwrap();
        let _ = stream.write_all(b"{\"objects\":[");
        held.push(stream);
    }
    for _ in 0..5 {
        for stream in &mut held {
            let _ = stream.write_all(b" ");
        }
        let started = Instant::now();
        assert_eq!(client.get(&format!("{OBJECTS}?limit=1")).unwrap().status, 200);
        assert!(
            started.elapsed() < Duration::from_secs(3),
            "{:?}",
            started.elapsed()
        );
    }
    drop(held);
    let taken = client.post(OBJECTS, envelope(0..10).as_bytes()).unwrap();
    assert!(matches!(taken.status, 202 | 503), "{}", taken.body);
}
