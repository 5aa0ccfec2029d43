//! A node as who runs it works with it: from the command line, whether it runs or not, here or elsewhere.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::tool::{Ran, command, folder, perisai, perisai_with_input, text};

/// A node's folder, and what to look at in it.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    pub(crate) fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = folder(files);
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        text(&self.folder.path().join(name)).to_owned()
    }

    /// Runs a command on the node in its folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let data = self.path("data");
        perisai(&[arguments, &["--data", &data]].concat())
    }

    /// Runs a command that has to succeed; gives what it wrote.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.err);
        ran.out
    }

    pub(crate) fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        let ran = self.run(&[arguments, &["--format", "jsonl"]].concat());
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.err);
        ran.jsonl()
    }

    /// Serves it until it is dropped.
    fn serve(&self, flags: &[&str]) -> Served {
        let data = self.path("data");
        let flags = [&["serve", "--data", &data, "--listen", "127.0.0.1:0"], flags].concat();
        let mut child = command(&flags)
            .env("PERISAI_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = Vec::new();
        for line in lines.by_ref() {
            let line = line.unwrap();
            said.push(line.clone());
            if line.starts_with("Listening") && flags.contains(&"--plain") || line.starts_with("Token") {
                break;
            }
        }
        Served { child, said }
    }
}

struct Served {
    child: Child,
    said: Vec<String>,
}

impl Served {
    /// What a line says behind its beginning.
    fn told(&self, beginning: &str) -> &str {
        let line = self.said.iter().find(|line| line.starts_with(beginning)).unwrap();
        line.rsplit(' ').next().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const BUNDLE: &str = r#"{"type":"bundle","id":"bundle--1","objects":[
 {"type":"indicator","spec_version":"2.1","id":"indicator--0b7a6e5c-5a0c-4b8e-8f3c-0d9c7f3c1a11","name":"Green gate",
  "created":"2022-02-24T05:00:00.000Z","modified":"2022-02-24T05:00:00.000Z","valid_from":"2022-02-24T05:00:00Z",
  "pattern":"[domain-name:value = 'green.example']","pattern_type":"stix",
  "object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]},
 {"type":"indicator","spec_version":"2.1","id":"indicator--0b7a6e5c-5a0c-4b8e-8f3c-0d9c7f3c1a12","name":"Red gate",
  "created":"2022-02-24T05:00:00.000Z","modified":"2022-02-24T05:00:00.000Z","valid_from":"2022-02-24T05:00:00Z",
  "pattern":"[domain-name:value = 'red.example']","pattern_type":"stix",
  "object_marking_refs":["marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"]}]}"#;

#[test]
fn a_node_that_does_not_run_is_worked_with_all_the_same() {
    let home = Home::new(&[
        ("bundle.json", BUNDLE.as_bytes()),
        ("list.txt", b"evil.example\nnot a value\n"),
    ]);
    let refused = home.run(&["org", "list"]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("there is no node in"), "{}", refused.err);
    assert!(!Path::new(&home.path("data")).exists());

    home.done(&["org", "add", "CERT Rivenia", "--community"]);
    home.done(&["org", "add", "Bank"]);
    home.done(&["org", "add", "Stranger"]);
    home.done(&["org", "set", "bank", "--client", "true"]);
    let organisations = home.lines(&["org", "list"]);
    let names: Vec<_> = organisations
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Bank", "CERT Rivenia", "Perisai", "Stranger"]);
    assert_eq!(
        (&organisations[0]["client"], &organisations[1]["community"]),
        (&true.into(), &true.into())
    );
    let twice = home.run(&["org", "add", "Bank"]);
    assert_eq!(
        (twice.code, twice.err.as_str()),
        (2, "perisai: there is an organisation `Bank` already\n")
    );

    imports_and_finds(&home);
    exports_what_each_may_have(&home);
    let verified = home.done(&["audit", "verify"]);
    assert!(verified.contains(" 0 faults\n"), "{verified}");
}

fn imports_and_finds(home: &Home) {
    let (bundle, list) = (home.path("bundle.json"), home.path("list.txt"));
    assert_eq!(
        home.done(&["intel", "import", &bundle]),
        "2 stored, 0 known, 0 kept apart, 0 refused\n"
    );
    let imported = home.run(&["intel", "import", &list, "--source", "list", "--tlp", "green"]);
    assert_eq!(
        (imported.code, imported.out.as_str()),
        (3, "1 stored, 0 known, 0 kept apart, 1 refused\n")
    );
    let told = format!("perisai: {list}:2: `not a value` is no value of a known kind\n");
    assert_eq!(imported.err, told);

    let found = home.lines(&["intel", "search", "--value", "evil[.]example"]);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&found[0]["source"], &found[0]["tlp"]),
        (&"list".into(), &"green".into())
    );
    // What we wrote says itself how it may be shared.
    let marking = &found[0]["object"]["object_marking_refs"][0];
    assert_eq!(
        marking,
        "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
    );
    // RED is for persons, and the socket is none.
    assert_eq!(home.lines(&["intel", "search", "gate"]).len(), 1);
    assert_eq!(home.done(&["intel", "search", "nowhere"]), "nothing is found\n");
    let shown = home.done(&["intel", "show", found[0]["id"].as_str().unwrap()]);
    assert!(shown.starts_with("version "), "{shown}");
    assert_eq!(home.run(&["intel", "show", "indicator--1"]).code, 2);
}

