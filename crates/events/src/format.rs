//! The registry: every format of lines and records, how it is told, and who reads its fields.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use perisai_model::{Event, Place};

use crate::block::Stream;
use crate::columns::{csv::CSV, w3c::W3C, zeek::ZEEK};
use crate::device::{CEF, LEEF};
use crate::json;
use crate::kv::LOGFMT;
use crate::syslog::{SYSLOG, auditd::AUDITD, named::NAMED};
use crate::time::DateOrder;
use crate::web::combined::{self, WEB};
use crate::web::squid::SQUID;
use crate::windns::WINDNS;
use crate::wrapped::CRI;
use crate::xml::XML;

/// How many lines of the sample vote on the format.
const VOTERS: usize = 64;

/// The most fields that are read of one record. Later code may look at each field for each other.
pub(crate) const FIELDS: usize = 4096;

/// The most bytes of names and values that are read of one record: a long name over a long list would else be repeated
/// for each element.
pub(crate) const ROOM: usize = 32 << 20;

/// What times without a zone or a year mean.
#[derive(Debug, Clone)]
pub struct Clock {
    /// The zone of times that name none.
    pub tz: TimeZone,
    /// When the file was last modified.
    pub modified: Option<Timestamp>,
    /// What stands first in dates with slashes; `None` where the log does not show it.
    pub order: Option<DateOrder>,
}

impl Default for Clock {
    /// UTC, and no year.
    fn default() -> Self {
        Self {
            tz: TimeZone::UTC,
            modified: None,
            order: None,
        }
    }
}

/// The columns that a file states in a header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// Their names, in order.
    pub names: Vec<String>,
    /// Their types, where the header states them (Zeek).
    pub types: Vec<String>,
    /// What stands between two.
    pub separator: u8,
    /// What stands between the elements of a list (Zeek).
    pub list: String,
    /// How an absent value is written.
    pub unset: String,
    /// How an empty list is written.
    pub empty: String,
    /// The kind of log (Zeek's `#path`).
    pub path: String,
    /// The date at the head of the log, for formats whose lines have the time of the day only (W3C).
    pub date: String,
    /// The times are of the place's own clock, where the format has them in UTC otherwise (W3C).
    pub is_local: bool,
}

/// Reads the fields of one line or record.
pub(crate) type Fields = fn(&str, &Stream, &mut Event) -> bool;

/// Adds what a line says in the usual way of writing to the bytes; and for each place from which on it does, where in
/// the line it stands.
#[derive(Clone, Copy)]
pub(crate) struct Retell {
    /// What a line holds that writes any value so.
    pub(crate) mark: &'static str,
    pub(crate) line: fn(&str, &mut Vec<u8>, &mut Stood),
}

/// From which place in what is told again which part of the line stands.
pub(crate) type Stood = Vec<(usize, Range<usize>)>;

/// A format of lines or records.
pub(crate) struct Spec {
    pub(crate) name: &'static str,
    /// Whether this one line is of this format.
    pub(crate) line: fn(&str) -> bool,
    /// The columns, where the sample begins with a header of this format.
    pub(crate) header: fn(&[u8]) -> Option<Columns>,
    /// The columns after a run of header lines (they begin with `#`), for formats whose header may come again.
    pub(crate) restate: Option<fn(&Columns, &[u8]) -> Columns>,
    pub(crate) fields: Fields,
    /// For formats that write values in a way of their own.
    pub(crate) retell: Option<Retell>,
}

