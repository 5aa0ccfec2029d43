//! Options, exit codes and messages.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use crate::tool::{command, folder, perisai, perisai_with_input, text};

/// A list and a log with two lines that match.
fn small() -> tempfile::TempDir {
    folder(&[
        ("list.txt", b"evil.example\n192.0.2.7\n"),
        (
            "logs/a.log",
            b"2022-02-23T10:00:00Z query evil.example\n2022-02-24T10:00:00Z to 192.0.2.7\nnothing\n",
        ),
        ("logs/b.txt", b"no time: www.evil.example\n"),
    ])
}

#[test]
fn exit_codes() {
    let folder = small();
    let (list, logs) = (folder.path().join("list.txt"), folder.path().join("logs"));
    let check = |arguments: &[&str], expected: i32| {
        let ran = perisai(&[&["hunt", "--intel", text(&list)], arguments].concat());
        assert_eq!(ran.code, expected, "{arguments:?}: {}", ran.err);
    };
    check(&[text(&logs)], 0);
    check(&["--exit-code", text(&logs)], 1);
    check(
        &[
            "--exit-code",
            "--until",
            "2000-01-01",
            "--exclude",
            "b.txt",
            text(&logs),
        ],
        0,
    );
    check(&["--exit-code", text(&logs), "/no/such/file"], 3);
    check(&["--strict", text(&logs), "/no/such/file"], 2);
    check(&["--no-such-option", text(&logs)], 2);
    check(&["--format", "xml", text(&logs)], 2);
    check(&["--since", "soon", text(&logs)], 2);
    check(&["--tz", "Nowhere/Else", text(&logs)], 2);
    check(
        &["--since", "2022-02-25", "--until", "2022-02-24", text(&logs)],
        2,
    );
    check(&["--threads", "100000", text(&logs)], 2);
    check(&["--include", "[", text(&logs)], 2);
    check(&["--include", "*.evtx", text(&logs)], 3);
    check(&["--warninglists", text(&logs), text(&logs)], 3);
    check(&["--intel", text(&logs), text(&logs)], 3);
    assert_eq!(perisai(&["hunt"]).code, 2);
    assert_eq!(perisai(&["hunt", "--help"]).code, 0);
    assert_eq!(perisai(&["--version"]).code, 0);
}

#[test]
fn mistakes_are_explained() {
    let check = |arguments: &[&str], expected: &str| {
        let ran = perisai(arguments);
        assert!(
            ran.err.contains(expected),
            "{arguments:?} should say `{expected}`, says: {}",
            ran.err
        );
    };
    check(&["hnut"], "hunt");
    let folder = folder(&[("empty/x", b""), ("list.txt", b"evil.example\n")]);
    let at = |name: &str| folder.path().join(name);
    check(
        &["hunt", "--intel", text(&at("empty")), text(&at("empty"))],
        "nothing to look for",
    );
    check(
        &["hunt", "--intel", "/no/such", text(&at("empty"))],
        "nothing to look for",
    );
    let list = at("list.txt");
    let misuse = |arguments: &[&str], expected: &str| {
        let hunt = ["hunt", "--format", "jsonl", "--intel", text(&list)];
        check(&[&hunt, arguments, &[text(&at("empty"))]].concat(), expected);
    };
    misuse(&["--since", "2d", "--until", "3d"], "is not before --until");
    misuse(&["--threads", "100000"], "100000 is not in 0..=1024");
    misuse(
        &["--exclude", "["],
        "perisai: not a pattern of file names: error parsing glob '[': unclosed character class; missing ']'\n",
    );
    misuse(
        &["--include", "*.evtx"],
        "empty: no file in this folder fits --include and --exclude",
    );
    misuse(
        &["--intel", text(&at("empty"))],
        "empty: no intelligence in this folder",
    );
    misuse(
        &["--warninglists", text(&at("empty"))],
        "empty: no warninglist in this folder",
    );
    check(
        &["hunt", "--intel", text(&at("list.txt")), "--since", "soon", "-"],
        "such as 12h or 7d",
    );
    check(
        &[
            "hunt",
            "--intel",
            text(&at("list.txt")),
            "--format",
            "jsonl",
            "/no/such.log",
        ],
        "/no/such.log: No such file",
    );
}

#[test]
fn time_and_file_filters() {
    let folder = small();
    let (list, logs) = (folder.path().join("list.txt"), folder.path().join("logs"));
    let lines = |options: &[&str]| {
        let ran = perisai(
            &[
                &["hunt", "--intel", text(&list), "--format", "jsonl"],
                options,
                &[text(&logs)],
            ]
            .concat(),
        );
        ran.jsonl().len()
    };
    assert_eq!(lines(&[]), 3);
    // What has no readable time is kept.
    assert_eq!(lines(&["--since", "2022-02-24"]), 2);
    assert_eq!(lines(&["--until", "2022-02-24"]), 2);
    assert_eq!(lines(&["--include", "*.log"]), 2);
    assert_eq!(lines(&["--exclude", "*.log"]), 1);
    assert_eq!(lines(&["--limit", "1"]), 1);
    assert_eq!(lines(&["--min-severity", "critical"]), 0);
}

