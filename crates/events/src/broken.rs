//! Records of a JSON stream that are no JSON, and records with too many fields: counted where they are met, on any
//! thread, and told once a stream.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use perisai_model::{Event, Place, Position, Problem};

use crate::block::{Block, Layout};
use crate::format::{FIELDS, utf8};
use crate::json::{self, flat};

/// What is no JSON in one stream.
#[derive(Debug, Default)]
pub(crate) struct Broken {
    count: AtomicU64,
    first: Mutex<Option<First>>,
    /// Some record has more fields than are read.
    cut: AtomicBool,
}

/// The first that was met, in the order of the stream.
#[derive(Debug)]
struct First {
    /// The block's first number, and the offset in the block: cheap to compare.
    order: (u64, usize),
    position: Position,
    why: String,
}

impl Broken {
    /// Takes an item of a block whose fields could not be read. One that does not begin and end as an object is none
    /// that claims to be JSON, or is told while the stream is read.
    pub(crate) fn take(&self, block: &Block, item: Range<usize>) {
        let bytes = block.bytes[item.clone()].trim_ascii();
        if !looks_whole(bytes) {
            return;
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        let order = (block.first, item.start);
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        // Items of a block are mostly read in order, so its lines are counted once, not for each item.
        if first.as_ref().is_none_or(|first| order < first.order) {
            *first = Some(First {
                order,
                position: position(block, item.start),
                why: why(bytes),
            });
        }
    }

    /// Looks whether a record has as many fields as are read. How many do is not counted: one may be read again.
    pub(crate) fn look(&self, event: &Event) {
        if event.iter().len() >= FIELDS {
            self.cut.store(true, Ordering::Relaxed);
        }
    }

    /// What is to be told, once all blocks have been searched; it starts anew.
    pub(crate) fn problems(&self, place: &Place) -> Vec<Problem> {
        let cut = self.cut.swap(false, Ordering::Relaxed).then(|| {
            let why = format!("has records of {FIELDS} fields or more: rules do not see those beyond");
            Problem::new(place.clone(), why)
        });
        self.no_json(place).into_iter().chain(cut).collect()
    }

    fn no_json(&self, place: &Place) -> Option<Problem> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let count = self.count.swap(0, Ordering::Relaxed);
        let place = Place {
            position: Some(first.position),
            ..place.clone()
        };
        let why = format!("no JSON ({}): searched as text", first.why);
        Some(Problem::new(place, and_more(why, count)))
    }
}

/// Adds how many more there are of what is told of the first.
pub(crate) fn and_more(why: String, count: u64) -> String {
    match count {
        0 | 1 => why,
        _ => format!("{why}; and {} more records of this file are not JSON", count - 1),
    }
}

/// Whether bytes begin and end as a JSON object does, or begin as lists in lists that nest too deep.
fn looks_whole(bytes: &[u8]) -> bool {
    bytes.starts_with(b"{") && bytes.ends_with(b"}") || json::nests(bytes)
}

fn position(block: &Block, offset: usize) -> Position {
    match &block.layout {
        Layout::Records(ranges) => {
            let before = ranges.partition_point(|range| range.start < offset);
            Position::Record(block.first + before as u64)
        }
        _ => {
            let before = memchr::memchr_iter(b'\n', &block.bytes[..offset]).count();
            Position::Line(block.first + before as u64)
        }
    }
}

fn why(bytes: &[u8]) -> String {
    match flat::read(&utf8(bytes), &mut Event::default()) {
        Ok(()) => "not an object".to_owned(),
        Err(error) => {
            let text = error.to_string();
            let what = text.rsplit_once(" at line ").map_or(&*text, |(what, _)| what);
            match error.line() {
                0 | 1 => format!("column {}: {what}", error.column()),
                line => format!("line {line} of the record, column {}: {what}", error.column()),
            }
        }
    }
}
