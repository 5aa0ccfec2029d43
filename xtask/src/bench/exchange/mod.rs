//! `cargo xtask bench exchange`: a node takes in indicators over HTTP, gives them out in pages and finds them, beside
//! medallion and OpenTAXII.

mod client;
mod load;
mod peers;
mod process;
mod sample;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use self::client::{Accept, Client, Server};
use self::load::{Part, Target, Times};
use self::process::Process;
use self::sample::{ENVELOPE, makers, mixed, rare_word_of, value_of};

/// How many objects, where nothing is said.
const OBJECTS: u64 = 1_000_000;

/// What others are compared with: the cost of an object while there are so few.
const FEW: u64 = 10_000;

/// How many objects are taken in between two lines of the table.
const STEP: u64 = 100_000;

/// On how many new nodes the cost of few is measured: a single one takes so little that the clock is too coarse.
const NODES: u64 = 5;

/// Over how many connections.
const CONNECTIONS: usize = 4;

/// How often each search is asked.
const SEARCHES: u64 = 200;

/// For all that a node is asked to do, there is no limit.
const WHOLE: Duration = Duration::from_secs(100_000);

/// Runs it. `--objects N`: how many (a million); `--no-peers`: not beside others.
pub(super) fn bench(arguments: &[String]) -> Result<()> {
    let (mut objects, mut with_peers) = (OBJECTS, true);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match (&**argument, rest.as_slice()) {
            ("--objects", [number, ..]) => {
                objects = number
                    .replace(['_', ','], "")
                    .parse()
                    .context("--objects takes a number")?;
                rest.next();
            }
            ("--no-peers", _) => with_peers = false,
            _ => bail!("usage: cargo xtask bench exchange [--objects N] [--no-peers]"),
        }
    }
    objects = objects.max(FEW).next_multiple_of(ENVELOPE);
    let binary = super::perisai()?;
    let folder = super::folder().join("exchange");
    println!(
        "{CONNECTIONS} connections, envelopes of {ENVELOPE} indicators of {} bytes; SQLite\n",
        sample::envelope(0).len() as u64 / ENVELOPE
    );
    let few = few(&binary, &folder)?;
    let node = node(&binary, &folder.join("node"))?;
    take_in(&node, objects, &few)?;
    give_out(&node)?;
    search(&node, objects)?;
    println!(
        "\non disk: {:.0} bytes an object",
        on_disk(&folder)? as f64 / objects as f64
    );
    drop(node);
    if with_peers {
        peers::run(&folder)?;
    }
    fs::remove_dir_all(&folder).context("cannot remove what was measured")
}

/// A new node, with one collection and the makers of all objects.
fn node(binary: &Path, folder: &PathBuf) -> Result<Target> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let mut command = Command::new(binary);
    command
        .args(["serve", "--plain", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder);
    let mut process = Process::start(command.env("PERISAI_LOG", "warn").stdout(Stdio::piped()))?;
    let out = process.child().stdout.take().context("the output of the node")?;
    let (mut at, mut token) = (None, None);
    for line in BufReader::new(out).lines() {
        let line = line?;
        if let Some(url) = line.strip_prefix("Listening on http://") {
            at = url.split('/').next().and_then(|at| at.parse().ok());
        }
        if let Some((_, told)) = line.split_once("shown this once: ") {
            token = Some(told.to_owned());
            break;
        }
    }
    let server = Server {
        at: at.context("the node does not say where it listens")?,
        authorization: format!("Bearer {}", token.context("the node tells no token")?),
    };
    let mut client = Client::new(&server);
    let new = br#"{"title": "Bench", "alias": "bench"}"#;
    client.post("/api/collections", Accept::Json, new)?.good()?;
    let target = Target {
        process,
        server,
        collection: "/taxii2/api/collections/bench/".to_owned(),
        connections: CONNECTIONS,
    };
    let path = format!("{}objects/", target.collection);
    client.post(&path, Accept::Taxii, makers().as_bytes())?.good()?;
    target.process.at_rest()?;
    Ok(target)
}

/// What few objects cost in a new node.
fn few(binary: &Path, folder: &Path) -> Result<Part> {
    let mut all = Part::default();
    for _ in 0..NODES {
        let node = node(binary, &folder.join("few"))?;
        let part = node.take_in(0, FEW, WHOLE)?;
        all = Part {
            objects: all.objects + part.objects,
            wall: all.wall + part.wall,
            cpu: all.cpu + part.cpu,
        };
    }
    Ok(all)
}

