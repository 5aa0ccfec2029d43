//! How UTF-16 is told: by its mark, or by letters where no plain text has any. No text is converted here.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

/// How much of a text without a byte order mark is looked at.
const PROBE: usize = 4096;

/// How much behind a byte order mark is looked at.
pub(super) const MARKED: usize = 64;

/// So many letters in a row, of which more than half differ, show how a stretch is to be read; fewer at the end.
/// Without the others a row of ideographic spaces would show it.
const LETTERS: usize = 6;
const LAST_LETTERS: usize = 4;

/// Text that is told by its letters is looked at in parts of so many bytes where it is not of one piece.
const PART: usize = 64;

/// Tells UTF-16 by its byte order mark, unless plain text follows it; or by letters of the first alphabets (U+0600 and
/// what is before) in nearly all places, whose higher byte no plain text has.
pub(super) fn detect(head: &[u8]) -> Option<&'static Encoding> {
    match marked(head) {
        Some(_) if head[2..].starts_with(&[0, 0]) => return None,
        Some(encoding) if !is_plain(&head[2..]) => return Some(encoding),
        Some(_) => return None,
        None => {}
    }
    let head = &head[..head.len().min(PROBE)];
    if head.len() < 16 {
        return None;
    }
    lettered(head).or_else(|| ideographic(head)).or_else(|| {
        // An odd byte in it, or a change of the order, makes it one behind which the other half counts.
        let parts = || head.chunks_exact(PART).map(lettered);
        let found = parts().flatten().count();
        let first = parts().next()??;
        (found > 1 && found * 10 >= parts().len() * 9).then_some(first)
    })
}

/// The order in which nearly all units are letters.
fn lettered(bytes: &[u8]) -> Option<&'static Encoding> {
    let (mut little, mut big) = (0, 0);
    for pair in bytes.chunks_exact(2) {
        little += usize::from(is_letter(pair[1], pair[0]));
        big += usize::from(is_letter(pair[0], pair[1]));
    }
    let most = bytes.len() / 2 * 9 / 10;
    if little > most {
        Some(UTF_16LE)
    } else if big > most {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// The order in which nearly all units are letters, ideographs or syllables, some of them ASCII, and the others no two
/// letters of plain text.
fn ideographic(bytes: &[u8]) -> Option<&'static Encoding> {
    let reads = |order: fn(&[u8]) -> (u8, u8)| {
        let (mut sound, mut ascii, mut noise) = (0, 0, 0);
        for (high, low) in bytes.chunks_exact(2).map(order) {
            let is_wide = matches!(high, 0x20 | 0x30..=0x9f | 0xac..=0xd7 | 0xff);
            sound += usize::from(is_wide || is_letter(high, low));
            ascii += usize::from(high == 0 && is_text(low));
            noise += usize::from(is_wide && !is_text(low));
        }
        let count = bytes.len() / 2;
        sound * 20 > count * 19 && ascii * 100 > count && noise * 4 > count - ascii
    };
    if reads(|pair| (pair[1], pair[0])) {
        Some(UTF_16LE)
    } else if reads(|pair| (pair[0], pair[1])) {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// The encoding whose byte order mark this begins with.
pub(super) fn marked(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [0xff, 0xfe, ..] => Some(UTF_16LE),
        [0xfe, 0xff, ..] => Some(UTF_16BE),
        _ => None,
    }
}

/// Whether the first unit of some bytes is a letter of the first alphabets.
fn is_lettered(bytes: &[u8], encoding: &'static Encoding) -> bool {
    match bytes {
        [low, high, ..] if encoding == UTF_16LE => is_letter(*high, *low),
        [high, low, ..] => is_letter(*high, *low),
        _ => false,
    }
}

/// Whether a row of letters begins here; `None` where more must be seen.
fn reads(bytes: &[u8], encoding: &'static Encoding, done: bool) -> Option<bool> {
    let units = bytes.chunks_exact(2).take(LETTERS);
    let count = units.len();
    if !units.clone().all(|unit| is_lettered(unit, encoding)) {
        return Some(false);
    }
    if count < LETTERS && !done {
        return None;
    }
    let low = |unit: &[u8]| unit[usize::from(encoding == UTF_16BE)];
    let different = units
        .clone()
        .enumerate()
        .filter(|(at, unit)| !units.clone().take(*at).any(|before| low(before) == low(unit)))
        .count();
    Some(count >= LAST_LETTERS && different * 2 > count)
}

/// How a stretch of UTF-16 goes on.
pub(super) enum Turn {
    No,
    /// More must be seen.
    Open,
    /// So many bytes of plain text and of a byte order mark first, then this.
    To(usize, usize, &'static Encoding),
}

/// Whether bytes that are no letter of a stretch are odd ones, behind which it goes on, or where one of the other order
/// begins. `run` is how many of them are ASCII.
pub(super) fn turn(bytes: &[u8], run: usize, encoding: &'static Encoding, done: bool) -> Turn {
    if run < 2 && is_lettered(bytes, encoding) {
        return Turn::No;
    }
    let other = if encoding == UTF_16LE { UTF_16BE } else { UTF_16LE };
    // Of ASCII both may be true: programs seldom change the order.
    let odd = [1, run.saturating_sub(1), run];
    let odd = odd.into_iter().filter(|at| at % 2 == 1).map(|at| (at, encoding));
    for (at, encoding) in odd.chain([(0, other)]) {
        let Some(rest) = bytes.get(at..).filter(|rest| rest.len() > 1) else {
            if done {
                continue;
            }
            return Turn::Open;
        };
        let (mark, encoding) = match marked(rest) {
            Some(marked) => (2, marked),
            _ => (0, encoding),
        };
        match reads(&rest[mark..], encoding, done) {
            Some(true) => return Turn::To(at, mark, encoding),
            Some(false) => {}
            None => return Turn::Open,
        }
    }
    Turn::No
}

/// Whether these first bytes are letters of UTF-16, as noise is not.
pub(super) fn is_sensible(bytes: &[u8], encoding: &'static Encoding) -> bool {
    let bytes = &bytes[..bytes.len().min(MARKED) / 2 * 2];
    let (text, broken) = encoding.decode_without_bom_handling(bytes);
    let is_letter = |letter: char| match letter {
        '\t' | '\r' | '\n' => true,
        '\u{e000}'..='\u{f8ff}' | '\u{fffe}' | '\u{ffff}' => false,
        _ => !letter.is_control(),
    };
    // The last one may be half a pair.
    let whole = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
    (!broken || !whole.contains(char::REPLACEMENT_CHARACTER)) && whole.chars().all(is_letter)
}

/// Whether the two bytes of a unit are ASCII, or a letter of one of the alphabets behind it, Greek, Cyrillic and Hebrew
/// among them.
fn is_letter(high: u8, low: u8) -> bool {
    match high {
        0 => is_text(low),
        1..=6 => true,
        _ => false,
    }
}

pub(super) fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | 32..=126)
}

/// Whether these first bytes of a text are UTF-8 without a NUL.
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    let bytes = &bytes[..bytes.len().min(MARKED)];
    let valid = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    valid && !bytes.contains(&0)
}
