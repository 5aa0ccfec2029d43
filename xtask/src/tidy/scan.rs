//! A scanner for Rust source that tells code, comments and literals apart. No parser: it knows where a string, a
//! character or a comment begins and ends, and leaves everything else as it is.

/// A source text twice, both of the length of the original, with all line breaks in their places.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Masked {
    /// Only the code; comments, and the contents of strings and characters, are blanks.
    pub(super) code: Vec<u8>,
    /// Only the comments.
    pub(super) comments: Vec<u8>,
}

/// Splits a source text.
pub(super) fn mask(source: &str) -> Masked {
    let bytes = source.as_bytes();
    let blank = |byte: &u8| if *byte == b'\n' { b'\n' } else { b' ' };
    let mut masked = Masked {
        code: bytes.to_vec(),
        comments: bytes.iter().map(blank).collect(),
    };
    let mut at = 0;
    while at < bytes.len() {
        let token = token_at(bytes, at);
        let end = (at + token.length).min(bytes.len());
        match token.kind {
            TokenKind::Comment => {
                masked.comments[at..end].copy_from_slice(&bytes[at..end]);
                masked.code[at..end].copy_from_slice(&bytes[at..end].iter().map(blank).collect::<Vec<_>>());
            }
            TokenKind::Literal => {
                for byte in &mut masked.code[at..end] {
                    *byte = blank(byte);
                }
            }
            TokenKind::Code => {}
        }
        at = end;
    }
    masked
}

struct Token {
    kind: TokenKind,
    length: usize,
}

enum TokenKind {
    Comment,
    Literal,
    Code,
}

fn token_at(bytes: &[u8], at: usize) -> Token {
    let rest = &bytes[at..];
    let (kind, length) = match rest {
        [b'/', b'/', ..] => (TokenKind::Comment, line_length(rest)),
        [b'/', b'*', ..] => (TokenKind::Comment, block_comment_length(rest)),
        [b'"', ..] => (TokenKind::Literal, string_length(rest)),
        [b'\'', ..] => match char_length(rest) {
            Some(length) => (TokenKind::Literal, length),
            None => (TokenKind::Code, 1),
        },
        [first, ..] if is_word(*first) => {
            let word = rest.iter().take_while(|byte| is_word(**byte)).count();
            match (&rest[..word], raw_string_length(&rest[word..])) {
                (b"r" | b"br" | b"cr", Some(length)) => (TokenKind::Literal, word + length),
                _ => (TokenKind::Code, word),
            }
        }
        _ => (TokenKind::Code, 1),
    };
    Token { kind, length }
}

/// True for a byte of an identifier; letters outside ASCII count.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn line_length(rest: &[u8]) -> usize {
    rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
}

/// Block comments nest.
fn block_comment_length(rest: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string_length(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of `#"…"#` with any number of marks, none included; `None` where no raw string stands there.
fn raw_string_length(rest: &[u8]) -> Option<usize> {
    let marks = rest.iter().take_while(|byte| **byte == b'#').count();
    if rest.get(marks) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(marks + 1, b'#');
    let body = &rest[marks + 1..];
    let end = body.windows(close.len()).position(|window| window == close);
    Some(end.map_or(rest.len(), |end| marks + 1 + end + close.len()))
}

/// The length of a character literal; `None` where the quote begins a lifetime or a label.
fn char_length(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        let close = rest.iter().skip(3).position(|byte| *byte == b'\'')?;
        return Some(3 + close + 1);
    }
    let first = std::str::from_utf8(&rest[1..rest.len().min(5)]).unwrap_or_else(|error| {
        std::str::from_utf8(&rest[1..1 + error.valid_up_to()]).expect("valid up to there")
    });
    let width = first.chars().next()?.len_utf8();
    (rest.get(1 + width) == Some(&b'\'')).then_some(width + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_kept_and_the_rest_blanked() {
        let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let check = |source: &str, code: &str| {
            let masked = mask(source);
            assert_eq!(
                squeeze(&String::from_utf8(masked.code).unwrap()),
                code,
                "{source}"
            );
            assert_eq!(masked.comments.len(), source.len(), "{source}");
        };
        check("a // b\nc", "a c");
        check("a /* b /* c */ d */ e", "a e");
        check(r#"f("{ // x", y)"#, "f( , y)");
        check(r#"f("\"{", y)"#, "f( , y)");
        check(r###"r#"a"}"#;b"###, ";b");
        check(r#"br"\";b"#, ";b");
        check("r#fn + var\"x\"", "r#fn + var");
        check("'{' '\\'' '\\u{7b}' 'é'", "");
        check(
            "fn f<'a>(x: &'a str) -> &'static str {",
            "fn f<'a>(x: &'a str) -> &'static str {",
        );
        check("'outer: loop { break 'outer; }", "'outer: loop { break 'outer; }");
        check("b'\"' b'x'", "b b");
        check("\"open", "");
        check("/* open", "");
    }

    #[test]
    fn comments_are_kept_apart() {
        let masked = mask("x(\"// no\"); // yes\n/* and */ y");
        let comments = String::from_utf8(masked.comments).unwrap();
        assert_eq!(
            comments.split_whitespace().collect::<Vec<_>>(),
            ["//", "yes", "/*", "and", "*/"]
        );
    }
}
