//! `hunt`: looks for everything that is known in all logs that there are.
//!
//! Inputs are read and searched by several threads (`schedule`), a block at a time (`search`); findings are put back
//! into the order of the inputs (`order`) and written. What needs more than one event (Sigma correlations, STIX
//! sequences) is concluded after the scan (`conclude`).

mod conclude;
mod defect;
mod item;
mod kept;
pub(crate) mod not_run;
mod open;
mod order;
mod progress;
mod queue;
mod schedule;
mod search;
#[cfg(test)]
mod tests;
#[cfg(feature = "yara")]
pub(crate) mod yara;

use std::io;
use std::path::PathBuf;
use std::time::Instant;

use cpu_time::ProcessTime;
use jiff::Timestamp;
use perisai_detect::Detector;
use perisai_events::ReadOptions;
use perisai_intel::Options as IntelOptions;
use perisai_model::{Intel, Interrupted, Problem, Report, Severity};
use perisai_respond::Writer;

use crate::files::{self, Input, Selection};
use crate::intel::{Loaded, load_warninglists, load_with};
use crate::notes;
use crate::stop::Stop;
pub use progress::Progress;

/// What to hunt for, where, and how.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Files and folders of intelligence.
    pub intel: Vec<PathBuf>,
    /// Files of intelligence that findings call by another name: they came from there.
    pub fetched: Vec<(PathBuf, String)>,
    /// What to take of them.
    pub intel_options: IntelOptions,
    /// Files and folders of MISP warninglists.
    pub warninglists: Vec<PathBuf>,
    /// Write findings that a warninglist of false positives holds, flagged, instead of counting them.
    pub no_suppress: bool,
    /// Files and folders of logs; `-` is standard input.
    pub logs: Vec<PathBuf>,
    /// Which files of a folder are read.
    pub selection: Selection,
    /// Only events from this time on.
    pub since: Option<Timestamp>,
    /// Only events before this time.
    pub until: Option<Timestamp>,
    /// How inputs are read.
    pub read: ReadOptions,
    /// Only findings at least this bad.
    pub min_severity: Option<Severity>,
    /// Write no more findings than this.
    pub limit: Option<u64>,
    /// How many threads search; 0: one for each processor.
    pub threads: usize,
    /// Give up at the first thing that cannot be read or used.
    pub strict: bool,
    /// Files that this hunt writes: passed over where they stand in a folder of logs, refused where they are named as
    /// an input (design.md, invariant 10).
    pub own: Vec<PathBuf>,
    /// Ends the hunt before all is searched: what was found so far is told.
    pub stop: Stop,
}

