//! Domain names: ASCII (punycode) in lower case without a trailing dot. Underscores are accepted, and top-level
//! domains are not checked (design.md, *Settled*).

use std::borrow::Cow;

/// The longest name that DNS can carry, in its text form.
pub const MAX_LENGTH: usize = 253;

const NO_CHARACTER: &str = "a character that no domain name has";

/// The canonical form of a domain name of at least two labels.
///
/// # Errors
/// Why it is no domain name.
pub fn canonical(text: &str) -> Result<Cow<'_, str>, &'static str> {
    let text = text.strip_suffix('.').unwrap_or(text);
    if !text.is_ascii() {
        if text.chars().any(is_punctuation) {
            return Err(NO_CHARACTER);
        }
        let ascii = to_ascii(text)?;
        check(&ascii)?;
        return Ok(Cow::Owned(ascii));
    }
    check(text)?;
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Ok(Cow::Owned(text.to_ascii_lowercase()));
    }
    Ok(Cow::Borrowed(text))
}

/// A name in Unicode as the ASCII name that stands for it (UTS 46, non-transitional).
///
/// # Errors
/// Where the name has no such form.
pub fn to_ascii(text: &str) -> Result<String, &'static str> {
    let ascii = idna::domain_to_ascii_cow(text.as_bytes(), idna::AsciiDenyList::EMPTY)
        .map_err(|_| "the international name has no ASCII form")?;
    Ok(ascii.strip_suffix('.').unwrap_or(&ascii).to_ascii_lowercase())
}

/// Quotes, dashes, arrows and brackets outside ASCII: UTS 46 lets them pass, and IDNA 2008 (RFC 5892) does not. In a
/// list they stand around a name. Emoji are no names by IDNA 2008 either, and registries sell them.
const fn is_punctuation(c: char) -> bool {
    matches!(
        c,
        '\u{a1}'
            | '\u{a7}'
            | '\u{ab}'
            | '\u{b6}'
            | '\u{bb}'
            | '\u{bf}'
            | '\u{2010}'..='\u{2027}'
            | '\u{2030}'..='\u{205e}'
            | '\u{2190}'..='\u{21ff}'
            | '\u{275b}'..='\u{2760}'
            | '\u{2768}'..='\u{2775}'
            | '\u{27e6}'..='\u{27ef}'
            | '\u{2e00}'..='\u{2e7f}'
            | '\u{3001}'
            | '\u{3003}'
            | '\u{3008}'..='\u{3011}'
            | '\u{3014}'..='\u{301f}'
    )
}

fn check(text: &str) -> Result<(), &'static str> {
    if text.len() > MAX_LENGTH {
        return Err("longer than 253 characters");
    }
    let mut labels = 0;
    let mut last = "";
    for label in text.split('.') {
        if label.is_empty() {
            return Err("an empty label");
        }
        if label.len() > 63 {
            return Err("a label longer than 63 characters");
        }
        if !label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        {
            return Err(NO_CHARACTER);
        }
        labels += 1;
        last = label;
    }
    if labels < 2 {
        return Err("a single label");
    }
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("the last label is a number");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &'static str>) {
        assert_eq!(canonical(text).as_deref().map_err(|why| *why), expected, "{text}");
    }

    #[test]
    fn names() {
        check("Evil.Example.", Ok("evil.example"));
        check("_dmarc.evil.example", Ok("_dmarc.evil.example"));
        check("bücher.example", Ok("xn--bcher-kva.example"));
        check("BÜCHER。example", Ok("xn--bcher-kva.example"));
        check("evil", Err("a single label"));
        check("evil..example", Err("an empty label"));
        check("1.2.3", Err("the last label is a number"));
        check("a b.example", Err(NO_CHARACTER));
        for quoted in [
            "“evil.example”",
            "„evil.example“",
            "«evil.example»",
            "‘evil.example’",
            "evil.example→",
            "evil–x.example",
        ] {
            check(quoted, Err(NO_CHARACTER));
        }
        check("l·l.example", Ok("xn--ll-0ea.example"));
        check("➡.example", Ok("xn--hgi.example"));
    }
}
