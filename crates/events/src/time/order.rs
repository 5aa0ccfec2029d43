//! Whether a log writes `2/24/2022` or `24/2/2022`.

use super::scan::Scan;

/// What stands first in a date with slashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// As in the United States.
    MonthFirst,
    /// As nearly everywhere else.
    DayFirst,
}

impl DateOrder {
    /// By the two numbers of one date: one above 12 is a day. Where both may be either, a time with AM or PM comes from
    /// the United States.
    pub(super) fn of(first: u32, second: u32, halves: bool) -> Option<Self> {
        match (first > 12, second > 12) {
            (true, false) => Some(Self::DayFirst),
            (false, true) => Some(Self::MonthFirst),
            (false, false) if halves => Some(Self::MonthFirst),
            _ => None,
        }
    }

    /// By the dates at the beginning of a log, which is written in one way: those that can be only one thing decide.
    /// `None` where there are none, or they disagree.
    #[must_use]
    pub fn of_sample(sample: &[u8]) -> Option<Self> {
        let (mut sure, mut halves) = (None, false);
        for slash in memchr::memchr_iter(b'/', sample) {
            let digits = sample[..slash]
                .iter()
                .rev()
                .take(3)
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            if digits == 0 {
                continue;
            }
            let Some((order, has_half)) = date(&sample[slash - digits..]) else {
                continue;
            };
            halves |= has_half;
            match (order, sure) {
                (Some(order), Some(other)) if order != other => return None,
                (Some(order), _) => sure = Some(order),
                (None, _) => {}
            }
        }
        sure.or_else(|| halves.then_some(Self::MonthFirst))
    }
}

/// What a date with slashes and a year says of the order, and whether its time has halves of a day.
fn date(text: &[u8]) -> Option<(Option<DateOrder>, bool)> {
    let mut scan = Scan::new(text);
    let first = scan.small()?;
    scan.one_of(b"/")?;
    let second = scan.small()?;
    scan.one_of(b"/")?;
    scan.digits(4)?;
    let comma = scan.one_of(b",").is_some();
    if scan.one_of(b" -").is_none() && !comma {
        return None;
    }
    let (_, halves) = scan.time_of_day()?;
    Some((DateOrder::of(first, second, false), halves))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_that_can_be_one_thing_decide() {
        let check =
            |text: &str, expected| assert_eq!(DateOrder::of_sample(text.as_bytes()), expected, "{text}");
        check("", None);
        check("2/3/2022 01:02:03 x", None);
        check(
            "2/3/2022 01:02:03 x\n3/28/2022 01:02:03 y",
            Some(DateOrder::MonthFirst),
        );
        check("a,2/3/2022 01:02\nb,28/3/2022 01:02", Some(DateOrder::DayFirst));
        check("13/1/2022 01:02:03\n1/13/2022 01:02:03", None);
        check("2/3/2022 1:02:03 AM", Some(DateOrder::MonthFirst));
        check("01/23/2024-03:04:05.123456 x", Some(DateOrder::MonthFirst));
        check("a,23/01/2024,03:04:05,x", Some(DateOrder::DayFirst));
        check(
            "2/3/2022 1:02:03 am\n24/3/2022 1:02:03 pm",
            Some(DateOrder::DayFirst),
        );
        check("GET /24/02/2022 HTTP", None);
        check("//////12/", None);
    }
}
