//! The forms in which logs write a date with a time of the day.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

use super::order::DateOrder;
use super::scan::Scan;

/// A date and time as written; the year may be missing.
pub(super) struct Stamp {
    pub(super) year: Option<u32>,
    month: i8,
    day: u32,
    time: Time,
    pub(super) zone: Option<Offset>,
    pub(super) length: usize,
}

impl Stamp {
    /// A time behind which a zone may stand, and nothing else of it.
    fn ending(scan: &mut Scan<'_>, year: Option<u32>, month: i8, day: u32, time: Time) -> Self {
        let zone = scan.zone();
        Self {
            year,
            month,
            day,
            time,
            zone,
            length: scan.at(),
        }
    }

    pub(super) fn in_year(&self, year: i16) -> Option<DateTime> {
        let date = Date::new(year, self.month, i8::try_from(self.day).ok()?).ok()?;
        Some(date.to_datetime(self.time))
    }
}

/// `2026-01-31T23:59:59.123+02:00` and with `/` or `.` in the date, a blank, `_`, `-` or `:` before the time, a comma
/// before the fraction, `Z`, `UTC` or nothing behind; also `20260131T235959Z` and `20260131235959`.
pub(super) fn iso(text: &[u8]) -> Option<Stamp> {
    let mut scan = Scan::new(text);
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
    Some(Stamp::ending(&mut scan, year, month, day, time))
}

/// `I0224 03:04:05.123456`: how Kubernetes' programs log; a letter for the level, and no year.
pub(super) fn klog(text: &[u8]) -> Option<Stamp> {
    let mut scan = Scan::new(text);
    scan.one_of(b"IWEF")?;
    let month = i8::try_from(scan.digits(2)?).ok()?;
    let day = scan.digits(2)?;
    scan.one_of(b" ")?;
    let time = scan.clock_micros()?;
    Some(Stamp {
        year: None,
        month,
        day,
        time,
        zone: None,
        length: scan.at(),
    })
}

/// `01/23/2024-03:04:05.123456`, `01/23/24-…` and `01/23-…`: how Suricata and Snort write alerts, the month first wherever
/// they run.
pub(super) fn sensor(text: &[u8]) -> Option<Stamp> {
    let mut scan = Scan::new(text);
    let month = i8::try_from(scan.digits(2)?).ok()?;
    scan.one_of(b"/")?;
    let day = scan.digits(2)?;
    let year = match scan.one_of(b"/") {
        Some(_) => Some(scan.year()?.0),
        None => None,
    };
    scan.one_of(b"-")?;
    let time = scan.clock_micros()?;
    let stamp = Stamp {
        year,
        month,
        day,
        time,
        zone: None,
        length: scan.at(),
    };
    // A leap year, for the day that only those have.
    stamp.in_year(i16::try_from(year.unwrap_or(2024)).ok()?)?;
    Some(stamp)
}

/// `jan/02/2024 03:04:05` and `jan/02 03:04:05`, as MikroTik's routers write.
pub(super) fn month_slashed(text: &[u8]) -> Option<Stamp> {
    let mut scan = Scan::new(text);
    let month = scan.month()?;
    scan.one_of(b"/")?;
    let day = scan.digits(2)?;
    let year = match scan.one_of(b"/") {
        Some(_) => Some(scan.digits(4)?),
        None => None,
    };
    scan.one_of(b" ")?;
    let time = scan.clock_time()?;
    Some(Stamp::ending(&mut scan, year, month, day, time))
}

/// `2024 Jan 02 03:04:05`, as OSSEC and switches of Cisco and Aruba write.
pub(super) fn year_first(text: &[u8]) -> Option<Stamp> {
    let mut scan = Scan::new(text);
    let year = Some(scan.digits(4)?);
    scan.one_of(b" ")?;
    let month = scan.month()?;
    scan.one_of(b" ")?;
    let day = scan.day()?;
    scan.one_of(b" ")?;
    let time = scan.clock_time()?;
    Some(Stamp::ending(&mut scan, year, month, day, time))
}

