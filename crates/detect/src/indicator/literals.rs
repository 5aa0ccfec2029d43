//! All that is neither name, address nor long word: paths, registry keys, user agents, command lines, and the short
//! values that only count in a typed field.
//!
//! Each is found by a part of it: a name with dots, if there is one in it (`evil.exe`), else a word by the first four
//! letters, else, which is rare, by an automaton. Where the part stands, the whole text is compared, without regard to
//! case and with the backslashes of JSON taken as what they mean.

use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::AhoCorasick;
use perisai_model::{Indicators, Kind};
use perisai_values::hive_short_name;

use super::candidates::{char_before, char_behind, joins_names};
use super::escapes;
use super::letters::{Letters, PREFIX};

/// Listed texts of any form.
#[derive(Debug)]
pub(super) struct Literals {
    anchored: HashMap<Box<str>, Vec<Pattern>>,
    by_word: HashMap<u32, Vec<Pattern>>,
    /// A bit for the hash of each key of `by_word`.
    keys: Box<[u64; KEY_WORDS]>,
    /// How the words of `by_word` begin.
    letters: Letters,
    others: Vec<Pattern>,
    automaton: Option<AhoCorasick>,
}

/// A text to be compared where a part of it was found.
#[derive(Debug)]
struct Pattern {
    entry: u32,
    /// The whole text, in one of the forms in which it may be written.
    text: Box<str>,
    /// Where in it the part begins.
    at: usize,
    /// True where the number of a user must stand before it.
    of_a_user: bool,
}

const KEY_BITS: u32 = 15;
const KEY_WORDS: usize = 1 << (KEY_BITS - 6);

impl Literals {
    /// Sorts texts by how they are found. `anchor` is told the names with dots, which are reported to
    /// [`walk_anchored`](Self::walk_anchored) when they are found.
    pub(super) fn build(indicators: &Indicators, entries: &[u32], mut anchor: impl FnMut(&str)) -> Self {
        let mut built = Self {
            anchored: HashMap::new(),
            by_word: HashMap::new(),
            keys: Box::new([0; KEY_WORDS]),
            letters: Letters::build(Vec::new()),
            others: Vec::new(),
            automaton: None,
        };
        let mut pieces = Vec::new();
        for &entry in entries {
            let indicator = indicators.get(entry as usize);
            for form in written_forms(indicator.kind, indicator.value) {
                let (text, of_a_user) = without_mark(&form);
                let pattern = |at: usize| Pattern {
                    entry,
                    text: text.into(),
                    at,
                    of_a_user,
                };
                if let Some(name) = dotted_name(text) {
                    anchor(&text[name.clone()]);
                    let key = text[name.clone()].to_ascii_lowercase().into();
                    built.anchored.entry(key).or_default().push(pattern(name.start));
                } else if let Some(word) = telling_word(text) {
                    built.add_word(pattern(word.start));
                } else {
                    let (at, length) = longest_piece(text);
                    pieces.push(text[at..at + length].to_owned());
                    built.others.push(pattern(at));
                }
            }
        }
        built.letters = Letters::build(built.by_word.values().flatten().map(Pattern::prefix).collect());
        if !pieces.is_empty() {
            let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(&pieces);
            built.automaton = Some(automaton.expect("fewer literals than an automaton has states"));
        }
        built
    }

    fn add_word(&mut self, pattern: Pattern) {
        let key = key(&pattern.prefix());
        let bit = key_bit(key);
        self.keys[bit >> 6] |= 1 << (bit & 63);
        self.by_word.entry(key).or_default().push(pattern);
    }

    /// True where words must be given to [`walk_word`](Self::walk_word).
    pub(super) fn any_by_word(&self) -> bool {
        !self.by_word.is_empty()
    }

    /// How those words begin.
    pub(super) fn letters(&self) -> &Letters {
        &self.letters
    }

