//! What is written as STIX: others' programs take it, and it is read back as it was.

use std::path::{Path, PathBuf};
use std::process::Command;

use perisai_intel::write::{
    Identity, Maker, Sighting, WriteError, identity, identity_id, indicator, indicator_id, pattern, rule,
    sco_id, sighting, sighting_id, user_account_id,
};
use perisai_intel::{Object, Options, SpecVersion};
use perisai_model::{Context, Intel, Kind, Pap, RuleLanguage, Timestamp, Tlp};
use proptest::prelude::*;

use crate::load;

const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\
                   0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A value of each kind, in its canonical form.
fn values() -> Vec<(Kind, &'static str)> {
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
        (Kind::EmailAddress, "a@evil.example"),
        (Kind::Md5, &HEX[..32]),
        (Kind::Sha1, &HEX[..40]),
        (Kind::Sha256, &HEX[..64]),
        (Kind::Sha512, HEX),
        (Kind::Imphash, &HEX[..32]),
        (Kind::FileName, "conhosts.exe"),
        (Kind::FilePath, r"C:\Windows\Temp\it's.exe"),
        (Kind::FilePath, "/tmp/a"),
        (Kind::RegistryKey, r"HKEY_LOCAL_MACHINE\Software\Evil"),
        (Kind::Mutex, r"Global\evil"),
        (Kind::UserAgent, "Mozilla/4.0 (evil)"),
        (Kind::Ja3, &HEX[..32]),
        (Kind::Ja4, "t13d1516h2_8daaf6152771_e5627efa2ab1"),
        (Kind::X509Sha1, &HEX[..40]),
        (Kind::X509Sha256, &HEX[..64]),
        (Kind::X509Serial, "a1b2c"),
        (Kind::Asn, "AS64500"),
        (Kind::Mac, "00:00:5e:00:53:01"),
        (Kind::Wallet, "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
        (Kind::Cve, "CVE-2022-1388"),
        (Kind::ProcessName, "conhosts.exe"),
        (Kind::CommandLine, r#"cmd.exe /c "del C:\*""#),
    ]
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn maker(identity: Option<&str>) -> Maker<'_> {
    Maker {
        identity,
        source: None,
        created: time("2022-02-24T05:00:00Z"),
        modified: time("2022-02-25T05:00:00.000001Z"),
    }
}

fn full_context() -> Context {
    Context {
        source: "partners/secret-name.csv".into(),
        id: None,
        name: Some("Wiper \"x\"".into()),
        description: Some("It deletes\\all.".into()),
        author: Some("CERT of the interior".into()),
        reference: Some("https://cert.example/2022/wiper".into()),
        tlp: Some(Tlp::AmberStrict),
        pap: Some(Pap::Green),
        tags: vec!["attack.t1485".into(), "wiper".into(), "tlp:clear".into()],
        severity: None,
        confidence: Some(60),
        valid_from: Some(time("2022-02-23T00:00:00Z")),
        valid_until: Some(time("2023-02-23T00:00:00.123Z")),
    }
}

fn bundle(objects: &[Vec<u8>]) -> Vec<u8> {
    let objects = objects.join(&b",\n"[..]);
    let head = b"{\"type\":\"bundle\",\"id\":\"bundle--0b7a6e5c-5a0c-4b8e-8f3c-0d9c7f3c1a11\",\"objects\":[";
    [&head[..], &objects, b"]}"].concat()
}

#[test]
fn every_kind_is_written_and_read_back() {
    assert!(
        Kind::ALL
            .iter()
            .all(|kind| values().iter().any(|(other, _)| other == kind))
    );
    let ministry = identity_id("Ministry of the interior");
    for (kind, value) in values() {
        let by = maker(Some(&ministry));
        let raw = indicator(kind, value, &full_context(), &by).unwrap();
        let object = Object::parse(&raw).unwrap();
        assert_eq!(object.values(), [(kind, value.to_owned())], "{kind}");
        assert_eq!(object.content().wrong, [""; 0]);
        assert_eq!(object.id, indicator_id(Some(&ministry), None, kind, value));
        assert_eq!(object.spec_version, SpecVersion::V21);
        assert_eq!(object.created_by_ref.as_deref(), Some(&*ministry));
        assert_eq!(object.object_marking_refs, [Tlp::AmberStrict.stix_id()]);
        assert_eq!(object.marking_of_labels().pap, Some(Pap::Green));
        assert_eq!(object.version().unwrap().micros, by.modified.as_microsecond());
        let text = String::from_utf8_lossy(&raw);
        assert!(!text.contains("secret-name"), "{text}");
    }
}

#[test]
fn a_hunt_reads_what_came_with_an_indicator() {
    let raws = [
        indicator(Kind::Domain, "evil.example", &full_context(), &maker(None)).unwrap(),
        indicator(Kind::Ipv4, "192.0.2.1", &Context::default(), &maker(None)).unwrap(),
    ];
    let (_, intel) = load("x", &bundle(&raws), &Options::default());
    assert_eq!(intel.problems, []);
    let context = |at: usize| intel.context(intel.indicators.get(at).context);
    let expected = Context {
        source: "x".into(),
        id: Some(indicator_id(None, None, Kind::Domain, "evil.example")),
        author: None,
        tags: vec!["attack.t1485".into(), "malicious-activity".into(), "wiper".into()],
        ..full_context()
    };
    assert_eq!(context(0), &expected);
    assert_eq!(context(1).name.as_deref(), Some("192.0.2.1"));
    assert_eq!(context(1).valid_from, Some(maker(None).created));
    insta::assert_snapshot!(String::from_utf8_lossy(&raws.join(&b"\n"[..])));
}

#[test]
fn ids_follow_from_the_content() {
    let id = |identity, kind, value| indicator_id(identity, None, kind, value);
    let one = id(None, Kind::Md5, &HEX[..32]);
    assert_eq!(one, id(None, Kind::Md5, &HEX[..32]));
    assert_ne!(one, id(None, Kind::Imphash, &HEX[..32]));
    assert_ne!(one, id(Some("identity--1"), Kind::Md5, &HEX[..32]));
    // They are part of the format, and never change.
    assert_eq!(
        id(None, Kind::Domain, "evil.example"),
        "indicator--c8dd0673-2535-551e-b957-ff642e0baa43"
    );
    assert_eq!(identity_id("a"), "identity--bcfb758c-1533-5ce7-b921-151fb4474df3");
}

#[test]
fn an_end_comes_after_its_beginning() {
    let check = |from: Option<&str>, until: &str, expected: (&str, &str)| {
        let context = Context {
            valid_from: from.map(time),
            valid_until: Some(time(until)),
            ..Context::default()
        };
        let raw = indicator(Kind::Domain, "evil.example", &context, &maker(None)).unwrap();
        let object = Object::parse(&raw).unwrap();
        let micros = |text: &str| Some(time(text).as_microsecond());
        assert_eq!(
            (object.valid_from, object.valid_until),
            (micros(expected.0), micros(expected.1))
        );
    };
    check(
        None,
        "2021-01-01T00:00:00Z",
        ("2020-12-31T23:59:59Z", "2021-01-01T00:00:00Z"),
    );
    check(
        None,
        "2023-01-01T00:00:00Z",
        ("2022-02-24T05:00:00Z", "2023-01-01T00:00:00Z"),
    );
    check(
        Some("2024-01-01T00:00:00Z"),
        "2023-01-01T00:00:00Z",
        ("2022-12-31T23:59:59Z", "2023-01-01T00:00:00Z"),
    );
}

#[test]
fn what_is_no_value_reaches_no_export() {
    let context = Context::default();
    let check = |kind, value: &str| {
        let refused = indicator(kind, value, &context, &maker(None));
        assert_eq!(refused, Err(WriteError::Value(kind)), "{value}");
    };
    check(Kind::Domain, "Evil.Example");
    check(Kind::Ipv4, "192.0.2.1/24");
    check(Kind::Mutex, "a\nb");
    check(Kind::Asn, "64500");
    check(Kind::Cve, "1388");
    let by = maker(Some("Ministry"));
    assert_eq!(
        indicator(Kind::Domain, "evil.example", &context, &by),
        Err(WriteError::Id("created_by_ref"))
    );
    let written = |language, text| rule(language, text, &context, &maker(None));
    assert_eq!(written(RuleLanguage::Sigma, " \n"), Err(WriteError::Rule));
    assert_eq!(written(RuleLanguage::Yara, "rule a\0"), Err(WriteError::Rule));
    assert_eq!(written(RuleLanguage::StixPattern, "[a"), Err(WriteError::Rule));
    let long = "x".repeat(16 << 20);
    assert_eq!(
        written(RuleLanguage::Yara, &long),
        Err(WriteError::TooLong(16 << 20))
    );
}

const RULES: [(RuleLanguage, &str); 5] = [
    (
        RuleLanguage::Sigma,
        "title: Shadow copies deleted\nlogsource:\n  product: windows\ndetection:\n  s: [vssadmin]\n  condition: s\n",
    ),
    (
        RuleLanguage::Yara,
        "rule a { strings: $a = \"\\\\x'\" condition: $a }",
    ),
    (
        RuleLanguage::StixPattern,
        "[file:size > 7 AND file:name = 'a\\'b']",
    ),
    (
        RuleLanguage::Snort,
        "alert tcp any any -> any any (msg:\"a\"; sid:1;)",
    ),
    (
        RuleLanguage::Suricata,
        "alert dns any any -> any any (msg:\"a\"; sid:2;)",
    ),
];

#[test]
fn rules_stay_as_they_are() {
    for (language, text) in RULES {
        let raw = rule(language, text, &full_context(), &maker(None)).unwrap();
        let object = Object::parse(&raw).unwrap();
        assert_eq!(object.rule(), Some((language, text)));
        assert_eq!(object.values(), []);
        let (_, intel) = load("x", &bundle(&[raw]), &Options::default());
        assert_eq!((intel.rules.len(), &intel.problems), (1, &Vec::new()));
        assert_eq!((intel.rules[0].language, &*intel.rules[0].text), (language, text));
    }
}

fn ministry(id: &str) -> Identity<'_> {
    Identity {
        id,
        name: "Ministry of the interior",
        class: "organization",
        description: Some("It runs \"this\" node."),
        sectors: &["government-national"],
        contact: Some("cert@ministry.example"),
        created: time("2022-02-24T05:00:00Z"),
        modified: time("2022-02-24T05:00:00Z"),
    }
}

