//! All that is neither name, address nor long word: paths, registry keys, user agents, command lines, and the short
//! values that only count in a typed field.
//!
//! An automaton looks for the longest plain piece of each, without regard to case; where it stands, the whole value is
//! compared, with the backslashes of JSON taken as what they mean.

use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use perisai_model::{Indicators, Kind};
use perisai_values::hive_short_name;

/// Listed texts of any form.
#[derive(Debug)]
pub(super) struct Literals {
    automaton: AhoCorasick,
    patterns: Vec<Pattern>,
    anchored: HashMap<Box<str>, Vec<Pattern>>,
}

/// A text to be compared where a piece of it was found.
#[derive(Debug)]
struct Pattern {
    entry: u32,
    /// The whole text, in one of the forms in which it may be written.
    text: Box<str>,
    /// Where in it the piece begins.
    at: usize,
}

impl Literals {
    /// Makes the automaton. Texts with a name with dots in them (`C:\\x\\evil.exe`) do not go there: `anchor` is told
    /// that name, and they are found by [`walk_anchored`](Self::walk_anchored).
    pub(super) fn build(indicators: &Indicators, entries: &[u32], mut anchor: impl FnMut(&str)) -> Self {
        let mut patterns = Vec::new();
        let mut pieces = Vec::new();
        let mut anchored: HashMap<Box<str>, Vec<Pattern>> = HashMap::new();
        for &entry in entries {
            let indicator = indicators.get(entry as usize);
            for text in written_forms(indicator.kind, indicator.value) {
                if let Some(name) = dotted_name(&text) {
                    anchor(&text[name.clone()]);
                    let key = text[name.clone()].to_ascii_lowercase().into();
                    let pattern = Pattern {
                        entry,
                        at: name.start,
                        text: text.into(),
                    };
                    anchored.entry(key).or_default().push(pattern);
                } else {
                    let (at, length) = longest_piece(&text);
                    pieces.push(text[at..at + length].to_owned());
                    patterns.push(Pattern {
                        entry,
                        text: text.into(),
                        at,
                    });
                }
            }
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(&pieces)
            .expect("fewer literals than an automaton has states");
        Self {
            automaton,
            patterns,
            anchored,
        }
    }

    /// True where [`walk`](Self::walk) would find nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Calls `each(start, end, entry)` for each listed text without a name with dots.
    pub(super) fn walk(&self, bytes: &[u8], mut each: impl FnMut(usize, usize, u32)) {
        for found in self.automaton.find_overlapping_iter(bytes) {
            let pattern = &self.patterns[found.pattern().as_usize()];
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
    /// Where the whole text stands, if it does around the piece that stands at `piece`.
    fn stands(&self, bytes: &[u8], piece: usize) -> Option<(usize, usize)> {
        let text = self.text.as_bytes();
        let mut start = piece;
        for &wanted in text[..self.at].iter().rev() {
            start = step_back(bytes, start, wanted)?;
        }
        let mut end = piece;
        for &wanted in &text[self.at..] {
            end = step(bytes, end, wanted)?;
        }
        let escape = start >= 2 && bytes[start - 2] == b'\\' && b"ntrbf".contains(&bytes[start - 1]);
        let joined_before = is_host(text[0]) && start > 0 && is_host(bytes[start - 1]) && !escape;
        let behind = bytes[end..].iter().copied().find(|&byte| byte != b'.');
        let joined_behind = is_host(text[text.len() - 1]) && behind.is_some_and(is_host);
        (!joined_before && !joined_behind).then_some((start, end))
    }
}

/// What names are made of; a text is not looked for inside a longer one.
fn is_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// The place behind one wanted byte, where it stands; a doubled backslash and `\/` stand for one.
fn step(bytes: &[u8], at: usize, wanted: u8) -> Option<usize> {
    let byte = *bytes.get(at)?;
    match wanted {
        b'\\' if byte == b'\\' => Some(at + 1 + usize::from(bytes.get(at + 1) == Some(&b'\\'))),
        b'/' | b'"' if byte == b'\\' && bytes.get(at + 1) == Some(&wanted) => Some(at + 2),
        _ => byte.eq_ignore_ascii_case(&wanted).then_some(at + 1),
    }
}

/// The same, backwards: the place of the wanted byte that ends before `at`.
fn step_back(bytes: &[u8], at: usize, wanted: u8) -> Option<usize> {
    let last = at.checked_sub(1)?;
    if !bytes[last].eq_ignore_ascii_case(&wanted) {
        return None;
    }
    let escaped = matches!(wanted, b'\\' | b'/' | b'"') && last > 0 && bytes[last - 1] == b'\\';
    Some(last - usize::from(escaped))
}

/// The ways in which a value is written in logs.
fn written_forms(kind: Kind, value: &str) -> Vec<String> {
    let mut forms = vec![value.to_owned()];
    match kind {
        Kind::RegistryKey => {
            if let Some((hive, rest)) = value.split_once('\\') {
                forms.extend(hive_short_name(hive).map(|short| format!("{short}\\{rest}")));
                let kernel = match hive {
                    "HKEY_LOCAL_MACHINE" => Some("\\REGISTRY\\MACHINE"),
                    "HKEY_USERS" => Some("\\REGISTRY\\USER"),
                    _ => None,
                };
                forms.extend(kernel.map(|kernel| format!("{kernel}\\{rest}")));
            }
        }
        Kind::Asn => forms.extend(value.strip_prefix("AS").map(str::to_owned)),
        _ => {}
    }
    forms
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
        literals.walk(log.as_bytes(), |start, end, _| got.push(&log[start..end]));
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
    fn paths_and_keys() {
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
