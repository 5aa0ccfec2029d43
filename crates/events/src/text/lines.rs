//! Lines → blocks. The hot path: a block costs one read and one count of its newlines, no more.

use std::ops::ControlFlow;
use std::sync::Arc;

use memchr::memmem;
use perisai_model::Problem;

use super::pieces::{Piece, Pieces, boundary};
use crate::block::{Block, Layout, Stream};
use crate::broken;
use crate::container::{Filled, Peeked, SAMPLE};
use crate::format::{self, Columns, Format};
use crate::json;
use crate::read::{Walk, explain};
use crate::time::DateOrder;

/// How many headers of one stream are read: a hostile one may have one for each line.
const HEADERS: usize = 10_000;

/// Cuts a stream into blocks of whole lines.
pub(super) fn read(
    walk: &mut Walk<'_>,
    stream: Arc<Stream>,
    binary: bool,
    reader: &mut Peeked<'_>,
) -> ControlFlow<()> {
    let limits = &walk.options.limits;
    // A "line" of a binary file is no more than what the newlines in it happen to make.
    let longest = if binary {
        limits.block
    } else {
        limits.line.max(limits.block)
    };
    let mut cutter = Cutter {
        stream,
        line: 1,
        continues: false,
        quiet: binary,
        headers: 0,
        cut: None,
        sample: (!reader.is_whole() && reader.head().len() < SAMPLE).then(Vec::new),
    };
    let mut pieces = Pieces::new(walk, reader, longest);
    loop {
        let Piece {
            mut bytes,
            kept,
            is_longest,
            state,
            ..
        } = pieces.next(walk, reader);
        let paused = matches!(state, Filled::Paused);
        if let Filled::Ended(error) = state {
            if !bytes.is_empty() {
                cutter.emit(walk, bytes, false)?;
            }
            if let Some(error) = error {
                let place = cutter.stream.place.line(cutter.line);
                walk.sink.problem(Problem::new(place, explain(&error)));
            }
            cutter.tell_cut(walk);
            return ControlFlow::Continue(());
        }
        let (at, split) = match memchr::memrchr(b'\n', &bytes[kept..]) {
            Some(at) => (kept + at + 1, false),
            None if !is_longest || paused => {
                pieces.keep_all(bytes);
                continue;
            }
            None => (boundary(&bytes), true),
        };
        pieces.keep(&mut bytes, at);
        cutter.emit(walk, bytes, split)?;
    }
}

struct Cutter {
    stream: Arc<Stream>,
    /// The number of the next line.
    line: u64,
    /// The next block goes on with a line begun before.
    continues: bool,
    /// Lines that are too long are not told.
    quiet: bool,
    /// How many headers have been read.
    headers: usize,
    /// Of a JSON stream, the first line that begins as an object and does not end as one, and how many there are.
    cut: Option<(u64, u64)>,
    /// What has been seen of a live log, as long as it is less than tells the format of a file.
    sample: Option<Vec<u8>>,
}

impl Cutter {
    /// Gives one block; `split` where its last line goes on in the next. Where a header comes again in the middle, the
    /// bytes before it and from it on are blocks of their own, with the columns that hold for them.
    fn emit(&mut self, walk: &mut Walk<'_>, mut bytes: Vec<u8>, split: bool) -> ControlFlow<()> {
        self.tell_format(&bytes);
        let (mut given, mut from) = (0, 0);
        while let Some((start, columns)) = self.restated(walk, &bytes, from) {
            if start > given {
                let mut piece = walk.sink.buffer();
                piece.clear();
                piece.extend_from_slice(&bytes[given..start]);
                self.give(walk, piece, false)?;
                given = start;
            }
            self.stream = Arc::new(Stream {
                columns: Some(Arc::new(columns)),
                ..Stream::clone(&self.stream)
            });
            from = run_end(&bytes, start);
        }
        bytes.drain(..given);
        self.give(walk, bytes, split)
    }