fn seen<'a>(id: &'a str, of: &'a str, places: &'a [&'a str]) -> Sighting<'a> {
    Sighting {
        id,
        of,
        count: u64::MAX,
        first_seen: Some(time("2022-02-24T05:00:00Z")),
        last_seen: Some(time("2022-02-24T04:00:00Z")),
        where_sighted: places,
        tlp: Some(Tlp::Green),
        revoked: false,
    }
}

#[test]
fn identities_and_sightings() {
    let id = identity_id("Ministry of the interior");
    let raw = identity(&ministry(&id)).unwrap();
    assert_eq!(
        Object::parse(&raw).unwrap().name.as_deref(),
        Some("Ministry of the interior")
    );
    let of = indicator_id(None, None, Kind::Domain, "evil.example");
    let places = [&*id];
    let sighting_id = sighting_id(Some(&id), &of, "2022-02-24");
    let raw = sighting(&seen(&sighting_id, &of, &places), &maker(Some(&id))).unwrap();
    let object = Object::parse(&raw).unwrap();
    let refs: Vec<_> = object.refs.iter().map(|one| (&*one.property, &*one.id)).collect();
    assert_eq!(refs, [("sighting_of_ref", &*of), ("where_sighted_refs", &*id)]);
    assert_eq!(object.object_marking_refs, [Tlp::Green.stix_id()]);
    insta::assert_snapshot!(String::from_utf8_lossy(&raw));

    let no_id = Identity {
        id: "malware--1",
        ..ministry(&id)
    };
    assert_eq!(identity(&no_id), Err(WriteError::Id("id")));
    let no_name = Identity {
        name: " ",
        ..ministry(&id)
    };
    assert_eq!(identity(&no_name), Err(WriteError::Name));
    let check = |one: Sighting<'_>, property| {
        assert_eq!(sighting(&one, &maker(None)), Err(WriteError::Id(property)));
    };
    check(seen(&id, &of, &places), "id");
    check(seen(&sighting_id, "evil.example", &places), "sighting_of_ref");
    check(seen(&sighting_id, &of, &["host-7"]), "where_sighted_refs");
}

