//! Times as people give them on a command line.

use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp, Zoned};

/// A zone: a name such as `Europe/Kyiv`, or an offset such as `+02:00`, `+0200` or `UTC+2`.
pub(super) fn zone(text: &str) -> Result<TimeZone, String> {
    let name = match text {
        "Z" | "z" | "utc" => "UTC",
        name => name,
    };
    if let Some(offset) = offset(text) {
        return Ok(TimeZone::fixed(offset));
    }
    TimeZone::get(name).map_err(|_| {
        format!("`{text}` is no zone: write a name such as Europe/Kyiv, or an offset such as +02:00")
    })
}

/// `+02:00`, `-0330`, `+2`, with `UTC` or `GMT` before it or not.
fn offset(text: &str) -> Option<Offset> {
    let text = text
        .strip_prefix("UTC")
        .or_else(|| text.strip_prefix("GMT"))
        .unwrap_or(text);
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) if minutes.len() == 2 => (hours, minutes),
        Some(_) => return None,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "0"),
    };
    let number = |text: &str| {
        let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<i32>().ok()).flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes).filter(|&minutes| minutes < 60)?);
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

/// A point in time: `2022-02-24T03:00:00Z`, `2022-02-24 03:00` or `2022-02-24` in a zone; `today` and `yesterday` there
/// at midnight; seconds since 1970; or `12h`, `7d` ago.
pub(super) fn parse(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    if text.len() >= 9
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && let Some(time) = text
            .parse()
            .ok()
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
    {
        return Ok(time);
    }
    let days_ago = match text.to_ascii_lowercase().as_str() {
        "today" => Some(0),
        "yesterday" => Some(1),
        _ => None,
    };
    if let Some(days) = days_ago {
        let day = Zoned::new(now, zone.clone()).checked_sub(Span::new().days(days));
        return day
            .and_then(|day| day.start_of_day())
            .map(|day| day.timestamp())
            .map_err(|error| error.to_string());
    }
    if let Ok(time) = text
        .parse::<DateTime>()
        .or_else(|_| text.parse::<Date>().map(|date| date.at(0, 0, 0, 0)))
    {
        return time
            .to_zoned(zone.clone())
            .map(|zoned| zoned.timestamp())
            .map_err(|error| error.to_string());
    }
    let ago = text.parse::<Span>().ok().filter(|span| span.is_positive());
    ago.and_then(|span| Zoned::new(now, zone.clone()).checked_sub(span).ok()).map(|zoned| zoned.timestamp()).ok_or_else(|| {
        format!("`{text}` is no time: write 2022-02-24T03:00:00Z, 2022-02-24, yesterday, seconds since 1970, or how long ago, such as 12h or 7d")
    })
}

/// A time to come: a point in time in UTC, or how long from now, such as `90d`.
pub(super) fn future(text: &str) -> Result<Timestamp, String> {
    let now = Timestamp::now();
    let span = text.parse::<Span>().ok().filter(|span| span.is_positive());
    let time = match span {
        Some(span) => Zoned::new(now, TimeZone::UTC)
            .checked_add(span)
            .map(|time| time.timestamp())
            .map_err(|error| error.to_string()),
        None => parse(text, &TimeZone::UTC, now),
    };
    let told = || format!("`{text}` is no time to come: write 2030-01-01, or how long from now, such as 90d");
    time.ok().filter(|time| *time > now).ok_or_else(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let now: Timestamp = "2022-03-01T00:00:00Z".parse().unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let check = |text: &str, expected: &str| {
            assert_eq!(parse(text, &zone, now).unwrap().to_string(), expected, "{text}")
        };
        check("2022-02-24T03:00:00Z", "2022-02-24T03:00:00Z");
        check("2022-02-24T03:00:00+02:00", "2022-02-24T01:00:00Z");
        check("2022-02-24 03:00", "2022-02-24T01:00:00Z");
        check("2022-02-24", "2022-02-23T22:00:00Z");
        check("1645671723", "2022-02-24T03:02:03Z");
        check("today", "2022-02-28T22:00:00Z");
        check("Yesterday", "2022-02-27T22:00:00Z");
        check("7d", "2022-02-22T00:00:00Z");
        check("90m", "2022-02-28T22:30:00Z");
        assert!(parse("soon", &zone, now).is_err());
        assert!(parse("-7d", &zone, now).is_err());
        // A year, or a date written without marks, is no number of seconds.
        assert_ne!(
            parse("20220224", &zone, now).ok(),
            Timestamp::from_second(20_220_224).ok()
        );
    }

    #[test]
    fn times_to_come() {
        let days = |text: &str| {
            let time = future(text).ok()?;
            Some(time.duration_since(Timestamp::now()).as_hours() / 24)
        };
        assert_eq!(days("90d"), Some(89));
        assert!(days("9999-01-01").is_some());
        assert_eq!(days("2022-02-24"), None);
        assert_eq!(days("soon"), None);
    }

    #[test]
    fn zones() {
        let check = |text: &str, expected: Option<i32>| {
            let seconds = zone(text).ok().map(|zone| {
                let at = zone.to_offset("2022-02-24T00:00:00Z".parse().unwrap());
                at.seconds()
            });
            assert_eq!(seconds, expected, "{text}");
        };
        check("UTC", Some(0));
        check("Z", Some(0));
        check("Europe/Kyiv", Some(7200));
        check("+02:00", Some(7200));
        check("-0330", Some(-12_600));
        check("+2", Some(7200));
        check("UTC+5:45", Some(20_700));
        check("+2:5", None);
        check("+02:60", None);
        check("+99", None);
        check("+", None);
        check("+١", None);
        check("Nowhere/Else", None);
    }
}
