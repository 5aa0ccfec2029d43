//! The API is as its description says: the committed one is the server's, and a program that knows nothing else finds no
//! answer that it does not describe.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::node::{Served, Way};
use crate::peers::python;

/// The description that clients are made from: `PERISAI_WRITE=1` writes it anew.
fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi.json")
}

#[test]
fn the_committed_description_is_that_of_the_server() {
    let text = perisai_server::openapi() + "\n";
    if std::env::var_os("PERISAI_WRITE").is_some() {
        std::fs::write(committed(), &text).unwrap();
    }
    let found = std::fs::read_to_string(committed()).unwrap_or_default();
    assert!(
        found == text,
        "openapi.json is not what the server says: run this test with PERISAI_WRITE=1, then `cargo xtask api`"
    );
    // Each schema that is named is there.
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(told["openapi"], "3.1.0");
    let names = text.split("#/components/schemas/").skip(1);
    for name in names.filter_map(|rest| rest.split('"').next()) {
        assert!(told["components"]["schemas"][name].is_object(), "{name}");
    }
}

/// Of two schemas of one name, the description would keep one, and use it for both.
#[test]
fn no_two_schemas_have_one_name() {
    let mut names = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(path).unwrap();
            for derived in text.split("ToSchema)]").skip(1) {
                let mut words = derived.split_ascii_whitespace();
                let _ = words.find(|word| matches!(*word, "struct" | "enum"));
                let name = words.next().unwrap().to_owned();
                assert!(names.insert(name.clone()), "there are two schemas `{name}`");
            }
        }
    }
    assert!(names.len() > 20, "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_nothing_that_is_not_described() {
    let Some(python) = python("schemathesis") else {
        return;
    };
    let served = Served::with_people(Way::unlimited()).await;
    let token = served.token(served.store.own(), "admin", &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(python.with_file_name("schemathesis"));
    command
        .current_dir(folder.path())
        .args([
            "run",
            &served.url("/api/openapi.json"),
            "--seed",
            "1",
            "--no-color",
        ])
        .args(["-H", &format!("Authorization: Bearer {token}")])
        .args([
            "--checks",
            "all",
            "--max-examples",
            "15",
            "--continue-on-failure",
            "--warnings",
            "off",
        ])
        // No schema can say which names are taken, or which pass-phrases are known to all; and who guesses pass-phrases is
        // told to wait, which that check takes for neither 401 nor 403.
        .args(["--exclude-checks", "positive_data_acceptance,ignored_auth"]);
    let ran = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = ran.await.unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}");
    assert!(told.contains("generated"), "{told}");
}
