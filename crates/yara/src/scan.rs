//! One file against all rules, within limits.

use std::sync::Arc;
use std::time::Duration;

use perisai_model::RuleInfo;
use yara_x::ScanError;

use crate::{FileFacts, Rules};

/// How much of a matched text is kept, in bytes.
const KEPT: usize = 200;

/// What one file may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Files with more bytes are not scanned.
    pub max_bytes: usize,
    /// The time for one file; the engine counts in whole seconds.
    pub timeout: Duration,
}

impl Default for Limits {
    /// 64 MiB, 30 seconds.
    fn default() -> Self {
        Self {
            max_bytes: 64 << 20,
            timeout: Duration::from_secs(30),
        }
    }
}

/// A rule that matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YaraHit {
    /// The rule.
    pub rule: Arc<RuleInfo>,
    /// The first text that matched (lossy UTF-8, cut to a limit); empty where the rule only asked for facts.
    pub matched: String,
    /// Where that text begins in the file, in bytes.
    pub offset: Option<usize>,
}

/// What came of one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scan {
    /// Every rule that matched, in the order of the rules.
    pub hits: Vec<YaraHit>,
    /// Why the file was not, or not wholly, scanned; in words for an analyst.
    pub incomplete: Option<String>,
}

/// Scans one file after the other; each thread has its own.
pub struct Scanner<'r> {
    rules: &'r Rules,
    engine: yara_x::Scanner<'r>,
    limits: Limits,
}

impl<'r> Scanner<'r> {
    /// A scanner for these rules.
    #[must_use]
    pub fn new(rules: &'r Rules, limits: Limits) -> Self {
        let mut engine = yara_x::Scanner::new(&rules.engine);
        engine.set_timeout(limits.timeout);
        engine.max_matches_per_pattern(1000);
        engine.fast_scan(true);
        Self {
            rules,
            engine,
            limits,
        }
    }

    /// Scans the contents of a file.
    pub fn scan(&mut self, bytes: &[u8], facts: &FileFacts<'_>) -> Scan {
        if bytes.len() > self.limits.max_bytes {
            return incomplete(format!(
                "over {} bytes: not scanned with YARA rules",
                self.limits.max_bytes
            ));
        }
        facts.show_to(&mut self.engine, bytes);
        match self.engine.scan(bytes) {
            Ok(results) => Scan {
                hits: results
                    .matching_rules()
                    .filter_map(|rule| hit(self.rules, &rule))
                    .collect(),
                incomplete: None,
            },
            Err(ScanError::Timeout) => incomplete(format!(
                "YARA rules took over {} seconds: not scanned to the end",
                self.limits.timeout.as_secs()
            )),
            Err(error) => incomplete(format!("YARA rules failed: {error}")),
        }
    }
}

fn incomplete(why: String) -> Scan {
    Scan {
        hits: Vec::new(),
        incomplete: Some(why),
    }
}

fn hit(rules: &Rules, rule: &yara_x::Rule<'_, '_>) -> Option<YaraHit> {
    let info = rules.info(rule.namespace(), rule.identifier())?;
    let first = rule
        .patterns()
        .flat_map(|pattern| pattern.matches())
        .min_by_key(|found| found.range().start);
    let text = first.as_ref().map_or(&b""[..], |found| found.data());
    Some(YaraHit {
        rule: Arc::clone(info),
        matched: String::from_utf8_lossy(&text[..text.len().min(KEPT)]).into_owned(),
        offset: first.map(|found| found.range().start),
    })
}
