//! From Python's syntax to the crates'. Only whether an expression is found anywhere counts, not what it captures.

use std::collections::HashMap;
use std::fmt::Write;

/// What the translation is for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Style {
    /// The crate `regex`, on text.
    Plain,
    /// The crate `regex`, on bytes: Python's `bytes` patterns, with classes of ASCII and code points as bytes.
    Bytes,
    /// The crate `fancy-regex`, on text.
    Exact,
    /// The crate `fancy-regex`, on text that stands for bytes, a letter each.
    ExactBytes,
    /// The crate `regex`, on text, for an expression that is found wherever the exact one is, and elsewhere: what only
    /// the exact way has is left out, and a back reference stands for anything.
    Relaxed,
}

/// An expression in the syntax of a crate.
#[derive(Debug)]
pub(super) struct Translation {
    pub(super) regex: String,
    /// It has a `\b` or `\B`. Plain, that goes by another idea of letters outside ASCII.
    pub(super) has_boundary: bool,
    /// Something in it repeats often or without bound, so that one try may look at all of a text.
    pub(super) repeats: bool,
}

/// # Errors
/// In words, where Python would refuse the expression or the style has no counterpart.
pub(super) fn translate(python: &str, style: Style) -> Result<Translation, String> {
    let bytes = matches!(style, Style::Bytes | Style::ExactBytes);
    let mut translator = Translator {
        source: python.chars().collect(),
        at: 0,
        out: String::with_capacity(python.len() * 2),
        style,
        bytes,
        exact: matches!(style, Style::Exact | Style::ExactBytes),
        flags: Flags {
            ascii: bytes,
            ..Flags::default()
        },
        last: Last::Nothing,
        preamble: 0,
        names: HashMap::new(),
        closed: Vec::new(),
        has_boundary: false,
        repeats: false,
        at_end: false,
        beyond_end: false,
    };
    if style == Style::Bytes {
        translator.out.push_str("(?-u)");
        translator.preamble = translator.out.len();
    }
    translator.run()?;
    if translator.beyond_end && !translator.exact {
        return Err(no("`$` before more of the expression"));
    }
    Ok(Translation {
        regex: translator.out,
        has_boundary: translator.has_boundary,
        repeats: translator.repeats,
    })
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
    style: Style,
    bytes: bool,
    exact: bool,
    flags: Flags,
    last: Last,
    /// How much of `out` is flags for all of it.
    preamble: usize,
    /// The numbers of named groups.
    names: HashMap<String, usize>,
    /// For each group that captures, from number 1, whether it is closed.
    closed: Vec<bool>,
    has_boundary: bool,
    repeats: bool,
    /// Behind a `$`, which plain consumes the line break that it stands before.
    at_end: bool,
    /// Something stands behind a `$`.
    beyond_end: bool,
}

/// An open group, and what was before it.
struct Open {
    flags: Flags,
    number: Option<usize>,
    /// Where its text begins that is left out: a look-around, relaxed.
    left_out: Option<usize>,
    at_end_before: bool,
    /// One of its branches so far ends in `$`.
    at_end_after: bool,
}

/// What a backslash and what follows it mean.
enum Escape {
    Letter(u32),
    Class(char),
    Anchor(char),
    Group(usize),
}

type Translated<T> = Result<T, String>;

