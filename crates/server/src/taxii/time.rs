//! Timestamps of TAXII: RFC 3339 (section 1.6.4), read in any precision, written in microseconds.

use jiff::Timestamp;

/// Microseconds since 1970; what is finer is cut off. `None` for what is no RFC 3339.
///
/// In a query a `+` that was not escaped has become a blank: one before an offset is taken for it.
pub(super) fn read(text: &str) -> Option<i64> {
    const SHAPE: &[u8] = b"0000-00-00t00:00:00";
    let (head, rest) = text.split_at_checked(SHAPE.len())?;
    let fits = |(byte, shape): (u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        shape => byte.to_ascii_lowercase() == *shape,
    };
    if !head.bytes().zip(SHAPE).all(fits) {
        return None;
    }
    let (digits, zone) = match rest.strip_prefix('.') {
        Some(rest) => {
            let end = rest.bytes().take_while(u8::is_ascii_digit).count();
            (end > 0).then(|| rest.split_at(end))?
        }
        None => ("", rest),
    };
    let zone = match zone.as_bytes() {
        b"Z" | b"z" => "Z".to_owned(),
        [
            sign @ (b'+' | b'-' | b' '),
            b'0'..=b'9',
            b'0'..=b'9',
            b':',
            b'0'..=b'9',
            b'0'..=b'9',
        ] => {
            let sign = if *sign == b'-' { '-' } else { '+' };
            format!("{sign}{}", &zone[1..])
        }
        _ => return None,
    };
    let text = format!("{head}.{:0<6.6}{zone}", digits);
    let time: Timestamp = text.parse().ok()?;
    i64::try_from(time.as_nanosecond().div_euclid(1000)).ok()
}

/// As it is written: `2026-01-01T00:00:00.000000Z`.
pub(super) fn write(micros: i64) -> String {
    // A time that was read or given here is in range.
    let time = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX);
    time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// Now, in microseconds since 1970.
pub(super) fn now() -> i64 {
    Timestamp::now().as_microsecond()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn any_precision() {
        let check = |text: &str, expected: Option<i64>| assert_eq!(read(text), expected, "{text}");
        const FIVE: i64 = 1_645_678_800_000_000;
        check("2022-02-24T05:00:00Z", Some(FIVE));
        check("2022-02-24t05:00:00z", Some(FIVE));
        check("2022-02-24T05:00:00.5Z", Some(FIVE + 500_000));
        check("2022-02-24T05:00:00.123456Z", Some(FIVE + 123_456));
        check("2022-02-24T05:00:00.123456999999999999Z", Some(FIVE + 123_456));
        check("2022-02-24T07:00:00+02:00", Some(FIVE));
        check("2022-02-24T07:00:00 02:00", Some(FIVE));
        check("2022-02-24T00:30:00.25-04:30", Some(FIVE + 250_000));
        check("1969-12-31T23:59:59.9999999Z", Some(-1));
        for bad in [
            "",
            "2022",
            "2022-02-24",
            "2022-02-24T05:00:00",
            "2022-02-24T05:00Z",
            "2022-02-24 05:00:00Z",
            "2022-02-24T05:00:00.Z",
            "2022-02-24T05:00:00,5Z",
            "2022-02-30T05:00:00Z",
            "2022-02-24T25:00:00Z",
            "2022-02-24T05:00:00+0200",
            "2022-02-24T05:00:00Z[UTC]",
            "+02022-02-24T05:00:00Z",
            "1645678800",
        ] {
            check(bad, None);
        }
        assert_eq!(write(FIVE + 7), "2022-02-24T05:00:00.000007Z");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(micros in -62_135_596_800_000_000i64..253_402_200_000_000_000) {
            prop_assert_eq!(read(&write(micros)), Some(micros));
        }

        #[test]
        fn never_panics(text in "([0-9]{2,4}[-T:.Z+ ]){0,9}|\\PC{0,30}") {
            let _ = read(&text);
        }
    }
}
