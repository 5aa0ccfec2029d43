//! What stands before a value and does not belong to it: the end of an escape, as JSON, programs and syslog servers
//! write bytes that they would not show (`\nevil.example`, `%2Fevil.example`, `\x22evil.example`, `#011evil.example`), or
//! of a terminal's colours.

/// Where else a value that seems to start at `start` may start: behind an escape that began before.
#[inline]
pub(super) fn other_start(bytes: &[u8], start: usize) -> Option<usize> {
    let before = *bytes.get(start.wrapping_sub(1))?;
    if !matches!(before, b'\\' | b'%' | b'#' | b'[' | b';') {
        return None;
    }
    behind(bytes, start, before)
}

#[inline(never)]
fn behind(bytes: &[u8], start: usize, before: u8) -> Option<usize> {
    let length = match (before, *bytes.get(start)?) {
        (b'%', _) => percent_length(&bytes[start..]),
        (b'\\', b'u') => 5,
        (b'\\', b'x' | b'0'..=b'9') | (b'#', _) => 3,
        (b'\\', _) => 1,
        _ => {
            bytes[start..]
                .iter()
                .take(LONGEST_COLOUR)
                .take_while(|byte| byte.is_ascii_digit())
                .count()
                + 1
        }
    };
    let end = start + length;
    (end <= bytes.len() && end_at(bytes, end)).then_some(end)
}

/// Where an escape ends in the first four bytes of a run of digits, or at its start.
pub(super) fn end_near(bytes: &[u8], start: usize, end: usize) -> Option<usize> {
    (start..=start + 4).find(|&at| at < end && end_at(bytes, at))
}

/// True where an escape ends at `at`.
pub(super) fn end_at(bytes: &[u8], at: usize) -> bool {
    let hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    let octal = |digits: &[u8]| digits.iter().all(|digit| matches!(digit, b'0'..=b'7'));
    let is_escape = |length: usize| match at.checked_sub(length).map(|from| &bytes[from..at]) {
        Some([b'\\', b'n' | b'r' | b't' | b'b' | b'f']) => !in_path(&bytes[..at - 1]),
        Some([b'\\', b'x', digits @ ..]) if length == 4 => hex(digits),
        Some([b'\\' | b'#', digits @ ..]) if length == 4 => octal(digits),
        Some([b'\\', b'u', digits @ ..]) if length == 6 => hex(digits),
        _ => false,
    };
    [2, 4, 6].into_iter().any(is_escape) || percent_ends_at(bytes, at) || colour_ends_at(bytes, at)
}

/// How often a percent sign may be encoded itself (`%25252F`).
const MOST_PERCENTS: usize = 4;

/// The length of `2F`, of which the percent sign may be encoded itself (`252F`).
fn percent_length(behind: &[u8]) -> usize {
    let mut length = 2;
    for _ in 0..MOST_PERCENTS {
        let next = behind.get(length - 2..length + 2);
        if !next.is_some_and(|next| next.starts_with(b"25") && next[2..].iter().all(u8::is_ascii_hexdigit)) {
            break;
        }
        length += 2;
    }
    length
}

/// True where `%2F` ends at `at`, or `%252F`.
fn percent_ends_at(bytes: &[u8], at: usize) -> bool {
    let Some((mut rest, digits)) = bytes[..at].split_last_chunk::<2>() else {
        return false;
    };
    for _ in 0..MOST_PERCENTS {
        rest = rest.strip_suffix(b"25").unwrap_or(rest);
    }
    digits.iter().all(u8::is_ascii_hexdigit) && rest.ends_with(b"%")
}

/// True where the backslashes with which bytes end are those of a path: what follows them is a name, no escape. Such a
/// path begins with a drive, has as many backslashes between each two folders, and no blank in the last of them.
fn in_path(bytes: &[u8]) -> bool {
    /// No path of Windows is longer, as a rule.
    const LONGEST: usize = 260;
    let bytes = &bytes[bytes.len().saturating_sub(LONGEST)..];
    let trailing = |bytes: &[u8]| bytes.iter().rev().take_while(|byte| **byte == b'\\').count();
    let run = trailing(bytes);
    let mut rest = &bytes[..bytes.len() - run];
    let mut is_last = true;
    loop {
        if let [before @ .., drive, b':'] = rest
            && drive.is_ascii_alphabetic()
            && !before.last().is_some_and(u8::is_ascii_alphanumeric)
        {
            return true;
        }
        let folder = rest.iter().rev().take_while(|byte| is_in_folder(**byte)).count();
        let (before, folder) = rest.split_at(rest.len() - folder);
        if folder.is_empty() || is_last && folder.contains(&b' ') || trailing(before) != run {
            return false;
        }
        rest = &before[..before.len() - run];
        is_last = false;
    }
}

