//! Streams that are compressed and no more: gzip, zstd, xz, bzip2, lz4; several members or frames behind each other.

use std::io::{self, BufRead, Read};
use std::ops::ControlFlow;
use std::rc::Rc;

use flate2::bufread::GzDecoder;
use jiff::Timestamp;

use super::source::Source;
use super::{Container, Counted, Meter, Metered, Packing, Peeked};
use crate::read::{Input, Member, Walk, explain};

/// The most memory an xz stream may ask for; `xz -9` asks for 65 MiB.
const XZ_MEMORY: u64 = 256 << 20;

pub(crate) fn read(
    walk: &mut Walk<'_>,
    member: &Member,
    packing: Packing,
    reader: Peeked<'_>,
) -> ControlFlow<()> {
    // When the log itself was last written, which a copy of the packed file no longer tells.
    let stated = (packing == Packing::Gzip)
        .then(|| gzip_time(reader.head()))
        .flatten();
    let packed = Rc::default();
    let mut source = Source::new(Counted {
        inner: reader,
        read: Rc::clone(&packed),
    });
    let meter = Meter::new(packed, Rc::clone(&walk.unpacked), &walk.options.limits);
    let modified = stated.into_iter().chain(member.modified).min();
    for _ in 0..RESUMED {
        let from = source.taken;
        let mut frames = match Frames::new(packing, &mut source) {
            Ok(frames) => frames,
            Err(error) => {
                walk.problem(member, format!("cannot be unpacked: {error}"));
                return ControlFlow::Continue(());
            }
        };
        let mut metered = Metered {
            inner: &mut frames,
            meter: &meter,
        };
        let inside = Member {
            modified,
            ..member.inside()
        };
        walk.input(inside, Input::Stream(&mut metered))?;
        // What is packed in it may end before it does.
        if !meter.spent()
            && let Err(error) = io::copy(&mut metered, &mut io::sink())
        {
            walk.problem(member, explain(&error));
        }
        let state = std::mem::replace(&mut frames.state, State::Done);
        drop(frames);
        if meter.spent() {
            break;
        }
        match state {
            State::More => {
                walk.problem(
                    member,
                    "something else behind the end of the packed data: searched as it stands, with lines of its own",
                );
                return walk.input(member.inside(), Input::Stream(&mut source));
            }
            // A broken member hides none of those behind it.
            State::Failed if source.find_frame(packing, from) => {
                let why = "goes on with the next whole part of the packed data, with lines of its own";
                walk.problem(member, why);
            }
            State::Failed | State::Running | State::Done => break,
        }
    }
    ControlFlow::Continue(())
}

/// How often a stream is gone on with behind what is broken in it.
const RESUMED: usize = 256;

impl<R: Read> Source<R> {
    /// Goes to where the next frame begins behind the one that began after so many bytes; false where none does.
    fn find_frame(&mut self, packing: Packing, from: u64) -> bool {
        const WINDOW: usize = 4096;
        // Some decoders take nothing of what they cannot read.
        if self.taken == from {
            self.consume(1);
        }
        while let Ok(held) = self.hold(WINDOW) {
            let whole = held.len() >= WINDOW;
            let found = memchr::memmem::find_iter(held, magic(packing)).find(|at| {
                held.len() - at > LEAST && Container::detect(&held[*at..]) == Some(Container::Packed(packing))
            });
            match found {
                Some(at) => {
                    self.consume(at);
                    return true;
                }
                None if !whole => return false,
                None => {
                    let passed = held.len() - LEAST;
                    self.consume(passed);
                }
            }
        }
        false
    }
}

/// So many bytes tell how a frame begins.
const LEAST: usize = 16;

/// What is wrong with a stream whose first bytes are no more than marked as packed: a log may begin so.
pub(crate) fn broken(packing: Packing, head: &[u8]) -> Option<io::Error> {
    let mut source = Source::new(head);
    let first = Frames::new(packing, &mut source).and_then(|mut frames| frames.read(&mut [0]));
    first
        .err()
        .filter(|error| error.kind() != io::ErrorKind::UnexpectedEof)
}

/// The time of the file that was packed, where the header of a gzip member states it (RFC 1952, section 2.3.1, MTIME).
fn gzip_time(head: &[u8]) -> Option<Timestamp> {
    let seconds = u32::from_le_bytes(*head.get(4..)?.first_chunk()?);
    let time = (seconds != 0).then(|| Timestamp::from_second(i64::from(seconds)));
    time?.ok()
}

/// How a packing's frames or members begin.
fn magic(packing: Packing) -> &'static [u8] {
    match packing {
        Packing::Gzip => b"\x1f\x8b\x08",
        Packing::Zstd => b"\x28\xb5\x2f\xfd",
        Packing::Xz => b"\xfd7zXZ\0",
        Packing::Bzip2 => b"BZh",
        Packing::Lz4 => b"\x04\x22\x4d\x18",
    }
}

