//! Times as people give them on a command line.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

/// A point in time: `2022-02-24T03:00:00Z`, `2022-02-24 03:00` or `2022-02-24` in a zone, or `12h`, `7d` ago.
pub(super) fn parse(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
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
        format!("`{text}` is no time: write 2022-02-24T03:00:00Z, 2022-02-24, or how long ago, such as 12h or 7d")
    })
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
        check("7d", "2022-02-22T00:00:00Z");
        check("90m", "2022-02-28T22:30:00Z");
        assert!(parse("soon", &zone, now).is_err());
        assert!(parse("-7d", &zone, now).is_err());
    }
}
