//! A Python environment in `target/venv` with the reference programs that tests compare Perisai with.
//!
//! What goes in is what `crates/*/tests/reference/requirements.txt` ask for; it is made anew when one of them changes.
//! Tests find the interpreter in `PERISAI_PYTHON`, and fail instead of skipping where `PERISAI_REQUIRE_PEERS` is set.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::{execute, root, succeeds, target};

/// An environment in which all requirements are installed.
pub(crate) struct Venv {
    folder: PathBuf,
}

impl Venv {
    /// Lets a test run find the environment, and insist on it.
    pub(crate) fn show_to(&self, command: &mut Command) {
        command
            .env("PERISAI_REQUIRE_PEERS", "1")
            .env("PERISAI_PYTHON", self.python());
    }

    fn python(&self) -> PathBuf {
        self.folder.join("bin/python3")
    }
}

/// `cargo xtask peers`: makes the environment, and says how a test run by hand finds it.
pub(crate) fn run() -> Result<()> {
    if let Some(venv) = prepare()? {
        println!(
            "PERISAI_REQUIRE_PEERS=1 PERISAI_PYTHON={}",
            venv.python().display()
        );
    }
    Ok(())
}

/// Makes the environment, or finds that it stands already; `None` where no crate asks for one.
pub(crate) fn prepare() -> Result<Option<Venv>> {
    let requirements = requirements()?;
    if requirements.is_empty() {
        println!("no crate asks for a reference program");
        return Ok(None);
    }
    let folder = target().join("venv");
    let stamp = folder.join("perisai-stamp");
    let wanted = digest(&requirements)?;
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        println!("{} stands already", folder.display());
        return Ok(Some(Venv { folder }));
    }
    create(&folder)?;
    let mut pip = Command::new(folder.join("bin/python3"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    for file in &requirements {
        pip.arg("-r").arg(file);
    }
    execute(&mut pip)
        .context("the reference programs are not installed (`cargo xtask test --no-peers` does without)")?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(Some(Venv { folder }))
}

/// Every crate's list of Python packages, sorted by path.
fn requirements() -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join("crates"))? {
        let file = entry?.path().join("tests/reference/requirements.txt");
        if file.is_file() {
            found.push(file);
        }
    }
    found.sort();
    Ok(found)
}

/// Changes when a list or the interpreter does. Only ever compared with one made by the same build of xtask or a
/// later one: a difference costs no more than a new installation.
fn digest(requirements: &[PathBuf]) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for file in requirements {
        fs::read(file)
            .with_context(|| format!("cannot read {}", file.display()))?
            .hash(&mut hasher);
    }
    let version = Command::new("python3").arg("--version").output();
    version
        .map(|output| output.stdout)
        .unwrap_or_default()
        .hash(&mut hasher);
    Ok(format!("{:016x}", hasher.finish()))
}

/// Makes an empty environment, anew where there is one.
pub(crate) fn create(folder: &Path) -> Result<()> {
    if !can_make_venvs() {
        install_venv_module()?;
    }
    execute(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(folder),
    )
}

/// Debian ships `venv` without the `ensurepip` that it needs.
fn can_make_venvs() -> bool {
    succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"]))
}

fn install_venv_module() -> Result<()> {
    const HOW: &str = "install Python 3 with its venv module (Debian: `apt-get install python3-venv`), \
        or leave the comparisons out with `cargo xtask test --no-peers`";
    let is_root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    if !is_root || !succeeds(Command::new("apt-get").arg("--version")) {
        bail!("the tests compare with Python programs: {HOW}");
    }
    let mut install = Command::new("apt-get");
    install.args([
        "install",
        "--yes",
        "--quiet",
        "--no-install-recommends",
        "python3-venv",
    ]);
    install.env("DEBIAN_FRONTEND", "noninteractive");
    if execute(&mut install).is_err() {
        // A fresh image has no package lists yet.
        execute(Command::new("apt-get").args(["update", "--quiet"]))?;
        execute(&mut install)?;
    }
    if !can_make_venvs() {
        bail!("python3 still makes no environments: {HOW}");
    }
    Ok(())
}
