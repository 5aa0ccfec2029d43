//! Lines → blocks. The hot path: a block costs one read and one count of its newlines, no more.

use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;

use perisai_model::Problem;

use super::cut;
use crate::block::{Block, Layout, Stream};
use crate::container::fill;
use crate::read::{Walk, explain};

/// Cuts a stream into blocks of whole lines.
pub(super) fn read(
    walk: &mut Walk<'_>,
    stream: Arc<Stream>,
    binary: bool,
    reader: &mut dyn Read,
) -> ControlFlow<()> {
    let limits = &walk.options.limits;
    // A "line" of a binary file is no more than what the newlines in it happen to make.
    let longest = if binary {
        limits.block
    } else {
        limits.line.max(limits.block)
    };
    let mut cutter = Cutter {
        stream,
        line: 1,
        continues: false,
        told: binary,
    };
    let mut carry: Vec<u8> = Vec::new();
    loop {
        let mut bytes = walk.sink.buffer();
        let room = limits
            .block
            .max(carry.len() * 2)
            .min(longest.max(carry.len() + 1));
        bytes.resize(room, 0);
        bytes[..carry.len()].copy_from_slice(&carry);
        let (length, error) = fill(reader, &mut bytes, carry.len());
        let end = length < room;
        bytes.truncate(length);
        if end {
            if length > 0 {
                cutter.emit(walk, bytes, false)?;
            }
            if let Some(error) = error {
                let place = cutter.stream.place.line(cutter.line);
                walk.sink.problem(Problem::new(place, explain(&error)));
            }
            return ControlFlow::Continue(());
        }
        let (at, split) = match memchr::memrchr(b'\n', &bytes[carry.len()..]) {
            Some(at) => (carry.len() + at + 1, false),
            None if room < longest => {
                carry = bytes;
                continue;
            }
            None => (cut::boundary(&bytes), true),
        };
        carry.clear();
        carry.extend_from_slice(&bytes[at..]);
        bytes.truncate(at);
        cutter.emit(walk, bytes, split)?;
    }
}

struct Cutter {
    stream: Arc<Stream>,
    /// The number of the next line.
    line: u64,
    /// The next block goes on with a line begun before.
    continues: bool,
    /// The line that is too long has been told.
    told: bool,
}

impl Cutter {
    /// Gives one block; `split` where its last line goes on in the next.
    fn emit(&mut self, walk: &mut Walk<'_>, bytes: Vec<u8>, split: bool) -> ControlFlow<()> {
        let newlines = memchr::memchr_iter(b'\n', &bytes).count() as u64;
        let ends = bytes.last() == Some(&b'\n');
        if split && !self.told {
            let why = format!("a line of more than {} bytes: searched in pieces", bytes.len());
            walk.sink
                .problem(Problem::new(self.stream.place.line(self.line + newlines), why));
        }
        let block = Block {
            stream: Arc::clone(&self.stream),
            first: self.line,
            count: newlines + u64::from(!ends) - u64::from(self.continues),
            layout: Layout::Lines,
            continues: self.continues,
            bytes,
        };
        self.line += newlines;
        self.continues = split;
        walk.sink.block(block)
    }
}
