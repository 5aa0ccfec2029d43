//! `cargo xtask bench NAME`: measurements. One file a benchmark, and one line in [`BENCHMARKS`].

mod exchange;
mod hunt;
mod measure;
mod sigma;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::run;

/// A benchmark: its name, what it measures, and the function that runs it with the remaining arguments.
type Benchmark = (&'static str, &'static str, fn(&[String]) -> Result<()>);

const BENCHMARKS: &[Benchmark] = &[
    (
        "exchange",
        "a node takes in, gives out and finds a million objects: speed, memory, beside medallion and OpenTAXII",
        exchange::bench,
    ),
    (
        "hunt",
        "plain indicators over generated logs: speed, memory, start-up, beside ripgrep and grep",
        hunt::bench,
    ),
    (
        "sigma",
        "SigmaHQ's Windows rules over real event logs: events per processor second",
        sigma::bench,
    ),
];

/// Runs the benchmark that the first argument names.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let wanted = arguments.first().map(String::as_str);
    if let Some((_, _, benchmark)) = BENCHMARKS.iter().find(|(name, _, _)| Some(*name) == wanted) {
        return benchmark(&arguments[1..]);
    }
    println!("cargo xtask bench NAME\n");
    for (name, what, _) in BENCHMARKS {
        println!("  {name:<10} {what}");
    }
    match wanted {
        None => Ok(()),
        Some(other) => bail!("there is no benchmark `{other}`"),
    }
}

/// The release build of the binary, made if need be.
fn perisai() -> Result<PathBuf> {
    run::execute(&mut run::cargo("build --release --quiet --package perisai-cli"))?;
    Ok(run::target().join("release/perisai"))
}

/// A file or folder of the shared data, without which there is nothing to measure on.
fn shared(path: &str) -> Result<PathBuf> {
    let path = run::root().join("../shared").join(path);
    path.canonicalize()
        .with_context(|| format!("benchmarks need {}", path.display()))
}

/// Where benchmarks keep what they make.
fn folder() -> PathBuf {
    run::target().join("bench")
}
