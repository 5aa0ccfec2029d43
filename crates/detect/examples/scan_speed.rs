//! How fast the scanner is on files that are in memory: `scan_speed LIST FILE…`, without reading or parsing.
#![allow(clippy::print_stdout, missing_docs)]

use std::time::Instant;

use perisai_detect::indicator::Matcher;
use perisai_model::{ContextId, Indicators};

fn main() {
    let mut args = std::env::args().skip(1);
    let list = std::fs::read_to_string(args.next().expect("a list")).expect("a readable list");
    let limit: usize = std::env::var("LIMIT")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(usize::MAX);
    let start = Instant::now();
    let mut indicators = Indicators::default();
    let mut bad = 0;
    for line in list.lines().take(limit) {
        match perisai_values::recognise(line) {
            Some((kind, value)) => indicators.push(kind, &value, ContextId(0)),
            None => bad += 1,
        }
    }
    let parsed = start.elapsed();
    let matcher = Matcher::compile(indicators);
    println!(
        "{} indicators, {bad} refused: {parsed:?} to parse, {:?} in all",
        matcher.len(),
        start.elapsed()
    );
    for path in args {
        let bytes = std::fs::read(&path).expect("a readable file");
        let mut scanner = matcher.scanner();
        let mut hits = Vec::new();
        let mut best = f64::MAX;
        for _ in 0..3 {
            hits.clear();
            let start = Instant::now();
            for block in bytes.chunks(1 << 20) {
                scanner.scan(block, &mut hits);
            }
            best = best.min(start.elapsed().as_secs_f64());
        }
        println!(
            "{path}: {:.0} MB/s, {} hits",
            bytes.len() as f64 / 1e6 / best,
            hits.len()
        );
    }
}
