//! STIX patterns over events: what each product's fields mean, several events, bad and hostile input.

mod idle;
mod limits;
mod sequences;

use perisai_detect::pattern::{Observation, PatternHit, Scratch, StixPatterns};
use perisai_model::{Context, ContextId, Event, Place, Rule, RuleKind, RuleLanguage, Severity, Tlp, Value};
use proptest::prelude::*;

fn rule(text: &str) -> Rule {
    Rule {
        language: RuleLanguage::StixPattern,
        text: text.into(),
        context: ContextId(0),
        place: Place::file("intel.json"),
    }
}

fn compiled(patterns: &[&str]) -> StixPatterns {
    let context = Context::default();
    let rules: Vec<Rule> = patterns.iter().map(|text| rule(text)).collect();
    let (compiled, problems) = StixPatterns::compile(rules.iter().map(|rule| (rule, &context)));
    assert_eq!(problems, []);
    compiled
}

/// `name=value` pairs; a value of digits behind `#` is a number.
fn event(fields: &[&str]) -> Event {
    let mut event = Event::default();
    for field in fields {
        let (name, value) = field.split_once('=').unwrap();
        match value.strip_prefix('#') {
            Some(number) => event.push(name, Value::Int(number.parse().unwrap())),
            None => event.push_str(name, value),
        }
    }
    event
}

fn hits(patterns: &StixPatterns, event: &Event) -> Vec<PatternHit> {
    let mut found = Vec::new();
    patterns.match_event(event, &mut Scratch::default(), &mut found);
    found
}

/// What matched, or nothing.
#[track_caller]
fn check(pattern: &str, fields: &[&str], expected: Option<&str>) {
    let found = hits(&compiled(&[pattern]), &event(fields));
    let matched: Vec<_> = found.iter().map(|hit| hit.matched.as_str()).collect();
    assert_eq!(
        matched,
        expected.into_iter().collect::<Vec<_>>(),
        "{pattern} on {fields:?}"
    );
}

/// One pattern on the same fact as several products write it.
#[track_caller]
fn check_all(pattern: &str, same: &[&[&str]]) {
    let patterns = compiled(&[pattern]);
    for fields in same {
        let found = hits(&patterns, &event(fields));
        assert!(
            matches!(found.as_slice(), [hit] if hit.single),
            "{pattern} on {fields:?}: {found:?}"
        );
    }
}

#[test]
fn connections_in_every_product() {
    check_all(
        "[network-traffic:src_ref.value = '10.0.0.1' AND network-traffic:dst_ref.value = '192.0.2.7' \
          AND network-traffic:dst_port = 443]",
        &[
            &[
                "source.ip=10.0.0.1",
                "destination.ip=192.0.2.7",
                "destination.port=#443",
            ],
            &["client.ip=10.0.0.1", "server.ip=192.0.2.7", "server.port=443"],
            &[
                "SourceIp=10.0.0.1",
                "DestinationIp=192.0.2.7",
                "DestinationPort=443",
            ],
            &["SourceAddress=10.0.0.1", "DestAddress=192.0.2.7", "DestPort=443"],
            &["id.orig_h=10.0.0.1", "id.resp_h=192.0.2.7", "id.resp_p=#443"],
            &["src_ip=10.0.0.1", "dest_ip=192.0.2.7", "dest_port=#443"],
            &["c-ip=10.0.0.1", "s-ip=192.0.2.7", "s-port=443"],
            &["src=10.0.0.1", "dst=192.0.2.7", "dpt=443"],
            &["SRC=10.0.0.1", "DST=192.0.2.7", "DPT=443"],
            &["srcip=10.0.0.1", "dstip=192.0.2.7", "dstport=443"],
            &[
                "winlog.event_data.SourceIp=10.0.0.1",
                "winlog.event_data.DestinationIp=192.0.2.7",
                "winlog.event_data.DestinationPort=443",
            ],
        ],
    );
    check_all(
        "[network-traffic:protocols[*] = 'tcp' AND ipv4-addr:value = '192.0.2.7']",
        &[
            &["network.transport=tcp", "destination.ip=192.0.2.7"],
            &["proto=TCP", "dest_ip=192.0.2.7"],
            &["PROTO=6", "DST=192.0.2.7"],
            &["Protocol=#6", "DestAddress=192.0.2.7"],
        ],
    );
}

