//! Records → blocks, for formats whose records are not lines: JSON values, XML events.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use perisai_model::Problem;

use super::cut;
use crate::block::{Block, Layout, Stream};
use crate::container::{Filled, Peeked, fill_until};
use crate::read::{Walk, explain};

/// Finds the records in bytes that come piece by piece.
pub(crate) trait Splitter {
    /// Goes on through the bytes held, which begin where they began before but for [`rebase`](Self::rebase), and adds
    /// the ranges of the records that end in them.
    fn scan(&mut self, bytes: &[u8], records: &mut Vec<Range<usize>>);

    /// Where a record begins that has not ended yet.
    fn open(&self) -> Option<usize>;

    /// The first `cut` bytes are gone; of a record that began in them the rest is still to be found.
    fn rebase(&mut self, cut: usize);
}

/// Cuts a stream into blocks of whole records.
pub(crate) fn read(
    walk: &mut Walk<'_>,
    stream: Arc<Stream>,
    splitter: &mut dyn Splitter,
    reader: &mut Peeked<'_>,
) -> ControlFlow<()> {
    let limits = &walk.options.limits;
    let longest = limits.line.max(limits.block);
    let mut next = 1;
    let mut continues = false;
    let mut carry: Vec<u8> = Vec::new();
    let mut block = reader.first_room(limits.block);
    let mut records = Vec::new();
    loop {
        let mut bytes = walk.sink.buffer();
        let room = block.max(carry.len() * 2).min(longest.max(carry.len() + 1));
        block = limits.block;
        bytes.resize(room, 0);
        bytes[..carry.len()].copy_from_slice(&carry);
        let (length, state) = fill_until(reader, &mut bytes, carry.len(), walk.quiet);
        bytes.truncate(length);
        splitter.scan(&bytes, &mut records);
        let end = matches!(state, Filled::Ended(_));
        if !end && records.is_empty() && (room < longest || length < room) {
            carry = bytes;
            continue;
        }
        let at = match records.last() {
            _ if end => length,
            Some(last) => last.end,
            None => cut::boundary(&bytes),
        };
        let open = splitter.open().filter(|start| *start < at);
        if let Some(start) = open {
            let whole = !continues || !records.is_empty();
            let place = || {
                stream
                    .place
                    .record(next - u64::from(continues) + records.len() as u64)
            };
            if end {
                walk.sink
                    .problem(Problem::new(place(), "ends in the middle of a record"));
            } else if whole {
                let why = format!("a record of more than {at} bytes: searched in pieces");
                walk.sink.problem(Problem::new(place(), why));
            }
            records.push(start..at);
        } else if records.is_empty() && bytes[..at].iter().any(u8::is_ascii_alphanumeric) {
            // What stands around the records: the head of an export, or its tail, which belongs to the record before
            // it wherever a block ends.
            records.push(0..at);
            continues |= end && next > 1;
        }
        carry.clear();
        carry.extend_from_slice(&bytes[at..]);
        bytes.truncate(at);
        splitter.rebase(at);
        if !records.is_empty() {
            let first = next - u64::from(continues);
            let count = records.len() as u64 - u64::from(continues);
            next += count;
            walk.sink.block(Block {
                stream: Arc::clone(&stream),
                bytes,
                first,
                count,
                layout: Layout::Records(std::mem::take(&mut records)),
                continues: std::mem::replace(&mut continues, open.is_some()),
            })?;
        }
        if let Filled::Ended(error) = state {
            if let Some(error) = error {
                walk.sink
                    .problem(Problem::new(stream.place.record(next), explain(&error)));
            }
            return ControlFlow::Continue(());
        }
    }
}
