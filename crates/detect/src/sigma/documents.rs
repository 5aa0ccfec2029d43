//! From texts to documents: rules, correlations and filters with what they say of themselves, their own text, and the
//! line on which each stands.

use std::collections::HashMap;
use std::sync::Arc;

use perisai_model::{
    Context, IdleRule, Place, Problem, Rule, RuleInfo, RuleKind, RuleText, Severity, Source, merged_tags,
    rule_key,
};
use rsigma_parser::{CorrelationRule, FilterRule, Level, SigmaRule, parse_sigma_yaml};

use super::limits;
use super::split::{Part, parts};
use super::title;

/// A document, and where it stands.
pub(super) struct Loaded<T> {
    pub(super) rule: T,
    pub(super) info: RuleInfo,
    pub(super) place: Place,
}

/// What can not be used: told as problems, and listed among the rules that did no work.
#[derive(Debug, Default)]
pub(super) struct Refused {
    pub(super) problems: Vec<Problem>,
    pub(super) idle: Vec<IdleRule>,
}

impl Refused {
    /// Refuses a document; the name is empty where it is not known.
    pub(super) fn add(&mut self, place: Place, name: &str, id: Option<&str>, why: &str) {
        let (told, listed) = if name.is_empty() {
            (format!("Sigma: {why}"), place.to_string())
        } else {
            (format!("Sigma rule `{name}`: {why}"), name.to_owned())
        };
        self.idle.push(IdleRule {
            name: listed,
            id: id.map(str::to_owned),
            why: format!("not loaded ({place}): {why}"),
            loaded: false,
        });
        self.problems.push(Problem::new(place, told));
    }
}

/// All documents of all texts.
#[derive(Default)]
pub(super) struct Documents {
    pub(super) rules: Vec<Loaded<SigmaRule>>,
    pub(super) correlations: Vec<Loaded<CorrelationRule>>,
    pub(super) filters: Vec<Loaded<FilterRule>>,
    /// Where a rule stands in `rules`, by the key of its findings.
    known: HashMap<String, usize>,
}

impl Documents {
    /// Reads a text, document by document: one that is broken stops no other.
    pub(super) fn read(&mut self, rule: &Rule, context: &Context, refused: &mut Refused) {
        for part in parts(&rule.text) {
            self.read_part(&Origin { rule, context, part }, refused);
        }
    }

    fn read_part(&mut self, origin: &Origin<'_>, refused: &mut Refused) {
        let text = origin.part.text;
        let parse = |text: &str| parse_sigma_yaml(text).map_err(|error| error.to_string());
        let mut parsed = limits::check_text(text).and_then(|()| parse(text));
        if let Ok(first) = &parsed
            && first.errors.iter().any(|why| title::is_missing(why))
            && let Some(quoted) = title::quoted(text)
        {
            parsed = parse(&quoted);
        }
        let collection = match parsed {
            Ok(collection) => collection,
            Err(why) => return origin.refuse(&why, refused),
        };
        for why in collection.errors {
            let title = title::why(text).filter(|_| title::is_missing(&why));
            origin.refuse(title.unwrap_or(&why), refused);
        }
        for parsed in collection.rules {
            let loaded = origin.loaded(&Words::of_rule(&parsed));
            self.add_rule(loaded.with(parsed));
        }
        for parsed in collection.correlations {
            let loaded = origin.loaded(&Words::of_correlation(&parsed));
            self.correlations.push(loaded.with(parsed));
        }
        for parsed in collection.filters {
            let words = Words {
                title: &parsed.title,
                ..Words::default()
            };
            let loaded = origin.loaded(&words);
            self.filters.push(loaded.with(parsed));
        }
    }

    /// The same rule from several sources is one rule of several sources.
    fn add_rule(&mut self, loaded: Loaded<SigmaRule>) {
        let key = loaded.info.key.clone();
        if let Some(&at) = self.known.get(&key) {
            let other = &mut self.rules[at];
            if other.rule.detection == loaded.rule.detection && other.rule.logsource == loaded.rule.logsource
            {
                let sources = std::mem::take(&mut other.info.sources);
                other.info.sources = Source::merged(sources.into_iter().chain(loaded.info.sources));
                other.info.tags = merged_tags(other.info.tags.iter().chain(&loaded.info.tags));
                other.info.valid = other.info.valid.or(loaded.info.valid);
                other.info.severity = other.info.severity.max(loaded.info.severity);
                return;
            }
        }
        self.known.entry(key).or_insert(self.rules.len());
        self.rules.push(loaded);
    }
}

