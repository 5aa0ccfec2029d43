//! A text in pieces of the size of a block, and of more where a line or a record is longer.

use crate::container::{Filled, Peeked, fill_until};
use crate::read::Walk;

/// How far back a better place to cut is looked for.
const BACK: usize = 64 << 10;

/// Reads piece by piece; what a piece ends with, and is not whole, is kept for the next.
pub(super) struct Pieces {
    kept: Vec<u8>,
    room: usize,
    longest: usize,
}

/// What was kept, and what follows it.
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    /// How much of it was kept from before.
    pub(super) kept: usize,
    /// No more may be kept and read on: what is not whole by now must be cut.
    pub(super) is_longest: bool,
    /// The room is filled.
    pub(super) is_full: bool,
    pub(super) state: Filled,
}

impl Pieces {
    /// Pieces of no more than `longest` bytes.
    pub(super) fn new(walk: &Walk<'_>, reader: &Peeked<'_>, longest: usize) -> Self {
        Self {
            kept: Vec::new(),
            room: reader.first_room(walk.options.limits.block),
            longest,
        }
    }

    pub(super) fn next(&mut self, walk: &mut Walk<'_>, reader: &mut Peeked<'_>) -> Piece {
        let kept = self.kept.len();
        let room = self.room.max(kept * 2).min(self.longest.max(kept + 1));
        self.room = walk.options.limits.block;
        let mut bytes = walk.sink.buffer();
        bytes.resize(room, 0);
        bytes[..kept].copy_from_slice(&self.kept);
        let (length, state) = fill_until(reader, &mut bytes, kept, walk.quiet);
        bytes.truncate(length);
        Piece {
            bytes,
            kept,
            is_longest: room >= self.longest,
            is_full: length == room,
            state,
        }
    }

    /// Keeps the bytes from a place on.
    pub(super) fn keep(&mut self, bytes: &mut Vec<u8>, at: usize) {
        self.kept.clear();
        self.kept.extend_from_slice(&bytes[at..]);
        bytes.truncate(at);
    }

    pub(super) fn keep_all(&mut self, bytes: Vec<u8>) {
        self.kept = bytes;
    }
}

/// Where to cut bytes that have no end in sight: after the last byte that no name, address or path holds, so that none
/// is split; at the very end where there is no such byte near it.
pub(super) fn boundary(bytes: &[u8]) -> usize {
    let from = bytes.len().saturating_sub(BACK);
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._/\\:%@~".contains(byte) || *byte >= 0x80;
    bytes[from..]
        .iter()
        .rposition(|byte| !inside(byte))
        .map_or(bytes.len(), |at| from + at + 1)
}
