//! Times of STIX (section 3.15: RFC 3339 in UTC), read fast, and as others write them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::time;

/// Microseconds since 1970; what is finer is cut off. Beside RFC 3339 a time without a zone (UTC) and a date are read.
pub(super) fn micros(text: &str) -> Option<i64> {
    if let Some(micros) = usual(text.as_bytes()) {
        return Some(micros);
    }
    // Bare numbers could be anything.
    if text.as_bytes().get(4) != Some(&b'-') || text.starts_with('-') {
        return None;
    }
    time::parse(text).map(|time| time.as_nanosecond().div_euclid(1000) as i64)
}

/// `2022-02-24T05:00:00Z`, with a fraction or none: what nearly all have.
fn usual(text: &[u8]) -> Option<i64> {
    let (head, rest) = text.split_at_checked(19)?;
    let number = |from: usize, to: usize| {
        head[from..to].iter().try_fold(0i16, |sum, byte| {
            byte.is_ascii_digit().then(|| sum * 10 + i16::from(byte - b'0'))
        })
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if marks.iter().any(|&(at, mark)| head[at] != mark) {
        return None;
    }
    let part = |from, to| number(from, to).and_then(|number| i8::try_from(number).ok());
    let date = DateTime::new(
        number(0, 4)?,
        part(5, 7)?,
        part(8, 10)?,
        part(11, 13)?,
        part(14, 16)?,
        part(17, 19)?,
        0,
    );
    let seconds = TimeZone::UTC.to_timestamp(date.ok()?).ok()?.as_second();
    let digits = match rest.strip_suffix(b"Z")? {
        [] => &[][..],
        [b'.', digits @ ..] if !digits.is_empty() => digits,
        _ => return None,
    };
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let fraction = (0..6).fold(0, |sum, at| {
        sum * 10 + i64::from(digits.get(at).map_or(0, |digit| digit - b'0'))
    });
    Some(seconds * 1_000_000 + fraction)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times() {
        let check = |text: &str, expected: Option<i64>| assert_eq!(micros(text), expected, "{text}");
        const FIVE: i64 = 1_645_678_800_000_000;
        check("2022-02-24T05:00:00Z", Some(FIVE));
        check("2022-02-24T05:00:00.1Z", Some(FIVE + 100_000));
        check("2022-02-24T05:00:00.123456Z", Some(FIVE + 123_456));
        check("2022-02-24T05:00:00.1234569999Z", Some(FIVE + 123_456));
        check("2022-02-24T07:00:00.5+02:00", Some(FIVE + 500_000));
        check("2022-02-24T05:00:00", Some(FIVE));
        check("2022-02-24t05:00:00z", Some(FIVE));
        check("1969-12-31T23:59:59.999999Z", Some(-1));
        check("2016-12-31T23:59:60Z", Some(1_483_228_799_000_000));
        // The last moment that can be told; lists write the last of the year for what counts for ever.
        check(
            "9999-12-31T23:59:59Z",
            Some(jiff::Timestamp::MAX.as_microsecond()),
        );
        check(
            "9999-12-31T23:59:59.999Z",
            Some(jiff::Timestamp::MAX.as_microsecond()),
        );
        check("0000-01-01T00:00:00Z", Some(-62_167_219_200_000_000));
        for bad in [
            "",
            "soon",
            "1645678800",
            "2022-02-30T05:00:00Z",
            "2022-02-24T05:00:00.Z",
            "2022-02-24T05:00:00.1x2Z",
            "2022-02-24T25:00:00Z",
            "99999-01-01T00:00:00Z",
            "9999-12-32T00:00:00Z",
            "2022-02-24T05:00:00é",
        ] {
            check(bad, None);
        }
    }

    proptest! {
        #[test]
        fn the_fast_way_says_what_the_slow_one_does(
            second in -62_167_219_200i64..253_402_207_200, micro in 0i64..1_000_000,
        ) {
            let time = jiff::Timestamp::from_microsecond(second * 1_000_000 + micro).unwrap();
            let text = time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
            prop_assert_eq!(usual(text.as_bytes()), Some(time.as_microsecond()));
        }

        #[test]
        fn never_panics(text in "([0-9]{1,4}[-T:.Z+ ]){0,9}|\\PC{0,30}") {
            let _ = micros(&text);
        }
    }
}
