//! What stands around STIX objects: bundles, TAXII envelopes, lists, an object a line. Objects are handed out one at a
//! time, as the bytes that they came as; one that cannot be read never costs its neighbours.

use std::io::{self, BufRead};
use std::ops::ControlFlow;

use super::view;
use crate::json::{self, Reader, Tell};
use crate::words::{NAME, clip, quoted};

/// How deep bundles may stand in lists and in each other.
const DEPTH: u32 = 4;

/// Who takes the objects.
pub(crate) trait Objects: Tell {
    /// Takes an object: the text of `{` to `}`, which need be no JSON otherwise. Of bundles only those
    /// come here that hold nothing and stand in a list: who sent one is told of it.
    fn object(&mut self, raw: &[u8], at: At) -> ControlFlow<()>;

    /// Takes a property of the outermost text, if that is an envelope, or an object by itself.
    fn property(&mut self, _key: &str, _raw: &[u8]) {}
}

/// Where an object stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) line: u64,
    /// Counted from 1 in the list `objects`, where it stands in one.
    pub(crate) index: Option<u64>,
}

impl At {
    /// A name for people: the object's number in its list, and its id as far as one can be seen in its text.
    pub(crate) fn name(self, raw: &[u8]) -> String {
        let number = self
            .index
            .map_or_else(|| "the object".to_owned(), |index| format!("object {index}"));
        match visible_id(raw) {
            Some(id) => format!("{number} ({id})"),
            None => number,
        }
    }
}

/// Reads STIX JSON; `by_line` where each line is a document.
pub(crate) fn read<O: Objects>(input: &mut dyn BufRead, by_line: bool, to: &mut O) -> io::Result<()> {
    let mut spare = Vec::new();
    json::documents(input, by_line, to, |reader, to| {
        let mut walk = Walk {
            to,
            key: String::new(),
            raw: Vec::new(),
            spare: std::mem::take(&mut spare),
        };
        let outcome = walk.any(reader, 0);
        spare = walk.spare;
        outcome
    })
}

struct Walk<'a, O> {
    to: &'a mut O,
    /// The last member of the object that the walk is in.
    key: String,
    raw: Vec<u8>,
    /// A buffer for the text of an object.
    spare: Vec<u8>,
}

/// What the next member of an object is.
enum Member {
    /// A list of objects; it is read next.
    Objects,
    /// Anything else: the walk's `key` and `raw`.
    Other,
    /// There is none.
    End,
}

