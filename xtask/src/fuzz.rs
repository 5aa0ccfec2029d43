//! `cargo xtask fuzz`: each fuzz target for a while, with the examples as seeds.
//!
//! The targets lie in `fuzz/`, outside the workspace. libFuzzer needs instrumentation that stable Rust offers only
//! with `RUSTC_BOOTSTRAP=1`.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::{cargo, execute, root, succeeds};

/// What `cargo xtask fuzz` was asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// One target; `None`: each in turn.
    target: Option<String>,
    /// How long each runs.
    seconds: u64,
}

impl Options {
    pub(crate) fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self {
            target: None,
            seconds: 60,
        };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--seconds" => {
                    let value = rest.next().context("--seconds takes a number")?;
                    options.seconds = value
                        .parse()
                        .with_context(|| format!("`{value}` is no number of seconds"))?;
                }
                name if !name.starts_with('-') && options.target.is_none() => {
                    options.target = Some(name.to_owned());
                }
                other => bail!("`fuzz` does not take `{other}`"),
            }
        }
        Ok(options)
    }
}

/// Fuzzes; an error at the first target that fails.
pub(crate) fn run(options: &Options) -> Result<()> {
    let all = targets()?;
    let chosen = match &options.target {
        Some(name) if all.contains(name) => vec![name.clone()],
        Some(name) => bail!("no fuzz target `{name}`; there are: {}", all.join(", ")),
        None => all,
    };
    install()?;
    for target in &chosen {
        println!("\n== {target}, {} s", options.seconds);
        fuzz(target, options.seconds).with_context(|| format!("target `{target}`"))?;
    }
    println!("\nNo target failed: {}.", chosen.join(", "));
    Ok(())
}

fn fuzz(target: &str, seconds: u64) -> Result<()> {
    let root = root();
    let corpus = root.join("fuzz/corpus").join(target);
    fs::create_dir_all(&corpus).with_context(|| format!("cannot make {}", corpus.display()))?;
    let mut command = command();
    command.args(["run", target]).arg(&corpus);
    // What a fuzzer finds is kept in the first folder; the others are only read.
    command
        .arg(root.join("examples/logs"))
        .arg(root.join("examples/intel"));
    command.arg("--").arg(format!("-max_total_time={seconds}"));
    command.args([
        "-timeout=20",
        "-rss_limit_mb=2048",
        "-max_len=65536",
        "-print_final_stats=1",
    ]);
    execute(&mut command)
}

/// The targets' names: the files of `fuzz/fuzz_targets`.
fn targets() -> Result<Vec<String>> {
    let folder = root().join("fuzz/fuzz_targets");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}

fn install() -> Result<()> {
    if succeeds(&mut cargo("fuzz --version")) {
        return Ok(());
    }
    println!("== installing cargo-fuzz");
    execute(&mut cargo("install cargo-fuzz --locked"))
}

fn command() -> Command {
    let mut command = cargo("fuzz");
    command.env("RUSTC_BOOTSTRAP", "1");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        let check = |text: &str, expected: Option<(Option<&str>, u64)>| {
            let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            let found = Options::parse(&words).ok();
            let expected = expected.map(|(target, seconds)| Options {
                target: target.map(str::to_owned),
                seconds,
            });
            assert_eq!(found, expected, "{text}");
        };
        check("", Some((None, 60)));
        check("sigma --seconds 5", Some((Some("sigma"), 5)));
        check("--seconds 5", Some((None, 5)));
        check("--seconds", None);
        check("--seconds soon", None);
        check("a b", None);
        check("--jobs", None);
    }
}
