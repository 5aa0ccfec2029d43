//! Streams that are compressed and no more: gzip, zstd, xz, bzip2, lz4; several members or frames behind each other.

use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::rc::Rc;

use flate2::bufread::GzDecoder;
use jiff::Timestamp;

use super::{Counted, Meter, Metered, Packing, Peeked};
use crate::read::{Input, Member, Walk};

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
    let counted = Counted {
        inner: reader,
        read: Rc::clone(&packed),
    };
    let decoder = match decoder(packing, BufReader::with_capacity(64 << 10, counted)) {
        Ok(decoder) => decoder,
        Err(error) => {
            walk.problem(member, format!("cannot be unpacked: {error}"));
            return ControlFlow::Continue(());
        }
    };
    let meter = Meter::new(packed, Rc::clone(&walk.unpacked), &walk.options.limits);
    let mut metered = Metered {
        inner: decoder,
        meter: &meter,
    };
    let modified = stated.into_iter().chain(member.modified).min();
    let inside = Member {
        modified,
        ..member.inside()
    };
    walk.input(inside, Input::Stream(&mut metered))
}

/// What is wrong with a stream whose first bytes are no more than marked as packed: a log may begin so.
pub(crate) fn broken(packing: Packing, head: &[u8]) -> Option<io::Error> {
    let first = decoder(packing, head).and_then(|mut decoder| decoder.read(&mut [0]));
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

fn decoder<'a, R: BufRead + 'a>(packing: Packing, reader: R) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match packing {
        Packing::Gzip => Box::new(Members::new(reader)),
        Packing::Zstd => Box::new(zstd::Decoder::with_buffer(reader)?),
        Packing::Xz => {
            let stream =
                liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, liblzma::stream::CONCATENATED)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(reader, stream))
        }
        Packing::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(reader)),
        Packing::Lz4 => Box::new(Frames::new(reader)),
    })
}

/// All gzip members behind each other. What stands behind them is told, save zeros: they pad to the block of a tape.
struct Members<R> {
    /// `None` only while one member gives way to the next.
    member: Option<GzDecoder<R>>,
    is_first: bool,
}

impl<R: BufRead> Members<R> {
    fn new(reader: R) -> Self {
        Self {
            member: Some(GzDecoder::new(reader)),
            is_first: true,
        }
    }

    /// Goes to the next member; false at the end.
    fn next(&mut self) -> io::Result<bool> {
        let Some(member) = self.member.take() else {
            return Ok(false);
        };
        let mut reader = member.into_inner();
        loop {
            let bytes = reader.fill_buf()?;
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            match bytes.get(zeros) {
                Some(0x1f) => {
                    reader.consume(zeros);
                    self.member = Some(GzDecoder::new(reader));
                    self.is_first = false;
                    return Ok(true);
                }
                Some(_) => return Err(trailing()),
                None if bytes.is_empty() => return Ok(false),
                None => reader.consume(zeros),
            }
        }
    }
}

fn trailing() -> io::Error {
    io::Error::other("trailing garbage after the gzip data: not searched")
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            match member.read(buf) {
                Ok(0) if !buf.is_empty() => {
                    if !self.next()? {
                        break;
                    }
                }
                Err(error)
                    if !self.is_first
                        && member.header().is_none()
                        && error.kind() == io::ErrorKind::InvalidInput =>
                {
                    return Err(trailing());
                }
                outcome => return outcome,
            }
        }
        Ok(0)
    }
}

/// All lz4 frames behind each other; the decoder stops after each, and where a frame has no end.
struct Frames<R: Read> {
    decoder: lz4_flex::frame::FrameDecoder<Ends<R>>,
    done: bool,
}

impl<R: BufRead> Frames<R> {
    fn new(inner: R) -> Self {
        let inner = Ends {
            inner,
            reached: false,
        };
        Self {
            decoder: lz4_flex::frame::FrameDecoder::new(inner),
            done: false,
        }
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while !self.done && !buf.is_empty() {
            let read = self.decoder.read(buf)?;
            if read > 0 {
                return Ok(read);
            }
            // At its end mark a frame ends without a look at what is behind it.
            self.done = true;
            if self.decoder.get_ref().reached {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.done = self.decoder.get_mut().inner.fill_buf()?.is_empty();
        }
        Ok(0)
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
