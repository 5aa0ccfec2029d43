//! From rules as text to compiled rules: parsing, filters, names, log sources. What can not be used is told, with its
//! place.

use std::collections::HashMap;
use std::sync::Arc;

use perisai_model::{
    Context, IdleRule, Place, Position, Problem, Rule, RuleInfo, RuleKind, RuleLanguage, Severity, Source,
};
use rsigma_eval::compiler::compile_detection;
use rsigma_parser::{
    ConditionExpr, CorrelationRule, Detection, Detections, FilterRule, FilterRuleTarget, Level, LogSource,
    SigmaRule, parse_sigma_yaml,
};

use super::correlation::{self, Correlation};
use super::field::Fields;
use super::limits;
use super::literal::{self, Need};
use super::logsource::{self, Target};
use super::prepare;
use super::rule::{self, Node};

/// A rule ready to run.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) info: Arc<RuleInfo>,
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) node: Node,
    pub(super) need: Need,
    pub(super) keywords: bool,
    pub(super) targets: Vec<Target>,
}

/// All rules, and what was wrong.
#[derive(Debug, Default)]
pub(super) struct Compilation {
    pub(super) fields: Fields,
    pub(super) rules: Vec<Compiled>,
    /// `None` where one can not be used, so that the others keep their numbers.
    pub(super) correlations: Vec<Option<Correlation>>,
    pub(super) idle: Vec<IdleRule>,
    pub(super) problems: Vec<Problem>,
}

struct Loaded<T> {
    rule: T,
    info: RuleInfo,
    place: Place,
}

#[derive(Default)]
struct Documents {
    rules: Vec<Loaded<SigmaRule>>,
    correlations: Vec<Loaded<CorrelationRule>>,
    filters: Vec<Loaded<FilterRule>>,
    /// Where a rule with an id, or else a title, stands in `rules`.
    known: HashMap<String, usize>,
}

/// Compiles all rules of the language Sigma.
pub(super) fn compile<'a>(rules: impl Iterator<Item = (&'a Rule, &'a Context)>) -> Compilation {
    let mut out = Compilation::default();
    let mut documents = Documents::default();
    for (rule, context) in rules.filter(|(rule, _)| rule.language == RuleLanguage::Sigma) {
        documents.read(rule, context, &mut out.problems);
    }
    let filters: Vec<_> = documents
        .filters
        .into_iter()
        .filter_map(|filter| {
            out.take(
                &filter.place.clone(),
                &filter.rule.title.clone(),
                prepare_filter(filter),
            )
        })
        .collect();
    for loaded in documents.rules {
        let place = loaded.place.clone();
        let title = loaded.rule.title.clone();
        let compiled = compile_rule(loaded, &filters, &mut out);
        if let Some(compiled) = out.take(&place, &title, compiled) {
            out.rules.push(compiled);
        }
    }
    out.compile_correlations(documents.correlations);
    out
}

impl Compilation {
    fn compile_correlations(&mut self, documents: Vec<Loaded<CorrelationRule>>) {
        let names = correlation::Names::new(&self.rules, documents.iter().map(|one| &one.rule));
        let mut told = Vec::new();
        for loaded in documents {
            let compiled =
                correlation::compile(&loaded.rule, Arc::new(loaded.info), &names, &mut self.fields);
            let compiled = self.take(&loaded.place, &loaded.rule.title, compiled);
            self.correlations.push(compiled);
            told.push((loaded.place, loaded.rule.title));
        }
        for at in correlation::cycles(&self.correlations) {
            let (place, title) = &told[at];
            self.take::<()>(place, title, Err("it is about itself".to_owned()));
            self.correlations[at] = None;
        }
    }

    fn take<T>(&mut self, place: &Place, title: &str, result: Result<T, String>) -> Option<T> {
        result
            .map_err(|why| {
                self.problems.push(Problem::new(
                    place.clone(),
                    format!("Sigma rule `{title}`: {why}"),
                ));
            })
            .ok()
    }
}

