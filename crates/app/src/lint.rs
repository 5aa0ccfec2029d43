//! `intel lint`: what sources of intelligence hold, and what is wrong with them, without a hunt.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use perisai_detect::Detector;
use perisai_intel::Options;
use perisai_model::{IdleRule, Intel, Place, Problem};

use crate::hunt::not_run::not_run_here;
use crate::intel::{Loaded, load};
use crate::notes;
use crate::stop::Stop;
use crate::too_common;

/// What was found in one source.
pub type SourceLint = Loaded;

/// What was found in all sources.
#[derive(Debug, Clone)]
pub struct Lint {
    /// Each source, in the order in which they were read.
    pub sources: Vec<SourceLint>,
    /// What cannot be used, from reading and from compiling.
    pub problems: Vec<Problem>,
    /// Plain indicators, each value once.
    pub indicators: usize,
    /// Rules that compiled.
    pub rules: usize,
    /// Rules that no log can ever match here, and why.
    pub idle_rules: Vec<IdleRule>,
    /// What is worth telling, and no problem.
    pub notes: Vec<String>,
}

/// Reads and compiles all intelligence under the paths.
#[must_use]
pub fn lint(paths: &[PathBuf], options: &Options) -> Lint {
    let options = Options {
        check_warninglists: true,
        ..options.clone()
    };
    let (mut intel, mut sources) = load(paths, &options, &Stop::default());
    let mut problems = std::mem::take(&mut intel.problems);
    let mut notes = notes::of_lint(&sources);
    notes.extend(too_common::notes(&intel));
    let mut idle_rules = not_run_here(&intel);
    let (yara, mut refused) = yara(&intel);
    let warninglists = std::mem::take(&mut intel.warninglists);
    let (detector, others) = Detector::compile(intel, warninglists);
    refused.extend(others);
    count_refused(&mut sources, &refused);
    problems.extend(refused);
    problems.sort_unstable();
    idle_rules.extend(detector.patterns.explain());
    notes.extend_from_slice(detector.sigma.notes());
    Lint {
        notes,
        sources,
        problems,
        indicators: detector.indicators.len(),
        rules: detector.sigma.len() + detector.patterns.len() + yara,
        idle_rules,
    }
}

/// How many YARA rules compile, and what does not.
#[cfg(feature = "yara")]
fn yara(intel: &Intel) -> (usize, Vec<Problem>) {
    let mut refused = Vec::new();
    let rules = crate::hunt::yara::compile(intel, None, &mut refused);
    (rules.map_or(0, |rules| rules.len()), refused)
}

#[cfg(not(feature = "yara"))]
fn yara(_: &Intel) -> (usize, Vec<Problem>) {
    (0, Vec::new())
}

/// Adds what did not compile to the problems of the source that it came from.
fn count_refused(sources: &mut [SourceLint], refused: &[Problem]) {
    let whole = |place: &Place| (Arc::clone(&place.path), place.member.clone());
    let mut at: HashMap<_, usize> = HashMap::new();
    for (index, source) in sources.iter().enumerate() {
        at.entry(whole(&source.place)).or_insert(index);
    }
    for problem in refused {
        if let Some(&index) = at.get(&whole(&problem.place)) {
            sources[index].problems += 1;
        }
    }
}
