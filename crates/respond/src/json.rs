//! JSON whose strings are safe where they are read: what a terminal would obey is written as `\u` escapes, which
//! every JSON reader turns back; so is what could end a script element, where that is asked for.

use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

use crate::clean::is_hidden;

/// Where the JSON is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// A file or a terminal.
    File,
    /// The inside of an HTML script element.
    Html,
}

/// Writes a value as compact JSON.
pub(crate) fn write(out: &mut impl io::Write, value: &impl Serialize, target: Target) -> io::Result<()> {
    value
        .serialize(&mut Serializer::with_formatter(out, Escaping { target }))
        .map_err(io::Error::from)
}

struct Escaping {
    target: Target,
}

impl Escaping {
    fn escapes(&self, c: char) -> bool {
        is_hidden(c) || (self.target == Target::Html && matches!(c, '<' | '>' | '&' | '\''))
    }
}

impl Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, out: &mut W, text: &str) -> io::Result<()> {
        if self.target == Target::File && text.is_ascii() && !text.as_bytes().contains(&0x7f) {
            return out.write_all(text.as_bytes());
        }
        let mut rest = text;
        while let Some((at, c)) = rest.char_indices().find(|&(_, c)| self.escapes(c)) {
            CompactFormatter.write_string_fragment(out, &rest[..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = &rest[at + c.len_utf8()..];
        }
        CompactFormatter.write_string_fragment(out, rest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn to_string(value: &impl Serialize, target: Target) -> String {
        let mut out = Vec::new();
        write(&mut out, value, target).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn hidden_characters_are_escaped() {
        let check =
            |text: &str, target, expected: &str| assert_eq!(to_string(&text, target), expected, "{text:?}");
        check("a\u{9b}b\x7f", Target::File, r#""a\u009bb\u007f""#);
        check("\u{e0041}é\n", Target::File, r#""\udb40\udc41é\n""#);
        check("</script>", Target::File, r#""</script>""#);
        check(
            "</script>&'",
            Target::Html,
            r#""\u003c/script\u003e\u0026\u0027""#,
        );
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in any::<String>(), html in any::<bool>()) {
            let json = to_string(&text, if html { Target::Html } else { Target::File });
            prop_assert!(!json.chars().any(is_hidden));
            prop_assert!(!(html && json.contains('<')));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
