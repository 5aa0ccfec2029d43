//! The registry: every format of lines and records, how it is told, and who reads its fields.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use perisai_model::{Event, Place};

use crate::block::Stream;
use crate::{json, time};

/// How many lines of the sample vote on the format.
const VOTERS: usize = 64;

/// What times without a zone or a year mean.
#[derive(Debug, Clone)]
pub struct Clock {
    /// The zone of times that name none.
    pub tz: TimeZone,
    /// When the file was last modified.
    pub modified: Option<Timestamp>,
}

/// The columns that a file states in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// Their names, in order.
    pub names: Vec<String>,
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
}

/// Reads the fields of one line or record.
pub(crate) type Fields = fn(&[u8], &Stream, &mut Event) -> bool;

/// A format of lines or records.
pub(crate) struct Spec {
    pub(crate) name: &'static str,
    /// Whether this one line is of this format.
    pub(crate) line: fn(&[u8]) -> bool,
    /// The columns, where the sample begins with a header of this format.
    pub(crate) header: fn(&[u8]) -> Option<Columns>,
    /// Whether a header may come again in the middle.
    pub(crate) restates: bool,
    pub(crate) fields: Fields,
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
    restates: false,
    fields: |_, _, _| false,
};

/// Every format of lines, the more particular first.
pub(crate) const LINES: [&Spec; 1] = [&json::LINES];

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
            clock: Clock {
                tz: TimeZone::UTC,
                modified: None,
            },
            columns: None,
        }
    }

    /// See [`Block::fields`](crate::Block::fields); `event` is clear.
    pub(crate) fn fields(&self, item: &[u8], event: &mut Event) -> bool {
        event.format = self.format.name();
        if (self.format.0.fields)(item, self, event) {
            return true;
        }
        event.clear();
        // A stray line of JSON is common in logs of programs that print other things too.
        if json::object(item, self, event) {
            return true;
        }
        event.clear();
        event.format = Format::TEXT.name();
        if let Some((at, range)) = time::line_time(item, &self.clock) {
            event.time = Some(at);
            event.time_text = Some(String::from_utf8_lossy(&item[range]).into_owned());
        }
        false
    }
}
