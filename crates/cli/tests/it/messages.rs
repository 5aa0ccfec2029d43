//! What commands on a node say where something is not as it should be, so that people can go on from there.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::node::{Client, Node, OBJECTS, envelope};
use crate::tool::{Ran, command, folder, perisai, text};

/// A node's folder, in which none has been yet.
fn home(files: &[(&str, &[u8])]) -> (TempDir, String) {
    let folder = folder(files);
    let data = text(&folder.path().join("data")).to_owned();
    (folder, data)
}

/// Runs a command with variables of the environment.
fn with(variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let mut command = command(arguments);
    command.envs(variables.iter().copied()).stdin(Stdio::null());
    Ran::of(command.output().unwrap())
}

/// A command that fails, with what it says.
fn check(ran: &Ran, code: i32, told: &[&str]) {
    assert_eq!(ran.code, code, "{} {}", ran.out, ran.err);
    for part in told {
        assert!(ran.err.contains(part), "`{part}` is not in: {}", ran.err);
    }
}

#[test]
fn words_that_are_none() {
    let (_folder, data) = home(&[]);
    assert_eq!(perisai(&["org", "add", "One", "--data", &data]).code, 0);
    for (arguments, told) in [
        (
            &["token", "add", "x", "--role", "kng"][..],
            "[possible values: admin, analyst, ",
        ),
        (
            &["user", "add", "x", "--role", "kng"],
            "[possible values: admin, analyst, ",
        ),
        (
            &["token", "add", "x", "--role", "viewer", "--scope", "all"],
            "taxii:read, taxii:write, ",
        ),
        (
            &["source", "set", "import", "--ceiling", "sky"],
            "[possible values: store, alert, block]",
        ),
        (
            &["source", "set", "import", "--tlp", "purple"],
            "there is no source `import`",
        ),
        (
            &["intel", "search", "--tlp", "purple"],
            "that is clear, green, amber, amber+strict or red",
        ),
        (
            &["intel", "search", "--kind", "nonsense"],
            "there are ipv4, ipv6, ",
        ),
        (
            &["intel", "search", "--source", "nonsense"],
            "there is no source `nonsense`",
        ),
        (
            &["intel", "export", "--source", "own,nonsense"],
            "there is no source `nonsense`",
        ),
        (
            &["peer", "add", "..", "https://a.example/"],
            "`.` and `..` are no names",
        ),
        (&["org", "add", "a/b"], "a name has no `/` in it"),
    ] {
        check(&perisai(&[arguments, &["--data", &data]].concat()), 2, &[told]);
    }
    check(
        &with(&[("PERISAI_PAGE", "abc")], &["org", "list", "--data", &data]),
        2,
        &["PERISAI_PAGE is `abc`: it has to be a whole number"],
    );
    let help = perisai(&["demo", "--help"]);
    assert!(help.out.contains("Show two nodes"), "{}", help.out);
}

#[test]
fn folders_and_files_that_cannot_be_used() {
    let (folder, data) = home(&[("file", b"x"), ("a.log", b"query evil.example\n")]);
    let at = |name: &str| text(&folder.path().join(name)).to_owned();
    check(
        &perisai(&["org", "list", "--data", &at("file/data")]),
        2,
        &["it cannot be looked into: Not a directory"],
    );
    assert_eq!(perisai(&["org", "add", "One", "--data", &data]).code, 0);
    check(
        &perisai(&["hunt", "--data", &data, &at("a.log")]),
        2,
        &["nothing to look for", "has no indicator and no rule yet"],
    );
    // A backup takes nobody's place, and half of one is told from what is none.
    let backup = at("backup");
    assert_eq!(perisai(&["backup", &backup, "--data", &data]).code, 0);
    let whole = std::fs::read(&backup).unwrap();
    check(
        &perisai(&["backup", &backup, "--data", &data]),
        2,
        &["there is a file of that name already"],
    );
    assert_eq!(std::fs::read(&backup).unwrap(), whole);
    for (name, bytes, told) in [
        ("half", &whole[..whole.len() / 2], "it is cut off after "),
        ("none", b"no backup".as_slice(), "no backup that this version"),
    ] {
        std::fs::write(at(name), bytes).unwrap();
        let ran = perisai(&["restore", &at(name), "--data", &at(&format!("{name}-data"))]);
        check(&ran, 2, &[told]);
    }
}

