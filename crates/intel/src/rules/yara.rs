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
