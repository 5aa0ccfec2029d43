//! Times as logs write them. A time that names no zone is taken in the clock's; one that names no year is in the
//! latest that does not pass the time at which the file was modified. Of a date with slashes, what is the day is told
//! by the dates at the beginning of the log.

mod forms;
mod order;
mod scan;

use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use self::forms::Stamp;
use self::scan::Scan;
use crate::format::Clock;
pub use order::DateOrder;

/// How far into a line a time is looked for.
const REACH: usize = 256;

/// The time at the start of a line or in one of the usual places near it, and where it stands. A time that could be
/// either of two (`2/3/2022 01:02:03` in a log that never says which is the month) is none.
#[must_use]
pub fn line_time(line: &[u8], clock: &Clock) -> Option<(Option<Timestamp>, Range<usize>)> {
    let head = &line[..line.len().min(REACH)];
    let start = start_of(head);
    if let Some((time, length)) = prefix(&head[start..], clock) {
        return Some((time, start..start + length));
    }
    // Elsewhere only what cannot well be anything else: a whole date and time.
    let mut word = true;
    for at in start..head.len() {
        if word && let Some((time, length)) = dated(&head[at..], clock) {
            return Some((time, at..at + length));
        }
        word = !head[at].is_ascii_alphanumeric();
    }
    None
}

/// Past a syslog priority, brackets and quotes.
fn start_of(head: &[u8]) -> usize {
    let mut at = 0;
    if head.first() == Some(&b'<')
        && let Some(end) = head.iter().take(5).position(|byte| *byte == b'>')
        && head[1..end].iter().all(u8::is_ascii_digit)
    {
        at = end + 1;
        // RFC 5424's version.
        if head[at..].starts_with(b"1 ") {
            at += 2;
        }
    }
    while head.get(at).is_some_and(|byte| b" \t[(\"'".contains(byte)) {
        at += 1;
    }
    // The head of an alert of OSSEC and Wazuh.
    if head[at..].starts_with(b"** Alert ") {
        at += b"** Alert ".len();
    }
    at
}

/// A field's value as a time; the whole text must be one.
#[must_use]
pub fn parse(text: &str, clock: &Clock) -> Option<Timestamp> {
    let text = text.trim().trim_matches(['[', ']', '"']);
    if let Some(millis) = text.strip_prefix("/Date(") {
        return json_date(millis);
    }
    let (time, length) = prefix(text.as_bytes(), clock)?;
    time.filter(|_| length == text.len())
}

/// The rest of `/Date(1645671723000)/`, as Windows PowerShell's `ConvertTo-Json` and other programs of Microsoft
/// write a time: milliseconds since 1970. A zone behind the number says only how it was shown.
fn json_date(text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix(")/")?;
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (millis, zone) = text.split_at(digits);
    if !zone.is_empty() && !zone.starts_with(['+', '-']) {
        return None;
    }
    Timestamp::from_millisecond(millis.parse().ok()?).ok()
}

/// True for a text that is a time, but could be either of two.
pub(crate) fn is_ambiguous(text: &str, clock: &Clock) -> bool {
    let text = text.trim().trim_matches(['[', ']', '"']);
    prefix(text.as_bytes(), clock) == Some((None, text.len()))
}

/// A number as seconds, milliseconds, microseconds or nanoseconds since 1970, by its size. `None` outside of 1990 to
/// 2099, where a number is more likely something else.
#[must_use]
pub fn epoch(number: f64) -> Option<Timestamp> {
    const RANGE: Range<f64> = 631_152_000.0..4_102_444_800.0;
    let seconds = [1.0, 1e3, 1e6, 1e9]
        .into_iter()
        .map(|unit| number / unit)
        .find(|seconds| RANGE.contains(seconds))?;
    let micros = (seconds * 1e6).round();
    #[expect(clippy::cast_possible_truncation, reason = "within RANGE, checked above")]
    Timestamp::from_microsecond(micros as i64).ok()
}

/// The time at the start of a syslog line, if it has the form of one, and its length. The time is `None` where the year
/// can be told neither from the line nor from the file.
pub(crate) fn syslog(text: &[u8], clock: &Clock) -> Option<(Option<Timestamp>, usize)> {
    let stamp = if text.first()?.is_ascii_digit() {
        forms::iso(text).filter(|stamp| text[..stamp.length].contains(&b'T'))?
    } else {
        forms::month_first(text)?
    };
    Some((clock.read(&stamp), stamp.length))
}

