//! The data of one member, unpacked and compared with what is stated of it.

use std::io::{self, BufReader, Cursor, Read, SeekFrom};
use std::ops::{ControlFlow, Range};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use zip::ZipReadOptions;
use zip::read::read_zipfile_from_stream_with_options;

use super::parts::{LOCAL, LOCAL_SIZE, Part, descriptor_length};
use crate::container::{Meter, Metered};
use crate::read::{Input, Member, ReadSeek, Walk};

const STORED: u16 = 0;
const DEFLATED: u16 = 8;
const LZMA: u16 = 14;

impl Part {
    /// Whether the data itself shows where it ends.
    pub(super) fn ends_itself(&self) -> bool {
        self.method == DEFLATED && !self.is_encrypted()
    }
}

/// Searches a member; gives where its data ends, and what is stated behind it.
pub(super) fn search(
    walk: &mut Walk<'_>,
    member: &Member,
    file: &mut dyn ReadSeek,
    part: &Part,
    meter: &Meter,
) -> io::Result<(ControlFlow<()>, u64)> {
    let inside = member.named(&part.name, part.modified);
    if part.is_encrypted() {
        walk.problem(&inside, "encrypted: not searched");
        return Ok((ControlFlow::Continue(()), part.data.end));
    }
    let told = inside.clone();
    let mut end = part.data.end;
    // What ends itself needs no size: a wrong one hides nothing.
    let limit = if part.ends_itself() { u64::MAX } else { end };
    let mut region = Region::new(file, part.data.start..limit)?;
    let outcome = match part.method {
        STORED => read(walk, inside, part, &mut region, meter),
        DEFLATED => {
            let mut decoder = DeflateDecoder::new(BufReader::with_capacity(16 << 10, region));
            let outcome = read(walk, inside, part, &mut decoder, meter);
            if outcome.whole.is_some() {
                end = part.data.start + decoder.total_in();
            }
            outcome
        }
        _ => other(walk, inside, part, region, meter),
    };
    if part.stated.is_some() && end != part.data.end {
        let why = format!(
            "{} bytes are packed in it, where {} are stated: all are searched",
            end - part.data.start,
            part.data.end - part.data.start
        );
        walk.problem(&told, why);
    }
    let stated = part.stated.or(outcome.whole);
    let behind = match stated {
        Some(stated) => descriptor_length(file, end, end - part.data.start, stated)?,
        None => 0,
    };
    if part.stated.is_none() && outcome.whole.is_some() && behind == 0 {
        walk.problem(
            &told,
            "what is stated behind its data does not fit it: some of it may be wrong",
        );
    }
    Ok((outcome.flow, end + behind))
}

struct Outcome {
    flow: ControlFlow<()>,
    /// The checksum and the size of what was unpacked, where all of it was.
    whole: Option<(u32, u64)>,
}

fn read<R: Read>(walk: &mut Walk<'_>, inside: Member, part: &Part, inner: R, meter: &Meter) -> Outcome {
    let mut checked = Checked {
        inner,
        crc: Crc::new(),
        size: 0,
        stated: part.stated,
        state: State::Running,
    };
    let told = inside.clone();
    let mut metered = Metered {
        inner: &mut checked,
        meter,
    };
    let flow = walk.input(inside, Input::Stream(&mut metered));
    // What is packed in it may end before it does.
    if flow.is_continue()
        && let Err(error) = io::copy(&mut metered, &mut io::sink())
        && !meter.spent()
    {
        walk.problem(&told, error.to_string());
    }
    let whole = checked.state == State::Whole;
    Outcome {
        flow,
        whole: whole.then(|| (checked.crc.sum(), checked.size)),
    }
}

/// A member that is packed in one of the rarer ways.
fn other(walk: &mut Walk<'_>, inside: Member, part: &Part, region: Region<'_>, meter: &Meter) -> Outcome {
    // A header that says no more than how it is packed: what it unpacks to is looked at here.
    let mut header = [0; LOCAL_SIZE];
    header[..4].copy_from_slice(LOCAL);
    header[4] = 20;
    header[6..8].copy_from_slice(&8_u16.to_le_bytes());
    header[8..10].copy_from_slice(&part.method.to_le_bytes());
    let mut options = ZipReadOptions::new()
        .ignore_crc32(true)
        .override_compressed_size(part.data.end - part.data.start);
    if let Some((_, size)) = part.stated.filter(|_| part.method == LZMA) {
        options = options.override_uncompressed_size(size);
    }
    let mut source = Cursor::new(header).chain(region);
    match read_zipfile_from_stream_with_options(&mut source, options) {
        Ok(Some(entry)) => read(walk, inside, part, entry, meter),
        outcome => {
            let why = outcome.err().map_or_else(String::new, |error| error.to_string());
            walk.problem(&inside, format!("cannot be unpacked: {why}"));
            Outcome {
                flow: ControlFlow::Continue(()),
                whole: None,
            }
        }
    }
}

/// A part of a file.
pub(super) struct Region<'a> {
    file: &'a mut dyn ReadSeek,
    left: u64,
}

impl<'a> Region<'a> {
    pub(super) fn new(file: &'a mut dyn ReadSeek, range: Range<u64>) -> io::Result<Self> {
        file.seek(SeekFrom::Start(range.start))?;
        let left = range.end.saturating_sub(range.start);
        Ok(Self { file, left })
    }
}

impl Read for Region<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let length = buf.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.file.read(&mut buf[..length])?;
        self.left -= read as u64;
        Ok(read)
    }
}

#[derive(PartialEq, Eq)]
enum State {
    Running,
    Failed,
    /// All has been read, and is as stated.
    Whole,
}

/// A decoder whose output must have a checksum and a size. All of it is given, also what is more than was stated.
struct Checked<R> {
    inner: R,
    crc: Crc,
    size: u64,
    stated: Option<(u32, u64)>,
    state: State,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.state != State::Running || buf.is_empty() {
            return Ok(0);
        }
        let read = self.inner.read(buf).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.state = State::Failed;
            }
        })?;
        self.crc.update(&buf[..read]);
        self.size += read as u64;
        if read > 0 {
            return Ok(read);
        }
        self.state = State::Failed;
        let why = match self.stated {
            Some((_, size)) if self.size > size => {
                format!(
                    "unpacks to {} bytes, where {size} are stated: all are searched",
                    self.size
                )
            }
            Some((_, size)) if self.size < size => {
                format!(
                    "ends too early (truncated): {} of {size} bytes are here",
                    self.size
                )
            }
            Some((crc, _)) if self.crc.sum() != crc => {
                "its checksum is another than stated: some of it may be wrong".to_owned()
            }
            _ => {
                self.state = State::Whole;
                return Ok(0);
            }
        };
        Err(io::Error::new(io::ErrorKind::InvalidData, why))
    }
}
