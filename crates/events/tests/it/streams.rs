//! Text and records through blocks: encodings, headers in the middle, documents of records.

use perisai_events::ReadOptions;
use perisai_model::{Position, Value};

use crate::containers::gz;
use crate::{file, small, stream};

#[test]
fn few_plain_lines_before_utf16_do_not_make_a_binary() {
    let wide: Vec<u8> = "line evil.com here\r\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let text = [&b"plain text line\n".repeat(5)[..], &wide.repeat(4)].concat();
    let found = file(&text, &ReadOptions::default());
    let with = found
        .texts()
        .iter()
        .filter(|text| text.contains("evil.com"))
        .count();
    assert_eq!((with, found.items.len()), (4, 9), "{:?}", found.items);
}

#[test]
fn utf16_keeps_its_line_numbers() {
    let text: String = (1..=200)
        .map(|line| format!("Zeile {line} — naïve\r\n"))
        .collect();
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    for found in [file(&bytes, &small()), stream(&bytes, &small())] {
        assert_eq!(found.problems, Vec::<String>::new());
        assert_eq!(found.items.len(), 200);
        assert_eq!(
            found.items[199],
            (None, Position::Line(200), "Zeile 200 — naïve".to_owned())
        );
    }
}

#[test]
fn columns_may_change_in_the_middle() {
    let mut text = String::from("#Fields: date time c-ip\n");
    text.push_str(&"2026-01-01 00:00:01 10.0.0.1\n".repeat(20));
    text.push_str("#Software: again\n#Fields: date time cs-method c-ip\n");
    text.push_str(&"2026-01-01 00:00:02 GET 10.0.0.2\n".repeat(20));
    for options in [small(), ReadOptions::default()] {
        let found = file(text.as_bytes(), &options);
        let clients: Vec<_> = found
            .events
            .iter()
            .map(|(_, event)| event.get_str("c-ip").unwrap())
            .collect();
        assert_eq!(clients[..20], ["10.0.0.1"; 20]);
        assert_eq!(clients[20..], ["10.0.0.2"; 20]);
        assert_eq!(found.items.len(), 43);
        assert_eq!(found.items[42].1, Position::Line(43));
    }
}

#[test]
fn zeek_headers_may_straddle_blocks() {
    let head = "#separator \\x09\n#set_separator\t,\n#unset_field\t-\n#path\tconn\n#fields\tts\tuid\tid.orig_h\n#types\ttime\tstring\taddr\n";
    let other = head
        .replace("uid\tid.orig_h", "id.orig_h\tuid")
        .replace("string\taddr", "addr\tstring");
    for filler in 1..12 {
        let row = "1767225600.0\tC1\t10.0.0.1\n";
        let text = format!(
            "{head}{}#close\n{other}1767225600.0\t10.0.0.1\tC1\n",
            row.repeat(filler)
        );
        let found = file(text.as_bytes(), &small());
        assert_eq!(found.events.len(), filler + 1);
        for (_, event) in &found.events {
            assert_eq!(event.get_str("src_ip"), Some("10.0.0.1"));
        }
    }
}

