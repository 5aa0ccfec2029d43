//! STIX patterns as they arrive: those that mean plain values become values, the others stay rules.

use perisai_model::Kind;

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
