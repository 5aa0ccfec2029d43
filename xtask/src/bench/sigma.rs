//! `cargo xtask bench sigma`: SigmaHQ's Windows rules over real Windows event logs, from files to findings.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use super::measure::best;
use super::{perisai, shared};

/// Records in `../shared/data/evtx`.
const RECORDS: f64 = 8_255.0;
/// How many copies the large run has; the difference to one copy is what the events cost.
const COPIES: usize = 5;

/// Runs it.
pub(super) fn bench(arguments: &[String]) -> Result<()> {
    if !arguments.is_empty() {
        bail!("usage: cargo xtask bench sigma");
    }
    let perisai = perisai()?;
    let rules = shared("data/sigma/rules/windows")?;
    let folder = super::folder().join("evtx");
    let logs = shared("data/evtx")?;
    for copy in 1..=COPIES {
        let to = folder.join(copy.to_string());
        if !to.exists() {
            copy_folder(&logs, &to)?;
        }
    }
    let empty = super::folder().join("empty.log");
    fs::write(&empty, "")?;
    let hunt = |copies: usize| {
        let mut command = Command::new(&perisai);
        command.args(["hunt", "--format", "jsonl", "--intel"]).arg(&rules);
        match copies {
            0 => command.arg(&empty),
            _ => command.args((1..=copies).map(|copy| folder.join(copy.to_string()))),
        };
        command
    };
    let load = best(5, || hunt(0))?;
    let one = best(5, || hunt(1))?;
    let many = best(5, || hunt(COPIES))?;
    let events = RECORDS * (COPIES - 1) as f64;
    println!(
        "loading the rules            {:>8.2} s of processor time",
        load.cpu
    );
    println!("one copy, {RECORDS} records      {:>8.2} s", one.cpu);
    println!(
        "{COPIES} copies                     {:>8.2} s, {:.0} MiB",
        many.cpu, many.memory
    );
    println!(
        "events per processor second  {:>8.0} (the slope between them)",
        events / (many.cpu - one.cpu)
    );
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.metadata()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