/// Each as the `stix2` library of OASIS (3.0.2) gives it.
const IDS: [(Kind, &str, &str); 21] = [
    (
        Kind::Ipv4,
        "198.51.100.3",
        "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4",
    ),
    (
        Kind::Ipv6,
        "2001:db8::1",
        "ipv6-addr--6469e3a9-b053-5e34-a025-9396ae051d26",
    ),
    (
        Kind::Cidr,
        "198.51.100.0/24",
        "ipv4-addr--1ea47840-aa39-5aa8-b4a2-cd203eb6662a",
    ),
    (
        Kind::Cidr,
        "2001:db8::/32",
        "ipv6-addr--8da31feb-e0f9-54c3-ab30-bd8ccea361dd",
    ),
    (
        Kind::Domain,
        "example.com",
        "domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7",
    ),
    (
        Kind::Url,
        "https://evil.example/a?b='c'&d=%C3%A9",
        "url--8c51b268-09d7-5654-ae37-d46f09c3c0b5",
    ),
    (
        Kind::EmailAddress,
        "a@evil.example",
        "email-addr--a445a72b-98c7-54c6-bd01-0971c2333fd7",
    ),
    (
        Kind::Mac,
        "00:00:5e:00:53:01",
        "mac-addr--1879fe86-3131-5b80-b6b1-4505b9a193d9",
    ),
    (
        Kind::Md5,
        HEX.split_at(32).0,
        "file--5abe0dd7-4bcc-59de-bfd6-5dda910fd773",
    ),
    (
        Kind::Sha1,
        HEX.split_at(40).0,
        "file--9383119f-d6ba-5dce-b6a6-ae532a9975e7",
    ),
    (
        Kind::Sha256,
        HEX.split_at(64).0,
        "file--0b1fc162-f908-5ebb-9fe9-e0f08bf2c23d",
    ),
    (Kind::Sha512, HEX, "file--62f2dcef-816d-5692-b8ea-c9c4fa587876"),
    (
        Kind::FileName,
        "a\"é.exe",
        "file--0bf37081-21e5-52b5-b886-d0a1fc5f47fa",
    ),
    (
        Kind::FilePath,
        r"C:\Temp\a.exe",
        "file--fa9b7530-1d44-5b07-83f1-f8e0c2cb6d2a",
    ),
    (
        Kind::FilePath,
        r"C:\Temp\",
        "directory--f9c1518b-6a92-5cce-ba23-dd7ddd1e37c7",
    ),
    (
        Kind::Asn,
        "AS64500",
        "autonomous-system--0a5f7072-df00-5729-9f0a-4eb18631a446",
    ),
    (
        Kind::Mutex,
        "a/b\u{2028}\x7f",
        "mutex--6f928927-3894-58e5-b399-ff191c3d90e3",
    ),
    (
        Kind::RegistryKey,
        r"HKEY_LOCAL_MACHINE\Software\Evil",
        "windows-registry-key--ca33e681-1d6b-5159-b591-351b1d981990",
    ),
    (
        Kind::X509Sha1,
        HEX.split_at(40).0,
        "x509-certificate--9383119f-d6ba-5dce-b6a6-ae532a9975e7",
    ),
    (
        Kind::X509Sha256,
        HEX.split_at(64).0,
        "x509-certificate--0b1fc162-f908-5ebb-9fe9-e0f08bf2c23d",
    ),
    (
        Kind::X509Serial,
        "a1b2c",
        "x509-certificate--4cc43fcc-aca2-50aa-881b-c9cf5f572ab0",
    ),
];

