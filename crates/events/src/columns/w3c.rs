//! W3C extended logs: IIS, CloudFront, Blue Coat, Windows' firewall, and those of Exchange, which are CSV under the same
//! header. The `#Fields:` header may come again with other columns.

use std::borrow::Cow;

use perisai_model::{Event, Value};

use super::{COLUMNS, LONGEST, csv, directives};
use crate::block::Stream;
use crate::format::{Clock, Columns, PLAIN, Spec};
use crate::{known, names, time};

pub(crate) const W3C: Spec = Spec {
    name: "w3c",
    header: |sample| {
        let columns = restate(&Columns::default(), behind_names(sample));
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
            if names.contains(',') {
                columns.separator = b',';
                let names = csv::cells(names, b',').take(COLUMNS);
                columns.names = names.map(|name| name.trim().to_owned()).collect();
            } else {
                columns.separator = b' ';
                let names = names.split_ascii_whitespace().take(COLUMNS);
                columns.names = names.map(str::to_owned).collect();
            }
        } else if let Some(zone) = line.strip_prefix("#Time Format:") {
            columns.is_local = zone.trim().eq_ignore_ascii_case("local");
        } else if let Some(date) = line.strip_prefix("#Date:") {
            columns.date = date.trim().chars().take(10).collect();
        }
    }
    columns
}

/// Past a first line that has the names of the columns and no more: some logs of Exchange have them twice.
fn behind_names(sample: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'\n', &sample[..sample.len().min(LONGEST)]);
    let Some((first, rest)) = end.map(|end| sample.split_at(end + 1)) else {
        return sample;
    };
    let first = first.trim_ascii();
    let mut fields = directives(rest).filter_map(|line| line.strip_prefix("#Fields:"));
    if fields.any(|names| names.trim().as_bytes() == first) {
        rest
    } else {
        sample
    }
}

fn fields(item: &str, stream: &Stream, event: &mut Event) -> bool {
    let Some(columns) = &stream.columns else {
        return false;
    };
    if item.starts_with('#') {
        return false;
    }
    let sound = if columns.separator == b',' {
        push_all(columns, csv::cells(item, b','), event)
    } else {
        push_all(columns, cells(item).map(Cow::Borrowed), event)
    };
    if !sound {
        return false;
    }
    // The standard has all times in UTC, whatever the clock of the place.
    let utc = Clock::default();
    let clock = if columns.is_local { &stream.clock } else { &utc };
    timed(event, &columns.date, clock);
    target(event);
    names::add(event, names::W3C);
    true
}

/// Adds the cells of a row; false where there are not as many as columns, or where they are the columns' names.
fn push_all<'a>(columns: &Columns, mut cells: impl Iterator<Item = Cow<'a, str>>, event: &mut Event) -> bool {
    let (mut count, mut is_header) = (0, true);
    for (name, cell) in columns.names.iter().zip(cells.by_ref()) {
        count += 1;
        is_header &= cell == *name;
        if matches!(&*cell, "-" | "") {
            continue;
        }
        match cell.parse() {
            Ok(number) if is_number(name) => event.push(name, Value::Int(number)),
            // IIS writes a blank as a plus in header fields.
            _ if name.starts_with("cs(") => event.push_str(name, &cell.replace('+', " ")),
            _ => event.push_str(name, &cell),
        }
    }
    // Any line has a few cells.
    count > 0 && count == columns.names.len() && cells.next().is_none() && !is_header
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

fn timed(event: &mut Event, header_date: &str, clock: &Clock) {
    let Some(time) = event.get_str("time") else {
        known::timed(event, clock);
        return;
    };
    let date = event.get_str("date").unwrap_or(header_date);
    let both = format!("{date} {time}");
    event.time = time::parse(&both, clock);
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
    use crate::format::tests::{check_file, first_event, never_panics};
    use proptest::prelude::*;
    use std::sync::Arc;

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

    #[test]
    fn rows_of_exchange_are_csv() {
        let head = "#Software: Microsoft Exchange Server\n#Date: 2026-01-01T00:00:00.000Z\n\
            #Fields: date-time,client-ip,server-hostname,recipient-address,message-subject\n";
        let check = |row: &str, expected: Option<&str>| check_file(&W3C, head, row, expected);
        check(
            r#"2026-01-01T00:00:05.000Z,10.0.0.1,EXCH1,,"Invoice, ""new""""#,
            Some(concat!(
                r#"{"date-time":"2026-01-01T00:00:05.000Z","client-ip":"10.0.0.1","server-hostname":"EXCH1","#,
                r#""message-subject":"Invoice, \"new\""}"#
            )),
        );
        check("2026-01-01T00:00:05.000Z,10.0.0.1,EXCH1,", None);
        check(
            "date-time,client-ip,server-hostname,recipient-address,message-subject",
            None,
        );
        let twice = "DateTime,ClientIpAddress\n#Software: x\n#Fields: DateTime,ClientIpAddress\n";
        check_file(
            &W3C,
            twice,
            "2026-01-01T00:00:05.000Z,10.0.0.1",
            Some(r#"{"DateTime":"2026-01-01T00:00:05.000Z","ClientIpAddress":"10.0.0.1"}"#),
        );
        let event = first_event(&format!("{twice}2026-01-01T00:00:05.000Z,10.0.0.1\n"));
        assert_eq!(crate::client(&event), Some("10.0.0.1"));
        assert!((W3C.header)(b"DateTime,Other\n#Fields: DateTime,Client\n").is_none());
    }

    #[test]
    fn times_are_of_the_zone_that_the_header_states() {
        let check = |head: &str, row: &str, expected: &str| {
            let columns = (W3C.header)(head.as_bytes()).map(Arc::new);
            let mut stream = Stream::of(&W3C);
            stream.columns = columns;
            stream.clock.tz = jiff::tz::TimeZone::fixed(jiff::tz::offset(2));
            let mut event = Event::default();
            assert!(stream.fields(row.as_bytes(), &mut event), "{head}");
            assert_eq!(event.time.unwrap().to_string(), expected, "{head}");
        };
        let row = "2026-01-02 03:04:05 ALLOW";
        check("#Fields: date time action\n", row, "2026-01-02T03:04:05Z");
        check(
            "#Time Format: Local\n#Fields: date time action\n",
            row,
            "2026-01-02T01:04:05Z",
        );
        check(
            "#Time Format: UTC\n#Fields: date time action\n",
            row,
            "2026-01-02T03:04:05Z",
        );
        check(
            "#Fields: date-time,client-ip\n",
            "2026-01-02T03:04:05.000Z,10.0.0.1",
            "2026-01-02T03:04:05Z",
        );
    }

    proptest! {
        #[test]
        fn hostile_lines(line in proptest::collection::vec(any::<u8>(), 0..60), text in "[#:a-c, \t\"\n-]{0,40}") {
            never_panics(&W3C, &line);
            never_panics(&W3C, text.as_bytes());
            let _ = restate(&Columns::default(), text.as_bytes());
            never_panics(&W3C, format!("#Fields: {text}").as_bytes());
            let _ = (W3C.header)(format!("a,b\n#Fields: {text}").as_bytes());
        }
    }
}
