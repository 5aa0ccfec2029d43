//! The formats by name, what may be set for them, and the registry of their writers.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use perisai_model::{Finding, Report, Timestamp};

/// Writes findings as they come.
pub trait Writer {
    /// Takes one finding. They come in their final order.
    ///
    /// # Errors
    /// Where the output cannot be written.
    fn finding(&mut self, finding: &Finding) -> io::Result<()>;

    /// Writes out what is buffered, for whoever watches. Nothing to do for formats that come at the end.
    ///
    /// # Errors
    /// Where the output cannot be written.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Ends the output with what the hunt did, and flushes it. Called once, last.
    ///
    /// # Errors
    /// Where the output cannot be written.
    fn finish(&mut self, report: &Report) -> io::Result<()>;
}

/// What may be set; each format takes what concerns it.
#[derive(Clone)]
pub struct Options {
    /// Colour the terminal summary with ANSI sequences.
    pub color: bool,
    /// The terminal's width in columns.
    pub width: usize,
    /// How many rules and indicators the terminal summary shows; 0: all.
    pub top: usize,
    /// How many rows the HTML report's table of findings holds.
    pub rows: usize,
    /// When the output was made, where it should say so. Without it STIX objects bear the time of the last finding,
    /// so that the same hunt gives the same bytes.
    pub created: Option<Timestamp>,
    /// The organisation that a STIX bundle names as the one that saw it; without it the bundle names nobody.
    pub identity: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            color: false,
            width: 80,
            top: 20,
            rows: 10_000,
            created: None,
            identity: None,
        }
    }
}

/// An output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// A summary for a person at a terminal.
    Text,
    /// One finding a line, in JSON.
    Jsonl,
    /// One finding a row.
    Csv,
    /// A STIX 2.1 bundle of sightings.
    Stix,
    /// A report in one self-contained page.
    Html,
    /// An ATT&CK Navigator layer.
    Navigator,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 6] = [
        Self::Text,
        Self::Jsonl,
        Self::Csv,
        Self::Stix,
        Self::Html,
        Self::Navigator,
    ];

    /// Whether findings are written as they come, rather than told of at the end.
    #[must_use]
    pub const fn streams(self) -> bool {
        matches!(self, Self::Jsonl | Self::Csv)
    }

    /// The name on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Stix => "stix",
            Self::Html => "html",
            Self::Navigator => "navigator",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown format `{0}`: use text, jsonl, csv, stix, html or navigator")]
pub struct UnknownFormat(pub String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        if text.eq_ignore_ascii_case("json") {
            return Ok(Self::Jsonl);
        }
        Self::ALL
            .into_iter()
            .find(|format| format.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownFormat(text.to_owned()))
    }
}

/// The writer of a format. It buffers by itself.
#[must_use]
pub fn writer<'a>(format: Format, options: &Options, out: Box<dyn Write + 'a>) -> Box<dyn Writer + 'a> {
    match format {
        Format::Text => Box::new(crate::text::Text::new(options.clone(), out)),
        Format::Jsonl => Box::new(crate::jsonl::Jsonl::new(out)),
        Format::Csv => Box::new(crate::csv::Csv::new(out)),
        Format::Stix => Box::new(crate::stix::Stix::new(options.clone(), out)),
        Format::Html => Box::new(crate::html::Html::new(options.clone(), out)),
        Format::Navigator => Box::new(crate::navigator::Navigator::new(out)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        for (name, format) in [
            ("JSON", Format::Jsonl),
            ("json", Format::Jsonl),
            ("JsonL", Format::Jsonl),
            ("CSV", Format::Csv),
        ] {
            assert_eq!(name.parse(), Ok(format));
        }
        assert!("xml".parse::<Format>().is_err());
    }
}
