//! Python's regular expressions (`re`), in which `MATCHES` is written for the reference matcher, put into the syntax
//! of the `regex` crate, which runs in linear time on any text.
//!
//! Only whether an expression is found anywhere counts, not what it captures. Look-around, back references,
//! conditionals, atomic groups and possessive repetition have no counterpart and are refused. Two things come close
//! only: `\b` takes the crate's idea of a letter outside ASCII, and `$` before more of the expression consumes the
//! final line break that it stands before.

use std::collections::HashSet;
use std::fmt::Write;

/// Translates for searching text, or for searching bytes (Python's `bytes` patterns: ASCII classes, code points as
/// bytes).
///
/// # Errors
/// In words, where Python would refuse the expression or the crate has no counterpart.
pub(crate) fn translate(python: &str, bytes: bool) -> Result<String, String> {
    let mut translator = Translator {
        source: python.chars().collect(),
        at: 0,
        out: String::with_capacity(python.len() * 2),
        bytes,
        flags: Flags {
            ascii: bytes,
            ..Flags::default()
        },
        last: Last::Nothing,
        preamble: 0,
        names: HashSet::new(),
    };
    if bytes {
        translator.out.push_str("(?-u)");
        translator.preamble = translator.out.len();
    }
    translator.run()?;
    Ok(translator.out)
}

#[derive(Clone, Copy, Default)]
struct Flags {
    ascii: bool,
    dot_all: bool,
    multi_line: bool,
    verbose: bool,
}

/// What a repetition would apply to.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    Nothing,
    Atom,
    Repetition,
}

struct Translator {
    source: Vec<char>,
    at: usize,
    out: String,
    bytes: bool,
    flags: Flags,
    last: Last,
    /// How much of `out` is flags for all of it.
    preamble: usize,
    names: HashSet<String>,
}

/// What a backslash and what follows it mean.
enum Escape {
    Letter(u32),
    Class(char),
    Anchor(char),
}

type Translated<T> = Result<T, String>;

impl Translator {
    fn run(&mut self) -> Translated<()> {
        let mut open: Vec<Flags> = Vec::new();
        while let Some(letter) = self.next() {
            match letter {
                '(' => self.group(&mut open)?,
                ')' => {
                    self.flags = open.pop().ok_or("a parenthesis closes that was not open")?;
                    self.atom(")");
                }
                '|' => {
                    self.out.push('|');
                    self.last = Last::Nothing;
                }
                '[' => self.class()?,
                '*' | '+' | '?' => self.repeat(&letter.to_string())?,
                '{' => match self.counts() {
                    Some(counts) => self.repeat(&counts)?,
                    None => self.atom(r"\{"),
                },
                '.' => self.atom(match (self.flags.dot_all, self.bytes) {
                    (true, true) => "(?s-u:.)",
                    (true, false) => "(?s:.)",
                    (false, _) => r"[^\n]",
                }),
                '^' => self.anchor(if self.flags.multi_line { "(?m:^)" } else { r"\A" }),
                '$' => self.anchor(if self.flags.multi_line {
                    "(?m:$)"
                } else {
                    r"(?:\n?\z)"
                }),
                '\\' => self.escaped()?,
                ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c' if self.flags.verbose => {}
                '#' if self.flags.verbose => while self.next().is_some_and(|letter| letter != '\n') {},
                _ => self.letter(letter as u32)?,
            }
        }
        if open.is_empty() {
            Ok(())
        } else {
            Err("a parenthesis is not closed".to_owned())
        }
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += 1;
        Some(letter)
    }

    fn peek(&self) -> Option<char> {
        self.source.get(self.at).copied()
    }

    fn accept(&mut self, text: &str) -> bool {
        let found = text
            .chars()
            .enumerate()
            .all(|(at, letter)| self.source.get(self.at + at) == Some(&letter));
        if found {
            self.at += text.chars().count();
        }
        found
    }

    fn atom(&mut self, text: &str) {
        self.out.push_str(text);
        self.last = Last::Atom;
    }

    fn anchor(&mut self, text: &str) {
        self.out.push_str(text);
        self.last = Last::Nothing;
    }

    fn letter(&mut self, code: u32) -> Translated<()> {
        let text = self.literal(code)?;
        self.atom(&text);
        Ok(())
    }

    fn literal(&self, code: u32) -> Translated<String> {
        if self.bytes {
            return u8::try_from(code)
                .map(|byte| format!(r"\x{byte:02x}"))
                .map_err(|_| no("a code above 255"));
        }
        let letter = char::from_u32(code).ok_or_else(|| no("half of a surrogate pair"))?;
        Ok(if letter.is_ascii_alphanumeric() {
            letter.to_string()
        } else {
            format!(r"\x{{{code:x}}}")
        })
    }

