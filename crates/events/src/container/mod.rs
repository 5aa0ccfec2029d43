//! Compressed files and archives, told by their first bytes and unpacked as a stream.

pub(crate) mod packed;
mod source;
pub(crate) mod tar;
pub(crate) mod zip;

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use crate::read::Limits;

/// How much of an input is looked at to tell what it is.
pub(crate) const SAMPLE: usize = 64 << 10;

/// So many bytes tell every container: a tar's header is the longest.
const TELLING: usize = 512;

/// A container is not held to its ratio before it has unpacked to this many bytes.
const RATIO_FLOOR: u64 = 64 << 20;

/// What an input is packed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    Zip,
    Tar,
    Packed(Packing),
}

/// A compression of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Gzip,
    Zstd,
    Xz,
    Bzip2,
    Lz4,
}

impl Container {
    pub(crate) fn detect(head: &[u8]) -> Option<Self> {
        let packed = match head {
            [0x1f, 0x8b, 8, ..] => Packing::Gzip,
            // A frame, or a skippable one such as parallel compressors write first.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Packing::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Packing::Xz,
            [0x04, 0x22, 0x4d, 0x18, ..] => Packing::Lz4,
            [b'B', b'Z', b'h', b'1'..=b'9', block @ ..]
                if block.starts_with(b"1AY&SY") || block.starts_with(b"\x17\x72\x45\x38\x50\x90") =>
            {
                Packing::Bzip2
            }
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => return Some(Self::Zip),
            _ if tar::detect(head) => return Some(Self::Tar),
            _ => return None,
        };
        Some(Self::Packed(packed))
    }
}

/// Why an input that seems packed is searched as it stands.
pub(crate) fn unread(head: &[u8]) -> Option<String> {
    const UNREAD: [(&[u8], &str); 6] = [
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"Rar!\x1a\x07", "rar"),
        (b"MSCF\0\0\0\0", "cab"),
        (b"\x1f\x9d", "compress (.Z)"),
        (b"LZIP\x01", "lzip"),
        (b"\x89LZO\0\r\n\x1a\n", "lzop"),
    ];
    let named = UNREAD.iter().find(|(magic, _)| head.starts_with(magic));
    if let Some((_, name)) = named {
        return Some(format!("{name} is not unpacked here: searched as it stands"));
    }
    if is_lzma(head) {
        return Some("lzma is not unpacked here: searched as it stands".to_owned());
    }
    if head.starts_with(b"LPKSHHRH") {
        let why = "a systemd journal is not read here: export it with `journalctl --file F -o json`; searched as it stands";
        return Some(why.to_owned());
    }
    let broken = tar::has_magic(head) && !tar::detect(head);
    broken.then(|| "marked as a tar archive, and its first header is none: searched as it stands".to_owned())
}

/// Whether this is the header of an LZMA stream alone (`.lzma`), which has no magic: the usual properties, the size
/// of the dictionary, a power of two or one and a half of it, and the size of what is packed, all ones where it was
/// not known.
fn is_lzma(head: &[u8]) -> bool {
    const PROPERTIES: u8 = 0x5d;
    const LARGEST: u64 = 1 << 38;
    let Some((&[first, d0, d1, d2, d3, ref size @ ..], _)) = head.split_first_chunk::<13>() else {
        return false;
    };
    let dictionary = u32::from_le_bytes([d0, d1, d2, d3]);
    // One bit, or two beside each other.
    let lowest = dictionary & dictionary.wrapping_neg();
    let usual = dictionary >= 1 << 12 && matches!(dictionary / lowest, 1 | 3);
    let size = u64::from_le_bytes(*size);
    first == PROPERTIES && (usual || dictionary == u32::MAX) && (size == u64::MAX || size < LARGEST)
}

/// The first bytes of an input.
pub(crate) struct Head {
    pub(crate) bytes: Vec<u8>,
    /// They are all that there is.
    whole: bool,
    /// What ended it.
    error: Option<io::Error>,
}

impl Head {
    /// The last byte; a line's end where there is none.
    pub(crate) fn last(&self) -> u8 {
        self.bytes.last().copied().unwrap_or(b'\n')
    }
}

/// Reads up to [`SAMPLE`] bytes; fewer where the input ends, or pauses behind enough to tell what it is.
pub(crate) fn peek<R: Read + ?Sized>(reader: &mut R, quiet: &dyn Fn() -> bool) -> Head {
    let mut bytes = vec![0; SAMPLE];
    let mut at = 0;
    loop {
        let (filled, state) = fill_until(reader, &mut bytes, at, quiet);
        at = filled;
        if matches!(state, Filled::Paused) && !is_telling(&bytes[..at]) {
            continue;
        }
        bytes.truncate(at);
        bytes.shrink_to_fit();
        let (whole, error) = match state {
            Filled::Ended(error) => (true, error),
            Filled::Full | Filled::Paused => (false, None),
        };
        return Head { bytes, whole, error };
    }
}

