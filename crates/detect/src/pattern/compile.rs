//! From a rule's text to a pattern that is ready to run.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use perisai_model::{
    Context, IdleRule, Place, Problem, Rule, RuleInfo, RuleKind, RuleLanguage, RuleText, Severity, Source,
    rule_key,
};
use perisai_pattern::{Comparison, Literal, Node, Operator, Pattern, Qualifier, Test, parse};

use super::derive::{Fold, address};
use super::index::{Frequencies, Need};
use super::mapping::{Builder, Mapping};

/// How bad a match is where its source does not say.
const UNSAID: Severity = Severity::Medium;
/// The most comparisons of one pattern that an index cannot spare: each may be made for every event.
const MAX_ASKED: usize = 1_000;

/// The most letters of a pattern that serve as its name where it has none.
const NAME_LENGTH: usize = 120;

/// A pattern, and what is known of it.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) pattern: Pattern,
    pub(super) info: Arc<RuleInfo>,
    pub(super) place: Place,
    /// One event is all that any match of it takes.
    pub(super) alone: bool,
    /// By [`ObjectPath::id`](perisai_pattern::ObjectPath::id).
    pub(super) paths: Vec<PathUse>,
    /// By object type under `NOT EXISTS`: the slots of which one must have a value for such an object to be there.
    types: Vec<(String, Vec<u32>)>,
    /// By expression: which values an event needs so that it can hold.
    pub(super) needs: Vec<Need>,
    /// By [`Test::id`]: the test as a pattern of its own, made when it is first needed.
    pub(super) probes: Vec<OnceLock<Option<Box<Pattern>>>>,
}

/// What a path of a pattern is in events.
#[derive(Debug, Default)]
pub(super) struct PathUse {
    /// Where its values stand; `None` where no log has it.
    pub(super) slot: Option<u32>,
    /// The pattern's constants, by the key that they have in common with all other spellings.
    spellings: HashMap<Box<str>, Box<str>>,
    /// The nets among the constants: `ipv4-addr:value = '192.0.2.0/24'` means its addresses.
    nets: Vec<(Net, Box<str>)>,
}

#[derive(Debug)]
struct Net {
    address: IpAddr,
    prefix: u32,
}

/// All that is made of the rules.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) mapping: Mapping,
    pub(super) patterns: Vec<Compiled>,
    pub(super) idle: Vec<IdleRule>,
    pub(super) problems: Vec<Problem>,
}

/// Compiles all rules of the language; those that cannot be used are problems.
pub(super) fn compile<'a>(rules: impl Iterator<Item = (&'a Rule, &'a Context)>) -> Output {
    let mut builder = Builder::default();
    let mut output = Output::default();
    for (rule, context) in rules.filter(|(rule, _)| rule.language == RuleLanguage::StixPattern) {
        let parsed = parse(&rule.text).map_err(|error| error.to_string());
        match parsed.and_then(checked) {
            Ok(pattern) => {
                let compiled = Compiled::new(pattern, rule, context, &mut builder);
                output.patterns.push(compiled);
            }
            Err(error) => {
                let name = context.id.as_deref().or(context.name.as_deref());
                let of = name.map(|name| format!(" of {name}")).unwrap_or_default();
                let why = format!("STIX pattern{of}: {error}");
                output.problems.push(Problem::new(rule.place.clone(), why));
            }
        }
    }
    output.mapping = builder.mapping;
    output.choose_needs();
    output
}

/// Refuses a pattern that costs too much for each event.
fn checked(pattern: Pattern) -> Result<Pattern, String> {
    let mut tests = Vec::new();
    pattern
        .observation_expressions()
        .iter()
        .for_each(|expression| each_test(expression, &mut tests));
    let asked = tests
        .iter()
        .filter(|test| test.negated || constants(&test.operator).is_empty());
    if asked.count() > MAX_ASKED {
        return Err(format!(
            "more than {MAX_ASKED} comparisons other than `=` and `IN`"
        ));
    }
    Ok(pattern)
}

