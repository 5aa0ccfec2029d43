//! From an input to its streams: what it is told by content, never by name, unpacked while it is read, and cut into
//! blocks. Nothing is written to disk and nothing is held but a block at a time, save what needs to be sought in.

use std::cell::Cell;
use std::io::{self, Read, Seek};
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use perisai_model::{Place, Problem};

use crate::block::{Block, Stream};
use crate::container::{self, Container, Peeked};
use crate::format::Clock;
use crate::{evtx, text};

/// What can be read and sought in: an open file.
pub trait ReadSeek: Read + Seek {}

impl<T: Read + Seek + ?Sized> ReadSeek for T {}

/// An input, by what can be done with it.
pub enum Input<'a> {
    /// A file.
    Seekable(&'a mut dyn ReadSeek),
    /// What can only be read: the inside of an archive, a device.
    Stream(&'a mut dyn Read),
    /// A pipe whose writer may pause, and what waits a moment for more and tells whether it does. Where it does, what
    /// has come is passed on in a block of its own: the blocks then follow the clock, what is in them does not.
    Live(&'a mut dyn Read, &'a dyn Fn() -> bool),
}

/// What an input may cost.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The longest line or record in bytes; longer ones are cut, and told.
    pub line: usize,
    /// The most bytes to hold of a zip that cannot be sought in (inside an archive, or from standard input).
    pub buffered: u64,
    /// How many times its packed size a container may grow to, once past 64 MiB.
    pub ratio: u64,
    /// The most bytes that all the containers in one input may unpack to.
    pub unpacked: u64,
    /// How deep containers may stand in each other; `logs.tar.gz` is two deep.
    pub depth: u8,
    /// The size of a block in bytes.
    pub block: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line: 16 << 20,
            buffered: 1 << 30,
            ratio: 1000,
            unpacked: 1 << 40,
            depth: 4,
            block: 512 << 10,
        }
    }
}

/// How to read.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// What an input may cost.
    pub limits: Limits,
    /// The zone of times that name none.
    pub tz: TimeZone,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            tz: TimeZone::UTC,
        }
    }
}

/// Receives what is found while an input is read.
pub trait Sink {
    /// A buffer to fill. What it holds does not matter: hand back used ones as they are, for clearing one only means
    /// that it must be zeroed again. Let go of those that have grown far over a block.
    fn buffer(&mut self) -> Vec<u8>;

    /// A file, or a member of an archive, unpacked but not yet cut into blocks. A sink that takes it reads from
    /// `reader` what it likes and says how to go on; `None` has it cut into blocks, and nothing may have been read.
    fn member(&mut self, _place: &Place, _reader: &mut dyn Read) -> Option<ControlFlow<()>> {
        None
    }

    /// A stream begins: a file, or a member of an archive. Formats that state their columns anew give a new `Stream`
    /// to later blocks without telling it here.
    fn stream(&mut self, _stream: &Arc<Stream>) {}

    /// A block to search. [`ControlFlow::Break`] ends the reading.
    fn block(&mut self, block: Block) -> ControlFlow<()>;

    /// Something that could not be read; the rest follows.
    fn problem(&mut self, problem: Problem);
}

/// Reads one input to its end: gives its blocks, in order, and its problems to `sink`. `modified` is the file's own
/// time, from which dates without a year are completed.
pub fn read(
    place: Place,
    modified: Option<Timestamp>,
    input: Input<'_>,
    options: &ReadOptions,
    sink: &mut dyn Sink,
) {
    let mut walk = Walk {
        options,
        sink,
        quiet: match input {
            Input::Live(_, quiet) => quiet,
            Input::Seekable(_) | Input::Stream(_) => &|| false,
        },
        unpacked: Rc::new(Cell::new(0)),
    };
    let member = Member {
        place,
        modified,
        depth: 0,
    };
    // A break is the sink's own wish: nothing is left to be told.
    let _ = walk.input(member, input);
}

/// An input or a member of one, on the way in.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) place: Place,
    pub(crate) modified: Option<Timestamp>,
    pub(crate) depth: u8,
}

