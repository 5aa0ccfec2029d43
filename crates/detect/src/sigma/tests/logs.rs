//! Which logs a log source means: a rule's log source × an event → asked or not.

use super::{compile, event, fields, titles};
use crate::sigma::{Scratch, Seen};

pub(super) const SYSMON: &str = "Microsoft-Windows-Sysmon/Operational";

pub(super) fn check(
    source: &str,
    detection: &str,
    format: &'static str,
    pairs: &[(&str, &str)],
    expected: bool,
) {
    let text =
        format!("title: t\nlogsource: {{{source}}}\ndetection:\n  s:\n    {detection}\n  condition: s\n");
    let (rules, problems) = compile(&[&text]);
    assert!(problems.is_empty(), "{text}: {problems:?}");
    let found = !titles(&rules, &event(format, &fields(pairs))).is_empty();
    assert_eq!(found, expected, "{source} {detection} {format} {pairs:?}");
}

#[test]
fn google_audit_logs_by_their_own_names() {
    let pairs = [("protoPayload.methodName", "storage.buckets.delete"), ("a", "b")];
    let rule = "gcp.audit.method_name|endswith: buckets.delete";
    check("product: gcp, service: gcp.audit", rule, "json", &pairs, true);
}

#[test]
fn web() {
    let uri = "cs-uri-query|contains: '/evil'";
    let request = [
        ("cs-method", "GET"),
        ("cs-uri-stem", "/evil/x.php"),
        ("cs-uri-query", "a=1"),
    ];
    check("category: webserver", uri, "web", &request, true);
    check(
        "category: webserver",
        "cs-uri-query|contains: 'a=1'",
        "web",
        &request,
        true,
    );
    check("category: webserver", uri, "w3c", &request, true);
    check(
        "category: webserver",
        uri,
        "zeek",
        &[("_path", "http"), ("uri", "/evil?x")],
        true,
    );
    check(
        "category: webserver",
        uri,
        "zeek",
        &[("_path", "dns"), ("uri", "/evil?x")],
        false,
    );
    check(
        "category: webserver",
        uri,
        "eve",
        &[("event_type", "http"), ("http.url", "/evil?x")],
        true,
    );
    check(
        "category: webserver",
        uri,
        "auditd",
        &[("cs-uri-query", "/evil")],
        false,
    );
}

#[test]
fn proxy_dns_and_firewall() {
    let proxy = "c-uri|contains: 'evil.example/x'\n    c-uri-extension: exe";
    check(
        "category: proxy",
        proxy,
        "squid",
        &[("url", "http://evil.example/x.exe?y")],
        true,
    );
    check(
        "category: proxy",
        proxy,
        "zeek",
        &[("_path", "http"), ("host", "evil.example"), ("uri", "/x.exe")],
        true,
    );
    let dns = "query|endswith: '.evil.example'";
    check(
        "category: dns",
        dns,
        "zeek",
        &[("_path", "dns"), ("query", "x.evil.example")],
        true,
    );
    check(
        "category: dns",
        dns,
        "eve",
        &[("event_type", "dns"), ("dns.rrname", "x.evil.example")],
        true,
    );
    check(
        "category: dns",
        dns,
        "evtx",
        &[
            ("Channel", SYSMON),
            ("EventID", "22"),
            ("QueryName", "x.evil.example"),
        ],
        true,
    );
    check(
        "category: dns",
        dns,
        "eve",
        &[("event_type", "flow"), ("dns.rrname", "x.evil.example")],
        false,
    );
    let firewall = "dst_port: 4444\n    src_ip: 192.0.2.1";
    check(
        "category: firewall",
        firewall,
        "zeek",
        &[
            ("_path", "conn"),
            ("id.orig_h", "192.0.2.1"),
            ("id.resp_p", "4444"),
        ],
        true,
    );
    check(
        "category: firewall",
        firewall,
        "cef",
        &[("src", "192.0.2.1"), ("dpt", "4444")],
        true,
    );
}

