//! Whole inputs through [`read`]: every container, bad input, real logs.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod bad_input;
mod bad_json;
mod chunks;
mod containers;
mod examples;
mod live;
mod shared_data;
mod streams;
mod tars;

use std::io::{Cursor, Read};
use std::ops::ControlFlow;
use std::sync::Arc;

use perisai_events::{Block, Input, Layout, Limits, ReadOptions, Sink, Stream, read};
use perisai_model::{Event, Place, Position, Problem};

/// Keeps all that is found.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) spare: Vec<Vec<u8>>,
    /// Every line or record: its member, position and text.
    pub(crate) items: Vec<(Option<String>, Position, String)>,
    /// Every record of an event log, or line with fields.
    pub(crate) events: Vec<(Position, Event)>,
    pub(crate) problems: Vec<String>,
    pub(crate) blocks: usize,
    pub(crate) largest: usize,
    pub(crate) streams: Vec<String>,
    held: Vec<Arc<Stream>>,
}

impl Sink for Found {
    fn buffer(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    fn stream(&mut self, stream: &Arc<Stream>) {
        self.streams.push(stream.place.to_string());
        self.held.push(Arc::clone(stream));
    }

    fn block(&mut self, block: Block) -> ControlFlow<()> {
        self.blocks += 1;
        self.largest = self.largest.max(block.bytes.len());
        let member = block.stream.place.member.as_deref().map(str::to_owned);
        let mut event = Event::default();
        let mut cursor = block.cursor();
        for (position, range) in block.items() {
            assert_eq!(cursor.locate(range.start), Some((position, range.clone())));
            if block.fields(range.clone(), &mut event) {
                self.events.push((position, event.clone()));
            }
            let text = String::from_utf8_lossy(&block.bytes[range]).into_owned();
            self.items.push((member.clone(), position, text));
        }
        if block.layout != Layout::EvtxChunk {
            let begun = block.items().count() as u64 - u64::from(block.continues && !block.bytes.is_empty());
            assert_eq!(block.count, begun);
        }
        let (events, problems) = (&mut self.events, &mut self.problems);
        block.each_event(
            &mut event,
            &mut |position, event| events.push((position, event.clone())),
            &mut |problem| problems.push(problem.to_string()),
        );
        self.spare.push(block.bytes);
        ControlFlow::Continue(())
    }

    fn problem(&mut self, problem: Problem) {
        self.problems.push(problem.to_string());
    }
}

impl Found {
    /// All that is told once a stream has been searched.
    fn finish(mut self) -> Self {
        let problems = self.held.iter().flat_map(|stream| stream.take_problems());
        self.problems.extend(problems.map(|problem| problem.to_string()));
        self
    }

    /// The texts of all lines or records.
    pub(crate) fn texts(&self) -> Vec<&str> {
        self.items.iter().map(|(_, _, text)| text.as_str()).collect()
    }
}

/// Small blocks, so that small inputs have many.
pub(crate) fn small() -> ReadOptions {
    ReadOptions {
        limits: Limits {
            block: 256,
            line: 1024,
            ..Limits::default()
        },
        ..ReadOptions::default()
    }
}

/// Reads bytes as a file.
pub(crate) fn file(bytes: &[u8], options: &ReadOptions) -> Found {
    let mut found = Found::default();
    let mut reader = Cursor::new(bytes);
    let modified = Some("2026-03-01T00:00:00Z".parse().unwrap());
    read(
        Place::file("f"),
        modified,
        Input::Seekable(&mut reader),
        options,
        &mut found,
    );
    found.finish()
}

/// Reads bytes as standard input, in odd pieces.
pub(crate) fn stream(bytes: &[u8], options: &ReadOptions) -> Found {
    let mut found = Found::default();
    let mut reader = Dribble(bytes);
    let modified = Some("2026-03-01T00:00:00Z".parse().unwrap());
    read(
        Place::file("f"),
        modified,
        Input::Stream(&mut reader),
        options,
        &mut found,
    );
    found.finish()
}

struct Dribble<'a>(&'a [u8]);

impl Read for Dribble<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let length = buf.len().min(7);
        self.0.read(&mut buf[..length])
    }
}
