//! `perisai hunt`.

mod node;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use jiff::Timestamp;
use perisai_app::hunt::{self, HuntError, Progress, Settings};
use perisai_app::{Format, IntelOptions, OutputOptions, ReadOptions, Selection, Stop};
use perisai_model::{Report, Severity};
use serde_json::Value;

use self::node::Tally;
pub(super) use self::node::{download, tell};
use super::time;
use crate::Outcome;
use crate::client::Which;
use crate::interrupt;
use crate::output::file::Output;
use crate::output::{bar, report, screen};

/// Look for indicators and rules in logs
///
/// Every line of every file is searched for indicators; where the format is known, fields and times are read, and
/// Sigma rules and STIX patterns are run. What each file is, is seen from its content.
#[derive(Debug, Args)]
#[command(after_help = STATUS)]
pub(crate) struct Hunt {
    /// Intelligence: lists, CSV, STIX, MISP, Sigma and YARA rules; files or folders, packed or not
    #[arg(long, short, value_name = "PATH", required_unless_present_any = ["node", "data"], value_hint = ValueHint::AnyPath)]
    intel: Vec<PathBuf>,
    /// MISP warninglists: what they hold as false positives is left out, what they know is lowered
    #[arg(long, value_name = "DIR", value_hint = ValueHint::AnyPath)]
    warninglists: Vec<PathBuf>,
    /// Show what warninglists hold as false positives
    #[arg(long)]
    no_suppress: bool,
    /// Also look for what partners only observed (STIX observed-data)
    #[arg(long)]
    observed: bool,
    /// Only events from this time on: 2022-02-24T03:00:00Z, 2022-02-24, yesterday, seconds since 1970, or 7d ago
    #[arg(long, value_name = "T")]
    since: Option<String>,
    /// Only events before this time
    #[arg(long, value_name = "T")]
    until: Option<String>,
    /// The zone of times that are written without one, such as Europe/Kyiv or +02:00
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    tz: String,
    /// Only files of folders that match, such as '*.evtx'; a pattern with a slash means the path in the folder
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// No files of folders that match, and nothing in folders that match, such as node_modules or '*/old/*'
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Follow links that lead out of a folder
    #[arg(long)]
    follow: bool,
    /// How to write findings: text, jsonl, csv, stix, html, navigator
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Write to a file; - is standard output
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// How many rules and indicators the summary shows; 0 shows all
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
    /// Only findings at least this bad: informational, low, medium, high, critical
    #[arg(long, value_name = "S")]
    min_severity: Option<Severity>,
    /// Write no more findings than this
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// How many threads search, up to 1024; 0 takes all processors
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=MOST_THREADS))]
    threads: u16,
    /// Exit with 1 where something was found
    #[arg(long)]
    exit_code: bool,
    /// Give up at the first input that cannot be read or used
    #[arg(long)]
    strict: bool,
    /// List the rules that did no work, and why
    #[arg(long)]
    explain_rules: bool,
    /// List all that could not be read or used, on standard error
    #[arg(long)]
    explain_problems: bool,
    /// Do not tell the node what was seen of what it gave
    #[arg(long)]
    no_sightings: bool,
    /// Logs: files, folders, or - for standard input
    #[arg(value_name = "LOGS|-", required = true, value_hint = ValueHint::AnyPath)]
    logs: Vec<PathBuf>,
    /// The node that gives intelligence, and is told what was seen of it
    #[command(flatten)]
    node: Which,
}

/// More threads than any machine has use for.
const MOST_THREADS: i64 = 1024;

/// The end of `--help`.
const STATUS: &str = "\
Exit status: 0 done; 1 with --exit-code, something was found; 2 wrong command line, or nothing to look for; 3 done, but \
some input could not be read or used (3 wins over 1); 4 the findings could not be written; 130 interrupted (Ctrl-C or \
kill): what was found so far is written. A second Ctrl-C ends at once, with nothing more written; only it ends a hunt \
whose output is a pipe that nobody reads from.";

