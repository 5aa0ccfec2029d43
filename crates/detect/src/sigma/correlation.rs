//! Correlation rules: how often, how many different values, or which rules together, within a time.
//!
//! Here they are compiled; `observation` has what they keep of an event, `correlate` runs them.

use std::collections::HashMap;
use std::sync::Arc;

use perisai_model::RuleInfo;
use rsigma_parser::{
    ConditionExpr, ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType, WindowMode,
};

use super::compile::Compiled;
use super::field::{FieldId, Fields};

/// A correlation, ready to run.
#[derive(Debug)]
pub(super) struct Correlation {
    pub(super) info: Arc<RuleInfo>,
    pub(super) kind: CorrelationType,
    /// The rules and correlations it watches, by position in its `rules`.
    sources: Vec<Vec<Watched>>,
    /// The names under which they stand there.
    pub(super) names: Vec<String>,
    pub(super) group_by: Vec<GroupBy>,
    pub(super) values: Vec<FieldId>,
    /// In microseconds.
    pub(super) timespan: i64,
    pub(super) mode: WindowMode,
    pub(super) gap: i64,
    pub(super) predicates: Vec<(ConditionOperator, f64)>,
    pub(super) extended: Option<ConditionExpr>,
    pub(super) percentile: f64,
    generates: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watched {
    Rule(usize),
    Correlation(usize),
}

/// A field to group by: its name in the correlation, and the field of each watched rule.
#[derive(Debug)]
pub(super) struct GroupBy {
    pub(super) name: Arc<str>,
    pub(super) fields: Vec<FieldId>,
}

/// A correlation that watches a rule, and at which position of its list the rule stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watch {
    pub(super) correlation: u32,
    pub(super) position: u32,
}

/// How deep correlations of correlations go.
const MAX_CHAIN: usize = 8;
/// At how many places correlations may watch one rule: each keeps something of every event that matches it.
const MAX_WATCHES: usize = 64;
/// How many fields a correlation may have to look at: the fields it groups by, for each of its rules.
const MAX_FIELDS: usize = 100_000;
/// How many names one test of a condition over rules may have to compare.
const MAX_NAMES: usize = 100_000;

/// What rules and correlations are called.
pub(super) struct Names {
    known: HashMap<String, Vec<Watched>>,
}

impl Names {
    pub(super) fn new<'a>(
        rules: &[Compiled],
        correlations: impl Iterator<Item = &'a CorrelationRule>,
    ) -> Self {
        let mut known: HashMap<String, Vec<Watched>> = HashMap::new();
        let mut add = |names: [&Option<String>; 2], watched| {
            for name in names.into_iter().flatten() {
                let list = known.entry(name.clone()).or_default();
                if !list.contains(&watched) {
                    list.push(watched);
                }
            }
        };
        for (at, rule) in rules.iter().enumerate() {
            add([&rule.id, &rule.name], Watched::Rule(at));
        }
        for (at, rule) in correlations.enumerate() {
            add([&rule.id, &rule.name], Watched::Correlation(at));
        }
        Self { known }
    }
}

/// Compiles a correlation.
///
/// # Errors
/// Where it names a rule that is not loaded, or asks for what its type does not have.
pub(super) fn compile(
    rule: &CorrelationRule,
    info: Arc<RuleInfo>,
    names: &Names,
    fields: &mut Fields,
) -> Result<Correlation, String> {
    let sources = sources(rule, names)?;
    let temporal = matches!(
        rule.correlation_type,
        CorrelationType::Temporal | CorrelationType::TemporalOrdered
    );
    let (predicates, values, percentile, extended) = match &rule.condition {
        CorrelationCondition::Threshold {
            predicates,
            field,
            percentile,
        } => (
            predicates.clone(),
            field.clone().unwrap_or_default(),
            *percentile,
            None,
        ),
        CorrelationCondition::Extended(expr) if temporal => {
            if names_in(expr).saturating_mul(rule.rules.len()) > MAX_NAMES {
                return Err("its condition is too long".to_owned());
            }
            (Vec::new(), Vec::new(), None, Some(expr.clone()))
        }
        CorrelationCondition::Extended(_) => {
            return Err("only temporal correlations can have a condition over rules".to_owned());
        }
    };
    if !temporal && rule.correlation_type != CorrelationType::EventCount && values.is_empty() {
        return Err(format!("a `{}` needs a field", rule.correlation_type.as_str()));
    }
    let group_by = rule
        .group_by
        .iter()
        .map(|name| GroupBy::new(name, rule, fields))
        .collect();
    let microseconds = |seconds: u64| {
        i64::try_from(seconds)
            .unwrap_or(i64::MAX)
            .saturating_mul(1_000_000)
    };
    Ok(Correlation {
        info,
        kind: rule.correlation_type,
        sources,
        names: rule.rules.clone(),
        group_by,
        values: values.iter().map(|name| fields.intern(name)).collect(),
        timespan: microseconds(rule.timespan.seconds),
        mode: rule.window,
        gap: rule
            .gap
            .as_ref()
            .map_or(i64::MAX, |gap| microseconds(gap.seconds)),
        predicates: predicates
            .into_iter()
            .map(|(operator, number)| (operator, number as f64))
            .collect(),
        extended,
        percentile: percentile.unwrap_or(50) as f64,
        generates: rule.generate,
    })
}

