//! All that is neither name, address nor long word: paths, registry keys, user agents, command lines, and the short
//! values that only count in a typed field.
//!
//! Each is found by a part of it: a name with dots, if there is one in it (`evil.exe`), else a word by the first four
//! letters, else, which is rare, by an automaton. Where the part stands, the whole text is compared ([`forms`] says in which
//! writings).

mod forms;
mod writing;

use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::AhoCorasick;
use perisai_model::{Indicators, Kind};

use super::candidates::{char_before, char_behind, joins_names};
use super::escapes;
use super::letters::{Letters, PREFIX};
use forms::Before;
use writing::{BLANKS, Writing};

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
    /// What must stand before it.
    before: Before,
    /// True where slashes may stand for its backslashes.
    slashes: bool,
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
            for (text, before) in forms::of(indicator.kind, indicator.value) {
                let text = text.as_str();
                let pattern = |at: usize| Pattern {
                    entry,
                    text: text.into(),
                    at,
                    before,
                    slashes: indicator.kind == Kind::FilePath,
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

    /// Where the whole text stands, if it does around the part that stands at `part`.
    fn stands(&self, bytes: &[u8], part: usize) -> Option<(usize, usize)> {
        BLANKS
            .into_iter()
            .filter(|blank| *blank == b" " || self.text.contains(' '))
            .find_map(|blank| self.stands_with(blank, bytes, part))
    }

    fn stands_with(&self, blank: &[u8], bytes: &[u8], part: usize) -> Option<(usize, usize)> {
        let text = self.text.as_bytes();
        let writing = Writing {
            blank,
            slashes: self.slashes,
        };
        let start = writing.back(bytes, part, &text[..self.at])?;
        let end = writing.forth(bytes, part, &text[self.at..])?;
        let joined_before = is_host(text[0])
            && char_before(bytes, start).is_some_and(is_name)
            && !escapes::end_at(bytes, start);
        let dots = bytes[end..].iter().take_while(|&&byte| byte == b'.').count();
        let joined_behind =
            is_host(text[text.len() - 1]) && char_behind(bytes, end + dots).is_some_and(is_name);
        let there = !joined_before && !joined_behind && self.before.stands(&bytes[..start]);
        there.then_some((start, end))
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
        anchors.sort_unstable();
        anchors.dedup();
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
        let path = r"C:\Temp\evil.exe";
        for log in [
            r"C:\\\\Temp\\\\evil.exe",
            r"C:\\Temp\\\\evil.exe",
            "C:/Temp/evil.exe",
            r"C:\/Temp\/evil.exe",
        ] {
            check(Kind::FilePath, path, &format!("\"{log}\" x"), &[log]);
        }
        for before in [
            r"\Device\HarddiskVolume3",
            "%OSDRIVE%",
            r"\\ws1\C$",
            r"\\?\Volume{12345678-0000-0000-0000-100000000000}",
        ] {
            let log = format!(r"{before}\TEMP\evil.exe -x");
            check(Kind::FilePath, path, &log, &[r"\TEMP\evil.exe"]);
        }
        check(Kind::FilePath, path, r"\\ws1\D$\Temp\evil.exe", &[]);
        check(Kind::FilePath, path, r"E:\Backup\Temp\evil.exe", &[]);
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
    fn folders_that_have_names() {
        let roaming = r"\AppData\Roaming\x\evil.exe";
        for path in [r"%APPDATA%\x\evil.exe", r"%AppData%\x\evil.exe"] {
            let log = format!(r"C:\Users\bob{roaming} -x");
            check(Kind::FilePath, path, &log, &[roaming]);
            check(Kind::FilePath, path, &format!("run {path}"), &[path]);
        }
        let temp = r"\AppData\Local\Temp\evil.exe";
        check(
            Kind::FilePath,
            r"%TEMP%\evil.exe",
            &format!(r"C:\Users\b{temp}"),
            &[temp],
        );
        check(
            Kind::FilePath,
            r"%TEMP%\evil.exe",
            r"C:\Windows\Temp\evil.exe",
            &[r"\Windows\Temp\evil.exe"],
        );
        for path in [
            r"C:\Users\*\x\evil.exe",
            r"%USERPROFILE%\x\evil.exe",
            r"C:\Users\%USERNAME%\x\evil.exe",
        ] {
            check(
                Kind::FilePath,
                path,
                r"C:\Users\Bob B\x\evil.exe",
                &[r"\x\evil.exe"],
            );
            check(
                Kind::FilePath,
                path,
                r#""C:\\Users\\bob\\x\\evil.exe""#,
                &[r"\\x\\evil.exe"],
            );
            check(Kind::FilePath, path, r"C:\Users\bob\y\x\evil.exe", &[]);
            check(Kind::FilePath, path, r"C:\x\evil.exe", &[]);
        }
        check(
            Kind::FilePath,
            r"%PUBLIC%\evil.exe",
            r"c:\users\public\evil.exe",
            &[r"\users\public\evil.exe"],
        );
        check(
            Kind::FilePath,
            r"C:\Windows\x\evil.exe",
            r"%SystemRoot%\x\evil.exe",
            &[r"\x\evil.exe"],
        );
    }

    #[test]
    fn serial_numbers() {
        check(
            Kind::X509Serial,
            "4e57ad6e2a45e89aa",
            "04E57AD6E2A45E89AA",
            &["04E57AD6E2A45E89AA"],
        );
        check(
            Kind::X509Serial,
            "e57ad6e2a45e89aa",
            "00E57AD6E2A45E89AA",
            &["00E57AD6E2A45E89AA"],
        );
        check(
            Kind::X509Serial,
            "e57ad6e2a45e89aa",
            "E57AD6E2A45E89AA",
            &["E57AD6E2A45E89AA"],
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
        check(
            Kind::RegistryKey,
            key,
            r"HKLM\SOFTWARE\WOW6432Node\Evil",
            &[r"HKLM\SOFTWARE\WOW6432Node\Evil"],
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