/// Whether a time begins with the day of the week.
pub(crate) fn has_weekday(text: &[u8]) -> bool {
    Scan::new(text).weekday()
}

/// A time at the start of the text, in any form, and its length; `None` inside where it could be either of two.
fn prefix(text: &[u8], clock: &Clock) -> Option<(Option<Timestamp>, usize)> {
    let stamp = forms::iso(text)
        .or_else(|| forms::day_first(Scan::new(text)))
        .or_else(|| forms::month_first(text))
        .or_else(|| forms::dotted(text))
        .or_else(|| forms::klog(text))
        .or_else(|| forms::sensor(text))
        .or_else(|| forms::month_slashed(text))
        .or_else(|| forms::year_first(text));
    if let Some(stamp) = stamp {
        return Some((Some(clock.read(&stamp)?), stamp.length));
    }
    match forms::slashed(text, clock.order) {
        Some((Some(stamp), length)) => Some((Some(clock.read(&stamp)?), length)),
        Some((None, length)) => Some((None, length)),
        None => number(text).map(|(time, length)| (Some(time), length)),
    }
}

/// The forms that hold a year and so are told from other text: ISO 8601 and its kin, Apache's, with slashes.
fn dated(text: &[u8], clock: &Clock) -> Option<(Option<Timestamp>, usize)> {
    if !text.first()?.is_ascii_digit() {
        return None;
    }
    let stamp = forms::iso(text)
        .or_else(|| forms::day_first(Scan::new(text)))
        .or_else(|| forms::year_first(text))
        .or_else(|| forms::sensor(text).filter(|stamp| stamp.year.is_some()));
    match stamp {
        Some(stamp) => Some((Some(clock.read(&stamp)?), stamp.length)),
        None => {
            let (stamp, length) = forms::slashed(text, clock.order)?;
            let time = stamp.map(|stamp| clock.read(&stamp));
            Some((time.flatten(), length))
        }
    }
}