fn take_in(node: &Target, objects: u64, few: &Part) -> Result<()> {
    println!("taken in             objects/s  per CPU s  us CPU each  ratio  resident  peak");
    let line = |from: u64, to: u64, part: &Part| {
        let memory = node.process.memory();
        println!(
            "{:>9}..{:<9} {:>9.0} {:>10.0} {:>12.1} {:>6.2} {:>5.0} MiB {:>4.0} MiB",
            from,
            to,
            part.per_second(),
            part.per_cpu_second(),
            part.each(),
            part.each() / few.each(),
            memory.now,
            memory.peak
        );
    };
    line(0, FEW, few);
    let (mut from, mut all) = (0, Part::default());
    while from < objects {
        let to = if from == 0 { FEW } else { (from / STEP + 1) * STEP }.min(objects);
        let part = node.take_in(from, to, WHOLE)?;
        ensure!(
            part.objects == to - from,
            "{} of {} objects",
            part.objects,
            to - from
        );
        if from > 0 {
            line(from, to, &part);
        }
        all = Part {
            objects: all.objects + part.objects,
            wall: all.wall + part.wall,
            cpu: all.cpu + part.cpu,
        };
        from = to;
    }
    line(0, objects, &all);
    println!("(each line is without the waiting for the search index, whose work its CPU time holds)");
    Ok(())
}

fn give_out(node: &Target) -> Result<()> {
    let (part, times) = node.give_out(WHOLE)?;
    println!(
        "\ngiven out in pages of 1,000: {:.0} objects/s, {:.0} per CPU s; a page: median {:.1} ms, p99 {:.1} ms, \
         worst {:.1} ms; peak {:.0} MiB",
        part.per_second(),
        part.per_cpu_second(),
        times.share(50),
        times.share(99),
        times.share(100),
        node.process.memory().peak
    );
    Ok(())
}

/// A search: what it is called, and its query for a number.
type Asked = (&'static str, fn(u64) -> String);

const ASKED: &[Asked] = &[
    ("by value", |number| {
        format!(
            "value={}",
            value_of(number).replace(':', "%3A").replace('/', "%2F")
        )
    }),
    ("by value, filtered", |number| {
        let value = value_of(number).replace(':', "%3A").replace('/', "%2F");
        format!("value={value}&type=indicator&live=true&tlp=clear,green")
    }),
    ("by a rare word", |number| {
        format!("text={}", rare_word_of(number))
    }),
    ("by a common word", |_| "text=phishing".to_owned()),
    ("by three words", |number| {
        format!(
            "text=botnet+beacon+{}",
            ["panel", "mail", "kit", "proxy"][number as usize % 4]
        )
    }),
    ("by words, filtered", |_| {
        "text=stealer+banks&type=indicator&label=stealer&kind=domain&live=true".to_owned()
    }),
    ("by label and time", |_| {
        "label=loader&since=2026-01-01T00:00:00Z&tlp=clear".to_owned()
    }),
    ("for what is not there", |number| {
        format!("text=phishing+{}", rare_word_of(u64::MAX - number))
    }),
    ("everything", |_| "limit=100".to_owned()),
];

fn search(node: &Target, objects: u64) -> Result<()> {
    println!("\nsearches, 100 objects a page    median    p99     worst");
    let mut client = Client::new(&node.server);
    for (what, query) in ASKED {
        let (mut times, mut found) = (Vec::new(), 0);
        for number in 0..SEARCHES {
            let path = format!("/api/objects?{}", query(mixed(number) % objects));
            let asked = Instant::now();
            let answer = client.get(&path, Accept::Json)?;
            times.push(asked.elapsed());
            found += answer.good()?.matches("\"received\":").count();
        }
        let times = Times::of(times);
        println!(
            "{what:<28} {:>6.1} ms {:>5.1} ms {:>6.1} ms   {:>5.1} found each",
            times.share(50),
            times.share(99),
            times.share(100),
            found as f64 / SEARCHES as f64
        );
    }
    Ok(())
}

fn on_disk(folder: &Path) -> Result<u64> {
    super::measure::bytes_under(&folder.join("node"))
}
