//! The objects of a source, one at a time, as the bytes that they came as.

use std::fmt;
use std::io::{self, BufRead};
use std::ops::ControlFlow;

use perisai_model::{Place, Problem};

use crate::json::Tell;
use crate::sink::Problems;
use crate::stix::walk::{self, At, Objects};
use crate::{input, sniff};

/// An object as it stands in its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawObject<'a> {
    /// From `{` to `}`, at most 16 MiB. That they are JSON has not been looked at; [`Object::parse`](super::Object)
    /// does. Of a source in UTF-16, the text in UTF-8.
    pub bytes: &'a [u8],
    /// The line that it starts on, counted from 1.
    pub line: u64,
    /// Its number in the list `objects`, counted from 1, where it stands in one.
    pub index: Option<u64>,
}

impl RawObject<'_> {
    /// A name for people: `object 7 (indicator--…)`, as far as an id can be seen in what may be no JSON.
    #[must_use]
    pub fn name(&self) -> String {
        let (line, index) = (self.line, self.index);
        At { line, index }.name(self.bytes)
    }
}

/// What a source held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectsRead {
    /// How many objects were handed out.
    pub objects: u64,
    /// How many problems there were, those included that were not kept.
    pub problems: u64,
    /// The caller ended it.
    pub stopped: bool,
    /// A TAXII envelope's `more`.
    pub more: bool,
    /// A TAXII envelope's `next`.
    pub next: Option<String>,
}

/// Reads a STIX bundle, a TAXII envelope, a list of objects, an object, an object a line, or bundles in any of them, and
/// hands out the bytes of each object.
///
/// The stream must be decompressed; memory is bounded by the largest object taken, 16 MiB, however long it is. An object
/// that cannot be handed out costs only itself and is told in `problems`, of which the first 100 are kept and the others
/// counted in one more. `place` names the source in them. Where `each` breaks, little more is read of the stream.
///
/// # Errors
/// Where the stream fails. What was read before has been handed out.
///
/// # Example
/// ```
/// use std::ops::ControlFlow;
///
/// use perisai_intel::read_objects;
/// use perisai_model::Place;
///
/// let mut bundle = &br#"{"type": "bundle", "objects": [{"type": "x-a", "id": "x-a--1"}, 7]}"#[..];
/// let mut problems = Vec::new();
/// let mut seen = Vec::new();
/// read_objects(&Place::file("-"), &mut bundle, &mut |object| {
///     seen.push(object.bytes.to_vec());
///     ControlFlow::Continue(())
/// }, &mut problems)?;
/// assert_eq!(seen, [br#"{"type": "x-a", "id": "x-a--1"}"#]);
/// assert_eq!(problems[0].to_string(), "-:1: object 2 is not a STIX object: `7`");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read_objects(
    place: &Place,
    input: &mut dyn BufRead,
    each: &mut dyn FnMut(RawObject<'_>) -> ControlFlow<()>,
    problems: &mut Vec<Problem>,
) -> io::Result<ObjectsRead> {
    let mut opened = input::open(input);
    let by_line = sniff::json::is_by_line(&opened.head);
    opened.head = Vec::new();
    let mut taking = Taking {
        place,
        each,
        kept: problems,
        problems: Problems::default(),
        read: ObjectsRead::default(),
    };
    let outcome = walk::read(&mut *opened.stream, by_line, &mut taking);
    taking.problems.finish(place, taking.kept);
    taking.read.problems = taking.problems.many();
    outcome.map(|()| taking.read)
}

struct Taking<'a> {
    place: &'a Place,
    each: &'a mut dyn FnMut(RawObject<'_>) -> ControlFlow<()>,
    kept: &'a mut Vec<Problem>,
    problems: Problems,
    read: ObjectsRead,
}

impl Tell for Taking<'_> {
    fn problem(&mut self, line: Option<u64>, why: fmt::Arguments<'_>) {
        self.problems.tell(self.place, line, why, self.kept);
    }
}

impl Objects for Taking<'_> {
    fn object(&mut self, raw: &[u8], at: At) -> ControlFlow<()> {
        self.read.objects += 1;
        let outcome = (self.each)(RawObject {
            bytes: raw,
            line: at.line,
            index: at.index,
        });
        self.read.stopped = outcome.is_break();
        outcome
    }

    fn property(&mut self, key: &str, raw: &[u8]) {
        match key {
            "more" => self.read.more = raw == b"true",
            "next" => self.read.next = serde_json::from_slice(raw).ok(),
            _ => {}
        }
    }
}
