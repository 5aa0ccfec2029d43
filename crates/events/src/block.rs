//! A piece of a stream that can be searched on its own, on any thread, and where its lines or records stand.

use std::ops::Range;
use std::sync::Arc;

use memchr::memmem;
use perisai_model::{Event, Place, Position, Problem};

use crate::broken::Broken;
use crate::evtx;
use crate::format::{Clock, Columns, Format};
use crate::json;

/// One text or record stream inside an input: the file itself, or a member of an archive. Shared by its blocks.
#[derive(Debug, Clone)]
pub struct Stream {
    /// The path, and the member inside archives; no position.
    pub place: Place,
    /// The format of its lines or records.
    pub format: Format,
    /// What times without a zone or a year mean.
    pub clock: Clock,
    /// The column names, for formats that state them in a header.
    pub columns: Option<Arc<Columns>>,
    /// What is met in it that is no JSON, where it should be.
    pub(crate) broken: Arc<Broken>,
}

impl Stream {
    /// Tells, as far as fields have been asked for, the records that claim to be JSON and are none: one problem, at the
    /// first of them, with the number of the others; and that there are records with more fields than are read. To be
    /// called once all blocks of the stream have been searched; what was told is forgotten.
    #[must_use]
    pub fn take_problems(&self) -> Vec<Problem> {
        self.broken.problems(&self.place)
    }

    /// Whether [`take_problems`](Self::take_problems) may have something to tell: the others need not be kept.
    #[must_use]
    pub fn tells_problems(&self) -> bool {
        matches!(
            self.format.name(),
            "json" | "evtx" | "winxml" | "logfmt" | "cef" | "leef"
        )
    }
}

/// How a block's bytes are laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// Lines that end in `\n` or `\r\n`.
    Lines,
    /// Records at these byte ranges, in order (JSON values, XML events). What stands between two of them (brackets,
    /// or the head of an export) belongs to the one before, for the purpose of telling a place.
    Records(Vec<Range<usize>>),
    /// One EVTX chunk; see [`Block::each_event`].
    EvtxChunk,
}

/// A piece of a stream.
#[derive(Debug, Clone)]
pub struct Block {
    /// What it is a piece of.
    pub stream: Arc<Stream>,
    /// The bytes; whole lines or records, except where one is longer than the limit.
    pub bytes: Vec<u8>,
    /// The number of its first line or record, counted from 1 in its stream. For an EVTX chunk its number in the file.
    pub first: u64,
    /// How many lines or records begin in it. Unknown, 0, for an EVTX chunk.
    pub count: u64,
    /// How the bytes are laid out.
    pub layout: Layout,
    /// Its first line or record began in the block before (one longer than the limit).
    pub continues: bool,
}

impl Block {
    /// The lines or records, as position and byte range (without the line's end). Nothing for an EVTX chunk.
    pub fn items(&self) -> impl Iterator<Item = (Position, Range<usize>)> + '_ {
        let lines = matches!(self.layout, Layout::Lines).then_some(LineRanges {
            bytes: &self.bytes,
            at: 0,
            line: self.first,
        });
        let records = match &self.layout {
            Layout::Records(ranges) => ranges.as_slice(),
            _ => &[],
        };
        let records = records
            .iter()
            .zip(self.first..)
            .map(|(range, number)| (Position::Record(number), range.clone()));
        lines.into_iter().flatten().chain(records)
    }

    /// A cursor that tells the line or record around ascending offsets, at the cost of one pass over the bytes.
    #[must_use]
    pub fn cursor(&self) -> Cursor<'_> {
        Cursor {
            block: self,
            counted: 0,
            number: self.first,
            record: 0,
        }
    }

    /// Reads the fields of one line or record (a range that [`items`](Self::items) or a [`Cursor`] gave) into `event`,
    /// which is cleared first. False where the format gives none: plain text, or a line that is not what its file's
    /// format says. The event's time is read in either case, where there is one.
    pub fn fields(&self, item: Range<usize>, event: &mut Event) -> bool {
        event.clear();
        let read = self.stream.fields(&self.bytes[item.clone()], event);
        if !read && self.stream.format == Format(&json::LINES) {
            self.stream.broken.take(self, item);
        }
        read
    }

    /// True where lines write values in a way of their own, so that [`retell`](Self::retell) has something to say.
    #[must_use]
    pub fn retells(&self) -> bool {
        let own = self.stream.format.0.retell;
        own.is_some_and(|own| memmem::find(&self.bytes, own.mark.as_bytes()).is_some())
            || json::retells(&self.bytes, self.stream.format == Format(&json::LINES))
    }

    /// Adds to `out`, on lines of their own, what a line says in the usual way of writing: a name with dots, where
    /// the log has `(3)www(7)example(0)`, or `&`, where JSON in it has `\u0026`. `stood` gets for each the place in
    /// `out` from which on it stands, and where it stands in the line.
    pub fn retell(&self, item: Range<usize>, out: &mut Vec<u8>, stood: &mut Vec<(usize, Range<usize>)>) {
        let bytes = &self.bytes[item];
        // Where bytes are replaced, places would be others.
        if let Some(own) = self.stream.format.0.retell
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            (own.line)(text, out, stood);
        }
        json::retell(bytes, out, stood);
    }

    /// Calls `each` with every record of an EVTX chunk, its number being the `EventRecordID`, and `problem` with what
    /// cannot be read of it. `event` is the room to work in. Nothing for other layouts.
    pub fn each_event(
        &self,
        event: &mut Event,
        each: &mut dyn FnMut(Position, &Event),
        problem: &mut dyn FnMut(Problem),
    ) {
        if self.layout == Layout::EvtxChunk {
            evtx::each_event(self, event, each, problem);
        }
    }
}