/// Whether a few first bytes are enough to go on with: they have a line, or all that tells a container.
fn is_telling(head: &[u8]) -> bool {
    head.len() >= TELLING || head.contains(&b'\n') || Container::detect(head).is_some()
}

/// How an attempt to fill some room ended.
pub(crate) enum Filled {
    /// The room is full.
    Full,
    /// The writer pauses.
    Paused,
    /// The input is at its end, or broken.
    Ended(Option<io::Error>),
}

/// Fills `room` from `at` on, as far as it comes without a pause.
pub(crate) fn fill_until<R: Read + ?Sized>(
    reader: &mut R,
    room: &mut [u8],
    mut at: usize,
    quiet: &dyn Fn() -> bool,
) -> (usize, Filled) {
    while at < room.len() {
        match reader.read(&mut room[at..]) {
            Ok(0) => return (at, Filled::Ended(None)),
            Ok(read) => at += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return (at, Filled::Ended(Some(error))),
        }
        if at < room.len() && quiet() {
            return (at, Filled::Paused);
        }
    }
    (at, Filled::Full)
}

/// Fills `room` from `at` on; gives how far it is filled, and the error that ended it short of that.
pub(crate) fn fill<R: Read + ?Sized>(
    reader: &mut R,
    room: &mut [u8],
    at: usize,
) -> (usize, Option<io::Error>) {
    match fill_until(reader, room, at, &|| false) {
        (at, Filled::Ended(error)) => (at, error),
        (at, Filled::Full | Filled::Paused) => (at, None),
    }
}

/// A reader whose first bytes have been looked at.
pub(crate) struct Peeked<'a> {
    head: Head,
    at: usize,
    inner: &'a mut dyn Read,
}

impl<'a> Peeked<'a> {
    pub(crate) fn new(head: Head, inner: &'a mut dyn Read) -> Self {
        Self { head, at: 0, inner }
    }

    /// The first bytes, as far as they are not read yet.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head.bytes[self.at..]
    }

    /// Whether the head is all that there is.
    pub(crate) fn is_whole(&self) -> bool {
        self.head.whole
    }

    /// Room for a first block: no more than is needed where the whole input has been seen, as of many a small file.
    pub(crate) fn first_room(&self, block: usize) -> usize {
        if self.head.whole {
            block.min(self.head().len() + 1)
        } else {
            block
        }
    }

    /// What is left of the head, and what stands behind it.
    pub(crate) fn into_parts(mut self) -> (Head, &'a mut dyn Read) {
        self.head.bytes.drain(..self.at);
        (self.head, self.inner)
    }

    /// Passes over bytes of the head.
    pub(crate) fn skip(&mut self, bytes: usize) {
        self.at = (self.at + bytes).min(self.head.bytes.len());
    }
}

impl Read for Peeked<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let head = &self.head.bytes[self.at..];
        if !head.is_empty() {
            let length = buf.len().min(head.len());
            buf[..length].copy_from_slice(&head[..length]);
            self.at += length;
            return Ok(length);
        }
        match self.head.error.take() {
            Some(error) => Err(error),
            None => self.inner.read(buf),
        }
    }
}

/// Counts what is read.
pub(crate) struct Counted<R> {
    pub(crate) inner: R,
    pub(crate) read: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.read.set(self.read.get() + read as u64);
        Ok(read)
    }
}

/// The accounts by which a bomb is told.
pub(crate) struct Meter {
    /// Packed bytes read, or the packed size.
    pub(crate) packed: Rc<Cell<u64>>,
    /// Bytes that this container has unpacked to.
    pub(crate) grown: Rc<Cell<u64>>,
    /// Bytes that all containers of the input have unpacked to.
    pub(crate) total: Rc<Cell<u64>>,
    pub(crate) ratio: u64,
    pub(crate) unpacked: u64,
}

impl Meter {
    pub(crate) fn new(packed: Rc<Cell<u64>>, total: Rc<Cell<u64>>, limits: &Limits) -> Self {
        Self {
            packed,
            grown: Rc::default(),
            total,
            ratio: limits.ratio,
            unpacked: limits.unpacked,
        }
    }

    fn add(&self, bytes: u64) -> io::Result<()> {
        self.grown.set(self.grown.get() + bytes);
        self.total.set(self.total.get() + bytes);
        if self.spent() {
            let why = if self.total.get() > self.unpacked {
                format!(
                    "unpacks to more than {} bytes: the rest is not searched",
                    self.unpacked
                )
            } else {
                format!(
                    "unpacks to more than {} times its size: the rest is not searched",
                    self.ratio
                )
            };
            return Err(io::Error::other(why));
        }
        Ok(())
    }

    /// Whether a limit is passed.
    pub(crate) fn spent(&self) -> bool {
        let grown = self.grown.get();
        self.total.get() > self.unpacked
            || grown > RATIO_FLOOR && grown / self.ratio.max(1) > self.packed.get()
    }
}

/// A decoder under a [`Meter`].
pub(crate) struct Metered<'m, R> {
    pub(crate) inner: R,
    pub(crate) meter: &'m Meter,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.meter.add(read as u64)?;
        Ok(read)
    }
}
