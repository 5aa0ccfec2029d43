//! `csv`: one finding a row, for spreadsheets. Every cell is quoted, and a cell that a spreadsheet would take for a
//! formula starts with an apostrophe. Lists are joined by `; `. What must be exact is `jsonl`'s.

use std::borrow::Cow;
use std::io::{self, Write};

use csv::{QuoteStyle, WriterBuilder};
use perisai_model::{Finding, Position, Report, Source};

use crate::{Writer, say};

/// The columns: part of the output format. New ones are only added at the end.
const HEADER: [&str; 22] = [
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
        let cells = cells(finding)?;
        self.out
            .write_record(cells.iter().map(|cell| safe(cell).into_owned()))?;
        Ok(())
    }

    fn finish(&mut self, _report: &Report) -> io::Result<()> {
        self.start()?;
        self.out.flush()
    }
}

/// One finding's cells, in the order of [`HEADER`], as they are.
fn cells(finding: &Finding) -> io::Result<[String; 22]> {
    let rule = &*finding.rule;
    let (line, record) = match finding.place.position {
        Some(Position::Line(line)) => (Some(line), None),
        Some(Position::Record(record)) => (None, Some(record)),
        None => (None, None),
    };
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let joined = |of: fn(&Source) -> &str| {
        let parts: Vec<_> = rule.sources.iter().map(of).collect();
        if parts.iter().all(|part| part.is_empty()) {
            return String::new();
        }
        parts.join("; ")
    };
    let event = match &finding.event {
        Some(event) => serde_json::to_string(event)?,
        None => String::new(),
    };
    Ok([
        finding.id().to_string(),
        finding.time.map(|time| time.to_string()).unwrap_or_default(),
        finding.time_text.clone().unwrap_or_default(),
        rule.severity.to_string(),
        rule.kind.as_str().to_owned(),
        rule.name.clone(),
        rule.tags.join("; "),
        rule.author.clone().unwrap_or_default(),
        rule.reference.clone().unwrap_or_default(),
        joined(|source| &source.source),
        joined(|source| source.id.as_deref().unwrap_or_default()),
        say::strictest(rule)
            .map(|tlp| tlp.to_string())
            .unwrap_or_default(),
        finding
            .observable
            .as_ref()
            .map(|observed| observed.kind.to_string())
            .unwrap_or_default(),
        finding
            .observable
            .as_ref()
            .map(|observed| observed.value.clone())
            .unwrap_or_default(),
        finding.matched.clone(),
        finding.place.path.to_string(),
        finding.place.member.as_deref().unwrap_or_default().to_owned(),
        number(line),
        number(record),
        say::flags(finding).join("; "),
        event,
        "1".to_owned(),
    ])
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

/// Spreadsheets take these for the start of a formula, the full-width forms too, and some skip white space first.
fn starts_formula(cell: &str) -> bool {
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
        check("-", "'-");
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
