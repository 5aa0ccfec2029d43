//! Tests of rules against events, as tables; and against rsigma's plain evaluation.

mod bad;
mod correlations;
mod filters;
mod logs;
mod modifiers;
mod sound;
mod windows;

use perisai_model::{Context, ContextId, Event, Place, Rule, RuleLanguage, Value};

use super::{Scratch, SigmaHit, SigmaRules};

fn rule(text: &str) -> Rule {
    Rule {
        language: RuleLanguage::Sigma,
        text: text.into(),
        context: ContextId(0),
        place: Place::file("rule.yml"),
    }
}

fn compile(texts: &[&str]) -> (SigmaRules, Vec<String>) {
    let rules: Vec<Rule> = texts.iter().map(|text| rule(text)).collect();
    let context = Context {
        source: "here".into(),
        ..Context::default()
    };
    let (rules, problems) = SigmaRules::compile(rules.iter().map(|rule| (rule, &context)));
    (rules, problems.iter().map(ToString::to_string).collect())
}

fn event(format: &'static str, fields: &[(&str, Value<'_>)]) -> Event {
    let mut event = Event::default();
    event.format = format;
    for (name, value) in fields {
        event.push(name, *value);
    }
    event
}

/// Fields of an event as text; whole numbers are numbers.
fn fields<'a>(pairs: &[(&'a str, &'a str)]) -> Vec<(&'a str, Value<'a>)> {
    pairs
        .iter()
        .map(|&(name, text)| (name, text.parse().map_or(Value::Str(text), Value::Int)))
        .collect()
}

fn hits(rules: &SigmaRules, event: &Event) -> Vec<SigmaHit> {
    let mut out = Vec::new();
    rules.match_event(event, &mut Scratch::default(), &mut out);
    out
}

fn titles(rules: &SigmaRules, event: &Event) -> Vec<String> {
    hits(rules, event)
        .iter()
        .map(|hit| rules.info(hit.rule).name.clone())
        .collect()
}
