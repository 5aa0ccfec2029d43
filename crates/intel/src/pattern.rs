//! STIX patterns as they arrive: those that mean plain values become values, the others stay rules.

use perisai_model::{Kind, RuleLanguage};
use perisai_pattern::{Comparison, Literal, Node, Operator, Pattern, Test};

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
    if let Some(path) = file_path(&pattern)
        && let Ok((kind, path)) = of_kind(Kind::FilePath, &path)
    {
        return Ok(Meaning::Values {
            good: vec![(kind, path.into_owned())],
            wrong: Vec::new(),
        });
    }
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
    if let Some(url) = of_both_schemes(&good) {
        good = vec![(Kind::Url, url)];
    }
    Ok(Meaning::Values { good, wrong })
}

/// The path of a file, where a pattern asks for nothing but its name and its directory:
/// `[file:name = 'a.exe' AND file:parent_directory_ref.path = 'C:\\Temp']`.
fn file_path(pattern: &Pattern) -> Option<String> {
    let (Node::Expression(_), [Comparison::And(links)]) = (pattern.root(), pattern.observation_expressions())
    else {
        return None;
    };
    let [Comparison::Test(one), Comparison::Test(other)] = &links[..] else {
        return None;
    };
    let text = |test: &Test, path: &str| match &test.operator {
        Operator::Equal(Literal::Str(text))
            if !test.negated && pattern.paths()[test.path].to_string() == path =>
        {
            Some(text.clone())
        }
        _ => None,
    };
    let both = |name: &Test, directory: &Test| {
        Some((
            text(name, "file:name")?,
            text(directory, "file:parent_directory_ref.path")?,
        ))
    };
    let (name, directory) = both(one, other).or_else(|| both(other, one))?;
    if name.is_empty() || directory.is_empty() || name.contains(['/', '\\']) {
        return None;
    }
    let separator = match directory.find(['/', '\\']) {
        Some(_) if directory.ends_with(['/', '\\']) => "",
        Some(at) => &directory[at..=at],
        None if directory.ends_with(':') => "\\",
        None => "/",
    };
    Some(format!("{directory}{separator}{name}"))
}

/// The URL without a scheme, where two differ in nothing but `http` and `https`: a hunt compares without it.
fn of_both_schemes(values: &[(Kind, String)]) -> Option<String> {
    let [(Kind::Url, one), (Kind::Url, other)] = values else {
        return None;
    };
    let rest = one.strip_prefix("http://")?;
    let is_both = other.strip_prefix("https://") == Some(rest);
    let canonical = is_both.then(|| perisai_values::canonical(Kind::Url, rest).ok())??;
    (canonical == rest).then(|| rest.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_urls_that_take_two_comparisons() {
        let check = |text: &str, expected: Option<&[(Kind, &str)]>| {
            let values = match meaning(text).unwrap() {
                Meaning::Pattern => None,
                Meaning::Values { good, .. } => Some(good),
            };
            let expected = expected.map(|values| {
                let owned = values.iter().map(|(kind, value)| (*kind, (*value).to_owned()));
                owned.collect::<Vec<_>>()
            });
            assert_eq!(values, expected, "{text}");
        };
        let path = |text: &str, expected: &str| check(text, Some(&[(Kind::FilePath, expected)]));
        path(
            r"[file:name = 'a.exe' AND file:parent_directory_ref.path = 'C:\\Temp']",
            r"C:\Temp\a.exe",
        );
        path(
            "[file:parent_directory_ref.path = '/tmp/' AND file:name = 'a']",
            "/tmp/a",
        );
        path("[file:parent_directory_ref.path = '/' AND file:name = 'a']", "/a");
        for more in [
            "[file:name = 'a' AND file:parent_directory_ref.path != '/']",
            "[file:name = 'a' AND file:parent_directory_ref.path NOT = '/']",
            "[file:name = 'a' AND file:parent_directory_ref.path = '/' AND file:size = 7]",
            "[file:name = 'a/b' AND file:parent_directory_ref.path = '/']",
            "[file:name = 'a'] AND [file:parent_directory_ref.path = '/']",
            "[file:name = 'a' AND file:parent_directory_ref.path = '/'] START t'2020-01-01T00:00:00Z' STOP t'2021-01-01T00:00:00Z'",
            "[file:name LIKE 'a' AND file:parent_directory_ref.path = '/']",
        ] {
            check(more, None);
        }
        check(
            "[url:value IN ('http://a.example/b', 'https://a.example/b')]",
            Some(&[(Kind::Url, "a.example/b")]),
        );
        check(
            "[url:value IN ('http://a.example/b', 'https://a.example/c')]",
            Some(&[
                (Kind::Url, "http://a.example/b"),
                (Kind::Url, "https://a.example/c"),
            ]),
        );
        check(
            "[url:value IN ('http://a.example/b', 'https://a.example/b', 'http://c.example/d')]",
            Some(&[
                (Kind::Url, "http://a.example/b"),
                (Kind::Url, "https://a.example/b"),
                (Kind::Url, "http://c.example/d"),
            ]),
        );
    }
}
