//! The bytes of a tar archive: headers, the data behind them, and what is neither.

use std::io::{self, BufRead, Read};

use tar::Header;

use super::headers::{BLOCK, MAGIC, MAGIC_AT, detect, has_magic};
use crate::container::source::Source;

/// How much is looked at in one go for a header.
const WINDOW: usize = 16 << 10;

/// How many bytes of zeros the holes of all members may be filled with.
const HOLES: u64 = 256 << 20;

pub(super) struct Tape<'r> {
    source: Source<&'r mut dyn Read>,
    at: u64,
    /// Where in blocks the last sound header stood: the next mostly stands so too.
    grid: u64,
    /// How many more zeros holes may be filled with.
    pub(super) holes: u64,
}

/// What stands next.
pub(super) enum Mark {
    Header(Box<Header>),
    /// It has the magic of one, and not its checksum.
    Damaged(Box<Header>),
    /// Something else.
    Stray,
}

impl<'r> Tape<'r> {
    pub(super) fn new(reader: &'r mut dyn Read) -> Self {
        Self {
            source: Source::new(reader),
            at: 0,
            grid: 0,
            holes: HOLES,
        }
    }

    /// How many bytes are behind us.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Goes to what stands next, behind a header. Zeros are passed over: archives may be joined, and who can write
    /// zeros into one must not hide the members behind them.
    pub(super) fn next(&mut self) -> io::Result<Option<Mark>> {
        loop {
            let held = self.source.hold(BLOCK)?;
            let zeros = held.iter().take_while(|byte| **byte == 0).count();
            if held.is_empty() {
                return Ok(None);
            }
            if zeros > 0 {
                self.consume(zeros);
                continue;
            }
            let sound = detect(held);
            let Some(block) = held.first_chunk::<BLOCK>() else {
                return Ok(Some(Mark::Stray));
            };
            if !sound && !has_magic(block) {
                return Ok(Some(Mark::Stray));
            }
            let mut header = Box::new(Header::new_old());
            header.as_mut_bytes().copy_from_slice(block);
            if sound {
                self.grid = self.at % BLOCK as u64;
            }
            self.consume(BLOCK);
            return Ok(Some(if sound {
                Mark::Header(header)
            } else {
                Mark::Damaged(header)
            }));
        }
    }

    /// The next block of a header that has more than one.
    pub(super) fn block(&mut self) -> io::Result<Option<[u8; BLOCK]>> {
        let block = self.source.hold(BLOCK)?.first_chunk::<BLOCK>().copied();
        if block.is_some() {
            self.consume(BLOCK);
        }
        Ok(block)
    }

    /// The data of a member.
    pub(super) fn data(&mut self, size: u64) -> Data<'_, 'r> {
        Data {
            tape: self,
            left: size,
            search: None,
            failed: false,
        }
    }

    /// At most so many bytes up to the next header; `is_none` where none begins right here.
    pub(super) fn up_to_header(&mut self, most: u64, is_none: bool) -> Data<'_, 'r> {
        Data {
            tape: self,
            left: most,
            search: Some(Search { sure: 0, is_none }),
            failed: false,
        }
    }

    /// Passes over the zeros that pad the data of a member. What else stands there is left to be searched.
    pub(super) fn pad(&mut self, size: u64) {
        let size = usize::try_from(size % BLOCK as u64).unwrap_or_default();
        let padding = (BLOCK - size) % BLOCK;
        // An error comes again with the next header.
        if let Ok(held) = self.source.peek(padding) {
            let zeros = held.iter().take_while(|byte| **byte == 0).count();
            self.consume(zeros);
        }
    }

    fn consume(&mut self, bytes: usize) {
        self.source.consume(bytes);
        self.at += bytes as u64;
    }
}

/// Some data on the tape.
pub(super) struct Data<'t, 'r> {
    tape: &'t mut Tape<'r>,
    left: u64,
    /// It ends where a header begins.
    search: Option<Search>,
    failed: bool,
}

struct Search {
    /// So many of the next bytes stand before a header.
    sure: usize,
    /// The next byte does not begin one.
    is_none: bool,
}

impl Data<'_, '_> {
    /// Whether an error has been given, or the end came too early.
    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }

    /// How much may be read in one go.
    fn room(&mut self) -> io::Result<usize> {
        let Some(search) = &mut self.search else {
            return Ok(usize::MAX);
        };
        if search.sure == 0 {
            // Held bytes that end short of it are the last.
            let held = self.tape.source.hold(WINDOW)?;
            let whole = held.len() >= WINDOW;
            let from = usize::from(std::mem::take(&mut search.is_none));
            let grid = (self.tape.grid + BLOCK as u64 - self.tape.at % BLOCK as u64) % BLOCK as u64;
            let grid = usize::try_from(grid).unwrap_or_default();
            search.sure = match find(held, from, grid) {
                Some(found) => found,
                None if whole => held.len() + 1 - BLOCK,
                None => held.len(),
            };
        }
        Ok(search.sure)
    }

    fn read_on(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let room = self.room()?.min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let length = buf.len().min(room);
        if length == 0 {
            return Ok(0);
        }
        let read = self.tape.source.read(&mut buf[..length])?;
        if read == 0 && self.search.is_none() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.tape.at += read as u64;
        self.left -= read as u64;
        if let Some(search) = &mut self.search {
            search.sure -= read;
        }
        Ok(read)
    }
}

impl Read for Data<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.failed || buf.is_empty() {
            return Ok(0);
        }
        let outcome = self.read_on(buf);
        self.failed = matches!(&outcome, Err(error) if error.kind() != io::ErrorKind::Interrupted);
        outcome
    }
}

/// Where a header begins in some bytes from an offset on: one with the magic anywhere, one without where blocks begin.
fn find(bytes: &[u8], from: usize, grid: usize) -> Option<usize> {
    let is_header = |at: &usize| *at >= from && detect(&bytes[*at..]);
    let marked = memchr::memmem::find_iter(bytes, MAGIC)
        .filter_map(|at| at.checked_sub(MAGIC_AT))
        .find(is_header);
    let old = (grid..bytes.len()).step_by(BLOCK).find(is_header);
    marked.into_iter().chain(old).min()
}
