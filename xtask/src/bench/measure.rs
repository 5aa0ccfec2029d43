//! Runs a program and says what it took.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use std::{fs, io};

use anyhow::{Context, Result, ensure};

/// What a run took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cost {
    /// Processor seconds of all its threads, in user and system mode.
    pub(super) cpu: f64,
    /// Seconds by the clock on the wall.
    pub(super) wall: f64,
    /// The most memory that was resident, in MiB.
    pub(super) memory: f64,
}

/// How often the memory of a running program is looked at; the system keeps its peak.
const LOOK: Duration = Duration::from_millis(5);
/// The kernel counts processor time in hundredths of a second for everyone (`USER_HZ`).
pub(super) const TICKS: f64 = 100.0;

/// Runs a command to its end, its output thrown away. An exit code other than 0, 1 (nothing found, for `grep`) and 3
/// (done, with problems) is an error.
pub(super) fn run(command: &mut Command) -> Result<Cost> {
    let (before, start) = (children_cpu()?, Instant::now());
    // Not `/dev/null`: where its output goes there, grep stops at the first line that it finds.
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("{} does not start", command.get_program().display()))?;
    let mut output = child.stdout.take().context("the output of the child")?;
    let drain = thread::spawn(move || io::copy(&mut output, &mut io::sink()));
    let memory = watch(&mut child)?;
    let _ = drain.join();
    let status = child.wait()?;
    ensure!(
        matches!(status.code(), Some(0 | 1 | 3)),
        "{command:?} ended with {status}"
    );
    Ok(Cost {
        cpu: children_cpu()? - before,
        wall: start.elapsed().as_secs_f64(),
        memory,
    })
}

/// The best of several runs: what the program takes when nothing disturbs it.
pub(super) fn best(times: usize, mut command: impl FnMut() -> Command) -> Result<Cost> {
    let mut best = run(&mut command())?;
    for _ in 1..times {
        let cost = run(&mut command())?;
        best = Cost {
            memory: best.memory.max(cost.memory),
            ..if cost.cpu < best.cpu { cost } else { best }
        };
    }
    Ok(best)
}

/// Waits for the end, and gives the peak of resident memory in MiB.
fn watch(child: &mut Child) -> Result<f64> {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0.0f64;
    while child.try_wait()?.is_none() {
        if let Some(now) = fs::read_to_string(&status).ok().as_deref().and_then(high_water) {
            peak = peak.max(now);
        }
        thread::sleep(LOOK);
    }
    Ok(peak)
}

fn high_water(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim()
        .strip_suffix(" kB")?
        .parse::<f64>()
        .ok()
        .map(|kib| kib / 1024.0)
}

/// Processor seconds of all children that have ended.
fn children_cpu() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat").context("benchmarks need Linux")?;
    let fields = stat
        .rsplit_once(')')
        .context("a process name in /proc/self/stat")?
        .1;
    let field = |at: usize| {
        fields
            .split_whitespace()
            .nth(at)
            .and_then(|text| text.parse::<f64>().ok())
    };
    // Fields 16 and 17 of proc(5), counted from 1; the list starts behind the second.
    let (user, system) = field(13)
        .zip(field(14))
        .context("processor times in /proc/self/stat")?;
    Ok((user + system) / TICKS)
}

/// Where a program is on the path.
pub(super) fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The size of all files under a folder.
pub(super) fn bytes_under(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() {
            bytes_under(&entry.path())?
        } else {
            metadata.len()
        };
    }
    Ok(bytes)
}
