//! Tells YARA rules by the first word after comments.

/// What the first words of a text say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// A file of YARA rules.
    Yara,
    /// Block comments and nothing else.
    OnlyComments,
    /// Something else.
    Other,
}

/// Looks at the first word that is no comment.
pub(crate) fn look(text: &str) -> Look {
    let mut rest = text.trim_start();
    let mut block = false;
    loop {
        let after = if let Some(comment) = rest.strip_prefix("//") {
            comment.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            block = true;
            comment.split_once("*/").map_or("", |(_, after)| after)
        } else {
            break;
        };
        rest = after.trim_start();
    }
    match rest {
        "" if block => Look::OnlyComments,
        _ if starts_rule(rest) => Look::Yara,
        _ => Look::Other,
    }
}

fn starts_rule(text: &str) -> bool {
    let (mut word, mut rest) = first_word(text);
    while matches!(word, "private" | "global") {
        (word, rest) = first_word(rest);
    }
    match word {
        "import" | "include" => rest.starts_with('"'),
        "rule" => {
            let (name, after) = first_word(rest);
            !name.is_empty() && (after.is_empty() || after.starts_with(['{', ':', '/']))
        }
        _ => false,
    }
}

/// A word, which may be empty, and what follows it and white space.
fn first_word(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

/// The names of the rules in a text. What stands in strings, regular expressions, comments and braces is no rule.
pub(crate) fn names(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let (mut names, mut depth, mut at) = (Vec::new(), 0_usize, 0);
    // A slash is a division, but for where a value is expected.
    let (mut value_next, mut name_next) = (false, false);
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        let is_space = byte.is_ascii_whitespace() || rest.starts_with(b"//") || rest.starts_with(b"/*");
        let end = match byte {
            b'/' if rest.starts_with(b"//") => skip_to(bytes, at, b"\n"),
            b'/' if rest.starts_with(b"/*") => skip_to(bytes, at + 2, b"*/"),
            b'/' if value_next => quoted(bytes, at),
            b'"' => quoted(bytes, at),
            _ => at + rest.iter().take_while(|byte| is_word(**byte)).count().max(1),
        };
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ if depth == 0 && is_word(byte) => {
                let word = &text[at..end];
                if std::mem::replace(&mut name_next, word == "rule") {
                    names.push(word);
                }
            }
            _ => {}
        }
        if !is_space {
            value_next = matches!(byte, b'=' | b'(' | b',') || &bytes[at..end] == b"matches";
        }
        at = end;
    }
    names
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The end of what starts with a quote or slash, and goes on to the next that is not escaped, or to the line's end.
fn quoted(bytes: &[u8], at: usize) -> usize {
    let mut escaped = false;
    let ends = |&byte: &u8| {
        let plain = !std::mem::replace(&mut escaped, false);
        escaped = plain && byte == b'\\';
        byte == b'\n' || plain && byte == bytes[at]
    };
    let rest = &bytes[at + 1..];
    rest.iter().position(ends).map_or(bytes.len(), |end| at + end + 2)
}

fn skip_to(bytes: &[u8], at: usize, end: &[u8]) -> usize {
    memchr::memmem::find(&bytes[at..], end).map_or(bytes.len(), |found| at + found + end.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_words() {
        let check = |text: &str, expected| assert_eq!(look(text), expected, "{text}");
        check("rule a { condition: true }", Look::Yara);
        check("\n/* x\n*/\n// y\nimport \"pe\"\n", Look::Yara);
        check("private global rule a : tag\n{", Look::Yara);
        check("include \"x.yar\"", Look::Yara);
        check("/* moved */\n", Look::OnlyComments);
        check("// a list\nevil.example", Look::Other);
        check("rule of law", Look::Other);
        check("import foo", Look::Other);
        check("", Look::Other);
        check(&"private ".repeat(100_000), Look::Other);
    }
}