#[test]
fn observables_have_the_ids_of_the_standard() {
    for (kind, value, expected) in IDS {
        assert_eq!(sco_id(kind, value).as_deref(), Some(expected));
    }
    assert_eq!(sco_id(Kind::CommandLine, "a"), None);
    let account = |kind, user, login| user_account_id(kind, user, login);
    assert_eq!(
        account(Some("unix"), Some("1001"), Some("jdoe")).as_deref(),
        Some("user-account--f94d689e-707d-58c3-b803-c720bb6ed096")
    );
    assert_eq!(
        account(None, None, Some("jdoe")).as_deref(),
        Some("user-account--bc11eaab-cfd6-5ad8-bf02-2386bf690e12")
    );
    assert_eq!(account(None, None, None), None);
}

/// In the environment that `cargo xtask test` makes and names.
fn validator() -> Option<PathBuf> {
    let bin = match std::env::var_os("PERISAI_PYTHON") {
        Some(python) => PathBuf::from(python).with_file_name(""),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin"),
    };
    let program = bin.join("stix2_validator");
    if program.exists() {
        return Some(program);
    }
    let is_required = std::env::var_os("PERISAI_REQUIRE_PEERS").is_some_and(|value| value == "1");
    assert!(!is_required, "stix2-validator is missing");
    eprintln!("skipped: stix2-validator is not installed");
    None
}

