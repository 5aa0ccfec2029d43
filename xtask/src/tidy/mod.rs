//! `cargo xtask tidy`: what no other tool checks of the house style. Every complaint is `file:line: why`.

mod floors;
mod pending;
mod scan;
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::run::root;

/// A breach of a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Complaint {
    /// Relative to the workspace.
    file: PathBuf,
    /// Counted from 1; `None` where the whole file is meant.
    line: Option<usize>,
    why: String,
}

impl Complaint {
    fn new(file: &Path, line: impl Into<Option<usize>>, why: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: line.into(),
            why: why.into(),
        }
    }
}

impl std::fmt::Display for Complaint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.why)
    }
}

/// Checks the workspace.
pub(crate) fn run() -> Result<()> {
    let root = root();
    let files = walk(&root)?;
    let mut complaints = floors::check()?;
    complaints.extend(pending::check(&files));
    let sources: Vec<_> = files
        .iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .map(|file| {
            let text = fs::read_to_string(root.join(file)).with_context(|| format!("{}", file.display()))?;
            Ok((file.clone(), text))
        })
        .collect::<Result<_>>()?;
    complaints.extend(source::check(&sources));
    complaints.sort();
    for complaint in &complaints {
        println!("{complaint}");
    }
    if complaints.is_empty() {
        println!("{} source files are tidy", sources.len());
        return Ok(());
    }
    bail!(
        "{} breaches of the house style (CONTRIBUTING.md)",
        complaints.len()
    )
}

/// Every file of ours, relative to the workspace, sorted.
fn walk(root: &Path) -> Result<Vec<PathBuf>> {
    /// Built, found or fetched things.
    const SKIPPED: &[&str] = &["target", "corpus", "artifacts", "node_modules"];
    let mut folders: Vec<PathBuf> = ["crates", "xtask", "fuzz", "bench"]
        .iter()
        .map(|name| root.join(name))
        .collect();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let entry = entry?;
            let kind = entry.file_type()?;
            let name = entry.file_name();
            if kind.is_dir() && !SKIPPED.iter().any(|skipped| name == *skipped) {
                folders.push(entry.path());
            } else if kind.is_file() {
                let path = entry.path();
                files.push(path.strip_prefix(root).expect("walked from the root").to_owned());
            }
        }
    }
    files.sort();
    Ok(files)
}
