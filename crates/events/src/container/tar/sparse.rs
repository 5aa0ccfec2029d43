//! Files with holes, as GNU tar's own format keeps them (`S`): data without the holes, and a map of it.

use std::io::{self, Read};

use tar::Header;

use super::headers::BLOCK;
use super::tape::{Data, Tape};

/// The most pieces of data that a map is read for.
const PIECES: usize = 1 << 16;

/// Where the map stands in the header, and in each block behind it; each entry has an offset and a length.
const MAP: usize = 386;
const ENTRY: usize = 24;
const ENTRIES: usize = 4;
const MORE_ENTRIES: usize = 21;
/// Where the header, and each block, says that another one follows.
const EXTENDED: usize = 482;
const MORE_EXTENDED: usize = 504;
/// Where the header has the size of the file with its holes.
const REAL_SIZE: usize = 483;
/// How long a number is.
const NUMBER: usize = 12;

/// A hole is filled with no more zeros than these, and as many as keep what is behind it where chunks of 64 KiB, those
/// of an event log, begin.
const HOLE: u64 = 1 << 20;
const CHUNK: u64 = 64 << 10;

/// A hole, and how much data is behind it.
type Piece = (u64, u64);

/// Reads the map, some of which stands between the header and the data. `None` where it does not fit the data.
pub(super) fn map(header: &Header, size: u64, tape: &mut Tape<'_>) -> io::Result<Option<Vec<Piece>>> {
    let bytes = header.as_bytes();
    let mut map = Map::default();
    map.add(&bytes[MAP..][..ENTRIES * ENTRY]);
    let mut extended = bytes[EXTENDED] != 0;
    while extended {
        let Some(block) = tape.block()? else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        map.add(&block[..MORE_ENTRIES * ENTRY]);
        extended = block[MORE_EXTENDED] != 0;
    }
    let real = number(&bytes[REAL_SIZE..][..NUMBER]);
    let hole = real.and_then(|real| real.checked_sub(map.end));
    if let Some(hole) = hole {
        map.pieces.push((hole, 0));
    }
    let fits = !map.is_broken && map.data == size && hole.is_some();
    Ok(fits.then_some(map.pieces))
}

#[derive(Default)]
struct Map {
    pieces: Vec<Piece>,
    /// Where the last piece ends in the file.
    end: u64,
    data: u64,
    is_broken: bool,
}

impl Map {
    fn add(&mut self, entries: &[u8]) {
        for entry in entries.chunks_exact(ENTRY).filter(|entry| entry[0] != 0) {
            let piece = match (number(&entry[..NUMBER]), number(&entry[NUMBER..])) {
                (Some(offset), Some(length)) => offset
                    .checked_sub(self.end)
                    .zip(offset.checked_add(length))
                    .map(|(hole, end)| (hole, length, end)),
                _ => None,
            };
            match piece.filter(|_| self.pieces.len() < PIECES) {
                Some((hole, length, end)) => {
                    self.pieces.push((hole, length));
                    self.end = end;
                    self.data = self.data.saturating_add(length);
                }
                None => self.is_broken = true,
            }
        }
    }
}

/// A number in octal, or in 256s where its first bit is set.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let last: [u8; 8] = field.last_chunk().copied()?;
        return Some(u64::from_be_bytes(last)).filter(|number| i64::try_from(*number).is_ok());
    }
    let field = std::str::from_utf8(field).ok()?;
    u64::from_str_radix(field.trim_matches([' ', '\0']), 8).ok()
}

/// The data with its holes filled.
pub(super) struct Filled<'d, 't, 'r> {
    data: &'d mut Data<'t, 'r>,
    pieces: std::vec::IntoIter<Piece>,
    hole: u64,
    left: u64,
    budget: u64,
}

impl<'d, 't, 'r> Filled<'d, 't, 'r> {
    /// Fills with no more zeros than `budget`.
    pub(super) fn new(data: &'d mut Data<'t, 'r>, map: Vec<Piece>, budget: u64) -> Self {
        Self {
            data,
            pieces: map.into_iter(),
            hole: 0,
            left: 0,
            budget,
        }
    }

    /// Whether the data has given an error.
    pub(super) fn has_failed(&self) -> bool {
        self.data.has_failed()
    }

    /// How many more zeros there may be.
    pub(super) fn budget(&self) -> u64 {
        self.budget
    }
}

impl Read for Filled<'_, '_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.hole == 0 && self.left == 0 {
            let Some((hole, length)) = self.pieces.next() else {
                // All that no map speaks of.
                return self.data.read(buf);
            };
            let hole = if hole > HOLE { HOLE + hole % CHUNK } else { hole };
            self.hole = hole.min(self.budget);
            self.budget -= self.hole;
            self.left = length;
        }
        let most = if self.hole > 0 { self.hole } else { self.left };
        let length = buf.len().min(usize::try_from(most).unwrap_or(usize::MAX));
        if self.hole > 0 {
            buf[..length].fill(0);
            self.hole -= length as u64;
            return Ok(length);
        }
        let read = self.data.read(&mut buf[..length])?;
        // At the end of the data no hole is left to fill either.
        self.left = if read == 0 { 0 } else { self.left - read as u64 };
        Ok(read)
    }
}

const _: () =
    assert!(MAP + ENTRIES * ENTRY == EXTENDED && MORE_ENTRIES * ENTRY == MORE_EXTENDED && BLOCK == 512);