    /// Behind `(`: a group, a comment, or flags for all.
    fn group(&mut self, open: &mut Vec<Flags>) -> Translated<()> {
        let outer = self.flags;
        if !self.accept("?") {
            self.out.push_str("(?:");
        } else if self.accept("#") {
            while self.next().ok_or("a comment is not closed")? != ')' {}
            return Ok(());
        } else if self.accept("P<") {
            let mut name = String::new();
            while let Some(letter) = self.next().filter(|&letter| letter != '>') {
                name.push(letter);
            }
            if !name.starts_with(|first: char| first.is_alphabetic() || first == '_')
                || !name
                    .chars()
                    .all(|letter| letter.is_alphanumeric() || letter == '_')
            {
                return Err("a group's name is no name".to_owned());
            }
            if !self.names.insert(name) {
                return Err("two groups have one name".to_owned());
            }
            self.out.push_str("(?:");
        } else if self.accept(":") {
            self.out.push_str("(?:");
        } else {
            let at_start = open.is_empty() && self.out.len() == self.preamble;
            if self.inline_flags(at_start)? {
                self.preamble = self.out.len();
                return Ok(());
            }
        }
        open.push(outer);
        self.last = Last::Nothing;
        Ok(())
    }

    /// `(?i)` for all, which gives true, or `(?i-s:` for a group.
    fn inline_flags(&mut self, at_start: bool) -> Translated<bool> {
        let (mut on, mut off, mut minus) = (String::new(), String::new(), false);
        let global = loop {
            match self.next() {
                Some('-') if !minus => minus = true,
                Some(')') if at_start && !minus => break true,
                Some(')') => return Err("flags for all of the expression stand at its start".to_owned()),
                Some(':') => break false,
                Some('a' | 'u') if minus => return Err("this flag cannot be turned off".to_owned()),
                Some(flag @ ('i' | 'm' | 's' | 'x')) if minus => off.push(flag),
                Some(flag @ ('a' | 'i' | 'm' | 's' | 'u' | 'x')) => on.push(flag),
                _ => return Err(no("look-around, a back reference or another extension `(?…`")),
            }
        };
        if on.is_empty() && off.is_empty() {
            return Err("the flags are missing".to_owned());
        }
        if self.bytes && on.contains('u') {
            return Err("the flag `u` has no place in bytes".to_owned());
        }
        for (set, value) in [(&on, true), (&off, false)] {
            for flag in set.chars() {
                match flag {
                    'a' => self.flags.ascii = true,
                    'u' => self.flags.ascii = false,
                    'm' => self.flags.multi_line = value,
                    's' => self.flags.dot_all = value,
                    'x' => self.flags.verbose = value,
                    _ => {}
                }
            }
        }
        let close = if global { ")" } else { ":" };
        match (on.contains('i'), off.contains('i')) {
            (true, _) => write!(self.out, "(?i{close}"),
            (_, true) => write!(self.out, "(?-i{close}"),
            _ if global => Ok(()),
            _ => write!(self.out, "(?:"),
        }
        .expect("writing to a string succeeds");
        Ok(global)
    }

    /// Behind `{`: the counts, as the crate writes them. Without the form of counts, it is a brace like any other
    /// letter, and nothing is read.
    fn counts(&mut self) -> Option<String> {
        let rest = &self.source[self.at..];
        let length = rest
            .iter()
            .position(|&letter| letter == '}')
            .filter(|&length| length > 0)?;
        let text: String = rest[..length].iter().collect();
        let (least, most) = text.split_once(',').unwrap_or((&text, &text));
        if !least
            .bytes()
            .chain(most.bytes())
            .all(|byte| byte.is_ascii_digit())
        {
            return None;
        }
        self.at += length + 1;
        let least = if least.is_empty() { "0" } else { least };
        Some(if text.contains(',') {
            format!("{{{least},{most}}}")
        } else {
            format!("{{{least}}}")
        })
    }

    fn repeat(&mut self, how: &str) -> Translated<()> {
        match self.last {
            Last::Nothing => return Err("there is nothing to repeat".to_owned()),
            Last::Repetition => return Err("a repetition follows another".to_owned()),
            Last::Atom => {}
        }
        self.out.push_str(how);
        if self.accept("+") {
            return Err(no("possessive repetition"));
        }
        if self.accept("?") {
            self.out.push('?');
        }
        self.last = Last::Repetition;
        Ok(())
    }