/// Whence a document is.
struct Origin<'a> {
    rule: &'a Rule,
    context: &'a Context,
    part: Part<'a>,
}

impl Loaded<()> {
    fn with<T>(self, rule: T) -> Loaded<T> {
        Loaded {
            rule,
            info: self.info,
            place: self.place,
        }
    }
}

impl Origin<'_> {
    fn loaded(&self, words: &Words<'_>) -> Loaded<()> {
        let text = RuleText::parts(&self.rule.text, [self.part.range()]);
        Loaded {
            rule: (),
            info: info_of(words, self.context, text),
            place: self.rule.line(self.part.line_of("title", words.title)),
        }
    }

    /// Tells what rsigma says, at the line that it means.
    fn refuse(&self, why: &str, refused: &mut Refused) {
        let (why, inside) = without_line(why);
        let line = match inside {
            Some(line) => self.part.first_line + line.saturating_sub(1),
            None if why.starts_with("Condition") => self.part.line_of("condition", ""),
            None => self.part.line_of("title", ""),
        };
        let name = self.part.value("title").or_else(|| self.part.value("id"));
        let place = self.rule.line(line);
        refused.add(place, name.unwrap_or_default(), self.part.value("id"), &why);
    }
}

/// What the YAML parser says without its own `at line 3 column 7`, and that line, counted from 1.
fn without_line(why: &str) -> (String, Option<u64>) {
    let parts = why.split_once(" at line ").and_then(|(before, rest)| {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (line, rest) = rest.split_at(digits(rest));
        let column = rest.strip_prefix(" column ").map(|rest| &rest[digits(rest)..]);
        Some((format!("{before}{}", column.unwrap_or(rest)), line.parse().ok()?))
    });
    match parts {
        Some((why, line)) => (why, Some(line)),
        None => (why.to_owned(), None),
    }
}

/// What a document says of itself.
#[derive(Default)]
struct Words<'a> {
    title: &'a str,
    id: Option<&'a String>,
    level: Option<Level>,
    tags: &'a [String],
    author: Option<&'a String>,
    references: &'a [String],
}

impl<'a> Words<'a> {
    fn of_rule(rule: &'a SigmaRule) -> Self {
        Self {
            title: &rule.title,
            id: rule.id.as_ref(),
            level: rule.level,
            tags: &rule.tags,
            author: rule.author.as_ref(),
            references: &rule.references,
        }
    }

    fn of_correlation(rule: &'a CorrelationRule) -> Self {
        Self {
            title: &rule.title,
            id: rule.id.as_ref(),
            level: rule.level,
            tags: &rule.tags,
            author: rule.author.as_ref(),
            references: &rule.references,
        }
    }
}

fn info_of(words: &Words<'_>, context: &Context, text: RuleText) -> RuleInfo {
    let severity = match words.level {
        Some(Level::Informational) => Severity::Informational,
        Some(Level::Low) => Severity::Low,
        Some(Level::Medium) => Severity::Medium,
        Some(Level::High) => Severity::High,
        Some(Level::Critical) => Severity::Critical,
        None => context.severity.unwrap_or(Severity::Medium),
    };
    RuleInfo {
        kind: RuleKind::Sigma,
        name: words.title.to_owned(),
        severity,
        tags: merged_tags(words.tags.iter().chain(&context.tags)),
        author: words.author.or(context.author.as_ref()).cloned(),
        reference: words.references.first().or(context.reference.as_ref()).cloned(),
        sources: vec![Source {
            source: Arc::clone(&context.source),
            id: words.id.or(context.id.as_ref()).cloned(),
            tlp: context.tlp,
        }],
        key: rule_key(words.id.map(String::as_str), &text.to_string()),
        text: Some(text),
        valid: context.validity(),
    }
}
