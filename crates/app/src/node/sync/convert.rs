//! What feeds and MISP bring, made into objects: STIX stays the bytes that it is, everything else becomes indicators in
//! the name of whose feed it is, the same ones each time.

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use perisai_intel::write::{self, Identity, Maker};
use perisai_intel::{Format, Options, format_of_head, read_objects};
use perisai_model::{Intel, Place, Problem, Timestamp, Tlp};
use perisai_store::{Delivery, PeerState, Source};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::round::{Failure, Round, count};
use crate::files::Input;
use crate::intel::{Takes, unpack_all};
use crate::node::Node;
use crate::stop::Stop;

/// How many objects are stored together.
const BATCH: usize = 2_000;

/// How many bytes of them, at most, but for a single one.
const BYTES: usize = 16 << 20;

/// How much of a source is looked at to tell its format, in bytes.
const HEAD: u64 = 64 << 10;

/// How many problems of one conversion are told.
const TOLD: usize = 5;

/// What came.
pub(super) enum Came {
    /// A file, which may be packed.
    File(PathBuf),
    /// Documents in memory, each with a name.
    Documents(Vec<(String, Vec<u8>)>),
}

/// Ends a conversion whose round was dropped.
struct EndOnDrop(Stop);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.flag().store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

impl Round<'_> {
    /// Takes in what came.
    pub(super) async fn convert(&mut self, came: Came) -> Result<(), Failure> {
        let source = self.source()?;
        let identity = format!("identity--{}", self.peer.organisation.0);
        let mut taking = Taking {
            node: Arc::clone(self.node),
            runtime: Handle::current(),
            head: self.delivery(Vec::new())?,
            since: Timestamp::from_microsecond(source.created).unwrap_or(Timestamp::UNIX_EPOCH),
            identity,
            name: source.name.clone(),
            shown: self.peer.url.as_str().into(),
            introduction: self.introduce(&source).await?,
            batch: Vec::new(),
            bytes: 0,
            tlp: source.tlp,
            tally: PeerState::default(),
            told: 0,
            left_out: 0,
            stop: Stop::default(),
            failed: None,
        };
        let stop = taking.stop.clone();
        let _end = EndOnDrop(stop.clone());
        let work = move || {
            match came {
                Came::File(path) => {
                    let input = Input::named(path, &taking.shown.clone());
                    unpack_all(vec![input], &stop, &mut taking);
                }
                Came::Documents(all) => {
                    for (name, bytes) in all {
                        taking.document(&name, &bytes);
                    }
                }
            }
            taking.deliver();
            if taking.left_out > 0 {
                let (shown, many) = (&taking.shown, taking.left_out);
                let line = format!(
                    "{shown}: {many} entries left out: not meant for detection, or of no kind that is used"
                );
                taking.tally.tell(line);
            }
            (taking.tally, taking.failed)
        };
        let (tally, failed) = tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Failure::Told(format!("reading what came ended early: {error}")))?;
        self.state.stored += tally.stored;
        self.state.known += tally.known;
        self.state.apart += tally.apart;
        self.state.deleted += tally.deleted;
        self.refuse(tally.refused, tally.told);
        failed.map_or(Ok(()), Err)
    }

    /// The identity of whose feed it is, where nobody has sent one: what is made in its name names it. It may go where
    /// the rest may go.
    async fn introduce(&self, source: &Source) -> Result<Option<Vec<u8>>, Failure> {
        let store = self.node.store();
        let organisation = self.peer.organisation;
        let id = format!("identity--{}", organisation.0);
        if organisation == store.own() || store.knows(&id).await? {
            return Ok(None);
        }
        let party = store.organisation(organisation).await?;
        let name = party.map_or_else(|| self.peer.name.clone(), |party| party.name);
        let created = Timestamp::from_microsecond(source.created).unwrap_or(Timestamp::UNIX_EPOCH);
        let written = write::identity(&Identity {
            id: &id,
            name: &name,
            class: "organization",
            description: None,
            sectors: &[],
            contact: None,
            created,
            modified: created,
        });
        let Ok(mut object) = serde_json::from_slice::<Value>(&written.unwrap_or_default()) else {
            return Ok(None);
        };
        if let Some(tlp) = source.tlp {
            object["object_marking_refs"] = json!([tlp.stix_id()]);
        }
        Ok(Some(object.to_string().into_bytes()))
    }
}

