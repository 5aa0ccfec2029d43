//! Where each rule of a text stands in it, what it imports and which others it names: so that a rule can go to others
//! by itself, and can be left out.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use perisai_model::RuleText;
use yara_x_parser::Parser;
use yara_x_parser::cst::{CSTStream, Event, SyntaxKind};

/// A text in pieces.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) imports: Vec<Range<usize>>,
    /// In the order of the text.
    pub(crate) rules: Vec<Part>,
}

/// A rule in its text.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    /// Where it stands. More than one place where others have taken its name: only one of them compiles.
    pub(crate) ranges: Vec<Range<usize>>,
    /// The rules before it that its condition names, by their positions; once or more.
    pub(crate) needs: Vec<usize>,
    /// All rules of the text match only where this one does.
    pub(crate) is_global: bool,
}

/// Cuts a text into its pieces.
pub(crate) fn parts(text: &str) -> Parts {
    let (mut parts, mut by_name) = (Parts::default(), HashMap::<String, usize>::new());
    let (mut rule, mut name) = (None, None);
    let (mut is_global, mut is_condition) = (false, false);
    for event in CSTStream::from(Parser::new(text.as_bytes())) {
        match event {
            Event::Begin { kind, span } => match kind {
                SyntaxKind::IMPORT_STMT => parts.imports.push(span.range()),
                SyntaxKind::RULE_DECL => {
                    (rule, name) = (Some(span.range()), None);
                    (is_global, is_condition) = (false, false);
                }
                SyntaxKind::CONDITION_BLK => is_condition = true,
                _ => {}
            },
            Event::Token { kind, span } => match kind {
                SyntaxKind::GLOBAL_KW => is_global = true,
                // The first name in a rule is its own.
                SyntaxKind::IDENT if rule.is_some() => {
                    let own = text.get(span.range()).unwrap_or_default();
                    let range = rule.take().into_iter();
                    let at = *by_name.entry(own.to_owned()).or_insert(parts.rules.len());
                    if at == parts.rules.len() {
                        parts.rules.push(Part {
                            name: own.to_owned(),
                            ranges: Vec::new(),
                            needs: Vec::new(),
                            is_global,
                        });
                    }
                    parts.rules[at].ranges.extend(range);
                    parts.rules[at].is_global |= is_global;
                    name = Some(at);
                }
                SyntaxKind::IDENT if is_condition => {
                    let other = text.get(span.range()).and_then(|other| by_name.get(other));
                    if let (Some(at), Some(&other)) = (name, other)
                        && at != other
                    {
                        parts.rules[at].needs.push(other);
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
    parts
}

/// The rules of a text by name: each with the text's `import` lines before it.
pub(crate) fn texts(text: &Arc<str>) -> HashMap<String, RuleText> {
    let Parts { imports, rules } = parts(text);
    let named = |part: Part| {
        let ranges = imports.iter().chain(part.ranges.first()).cloned();
        (part.name, RuleText::parts(text, ranges))
    };
    rules.into_iter().map(named).collect()
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

    #[test]
    fn what_a_rule_needs() {
        let text = "rule a : b { meta: c = \"d\" condition: true }\nrule b { condition: a }\n\
            global private rule c { condition: filesize > 1 }\nrule a { condition: b }\n\
            rule d { strings: $a = \"b\" condition: $a and not (c or a) and later }";
        let found: Vec<_> = parts(text)
            .rules
            .into_iter()
            .map(|part| (part.name, part.ranges.len(), part.needs, part.is_global))
            .collect();
        let expected = [
            ("a", 2, vec![1], false),
            ("b", 1, vec![0], false),
            ("c", 1, vec![], true),
            ("d", 1, vec![2, 0], false),
        ];
        assert_eq!(
            found,
            expected.map(|(name, places, needs, is_global)| (name.to_owned(), places, needs, is_global))
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(rule |global |condition:|import |\"pe\"|[a-z]|\\{|\\}|/|\\*|\"|:|=|\\$|\n| |é){0,80}") {
            for (_, text) in texts(&text.as_str().into()) {
                let _ = text.to_string();
            }
        }
    }
}
