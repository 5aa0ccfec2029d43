//! Times as marks that a search is narrowed to: the decade, the year, the month, the day. A span of time is covered by few
//! of them.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::words::mark;

/// The years that are told apart; what is before or after counts for the first or last.
const YEARS: (i16, i16) = (1970, 2100);

/// How finely a property is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Finest {
    Month,
    Day,
}

/// The marks of a time in microseconds since 1970.
pub(super) fn marks(property: &str, micros: i64, finest: Finest) -> Vec<String> {
    let date = date(micros);
    let mut marks = vec![
        decade(property, date),
        year(property, date),
        month(property, date),
    ];
    if finest == Finest::Day {
        marks.push(day(property, date));
    }
    marks
}

/// The marks that a time between two has one of. Others may have one, too, at both ends.
pub(crate) fn cover(property: &str, from: i64, through: i64, finest: Finest) -> Vec<String> {
    let (mut at, last) = (date(from), date(through));
    let mut marks = Vec::new();
    while at <= last {
        let (end, name): (Date, fn(&str, Date) -> String) =
            if at.day_of_year() == 1 && at.year() % 10 == 0 && last_of_decade(at) <= last {
                (last_of_decade(at), decade)
            } else if at.day_of_year() == 1 && at.last_of_year() <= last {
                (at.last_of_year(), year)
            } else if finest == Finest::Month || at.day() == 1 && at.last_of_month() <= last {
                (at.last_of_month(), month)
            } else {
                (at, day)
            };
        marks.push(name(property, at));
        let Ok(next) = end.tomorrow() else {
            break;
        };
        at = next;
    }
    marks
}

fn date(micros: i64) -> Date {
    let time = Timestamp::from_microsecond(micros);
    let date = time.map(|time| time.to_zoned(TimeZone::UTC).date());
    let (first, last) = (
        jiff::civil::date(YEARS.0, 1, 1),
        jiff::civil::date(YEARS.1, 12, 31),
    );
    let outside = if micros < 0 { first } else { last };
    date.unwrap_or(outside).clamp(first, last)
}

/// The last day of a decade that is told apart.
fn last_of_decade(date: Date) -> Date {
    jiff::civil::date((date.year() / 10 * 10 + 9).min(YEARS.1), 12, 31)
}

fn decade(property: &str, date: Date) -> String {
    mark(property, &format!("{}x", date.year() / 10))
}

fn year(property: &str, date: Date) -> String {
    mark(property, &date.strftime("%Y").to_string())
}

fn month(property: &str, date: Date) -> String {
    mark(property, &date.strftime("%Y-%m").to_string())
}

fn day(property: &str, date: Date) -> String {
    mark(property, &date.strftime("%F").to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A day in microseconds.
    const DAY: i64 = 86_400_000_000;

    proptest! {
        #[test]
        fn a_time_within_is_covered(from in 0..30_000i64, days in 0..30_000i64, share in 0.0..1.0) {
            let through = from + days;
            let within = from + (days as f64 * share) as i64;
            for finest in [Finest::Month, Finest::Day] {
                let cover = cover("x", from * DAY, through * DAY, finest);
                prop_assert!(cover.len() <= 31 + 11 + 9 + 8 + 9 + 11 + 31);
                prop_assert!(marks("x", within * DAY, finest).iter().any(|mark| cover.contains(mark)));
                if finest == Finest::Day {
                    let before = marks("x", (from - 1) * DAY, finest);
                    prop_assert!(from == 0 || !before.iter().any(|mark| cover.contains(mark)));
                }
            }
        }
    }

    #[test]
    fn all_of_time_is_few_decades() {
        assert_eq!(cover("x", i64::MIN, i64::MAX, Finest::Day).len(), 14);
    }
}