/// What is written for somebody is what they may have, under the same rules as over TAXII.
fn exports_what_each_may_have(home: &Home) {
    let ids = |organisation: &str| {
        let text = home.done(&["intel", "export", "--for", organisation, "--type", "indicator"]);
        let bundle: Value = serde_json::from_str(&text).unwrap();
        let all = bundle["objects"].as_array().unwrap().clone();
        let mut names: Vec<_> = all
            .iter()
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort_unstable();
        names
    };
    assert_eq!(ids("CERT Rivenia"), ["Green gate", "evil.example"]);
    assert_eq!(ids("Bank"), ["Green gate", "evil.example"]);
    assert_eq!(ids("Stranger"), Vec::<String>::new());
    assert_eq!(ids("Perisai"), ["Green gate", "evil.example"]);
    // For one of them alone, whatever the marking would allow others.
    let secret = home.path("secret.txt");
    std::fs::write(&secret, "for-the-bank.example\n").unwrap();
    home.done(&[
        "intel",
        "import",
        &secret,
        "--source",
        "talk",
        "--tlp",
        "amber+strict",
        "--for",
        "bank",
    ]);
    assert_eq!(
        ids("Bank"),
        ["Green gate", "evil.example", "for-the-bank.example"]
    );
    assert_eq!(ids("CERT Rivenia"), ["Green gate", "evil.example"]);
}

