//! What an object looks for or stands for: canonical values, or a rule. The meaning is that of a hunt.

use perisai_model::{Kind, RuleLanguage};

use super::Object;
use crate::pattern::{self, Meaning};
use crate::stix::{observed, view};
use crate::typed::of_kind;

/// What an object looks for or stands for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content<'a> {
    /// Values in their canonical form, sorted, each once.
    pub values: Vec<(Kind, String)>,
    /// A rule, and its language. An object has values or a rule, never both.
    pub rule: Option<(RuleLanguage, &'a str)>,
    /// What of it could not be read, in words for an analyst.
    pub wrong: Vec<String>,
}

impl<'a> Object<'a> {
    /// Its values or its rule, and what of either could not be read; parses the pattern.
    ///
    /// Values are those of an indicator whose pattern says no more than that one of them is seen, of an observable, of
    /// the observables inside an `observed-data` of STIX 2.0, and the CVE of a vulnerability.
    #[must_use]
    pub fn content(&self) -> Content<'_> {
        let mut content = match &*self.kind {
            "indicator" => self.indicator(),
            "vulnerability" => self.vulnerability(),
            "observed-data" => self.observed_data(),
            kind if observed::is_observable(kind) => self.observable(),
            _ => Content::default(),
        };
        content.values.sort_unstable();
        content.values.dedup();
        content
    }

    /// The values of its [`content`](Self::content).
    #[must_use]
    pub fn values(&self) -> Vec<(Kind, String)> {
        self.content().values
    }

    /// The rule of its [`content`](Self::content).
    #[must_use]
    pub fn rule(&self) -> Option<(RuleLanguage, &str)> {
        self.content().rule
    }

    fn indicator(&self) -> Content<'_> {
        let Some(pattern) = self.pattern.as_deref() else {
            return wrong("an indicator without a pattern");
        };
        let read = pattern::language(self.pattern_type.as_deref())
            .and_then(|language| Ok((language, pattern::of_indicator(language, pattern)?)));
        match read {
            Ok((language, Meaning::Pattern)) => Content {
                rule: Some((language, pattern)),
                ..Content::default()
            },
            Ok((_, Meaning::Values { good, wrong })) => Content {
                values: good,
                rule: None,
                wrong,
            },
            Err(why) => wrong(&why),
        }
    }

    /// A CVE's number stands in the name, or in an external reference.
    fn vulnerability(&self) -> Content<'a> {
        let references = self.external_references.iter().filter(|reference| {
            reference
                .source_name
                .as_deref()
                .is_some_and(|name| name.eq_ignore_ascii_case("cve"))
        });
        let ids = references.filter_map(|reference| reference.external_id.as_deref());
        let found = ids
            .chain(self.name.as_deref())
            .filter_map(|text| of_kind(Kind::Cve, text).ok());
        Content {
            values: found.map(|(kind, value)| (kind, value.into_owned())).collect(),
            ..Content::default()
        }
    }

    fn observable(&self) -> Content<'a> {
        match serde_json::from_slice::<view::Observable>(self.raw) {
            Ok(view) => of_observable(&view),
            Err(error) => wrong(&error.to_string()),
        }
    }

    fn observed_data(&self) -> Content<'a> {
        let Ok(view) = serde_json::from_slice::<view::ObservedData>(self.raw) else {
            return Content::default();
        };
        let mut all = Content::default();
        for raw in view.objects.iter().flat_map(|objects| objects.values()) {
            if let Ok(view) = serde_json::from_str::<view::Observable>(raw.get()) {
                let mut one = of_observable(&view);
                all.values.append(&mut one.values);
                all.wrong.append(&mut one.wrong);
            }
        }
        all.wrong.sort_unstable();
        all
    }
}

fn of_observable<'a>(view: &view::Observable) -> Content<'a> {
    let (values, wrong) = observed::values(view);
    Content {
        values,
        rule: None,
        wrong,
    }
}

fn wrong<'a>(why: &str) -> Content<'a> {
    Content {
        wrong: vec![why.to_owned()],
        ..Content::default()
    }
}
