//! Records → blocks, for formats whose records are not lines: JSON values, XML events.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use perisai_model::Problem;

use super::pieces::{Piece, Pieces, boundary};
use crate::block::{Block, Layout, Stream};
use crate::container::{Filled, Peeked};
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
    let mut pieces = Pieces::new(walk, reader, longest);
    let mut records = Vec::new();
    loop {
        let Piece {
            mut bytes,
            is_longest,
            is_full,
            state,
            ..
        } = pieces.next(walk, reader);
        splitter.scan(&bytes, &mut records);
        let end = matches!(state, Filled::Ended(_));
        if !end && records.is_empty() && !(is_longest && is_full) {
            pieces.keep_all(bytes);
            continue;
        }
        let at = match records.last() {
            _ if end => bytes.len(),
            Some(last) => last.end,
            None => boundary(&bytes),
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
        pieces.keep(&mut bytes, at);
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The records of a text that comes in pieces of a length.
    pub(crate) fn split(splitter: &mut dyn Splitter, text: &str, piece: usize) -> Vec<String> {
        let bytes = text.as_bytes();
        let mut found = Vec::new();
        let mut start = 0;
        for end in (piece..bytes.len()).step_by(piece).chain([bytes.len()]) {
            let mut records = Vec::new();
            splitter.scan(&bytes[start..end], &mut records);
            found.extend(
                records
                    .iter()
                    .map(|range| text[start..][range.clone()].to_owned()),
            );
            if let Some(last) = records.last() {
                splitter.rebase(last.end);
                start += last.end;
            }
        }
        found
    }
}
