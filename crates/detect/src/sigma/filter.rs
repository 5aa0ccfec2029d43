//! Filters: what narrows rules of others. Each is compiled once, and shared by the rules that it applies to.

use std::sync::Arc;

use perisai_model::Place;
use rsigma_parser::{FilterRule, FilterRuleTarget, LogSource, SigmaRule};

use super::compile::condition_of;
use super::documents::Loaded;
use super::field::Fields;
use super::limits::Limits;
use super::rule::{Named, Node};

/// The most filters that narrow one rule: each is asked of every event that the rule matches. What is beyond would
/// silence, so it is left out.
const MOST: usize = 64;

/// A filter, ready to be asked.
pub(super) struct Filter {
    rules: FilterRuleTarget,
    logsource: Option<LogSource>,
    condition: Arc<Named>,
    pub(super) title: String,
    pub(super) place: Place,
    /// How many rules of other files it narrows.
    pub(super) narrowed: usize,
    /// How many rules it leaves as they are, as too many others narrow them.
    pub(super) left: usize,
}

impl Filter {
    /// Compiles a filter.
    ///
    /// # Errors
    /// Where its detection cannot be used.
    pub(super) fn new(
        loaded: Loaded<FilterRule>,
        limits: &mut Limits,
        fields: &mut Fields,
    ) -> Result<Self, String> {
        limits.check_detections(&loaded.rule.detection)?;
        let condition = condition_of(&loaded.rule.detection, fields)?;
        Ok(Self {
            rules: loaded.rule.rules,
            logsource: loaded.rule.logsource,
            condition: Named::new(condition, fields),
            title: loaded.info.name,
            place: loaded.place,
            narrowed: 0,
            left: 0,
        })
    }

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

/// A rule's condition, narrowed by the filters that apply to it.
pub(super) fn narrowed(node: Node, rule: &SigmaRule, place: &Place, filters: &mut [Filter]) -> Node {
    let mut all = vec![node];
    for filter in filters.iter_mut().filter(|filter| filter.applies(rule)) {
        if all.len() > MOST {
            filter.left += 1;
            continue;
        }
        filter.narrowed +=
            usize::from(filter.place.path != place.path || filter.place.member != place.member);
        all.push(Node::Named(Arc::clone(&filter.condition)));
    }
    match all.len() {
        1 => all.remove(0),
        _ => Node::All(all),
    }
}
