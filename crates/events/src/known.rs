//! What a JSON record is, told by its fields, and when it happened.

use std::borrow::Cow;

use perisai_model::{Event, Timestamp, Value};

use crate::format::Clock;
use crate::json::windows;
use crate::names::{self, copy};
use crate::time;

/// The fields that hold an event's own time, in any case, the surer first.
const TIMES: [&str; 54] = [
    "@timestamp",
    "TimeCreated",
    "EventTime",
    "UtcTime",
    "__REALTIME_TIMESTAMP",
    "_SOURCE_REALTIME_TIMESTAMP",
    "timestamp",
    "ts",
    "time",
    "event.created",
    "TimeGenerated",
    "CreationTime",
    "CreationDate",
    "createdDateTime",
    "activityDateTime",
    "published",
    "date",
    "datetime",
    "date-time",
    "start_time",
    "event_time",
    "EventTimestamp",
    "requestReceivedTimestamp",
    "_time",
    "result._time",
    "asctime",
    "created_at",
    "Date/Time",
    "Date and Time",
    "Event Time",
    "time_local",
    "time_iso8601",
    "msec",
    "time_generated",
    "event.datetime",
    "unixTime",
    "calendarTime",
    "id.time",
    "event.start",
    "createdAt",
    "t.$date",
    "start",
    "T",
    // Of exports to CSV, which name the zone.
    "TimeGenerated [UTC]",
    "Timestamp [UTC]",
    "EdgeStartTimestamp",
    "eventCreationTime",
    "metadata.eventCreationTime",
    "ProcessStartTime",
    "event.ProcessStartTime",
    // Of what was found on a disk: when it ran last, else when it was written.
    "LastRun",
    "FileKeyLastWriteTimestamp",
    "SourceModified",
    "SourceCreated",
];

/// Completes a flattened record: what it is more exactly than its format says, its time, and the names that other
/// formats give the same things.
pub(crate) fn finish(event: &mut Event, clock: &Clock) {
    tell(event);
    timed(event, clock);
}

/// As [`finish`], without the time.
pub(crate) fn tell(event: &mut Event) {
    windows::system_names(event);
    event.format = format(event).unwrap_or(event.format);
    match event.format {
        "winjson" => {
            windows::named_items(event);
            copy(event, "SourceName", "Provider_Name");
            copy(event, "ProviderName", "Provider_Name");
            copy(event, "Hostname", "Computer");
            copy(event, "ComputerName", "Computer");
        }
        "journald" => copy(event, "MESSAGE", "message"),
        "zeek" => {
            copy(event, "@stream", "_path");
            names::add(event, names::ZEEK);
        }
        "eve" => names::add(event, names::EVE),
        _ if event.get("QH").is_some() && event.get("QT").is_some() => names::add(event, names::ADGUARD),
        _ => {}
    }
}

/// Sets the time from the first field that holds one, or from a date and a time that stand apart.
pub(crate) fn timed(event: &mut Event, clock: &Clock) {
    let mut found: Vec<(usize, Value<'_>)> = event
        .iter()
        .filter_map(|(name, value)| Some((time_rank(name)?, value)))
        .collect();
    found.sort_by_key(|(rank, _)| *rank);
    let ambiguous = found.iter().filter_map(|(_, value)| match value {
        Value::Str(text) if time::is_ambiguous(text, clock) => Some((*text).to_owned()),
        _ => None,
    });
    let ambiguous: Option<String> = ambiguous.take(1).next();
    let time = found.into_iter().find_map(|(_, value)| {
        let at = read_time(value, clock)?;
        Some((at, value.text().map(Cow::into_owned)))
    });
    match time.or_else(|| apart(event, clock)) {
        Some((at, text)) => {
            event.time = Some(at);
            event.time_text = text;
        }
        // What could be either of two times is shown, at least.
        None => event.time_text = ambiguous,
    }
}

/// The time from a date and a time of the day in fields of their own.
fn apart(event: &Event, clock: &Clock) -> Option<(Timestamp, Option<String>)> {
    let text = |wanted: &str| {
        let mut found = event.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.find_map(|(_, value)| match value {
            Value::Str(text) => Some(text),
            _ => None,
        })
    };
    let (date, time) = (text("date")?, text("time")?);
    // Firewalls of Fortinet and Sophos write the zone apart, too.
    let zone = text("tz").or_else(|| text("timezone"));
    let zoned = zone.map(|zone| format!("{date} {time} {zone}"));
    let ways = [format!("{date} {time}"), format!("{date},{time}")];
    let mut ways = zoned.into_iter().chain(ways);
    ways.find_map(|text| Some((time::parse(&text, clock)?, Some(text))))
}

fn time_rank(name: &str) -> Option<usize> {
    TIMES.iter().position(|time| name.eq_ignore_ascii_case(time))
}

fn read_time(value: Value<'_>, clock: &Clock) -> Option<Timestamp> {
    match value {
        Value::Str(text) => time::parse(text, clock),
        #[expect(
            clippy::cast_precision_loss,
            reason = "exact to the microsecond for any time of this century"
        )]
        Value::Int(number) => time::epoch(number as f64),
        Value::Float(number) => time::epoch(number),
        Value::Bool(_) | Value::Null => None,
    }
}