/// A format of lines or records; see [`Format::name`].
#[derive(Clone, Copy)]
pub struct Format(pub(crate) &'static Spec);

impl Format {
    /// Any text.
    pub(crate) const TEXT: Self = Self(&Spec {
        name: "text",
        fields: |_, _, _| false,
        ..PLAIN
    });

    /// Its name, which is the [`Event::format`] of its events too, save that JSON tells more of itself in each record.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0.name
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Format {}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A format that nothing tells; to build others from.
pub(crate) const PLAIN: Spec = Spec {
    name: "",
    line: |_| false,
    header: |_| None,
    restate: None,
    fields: |_, _, _| false,
    retell: None,
};

/// Every name that an event's format can have.
pub const FORMATS: [&str; 22] = [
    "auditd",
    "cef",
    "cri",
    "csv",
    "eve",
    "evtx",
    "journald",
    "json",
    "leef",
    "logfmt",
    "named",
    "netfilter",
    "paloalto",
    "squid",
    "syslog",
    "text",
    "w3c",
    "web",
    "windns",
    "winjson",
    "winxml",
    "zeek",
];

/// Every format of lines, the more particular first.
pub(crate) const LINES: [&Spec; 15] = [
    &ZEEK,
    &W3C,
    &json::LINES,
    &XML,
    &CEF,
    &LEEF,
    &AUDITD,
    &CRI,
    &SYSLOG,
    &NAMED,
    &WINDNS,
    &WEB,
    &SQUID,
    &LOGFMT,
    &CSV,
];

/// The formats that a line can show on its own, without a header, and is hardly of by chance.
const STRAY: [&Spec; 11] = [
    &json::LINES,
    &XML,
    &CEF,
    &LEEF,
    &AUDITD,
    &CRI,
    &SYSLOG,
    &NAMED,
    &WINDNS,
    &WEB,
    &SQUID,
];

/// Bytes as text; what is no UTF-8 is replaced.
pub(crate) fn utf8(bytes: &[u8]) -> Cow<'_, str> {
    // Much the faster check where all is well.
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// A line without what others left before it: the byte order mark of a file that was joined to one before, the NULs of
/// a log that was cut to nothing while a program went on writing it, the separator of RFC 7464.
pub(crate) fn bare(line: &str) -> &str {
    line.trim_start_matches(|first: char| first == '\u{feff}' || first.is_control() && first != '\t')
}

/// Tells the format of a text by its first bytes: a header decides, else the lines vote.
pub(crate) fn detect(sample: &[u8]) -> (Format, Option<Arc<Columns>>) {
    for spec in LINES {
        if let Some(columns) = (spec.header)(sample) {
            return (Format(spec), Some(Arc::new(columns)));
        }
    }
    let mut votes = [0_usize; LINES.len()];
    let mut voters = 0;
    let lines = sample
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty());
    for line in lines.take(VOTERS) {
        voters += 1;
        let line = utf8(line);
        let line = bare(line.trim_end_matches('\r'));
        if let Some(found) = LINES.iter().position(|spec| (spec.line)(line)) {
            votes[found] += 1;
        }
    }
    // The last line of a sample may be cut off; and a log may begin with a banner.
    let most = votes.iter().copied().max().unwrap_or(0);
    match votes.iter().position(|count| *count == most) {
        Some(winner) if most > 0 && most * 2 + 1 >= voters => (Format(LINES[winner]), None),
        _ => (Format::TEXT, None),
    }
}

impl Stream {
    /// A stream of plain text, with a clock of UTC.
    #[must_use]
    pub fn text(place: Place) -> Self {
        Self {
            place,
            format: Format::TEXT,
            clock: Clock::default(),
            columns: None,
            broken: Arc::default(),
        }
    }

    /// See [`Block::fields`](crate::Block::fields); `event` is clear.
    pub(crate) fn fields(&self, item: &[u8], event: &mut Event) -> bool {
        let text = &*utf8(item);
        let text = bare(text);
        event.format = self.format.name();
        // Among rows, a line that is none is mostly what stands behind a line break in a value: its writer has chosen the
        // time in it.
        let is_row = (self.format.0.fields)(text, self, event);
        let is_timed = is_row || self.format.name() != CSV.name;
        if is_row || self.stray(text, event) {
            if !is_timed {
                (event.time, event.time_text) = (None, None);
            }
            self.broken.look(event);
            return true;
        }
        event.clear();
        event.format = Format::TEXT.name();
        if !is_timed {
            return false;
        }
        if let Some((at, range)) = combined::stray_time(item, self.format.name() == WEB.name, &self.clock) {
            event.time = at;
            event.time_text = Some(String::from_utf8_lossy(&item[range]).into_owned());
        }
        false
    }
}

impl Stream {
    /// Reads a line that is not of its file's format by the format that it has on its own: programs print other things
    /// too, and who writes the first lines of a log must not choose how all others are read.
    fn stray(&self, text: &str, event: &mut Event) -> bool {
        let mut other = STRAY.iter().filter(|spec| spec.name != self.format.name());
        other.any(|spec| {
            if !(spec.line)(text) {
                return false;
            }
            event.clear();
            event.format = spec.name;
            (spec.fields)(text, self, event)
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    impl Stream {
        /// A stream of one format.
        pub(crate) fn of(spec: &'static Spec) -> Self {
            Self {
                format: Format(spec),
                ..Self::text(Place::file("t"))
            }
        }
    }

    fn read(stream: &Stream, line: &str) -> Option<String> {
        let mut event = Event::default();
        let read = (stream.format.0.fields)(line, stream, &mut event);
        read.then(|| serde_json::to_string(&event).unwrap())
    }

    /// Checks the fields of one line, as JSON.
    pub(crate) fn check_fields(spec: &'static Spec, line: &str, expected: Option<&str>) {
        assert_eq!(read(&Stream::of(spec), line).as_deref(), expected, "{line}");
    }

    /// Checks the fields of one line under a header, as JSON.
    pub(crate) fn check_file(spec: &'static Spec, head: &str, line: &str, expected: Option<&str>) {
        let (format, columns) = detect(head.as_bytes());
        assert_eq!(format.name(), spec.name);
        let stream = Stream {
            columns,
            ..Stream::of(spec)
        };
        assert_eq!(read(&stream, line).as_deref(), expected, "{line}");
    }

    /// The fields of the first line of a log that has some.
    pub(crate) fn first_event(text: &str) -> Event {
        let (format, columns) = detect(text.as_bytes());
        let stream = Stream {
            format,
            columns,
            ..Stream::text(Place::file("t"))
        };
        let mut event = Event::default();
        let read = text
            .lines()
            .any(|line| stream.fields(line.as_bytes(), &mut event));
        assert!(read, "{text}");
        event
    }

    /// What stands in a line in a way of its format's own, and what is told of it.
    pub(crate) fn retold(spec: &'static Spec, line: &str) -> Vec<(String, String)> {
        let (mut out, mut stood) = (b"before\n".to_vec(), Vec::new());
        let retell = spec.retell.as_ref().unwrap();
        (retell.line)(line, &mut out, &mut stood);
        let out = String::from_utf8(out).unwrap();
        let told = |at: usize| out[at..].lines().next().unwrap().to_owned();
        stood
            .into_iter()
            .map(|(at, range)| (line[range].to_owned(), told(at)))
            .collect()
    }

    /// Reads a hostile line in every way.
    pub(crate) fn never_panics(spec: &'static Spec, line: &[u8]) {
        let mut event = Event::default();
        let mut stream = Stream::of(spec);
        stream.columns = (spec.header)(line).map(Arc::new);
        let _ = (spec.line)(&utf8(line));
        stream.fields(line, &mut event);
        stream.columns = Some(Arc::new(Columns {
            names: vec!["a".to_owned(), "time".to_owned()],
            separator: b',',
            ..Columns::default()
        }));
        stream.fields(line, &mut event);
    }

    proptest::proptest! {
        #[test]
        fn no_format_panics(line in proptest::collection::vec(proptest::arbitrary::any::<u8>(), 0..200)) {
            LINES.into_iter().for_each(|spec| never_panics(spec, &line));
            detect(&line);
        }
    }

    /// Each of these took quadratic time, or room without end, in some format.
    #[test]
    fn hostile_lines_cost_little() {
        let many = |head: &str, part: &str, tail: &str| {
            format!("{head}{}{tail}", part.repeat((1 << 20) / part.len()))
        };
        let lines = [
            many("", "=", ""),
            many("", "a=1 ", ""),
            many("", "a=\"", ""),
            many("CEF:0|v|p|1|2|n|3|", "=", ""),
            many("CEF:0|v|p|1|2|n|3|", "aLabel=b a=c ", ""),
            many("LEEF:1.0|v|p|1|2|", "a=b\t", ""),
            many("<1>1 2026-01-01T00:00:00Z h p - - ", "[a b=\"c\"]", ""),
            many(
                &format!("<1>1 2026-01-01T00:00:00Z h p - - [{} ", "i".repeat(9999)),
                "b=\"c\" ",
                "]",
            ),
            many("{\"a\":[", "1,", "1]}"),
            many(&format!("{{\"{}\":[", "k".repeat(9999)), "1,", "1]}"),
            many(
                "<Event><System><EventID>1</EventID><a ",
                "b='c' ",
                "/></System></Event>",
            ),
            many("<Event>", "<a>1</a>", "</Event>"),
            many("type=EXECVE msg=audit(1.0:1): ", "a0=6162 ", ""),
            many("", ",", ""),
            many("", "(", ""),
            many("", "(1)", ""),
            many("", "(1)a", ""),
            many("1 PACKET [] ", "(1)a", ""),
            many("", "\"\"", ""),
            many("a - b", " [d] \"x\" 200", ""),
            many("a - b", " [d] \"", ""),
            many(
                &format!("{} - b", "a".repeat(1 << 20)),
                " [01/Jan/2026:00:00:00 +0000] \"x\" 200",
                "",
            ),
            many("1.1.1.1 - ", "[01/Jan/2026:00:00:00 +0000] ", ""),
            many("", "\"\\u0041", ""),
            many("\\u0041", "\\u004", ""),
            many("\\u0041", "\\", ""),
        ];
        for line in &lines {
            for spec in LINES {
                let mut event = Event::default();
                let mut stream = Stream::of(spec);
                stream.columns = Some(Arc::new(Columns {
                    names: vec!["a".to_owned(); 3],
                    types: vec!["vector[string]".to_owned(); 3],
                    list: ",".to_owned(),
                    separator: b'|',
                    ..Columns::default()
                }));
                let _ = (spec.line)(line);
                stream.fields(line.as_bytes(), &mut event);
                if let Some(retell) = spec.retell {
                    (retell.line)(line, &mut Vec::new(), &mut Vec::new());
                }
                json::retell(line.as_bytes(), &mut Vec::new(), &mut Vec::new());
                let start = &line[..line.len().min(60)];
                assert!(event.iter().len() <= 4 * FIELDS, "{}: {start}", spec.name);
            }
        }
    }

    #[test]
    fn names_are_known() {
        assert!(FORMATS.is_sorted());
        assert!(LINES.iter().all(|spec| FORMATS.contains(&spec.name)));
    }

    #[test]
    fn formats_are_told_by_content() {
        let check =
            |text: &str, expected: &str| assert_eq!(detect(text.as_bytes()).0.name(), expected, "{text}");
        check("", "text");
        check("Just some words\nand more\n", "text");
        check("{\"a\":1}\n{\"a\":2}\n", "json");
        check("starting up\n{\"a\":1}\n{\"a\":2}\n", "json");
        check("Jan  1 00:00:05 h prog[1]: hello\n", "syslog");
        check("<13>1 2026-01-01T00:00:00Z h p - - - hello\n", "syslog");
        check("CEF:0|v|p|1|2|n|3|a=b\n", "cef");
        check("LEEF:1.0|v|p|1|2|a=b\n", "leef");
        check("type=CWD msg=audit(1.0:1): cwd=\"/\"\n", "auditd");
        check(
            "10.0.0.1 - - [01/Jan/2026:00:00:05 +0000] \"GET / HTTP/1.1\" 200 5\n",
            "web",
        );
        check(
            "1767225600.020 1 10.0.0.1 TCP_MISS/200 5 GET http://x.example/ - HIER_DIRECT/- -\n",
            "squid",
        );
        check("level=info msg=x a=b\nlevel=info msg=x a=b\n", "logfmt");
        check("#Fields: date time c-ip\n", "w3c");
        check("#fields\tts\tuid\n", "zeek");
        check("2022-02-24T01:02:03Z stdout F host prog: x\n", "cri");
        check("time,host\n1,2\n", "csv");
        check("2015-10-18 18:01:47,978 INFO [main] org.x.Y: Created\n", "text");
    }

    #[test]
    fn stray_json_is_read_and_text_has_its_time() {
        let mut event = Event::default();
        let text = Stream::text(Place::file("t"));
        assert!(text.fields(b"{\"a\":1}", &mut event));
        assert_eq!(event.format, "json");
        event.clear();
        assert!(!text.fields(b"2026-01-01 00:00:05 hello", &mut event));
        assert_eq!(event.format, "text");
        assert_eq!(event.time_text.as_deref(), Some("2026-01-01 00:00:05"));
        assert!(event.is_empty());
    }
}
