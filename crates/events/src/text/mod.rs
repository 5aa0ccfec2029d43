//! Text: transcoded to UTF-8 where it is UTF-16, its format told, and cut into blocks of whole lines or records.

mod cut;
mod lines;
mod utf16;

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::block::Stream;
use crate::container::{self, Peeked};
use crate::format;
use crate::read::{Member, Walk};

pub(crate) fn read(walk: &mut Walk<'_>, member: &Member, mut reader: Peeked<'_>) -> ControlFlow<()> {
    match utf16::detect(reader.head()) {
        Some(encoding) => {
            let mut decoded = utf16::Utf16::new(reader, encoding);
            let head = container::peek(&mut decoded);
            utf8(walk, member, Peeked::new(head, &mut decoded))
        }
        None => {
            if reader.head().starts_with(b"\xef\xbb\xbf") {
                reader.skip(3);
            }
            utf8(walk, member, reader)
        }
    }
}

fn utf8(walk: &mut Walk<'_>, member: &Member, mut reader: Peeked<'_>) -> ControlFlow<()> {
    let (format, columns) = format::detect(reader.head());
    let stream = Arc::new(Stream {
        place: member.place.clone(),
        format,
        clock: walk.clock(member),
        columns,
    });
    walk.sink.stream(&stream);
    let binary = is_binary(reader.head());
    lines::read(walk, stream, binary, &mut reader)
}

/// Programs, images and the like. They are searched too, for the texts in them, but their lines mean nothing.
fn is_binary(head: &[u8]) -> bool {
    memchr::memchr_iter(0, head).count() > head.len() / 100
}