impl Documents {
    fn read(&mut self, rule: &Rule, context: &Context, problems: &mut Vec<Problem>) {
        let parsed = limits::check_text(&rule.text)
            .and_then(|()| parse_sigma_yaml(&rule.text).map_err(|error| error.to_string()));
        let collection = match parsed {
            Ok(collection) => collection,
            Err(why) => {
                problems.push(Problem::new(rule.place.clone(), format!("Sigma: {why}")));
                return;
            }
        };
        for why in collection.errors {
            problems.push(Problem::new(place_of(&rule.place, &why), format!("Sigma: {why}")));
        }
        for parsed in collection.rules {
            let info = info_of(&Words::of_rule(&parsed), context);
            self.add_rule(Loaded {
                rule: parsed,
                info,
                place: rule.place.clone(),
            });
        }
        for parsed in collection.correlations {
            self.correlations.push(Loaded {
                info: info_of(&Words::of_correlation(&parsed), context),
                rule: parsed,
                place: rule.place.clone(),
            });
        }
        for parsed in collection.filters {
            self.filters.push(Loaded {
                info: info_of(&Words::default(), context),
                rule: parsed,
                place: rule.place.clone(),
            });
        }
    }

    /// The same rule from several sources is one rule of several sources.
    fn add_rule(&mut self, loaded: Loaded<SigmaRule>) {
        let key = loaded
            .rule
            .id
            .clone()
            .unwrap_or_else(|| loaded.rule.title.clone());
        if let Some(&at) = self.known.get(&key) {
            let other = &mut self.rules[at];
            if other.rule.detection == loaded.rule.detection && other.rule.logsource == loaded.rule.logsource
            {
                other.info.sources.extend(loaded.info.sources);
                other.info.sources.sort();
                other.info.sources.dedup();
                other.info.tags.extend(loaded.info.tags);
                other.info.tags.sort();
                other.info.tags.dedup();
                return;
            }
        }
        self.known.entry(key).or_insert(self.rules.len());
        self.rules.push(loaded);
    }
}

