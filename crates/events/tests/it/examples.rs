//! The logs that this repository ships: each told as what it is, and read whole.

use std::collections::BTreeSet;
use std::path::Path;

use perisai_events::{FORMATS, ReadOptions};

use crate::file;

/// Checks which formats the lines and records with fields have, and that nothing is amiss.
fn check(path: &str, expected: &[&str]) {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/logs")).join(path);
    let found = file(&std::fs::read(&path).unwrap(), &ReadOptions::default());
    assert_eq!(found.problems, Vec::<String>::new(), "{}", path.display());
    assert!(!found.events.is_empty(), "{}", path.display());
    let formats: BTreeSet<_> = found.events.iter().map(|(_, event)| event.format).collect();
    assert_eq!(formats, expected.iter().copied().collect(), "{}", path.display());
    assert!(
        formats.iter().all(|format| FORMATS.contains(format)),
        "{formats:?}"
    );
    for (position, event) in &found.events {
        assert!(event.time.is_some(), "{} {position:?}: {event:?}", path.display());
    }
}

/// Who adds a format writes down what it is, and lets a fuzzer at it.
#[test]
fn every_format_has_a_row_and_a_fuzz_target() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let table = std::fs::read_to_string(root.join("docs/log-formats.md")).unwrap();
    let targets: Vec<String> = std::fs::read_dir(root.join("fuzz/fuzz_targets"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let manifest = std::fs::read_to_string(root.join("fuzz/Cargo.toml")).unwrap();
    for name in FORMATS {
        assert!(
            table.contains(&format!("\n| `{name}` |")),
            "{name} in docs/log-formats.md"
        );
        // The target `events` takes whole files: binary ones, and text of no format.
        let own = targets
            .iter()
            .filter(|target| target.starts_with(&format!("events_{name}")));
        let own: Vec<_> = own.filter_map(|target| target.strip_suffix(".rs")).collect();
        assert!(
            !own.is_empty() || matches!(name, "evtx" | "text"),
            "{name} in fuzz/fuzz_targets"
        );
        for target in own {
            assert!(
                manifest.contains(&format!("name = \"{target}\"")),
                "{target} in fuzz/Cargo.toml"
            );
        }
    }
}

#[test]
fn every_example_is_told() {
    check("audit.log", &["auditd"]);
    check("branch-03.tar.gz", &["named"]);
    check("branch-04.tar", &["syslog"]);
    check("branch-05-firewall.log", &["paloalto"]);
    check("cloudtrail.json", &["json"]);
    check("dc01/dns.log", &["windns"]);
    check("edr.jsonl", &["json"]);
    check("firewall.cef", &["cef"]);
    check("forms-app.log", &["logfmt"]);
    check("iis/u_ex220223.log", &["w3c"]);
    check("journal.json", &["journald"]);
    check("mail.log.1.gz", &["syslog"]);
    check("nginx/access.log", &["web"]);
    check("nginx/access.log.1.gz", &["web"]);
    check("nginx/access.log.2.bz2", &["web"]);
    check("resolver.csv", &["csv"]);
    check("squid/access.log", &["squid"]);
    check("squid/access.log.1.xz", &["squid"]);
    check("suricata/eve.json", &["eve"]);
    check("triage-files02.zip", &["csv"]);
    check("vpn.log", &["syslog"]);
    check("vpn.log.1.lz4", &["syslog"]);
    check("waf.leef", &["leef"]);
    check("web01-forwarded.evtx.gz", &["evtx"]);
    check("windows-events.xml", &["winxml"]);
    check("zeek/conn.log", &["zeek"]);
    check("zeek/ssl.json", &["zeek"]);
}