/// A conversion under way, where it may block.
struct Taking {
    node: Arc<Node>,
    runtime: Handle,
    /// A delivery without objects.
    head: Delivery,
    identity: String,
    /// The name of the source.
    name: String,
    since: Timestamp,
    /// The address that problems are told of.
    shown: Arc<str>,
    /// The identity in whose name indicators are made, until one is.
    introduction: Option<Vec<u8>>,
    batch: Vec<Vec<u8>>,
    bytes: usize,
    /// How those are marked that carry no marking.
    tlp: Option<Tlp>,
    tally: PeerState,
    told: usize,
    /// How many entries are not meant for detection, or of a kind that is not known here.
    left_out: u64,
    /// Nobody waits for it any more.
    stop: Stop,
    failed: Option<Failure>,
}

impl Taking {
    /// Adds an object, and stores what has gathered where it is enough. False: nothing more is taken.
    fn add(&mut self, object: Vec<u8>) -> bool {
        self.bytes += object.len();
        self.batch.push(object);
        if self.batch.len() >= BATCH || self.bytes >= BYTES {
            self.deliver();
        }
        self.goes_on()
    }

    fn goes_on(&self) -> bool {
        self.failed.is_none() && !self.stop.is_set()
    }

    fn deliver(&mut self) {
        self.bytes = 0;
        let mut delivery = self.head.clone();
        delivery.objects = std::mem::take(&mut self.batch);
        if delivery.objects.is_empty() || !self.goes_on() {
            return;
        }
        match self.runtime.block_on(self.node.receive(delivery)) {
            Ok(received) => count(&mut self.tally, received),
            Err(error) => self.failed = Some(error.into()),
        }
    }

    /// Tells a problem under the name that people know: not of a file here.
    fn tell(&mut self, problem: Problem) {
        self.told += 1;
        if self.told > TOLD {
            return;
        }
        let mut place = problem.place;
        place.path = Arc::clone(&self.shown);
        self.tally.tell(format!("{place}: {}", problem.why));
    }

    fn document(&mut self, name: &str, bytes: &[u8]) {
        let place = Place::file(name);
        let mut reader = bytes;
        if let Err(error) = self.source(&place, &mut reader) {
            self.problem(Problem::new(place, error.to_string()));
        }
    }

    fn source(&mut self, place: &Place, reader: &mut dyn Read) -> io::Result<()> {
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
        self.tally.refused += read.problems;
        problems.into_iter().for_each(|problem| self.tell(problem));
        Ok(())
    }

    fn other(&mut self, place: &Place, reader: &mut dyn BufRead) -> io::Result<()> {
        let mut intel = Intel::default();
        let options = Options {
            skip_unknown: place.member.is_some(),
            ..Options::default()
        };
        perisai_intel::read(place, reader, &options, &mut intel)?;
        self.tally.refused += intel.problems.len() as u64;
        self.left_out += intel.withheld.total();
        // What is written here can say how it is held; what came as STIX stays as it came.
        for context in &mut intel.contexts {
            context.tlp = context.tlp.or(self.tlp);
        }
        let (identity, source) = (self.identity.clone(), self.name.clone());
        let by = Maker {
            identity: Some(&identity),
            // Two feeds of one organisation may say different things of a value.
            source: Some(&source),
            created: self.since,
            modified: self.since,
        };
        let values = intel
            .indicators
            .iter()
            .map(|one| write::indicator(one.kind, one.value, intel.context(one.context), &by));
        let rules = intel
            .rules
            .iter()
            .map(|rule| write::rule(rule.language, &rule.text, intel.context(rule.context), &by));
        for written in values.chain(rules) {
            match written {
                Ok(object) => {
                    let first = self.introduction.take();
                    if !first.into_iter().chain([object]).all(|object| self.add(object)) {
                        break;
                    }
                }
                Err(why) => self.problem(Problem::new(place.clone(), why.to_string())),
            }
        }
        intel.problems.into_iter().for_each(|problem| self.tell(problem));
        Ok(())
    }
}

impl Takes for Taking {
    fn take(&mut self, place: &Place, reader: &mut dyn Read) -> io::Result<()> {
        self.source(place, reader)
    }

    fn problem(&mut self, problem: Problem) {
        self.tally.refused += 1;
        self.tell(problem);
    }
}
