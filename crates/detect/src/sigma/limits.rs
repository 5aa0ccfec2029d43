//! What is too much for one rule: a rule is someone else's text, and must not cost memory or time without bound.

use regex::RegexBuilder;
use rsigma_parser::value::StringPart;
use rsigma_parser::{Detection, Detections, Modifier, SigmaString, SigmaValue};

/// The longest text of a rule file.
const MAX_TEXT: usize = 1 << 20;
/// How deep it may nest, brackets and indentation counted: the parser takes quadratic time in it.
const MAX_DEPTH: usize = 1_000;
/// What a text may grow to when its YAML aliases are written out.
const MAX_EXPANDED: usize = 16 << 20;
/// Sizes of compiled regular expressions, by which they are counted. Unicode classes with counts are what gets large;
/// the last is the `regex` crate's own limit, which SigmaHQ's `\w{1,64}` comes close to.
const REGEX_SIZES: [usize; 3] = [64 << 10, 1 << 20, 10 << 20];
/// What the regular expressions of one rule may compile to together.
const MAX_REGEX: usize = 48 << 20;
/// What the regular expressions of all rules may compile to together: twelve times what SigmaHQ's do. Behind the first
/// half only small ones are taken.
const MAX_ALL_REGEX: usize = 512 << 20;
const HALF_OF_ALL: usize = MAX_ALL_REGEX / 2;
/// After so many that are too large, only small ones are taken.
const MAX_TOO_LARGE: usize = 20;
/// Wildcards in one rule, each of which becomes part of a regular expression.
const MAX_WILDCARDS: usize = 4_096;
/// What the values of one rule may grow to when `windash` writes out every kind of dash.
const MAX_WINDASH: usize = 4 << 20;

/// Refuses a text before it is parsed.
pub(super) fn check_text(text: &str) -> Result<(), String> {
    if text.len() > MAX_TEXT {
        return Err(format!("the rule is larger than {} KiB", MAX_TEXT >> 10));
    }
    if let Some(line) = too_deep(text) {
        return Err(format!(
            "nested deeper than {MAX_DEPTH} levels in line {line} of the rule"
        ));
    }
    let mut expanded = text.len();
    for name in anchors(text) {
        let uses = text.matches(&format!("*{name}")).count();
        expanded = expanded.saturating_mul(1 + uses);
        if expanded > MAX_EXPANDED {
            return Err("its YAML aliases may grow without bound".to_owned());
        }
    }
    Ok(())
}

/// The line in which a text nests too deep. Brackets in strings and comments count too: no rule has so many.
fn too_deep(text: &str) -> Option<usize> {
    let mut flow = 0_usize;
    let mut deep = |line: &str| {
        // `- - - x` nests without a bracket, and so does `? ? ? x`.
        let block = line.bytes().take_while(|byte| b" \t-?:".contains(byte)).count();
        line.bytes().any(|byte| {
            match byte {
                b'[' | b'{' => flow += 1,
                b']' | b'}' => flow = flow.saturating_sub(1),
                _ => {}
            }
            flow + block > MAX_DEPTH
        }) || block > MAX_DEPTH
    };
    text.lines().position(&mut deep).map(|line| line + 1)
}

/// What looks like the names of YAML anchors.
fn anchors(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('&').filter_map(|(at, _)| {
        let before = text[..at].chars().next_back();
        let opens = before.is_none_or(|letter| letter.is_whitespace() || "[{,:-?!".contains(letter));
        let rest = &text[at + 1..];
        let end = rest
            .find(|letter: char| letter.is_whitespace() || ",[]{}".contains(letter))
            .unwrap_or(rest.len());
        (opens && end > 0).then(|| &rest[..end])
    })
}

/// What all rules may cost to compile.
#[derive(Default)]
pub(super) struct Limits {
    /// How many regular expressions were too large. To find that out takes longer than to compile most.
    too_large: usize,
    /// What those that were taken may have compiled to.
    regex: usize,
}

impl Limits {
    /// Refuses detections whose values would compile to too much.
    pub(super) fn check_detections(&mut self, detections: &Detections) -> Result<(), String> {
        let mut budget = Budget {
            limits: self,
            regex: 0,
            wildcards: 0,
            windash: 0,
        };
        detections
            .named
            .values()
            .try_for_each(|detection| budget.detection(detection))
    }
}

struct Budget<'a> {
    limits: &'a mut Limits,
    regex: usize,
    wildcards: usize,
    windash: usize,
}

