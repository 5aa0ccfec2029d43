//! The parts of a written time: digits, names of months, times of the day, zones.

use jiff::civil::Time;
use jiff::tz::Offset;

/// Short names of zones that mean one thing wherever they stand behind a time, and their hours from UTC. What means
/// several (CST, IST, BST, AST) is not among them: such a time is read as if no zone stood there.
const ZONES: [(&str, i8); 25] = [
    ("EST", -5),
    ("EDT", -4),
    ("CDT", -5),
    ("MDT", -6),
    ("PST", -8),
    ("PDT", -7),
    ("AKST", -9),
    ("AKDT", -8),
    ("WET", 0),
    ("WEST", 1),
    ("CET", 1),
    ("CEST", 2),
    ("MEZ", 1),
    ("MESZ", 2),
    ("EET", 2),
    ("EEST", 3),
    ("MSK", 3),
    ("WIB", 7),
    ("HKT", 8),
    ("JST", 9),
    ("KST", 9),
    ("AEST", 10),
    ("AEDT", 11),
    ("NZST", 12),
    ("NZDT", 13),
];

/// The longest of them.
const ZONE_NAME: usize = 4;

/// Reads a time from its start on; what does not fit leaves off somewhere.
pub(super) struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// How far it has read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn back_to(&mut self, at: usize) {
        self.at = at;
    }

    /// Reads no further than to the next such byte.
    pub(super) fn until(&mut self, mark: u8) {
        let rest = &self.text[self.at..];
        let end = rest.iter().position(|byte| *byte == mark).unwrap_or(rest.len());
        self.text = &self.text[..self.at + end];
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(super) fn digits(&mut self, count: usize) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + count)?;
        let mut number = 0;
        for digit in digits {
            number = number * 10 + u32::from(digit.is_ascii_digit().then(|| digit - b'0')?);
        }
        self.at += count;
        Some(number)
    }

    pub(super) fn one_of(&mut self, any: &[u8]) -> Option<u8> {
        let byte = self.peek().filter(|byte| any.contains(byte))?;
        self.at += 1;
        Some(byte)
    }

    /// A day of one or two digits, blank-padded or not.
    pub(super) fn day(&mut self) -> Option<u32> {
        while self.one_of(b" ").is_some() {}
        self.digits(2).or_else(|| self.digits(1))
    }

    fn word(&mut self, words: &[&[u8]]) -> Option<usize> {
        let three = self.text.get(self.at..self.at + 3)?;
        let found = words.iter().position(|word| three.eq_ignore_ascii_case(word))?;
        self.at += 3;
        Some(found)
    }

    pub(super) fn month(&mut self) -> Option<i8> {
        const MONTHS: [&[u8]; 12] = [
            b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
        ];
        Some(i8::try_from(self.word(&MONTHS)?).ok()? + 1)
    }

    /// ` 2026`, and no more of a word.
    pub(super) fn year_behind(&mut self) -> Option<u32> {
        self.one_of(b" ")?;
        let year = self.digits(4).filter(|year| (1970..2100).contains(year))?;
        (!self.peek().is_some_and(|next| next.is_ascii_alphanumeric())).then_some(year)
    }

    pub(super) fn weekday(&mut self) -> bool {
        const DAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
        self.word(&DAYS).is_some()
    }

    /// `13:55:36`, with a fraction or not; also `135536`. A leap second is the one before it.
    pub(super) fn clock_time(&mut self) -> Option<Time> {
        let hour = self.digits(2)?;
        let colon = self.one_of(b":.");
        let minute = self.digits(2)?;
        if let Some(colon) = colon {
            self.one_of(&[colon])?;
        }
        let second = self.digits(2)?.min(59);
        let nanos = self.fraction();
        time(hour, minute, second, nanos)
    }

    /// `13:55:36.123456`, with just so many digits: few programs write that.
    pub(super) fn clock_micros(&mut self) -> Option<Time> {
        const CLOCK: usize = "13:55:36".len();
        let rest = self.text.get(self.at..)?;
        let fraction = rest.get(CLOCK..)?.strip_prefix(b".")?;
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (rest[2] == b':' && digits == 6).then(|| self.clock_time())?
    }

    /// `.123` or `,123`, in nanoseconds; 0 where there is none.
    fn fraction(&mut self) -> u32 {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let Some((mark @ (b'.' | b','), digits)) = rest.split_first() else {
            return 0;
        };
        let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 || *mark == b',' && !is_fraction(count, &digits[count..]) {
            return 0;
        }
        self.at += 1;
        let (mut nanos, mut unit) = (0, 100_000_000);
        while let Some(digit) = self.digits(1) {
            nanos += digit * unit;
            unit /= 10;
        }
        nanos
    }

    /// A zone, if one follows: `Z`, `UTC`, `GMT`, `+02:00`, ` -0700`, ` CEST`.
    pub(super) fn zone(&mut self) -> Option<Offset> {
        let start = self.at;
        let zone = self.zone_here();
        if zone.is_none() {
            self.at = start;
        }
        zone
    }

    fn zone_here(&mut self) -> Option<Offset> {
        let tight = self.one_of(b" ").is_none();
        for name in [&b"UTC"[..], b"GMT", b"Z", b"z"] {
            let end = self.at + name.len();
            if self.text[self.at..].starts_with(name)
                && !self.text.get(end).is_some_and(u8::is_ascii_alphanumeric)
            {
                self.at = end;
                return Some(Offset::UTC);
            }
        }
        let name = self.text[self.at..]
            .iter()
            .take(ZONE_NAME + 1)
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
            .count();
        let name = &self.text[self.at..self.at + name];
        if let Some((_, hours)) = ZONES.iter().find(|(zone, _)| zone.as_bytes() == name) {
            self.at += name.len();
            return Offset::from_hours(*hours).ok();
        }
        let sign = if self.one_of(b"+-")? == b'-' { -1 } else { 1 };
        let hours = self.digits(2).filter(|hours| *hours <= 14)?;
        let colon = self.one_of(b":").is_some();
        let minutes = match self.digits(2) {
            Some(minutes) => minutes,
            None if tight && !colon => 0,
            None => return None,
        };
        // No zone is other parts of an hour from UTC, and none goes on as a date, a time or an address does.
        let behind = &self.text[self.at..];
        let is_word = behind
            .first()
            .is_some_and(|next| next.is_ascii_alphanumeric() || *next == b'_');
        if minutes % 15 != 0 || minutes > 45 || is_word || goes_on(behind) {
            return None;
        }
        let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
        Offset::from_seconds(sign * seconds).ok()
    }

    /// One or two digits.
    pub(super) fn small(&mut self) -> Option<u32> {
        self.digits(2).or_else(|| self.digits(1))
    }

    /// A year of four digits, or of two of this century; and whether it is of two.
    pub(super) fn year(&mut self) -> Option<(u32, bool)> {
        if let Some(year) = self.digits(4) {
            return Some((year, false));
        }
        Some((2000 + self.digits(2)?, true))
    }

    /// A year with what may stand between it and the time: ` `, `, `, ` @ `.
    pub(super) fn year_before_time(&mut self) -> Option<u32> {
        let year = self.digits(4)?;
        self.one_of(b",");
        self.one_of(b" ")?;
        if self.one_of(b"@").is_some() {
            self.one_of(b" ")?;
        }
        Some(year)
    }

    /// A time as people read it: `13:55:36`, `1:55:36 PM`, `1:55`; and whether it names a half of the day.
    pub(super) fn time_of_day(&mut self) -> Option<(Time, bool)> {
        let hour = self.small()?;
        self.one_of(b":")?;
        let minute = self.digits(2)?;
        let (second, nanos) = match self.one_of(b":") {
            Some(_) => (self.digits(2)?.min(59), self.fraction()),
            None => (0, 0),
        };
        let half = self.half_of_day();
        let hour = match half {
            Some(after) if (1..=12).contains(&hour) => hour % 12 + after,
            Some(_) => return None,
            None => hour,
        };
        Some((time(hour, minute, second, nanos)?, half.is_some()))
    }

    /// The hours that `AM` or `PM` adds. The newest programs write a narrow space before it that does not break.
    fn half_of_day(&mut self) -> Option<u32> {
        let rest = self.text.get(self.at..)?;
        let space = [&b" "[..], "\u{202f}".as_bytes(), "\u{a0}".as_bytes()]
            .into_iter()
            .find(|space| rest.starts_with(space))
            .map_or(0, <[u8]>::len);
        let word = rest.get(space..space + 2)?;
        let hours = [(b"AM", 0), (b"PM", 12)]
            .into_iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(&name[..]))?
            .1;
        if rest.get(space + 2).is_some_and(u8::is_ascii_alphanumeric) {
            return None;
        }
        self.at += space + 2;
        Some(hours)
    }
}

/// Whether so many digits behind a comma, before such a text, are parts of a second: in a row of values they may as
/// well be the next value, which is a number, a date or an address.
fn is_fraction(count: usize, behind: &[u8]) -> bool {
    let date = behind
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || **byte == b'-');
    let is_date = date.filter(|byte| **byte == b'-').count() > 1;
    let is_cell = matches!(behind.first(), Some(b',' | b';' | b'\t' | b'|')) && !count.is_multiple_of(3);
    let is_address = behind.starts_with(b":") && count == 4;
    count <= 9
        && !is_date
        && !is_cell
        && !is_address
        && !goes_on(behind.strip_prefix(b"-").map_or(behind, |_| b""))
}

/// Whether a text goes on as parts of a date, a time of the day or an address do.
fn goes_on(behind: &[u8]) -> bool {
    matches!(behind, [b'.' | b':' | b'-' | b'/', next, ..] if next.is_ascii_digit())
}

fn time(hour: u32, minute: u32, second: u32, nanos: u32) -> Option<Time> {
    let small = |number: u32| i8::try_from(number).ok();
    Time::new(
        small(hour)?,
        small(minute)?,
        small(second)?,
        i32::try_from(nanos).ok()?,
    )
    .ok()
}