/// Why a hunt ended early.
#[derive(Debug, thiserror::Error)]
pub enum HuntError {
    /// The findings cannot be written.
    #[error("the findings cannot be written")]
    Output(#[source] io::Error),
    /// Under `strict`: something could not be read or used.
    #[error("{0}")]
    Strict(Problem),
    /// A file that is to be written is to be read, too.
    #[error("{} is an input: the findings would overwrite it", .0.display())]
    OwnInput(PathBuf),
    /// There is nothing to look for; and what could not be read or used.
    #[error("nothing to look for: {0}")]
    NoIntel(String, Vec<Problem>),
    /// Under `strict`: so many YARA rules cannot be looked for by this program.
    #[error("{}", perisai_respond::say_yara_not_run(*.0))]
    NoYara(u64),
    /// It was ended while the intelligence was loaded.
    #[error("interrupted while the intelligence was loaded: nothing was searched")]
    Interrupted,
}

/// All that there is to look for.
fn load_intel(settings: &Settings) -> (Intel, Vec<Loaded>) {
    let fetched = settings.fetched.iter();
    let fetched = fetched.map(|(path, name)| Input::named(path.clone(), name));
    load_with(
        &settings.intel,
        fetched.collect(),
        &settings.intel_options,
        &settings.stop,
    )
}

/// Hunts, and writes the findings as they come. The caller ends the output with the report.
///
/// # Errors
/// Where the output fails, there is nothing to look for, or, under `strict`, at the first problem.
pub fn run(settings: &Settings, progress: &Progress, writer: &mut dyn Writer) -> Result<Report, HuntError> {
    let (wall, cpu) = (Instant::now(), ProcessTime::try_now().ok());
    let mut report = Report::default();
    refuse_own_inputs(settings)?;
    let (mut intel, sources) = load_intel(settings);
    report.problems.append(&mut intel.problems);
    let (warninglists, problems) = load_warninglists(&settings.warninglists, &settings.stop);
    fail_if_stopped(settings)?;
    report.problems.extend(problems);
    report.withheld = intel.withheld.clone();
    report.notes = notes::of_sources(&sources);
    report.idle_rules = not_run::not_run_here(&intel);
    report.yara_not_run = not_run::yara(&intel);
    #[cfg(feature = "yara")]
    let yara = yara::compile(&intel, yara::cache_folder().as_deref(), &mut report.problems);

    let (detector, problems) = Detector::compile(intel, warninglists);
    fail_if_stopped(settings)?;
    report.problems.extend(problems);
    report.notes.extend_from_slice(detector.sigma.notes());
    report.indicators = detector.indicators.len() as u64;
    report.rules = (detector.sigma.len() + detector.patterns.len()) as u64;
    // For YARA, what can be read only once is kept.
    #[cfg(feature = "yara")]
    let most_kept = yara.as_ref().map_or(0, |_| yara::LIMITS.max_bytes);
    #[cfg(not(feature = "yara"))]
    let most_kept = 0;
    if detector.indicators.is_empty() && report.rules == 0 && most_kept == 0 {
        let why = notes::why_nothing(&sources, &report.withheld);
        let nothing = nothing_in(settings) + &why;
        return Err(HuntError::NoIntel(nothing, report.problems));
    }
    if settings.strict && report.yara_not_run > 0 {
        return Err(HuntError::NoYara(report.yara_not_run));
    }
    fail_if_strict(settings, &report)?;

    let walked = files::walk(&settings.logs, &settings.selection, &mut report.problems);
    let mut inputs = walked.inputs;
    report.passed_over = walked.special;
    report.links = walked.links;
    inputs.retain(|input| {
        !input
            .path
            .as_ref()
            .is_some_and(|path| files::is_one_of(path, &settings.own))
    });
    pass_over_reports(&mut inputs, &mut report);
    fail_if_strict(settings, &report)?;
    progress.start(inputs.iter().filter_map(|input| input.size).sum());
    let mut output = order::Output::new(settings, progress, writer);
    report.loading = wall.elapsed();
    let kept = kept::Kept::new(&inputs, most_kept);
    let seen = schedule::search_all(settings, &detector, &inputs, progress, &kept, &mut output)?;
    #[cfg(feature = "yara")]
    if let Some(yara) = &yara {
        report.rules += yara.len() as u64;
        yara::search_all(yara, settings, &inputs, &kept, &mut output)?;
    }
    conclude::conclude(&detector, &mut output)?;
    output.problems(detector.patterns.gave_up(&seen.patterns))?;

    // After the wish to end and a moment more, findings and conclusions are left out.
    let cut_short = output.is_over();
    output.finish(&mut report);
    report.idle_rules.append(&mut detector.sigma.explain(&seen.sigma));
    report
        .idle_rules
        .extend(detector.patterns.explain_seen(&seen.patterns));
    report.idle_rules.sort_unstable();
    report.problems.sort_unstable();
    report.interrupted = interrupted(settings, progress, &inputs, cut_short);
    report.elapsed = wall.elapsed();
    report.cpu = cpu.and_then(|start| start.try_elapsed().ok());
    Ok(report)
}

/// Refuses to write over what was named to be read.
fn refuse_own_inputs(settings: &Settings) -> Result<(), HuntError> {
    let mut named = settings
        .intel
        .iter()
        .chain(&settings.warninglists)
        .chain(&settings.logs);
    match named.find(|path| files::is_one_of(path, &settings.own)) {
        Some(path) => Err(HuntError::OwnInput(path.clone())),
        None => Ok(()),
    }
}

/// Leaves out what an earlier hunt wrote into a folder of logs: its findings are no new ones (design.md, invariant 10).
fn pass_over_reports(inputs: &mut Vec<Input>, report: &mut Report) {
    let (own, others): (Vec<_>, _) = std::mem::take(inputs)
        .into_iter()
        .partition(|input| input.found && input.starts_as(perisai_respond::is_report));
    report.own_reports = own.into_iter().map(|input| input.place).collect();
    *inputs = others;
}

fn fail_if_stopped(settings: &Settings) -> Result<(), HuntError> {
    if settings.stop.is_set() {
        return Err(HuntError::Interrupted);
    }
    Ok(())
}

/// How far the hunt had come, where it was ended early.
fn interrupted(
    settings: &Settings,
    progress: &Progress,
    inputs: &[Input],
    cut_short: bool,
) -> Option<Interrupted> {
    // YARA rules are looked for after all else.
    let all = progress.inputs() == inputs.len() as u64 && !cut_short && !cfg!(feature = "yara");
    (settings.stop.is_set() && !all).then(|| Interrupted {
        inputs: progress.inputs(),
        of: inputs.len() as u64,
        read: progress.read(),
        total: inputs.iter().map(|input| input.size).sum(),
    })
}

fn fail_if_strict(settings: &Settings, report: &Report) -> Result<(), HuntError> {
    match report.problems.first() {
        Some(problem) if settings.strict => Err(HuntError::Strict(problem.clone())),
        _ => Ok(()),
    }
}

/// Where nothing was found that can be looked for.
fn nothing_in(settings: &Settings) -> String {
    let fetched = settings.fetched.iter().map(|(_, name)| name.clone());
    let names = settings.intel.iter().map(|path| path.display().to_string());
    let names: Vec<_> = names.chain(fetched).collect();
    match names.as_slice() {
        [] => "no source at all".to_owned(),
        [name] if settings.intel.is_empty() => format!("{name} has no indicator and no rule yet"),
        names => format!("no indicator and no rule in {}", names.join(", ")),
    }
}
