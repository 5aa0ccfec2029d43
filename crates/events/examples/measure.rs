//! Reads files whole, with the fields of every line or record, and says what that costs:
//! `cargo run --release -p perisai-events --example measure -- [--fields] PATHS`.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::fs::File;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use perisai_events::{Block, Input, Layout, ReadOptions, Sink, read};
use perisai_model::{Event, Place, Problem};

#[derive(Default)]
struct Count {
    fields: bool,
    spare: Vec<Vec<u8>>,
    event: Event,
    bytes: u64,
    items: u64,
    with_fields: u64,
    problems: Vec<Problem>,
}

impl Sink for Count {
    fn buffer(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    fn block(&mut self, block: Block) -> ControlFlow<()> {
        self.bytes += block.bytes.len() as u64;
        self.items += block.count;
        if block.layout == Layout::EvtxChunk {
            let (items, problems) = (&mut self.items, &mut self.problems);
            block.each_event(&mut self.event, &mut |_, _| *items += 1, &mut |problem| {
                problems.push(problem)
            });
        } else if self.fields {
            for (_, range) in block.items() {
                self.with_fields += u64::from(block.fields(range, &mut self.event));
            }
        }
        self.spare.push(block.bytes);
        ControlFlow::Continue(())
    }

    fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }
}

fn main() -> std::io::Result<()> {
    let mut count = Count::default();
    let mut left: Vec<PathBuf> = Vec::new();
    for argument in std::env::args_os().skip(1) {
        if argument == "--fields" {
            count.fields = true;
        } else {
            left.push(argument.into());
        }
    }
    let start = Instant::now();
    let mut files = 0;
    while let Some(path) = left.pop() {
        if path.is_dir() {
            for entry in path.read_dir()? {
                left.push(entry?.path());
            }
            continue;
        }
        let place = Place::file(path.to_string_lossy().into_owned());
        let mut file = File::open(&path)?;
        read(
            place,
            None,
            Input::Seekable(&mut file),
            &ReadOptions::default(),
            &mut count,
        );
        files += 1;
    }
    let took = start.elapsed().as_secs_f64();
    println!(
        "{files} files, {} bytes, {} lines or records ({} with fields), {took:.3} s: {:.0} MB/s, {:.0} items/s",
        count.bytes,
        count.items,
        count.with_fields,
        count.bytes as f64 / 1e6 / took,
        count.items as f64 / took,
    );
    for problem in count.problems.iter().take(20) {
        println!("{problem}");
    }
    println!("{} problems", count.problems.len());
    Ok(())
}
