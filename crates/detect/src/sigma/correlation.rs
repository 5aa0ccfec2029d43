//! Correlation rules: how often, how many different values, or which rules together, within a time.
//!
//! Matching an event gives [`Observation`]s for the correlations that watch its rules. They are put in the order of
//! time after the scan, so the outcome does not depend on how files and threads interleaved. A correlation has a hit
//! at the event that makes its condition true, and again only after it was false in between.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use perisai_model::{Event, RuleInfo, Timestamp};
use rsigma_parser::{
    ConditionExpr, ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType, WindowMode,
};

use super::compile::Compiled;
use super::field::{FieldId, Fields};
use super::scratch::View;
use super::window::Window;
use super::{SigmaRuleId, SigmaRules};

/// A correlation, ready to run.
#[derive(Debug)]
pub(super) struct Correlation {
    pub(super) info: Arc<RuleInfo>,
    pub(super) kind: CorrelationType,
    /// The rules and correlations it watches, by position in its `rules`.
    sources: Vec<Vec<Watched>>,
    /// The names under which they stand there.
    pub(super) names: Vec<String>,
    group_by: Vec<GroupBy>,
    values: Vec<FieldId>,
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
struct GroupBy {
    name: String,
    fields: Vec<FieldId>,
}

/// A correlation that watches a rule, and at which position of its list the rule stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watch {
    correlation: usize,
    position: usize,
}

/// What a correlation wants to know of an event that matched one of its rules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Observation {
    time: Timestamp,
    /// Set by the caller: the position of the event in an order that is the same on every run, such as that of its
    /// finding. Hits name their events by it.
    pub order: u64,
    correlation: usize,
    position: usize,
    key: Vec<Option<String>>,
    value: Option<String>,
}

/// A correlation that came true.
#[derive(Debug, Clone, PartialEq)]
pub struct CorrelationHit {
    /// The correlation.
    pub rule: SigmaRuleId,
    /// The time of the event that made it true.
    pub time: Timestamp,
    /// The [`order`](Observation::order) of that event.
    pub order: u64,
    /// The orders of the events that it counts, that one included, oldest first; the latest thousand of them.
    pub events: Vec<u64>,
    /// The fields it groups by, and their values.
    pub group: Vec<(String, String)>,
    /// What was counted or computed.
    pub value: f64,
    /// False where it only feeds other correlations.
    pub generates: bool,
}

