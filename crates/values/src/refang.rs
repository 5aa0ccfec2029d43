//! Undoes what analysts do to values so that nobody clicks on them: `hxxp`, `[.]`, `(dot)`, `[at]`.

use std::borrow::Cow;

/// What stands between brackets, and what it stands for.
const BRACKETED: &[(&str, &str)] = &[
    (".", "."),
    ("dot", "."),
    ("punkt", "."),
    (",", "."),
    ("@", "@"),
    ("at", "@"),
    (":", ":"),
    ("colon", ":"),
    ("://", "://"),
    (":/", ":/"),
    ("/", "/"),
    ("//", "//"),
    ("http", "http"),
    ("https", "https"),
];

/// Schemes as analysts write them, in lower case; `*` is any of `x`, `t` and `*`.
const SCHEMES: &[(&str, &str)] = &[
    ("hxxps", "https"),
    ("hxxp", "http"),
    ("htxps", "https"),
    ("htxp", "http"),
    ("hxtps", "https"),
    ("hxtp", "http"),
    ("h**ps", "https"),
    ("h**p", "http"),
    ("h__ps", "https"),
    ("h__p", "http"),
    ("meow", "http"),
    ("fxps", "ftps"),
    ("fxp", "ftp"),
];

/// The value as it really is. Borrowed where nothing was defanged.
#[must_use]
pub fn refang(text: &str) -> Cow<'_, str> {
    let scheme = defanged_scheme(text);
    if scheme.is_none() && !text.bytes().any(|byte| matches!(byte, b'[' | b'(' | b'{')) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 1);
    let mut rest = text;
    if let Some((length, real)) = scheme {
        out.push_str(real);
        rest = &text[length..];
    }
    while let Some(at) = rest.find(['[', '(', '{']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match bracketed(rest) {
            Some((length, real)) => {
                out.push_str(real);
                rest = &rest[length..];
            }
            None => {
                out.push_str(&rest[..1]);
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    if out == text {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(out)
    }
}

/// The length and meaning of a bracketed mark at the start of the text.
fn bracketed(text: &str) -> Option<(usize, &'static str)> {
    let close = match text.as_bytes()[0] {
        b'[' => ']',
        b'(' => ')',
        _ => '}',
    };
    let end = text.char_indices().take(8).find(|&(_, c)| c == close)?.0;
    let inner = text[1..end].trim();
    let (_, real) = BRACKETED
        .iter()
        .find(|(mark, _)| mark.eq_ignore_ascii_case(inner))?;
    Some((end + 1, real))
}

/// The length and meaning of a defanged scheme that is followed by a colon, or a bracketed one.
fn defanged_scheme(text: &str) -> Option<(usize, &'static str)> {
    let (mark, real) = SCHEMES.iter().find(|(mark, _)| {
        text.get(..mark.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(mark))
    })?;
    let rest = &text[mark.len()..];
    (rest.starts_with(':') || rest.starts_with("[:") || rest.starts_with("(:")).then_some((mark.len(), *real))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(refang(text), expected);
    }

    #[test]
    fn defanged_forms() {
        check("hxxp://evil[.]example/a", "http://evil.example/a");
        check("hXXps[:]//evil(dot)example", "https://evil.example");
        check("hxxps[://]evil{.}example[/]x", "https://evil.example/x");
        check("bob[at]evil[dot]example", "bob@evil.example");
        check("bob[@]evil[.]example", "bob@evil.example");
        check("192[.]0[.]2[.]1", "192.0.2.1");
        check("fxp://evil.example", "ftp://evil.example");
    }

    #[test]
    fn all_else_stays() {
        check("http://evil.example/a[1].txt", "http://evil.example/a[1].txt");
        check("[2001:db8::1]", "[2001:db8::1]");
        check("hxxporn.example", "hxxporn.example");
        check("a[", "a[");
        check("ä(é", "ä(é");
    }
}