impl Output {
    /// Says what each expression needs of an event, with an eye to what the others need.
    fn choose_needs(&mut self) {
        let mut frequencies = Frequencies::default();
        self.patterns
            .iter()
            .for_each(|compiled| frequencies.count(compiled, &self.mapping));
        for compiled in &mut self.patterns {
            let expressions = compiled.pattern.observation_expressions().iter();
            compiled.needs = expressions
                .map(|it| Need::of(it, compiled, &self.mapping, &frequencies))
                .collect();
            self.idle.extend(compiled.idle());
        }
    }
}

impl Compiled {
    fn new(pattern: Pattern, rule: &Rule, context: &Context, builder: &mut Builder) -> Self {
        let mut tests = Vec::new();
        pattern
            .observation_expressions()
            .iter()
            .for_each(|expression| each_test(expression, &mut tests));
        let paths = path_uses(&pattern, &tests, builder);
        let types = type_slots(&pattern, &tests, &paths, builder);
        let mut probes = Vec::new();
        probes.resize_with(
            tests.iter().map(|test| test.id + 1).max().unwrap_or(0),
            OnceLock::new,
        );
        Self {
            info: Arc::new(info(rule, context)),
            place: rule.place.clone(),
            alone: takes_one(pattern.root()),
            needs: Vec::new(),
            pattern,
            paths,
            types,
            probes,
        }
    }

    /// The slots of which one must have a value for an object of the type to be there.
    pub(super) fn type_slots(&self, object_type: &str) -> &[u32] {
        self.types
            .iter()
            .find(|(name, _)| name == object_type)
            .map_or(&[], |(_, slots)| slots)
    }

    /// True where no log event can be part of a match.
    pub(super) fn is_idle(&self) -> bool {
        !can_hold(self.pattern.root(), &|number| !self.needs[number].is_never())
    }

    /// The pattern as one that does no work.
    pub(super) fn idle_for(&self, why: String) -> IdleRule {
        IdleRule {
            name: self.info.name.clone(),
            id: self.info.sources.first().and_then(|source| source.id.clone()),
            why,
            loaded: true,
        }
    }

    fn idle(&self) -> Option<IdleRule> {
        if !self.is_idle() {
            return None;
        }
        let unknown = self
            .pattern
            .paths()
            .iter()
            .zip(&self.paths)
            .filter(|(_, by)| by.slot.is_none());
        let names: Vec<String> = unknown.map(|(path, _)| format!("`{path}`")).collect();
        Some(self.idle_for(match names.as_slice() {
            [] => "its comparisons can never hold".to_owned(),
            names => format!("no log has {}", names.join(", ")),
        }))
    }
}

impl PathUse {
    /// The pattern's own spelling of a value.
    pub(super) fn spelling(&self, key: &str) -> Option<&str> {
        if let Some(own) = self.spellings.get(key) {
            return Some(own);
        }
        if self.nets.is_empty() {
            return None;
        }
        let address = address(key)?;
        self.nets
            .iter()
            .find(|(net, _)| net.contains(address))
            .map(|(_, own)| &**own)
    }

    /// True where values are shown to the pattern as they are.
    pub(super) fn shows_all_as_is(&self) -> bool {
        self.spellings.is_empty() && self.nets.is_empty()
    }

    /// True where a constant stands for more than one value.
    pub(super) fn is_net(&self, constant: &str) -> bool {
        self.nets.iter().any(|(_, own)| **own == *constant)
    }
}

impl Net {
    fn parse(text: &str) -> Option<Self> {
        let (first, prefix) = text.split_once('/')?;
        let net = Self {
            address: address(first)?,
            prefix: prefix.parse().ok()?,
        };
        (net.prefix <= width(net.address)).then_some(net)
    }

