//! Texts from outside, made fit to be kept and shown: cut to a length, without control characters.

/// The longest name, author or tag that is kept, in bytes.
pub(crate) const NAME: usize = 256;
/// The longest description or reference that is kept, in bytes.
pub(crate) const PROSE: usize = 2048;
/// How many tags one context keeps.
pub(crate) const TAGS: usize = 128;

/// A text cut to `limit` bytes at a character, trimmed, each control character a space; `None` where nothing is left.
pub(crate) fn clip(text: &str, limit: usize) -> Option<String> {
    let text = text.trim();
    let cut = &text[..text.floor_char_boundary(limit)];
    let clean: String = cut
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}

/// A value as it is shown in a message: short, between backticks.
pub(crate) fn quoted(text: &str) -> String {
    const LIMIT: usize = 80;
    let more = if text.trim().len() > LIMIT { "…" } else { "" };
    format!("`{}{more}`", clip(text, LIMIT).unwrap_or_default())
}

/// Sorts tags, each once, and keeps at most [`TAGS`].
pub(crate) fn tidy_tags(tags: &mut Vec<String>) {
    tags.sort_unstable();
    tags.dedup();
    tags.truncate(TAGS);
}

/// The tag of an ATT&CK technique (`attack.t1059.001`) where a text is its id, in any case.
pub(crate) fn technique_tag(id: &str) -> Option<String> {
    let id = id.trim();
    let digits = id.strip_prefix(['T', 't'])?;
    let (technique, sub) = digits
        .split_once('.')
        .map_or((digits, None), |(t, s)| (t, Some(s)));
    let number = |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    (number(technique, 4) && sub.is_none_or(|sub| number(sub, 3)))
        .then(|| format!("attack.{}", id.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_made_fit() {
        assert_eq!(clip(" a\u{1b}[31mb\n", 99), Some("a [31mb".into()));
        assert_eq!(clip("äöü", 3), Some("ä".into()));
        assert_eq!(clip(" \n ", 9), None);
        assert_eq!(quoted("a\tb"), "`a b`");
        assert!(quoted(&"x".repeat(500)).len() < 90);
    }

    #[test]
    fn techniques() {
        assert_eq!(technique_tag("T1059.001").as_deref(), Some("attack.t1059.001"));
        assert_eq!(technique_tag("t1059").as_deref(), Some("attack.t1059"));
        for text in ["T105", "T1059.1", "S0001", "", "T10599", "Tabcd"] {
            assert_eq!(technique_tag(text), None, "{text}");
        }
    }
}
