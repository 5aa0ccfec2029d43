//! CSV with a header, with commas, semicolons, tabs or bars; with blanks where it is a wide table. Lines are searched
//! on their own, so a value that holds a line break is cut there: of its row the first line has the fields, up to the
//! cut.

use std::borrow::Cow;

use perisai_model::Event;

use super::COLUMNS;
use crate::block::Stream;
use crate::format::{Columns, PLAIN, Spec, utf8};
use crate::json::windows;
use crate::{known, wrapped};
use perisai_model::Value;

/// How many rows are compared with the header.
const ROWS: usize = 9;

/// With so many columns, most rows are enough.
const MANY: usize = 4;

/// The most lines of one row that are looked at to tell the format.
const BREAKS: usize = 256;

/// How many columns a table with blanks between them must have, and how many cells of its first row must begin as
/// numbers: prose has neither. Nor has a table a name twice.
const WIDE: usize = 8;
const NUMBERS: usize = 3;

pub(crate) const CSV: Spec = Spec {
    name: "csv",
    header,
    fields,
    ..PLAIN
};

fn header(sample: &[u8]) -> Option<Columns> {
    if let Some(columns) = flow_log(sample) {
        return Some(columns);
    }
    let (stated, sample) = behind_preamble(sample);
    let (first, rest) = sample.split_at(memchr::memchr(b'\n', sample)? + 1);
    let first = std::str::from_utf8(first).ok()?.trim_end();
    let tried = stated.map_or(",;\t| ".to_owned(), String::from);
    tried.bytes().find_map(|separator| {
        let names: Vec<String> = cells(first, separator).map(Cow::into_owned).collect();
        let sound = (2..=COLUMNS).contains(&names.len())
            && names.iter().all(|name| is_name(name))
            && agree(rest, &names, separator);
        sound.then(|| Columns {
            names,
            separator,
            ..Columns::default()
        })
    })
}

/// The columns of AWS' flow logs of the second version, which come without a header from CloudWatch; with the time of
/// their arrival before them or not.
const FLOW: [&str; 15] = [
    "timestamp",
    "version",
    "account-id",
    "interface-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
];

fn flow_log(sample: &[u8]) -> Option<Columns> {
    let line = sample.split(|byte| *byte == b'\n').next()?;
    let words: Vec<&[u8]> = line
        .trim_ascii_end()
        .split(|byte| *byte == b' ')
        .take(16)
        .collect();
    let skipped = match words.as_slice() {
        [b"2", _, interface, .., b"OK" | b"NODATA" | b"SKIPDATA"] if interface.starts_with(b"eni-") => 1,
        [_, b"2", _, interface, .., b"OK" | b"NODATA" | b"SKIPDATA"] if interface.starts_with(b"eni-") => 0,
        _ => return None,
    };
    let names = &FLOW[skipped..];
    (words.len() == names.len()).then(|| Columns {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        separator: b' ',
        ..Columns::default()
    })
}

/// Past what Windows PowerShell (`#TYPE …`) and Excel (`sep=;`, which states the separator) write before the names.
fn behind_preamble(sample: &[u8]) -> (Option<char>, &[u8]) {
    let end = memchr::memchr(b'\n', sample).map_or(sample.len(), |end| end + 1);
    let (first, rest) = sample.split_at(end);
    let first = first.trim_ascii().to_ascii_lowercase();
    let stated = match first.strip_prefix(b"sep=") {
        Some([separator]) => Some(char::from(*separator)),
        Some(b"") => Some('\t'),
        _ => None,
    };
    if stated.is_some() || first.starts_with(b"#type ") {
        (stated.filter(char::is_ascii), rest)
    } else {
        (None, sample)
    }
}

