//! The part of a text by which it is found.

use std::ops::Range;

use super::super::letters::PREFIX;
use super::texts::is_host;

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
pub(super) fn telling_word(text: &str) -> Option<Range<usize>> {
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
pub(super) fn dotted_name(text: &str) -> Option<Range<usize>> {
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
pub(super) fn longest_piece(text: &str) -> (usize, usize) {
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