/// The line that a message of the YAML parser names, from where the rule's text starts.
fn place_of(place: &Place, why: &str) -> Place {
    let line = why
        .split("at line ")
        .nth(1)
        .and_then(|rest| rest.split(|letter: char| !letter.is_ascii_digit()).next())
        .and_then(|digits| digits.parse::<u64>().ok());
    match (line, place.position) {
        (Some(line), Some(Position::Line(first))) => place.line(first + line.saturating_sub(1)),
        (Some(line), None) => place.line(line),
        _ => place.clone(),
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

fn info_of(words: &Words<'_>, context: &Context) -> RuleInfo {
    let severity = match words.level {
        Some(Level::Informational) => Severity::Informational,
        Some(Level::Low) => Severity::Low,
        Some(Level::Medium) => Severity::Medium,
        Some(Level::High) => Severity::High,
        Some(Level::Critical) => Severity::Critical,
        None => context.severity.unwrap_or(Severity::Medium),
    };
    let mut tags: Vec<String> = words.tags.iter().chain(&context.tags).cloned().collect();
    tags.sort();
    tags.dedup();
    RuleInfo {
        kind: RuleKind::Sigma,
        name: words.title.to_owned(),
        severity,
        tags,
        author: words.author.or(context.author.as_ref()).cloned(),
        reference: words.references.first().or(context.reference.as_ref()).cloned(),
        sources: vec![Source {
            source: Arc::clone(&context.source),
            id: words.id.or(context.id.as_ref()).cloned(),
            tlp: context.tlp,
        }],
    }
}

/// A filter, checked.
struct Filter {
    rules: FilterRuleTarget,
    logsource: Option<LogSource>,
    detection: Detections,
}

fn prepare_filter(loaded: Loaded<FilterRule>) -> Result<Filter, String> {
    limits::check_detections(&loaded.rule.detection)?;
    Ok(Filter {
        rules: loaded.rule.rules,
        logsource: loaded.rule.logsource,
        detection: loaded.rule.detection,
    })
}

impl Filter {
    /// A filter names rules by id, name or title, and each word of its log source must be the rule's.
    fn applies(&self, rule: &SigmaRule) -> bool {
        let named = match &self.rules {
            FilterRuleTarget::Any => true,
            FilterRuleTarget::Specific(names) => names
                .iter()
                .any(|name| [rule.id.as_ref(), rule.name.as_ref(), Some(&rule.title)].contains(&Some(name))),
        };
        let word = |filter: &Option<String>, rule: &Option<String>| match (filter, rule) {
            (None, _) => true,
            (Some(filter), Some(rule)) => filter.eq_ignore_ascii_case(rule),
            (Some(_), None) => false,
        };
        named
            && self.logsource.as_ref().is_none_or(|source| {
                word(&source.category, &rule.logsource.category)
                    && word(&source.product, &rule.logsource.product)
                    && word(&source.service, &rule.logsource.service)
            })
    }
}

fn compile_rule(
    loaded: Loaded<SigmaRule>,
    filters: &[Filter],
    out: &mut Compilation,
) -> Result<Compiled, String> {
    let Loaded { rule, info, .. } = loaded;
    if rsigma_parser::is_unsupported(rule.sigma_version) {
        return Err("it is written for a newer version of Sigma".to_owned());
    }
    limits::check_detections(&rule.detection)?;
    let mut node = condition_of(&rule.detection, &mut out.fields)?;
    let applied: Vec<Node> = filters
        .iter()
        .filter(|filter| filter.applies(&rule))
        .map(|filter| condition_of(&filter.detection, &mut out.fields))
        .collect::<Result<_, _>>()?;
    if !applied.is_empty() {
        node = Node::All(std::iter::once(node).chain(applied).collect());
    }
    let need = literal::need(&node, &out.fields);
    let targets = targets_of(&rule.logsource, &need);
    let why = match &targets {
        Ok(_) => None,
        Err(why) => Some(why.clone()),
    };
    if let Some(why) = why {
        out.idle.push(IdleRule {
            name: rule.title.clone(),
            id: rule.id.clone(),
            why,
        });
    }
    Ok(Compiled {
        info: Arc::new(info),
        id: rule.id,
        name: rule.name,
        keywords: node.has_keywords(),
        node,
        need,
        targets: targets.unwrap_or_default(),
    })
}

/// The conditions of a detection: one of them has to hold.
fn condition_of(detections: &Detections, fields: &mut Fields) -> Result<Node, String> {
    let mut named: Vec<(&String, &Detection)> = detections.named.iter().collect();
    named.sort_by_key(|(name, _)| *name);
    let named = named
        .into_iter()
        .map(|(name, detection)| {
            let mut detection = detection.clone();
            prepare::prepare(&mut detection);
            let compiled = compile_detection(&detection).map_err(|error| error.to_string())?;
            Ok((name.clone(), rule::named(compiled, fields)?))
        })
        .collect::<Result<rule::Detections, String>>()?;
    let conditions = detections
        .conditions
        .iter()
        .map(|condition: &ConditionExpr| Node::condition(condition, &named))
        .collect::<Result<Vec<_>, _>>()?;
    match conditions.len() {
        0 => Err("it has no condition".to_owned()),
        1 => Ok(conditions.into_iter().next().expect("there is one")),
        _ => Ok(Node::Any(conditions)),
    }
}

/// The logs that a rule is about, with the event ids that its own condition leaves.
fn targets_of(source: &LogSource, need: &Need) -> Result<Vec<Target>, String> {
    let mut targets = logsource::targets(source);
    if targets.is_empty() {
        let words = [&source.product, &source.category, &source.service].map(|word| word.as_deref());
        return Err(format!(
            "its log source ({}) is not known here",
            words.into_iter().flatten().collect::<Vec<_>>().join("/")
        ));
    }
    let Some(ids) = &need.ids else {
        return Ok(targets);
    };
    if ids.is_empty() {
        return Err("no event can have all the event ids that it asks for".to_owned());
    }
    for target in &mut targets {
        if target.ids.is_empty() {
            target.ids = ids.iter().copied().collect();
        } else {
            target.ids.retain(|id| ids.contains(id));
            if target.ids.is_empty() {
                target.key.clear();
            }
        }
    }
    targets.retain(|target| !target.key.is_empty());
    if targets.is_empty() {
        return Err("the event ids it asks for are not of its log source".to_owned());
    }
    Ok(targets)
}
