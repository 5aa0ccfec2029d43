//! What is asked of every server alike: to take objects in, and to give them out.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};

use super::client::{Accept, Client, Server};
use super::process::Process;
use super::sample::{ENVELOPE, envelope};

/// A server with a collection of TAXII.
pub(super) struct Target {
    pub(super) process: Process,
    pub(super) server: Server,
    /// The path of the collection, with a `/` at its end.
    pub(super) collection: String,
    /// Over how many connections it is sent to.
    pub(super) connections: usize,
}

/// What a part took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Part {
    pub(super) objects: u64,
    /// Seconds by the clock.
    pub(super) wall: f64,
    /// Processor seconds of the server.
    pub(super) cpu: f64,
}

impl Part {
    pub(super) fn per_second(&self) -> f64 {
        self.objects as f64 / self.wall
    }

    pub(super) fn per_cpu_second(&self) -> f64 {
        self.objects as f64 / self.cpu
    }

    /// Microseconds of the processor for each object.
    pub(super) fn each(&self) -> f64 {
        self.cpu / self.objects as f64 * 1e6
    }
}

/// Times of many requests, sorted.
pub(super) struct Times(Vec<Duration>);

impl Times {
    pub(super) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// The time that so many of a hundred did not pass, in milliseconds.
    pub(super) fn share(&self, hundredths: usize) -> f64 {
        let at = (self.0.len() * hundredths / 100).min(self.0.len().saturating_sub(1));
        self.0.get(at).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    }
}

impl Target {
    /// Sends envelopes from a number on, until there are so many objects or the time is over, and waits until the server
    /// has done all that this brings with it. The clock stops when the last was confirmed.
    pub(super) fn take_in(&self, from: u64, to: u64, limit: Duration) -> Result<Part> {
        let path = format!("{}objects/", self.collection);
        let (next, taken) = (AtomicU64::new(from), AtomicU64::new(0));
        let (cpu, started) = (self.process.cpu()?, Instant::now());
        let send = || -> Result<()> {
            let mut client = Client::new(&self.server);
            while started.elapsed() < limit {
                let at = next.fetch_add(ENVELOPE, Ordering::Relaxed);
                if at >= to {
                    break;
                }
                let told = client
                    .post(&path, Accept::Taxii, envelope(at).as_bytes())?
                    .good()?;
                let good = successes(&told).with_context(|| format!("no status: {told:.200}"))?;
                ensure!(
                    good == ENVELOPE,
                    "{good} of {ENVELOPE} objects were taken in: {told:.300}"
                );
                taken.fetch_add(good, Ordering::Relaxed);
            }
            Ok(())
        };
        thread::scope(|scope| {
            let all: Vec<_> = (0..self.connections).map(|_| scope.spawn(send)).collect();
            let mut ends = all
                .into_iter()
                .map(|one| one.join().map_err(|_| anyhow!("a sender panicked"))?);
            ends.try_for_each(|end| end)
        })?;
        let wall = started.elapsed().as_secs_f64();
        Ok(Part {
            objects: taken.into_inner(),
            wall,
            cpu: self.process.at_rest()? - cpu,
        })
    }

    /// Reads the collection in pages of 1,000 from its beginning, until it ends or the time is over.
    pub(super) fn give_out(&self, limit: Duration) -> Result<(Part, Times)> {
        let mut client = Client::new(&self.server);
        let (cpu, started) = (self.process.cpu()?, Instant::now());
        let (mut objects, mut times, mut next) = (0, Vec::new(), String::new());
        loop {
            let path = format!("{}objects/?limit=1000{next}", self.collection);
            let asked = Instant::now();
            let page = client.get(&path, Accept::Taxii)?.good()?;
            times.push(asked.elapsed());
            objects += page.matches("\"created\":").count() as u64;
            match cursor(&page) {
                Some(cursor) if started.elapsed() < limit => next = format!("&next={cursor}"),
                _ => break,
            }
        }
        let part = Part {
            objects,
            wall: times.iter().sum::<Duration>().as_secs_f64(),
            cpu: self.process.cpu()? - cpu,
        };
        Ok((part, Times::of(times)))
    }
}

/// The successes that a status tells of. The whole of it is a list of thousands, and is not read.
fn successes(status: &str) -> Option<u64> {
    let (_, behind) = status.split_once("\"success_count\":")?;
    let end = behind.find([',', '}'])?;
    behind[..end].trim().parse().ok()
}

/// What stands for the next page, at the beginning of an envelope or at its end.
fn cursor(page: &str) -> Option<&str> {
    let (before, after) = (page.find("\"objects\":")?, page.rfind(']')?);
    let outside = [&page[..before], &page[after..]];
    outside.into_iter().find_map(|text| {
        let (_, behind) = text.split_once("\"next\":")?;
        behind.trim_start().strip_prefix('"')?.split('"').next()
    })
}
