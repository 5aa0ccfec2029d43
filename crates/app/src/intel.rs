//! Loads intelligence from files and folders: opens what is packed, and hands each source to `intel`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use perisai_events::{Block, ReadOptions, Sink};
use perisai_intel::{Format, Options, rule_count};
use perisai_model::{Announced, Intel, Kind, Place, Problem, Warninglist, Withheld};

use crate::files::{self, Input, Selection, error_text};
use crate::stop::Stop;

/// How many missing sources are told one by one, for each that names them.
const KEPT_MISSING: usize = 100;

/// A source that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// Where it stands.
    pub place: Place,
    /// What it was.
    pub format: Format,
    /// How many indicators it brought, double ones included.
    pub indicators: usize,
    /// How many of each kind.
    pub kinds: BTreeMap<Kind, usize>,
    /// How many rules: those in a file, not the files.
    pub rules: usize,
    /// How many entries could not be used.
    pub problems: usize,
    /// How many entries were left out on purpose.
    pub withheld: Withheld,
}

/// Reads all intelligence under the paths, until `stop` is set. Nothing fails as a whole: what cannot be read is in
/// `Intel::problems`.
#[must_use]
pub fn load(paths: &[PathBuf], options: &Options, stop: &Stop) -> (Intel, Vec<Loaded>) {
    load_with(paths, Vec::new(), options, stop)
}

/// The same, and inputs that are named otherwise than by their paths.
pub(crate) fn load_with(
    paths: &[PathBuf],
    more: Vec<Input>,
    options: &Options,
    stop: &Stop,
) -> (Intel, Vec<Loaded>) {
    let mut sources = Sources {
        options: options.clone(),
        intel: Intel::default(),
        loaded: Vec::new(),
    };
    let mut problems = Vec::new();
    for input in inputs(paths, &mut problems).into_iter().chain(more) {
        sources.options.skip_unknown = options.skip_unknown || input.found;
        if stop.is_set() {
            break;
        }
        unpack(&input, stop, &mut sources);
    }
    if !stop.is_set() {
        let of_use = |one: &Loaded| {
            let unread = matches!(one.format, Format::Unknown | Format::Binary | Format::Empty);
            one.problems > 0 || !unread
        };
        let told = sources
            .loaded
            .iter()
            .filter(|one| of_use(one))
            .map(|one| &one.place);
        let told: Vec<_> = told
            .chain(problems.iter().map(|problem| &problem.place))
            .cloned()
            .collect();
        problems.extend(idle_folders(paths, &told, "no intelligence in this folder"));
    }
    sources.intel.problems.extend(problems);
    sources.tell_missing();
    (sources.intel, sources.loaded)
}

/// Reads all MISP warninglists under the paths, until `stop` is set.
#[must_use]
pub fn load_warninglists(paths: &[PathBuf], stop: &Stop) -> (Vec<Warninglist>, Vec<Problem>) {
    let mut lists = Lists::default();
    let mut problems = Vec::new();
    for input in inputs(paths, &mut problems) {
        if stop.is_set() {
            break;
        }
        lists.found = input.found;
        unpack(&input, stop, &mut lists);
    }
    problems.append(&mut lists.problems);
    if !stop.is_set() {
        let told = problems.iter().map(|problem| &problem.place);
        let told: Vec<_> = told.chain(&lists.places).cloned().collect();
        problems.extend(idle_folders(paths, &told, "no warninglist in this folder"));
    }
    (lists.lists, problems)
}

/// Opens all files under the paths, and all that is packed in them, until `stop` is set.
pub(crate) fn unpack_paths(paths: &[PathBuf], stop: &Stop, takes: &mut dyn Takes) {
    let mut problems = Vec::new();
    unpack_all(inputs(paths, &mut problems), stop, takes);
    problems.into_iter().for_each(|problem| takes.problem(problem));
}

/// Opens some files, and all that is packed in them, until `stop` is set.
pub(crate) fn unpack_all(inputs: Vec<Input>, stop: &Stop, takes: &mut dyn Takes) {
    for input in inputs {
        if stop.is_set() {
            break;
        }
        unpack(&input, stop, takes);
    }
}

/// All files under the paths. What a link out of a folder leads to may be missing.
fn inputs(paths: &[PathBuf], problems: &mut Vec<Problem>) -> Vec<Input> {
    let walked = files::walk(paths, &Selection::default(), problems);
    let links = walked.links.into_iter();
    problems.extend(links.map(|link| Problem::new(link, files::NOT_FOLLOWED)));
    walked.inputs
}

/// Folders that were named and of which nothing is told otherwise.
fn idle_folders(paths: &[PathBuf], told: &[Place], why: &str) -> Vec<Problem> {
    let is_told = |folder: &Path| {
        told.iter()
            .any(|place| Path::new(&*place.path).starts_with(folder))
    };
    let folders = paths.iter().filter(|path| path.is_dir() && !is_told(path));
    folders
        .map(|path| Problem::new(Place::file(path.to_string_lossy()), why))
        .collect()
}