    fn escaped(&mut self) -> Translated<()> {
        match self.escape(false)? {
            Escape::Letter(code) => self.letter(code)?,
            Escape::Class(class) => {
                let (inverted, content) = self.class_content(class);
                let hat = if inverted { "^" } else { "" };
                self.atom(&format!("[{hat}{content}]"));
            }
            Escape::Anchor('B') if self.flags.ascii && !self.bytes => {
                return Err(no(r"`\B` with the flag `a`"));
            }
            Escape::Anchor('b') if self.flags.ascii => self.anchor(r"(?-u:\b)"),
            Escape::Anchor('Z') => self.anchor(r"\z"),
            Escape::Anchor(anchor) => self.anchor(&format!(r"(?:\{anchor})")),
        }
        Ok(())
    }

    /// What `\d`, `\w` and `\s` stand for, inside brackets; and whether all else is meant.
    fn class_content(&self, class: char) -> (bool, &'static str) {
        let content = match (class.to_ascii_lowercase(), self.flags.ascii) {
            ('d', true) => "0-9",
            ('d', false) => r"\p{Nd}",
            ('w', true) => "0-9A-Za-z_",
            ('w', false) => r"\p{L}\p{N}_",
            (_, true) => r"\x09-\x0d\x20",
            (_, false) => r"\s\x1c-\x1f",
        };
        (class.is_ascii_uppercase(), content)
    }

    fn escape(&mut self, in_class: bool) -> Translated<Escape> {
        let letter = self.next().ok_or("a backslash ends the expression")?;
        let code = match letter {
            'd' | 'D' | 'w' | 'W' | 's' | 'S' => return Ok(Escape::Class(letter)),
            'b' if in_class => 8,
            'A' | 'Z' | 'b' | 'B' if !in_class => return Ok(Escape::Anchor(letter)),
            'a' => 7,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'v' => 11,
            'x' => self.hex(2)?,
            'u' if !self.bytes => self.hex(4)?,
            'U' if !self.bytes => self.hex(8)?,
            '0'..='9' => self.octal(letter, in_class)?,
            _ if letter.is_ascii_alphabetic() => return Err(format!(r"`\{letter}` means nothing")),
            _ => letter as u32,
        };
        Ok(Escape::Letter(code))
    }

    fn hex(&mut self, digits: usize) -> Translated<u32> {
        let text: String = self.source[self.at..].iter().take(digits).collect();
        let valid = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        self.at += digits;
        valid
            .then(|| u32::from_str_radix(&text, 16).ok())
            .flatten()
            .ok_or_else(|| format!("an escape lacks its {digits} hex digits"))
    }

    /// `\0`, `\012`, `\101`; any other number names a group.
    fn octal(&mut self, first: char, in_class: bool) -> Translated<u32> {
        let more = self.source[self.at..]
            .iter()
            .take(2)
            .take_while(|letter| letter.is_digit(8))
            .count();
        if !(first == '0' || first < '8' && (in_class || more == 2)) {
            return Err(no("a back reference"));
        }
        let digits = self.source[self.at - 1..=self.at - 1 + more]
            .iter()
            .collect::<String>();
        self.at += more;
        u32::from_str_radix(&digits, 8)
            .ok()
            .filter(|&code| code <= 0o377)
            .ok_or_else(|| "an octal escape is above 377".to_owned())
    }

    /// Behind `[`.
    fn class(&mut self) -> Translated<()> {
        let mut out = String::from(if self.accept("^") { "[^" } else { "[" });
        let mut first = true;
        loop {
            let letter = self.next().ok_or("brackets are not closed")?;
            if letter == ']' && !first {
                break;
            }
            first = false;
            let low = self.class_member(letter)?;
            let ranged =
                self.peek() == Some('-') && self.source.get(self.at + 1).is_some_and(|&next| next != ']');
            if !ranged {
                out.push_str(&match low {
                    Ok(code) => self.literal(code)?,
                    Err(class) => class,
                });
                continue;
            }
            self.at += 1;
            let high = self.next().ok_or("brackets are not closed")?;
            let (Ok(low), Ok(high)) = (low, self.class_member(high)?) else {
                return Err("a range ends in a class".to_owned());
            };
            if low > high {
                return Err("a range runs backwards".to_owned());
            }
            write!(out, "{}-{}", self.literal(low)?, self.literal(high)?)
                .expect("writing to a string succeeds");
        }
        out.push(']');
        self.atom(&out);
        Ok(())
    }

