//! What people and programs put around a value: quotes, marks of code and emphasis, links of Markdown.

/// Marks that open, and those that close. Which quote opens differs from language to language.
const OPEN: &[char] = &[
    '"', '\'', '`', '“', '”', '„', '‟', '‘', '’', '‚', '«', '»', '‹', '›', '「', '『',
];
const CLOSE: &[char] = &[
    '"', '\'', '`', '“', '”', '„', '‟', '‘', '’', '‚', '«', '»', '‹', '›', '」', '』',
];

/// True for a quote or a mark of code.
pub(crate) fn is_mark(c: char) -> bool {
    OPEN.contains(&c) || CLOSE.contains(&c)
}

/// A text without the marks around it, however many: `“evil.example”`, `**evil.example**`, `<http://evil.example/>`,
/// and of a link (`[evil.example](https://report.example/)`) what is shown.
pub(crate) fn bare(text: &str) -> &str {
    let mut text = text.trim();
    while let Some(inner) = quoted(text).or_else(|| shown(text)) {
        text = inner.trim();
    }
    text
}

fn quoted(text: &str) -> Option<&str> {
    let inner = match text.strip_prefix('<') {
        Some(rest) => rest.strip_suffix('>'),
        // One asterisk may stand for anything, and two are emphasis.
        None if text.starts_with("**") => text[2..].strip_suffix("**"),
        None => text.strip_prefix(OPEN).and_then(|rest| rest.strip_suffix(CLOSE)),
    };
    inner.filter(|inner| !inner.is_empty())
}

/// What a link of Markdown shows.
fn shown(text: &str) -> Option<&str> {
    let (shown, target) = text.strip_prefix('[')?.strip_suffix(')')?.split_once("](")?;
    let is_target = target.contains("://") || target.starts_with(['/', '#']);
    (is_target && !shown.is_empty() && !target.contains(char::is_whitespace)).then_some(shown)
}

/// The cells of a row of a table in Markdown, which stands between bars; `None` for another line.
pub(crate) fn cells(line: &str) -> Option<impl Iterator<Item = &str>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    inner.contains('|').then(|| inner.split('|').map(str::trim))
}

/// True for the line under the headings of a table in Markdown: `|---|:---:|`, `--- | ---`.
pub(crate) fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.contains('|')
        && line.contains("--")
        && line
            .chars()
            .all(|c| matches!(c, '|' | '-' | ':') || c.is_whitespace())
}

/// True for a fence around lines of code in Markdown.
pub(crate) fn is_fence(line: &str) -> bool {
    line.trim()
        .strip_prefix("```")
        .is_some_and(|language| language.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_stands_in_marks() {
        let check = |text: &str, expected: &str| assert_eq!(bare(text), expected, "{text}");
        check("“evil.example”", "evil.example");
        check("„evil.example“", "evil.example");
        check("« evil.example »", "evil.example");
        check("**`evil.example`**", "evil.example");
        check("<http://evil.example/>", "http://evil.example/");
        check("[evil[.]example](https://report.example/x)", "evil[.]example");
        check("`[evil.example](https://report.example/x)`", "evil.example");
        check("[2001:db8::1]", "[2001:db8::1]");
        check("[x](y z)", "[x](y z)");
        check("evil.example\"", "evil.example\"");
        check("\"\"", "\"\"");
        check("*.evil.example", "*.evil.example");
        check("*evil.example*", "*evil.example*");
        check("***", "***");
    }

    #[test]
    fn rows_of_markdown() {
        let check = |text: &str, expected: Option<&[&str]>| {
            let seen = cells(text).map(Iterator::collect::<Vec<_>>);
            assert_eq!(seen.as_deref(), expected, "{text}");
        };
        check("| a | `b` |", Some(&["a", "`b`"]));
        check("|a||", Some(&["a", ""]));
        check("| a |", None);
        check("a | b", None);
        check("|", None);
        assert!(is_rule("|---|:--:|") && is_rule("--- | ---"));
        assert!(!is_rule("| a |") && !is_rule("---") && !is_rule("|"));
    }

    proptest! {
        #[test]
        fn never_panics(text in "([*`\"“<>\\[\\]()|: -]|://|\\PC){0,40}") {
            let _ = (bare(&text), is_rule(&text), cells(&text).map(Iterator::count));
        }
    }
}
