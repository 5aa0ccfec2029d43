//! Records that stand in others as a text: lines that a container runtime wraps, Docker's JSON files and the CRI's
//! (containerd, CRI-O) `TIME stdout F LINE`; and what search engines and converters export with the record as it came
//! in one field. The line inside is read as what it is; what is around it gives its time where the line has none.

use std::collections::HashSet;

use perisai_model::{Event, Timestamp, Value};

use crate::block::Stream;
use crate::device::{CEF, LEEF};
use crate::format::{Clock, PLAIN, Spec};
use crate::json::windows;
use crate::kv::LOGFMT;
use crate::syslog::{SYSLOG, auditd::AUDITD, named::NAMED};
use crate::web::{combined::WEB, squid::SQUID};
use crate::xml::XML;
use crate::{json, known, time};

/// What a line inside may be. Not another wrapped line: they could stand in each other without end.
const INSIDE: [&Spec; 10] = [
    &json::LINES,
    &XML,
    &CEF,
    &LEEF,
    &AUDITD,
    &SYSLOG,
    &NAMED,
    &WEB,
    &SQUID,
    &LOGFMT,
];

/// The format of Kubernetes' container logs. A line that was cut in pieces (flag `P`) is read piece by piece.
pub(crate) const CRI: Spec = Spec {
    name: "cri",
    line: |line| split(line).is_some_and(|row| time::parse(row.time, &Clock::default()).is_some()),
    fields: |item, stream, event| {
        let Some(row) = split(item) else { return false };
        let Some(at) = time::parse(row.time, &stream.clock) else {
            return false;
        };
        if !inside(row.line, stream, event) {
            event.clear();
            event.format = CRI.name;
            event.push_str("message", row.line);
        }
        add(event, (at, row.time), row.output);
        true
    },
    ..PLAIN
};

struct Row<'a> {
    time: &'a str,
    output: &'a str,
    line: &'a str,
}

/// `TIME stdout|stderr FLAGS LINE`; flags begin with `F` (full) or `P` (partial).
fn split(text: &str) -> Option<Row<'_>> {
    let mut words = text.splitn(4, ' ');
    let (time, output, flags) = (words.next()?, words.next()?, words.next()?);
    let sound = is_output(output) && matches!(flags.split(':').next(), Some("F" | "P"));
    sound.then(|| Row {
        time,
        output,
        line: words.next().unwrap_or_default(),
    })
}

fn is_output(name: &str) -> bool {
    matches!(name, "stdout" | "stderr")
}

/// Fields that hold a record as it came, and a field that must be beside it.
const CARRIERS: [(&str, Option<&str>); 7] = [
    // Splunk, and who writes as it does.
    ("_raw", None),
    ("event", Some("sourcetype")),
    // EvtxECmd: the data of a Windows event.
    ("Payload", Some("Channel")),
    // Audit logs of Microsoft 365: Purview's, and those of its hunting.
    ("AuditData", None),
    ("RawEventData", None),
    // GELF.
    ("full_message", None),
    ("RawData", None),
];

/// Before what stands in a record of Splunk's exports.
const RESULT: &str = "result.";

/// Reads the record that stands in one of the fields, where there is one. Of Docker's records only what is inside
/// counts; what others say beside it stays.
pub(crate) fn open(event: &mut Event, stream: &Stream) {
    if docker(event, stream) {
        return;
    }
    // One pass: most records hold no other.
    let splunk = |(name, _): (&str, _)| matches!(name, "preview" | "result._raw");
    if event.iter().any(splunk) {
        *event = copied(event, |name| Some(name.strip_prefix(RESULT).unwrap_or(name)));
    }
    let rank = |(name, value): (&str, Value<'_>)| {
        let rank = CARRIERS.iter().position(|(carrier, _)| *carrier == name)?;
        matches!(value, Value::Str(text) if !text.is_empty()).then_some(rank)
    };
    let mut ranks: Vec<usize> = event.iter().filter_map(rank).collect();
    ranks.sort_unstable();
    let mut held = ranks.into_iter().map(|rank| CARRIERS[rank]);
    let carrier = held.find(|(_, beside)| beside.is_none_or(|name| event.get(name).is_some()));
    let Some(inner) = carrier.and_then(|(name, _)| event.get_str(name)) else {
        return;
    };
    let mut found = Event::default();
    if !inside(inner.trim(), stream, &mut found) {
        return;
    }
    if found.format == json::LINES.name {
        windows::named_items(&mut found);
        found = copied(&found, |name| {
            (!matches!(name, "Data.@Name" | "Data.Name")).then_some(name)
        });
    }
    outer_time(&mut found, event.time, event.time_text.as_deref());
    let own: HashSet<String> = found.iter().map(|(name, _)| name.to_owned()).collect();
    for (name, value) in event.iter().filter(|(name, _)| !own.contains(*name)) {
        found.push(name, value);
    }
    if found.format == json::LINES.name {
        known::tell(&mut found);
    }
    *event = found;
}