#[test]
fn names_urls_and_agents_in_every_product() {
    check_all(
        "[domain-name:value = 'evil.example' AND domain-name:value NOT LIKE '%.com']",
        &[
            &["dns.question.name=evil.example"],
            &["url.domain=EVIL.example"],
            &["QueryName=evil.example"],
            &["DestinationHostname=evil.example"],
            &["query=evil.example."],
            &["server_name=evil.example"],
            &["host=evil.example:8080"],
            &["dns.rrname=evil.example"],
            &["http.hostname=evil.example"],
            &["tls.sni=evil.example"],
            &["cs-host=evil.example"],
            &["dhost=evil.example"],
            &["request=https://user@evil.example/x"],
            &["QueryResults=type:  5 evil.example;::ffff:192.0.2.1;"],
        ],
    );
    check_all(
        "[url:value LIKE 'http://evil.example/%.iso' AND url:value = 'http://evil.example/a.iso']",
        &[
            &["url.full=http://evil.example/a.iso"],
            &["host=evil.example", "uri=/a.iso"],
            &["http.hostname=evil.example", "http.url=/a.iso"],
            &["cs-host=evil.example", "c-uri=/a.iso"],
            &["cs-host=evil.example", "cs-uri-stem=/a.iso"],
            &["request=http://evil.example/a.iso"],
        ],
    );
    check_all(
        "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' LIKE 'RvSync/%' \
          AND network-traffic:extensions.'http-request-ext'.request_value = '/a?b']",
        &[
            &[
                "user_agent.original=RvSync/2",
                "url.original=https://x.example/a?b",
            ],
            &["user_agent=RvSync/2", "uri=/a?b"],
            &["http.http_user_agent=RvSync/2", "http.url=/a?b"],
            &["cs-user-agent=RvSync/2", "c-uri=/a?b"],
            &[
                "requestClientApplication=RvSync/2",
                "request=http://x.example/a?b",
            ],
        ],
    );
    check_all(
        "[network-traffic:x_ja3 = '2605e3bafc04a2dcc261b62afd384057' AND network-traffic:dst_port != 80]",
        &[
            &[
                "tls.client.ja3=2605e3bafc04a2dcc261b62afd384057",
                "server.port=#443",
            ],
            &["ja3=2605E3BAFC04A2DCC261B62AFD384057", "id.resp_p=#443"],
            &["tls.ja3.hash=2605e3bafc04a2dcc261b62afd384057", "dest_port=#443"],
        ],
    );
}

#[test]
fn processes_and_files_in_every_product() {
    check_all(
        "[process:name = 'evil.exe' AND process:command_line LIKE '%-enc%' \
          AND process:parent_ref.name = 'winword.exe']",
        &[
            &[
                "process.name=evil.exe",
                "process.command_line=evil -enc x",
                "process.parent.name=winword.exe",
            ],
            &[
                r"Image=C:\Users\x\EVIL.exe",
                "CommandLine=evil -enc x",
                r"ParentImage=C:\Office\WINWORD.EXE",
            ],
            &[
                r"NewProcessName=C:\x\evil.exe",
                "CommandLine=-enc",
                r"ParentProcessName=C:\Office\winword.exe",
            ],
        ],
    );
    check_all(
        "[process:name = 'sh' AND process:command_line LIKE '%nc -e%' AND process:pid = 500]",
        &[
            &["comm=sh", "proctitle=nc -e /bin/sh", "pid=500"],
            &["_EXE=/bin/sh", "_CMDLINE=sh -c nc -e", "_PID=500"],
            &["exe=/bin/sh", "cmdline=nc -e", "process_id=0x1f4"],
        ],
    );
    check_all(
        "[file:name = 'cc.exe' AND file:parent_directory_ref.path = 'C:\\\\Windows']",
        &[
            &[r"file.path=C:\Windows\cc.exe"],
            &[r"TargetFilename=C:\Windows\cc.exe"],
            &[r"ImageLoaded=C:\WINDOWS\CC.exe"],
            &["file.name=cc.exe", r"file.directory=C:\Windows"],
            &[r"filePath=C:\Windows\cc.exe"],
        ],
    );
    check_all(
        "[file:hashes.'SHA-256' = 'E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855' \
          AND file:hashes.MD5 != '00000000000000000000000000000000']",
        &[
            &[
                "process.hash.sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "process.hash.md5=d41d8cd98f00b204e9800998ecf8427e",
            ],
            &[
                "Hashes=MD5=D41D8CD98F00B204E9800998ECF8427E,SHA256=E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934C\
               A495991B7852B855",
            ],
            &[
                "sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "md5=d41d8cd98f00b204e9800998ecf8427e",
            ],
            &[
                "fileinfo.sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "fileinfo.md5=d41d8cd98f00b204e9800998ecf8427e",
            ],
            &[
                "fileHash=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "hash=d41d8cd98f00b204e9800998ecf8427e",
            ],
        ],
    );
    check_all(
        "[windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\\\Software\\\\Run' \
          AND windows-registry-key:values[*].data LIKE '%evil%']",
        &[
            &[r"TargetObject=HKLM\SOFTWARE\Run\x", r"Details=C:\evil.exe"],
            &[r"registry.path=HKLM\Software\Run\x", "registry.data.strings=evil"],
        ],
    );
}

