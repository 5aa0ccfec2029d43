//! Entries for fuzzing: bytes in, nothing out, no panic whatever they are.

use std::io::Cursor;
use std::ops::ControlFlow;
use std::sync::Arc;

use perisai_model::{Event, Place, Problem};

use crate::format::{Columns, Format, LINES, utf8};
use crate::{Block, Input, Limits, ReadOptions, Sink, Stream, line_time, read, time};

/// The names of the formats that [`line`] knows.
pub fn formats() -> impl Iterator<Item = &'static str> {
    LINES.iter().map(|spec| spec.name)
}

/// Reads one line or record as a format; an unknown name reads it as plain text.
pub fn line(format: &str, bytes: &[u8]) {
    let spec = LINES.into_iter().find(|spec| spec.name == format);
    let mut stream = Stream {
        format: spec.map_or(Format::TEXT, Format),
        ..Stream::text(Place::file("fuzz"))
    };
    let mut event = Event::default();
    if let Some(spec) = spec {
        let _ = (spec.line)(&utf8(bytes));
        stream.columns = (spec.header)(bytes).map(Arc::new);
        if let Some(restate) = spec.restate {
            let _ = restate(&Columns::default(), bytes);
        }
    }
    stream.fields(bytes, &mut event);
    stream.columns = Some(Arc::new(Columns {
        names: vec!["a".to_owned(), "time".to_owned(), "EventID".to_owned()],
        separator: b',',
        ..Columns::default()
    }));
    stream.fields(bytes, &mut event);
}

/// Reads a whole input, whatever it is: containers, EVTX, documents, text.
pub fn input(bytes: &[u8]) {
    let options = ReadOptions {
        limits: Limits {
            line: 4096,
            block: 1024,
            buffered: 1 << 20,
            unpacked: 1 << 24,
            ..Limits::default()
        },
        ..ReadOptions::default()
    };
    let place = Place::file("fuzz");
    read(
        place,
        None,
        Input::Seekable(&mut Cursor::new(bytes)),
        &options,
        &mut Ignore(Event::default()),
    );
}

/// Reads a time from a line and from a value.
pub fn times(bytes: &[u8]) {
    let clock = crate::Clock::default();
    let _ = line_time(bytes, &clock);
    let _ = time::parse(&String::from_utf8_lossy(bytes), &clock);
}

/// Reads all fields of all that comes, and forgets them.
struct Ignore(Event);

impl Sink for Ignore {
    fn buffer(&mut self) -> Vec<u8> {
        Vec::new()
    }

    fn block(&mut self, block: Block) -> ControlFlow<()> {
        for (_, item) in block.items() {
            block.fields(item, &mut self.0);
        }
        block.each_event(&mut self.0, &mut |_, _| {}, &mut |_| {});
        ControlFlow::Continue(())
    }

    fn problem(&mut self, _: Problem) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn entries_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            input(&bytes);
            times(&bytes);
            formats().for_each(|format| line(format, &bytes));
            line("text", &bytes);
        }
    }
}
