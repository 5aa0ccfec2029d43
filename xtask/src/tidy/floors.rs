//! The floors of ARCHITECTURE.md: a crate may depend only on crates of lower floors, in tests too.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Complaint;
use crate::run::{cargo, root};

/// Every crate of ours and its floor. A crate beside the floors (`xtask`, `fuzz`, `bench`) is not named here and may
/// depend on any, and none may depend on it.
const FLOORS: &[(&str, u8)] = &[
    ("model", 0),
    ("values", 1),
    ("policy", 1),
    ("pattern", 1),
    ("intel", 2),
    ("events", 2),
    ("detect", 2),
    ("yara", 2),
    ("respond", 3),
    ("store", 3),
    ("exchange", 3),
    ("bus", 3),
    ("app", 4),
    ("server", 5),
    ("cli", 6),
];

/// Asks cargo for the workspace's dependencies and checks them.
pub(super) fn check() -> Result<Vec<Complaint>> {
    let output = cargo("metadata --no-deps --format-version 1")
        .output()
        .context("cannot start `cargo metadata`")?;
    if !output.status.success() {
        bail!(
            "`cargo metadata` failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let metadata = serde_json::from_slice(&output.stdout).context("`cargo metadata` wrote no JSON")?;
    Ok(breaches(&metadata, &root()))
}

fn breaches(metadata: &Value, root: &Path) -> Vec<Complaint> {
    let mut found = Vec::new();
    for package in list(metadata, "packages") {
        let name = text(package, "name");
        let manifest = PathBuf::from(text(package, "manifest_path"));
        let manifest = manifest.strip_prefix(root).unwrap_or(&manifest);
        let Some(short) = name.strip_prefix("perisai-") else {
            continue;
        };
        let Some(floor) = floor_of(short) else {
            found.push(Complaint::new(
                manifest,
                None,
                format!("crate `{name}` has no floor in xtask/src/tidy/floors.rs"),
            ));
            continue;
        };
        if manifest != Path::new("crates").join(short).join("Cargo.toml") {
            found.push(Complaint::new(
                manifest,
                None,
                format!("crate `{name}` belongs in crates/{short}"),
            ));
        }
        for dependency in list(package, "dependencies") {
            let why = forbidden(short, floor, text(dependency, "name"));
            let kind = dependency.get("kind").and_then(Value::as_str).unwrap_or("normal");
            found.extend(why.map(|why| Complaint::new(manifest, None, format!("{why} ({kind} dependency)"))));
        }
    }
    found
}

/// Why a crate of a floor may not depend on another; `None` where it may.
fn forbidden(short: &str, floor: u8, dependency: &str) -> Option<String> {
    if dependency == "xtask" {
        return Some(format!(
            "`{short}` depends on xtask, which stands beside the floors"
        ));
    }
    let other = dependency.strip_prefix("perisai-")?;
    let Some(below) = floor_of(other) else {
        return Some(format!("`{short}` depends on `{other}`, which has no floor"));
    };
    let direction = match below.cmp(&floor) {
        std::cmp::Ordering::Less => return None,
        std::cmp::Ordering::Equal => "sideways",
        std::cmp::Ordering::Greater => "up",
    };
    Some(format!(
        "`{short}` (floor {floor}) depends {direction} on `{other}` (floor {below})"
    ))
}

fn floor_of(short: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|(name, _)| *name == short)
        .map(|(_, floor)| *floor)
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges() {
        let check = |from: &str, to: &str, allowed: bool| {
            let floor = floor_of(from).unwrap();
            assert_eq!(forbidden(from, floor, to).is_none(), allowed, "{from} -> {to}");
        };
        check("intel", "perisai-model", true);
        check("intel", "perisai-pattern", true);
        check("intel", "perisai-detect", false);
        check("values", "perisai-pattern", false);
        check("values", "perisai-app", false);
        check("values", "perisai-unheard-of", false);
        check("values", "serde", true);
        check("cli", "xtask", false);
    }

    #[test]
    fn metadata_is_read() {
        let metadata = serde_json::json!({"packages": [
            {"name": "perisai-values", "manifest_path": "/w/crates/values/Cargo.toml", "dependencies": [
                {"name": "perisai-model", "kind": null},
                {"name": "perisai-intel", "kind": "dev"},
            ]},
            {"name": "perisai-new", "manifest_path": "/w/crates/new/Cargo.toml", "dependencies": []},
            {"name": "perisai-cli", "manifest_path": "/w/cli/Cargo.toml", "dependencies": []},
            {"name": "xtask", "manifest_path": "/w/xtask/Cargo.toml", "dependencies": [{"name": "perisai-app"}]},
        ]});
        let lines: Vec<String> = breaches(&metadata, Path::new("/w"))
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            lines,
            [
                "crates/values/Cargo.toml: `values` (floor 1) depends up on `intel` (floor 2) (dev dependency)",
                "crates/new/Cargo.toml: crate `perisai-new` has no floor in xtask/src/tidy/floors.rs",
                "cli/Cargo.toml: crate `perisai-cli` belongs in crates/cli",
            ]
        );
    }
}
