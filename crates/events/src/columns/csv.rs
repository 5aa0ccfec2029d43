//! CSV with a header, with commas, semicolons, tabs or bars; with blanks where it is a wide table. A value that holds a line break is cut there: lines are
//! searched on their own.

use std::borrow::Cow;

use perisai_model::Event;

use super::COLUMNS;
use crate::block::Stream;
use crate::format::{Columns, PLAIN, Spec};
use crate::json::windows;
use crate::known;
use perisai_model::Value;

/// How many rows must agree with the header.
const ROWS: usize = 5;

/// How many columns a table with blanks between them must have, and how many cells of its first row must begin as numbers:
/// prose has neither. Nor has a table a name twice.
const WIDE: usize = 8;
const NUMBERS: usize = 3;

pub(crate) const CSV: Spec = Spec {
    name: "csv",
    header,
    fields,
    ..PLAIN
};

fn header(sample: &[u8]) -> Option<Columns> {
    let mut lines = sample.split(|byte| *byte == b'\n');
    let first = std::str::from_utf8(lines.next()?).ok()?.trim_end();
    // The last line of the sample may be cut off.
    let rows: Vec<&[u8]> = lines.take(ROWS + 1).collect();
    let rows = &rows[..rows.len().saturating_sub(1)];
    b",;\t| ".iter().find_map(|separator| {
        let names: Vec<String> = cells(first, *separator).map(Cow::into_owned).collect();
        let sound = (2..=COLUMNS).contains(&names.len())
            && names.iter().all(|name| is_name(name))
            && !rows.is_empty()
            && (*separator != b' ' || is_table(&names, rows[0]));
        let agree = |row: &&[u8]| cells(&String::from_utf8_lossy(row), *separator).count() == names.len();
        (sound && rows.iter().all(agree)).then(|| Columns {
            names,
            separator: *separator,
            ..Columns::default()
        })
    })
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
            .all(|letter| letter.is_alphanumeric() || " _-.@()/#".contains(letter))
}

fn fields(item: &str, stream: &Stream, event: &mut Event) -> bool {
    let Some(columns) = &stream.columns else {
        return false;
    };
    let (mut count, mut is_header) = (0, true);
    for (name, cell) in columns.names.iter().zip(cells(item, columns.separator)) {
        count += 1;
        is_header &= cell == *name;
        windows::push(event, name.trim(), Value::Str(&cell));
    }
    if count != columns.names.len() || is_header {
        return false;
    }
    known::finish(event, &stream.clock);
    true
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
                r#"{"time":"2026-01-01T00:00:00Z","host":"ws1","user name":"Doe, \"J\"","url":"https://x.example/"}"#,
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
        check(",,,", Some(r#"{"time":"","host":"","user name":"","url":""}"#));
        check("one,two", None);
        check("time,host,user name,url", None);
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
        check("10.0.0.1,x\n1,2\n", None);
        check(
            "Hello, this is a letter. It has commas, and more\nthan one line\n",
            None,
        );
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