/// Whether the rows behind a header have as many cells. Of many columns a few rows may be odd: no single one must take
/// the fields from a whole log.
fn agree(sample: &[u8], names: &[String], separator: u8) -> bool {
    let fits = |row: &[u8]| cells(&utf8(without_end(row)), separator).count() == names.len();
    let (mut good, mut all, mut rest) = (0, 0, sample);
    for _ in 0..BREAKS {
        // The last line of the sample may be cut off.
        let Some(end) = memchr::memchr(b'\n', rest) else {
            break;
        };
        let (line, behind) = rest.split_at(end + 1);
        if all == 0 && separator == b' ' && !is_table(names, line) {
            return false;
        }
        // Where a value goes on behind the line, the line alone may have as many cells as well.
        let row = broken_row(rest);
        if let Some(row) = row.filter(|row| fits(row)) {
            (good, all, rest) = (good + 1, all + 1, &rest[row.len()..]);
        } else {
            let is_good = fits(line);
            good += usize::from(is_good);
            // A value that ends nowhere in the sample says nothing.
            all += usize::from(is_good || row.is_some() || !is_odd(line));
            rest = behind;
        }
        if all >= ROWS {
            break;
        }
    }
    good > 0 && (good == all || names.len() >= MANY && good * 2 > all)
}

/// A row that a text begins with and that has line breaks in its quoted values.
fn broken_row(text: &[u8]) -> Option<&[u8]> {
    let mut quotes = false;
    let mut at = 0;
    for _ in 0..BREAKS {
        let end = at + memchr::memchr(b'\n', &text[at..])? + 1;
        quotes ^= is_odd(&text[at..end]);
        if !quotes {
            return (at > 0).then_some(&text[..end]);
        }
        at = end;
    }
    None
}

/// Whether a text has an odd number of quotes.
fn is_odd(text: &[u8]) -> bool {
    memchr::memchr_iter(b'"', text).count() % 2 == 1
}

fn without_end(row: &[u8]) -> &[u8] {
    let row = row.strip_suffix(b"\n").unwrap_or(row);
    row.strip_suffix(b"\r").unwrap_or(row)
}

/// Whether words with blanks between them are the names of a table's columns, as of flow logs of AWS.
fn is_table(names: &[String], row: &[u8]) -> bool {
    let numbers = row
        .split(|byte| *byte == b' ')
        .filter(|cell| cell.first().is_some_and(u8::is_ascii_digit));
    let mut distinct: Vec<_> = names.iter().collect();
    distinct.sort_unstable();
    distinct.dedup();
    names.len() >= WIDE && distinct.len() == names.len() && numbers.count() >= NUMBERS
}

/// Whether a cell of the first line can be the name of a column.
fn is_name(cell: &str) -> bool {
    let cell = cell.trim();
    cell.len() <= 64
        && cell.starts_with(|first: char| first.is_alphabetic() || "_@".contains(first))
        && cell
            .chars()
            .all(|letter| letter.is_alphanumeric() || " _-.@()[]/#".contains(letter))
}

fn fields(item: &str, stream: &Stream, event: &mut Event) -> bool {
    let Some(Columns { names, separator, .. }) = stream.columns.as_deref() else {
        return false;
    };
    let is_odd = is_odd(item.as_bytes());
    let open = is_odd.then(|| open_cell(item, *separator)).flatten();
    let is_whole = cells(item, *separator).count() == names.len();
    let is_row = if is_whole {
        push_row(names, cells(item, *separator), event)
    } else if let Some(start) = open {
        // Of a value that goes on behind a line break, here is the beginning.
        let before = item[..start].strip_suffix(char::from(*separator));
        let before = before.into_iter().flat_map(|row| cells(row, *separator));
        push_row(names, before.chain([Cow::Borrowed(&item[start + 1..])]), event)
    } else {
        false
    };
    if !is_row {
        return false;
    }
    known::finish(event, &stream.clock);
    let is_last = |start: usize| memchr::memchr(*separator, &item.as_bytes()[start..]).is_none();
    if is_odd && is_whole && !open.is_some_and(is_last) {
        // Perhaps the beginning or the end of a value with a line break: then its writer may have chosen the time.
        (event.time, event.time_text) = (None, None);
    }
    wrapped::open(event, stream);
    true
}