/// Seconds since 1970 with ten digits and a fraction, or thirteen, sixteen or nineteen digits.
fn number(text: &[u8]) -> Option<(Timestamp, usize)> {
    let whole = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !matches!(whole, 9 | 10 | 13 | 16 | 19) {
        return None;
    }
    let mut length = whole;
    if whole <= 10 && text.get(whole) == Some(&b'.') {
        let fraction = text[whole + 1..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if fraction > 0 {
            length += 1 + fraction;
        }
    }
    let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-:/".contains(byte);
    // A colon ends a number with a fraction: `1704164645.123: …`.
    let ends = length > whole && text[length..].starts_with(b": ");
    if !ends && text.get(length).is_some_and(goes_on) {
        return None;
    }
    let number = std::str::from_utf8(&text[..length]).ok()?.parse().ok()?;
    Some((epoch(number)?, length))
}

impl Clock {
    /// A date and time in its zone, or in the one given.
    pub(crate) fn at(&self, time: DateTime, zone: Option<Offset>) -> Option<Timestamp> {
        match zone {
            Some(offset) => offset.to_timestamp(time).ok(),
            None => self.tz.to_timestamp(time).ok(),
        }
    }

    /// The time of a stamp.
    fn read(&self, stamp: &Stamp) -> Option<Timestamp> {
        match stamp.year {
            Some(year) => self.at(stamp.in_year(i16::try_from(year).ok()?)?, stamp.zone),
            None => self.without_year(stamp),
        }
    }

    /// The latest year in which the date does not pass the file's own time, with a day's grace for clocks that differ.
    fn without_year(&self, stamp: &Stamp) -> Option<Timestamp> {
        let modified = self.modified?;
        let latest = modified.checked_add(jiff::SignedDuration::from_hours(24)).ok()?;
        let this = modified.to_zoned(self.tz.clone()).year();
        // Eight years back always hold a 29th of February.
        (this - 8..=this + 1)
            .rev()
            .filter_map(|year| self.at(stamp.in_year(year)?, stamp.zone))
            .find(|at| *at <= latest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    fn clock() -> Clock {
        Clock {
            tz: TimeZone::UTC,
            modified: Some("2026-03-01T12:00:00Z".parse().unwrap()),
            order: None,
        }
    }

    fn check_value(text: &str, expected: Option<&str>) {
        let expected = expected.map(|time| time.parse::<Timestamp>().unwrap());
        assert_eq!(parse(text, &clock()), expected, "{text}");
    }

    #[test]
    fn values_of_some_products() {
        let check = check_value;
        check("01/23/2024-03:04:05.123456", Some("2024-01-23T03:04:05.123456Z"));
        check("01/02/2024-03:04:05.123456", Some("2024-01-02T03:04:05.123456Z"));
        check("23/01/2024-03:04:05.123456", Some("2024-01-23T03:04:05.123456Z"));
        check("01/02/24-03:04:05.123456", Some("2024-01-02T03:04:05.123456Z"));
        check("01/02-03:04:05.123456", Some("2026-01-02T03:04:05.123456Z"));
        check("02/29-03:04:05.123456", Some("2024-02-29T03:04:05.123456Z"));
        check("01/02-03:04:05", None);
        check("01/02/2024-03:04:05", None);
        check("01/23/2024,03:04:05", Some("2024-01-23T03:04:05Z"));
        check("01/02/24,03:04:05", Some("2024-01-02T03:04:05Z"));
        check("01/23/24 03:04:05", Some("2024-01-23T03:04:05Z"));
        check("01/02/24 03:04:05", None);
        check("24/01/02 03:04:05", None);
        check("24/01/02,03:04:05", None);
        check("jan/02/2024 03:04:05", Some("2024-01-02T03:04:05Z"));
        check("jan/02 03:04:05", Some("2026-01-02T03:04:05Z"));
        check("2024 Jan 02 03:04:05", Some("2024-01-02T03:04:05Z"));
        check("Tue Jan  2 03:04:05 2024 UTC", Some("2024-01-02T03:04:05Z"));
        check("Tue Jan  2 03:04:05 2024 +0200", Some("2024-01-02T01:04:05Z"));
    }

    #[test]
    fn whole_values() {
        let check = check_value;
        check("2026-01-31T23:59:59Z", Some("2026-01-31T23:59:59Z"));
        check(
            "2026-01-31T23:59:59.123456789+02:00",
            Some("2026-01-31T21:59:59.123456789Z"),
        );
        check("2026-01-31 23:59:59.123", Some("2026-01-31T23:59:59.123Z"));
        check("2026/01/31 23:59:59,5 UTC", Some("2026-01-31T23:59:59.5Z"));
        check("20260131T235959Z", Some("2026-01-31T23:59:59Z"));
        check("20260131235959", Some("2026-01-31T23:59:59Z"));
        check("20263131235959", None);
        check("2005-06-03-15.42.50.675872", Some("2005-06-03T15:42:50.675872Z"));
        check("2026-01-31T23:59:60Z", Some("2026-01-31T23:59:59Z"));
        check("2026-01-31T23:59:59+01", Some("2026-01-31T22:59:59Z"));
        check("10/Oct/2000:13:55:36 -0700", Some("2000-10-10T20:55:36Z"));
        check("[10/Oct/2000:13:55:36 +0000]", Some("2000-10-10T13:55:36Z"));
        check("Jan  2 03:04:05", Some("2026-01-02T03:04:05Z"));
        check("Mar  2 11:00:00", Some("2026-03-02T11:00:00Z"));
        check("Mar  3 00:00:00", Some("2025-03-03T00:00:00Z"));
        check("Feb 29 10:00:00", Some("2024-02-29T10:00:00Z"));
        check("Jan 02 2024 03:04:05", Some("2024-01-02T03:04:05Z"));
        check("Sun Dec 04 04:47:44 2005", Some("2005-12-04T04:47:44Z"));
        check("Sun, 04 Dec 2005 04:47:44 GMT", Some("2005-12-04T04:47:44Z"));
        check("Feb 24 2022 01:02:03", Some("2022-02-24T01:02:03Z"));
        check("Feb 24, 2022 1:02:03 AM", Some("2022-02-24T01:02:03Z"));
        check("Feb 4, 2022, 12:02:03\u{202f}AM", Some("2022-02-04T00:02:03Z"));
        check("Feb 24, 2022 @ 13:02:03.250", Some("2022-02-24T13:02:03.25Z"));
        check("Feb 24, 01:02:03", None);
        check("24/Feb/2022:01:02:03 +0000", Some("2022-02-24T01:02:03Z"));
        check("02/24/2022 01:02:03", Some("2022-02-24T01:02:03Z"));
        check("24/02/2022 01:02:03", Some("2022-02-24T01:02:03Z"));
        check("2/24/2022 1:02:03 AM", Some("2022-02-24T01:02:03Z"));
        check("2/3/2022 12:02:03 PM", Some("2022-02-03T12:02:03Z"));
        check("2/3/2022 1:02 pm", Some("2022-02-03T13:02:00Z"));
        check("2/3/2022 01:02:03", None);
        check("2/3/2022 13:02:03 PM", None);
        check("13/13/2022 01:02:03", None);
        check("2/30/2022 01:02:03", None);
        check("2/24/2022", None);
        check("24.02.2022 01:02:03,5", Some("2022-02-24T01:02:03.5Z"));
        check("2.3.2022 1:02:03", Some("2022-03-02T01:02:03Z"));
        check("10.0.0.1 01:02:03", None);
        check("1767225600", Some("2026-01-01T00:00:00Z"));
        check("1767225600.25", Some("2026-01-01T00:00:00.25Z"));
        check("1767225600123", Some("2026-01-01T00:00:00.123Z"));
        check("1767225600123456", Some("2026-01-01T00:00:00.123456Z"));
        check("2024-01-02 03:04:05 EST", Some("2024-01-02T08:04:05Z"));
        check("2024-01-02 03:04:05 CEST", Some("2024-01-02T01:04:05Z"));
        check("2024-01-02 03:04:05 MSK", Some("2024-01-02T00:04:05Z"));
        check("2024-01-02 03:04:05 CST", None);
        check("Sun Dec 04 04:47:44 EET 2005", Some("2005-12-04T02:47:44Z"));
        check("Feb 24, 2022 1:02:03 PM PST", Some("2022-02-24T21:02:03Z"));
        check("2 Jan 2024 03:04:05", Some("2024-01-02T03:04:05Z"));
        check("I0224 03:04:05.123456", Some("2026-02-24T03:04:05.123456Z"));
        check("I0224 03:04:05", None);
        check("I0224 03:", None);
        check("I1324 03:04:05.123456", None);
        check("/Date(1645671723000)/", Some("2022-02-24T03:02:03Z"));
        check("/Date(1645671723000+0200)/", Some("2022-02-24T03:02:03Z"));
        check("/Date(x)/", None);
        check("/Date(99999999999999999999)/", None);
        check("2026-02-30T00:00:00Z", None);
        check("2026-01-31", None);
        check("42", None);
        check("", None);
        check("99999999999999999999999999", None);
    }

    #[test]
    fn in_lines() {
        let check = |line: &str, expected: Option<&str>| {
            let found = line_time(line.as_bytes(), &clock());
            assert_eq!(found.map(|(_, range)| &line[range]), expected, "{line}");
        };
        check(
            "2015-10-18 18:01:47,978 INFO [main] x",
            Some("2015-10-18 18:01:47,978"),
        );
        check(
            "[Sun Dec 04 04:47:44 2005] [notice] x",
            Some("Sun Dec 04 04:47:44 2005"),
        );
        check("<34>Oct 11 22:14:15 mymachine su: x", Some("Oct 11 22:14:15"));
        check(
            "<165>1 2003-10-11T22:14:15.003Z host x",
            Some("2003-10-11T22:14:15.003Z"),
        );
        check(
            "1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] \"GET",
            Some("10/Oct/2000:13:55:36 -0700"),
        );
        check(
            "1767225600.020    120 10.20.1.2 TCP_MISS/200",
            Some("1767225600.020"),
        );
        check(
            "- 1117838570 2005.06.03 R02 2005-06-03-15.42.50.675872 R",
            Some("2005-06-03-15.42.50.675872"),
        );
        check("Jan  1 00:00:00 2026 x", Some("Jan  1 00:00:00 2026"));
        check("Jan  1 00:00:00 2600hz x", Some("Jan  1 00:00:00"));
        check("2/24/2022 1:02:03 AM 0E70 PACKET", Some("2/24/2022 1:02:03 AM"));
        check("INFO 02/24/2022 01:02:03.123 x", Some("02/24/2022 01:02:03.123"));
        check("[2/3/2022 01:02:03] x", Some("2/3/2022 01:02:03"));
        check(
            "Feb 24, 2022 1:02:03 AM org.apache.x",
            Some("Feb 24, 2022 1:02:03 AM"),
        );
        check("2024-01-02 03:04:05 EST x", Some("2024-01-02 03:04:05 EST"));
        check("2024-01-02 03:04:05 ESTABLISHED x", Some("2024-01-02 03:04:05"));
        check("2024-01-02 03:04:05 CST x", Some("2024-01-02 03:04:05"));
        check(
            "I0224 03:04:05.123456       1 main.go:7] x",
            Some("I0224 03:04:05.123456"),
        );
        check("Start time: 20220224030405", Some("20220224030405"));
        check(
            "01/02/2024-03:04:05.123456  [**] [1:5:3] x",
            Some("01/02/2024-03:04:05.123456"),
        );
        check("** Alert 1704164645.123: - syslog,sshd,", Some("1704164645.123"));
        check("1704164645: x", None);
        check(
            "2024 Jan 02 03:04:05 web1->/var/log/x",
            Some("2024 Jan 02 03:04:05"),
        );
        check(
            "jan/02/2024 03:04:05 firewall,info x",
            Some("jan/02/2024 03:04:05"),
        );
        check("10,01/02/24,03:04:05,Assign,10.0.0.1", Some("01/02/24,03:04:05"));
        check(
            "\"NPS1\",\"IAS\",01/23/2024,03:04:05,1",
            Some("01/23/2024,03:04:05"),
        );
        check("17/06/09 20:10:40 INFO x", None);
        check("nothing here", None);
        check("192.168.100.200 10.0.0.1", None);
    }

    #[test]
    fn what_follows_a_time_is_not_of_it() {
        let check = |line: &str, expected: &str| {
            let (at, range) = line_time(line.as_bytes(), &clock()).unwrap();
            assert_eq!(&line[range], expected, "{line}");
            assert_eq!(at, parse(expected, &clock()), "{line}");
        };
        let time = "2026-11-22 23:43:00";
        for next in [
            ",2026-11-22 23:50:00,10.0.0.1",
            ",2026-11-22T23:50:00Z",
            ",10.0.0.1,x",
            ",203.0.113.1,x",
            ",2001:db8::1,x",
            ",12:34:56",
            ",5,x",
            ",1234|x",
            "-10.1.2.3",
            "-10.1",
            "-12:34:56",
            "-12:34",
            "-2026-11-22",
            "-11-22",
            "-10th",
            "-15 x",
            " -1234 bytes",
            " +0160",
        ] {
            check(&format!("{time}{next}"), time);
            check(
                &format!("{}{next}", "22/Nov/2026:23:43:00"),
                "22/Nov/2026:23:43:00",
            );
        }
        for of in [
            ",123",
            ",978 INFO",
            ",978:INFO",
            ",123,x",
            ",123456;x",
            ",1 x",
            ",123-0700",
            ",123+02 x",
            "+05:45]",
            "+02:00: x",
            "-10 x",
            ".5Z",
        ] {
            let whole = format!("{time}{of}");
            let end = whole.trim_end_matches([' ', 'x', ';', ']']);
            let end = end
                .trim_end_matches(":INFO")
                .trim_end_matches(" INFO")
                .trim_end_matches([',', ':']);
            check(&whole, end);
            assert!(end.len() > time.len());
        }
    }

    #[test]
    fn the_log_tells_what_is_the_day() {
        let check = |order, expected: Option<&str>| {
            let clock = Clock { order, ..clock() };
            let (at, range) = line_time(b"2/3/2022 01:02:03 x", &clock).unwrap();
            assert_eq!((at, range), (expected.map(|time| time.parse().unwrap()), 0..17));
            assert_eq!(is_ambiguous("2/3/2022 01:02:03", &clock), expected.is_none());
        };
        check(None, None);
        check(Some(DateOrder::MonthFirst), Some("2022-02-03T01:02:03Z"));
        check(Some(DateOrder::DayFirst), Some("2022-03-02T01:02:03Z"));
        let clock = Clock {
            order: Some(DateOrder::DayFirst),
            ..clock()
        };
        assert_eq!(parse("2/24/2022 01:02:03", &clock), None);
    }

    #[test]
    fn a_zone_is_assumed_where_none_is_named() {
        let clock = Clock {
            tz: TimeZone::fixed(Offset::from_seconds(7 * 3600).unwrap()),
            ..Clock::default()
        };
        let check = |text, expected: &str| {
            assert_eq!(parse(text, &clock), Some(expected.parse().unwrap()), "{text}");
        };
        check("2026-01-31T07:00:00", "2026-01-31T00:00:00Z");
        check("2026-01-31T07:00:00Z", "2026-01-31T07:00:00Z");
    }

    proptest! {
        #[test]
        fn never_panics(line in proptest::collection::vec(any::<u8>(), 0..80), text in "[0-9TZ:./, +APMIESD()-]{0,40}") {
            let _ = DateOrder::of_sample(&line);
            let _ = DateOrder::of_sample(text.as_bytes());
            let _ = line_time(&line, &clock());
            let _ = line_time(text.as_bytes(), &clock());
            let _ = parse(&text, &clock());
        }
    }
}
