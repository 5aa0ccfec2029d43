//! What is told beside the findings, and how runs end that could not do all.

use std::fs;
use std::path::Path;

use crate::tool::{folder, perisai, perisai_with_input, text};

#[cfg(not(feature = "yara"))]
const YARA: &[u8] = b"rule one { condition: true }\nrule two { condition: true }\n";
const SIGMA: &[u8] =
    b"title: Broken\nid: 5b2f0d5c-6a38-4f0e-9c64-0d8ff2f5a001\nlogsource:\n  product: windows\n\
    detection:\n  a:\n    a|foo: x\n  condition: a\n";

fn list_and_log() -> tempfile::TempDir {
    folder(&[
        ("list.txt", b"evil.example\n"),
        ("logs/a.log", b"2022-02-23T10:00:00Z query evil.example\n"),
    ])
}

#[test]
#[cfg(not(feature = "yara"))]
fn yara_rules_without_yara_are_told() {
    let folder = folder(&[
        ("list.txt", b"evil.example\n"),
        ("y/a.yar", YARA),
        ("a.log", b"query evil.example\n"),
    ]);
    let at = |name: &str| folder.path().join(name);
    let (list, rules, log) = (at("list.txt"), at("y"), at("a.log"));
    let told = "2 YARA rules were not looked for: YARA is not in this build; build with `--features yara`";
    for format in ["text", "jsonl", "csv", "stix", "html", "navigator"] {
        let hunt = [
            "hunt",
            "-i",
            text(&list),
            "-i",
            text(&rules),
            "-f",
            format,
            text(&log),
        ];
        let ran = perisai(&hunt);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let page = if format == "text" { &ran.out } else { &ran.err };
        let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(page.contains(told), "{format}: {page}");
    }
    let strict = perisai(&[
        "hunt",
        "--strict",
        "-i",
        text(&list),
        "-i",
        text(&rules),
        text(&log),
    ]);
    assert_eq!(strict.code, 2);
    assert!(strict.err.contains(told), "{}", strict.err);
    let alone = perisai(&["hunt", "-i", text(&rules), text(&log)]);
    assert_eq!(alone.code, 2);
    assert!(
        alone
            .err
            .contains("YARA rules need a program that is built with YARA"),
        "{}",
        alone.err
    );
    let lint = perisai(&["intel", "lint", text(&rules)]);
    assert!(
        lint.out.contains("one: YARA is not in this build"),
        "{}",
        lint.out
    );
}

#[test]
fn totals_close_every_format() {
    let folder = list_and_log();
    let at = |name: &str| folder.path().join(name);
    let (list, logs, out) = (at("list.txt"), at("logs"), at("out"));
    let check = |options: &[&str], expected: &str| {
        let ran = perisai(&[&["hunt", "-i", text(&list)], options, &[text(&logs)]].concat());
        assert_eq!(ran.err, expected, "{options:?}");
    };
    let over = "perisai: 0 findings in 1 file; 1 over --limit\n";
    for format in ["jsonl", "csv", "stix", "html", "navigator"] {
        check(&["-f", format], "");
        check(&["-f", format, "--limit", "0"], over);
    }
    check(&["--limit", "0"], "");
    check(&["--limit", "0", "-o", text(&out)], over);
    check(
        &["-f", "jsonl", "--min-severity", "critical"],
        "perisai: 0 findings in 1 file; 1 below --min-severity\n",
    );
    let shown = perisai(&[
        "hunt",
        "-i",
        "examples/intel/partner",
        "-i",
        "examples/intel",
        "--warninglists",
        "examples/warninglists",
        "-f",
        "jsonl",
        "examples/logs",
    ]);
    assert!(
        shown
            .err
            .contains(" suppressed by warninglists (--no-suppress shows them)"),
        "{}",
        shown.err
    );
}

#[test]
fn every_problem_can_be_seen() {
    let folder = list_and_log();
    for number in 0..30 {
        fs::write(folder.path().join(format!("logs/{number}.gz")), b"\x1f\x8b\x08").unwrap();
    }
    let (list, logs) = (folder.path().join("list.txt"), folder.path().join("logs"));
    let ran = perisai(&["hunt", "-i", text(&list), text(&logs)]);
    assert_eq!(ran.code, 3);
    assert!(
        ran.out.contains("and 20 more; --explain-problems lists all"),
        "{}",
        ran.out
    );
    let ran = perisai(&["hunt", "--explain-problems", "-i", text(&list), text(&logs)]);
    assert_eq!(ran.err.lines().filter(|line| line.contains(".gz")).count(), 30);
}

