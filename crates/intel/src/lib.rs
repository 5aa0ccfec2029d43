//! Bytes of threat intelligence to the model, a folder a format: plain lists, tables, STIX, MISP; rules are recognised
//! and stay text. No I/O of its own: the caller opens files, decompresses and walks folders, and hands in one stream
//! at a time.
//!
//! Nothing here fails as a whole but for a stream that fails. What cannot be used is told in [`Intel::problems`] with
//! its place; what is left out on purpose is counted in [`Intel::withheld`]. `docs/intel-formats.md` says what is
//! taken of each format, and why.

mod csv;
mod input;
mod json;
mod lines;
mod marking;
mod marks;
mod misp;
mod object;
mod pattern;
mod rules;
mod sink;
mod sniff;
mod stix;
mod text;
mod time;
mod type_words;
mod typed;
mod warninglist;
mod words;
pub mod write;

use std::fmt;
use std::io::{self, BufRead, Read};

use perisai_model::{Intel, Place, RuleLanguage};

pub use self::object::{
    Content, ExternalReference, Object, ObjectError, ObjectsRead, RawObject, Reference, SpecVersion, Time,
    id_type, is_id, read_objects,
};
pub use self::rules::names::{RuleName, rule_count, rule_names};
use self::sink::Sink;
use self::sniff::Shape;
pub use self::stix::marking::{Marking, marking_of_definition, well_known_marking};
pub use self::stix::walk::id_as_sent;
pub use self::warninglist::read_warninglist;

/// What to take of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Take the objects of STIX `observed-data` as indicators, too.
    pub observed: bool,
    /// Take MISP attributes that are not meant for detection (`to_ids: false`), too.
    pub include_no_ids: bool,
    /// Pass over a source in no known format in silence: for the files of a folder that is walked.
    pub skip_unknown: bool,
    /// Check a warninglist as one, rather than tell that it holds no indicators.
    pub check_warninglists: bool,
}

/// The formats that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// One value a line, or a JSON list of strings.
    Text,
    /// A table: CSV, TSV and the like.
    Csv,
    /// STIX 2.0 or 2.1.
    Stix,
    /// MISP events.
    Misp,
    /// The `manifest.json` of a MISP feed: an index of events, nothing to look for. What it names is in
    /// [`Intel::announced`], and the caller knows whether it was there.
    MispFeedManifest,
    /// The `hashes.csv` of a MISP feed: an index of values, nothing to look for.
    MispFeedHashes,
    /// A MISP warninglist; [`read_warninglist`] reads it.
    Warninglist,
    /// Sigma rules, correlations or filters.
    Sigma,
    /// YARA rules.
    Yara,
    /// Snort or Suricata rules.
    NetworkRules,
    /// Nothing, or nothing but comments.
    Empty,
    /// No text.
    Binary,
    /// Intelligence in a format that is not read.
    Foreign,
    /// None of them.
    Unknown,
}

impl Format {
    /// The name for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "list",
            Self::Csv => "table",
            Self::Stix => "STIX",
            Self::Misp => "MISP event",
            Self::MispFeedManifest => "MISP feed manifest",
            Self::MispFeedHashes => "MISP feed hashes",
            Self::Warninglist => "MISP warninglist",
            Self::Sigma => "Sigma",
            Self::Yara => "YARA",
            Self::NetworkRules => "Snort or Suricata rules",
            Self::Empty => "empty",
            Self::Binary => "binary",
            Self::Foreign => "not read",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Reads one source of intelligence, whatever its format, and adds what it holds to `intel`.
///
/// `place` names the source in contexts and problems. The stream must be decompressed; UTF-16 and byte order marks are
/// dealt with. Memory is bounded by what is kept, not by the size of the source.
///
/// # Errors
/// Where the stream fails. What was read before is kept.
///
/// # Example
/// ```
/// use perisai_intel::{Format, Options};
/// use perisai_model::{Intel, Kind, Place};
///
/// let mut intel = Intel::default();
/// let list = "# from a partner\nhxxps://evil[.]example/gate\n192.0.2.7 # C2\nnot a value\n";
/// let format = perisai_intel::read(&Place::file("iocs.txt"), &mut list.as_bytes(), &Options::default(), &mut intel)?;
/// assert_eq!(format, Format::Text);
/// assert_eq!(intel.indicators.get(1).kind, Kind::Ipv4);
/// assert_eq!(intel.problems[0].to_string(), "iocs.txt:4: `not a value` is no value of a known kind");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read(
    place: &Place,
    input: &mut dyn BufRead,
    options: &Options,
    intel: &mut Intel,
) -> io::Result<Format> {
    let mut opened = input::open(input);
    let shape = sniff::sniff(&opened.head, opened.whole);
    opened.head = Vec::new();
    let mut sink = Sink::new(place, intel);
    let outcome = read_shape(&shape, &mut *opened.stream, options, &mut sink);
    sink.finish();
    outcome.map(|()| format_of(&shape))
}

