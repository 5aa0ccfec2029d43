//! Others' programs against a node: the client of OASIS, and its validator over what was pulled with it.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::backend::{Backend, backends, sqlite};
use crate::client::Ask;
use crate::sample::indicator;
use crate::served::{PARTNER, Served, serve_as};

/// In the environment that `cargo xtask test` makes and names.
pub(crate) fn python(tool: &str) -> Option<PathBuf> {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python3");
    let python = std::env::var_os("PERISAI_PYTHON").map_or(usual, PathBuf::from);
    if python.with_file_name(tool).exists() {
        return Some(python);
    }
    let is_required = std::env::var_os("PERISAI_REQUIRE_PEERS").is_some_and(|value| value == "1");
    assert!(!is_required, "the Python environment is missing");
    eprintln!("skipped: {tool} is not installed");
    None
}

fn told(output: &Output) -> String {
    [&output.stdout[..], &output.stderr]
        .map(String::from_utf8_lossy)
        .concat()
}

async fn node(backend: &Backend) -> Served {
    let served = serve_as(backend, |settings| {
        settings.contact = Some("a@b.example".to_owned())
    })
    .await;
    for (alias, rights) in [("basket", "rw"), ("inbox", "w"), ("outbox", "r"), ("secret", "")] {
        served.basket(alias, &[(PARTNER, rights)]).await;
    }
    served
}

/// Runs the client; how many objects it pulled from `outbox` into the file.
async fn run(python: &Path, served: &Served, pulled: &Path) -> usize {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/client.py");
    let output = Command::new(python)
        .arg(script)
        .args([&format!("http://{}/taxii2/", served.to), "partner"])
        .arg(pulled)
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", told(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim().strip_prefix("done ").unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_of_oasis_makes_every_call() {
    let Some(python) = python("stix2_validator") else {
        return;
    };
    for backend in backends().await {
        let served = node(&backend).await;
        let objects: Vec<_> = (100..110).map(|number| indicator(number, 1)).collect();
        served.store(PARTNER, "outbox", &objects).await;
        let folder = tempfile::tempdir().unwrap();
        let pulled = run(&python, &served, &folder.path().join("pulled.json")).await;
        assert_eq!(pulled, 10, "{}", backend.name);
    }
}

/// All of ATT&CK, where it is.
fn attack() -> Option<Vec<u8>> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/stix/enterprise-attack.json.gz");
    let Ok(file) = std::fs::File::open(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    };
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(file)
        .read_to_end(&mut bytes)
        .unwrap();
    Some(bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_attack_goes_in_and_comes_out_as_it_was() {
    let (Some(python), Some(bundle)) = (python("stix2_validator"), attack()) else {
        return;
    };
    let backend = sqlite();
    let served = node(&backend).await;
    let sent: Value = serde_json::from_slice(&bundle).unwrap();
    let sent = sent["objects"].as_array().unwrap();
    let path = "/taxii2/api/collections/outbox/objects/";
    let status = Ask::post("admin", path, &bundle).send(served.to).await.json();
    assert_eq!(
        (&status["success_count"], &status["failure_count"]),
        (&json!(sent.len()), &json!(0))
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pulled.json");
    // It carries statement markings only, which leave it at the node's default: not for partners.
    assert_eq!(run(&python, &served, &file).await, 0);
    let (mut pulled, mut next) = (Vec::new(), String::new());
    loop {
        let page = served.get("admin", &format!("{path}?limit=1000{next}")).await;
        pulled.extend(page.objects());
        match page.json()["next"].as_str() {
            Some(cursor) => next = format!("&next={cursor}"),
            None => break,
        }
    }
    assert_eq!(pulled.len(), sent.len());
    // What came before the marking that it has enters anew behind it.
    let by_id = |objects: &[Value]| -> BTreeMap<String, Value> {
        let id = |object: &Value| object["id"].as_str().unwrap().to_owned();
        objects
            .iter()
            .map(|object| (id(object), object.clone()))
            .collect()
    };
    assert!(by_id(&pulled) == by_id(sent));
    // The one object that names all others is a format of its own.
    pulled.retain(|object| object["type"] != "x-mitre-collection");
    pulled.truncate(3_000);
    let bundle =
        json!({"type": "bundle", "id": "bundle--5a3e0b1c-0f2d-4c7a-8a3e-4b1f7f1d2c3b", "objects": pulled});
    std::fs::write(&file, bundle.to_string()).unwrap();
    let validator = python.with_file_name("stix2_validator");
    let output = Command::new(validator)
        .args(["--version", "2.1"])
        .arg(&file)
        .output()
        .await
        .unwrap();
    assert!(
        told(&output).contains("[+] STIX JSON: Valid"),
        "{}",
        told(&output)
    );
}
