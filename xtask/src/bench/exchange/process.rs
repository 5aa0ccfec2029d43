//! A server that runs: what it takes of the processor and of memory, its children counted.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::bench::measure::TICKS;

/// How long a server may take to start.
const START: Duration = Duration::from_secs(60);

/// A running server, which ends with this.
pub(super) struct Process(Child);

/// Resident memory in MiB.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Memory {
    pub(super) now: f64,
    /// The most there was; of several processes the sum of each one's most.
    pub(super) peak: f64,
}

impl Drop for Process {
    fn drop(&mut self) {
        // Children of their own end with who started them.
        let asked = Command::new("kill").arg(self.0.id().to_string()).status();
        let deadline = Instant::now() + Duration::from_secs(20);
        while asked.is_ok() && Instant::now() < deadline {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// Starts a server; what it writes is thrown away, but for a pipe that was asked for.
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn();
        let name = command.get_program().display().to_string();
        Ok(Self(child.with_context(|| format!("{name} does not start"))?))
    }

    pub(super) fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Waits until it listens.
    pub(super) fn listens(&mut self, at: SocketAddr) -> Result<()> {
        let started = Instant::now();
        while TcpStream::connect(at).is_err() {
            if let Some(status) = self.0.try_wait()? {
                bail!("the server ended with {status}");
            }
            ensure!(started.elapsed() < START, "the server does not listen");
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Processor seconds so far, in user and system mode.
    pub(super) fn cpu(&self) -> Result<f64> {
        let mut ticks = 0.0;
        for pid in self.pids() {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("the server is gone")?;
            let (_, fields) = stat.rsplit_once(')').context("a process name")?;
            // Fields 14 and 15 of proc(5), counted from 1; the list starts behind the second.
            let times = fields.split_whitespace().skip(11).take(2);
            ticks += times.filter_map(|time| time.parse::<f64>().ok()).sum::<f64>();
        }
        Ok(ticks / TICKS)
    }

    /// Waits until it does nothing any more, and tells its processor seconds then.
    pub(super) fn at_rest(&self) -> Result<f64> {
        let mut before = self.cpu()?;
        let mut quiet = 0;
        while quiet < 4 {
            thread::sleep(Duration::from_millis(250));
            let now = self.cpu()?;
            quiet = if now - before < 0.02 { quiet + 1 } else { 0 };
            before = now;
        }
        Ok(before)
    }

    pub(super) fn memory(&self) -> Memory {
        let mut all = Memory::default();
        for pid in self.pids() {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let mib = |name: &str| {
                let line = status.lines().find_map(|line| line.strip_prefix(name));
                let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
                number
                    .and_then(|number| number.parse::<f64>().ok())
                    .unwrap_or(0.0)
                    / 1024.0
            };
            all.now += mib("VmRSS:");
            all.peak += mib("VmHWM:");
        }
        all
    }

    /// It, and its children.
    fn pids(&self) -> Vec<u32> {
        let own = self.0.id();
        let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
        let children = children.split_whitespace().filter_map(|pid| pid.parse().ok());
        std::iter::once(own).chain(children).collect()
    }
}

/// A port of this machine that nobody has.
pub(super) fn free_port() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
