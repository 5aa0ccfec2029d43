//! Entries of intelligence that are left out on purpose, counted by why.

use std::collections::BTreeMap;
use std::fmt;

/// How many types are counted by name, and how many of them are shown.
const NAMED: usize = 256;
const SHOWN: usize = 12;

/// Why an entry is left out, in the order in which it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// Its source does not mean it for detection (`to_ids: false`).
    NotForDetection,
    /// Its source took it back.
    Revoked,
    /// Its source deleted it.
    Deleted,
    /// Its own words call it harmless.
    Harmless,
    /// Of a type that is not searched for.
    Unsupported,
}

impl Reason {
    const fn words(self) -> &'static str {
        match self {
            Self::NotForDetection => "not for detection",
            Self::Revoked => "revoked",
            Self::Deleted => "deleted",
            Self::Harmless => "harmless by their own words",
            Self::Unsupported => "of types that are not searched for",
        }
    }
}

/// How many entries were left out, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Withheld {
    reasons: BTreeMap<Reason, u64>,
    types: BTreeMap<String, u64>,
}

impl Withheld {
    /// Counts an entry.
    pub fn add(&mut self, reason: Reason) {
        *self.reasons.entry(reason).or_default() += 1;
    }

    /// Counts an entry of a type that is not searched for.
    pub fn add_type(&mut self, name: &str) {
        self.add(Reason::Unsupported);
        self.count_type(name, 1);
    }

    fn count_type(&mut self, name: &str, many: u64) {
        if let Some(count) = self.types.get_mut(name) {
            *count += many;
        } else if self.types.len() < NAMED {
            self.types.insert(name.to_owned(), many);
        }
    }

    /// Adds what another source left out.
    pub fn merge(&mut self, other: &Self) {
        for (reason, many) in &other.reasons {
            *self.reasons.entry(*reason).or_default() += many;
        }
        for (name, many) in &other.types {
            self.count_type(name, *many);
        }
    }

    /// How many entries, for whatever reason.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.reasons.values().sum()
    }

    /// How many entries for one reason.
    #[must_use]
    pub fn count(&self, reason: Reason) -> u64 {
        self.reasons.get(&reason).copied().unwrap_or_default()
    }
}

impl fmt::Display for Withheld {
    /// `16 not for detection, 12 of types that are not searched for (text 9, uri 3)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons = self.reasons.iter().map(|(reason, many)| {
            let words = reason.words();
            match reason {
                Reason::Unsupported => format!("{many} {words}{}", self.shown_types()),
                _ => format!("{many} {words}"),
            }
        });
        f.write_str(&reasons.collect::<Vec<_>>().join(", "))
    }
}

impl Withheld {
    fn shown_types(&self) -> String {
        let mut types: Vec<_> = self.types.iter().collect();
        types.sort_by_key(|&(name, &many)| (std::cmp::Reverse(many), name));
        let mut parts: Vec<_> = types
            .iter()
            .take(SHOWN)
            .map(|(name, many)| format!("{name} {many}"))
            .collect();
        if types.len() > SHOWN {
            parts.push("…".to_owned());
        }
        if parts.is_empty() {
            return String::new();
        }
        format!(" ({})", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_apart() {
        let mut withheld = Withheld::default();
        assert_eq!(withheld.to_string(), "");
        withheld.add_type("uri");
        withheld.add(Reason::Revoked);
        let mut other = Withheld::default();
        other.add(Reason::NotForDetection);
        other.add_type("text");
        other.add_type("text");
        withheld.merge(&other);
        assert_eq!((withheld.total(), withheld.count(Reason::Revoked)), (5, 1));
        assert_eq!(
            withheld.to_string(),
            "1 not for detection, 1 revoked, 3 of types that are not searched for (text 2, uri 1)"
        );
        for number in 0..1000 {
            withheld.add_type(&number.to_string());
        }
        assert_eq!((withheld.types.len(), withheld.total()), (NAMED, 1005));
    }
}
