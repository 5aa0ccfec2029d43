//! Where each rule of a text stands in it, and what it imports: so that a rule can go to others by itself.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use perisai_model::RuleText;
use yara_x_parser::Parser;
use yara_x_parser::cst::{CSTStream, Event, SyntaxKind};

/// The rules of a text by name: each with the text's `import` lines before it.
pub(crate) fn texts(text: &Arc<str>) -> HashMap<String, RuleText> {
    let (mut imports, mut rules) = (Vec::new(), Vec::<(Range<usize>, Option<String>)>::new());
    let mut is_rule = false;
    for event in CSTStream::from(Parser::new(text.as_bytes())) {
        match event {
            Event::Begin {
                kind: SyntaxKind::IMPORT_STMT,
                span,
            } => imports.push(span.range()),
            Event::Begin {
                kind: SyntaxKind::RULE_DECL,
                span,
            } => {
                rules.push((span.range(), None));
                is_rule = true;
            }
            // The first name in a rule is its own.
            Event::Token {
                kind: SyntaxKind::IDENT,
                span,
            } if is_rule => {
                is_rule = false;
                if let Some((_, name)) = rules.last_mut() {
                    *name = text.get(span.range()).map(str::to_owned);
                }
            }
            _ => {}
        }
    }
    let named = |(range, name): (Range<usize>, Option<String>)| {
        let parts = imports.iter().cloned().chain([range]);
        Some((name?, RuleText::parts(text, parts)))
    };
    rules.into_iter().filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_rule_has_its_imports() {
        let text: Arc<str> =
            "// by us\nimport \"pe\"\nimport \"math\"\n\nprivate rule a : t {\n  strings:\n    \
            $x = \"}\" // rule z {\n  condition: $x\n}\nrule b { condition: a and pe.is_pe }"
                .into();
        let found = texts(&text);
        let check = |name: &str, expected: &str| assert_eq!(found[name].to_string(), expected);
        check(
            "a",
            "import \"pe\"\nimport \"math\"\nprivate rule a : t {\n  strings:\n    $x = \"}\" // rule z {\n  \
             condition: $x\n}",
        );
        check(
            "b",
            "import \"pe\"\nimport \"math\"\nrule b { condition: a and pe.is_pe }",
        );
        assert_eq!(found.len(), 2);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(rule |import |\"pe\"|[a-z]|\\{|\\}|/|\\*|\"|:|=|\\$|\n| |é){0,80}") {
            for (_, text) in texts(&text.as_str().into()) {
                let _ = text.to_string();
            }
        }
    }
}
