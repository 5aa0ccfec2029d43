//! Text that strangers wrote, made safe to look at. A log line can hold escape sequences that repaint a terminal,
//! and marks that reorder or hide what a person reads; all of them are shown as `\u{…}` instead.

use std::borrow::Cow;
use std::fmt::Write as _;

/// True for characters that control a terminal, reorder text, or cannot be seen.
pub(crate) const fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\0'..='\x1f'
            | '\x7f'..='\u{9f}'
            | '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// The text on one line without anything hidden: tabs become spaces, line ends `\n` and `\r`, the rest `\u{…}`.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\t' => out.push(' '),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            _ if is_hidden(c) => {
                write!(out, "\\u{{{:x}}}", u32::from(c)).expect("writing to a String never fails");
            }
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The text cleaned, and cut to at most `limit` characters with an ellipsis for the rest.
pub(crate) fn clip(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => clean(text).into_owned(),
        Some((end, _)) => format!("{}…", clean(&text[..end])),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_hides_is_shown() {
        let check = |text: &str, expected: &str| assert_eq!(clean(text), expected);
        check("Слава, 東京 — ok", "Слава, 東京 — ok");
        check("\x1b[2J\x1b]0;owned\x07", "\\u{1b}[2J\\u{1b}]0;owned\\u{7}");
        check("a\tb\r\nc", "a b\\r\\nc");
        check("gpj.\u{202e}exe", "gpj.\\u{202e}exe");
        check("\u{9b}31m", "\\u{9b}31m");
        check("C:\\new", "C:\\new");
    }

    #[test]
    fn cuts_fall_between_characters() {
        assert_eq!(clip("ключ", 2), "кл…");
        assert_eq!(clip("ключ", 4), "ключ");
        assert_eq!(clip("a\x1bb", 2), "a\\u{1b}…");
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left(text in any::<String>()) {
            prop_assert!(!clean(&text).chars().any(is_hidden));
        }
    }
}