/// What the correlation is about.
fn sources(rule: &CorrelationRule, names: &Names) -> Result<Vec<Vec<Watched>>, String> {
    let known = |name: &String| {
        let known = names.known.get(name).cloned();
        known.ok_or_else(|| format!("it is about the rule `{name}`, which is not loaded"))
    };
    let sources = rule.rules.iter().map(known).collect::<Result<Vec<_>, _>>()?;
    if sources.is_empty() {
        return Err("it names no rules".to_owned());
    }
    if sources.len().saturating_mul(rule.group_by.len()) > MAX_FIELDS {
        return Err("it groups too many rules by too many fields".to_owned());
    }
    Ok(sources)
}

/// How many rules a condition names.
fn names_in(expr: &ConditionExpr) -> usize {
    match expr {
        ConditionExpr::And(inner) | ConditionExpr::Or(inner) => inner.iter().map(names_in).sum(),
        ConditionExpr::Not(inner) => names_in(inner),
        ConditionExpr::Identifier(_) | ConditionExpr::Selector { .. } => 1,
    }
}

impl GroupBy {
    fn new(name: &str, rule: &CorrelationRule, fields: &mut Fields) -> Self {
        let alias = rule.aliases.iter().find(|alias| alias.alias == name);
        let of = |reference: &String| {
            alias
                .and_then(|alias| alias.mapping.get(reference))
                .map_or(name, String::as_str)
        };
        Self {
            name: name.into(),
            fields: rule
                .rules
                .iter()
                .map(|reference| fields.intern(of(reference)))
                .collect(),
        }
    }
}

/// The order in which correlations run: after all those that they watch. Beside it, those that can not be used, with
/// the reason.
pub(super) fn order(correlations: &[Option<Correlation>]) -> (Vec<usize>, Vec<(usize, String)>) {
    let mut watchers = vec![Vec::new(); correlations.len()];
    let mut awaited = vec![0_usize; correlations.len()];
    for (at, correlation) in correlations.iter().enumerate() {
        for source in correlation.iter().flat_map(|one| one.sources.iter().flatten()) {
            if let Watched::Correlation(other) = *source {
                // One that is not there never comes.
                watchers[other].push(at);
                awaited[at] += 1;
            }
        }
    }
    let mut order: Vec<usize> = (0..correlations.len())
        .filter(|&at| correlations[at].is_some() && awaited[at] == 0)
        .collect();
    let mut depth = vec![0_usize; correlations.len()];
    let mut next = 0;
    while let Some(&at) = order.get(next) {
        next += 1;
        for &watcher in &watchers[at] {
            depth[watcher] = depth[watcher].max(depth[at] + 1);
            awaited[watcher] -= 1;
            if awaited[watcher] == 0 {
                order.push(watcher);
            }
        }
    }
    let refused = (0..correlations.len())
        .filter_map(|at| {
            let why = if awaited[at] > 0 {
                "it is about itself, or about a correlation that can not be used".to_owned()
            } else if depth[at] > MAX_CHAIN {
                format!("it is a correlation of correlations more than {MAX_CHAIN} deep")
            } else {
                return None;
            };
            Some((at, why))
        })
        .collect();
    order.retain(|&at| depth[at] <= MAX_CHAIN);
    (order, refused)
}

/// The correlations that watch a rule at which too many others do, with the reason.
pub(super) fn crowded(rules: usize, correlations: &[Option<Correlation>]) -> Vec<(usize, String)> {
    let mut watches = vec![0; rules + correlations.len()];
    let mut refused = Vec::new();
    for (at, correlation) in correlations.iter().enumerate() {
        let all = correlation.iter().flat_map(|one| one.sources.iter().flatten());
        let places: Vec<usize> = all.map(|source| source.place(rules)).collect();
        places.iter().for_each(|&place| watches[place] += 1);
        if places.iter().any(|&place| watches[place] > MAX_WATCHES) {
            places.iter().for_each(|&place| watches[place] -= 1);
            let why = format!("correlations name one of its rules more than {MAX_WATCHES} times");
            refused.push((at, why));
        }
    }
    refused
}

impl Watched {
    /// Its place in a list of all rules and, behind them, all correlations.
    fn place(self, rules: usize) -> usize {
        match self {
            Self::Rule(rule) => rule,
            Self::Correlation(other) => rules + other,
        }
    }
}

/// By rule: who watches it, and whether all who do want it to make no finding of its own.
pub(super) fn watchers(
    rules: &[Compiled],
    correlations: &[Option<Correlation>],
) -> (Vec<Vec<Watch>>, Vec<bool>) {
    let mut watchers = vec![Vec::new(); rules.len() + correlations.len()];
    let mut loud = vec![false; watchers.len()];
    for (at, correlation) in correlations.iter().enumerate() {
        let Some(correlation) = correlation else { continue };
        for (position, sources) in correlation.sources.iter().enumerate() {
            for source in sources {
                let watched = source.place(rules.len());
                watchers[watched].push(Watch {
                    correlation: u32::try_from(at).expect("rules' size is limited"),
                    position: u32::try_from(position).expect("rules' size is limited"),
                });
                loud[watched] |= correlation.generates;
            }
        }
    }
    let silent = watchers
        .iter()
        .zip(&loud)
        .map(|(watches, loud)| !watches.is_empty() && !loud)
        .collect();
    (watchers, silent)
}
