//! Taking files into the store: STIX objects as the bytes that they are, everything else as indicators written as STIX.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::ops::ControlFlow;
use std::path::PathBuf;

use perisai_intel::write::{self, Maker};
use perisai_intel::{Format, Options, read_objects};
use perisai_model::{Audience, Context, Intel, Place, Problem, Timestamp, Tlp};
use perisai_store::{Delivery, Error, NewSource, Outcome, Source, SourceKind};
use tokio::runtime::Handle;

use super::Node;
use crate::files::Input;
use crate::intel::{Takes, unpack_all, unpack_paths};
use crate::stop::Stop;

/// How many objects are stored together.
const BATCH: usize = 2_000;

/// How many bytes of them, at most, but for a single one.
const BYTES: usize = 16 << 20;

/// How many problems are kept; the rest is counted.
const PROBLEMS: usize = 1_000;

/// How much of a source is looked at to tell its format, in bytes.
const HEAD: u64 = 64 << 10;

/// How files are taken in.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The name of the source that they come from; `import` where none is given.
    pub source: Option<String>,
    /// How those objects are held that carry no TLP marking.
    pub tlp: Option<Tlp>,
    /// For whom alone they are.
    pub audience: Option<Audience>,
    /// A collection that they enter, by id or alias.
    pub collection: Option<String>,
    /// What to take of sources that are no STIX.
    pub intel: Options,
    /// What the file is called, where its path says nothing: it was sent.
    pub name: Option<String>,
}

/// What an import came to.
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
    /// The first thousand of what went wrong.
    pub problems: Vec<Problem>,
}

impl Node {
    /// Takes in all files under the paths, until `stop` is set. Blocks; `runtime` is where the store works. `under_way` is
    /// shown what it came to so far.
    ///
    /// # Errors
    /// Where there is no such collection, or the store fails. What was taken in before stays.
    pub fn import(
        &self,
        paths: &[PathBuf],
        options: &ImportOptions,
        stop: &Stop,
        runtime: &Handle,
        under_way: &mut dyn FnMut(&Imported),
    ) -> Result<Imported, Error> {
        let collection = options.collection.as_deref().map(|name| {
            let found = self.store.collection(name);
            found.map(|found| found.number).ok_or_else(|| Error::Missing {
                what: "collection",
                name: name.to_owned(),
            })
        });
        let source = runtime.block_on(self.store.ensure_source(NewSource {
            name: options.source.clone().unwrap_or_else(|| "import".to_owned()),
            kind: SourceKind::Import,
            organisation: None,
            tlp: None,
        }))?;
        let mut taking = Taking {
            node: self,
            runtime,
            options,
            collection: collection.transpose()?,
            source: &source,
            batch: Vec::new(),
            bytes: 0,
            imported: Imported::default(),
            failed: None,
            under_way,
        };
        match &options.name {
            Some(name) => unpack_all(named(paths, name), stop, &mut taking),
            None => unpack_paths(paths, stop, &mut taking),
        }
        taking.deliver();
        match taking.failed {
            Some(error) => Err(error),
            None => Ok(taking.imported),
        }
    }
}

/// Files under another name than that of their path.
fn named(paths: &[PathBuf], name: &str) -> Vec<Input> {
    let inputs = paths.iter().map(|path| Input::named(path.clone(), name));
    inputs.collect()
}

/// An import under way.
struct Taking<'a> {
    node: &'a Node,
    runtime: &'a Handle,
    options: &'a ImportOptions,
    collection: Option<i64>,
    source: &'a Source,
    batch: Vec<Vec<u8>>,
    bytes: usize,
    imported: Imported,
    /// The store failed; nothing more is taken.
    failed: Option<Error>,
    under_way: &'a mut dyn FnMut(&Imported),
}

