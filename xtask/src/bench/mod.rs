//! `cargo xtask bench NAME`: measurements. One file a benchmark, and one line in [`BENCHMARKS`].

use anyhow::{Result, bail};

/// A benchmark: its name, what it measures, and the function that runs it with the remaining arguments.
type Benchmark = (&'static str, &'static str, fn(&[String]) -> Result<()>);

const BENCHMARKS: &[Benchmark] = &[];

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