#[test]
fn standard_input_and_files_out() {
    let folder = small();
    let list = folder.path().join("list.txt");
    let ran = perisai_with_input(
        &["hunt", "--intel", text(&list), "--format", "jsonl", "-"],
        b"Jan  2 03:04:05 web01 kernel: x\nJan  2 03:04:06 web01 kernel: to evil.example\n",
    );
    let findings = ran.jsonl();
    assert_eq!((ran.code, findings.len()), (0, 1));
    assert_eq!(
        (findings[0]["path"].as_str(), findings[0]["line"].as_u64()),
        (Some("-"), Some(2))
    );
    // The date names no year: what comes in now is of the last year that had this day.
    let time: jiff::Timestamp = findings[0]["time"].as_str().unwrap().parse().unwrap();
    let age = jiff::Timestamp::now().duration_since(time).as_hours();
    assert!((0..=366 * 24).contains(&age), "{time}");
    let out = folder.path().join("out.jsonl");
    let logs = folder.path().join("logs");
    let ran = perisai(&[
        "hunt",
        "--intel",
        text(&list),
        "--format",
        "jsonl",
        "-o",
        text(&out),
        text(&logs),
    ]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    assert_eq!(std::fs::read_to_string(out).unwrap().lines().count(), 3);
}

#[test]
fn what_is_read_is_never_written_over() {
    let folder = small();
    let at = |name: &str| folder.path().join(name);
    let list = at("list.txt");
    let log = at("logs/a.log");
    let before = std::fs::read(&log).unwrap();
    for (out, logs) in [(&log, &log), (&list, &log)] {
        let ran = perisai(&["hunt", "--intel", text(&list), "-o", text(out), text(logs)]);
        assert_eq!(ran.code, 2, "{}", ran.err);
        assert!(ran.err.contains("is an input"), "{}", ran.err);
    }
    assert_eq!(std::fs::read(&log).unwrap(), before);
    // A hunt that fails leaves the report of the one before.
    let report = at("report.jsonl");
    std::fs::write(&report, "kept").unwrap();
    assert_eq!(
        perisai(&["hunt", "--intel", "/no/such", "-o", text(&report), text(&log)]).code,
        2
    );
    assert_eq!(std::fs::read_to_string(&report).unwrap(), "kept");
}

#[test]
fn a_report_in_the_folder_is_no_log() {
    let folder = small();
    let at = |name: &str| folder.path().join(name);
    let (list, logs, out) = (at("list.txt"), at("logs"), at("logs/report.jsonl"));
    let hunt = || {
        let ran = perisai(&[
            "hunt",
            "--intel",
            text(&list),
            "--format",
            "jsonl",
            "-o",
            text(&out),
            text(&logs),
        ]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        std::fs::read_to_string(&out).unwrap()
    };
    let first = hunt();
    assert_eq!((first.lines().count(), hunt() == first), (3, true));
}

#[test]
fn a_hostile_record_with_many_hits_stays_small() {
    let names: Vec<String> = (0..300).map(|n| format!("evil{n}.example")).collect();
    let record = format!(
        "{{\"noise\":\"{}\",\"names\":\"{}\"}}\n",
        "x".repeat(1 << 20),
        names.join(" ")
    );
    let folder = folder(&[
        ("list.txt", names.join("\n").as_bytes()),
        ("a.jsonl", record.as_bytes()),
    ]);
    let at = |name: &str| folder.path().join(name);
    let ran = perisai(&[
        "hunt",
        "--intel",
        text(&at("list.txt")),
        "--format",
        "jsonl",
        text(&at("a.jsonl")),
    ]);
    assert_eq!((ran.code, ran.jsonl().len()), (0, 300), "{}", ran.err);
    assert!(ran.out.len() < 300 * 70_000, "{} bytes", ran.out.len());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = folder(&[
        ("list.txt", b"evil.example\n"),
        ("a.log", "evil.example\n".repeat(200_000).as_bytes()),
    ]);
    let at = |name: &str| folder.path().join(name);
    let mut child = command(&[
        "hunt",
        "--intel",
        text(&at("list.txt")),
        "--format",
        "jsonl",
        text(&at("a.log")),
    ])
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    assert!(first.starts_with("{\"v\":1,"));
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

#[test]
fn rules_that_are_not_run_are_listed_by_name() {
    let rules = b"# sensors\nalert tls any any -> any any (msg:\"Beacon of the wiper\"; sid:4100001;)\n";
    let folder = folder(&[
        ("intel/list.txt", b"evil.example\n"),
        ("intel/sensor.rules", rules),
        ("logs/a.log", b"nothing\n"),
    ]);
    let (intel, logs) = (folder.path().join("intel"), folder.path().join("logs"));
    let ran = perisai(&["hunt", "--explain-rules", "--intel", text(&intel), text(&logs)]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let said = ran.out.clone() + &ran.err;
    for part in ["Beacon of the wiper", "4100001", "sensor.rules:2"] {
        assert!(said.contains(part), "`{part}` in: {said}");
    }
}