    fn contains(&self, address: IpAddr) -> bool {
        let bits = width(self.address);
        let top = |address| bits_of(address).checked_shr(bits - self.prefix).unwrap_or(0);
        width(address) == bits && top(address) == top(self.address)
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// Adds all tests of a comparison.
pub(super) fn each_test<'a>(comparison: &'a Comparison, into: &mut Vec<&'a Test>) {
    match comparison {
        Comparison::Test(test) => into.push(test),
        Comparison::And(links) | Comparison::Or(links) => links.iter().for_each(|link| each_test(link, into)),
    }
}

/// The constants that an operator compares with for equality.
pub(super) fn constants(operator: &Operator) -> &[Literal] {
    match operator {
        Operator::Equal(literal) | Operator::NotEqual(literal) => std::slice::from_ref(literal),
        Operator::In(literals) => literals,
        _ => &[],
    }
}

/// True where an operator compares with numbers.
fn is_numeric(operator: &Operator) -> bool {
    let number = |literal: &Literal| matches!(literal, Literal::Int(_) | Literal::Float(_));
    match operator {
        Operator::Less(literal)
        | Operator::LessOrEqual(literal)
        | Operator::Greater(literal)
        | Operator::GreaterOrEqual(literal) => number(literal),
        other => constants(other).first().is_some_and(number),
    }
}

fn path_uses(pattern: &Pattern, tests: &[&Test], builder: &mut Builder) -> Vec<PathUse> {
    let mut by_path: Vec<Vec<&Test>> = vec![Vec::new(); pattern.paths().len()];
    tests.iter().for_each(|test| by_path[test.path].push(test));
    let uses = pattern.paths().iter().zip(by_path).map(|(path, tests)| {
        let numeric = tests.iter().any(|test| is_numeric(&test.operator));
        let Some(slot) = builder.slot(path, numeric) else {
            return PathUse::default();
        };
        let fold = builder.mapping.fold(slot);
        let mut by = PathUse {
            slot: Some(slot),
            ..PathUse::default()
        };
        // Beside other operators than `=` a net is not taken for its addresses.
        let nets = fold == Fold::Host && tests.iter().all(|test| !constants(&test.operator).is_empty());
        for literal in tests.iter().flat_map(|test| constants(&test.operator)) {
            let Literal::Str(text) = literal else { continue };
            if fold != Fold::Exact {
                by.spellings
                    .entry(fold.key(text).into())
                    .or_insert_with(|| text.as_str().into());
            }
            if nets && let Some(net) = Net::parse(text) {
                by.nets.push((net, text.as_str().into()));
            }
        }
        by
    });
    uses.collect()
}

fn type_slots(
    pattern: &Pattern,
    tests: &[&Test],
    paths: &[PathUse],
    builder: &mut Builder,
) -> Vec<(String, Vec<u32>)> {
    let lacking = tests
        .iter()
        .filter(|test| test.negated && test.operator == Operator::Exists);
    let mut names: Vec<&str> = lacking
        .map(|test| pattern.paths()[test.path].object_type.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    let slots = |name: &str| {
        let mut slots = builder.slots_of_type(name);
        let own = pattern
            .paths()
            .iter()
            .zip(paths)
            .filter(|(path, _)| path.object_type == name);
        slots.extend(own.filter_map(|(_, by)| by.slot));
        slots.sort_unstable();
        slots.dedup();
        slots
    };
    let mut slots = slots;
    names
        .into_iter()
        .map(|name| (name.to_owned(), slots(name)))
        .collect()
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
        text: Some(RuleText::whole(&rule.text)),
        key: rule_key(context.id.as_deref(), &rule.text),
        valid: context.validity(),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(NAME_LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// True where a match is possible, given which expressions, by number, can hold at all.
pub(super) fn can_hold(node: &Node, expression: &dyn Fn(usize) -> bool) -> bool {
    match node {
        Node::Expression(number) => expression(*number),
        Node::And(links) | Node::FollowedBy(links) => links.iter().all(|link| can_hold(link, expression)),
        Node::Or(links) => links.iter().any(|link| can_hold(link, expression)),
        Node::Qualified(inner, _) => can_hold(inner, expression),
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