    /// False where no listed text is found by a word that begins so. `at` is its place.
    #[inline(always)]
    pub(super) fn may_start(&self, bytes: &[u8], at: usize) -> bool {
        let Some(start) = bytes.get(at..at + PREFIX) else {
            return false;
        };
        let bit = key_bit(key(start));
        self.keys[bit >> 6] >> (bit & 63) & 1 != 0
    }

    /// Calls `each(start, end, entry)` for each listed text around the word that begins at `at`.
    pub(super) fn walk_word(&self, bytes: &[u8], at: usize, mut each: impl FnMut(usize, usize, u32)) {
        let Some(start) = bytes.get(at..at + PREFIX) else {
            return;
        };
        for pattern in self.by_word.get(&key(start)).into_iter().flatten() {
            if let Some((start, end)) = pattern.stands(bytes, at) {
                each(start, end, pattern.entry);
            }
        }
    }

    /// Calls `each(start, end, entry)` for each listed text that is found by neither name nor word.
    pub(super) fn walk_others(&self, bytes: &[u8], mut each: impl FnMut(usize, usize, u32)) {
        let Some(automaton) = &self.automaton else { return };
        for found in automaton.find_overlapping_iter(bytes) {
            let pattern = &self.others[found.pattern().as_usize()];
            if let Some((start, end)) = pattern.stands(bytes, found.start()) {
                each(start, end, pattern.entry);
            }
        }
    }

    /// Calls `each(start, end, entry)` for each listed text around the name (in lower case) that stands at `at`.
    pub(super) fn walk_anchored(
        &self,
        bytes: &[u8],
        at: usize,
        name: &str,
        mut each: impl FnMut(usize, usize, u32),
    ) {
        for pattern in self.anchored.get(name).into_iter().flatten() {
            if let Some((start, end)) = pattern.stands(bytes, at) {
                each(start, end, pattern.entry);
            }
        }
    }
}

impl Pattern {
    /// How the word begins by which it is found.
    fn prefix(&self) -> [u8; PREFIX] {
        *self.text.as_bytes()[self.at..]
            .first_chunk()
            .expect("a word is as long")
    }

    /// Where the whole text stands, if it does around the part that stands at `part`: as it is, or as JSON escapes it.
    fn stands(&self, bytes: &[u8], part: usize) -> Option<(usize, usize)> {
        FORMS
            .into_iter()
            .find_map(|form| self.stands_as(form, bytes, part))
    }

    fn stands_as(&self, form: Form, bytes: &[u8], part: usize) -> Option<(usize, usize)> {
        let text = self.text.as_bytes();
        let mut start = part;
        for &wanted in text[..self.at].iter().rev() {
            start = form.step_back(bytes, start, wanted)?;
        }
        let mut end = part;
        for &wanted in &text[self.at..] {
            end = form.step(bytes, end, wanted)?;
        }
        let joined_before = is_host(text[0])
            && char_before(bytes, start).is_some_and(is_name)
            && !escapes::end_at(bytes, start);
        let dots = bytes[end..].iter().take_while(|&&byte| byte == b'.').count();
        let joined_behind =
            is_host(text[text.len() - 1]) && char_behind(bytes, end + dots).is_some_and(is_name);
        let of_a_user = !self.of_a_user || is_user_before(bytes, start);
        (!joined_before && !joined_behind && of_a_user).then_some((start, end))
    }
}

/// How a text is written in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Byte for byte.
    Plain,
    /// Backslashes and quotes behind a backslash, slashes perhaps.
    Json,
    /// Blanks as `+`, as IIS writes user agents.
    Plus,
    /// Blanks as `%20`, as Squid does.
    Percent,
}

const FORMS: [Form; 4] = [Form::Plain, Form::Json, Form::Plus, Form::Percent];

