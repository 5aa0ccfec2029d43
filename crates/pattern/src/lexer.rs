//! Tokens: the longest that fits, as the standard's grammar cuts them. White space and comments fall away.

use crate::binary::{from_base64, from_hex};

/// What a token is, with its value where it is a constant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token<'a> {
    /// A keyword or a name without hyphen.
    Word(&'a str),
    /// A name with a hyphen.
    Hyphenated(&'a str),
    Int {
        value: i128,
        negative: bool,
    },
    Float {
        value: f64,
        negative: bool,
    },
    Str(String),
    Bytes(Vec<u8>),
    /// A timestamp's text, without `t` and quotes.
    Time(&'a str),
    /// Brackets, punctuation, comparison signs.
    Sign(&'static str),
    End,
}

/// Words that are no names.
pub(crate) const KEYWORDS: &[&str] = &[
    "AND",
    "OR",
    "NOT",
    "FOLLOWEDBY",
    "LIKE",
    "MATCHES",
    "ISSUPERSET",
    "ISSUBSET",
    "EXISTS",
    "LAST",
    "IN",
    "START",
    "STOP",
    "SECONDS",
    "true",
    "false",
    "WITHIN",
    "REPEATS",
    "TIMES",
];

/// Longer signs before the shorter ones that they begin with.
const SIGNS: &[(&str, &str)] = &[
    ("==", "="),
    ("=", "="),
    ("!=", "!="),
    ("<>", "!="),
    ("<=", "<="),
    ("<", "<"),
    (">=", ">="),
    (">", ">"),
    (":", ":"),
    (".", "."),
    (",", ","),
    (")", ")"),
    ("(", "("),
    ("]", "]"),
    ("[", "["),
    ("*", "*"),
];

/// A place where no token begins, and why.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) offset: usize,
    pub(crate) why: &'static str,
}

/// Cuts the text from the left, one token at a call.
pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next token and where it begins.
    pub(crate) fn next(&mut self) -> Result<(usize, Token<'a>), Unreadable> {
        self.skip_space();
        let offset = self.at;
        let rest = &self.text[offset..];
        let Some(first) = rest.chars().next() else {
            return Ok((offset, Token::End));
        };
        let (length, token) = match first {
            '\'' => quoted(rest).ok_or(Unreadable {
                offset,
                why: "this string does not end, or has a backslash before something else than \\ or '",
            })?,
            '+' | '-' | '.' | '0'..='9' if let Some(number) = number(rest) => number,
            'a'..='z' | 'A'..='Z' | '_' => prefixed(rest).unwrap_or_else(|| word(rest)),
            _ => SIGNS
                .iter()
                .find(|(text, _)| rest.starts_with(text))
                .map(|&(text, meaning)| (text.len(), Token::Sign(meaning)))
                .ok_or(Unreadable {
                    offset,
                    why: "this character has no place in a pattern",
                })?,
        };
        self.at += length;
        Ok((offset, token))
    }

    fn skip_space(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            let space = rest.len() - rest.trim_start_matches(is_space).len();
            let comment = match rest.get(space..space + 2) {
                Some("//") => rest[space..].find(['\r', '\n']).unwrap_or(rest.len() - space),
                Some("/*") => rest[space + 2..].find("*/").map_or(0, |end| end + 4),
                _ => 0,
            };
            self.at += space + comment;
            if comment == 0 {
                return;
            }
        }
    }
}

fn is_space(letter: char) -> bool {
    matches!(letter,
        '\t'..='\r' | ' ' | '\u{85}' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}'
        | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

/// A string with its two quotes.
fn quoted<'a>(rest: &str) -> Option<(usize, Token<'a>)> {
    let mut value = String::new();
    let mut letters = rest.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\'' => return Some((at + 1, Token::Str(value))),
            '\\' => value.push(
                letters
                    .next()
                    .map(|(_, escaped)| escaped)
                    .filter(|it| matches!(it, '\\' | '\''))?,
            ),
            _ => value.push(letter),
        }
    }
    None
}

fn count(text: &str, wanted: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|&byte| wanted(byte)).count()
}

/// A number; `None` for a lone sign or point. `01` is two numbers, `1.` a number and a point.
fn number<'a>(rest: &str) -> Option<(usize, Token<'a>)> {
    let signed = usize::from(rest.starts_with(['+', '-']));
    let negative = rest.starts_with('-');
    let digits = count(&rest[signed..], |byte| byte.is_ascii_digit());
    let whole = signed + digits;
    if rest[whole..].starts_with('.') {
        let fraction = count(&rest[whole + 1..], |byte| byte.is_ascii_digit());
        if fraction > 0 {
            let length = whole + 1 + fraction;
            let value = rest[..length]
                .parse()
                .expect("digits, a point and digits are a number");
            return Some((length, Token::Float { value, negative }));
        }
    }
    if digits == 0 {
        return None;
    }
    let length = if rest[signed..].starts_with('0') {
        signed + 1
    } else {
        whole
    };
    let limit = if negative { i128::MIN } else { i128::MAX };
    let value = rest[..length].parse().unwrap_or(limit);
    Some((length, Token::Int { value, negative }))
}

