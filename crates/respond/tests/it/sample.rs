//! One made-up hunt: a ministry, documentation addresses, and the public hashes of a wiper.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use perisai_model::{
    Event, Finding, Flag, IdleRule, Kind, Observed, Place, Problem, Report, RuleInfo, RuleKind, RuleText,
    Severity, Source, Tlp, Validity, Value,
};
use perisai_respond::{Format, Options, writer};

/// Everything that a format writes for these findings.
pub(crate) fn written(format: Format, options: &Options, findings: &[Finding], report: &Report) -> String {
    let mut out = Vec::new();
    {
        let mut writer = writer(format, options, Box::new(&mut out as &mut dyn Write));
        for finding in findings {
            writer.finding(finding).unwrap();
        }
        writer.finish(report).unwrap();
    }
    String::from_utf8(out).unwrap()
}

fn source(name: &str, id: Option<&str>, tlp: Option<Tlp>) -> Source {
    Source {
        source: name.into(),
        id: id.map(str::to_owned),
        tlp,
    }
}

fn rule(kind: RuleKind, name: &str, severity: Severity, tags: &[&str], sources: Vec<Source>) -> RuleInfo {
    let own_id = sources.iter().find_map(|source| source.id.clone());
    RuleInfo {
        kind,
        key: own_id.unwrap_or_else(|| name.to_owned()),
        valid: Validity::default(),
        name: name.to_owned(),
        severity,
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        author: None,
        reference: None,
        sources,
        text: None,
    }
}

pub(crate) fn wiper() -> Arc<RuleInfo> {
    let sources = vec![
        source(
            "intel/cert.json",
            Some("indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"),
            Some(Tlp::Amber),
        ),
        source("intel/hashes.csv", None, Some(Tlp::Clear)),
    ];
    Arc::new(RuleInfo {
        author: Some("CERT of the interior".to_owned()),
        reference: Some("https://cert.example/2022/wiper".to_owned()),
        ..rule(
            RuleKind::Indicator,
            "HermeticWiper",
            Severity::Critical,
            &["attack.impact", "attack.t1561.002", "wiper", "tlp:amber"],
            sources,
        )
    })
}

const SHADOW_COPIES: &str = "title: Shadow copies deleted
id: c947b146-0abc-4c87-9c64-b17e9d7274a2
author: Analyst of the interior
logsource:
    product: windows
    category: process_creation
detection:
    selection:
        CommandLine|contains|all: [delete, 'shadows /all']
    condition: selection
";

pub(crate) fn shadow_copies() -> Arc<RuleInfo> {
    let id = "c947b146-0abc-4c87-9c64-b17e9d7274a2";
    Arc::new(RuleInfo {
        author: Some("Analyst of the interior".to_owned()),
        reference: Some("https://rules.example/shadow-copies".to_owned()),
        text: Some(RuleText::whole(&SHADOW_COPIES.into())),
        ..rule(
            RuleKind::Sigma,
            "Shadow copies deleted",
            Severity::High,
            &["attack.impact", "attack.stealth", "attack.t1070", "attack.t1490"],
            vec![source("rules/win_shadow_copies.yml", Some(id), None)],
        )
    })
}

/// Findings in the order in which a hunt gives them.
pub(crate) fn findings() -> Vec<Finding> {
    let mut findings = proxy();
    findings.extend(firewall());
    findings.extend(windows());
    findings.push(yara());
    findings
}

fn finding(time: &str, rule: &Arc<RuleInfo>, place: Place) -> Finding {
    Finding {
        time: Some(time.parse().unwrap()),
        time_text: Some(time.to_owned()),
        rule: Arc::clone(rule),
        observable: None,
        matched: String::new(),
        place,
        flags: Vec::new(),
        host: None,
        client: None,
        line: None,
        event: None,
    }
}

fn observed(kind: Kind, value: &str) -> Option<Observed> {
    Some(Observed {
        kind,
        value: value.to_owned(),
    })
}

fn proxy() -> Vec<Finding> {
    let place = Place::file("logs/proxy.log.gz");
    let domain = Arc::new(rule(
        RuleKind::Indicator,
        "update.evil.example",
        Severity::High,
        &["attack.command-and-control", "attack.t1071.001"],
        vec![source("intel/domains.txt", None, None)],
    ));
    let line = |time: &str, client: &str| {
        format!(
            "{time} {client} GET http://CDN.update.evil.example/a?<script>alert(1)</script> 200 \x1b[2J\u{202e}"
        )
    };
    let hit = |number, time: &str, client: &str| Finding {
        observable: observed(Kind::Domain, "update.evil.example"),
        matched: "CDN.update.evil.example".to_owned(),
        line: Some(line(time, client)),
        ..finding(time, &domain, place.line(number))
    };
    let url = Arc::new(rule(
        RuleKind::Indicator,
        "=HYPERLINK(\"http://x\")",
        Severity::Low,
        &["misp-galaxy:mitre-attack-pattern=\"Ingress Tool Transfer - T1105\""],
        vec![source("intel/misp.json", Some("5e6f-1"), Some(Tlp::Green))],
    ));
    let listed = Finding {
        observable: observed(Kind::Url, "http://cdn.update.evil.example/a"),
        matched: "http://CDN.update.evil.example/a".to_owned(),
        line: Some(line("2022-02-23T22:10:00Z", "192.0.2.17")),
        flags: vec![Flag::Expired, Flag::Known("List of known CDN names".to_owned())],
        ..finding("2022-02-23T22:10:00Z", &url, place.line(812))
    };
    vec![
        hit(811, "2022-02-23T21:00:00.5Z", "192.0.2.17"),
        hit(812, "2022-02-23T22:10:00Z", "192.0.2.17"),
        listed,
        hit(90_311, "2022-02-24T03:10:00Z", "192.0.2.44"),
    ]
}