/// An event with other names, without the fields that have none.
fn copied(event: &Event, name: impl Fn(&str) -> Option<&str>) -> Event {
    let mut copy = Event::default();
    copy.format = event.format;
    copy.time = event.time;
    copy.other_time = event.other_time;
    copy.time_text.clone_from(&event.time_text);
    for (from, value) in event.iter() {
        if let Some(name) = name(from) {
            copy.push(name, value);
        }
    }
    copy
}

/// Replaces the fields of a Docker record by those of the line in it, where that has any; false where it is none.
fn docker(event: &mut Event, stream: &Stream) -> bool {
    let (Some(line), Some(output), Some(text)) = (
        event.get_str("log"),
        event.get_str("stream"),
        event.get_str("time"),
    ) else {
        return false;
    };
    let Some(at) = time::parse(text, &stream.clock).filter(|_| is_output(output)) else {
        return false;
    };
    let mut found = Event::default();
    if inside(line.trim_end_matches(['\n', '\r']), stream, &mut found) {
        add(&mut found, (at, text), output);
        *event = found;
    }
    true
}

/// Reads the fields of the line inside; false where it has none.
fn inside(line: &str, stream: &Stream, event: &mut Event) -> bool {
    INSIDE.iter().filter(|spec| (spec.line)(line)).any(|spec| {
        event.clear();
        event.format = spec.name;
        (spec.fields)(line, stream, event)
    })
}

/// Adds what the wrapper says.
fn add(event: &mut Event, (at, text): (Timestamp, &str), output: &str) {
    outer_time(event, Some(at), Some(text));
    if event.get("stream").is_none() {
        event.push_str("stream", output);
    }
}