#[test]
fn firewalls_by_their_fields() {
    // What names both ends of a connection is a firewall's, whatever it is written in.
    for (first, expected) in [("src_ip", true), ("x", false)] {
        check(
            "category: firewall",
            "dst_port: 4444",
            "logfmt",
            &[
                (first, "192.0.2.1"),
                ("dst_ip", "192.0.2.2"),
                ("dst_port", "4444"),
            ],
            expected,
        );
    }
}

#[test]
fn unix() {
    check(
        "product: linux, service: auditd",
        "type: SYSCALL\n    exe: /bin/x",
        "auditd",
        &[("type", "SYSCALL"), ("exe", "/bin/x")],
        true,
    );
    check(
        "product: linux, category: process_creation",
        "CommandLine|contains: '-c id'\n    Image|endswith: /sh",
        "auditd",
        &[("type", "EXECVE"), ("a0", "/bin/sh"), ("a1", "-c"), ("a2", "id")],
        true,
    );
    check(
        "product: linux, category: process_creation",
        "CommandLine|contains: 2F74",
        "auditd",
        &[("type", "SYSCALL"), ("a0", "2F74"), ("exe", "/bin/sh")],
        false,
    );
    let text = "- 'Failed password'";
    let detection =
        |source: &str, pairs: &[(&str, &str)], expected| check_keywords(source, text, pairs, expected);
    detection(
        "product: linux, service: sshd",
        &[("program", "sshd"), ("message", "Failed password for x")],
        true,
    );
    detection(
        "product: linux, service: sshd",
        &[("program", "cron"), ("message", "Failed password for x")],
        false,
    );
    // Behind a syslog header, whatever the message looks like.
    for format in ["cef", "leef", "json"] {
        for (host, expected) in [("hostname", true), ("x", false)] {
            check(
                "product: linux, service: sshd",
                "message|contains: Failed password",
                format,
                &[
                    (host, "h"),
                    ("appname", "sshd"),
                    ("message", "CEF:0|a Failed password for x"),
                ],
                expected,
            );
        }
    }
    detection(
        "product: linux, service: auth",
        &[("program", "sshd"), ("message", "Failed password for x")],
        true,
    );
    detection(
        "product: linux",
        &[("program", "x"), ("message", "Failed password for x")],
        true,
    );
    detection(
        "product: cisco, service: aaa",
        &[("program", "x"), ("message", "Failed password")],
        false,
    );
    detection(
        "product: cisco, service: aaa",
        &[("message", "%SEC_LOGIN-4-LOGIN_FAILED: Failed password")],
        false,
    );
    detection(
        "product: cisco, service: aaa",
        &[
            ("program", "r1"),
            ("message", "%SEC_LOGIN-4-LOGIN_FAILED: Failed password"),
        ],
        true,
    );
}

fn check_keywords(source: &str, keywords: &str, pairs: &[(&str, &str)], expected: bool) {
    let text =
        format!("title: t\nlogsource: {{{source}}}\ndetection:\n  s:\n    {keywords}\n  condition: s\n");
    let (rules, problems) = compile(&[&text]);
    assert!(problems.is_empty(), "{text}: {problems:?}");
    let found = !titles(&rules, &event("syslog", &fields(pairs))).is_empty();
    assert_eq!(found, expected, "{source} {pairs:?}");
}

#[test]
fn zeek() {
    check(
        "product: zeek, service: dns",
        "id.orig_h: 192.0.2.1",
        "zeek",
        &[("_path", "dns"), ("id.orig_h", "192.0.2.1")],
        true,
    );
    check(
        "product: zeek, service: dns",
        "id.orig_h: 192.0.2.1",
        "zeek",
        &[("id.orig_h", "192.0.2.1")],
        true,
    );
    check(
        "product: zeek, service: dns",
        "id.orig_h: 192.0.2.1",
        "zeek",
        &[("_path", "conn"), ("id.orig_h", "192.0.2.1")],
        false,
    );
    check(
        "product: zeek, service: dns",
        "id.orig_h: 192.0.2.1",
        "json",
        &[("@stream", "dns"), ("id_orig_h", "192.0.2.1")],
        true,
    );
}

