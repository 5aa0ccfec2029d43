//! Lines that a container runtime wraps: Docker's JSON files, and the CRI's (containerd, CRI-O) `TIME stdout F LINE`.
//! The line inside is read as what it is; the wrapper gives its stream, and its time where the line has none.

use perisai_model::{Event, Timestamp};

use crate::block::Stream;
use crate::device::{CEF, LEEF};
use crate::format::{Clock, PLAIN, Spec};
use crate::kv::LOGFMT;
use crate::syslog::{SYSLOG, auditd::AUDITD, named::NAMED};
use crate::web::{combined::WEB, squid::SQUID};
use crate::xml::XML;
use crate::{json, time};

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

/// Replaces the fields of a Docker record by those of the line in it, where that has any.
pub(crate) fn docker(event: &mut Event, stream: &Stream) {
    let (Some(line), Some(output), Some(text)) = (
        event.get_str("log"),
        event.get_str("stream"),
        event.get_str("time"),
    ) else {
        return;
    };
    let Some(at) = time::parse(text, &stream.clock).filter(|_| is_output(output)) else {
        return;
    };
    let mut found = Event::default();
    if inside(line.trim_end_matches(['\n', '\r']), stream, &mut found) {
        add(&mut found, (at, text), output);
        *event = found;
    }
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
    if event.time.is_none() {
        event.time = Some(at);
        event.time_text = Some(text.to_owned());
    }
    if event.get("stream").is_none() {
        event.push_str("stream", output);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests::{check_fields, never_panics};
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