/// `h'..'`, `b'..'` and `t'..'`; `None` where the quoted part does not have its form, which leaves a name and a
/// string behind it.
fn prefixed(rest: &str) -> Option<(usize, Token<'_>)> {
    let inner = rest.get(1..)?.strip_prefix('\'')?;
    let inner = &inner[..inner.find('\'')?];
    let length = inner.len() + 3;
    let token = match rest.as_bytes()[0] {
        b'h' => Token::Bytes(from_hex(inner)?),
        b'b' if is_base64(inner) => Token::Bytes(from_base64(inner)?),
        b't' if is_timestamp(inner) => Token::Time(inner),
        _ => return None,
    };
    Some((length, token))
}

fn is_base64(text: &str) -> bool {
    let digits = count(text, |byte| {
        byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
    });
    let padding = &text[digits..];
    !text.is_empty() && text.len().is_multiple_of(4) && matches!(padding, "" | "=" | "==")
}

/// The form alone; February the 30th passes, as in the grammar.
fn is_timestamp(text: &str) -> bool {
    let Some((whole, fraction)) = text.strip_suffix('Z').and_then(|text| text.split_at_checked(19)) else {
        return false;
    };
    let form = whole
        .bytes()
        .zip(b"dddd-dd-ddTdd:dd:dd")
        .all(|(byte, &form)| match form {
            b'd' => byte.is_ascii_digit(),
            _ => byte == form,
        });
    let pair = |at: usize| whole[at..at + 2].parse::<u8>().unwrap_or(u8::MAX);
    let digits = fraction.strip_prefix('.').unwrap_or("0");
    form && (1..=12).contains(&pair(5))
        && (1..=31).contains(&pair(8))
        && pair(11) < 24
        && pair(14) < 60
        && pair(17) <= 60
        && (fraction.is_empty() || fraction.starts_with('.'))
        && !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn word(rest: &str) -> (usize, Token<'_>) {
    let length = count(rest, |byte| {
        byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
    });
    let text = &rest[..length];
    if text.contains('-') {
        (length, Token::Hyphenated(text))
    } else {
        (length, Token::Word(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[Token<'_>]) {
        let mut lexer = Lexer::new(text);
        let mut tokens = Vec::new();
        loop {
            match lexer.next().unwrap() {
                (_, Token::End) => break,
                (_, token) => tokens.push(token),
            }
        }
        assert_eq!(tokens, expected, "{text}");
    }

    #[test]
    fn the_longest_token_wins() {
        use Token::*;
        let int = |value: i128| Int {
            value,
            negative: value < 0,
        };
        check("01", &[int(0), int(1)]);
        check("1.", &[int(1), Sign(".")]);
        check(
            "-1.5.5",
            &[
                Float {
                    value: -1.5,
                    negative: true,
                },
                Float {
                    value: 0.5,
                    negative: false,
                },
            ],
        );
        check("5-3", &[int(5), int(-3)]);
        check(
            "AND-x ANDx AND",
            &[Hyphenated("AND-x"), Word("ANDx"), Word("AND")],
        );
        check("<><=<", &[Sign("!="), Sign("<="), Sign("<")]);
        check("===", &[Sign("="), Sign("=")]);
        check(
            "b'AQI=' b'AQ' h'0' h'00'",
            &[
                Bytes(vec![1, 2]),
                Word("b"),
                Str("AQ".into()),
                Word("h"),
                Str("0".into()),
                Bytes(vec![0]),
            ],
        );
        check(
            "t'2020-02-30T00:00:60.1Z' t'2020'",
            &[Time("2020-02-30T00:00:60.1Z"), Word("t"), Str("2020".into())],
        );
        check(r"'a\'b\\'", &[Str(r"a'b\".into())]);
        check(
            "a//b\nc/*d*//**/e\u{3000}f",
            &[Word("a"), Word("c"), Word("e"), Word("f")],
        );
    }

    #[test]
    fn refuses_what_is_no_token() {
        for bad in [
            "'a", r"'a\n'", r"'a\", "/* a", "\"", "-", "+", "!", "é", "^", "\0",
        ] {
            assert!(Lexer::new(bad).next().is_err(), "{bad}");
        }
    }
}