#[test]
fn clouds_and_applications() {
    let json =
        |source: &str, pairs: &[(&str, &str)], expected| check(source, "a: b", "json", pairs, expected);
    json(
        "product: aws, service: cloudtrail",
        &[
            ("eventSource", "iam.amazonaws.com"),
            ("eventName", "x"),
            ("a", "b"),
        ],
        true,
    );
    json(
        "product: aws, service: cloudtrail",
        &[("eventSource", "other"), ("eventName", "x"), ("a", "b")],
        false,
    );
    json(
        "product: azure, service: auditlogs",
        &[("operationName", "x"), ("category", "y"), ("a", "b")],
        true,
    );
    json(
        "product: gcp, service: gcp.audit",
        &[("protoPayload.methodName", "x"), ("a", "b")],
        true,
    );
    json(
        "product: m365, service: audit",
        &[("Workload", "x"), ("Operation", "y"), ("a", "b")],
        true,
    );
    json(
        "product: okta, service: okta",
        &[("eventType", "x"), ("outcome.result", "y"), ("a", "b")],
        true,
    );
    json(
        "product: github, service: audit",
        &[("action", "x"), ("actor", "y"), ("org", "z"), ("a", "b")],
        true,
    );
    json(
        "product: kubernetes, service: audit",
        &[("verb", "x"), ("objectRef.resource", "y"), ("a", "b")],
        true,
    );
    json(
        "product: jvm, category: application",
        &[("product", "JVM"), ("a", "b")],
        true,
    );
    json("product: jvm, category: application", &[("a", "b")], false);
    json(
        "product: okta, service: okta",
        &[("event.dataset", "okta.system"), ("a", "b")],
        true,
    );
}

#[test]
fn idle_rules_are_told() {
    let texts = [
        "title: one\nlogsource: {product: windows, service: security}\ndetection:\n  s:\n    a: b\n    EventID: 7\n  condition: s\n",
        "title: two\nlogsource: {category: no_such}\ndetection:\n  s:\n    a: b\n  condition: s\n",
        "title: three\nlogsource: {product: windows, category: image_load}\ndetection:\n  s:\n    EventID: 8\n  condition: s\n",
        "title: four\nlogsource: {product: windows, service: system}\ndetection:\n  s:\n    a: b\n  condition: s\n",
        "title: five\nlogsource: {product: windows}\n",
        "title: six\nlogsource: {product: windows}\ndetection:\n  s:\n    a: b\n    x: c\n  t:\n    y|contains: d\n  condition: s or t\n",
        "title: seven\nlogsource: {product: windows}\ndetection:\n  s:\n    a: b\n    x: null\n  t:\n    y: d\n  condition: s and not t\n",
    ];
    let (rules, problems) = compile(&texts);
    assert_eq!(problems.len(), 1);
    let mut scratch = Scratch::default();
    let system = event(
        "evtx",
        &fields(&[("Channel", "System"), ("EventID", "7"), ("a", "c")]),
    );
    rules.match_event(&system, &mut scratch, &mut Vec::new());
    let mut seen = Seen::default();
    seen.merge(&scratch.seen());
    let idle: Vec<_> = rules
        .explain(&seen)
        .into_iter()
        .map(|idle| format!("{}: {}", idle.name, idle.why))
        .collect();
    assert_eq!(
        idle,
        [
            "five: not loaded (rule.yml:1): Missing required field 'detection'",
            "one: no event in these logs is from channel `security` event 7",
            "six: no event in these logs has `x` or `y`",
            "three: the event ids it asks for are not of its log source",
            "two: its log source (no_such) is not known here",
        ]
    );
}
