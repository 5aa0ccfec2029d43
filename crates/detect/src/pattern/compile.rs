//! From a rule's text to a pattern that is ready to run.

use std::sync::Arc;

use perisai_model::{
    Context, Place, Problem, Rule, RuleInfo, RuleKind, RuleLanguage, Severity, Source, Timestamp,
};
use perisai_pattern::{Node, Pattern, Qualifier, parse};

/// How bad a match is where its source does not say.
const UNSAID: Severity = Severity::High;

/// The most letters of a pattern that serve as its name where it has none.
const NAME_LENGTH: usize = 120;

/// A pattern, and what is known of it.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) pattern: Pattern,
    pub(super) info: Arc<RuleInfo>,
    pub(super) valid: (Option<Timestamp>, Option<Timestamp>),
    pub(super) place: Place,
    /// One event is all that any match of it takes.
    pub(super) alone: bool,
}

/// Compiles all rules of the language; those that cannot be used are problems.
pub(super) fn compile<'a>(
    rules: impl Iterator<Item = (&'a Rule, &'a Context)>,
) -> (Vec<Compiled>, Vec<Problem>) {
    let (mut patterns, mut problems) = (Vec::new(), Vec::new());
    for (rule, context) in rules.filter(|(rule, _)| rule.language == RuleLanguage::StixPattern) {
        match parse(&rule.text) {
            Ok(pattern) => patterns.push(Compiled {
                info: Arc::new(info(rule, context)),
                valid: (context.valid_from, context.valid_until),
                place: rule.place.clone(),
                alone: takes_one(pattern.root()),
                pattern,
            }),
            Err(error) => {
                let name = context.id.as_deref().or(context.name.as_deref());
                let of = name.map(|name| format!(" of {name}")).unwrap_or_default();
                problems.push(Problem::new(
                    rule.place.clone(),
                    format!("STIX pattern{of}: {error}"),
                ));
            }
        }
    }
    (patterns, problems)
}

fn info(rule: &Rule, context: &Context) -> RuleInfo {
    let mut tags = context.tags.clone();
    tags.sort_unstable();
    tags.dedup();
    RuleInfo {
        kind: RuleKind::StixPattern,
        name: context.name.clone().unwrap_or_else(|| shortened(&rule.text)),
        severity: context.severity.unwrap_or(UNSAID),
        tags,
        author: context.author.clone(),
        reference: context.reference.clone(),
        sources: vec![Source {
            source: Arc::clone(&context.source),
            id: context.id.clone(),
            tlp: context.tlp,
        }],
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(NAME_LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// True where every match is of one observation.
fn takes_one(node: &Node) -> bool {
    match node {
        Node::Expression(_) => true,
        Node::Or(links) => links.iter().all(takes_one),
        Node::And(_) | Node::FollowedBy(_) | Node::Qualified(_, Qualifier::Repeats(2..)) => false,
        Node::Qualified(inner, _) => takes_one(inner),
    }
}
