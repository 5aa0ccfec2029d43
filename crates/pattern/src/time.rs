//! Points in time to the microsecond, read as the reference matcher reads them.
//!
//! Own arithmetic rather than [`jiff::Timestamp`], which ends two hours before the year 9999 does, while
//! `9999-12-31T23:59:59Z` is a common way to say *for ever*.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Micros(pub i64);

/// The first and the last moment of an observation.
pub type Interval = (Micros, Micros);

impl From<Timestamp> for Micros {
    fn from(time: Timestamp) -> Self {
        let micros = time.as_nanosecond().div_euclid(1000);
        Self(i64::try_from(micros).expect("a timestamp's microseconds fit 64 bits"))
    }
}

impl Micros {
    /// Reads `YYYY-MM-DDThh:mm:ss[.f]Z`. Digits beyond the microsecond are dropped. As in the reference, numbers of
    /// two digits may have one, and a leap second is refused. `None` where it is no such time.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, micros) = match text.split_once('.') {
            None => (text.strip_suffix('Z')?, 0),
            Some((whole, fraction)) => (whole, parse_fraction(fraction)?),
        };
        let mut rest = Cursor(whole);
        let year = rest.digits(4, 4)?;
        rest.literal('-')?;
        let month = rest.digits(1, 2)?;
        rest.literal('-')?;
        let day = match rest.literal(' ') {
            Some(()) => rest.digits(1, 1)?,
            None => rest.digits(1, 2)?,
        };
        rest.literal('T')?;
        let hour = rest.digits(1, 2).filter(|&hour| hour < 24)?;
        rest.literal(':')?;
        let minute = rest.digits(1, 2).filter(|&minute| minute < 60)?;
        rest.literal(':')?;
        let second = rest.digits(1, 2).filter(|&second| second < 60)?;
        if !rest.0.is_empty() || year == 0 {
            return None;
        }
        let date = Date::new(year as i16, month as i8, day as i8).ok()?;
        let days = days_from_civil(
            i64::from(date.year()),
            i64::from(date.month()),
            i64::from(date.day()),
        );
        let seconds = days * SECONDS_PER_DAY + (hour * 3600 + minute * 60 + second);
        Some(Self(seconds * MICROS_PER_SECOND + micros))
    }
}

/// `123Z` in microseconds. The reference cuts a long fraction before it reads it, so what stands behind the sixth
/// digit need not be digits, only free of lower case.
fn parse_fraction(fraction: &str) -> Option<i64> {
    let digits = fraction.strip_suffix('Z')?;
    if digits.contains('.') || digits.chars().any(char::is_lowercase) {
        return None;
    }
    let kept: String = digits.chars().take(6).collect();
    if kept.is_empty() || !kept.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let scale = 10_i64.pow(6 - kept.len() as u32);
    Some(kept.parse::<i64>().ok()? * scale)
}

struct Cursor<'a>(&'a str);

impl Cursor<'_> {
    fn digits(&mut self, least: usize, most: usize) -> Option<i64> {
        let count = self.0.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if count < least {
            return None;
        }
        let (number, rest) = self.0.split_at(count);
        self.0 = rest;
        number.parse().ok()
    }

    fn literal(&mut self, expected: char) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, by eras of 400 years that begin in March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// The form that STIX writes, with a fraction where there is one.
impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(MICROS_PER_SECOND);
        let micros = self.0.rem_euclid(MICROS_PER_SECOND);
        let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
        let of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        if micros != 0 {
            write!(f, ".{micros:06}")?;
        }
        f.write_str("Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_the_reference_reads() {
        let check = |text: &str, expected: Option<&str>| {
            let got = Micros::parse(text).map(|time| time.to_string());
            assert_eq!(got.as_deref(), expected, "{text}");
        };
        check("2020-02-29T01:02:03Z", Some("2020-02-29T01:02:03Z"));
        check("9999-12-31T23:59:59.999999Z", Some("9999-12-31T23:59:59.999999Z"));
        check("0001-01-01T00:00:00Z", Some("0001-01-01T00:00:00Z"));
        check("2020-1-2T3:4:5Z", Some("2020-01-02T03:04:05Z"));
        check("2020-01- 2T03:04:05Z", Some("2020-01-02T03:04:05Z"));
        check("2020-01-02T03:04:05.5Z", Some("2020-01-02T03:04:05.500000Z"));
        check(
            "2020-01-02T03:04:05.123456789Z",
            Some("2020-01-02T03:04:05.123456Z"),
        );
        check(
            "2020-01-02T03:04:05.123456+1Z",
            Some("2020-01-02T03:04:05.123456Z"),
        );
        for bad in [
            "2021-02-29T01:02:03Z",
            "2020-01-02T03:04:60Z",
            "2020-01-02T24:04:05Z",
            "2020-01-02T03:04:05.Z",
            "2020-01-02T03:04:05.1.2Z",
            "2020-01-02T03:04:05.123456aZ",
            "2020-01-02t03:04:05Z",
            "2020-01-02T03:04:05",
            "2020-01-02T03:04:05+00:00",
            "0000-01-02T03:04:05Z",
            " 2020-01-02T03:04:05Z",
            "2020-13-02T03:04:05Z",
            "",
        ] {
            check(bad, None);
        }
    }

    proptest! {
        #[test]
        fn prints_and_reads_back(micros in -62_135_596_800_000_000_i64..253_402_300_800_000_000) {
            prop_assert_eq!(Micros::parse(&Micros(micros).to_string()), Some(Micros(micros)));
        }

        #[test]
        fn never_panics(text in "[0-9TZ:. é-]{0,40}|\\PC{0,30}") {
            let _ = Micros::parse(&text);
        }
    }
}
