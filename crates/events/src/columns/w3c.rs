//! W3C extended logs: IIS, CloudFront, Blue Coat. The `#Fields:` header may come again with other columns.

use perisai_model::{Event, Value};

use super::{COLUMNS, directives};
use crate::block::Stream;
use crate::format::{Clock, Columns, PLAIN, Spec};
use crate::{names, time};

pub(crate) const W3C: Spec = Spec {
    name: "w3c",
    header: |sample| {
        let columns = restate(&Columns::default(), sample);
        (!columns.names.is_empty()).then_some(columns)
    },
    restate: Some(restate),
    fields,
    ..PLAIN
};

fn restate(before: &Columns, lines: &[u8]) -> Columns {
    let mut columns = before.clone();
    for line in directives(lines) {
        if let Some(names) = line.strip_prefix("#Fields:") {
            columns.names = names
                .split_ascii_whitespace()
                .take(COLUMNS)
                .map(str::to_owned)
                .collect();
        } else if let Some(date) = line.strip_prefix("#Date:") {
            columns.date = date.trim().chars().take(10).collect();
        }
    }
    columns
}

fn fields(item: &str, stream: &Stream, event: &mut Event) -> bool {
    let Some(columns) = &stream.columns else {
        return false;
    };
    if item.starts_with('#') {
        return false;
    }
    let (mut count, mut cells) = (0, cells(item));
    for (name, cell) in columns.names.iter().zip(cells.by_ref()) {
        count += 1;
        if cell == "-" {
            continue;
        }
        match cell.parse() {
            Ok(number) if is_number(name) => event.push(name, Value::Int(number)),
            // IIS writes a blank as a plus in header fields.
            _ if name.starts_with("cs(") => event.push_str(name, &cell.replace('+', " ")),
            _ => event.push_str(name, cell),
        }
    }
    // Any line has a few cells.
    if count == 0 || count != columns.names.len() || cells.next().is_some() {
        return false;
    }
    timed(event, &columns.date);
    target(event);
    names::add(event, names::W3C);
    true
}

fn is_number(name: &str) -> bool {
    name.ends_with("-status") || name.ends_with("-bytes") || name.ends_with("-port") || name == "time-taken"
}

/// The cells: with tabs or blanks between, the second with quotes around a text that holds some.
fn cells(row: &str) -> impl Iterator<Item = &str> {
    let tabs = row.contains('\t');
    let mut rest = row;
    std::iter::from_fn(move || {
        if !tabs {
            rest = rest.trim_start_matches(' ');
        }
        if rest.is_empty() {
            return None;
        }
        if let Some(inner) = rest.strip_prefix('"').filter(|_| !tabs)
            && let Some(end) = inner.find('"')
        {
            rest = &inner[end + 1..];
            return Some(&inner[..end]);
        }
        let end = rest.find(if tabs { '\t' } else { ' ' });
        let cell = &rest[..end.unwrap_or(rest.len())];
        rest = end.map_or("", |end| &rest[end + 1..]);
        Some(cell)
    })
}

/// The standard has all times in UTC, whatever the clock of the place.
fn timed(event: &mut Event, header_date: &str) {
    let Some(time) = event.get_str("time") else { return };
    let date = event.get_str("date").unwrap_or(header_date);
    let both = format!("{date} {time}");
    event.time = time::parse(&both, &Clock::default());
    event.time_text = event.time.map(|_| both);
}

/// Many rules look for path and query in the query field.
fn target(event: &mut Event) {
    let Some(stem) = event.get_str("cs-uri-stem") else {
        return;
    };
    let whole = match event.get_str("cs-uri-query") {
        Some(query) => format!("{stem}?{query}"),
        None => stem.to_owned(),
    };
    event.push_str("cs-uri-query", &whole);
    if event.get("cs-uri").is_none() {
        event.push_str("c-uri", &whole);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests::{check_file, never_panics};
    use proptest::prelude::*;

    #[test]
    fn rows_become_fields() {
        let head = "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2026-01-01 00:00:00\n\
            #Fields: date time s-ip cs-method cs-uri-stem cs-uri-query c-ip cs(User-Agent) sc-status\n";
        let check = |row: &str, expected: Option<&str>| check_file(&W3C, head, row, expected);
        check(
            "2026-01-01 00:00:05 10.0.0.1 GET /a.aspx x=1 192.0.2.9 Mozilla/5.0+(x) 200",
            Some(concat!(
                r#"{"date":"2026-01-01","time":"00:00:05","s-ip":"10.0.0.1","cs-method":"GET","cs-uri-stem":"/a.aspx","#,
                r#""cs-uri-query":["x=1","/a.aspx?x=1"],"c-ip":"192.0.2.9","cs(User-Agent)":"Mozilla/5.0 (x)","#,
                r#""sc-status":200,"c-uri":"/a.aspx?x=1","cs-user-agent":"Mozilla/5.0 (x)","#,
                r#""c-useragent":"Mozilla/5.0 (x)","dst_ip":"10.0.0.1","src_ip":"192.0.2.9"}"#
            )),
        );
        check("2026-01-01 00:00:05", None);
        check("#Date: 2026-01-02", None);
    }

    proptest! {
        #[test]
        fn hostile_lines(line in proptest::collection::vec(any::<u8>(), 0..60), text in "[#:a-c \t\"-]{0,40}") {
            never_panics(&W3C, &line);
            never_panics(&W3C, text.as_bytes());
            let _ = restate(&Columns::default(), text.as_bytes());
        }
    }
}