/// The longest of them.
const MAGIC: usize = 6;

/// Whether bytes begin a frame, or are what is left of such a beginning.
fn begins(packing: Packing, bytes: &[u8]) -> bool {
    let skippable = packing == Packing::Zstd && matches!(bytes, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]);
    let magic = magic(packing);
    skippable || bytes.starts_with(magic) || magic.starts_with(bytes)
}

/// All frames or members behind each other. Zeros behind one are passed over: they pad to the block of a tape.
struct Frames<'r, R: Read> {
    packing: Packing,
    /// `None` only while one frame gives way to the next, and at the end.
    frame: Option<Frame<&'r mut Source<R>>>,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    Running,
    Failed,
    /// All has been read.
    Done,
    /// What follows is no frame.
    More,
}

impl<'r, R: Read> Frames<'r, R> {
    fn new(packing: Packing, reader: &'r mut Source<R>) -> io::Result<Self> {
        Ok(Self {
            packing,
            frame: Some(Frame::new(packing, reader)?),
            state: State::Running,
        })
    }

    /// Goes to the next frame; does not where there is none.
    fn next(&mut self) -> io::Result<()> {
        let Some(frame) = self.frame.take() else {
            return Ok(());
        };
        let reader = frame.into_inner();
        loop {
            let bytes = reader.fill_buf()?;
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            if zeros == 0 {
                break;
            }
            reader.consume(zeros);
        }
        let bytes = reader.peek(MAGIC)?;
        if bytes.is_empty() {
            self.state = State::Done;
        } else if begins(self.packing, bytes) {
            self.frame = Some(Frame::new(self.packing, reader)?);
        } else {
            self.state = State::More;
        }
        Ok(())
    }

    fn read_on(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while let Some(frame) = &mut self.frame {
            match frame.read(buf)? {
                0 => self.next()?,
                read => return Ok(read),
            }
        }
        Ok(0)
    }
}

impl<R: Read> Read for Frames<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.state != State::Running || buf.is_empty() {
            return Ok(0);
        }
        let outcome = self.read_on(buf);
        if matches!(&outcome, Err(error) if error.kind() != io::ErrorKind::Interrupted) {
            self.state = State::Failed;
        }
        outcome
    }
}

/// The decoder of one frame, which reads no further than that.
enum Frame<R: BufRead> {
    Gzip(Box<GzDecoder<R>>),
    Zstd(zstd::Decoder<'static, R>),
    Xz(liblzma::bufread::XzDecoder<R>),
    Bzip2(bzip2::bufread::BzDecoder<R>),
    Lz4(Box<lz4_flex::frame::FrameDecoder<Ends<R>>>),
}

impl<R: BufRead> Frame<R> {
    fn new(packing: Packing, reader: R) -> io::Result<Self> {
        Ok(match packing {
            Packing::Gzip => Self::Gzip(Box::new(GzDecoder::new(reader))),
            Packing::Zstd => Self::Zstd(zstd::Decoder::with_buffer(reader)?.single_frame()),
            Packing::Xz => {
                let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, 0)?;
                Self::Xz(liblzma::bufread::XzDecoder::new_stream(reader, stream))
            }
            Packing::Bzip2 => Self::Bzip2(bzip2::bufread::BzDecoder::new(reader)),
            Packing::Lz4 => {
                let inner = Ends {
                    inner: reader,
                    reached: false,
                };
                Self::Lz4(Box::new(lz4_flex::frame::FrameDecoder::new(inner)))
            }
        })
    }

    fn into_inner(self) -> R {
        match self {
            Self::Gzip(decoder) => decoder.into_inner(),
            Self::Zstd(decoder) => decoder.finish(),
            Self::Xz(decoder) => decoder.into_inner(),
            Self::Bzip2(decoder) => decoder.into_inner(),
            Self::Lz4(decoder) => decoder.into_inner().inner,
        }
    }
}

impl<R: BufRead> Read for Frame<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(decoder) => decoder.read(buf),
            Self::Zstd(decoder) => decoder.read(buf),
            Self::Xz(decoder) => decoder.read(buf),
            Self::Bzip2(decoder) => decoder.read(buf),
            Self::Lz4(decoder) => match decoder.read(buf)? {
                // At its end mark a frame ends without a look at what is behind it.
                0 if decoder.get_ref().reached => Err(io::ErrorKind::UnexpectedEof.into()),
                read => Ok(read),
            },
        }
    }
}

/// A reader that knows whether it has come to its end.
struct Ends<R> {
    inner: R,
    reached: bool,
}

impl<R: Read> Read for Ends<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.reached |= read == 0 && !buf.is_empty();
        Ok(read)
    }
}
