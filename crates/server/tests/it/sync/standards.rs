//! That what we made up of STIX ourselves is STIX: others' validators over a tombstone and what it names.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use perisai_model::Tlp;
use serde_json::{Value, json};

use super::Running;
use crate::sample::{id, marked};

fn python() -> Option<PathBuf> {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python3");
    let python = std::env::var_os("PERISAI_PYTHON").map_or(usual, PathBuf::from);
    if python.with_file_name("stix2_validator").exists() {
        return Some(python);
    }
    let is_required = std::env::var_os("PERISAI_REQUIRE_PEERS").is_some_and(|value| value == "1");
    assert!(!is_required, "the Python environment is missing");
    eprintln!("skipped: stix2-validator is not installed");
    None
}

fn told(output: &Output) -> String {
    [&output.stdout[..], &output.stderr]
        .map(String::from_utf8_lossy)
        .concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tombstone_is_stix_and_as_its_schema_says() {
    let Some(python) = python() else { return };
    let node = Running::start().await;
    node.basket("out", &[]).await;
    node.takes(None, "out", None, &[marked(1, 1, Tlp::Green)]).await;
    node.node.delete(&id("indicator", 1), None).await.unwrap();
    let tombstone = node.ids("out").await.pop().unwrap();
    let identity = format!("identity--{}", node.own().0);
    let extension = perisai_intel::write::TOMBSTONE_EXTENSION;
    let mut objects = Vec::new();
    for id in [tombstone.as_str(), identity.as_str(), extension] {
        objects.push(node.shows(node.own(), id).await.pop().unwrap());
    }
    let folder = tempfile::tempdir().unwrap();
    let (bundle, one) = (folder.path().join("bundle.json"), folder.path().join("one.json"));
    let all: Value =
        json!({"type": "bundle", "id": "bundle--5a3e0b1c-0f2d-4c7a-8a3e-4b1f7f1d2c3b", "objects": objects});
    std::fs::write(&bundle, all.to_string()).unwrap();
    std::fs::write(&one, objects[0].to_string()).unwrap();
    let validator = python.with_file_name("stix2_validator");
    let output = Command::new(validator)
        .args(["--version", "2.1"])
        .arg(&bundle)
        .output()
        .unwrap();
    assert!(
        told(&output).contains("[+] STIX JSON: Valid"),
        "{}",
        told(&output)
    );
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas/perisai-tombstone.json");
    let script = "import json,sys,jsonschema\n\
                  schema,one=(json.load(open(path)) for path in sys.argv[1:])\n\
                  jsonschema.validate(one,schema)\n\
                  del one['object_ref']\n\
                  try: jsonschema.validate(one,schema)\n\
                  except jsonschema.ValidationError: print('fits')";
    let output = Command::new(python)
        .args(["-c", script])
        .args([&schema, &one])
        .output()
        .unwrap();
    assert_eq!(told(&output).trim(), "fits");
}
