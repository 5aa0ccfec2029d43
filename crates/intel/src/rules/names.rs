//! What rules call themselves, found without compiling them: for those that are kept and not run.

use perisai_model::{Rule, RuleLanguage};

use super::{network, sigma, yara};

/// A rule's name, and its id where it has one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleName {
    /// A YARA rule's identifier; the `msg` of a Snort or Suricata rule.
    pub name: String,
    /// The `sid` of a Snort or Suricata rule.
    pub id: Option<String>,
}

/// The names of the rules in a text of YARA, Snort or Suricata rules, in their order. A rule without a name is left
/// out, and so are all of other languages.
#[must_use]
pub fn rule_names(rule: &Rule) -> Vec<RuleName> {
    match rule.language {
        RuleLanguage::Yara => yara::names(&rule.text)
            .into_iter()
            .map(|name| RuleName {
                name: name.to_owned(),
                id: None,
            })
            .collect(),
        RuleLanguage::Snort | RuleLanguage::Suricata => {
            let id = network::option(&rule.text, "sid");
            let name = network::option(&rule.text, "msg").or_else(|| Some(format!("sid {}", id.as_ref()?)));
            name.map(|name| RuleName { name, id }).into_iter().collect()
        }
        RuleLanguage::Sigma | RuleLanguage::StixPattern => Vec::new(),
    }
}

/// How many rules there are in a text of rules.
#[must_use]
pub fn rule_count(rule: &Rule) -> usize {
    match rule.language {
        RuleLanguage::Yara => yara::names(&rule.text).len(),
        RuleLanguage::Sigma => sigma::count(&rule.text),
        RuleLanguage::Snort | RuleLanguage::Suricata | RuleLanguage::StixPattern => 1,
    }
}

#[cfg(test)]
mod tests {
    use perisai_model::{ContextId, Place};
    use proptest::prelude::*;

    use super::*;

    fn names(language: RuleLanguage, text: &str) -> Vec<(String, Option<String>)> {
        let rule = Rule {
            language,
            text: text.into(),
            context: ContextId(0),
            place: Place::file("x"),
        };
        let names = rule_names(&rule).into_iter();
        names.map(|name| (name.name, name.id)).collect()
    }

    #[test]
    fn names_of_yara_rules() {
        let check = |text: &str, expected: &[&str]| {
            let found = names(RuleLanguage::Yara, text);
            let found: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(found, expected, "{text}");
        };
        check(
            "rule a { condition: true } private global rule b : t u {",
            &["a", "b"],
        );
        check(
            "import \"pe\"\n// rule x {\n/* rule y { */\nrule a\n{\n}\n",
            &["a"],
        );
        check(
            "rule a { strings: $a = \"} rule x { \\\" \" $b = { 4D [2-4] ( 5A | 00 ) } $c = /}\\/\"rule x {/ condition: \
             $a or 4 / 2 == #b } rule b { condition: filename matches /\"{2}x{/i } rule c { condition: a }",
            &["a", "b", "c"],
        );
        check("rule", &[]);
        check("rule a { strings: $a = \"never closed\n} rule b {", &["a", "b"]);
    }

    #[test]
    fn names_of_network_rules() {
        let check = |text: &str, expected: &[(&str, Option<&str>)]| {
            let found = names(RuleLanguage::Suricata, text);
            let found: Vec<_> = found
                .iter()
                .map(|(name, id)| (name.as_str(), id.as_deref()))
                .collect();
            assert_eq!(found, expected, "{text}");
        };
        check(
            r#"alert tcp any any -> any any (content:"msg:x\;"; msg:"A \"quoted\"; name"; sid: 2000001; rev:1;)"#,
            &[(r#"A "quoted"; name"#, Some("2000001"))],
        );
        check("alert tcp any any -> any any (sid:7;)", &[("sid 7", Some("7"))]);
        check("alert tcp any any -> any any (flow:x)", &[]);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(rule |private |[a-z]|\\{|\\}|/|\\*|\"|\\\\|:|;|\\(|msg:|sid:|=|\n| |é){0,80}") {
            names(RuleLanguage::Yara, &text);
            names(RuleLanguage::Snort, &text);
        }
    }
}
