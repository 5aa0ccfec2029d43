//! From when and until when what was told counts.

use jiff::Timestamp;

use crate::Flag;

/// A time in which something counts, as its source says; no limit where it says none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Validity {
    /// The first moment.
    pub from: Option<Timestamp>,
    /// The first moment behind it.
    pub until: Option<Timestamp>,
}

impl Validity {
    /// What is to be said of a match in an event of this time (design.md, *Settled*: validity is about the event).
    #[must_use]
    pub fn flags(self, time: Option<Timestamp>) -> Vec<Flag> {
        let Some(time) = time else {
            return Vec::new();
        };
        let before = self.from.filter(|&from| time < from).map(|_| Flag::BeforeValid);
        let expired = self.until.filter(|&until| time >= until).map(|_| Flag::Expired);
        before.into_iter().chain(expired).collect()
    }

    /// Of two sources: what counts for either counts. One that sets no limit lifts it.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            from: self.from.zip(other.from).map(|(one, other)| one.min(other)),
            until: self.until.zip(other.until).map(|(one, other)| one.max(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validity(from: Option<i64>, until: Option<i64>) -> Validity {
        let time = |second: Option<i64>| second.map(|second| Timestamp::from_second(second).unwrap());
        Validity {
            from: time(from),
            until: time(until),
        }
    }

    #[test]
    fn flags_are_about_the_event() {
        let check = |from, until, time, expected: &[Flag]| {
            let time: Option<i64> = time;
            let time = time.map(|second| Timestamp::from_second(second).unwrap());
            assert_eq!(validity(from, until).flags(time), expected);
        };
        check(Some(5), Some(9), Some(4), &[Flag::BeforeValid]);
        check(Some(5), Some(9), Some(5), &[]);
        check(Some(5), Some(9), Some(9), &[Flag::Expired]);
        check(Some(9), Some(5), Some(7), &[Flag::BeforeValid, Flag::Expired]);
        check(None, None, Some(7), &[]);
        check(Some(5), Some(9), None, &[]);
    }

    #[test]
    fn the_widest_counts() {
        let check = |one, other, expected| assert_eq!(Validity::or(one, other), expected);
        check(
            validity(Some(5), Some(9)),
            validity(Some(3), Some(7)),
            validity(Some(3), Some(9)),
        );
        check(
            validity(Some(5), None),
            validity(None, Some(7)),
            validity(None, None),
        );
    }
}
