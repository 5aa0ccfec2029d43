//! Taking sources of any format into the store: STIX stays the bytes that it is, everything else becomes indicators, which
//! are the same ones each time.

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::ops::ControlFlow;

use perisai_intel::write::{self, Maker, WriteError};
use perisai_intel::{Format, Options, format_of_head, read_objects};
use perisai_model::{Indicator, Intel, Place, Problem, Rule, Timestamp, Tlp};
use perisai_store::{Delivery, Error, Outcome, Source};
use tokio::runtime::Handle;

use super::{Node, Received};
use crate::intel::Takes;
use crate::stop::Stop;

/// How many objects are stored together.
const BATCH: usize = 2_000;

/// How many bytes of them, at most, but for a single one.
const BYTES: usize = 16 << 20;

/// How many problems are kept; the rest is counted.
const PROBLEMS: usize = 1_000;

/// How much of a source is looked at to tell its format, in bytes.
const HEAD: u64 = 64 << 10;

/// What was taken in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Objects that are new.
    pub stored: u64,
    /// Objects that were here.
    pub known: u64,
    /// Objects that change what is another's, kept apart.
    pub apart: u64,
    /// Objects that could not be kept, and entries that could not be read.
    pub refused: u64,
    /// Objects that were deleted because tombstones told so.
    pub deleted: u64,
    /// Entries that are not meant for detection, or of a kind that is not looked for.
    pub left_out: u64,
    /// The first thousand of what went wrong.
    pub problems: Vec<Problem>,
}

impl Imported {
    /// Counts what became of what came from a place.
    pub(super) fn count(&mut self, received: Received, place: &Place) {
        self.deleted += received.deleted;
        for receipt in received.receipts {
            let id = receipt.id.as_deref().unwrap_or("an object without an id");
            let why = match receipt.outcome {
                Outcome::Stored => {
                    self.stored += 1;
                    continue;
                }
                Outcome::Known => {
                    self.known += 1;
                    continue;
                }
                Outcome::Apart => {
                    self.apart += 1;
                    format!("{id}: it changes what is another's, so it is kept apart")
                }
                Outcome::Refused(why) => {
                    self.refused += 1;
                    format!("{id}: {why}")
                }
            };
            self.tell(Problem::new(place.clone(), why));
        }
    }

    fn tell(&mut self, problem: Problem) {
        if self.problems.len() < PROBLEMS {
            self.problems.push(problem);
        }
    }
}

/// Objects that are stored together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    objects: Vec<Vec<u8>>,
    bytes: usize,
}

impl Batch {
    /// Adds an object; gives what gathered before it, where that is enough.
    pub(super) fn add(&mut self, object: Vec<u8>) -> Option<Vec<Vec<u8>>> {
        let is_enough = self.objects.len() >= BATCH || self.bytes + object.len() > BYTES;
        let before = (is_enough && !self.objects.is_empty()).then(|| self.take());
        self.bytes += object.len();
        self.objects.push(object);
        before
    }

    /// What gathered.
    pub(super) fn take(&mut self) -> Vec<Vec<u8>> {
        self.bytes = 0;
        std::mem::take(&mut self.objects)
    }
}

/// How sources are taken in.
pub(super) struct Intake<'a> {
    pub(super) node: &'a Node,
    /// Where the store works.
    pub(super) runtime: &'a Handle,
    /// Where they come from.
    pub(super) source: &'a Source,
    /// A delivery without objects.
    pub(super) head: Delivery,
    /// In whose name indicators are made.
    pub(super) identity: String,
    /// How what is made here is marked where nothing is said of it; what came as STIX stays as it came.
    pub(super) tlp: Option<Tlp>,
    /// What is taken in before the first object that is made here, and not counted: in whose name it is.
    pub(super) introduction: Option<Delivery>,
    /// What is taken of sources that are no STIX.
    pub(super) options: Options,
    pub(super) stop: &'a Stop,
    /// Is shown what was taken in so far.
    pub(super) under_way: &'a mut dyn FnMut(&Imported),
}

/// Taking in, under way. Blocks.
pub(super) struct Taking<'a> {
    how: Intake<'a>,
    /// Since when there is what is made and was not here.
    now: Timestamp,
    batch: Batch,
    imported: Imported,
    /// The store failed; nothing more is taken.
    failed: Option<Error>,
}

impl<'a> Taking<'a> {
    pub(super) fn new(how: Intake<'a>) -> Self {
        Self {
            how,
            now: now(),
            batch: Batch::default(),
            imported: Imported::default(),
            failed: None,
        }
    }

    /// What was taken in, and why not all of it was.
    pub(super) fn end(mut self) -> (Imported, Option<Error>) {
        let rest = self.batch.take();
        self.deliver(rest);
        (self.imported, self.failed)
    }

    fn goes_on(&self) -> bool {
        self.failed.is_none() && !self.how.stop.is_set()
    }

    /// Adds an object. False: nothing more is taken.
    fn add(&mut self, object: Vec<u8>) -> bool {
        if let Some(enough) = self.batch.add(object) {
            self.deliver(enough);
        }
        self.goes_on()
    }