#[test]
fn lint_counts_problems_in_every_format() {
    let folder = folder(&[("bad.yml", SIGMA)]);
    let rule = folder.path().join("bad.yml");
    let lint = |format: &str| perisai(&["intel", "lint", "-f", format, text(&rule)]);
    let csv = lint("csv");
    assert_eq!(csv.code, 3);
    assert!(csv.out.trim_end().ends_with(",0,\"\",1,0,1"), "{}", csv.out);
    assert!(csv.err.contains("bad.yml"), "{}", csv.err);
    let json = lint("JSON");
    assert_eq!(json.jsonl()[0]["problems"], 1);
    let table = lint("text");
    assert!(
        table
            .out
            .ends_with("0 indicators and 0 rules in use, 1 problem\n"),
        "{}",
        table.out
    );
    assert!(
        table
            .out
            .contains("         0      1        0        1  total  1 source\n"),
        "{}",
        table.out
    );
}

#[test]
fn the_demo_writes_over_nothing_of_the_users() {
    let folder = folder(&[("d/intel/indicators.txt", b"my-own.example\n")]);
    let mine = folder.path().join("d");
    let ran = perisai(&["demo", "--dir", text(&mine)]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("indicators.txt is there already"), "{}", ran.err);
    assert_eq!(
        fs::read(mine.join("intel/indicators.txt")).unwrap(),
        b"my-own.example\n"
    );
    assert!(!mine.join("logs").exists());
    // What the demo wrote itself is no hindrance.
    let again = folder.path().join("e");
    for _ in 0..2 {
        assert_eq!(perisai(&["demo", "--dir", text(&again)]).code, 0);
    }
}

#[test]
fn reports_in_a_folder_are_passed_over() {
    for format in ["jsonl", "csv", "html"] {
        let folder = list_and_log();
        let at = |name: &str| folder.path().join(name);
        let (list, logs, out) = (at("list.txt"), at("logs"), at("logs/old"));
        let hunt = |options: &[&str], what: &Path| {
            perisai(&[&["hunt", "-i", text(&list)], options, &[text(what)]].concat())
        };
        assert_eq!(hunt(&["-f", format, "-o", text(&out)], &logs).code, 0);
        let ran = hunt(&["-f", "jsonl"], &logs);
        assert_eq!(ran.jsonl().len(), 1, "{format}");
        assert!(
            ran.err
                .contains("old: passed over: the report of an earlier hunt"),
            "{}",
            ran.err
        );
        let summary = hunt(&[], &logs);
        assert!(
            summary.out.contains("1 report of an earlier hunt"),
            "{}",
            summary.out
        );
        assert!(
            !hunt(&["-f", "jsonl"], &out).jsonl().is_empty(),
            "{format}: named, it is searched"
        );
    }
}

#[test]
#[cfg(unix)]
fn links_out_of_a_folder_are_told_and_followed_when_asked() {
    let folder = list_and_log();
    let at = |name: &str| folder.path().join(name);
    let (list, logs) = (at("list.txt"), at("logs"));
    let beyond = folder.path().join("beyond.log");
    std::fs::copy(logs.join("a.log"), &beyond).unwrap();
    std::os::unix::fs::symlink(&beyond, logs.join("beyond.log")).unwrap();
    let hunt = |options: &[&str]| perisai(&[&["hunt", "-i", text(&list), text(&logs)], options].concat());
    let within = hunt(&["-f", "jsonl"]);
    assert_eq!((within.code, within.jsonl().len()), (0, 1));
    let told = "beyond.log: a link out of its folder, not followed; --follow follows it";
    assert!(within.err.contains(told), "{}", within.err);
    assert!(hunt(&[]).out.contains("1 link out of the folders, not followed"));
    assert_eq!(hunt(&["-f", "jsonl", "--follow"]).jsonl().len(), 2);
}

