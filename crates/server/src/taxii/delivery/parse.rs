//! The parser of a body, on a thread of its own: what it reads from is a channel.

use std::io::{self, BufRead, Read};
use std::ops::ControlFlow;

use axum::body::Bytes;
use perisai_intel::{RawObject, read_objects};
use perisai_model::{Place, Problem};
use tokio::sync::mpsc;

/// Objects that are stored together.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// The bytes of each.
    pub(super) objects: Vec<Vec<u8>>,
    /// The number of each in the list that it stands in, counted from 1.
    pub(super) numbers: Vec<u64>,
}

/// How many objects a step has at most.
const OBJECTS: usize = 2_000;

/// After so many bytes a step ends.
const BYTES: usize = 8 << 20;

/// What a body was, apart from its objects.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// Why it is no envelope.
    pub(super) no_envelope: Option<String>,
    /// What in it is no object; the last may stand for many.
    pub(super) problems: Vec<Problem>,
    /// How many those are.
    pub(super) problem_count: u64,
}

/// Parses what comes, and hands its objects on.
pub(super) fn parse(pieces: mpsc::Receiver<io::Result<Bytes>>, steps: &mpsc::Sender<Step>) -> Parsed {
    let mut input = Pieces {
        pieces,
        piece: Bytes::new(),
    };
    let no_envelope = |why: &str| Parsed {
        no_envelope: Some(why.to_owned()),
        ..Parsed::default()
    };
    match input.first() {
        Ok(Some(b'{')) => {}
        Ok(Some(_)) => return no_envelope("it is no JSON object"),
        Ok(None) => return no_envelope("it is empty"),
        // What the pump stopped is its to tell.
        Err(_) => return Parsed::default(),
    }
    let mut gather = Gather {
        steps,
        step: Step::default(),
        bytes: 0,
        is_bare: false,
    };
    let mut parsed = Parsed::default();
    let read = read_objects(
        &Place::file("body"),
        &mut input,
        &mut |object| gather.take(object),
        &mut parsed.problems,
    );
    let Ok(read) = read else {
        return parsed;
    };
    if gather.is_bare {
        return no_envelope("it has no list of `objects`");
    }
    let _ = gather.hand_on();
    parsed.problem_count = read.problems;
    if let Some(first) = parsed.problems.first().filter(|_| read.objects == 0) {
        parsed.no_envelope = Some(first.why.clone());
    }
    parsed
}

struct Gather<'a> {
    steps: &'a mpsc::Sender<Step>,
    step: Step,
    bytes: usize,
    /// An object stood there that is in no list: the body is that itself.
    is_bare: bool,
}

impl Gather<'_> {
    fn take(&mut self, object: RawObject<'_>) -> ControlFlow<()> {
        let Some(number) = object.index else {
            self.is_bare = true;
            return ControlFlow::Break(());
        };
        self.bytes += object.bytes.len();
        self.step.objects.push(object.bytes.to_vec());
        self.step.numbers.push(number);
        if self.step.objects.len() >= OBJECTS || self.bytes >= BYTES {
            return self.hand_on();
        }
        ControlFlow::Continue(())
    }

    fn hand_on(&mut self) -> ControlFlow<()> {
        self.bytes = 0;
        let step = std::mem::take(&mut self.step);
        if !step.objects.is_empty() && self.steps.blocking_send(step).is_err() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// What a body is read from.
struct Pieces {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Pieces {
    /// The first byte that is no blank, which stays where it is.
    fn first(&mut self) -> io::Result<Option<u8>> {
        loop {
            let bytes = self.fill_buf()?;
            if bytes.is_empty() {
                return Ok(None);
            }
            let blanks = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let found = bytes.get(blanks).copied();
            self.consume(blanks);
            if found.is_some() {
                return Ok(found);
            }
        }
    }
}

impl BufRead for Pieces {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => break,
            }
        }
        Ok(&self.piece)
    }

    fn consume(&mut self, amount: usize) {
        drop(self.piece.split_to(amount));
    }
}

impl Read for Pieces {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?;
        let amount = bytes.len().min(to.len());
        to[..amount].copy_from_slice(&bytes[..amount]);
        self.consume(amount);
        Ok(amount)
    }
}