impl Budget<'_> {
    fn detection(&mut self, detection: &Detection) -> Result<(), String> {
        match detection {
            Detection::AllOf(items) => items
                .iter()
                .try_for_each(|item| self.values(&item.field.modifiers, &item.values)),
            Detection::AnyOf(inner) | Detection::And(inner) => {
                inner.iter().try_for_each(|one| self.detection(one))
            }
            Detection::Keywords(values) => self.values(&[], values),
            Detection::ArrayMatch { body, .. } => self.detection(body),
            Detection::Conditional { named, .. } => named.values().try_for_each(|one| self.detection(one)),
        }
    }

    fn values(&mut self, modifiers: &[Modifier], values: &[SigmaValue]) -> Result<(), String> {
        for value in values {
            let SigmaValue::String(text) = value else {
                continue;
            };
            if modifiers.contains(&Modifier::Re) {
                self.regex(&text.original)?;
            } else if modifiers.contains(&Modifier::WindAsh) {
                self.windash(&text.original)?;
            } else {
                self.wildcards(text)?;
            }
        }
        Ok(())
    }

    fn regex(&mut self, pattern: &str) -> Result<(), String> {
        let sizes = match self.limits.regex {
            MAX_ALL_REGEX.. => &[][..],
            HALF_OF_ALL.. => &REGEX_SIZES[..1],
            _ if self.limits.too_large >= MAX_TOO_LARGE => &REGEX_SIZES[..1],
            _ => &REGEX_SIZES[..],
        };
        for &size in sizes {
            match RegexBuilder::new(pattern).size_limit(size).build() {
                Ok(_) => {
                    self.regex += size;
                    self.limits.regex += size;
                    if self.regex > MAX_REGEX {
                        return Err("its regular expressions are too large together".to_owned());
                    }
                    return Ok(());
                }
                Err(regex::Error::CompiledTooBig(_)) => {}
                Err(error) => {
                    let error = error.to_string();
                    let why = error
                        .lines()
                        .last()
                        .unwrap_or_default()
                        .trim_start_matches("error: ");
                    return Err(format!(
                        "the regular expression `{}` is wrong: {why}",
                        shorten(pattern)
                    ));
                }
            }
        }
        self.limits.too_large += 1;
        let why = if sizes.len() == REGEX_SIZES.len() {
            "is too large"
        } else {
            "is large, after many that were"
        };
        Err(format!("the regular expression `{}` {why}", shorten(pattern)))
    }

    fn windash(&mut self, text: &str) -> Result<(), String> {
        let dashes = u32::try_from(text.matches('-').count()).unwrap_or(u32::MAX);
        let size = 5_usize.saturating_pow(dashes).saturating_mul(text.len());
        self.windash = self.windash.saturating_add(size);
        if self.windash > MAX_WINDASH {
            return Err(format!("`windash` on `{}` means too many values", shorten(text)));
        }
        Ok(())
    }

    fn wildcards(&mut self, text: &SigmaString) -> Result<(), String> {
        self.wildcards += text
            .parts
            .iter()
            .filter(|part| matches!(part, StringPart::Special(_)))
            .count();
        if self.wildcards > MAX_WILDCARDS {
            return Err(format!("more than {MAX_WILDCARDS} wildcards"));
        }
        Ok(())
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_regular_expressions_together_have_a_limit() {
        let regex = |limits: &mut Limits, pattern: &str| {
            let mut budget = Budget {
                limits,
                regex: 0,
                wildcards: 0,
                windash: 0,
            };
            budget.regex(pattern).is_ok()
        };
        let large = r"(a{1,250}b{1,250}){1,100}";
        for (spent, small, expected) in [
            (0, true, true),
            (HALF_OF_ALL, true, false),
            (MAX_ALL_REGEX, false, false),
        ] {
            let mut limits = Limits {
                regex: spent,
                ..Limits::default()
            };
            assert_eq!(regex(&mut limits, "ab+"), small, "{spent}");
            assert_eq!(regex(&mut limits, large), expected, "{spent}");
        }
    }

    #[test]
    fn texts_that_grow_are_refused() {
        let check = |text: &str, expected: bool| assert_eq!(check_text(text).is_ok(), expected, "{text:.80}");
        check("title: x\nselection: &one\n  a: b\nother: *one\n", true);
        check("CommandLine|contains: ' & echo *'", true);
        check(&" ".repeat(MAX_TEXT + 1), false);
        let mut bomb = "a0: &a0 [x]\n".to_owned();
        for level in 1..10 {
            let inner = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
        }
        check(&bomb, false);
    }
}
