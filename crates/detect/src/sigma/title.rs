//! Titles that YAML does not take for text, though their authors meant them so: `title: 4688`.

use std::borrow::Cow;

/// What the parser says of a document whose title it did not find.
const MISSING: &str = "Missing required field 'title'";

/// True where a problem is that there is no title of text.
pub(super) fn is_missing(why: &str) -> bool {
    why.contains(MISSING)
}

/// The text with quotes around titles that are numbers or truth values; `None` where there are none.
pub(super) fn quoted(text: &str) -> Option<String> {
    let mut any = false;
    let lines = text.split_inclusive('\n').map(|line| {
        let Some((before, value)) = title(line).filter(|(_, value)| is_other_scalar(value)) else {
            return Cow::Borrowed(line);
        };
        any = true;
        let after = &line[before.len() + value.len()..];
        Cow::Owned(format!("{before}'{value}'{after}"))
    });
    let text = lines.collect();
    any.then_some(text)
}

/// Why there is no title.
pub(super) fn why(text: &str) -> Option<&'static str> {
    let (_, value) = text.lines().find_map(title)?;
    let empty = matches!(value, "" | "~" | "null" | "Null" | "NULL");
    Some(if empty {
        "its title is empty"
    } else {
        "its title is not a text"
    })
}

/// What stands before a title's value, and the value.
fn title(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix("title")?.trim_start().strip_prefix(':')?;
    let end = rest.find(" #").unwrap_or(rest.len());
    let value = rest[..end].trim();
    let start = line.len() - rest[..].trim_start().len();
    Some((&line[..if value.is_empty() { line.len() } else { start }], value))
}

/// True for what could be a number or a truth value.
fn is_other_scalar(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._:".contains(&byte);
    !value.is_empty()
        && value.bytes().all(plain)
        && (value.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first))
            || value.eq_ignore_ascii_case("true")
            || value.eq_ignore_ascii_case("false"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_quoted() {
        let check =
            |text: &str, expected: Option<&str>| assert_eq!(quoted(text).as_deref(), expected, "{text}");
        check("title: 4688\nid: 1\n", Some("title: '4688'\nid: 1\n"));
        check("title :  -1.5e3 # so\r\n", Some("title :  '-1.5e3' # so\r\n"));
        check("title: True", Some("title: 'True'"));
        check("title:\n", None);
        check("title: null", None);
        check("title: 4688 process created\n", None);
        check("title: '4688'\n", None);
        check(" title: 4688\n", None);
        check("titles: 4688\n", None);
    }
}
