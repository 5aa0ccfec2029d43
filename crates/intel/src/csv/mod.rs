//! Tables: CSV, TSV and the like, with headings, with headings in a comment (abuse.ch), without, and MISP's export.

mod columns;
mod range;
mod record;
mod row;

use std::borrow::Cow;
use std::io::{self, BufRead};

use perisai_model::Kind;

use self::columns::Columns;
pub(crate) use self::range::between;
use self::record::{Assembler, Outcome, split};
use self::row::Table;
use crate::Options;
use crate::lines::{Line, each_line};
use crate::marking;
use crate::marks;
use crate::sink::Sink;
use crate::text::{self, is_comment, marking_alone};
use crate::type_words::{is_digest, speaks_of_other_digests};
use crate::typed::{of_any, of_kind};

/// The longest line that is read, in bytes.
const LINE: usize = 1024 * 1024;

/// What stands between the columns of a table that has one.
const NO_DELIMITER: char = '\0';

/// How many records are looked at to tell what the columns are.
const SAMPLE: usize = 64;

/// How a table is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dialect {
    delimiter: char,
    columns: Columns,
    /// True where the first record holds the headings.
    heading_row: bool,
}

/// The dialect of a table, from its first lines; `None` where it is no table that holds values.
///
/// `content` are its first lines without comments, `comment` the last comment before them.
pub(crate) fn dialect(content: &[&str], comment: Option<&str>) -> Option<Dialect> {
    [',', '\t', ';', '|']
        .into_iter()
        .filter(|&delimiter| !(delimiter == ';' && comment.is_some_and(|line| line.starts_with(';'))))
        .find_map(|delimiter| dialect_with(delimiter, content, comment))
}

/// A table of one column, whose heading says of what kind its values are: file names, user agents and other kinds that
/// values do not show by themselves.
pub(crate) fn one_column(content: &[&str]) -> Option<Dialect> {
    let (heading, rows) = content.split_first()?;
    let kind = columns::heading_kind(heading)??;
    let fits = |row: &&&str| of_kind(kind, row.trim_matches(['"', ' '])).is_ok();
    let many = rows.iter().filter(fits).count();
    let is_column = !shows_itself(kind) && !rows.is_empty() && many * 5 >= rows.len() * 4;
    is_column.then(|| Dialect {
        delimiter: NO_DELIMITER,
        columns: Columns::one(kind),
        heading_row: true,
    })
}

/// True for a list, or a table, whose first heading speaks of digests that are not those of files and look like them,
/// and that has no heading of values.
pub(crate) fn is_column_of_other_digests(content: &[&str]) -> bool {
    let Some((headings, rows)) = content.split_first() else {
        return false;
    };
    let cells = |line: &'_ str| {
        line.split([',', '\t', ';', '|'])
            .map(|cell| cell.trim().trim_matches('"').to_owned())
            .collect::<Vec<_>>()
    };
    let headings = cells(headings);
    let is_digest = |row: &&str| of_any(&cells(row)[0]).is_some_and(|(kind, _)| is_digest(kind));
    headings[0].len() <= 32
        && speaks_of_other_digests(&headings[0])
        && headings
            .iter()
            .all(|heading| columns::heading_kind(heading).is_none())
        && !rows.is_empty()
        && rows.iter().all(is_digest)
}

/// True for the line with which Excel says what stands between the columns: `sep=;`.
pub(crate) fn is_separator_line(line: &str) -> bool {
    let line = line.trim().trim_matches('"');
    let separator = line
        .get(..4)
        .filter(|head| head.eq_ignore_ascii_case("sep="))
        .map(|_| &line[4..]);
    separator.is_some_and(|separator| separator.chars().count() <= 1)
}

/// True for the heading of a list of values.
pub(crate) fn is_heading(text: &str) -> bool {
    columns::heading_kind(text).is_some()
}

/// True for the heading of what is said about values: an author, a reference, a date.
pub(crate) fn is_context_heading(text: &str) -> bool {
    columns::is_context(text)
}

/// True for a kind that a bare value is recognised to be.
pub(crate) fn shows_itself(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Ipv4
            | Kind::Ipv6
            | Kind::Cidr
            | Kind::Domain
            | Kind::Url
            | Kind::EmailAddress
            | Kind::Md5
            | Kind::Sha1
            | Kind::Sha256
            | Kind::Sha512
            | Kind::Ja4
            | Kind::Mac
            | Kind::Cve
            | Kind::Asn
            | Kind::Wallet
    )
}

