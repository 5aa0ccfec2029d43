//! Times as logs write them. A time that names no zone is taken in the clock's; one that names no year is in the
//! latest that does not pass the time at which the file was modified.

use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

use crate::format::Clock;

/// How far into a line a time is looked for.
const REACH: usize = 256;

/// The time at the start of a line or in one of the usual places near it, and where it stands.
#[must_use]
pub fn line_time(line: &[u8], clock: &Clock) -> Option<(Timestamp, Range<usize>)> {
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
    at
}

/// A field's value as a time; the whole text must be one.
#[must_use]
pub fn parse(text: &str, clock: &Clock) -> Option<Timestamp> {
    let text = text.trim().trim_matches(['[', ']', '"']);
    let (time, length) = prefix(text.as_bytes(), clock)?;
    (length == text.len()).then_some(time)
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
        iso(text).filter(|stamp| text[..stamp.length].contains(&b'T'))?
    } else {
        month_first(text)?
    };
    Some((stamp.at(clock), stamp.length))
}

/// A time at the start of the text, in any form, and its length.
fn prefix(text: &[u8], clock: &Clock) -> Option<(Timestamp, usize)> {
    let stamp = iso(text)
        .or_else(|| day_first(Scan { text, at: 0 }))
        .or_else(|| month_first(text));
    match stamp {
        Some(stamp) => Some((stamp.at(clock)?, stamp.length)),
        None => number(text),
    }
}

/// The forms that hold a year and so are told from other text: ISO 8601 and its kin, Apache's.
fn dated(text: &[u8], clock: &Clock) -> Option<(Timestamp, usize)> {
    if !text.first()?.is_ascii_digit() {
        return None;
    }
    let stamp = iso(text).or_else(|| day_first(Scan { text, at: 0 }))?;
    Some((stamp.at(clock)?, stamp.length))
}

/// A date and time as written; the year may be missing.
struct Stamp {
    year: Option<u32>,
    month: i8,
    day: u32,
    time: Time,
    zone: Option<Offset>,
    length: usize,
}

impl Stamp {
    fn at(&self, clock: &Clock) -> Option<Timestamp> {
        match self.year {
            Some(year) => clock.at(self.in_year(i16::try_from(year).ok()?)?, self.zone),
            None => clock.without_year(self),
        }
    }

    fn in_year(&self, year: i16) -> Option<DateTime> {
        let date = Date::new(year, self.month, i8::try_from(self.day).ok()?).ok()?;
        Some(date.to_datetime(self.time))
    }
}

/// `2026-01-31T23:59:59.123+02:00` and with `/` or `.` in the date, a blank, `_`, `-` or `:` before the time, a comma
/// before the fraction, `Z`, `UTC` or nothing behind; also `20260131T235959Z` and `20260131235959`.
fn iso(text: &[u8]) -> Option<Stamp> {
    let mut scan = Scan { text, at: 0 };
    let year = Some(scan.digits(4)?);
    let mark = scan.one_of(b"-/.");
    let month = i8::try_from(scan.digits(2)?).ok()?;
    if let Some(mark) = mark {
        scan.one_of(&[mark])?;
    }
    let day = scan.digits(2)?;
    match scan.one_of(b"Tt _-:") {
        Some(b' ') => while scan.one_of(b" ").is_some() {},
        Some(_) => {}
        None if mark.is_none() && year.is_some_and(|year| (1970..2100).contains(&year)) => {}
        None => return None,
    }
    let time = scan.clock_time()?;
    let zone = scan.zone();
    Some(Stamp {
        year,
        month,
        day,
        time,
        zone,
        length: scan.at,
    })
}

/// `10/Oct/2000:13:55:36 -0700`, `10-Oct-2000 13:55:36.123` and `10 Oct 2000 13:55:36`.
fn day_first(mut scan: Scan<'_>) -> Option<Stamp> {
    let day = scan.digits(2)?;
    scan.one_of(b"/- ")?;
    let month = scan.month()?;
    scan.one_of(b"/- ")?;
    let year = Some(scan.digits(4)?);
    scan.one_of(b": T")?;
    let time = scan.clock_time()?;
    let zone = scan.zone();
    Some(Stamp {
        year,
        month,
        day,
        time,
        zone,
        length: scan.at,
    })
}