#[test]
fn what_is_kept_apart_is_listed_and_objects_are_deleted() {
    let changed = BUNDLE.replace(r#""modified":"2022-02-24"#, r#""modified":"2022-02-25"#);
    let home = Home::new(&[
        ("bundle.json", BUNDLE.as_bytes()),
        ("changed.json", changed.as_bytes()),
    ]);
    let import = |name: &str, source: &str| {
        let path = home.path(name);
        home.run(&["intel", "import", &path, "--source", source])
    };
    assert_eq!(import("bundle.json", "one").code, 0);
    assert_eq!(home.done(&["intel", "apart"]), "nothing is kept apart\n");
    let second = import("changed.json", "two").out;
    assert!(second.contains("2 kept apart"), "{second}");
    let green = "indicator--0b7a6e5c-5a0c-4b8e-8f3c-0d9c7f3c1a11";
    // What is of a RED object is for persons, and the socket is none.
    let apart = home.lines(&["intel", "apart"]);
    assert_eq!(apart.len(), 1, "{apart:?}");
    assert_eq!(
        (&apart[0]["attempt"], &apart[0]["of"], &apart[0]["source_name"]),
        (&"version".into(), &green.into(), &"two".into())
    );
    let none = home.lines(&["intel", "apart", "--source", "one"]);
    assert!(none.is_empty(), "{none:?}");
    let shown = home.done(&["intel", "apart", apart[0]["key"].as_str().unwrap()]);
    assert!(shown.contains("2022-02-25T05:00:00.000Z"), "{shown}");
    assert_eq!(
        home.done(&["intel", "delete", green]),
        format!("deleted: {green}\n")
    );
    assert_eq!(home.run(&["intel", "show", green]).code, 2);
    assert_eq!(home.run(&["intel", "delete", green]).code, 2);
    // A search of nothing but signs is a mistake, and both take the same filter.
    assert_eq!(home.run(&["intel", "search", "!!"]).code, 2);
    let export = home.done(&["intel", "export", "--until", "2022-02-24", "--kind", "domain"]);
    assert!(!export.contains("indicator--"), "{export}");
    assert_eq!(
        home.run(&["intel", "export", "--collection", "x", "--live"]).code,
        2
    );
}

#[test]
fn a_source_is_trusted_by_degrees_and_recalled() {
    let home = Home::new(&[
        ("list.txt", b"evil.example\n192.0.2.7\n"),
        ("other.txt", b"192.0.2.7\n"),
    ]);
    let (list, other) = (home.path("list.txt"), home.path("other.txt"));
    home.done(&["intel", "import", &list, "--source", "bad"]);
    home.done(&["intel", "import", &other, "--source", "good"]);
    let set = home.run(&[
        "source",
        "set",
        "bad",
        "--grade",
        "E",
        "--ceiling",
        "alert",
        "--tlp",
        "clear",
    ]);
    assert_eq!(set.code, 0, "{}", set.err);
    let sources = home.lines(&["source", "list"]);
    let bad = sources.iter().find(|one| one["name"] == "bad").unwrap();
    assert_eq!(
        (&bad["grade"], &bad["ceiling"], &bad["tlp"]),
        (&"E".into(), &"alert".into(), &"clear".into())
    );
    // What would bring it again by itself is paused.
    let url = "http://127.0.0.1:9/list.txt";
    home.done(&["org", "add", "Lists"]);
    home.done(&["peer", "add", "daily", url, "--kind", "feed", "--org", "Lists"]);
    let feed = home.done(&["intel", "recall", "--source", "daily", "--since", "2022-02-24"]);
    assert!(feed.contains("\npaused: daily, "), "{feed}");
    assert_eq!(home.lines(&["peer", "list"])[0]["paused"], true);
    let recalled = home.done(&["intel", "recall", "--source", "bad", "--since", "2022-02-24"]);
    assert!(!recalled.contains("paused"), "{recalled}");
    assert!(
        recalled.starts_with("withdrawn: 2 objects that bad brought"),
        "{recalled}"
    );
    // What another says of the same value stands for itself.
    assert_eq!(home.lines(&["intel", "search", "--type", "indicator"]).len(), 1);
    home.done(&["intel", "reindex"]);
    assert_eq!(home.lines(&["intel", "search", "--value", "192.0.2.7"]).len(), 1);
    assert_eq!(
        home.lines(&["intel", "search", "--value", "evil.example"]).len(),
        0
    );
}

#[test]
fn a_node_that_runs_is_reached_by_its_socket_and_from_elsewhere() {
    let home = Home::new(&[("bundle.json", BUNDLE.as_bytes())]);
    let served = home.serve(&[]);
    let bundle = home.path("bundle.json");
    assert_eq!(
        home.done(&["intel", "import", &bundle]),
        "2 stored, 0 known, 0 kept apart, 0 refused\n"
    );
    let token = home.done(&["token", "add", "laptop", "--role", "analyst", "--expires", "1d"]);
    let url = served.told("Listening").replace("/taxii2/", "");
    let pin = served.told("Certificate");
    let elsewhere = |token: &str, pin: &str, arguments: &[&str]| {
        let which = ["--node", &url, "--pin", pin];
        let output = command(&[arguments, &which].concat())
            .env("PERISAI_TOKEN", token)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    // The index follows within moments.
    let search = ["intel", "search", "gate", "--format", "jsonl"];
    let mut found = elsewhere(&token, pin, &search);
    for _ in 0..100 {
        if found.1.lines().count() == 1 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
        found = elsewhere(&token, pin, &search);
    }
    assert_eq!((found.0, found.1.lines().count()), (Some(0), 1), "{}", found.2);
    // An analyst keeps no people, a wrong token is nobody's, and another's certificate is not believed.
    let (code, _, told) = elsewhere(&token, pin, &["user", "list"]);
    assert_eq!(
        (code, told.as_str()),
        (
            Some(2),
            "perisai: this takes `admin`, which role and scope do not allow\n"
        )
    );
    assert_eq!(elsewhere("perisai_x", pin, &search).0, Some(2));
    let (code, _, told) = elsewhere(&token, &"0".repeat(64), &search);
    assert!(code == Some(2) && told.contains("certificate"), "{told}");
    // A backup does not leave by the network, whoever asks.
    let admin = served.told("Token");
    let (code, _, told) = elsewhere(admin, pin, &["backup", &home.path("stolen")]);
    assert_eq!(
        (code, Path::new(&home.path("stolen")).exists()),
        (Some(2), false),
        "{told}"
    );
    drop(served);
    // Its socket stays behind when it is killed, and is no obstacle.
    assert_eq!(home.lines(&["intel", "search", "gate"]).len(), 1);
}

#[test]
fn people_tokens_groups_and_collections_come_and_go() {
    let home = Home::new(&[]);
    let data = home.path("data");
    let added = perisai_with_input(
        &["user", "add", "anna", "--role", "analyst", "--data", &data],
        b"a horse that is stapled\n",
    );
    assert_eq!(added.code, 0, "{}", added.err);
    let short = perisai_with_input(
        &["user", "add", "boris", "--role", "viewer", "--data", &data],
        b"short\n",
    );
    assert_eq!(short.code, 2, "{}", short.out);
    home.done(&["user", "set", "anna", "--role", "viewer", "--reads-red", "true"]);
    assert_eq!(home.lines(&["user", "list"])[0]["role"], "viewer");

    home.done(&["org", "add", "Partner"]);
    let made = home.run(&[
        "token",
        "add",
        "their node",
        "--org",
        "partner",
        "--role",
        "partner",
    ]);
    assert!(
        made.out.starts_with("prs_") && made.err.contains("only time"),
        "{} {}",
        made.out,
        made.err
    );
    let tokens = home.lines(&["token", "list", "--org", "Partner"]);
    assert_eq!(
        (tokens.len(), &tokens[0]["organisation_name"]),
        (1, &"Partner".into())
    );
    home.done(&["token", "remove", tokens[0]["id"].as_str().unwrap()]);
    assert!(home.lines(&["token", "list", "--org", "Partner"])[0]["revoked"].is_string());

    groups_and_collections(&home);
    let pin = "ab".repeat(32);
    home.done(&["certificate", "add", &pin, "--org", "Partner", "--until", "2y"]);
    home.done(&["certificate", "remove", &pin]);
    assert!(home.lines(&["certificate", "list"])[0]["revoked"].is_string());
    home.done(&["user", "remove", "anna"]);
    home.done(&["org", "remove", "Partner"]);
    all_is_on_the_chain(&home);
}

fn groups_and_collections(home: &Home) {
    home.done(&["group", "add", "Bear watch"]);
    home.done(&["group", "join", "bear watch", "partner"]);
    assert_eq!(
        home.lines(&["group", "list"])[0]["members"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    home.done(&["group", "leave", "bear watch", "partner"]);
    home.done(&["group", "remove", "bear watch"]);

    home.done(&[
        "collection",
        "add",
        "What we share",
        "--alias",
        "share",
        "--type",
        "indicator",
        "--tlp",
        "clear,green",
    ]);
    home.done(&["collection", "grant", "share", "partner", "--read"]);
    let text = home.done(&["collection", "list"]);
    assert!(
        text.contains("types indicator, tlp clear green  Partner r"),
        "{text}"
    );
    assert_eq!(
        home.run(&["collection", "grant", "share", "nobody", "--read"])
            .code,
        2
    );
    let set = [
        "collection",
        "set",
        "share",
        "--title",
        "All of it",
        "--alias",
        "open",
        "--tlp",
        "clear",
    ];
    let text = home.done(&set);
    assert!(text.contains("open   All of it  tlp clear  Partner r"), "{text}");
    let text = home.done(&["collection", "set", "open", "--basket"]);
    assert!(text.contains("what is sent"), "{text}");
    let ran = home.run(&["collection", "set", "open"]);
    assert!(ran.code == 2 && ran.err.contains("see --help"), "{}", ran.err);
    home.done(&["collection", "remove", "open"]);
}

fn all_is_on_the_chain(home: &Home) {
    let chain: Vec<Value> = home
        .done(&["audit", "export"])
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let events: Vec<_> = chain
        .iter()
        .map(|one| one["record"]["event"].as_str().unwrap())
        .collect();
    for event in [
        "user.add",
        "user.change",
        "token.add",
        "token.revoke",
        "group.member.add",
        "collection.grant",
        "certificate.add",
        "certificate.revoke",
        "organisation.remove",
    ] {
        assert!(events.contains(&event), "{event} is not in {events:?}");
    }
    assert!(!chain.iter().any(|one| one.to_string().contains("stapled")));
}

#[test]
fn a_backup_is_restored_to_either_database() {
    let home = Home::new(&[("bundle.json", BUNDLE.as_bytes())]);
    let bundle = home.path("bundle.json");
    home.done(&["collection", "add", "All", "--alias", "all", "--all"]);
    home.done(&["intel", "import", &bundle]);
    let before = home.lines(&["intel", "search", "gate"]);
    let (file, restored) = (home.path("backup"), home.path("restored"));
    home.done(&["backup", &file]);
    let ran = perisai(&["restore", &file, "--data", &restored]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let again = perisai(&[
        "intel", "search", "gate", "--format", "jsonl", "--data", &restored,
    ]);
    assert_eq!(again.jsonl(), before);
    let verified = perisai(&["audit", "verify", "--data", &restored]);
    assert!(verified.out.contains(" 0 faults\n"), "{}", verified.out);
    // Not over what is there, and not from half a file.
    assert_eq!(perisai(&["restore", &file, "--data", &restored]).code, 2);
    let whole = std::fs::read(&file).unwrap();
    for (name, bytes) in [
        ("half", &whole[..whole.len() / 2]),
        ("none", b"no backup".as_slice()),
    ] {
        let (half, to) = (home.path(name), home.path(&format!("{name}-data")));
        std::fs::write(&half, bytes).unwrap();
        let ran = perisai(&["restore", &half, "--data", &to]);
        assert_eq!(ran.code, 2, "{name}: {}", ran.out);
    }
}

#[test]
fn a_node_to_which_nobody_listens_goes_on() {
    let home = Home::new(&[]);
    let data = home.path("data");
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let child = command(&["serve", "--data", &data, "--listen", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = Vec::new();
    let mut served = Served { child, said };
    let mut log = BufReader::new(served.child.stderr.take().unwrap()).lines();
    assert!(log.any(|line| line.unwrap().contains("perisai token add")));
    assert_eq!(home.lines(&["org", "list"]).len(), 1);
    assert!(served.child.try_wait().unwrap().is_none());
}

#[test]
fn a_hunt_takes_its_intelligence_from_a_node_and_tells_what_it_saw() {
    let log = b"2022-02-24T05:01:00Z client 10.0.0.5 query green.example\n\
                2022-02-24T05:03:00Z client 10.0.0.7 query www.green.example\n";
    let home = Home::new(&[("bundle.json", BUNDLE.as_bytes()), ("dns.log", log)]);
    let (bundle, log) = (home.path("bundle.json"), home.path("dns.log"));
    home.done(&["intel", "import", &bundle]);
    let hunt = home.run(&["hunt", "--format", "jsonl", &log]);
    assert_eq!(hunt.code, 0, "{}", hunt.err);
    let findings = hunt.jsonl();
    assert_eq!(findings.len(), 2);
    let source = findings[0]["rule"]["sources"][0]["source"].as_str().unwrap();
    assert_eq!(source, format!("node {}", home.path("data")));
    assert!(
        hunt.err.contains("1 new sightings, 0 that it knew"),
        "{}",
        hunt.err
    );
    // The same hunt says nothing new.
    let again = home.run(&["hunt", "--format", "jsonl", &log]);
    assert!(
        again.err.contains("0 new sightings, 1 that it knew"),
        "{}",
        again.err
    );
    let sightings = home.lines(&["intel", "search", "--type", "sighting"]);
    assert_eq!(sightings.len(), 1);
    let sighting = &sightings[0]["object"];
    assert_eq!(
        sighting["sighting_of_ref"],
        "indicator--0b7a6e5c-5a0c-4b8e-8f3c-0d9c7f3c1a11"
    );
    assert_eq!(
        (&sighting["count"], &sighting["first_seen"]),
        (&2.into(), &"2022-02-24T05:01:00.000Z".into())
    );
    // No asset is in it.
    assert!(!sighting.to_string().contains("10.0.0"), "{sighting}");

    // From elsewhere, with the token of a program that hunts; it may do no more than that.
    let served = home.serve(&["--plain"]);
    let token = home.done(&["token", "add", "hunter", "--role", "sensor"]);
    let url = served.told("Listening").replace("/taxii2/", "");
    let there = |arguments: &[&str]| {
        command(&[arguments, &["--node", &url]].concat())
            .env("PERISAI_TOKEN", token.trim())
            .output()
            .unwrap()
    };
    let hunt = there(&["hunt", "--no-sightings", "--format", "jsonl", &log]);
    assert!(hunt.status.success(), "{}", String::from_utf8_lossy(&hunt.stderr));
    assert_eq!(hunt.stdout.iter().filter(|byte| **byte == b'\n').count(), 2);
    assert!(!String::from_utf8_lossy(&hunt.stderr).contains("told"));
    assert!(there(&["hunt", &log]).status.success());
    assert_eq!(there(&["intel", "search"]).status.code(), Some(2));
    assert_eq!(there(&["intel", "import", &bundle]).status.code(), Some(2));
}