fn dialect_with(delimiter: char, content: &[&str], comment: Option<&str>) -> Option<Dialect> {
    let rows = sample(delimiter, content);
    let first = rows.first()?;
    let regular = rows.iter().filter(|row| row.len() == first.len()).count();
    if first.len() < 2 || regular * 5 < rows.len() * 4 {
        return None;
    }
    if let Some(columns) = comment.and_then(|line| comment_headings(line, delimiter, first.len(), &rows)) {
        return Some(Dialect {
            delimiter,
            columns,
            heading_row: false,
        });
    }
    let may_be_headings = first.iter().all(|cell| of_any(cell).is_none());
    if may_be_headings {
        let columns =
            Columns::from_headings(first, &rows[1..]).or_else(|| Columns::from_content(&rows[1..]))?;
        return Some(Dialect {
            delimiter,
            columns,
            heading_row: true,
        });
    }
    // One line that is a value as a whole is a list of one; rows of nothing but values are a list, too.
    let only = content.len() == 1;
    if only && of_any(content[0]).is_some() || rows.iter().all(|row| text::is_list(row, only)) {
        return None;
    }
    Some(Dialect {
        delimiter,
        columns: Columns::from_content(&rows)?,
        heading_row: false,
    })
}

fn comment_headings(line: &str, delimiter: char, width: usize, rows: &[Vec<String>]) -> Option<Columns> {
    let line = line.trim_start_matches(['#', ' ', '/']);
    let line = line
        .strip_prefix("fields")
        .and_then(|line| line.strip_prefix(delimiter))
        .unwrap_or(line);
    let headings = split(line, delimiter)?;
    (headings.len() == width).then(|| Columns::from_headings(&headings, rows))?
}

fn sample(delimiter: char, content: &[&str]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut assembler = Assembler::new(delimiter);
    let is_row = |line: &&&str| delimiter != '|' || !marks::is_rule(line);
    for line in content.iter().take(SAMPLE).filter(is_row) {
        assembler.push(0, line, |outcome| {
            if let Ok(record) = outcome {
                rows.push(record.fields.into_iter().map(String::from).collect());
            }
        });
    }
    rows
}

/// Reads a table.
pub(crate) fn read(
    input: &mut dyn BufRead,
    dialect: &Dialect,
    options: &Options,
    sink: &mut Sink<'_>,
) -> io::Result<()> {
    let mut assembler = Assembler::new(dialect.delimiter);
    let mut table = Table::new(&dialect.columns, options, sink);
    let mut skip_heading = dialect.heading_row;
    let outcome = each_line(input, LINE, |line| {
        let Some(text) = text_of(line, &assembler, dialect.delimiter, &mut table) else {
            return;
        };
        let is_rule = dialect.delimiter == '|' && (marks::is_rule(&text) || marks::is_fence(&text));
        if is_rule || !table.has_begun() && is_separator_line(&text) {
            return;
        }
        assembler.push(line.number, &text, |outcome| {
            if !std::mem::take(&mut skip_heading) {
                take(outcome, &mut table);
            }
        });
    });
    assembler.finish(|outcome| take(outcome, &mut table));
    table.finish();
    outcome
}

fn take(outcome: Outcome<'_>, table: &mut Table<'_, '_>) {
    match outcome {
        Ok(record) => table.row(record.line, &record.fields),
        Err(line) => table.problem(line, format_args!("a quote that is never closed")),
    }
}

/// The text of a line that belongs to a record.
fn text_of<'a>(
    line: Line<'a>,
    assembler: &Assembler,
    delimiter: char,
    table: &mut Table<'_, '_>,
) -> Option<Cow<'a, str>> {
    let bytes = line.bytes.strip_suffix(b"\r").unwrap_or(line.bytes);
    let trimmed = bytes.trim_ascii();
    let is_cell = delimiter == ';' && trimmed.starts_with(b";");
    if !assembler.is_open() && is_comment(trimmed) && !is_cell {
        table.marking(marking::in_bytes(trimmed));
        return None;
    }
    if let (false, Some(tlp)) = (assembler.is_open(), marking_alone(trimmed)) {
        table.marking(Some(tlp));
        return None;
    }
    if line.cut {
        table.problem(line.number, format_args!("a line of more than {LINE} bytes"));
        return None;
    }
    // Notes in an old encoding cost nothing but themselves.
    Some(String::from_utf8_lossy(bytes))
}
