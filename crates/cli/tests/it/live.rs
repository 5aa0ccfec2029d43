//! Pipes that stay open: findings come as their lines do, and Ctrl-C ends the hunt with what was found.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::tool::{command, folder, text};

fn start(arguments: &[&str]) -> Child {
    let mut command = command(arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

/// What it wrote to standard output and standard error, and its exit status.
fn end(mut child: Child) -> (String, String, Option<i32>) {
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    (out, err, child.wait().unwrap().code())
}

#[test]
fn findings_come_as_their_lines_do() {
    let folder = folder(&[("list.txt", b"evil.example\n")]);
    let list = folder.path().join("list.txt");
    for format in ["jsonl", "csv"] {
        let mut child = start(&["hunt", "--intel", text(&list), "--format", format, "-"]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        if format == "csv" {
            child
                .stdin
                .as_ref()
                .unwrap()
                .write_all(b"a evil.example\n")
                .unwrap();
            let header = lines.next().unwrap().unwrap();
            assert!(header.starts_with("\"id\""), "{header}");
            lines.next().unwrap().unwrap();
        }
        for number in 0..3 {
            let line = format!("a{number}.evil.example\npart of");
            let sent = Instant::now();
            child.stdin.as_ref().unwrap().write_all(line.as_bytes()).unwrap();
            let found = lines.next().unwrap().unwrap();
            let line = match format {
                "csv" => format!(",\"{}\",", number + 2),
                _ => format!("\"line\":{},", number + 1),
            };
            assert!(found.contains(&line), "{found}");
            assert!(sent.elapsed() < Duration::from_secs(5), "{:?}", sent.elapsed());
        }
        drop(child.stdin.take());
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn an_interrupted_hunt_tells_what_it_found() {
    let folder = folder(&[("list.txt", b"evil.example\n"), ("a.log", b"from evil.example\n")]);
    let at = |name: &str| folder.path().join(name);
    let formats = ["text", "jsonl", "csv", "stix", "html", "navigator"];
    let (list, log) = (at("list.txt"), at("a.log"));
    let mut children: Vec<Child> = formats
        .iter()
        .map(|format| {
            start(&[
                "hunt",
                "--intel",
                text(&list),
                "--format",
                format,
                text(&log),
                "-",
            ])
        })
        .collect();
    for child in &mut children {
        child
            .stdin
            .as_mut()
            .unwrap()
            .write_all(b"to www.evil.example\n")
            .unwrap();
    }
    std::thread::sleep(Duration::from_secs(3));
    for (child, format) in children.into_iter().zip(formats) {
        signal(&child, if format == "csv" { "-TERM" } else { "-INT" });
        let (out, err, code) = end(child);
        assert_eq!(code, Some(130), "{format}: {err}");
        let told = if format == "text" { &out } else { &err };
        let read = "1 of 2 inputs searched to the end, 38 bytes read";
        assert!(
            told.to_lowercase().contains("interrupted") && told.contains(read),
            "{format}: {told}"
        );
        match format {
            "jsonl" => assert_eq!(out.lines().count(), 2, "{out}"),
            "csv" => assert_eq!(out.lines().count(), 3, "{out}"),
            "stix" | "navigator" => assert!(serde_json::from_str::<serde_json::Value>(&out).is_ok(), "{out}"),
            "html" => assert!(
                out.contains("was interrupted") && out.trim_end().ends_with("</html>"),
                "{out}"
            ),
            _ => assert!(out.starts_with("2 findings in 2 of 2 files"), "{out}"),
        }
    }
}

#[test]
fn nothing_is_waited_for_after_an_interrupt() {
    let folder = folder(&[("list.txt", b"evil.example\n")]);
    let at = |name: &str| folder.path().join(name);
    let (list, pipe) = (at("list.txt"), at("pipe"));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // A named pipe that nobody opens to write.
    let log = start(&["hunt", "--intel", text(&list), "--format", "jsonl", text(&pipe)]);
    let intel = start(&["hunt", "--intel", text(&pipe), text(&list)]);
    std::thread::sleep(Duration::from_secs(2));
    signal(&log, "-INT");
    signal(&intel, "-INT");
    let (_, err, code) = end(log);
    assert_eq!(code, Some(130), "{err}");
    assert!(err.contains("interrupted: 0 of 1 input searched"), "{err}");
    let (_, err, code) = end(intel);
    assert_eq!(code, Some(130), "{err}");
    assert_eq!(
        err,
        "perisai: interrupted while the intelligence was loaded: nothing was searched\n"
    );
}

#[test]
fn a_reader_that_goes_away_ends_a_quiet_hunt() {
    let folder = folder(&[("list.txt", b"evil.example\n")]);
    let list = folder.path().join("list.txt");
    let mut child = start(&["hunt", "--intel", text(&list), "--format", "jsonl", "-"]);
    drop(child.stdout.take());
    child
        .stdin
        .as_mut()
        .unwrap()
        .write_all(b"to evil.example\n")
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
