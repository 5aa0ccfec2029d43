//! One file against all rules, within limits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use perisai_model::{Problem, RuleInfo};
use yara_x::ScanError;

use crate::slow::Search;
use crate::{FileFacts, Rules};

/// How much of a matched text is kept, in bytes.
const KEPT: usize = 200;

/// What files may cost. The engine counts in whole seconds, and may end a scan up to a second earlier than said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Files with more bytes are not scanned.
    pub max_bytes: usize,
    /// The time for a small file and all rules.
    pub timeout: Duration,
    /// The time for a small file and some of the rules, where all of them took too long.
    pub alone: Duration,
    /// For each so many bytes of a file, each of its times is a second longer.
    pub bytes_a_second: usize,
    /// The time that all files together may cost where rules are too slow.
    pub spare: Duration,
}

impl Limits {
    /// 64 MiB; 5 and 3 seconds, and one more for every 4 MiB, which is a tenth of the speed that some thousand rules
    /// have; 2 minutes.
    pub const DEFAULT: Self = Self {
        max_bytes: 64 << 20,
        timeout: Duration::from_secs(5),
        alone: Duration::from_secs(3),
        bytes_a_second: 4 << 20,
        spare: Duration::from_secs(120),
    };

    fn more(&self, bytes: &[u8]) -> Duration {
        Duration::from_secs((bytes.len() / self.bytes_a_second.max(1)) as u64)
    }
}

/// What a scanner is told of the world.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// The time since any moment.
    pub clock: &'a dyn Fn() -> Duration,
    /// Whether the user wants no more.
    pub ends: &'a dyn Fn() -> bool,
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
    /// Rules that were too slow for this file: they were set aside, and are looked for in no other after it. Each with
    /// its own place.
    pub set_aside: Vec<Problem>,
}

/// Hits by the positions of their rules.
pub(crate) type Hits = BTreeMap<usize, YaraHit>;

/// Scans one file after the other; each thread has its own.
pub struct Scanner<'r> {
    rules: &'r Rules,
    watch: Watch<'r>,
    limits: Limits,
    engine: yara_x::Scanner<'r>,
    /// What is looked for instead, once rules were set aside.
    rest: Option<Rest>,
    aside: BTreeSet<usize>,
    /// How much of the time for slow rules is left.
    spare: Duration,
}

/// All rules but those that were set aside.
struct Rest {
    engine: yara_x::Rules,
    is_empty: bool,
}

impl<'r> Scanner<'r> {
    /// A scanner for these rules.
    #[must_use]
    pub fn new(rules: &'r Rules, limits: Limits, watch: Watch<'r>) -> Self {
        Self {
            rules,
            watch,
            limits,
            engine: engine(&rules.engine),
            rest: None,
            aside: BTreeSet::new(),
            spare: limits.spare,
        }
    }

    /// Scans the contents of a file. Where that takes too long, the slow rules are found and set aside, and the others
    /// have their matches all the same.
    pub fn scan(&mut self, bytes: &[u8], facts: &FileFacts<'_>) -> Scan {
        if bytes.len() > self.limits.max_bytes {
            return incomplete(format!(
                "over {} bytes: not scanned with YARA rules",
                self.limits.max_bytes
            ));
        }
        let limit = self.limits.timeout + self.limits.more(bytes);
        let start = (self.watch.clock)();
        let file = File {
            rules: self.rules,
            bytes,
            facts,
        };
        let outcome = match self.rest() {
            None => file.scan(&mut self.engine, limit),
            Some(rest) if rest.is_empty => Ok(Hits::new()),
            Some(rest) => file.scan(&mut engine(&rest.engine), limit),
        };
        match outcome {
            Ok(hits) => complete(hits),
            Err(Failure::Slow) => self.find_slow(&file, start),
            Err(Failure::Engine(why)) => incomplete(why),
        }
    }

    /// What is looked for instead of all rules.
    fn rest(&mut self) -> Option<&Rest> {
        if self.rest.is_none() && !self.aside.is_empty() {
            let units = self.rules.units();
            let others: Vec<usize> = (0..units.len()).filter(|at| !self.aside.contains(at)).collect();
            self.rest = Some(Rest {
                engine: units.compile(&others),
                is_empty: others.is_empty(),
            });
        }
        self.rest.as_ref()
    }

    /// Looks for the rules that took too long since `start`.
    fn find_slow(&mut self, file: &File<'_>, start: Duration) -> Scan {
        let spent = || (self.watch.clock)().saturating_sub(start);
        if self.spare.is_zero() {
            // Whatever it is, it would go on to cost as much for each file.
            self.aside = (0..self.rules.units().len()).collect();
            self.rest = None;
            return incomplete(
                "YARA rules took too long, and the time for finding out which is used up: from here on, none is \
                 looked for"
                    .to_owned(),
            );
        }
        let search = Search {
            file,
            units: self.rules.units(),
            limit: self.limits.alone + self.limits.more(file.bytes),
            is_over: &|| spent() >= self.spare,
            ends: self.watch.ends,
        };
        let found = search.run(&mut self.aside);
        self.spare = self.spare.saturating_sub(spent());
        if !found.set_aside.is_empty() {
            self.rest = None;
        }
        Scan {
            set_aside: found.set_aside,
            incomplete: found.failed,
            ..complete(found.hits)
        }
    }
}

/// What is scanned.
pub(crate) struct File<'a> {
    rules: &'a Rules,
    bytes: &'a [u8],
    facts: &'a FileFacts<'a>,
}

/// Why a scan did not come to its end.
pub(crate) enum Failure {
    /// It took too long.
    Slow,
    /// The engine says so.
    Engine(String),
}

impl File<'_> {
    /// Scans it with some rules.
    pub(crate) fn scan_with(&self, rules: &yara_x::Rules, limit: Duration) -> Result<Hits, Failure> {
        self.scan(&mut engine(rules), limit)
    }

    fn scan(&self, engine: &mut yara_x::Scanner<'_>, limit: Duration) -> Result<Hits, Failure> {
        engine.set_timeout(limit);
        self.facts.show_to(engine, self.bytes);
        match engine.scan(self.bytes) {
            Ok(results) => Ok(results
                .matching_rules()
                .filter_map(|rule| hit(self.rules, &rule))
                .collect()),
            Err(ScanError::Timeout) => Err(Failure::Slow),
            Err(error) => Err(Failure::Engine(format!("YARA rules failed: {error}"))),
        }
    }
}

fn engine(rules: &yara_x::Rules) -> yara_x::Scanner<'_> {
    let mut engine = yara_x::Scanner::new(rules);
    engine.max_matches_per_pattern(1000);
    engine.fast_scan(true);
    engine
}

fn complete(hits: Hits) -> Scan {
    Scan {
        hits: hits.into_values().collect(),
        ..Scan::default()
    }
}

fn incomplete(why: String) -> Scan {
    Scan {
        incomplete: Some(why),
        ..Scan::default()
    }
}

fn hit(rules: &Rules, rule: &yara_x::Rule<'_, '_>) -> Option<(usize, YaraHit)> {
    let (order, info) = rules.info(rule.namespace(), rule.identifier())?;
    let first = rule
        .patterns()
        .flat_map(|pattern| pattern.matches())
        .min_by_key(|found| found.range().start);
    let text = first.as_ref().map_or(&b""[..], |found| found.data());
    let hit = YaraHit {
        rule: Arc::clone(info),
        matched: String::from_utf8_lossy(&text[..text.len().min(KEPT)]).into_owned(),
        offset: first.map(|found| found.range().start),
    };
    Some((order, hit))
}