/// `10/Oct/2000:13:55:36 -0700`, `10-Oct-2000 13:55:36.123`, `10 Oct 2000 13:55:36` and `2 Oct 2000 13:55:36`.
pub(super) fn day_first(mut scan: Scan<'_>) -> Option<Stamp> {
    let day = scan.small()?;
    scan.one_of(b"/- ")?;
    let month = scan.month()?;
    scan.one_of(b"/- ")?;
    let year = Some(scan.digits(4)?);
    scan.one_of(b": T")?;
    let time = scan.clock_time()?;
    Some(Stamp::ending(&mut scan, year, month, day, time))
}

/// `Jan  2 03:04:05`, `Jan 02 2026 03:04:05`, `Jan 2, 2026 3:04:05 PM`, `Jan 2, 2026 @ 03:04:05.000`,
/// `Sun Dec 04 04:47:44 2005`, `Sun Dec 04 04:47:44 2005 UTC`, `Sun, 04 Dec 2005 04:47:44 GMT`.
pub(super) fn month_first(text: &[u8]) -> Option<Stamp> {
    let mut scan = Scan::new(text);
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
    let comma = scan.one_of(b",").is_some();
    scan.one_of(b" ")?;
    let before = scan.at();
    let mut year = scan.year_before_time();
    if year.is_none() {
        if comma {
            return None;
        }
        scan.back_to(before);
    }
    let time = match year {
        Some(_) => scan.time_of_day()?.0,
        None => scan.clock_time()?,
    };
    let mut zone = scan.zone();
    if year.is_none() {
        let end = scan.at();
        year = scan.year_behind();
        if year.is_none() {
            scan.back_to(end);
        } else if zone.is_none() {
            zone = scan.zone();
        }
    }
    Some(Stamp {
        year,
        month,
        day,
        time,
        zone,
        length: scan.at(),
    })
}

/// `2/24/2022 1:02:03 AM`, `02/24/2022 01:02:03`, `24/02/2022 01:02`, `01/02/2024,03:04:05`: the order is the one that the
/// clock knows for the log, else the one that is possible; where both are, `None` inside. A year of two digits could be the
/// first or the last, so such a date is read only where nothing else is possible, or as Microsoft's DHCP server writes it:
/// `02/24/22,01:02:03`, the month first wherever it runs.
pub(super) fn slashed(text: &[u8], known: Option<DateOrder>) -> Option<(Option<Stamp>, usize)> {
    let mut scan = Scan::new(text);
    let (first, second) = (scan.small()?, scan.one_of(b"/").and_then(|_| scan.small())?);
    scan.one_of(b"/")?;
    let (year, is_short) = scan.year()?;
    let comma = scan.one_of(b",").is_some();
    let apart = scan.one_of(b" -").is_some();
    if comma && !apart {
        // A row of CSV: what is behind the next comma is no fraction.
        scan.until(b',');
    }
    let (time, halves) = scan.time_of_day().filter(|_| comma || apart)?;
    let zone = scan.zone();
    let length = scan.at();
    let order = if is_short {
        let sure = first <= 12 && (second > 12 || comma && !apart);
        Some(sure.then_some(DateOrder::MonthFirst)?)
    } else {
        known.or_else(|| DateOrder::of(first, second, halves))
    };
    let (month, day) = match order {
        Some(DateOrder::MonthFirst) => (first, second),
        Some(DateOrder::DayFirst) => (second, first),
        None => return (1..=12).contains(&first).then_some((None, length)),
    };
    let stamp = Stamp {
        year: Some(year),
        month: i8::try_from(month).ok()?,
        day,
        time,
        zone,
        length,
    };
    stamp.in_year(i16::try_from(year).ok()?)?;
    Some((Some(stamp), length))
}

/// `24.02.2022 01:02:03`, which no country writes with the month first.
pub(super) fn dotted(text: &[u8]) -> Option<Stamp> {
    let mut scan = Scan::new(text);
    let day = scan.small()?;
    scan.one_of(b".")?;
    let month = i8::try_from(scan.small()?).ok()?;
    scan.one_of(b".")?;
    let year = Some(scan.digits(4)?);
    scan.one_of(b",");
    scan.one_of(b" ")?;
    let (time, _) = scan.time_of_day()?;
    Some(Stamp::ending(&mut scan, year, month, day, time))
}