#[test]
fn mail_users_and_certificates() {
    check_all(
        "[email-message:from_ref.value = 'notice@evil.example' AND email-message:to_refs[*].value LIKE '%@moi.example']",
        &[
            &[
                "email.from.address=Notice@evil.example",
                "email.to.address=a@moi.example",
            ],
            &["from=<notice@evil.example>", "to=<a@moi.example>"],
            &[
                "mailfrom=\"N\" <notice@evil.example>",
                "rcptto=b@x.example, a@moi.example",
            ],
        ],
    );
    check_all(
        "[user-account:account_login = 'bob' AND user-account:user_id = 'S-1-5-21-1']",
        &[
            &["user.name=bob", "user.id=S-1-5-21-1"],
            &[r"User=CORP\Bob", "TargetUserSid=S-1-5-21-1"],
        ],
    );
    check_all(
        "[x509-certificate:serial_number = '0a00ff' AND x509-certificate:issuer LIKE 'CN=Evil%']",
        &[
            &[
                "tls.server.x509.serial_number=A00FF",
                "tls.server.issuer=CN=Evil CA",
            ],
            &["tls.serial=0A:00:FF", "tls.issuerdn=CN=Evil CA"],
            &["certificate.serial=0A00FF", "certificate.issuer=CN=Evil CA"],
        ],
    );
}

#[test]
fn sides_are_not_mixed_up() {
    let pattern =
        "[network-traffic:src_ref.value = '10.0.0.1' AND network-traffic:dst_ref.value = '192.0.2.7']";
    check(pattern, &["src_ip=192.0.2.7", "dst_ip=10.0.0.1"], None);
    check(
        pattern,
        &["src_ip=10.0.0.1", "dst_ip=192.0.2.7"],
        Some("network-traffic:src_ref.value: 10.0.0.1; network-traffic:dst_ref.value: 192.0.2.7"),
    );
    check(
        "[network-traffic:src_port = 5 AND network-traffic:dst_port = 6]",
        &["src_port=6", "dst_port=5"],
        None,
    );
    // An address alone is of either side.
    let any = "[ipv4-addr:value = '192.0.2.7' AND domain-name:value LIKE '%']";
    for side in [
        "src_ip=192.0.2.7",
        "dst_ip=192.0.2.7",
        "host.ip=192.0.2.7",
        "answer=a.example,192.0.2.7",
    ] {
        assert_eq!(
            hits(&compiled(&[any]), &event(&[side, "query=x.example"])).len(),
            1,
            "{side}"
        );
    }
    // A process and its parent, too.
    check(
        "[process:name = 'a' AND process:parent_ref.name = 'b']",
        &["Image=/b", "ParentImage=/a"],
        None,
    );
}

