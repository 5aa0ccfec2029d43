//! A file → its chunks.

use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;

use perisai_model::Problem;

use super::{CHUNK, CHUNKS, EVTX, HEADER, MAGIC};
use crate::block::{Block, Layout, Stream};
use crate::container::fill;
use crate::read::{Member, Walk, explain};

pub(crate) fn read(walk: &mut Walk<'_>, member: &Member, reader: &mut dyn Read) -> ControlFlow<()> {
    let stream = Arc::new(Stream {
        place: member.place.clone(),
        format: EVTX,
        clock: walk.clock(member),
        columns: None,
        broken: Arc::default(),
    });
    walk.sink.stream(&stream);
    let mut header = [0; HEADER];
    let (mut held, mut error) = fill(reader, &mut header, 0);
    let mut carry: Vec<u8> = Vec::new();
    if !header[..held].starts_with(b"ElfFile\0") {
        carry.extend_from_slice(&header[..held]);
        walk.problem(
            member,
            "the header of the event log is damaged: its chunks are read as they stand",
        );
    }
    let expected = expected(&header[..held]);
    let (mut number, mut told) = (1, expected.is_none());
    // In a file that is not damaged every chunk stands where the one before ends, and this copies nothing.
    while error.is_none() {
        let mut bytes = walk.sink.buffer();
        bytes.resize(CHUNK, 0);
        let at = carry.len().min(CHUNK);
        bytes[..at].copy_from_slice(&carry[..at]);
        carry.drain(..at);
        (held, error) = fill(reader, &mut bytes, at);
        bytes.truncate(held);
        if held == 0 {
            break;
        }
        if bytes.starts_with(MAGIC) {
            if held < CHUNK {
                let why = "the last chunk ends too early (truncated): its whole records are searched";
                walk.sink.problem(Problem::new(member.place.clone(), why));
                bytes.resize(CHUNK, 0);
                told = true;
            }
            walk.sink.block(block(&stream, bytes, number))?;
            number += 1;
            continue;
        }
        // Unused room at the end of the file is zeros.
        if bytes.iter().all(|byte| *byte == 0) {
            continue;
        }
        let next = memchr::memmem::find(&bytes, MAGIC).unwrap_or_else(|| tail(&bytes));
        if next < held {
            carry.splice(..0, bytes[next..].iter().copied());
        }
        told = true;
        walk.problem(
            member,
            format!("{next} bytes before chunk {number} are no chunk: searched for records and texts"),
        );
        bytes.truncate(next);
        bytes.resize(CHUNK, 0);
        walk.sink.block(block(&stream, bytes, number))?;
        if held < CHUNK {
            break;
        }
    }
    if let Some(error) = error {
        walk.problem(member, explain(&error));
    } else if let Some(why) = expected
        .filter(|_| !told)
        .and_then(|count| missing(count, number - 1))
    {
        walk.problem(member, why);
    }
    ControlFlow::Continue(())
}

fn block(stream: &Arc<Stream>, bytes: Vec<u8>, number: u64) -> Block {
    Block {
        stream: Arc::clone(stream),
        bytes,
        first: number,
        count: 0,
        layout: Layout::EvtxChunk,
        continues: false,
    }
}

/// How many chunks the header states; one at the least where the header itself is cut off. `None` where it is damaged.
fn expected(header: &[u8]) -> Option<u64> {
    if !header.starts_with(b"ElfFile\0") {
        return None;
    }
    let stated = header.get(CHUNKS).filter(|_| header.len() == HEADER);
    Some(stated.map_or(1, |count| {
        count
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }))
}

/// What to tell of a log with fewer chunks than its header states.
fn missing(expected: u64, found: u64) -> Option<String> {
    match found {
        _ if found >= expected => None,
        0 => Some("ends before its first chunk (truncated): nothing to search".to_owned()),
        _ => Some(format!(
            "ends too early (truncated): {found} of its {expected} chunks are here"
        )),
    }
}

/// Where a magic that is cut off by the end may begin.
fn tail(bytes: &[u8]) -> usize {
    (1..MAGIC.len())
        .rev()
        .find(|length| bytes.ends_with(&MAGIC[..*length]))
        .map_or(bytes.len(), |length| bytes.len() - length)
}
