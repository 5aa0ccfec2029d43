//! The logs that this repository ships: each told as what it is, and read whole.

use std::collections::BTreeSet;
use std::path::Path;

use perisai_events::ReadOptions;

use crate::file;

/// Checks which formats the lines and records with fields have, and that nothing is amiss.
fn check(path: &str, expected: &[&str]) {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/logs")).join(path);
    let found = file(&std::fs::read(&path).unwrap(), &ReadOptions::default());
    assert_eq!(found.problems, Vec::<String>::new(), "{}", path.display());
    assert!(!found.events.is_empty(), "{}", path.display());
    let formats: BTreeSet<_> = found.events.iter().map(|(_, event)| event.format).collect();
    assert_eq!(formats, expected.iter().copied().collect(), "{}", path.display());
    for (position, event) in &found.events {
        assert!(event.time.is_some(), "{} {position:?}: {event:?}", path.display());
    }
}

#[test]
fn every_example_is_told() {
    check("audit.log", &["auditd"]);
    check("branch-03.tar.gz", &["named"]);
    check("cloudtrail.json", &["json"]);
    check("edr.jsonl", &["json"]);
    check("firewall.cef", &["cef"]);
    check("forms-app.log", &["logfmt"]);
    check("iis/u_ex220223.log", &["w3c"]);
    check("journal.json", &["journald"]);
    check("mail.log.1.gz", &["syslog"]);
    check("nginx/access.log", &["web"]);
    check("nginx/access.log.1.gz", &["web"]);
    check("resolver.csv", &["csv"]);
    check("squid/access.log", &["squid"]);
    check("suricata/eve.json", &["eve"]);
    check("triage-files02.zip", &["csv"]);
    check("vpn.log", &["syslog"]);
    check("waf.leef", &["leef"]);
    check("web01-forwarded.evtx.gz", &["evtx"]);
    check("windows-events.xml", &["winxml"]);
    check("zeek/conn.log", &["zeek"]);
    check("zeek/ssl.json", &["zeek"]);
}