#[test]
fn the_validator_of_oasis_accepts_what_is_written() {
    let Some(program) = validator() else { return };
    let id = identity_id("Ministry of the interior");
    let mut objects = vec![identity(&ministry(&id)).unwrap()];
    for context in [full_context(), Context::default()] {
        let by = maker(context.tlp.is_some().then_some(&*id));
        for (kind, value) in values() {
            objects.push(indicator(kind, value, &context, &by).unwrap());
        }
        for (language, text) in RULES {
            objects.push(rule(language, text, &context, &by).unwrap());
        }
    }
    let of = indicator_id(Some(&id), None, Kind::Domain, "evil.example");
    let sighting_id = sighting_id(Some(&id), &of, "1");
    objects.push(sighting(&seen(&sighting_id, &of, &[&id]), &maker(Some(&id))).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("written.json");
    std::fs::write(&file, bundle(&objects)).unwrap();
    // 103 asks for random ids; ours follow from the content, as STIX 2.1 (section 2.9) allows.
    // 302 wants a hash of every page that is linked to, and no page is fetched here.
    // 303 wants a description, and a value of a plain list came with none.
    let run = Command::new(program)
        .args(["--strict", "--version", "2.1", "--disable", "103,302,303"])
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&run.stderr)
    );
}

fn text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("(\\PC|[\"\\\\\n\t\u{0}\u{7f}]){0,20}")
}

fn moment() -> impl Strategy<Value = Option<Timestamp>> {
    let micros = Timestamp::MIN.as_microsecond()..Timestamp::MAX.as_microsecond();
    proptest::option::of(micros.prop_map(|micros| Timestamp::from_microsecond(micros).unwrap()))
}

prop_compose! {
    fn any_context()(
        texts in proptest::collection::vec(text(), 5), tags in proptest::collection::vec("(tlp:|pap:|)\\PC{0,9}", 0..4),
        confidence in proptest::option::of(any::<u8>()), from in moment(), until in moment(), tlp in 0usize..6,
    ) -> Context {
        let text = |at: usize| texts[at].clone();
        Context {
            id: text(0), name: text(1), description: text(2), author: text(3), reference: text(4),
            tlp: Tlp::ALL.get(tlp).copied(), tags, confidence, valid_from: from, valid_until: until,
            ..Context::default()
        }
    }
}

proptest! {
    #[test]
    fn whatever_came_with_it_an_indicator_can_be_read(context in any_context(), at in 0..33usize) {
        let (kind, value) = values()[at];
        let raw = indicator(kind, value, &context, &maker(None)).unwrap();
        let object = Object::parse(&raw).unwrap();
        prop_assert_eq!(object.values(), [(kind, value.to_owned())]);
        prop_assert!(object.valid_until.is_none_or(|until| object.valid_from < Some(until)));
        prop_assert_eq!(object.object_marking_refs, context.tlp.map(Tlp::stix_id).into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn rules_come_back_as_they_were(text in "(\\PC|[\"\\\\\n\t']){0,60}", context in any_context()) {
        if let Ok(raw) = rule(RuleLanguage::Sigma, &text, &context, &maker(None)) {
            let object = Object::parse(&raw).unwrap();
            prop_assert_eq!(object.rule(), Some((RuleLanguage::Sigma, &*text)));
        }
    }
}

#[test]
fn the_large_list_goes_out_and_comes_back() {
    let Some(path) = crate::shared::shared("iocs/maltrail.txt.gz") else {
        return;
    };
    let bytes = crate::shared::unpack(&path);
    let (_, intel): (_, Intel) = load("x", &bytes, &Options::default());
    // Each kind in turn; all of them would take a minute.
    for one in intel.indicators.iter().step_by(17) {
        let written = pattern(one.kind, one.value).unwrap();
        let raw = indicator(one.kind, one.value, intel.context(one.context), &maker(None)).unwrap();
        let object = Object::parse(&raw).unwrap();
        assert_eq!(object.pattern.as_deref(), Some(&*written));
        assert_eq!(object.values(), [(one.kind, one.value.to_owned())]);
    }
}