/// How deep correlations of correlations go.
const MAX_CHAIN: usize = 8;

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
    let sources = rule
        .rules
        .iter()
        .map(|name| {
            names
                .known
                .get(name)
                .cloned()
                .ok_or_else(|| format!("it is about the rule `{name}`, which is not loaded"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    if sources.is_empty() {
        return Err("it names no rules".to_owned());
    }
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

impl GroupBy {
    fn new(name: &str, rule: &CorrelationRule, fields: &mut Fields) -> Self {
        let alias = rule.aliases.iter().find(|alias| alias.alias == name);
        let of = |reference: &String| {
            alias
                .and_then(|alias| alias.mapping.get(reference))
                .map_or(name, String::as_str)
        };
        Self {
            name: name.to_owned(),
            fields: rule
                .rules
                .iter()
                .map(|reference| fields.intern(of(reference)))
                .collect(),
        }
    }
}

/// The correlations that are about themselves, through whatever others.
pub(super) fn cycles(correlations: &[Option<Correlation>]) -> Vec<usize> {
    let about = |at: usize| {
        let correlation = correlations[at].as_ref();
        correlation
            .into_iter()
            .flat_map(|one| one.sources.iter().flatten())
            .filter_map(|source| match source {
                Watched::Correlation(other) => Some(*other),
                Watched::Rule(_) => None,
            })
    };
    (0..correlations.len())
        .filter(|&start| {
            let mut reached = vec![false; correlations.len()];
            let mut todo: Vec<usize> = about(start).collect();
            while let Some(at) = todo.pop() {
                if !std::mem::replace(&mut reached[at], true) {
                    todo.extend(about(at));
                }
            }
            reached[start]
        })
        .collect()
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
                let watched = match source {
                    Watched::Rule(rule) => *rule,
                    Watched::Correlation(other) => rules.len() + other,
                };
                watchers[watched].push(Watch {
                    correlation: at,
                    position,
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

impl SigmaRules {
    /// What the correlations that watch a rule want of an event. Events without a time can not be put in order.
    pub(super) fn observe(&self, rule: u32, event: &Event, view: &View) -> Vec<Observation> {
        let Some(time) = event.time else {
            return Vec::new();
        };
        self.watchers[rule as usize]
            .iter()
            .filter_map(|watch| {
                let correlation = self.correlations[watch.correlation].as_ref()?;
                let text = |id: FieldId| view.text(id).map(str::to_owned);
                let value = match correlation.values.as_slice() {
                    [] => None,
                    // Without a value there is nothing to count.
                    [one] => Some(text(*one)?),
                    several => Some(
                        several
                            .iter()
                            .map(|&id| text(id))
                            .collect::<Option<Vec<_>>>()?
                            .join("\u{1f}"),
                    ),
                };
                Some(Observation {
                    time,
                    order: 0,
                    correlation: watch.correlation,
                    position: watch.position,
                    key: correlation
                        .group_by
                        .iter()
                        .map(|by| text(by.fields[watch.position]))
                        .collect(),
                    value,
                })
            })
            .collect()
    }

    /// Puts the observations of a whole hunt in order and gives the correlations that came true, in order of time;
    /// those found until then where `ends`, which is asked before each, wants no more.
    #[must_use]
    pub fn correlate(
        &self,
        mut observations: Vec<Observation>,
        ends: &dyn Fn() -> bool,
    ) -> Vec<CorrelationHit> {
        observations.sort();
        let mut windows = BTreeMap::new();
        let mut hits = Vec::new();
        for observation in observations {
            if ends() {
                break;
            }
            self.feed(observation, &mut windows, &mut hits, 0);
        }
        hits
    }

    fn feed(
        &self,
        observation: Observation,
        windows: &mut BTreeMap<(usize, Vec<Option<String>>), Window>,
        hits: &mut Vec<CorrelationHit>,
        depth: usize,
    ) {
        let at = observation.correlation;
        let Some(correlation) = &self.correlations[at] else {
            return;
        };
        let Observation {
            time,
            order,
            position,
            key,
            value,
            ..
        } = observation;
        let window = windows
            .entry((at, key.clone()))
            .or_insert_with(|| Window::new(correlation));
        let Some(result) = window.push(correlation, time.as_microsecond(), position, value, order) else {
            return;
        };
        let group: Vec<_> = correlation
            .group_by
            .iter()
            .zip(key)
            .map(|(by, value)| (by.name.clone(), value.unwrap_or_default()))
            .collect();
        let hit = CorrelationHit {
            rule: SigmaRuleId(u32::try_from(self.rules.len() + at).expect("under 2^32 rules")),
            time,
            order,
            events: window.orders(),
            value: result,
            generates: !self.silent[self.rules.len() + at],
            group,
        };
        let chained = if depth < MAX_CHAIN {
            self.chained(at, &hit)
        } else {
            Vec::new()
        };
        hits.push(hit);
        for observation in chained {
            self.feed(observation, windows, hits, depth + 1);
        }
    }

    /// What the correlations that watch a correlation want of its hit: the group, by name.
    fn chained(&self, at: usize, hit: &CorrelationHit) -> Vec<Observation> {
        self.watchers[self.rules.len() + at]
            .iter()
            .filter_map(|watch| {
                let correlation = self.correlations[watch.correlation].as_ref()?;
                let of = |name: &str| {
                    hit.group
                        .iter()
                        .find(|(other, _)| other == name)
                        .map(|(_, value)| value.clone())
                };
                Some(Observation {
                    time: hit.time,
                    order: hit.order,
                    correlation: watch.correlation,
                    position: watch.position,
                    key: correlation.group_by.iter().map(|by| of(&by.name)).collect(),
                    value: Some(hit.value.to_string()),
                })
            })
            .collect()
    }
}