/// Adds the cells of a row; false where there are more than columns, or where they are the columns' names.
fn push_row<'a>(names: &[String], cells: impl Iterator<Item = Cow<'a, str>>, event: &mut Event) -> bool {
    let mut is_header = true;
    for (at, cell) in cells.enumerate() {
        let Some(name) = names.get(at) else { return false };
        is_header &= cell == *name;
        windows::push(event, name.trim(), Value::Str(&cell));
    }
    !is_header
}

/// Where a quoted value begins that does not end in its line.
fn open_cell(line: &str, separator: u8) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = &line[at..];
        let end = match rest.strip_prefix('"').map(quoted_end) {
            Some(None) => return Some(at),
            Some(Some(end)) => end + 2,
            None => 0,
        };
        at += end + memchr::memchr(separator, &rest.as_bytes()[end..])? + 1;
    }
}

/// The cells of a row, unquoted.
pub(crate) fn cells(row: &str, separator: u8) -> impl Iterator<Item = Cow<'_, str>> {
    let mut rest = Some(row);
    std::iter::from_fn(move || {
        let text = rest?;
        if let Some(inner) = text.strip_prefix('"')
            && let Some(end) = quoted_end(inner)
            && (end + 1 == inner.len() || inner.as_bytes()[end + 1] == separator)
        {
            rest = inner.get(end + 2..);
            let cell = &inner[..end];
            return Some(if cell.contains("\"\"") {
                Cow::Owned(cell.replace("\"\"", "\""))
            } else {
                Cow::Borrowed(cell)
            });
        }
        let end = memchr::memchr(separator, text.as_bytes());
        rest = end.map(|end| &text[end + 1..]);
        Some(Cow::Borrowed(&text[..end.unwrap_or(text.len())]))
    })
}