impl Taking<'_> {
    /// Adds an object, and stores what has gathered where it is enough. False: the store failed.
    fn add(&mut self, object: Vec<u8>) -> bool {
        self.bytes += object.len();
        self.batch.push(object);
        if self.batch.len() >= BATCH || self.bytes >= BYTES {
            self.deliver();
        }
        self.failed.is_none()
    }

    /// Stores what has gathered.
    fn deliver(&mut self) {
        self.bytes = 0;
        let objects = std::mem::take(&mut self.batch);
        if objects.is_empty() || self.failed.is_some() {
            return;
        }
        let delivery = Delivery {
            source: self.source.number,
            collection: self.collection,
            tlp: self.options.tlp,
            audience: self.options.audience.clone(),
            objects,
        };
        let receipts = match self.runtime.block_on(self.node.store.ingest(delivery)) {
            Ok(receipts) => receipts,
            Err(error) => return self.failed = Some(error),
        };
        for receipt in receipts {
            let id = receipt.id.as_deref().unwrap_or("an object without an id");
            match receipt.outcome {
                Outcome::Stored => self.imported.stored += 1,
                Outcome::Known => self.imported.known += 1,
                Outcome::Apart => {
                    self.imported.apart += 1;
                    self.tell(format!("{id}: another's, so kept apart"));
                }
                Outcome::Refused(why) => {
                    self.imported.refused += 1;
                    self.tell(format!("{id}: {why}"));
                }
            }
        }
        (self.under_way)(&self.imported);
    }

    fn tell(&mut self, why: String) {
        self.keep(Problem::new(Place::file(&*self.source.name), why));
    }

    fn keep(&mut self, problem: Problem) {
        if self.imported.problems.len() < PROBLEMS {
            self.imported.problems.push(problem);
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
        problems.into_iter().for_each(|problem| self.keep(problem));
        Ok(())
    }

    /// Anything else: its values and rules become indicators of our own, which are the same on each import.
    fn other(&mut self, place: &Place, reader: &mut dyn BufRead) -> io::Result<()> {
        let mut intel = Intel::default();
        let mut options = self.options.intel.clone();
        options.skip_unknown |= place.member.is_some();
        perisai_intel::read(place, reader, &options, &mut intel)?;
        self.imported.refused += intel.problems.len() as u64;
        let identity = self.node.identity();
        let since = Timestamp::from_microsecond(self.source.created).unwrap_or(Timestamp::UNIX_EPOCH);
        let by = Maker {
            identity: Some(&identity),
            // What one source says is not what another does: each may be shared, trusted and recalled otherwise.
            source: Some(&self.source.name),
            created: since,
            modified: since,
        };
        // What is ours to write says itself how it may be shared, wherever it goes.
        let tlp = self.options.tlp.or(self.source.tlp);
        let values = intel.indicators.iter().map(|one| {
            let context = marked(intel.context(one.context), tlp);
            write::indicator(one.kind, one.value, &context, &by)
        });
        let rules = intel.rules.iter().map(|rule| {
            let context = marked(intel.context(rule.context), tlp);
            write::rule(rule.language, &rule.text, &context, &by)
        });
        for written in values.chain(rules) {
            match written {
                Ok(object) => {
                    if !self.add(object) {
                        break;
                    }
                }
                Err(why) => {
                    self.imported.refused += 1;
                    self.keep(Problem::new(place.clone(), why.to_string()));
                }
            }
        }
        intel.problems.into_iter().for_each(|problem| self.keep(problem));
        Ok(())
    }
}

/// What is said of an entry, with a marking where it has none.
fn marked(context: &Context, tlp: Option<Tlp>) -> Cow<'_, Context> {
    match (context.tlp, tlp) {
        (None, Some(_)) => Cow::Owned(Context {
            tlp,
            ..context.clone()
        }),
        _ => Cow::Borrowed(context),
    }
}

impl Takes for Taking<'_> {
    fn take(&mut self, place: &Place, reader: &mut dyn Read) -> io::Result<()> {
        if self.failed.is_some() {
            return Ok(());
        }
        let mut head = Vec::new();
        let whole = Read::take(&mut *reader, HEAD).read_to_end(&mut head)?
            < usize::try_from(HEAD).unwrap_or(usize::MAX);
        let format = perisai_intel::format_of_head(&head, whole);
        let mut reader = BufReader::with_capacity(1 << 16, Cursor::new(head).chain(reader));
        match format {
            Format::Stix => self.stix(place, &mut reader),
            _ => self.other(place, &mut reader),
        }
    }

    fn problem(&mut self, problem: Problem) {
        self.imported.refused += 1;
        self.keep(problem);
    }
}

#[cfg(test)]
mod tests {
    use perisai_policy::Recipient;
    use perisai_store::Search;

    use super::*;
    use crate::node::NodeSettings;

    #[test]
    fn files_of_any_format_are_taken_in_once() {
        let folder = tempfile::tempdir().unwrap();
        let files = folder.path().join("intel");
        std::fs::create_dir(&files).unwrap();
        std::fs::write(files.join("list.txt"), "evil.example\n192.0.2.7\nnot a value\n").unwrap();
        let bundle = r#"{"type":"bundle","id":"bundle--1","objects":[
            {"type":"identity","spec_version":"2.1","id":"identity--0b7a6e5c-5a0c-4b8e-8f3c-0d9c7f3c1a11","name":"A",
             "created":"2022-02-24T05:00:00.000Z","modified":"2022-02-24T05:00:00.000Z"}, 7]}"#;
        std::fs::write(files.join("bundle.json"), bundle).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let settings = NodeSettings {
            data: folder.path().join("node"),
            ..NodeSettings::default()
        };
        let node = runtime.block_on(Node::open(settings)).unwrap();
        let options = ImportOptions {
            tlp: Some(Tlp::Green),
            ..ImportOptions::default()
        };
        let import = || {
            let found = node
                .import(
                    std::slice::from_ref(&files),
                    &options,
                    &Stop::default(),
                    runtime.handle(),
                    &mut |_| {},
                )
                .unwrap();
            (found.stored, found.known, found.apart, found.refused)
        };
        assert_eq!(import(), (3, 0, 0, 2));
        assert_eq!(import(), (0, 3, 0, 2));
        let search = Search {
            value: Some("evil.example".to_owned()),
            limit: 10,
            ..Search::default()
        };
        while runtime.block_on(node.store().fold()).unwrap() {}
        let view = node.store().view(Recipient::organisation(node.store().own()));
        let found = runtime.block_on(view.search(&search)).unwrap();
        assert_eq!(found.entries.len(), 1);
        assert_eq!(found.entries[0].get().tlp, Some(Tlp::Green));
    }
}
