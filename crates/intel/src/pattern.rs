//! STIX patterns as they arrive: those that mean plain values become values, the others stay rules.

use perisai_model::{Kind, RuleLanguage};

use crate::typed::of_kind;
use crate::words::quoted;

/// What a pattern means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Nothing but values, any of which matches.
    Values {
        /// The values, canonical.
        good: Vec<(Kind, String)>,
        /// Why others are no values of their kind.
        wrong: Vec<String>,
    },
    /// More than that.
    Pattern,
}

/// The language of a STIX indicator's pattern by its `pattern_type`, which is STIX's own where it says none; the error
/// names one that is not known.
pub(crate) fn language(pattern_type: Option<&str>) -> Result<RuleLanguage, String> {
    let name = pattern_type.unwrap_or("stix");
    Ok(match name.to_ascii_lowercase().as_str() {
        "stix" => RuleLanguage::StixPattern,
        "sigma" => RuleLanguage::Sigma,
        "yara" => RuleLanguage::Yara,
        "snort" => RuleLanguage::Snort,
        "suricata" => RuleLanguage::Suricata,
        _ => return Err(format!("patterns of type {} are not supported", quoted(name))),
    })
}

/// What the pattern of a STIX indicator means; the error says what is wrong with it. A rule in another language is not
/// looked into.
pub(crate) fn of_indicator(language: RuleLanguage, text: &str) -> Result<Meaning, String> {
    match language {
        RuleLanguage::StixPattern => meaning(text).map_err(|why| format!("pattern: {why}")),
        _ => Ok(Meaning::Pattern),
    }
}

/// Reads a pattern; the error says what is wrong with it.
pub(crate) fn meaning(text: &str) -> Result<Meaning, String> {
    let pattern = perisai_pattern::parse(text).map_err(|error| error.to_string())?;
    let Some(values) = pattern.plain_values() else {
        return Ok(Meaning::Pattern);
    };
    let (mut good, mut wrong) = (Vec::new(), Vec::new());
    for plain in values {
        match of_kind(plain.kind, &plain.value) {
            Ok((kind, value)) => good.push((kind, value.into_owned())),
            Err(why) => wrong.push(format!("{}: {why}", quoted(&plain.value))),
        }
    }
    Ok(Meaning::Values { good, wrong })
}