/// Where a quoted cell ends; a doubled quote stands for one.
fn quoted_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut from = 0;
    loop {
        let at = from + memchr::memchr(b'"', &bytes[from..])?;
        if bytes.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        from = at + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests::{check_file, never_panics};
    use proptest::prelude::*;

    #[test]
    fn rows_become_fields() {
        let head = "time,host,\"user name\",url\n2026-01-01T00:00:00Z,a,b,c\n";
        let check = |row: &str, expected: Option<&str>| check_file(&CSV, head, row, expected);
        check(
            r#"2026-01-01T00:00:00Z,ws1,"Doe, ""J""",https://x.example/"#,
            Some(
                r#"{"time":"2026-01-01T00:00:00Z","host":"ws1","user name":"Doe, \"J\"","username":"Doe, \"J\"","url":"https://x.example/"}"#,
            ),
        );
        let mut event = Event::default();
        let (format, columns) = crate::format::detect(b"Time,Image\nx,y\nz,a\n");
        let stream = Stream {
            format,
            columns,
            ..Stream::of(&CSV)
        };
        assert!(stream.fields(b"2026-01-01 00:00:05,c", &mut event));
        assert_eq!((event.format, event.time.is_some()), ("csv", true));
        check(
            ",,,",
            Some(r#"{"time":"","host":"","user name":"","username":"","url":""}"#),
        );
        // Before a line break in a value, and behind it.
        check(
            "2026-01-01T00:00:00Z,a,\"b, c, d",
            Some(r#"{"time":"2026-01-01T00:00:00Z","host":"a","user name":"b, c, d","username":"b, c, d"}"#),
        );
        check("\"b, c", Some(r#"{"time":"b, c"}"#));
        check("b\",c", None);
        check(
            "a,b,5\" disk,c",
            Some(r#"{"time":"a","host":"b","user name":"5\" disk","username":"5\" disk","url":"c"}"#),
        );
        check("one,two", None);
        check("time,host,user name,url", None);
    }

    #[test]
    fn a_line_break_in_a_value_forges_no_time() {
        let check = |line: &str, expected: Option<&str>| {
            let (format, columns) = crate::format::detect(b"time,user,url\n1,2,3\n");
            let stream = Stream {
                format,
                columns,
                ..Stream::of(&CSV)
            };
            let mut event = Event::default();
            stream.fields(line.as_bytes(), &mut event);
            assert_eq!(event.time_text.as_deref(), expected, "{line}");
        };
        check("2026-01-01 00:00:00,a,b", Some("2026-01-01 00:00:00"));
        check("2026-01-01 00:00:00,\"x", Some("2026-01-01 00:00:00"));
        check("2020-01-01 00:00:00,y\",b", None);
        check("2020-01-01 00:00:00,\"y,b", None);
        check("2020-01-01 00:00:00 y\",b", None);
        check("2020-01-01 00:00:00", None);
    }

    #[test]
    fn headers_are_told() {
        let check = |text: &str, expected: Option<usize>| {
            assert_eq!(
                header(text.as_bytes()).map(|columns| columns.names.len()),
                expected,
                "{text}"
            );
        };
        check("a;b\n1;2\n", Some(2));
        for breaks in [1, 2, 3, 8, 60] {
            let row = format!("1,2,\"one{}\"\n", "\nmore, of it".repeat(breaks));
            check(&format!("a,b,c\n{}", row.repeat(10)), Some(3));
            check(
                &format!("a,b,c\n{}", row.replace('\n', "\r\n").repeat(10)),
                Some(3),
            );
        }
        check("a\tb c\tD\n1\t2\t3\n", Some(3));
        check("a,b\n1\n", None);
        check(
            "version interface-id srcaddr dstaddr srcport start end action\n2 eni 10.0.0.1 192.0.2.1 5 6 7 OK\n",
            Some(8),
        );
        check(
            "we have met here and there and again\nsince 5 of them 6 to 7 times\n",
            None,
        );
        check(
            "this is a line with words of prose\nthat have as many in the next one\n",
            None,
        );
        check("srcaddr dstaddr start\n10.0.0.1 192.0.2.1 5\n", None);
        check("a,b\n", None);
        check("a,b\r\n1,\"2,3\"\r\n4,\"5,6\"\r\n", Some(2));
        check("a,b,c\r\n1,2,\"3,\r\n4\"\r\n5,6,7\r\n", Some(3));
        check("a,b,c,d\n1,2,\"3,\n4,5,6,7\n1,2,3,4\n", Some(4));
        check("#TYPE x.y\r\n\"a\",\"b\"\r\n\"1\",\"2\"\r\n", Some(2));
        check("sep=;\na;b\n1;2\n", Some(2));
        check("SEP=*\na*b\n1*2\n", Some(2));
        check("a,b,c,d\n1,2,3\n1,2,3,4\n1,2,3,4\n", Some(4));
        check("a,b,c,d\n1,2,3\n1,2,3,4\n", None);
        check("TimeGenerated [UTC],b\n1,2\n", Some(2));
        check("10.0.0.1,x\n1,2\n", None);
        check(
            "Hello, this is a letter. It has commas, and more\nthan one line\n",
            None,
        );
    }

    #[test]
    fn flow_logs_need_no_header() {
        let row = "2 123456789010 eni-1 10.0.0.1 192.0.2.1 5 443 6 20 4249 1767225600 1767225660 ACCEPT OK";
        for row in [row.to_owned(), format!("2026-01-01T00:00:00.000Z {row}")] {
            let event = crate::format::tests::first_event(&row);
            assert_eq!(event.time.unwrap().to_string(), "2026-01-01T00:00:00Z");
            assert_eq!(crate::client(&event), Some("10.0.0.1"));
            assert_eq!(event.get_str("action"), Some("ACCEPT"));
        }
        assert!(header(b"2 1 eni-1 x OK\n").is_none());
    }

    proptest! {
        #[test]
        fn hostile_lines(line in proptest::collection::vec(any::<u8>(), 0..60), text in "[a-c,;\"\n]{0,40}") {
            never_panics(&CSV, &line);
            never_panics(&CSV, text.as_bytes());
            let _ = header(&line);
            let _ = header(text.as_bytes());
        }
    }
}