impl<O: Objects> Walk<'_, O> {
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
                let value = reader.raw(&mut self.raw)?;
                let start = start_of(&self.raw);
                self.to
                    .problem(Some(value.line), format_args!("not a STIX object: {start}"));
                Ok(())
            }
        }
    }

    /// Reads the elements of `objects` one by one. What has no such list is an object itself, or an envelope of none.
    fn envelope(&mut self, reader: &mut Reader<'_>, depth: u32) -> Result<(), json::Error> {
        reader.peek()?;
        let line = reader.line();
        reader.record(std::mem::take(&mut self.spare));
        reader.enter()?;
        let (mut has_objects, mut is_bare) = (false, true);
        loop {
            let member = match self.member(reader) {
                Err(error @ json::Error::Syntax { line, .. }) => {
                    if !reader.leave()? {
                        return Err(error);
                    }
                    self.spare = reader.recorded().unwrap_or_default();
                    self.to.problem(Some(line), format_args!("{error}"));
                    return Ok(());
                }
                member => member?,
            };
            match member {
                Member::End => break,
                Member::Objects => {
                    has_objects = true;
                    self.spare = reader.recorded().unwrap_or_default();
                    self.objects(reader, depth)?;
                }
                Member::Other => {
                    is_bare &= matches!(self.key.as_str(), "more" | "next");
                    if depth == 0 {
                        self.to.property(&self.key, &self.raw);
                    }
                }
            }
        }
        if has_objects {
            return Ok(());
        }
        let Some(raw) = reader.recorded() else {
            let limit = json::VALUE_LIMIT;
            self.to
                .problem(Some(line), format_args!("an object of more than {limit} bytes"));
            return Ok(());
        };
        // The answer of a TAXII server that has nothing.
        if !(is_bare && depth == 0) {
            self.object(&raw, At { line, index: None }, depth)?;
        }
        self.spare = raw;
        Ok(())
    }

    fn member(&mut self, reader: &mut Reader<'_>) -> Result<Member, json::Error> {
        let Some(key) = reader.key()? else {
            return Ok(Member::End);
        };
        if key == "objects" && reader.peek()? == Some(b'[') {
            return Ok(Member::Objects);
        }
        self.key = key;
        reader.raw(&mut self.raw)?;
        Ok(Member::Other)
    }

    fn objects(&mut self, reader: &mut Reader<'_>, depth: u32) -> Result<(), json::Error> {
        let mut raw = Vec::new();
        reader.enter()?;
        for index in 1.. {
            if !reader.more()? {
                break;
            }
            let value = reader.raw(&mut raw)?;
            let at = At {
                line: value.line,
                index: Some(index),
            };
            if value.oversized {
                let (name, limit) = (at.name(&[]), json::VALUE_LIMIT);
                self.to
                    .problem(Some(at.line), format_args!("{name}: more than {limit} bytes"));
            } else {
                self.object(&raw, at, depth)?;
            }
        }
        Ok(())
    }

    fn object(&mut self, raw: &[u8], at: At, depth: u32) -> Result<(), json::Error> {
        if !raw.starts_with(b"{") {
            let (name, start) = (at.name(&[]), start_of(raw));
            self.to.problem(
                Some(at.line),
                format_args!("{name} is not a STIX object: {start}"),
            );
            return Ok(());
        }
        let is_told = || at.index.is_some() && is_empty_bundle(raw);
        if is_bundle(raw) && !is_told() {
            return self.inner_bundle(raw, at.line, depth);
        }
        match self.to.object(raw, at) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(json::Error::Stopped),
        }
    }

    fn inner_bundle(&mut self, raw: &[u8], line: u64, depth: u32) -> Result<(), json::Error> {
        if is_empty_bundle(raw) {
            return Ok(());
        }
        if depth + 1 >= DEPTH {
            self.to
                .problem(Some(line), format_args!("bundles nested deeper than {DEPTH}"));
            return Ok(());
        }
        let mut bytes = raw;
        match self.envelope(&mut Reader::at_line(&mut bytes, line), depth + 1) {
            Err(error @ json::Error::Syntax { .. }) => {
                self.to.problem(Some(line), format_args!("{error}"));
                Ok(())
            }
            outcome => outcome,
        }
    }
}

/// True where an object calls itself a bundle.
fn is_bundle(raw: &[u8]) -> bool {
    let holds = |text: &str| memchr::memmem::find(raw, text.as_bytes()).is_some();
    // Any letter may be written by its number.
    (holds("bundle") || holds("\\u00"))
        && serde_json::from_slice::<view::Head>(raw).is_ok_and(|head| head.kind.as_deref() == Some("bundle"))
}

/// The id of what may be no object, or no JSON, as far as it can be seen: cut to 256 bytes, without control characters.
#[must_use]
pub fn id_as_sent(raw: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Head {
        id: String,
    }
    match serde_json::from_slice::<Head>(raw) {
        Ok(head) => clip(&head.id, NAME),
        Err(error) if error.is_data() => None,
        Err(_) => visible_id(raw),
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

/// True for a bundle without objects, which is allowed.
fn is_empty_bundle(raw: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Inner {
        #[serde(default)]
        objects: Vec<serde::de::IgnoredAny>,
    }
    serde_json::from_slice::<Inner>(raw).is_ok_and(|inner| inner.objects.is_empty())
}

pub(super) fn start_of(raw: &[u8]) -> String {
    quoted(&String::from_utf8_lossy(&raw[..raw.len().min(200)]))
}