#[test]
fn exports_are_read_record_by_record() {
    let record = |number: usize| {
        format!(r#"{{"eventTime":"2026-01-01T00:00:00Z","n":{number},"list":[{{"x":"]"}}]}}"#)
    };
    let records: Vec<String> = (1..=50).map(record).collect();
    let check = |text: String| {
        for found in [file(text.as_bytes(), &small()), stream(text.as_bytes(), &small())] {
            assert_eq!(found.problems, Vec::<String>::new(), "{text}");
            let seen: Vec<_> = found
                .events
                .iter()
                .map(|(at, event)| (*at, event.get("n")))
                .collect();
            let expected: Vec<_> = (1..=50_u32)
                .map(|n| (Position::Record(n.into()), Some(Value::Int(n.into()))))
                .collect();
            assert_eq!(seen, expected);
        }
    };
    check(format!("[{}]", records.join(",\n")));
    check(format!("{{\"Records\":[{}]}}", records.join(",")));
    check(format!(
        "{{\"took\":1,\"hits\":{{\"total\":50,\"hits\":[{}]}}}}\n",
        records.join(",")
    ));
    check(records.join("\n").replace(",\"n\"", ",\n  \"n\""));
}

#[test]
fn xml_documents_are_read_event_by_event() {
    let event = |id: usize| {
        format!("<Event xmlns='x'><System><EventID>{id}</EventID><Computer>c</Computer></System></Event>")
    };
    let events: String = (1..=30).map(event).collect();
    let found = file(
        format!("<?xml version='1.0'?>\n<Events>{events}</Events>\n").as_bytes(),
        &small(),
    );
    assert_eq!(found.problems, Vec::<String>::new());
    let ids: Vec<_> = found
        .events
        .iter()
        .map(|(_, event)| event.get("EventID").unwrap())
        .collect();
    assert_eq!(ids, (1..=30).map(Value::Int).collect::<Vec<_>>());
}

#[test]
fn journal_lines_have_their_own_time_and_host() {
    let line = br#"{"__REALTIME_TIMESTAMP":"1767225600000000","_HOSTNAME":"web1","MESSAGE":[104,105]}"#;
    let found = file(line, &ReadOptions::default());
    let (_, event) = &found.events[0];
    assert_eq!(event.format, "journald");
    assert_eq!(event.get_str("message"), Some("hi"));
    assert_eq!(perisai_events::host(event), Some("web1"));
    assert_eq!(event.time, Some("2026-01-01T00:00:00Z".parse().unwrap()));
}

#[test]
fn a_date_without_a_year_is_of_the_latest_that_fits_the_file() {
    let found = file(
        b"Feb 28 10:00:00 h p[1]: x\nMar  5 10:00:00 h p[1]: y\n",
        &ReadOptions::default(),
    );
    let times: Vec<_> = found
        .events
        .iter()
        .map(|(_, event)| event.time.unwrap().to_string())
        .collect();
    assert_eq!(times, ["2026-02-28T10:00:00Z", "2025-03-05T10:00:00Z"]);
}

#[test]
fn a_packed_log_is_dated_by_what_gzip_says_of_it() {
    let check = |seconds: u32, expected: &str| {
        let mut packed = gz(b"Feb 28 10:00:00 h p[1]: x\n");
        packed[4..8].copy_from_slice(&seconds.to_le_bytes());
        let found = file(&packed, &ReadOptions::default());
        assert_eq!(found.events[0].1.time.unwrap().to_string(), expected, "{seconds}");
    };
    check(0, "2026-02-28T10:00:00Z");
    check(1_646_092_800, "2022-02-28T10:00:00Z");
    // Later than the packed file itself.
    check(u32::MAX, "2026-02-28T10:00:00Z");
}

#[test]
fn dates_with_slashes_are_as_the_log_shows() {
    let check = |rows: &[(&str, Option<&str>)]| {
        let mut text = String::from("TimeCreated,Message\n");
        rows.iter()
            .for_each(|(time, _)| text.push_str(&format!("{time},x\n")));
        for found in [
            file(text.as_bytes(), &ReadOptions::default()),
            stream(text.as_bytes(), &ReadOptions::default()),
        ] {
            let times: Vec<_> = found
                .events
                .iter()
                .map(|(_, event)| {
                    (
                        event.time_text.clone().unwrap(),
                        event.time.map(|time| time.to_string()),
                    )
                })
                .collect();
            let expected: Vec<_> = rows
                .iter()
                .map(|(text, time)| ((*text).to_owned(), time.map(str::to_owned)))
                .collect();
            assert_eq!(times, expected);
        }
    };
    check(&[
        ("2/3/2022 01:02:03", Some("2022-02-03T01:02:03Z")),
        ("2/24/2022 01:02:03", Some("2022-02-24T01:02:03Z")),
    ]);
    check(&[
        ("2/3/2022 1:02:03 PM", Some("2022-03-02T13:02:03Z")),
        ("24/3/2022 1:02:03 AM", Some("2022-03-24T01:02:03Z")),
    ]);
    check(&[("2/3/2022 1:02:03 PM", Some("2022-02-03T13:02:03Z"))]);
    check(&[("2/3/2022 01:02:03", None), ("3/4/2022 01:02:03", None)]);
}
