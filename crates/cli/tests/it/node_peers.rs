//! Peers, from the command line.

use crate::node_commands::Home;

#[test]
fn a_peer_is_changed() {
    let home = Home::new(&[]);
    let url = "http://127.0.0.1:9/list.txt";
    home.done(&["peer", "add", "daily", url, "--kind", "feed"]);
    let moved = "http://127.0.0.1:9/other.txt";
    let set = ["peer", "set", "daily"];
    let change = |said: &[&str]| home.run(&[&set, said].concat());
    assert_eq!(change(&["--url", moved, "--token", "t", "--pull", "2h"]).code, 0);
    let daily = &home.lines(&["peer", "list"])[0];
    assert_eq!(
        (&daily["url"], &daily["pull_seconds"]),
        (&moved.into(), &7200.into())
    );
    let elsewhere = "http://127.0.0.2:9/x";
    let refused = |said: &[&str], reason: &str| {
        let ran = change(said);
        assert!(ran.code == 2 && ran.err.contains(reason), "{said:?}: {}", ran.err);
    };
    refused(&["--url", elsewhere], "say the credentials anew");
    refused(&[], "see --help");
    refused(&["--pull", "500ms"], "write how often");
    refused(&["--push", "nowhere"], "no collection `nowhere`");
    assert_eq!(change(&["--url", elsewhere, "--anonymous"]).code, 0);
    assert_eq!(home.lines(&["peer", "list"])[0]["url"], elsewhere);
    // Of MISP, a token is a key.
    home.done(&[
        "peer",
        "add",
        "events",
        "https://misp.example/",
        "--kind",
        "misp",
        "--paused",
    ]);
    home.done(&["peer", "set", "events", "--token", "k", "--into", ""]);
}
