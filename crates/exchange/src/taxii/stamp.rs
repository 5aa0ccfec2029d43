//! A `date_added`, with how exact it was told.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// When an object entered a collection, by the server's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// The time as it was told.
    pub at: Timestamp,
    /// How exact that is, in nanoseconds: the server may know more digits than it tells.
    pub unit: u32,
}

impl Stamp {
    /// Reads a time of TAXII (RFC 3339 in UTC); a missing zone is UTC.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim().trim_matches('"');
        let at = text.parse::<Timestamp>().ok().or_else(|| {
            let local: DateTime = text.parse().ok()?;
            Some(local.to_zoned(TimeZone::UTC).ok()?.timestamp())
        })?;
        let digits = text
            .split_once('.')
            .map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
        let unit = match digits {
            0 => 1_000_000_000,
            1..=3 => 1_000_000,
            _ => 1_000,
        };
        Some(Self { at, unit })
    }

    /// The `added_after` that leaves nothing out: just before this time, since other objects may have the same.
    pub fn just_before(self) -> String {
        written(self.earliest().at)
    }

    /// The earliest time that may be told of what is asked for just before this one.
    #[must_use]
    pub fn earliest(self) -> Self {
        let unit = SignedDuration::from_nanos(i64::from(self.unit));
        Self {
            at: self.at.checked_sub(unit).unwrap_or(Timestamp::MIN),
            unit: 0,
        }
    }

    /// The `added_after` that leaves out what has this time.
    pub fn exactly(self) -> String {
        written(self.at)
    }
}

/// With microseconds, as the standard writes them (1.6.1).
fn written(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps() {
        let check = |text: &str, before: Option<&str>| {
            let stamp = Stamp::read(text);
            assert_eq!(stamp.map(Stamp::just_before).as_deref(), before, "{text}");
        };
        check("2022-02-24T03:00:00.123456Z", Some("2022-02-24T03:00:00.123455Z"));
        check(
            " \"2022-02-24T03:00:00.123Z\" ",
            Some("2022-02-24T03:00:00.122000Z"),
        );
        check("2022-02-24T03:00:00Z", Some("2022-02-24T02:59:59.000000Z"));
        check(
            "2022-02-24T05:00:00.000000+02:00",
            Some("2022-02-24T02:59:59.999999Z"),
        );
        check("2022-02-24T03:00:00.5", Some("2022-02-24T03:00:00.499000Z"));
        check("2022-02-24", Some("2022-02-23T23:59:59.000000Z"));
        check("yesterday", None);
        check("", None);
        let exact = Stamp::read("2022-02-24T03:00:00.123Z").unwrap().exactly();
        assert_eq!(exact, "2022-02-24T03:00:00.123000Z");
    }
}