    fn deliver(&mut self, objects: Vec<Vec<u8>>) {
        if objects.is_empty() || self.failed.is_some() {
            return;
        }
        let mut delivery = self.how.head.clone();
        delivery.objects = objects;
        match self.how.runtime.block_on(self.how.node.receive(delivery)) {
            Ok(received) => {
                let place = Place::file(&*self.how.source.name);
                self.imported.count(received, &place);
            }
            Err(error) => self.failed = Some(error),
        }
        (self.how.under_way)(&self.imported);
    }

    /// Makes indicators and adds them. What is here already keeps its time, so that it is known again. False: nothing more is
    /// taken.
    fn make(&mut self, some: &[Made<'_>], intel: &Intel, place: &Place) -> bool {
        let identity = self.how.identity.clone();
        // What one source says is not what another does: each may be shared, trusted and recalled otherwise. Nobody else can
        // compute the ids, and try with them what is here.
        let source = format!("{} {}", self.how.node.id_seed, self.how.source.name);
        let maker = |since| Maker {
            identity: Some(&identity),
            source: Some(&source),
            created: since,
            modified: since,
        };
        let ids: Vec<_> = some.iter().map(|one| one.id(&maker(self.now))).collect();
        let known = self.how.node.store.newest_versions(&ids);
        let known = match self.how.runtime.block_on(known) {
            Ok(known) => known,
            Err(error) => {
                self.failed = Some(error);
                return false;
            }
        };
        for (one, id) in some.iter().zip(&ids) {
            let kept = known
                .get(id)
                .and_then(|micros| Timestamp::from_microsecond(*micros).ok());
            match one.write(intel, &maker(kept.unwrap_or(self.now))) {
                Ok(object) => {
                    self.introduce();
                    if !self.add(object) {
                        return false;
                    }
                }
                Err(why) => self.problem(Problem::new(place.clone(), why.to_string())),
            }
        }
        true
    }

    fn introduce(&mut self) {
        let Some(first) = self.how.introduction.take() else {
            return;
        };
        if let Err(error) = self.how.runtime.block_on(self.how.node.store.ingest(first)) {
            self.failed = Some(error);
        }
    }

    fn stix(&mut self, place: &Place, reader: &mut dyn BufRead) -> io::Result<()> {
        let mut problems = Vec::new();
        let read = read_objects(
            place,
            reader,
            &mut |object| match self.add(object.bytes.to_vec()) {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            },
            &mut problems,
        )?;
        self.imported.refused += read.problems;
        problems
            .into_iter()
            .for_each(|problem| self.imported.tell(problem));
        Ok(())
    }

    /// Anything else: its values and rules become indicators.
    fn other(&mut self, place: &Place, reader: &mut dyn BufRead) -> io::Result<()> {
        let mut intel = Intel::default();
        let mut options = self.how.options.clone();
        options.skip_unknown |= place.member.is_some();
        perisai_intel::read(place, reader, &options, &mut intel)?;
        self.imported.refused += intel.problems.len() as u64;
        self.imported.left_out += intel.withheld.total();
        for context in &mut intel.contexts {
            context.tlp = context.tlp.or(self.how.tlp);
        }
        let values = intel.indicators.iter().map(Made::Value);
        let mut made = values.chain(intel.rules.iter().map(Made::Rule));
        loop {
            let some: Vec<_> = made.by_ref().take(BATCH).collect();
            if some.is_empty() || !self.make(&some, &intel, place) {
                break;
            }
        }
        intel
            .problems
            .into_iter()
            .for_each(|problem| self.imported.tell(problem));
        Ok(())
    }
}

/// Now, as exactly as it is written.
fn now() -> Timestamp {
    let millis = Timestamp::now().as_millisecond();
    Timestamp::from_millisecond(millis).unwrap_or_default()
}

/// What becomes an indicator.
#[derive(Clone, Copy)]
enum Made<'a> {
    Value(Indicator<'a>),
    Rule(&'a Rule),
}

impl Made<'_> {
    fn id(self, by: &Maker<'_>) -> String {
        match self {
            Self::Value(one) => write::indicator_id(by.identity, by.source, one.kind, one.value),
            Self::Rule(rule) => write::rule_id(by.identity, by.source, rule.language, &rule.text),
        }
    }

    fn write(self, intel: &Intel, by: &Maker<'_>) -> Result<Vec<u8>, WriteError> {
        match self {
            Self::Value(one) => write::indicator(one.kind, one.value, intel.context(one.context), by),
            Self::Rule(rule) => write::rule(rule.language, &rule.text, intel.context(rule.context), by),
        }
    }
}

impl Takes for Taking<'_> {
    fn take(&mut self, place: &Place, reader: &mut dyn Read) -> io::Result<()> {
        if !self.goes_on() {
            return Ok(());
        }
        let mut head = Vec::new();
        let read = Read::take(&mut *reader, HEAD).read_to_end(&mut head)?;
        let format = format_of_head(&head, (read as u64) < HEAD);
        let mut reader = BufReader::with_capacity(1 << 16, Cursor::new(head).chain(reader));
        match format {
            Format::Stix => self.stix(place, &mut reader),
            _ => self.other(place, &mut reader),
        }
    }

    fn problem(&mut self, problem: Problem) {
        self.imported.refused += 1;
        self.imported.tell(problem);
    }
}
