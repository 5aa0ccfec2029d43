//! `csv`: one finding a row, for spreadsheets. Every cell is quoted, and a cell that a spreadsheet would take for a
//! formula starts with an apostrophe. Lists are joined by `; `. What must be exact is `jsonl`'s.

use std::borrow::Cow;
use std::io::{self, Write};

use csv::{QuoteStyle, WriterBuilder};
use perisai_model::{Finding, Position, Report, Tlp};

use crate::{Writer, say};

/// The columns: part of the output format. New ones are only added at the end.
pub(crate) const HEADER: [&str; 22] = [
    "id",
    "time",
    "time_text",
    "severity",
    "rule_kind",
    "rule_name",
    "tags",
    "author",
    "reference",
    "sources",
    "source_ids",
    "tlp",
    "observable_kind",
    "observable_value",
    "matched",
    "path",
    "member",
    "line",
    "record",
    "flags",
    "event",
    "v",
];

pub(crate) struct Csv<'a> {
    out: csv::Writer<Box<dyn Write + 'a>>,
    started: bool,
}

impl<'a> Csv<'a> {
    pub(crate) fn new(out: Box<dyn Write + 'a>) -> Self {
        Self {
            out: WriterBuilder::new()
                // A program that splits at semicolons must not find a cell that was none.
                .quote_style(QuoteStyle::Always)
                .buffer_capacity(1 << 16)
                .from_writer(out),
            started: false,
        }
    }

    fn start(&mut self) -> io::Result<()> {
        if !self.started {
            self.out.write_record(HEADER)?;
            self.started = true;
        }
        Ok(())
    }
}

impl Writer for Csv<'_> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        self.start()?;
        for cell in cells(finding)? {
            self.out.write_field(safe(&cell).as_bytes())?;
        }
        self.out.write_record(None::<&[u8]>)?;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn finish(&mut self, _report: &Report) -> io::Result<()> {
        self.start()?;
        self.out.flush()
    }
}

/// One finding's cells, in the order of [`HEADER`], as they are.
fn cells(finding: &Finding) -> io::Result<[Cow<'_, str>; 22]> {
    let rule = &*finding.rule;
    let (line, record) = match finding.place.position {
        Some(Position::Line(line)) => (Some(line), None),
        Some(Position::Record(record)) => (None, Some(record)),
        None => (None, None),
    };
    let event = match &finding.event {
        Some(event) => serde_json::to_string(event)?,
        None => String::new(),
    };
    let observed = finding.observable.as_ref();
    let time = finding.time.map(|time| time.to_string());
    let tlp = say::strictest(rule).map_or("", Tlp::as_str);
    Ok([
        finding.id().to_string().into(),
        time.unwrap_or_default().into(),
        text(finding.time_text.as_deref()),
        rule.severity.as_str().into(),
        rule.kind.as_str().into(),
        rule.name.as_str().into(),
        list(rule.tags.iter().map(String::as_str)),
        text(rule.author.as_deref()),
        text(rule.reference.as_deref()),
        list(rule.sources.iter().map(|source| &*source.source)),
        list(
            rule.sources
                .iter()
                .map(|source| source.id.as_deref().unwrap_or_default()),
        ),
        tlp.into(),
        text(observed.map(|observed| observed.kind.as_str())),
        text(observed.map(|observed| observed.value.as_str())),
        finding.matched.as_str().into(),
        Cow::Borrowed(&*finding.place.path),
        text(finding.place.member.as_deref()),
        number(line),
        number(record),
        say::flags(finding).join("; ").into(),
        event.into(),
        "1".into(),
    ])
}

fn text(text: Option<&str>) -> Cow<'_, str> {
    text.unwrap_or_default().into()
}

fn number(number: Option<u64>) -> Cow<'static, str> {
    number.map(|number| number.to_string()).unwrap_or_default().into()
}

/// The parts joined; empty where all are, so that lists side by side stay in step.
fn list<'a>(mut parts: impl Iterator<Item = &'a str>) -> Cow<'a, str> {
    let mut out = Cow::Borrowed(parts.next().unwrap_or_default());
    let mut said = !out.is_empty();
    for part in parts {
        said |= !part.is_empty();
        out = Cow::Owned(format!("{out}; {part}"));
    }
    if said { out } else { Cow::Borrowed("") }
}

/// A cell that no spreadsheet runs and no terminal obeys: an apostrophe before what starts a formula, and U+FFFD for
/// control characters other than tabs and line ends.
fn safe(cell: &str) -> Cow<'_, str> {
    let control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    let cell = if cell.contains(control) {
        Cow::Owned(cell.replace(control, "\u{fffd}"))
    } else {
        Cow::Borrowed(cell)
    };
    if starts_formula(&cell) {
        Cow::Owned(format!("'{cell}"))
    } else {
        cell
    }
}

/// Spreadsheets take these for the start of a formula, the full-width forms too, and some skip white space first. A
/// lone dash, which stands for standard input, is text to all of them.
fn starts_formula(cell: &str) -> bool {
    if cell == "-" {
        return false;
    }
    let first = cell.trim_start_matches([' ', '\u{a0}']).chars().next();
    matches!(
        first,
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠')
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_are_defused() {
        let check = |cell: &str, expected: &str| assert_eq!(safe(cell), expected);
        check("=cmd|'/c calc'!A0", "'=cmd|'/c calc'!A0");
        check("+1", "'+1");
        check("-", "-");
        check(" -", "' -");
        check("-1", "'-1");
        check("--", "'--");
        check("@SUM(A1)", "'@SUM(A1)");
        check("\t=1", "'\t=1");
        check("  =1", "'  =1");
        check("＝1", "'＝1");
        check("evil.example", "evil.example");
        check("a\x1b[2J\0", "a\u{fffd}[2J\u{fffd}");
        check("\x1b=1", "\u{fffd}=1");
        check("", "");
    }

    proptest! {
        #[test]
        fn no_cell_is_a_formula(cell in "[ \t=+@\\-\r\n\u{ff1d}a]{0,6}") {
            prop_assert!(!starts_formula(&safe(&cell)));
        }
    }
}
