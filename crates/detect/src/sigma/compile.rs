//! From documents to compiled rules: filters, names, log sources. What can not be used is told, with its place.

use std::sync::Arc;

use perisai_model::{Context, IdleRule, Place, Rule, RuleInfo, RuleLanguage};
use rsigma_eval::compiler::compile_detection;
use rsigma_parser::{ConditionExpr, CorrelationRule, Detection, Detections, LogSource, SigmaRule};

use super::correlation::{self, Correlation};
use super::documents::{Documents, Loaded, Refused};
use super::field::Fields;
use super::filter::{self, Filter};
use super::limits::Limits;
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
#[derive(Default)]
pub(super) struct Compilation {
    pub(super) fields: Fields,
    pub(super) rules: Vec<Compiled>,
    pub(super) filters: Vec<Filter>,
    /// `None` where one can not be used, so that the others keep their numbers.
    pub(super) correlations: Vec<Option<Correlation>>,
    /// In which order they run.
    pub(super) order: Vec<usize>,
    /// Rules that are loaded and can never match.
    pub(super) idle: Vec<IdleRule>,
    pub(super) refused: Refused,
}

/// Compiles all rules of the language Sigma.
pub(super) fn compile<'a>(rules: impl Iterator<Item = (&'a Rule, &'a Context)>) -> Compilation {
    let mut out = Compilation::default();
    let mut documents = Documents::default();
    for (rule, context) in rules.filter(|(rule, _)| rule.language == RuleLanguage::Sigma) {
        documents.read(rule, context, &mut out.refused);
    }
    let mut limits = Limits::default();
    let mut filters: Vec<Filter> = Vec::new();
    for loaded in documents.filters {
        let told = Told::of(&loaded);
        let compiled = Filter::new(loaded, &mut limits, &mut out.fields);
        filters.extend(out.take(&told, compiled));
    }
    for loaded in documents.rules {
        let told = Told::of(&loaded);
        let compiled = compile_rule(loaded, &mut filters, &mut limits, &mut out);
        if let Some(compiled) = out.take(&told, compiled) {
            out.rules.push(compiled);
        }
    }
    out.filters = filters;
    out.compile_correlations(documents.correlations);
    out
}

/// What a problem says of the document that it is about.
struct Told {
    place: Place,
    title: String,
    id: Option<String>,
}

impl Told {
    fn of<T>(loaded: &Loaded<T>) -> Self {
        Self {
            place: loaded.place.clone(),
            title: loaded.info.name.clone(),
            id: loaded.info.sources.first().and_then(|source| source.id.clone()),
        }
    }
}

impl Compilation {
    fn compile_correlations(&mut self, documents: Vec<Loaded<CorrelationRule>>) {
        let names = correlation::Names::new(&self.rules, documents.iter().map(|one| &one.rule));
        let mut all = Vec::new();
        for loaded in documents {
            let told = Told::of(&loaded);
            let compiled =
                correlation::compile(&loaded.rule, Arc::new(loaded.info), &names, &mut self.fields);
            let compiled = self.take(&told, compiled);
            self.correlations.push(compiled);
            all.push(told);
        }
        let crowded = correlation::crowded(self.rules.len(), &self.correlations);
        self.drop_correlations(&all, crowded);
        let (order, refused) = correlation::order(&self.correlations);
        self.order = order;
        self.drop_correlations(&all, refused);
    }

    fn drop_correlations(&mut self, all: &[Told], refused: Vec<(usize, String)>) {
        for (at, why) in refused {
            // One that is not there was refused before.
            if self.correlations[at].take().is_some() {
                self.take::<()>(&all[at], Err(why));
            }
        }
    }

    fn take<T>(&mut self, told: &Told, result: Result<T, String>) -> Option<T> {
        result
            .map_err(|why| {
                self.refused
                    .add(told.place.clone(), &told.title, told.id.as_deref(), &why);
            })
            .ok()
    }
}

fn compile_rule(
    loaded: Loaded<SigmaRule>,
    filters: &mut [Filter],
    limits: &mut Limits,
    out: &mut Compilation,
) -> Result<Compiled, String> {
    let Loaded { rule, info, place } = loaded;
    if rsigma_parser::is_unsupported(rule.sigma_version) {
        return Err("it is written for a newer version of Sigma".to_owned());
    }
    limits.check_detections(&rule.detection)?;
    let node = condition_of(&rule.detection, &mut out.fields)?;
    let node = filter::narrowed(node, &rule, &place, filters);
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
            loaded: true,
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
pub(super) fn condition_of(detections: &Detections, fields: &mut Fields) -> Result<Node, String> {
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