impl Translator {
    fn run(&mut self) -> Translated<()> {
        let mut open: Vec<Open> = Vec::new();
        while let Some(letter) = self.next() {
            match letter {
                '(' => self.group(&mut open)?,
                ')' => self.close(open.pop().ok_or("a parenthesis closes that was not open")?),
                '|' => {
                    self.out.push('|');
                    self.last = Last::Nothing;
                    let outer = open.last_mut();
                    let before = outer.as_ref().is_some_and(|group| group.at_end_before);
                    let after = std::mem::replace(&mut self.at_end, before);
                    outer.into_iter().for_each(|group| group.at_end_after |= after);
                }
                '[' => self.class()?,
                '*' | '+' | '?' => self.repeat(&letter.to_string())?,
                '{' => match self.counts() {
                    Some(counts) => self.repeat(&counts)?,
                    None => self.atom(r"\{"),
                },
                '.' => self.atom(match (self.flags.dot_all, self.style) {
                    (true, Style::Bytes) => "(?s-u:.)",
                    (true, _) => "(?s:.)",
                    (false, _) => r"[^\n]",
                }),
                '^' => self.anchor(if self.flags.multi_line { "(?m:^)" } else { r"\A" }),
                '$' if self.flags.multi_line => self.anchor("(?m:$)"),
                '$' if self.style == Style::Relaxed => self.anchor(""),
                '$' if self.exact => self.anchor(r"(?=\n?\z)"),
                '$' => {
                    self.anchor(r"(?:\n?\z)");
                    self.at_end = true;
                }
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

    fn close(&mut self, open: Open) {
        if let Some(start) = open.left_out {
            self.out.truncate(start);
        }
        self.out.push(')');
        self.last = Last::Atom;
        self.flags = open.flags;
        self.at_end |= open.at_end_after;
        if let Some(number) = open.number {
            self.closed[number - 1] = true;
        }
    }

    fn atom(&mut self, text: &str) {
        self.beyond_end |= self.at_end;
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
        if self.bytes && code > 255 {
            return Err(no("a code above 255"));
        }
        if self.style == Style::Bytes {
            return Ok(format!(r"\x{code:02x}"));
        }
        let letter = char::from_u32(code).ok_or_else(|| no("half of a surrogate pair"))?;
        Ok(if letter.is_ascii_alphanumeric() {
            letter.to_string()
        } else {
            format!(r"\x{{{code:x}}}")
        })
    }

    /// Behind `(`: a group, a comment, a reference or flags for all.
    fn group(&mut self, open: &mut Vec<Open>) -> Translated<()> {
        let flags = self.flags;
        let (mut number, mut left_out) = (None, None);
        if !self.accept("?") {
            number = Some(self.capture());
        } else if self.accept("#") {
            while self.next().ok_or("a comment is not closed")? != ')' {}
            return Ok(());
        } else if self.accept("P<") {
            let name = self.name('>')?;
            number = Some(self.capture());
            if self.names.insert(name, self.closed.len()).is_some() {
                return Err("two groups have one name".to_owned());
            }
        } else if self.accept("P=") {
            let name = self.name(')')?;
            let number = *self.names.get(&name).ok_or("a reference names no group")?;
            return self.back_reference(number);
        } else if self.accept(":") {
            self.out.push_str("(?:");
        } else if let Some(kind) = ["=", "!", "<=", "<!", ">"]
            .into_iter()
            .find(|kind| self.accept(kind))
        {
            if self.style == Style::Relaxed {
                self.out.push_str("(?:");
                left_out = (kind != ">").then_some(self.out.len());
            } else if self.exact {
                write!(self.out, "(?{kind}").expect("writing to a string succeeds");
            } else {
                return Err(no("look-around or an atomic group"));
            }
        } else {
            let at_start = open.is_empty() && self.out.len() == self.preamble;
            if self.inline_flags(at_start)? {
                self.preamble = self.out.len();
                return Ok(());
            }
        }
        open.push(Open {
            flags,
            number,
            left_out,
            at_end_before: self.at_end,
            at_end_after: false,
        });
        self.last = Last::Nothing;
        Ok(())
    }

    /// Opens a group that captures, and gives its number. Plain, nothing asks what it captured.
    fn capture(&mut self) -> usize {
        self.out.push_str(if self.exact { "(" } else { "(?:" });
        self.closed.push(false);
        self.closed.len()
    }

    fn name(&mut self, end: char) -> Translated<String> {
        let mut name = String::new();
        while let Some(letter) = self.next().filter(|&letter| letter != end) {
            name.push(letter);
        }
        let starts = name.starts_with(|first: char| first.is_alphabetic() || first == '_');
        if starts
            && name
                .chars()
                .all(|letter| letter.is_alphanumeric() || letter == '_')
        {
            Ok(name)
        } else {
            Err("a group's name is no name".to_owned())
        }
    }

    fn back_reference(&mut self, number: usize) -> Translated<()> {
        if !self.exact && self.style != Style::Relaxed {
            return Err(no("a back reference"));
        }
        if self.closed.get(number - 1) != Some(&true) {
            return Err("a reference names no group that is closed".to_owned());
        }
        if self.style == Style::Relaxed {
            self.atom("(?s:.*)");
        } else {
            self.atom(&format!(r"(?:\{number})"));
        }
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
                _ => return Err(no("this extension `(?…`")),
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
            .take_while(|letter| letter.is_ascii_digit() || **letter == ',')
            .count();
        if length == 0 || rest.get(length) != Some(&'}') {
            return None;
        }
        let text: String = rest[..length].iter().collect();
        let (least, most) = text.split_once(',').unwrap_or((&text, &text));
        if most.contains(',') {
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
        let most = how.trim_matches(['{', '}']).rsplit(',').next();
        self.repeats |= how != "?"
            && most
                .and_then(|most| most.parse::<u64>().ok())
                .is_none_or(|most| most > 8);
        if self.accept("+") {
            let relaxed = self.style == Style::Relaxed;
            if !(self.exact || relaxed) || how.starts_with('{') {
                return Err(no("this possessive repetition"));
            }
            self.out.push_str(if relaxed { "" } else { "+" });
        } else if self.accept("?") {
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
            Escape::Anchor('Z') => self.anchor(r"\z"),
            Escape::Anchor('A') => self.anchor(r"\A"),
            Escape::Anchor(boundary) => self.boundary(boundary == 'b')?,
            Escape::Group(number) => self.back_reference(number)?,
        }
        Ok(())
    }

    /// Python finds no `\B` in nothing.
    fn boundary(&mut self, wanted: bool) -> Translated<()> {
        self.has_boundary = true;
        if self.style == Style::Relaxed {
            self.anchor("");
            return Ok(());
        }
        let (_, word) = self.class_content('w');
        let exact = match wanted {
            true => format!("(?:(?<=[{word}])(?![{word}])|(?<![{word}])(?=[{word}]))"),
            false => format!(r"(?:(?<=[{word}])(?=[{word}])|(?<![{word}])(?![{word}])(?!\A\z))"),
        };
        self.anchor(match (self.exact, wanted, self.flags.ascii) {
            (true, ..) => &exact,
            (false, true, true) => r"(?-u:\b)",
            (false, false, true) if self.style == Style::Plain => return Err(no(r"`\B` with the flag `a`")),
            (false, true, false) => r"(?:\b)",
            (false, false, _) => r"(?:\B)",
        });
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
            '0'..='9' => return self.number(letter, in_class),
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
    fn number(&mut self, first: char, in_class: bool) -> Translated<Escape> {
        let next = |at: usize| self.source.get(self.at + at).copied();
        let octal = |letter: Option<char>| letter.is_some_and(|letter| letter.is_digit(8));
        let more = usize::from(octal(next(0))) + usize::from(octal(next(0)) && octal(next(1)));
        if first == '0' || octal(Some(first)) && (in_class || more == 2) {
            let digits: String = self.source[self.at - 1..self.at + more].iter().collect();
            self.at += more;
            let code = u32::from_str_radix(&digits, 8).ok().filter(|&code| code <= 0o377);
            return code
                .map(Escape::Letter)
                .ok_or_else(|| "an octal escape is above 377".to_owned());
        }
        if in_class {
            return Err("an escape in brackets means nothing".to_owned());
        }
        let second = next(0).and_then(|letter| letter.to_digit(10));
        self.at += usize::from(second.is_some());
        let first = first.to_digit(10).expect("a digit was read");
        Ok(Escape::Group(
            second.map_or(first, |second| first * 10 + second) as usize
        ))
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
            Escape::Group(_) => return Err("a reference stands in brackets".to_owned()),
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
