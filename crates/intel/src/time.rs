//! Times as intelligence writes them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::temporal::Pieces;
use jiff::tz::TimeZone;

/// Reads RFC 3339, a date with or without a time (UTC), or seconds or milliseconds since 1970; `None` for anything
/// else, and for the zero that stands for "never".
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return epoch(text.parse().ok()?);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let local = text
        .strip_suffix("UTC")
        .or_else(|| text.strip_suffix("GMT"))
        .unwrap_or(text)
        .trim_end();
    let zoned = local
        .parse::<DateTime>()
        .and_then(|civil| civil.to_zoned(TimeZone::UTC));
    zoned
        .map(|zoned| zoned.timestamp())
        .ok()
        .or_else(|| at_the_end(local))
}

/// The last days of the year 9999, which stand for "for ever" and some of which are behind the last time that can be told.
fn at_the_end(text: &str) -> Option<Timestamp> {
    let pieces = Pieces::parse(text).ok()?;
    (pieces.date() >= jiff::civil::date(9999, 12, 30)).then_some(Timestamp::MAX)
}

fn epoch(number: i64) -> Option<Timestamp> {
    // Seconds of the year 5138 and milliseconds of 1973 meet here.
    const SECONDS_BELOW: i64 = 100_000_000_000;
    // Eight digits are a date (20220224), fewer are nothing.
    const SECONDS_FROM: i64 = 100_000_000;
    match number {
        ..SECONDS_FROM => None,
        SECONDS_FROM..SECONDS_BELOW => Timestamp::from_second(number).ok(),
        _ => Timestamp::from_millisecond(number).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_forms() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(
                parse(text).map(|time| time.to_string()).as_deref(),
                expected,
                "{text}"
            );
        };
        check("2022-02-24T05:00:00Z", Some("2022-02-24T05:00:00Z"));
        check("2022-02-24T05:00:00.000000+02:00", Some("2022-02-24T03:00:00Z"));
        check("2022-02-24 05:00:00", Some("2022-02-24T05:00:00Z"));
        check("2022-02-24 05:00:00 UTC", Some("2022-02-24T05:00:00Z"));
        check("2022-02-24", Some("2022-02-24T00:00:00Z"));
        check("1645678800", Some("2022-02-24T05:00:00Z"));
        check("1645678800000", Some("2022-02-24T05:00:00Z"));
        let last = Timestamp::MAX.to_string();
        check("9999-12-31T23:59:59Z", Some(&last));
        check("9999-12-31T23:59:59.999999999Z", Some(&last));
        check("9999-12-31T23:59:59-12:00", Some(&last));
        check("9999-12-31 23:59:59", Some(&last));
        check("9999-12-31", Some(&last));
        check("9999-12-31T25:00:00Z", None);
        check("10000-01-01T00:00:00Z", None);
        check("0", None);
        check("", None);
        check("soon", None);
        check("99999999999999999999999", None);
    }
}
