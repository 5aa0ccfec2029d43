//! JSON as programs really write it → JSON. Only for what a strict parser has refused: one odd letter that an attacker
//! picked must not take an event out of all rules.
//!
//! An escaped half of a surrogate pair becomes U+FFFD, as bad UTF-8 does; a raw control character in a string its
//! escape; a backslash before what needs none two; `NaN`, `Infinity` and numbers beyond a float `null`; a comma before a
//! closing bracket goes.

/// Writes the text anew. Anything else that is wrong with it stays so.
pub(super) fn mend(text: &str) -> String {
    let mut mender = Mender {
        rest: text,
        out: String::with_capacity(text.len() + 64),
    };
    while let Some(first) = mender.rest.chars().next() {
        match first {
            '"' => mender.string(),
            ',' => mender.comma(),
            '-' | '0'..='9' | 'a'..='z' | 'A'..='Z' => mender.word(),
            _ => mender.keep(first.len_utf8()),
        }
    }
    mender.out
}

struct Mender<'a> {
    rest: &'a str,
    out: String,
}

impl Mender<'_> {
    /// Takes over the next bytes as they are.
    fn keep(&mut self, length: usize) {
        let (kept, rest) = self.rest.split_at(length);
        self.out.push_str(kept);
        self.rest = rest;
    }

    fn skip(&mut self, length: usize) {
        self.rest = &self.rest[length..];
    }

    /// A string, from its quote on.
    fn string(&mut self) {
        self.keep(1);
        loop {
            let plain = self
                .rest
                .find(|letter: char| letter < ' ' || letter == '"' || letter == '\\')
                .unwrap_or(self.rest.len());
            self.keep(plain);
            match self.rest.chars().next() {
                None => return,
                Some('"') => return self.keep(1),
                Some('\\') => self.escape(),
                Some(control) => {
                    self.out.push_str(&format!("\\u{:04x}", control as u32));
                    self.skip(1);
                }
            }
        }
    }

    /// An escape, from its backslash on.
    fn escape(&mut self) {
        match self.rest.as_bytes().get(1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.keep(2),
            _ => match (unit(self.rest), self.rest.get(6..).and_then(unit)) {
                (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => self.keep(12),
                (Some(0xd800..=0xdfff), _) => {
                    self.out.push_str("\\ufffd");
                    self.skip(6);
                }
                (Some(_), _) => self.keep(6),
                (None, _) => {
                    self.out.push_str("\\\\");
                    self.skip(1);
                }
            },
        }
    }

    fn comma(&mut self) {
        match self.rest[1..].trim_ascii_start().bytes().next() {
            Some(b'}' | b']') => self.skip(1),
            _ => self.keep(1),
        }
    }

    /// A number or a bare word.
    fn word(&mut self) {
        let inside = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '+' | '.');
        let length = self
            .rest
            .find(|letter| !inside(letter))
            .unwrap_or(self.rest.len());
        let word = &self.rest[..length];
        let number = word.trim_start_matches('-');
        let beyond = matches!(number, "NaN" | "nan" | "Infinity" | "inf" | "Inf")
            || number.starts_with(|first: char| first.is_ascii_digit())
                && word.parse::<f64>().is_ok_and(f64::is_infinite);
        if beyond {
            self.out.push_str("null");
            self.skip(length);
        } else {
            self.keep(length);
        }
    }
}

/// The code of an escape `\uXXXX` that the text begins with.
fn unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let all = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| all)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn odd_letters_are_mended() {
        let check = |text: &str, expected: &str| assert_eq!(mend(text), expected, "{text}");
        check(r#"{"a":"x \ud800"}"#, r#"{"a":"x \ufffd"}"#);
        check(
            r#"{"a":"\udc00\ud83d\ude00\ud83dx"}"#,
            r#"{"a":"\ufffd\ud83d\ude00\ufffdx"}"#,
        );
        check("{\"a\":\"x\ty\u{1}\"}", r#"{"a":"x\u0009y\u0001"}"#);
        check(r#"{"a":"C:\x41\u12\"","b":1}"#, r#"{"a":"C:\\x41\\u12\"","b":1}"#);
        check(
            r#"{"a":NaN,"b":-Infinity,"c":1e999,"d":-1.5e3}"#,
            r#"{"a":null,"b":null,"c":null,"d":-1.5e3}"#,
        );
        check(r#"{"a":[1,2, ],"b":",}",}"#, r#"{"a":[1,2 ],"b":",}"}"#);
        check(r#"{"a":tru,"b"#, r#"{"a":tru,"b"#);
        check(r#"{"a":"\"#, r#"{"a":"\\"#);
    }

    proptest! {
        #[test]
        fn good_json_stays(text in r#"\{"[a-zé]{0,5}":("([a-z é]|\\n|\\"|\\u00e9|\\ud83d\\ude00){0,9}"|-?[1-9][0-9]{0,20}(\.5e[0-9])?|null|\[true, false\])\}"#) {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
            prop_assert_eq!(mend(&text), text);
        }

        #[test]
        fn never_panics(text in r#"([{}\[\],:"\\ 0-9eu\-dD8cNa\t]|é|NaN|\\ud800){0,40}"#) {
            mend(&text);
        }
    }
}
