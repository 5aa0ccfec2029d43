//! YARA rules, in a build that runs them.

use std::io::Write;

use crate::tool::{Ran, folder, perisai, perisai_with_input, text};

const EVIL: &[u8] = b"rule evil { strings: $x = \"evil\" condition: $x }\n";

/// The paths of the findings.
fn paths(ran: &Ran) -> Vec<String> {
    let findings = ran.jsonl();
    let path = |finding: &serde_json::Value| finding["path"].as_str().map(str::to_owned);
    findings.iter().filter_map(path).collect()
}

#[test]
fn standard_input_is_looked_at() {
    let folder = folder(&[("evil.yar", EVIL)]);
    let rule = folder.path().join("evil.yar");
    let check = |input: &[u8], expected: &[&str]| {
        let ran = perisai_with_input(&["hunt", "-i", text(&rule), "-f", "jsonl", "-"], input);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        assert_eq!(paths(&ran), expected);
    };
    check(b"an evil file", &["-"]);
    check(b"a good file", &[]);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"an evil file").unwrap();
    check(&packed.finish().unwrap(), &["-"]);
}

#[test]
#[cfg(unix)]
fn a_named_pipe_is_looked_at() {
    let folder = folder(&[("evil.yar", EVIL)]);
    let (rule, pipe) = (folder.path().join("evil.yar"), folder.path().join("pipe"));
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::write(pipe, b"an evil file").unwrap()
    });
    let ran = perisai(&["hunt", "-i", text(&rule), "-f", "jsonl", text(&pipe)]);
    writer.join().unwrap();
    assert_eq!(
        (ran.code, paths(&ran)),
        (0, vec![text(&pipe).to_owned()]),
        "{}",
        ran.err
    );
}

#[test]
fn a_rule_without_end_is_set_aside() {
    let folder = folder(&[
        ("rules/evil.yar", EVIL),
        (
            "rules/loop.yar",
            b"\nrule loop {condition: for all i in (0..100000000000): (uint8(i%filesize) >= 0 )}\n",
        ),
        ("logs/1", b"evil"),
        ("logs/2", b"evil"),
        ("logs/3", b"evil"),
    ]);
    let at = |name: &str| folder.path().join(name);
    let (rules, logs) = (at("rules"), at("logs"));
    let ran = perisai(&["hunt", "-i", text(&rules), "-f", "jsonl", text(&logs)]);
    assert_eq!((ran.code, paths(&ran).len()), (3, 3), "{}", ran.err);
    let told = format!(
        "{}:2: rule `loop` took over 2 seconds: not looked for in {} and what comes after it\n",
        at("rules/loop.yar").display(),
        at("logs/1").display()
    );
    assert!(ran.err.contains(&told), "{}", ran.err);
    assert_eq!(ran.err.matches("loop").count(), 2, "{}", ran.err);
}
