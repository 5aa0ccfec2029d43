//! `cargo xtask test`: everything that a change must pass, cheap steps first; the first failed one ends it.

use std::process::Command;

use anyhow::{Result, bail};

use crate::postgres::Postgres;
use crate::run::{Steps, cargo, execute, succeeds};
use crate::venv::Venv;
use crate::{api, docs, tidy, venv};

/// The YARA crate takes minutes to build, so it comes last and alone.
const MOST: &str = "--workspace --exclude perisai-yara";

/// That crate, and those whose code changes with it.
const YARA: &str = "-p perisai-yara -p perisai-app -p perisai-cli --features perisai-cli/yara";

/// What `cargo xtask test` was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Options {
    /// Compare with the reference programs of others (Python packages), and use a real PostgreSQL.
    peers: bool,
}

impl Options {
    pub(crate) fn parse(arguments: &[String]) -> Result<Self> {
        match arguments {
            [] => Ok(Self { peers: true }),
            [one] if one == "--no-peers" => Ok(Self { peers: false }),
            _ => bail!("`test` takes nothing but --no-peers"),
        }
    }
}

/// The programs of others that tests compare with and run against.
#[derive(Default)]
struct Peers {
    venv: Option<Venv>,
    postgres: Option<Postgres>,
}

/// `cargo xtask test`.
pub(crate) fn run(options: Options) -> Result<()> {
    let mut steps = Steps::default();
    run_steps(options, &mut steps)?;
    println!("\n{}", steps.summary());
    Ok(())
}

/// Runs all checks.
fn run_steps(options: Options, steps: &mut Steps) -> Result<()> {
    steps.step("tools", install_tools)?;
    steps.step("fmt", || execute(&mut cargo("fmt --all --check")))?;
    steps.step("tidy", tidy::run)?;
    steps.step("api reference", api::check)?;
    let mut peers = Peers::default();
    if options.peers {
        steps.step("peers", || {
            peers = Peers {
                venv: venv::prepare()?,
                postgres: Some(Postgres::start()?),
            };
            Ok(())
        })?;
    }
    steps.step("clippy", || {
        execute(
            cargo("clippy --all-targets")
                .args(MOST.split(' '))
                .args(["--", "-D", "warnings"]),
        )
    })?;
    steps.step("test", || execute(&mut tests(MOST, &peers)))?;
    steps.step("doc tests", || execute(cargo("test --doc").args(MOST.split(' '))))?;
    steps.step("doc links", || {
        let mut doc = cargo("doc --no-deps --document-private-items");
        execute(doc.args(MOST.split(' ')).env("RUSTDOCFLAGS", "-D warnings"))
    })?;
    steps.step("documents", docs::run)?;
    steps.step("yara clippy", || {
        execute(
            cargo("clippy --all-targets")
                .args(YARA.split(' '))
                .args(["--", "-D", "warnings"]),
        )
    })?;
    steps.step("yara test", || execute(&mut tests(YARA, &peers)))
}

/// rustfmt and clippy are not part of a minimal toolchain.
fn install_tools() -> Result<()> {
    for (tool, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if succeeds(cargo(tool).arg("--version")) {
            continue;
        }
        let mut rustup = Command::new("rustup");
        if !succeeds(Command::new("rustup").arg("--version")) {
            bail!("`cargo {tool}` is missing: install the {component} that belongs to this cargo");
        }
        execute(rustup.args(["component", "add", component]))?;
    }
    Ok(())
}

/// The tests of some packages, by nextest where that is installed.
fn tests(packages: &str, peers: &Peers) -> Command {
    let nextest = succeeds(&mut cargo("nextest --version"));
    let mut command = cargo(if nextest {
        "nextest run --no-fail-fast"
    } else {
        "test --lib --bins --tests --no-fail-fast"
    });
    command.args(packages.split(' '));
    if let Some(venv) = &peers.venv {
        venv.show_to(&mut command);
    }
    if let Some(postgres) = &peers.postgres {
        postgres.show_to(&mut command);
    }
    command
}
