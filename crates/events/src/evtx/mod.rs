//! Windows event logs (EVTX): a block a chunk, so that one large file uses every core. The file's header is not
//! needed: chunks are found by their own magic, so that a damaged or truncated file gives all that is left of it.

mod chunks;
mod record;
mod repair;

pub(crate) use chunks::read;
pub(crate) use record::each_event;

use crate::format::{Format, PLAIN, Spec};

/// The size of a chunk.
const CHUNK: usize = 64 << 10;
/// Where in a chunk its records begin.
const RECORDS: usize = 512;
/// The size of the file's header, and where the first chunk stands.
const HEADER: usize = 4096;
/// Where in the header the number of chunks stands, in little-endian order.
const CHUNKS: std::ops::Range<usize> = 42..44;
/// How a chunk begins.
const MAGIC: &[u8; 8] = b"ElfChnk\0";

const EVTX: Format = Format(&Spec {
    name: "evtx",
    ..PLAIN
});

/// Whether this is an EVTX file, or what is left of one.
pub(crate) fn detect(head: &[u8]) -> bool {
    head.starts_with(b"ElfFile\0")
        || head.starts_with(MAGIC)
        || head.get(HEADER..).is_some_and(|rest| rest.starts_with(MAGIC))
}