/// Sets the time that stands around a record: its own where it has none, else beside it.
pub(crate) fn outer_time(event: &mut Event, at: Option<Timestamp>, text: Option<&str>) {
    if event.time.is_none() {
        event.time = at;
        event.time_text = text.map(str::to_owned);
    } else if at.is_some() && at != event.time {
        event.other_time = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests::{check_fields, first_event, never_panics};
    use proptest::prelude::*;

    const WEB_LINE: &str = r#"10.0.0.1 - - [24/Feb/2022:01:00:00 +0000] "GET /x HTTP/1.1" 200 5"#;

    /// Checks the format, the time and one field of a line, wrapped in both ways.
    fn check(line: &str, format: &str, time: &str, (name, value): (&str, &str)) {
        let cri = format!("2022-02-24T01:02:03.456Z stdout F {line}");
        let log = serde_json::to_string(&format!("{line}\n")).unwrap();
        let docker = format!(r#"{{"log":{log},"stream":"stdout","time":"2022-02-24T01:02:03.456Z"}}"#);
        for (spec, text) in [(&CRI, cri), (&json::LINES, docker)] {
            let mut event = Event::default();
            assert!(Stream::of(spec).fields(text.as_bytes(), &mut event), "{text}");
            let format = if format.is_empty() { spec.name } else { format };
            assert_eq!(event.format, format, "{text}");
            assert_eq!(event.time.unwrap().to_string(), time, "{text}");
            assert_eq!(event.get_str("stream"), Some("stdout"), "{text}");
            let name = if name.is_empty() && spec.name == "json" {
                "log"
            } else if name.is_empty() {
                "message"
            } else {
                name
            };
            assert_eq!(
                event.get_str(name).map(str::trim_end),
                Some(value),
                "{text}: {event:?}"
            );
        }
    }

    #[test]
    fn the_line_inside_is_read() {
        let wrapper = "2022-02-24T01:02:03.456Z";
        check(r#"{"msg":"hi","a":{"b":"c"}}"#, "json", wrapper, ("a.b", "c"));
        check(
            r#"{"ts":"2022-02-23T00:00:00Z","msg":"hi"}"#,
            "json",
            "2022-02-23T00:00:00Z",
            ("msg", "hi"),
        );
        check(WEB_LINE, "web", "2022-02-24T01:00:00Z", ("c-ip", "10.0.0.1"));
        check(
            r#"level=info msg="a b" host=x"#,
            "logfmt",
            wrapper,
            ("msg", "a b"),
        );
        check(
            "Feb 24 01:00:00 web01 sshd[7]: from 10.0.0.1",
            "syslog",
            wrapper,
            ("appname", "sshd"),
        );
        check("just words", "", wrapper, ("", "just words"));
    }

    #[test]
    fn the_time_around_a_line_stands_beside_its_own() {
        let check = |spec, text: &str, time: &str, other: Option<&str>| {
            let mut event = Event::default();
            assert!(Stream::of(spec).fields(text.as_bytes(), &mut event), "{text}");
            let year = |time: Timestamp| time.strftime("%Y").to_string();
            assert_eq!(event.time.map(year).as_deref(), Some(time), "{text}");
            assert_eq!(event.other_time.map(year).as_deref(), other, "{text}");
        };
        let inner = r#"{"ts":"2020-01-01T00:00:00Z","u":"x"}"#;
        let log = serde_json::to_string(inner).unwrap();
        check(
            &CRI,
            &format!("2026-03-01T00:00:00Z stdout F {inner}"),
            "2020",
            Some("2026"),
        );
        check(&CRI, "2026-03-01T00:00:00Z stdout F x", "2026", None);
        check(
            &json::LINES,
            &format!(r#"{{"log":{log},"stream":"stdout","time":"2026-03-01T00:00:00Z"}}"#),
            "2020",
            Some("2026"),
        );
        check(
            &SYSLOG,
            &format!("<34>1 2026-03-01T00:00:00Z h app - - - {inner}"),
            "2020",
            Some("2026"),
        );
        check(
            &SYSLOG,
            "<34>1 2026-03-01T00:00:00Z h app - - - CEF:0|v|p|1|2|n|3|rt=1577836800000 a=b",
            "2020",
            Some("2026"),
        );
        check(
            &SYSLOG,
            "<34>1 2026-03-01T00:00:00Z h app - - - date=2020-01-01 time=00:00:00 a=b",
            "2020",
            Some("2026"),
        );
        check(&SYSLOG, "<34>1 2026-03-01T00:00:00Z h app - - - x", "2026", None);
        check(
            &json::LINES,
            &format!(r#"{{"_raw":{log},"_time":"2026-03-01T00:00:00Z"}}"#),
            "2020",
            Some("2026"),
        );
    }

    #[test]
    fn records_in_a_field_are_read() {
        let check = |text: &str, format: &str, fields: &[(&str, &str)]| {
            let event = first_event(text);
            assert_eq!(event.format, format, "{text}");
            for (name, value) in fields {
                let found = event.get(name).and_then(Value::text);
                assert_eq!(found.as_deref(), Some(*value), "{name}: {event:?}");
            }
            event
        };
        let xml = "<Event><System><EventID>1</EventID><Channel>C</Channel><Computer>ws1.x</Computer></System></Event>";
        let export = format!(
            r#"{{"preview":false,"result":{{"_time":"2026-03-01T00:00:00Z","host":"ws1","_raw":"{xml}"}}}}"#
        );
        let event = check(&export, "winxml", &[("EventID", "1"), ("host", "ws1")]);
        assert_eq!(event.time_text.as_deref(), Some("2026-03-01T00:00:00Z"));
        assert_eq!(crate::host(&event), Some("ws1.x"));
        let rows = format!("\"_raw\",\"_time\",host\n\"{xml}\",\"2026-03-01T00:00:00Z\",ws1\na,b,c\n");
        check(&rows, "winxml", &[("EventID", "1"), ("host", "ws1")]);
        let event = check(
            r#"{"preview":false,"result":{"host":"ws1","_raw":"words"}}"#,
            "json",
            &[],
        );
        assert_eq!(crate::host(&event), Some("ws1"));
        let payload = r##"{"EventData":{"Data":[{"@Name":"A"},{"@Name":"Image","#text":"C:\\x.exe"},{"@Name":"ProcessId","#text":"4"}]}}"##;
        let sysmon: &[_] = &[
            ("EventID", "1"),
            ("Provider_Name", "P"),
            ("Image", "C:\\x.exe"),
            ("ProcessId", "4"),
            ("Computer", "ws1"),
        ];
        let row = format!(
            "TimeCreated,EventId,Provider,Channel,ProcessId,Computer,Payload\n2026-03-01 00:00:00,1,P,C,9,ws1,\"{}\"\na,b,c,d,e,f,g\n",
            payload.replace('"', "\"\"")
        );
        check(&row, "winjson", sysmon);
        let payload = serde_json::to_string(payload).unwrap();
        let record = format!(
            r#"{{"Computer":"ws1","Payload":{payload},"Channel":"C","Provider":"P","EventId":1,"ProcessId":9,"TimeCreated":"2026-03-01T00:00:00Z"}}"#
        );
        check(&record, "winjson", sysmon);
        let audit = concat!(
            "CreationDate,UserIds,Operations,AuditData\n",
            "2026-03-01T00:00:00Z,j,x,\"{\"\"Operation\"\":\"\"New-InboxRule\"\",\"\"Workload\"\":\"\"Exchange\"\",\"\"ClientIP\"\":\"\"10.0.0.1:5\"\"}\"\n"
        );
        let event = check(
            audit,
            "json",
            &[
                ("Operation", "New-InboxRule"),
                ("Workload", "Exchange"),
                ("UserIds", "j"),
            ],
        );
        assert_eq!(crate::client(&event), Some("10.0.0.1"));
        check(
            r#"{"sourcetype":"x","event":"Feb 24 01:00:00 h sshd[7]: from 10.0.0.1"}"#,
            "syslog",
            &[("appname", "sshd"), ("sourcetype", "x")],
        );
        check(r#"{"AuditData":"{}","a":1}"#, "json", &[("a", "1")]);
        check(r#"{"Payload":"{\"a\":2}","a":1}"#, "json", &[("a", "1")]);
    }

    #[test]
    fn records_in_each_other_end() {
        let mut record = r#"{"a":1}"#.to_owned();
        for _ in 0..16 {
            record = format!(r#"{{"_raw":{}}}"#, serde_json::to_string(&record).unwrap());
        }
        let event = first_event(&record);
        assert_eq!(event.get("a"), Some(Value::Int(1)));
    }

    #[test]
    fn lines_are_told() {
        let check = |line: &str, expected| assert_eq!((CRI.line)(line), expected, "{line}");
        check("2022-02-24T01:02:03.456789012+02:00 stderr P:x half of", true);
        check("2022-02-24T01:02:03Z stdout F", true);
        check("2022-02-24T01:02:03Z stdout X line", false);
        check("2022-02-24T01:02:03Z host F line", false);
        check("yesterday stdout F line", false);
        check_fields(
            &CRI,
            "2022-02-24T01:02:03Z stderr F oops",
            Some(r#"{"message":"oops","stream":"stderr"}"#),
        );
        check_fields(
            &json::LINES,
            r#"{"log":"a=1 b=2 c=3","stream":"x","time":"2022-02-24T01:02:03Z"}"#,
            Some(r#"{"log":"a=1 b=2 c=3","stream":"x","time":"2022-02-24T01:02:03Z"}"#),
        );
    }

    #[test]
    fn wrapped_lines_in_each_other_end() {
        let line = "2022-02-24T01:02:03Z stdout F ".repeat(1 << 15);
        let mut event = Event::default();
        assert!(Stream::of(&CRI).fields(line.as_bytes(), &mut event));
    }

    proptest! {
        #[test]
        fn hostile_lines(line in proptest::collection::vec(any::<u8>(), 0..60), text in r#"[a-c=:{}"\[\] -]{0,60}"#) {
            never_panics(&CRI, &line);
            never_panics(&CRI, format!("2022-02-24T01:02:03Z stdout F {text}").as_bytes());
        }
    }
}