/// The characters of a folder's name.
fn is_in_folder(byte: u8) -> bool {
    byte >= b' ' && !b"\\/:*?\"<>|\x7f".contains(&byte)
}

/// The most bytes of the numbers of a colour that are read.
const LONGEST_COLOUR: usize = 16;

/// True where `ESC [ numbers m` ends at `at` (ECMA-48), with the escape character as it is or written out.
fn colour_ends_at(bytes: &[u8], at: usize) -> bool {
    const ESC: [&[u8]; 8] = [
        b"\x1b", br"\u001b", br"\u001B", br"\x1b", br"\x1B", br"\033", br"\e", b"#033",
    ];
    let Some((b'm' | b'K', before)) = bytes[..at].split_last() else {
        return false;
    };
    let numbers = before
        .iter()
        .rev()
        .take(LONGEST_COLOUR)
        .take_while(|byte| byte.is_ascii_digit() || **byte == b';')
        .count();
    let before = before[..before.len() - numbers].strip_suffix(b"[");
    before.is_some_and(|before| ESC.iter().any(|esc| before.ends_with(esc)))
}

/// So many backslashes before a slash are read: JSON in JSON in JSON writes seven.
const MOST_BACKSLASHES: usize = 16;

/// Where the slash stands with which bytes begin, perhaps behind the backslashes of JSON.
pub(super) fn slash(bytes: &[u8]) -> Option<usize> {
    let backslashes = bytes
        .iter()
        .take(MOST_BACKSLASHES)
        .take_while(|byte| **byte == b'\\');
    let at = backslashes.count();
    (bytes.get(at) == Some(&b'/')).then_some(at)
}

/// What stands before the `://` with which bytes end, perhaps with the backslashes of JSON.
pub(super) fn without_slashes(bytes: &[u8]) -> Option<&[u8]> {
    let without = |bytes: &[u8]| {
        let before = bytes.strip_suffix(b"/")?;
        let backslashes = before
            .iter()
            .rev()
            .take(MOST_BACKSLASHES)
            .take_while(|byte| **byte == b'\\');
        Some(before.len() - backslashes.count())
    };
    let second = &bytes[..without(bytes)?];
    bytes[..without(second)?].strip_suffix(b":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_paths_are_no_escapes() {
        let check = |text: &str, expected: bool| {
            assert_eq!(end_at(text.as_bytes(), text.len()), expected, "{text}");
        };
        check(r"a\t", true);
        check(r"\t", true);
        check(r"line1\\nline2\\t", true);
        check(r"C:\Windows\t", false);
        check(r"C:\t", false);
        check(r#""C:\\Windows\\System32\\t"#, false);
        check(r"C:\\x\n", true);
        check(r"http:\n", true);
        check(r"saw C:\x and more\n", true);
    }

    #[test]
    fn starts() {
        let check = |text: &str, expected: Option<&str>| {
            let start = text.find(|c: char| c.is_ascii_alphanumeric()).unwrap();
            let start = start + usize::from(text.starts_with(r"\u001b[")) * 6;
            let start = text
                .find("36m")
                .or_else(|| text.find("[m").map(|at| at + 1))
                .unwrap_or(start);
            let got = other_start(text.as_bytes(), start).map(|at| &text[at..]);
            assert_eq!(got, expected, "{text}");
        };
        check(r"\nevil.example", Some("evil.example"));
        check(r"\u003devil.example", Some("evil.example"));
        check("%2Fevil.example", Some("evil.example"));
        check(r"\x22evil.example", Some("evil.example"));
        check(r"\011evil.example", Some("evil.example"));
        check("#011evil.example", Some("evil.example"));
        check("\x1b[36mevil.example", Some("evil.example"));
        check("\x1b[1;36mevil.example", Some("evil.example"));
        check("\x1b[mevil.example", Some("evil.example"));
        check(r"\u001b[36mevil.example", Some("evil.example"));
        check(r"\033[36mevil.example", Some("evil.example"));
        check("#033[36mevil.example", Some("evil.example"));
        check("x[36mevil.example", None);
        check(r"\evil.example", None);
        check("#evil.example", None);
        check("#018evil.example", None);
        check("%252Fevil.example", Some("evil.example"));
        check("%25252Fevil.example", Some("evil.example"));
        check("/evil.example", None);
        check("evil.example", None);
        check("%2", None);
    }
}