impl Member {
    /// What is inside a compressed file that has no names: the same place.
    pub(crate) fn inside(&self) -> Self {
        Self {
            depth: self.depth + 1,
            ..self.clone()
        }
    }

    /// A named member.
    pub(crate) fn named(&self, name: &str, modified: Option<Timestamp>) -> Self {
        Self {
            place: self.place.member(name),
            modified: modified.or(self.modified),
            depth: self.depth + 1,
        }
    }
}

/// One walk through an input and all that is packed in it.
pub(crate) struct Walk<'a> {
    pub(crate) options: &'a ReadOptions,
    pub(crate) sink: &'a mut dyn Sink,
    /// Whether the writer of what is read pauses.
    pub(crate) quiet: &'a dyn Fn() -> bool,
    /// Bytes unpacked so far, over all containers.
    pub(crate) unpacked: Rc<Cell<u64>>,
}

impl Walk<'_> {
    /// Reads one input or member, whatever it is.
    pub(crate) fn input(&mut self, member: Member, input: Input<'_>) -> ControlFlow<()> {
        match input {
            Input::Seekable(file) => {
                let head = container::peek(file, self.quiet);
                let kind = Container::detect(&head.bytes);
                let zip = kind == Some(Container::Zip)
                    || kind.is_none() && container::zip::ends_in_zip(file, head.bytes.len());
                if zip && member.depth < self.options.limits.depth {
                    return container::zip::seekable(self, &member, file);
                }
                self.stream(member, Peeked::new(head, file))
            }
            Input::Stream(reader) | Input::Live(reader, _) => {
                let head = container::peek(reader, self.quiet);
                self.stream(member, Peeked::new(head, reader))
            }
        }
    }

    fn stream(&mut self, member: Member, mut reader: Peeked<'_>) -> ControlFlow<()> {
        if let Some(why) = container::unread(reader.head()) {
            self.problem(&member, why);
        }
        match self.kind(&member, reader.head()) {
            Some(Container::Zip) => container::zip::buffered(self, &member, &mut reader),
            Some(Container::Tar) => container::tar::read(self, &member, &mut reader),
            Some(Container::Packed(packing)) => match container::packed::broken(packing, reader.head()) {
                Some(error) => {
                    self.problem(
                        &member,
                        format!("cannot be unpacked: {error}: searched as it stands"),
                    );
                    self.leaf(&member, reader)
                }
                None => container::packed::read(self, &member, packing, reader),
            },
            None => self.leaf(&member, reader),
        }
    }

    /// What is no container.
    pub(crate) fn leaf(&mut self, member: &Member, mut reader: Peeked<'_>) -> ControlFlow<()> {
        if let Some(flow) = self.sink.member(&member.place, &mut reader) {
            return flow;
        }
        if evtx::detect(reader.head()) {
            return evtx::read(self, member, &mut reader);
        }
        text::read(self, member, reader)
    }

    /// The container that this begins as; none, and told, where they stand too deep.
    fn kind(&mut self, member: &Member, head: &[u8]) -> Option<Container> {
        let kind = Container::detect(head)?;
        if member.depth < self.options.limits.depth {
            return Some(kind);
        }
        let why = format!(
            "archives nested deeper than {}: not unpacked",
            self.options.limits.depth
        );
        self.sink.problem(Problem::new(member.place.clone(), why));
        None
    }

    /// The clock of a member's times.
    pub(crate) fn clock(&self, member: &Member) -> Clock {
        Clock {
            tz: self.options.tz.clone(),
            modified: member.modified,
            order: None,
        }
    }

    /// Tells a problem of a whole member.
    pub(crate) fn problem(&mut self, member: &Member, why: impl Into<String>) {
        self.sink.problem(Problem::new(member.place.clone(), why));
    }
}

/// What an error of a reader means to an analyst.
pub(crate) fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "ends too early (truncated)".to_owned(),
        _ => error.to_string(),
    }
}
