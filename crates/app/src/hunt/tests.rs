//! Whole hunts, over files in a folder of their own.

use std::fs;
use std::io::{self, Write as _};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use perisai_model::{Finding, Report};
use perisai_respond::Writer;

use super::*;

/// Keeps what is written, and does something behind each finding.
struct Kept<'a> {
    findings: Vec<Finding>,
    then: &'a dyn Fn(),
}

impl Writer for Kept<'_> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        self.findings.push(finding.clone());
        (self.then)();
        Ok(())
    }

    fn finish(&mut self, _: &Report) -> io::Result<()> {
        Ok(())
    }
}

/// Where the files of a test stand: its intelligence in `intel`, its logs in `logs`.
struct Ground(tempfile::TempDir);

impl Ground {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn settings(&self) -> Settings {
        Settings {
            intel: vec![self.0.path().join("intel")],
            logs: vec![self.0.path().join("logs")],
            ..Settings::default()
        }
    }

    /// What stands in the folder, without the folder.
    fn short(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn hunt_then(settings: &Settings, then: &dyn Fn()) -> (Vec<Finding>, Result<Report, HuntError>) {
    let mut writer = Kept {
        findings: Vec::new(),
        then,
    };
    let outcome = run(settings, &Progress::default(), &mut writer);
    (writer.findings, outcome)
}

fn hunt(settings: &Settings) -> (Vec<Finding>, Report) {
    let (findings, outcome) = hunt_then(settings, &|| ());
    (findings, outcome.unwrap())
}

const LIST: (&str, &str) = ("intel/list.txt", "evil.example\n");
/// A rule that has the fields of every event asked for.
const RULE: (&str, &str) = (
    "intel/rule.yml",
    "title: Never\nlogsource:\n  category: application\ndetection:\n  one:\n    a: no such value\n  condition: one\n",
);

#[test]
fn a_panic_costs_only_what_it_was_met_in() {
    let ground = Ground::new(&[
        LIST,
        ("logs/a.log", "to evil.example\n"),
        ("logs/b.log", "to evil.example PANIC ON PURPOSE\n"),
        ("logs/c PANIC ON PURPOSE.log", "to evil.example\n"),
        ("logs/d.log", "to evil.example\n"),
    ]);
    for threads in [1, 3] {
        let (findings, report) = hunt(&Settings {
            threads,
            ..ground.settings()
        });
        let places: Vec<_> = findings
            .iter()
            .map(|one| ground.short(&one.place.to_string()))
            .collect();
        assert_eq!(places, ["logs/a.log:1", "logs/d.log:1"]);
        let problems: Vec<_> = report
            .problems
            .iter()
            .map(|one| ground.short(&one.to_string()))
            .collect();
        let why = "not searched to its end: this is a defect of Perisai, please report it (on purpose)";
        assert_eq!(
            problems,
            [
                format!("logs/b.log:1: {why}"),
                format!("logs/c PANIC ON PURPOSE.log: {why}")
            ]
        );
    }
}

#[test]
fn a_panic_of_the_writer_hangs_nobody() {
    let many = "to evil.example\n".repeat(100_000);
    let names: Vec<String> = (0..50).map(|at| format!("logs/{at:02}.log")).collect();
    let mut files = vec![LIST];
    files.extend(names.iter().map(|name| (name.as_str(), &many[..16_000])));
    let ground = Ground::new(&files);
    let settings = Settings {
        threads: 2,
        ..ground.settings()
    };
    let outcome = thread::spawn(move || drop(hunt_then(&settings, &|| panic!("on purpose")))).join();
    assert!(outcome.is_err());
}

#[test]
fn the_first_problem_in_the_order_of_the_inputs_is_fatal() {
    let long = format!("{}{{\"a\":", "{\"a\":1}\n".repeat(300_000));
    let names: Vec<String> = (1..20).map(|at| format!("logs/{at:02}.json")).collect();
    let mut files = vec![LIST, ("logs/00.json", &long)];
    files.extend(names.iter().map(|name| (name.as_str(), "{\"a\":1}\n{\"b\":")));
    let ground = Ground::new(&files);
    let (_, outcome) = hunt_then(
        &Settings {
            threads: 2,
            strict: true,
            ..ground.settings()
        },
        &|| (),
    );
    match outcome {
        Err(HuntError::Strict(problem)) => {
            assert_eq!(ground.short(&problem.place.to_string()), "logs/00.json:300001");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_slow_reader_is_not_waited_for_after_the_wish_to_end() {
    let ground = Ground::new(&[LIST, ("logs/a.log", &"to evil.example\n".repeat(200))]);
    let settings = ground.settings();
    let since = Instant::now();
    let (findings, outcome) = hunt_then(&settings, &|| {
        settings.stop.flag().store(true, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(100));
    });
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
    let report = outcome.unwrap();
    assert!(report.interrupted.is_some());
    assert_eq!(report.findings, findings.len() as u64);
    let why = format!(
        "{} more were found and not written: interrupted",
        200 - findings.len()
    );
    assert_eq!(report.problems.last().map(|one| one.why.clone()), Some(why));
}

/// Hunts in a named pipe into which these parts are written, with a pause behind each.
#[cfg(unix)]
fn live(ground: &Ground, parts: &'static [&str]) -> (Vec<Finding>, Report) {
    let pipe = ground.0.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let settings = Settings {
        logs: vec![pipe.clone()],
        ..ground.settings()
    };
    let writer = thread::spawn(move || {
        let mut pipe = fs::OpenOptions::new().write(true).open(pipe).unwrap();
        for part in parts {
            pipe.write_all(part.as_bytes()).unwrap();
            thread::sleep(Duration::from_millis(700));
        }
    });
    let found = hunt(&settings);
    writer.join().unwrap();
    found
}

#[test]
#[cfg(unix)]
fn a_pipe_that_turns_out_to_be_json_tells_what_is_broken_in_it() {
    let ground = Ground::new(&[LIST, RULE]);
    let (_, report) = live(
        &ground,
        &[
            "a banner\n",
            "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n{\"a\",}\n{\"a\":4}\n",
        ],
    );
    let lines: Vec<_> = report.problems.iter().map(|one| one.place.position).collect();
    assert_eq!(
        lines,
        [Some(perisai_model::Position::Line(5))],
        "{:?}",
        report.problems
    );
}

#[test]
#[cfg(unix)]
fn the_order_of_dates_is_told_from_what_comes_later_too() {
    let ground = Ground::new(&[LIST]);
    let (findings, _) = live(
        &ground,
        &[
            "the log of today\n",
            "14/03/2022 01:02:03 to evil.example\n04/03/2022 01:02:04 to evil.example\n",
        ],
    );
    let times: Vec<_> = findings
        .iter()
        .map(|one| one.time.map(|time| time.to_string()))
        .collect();
    assert_eq!(
        times,
        [
            Some("2022-03-14T01:02:03Z".to_owned()),
            Some("2022-03-04T01:02:04Z".to_owned())
        ]
    );
}

/// A STIX bundle of two patterns, valid in 2022.
const PATTERNS: (&str, &str) = (
    "intel/bundle.json",
    r#"{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000001","objects":[
{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-000000000002",
"created":"2022-01-01T00:00:00Z","modified":"2022-01-01T00:00:00Z","name":"one event","pattern_type":"stix",
"valid_from":"2022-01-01T00:00:00Z","valid_until":"2023-01-01T00:00:00Z",
"pattern":"[process:command_line MATCHES 'one' AND process:name = 'sh']"},
{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-000000000003",
"created":"2022-01-01T00:00:00Z","modified":"2022-01-01T00:00:00Z","name":"two events","pattern_type":"stix",
"valid_from":"2022-01-01T00:00:00Z","valid_until":"2023-01-01T00:00:00Z",
"pattern":"[process:command_line MATCHES 'two'] FOLLOWEDBY [process:command_line MATCHES 'three']"}]}"#,
);

#[test]
fn findings_of_patterns_tell_that_the_event_is_too_old_or_too_young() {
    let log = |year: u16| -> String {
        ["one", "two", "three"]
            .iter()
            .zip(0..)
            .map(|(word, second)| {
                format!(
                    "{{\"@timestamp\":\"{year}-05-05T00:00:0{second}Z\",\"process\":{{\"name\":\"sh\",\"command_line\":\"{word}\"}}}}\n"
                )
            })
            .collect()
    };
    let check = |year: u16, expected: &[perisai_model::Flag]| {
        let ground = Ground::new(&[PATTERNS, ("logs/a.json", &log(year))]);
        let (findings, _) = hunt(&ground.settings());
        let told: Vec<_> = findings
            .iter()
            .map(|one| (one.rule.name.as_str(), one.flags.as_slice()))
            .collect();
        assert_eq!(told, [("one event", expected), ("two events", expected)]);
    };
    check(2021, &[perisai_model::Flag::BeforeValid]);
    check(2022, &[]);
    check(2024, &[perisai_model::Flag::Expired]);
}

#[test]
fn ids_tell_rules_apart_and_do_not_change_with_other_intelligence() {
    let rule = |extra: &str, value: &str| {
        format!(
            "title: Same\n{extra}logsource:\n  product: windows\n  category: process_creation\ndetection:\n  one:\n    CommandLine: {value}\n  condition: one\n"
        )
    };
    let (one, other, with_id) = (
        rule("", "x"),
        rule("", "'x*'"),
        rule("id: 5b7a8a3e-0000-4000-8000-000000000001\n", "x"),
    );
    let ground = Ground::new(&[
        ("intel/m1.yml", &one),
        ("intel/m2.yml", &other),
        ("intel/m3.yml", &with_id),
        LIST,
        (
            "logs/a.json",
            "{\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"EventID\":1,\"CommandLine\":\"x\",\"b\":\"evil.example\"}\n",
        ),
    ]);
    let ids = || {
        let (findings, _) = hunt(&ground.settings());
        let mut ids: Vec<_> = findings.iter().map(Finding::id).collect();
        ids.sort_unstable();
        ids
    };
    let alone = ids();
    assert_eq!(alone.len(), 4);
    let mut apart = alone.clone();
    apart.dedup();
    assert_eq!(apart, alone, "each finding has its own");
    let feed = "value,id,comment\nevil.example,0,first\n";
    for (name, text) in [("a.csv", feed), ("a.yml", &one), ("b.yml", &with_id)] {
        fs::write(ground.0.path().join("intel").join(name), text).unwrap();
    }
    assert_eq!(ids(), alone);
}
