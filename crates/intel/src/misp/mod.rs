//! MISP events as JSON: one, several, or the answer of a search. Attributes are read one at a time; what the event says
//! of all of them often stands after them, so they wait, in canonical form, for the event's end.

mod event;
pub(crate) mod manifest;
pub(crate) mod tags;
pub(crate) mod types;
mod view;

use std::io::{self, BufRead};

use serde::de::DeserializeOwned;

use self::event::Event;
use crate::Options;
use crate::json::{self, Reader};
use crate::sink::Sink;

/// How deep events may stand inside answers and lists.
const DEPTH: u32 = 4;

/// Reads MISP JSON; `by_line` where each line is a document.
pub(crate) fn read(
    input: &mut dyn BufRead,
    by_line: bool,
    options: &Options,
    sink: &mut Sink<'_>,
) -> io::Result<()> {
    json::documents(input, by_line, sink, |reader, sink| {
        let mut walk = Walk {
            options,
            sink,
            raw: Vec::new(),
        };
        walk.any(reader, 0)
    })
}

struct Walk<'a, 'b> {
    options: &'a Options,
    sink: &'a mut Sink<'b>,
    raw: Vec<u8>,
}

impl Walk<'_, '_> {
    /// An event, an object around events, or a list of either; anything else is passed over.
    fn any(&mut self, reader: &mut Reader<'_>, depth: u32) -> Result<(), json::Error> {
        match reader.peek()? {
            Some(b'{') if depth < DEPTH => self.event(reader, depth),
            Some(b'[') if depth < DEPTH => {
                reader.enter()?;
                while reader.more()? {
                    self.any(reader, depth + 1)?;
                }
                Ok(())
            }
            _ => reader.raw(&mut self.raw).map(|_| ()),
        }
    }

    /// An event's fields may stand in an object `Event` or by themselves.
    fn event(&mut self, reader: &mut Reader<'_>, depth: u32) -> Result<(), json::Error> {
        let mut event = Event::default();
        let start = reader.offset();
        let outcome = self.fields(reader, &mut event, depth);
        event.finish(reader.offset() - start, self.sink);
        outcome
    }

    fn fields(&mut self, reader: &mut Reader<'_>, event: &mut Event, depth: u32) -> Result<(), json::Error> {
        reader.enter()?;
        while let Some(key) = reader.key()? {
            let is_list = reader.peek()? == Some(b'[');
            match key.as_str() {
                "Event" | "response" => self.any(reader, depth + 1)?,
                "Attribute" if is_list => self.each(reader, |walk, line, attribute| {
                    event.attribute(line, attribute, None, walk);
                })?,
                "Object" if is_list => {
                    self.each(reader, |walk, line, object| event.object(line, object, walk))?;
                }
                "Tag" if is_list => self.each(reader, |_, _, tag| event.tag(&tag))?,
                "Galaxy" if is_list => self.each(reader, |_, _, galaxy| event.galaxy(&galaxy))?,
                _ => {
                    let value = reader.raw(&mut self.raw)?;
                    if !value.oversized {
                        event.field(&key, &self.raw);
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads the elements of a list one by one; one that cannot be read is told.
    fn each<T: DeserializeOwned>(
        &mut self,
        reader: &mut Reader<'_>,
        mut take: impl FnMut(&mut Self, u64, T),
    ) -> Result<(), json::Error> {
        reader.enter()?;
        while reader.more()? {
            let value = reader.raw(&mut self.raw)?;
            if value.oversized {
                self.sink.problem(
                    Some(value.line),
                    format_args!("an entry of more than {} bytes", json::VALUE_LIMIT),
                );
                continue;
            }
            match json::parse(&self.raw, value.line) {
                Ok(entry) => take(self, value.line, entry),
                Err(refused) => self
                    .sink
                    .problem(Some(refused.line), format_args!("{}", refused.why)),
            }
        }
        Ok(())
    }
}