    /// A letter's code, or a class in the crate's syntax.
    fn class_member(&mut self, letter: char) -> Translated<Result<u32, String>> {
        if letter != '\\' {
            return Ok(Ok(letter as u32));
        }
        Ok(match self.escape(true)? {
            Escape::Letter(code) => Ok(code),
            Escape::Class(class) | Escape::Anchor(class) => Err(match self.class_content(class) {
                (true, content) => format!("[^{content}]"),
                (false, content) => content.to_owned(),
            }),
        })
    }
}

fn no(what: &str) -> String {
    format!("{what} is not supported")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(python: &str, found: &[&str], missed: &[&str]) {
        let regex = regex::Regex::new(&translate(python, false).unwrap()).unwrap();
        for text in found {
            assert!(regex.is_match(text), "{python} in {text:?}");
        }
        for text in missed {
            assert!(!regex.is_match(text), "{python} in {text:?}");
        }
    }

    #[test]
    fn means_what_python_means() {
        check("^a$", &["a", "a\n"], &["a\n\n", "ba", "ab"]);
        check("(?m)^a$", &["b\na\nc"], &["ba"]);
        check(r"\Aa\Z", &["a"], &["a\n"]);
        check("a.c", &["abc"], &["a\nc"]);
        check("(?s)a.c", &["a\nc"], &[]);
        check("a{,2}b{x}{", &["aab{x}{"], &["b{x}"]);
        check("[[&&~~-]", &["[", "&", "~", "-"], &["a"]);
        check(r"[]\b-\n^]", &["]", "\x08", "\t", "^"], &["\x0b"]);
        check("[^]a]", &["b"], &["]a"]);
        check(r"\w", &["é", "½", "_"], &["\u{301}", "‿", " "]);
        check(r"(?a)^\w$", &["e"], &["é"]);
        check(r"\s", &["\x1f", "\u{a0}"], &["a"]);
        check(r"[\W\d]", &["1", "-"], &["a"]);
        check(r"\<\101\0\x41\u0041", &["<A\0AA"], &[]);
        check("(?x) a b # c\n{2}", &["abb"], &["ab"]);
        check("(?i:A)b(?P<n>c)(?#d)", &["abc", "Abc"], &["ABC"]);
        check(r"\b{start}", &[], &["start"]);
    }

    #[test]
    fn refuses_what_python_refuses_or_the_crate_cannot() {
        for bad in [
            "(",
            ")",
            "[",
            "[z-a]",
            r"[\d-z]",
            "*",
            "a**",
            "a++",
            "^*",
            "(?=a)",
            "(?!a)",
            "(?<=a)b",
            "(?>a)",
            r"(a)\1",
            "(?P=n)",
            "(?(1)a)",
            r"\y",
            r"\p{L}",
            r"\z",
            r"\x4",
            r"\u12",
            r"\N{DOT}",
            r"\ud800",
            "\\",
            "a(?i)b",
            "(?L)a",
            "(?-a:b)",
            "(?#",
            r"\400",
            "a|*",
            "(?)",
            "(?-:a)",
            "(?P<n>a)(?P<n>a)",
            "(?P<1>a)",
        ] {
            assert!(translate(bad, false).is_err(), "{bad}");
        }
    }

    #[test]
    fn bytes_are_searched_as_bytes() {
        let check = |python: &str, bytes: &[u8], expected: bool| {
            let regex = regex::bytes::Regex::new(&translate(python, true).unwrap()).unwrap();
            assert_eq!(regex.is_match(bytes), expected, "{python}");
        };
        check(r"^\xff.$", &[0xff, 0xfe], true);
        check("é", &[0xe9], true);
        check(r"\w", &[0xe9], false);
        check("[^a]", &[0x80], true);
        check("(?s)^.$", b"\n", true);
    }

    proptest! {
        #[test]
        fn never_panics(python in r"[a-c\\(){}\[\]|*+?^$.:#<>=!iPxsmu0-9, -]{0,30}|\PC{0,20}") {
            for bytes in [false, true] {
                if let Ok(regex) = translate(&python, bytes) {
                    let _ = regex_syntax_check(&regex, bytes);
                }
            }
        }
    }

    fn regex_syntax_check(regex: &str, bytes: bool) -> bool {
        if bytes {
            regex::bytes::RegexBuilder::new(regex)
                .size_limit(1 << 18)
                .build()
                .is_ok()
        } else {
            regex::RegexBuilder::new(regex)
                .size_limit(1 << 18)
                .build()
                .is_ok()
        }
    }
}
