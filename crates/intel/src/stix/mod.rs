//! STIX 2.0 and 2.1: bundles, TAXII envelopes, lists of objects, an object a line. Objects are read one at a time and
//! forgotten, but for what indicators need of them; one that cannot be read never costs its neighbours.

mod graph;
mod marking;
mod observed;
mod view;

use std::io::{self, BufRead};

use self::graph::Graph;
use crate::Options;
use crate::json::{self, Reader};
use crate::sink::Sink;
use crate::words::{NAME, clip, quoted};

/// How deep bundles may stand in lists and in each other.
const DEPTH: u32 = 4;

/// Reads STIX JSON; `by_line` where each line is a document.
pub(crate) fn read(
    input: &mut dyn BufRead,
    by_line: bool,
    options: &Options,
    sink: &mut Sink<'_>,
) -> io::Result<()> {
    let mut graph = Graph::default();
    let outcome = json::documents(input, by_line, sink, |reader, sink| {
        let mut walk = Walk {
            options,
            sink,
            graph: &mut graph,
        };
        walk.any(reader, 0)
    });
    graph.finish(sink);
    outcome
}

struct Walk<'a, 'b> {
    options: &'a Options,
    sink: &'a mut Sink<'b>,
    graph: &'a mut Graph,
}

impl Walk<'_, '_> {
    /// An object, a bundle or envelope around objects, or a list of any.
    fn any(&mut self, reader: &mut Reader<'_>, depth: u32) -> Result<(), json::Error> {
        match reader.peek()? {
            Some(b'{') if depth < DEPTH => self.envelope(reader, depth),
            Some(b'[') if depth < DEPTH => {
                reader.enter()?;
                while reader.more()? {
                    self.any(reader, depth + 1)?;
                }
                Ok(())
            }
            _ => {
                let mut raw = Vec::new();
                let value = reader.raw(&mut raw)?;
                self.sink.problem(
                    Some(value.line),
                    format_args!("not a STIX object: {}", start_of(&raw)),
                );
                Ok(())
            }
        }
    }

    /// Reads the elements of `objects` one by one. What has no such list is an object itself.
    fn envelope(&mut self, reader: &mut Reader<'_>, depth: u32) -> Result<(), json::Error> {
        reader.enter()?;
        let line = reader.line();
        let (mut raw, mut own) = (Vec::new(), vec![b'{']);
        let mut is_envelope = false;
        while let Some(key) = reader.key()? {
            if key == "objects" && reader.peek()? == Some(b'[') {
                is_envelope = true;
                self.objects(reader, depth)?;
                continue;
            }
            let value = reader.raw(&mut raw)?;
            if value.oversized || own.len() + key.len() + raw.len() > json::VALUE_LIMIT {
                self.sink.problem(
                    Some(value.line),
                    format_args!("an object of more than {} bytes", json::VALUE_LIMIT),
                );
                continue;
            }
            if own.len() > 1 {
                own.push(b',');
            }
            own.extend_from_slice(serde_json::Value::from(key).to_string().as_bytes());
            own.push(b':');
            own.extend_from_slice(&raw);
        }
        own.push(b'}');
        if !is_envelope {
            self.object(&own, Place { line, index: None }, depth);
        }
        Ok(())
    }

    fn objects(&mut self, reader: &mut Reader<'_>, depth: u32) -> Result<(), json::Error> {
        let mut raw = Vec::new();
        reader.enter()?;
        for index in 1.. {
            if !reader.more()? {
                break;
            }
            let value = reader.raw(&mut raw)?;
            let place = Place {
                line: value.line,
                index: Some(index),
            };
            if value.oversized {
                self.sink.problem(
                    Some(value.line),
                    format_args!("{}: more than {} bytes", place.name(&[]), json::VALUE_LIMIT),
                );
            } else {
                self.object(&raw, place, depth);
            }
        }
        Ok(())
    }

    fn object(&mut self, raw: &[u8], place: Place, depth: u32) {
        let line = place.line;
        if !raw.starts_with(b"{") {
            return self.sink.problem(
                Some(line),
                format_args!("{} is not a STIX object: {}", place.name(&[]), start_of(raw)),
            );
        }
        let head: view::Head = match json::parse(raw, line) {
            Ok(head) => head,
            Err(refused) => {
                return self.sink.problem(
                    Some(refused.line),
                    format_args!("{}: {}", place.name(raw), refused.why),
                );
            }
        };
        let Some(kind) = head.kind else {
            return self.sink.problem(
                Some(line),
                format_args!("{} has no type: {}", place.name(raw), start_of(raw)),
            );
        };
        if kind == "bundle" {
            return self.inner_bundle(raw, line, depth);
        }
        let object = graph::Object {
            kind: &kind,
            id: head.id,
            raw,
            line,
        };
        self.graph.add(object, self.options, self.sink);
    }

    fn inner_bundle(&mut self, raw: &[u8], line: u64, depth: u32) {
        let mut bytes = raw;
        let mut reader = Reader::at_line(&mut bytes, line);
        let is_empty = serde_json::from_slice::<Inner>(raw).is_ok_and(|inner| inner.objects.is_none());
        if is_empty {
            return;
        }
        if depth + 1 >= DEPTH {
            return self
                .sink
                .problem(Some(line), format_args!("bundles nested deeper than {DEPTH}"));
        }
        if let Err(error) = self.envelope(&mut reader, depth + 1) {
            self.sink.problem(Some(line), format_args!("{error}"));
        }
    }
}

/// Where an object stands.
#[derive(Clone, Copy)]
struct Place {
    line: u64,
    /// Counted from 1 in the list `objects`, where it stands in one.
    index: Option<u64>,
}

impl Place {
    /// A name for people: the object's number in its list, and its id as far as one can be seen in its text.
    fn name(self, raw: &[u8]) -> String {
        let number = self
            .index
            .map_or_else(|| "the object".to_owned(), |index| format!("object {index}"));
        match visible_id(raw) {
            Some(id) => format!("{number} ({id})"),
            None => number,
        }
    }
}

/// The first id in a text that may be no JSON as a whole.
fn visible_id(raw: &[u8]) -> Option<String> {
    let at = memchr::memmem::find(raw, b"\"id\"")?;
    let value = raw[at + 4..].trim_ascii_start().strip_prefix(b":")?;
    let value = value.trim_ascii_start().strip_prefix(b"\"")?;
    let end = memchr::memchr(b'"', value)?;
    clip(&String::from_utf8_lossy(&value[..end.min(NAME)]), NAME)
}

/// Tells a bundle without objects, which is allowed, from one with them.
#[derive(serde::Deserialize)]
struct Inner {
    objects: Option<serde::de::IgnoredAny>,
}

fn start_of(raw: &[u8]) -> String {
    quoted(&String::from_utf8_lossy(&raw[..raw.len().min(200)]))
}