/// Finds lines and records by offset; see [`Block::cursor`].
#[derive(Debug)]
pub struct Cursor<'a> {
    block: &'a Block,
    counted: usize,
    number: u64,
    record: usize,
}

impl Cursor<'_> {
    /// The position and byte range of the line or record that holds `offset`. Offsets must not descend. `None` for an
    /// EVTX chunk, or a block of records without any.
    pub fn locate(&mut self, offset: usize) -> Option<(Position, Range<usize>)> {
        let bytes = &self.block.bytes;
        let offset = offset.min(bytes.len());
        match &self.block.layout {
            Layout::Lines => {
                let skipped = bytes.get(self.counted..offset).unwrap_or_default();
                self.number += memchr::memchr_iter(b'\n', skipped).count() as u64;
                self.counted = self.counted.max(offset);
                let start = memchr::memrchr(b'\n', &bytes[..offset]).map_or(0, |at| at + 1);
                let end = memchr::memchr(b'\n', &bytes[offset..]).map_or(bytes.len(), |at| offset + at);
                Some((Position::Line(self.number), trim_cr(bytes, start..end)))
            }
            Layout::Records(ranges) => {
                while ranges
                    .get(self.record + 1)
                    .is_some_and(|next| next.start <= offset)
                {
                    self.record += 1;
                }
                let range = ranges.get(self.record)?;
                let number = self.block.first + self.record as u64;
                Some((Position::Record(number), range.clone()))
            }
            Layout::EvtxChunk => None,
        }
    }
}

struct LineRanges<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl Iterator for LineRanges<'_> {
    type Item = (Position, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let range = trim_cr(self.bytes, self.at..self.at + length);
        let position = Position::Line(self.line);
        self.at += length + 1;
        self.line += 1;
        Some((position, range))
    }
}

fn trim_cr(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    if bytes[range.clone()].ends_with(b"\r") {
        range.start..range.end - 1
    } else {
        range
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(bytes: &[u8], layout: Layout) -> Block {
        Block {
            stream: Arc::new(Stream::text(Place::file("t"))),
            bytes: bytes.to_vec(),
            first: 5,
            count: 0,
            layout,
            continues: false,
        }
    }

    #[test]
    fn items_and_cursor_agree() {
        let check = |bytes: &[u8], expected: &[(u64, &str)]| {
            let block = block(bytes, Layout::Lines);
            let text = |range: Range<usize>| std::str::from_utf8(&block.bytes[range]).unwrap().to_owned();
            let items: Vec<_> = block.items().collect();
            let expected: Vec<_> = expected
                .iter()
                .map(|(line, text)| (Position::Line(*line), (*text).to_owned()))
                .collect();
            let seen: Vec<_> = items
                .iter()
                .map(|(position, range)| (*position, text(range.clone())))
                .collect();
            assert_eq!(seen, expected);
            let mut cursor = block.cursor();
            for (position, range) in items {
                let found = cursor.locate(range.start).unwrap();
                assert_eq!(found, (position, range));
            }
        };
        check(b"", &[]);
        check(b"a\nbc\r\n\nd", &[(5, "a"), (6, "bc"), (7, ""), (8, "d")]);
        check(b"one\n", &[(5, "one")]);
    }

    #[test]
    fn json_in_any_line_is_told_again() {
        let check = |bytes: &[u8], expected: &[(&str, &str)]| {
            let block = block(bytes, Layout::Lines);
            let (mut out, mut stood) = (Vec::new(), Vec::new());
            for (_, range) in block.items() {
                let (from, line) = (stood.len(), &bytes[range.clone()]);
                block.retell(range, &mut out, &mut stood);
                let told = stood[from..].iter().map(|(at, range)| {
                    let told = out[*at..].split(|byte| *byte == b'\n').next().unwrap();
                    (&line[range.clone()], told)
                });
                let expected = expected
                    .iter()
                    .map(|(stood, told)| (stood.as_bytes(), told.as_bytes()));
                assert_eq!(told.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
            }
            assert_eq!(block.retells(), !expected.is_empty());
        };
        let escaped = [(r"a?b=1\u0026c", "a?b=1&c")];
        check(br#"{"u":"a?b=1\u0026c"}"#, &escaped);
        check(br#"2022-02-24T01:02:03Z stdout F {"u":"a?b=1\u0026c"}"#, &escaped);
        check(br#"Feb 24 01:02:03 h p[1]: @cee: {"u":"a?b=1\u0026c"}"#, &escaped);
        check(
            b"<13>1 2026-01-01T00:00:00Z h p - - - \xff\"a?b=1\\u0026c\"",
            &escaped,
        );
        check(
            br#"{"log":"{\"u\":\"a?b=1\\u0026c\"}\n"}"#,
            &[(r"a?b=1\\u0026c", "a?b=1&c")],
        );
        check(br"plain words, c:\users, \u00", &[]);
    }

    #[test]
    fn what_stands_between_records_belongs_to_the_one_before() {
        let block = block(b"[{1},{2}]", Layout::Records(vec![1..4, 5..8]));
        let mut cursor = block.cursor();
        let mut at = |offset| cursor.locate(offset).map(|(position, _)| position);
        assert_eq!(at(0), Some(Position::Record(5)));
        assert_eq!(at(4), Some(Position::Record(5)));
        assert_eq!(at(6), Some(Position::Record(6)));
        assert_eq!(at(99), Some(Position::Record(6)));
    }
}