    /// Tells the format of a live log, and the order of its dates, anew while there is more to go by than at first: it may
    /// have begun with a banner, or have paused behind its header.
    fn tell_format(&mut self, bytes: &[u8]) {
        let Some(mut sample) = self.sample.take() else {
            return;
        };
        sample.extend_from_slice(&bytes[..bytes.len().min(SAMPLE - sample.len())]);
        let (format, columns) = format::detect(&sample);
        let order = DateOrder::of_sample(&sample);
        if format != self.stream.format {
            self.stream = Arc::new(Stream {
                format,
                columns,
                ..Stream::clone(&self.stream)
            });
        }
        if order != self.stream.clock.order {
            let mut stream = Stream::clone(&self.stream);
            stream.clock.order = order;
            self.stream = Arc::new(stream);
        }
        self.sample = (sample.len() < SAMPLE).then_some(sample);
    }

    /// The next header from an offset on that states other columns than those that hold.
    fn restated(&mut self, walk: &mut Walk<'_>, bytes: &[u8], from: usize) -> Option<(usize, Columns)> {
        let restate = self.stream.format.0.restate?;
        let mut at = from;
        while self.headers < HEADERS {
            let current = self.stream.columns.as_deref()?;
            let rest = &bytes[at..];
            let start = match rest.first()? {
                b'#' if at == 0 || bytes[at - 1] == b'\n' => at,
                _ => at + memmem::find(rest, b"\n#")? + 1,
            };
            at = run_end(bytes, start);
            let columns = restate(current, &bytes[start..at]);
            self.headers += 1;
            if self.headers == HEADERS {
                let why = format!("more than {HEADERS} headers: changes in later ones are not seen");
                walk.sink.problem(Problem::new(self.stream.place.clone(), why));
            }
            if columns != *current {
                return Some((start, columns));
            }
        }
        None
    }

    /// Looks at the two ends of each line: a line cut off is told even where nobody asks for its fields. The pieces of
    /// a line that is too long are told as such.
    fn count_cut(&mut self, bytes: &[u8], split: bool) {
        let (mut at, mut line) = (0, self.line);
        while at < bytes.len() {
            let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |length| at + length);
            let piece = self.continues && at == 0 || split && end == bytes.len();
            let text = bytes[at..end].trim_ascii();
            if !piece && text.starts_with(b"{") && !text.ends_with(b"}") {
                self.cut.get_or_insert((line, 0)).1 += 1;
            }
            at = end + 1;
            line += 1;
        }
    }

    fn tell_cut(&self, walk: &mut Walk<'_>) {
        if let Some((line, count)) = self.cut {
            let why = "begins as JSON and does not end as it (cut off?): searched as text".to_owned();
            let place = self.stream.place.line(line);
            walk.sink
                .problem(Problem::new(place, broken::and_more(why, count)));
        }
    }

    fn give(&mut self, walk: &mut Walk<'_>, bytes: Vec<u8>, split: bool) -> ControlFlow<()> {
        let newlines = memchr::memchr_iter(b'\n', &bytes).count() as u64;
        let ends = bytes.last() == Some(&b'\n');
        if self.stream.format == Format(&json::LINES) {
            self.count_cut(&bytes, split);
        }
        // Told once, where the line begins.
        if split && !self.quiet && (newlines > 0 || !self.continues) {
            let why = format!("a line of more than {} bytes: searched in pieces", bytes.len());
            walk.sink
                .problem(Problem::new(self.stream.place.line(self.line + newlines), why));
        }
        let block = Block {
            stream: Arc::clone(&self.stream),
            first: self.line,
            count: newlines + u64::from(!ends) - u64::from(self.continues),
            layout: Layout::Lines,
            continues: self.continues,
            bytes,
        };
        self.line += newlines;
        self.continues = split;
        walk.sink.block(block)
    }
}

/// Where a run of lines that begin with `#` ends.
fn run_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while bytes.get(at) == Some(&b'#') {
        at = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end + 1);
    }
    at
}