impl Form {
    /// The place behind one wanted byte, where it stands.
    fn step(self, bytes: &[u8], at: usize, wanted: u8) -> Option<usize> {
        let escaped = bytes.get(at) == Some(&b'\\') && bytes.get(at + 1) == Some(&wanted);
        match wanted {
            b'\\' | b'"' if self == Self::Json => escaped.then_some(at + 2),
            b'/' if self == Self::Json && escaped => Some(at + 2),
            b' ' if self == Self::Plus => (bytes.get(at) == Some(&b'+')).then_some(at + 1),
            b' ' if self == Self::Percent => bytes[at..].starts_with(b"%20").then_some(at + 3),
            _ => bytes.get(at)?.eq_ignore_ascii_case(&wanted).then_some(at + 1),
        }
    }

    /// The same, backwards: the place of the wanted byte that ends before `at`.
    fn step_back(self, bytes: &[u8], at: usize, wanted: u8) -> Option<usize> {
        let last = at.checked_sub(1)?;
        let escaped = bytes[last] == wanted && last > 0 && bytes[last - 1] == b'\\';
        match wanted {
            b'\\' | b'"' if self == Self::Json => escaped.then(|| last - 1),
            b'/' if self == Self::Json && escaped => Some(last - 1),
            b' ' if self == Self::Plus => (bytes[last] == b'+').then_some(last),
            b' ' if self == Self::Percent => bytes[..at].ends_with(b"%20").then(|| at - 3),
            _ => bytes[last].eq_ignore_ascii_case(&wanted).then_some(last),
        }
    }
}

/// What goes on with a name.
fn is_name(c: char) -> bool {
    u8::try_from(c).is_ok_and(is_host) || joins_names(c)
}

/// What names are made of; a text is not looked for inside a longer one.
fn is_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// The ways in which a value is written in logs.
fn written_forms(kind: Kind, value: &str) -> Vec<String> {
    let mut forms = vec![value.to_owned()];
    match kind {
        Kind::RegistryKey => {
            if let Some((hive, rest)) = value.split_once('\\') {
                if let Some(short) = hive_short_name(hive) {
                    // PowerShell has drives for hives.
                    forms.extend([format!("{short}\\{rest}"), format!("{short}:\\{rest}")]);
                }
                let kernel = match hive {
                    "HKEY_LOCAL_MACHINE" => Some("\\REGISTRY\\MACHINE"),
                    "HKEY_USERS" => Some("\\REGISTRY\\USER"),
                    _ => None,
                };
                forms.extend(kernel.map(|kernel| format!("{kernel}\\{rest}")));
                if hive == "HKEY_CURRENT_USER" {
                    forms.push(format!("{OF_A_USER}\\{rest}"));
                }
            }
        }
        Kind::Asn => forms.extend(value.strip_prefix("AS").map(str::to_owned)),
        _ => {}
    }
    forms
}

/// Stands for the key of any user (`S-1-5-21-…`) in a form: what the system calls `HKEY_CURRENT_USER`.
const OF_A_USER: &str = "\u{1}";

/// The form without that mark, and whether it had it.
fn without_mark(form: &str) -> (&str, bool) {
    form.strip_prefix(OF_A_USER)
        .map_or((form, false), |rest| (rest, true))
}

/// True where the number of a user ends before `at` (`S-1-5-21-…`, perhaps `…_Classes`).
fn is_user_before(bytes: &[u8], at: usize) -> bool {
    const LONGEST: usize = 200;
    let before = &bytes[at.saturating_sub(LONGEST)..at];
    let before = before.strip_suffix(b"_Classes").unwrap_or(before);
    let numbers = before
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit() || **byte == b'-')
        .count();
    numbers > 3 && before[..before.len() - numbers].ends_with(b"S")
}

/// The first four characters of a word, without regard to case.
#[inline(always)]
fn key(start: &[u8]) -> u32 {
    let four: [u8; PREFIX] = start[..PREFIX].try_into().expect("as many bytes");
    u32::from_le_bytes(four) | 0x2020_2020
}