impl Hunt {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let mut settings = self.settings()?;
        let fetched = match self.node.is_named() {
            true => Some(node::fetch(&self.node)?),
            false => None,
        };
        let source = fetched.as_ref().map(|fetched| fetched.name.as_str());
        if let Some(fetched) = &fetched {
            settings
                .fetched
                .push((fetched.file.path().to_owned(), fetched.name.clone()));
        }
        let file = self.output.as_deref().filter(|path| path.as_os_str() != "-");
        let Some((report, sightings)) = run(settings, self.format, file, self.top, source)? else {
            return Ok(Outcome::Interrupted);
        };
        let told = match self.no_sightings {
            true => Ok(()),
            false => node::report(&self.node, &sightings),
        };
        if self.explain_rules {
            report::idle_rules(&report, &mut io::stderr().lock())?;
        }
        let beside = self.format != Format::Text || file.is_some();
        if beside && report.yara_not_run > 0 {
            let text = perisai_app::say_yara_not_run(report.yara_not_run);
            writeln!(io::stderr(), "perisai: {text}")?;
        }
        if beside || self.explain_problems {
            report::problems(&report.problems, self.explain_problems, &mut io::stderr().lock())?;
        }
        if beside {
            report::asides(&report, &mut io::stderr().lock())?;
        }
        if let Err(error) = &told {
            writeln!(
                io::stderr(),
                "perisai: the node was not told what was seen: {error:#}"
            )?;
        }
        Ok(match () {
            () if report.interrupted.is_some() => Outcome::Interrupted,
            () if !report.problems.is_empty() || told.is_err() => Outcome::SomeFailed,
            () if self.exit_code && report.findings > 0 => Outcome::Found,
            () => Outcome::Done,
        })
    }

    fn settings(&self) -> anyhow::Result<Settings> {
        let zone = time::zone(&self.tz).map_err(|why| anyhow::anyhow!("--tz: {why}"))?;
        let now = Timestamp::now();
        let time = |option: &str, text: &Option<String>| {
            let parsed = text
                .as_deref()
                .map(|text| time::parse(text, &zone, now))
                .transpose();
            parsed.map_err(|why| anyhow::anyhow!("{option}: {why}"))
        };
        let (since, until) = (time("--since", &self.since)?, time("--until", &self.until)?);
        if let (Some(since), Some(until)) = (since, until)
            && since >= until
        {
            anyhow::bail!("--since {since} is not before --until {until}: no event could be in that time");
        }
        Ok(Settings {
            intel: self.intel.clone(),
            fetched: Vec::new(),
            intel_options: IntelOptions {
                observed: self.observed,
                ..IntelOptions::default()
            },
            warninglists: self.warninglists.clone(),
            no_suppress: self.no_suppress,
            logs: self.logs.clone(),
            selection: Selection::new(&self.include, &self.exclude)?.follow(self.follow),
            since,
            until,
            read: ReadOptions {
                tz: zone,
                ..ReadOptions::default()
            },
            min_severity: self.min_severity,
            limit: self.limit,
            threads: usize::from(self.threads),
            strict: self.strict,
            own: Vec::new(),
            stop: Stop::default(),
        })
    }
}

/// Hunts with a progress bar, and writes to a file or to standard output. Gives the report, and what was seen of what a
/// source gave; `None` where it was ended before it searched anything.
pub(super) fn run(
    mut settings: Settings,
    format: Format,
    file: Option<&Path>,
    top: usize,
    source: Option<&str>,
) -> anyhow::Result<Option<(Report, Vec<Value>)>> {
    settings.stop =
        interrupt::on_signal().map_err(|error| anyhow::anyhow!("no signal can be caught: {error}"))?;
    let progress = Progress::default();
    let output = Output::open(file)?;
    settings.own = output.paths();
    let to_screen = file.is_none() && io::stdout().is_terminal();
    let options = OutputOptions {
        color: file.is_none() && screen::has_color(to_screen),
        width: screen::width(),
        top,
        ..OutputOptions::default()
    };
    let out = match format {
        // What people read is made harmless where it is written, as it has colours.
        Format::Text => output.writer()?,
        _ => output.harmless()?,
    };
    let mut writer = perisai_app::writer(format, &options, out);
    let mut tally = Tally::new(&mut *writer, source.unwrap_or_default());
    let mut hunt = || hunt::run(&settings, &progress, &mut tally);
    // Findings that come on the same screen would stand in the bar.
    let outcome = if to_screen && format.streams() {
        hunt()
    } else {
        bar::while_shown(&progress, hunt)
    };
    if let Err(HuntError::NoIntel(_, problems)) = &outcome {
        report::problems(problems, true, &mut io::stderr().lock())?;
    }
    if let Err(interrupted @ HuntError::Interrupted) = &outcome {
        writeln!(io::stderr(), "perisai: {interrupted}")?;
        return Ok(None);
    }
    let report = outcome?;
    let sightings = tally.into_sightings();
    writer.finish(&report)?;
    drop(writer);
    output.keep()?;
    Ok(Some((report, sightings)))
}
