//! Markings (TLP, PAP) in text that people wrote: comments, cells, lines of their own. No marking is loosened: of
//! several the strictest counts, and a TLP label that is not known is RED.

use perisai_model::{Context, Pap, Tlp};

/// The strictest marking that stands anywhere in a text: `TLP:AMBER`, `tlp: green`, `TLP-RED`.
pub(crate) fn in_text(text: &str) -> Option<Tlp> {
    let mut strictest = None;
    let mut rest = text;
    while let Some((before, behind)) = next_mark(rest) {
        let is_word = before
            .chars()
            .next_back()
            .is_none_or(|c| !c.is_alphanumeric() && c != '.');
        if is_word {
            strictest = Tlp::stricter(strictest, label(behind));
        }
        rest = behind;
    }
    strictest
}

/// The same of bytes; what is no UTF-8 in them does no harm.
pub(crate) fn in_bytes(bytes: &[u8]) -> Option<Tlp> {
    in_text(&String::from_utf8_lossy(bytes))
}

/// The marking of a line that consists of nothing else (`TLP:AMBER`).
pub(crate) fn alone(line: &str) -> Option<Tlp> {
    let line = line.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '*' | '[' | ']'));
    let (before, behind) = next_mark(line)?;
    let is_alone = before.is_empty()
        && behind.len() <= 20
        && behind
            .chars()
            .all(|c| c.is_ascii_alphabetic() || matches!(c, ':' | '+' | '-' | '_' | ' ' | '='));
    is_alone.then(|| label(behind)).flatten()
}

/// Adds what a column of markings says. What is of no TLP kind (a statement, a copyright) is passed over.
pub(crate) fn apply(cell: &str, context: &mut Context) {
    context.tlp = Tlp::stricter(context.tlp, in_text(cell));
    for part in cell.split([',', ';', '|']) {
        let part = part.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '[' | ']'));
        context.tlp = Tlp::stricter(context.tlp, Tlp::from_label(part));
        context.pap = context.pap.max(Pap::from_tag(part));
    }
}

/// Splits at the next `tlp`, in any case.
fn next_mark(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let ends = |end: &usize| *end >= 2 && bytes[end - 2..*end].eq_ignore_ascii_case(b"tl");
    let end = memchr::memchr2_iter(b'p', b'P', bytes).find(ends)?;
    Some((&text[..end - 2], &text[end + 1..]))
}

/// The label at the start of what follows `tlp`. After a colon each is one; else only those that are known, as text
/// may speak of TLP.
fn label(text: &str) -> Option<Tlp> {
    let text = text.trim_start();
    let is_tag = text.starts_with(':');
    let text = text.strip_prefix([':', '-', '_', '=']).unwrap_or(text);
    let text = text.trim_start_matches([' ', '\t', '"', '\'']);
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || matches!(c, '+' | '-' | '_')))
        .unwrap_or(text.len());
    let word = text[..end].trim_end_matches(['+', '-', '_']);
    if word.is_empty() {
        return None;
    }
    let known = Tlp::from_label(word).or_else(|| is_tag.then_some(Tlp::Red));
    let strict = || {
        text[end..]
            .trim_start_matches([' ', '+', '-'])
            .get(..6)
            .is_some_and(|next| next.eq_ignore_ascii_case("strict"))
    };
    if known == Some(Tlp::Amber) && strict() {
        return Some(Tlp::AmberStrict);
    }
    known
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markings_anywhere() {
        let check = |text: &str, expected| assert_eq!(in_text(text), expected, "{text}");
        check("TLP:AMBER", Some(Tlp::Amber));
        check("# Source: CERT-X  TLP:AMBER", Some(Tlp::Amber));
        check("tlp: green, then TLP:RED", Some(Tlp::Red));
        check("TLP:AMBER+STRICT, do not share", Some(Tlp::AmberStrict));
        check("TLP:AMBER STRICT", Some(Tlp::AmberStrict));
        check("TLP AMBER + STRICT", Some(Tlp::AmberStrict));
        check("(TLP-RED)", Some(Tlp::Red));
        check("tlp:\"white\"", Some(Tlp::Clear));
        check("TLP:MAUVE", Some(Tlp::Red));
        check("TLP:CLEAR.", Some(Tlp::Clear));
        check("the TLP is not known", None);
        check("TLP", None);
        check("TLP:", None);
        check("ntlp:red evil.tlp", None);
        check("é tlp é", None);
    }

    #[test]
    fn lines_that_are_a_marking() {
        let check = |text: &str, expected| assert_eq!(alone(text), expected, "{text}");
        check("TLP:AMBER", Some(Tlp::Amber));
        check("\"TLP: AMBER+STRICT\"", Some(Tlp::AmberStrict));
        check("TLP:MAUVE", Some(Tlp::Red));
        check("tlp.example", None);
        check("TLP:RED evil.example", None);
        check("evil.example TLP:RED", None);
        check("tlp", None);
    }

    #[test]
    fn cells() {
        let check = |text: &str, tlp, pap| {
            let mut context = Context::default();
            apply(text, &mut context);
            assert_eq!((context.tlp, context.pap), (tlp, pap), "{text}");
        };
        check("TLP:GREEN, TLP:RED, PAP:AMBER", Some(Tlp::Red), Some(Pap::Amber));
        check("amber", Some(Tlp::Amber), None);
        check("[\"TLP:GREEN\"]", Some(Tlp::Green), None);
        check("Copyright X", None, None);
    }

    proptest! {
        #[test]
        fn never_panics(text in "([tTlLpP:+ -]|\\PC){0,30}") {
            let _ = (in_text(&text), alone(&text));
        }
    }
}