#[test]
fn connections_that_do_not_come_about() {
    let (_folder, data) = home(&[]);
    let mut served = command(&["serve", "--data", &data, "--listen", "127.0.0.1:0"])
        .env("PERISAI_LOG", "error")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = String::new();
    let mut out = std::io::BufReader::new(served.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut out, &mut told).unwrap();
    let port = told.split(':').nth(2).unwrap().split('/').next().unwrap();
    let (secure, plain) = (
        format!("https://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}"),
    );
    let ask = |url: &str, more: &[&str]| {
        let arguments = [&["org", "list", "--node", url], more].concat();
        with(&[("PERISAI_TOKEN", "x")], &arguments)
    };
    let wrong = "0".repeat(64);
    let answers = [
        (
            ask(&plain, &[]),
            "where it speaks TLS, its address begins with https://",
        ),
        (ask(&secure, &[]), "--pin names the certificate"),
        (ask(&secure, &["--pin", &wrong]), "which is none of the 1 pinned"),
    ];
    served.kill().unwrap();
    served.wait().unwrap();
    for (ran, told) in answers {
        check(&ran, 2, &[told]);
        assert!(!ran.err.contains("unexpected error"), "{}", ran.err);
    }
}

#[test]
fn a_node_that_stops_under_an_import() {
    let lines: String = (0..400_000)
        .map(|number| format!("gate{number}.example\n"))
        .collect();
    for signal in ["-TERM", "-KILL"] {
        let (folder, data) = home(&[("list.txt", lines.as_bytes())]);
        let node = Node::start(folder.path(), "");
        let list = text(&folder.path().join("list.txt")).to_owned();
        let import = command(&["intel", "import", &list, "--data", &data])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        node.client.until("/api/jobs", |answer| {
            answer.body.contains("\"running\"") && !answer.body.contains("\"stored\":0")
        });
        let id = node.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
        let ran = Ran::of(ended(import));
        check(&ran, 2, &["stop", "what was stored until then stays"]);
    }
}

/// What a command gave that has to end by itself.
fn ended(mut child: Child) -> std::process::Output {
    for _ in 0..600 {
        if child.try_wait().unwrap().is_some() {
            return child.wait_with_output().unwrap();
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    child.kill().unwrap();
    panic!("it goes on");
}

#[test]
fn a_partner_that_sends_is_called_by_its_name() {
    let (folder, data) = home(&[]);
    let node = Node::start(folder.path(), "");
    let done = |arguments: &[&str]| {
        let ran = perisai(&[arguments, &["--data", &data]].concat());
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.err);
        ran
    };
    done(&["org", "add", "B CERT"]);
    done(&["collection", "grant", "basket", "B CERT", "--read", "--write"]);
    let token = done(&["token", "add", "theirs", "--org", "B CERT", "--role", "partner"]);
    let partner = Client {
        token: token.out.trim().to_owned(),
        ..node.client.clone()
    };
    let sent = partner.post(OBJECTS, envelope(0..3).as_bytes()).unwrap();
    assert_eq!(sent.status, 202, "{}", sent.body);
    node.client.until("/api/objects?type=indicator", |answer| {
        answer.json()["items"].as_array().unwrap().len() == 3
    });
    let sources = done(&["source", "list"]);
    assert!(sources.out.contains("B CERT"), "{}", sources.out);
    for name in ["B CERT", "b cert,own"] {
        let found = done(&["intel", "search", "--type", "indicator", "--source", name]);
        assert_eq!(found.out.matches("B CERT").count(), 3, "{name}: {}", found.out);
    }
    done(&["source", "set", "B CERT", "--grade", "b"]);
    let recalled = done(&["intel", "recall", "--source", "B CERT", "--since", "2022-02-24"]);
    assert!(
        recalled.out.contains("3 objects that B CERT brought"),
        "{}",
        recalled.out
    );
}

#[test]
fn peers_that_are_paused_are_left_alone() {
    let (_folder, data) = home(&[]);
    let run = |arguments: &[&str]| perisai(&[arguments, &["--data", &data]].concat());
    // Nobody listens there.
    let add = [
        "peer",
        "add",
        "away",
        "http://127.0.0.1:9/list.txt",
        "--kind",
        "feed",
        "--paused",
    ];
    assert_eq!(run(&add).code, 0);
    let listed = run(&["peer", "list", "--format", "csv"]);
    assert!(
        listed.out.contains("paused") && listed.out.contains("\"yes\""),
        "{}",
        listed.out
    );
    let all = run(&["peer", "sync"]);
    assert_eq!((all.code, all.out.as_str()), (0, ""), "{}", all.err);
    check(
        &run(&["peer", "sync", "away"]),
        3,
        &["away: ", "cannot be reached"],
    );
}