#[inline(always)]
fn key_bit(key: u32) -> usize {
    (key.wrapping_mul(0x9e37_79b1) >> (32 - KEY_BITS)) as usize
}

/// Words that stand in many lines; a text is better found by another of its own.
const COMMON: &[&str] = &[
    "mozilla",
    "windows",
    "compatible",
    "applewebkit",
    "khtml",
    "gecko",
    "like",
    "chrome",
    "safari",
    "firefox",
    "version",
    "mobile",
    "linux",
    "x86_64",
    "software",
    "microsoft",
    "currentversion",
    "hkey_local_machine",
    "hkey_current_user",
    "hkey_users",
    "hklm",
    "hkcu",
    "registry",
    "machine",
    "user",
    "users",
    "system",
    "system32",
    "program",
    "programdata",
    "files",
    "local",
    "temp",
    "appdata",
    "roaming",
    "public",
    "http",
    "https",
    "global",
    "cmd",
    "powershell",
    "services",
    "controlset001",
    "currentcontrolset",
    "tmp",
    "usr",
    "etc",
    "var",
    "home",
];

/// The word of a text by which it is best found: uncommon first, then long, then the first such.
fn telling_word(text: &str) -> Option<Range<usize>> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut words = Vec::new();
    let mut at = 0;
    for word in text.as_bytes().split(|&byte| !is_word(byte)) {
        words.push(at..at + word.len());
        at += word.len() + 1;
    }
    let common = |word: &Range<usize>| COMMON.contains(&text[word.clone()].to_ascii_lowercase().as_str());
    let words = words.into_iter().filter(|word| word.len() >= PREFIX);
    words.max_by_key(|word| {
        (
            !common(word),
            word.start > 0,
            word.len(),
            std::cmp::Reverse(word.start),
        )
    })
}

/// The longest name with dots in a text, if its last label is no number.
fn dotted_name(text: &str) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut best = 0..0;
    let mut at = 0;
    for run in bytes.split(|&byte| !is_host(byte) && byte.is_ascii()) {
        let start = at + run.iter().take_while(|&&byte| byte == b'.').count();
        let end = at + run.len() - run.iter().rev().take_while(|&&byte| byte == b'.').count();
        at += run.len() + 1;
        let Some(name) = bytes.get(start..end) else {
            continue;
        };
        let last = name.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
        let good = name.is_ascii()
            && name.contains(&b'.')
            && !name.windows(2).any(|two| two == b"..")
            && !last.first().is_some_and(u8::is_ascii_digit);
        if good && end - start > best.len() {
            best = start..end;
        }
    }
    (!best.is_empty()).then_some(best)
}

/// The longest piece without a byte that is written in several ways.
fn longest_piece(text: &str) -> (usize, usize) {
    let mut best = (0, 0);
    let mut start = 0;
    for (at, byte) in text.bytes().chain([b'\\']).enumerate() {
        if matches!(byte, b'\\' | b'/' | b'"') {
            if at - start > best.1 {
                best = (start, at - start);
            }
            start = at + 1;
        }
    }
    if best.1 == 0 { (0, text.len()) } else { best }
}

#[cfg(test)]
mod tests {
    use perisai_model::ContextId;

    use super::*;

    fn check(kind: Kind, value: &str, log: &str, expected: &[&str]) {
        let mut indicators = Indicators::default();
        indicators.push(kind, value, ContextId(0));
        let mut anchors = Vec::new();
        let literals = Literals::build(&indicators, &[0], |name| anchors.push(name.to_ascii_lowercase()));
        let mut got = Vec::new();
        literals.walk_others(log.as_bytes(), |start, end, _| got.push(&log[start..end]));
        for at in 0..log.len() {
            literals.walk_word(log.as_bytes(), at, |start, end, _| got.push(&log[start..end]));
        }
        got.dedup();
        for anchor in anchors {
            for (at, _) in log.to_ascii_lowercase().match_indices(&anchor) {
                literals.walk_anchored(log.as_bytes(), at, &anchor, |start, end, _| {
                    got.push(&log[start..end])
                });
            }
        }
        assert_eq!(got, expected, "{value} in {log}");
    }