/// What takes sources, one decompressed stream at a time.
pub(crate) trait Takes {
    /// Takes a source.
    fn take(&mut self, place: &Place, reader: &mut dyn Read) -> io::Result<()>;
    /// Takes note of what could not be opened.
    fn problem(&mut self, problem: Problem);
}

/// Opens one file, and all that is packed in it.
fn unpack(input: &Input, stop: &Stop, takes: &mut dyn Takes) {
    input.read(
        &ReadOptions::default(),
        &|_| {},
        &|| stop.is_set(),
        &mut Members { takes },
    );
}

/// Takes each member of an input whole.
struct Members<'a> {
    takes: &'a mut dyn Takes,
}

impl Sink for Members<'_> {
    fn member(&mut self, place: &Place, reader: &mut dyn Read) -> Option<ControlFlow<()>> {
        if let Err(error) = self.takes.take(place, reader) {
            self.takes
                .problem(Problem::new(place.clone(), error_text(&error)));
        }
        Some(ControlFlow::Continue(()))
    }

    fn buffer(&mut self) -> Vec<u8> {
        Vec::new()
    }

    fn block(&mut self, _block: Block) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn problem(&mut self, problem: Problem) {
        self.takes.problem(problem);
    }
}

struct Sources {
    options: Options,
    intel: Intel,
    loaded: Vec<Loaded>,
}

impl Sources {
    /// Tells of sources that others name, and that were not there.
    fn tell_missing(&mut self) {
        let read: HashSet<String> = self.loaded.iter().map(|one| unpacked_name(&one.place)).collect();
        let missing = |named: &Announced| {
            let name = named.source.to_string();
            let why = format!("names {name}, which is not there");
            (!read.contains(&name)).then(|| Problem::new(named.by.clone(), why))
        };
        let announced = std::mem::take(&mut self.intel.announced);
        let mut told: HashMap<Place, usize> = HashMap::new();
        for problem in announced.iter().filter_map(missing) {
            let by = Place {
                position: None,
                ..problem.place.clone()
            };
            let count = told.entry(by).or_default();
            *count += 1;
            if *count <= KEPT_MISSING {
                self.intel.problems.push(problem);
            }
        }
        for (place, count) in told.into_iter().filter(|&(_, count)| count > KEPT_MISSING) {
            let why = format!("and names {} more that are not there", count - KEPT_MISSING);
            self.intel.problems.push(Problem::new(place, why));
        }
    }
}

/// Where a source stands, without the ending of what it is packed in.
fn unpacked_name(place: &Place) -> String {
    let mut name = place.to_string();
    let ending = [".gz", ".zst", ".xz", ".bz2"]
        .iter()
        .find(|ending| name.ends_with(*ending));
    name.truncate(name.len() - ending.map_or(0, |ending| ending.len()));
    name
}

impl Takes for Sources {
    fn take(&mut self, place: &Place, reader: &mut dyn Read) -> io::Result<()> {
        let intel = &mut self.intel;
        let before = (intel.indicators.len(), intel.rules.len(), intel.problems.len());
        let withheld_before = std::mem::take(&mut intel.withheld);
        let mut reader = BufReader::with_capacity(1 << 16, reader);
        let mut options = self.options.clone();
        // A folder or an archive holds read-mes and scripts, too; a file that was named is meant.
        options.skip_unknown |= place.member.is_some();
        let format = perisai_intel::read(place, &mut reader, &options, intel);
        let mut kinds = BTreeMap::new();
        for one in (before.0..intel.indicators.len()).map(|at| intel.indicators.get(at)) {
            *kinds.entry(one.kind).or_default() += 1;
        }
        let withheld = std::mem::replace(&mut intel.withheld, withheld_before);
        intel.withheld.merge(&withheld);
        self.loaded.push(Loaded {
            place: place.clone(),
            format: *format.as_ref().unwrap_or(&Format::Unknown),
            indicators: intel.indicators.len() - before.0,
            kinds,
            rules: intel.rules[before.1..].iter().map(rule_count).sum(),
            problems: intel.problems.len() - before.2 + usize::from(format.is_err()),
            withheld,
        });
        format.map(|_| ())
    }

    fn problem(&mut self, problem: Problem) {
        self.intel.problems.push(problem);
    }
}

#[derive(Default)]
struct Lists {
    lists: Vec<Warninglist>,
    /// Where they stand.
    places: Vec<Place>,
    problems: Vec<Problem>,
    /// The file was found in a folder: one that is no list is passed over.
    found: bool,
}

impl Takes for Lists {
    fn take(&mut self, place: &Place, reader: &mut dyn Read) -> io::Result<()> {
        let mut problems = Vec::new();
        match perisai_intel::read_warninglist(place, &mut BufReader::new(reader), &mut problems) {
            Ok(list) => {
                self.lists.push(list);
                self.places.push(place.clone());
            }
            Err(_) if self.found && !place.path.ends_with("list.json") => {}
            Err(problem) => self.problems.push(problem),
        }
        self.problems.append(&mut problems);
        Ok(())
    }

    fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }
}
