//! What others' programs say of the output: OASIS's `stix2-validator`, and a browser. Both are skipped where they are
//! not installed, unless `PERISAI_REQUIRE_PEERS=1` asks for them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use perisai_model::{
    Finding, Kind, Observed, Place, RuleInfo, RuleKind, RuleText, Severity, Source, Tlp, Validity,
};
use perisai_respond::{Format, Options};

use crate::hostile::full_of;
use crate::sample::{findings, report, written};

/// True where the program is there; says so where it is not, and fails where it must be.
fn present(path: Option<&Path>, name: &str) -> bool {
    let there = path.is_some_and(Path::exists);
    if !there {
        assert!(
            std::env::var_os("PERISAI_REQUIRE_PEERS").is_none_or(|value| value != "1"),
            "{name} is missing"
        );
        eprintln!("skipped: {name} is not installed");
    }
    there
}

/// In the environment that `cargo xtask test` makes and names.
fn validator() -> PathBuf {
    let bin = match std::env::var_os("PERISAI_PYTHON") {
        Some(python) => PathBuf::from(python).with_file_name(""),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin"),
    };
    bin.join("stix2_validator")
}

/// A value of each kind, in its canonical form.
fn values() -> Vec<(Kind, &'static str)> {
    let hex = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\
               0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    vec![
        (Kind::Ipv4, "203.0.113.9"),
        (Kind::Ipv6, "2001:db8::1"),
        (Kind::Cidr, "2001:db8::/32"),
        (Kind::Cidr, "203.0.113.0/24"),
        (Kind::Domain, "evil.example"),
        (Kind::Domain, "xn--e1afmkfd.example"),
        (Kind::Url, "https://evil.example/a?b='c'"),
        (Kind::Url, "portal.evil.example/owa/help.aspx"),
        (Kind::Url, "203.0.113.9:8080/a"),
        (Kind::Url, "[2001:db8::1]:8080/a"),
        (Kind::Url, "http://evil.example/[a]|{b}%"),
        (Kind::EmailAddress, "a@evil.example"),
        (Kind::Md5, &hex[..32]),
        (Kind::Sha1, &hex[..40]),
        (Kind::Sha256, &hex[..64]),
        (Kind::Sha512, hex),
        (Kind::Imphash, &hex[..32]),
        (Kind::FileName, "conhosts.exe"),
        (Kind::FilePath, r"C:\Windows\Temp\it's.exe"),
        (Kind::FilePath, "/tmp/a"),
        (Kind::RegistryKey, r"HKLM\Software\Evil"),
        (Kind::Mutex, r"Global\evil"),
        (Kind::UserAgent, "Mozilla/4.0 (evil)"),
        (Kind::Ja3, &hex[..32]),
        (Kind::Ja4, "t13d1516h2_8daaf6152771_e5627efa2ab1"),
        (Kind::X509Sha1, &hex[..40]),
        (Kind::X509Sha256, &hex[..64]),
        (Kind::X509Serial, "0a1b2c"),
        (Kind::Asn, "64500"),
        (Kind::Mac, "00:00:5e:00:53:01"),
        (Kind::Wallet, "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
        (Kind::Cve, "CVE-2022-1388"),
        (Kind::ProcessName, "conhosts.exe"),
        (Kind::CommandLine, r#"cmd.exe /c "del C:\*""#),
    ]
}

fn one_of_each_kind() -> Vec<Finding> {
    let finding = |(line, (kind, value)): (usize, (Kind, &str))| Finding {
        time: Some("2022-02-24T03:00:00.123456Z".parse().unwrap()),
        time_text: None,
        rule: Arc::new(RuleInfo {
            kind: RuleKind::Indicator,
            name: value.to_owned(),
            severity: Severity::High,
            tags: vec![
                "attack.t1059".to_owned(),
                "attack.execution".to_owned(),
                "some tag".to_owned(),
            ],
            author: Some("CERT of the interior".to_owned()),
            reference: Some("https://cert.example/2022/wiper".to_owned()),
            sources: vec![Source {
                source: "intel/list.txt".into(),
                id: None,
                tlp: Some(Tlp::ALL[line % 5]),
            }],
            text: None,
            key: value.to_owned(),
            valid: Validity::default(),
        }),
        observable: Some(Observed {
            kind,
            value: value.to_owned(),
        }),
        matched: value.to_owned(),
        place: Place::file("a.log").line(line as u64 + 1),
        flags: Vec::new(),
        host: None,
        client: None,
        line: None,
        event: None,
    };
    values().into_iter().enumerate().map(finding).collect()
}

#[test]
fn every_kind_is_covered() {
    for kind in Kind::ALL {
        assert!(values().iter().any(|(other, _)| other == kind), "{kind}");
    }
}

#[test]
fn the_validator_of_oasis_accepts_the_bundles() {
    if !present(Some(&validator()), "stix2-validator (target/venv)") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, options: &Options, findings: &[Finding]| {
        let file = folder.path().join(name);
        std::fs::write(&file, written(Format::Stix, options, findings, &report())).unwrap();
        // 103 asks for random ids; ours follow from the content, as STIX 2.1 (section 2.9) allows.
        // 302 wants a hash of every page that is linked to, and no page is fetched here.
        let run = Command::new(validator())
            .args(["--strict", "--version", "2.1", "--disable", "103,302"])
            .arg(&file)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(
            run.status.success(),
            "{name}: {said}{}",
            String::from_utf8_lossy(&run.stderr)
        );
    };
    let named = Options {
        identity: Some("Ministry of the interior".to_owned()),
        created: Some("2022-02-25T08:00:00Z".parse().unwrap()),
        ..Options::default()
    };
    let rule = "title: Shadow copies deleted\nlogsource:\n  product: windows\ndetection:\n  s: [vssadmin]\n  condition: s\n";
    let mut with_text = findings();
    for finding in &mut with_text {
        let language = finding.rule.kind;
        Arc::make_mut(&mut finding.rule).text =
            (language != RuleKind::Indicator).then(|| RuleText::whole(&rule.into()));
    }
    let text = "</script>\u{1b}[2J\u{202e}\r\n\t'\"\\ =1+1 [a:b = 'c']";
    let hostile: Vec<_> = [RuleKind::Sigma, RuleKind::Yara, RuleKind::StixPattern]
        .into_iter()
        .map(|kind| full_of(text, kind, None))
        .collect();
    check("hostile.json", &Options::default(), &hostile);
    check("sample.json", &Options::default(), &findings());
    check("named.json", &named, &findings());
    check("text.json", &Options::default(), &with_text);
    check("kinds.json", &Options::default(), &one_of_each_kind());
    check("kinds-named.json", &named, &one_of_each_kind());
}

fn browser() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let folders: Vec<_> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let paths = folders
        .iter()
        .flat_map(|folder| names.map(|name| folder.join(name)));
    paths.into_iter().find(|path| path.exists())
}

/// The page's own script must run under the page's own policy, and nothing else may.
#[test]
fn a_browser_draws_the_report() {
    let Some(browser) = browser() else {
        eprintln!("skipped: no Chromium is installed");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    std::fs::write(
        &file,
        written(Format::Html, &Options::default(), &findings(), &report()),
    )
    .unwrap();
    let run = Command::new(&browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
        ])
        .args(["--virtual-time-budget=3000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", folder.path().display()))
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap();
    if !run.status.success() {
        eprintln!("skipped: {} does not run here", browser.display());
        return;
    }
    let page = String::from_utf8_lossy(&run.stdout);
    let rows = page.matches("<tr><td>").count();
    assert_eq!(rows, findings().len(), "{}", String::from_utf8_lossy(&run.stderr));
    assert!(page.contains("<mark>CDN.update.evil.example</mark>"));
    assert!(page.contains("13 of 13"));
}
