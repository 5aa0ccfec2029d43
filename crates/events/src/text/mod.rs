//! Text: transcoded to UTF-8 where it is UTF-16 ([`mixed`]) or UTF-32 ([`utf32`]), its format told, and cut into
//! blocks of whole lines or records.

mod lines;
mod mixed;
mod pieces;
pub(crate) mod records;
mod utf16;
mod utf32;

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::block::Stream;
use crate::container::{self, Peeked};
use crate::format::{self, Clock, Format};
use crate::read::{Member, Walk};
use crate::time::DateOrder;
use crate::{json, xml};
use records::Splitter;

pub(crate) fn read(walk: &mut Walk<'_>, member: &Member, mut reader: Peeked<'_>) -> ControlFlow<()> {
    if let Some(order) = utf32::detect(reader.head()) {
        reader.skip(utf32::UNIT);
        let mut decoded = utf32::Utf32::new(reader, order);
        let head = container::peek(&mut decoded, walk.quiet);
        return utf8(walk, member, Peeked::new(head, &mut decoded));
    }
    let encoding = utf16::detect(reader.head());
    if encoding.is_none() && is_binary(reader.head()) && !begins_as_lines(reader.head()) {
        return utf8(walk, member, reader);
    }
    for mark in [b"\xef\xbb\xbf".as_slice(), b"\xff\xfe", b"\xfe\xff"] {
        if encoding.is_none() && reader.head().starts_with(mark) {
            reader.skip(mark.len());
        }
    }
    if encoding.is_none() && mixed::is_clean(reader.head()) {
        let (head, inner) = reader.into_parts();
        let mut rest = mixed::Mixed::behind(inner, head.last());
        return utf8(walk, member, Peeked::new(head, &mut rest));
    }
    let mut decoded = mixed::Mixed::new(reader, encoding);
    let head = container::peek(&mut decoded, walk.quiet);
    utf8(walk, member, Peeked::new(head, &mut decoded))
}

fn utf8(walk: &mut Walk<'_>, member: &Member, mut reader: Peeked<'_>) -> ControlFlow<()> {
    let head = reader.head();
    let mut splitter: Option<(Format, Box<dyn Splitter>)> = None;
    if xml::split::detect(head) {
        splitter = Some((Format(&xml::XML), Box::new(xml::split::XmlSplitter::default())));
    } else if let Some(json) = json::split::detect(head, reader.is_whole()) {
        splitter = Some((Format(&json::LINES), Box::new(json)));
    }
    let (format, columns) = match &splitter {
        Some((format, _)) => (*format, None),
        None => format::detect(head),
    };
    let stream = Arc::new(Stream {
        place: member.place.clone(),
        format,
        clock: Clock {
            order: DateOrder::of_sample(head),
            ..walk.clock(member)
        },
        columns,
        broken: Arc::default(),
    });
    walk.sink.stream(&stream);
    if let Some((_, mut splitter)) = splitter {
        return records::read(walk, stream, splitter.as_mut(), &mut reader);
    }
    let binary = is_binary(reader.head());
    lines::read(walk, stream, binary, &mut reader)
}

/// Whether lines of plain text come before the first NUL: what follows may be UTF-16, which PowerShell's `>>` adds.
fn begins_as_lines(head: &[u8]) -> bool {
    let end = memchr::memchr(0, head).unwrap_or(head.len());
    let is_text = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
    // The last byte is the first of a pair.
    let before = &head[..end.saturating_sub(1)];
    before.ends_with(b"\n") && before.iter().all(is_text)
}

/// Programs, images and the like. They are searched too, for the texts in them, but their lines mean nothing.
fn is_binary(head: &[u8]) -> bool {
    memchr::memchr_iter(0, head).count() > head.len() / 100
}
