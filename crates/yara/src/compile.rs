//! Texts to one compiled set of rules.
//!
//! Each text has a namespace of its own, so that two partners may use one name. A rule that does not compile is
//! reported, and its neighbours are kept. Rules come from strangers, so `include` is refused: it would read files.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use perisai_model::{Context, Problem, Rule, RuleInfo};
use yara_x::errors::CompileError;
use yara_x::{Compiler, IgnoredRuleReason};

use crate::facts::EXTERNALS;
use crate::info::rule_info;
use crate::texts::texts;
use crate::units::Units;

/// Modules that `yara-x` or YARA knows and this build has not. A rule that needs one is left out; without this list
/// its whole file would be refused.
const MISSING_MODULES: &[&str] = &[
    "androguard",
    "crx",
    "cuckoo",
    "dex",
    "macho",
    "magic",
    "msi",
    "olecf",
    "vba",
    "vt",
    "zip",
];

/// How many problems of one text are told one by one.
const TOLD: usize = 20;

/// Compiled rules, and what is to be said of each when it matches.
pub struct Rules {
    pub(crate) engine: yara_x::Rules,
    infos: HashMap<(String, String), Known>,
    /// The texts that were compiled.
    texts: Vec<Rule>,
    /// Their rules, as far as they compiled; made where they are needed.
    units: OnceLock<Units>,
}

/// A rule that compiled.
struct Known {
    /// Its position among all.
    order: usize,
    info: Arc<RuleInfo>,
}

/// A problem of the text at a position in the list that was compiled; the form in which it is cached.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct TextProblem {
    text: usize,
    line: Option<u64>,
    why: String,
}

impl Rules {
    /// Compiles all texts. What does not compile is a problem at its line; everything else goes in.
    #[must_use]
    pub fn compile(rules: &[(&Rule, &Context)]) -> (Self, Vec<Problem>) {
        let (engine, found) = compile(rules);
        (Self::with_infos(engine, rules), problems(&found, rules))
    }

    /// How many rules there are; private ones count.
    #[must_use]
    pub fn len(&self) -> usize {
        self.infos.len()
    }

    /// True where no rule compiled.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.infos.is_empty()
    }

    /// What is to be said of the rule with a name in the text with a namespace, and its position among all.
    pub(crate) fn info(&self, namespace: &str, name: &str) -> Option<(usize, &Arc<RuleInfo>)> {
        let known = self.infos.get(&(namespace.to_owned(), name.to_owned()))?;
        Some((known.order, &known.info))
    }

    /// All rules, each to be left out by itself.
    pub(crate) fn units(&self) -> &Units {
        self.units.get_or_init(|| {
            Units::new(&self.texts, |text, name| {
                self.info(&text.to_string(), name).is_some()
            })
        })
    }

    /// The engine's rules, each with what its own text and its context say.
    pub(crate) fn with_infos(engine: yara_x::Rules, rules: &[(&Rule, &Context)]) -> Self {
        let mut texts: Vec<_> = rules.iter().map(|(rule, _)| texts(&rule.text)).collect();
        let infos = engine
            .iter()
            .enumerate()
            .filter_map(|(order, rule)| {
                let position = rule.namespace().parse::<usize>().ok()?;
                let (_, context) = rules.get(position)?;
                let text = texts[position].remove(rule.identifier());
                let key = (rule.namespace().to_owned(), rule.identifier().to_owned());
                let info = Arc::new(rule_info(&rule, context, text));
                Some((key, Known { order, info }))
            })
            .collect();
        Self {
            engine,
            infos,
            texts: rules.iter().map(|&(rule, _)| rule.clone()).collect(),
            units: OnceLock::new(),
        }
    }
}

/// Compiles all texts, each in a namespace that is its position in the list.
pub(crate) fn compile(rules: &[(&Rule, &Context)]) -> (yara_x::Rules, Vec<TextProblem>) {
    let mut compiler = new_compiler();
    let mut found = Vec::new();
    for (position, (rule, _)) in rules.iter().enumerate() {
        let (errors_before, ignored_before) = (compiler.errors().len(), compiler.ignored_rules().len());
        compiler.new_namespace(&position.to_string());
        // Its error is the first of those that the compiler keeps.
        let _ = compiler.add_source(&*rule.text);
        let problem = |line, why| TextProblem {
            text: position,
            line,
            why,
        };
        let errors = compiler.errors()[errors_before..].iter();
        let errors = errors.map(|error| problem(line_of(error, &rule.text), reason(error)));
        let ignored = compiler
            .ignored_rules()
            .skip(ignored_before)
            .filter_map(|(name, why)| match why {
                IgnoredRuleReason::IgnoredModule(module) => Some(problem(
                    None,
                    format!("rule `{name}` needs the module `{module}`, which this build has not"),
                )),
                IgnoredRuleReason::IgnoredRule(other) => Some(problem(
                    None,
                    format!("rule `{name}` needs the rule `{other}`, which was left out"),
                )),
                IgnoredRuleReason::CompileError(_) => None,
            });
        let mut all: Vec<TextProblem> = errors.chain(ignored).collect();
        let untold = all.len().saturating_sub(TOLD);
        if untold > 0 {
            all.truncate(TOLD);
            all.push(problem(None, format!("{untold} more problems in these rules")));
        }
        found.extend(all);
    }
    (compiler.build(), found)
}

/// Compiles texts of which all is known to compile, each in the namespace of a position.
pub(crate) fn compile_again(texts: impl IntoIterator<Item = (usize, String)>) -> yara_x::Rules {
    let mut compiler = new_compiler();
    for (position, text) in texts {
        compiler.new_namespace(&position.to_string());
        // Its errors were told when the whole was compiled.
        let _ = compiler.add_source(text.as_str());
    }
    compiler.build()
}

fn new_compiler() -> Compiler<'static> {
    let mut compiler = Compiler::new();
    compiler.enable_includes(false);
    // YARA itself forgives unknown escapes in regular expressions, and published rules rely on it.
    compiler.relaxed_re_syntax(true);
    compiler.switch_all_warnings(false);
    compiler.colorize_errors(false);
    for module in MISSING_MODULES {
        compiler.ignore_module(*module);
    }
    for name in EXTERNALS {
        compiler
            .define_global(name, "")
            .expect("the names of externals are valid and different");
    }
    compiler
}

/// The line of the first place that an error points to, counted from 1.
fn line_of(error: &CompileError, text: &str) -> Option<u64> {
    let start = error.labels().next()?.span().start();
    let before = text.as_bytes().get(..start)?;
    Some(1 + before.iter().filter(|byte| **byte == b'\n').count() as u64)
}

fn reason(error: &CompileError) -> String {
    let detail = error
        .labels()
        .next()
        .map(|label| label.text().to_owned())
        .unwrap_or_default();
    match (error.title(), detail.as_str()) {
        (title, "") => title.to_owned(),
        (title, detail) => format!("{title}: {detail}"),
    }
}

/// Gives problems the places that their texts have now.
pub(crate) fn problems(found: &[TextProblem], rules: &[(&Rule, &Context)]) -> Vec<Problem> {
    let place = |problem: &TextProblem| {
        let (rule, _) = rules.get(problem.text)?;
        Some(match problem.line {
            Some(line) => rule.line(line),
            None => rule.place.clone(),
        })
    };
    found
        .iter()
        .filter_map(|problem| Some(Problem::new(place(problem)?, problem.why.as_str())))
        .collect()
}
