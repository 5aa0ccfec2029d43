//! What a search finds an object by: its words, and marks for what it can be narrowed to.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

/// Begins a mark. No word of a text has it: it is of no language.
const MARK: char = '\u{e000}';

/// The longest word, in bytes; what is longer is cut.
const LONGEST: usize = 64;

/// The words of texts, in lower case: runs of letters and digits.
pub(crate) fn words<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for text in texts {
        let is_in_word = |c: char| c.is_alphanumeric() && c != MARK;
        for word in text.split(|c| !is_in_word(c)).filter(|word| !word.is_empty()) {
            let mut word = word.to_lowercase();
            let end = word.floor_char_boundary(LONGEST);
            word.truncate(end);
            all.insert(word);
        }
    }
    all
}

/// The mark of a property: `mark("type", "indicator")`.
pub(crate) fn mark(property: &str, value: &str) -> String {
    digest(property, value, 48)
}

/// The mark of a value of an observable. There are as many as objects, and partners choose them: too long for anyone to
/// find two alike.
pub(crate) fn mark_of_value(value: &str) -> String {
    digest("value", value, 80)
}

fn digest(property: &str, value: &str, bits: usize) -> String {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut digest = Sha256::new();
    digest.update(property);
    digest.update([0]);
    digest.update(value);
    let digest = digest.finalize();
    let first = digest.first_chunk().expect("a digest has 32 bytes");
    let number = u128::from_le_bytes(*first);
    let digit = |at: usize| char::from(DIGITS[(number >> (5 * at)) as usize % 32]);
    std::iter::once(MARK)
        .chain((0..bits.div_ceil(5)).map(digit))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_texts() {
        let check = |text: &str, expected: &[&str]| {
            let found: Vec<_> = words([text]).into_iter().collect();
            assert_eq!(found, expected, "{text}");
        };
        check("APT-28: Sednit, sednit!", &["28", "apt", "sednit"]);
        check("Бухгалтерія évil", &["évil", "бухгалтерія"]);
        check("\u{e000}abc a\u{e000}b", &["a", "abc", "b"]);
        check(&"x".repeat(100), &[&"x".repeat(64)]);
        check("' OR 1=1 --", &["1", "or"]);
        assert_ne!(mark("type", "ab"), mark("typea", "b"));
        assert_eq!(mark("type", "ab").chars().count(), 11);
        assert_eq!(mark_of_value("ab").chars().count(), 17);
    }
}
