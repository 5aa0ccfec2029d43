//! Filters, and what documents of one file do to the rules of another.

use std::sync::Arc;

use perisai_model::{Context, Place, Rule};

use super::correlations::{ANN, BASE, BOB, LOGIN};
use super::{compile, event, fields, rule, titles};
use crate::sigma::SigmaRules;

#[test]
fn filters_narrow_rules() {
    let filter = |rules: &str| {
        format!(
            "title: f\nlogsource: {{product: windows}}\nfilter:\n  rules: {rules}\n  known:\n    user: ann\n  condition: not known\n"
        )
    };
    let check = |rules: &str, user, expected: &[&str]| {
        let (rules, problems) = compile(&[&filter(rules), BASE]);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(
            titles(&rules, &event("evtx", &fields(&[("Channel", "x"), LOGIN, user]))),
            expected
        );
    };
    check("[login]", ANN, &[]);
    check("[login]", BOB, &["login"]);
    check("any", ANN, &[]);
    check("[other]", ANN, &["login"]);
    let linux = filter("any").replace("windows", "linux");
    let (rules, _) = compile(&[&linux, BASE]);
    assert_eq!(
        titles(&rules, &event("evtx", &fields(&[("Channel", "x"), LOGIN, ANN]))),
        ["login"]
    );
}

#[test]
fn what_one_file_does_to_the_rules_of_another_is_told() {
    let filter = "title: hush\nlogsource: {product: windows}\nfilter:\n  rules: any\n  s:\n    user: ann\n  condition: not s\n";
    let correlation = "title: many\ncorrelation:\n  type: event_count\n  rules: [login]\n  group-by: [user]\n  timespan: 1h\n  condition: {gte: 100}\n";
    let check = |files: &[(&str, String)], expected: &[&str]| {
        let all: Vec<(Rule, Context)> = files
            .iter()
            .map(|(name, text)| {
                let place = Place::file(*name);
                let source = Arc::clone(&place.path);
                let context = Context {
                    source,
                    ..Context::default()
                };
                (Rule { place, ..rule(text) }, context)
            })
            .collect();
        let (rules, problems) = SigmaRules::compile(all.iter().map(|(rule, context)| (rule, context)));
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(rules.notes(), expected);
    };
    let base = || ("base.yml", BASE.to_owned());
    check(
        &[base(), ("f.yml", filter.to_owned())],
        &["the filter `hush` (f.yml:1) narrows 1 rule of other files"],
    );
    check(&[("base.yml", format!("{BASE}---\n{filter}"))], &[]);
    check(&[base(), ("f.yml", filter.replace("windows", "linux"))], &[]);
    check(
        &[base(), ("c.yml", correlation.to_owned())],
        &["the correlation `many` (c.yml) keeps 1 rule of other files from findings of their own"],
    );
    check(&[("base.yml", format!("{BASE}---\n{correlation}"))], &[]);
    check(
        &[
            base(),
            (
                "c.yml",
                correlation.replace("correlation:", "correlation:\n  generate: true"),
            ),
        ],
        &[],
    );
}

#[test]
fn no_more_filters_than_can_be_asked_narrow_a_rule() {
    let filter = |at: usize| {
        format!(
            "title: f{at}\nlogsource: {{product: windows}}\nfilter:\n  rules: any\n  s:\n    user: u{at}\n  condition: not s\n"
        )
    };
    let texts: Vec<String> = (0..80).map(filter).chain([BASE.to_owned()]).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (rules, problems) = compile(&texts);
    assert!(problems.is_empty(), "{problems:?}");
    let found = |user: &str| {
        titles(
            &rules,
            &event("evtx", &fields(&[("Channel", "x"), LOGIN, ("user", user)])),
        )
    };
    assert_eq!(found("u63"), Vec::<String>::new());
    assert_eq!(found("u64"), ["login"]);
    let told = rules.notes();
    assert_eq!(
        told[0],
        "the filter `f64` (rule.yml:1) was not applied to 1 rule with too many filters"
    );
    assert_eq!(
        (told.len(), told[10].as_str()),
        (11, "6 more filters were not, either")
    );
}