/// The format of a source by its first bytes, or all of it (`whole`): what [`read`] would take it for.
#[must_use]
pub fn format_of_head(head: &[u8], whole: bool) -> Format {
    let mut bytes = head;
    let opened = input::open(&mut bytes);
    format_of(&sniff::sniff(&opened.head, whole))
}

fn read_shape(
    shape: &Shape,
    input: &mut dyn BufRead,
    options: &Options,
    sink: &mut Sink<'_>,
) -> io::Result<()> {
    match shape {
        Shape::Text { described } => text::read(input, *described, sink),
        Shape::Strings => text::read_strings(input, sink),
        Shape::Table(dialect) => csv::read(input, dialect, options, sink),
        Shape::Stix { by_line } => stix::read(input, *by_line, options, sink),
        Shape::Misp { by_line } => misp::read(input, *by_line, options, sink),
        Shape::Sigma => rules::read_file(input, RuleLanguage::Sigma, sink),
        Shape::Yara => rules::read_file(input, RuleLanguage::Yara, sink),
        Shape::Network => rules::network::read(input, sink),
        Shape::Manifest => misp::manifest::read(input, sink),
        Shape::Hashes => Ok(()),
        Shape::Empty => drain(input),
        Shape::Warninglist if options.check_warninglists => {
            warninglist::check(input, sink);
            Ok(())
        }
        Shape::Warninglist => {
            sink.problem(
                None,
                format_args!("a warninglist holds no indicators; give it as a warninglist"),
            );
            Ok(())
        }
        Shape::Foreign(what) => {
            sink.problem(None, format_args!("{what}"));
            Ok(())
        }
        Shape::Binary => not_known("binary data", input, options, sink),
        Shape::Unknown(what) => not_known(what, input, options, sink),
    }
}

fn not_known(what: &str, input: &mut dyn BufRead, options: &Options, sink: &mut Sink<'_>) -> io::Result<()> {
    // Where the stream breaks before its format can be told, that is the news.
    drain(&mut Read::take(input, input::HEAD as u64 + 1))?;
    if !options.skip_unknown {
        sink.problem(None, format_args!("{what}"));
    }
    Ok(())
}

/// Reads to the end, so that an error of the stream is not missed.
fn drain(input: &mut dyn BufRead) -> io::Result<()> {
    io::copy(input, &mut io::sink()).map(|_| ())
}

fn format_of(shape: &Shape) -> Format {
    match shape {
        Shape::Empty => Format::Empty,
        Shape::Binary => Format::Binary,
        Shape::Foreign(_) => Format::Foreign,
        Shape::Text { .. } | Shape::Strings => Format::Text,
        Shape::Table(_) => Format::Csv,
        Shape::Stix { .. } => Format::Stix,
        Shape::Misp { .. } => Format::Misp,
        Shape::Manifest => Format::MispFeedManifest,
        Shape::Hashes => Format::MispFeedHashes,
        Shape::Warninglist => Format::Warninglist,
        Shape::Sigma => Format::Sigma,
        Shape::Yara => Format::Yara,
        Shape::Network => Format::NetworkRules,
        Shape::Unknown(_) => Format::Unknown,
    }
}