#[test]
fn equality_is_of_values_not_of_spellings() {
    let check_host = |constant: &str, value: &str, expected| {
        let pattern = format!("[domain-name:value = '{constant}' AND domain-name:value != 'x.example']");
        let matched = format!("domain-name:value: {value}");
        check(
            &pattern,
            &[&format!("query={value}")],
            Some(matched.as_str()).filter(|_| expected),
        );
    };
    check_host("Evil.EXAMPLE", "eviL.example", true);
    check_host("evil.example", "EVIL.example.", true);
    check_host("evil.example", "sub.evil.example", false);
    check_host("evil.example", "notevil.example", false);
    // What is spelled as the pattern does is not unequal in another spelling.
    check(
        "[domain-name:value != 'EVIL.example']",
        &["query=evil.EXAMPLE"],
        None,
    );
    check(
        "[file:name NOT IN ('A.exe', 'b.EXE')]",
        &["file.name=a.EXE"],
        None,
    );
    check(
        "[ipv6-addr:value = '2001:DB8:0::1' AND ipv6-addr:value ISSUBSET '2001:db8::/32']",
        &["src_ip=2001:db8::1"],
        Some("ipv6-addr:value: 2001:db8::1"),
    );
    // A net between quotes means its addresses, as in a plain indicator.
    let net = "[ipv4-addr:value = '192.0.2.0/24' AND network-traffic:dst_port = 22]";
    check(
        net,
        &["dst_ip=192.0.2.9", "dst_port=22"],
        Some("ipv4-addr:value: 192.0.2.9; network-traffic:dst_port: 22"),
    );
    check(net, &["dst_ip=192.0.3.9", "dst_port=22"], None);
    check("[ipv4-addr:value != '192.0.2.0/24']", &["dst_ip=192.0.2.9"], None);
    // Command lines and other texts are compared as they are.
    check(
        "[process:command_line = 'A' AND process:pid = 1]",
        &["CommandLine=a", "ProcessId=1"],
        None,
    );
}

#[test]
fn operators_of_every_sort() {
    check(
        "[file:size > 100 AND file:name MATCHES '^a+$']",
        &["file.size=#101", "file.name=aaa"],
        Some("file:size: 101; file:name: aaa"),
    );
    check("[file:size > 100]", &["file.size=100"], None);
    check(
        "[network-traffic:dst_port IN (8080, 4444)]",
        &["dpt=4444"],
        Some("network-traffic:dst_port: 4444"),
    );
    check(
        "[network-traffic:dst_port = 443.0]",
        &["dpt=443"],
        Some("network-traffic:dst_port: 443"),
    );
    check(
        "[ipv4-addr:value ISSUBSET '192.0.2.0/25' AND ipv4-addr:value NOT ISSUBSET '192.0.2.0/26']",
        &["dst=192.0.2.99"],
        Some("ipv4-addr:value: 192.0.2.99"),
    );
    check(
        "[EXISTS file:hashes.MD5]",
        &["md5=d41d8cd98f00b204e9800998ecf8427e"],
        Some("file:hashes.MD5: d41d8cd98f00b204e9800998ecf8427e"),
    );
    check("[EXISTS file:hashes.MD5]", &["md5=rubbish"], None);
    check(
        "[NOT EXISTS file:hashes.MD5 AND file:name = 'a']",
        &["file.name=a"],
        Some("NOT EXISTS file:hashes.MD5; file:name: a"),
    );
    check("[NOT EXISTS file:hashes.MD5]", &["query=a.example"], None);
    check(
        "[NOT EXISTS file:hashes.MD5]",
        &["file.name=a"],
        Some("NOT EXISTS file:hashes.MD5"),
    );
    check("[file:name IN ()]", &["file.name=a"], None);
    check(
        "[network-traffic:start > t'2022-02-24T00:00:00Z']",
        &["event.start=2022-02-24T01:00:00+00:30"],
        Some("network-traffic:start: 2022-02-24T01:00:00+00:30"),
    );
    check(
        "[file:name = 'a' OR (file:name = 'b' AND file:size = 1)]",
        &["file.name=b", "file.size=2"],
        None,
    );
    check(
        "[(file:name = 'b' AND file:size = 1) OR file:size = 2]",
        &["file.name=b", "file.size=2"],
        Some("file:size: 2"),
    );
}