fn format(event: &Event) -> Option<&'static str> {
    let (mut id, mut source, mut journal, mut kind, mut flow) = (false, false, false, false, false);
    let (mut ts, mut log, mut zeek) = (false, false, false);
    for (name, value) in event.iter() {
        match name {
            "EventID" => id = true,
            "Channel" | "Provider_Name" | "SourceName" | "ProviderName" => source = true,
            "__REALTIME_TIMESTAMP" => journal = true,
            "event_type" => kind = true,
            "flow_id" | "src_ip" | "stats.uptime" => flow = true,
            "ts" => ts = true,
            "_path" | "@stream" | "uid" | "fuid" => log = true,
            "id.orig_h" => zeek = true,
            "@proc" => zeek |= value == Value::Str("zeek"),
            _ => {}
        }
    }
    if id && source {
        Some("winjson")
    } else if journal {
        Some("journald")
    } else if kind && flow {
        Some("eve")
    } else if zeek || ts && log {
        Some("zeek")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use crate::json::tests::read;

    #[test]
    fn records_tell_what_they_are_and_when() {
        let check = |text: &str, format: &str, time: Option<&str>| {
            let event = read(text).unwrap();
            assert_eq!(event.format, format, "{text}");
            assert_eq!(event.time.map(|time| time.to_string()).as_deref(), time, "{text}");
        };
        check(
            r#"{"ts":1767225600.5,"uid":"C1","id.orig_h":"10.0.0.1"}"#,
            "zeek",
            Some("2026-01-01T00:00:00.5Z"),
        );
        check(
            r#"{"timestamp":"2026-01-01T00:00:00.000001+0000","flow_id":1,"event_type":"dns"}"#,
            "eve",
            Some("2026-01-01T00:00:00.000001Z"),
        );
        check(
            r#"{"__REALTIME_TIMESTAMP":"1767225600000000","MESSAGE":[104,105]}"#,
            "journald",
            Some("2026-01-01T00:00:00Z"),
        );
        check(
            r#"{"EventID":1,"SourceName":"Microsoft-Windows-Sysmon","EventTime":"2026-01-01 00:00:00"}"#,
            "winjson",
            Some("2026-01-01T00:00:00Z"),
        );
        check(
            r#"{"@timestamp":"2026-01-01T00:00:00Z","winlog":{"event_id":"4688","channel":"Security"}}"#,
            "winjson",
            Some("2026-01-01T00:00:00Z"),
        );
        check(
            r#"{"eventTime":"2026-01-01T00:00:00Z","eventName":"ConsoleLogin"}"#,
            "json",
            Some("2026-01-01T00:00:00Z"),
        );
        check(
            r#"{"date":"2026-01-01","time":"00:00:05"}"#,
            "json",
            Some("2026-01-01T00:00:05Z"),
        );
        check(
            r#"{"date":"2026-01-01","time":"00:00:05","tz":"+0200"}"#,
            "json",
            Some("2025-12-31T22:00:05Z"),
        );
        check(
            r#"{"date":"2026-01-01","time":"00:00:05","tz":"local"}"#,
            "json",
            Some("2026-01-01T00:00:05Z"),
        );
        check(
            r#"{"preview":false,"result":{"_time":"2026-01-01T00:00:00.000+00:00"}}"#,
            "json",
            Some("2026-01-01T00:00:00Z"),
        );
        check(
            r#"{"CreationDate":"2026-01-01T00:00:00Z"}"#,
            "json",
            Some("2026-01-01T00:00:00Z"),
        );
        check(
            r#"{"TimeCreated":"\/Date(1767225600000)\/","Id":1}"#,
            "json",
            Some("2026-01-01T00:00:00Z"),
        );
    }

    #[test]
    fn times_of_some_products() {
        let check = |text: &str, expected: Option<&str>| {
            let time = read(text).unwrap().time.map(|time| time.to_string());
            assert_eq!(time.as_deref(), expected, "{text}");
        };
        for text in [
            r#"{"hostIdentifier":"w","calendarTime":"Thu Jan  1 00:00:00 2026 UTC","unixTime":1767225600}"#,
            r#"{"hostIdentifier":"w","calendarTime":"Thu Jan  1 00:00:00 2026 UTC"}"#,
            r#"{"T":"2026-01-01T02:00:00.000+02:00","QH":"x.example","QT":"A","IP":"10.0.0.1"}"#,
            r#"{"id":{"time":"2026-01-01T00:00:00Z","applicationName":"login"}}"#,
            r#"{"time_local":"01/Jan/2026:00:00:00 +0000","request_uri":"/x"}"#,
            r#"{"t":{"$date":"2026-01-01T00:00:00.000+00:00"},"msg":"x"}"#,
            r#"{"srcaddr":"10.0.0.1","start":1767225600,"end":1767225660}"#,
            r#"{"date":"2026-01-01","time":"01:00:00","timezone":"CET"}"#,
            r#"{"date":"2026-01-01","time":"00:00:00","timezone":"IST"}"#,
            r#"{"Date":"01/01/26","Time":"00:00:00"}"#,
        ] {
            check(text, Some("2026-01-01T00:00:00Z"));
        }
        for text in [
            r#"{"ClientIP":"10.0.0.1","EdgeStartTimestamp":"2026-01-01T00:00:00Z"}"#,
            r#"{"metadata":{"eventCreationTime":1767225600000},"event":{"ProcessStartTime":1767225500}}"#,
            r#"{"FileKeyLastWriteTimestamp":"2026-01-01 00:00:00"}"#,
            r#"{"SourceCreated":"2026-01-02 00:00:00","LastRun":"2026-01-01 00:00:00"}"#,
            r#"{"SourceCreated":"2026-01-01 00:00:00","LastRun":""}"#,
            r#"{"TimeGenerated [UTC]":"1/1/2026, 12:00:00.000 AM"}"#,
            r#"{"System":{"EventID":{"Value":1},"TimeCreated":{"SystemTime":1767225600.0},"Channel":"C"}}"#,
        ] {
            check(text, Some("2026-01-01T00:00:00Z"));
        }
        check(r#"{"T":"x","start":"now","a":1}"#, None);
    }

    #[test]
    fn queries_of_adguard_name_the_client() {
        let event =
            read(r#"{"T":"2026-01-01T00:00:00Z","QH":"x.example","QT":"A","IP":"10.0.0.1"}"#).unwrap();
        assert_eq!(event.get_str("query"), Some("x.example"));
        assert_eq!(crate::client(&event), Some("10.0.0.1"));
    }

    #[test]
    fn items_that_are_apart_are_joined() {
        let event = read(concat!(
            r##"{"Event":{"System":{"Provider":{"@Name":"P"},"EventID":"1"},"EventData":{"Data":["##,
            r##"{"@Name":"Image","#text":"a.exe"},{"@Name":"User","#text":"u"}]}}}"##
        ))
        .unwrap();
        assert_eq!(event.format, "winjson");
        assert_eq!(
            (event.get_str("Image"), event.get_str("User")),
            (Some("a.exe"), Some("u"))
        );
    }

    #[test]
    fn journal_messages_may_be_bytes() {
        let check = |text: &str| assert_eq!(read(text).unwrap().get_str("message"), Some("hi"));
        check(r#"{"__REALTIME_TIMESTAMP":"1","MESSAGE":[104,105]}"#);
        check(r#"{"__REALTIME_TIMESTAMP":"1","MESSAGE":"hi"}"#);
    }
}
