//! Streams that are compressed and no more: gzip, zstd, xz, bzip2, lz4; several members or frames behind each other.

use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::rc::Rc;

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
    walk.input(member.inside(), Input::Stream(&mut metered))
}

fn decoder<'a, R: BufRead + 'a>(packing: Packing, reader: R) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match packing {
        Packing::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
        Packing::Zstd => Box::new(zstd::Decoder::with_buffer(reader)?),
        Packing::Xz => {
            let stream =
                liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, liblzma::stream::CONCATENATED)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(reader, stream))
        }
        Packing::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(reader)),
        Packing::Lz4 => Box::new(Frames(lz4_flex::frame::FrameDecoder::new(reader))),
    })
}

/// All lz4 frames behind each other; the decoder stops after each.
struct Frames<R: Read>(lz4_flex::frame::FrameDecoder<R>);

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.0.read(buf)?;
            if read > 0 || buf.is_empty() || self.0.get_mut().fill_buf()?.is_empty() {
                return Ok(read);
            }
        }
    }
}
