//! All that is neither name, address nor long word: paths, registry keys, user agents, command lines, and the short
//! values that only count in a typed field.
//!
//! Each is found by a part of it: a name with dots, if there is one in it (`evil.exe`), else a word by the first four
//! letters, else, which is rare, by an automaton ([`part`]). Where the part stands, all texts that have it are compared
//! at once ([`texts`]), in every form ([`forms`]) and writing ([`writing`]).

mod forms;
mod part;
mod texts;
mod writing;

use std::collections::HashMap;
use std::hash::Hash;

use aho_corasick::AhoCorasick;
use perisai_model::{Indicators, Kind};

use super::letters::{Letters, PREFIX};
use texts::{Pattern, Texts};

/// Listed texts of any form.
#[derive(Debug)]
pub(super) struct Literals {
    anchored: HashMap<Box<str>, Texts>,
    by_word: HashMap<u32, Texts>,
    /// A bit for the hash of each key of `by_word`.
    keys: Box<[u64; KEY_WORDS]>,
    /// How the words of `by_word` begin.
    letters: Letters,
    /// For each piece of the automaton.
    others: Vec<Texts>,
    automaton: Option<AhoCorasick>,
}

const KEY_BITS: u32 = 15;
const KEY_WORDS: usize = 1 << (KEY_BITS - 6);

/// Patterns by the part that they share.
#[derive(Default)]
struct Parts {
    anchored: HashMap<Box<str>, Vec<Pattern>>,
    by_word: HashMap<u32, Vec<Pattern>>,
    others: HashMap<String, Vec<Pattern>>,
    /// The words of `by_word`, as far as they are looked for.
    words: Vec<[u8; PREFIX]>,
}

impl Parts {
    /// Adds a pattern; the place of its part is found here.
    fn add(&mut self, mut pattern: Pattern, anchor: &mut impl FnMut(&str)) {
        let text = &pattern.text;
        if let Some(name) = part::dotted_name(text) {
            let key = text[name.clone()].to_ascii_lowercase();
            anchor(&text[name.clone()]);
            pattern.at = name.start;
            self.anchored.entry(key.into()).or_default().push(pattern);
        } else if let Some(word) = part::telling_word(text) {
            let start = *text.as_bytes()[word.start..]
                .first_chunk()
                .expect("a word is as long");
            pattern.at = word.start;
            self.words.push(start);
            self.by_word.entry(key(&start)).or_default().push(pattern);
        } else {
            let (at, length) = part::longest_piece(text);
            let piece = text[at..at + length].to_ascii_lowercase();
            pattern.at = at;
            self.others.entry(piece).or_default().push(pattern);
        }
    }
}

impl Literals {
    /// Sorts texts by how they are found. `anchor` is told the names with dots, which are reported to
    /// [`walk_anchored`](Self::walk_anchored) when they are found.
    pub(super) fn build(indicators: &Indicators, entries: &[u32], mut anchor: impl FnMut(&str)) -> Self {
        let mut parts = Parts::default();
        for &entry in entries {
            let indicator = indicators.get(entry as usize);
            let windows = indicator.kind == Kind::FilePath && indicator.value.contains('\\');
            for (text, before) in forms::of(indicator.kind, indicator.value) {
                let pattern = Pattern {
                    entry,
                    text: text.into(),
                    at: 0,
                    before,
                    slashes: windows,
                };
                parts.add(pattern, &mut anchor);
            }
        }
        let mut keys = Box::new([0; KEY_WORDS]);
        for key in parts.by_word.keys() {
            let bit = key_bit(*key);
            keys[bit >> 6] |= 1 << (bit & 63);
        }
        let (pieces, others): (Vec<_>, Vec<_>) = parts.others.into_iter().unzip();
        let automaton = (!pieces.is_empty()).then(|| {
            let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(&pieces);
            automaton.expect("fewer literals than an automaton has states")
        });
        Self {
            anchored: by_part(parts.anchored),
            by_word: by_part(parts.by_word),
            keys,
            letters: Letters::build(parts.words),
            others: others.into_iter().map(Texts::new).collect(),
            automaton,
        }
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
    pub(super) fn walk_word(&self, bytes: &[u8], at: usize, each: impl FnMut(usize, usize, u32)) {
        let start = bytes.get(at..at + PREFIX);
        if let Some(texts) = start.and_then(|start| self.by_word.get(&key(start))) {
            texts.walk(bytes, at, each);
        }
    }

    /// Calls `each(start, end, entry)` for each listed text that is found by neither name nor word.
    pub(super) fn walk_others(&self, bytes: &[u8], mut each: impl FnMut(usize, usize, u32)) {
        let Some(automaton) = &self.automaton else { return };
        for found in automaton.find_overlapping_iter(bytes) {
            self.others[found.pattern().as_usize()].walk(bytes, found.start(), &mut each);
        }
    }

    /// Calls `each(start, end, entry)` for each listed text around the name (in lower case) that stands at `at`.
    pub(super) fn walk_anchored(
        &self,
        bytes: &[u8],
        at: usize,
        name: &str,
        each: impl FnMut(usize, usize, u32),
    ) {
        if let Some(texts) = self.anchored.get(name) {
            texts.walk(bytes, at, each);
        }
    }
}

fn by_part<K: Eq + Hash>(parts: HashMap<K, Vec<Pattern>>) -> HashMap<K, Texts> {
    let texts = |(part, patterns)| (part, Texts::new(patterns));
    parts.into_iter().map(texts).collect()
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
    fn paths_beyond_ascii() {
        let path = r"C:\Users\Jürgen\Müll.exe";
        let check = |log: &str, expected: bool| {
            let all = [log];
            check(Kind::FilePath, path, log, if expected { &all } else { &[] });
        };
        check(r"C:\Users\Jürgen\Müll.exe", true);
        check(r"c:\users\jürgen\MüLL.EXE", true);
        check(r"C:\USERS\JÜRGEN\MÜLL.EXE", true);
        check(r"C:\Users\Jorgen\Mull.exe", false);
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
    fn many_texts_with_one_part() {
        let mut indicators = Indicators::default();
        for number in 0..500 {
            let agent = format!("Agent/{} ({number}; telling) Like/{}", number % 7, number % 3);
            indicators.push(Kind::UserAgent, &agent, ContextId(0));
        }
        let entries: Vec<u32> = (0..500).collect();
        let literals = Literals::build(&indicators, &entries, |_| {});
        for number in 0..500 {
            let log = format!("ua=\"{}\"", indicators.get(number).value);
            let mut got = Vec::new();
            for at in 0..log.len() {
                literals.walk_word(log.as_bytes(), at, |start, end, entry| {
                    got.push((&log[start..end], entry))
                });
            }
            assert_eq!(got, [(indicators.get(number).value, number as u32)]);
        }
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