fn firewall() -> Vec<Finding> {
    let net = Arc::new(rule(
        RuleKind::Indicator,
        "203.0.113.0/24",
        Severity::Medium,
        &[],
        vec![
            source("intel/nets.txt", None, None),
            source("intel/partner.json", None, Some(Tlp::AmberStrict)),
            source("intel/third.txt", None, Some(Tlp::Clear)),
            source("intel/zz.txt", None, Some(Tlp::Clear)),
        ],
    ));
    let hit = |number, address: &str| Finding {
        time: None,
        time_text: Some("Feb 30 25:00:00".to_owned()),
        observable: observed(Kind::Cidr, "203.0.113.0/24"),
        matched: address.to_owned(),
        line: Some(format!("Feb 30 25:00:00 fw1 DROP SRC={address} DST=192.0.2.5")),
        host: Some("fw1.interior.example".to_owned()),
        ..finding(
            "2022-02-23T00:00:00Z",
            &net,
            Place::file("logs/fw.zip").member("fw.log").line(number),
        )
    };
    vec![hit(7, "203.0.113.9"), hit(8, "203.0.113.77")]
}

fn windows() -> Vec<Finding> {
    let place = Place::file("logs/dc01.evtx");
    let event = |command: &str| {
        let mut event = Event::default();
        event.push("EventID", Value::Int(1));
        event.push_str("Channel", "Microsoft-Windows-Sysmon/Operational");
        event.push_str("CommandLine", command);
        event.push_str(
            "Hashes",
            "SHA256=1BC44EEF75779E3CA1EEFB8FF5A64807DBC942B1E4A2672D77B9F6928D292591",
        );
        event
    };
    let shadow = |record, time: &str, host: &str| Finding {
        host: Some(host.to_owned()),
        event: Some(event("vssadmin.exe delete shadows /all /quiet").into()),
        ..finding(time, &shadow_copies(), place.record(record))
    };
    let sha256 = "1bc44eef75779e3ca1eefb8ff5a64807dbc942b1e4a2672d77b9f6928d292591";
    let hash = Finding {
        observable: observed(Kind::Sha256, sha256),
        matched: sha256.to_ascii_uppercase(),
        host: Some("dc01.interior.example".to_owned()),
        flags: vec![Flag::BeforeValid],
        event: Some(event("C:\\Users\\o.kovalenko\\conhosts.exe").into()),
        ..finding("2022-02-23T14:02:11Z", &wiper(), place.record(4_411))
    };
    vec![
        hash,
        shadow(4_412, "2022-02-24T03:15:40Z", "dc01.interior.example"),
        shadow(4_413, "2022-02-24T03:16:01Z", "ws07.interior.example"),
        shadow(4_414, "2022-02-24T03:16:02Z", "ws08.interior.example"),
        shadow(4_415, "2022-02-24T03:16:03Z", "ws09.interior.example"),
        shadow(4_416, "2022-02-24T03:16:04Z", "ws10.interior.example"),
    ]
}

fn yara() -> Finding {
    let info = Arc::new(rule(
        RuleKind::Yara,
        "wiper_driver_resource",
        Severity::Critical,
        &["attack.t1561"],
        vec![source("rules/wiper.yar", None, Some(Tlp::Red))],
    ));
    Finding {
        time: None,
        time_text: None,
        ..finding("2022-02-23T00:00:00Z", &info, Place::file("dump/a.bin"))
    }
}

pub(crate) fn report() -> Report {
    let place = Place::file("logs/broken.gz");
    Report {
        files: 214,
        bytes: 12_345_678_901,
        lines: 48_211_044,
        records: 32_900,
        findings: 13,
        over_limit: 0,
        passed_over: 0,
        links: Vec::new(),
        interrupted: None,
        below_severity: 0,
        indicators: 1_402_311,
        rules: 3_780,
        withheld: withheld(),
        notes: Vec::new(),
        suppressed: [
            ("List of known Google domains".to_owned(), 120),
            ("Top 1000".to_owned(), 11),
        ]
        .into(),
        untimed: 3,
        problems: vec![
            Problem::new(
                place.line(88),
                "truncated gzip stream: \x1b]0;owned\x07 the rest was not searched",
            ),
            Problem::new(Place::file("rules/bad.yml"), "no `detection`"),
        ],
        idle_rules: vec![IdleRule {
            loaded: true,
            name: "Old rule".to_owned(),
            id: None,
            why: "no input has the log source macos".to_owned(),
        }],
        elapsed: Duration::from_millis(12_400),
        loading: Duration::from_millis(2_400),
        cpu: Some(Duration::from_millis(11_000)),
        ..Report::default()
    }
}

/// What the intelligence of the sample leaves out.
fn withheld() -> perisai_model::Withheld {
    let mut withheld = perisai_model::Withheld::default();
    for _ in 0..12 {
        withheld.add(perisai_model::Reason::NotForDetection);
    }
    withheld.add(perisai_model::Reason::Revoked);
    withheld.add_type("uri");
    withheld
}
