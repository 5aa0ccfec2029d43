//! The same of others: medallion, the reference server of OASIS, with its memory backend, and OpenTAXII with SQLite.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::client::{Accept, Client, Server};
use super::load::{Part, Target};
use super::process::{Process, free_port};
use super::sample::makers;
use crate::run::execute;
use crate::venv;

/// How long each may take in, and give out.
const LIMIT: Duration = Duration::from_secs(30);

/// What is installed.
const PACKAGES: &[&str] = &["medallion==3.0.0", "opentaxii==0.9.3", "gunicorn==23.0.0"];

/// `admin:Password0`, as medallion is told.
const BASIC: &str = "Basic YWRtaW46UGFzc3dvcmQw";

/// Runs OpenTAXII. The ids of its statuses are of a type that it cannot write: without the default it answers 500 to all
/// that it takes in.
const SERVE: &str = "\
import json
json.JSONEncoder.default = lambda self, value: str(value)
from gunicorn.app.wsgiapp import run
run()";

type Start = fn(&Path, &Path) -> Result<Target>;

/// Measures those that can be installed and started; of the others it is said why not.
pub(super) fn run(folder: &Path) -> Result<()> {
    println!("\nothers, {} s each", LIMIT.as_secs());
    let python = match python(folder) {
        Ok(python) => python,
        Err(error) => {
            println!("they cannot be installed: {error:#}");
            return Ok(());
        }
    };
    let all: [(&str, Start); 2] = [
        ("medallion 3.0.0, in memory", medallion),
        ("OpenTAXII 0.9.3, SQLite", opentaxii),
    ];
    for (name, start) in all {
        let measured = start(&python, folder).and_then(|target| measure(name, &target));
        if let Err(error) = measured {
            println!("{name}: {error:#}");
        }
    }
    Ok(())
}

fn measure(name: &str, target: &Target) -> Result<()> {
    let path = format!("{}objects/", target.collection);
    let mut client = Client::new(&target.server);
    client.post(&path, Accept::Taxii, makers().as_bytes())?.good()?;
    let taken = target.take_in(0, u64::MAX, LIMIT)?;
    say(name, "taken in ", &taken);
    let (given, times) = target.give_out(LIMIT)?;
    say(name, "given out", &given);
    println!(
        "{name}: a page of 1,000: median {:.0} ms, worst {:.0} ms; peak {:.0} MiB",
        times.share(50),
        times.share(100),
        target.process.memory().peak
    );
    Ok(())
}

fn say(name: &str, what: &str, part: &Part) {
    println!(
        "{name}: {:>7} objects {what} {:>7.0} a second, {:>7.0} per CPU s",
        part.objects,
        part.per_second(),
        part.per_cpu_second()
    );
}

/// An environment with both, made once.
fn python(folder: &Path) -> Result<PathBuf> {
    let venv = folder.with_file_name("exchange-venv");
    let python = venv.join("bin/python3");
    let stamp = venv.join("perisai-stamp");
    if !fs::read_to_string(&stamp).is_ok_and(|found| found == PACKAGES.join("\n")) {
        venv::create(&venv)?;
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        execute(pip.args(PACKAGES))?;
        fs::write(stamp, PACKAGES.join("\n"))?;
    }
    Ok(python)
}

fn medallion(python: &Path, folder: &Path) -> Result<Target> {
    let at = free_port()?;
    let data = json!({
        "/discovery": {"title": "Bench", "default": format!("http://{at}/api/"), "api_roots": [format!("http://{at}/api/")]},
        "api": {
            "information": {"title": "Bench", "versions": ["application/taxii+json;version=2.1"], "max_content_length": 104_857_600},
            "status": [],
            "collections": [{
                "id": "91a7b528-80eb-42ed-a74d-c6fbd5a26116", "title": "Bench", "can_read": true, "can_write": true,
                "media_types": ["application/stix+json;version=2.1"], "objects": [], "manifest": [],
            }],
        },
    });
    let data_file = folder.join("medallion-data.json");
    fs::write(&data_file, data.to_string())?;
    let config = json!({
        "backend": {"module": "medallion.backends.memory_backend", "module_class": "MemoryBackend", "filename": data_file},
        "users": {"admin": "Password0"},
        "taxii": {"max_page_size": 1000},
    });
    let config_file = folder.join("medallion.json");
    fs::write(&config_file, config.to_string())?;
    let mut command = Command::new(python);
    command
        .args(["-c", "from medallion.scripts.run import main; main()", "--port"])
        .arg(at.port().to_string())
        .arg(config_file)
        .stdout(Stdio::null());
    let mut process = Process::start(&mut command)?;
    process.listens(at)?;
    Ok(Target {
        process,
        server: Server {
            at,
            authorization: BASIC.to_owned(),
        },
        collection: "/api/collections/91a7b528-80eb-42ed-a74d-c6fbd5a26116/".to_owned(),
        connections: 1,
    })
}

fn opentaxii(python: &Path, folder: &Path) -> Result<Target> {
    let at = free_port()?;
    let database = |name: &str| {
        let file = folder.join(name);
        let _ = fs::remove_file(&file);
        json!({"db_connection": format!("sqlite:///{}", file.display()), "create_tables": true})
    };
    let mut accounts = database("opentaxii-accounts.db");
    accounts["secret"] = json!("bench");
    // YAML takes JSON.
    let config = json!({
        "domain": at.to_string(),
        "auth_api": {"class": "opentaxii.auth.sqldb.SQLDatabaseAPI", "parameters": accounts},
        "taxii1": null,
        "taxii2": {
            "title": "Bench", "contact": "bench@example.org", "max_content_length": 104_857_600,
            "public_discovery": true, "allow_custom_properties": true,
            "persistence_api": {
                "class": "opentaxii.persistence.sqldb.Taxii2SQLDatabaseAPI",
                "parameters": database("opentaxii.db"),
            },
        },
        "logging": {"opentaxii": "error", "root": "error"},
    });
    let config_file = folder.join("opentaxii.yml");
    fs::write(&config_file, config.to_string())?;
    let program = |name: &str| {
        let mut command = Command::new(python.with_file_name(name));
        command
            .env("OPENTAXII_CONFIG", &config_file)
            .stdout(Stdio::null());
        command
    };
    execute(
        program("opentaxii-add-api-root")
            .args(["-t", "Bench", "--default"])
            .stderr(Stdio::null()),
    )?;
    let mut serve = program("python3");
    serve
        .args(["-c", SERVE, "opentaxii.http:app", "--timeout", "600", "--bind"])
        .arg(at.to_string());
    let mut process = Process::start(&mut serve)?;
    process.listens(at)?;
    let server = Server {
        at,
        authorization: String::new(),
    };
    let discovery = Client::new(&server).get("/taxii2/", Accept::Taxii)?.good()?;
    let discovery: Value = serde_json::from_str(&discovery)?;
    let root = discovery["default"].as_str().context("no API root")?;
    let id = root.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let add = [
        "-t",
        "Bench",
        "-a",
        "bench",
        "--public",
        "--public-write",
        "-r",
        id,
    ];
    execute(
        program("opentaxii-add-collection")
            .args(add)
            .stderr(Stdio::null()),
    )?;
    Ok(Target {
        process,
        server,
        collection: format!("/taxii2/{id}/collections/bench/"),
        connections: 1,
    })
}