#[test]
fn properties_of_ones_own_are_fields_of_that_name() {
    check(
        "[process:x_score > 5]",
        &["X_Score=6"],
        Some("process:x_score: 6"),
    );
    check("[process:x_score > 5]", &["x_score=#5"], None);
    check(
        "[x-acme:verdict = 'bad']",
        &["verdict=bad"],
        Some("x-acme:verdict: bad"),
    );
    check(
        "[x-acme:verdict = 'bad']",
        &["x-acme.verdict=bad"],
        Some("x-acme:verdict: bad"),
    );
    check("[x-acme:verdict = 'bad']", &["verdict=BAD"], None);
    check(
        "[network-traffic:extensions.'http-request-ext'.request_header.'X-Evil' = 'yes']",
        &["http.request.headers.x-evil=yes"],
        Some("network-traffic:extensions.'http-request-ext'.request_header.'X-Evil': yes"),
    );
    check(
        "[user-account:account_login = 'bob']",
        &["auth@32473.user=bob"],
        Some("user-account:account_login: bob"),
    );
}

#[test]
fn a_pattern_brings_its_context_and_a_bad_one_is_told() {
    let context = Context {
        source: "feed".into(),
        id: Some("indicator--1".into()),
        name: Some("Wiper".into()),
        tags: vec!["b".into(), "a".into()],
        tlp: Some(Tlp::Amber),
        valid_until: Some("2023-01-01T00:00:00Z".parse().unwrap()),
        ..Context::default()
    };
    let sigma = Rule {
        language: RuleLanguage::Sigma,
        ..rule("[file:name = 'x' AND file:size = 1]")
    };
    let rules = [
        rule("[file:name = 'x' AND file:size = 1]"),
        rule("[file:name = ]"),
        sigma,
    ];
    let (patterns, problems) = StixPatterns::compile(rules.iter().map(|rule| (rule, &context)));
    assert_eq!(patterns.len(), 1);
    assert!(!patterns.is_empty());
    let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with("intel.json: STIX pattern of indicator--1: column 14: "),
        "{}",
        told[0]
    );
    let hit = &hits(&patterns, &event(&["file.name=x", "file.size=1"]))[0];
    let info = patterns.info(hit.pattern);
    assert_eq!(
        (info.kind, info.name.as_str(), info.severity),
        (RuleKind::StixPattern, "Wiper", Severity::Medium)
    );
    assert_eq!(info.tags, ["a", "b"]);
    assert_eq!(info.sources[0].tlp, Some(Tlp::Amber));
    assert_eq!(patterns.info(hit.pattern).valid, context.validity());
}

proptest! {
    #[test]
    fn hostile_patterns_and_events_do_no_harm(
        pattern in r"\[[a-z]{1,3}-?:[a-z_.\[\]*0-9]{1,8} (=|LIKE|>|IN) '?[a%0-9]{0,4}'?\]|\PC{0,40}",
        fields in proptest::collection::vec((r"[a-z_.@ ]{0,12}|\PC{0,6}", r"\PC{0,20}|[0-9a-f:.,=/\\@]{0,30}"), 0..6),
    ) {
        let known = [
            "[ipv4-addr:value LIKE '%' OR file:name LIKE '%' OR url:value LIKE '%' OR email-addr:value LIKE '%']",
            pattern.as_str(),
        ];
        let context = Context::default();
        let rules = known.map(rule);
        let (patterns, _) = StixPatterns::compile(rules.iter().map(|rule| (rule, &context)));
        let mut event = Event::default();
        for (name, value) in &fields {
            event.push_str(name, value);
            for name in ["src_ip", "file.path", "request", "from", "Hashes", "TargetObject", "host", "uri"] {
                event.push_str(name, value);
            }
        }
        let found = hits(&patterns, &event);
        let (_, problems) = patterns.conclude(
            found.into_iter().map(|hit| Observation { pattern: hit.pattern, hit: hit.hit, order: 0 }).collect(),
            &|| false,
        );
        prop_assert!(problems.is_empty());
    }
}