    #[test]
    fn paths() {
        let path = r"C:\Temp\evil one.exe";
        check(
            Kind::FilePath,
            path,
            r"ran C:\temp\EVIL one.exe -x",
            &[r"C:\temp\EVIL one.exe"],
        );
        check(
            Kind::FilePath,
            path,
            r#"{"p":"C:\\Temp\\evil one.exe"}"#,
            &[r"C:\\Temp\\evil one.exe"],
        );
        check(Kind::FilePath, path, r"C:\Temp\evil one.exec", &[]);
        check(Kind::FilePath, path, r"D:\Temp\evil one.exe", &[]);
        check(
            Kind::FilePath,
            r"C:\Temp\evil.exe",
            r"ran c:\temp\evil.exe.",
            &[r"c:\temp\evil.exe"],
        );
        check(
            Kind::FilePath,
            r"C:\Temp\evil.exe",
            r"ran c:\temp\evil.exe.bak",
            &[],
        );
        check(
            Kind::FileName,
            "evil.exe",
            r"c:\temp\evil.exe not-evil.exe",
            &["evil.exe"],
        );
        check(
            Kind::FilePath,
            "/tmp/x/evil",
            "open /tmp/x/evil failed",
            &["/tmp/x/evil"],
        );
        check(
            Kind::FilePath,
            "/tmp/x/evil",
            r#""\/tmp\/x\/evil""#,
            &[r"\/tmp\/x\/evil"],
        );
    }

    #[test]
    fn registry_keys() {
        let key = r"HKEY_LOCAL_MACHINE\Software\Evil";
        check(
            Kind::RegistryKey,
            key,
            r"set HKLM\SOFTWARE\Evil\Run",
            &[r"HKLM\SOFTWARE\Evil"],
        );
        check(
            Kind::RegistryKey,
            key,
            r"\REGISTRY\MACHINE\Software\evil",
            &[r"\REGISTRY\MACHINE\Software\evil"],
        );
        check(
            Kind::RegistryKey,
            key,
            r"HKLM:\SOFTWARE\Evil",
            &[r"HKLM:\SOFTWARE\Evil"],
        );
        let key = r"HKEY_CURRENT_USER\Software\Evil";
        let of_a_user = [r"\Software\Evil"];
        check(
            Kind::RegistryKey,
            key,
            r"HKU\S-1-5-21-1-2-3-1001\Software\Evil",
            &of_a_user,
        );
        check(
            Kind::RegistryKey,
            key,
            r"\REGISTRY\USER\S-1-5-21-1-2-3-1001\Software\Evil\Run",
            &of_a_user,
        );
        check(Kind::RegistryKey, key, r"HKLM\Software\Evil", &[]);
    }

    #[test]
    fn agents_and_numbers() {
        check(
            Kind::UserAgent,
            "Evil Agent/1.0 (X)",
            "Evil+Agent/1.0+(X)",
            &["Evil+Agent/1.0+(X)"],
        );
        check(
            Kind::UserAgent,
            "Evil Agent/1.0 (X)",
            "Evil%20Agent/1.0%20(X)",
            &["Evil%20Agent/1.0%20(X)"],
        );
        check(
            Kind::UserAgent,
            "Evil/1.0 (x; \"y\")",
            r#"ua="Evil/1.0 (x; \"y\")""#,
            &[r#"Evil/1.0 (x; \"y\")"#],
        );
        check(
            Kind::Cve,
            "CVE-2022-0001",
            "CVE-2022-00011 cve-2022-0001",
            &["cve-2022-0001"],
        );
    }
}
