//! What a finding says of a YARA rule: its own `meta`, and the context that it came with.

use perisai_model::{Context, RuleInfo, RuleKind, RuleText, Severity, Source, Tlp, rule_key};
use yara_x::{MetaValue, Rule};

/// A rule without a score, as the common scanners have it.
const DEFAULT_SCORE: i64 = 70;

/// Reads a rule's `meta` (its author and reference, as its licence asks) and tags, and adds the context's.
pub(crate) fn rule_info(rule: &Rule<'_, '_>, context: &Context, text: Option<RuleText>) -> RuleInfo {
    let meta = Meta::read(rule);
    let key = key(meta.id.as_deref(), text.as_ref(), rule.identifier());
    let mut tags: Vec<String> = rule.tags().map(|tag| tag.identifier().to_owned()).collect();
    tags.extend(meta.techniques);
    tags.extend(context.tags.iter().cloned());
    tags.sort();
    tags.dedup();
    RuleInfo {
        kind: RuleKind::Yara,
        name: rule.identifier().to_owned(),
        severity: meta
            .severity
            .or(context.severity)
            .unwrap_or_else(|| severity_of(DEFAULT_SCORE)),
        tags,
        author: meta.author.or_else(|| context.author.clone()),
        reference: meta.reference.or_else(|| context.reference.clone()),
        key,
        valid: context.validity(),
        sources: vec![Source {
            source: context.source.clone(),
            id: meta.id.or_else(|| context.id.clone()),
            tlp: Tlp::stricter(meta.tlp, context.tlp),
        }],
        text,
    }
}

/// A rule whose text is not known goes by its name.
fn key(own_id: Option<&str>, text: Option<&RuleText>, name: &str) -> String {
    let text = text.map(RuleText::to_string);
    rule_key(own_id, text.as_deref().unwrap_or(name))
}

/// The entries of a rule's `meta` that are understood.
#[derive(Debug, Default)]
struct Meta {
    author: Option<String>,
    reference: Option<String>,
    id: Option<String>,
    severity: Option<Severity>,
    tlp: Option<Tlp>,
    techniques: Vec<String>,
}

impl Meta {
    /// Names are compared in any case; of several entries with one meaning the first counts.
    fn read(rule: &Rule<'_, '_>) -> Self {
        let mut meta = Self::default();
        for (name, value) in rule.metadata() {
            let text = match value {
                MetaValue::String(text) => text.to_owned(),
                MetaValue::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                MetaValue::Integer(number) => number.to_string(),
                MetaValue::Float(_) | MetaValue::Bool(_) => continue,
            };
            meta.techniques.extend(techniques(&text));
            meta.take(&name.to_ascii_lowercase(), text);
        }
        meta
    }

    fn take(&mut self, name: &str, text: String) {
        match name {
            "author" => keep(&mut self.author, text),
            "reference" | "ref" | "url" | "report" => keep(&mut self.reference, text),
            "id" | "uuid" => keep(&mut self.id, text),
            "severity" | "score" | "threat_level" if self.severity.is_none() => {
                self.severity = severity(&text)
            }
            "tlp" => {
                self.tlp = Tlp::stricter(
                    self.tlp,
                    Some(Tlp::from_label(text.trim()).unwrap_or_else(|| tagged(&text))),
                )
            }
            "sharing" => self.tlp = Tlp::stricter(self.tlp, Tlp::from_tag(&text)),
            _ => {}
        }
    }
}

/// `TLP:AMBER` written in an entry that is called `tlp`: what is not understood there is RED.
fn tagged(text: &str) -> Tlp {
    Tlp::from_tag(text).unwrap_or(Tlp::Red)
}

fn keep(slot: &mut Option<String>, text: String) {
    if slot.is_none() && !text.trim().is_empty() {
        *slot = Some(text);
    }
}

/// A level's name, or a score of 0 to 100.
fn severity(text: &str) -> Option<Severity> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.parse().ok().map(severity_of))
}

/// The steps at which the common scanners speak of a notice, a warning and an alert.
fn severity_of(score: i64) -> Severity {
    match score {
        ..40 => Severity::Informational,
        40..60 => Severity::Low,
        60..75 => Severity::Medium,
        75..90 => Severity::High,
        90.. => Severity::Critical,
    }
}

/// ATT&CK techniques (`T1059`, `T1059.001`) that stand alone in a text, as tags.
fn techniques(text: &str) -> Vec<String> {
    let digits =
        |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.')
        .filter_map(|word| {
            let number = word.trim_matches('.').strip_prefix(['T', 't'])?;
            let (technique, sub) = number.split_once('.').unwrap_or((number, "000"));
            (digits(technique, 4) && digits(sub, 3)).then(|| format!("attack.t{number}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities() {
        let check = |text: &str, expected: Option<Severity>| assert_eq!(severity(text), expected, "{text}");
        check("80", Some(Severity::High));
        check("100", Some(Severity::Critical));
        check("-5", Some(Severity::Informational));
        check(" High ", Some(Severity::High));
        check("grave", None);
    }

    #[test]
    fn techniques_are_words() {
        let check = |text: &str, expected: &[&str]| assert_eq!(techniques(text), expected, "{text}");
        check("T1059.001, t1105", &["attack.t1059.001", "attack.t1105"]);
        check(
            "https://attack.mitre.org/techniques/T1484/001/",
            &["attack.t1484"],
        );
        check("T10591 T1059.0 AT1059 T105", &[]);
    }
}