#[test]
fn lint_checks_warninglists_as_a_hunt_does() {
    let lists = folder(&[
        (
            "nets.json",
            br#"{"name": "n", "type": "cidr", "list": ["192.0.2.0/24", "300.1.1.1/8"]}"#,
        ),
        (
            "words.json",
            br#"{"name": "w", "type": "regex", "list": ["((", "^good$"]}"#,
        ),
        ("list.txt", b"evil.example\n"),
        ("a.log", b"x\n"),
    ]);
    let at = |name: &str| lists.path().join(name);
    let (nets, words, list, log) = (at("nets.json"), at("words.json"), at("list.txt"), at("a.log"));
    let lint = perisai(&["intel", "lint", text(&nets), text(&words)]);
    let hunt = perisai(&[
        "hunt",
        "-i",
        text(&list),
        "--warninglists",
        text(&nets),
        "--warninglists",
        text(&words),
        "-f",
        "csv",
        text(&log),
    ]);
    for (ran, said) in [(&lint, &lint.out), (&hunt, &hunt.err)] {
        assert_eq!(ran.code, 3);
        for told in [
            "nets.json: `300.1.1.1/8`: neither an address nor a net",
            "words.json: `((`: ",
        ] {
            assert!(said.contains(told), "{said}");
        }
    }
}

#[test]
fn a_dash_is_standard_output() {
    let folder = list_and_log();
    let list = folder.path().join("list.txt");
    let ran = perisai_with_input(
        &["hunt", "-i", text(&list), "-f", "json", "-o", "-", "-"],
        b"evil.example\n",
    );
    assert_eq!((ran.code, ran.jsonl().len()), (0, 1), "{}", ran.err);
}

#[test]
#[cfg(unix)]
fn a_report_takes_the_place_of_the_one_before() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = list_and_log();
    let at = |name: &str| folder.path().join(name);
    let (list, log, out, link) = (at("list.txt"), at("logs/a.log"), at("out.jsonl"), at("link"));
    fs::write(&out, "before").unwrap();
    fs::set_permissions(&out, fs::Permissions::from_mode(0o604)).unwrap();
    symlink("out.jsonl", &link).unwrap();
    let hunt = |out: &Path| {
        perisai(&[
            "hunt",
            "-i",
            text(&list),
            "-f",
            "jsonl",
            "-o",
            text(out),
            text(&log),
        ])
    };
    let ran = hunt(&link);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o604);
    assert_eq!(fs::read_to_string(&out).unwrap().lines().count(), 1);
    let ran = hunt(Path::new("/nonexistent/x"));
    assert_eq!(ran.code, 4);
    assert_eq!(
        ran.err,
        "perisai: /nonexistent/x: No such file or directory (os error 2)\n"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn what_cannot_be_written_has_its_own_status() {
    let folder = list_and_log();
    let (list, log) = (folder.path().join("list.txt"), folder.path().join("logs/a.log"));
    for format in ["text", "jsonl", "csv", "stix", "html", "navigator"] {
        let hunt = [
            "hunt",
            "-i",
            text(&list),
            "-f",
            format,
            "-o",
            "/dev/full",
            text(&log),
        ];
        assert_eq!(perisai(&hunt).code, 4, "{format}");
    }
}

#[test]
fn the_machine_behind_a_server_is_named() {
    let folder = folder(&[("list.txt", b"cdn.telemetry-sync.example\n")]);
    let list = folder.path().join("list.txt");
    for log in ["suricata/eve.json", "zeek/ssl.json", "dc01/dns.log"] {
        let log = format!("examples/logs/{log}");
        let ran = perisai(&["hunt", "-i", text(&list), &log]);
        assert!(ran.out.contains("\n          client  10.20.4.17"), "{}", ran.out);
        let page = perisai(&["hunt", "-i", text(&list), "-f", "html", &log]);
        assert!(page.out.contains("<dt>Clients</dt><dd>10.20.4.17"), "{log}");
        let json = perisai(&["hunt", "-i", text(&list), "-f", "jsonl", &log]).jsonl();
        assert_eq!(
            json[0].get("client"),
            None,
            "{log}: the fields are those of the design"
        );
    }
}

#[test]
fn the_last_event_of_a_sequence_is_shown() {
    let ran = perisai(&[
        "hunt",
        "-i",
        "examples/intel/rivenia-cert.stix.json",
        "--top",
        "0",
        "examples/logs/edr.jsonl",
    ]);
    assert!(
        ran.out
            .contains("process.command_line: rundll32.exe C:\\Users\\m.doru"),
        "{}",
        ran.out
    );
}

#[test]
fn the_demo_tells_what_it_leaves() {
    let folder = folder(&[]);
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_perisai"))
        .arg("demo")
        .current_dir(folder.path())
        .env("TMPDIR", folder.path())
        .output()
        .unwrap();
    let out = String::from_utf8(run.stdout).unwrap();
    assert!(
        out.contains("The example files stay in ") && out.contains("perisai-demo-"),
        "{out}"
    );
    assert!(out.contains(text(folder.path())), "{out}");
}