/// `Jan  2 03:04:05`, `Jan 02 2026 03:04:05`, `Sun Dec 04 04:47:44 2005`, `Sun, 04 Dec 2005 04:47:44 GMT`.
fn month_first(text: &[u8]) -> Option<Stamp> {
    let mut scan = Scan { text, at: 0 };
    if scan.weekday() {
        scan.one_of(b",");
        scan.one_of(b" ")?;
        if scan.peek()?.is_ascii_digit() {
            return day_first(scan);
        }
    }
    let month = scan.month()?;
    scan.one_of(b" ")?;
    let day = scan.day()?;
    scan.one_of(b" ")?;
    let before = scan.at;
    let mut year = scan.digits(4).filter(|_| scan.one_of(b" ").is_some());
    if year.is_none() {
        scan.at = before;
    }
    let time = scan.clock_time()?;
    let zone = scan.zone();
    if year.is_none() {
        let end = scan.at;
        year = scan.year_behind();
        if year.is_none() {
            scan.at = end;
        }
    }
    Some(Stamp {
        year,
        month,
        day,
        time,
        zone,
        length: scan.at,
    })
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
    if text
        .get(length)
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"._-:/".contains(byte))
    {
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

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn digits(&mut self, count: usize) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + count)?;
        let mut number = 0;
        for digit in digits {
            number = number * 10 + u32::from(digit.is_ascii_digit().then(|| digit - b'0')?);
        }
        self.at += count;
        Some(number)
    }

    fn one_of(&mut self, any: &[u8]) -> Option<u8> {
        let byte = self.peek().filter(|byte| any.contains(byte))?;
        self.at += 1;
        Some(byte)
    }

    /// A day of one or two digits, blank-padded or not.
    fn day(&mut self) -> Option<u32> {
        while self.one_of(b" ").is_some() {}
        self.digits(2).or_else(|| self.digits(1))
    }

    fn word(&mut self, words: &[&[u8]]) -> Option<usize> {
        let three = self.text.get(self.at..self.at + 3)?;
        let found = words.iter().position(|word| three.eq_ignore_ascii_case(word))?;
        self.at += 3;
        Some(found)
    }

    fn month(&mut self) -> Option<i8> {
        const MONTHS: [&[u8]; 12] = [
            b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
        ];
        Some(i8::try_from(self.word(&MONTHS)?).ok()? + 1)
    }

    /// ` 2026`, and no more of a word.
    fn year_behind(&mut self) -> Option<u32> {
        self.one_of(b" ")?;
        let year = self.digits(4).filter(|year| (1970..2100).contains(year))?;
        (!self.peek().is_some_and(|next| next.is_ascii_alphanumeric())).then_some(year)
    }

    fn weekday(&mut self) -> bool {
        const DAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
        self.word(&DAYS).is_some()
    }

    /// `13:55:36`, with a fraction or not; also `135536`. A leap second is the one before it.
    fn clock_time(&mut self) -> Option<Time> {
        let hour = self.digits(2)?;
        let colon = self.one_of(b":.");
        let minute = self.digits(2)?;
        if let Some(colon) = colon {
            self.one_of(&[colon])?;
        }
        let second = self.digits(2)?.min(59);
        let mut nanos = 0;
        if matches!(self.peek(), Some(b'.' | b','))
            && self.text.get(self.at + 1).is_some_and(u8::is_ascii_digit)
        {
            self.at += 1;
            let mut unit = 100_000_000;
            while let Some(digit) = self.digits(1) {
                nanos += digit * unit;
                unit /= 10;
            }
        }
        let small = |number: u32| i8::try_from(number).ok();
        Time::new(
            small(hour)?,
            small(minute)?,
            small(second)?,
            i32::try_from(nanos).ok()?,
        )
        .ok()
    }

    /// A zone, if one follows: `Z`, `UTC`, `GMT`, `+02:00`, ` -0700`.
    fn zone(&mut self) -> Option<Offset> {
        let start = self.at;
        let zone = self.zone_here();
        if zone.is_none() {
            self.at = start;
        }
        zone
    }

    fn zone_here(&mut self) -> Option<Offset> {
        let tight = self.one_of(b" ").is_none();
        for name in [&b"UTC"[..], b"GMT", b"Z", b"z"] {
            let end = self.at + name.len();
            if self.text[self.at..].starts_with(name)
                && !self.text.get(end).is_some_and(u8::is_ascii_alphanumeric)
            {
                self.at = end;
                return Some(Offset::UTC);
            }
        }
        let sign = if self.one_of(b"+-")? == b'-' { -1 } else { 1 };
        let hours = self.digits(2)?;
        let colon = self.one_of(b":").is_some();
        let minutes = match self.digits(2) {
            Some(minutes) => minutes,
            None if tight && !colon => 0,
            None => return None,
        };
        let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
        Offset::from_seconds(sign * seconds).ok()
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
        }
    }

    #[test]
    fn whole_values() {
        let check = |text: &str, expected: Option<&str>| {
            let expected = expected.map(|time| time.parse::<Timestamp>().unwrap());
            assert_eq!(parse(text, &clock()), expected, "{text}");
        };
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
        check("1767225600", Some("2026-01-01T00:00:00Z"));
        check("1767225600.25", Some("2026-01-01T00:00:00.25Z"));
        check("1767225600123", Some("2026-01-01T00:00:00.123Z"));
        check("1767225600123456", Some("2026-01-01T00:00:00.123456Z"));
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
        check("nothing here", None);
        check("192.168.100.200 10.0.0.1", None);
    }

    #[test]
    fn a_zone_is_assumed_where_none_is_named() {
        let clock = Clock {
            tz: TimeZone::fixed(Offset::from_seconds(7 * 3600).unwrap()),
            modified: None,
        };
        let check = |text, expected: &str| {
            assert_eq!(parse(text, &clock), Some(expected.parse().unwrap()), "{text}");
        };
        check("2026-01-31T07:00:00", "2026-01-31T00:00:00Z");
        check("2026-01-31T07:00:00Z", "2026-01-31T07:00:00Z");
    }

    proptest! {
        #[test]
        fn never_panics(line in proptest::collection::vec(any::<u8>(), 0..80), text in "[0-9TZ:./, +-]{0,40}") {
            let _ = line_time(&line, &clock());
            let _ = line_time(text.as_bytes(), &clock());
            let _ = parse(&text, &clock());
        }
    }
}
