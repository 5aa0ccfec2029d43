//! `perisai intel lint`.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use perisai_app::{IntelOptions, Lint, SourceLint, lint};
use serde_json::json;

use crate::Outcome;
use crate::client::Listing;
use crate::output::report;

/// Say what files of intelligence hold, and what is wrong with them
#[derive(Debug, Args)]
pub(crate) struct LintCommand {
    /// Also take what partners only observed (STIX observed-data)
    #[arg(long)]
    observed: bool,
    /// How to write the listing
    #[arg(long, short, value_enum, ignore_case = true, default_value_t = Listing::Text)]
    format: Listing,
    /// Files or folders, packed or not
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

impl LintCommand {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let options = IntelOptions {
            observed: self.observed,
            ..IntelOptions::default()
        };
        let found = lint(&self.paths, &options);
        let mut out = io::stdout().lock();
        match self.format {
            Listing::Text => text(&found, &mut out)?,
            Listing::Jsonl => jsonl(&found, &mut out)?,
            Listing::Csv => {
                csv(&found, &mut out)?;
                // A table has no place for them.
                report::problems(&found.problems, true, &mut io::stderr().lock())?;
            }
        }
        out.flush()?;
        Ok(if found.problems.is_empty() {
            Outcome::Done
        } else {
            Outcome::SomeFailed
        })
    }
}

fn text(found: &Lint, out: &mut dyn Write) -> io::Result<()> {
    let formats = found.sources.iter().map(|source| source.format.as_str().len());
    let width = formats.max().unwrap_or(0).max("format".len());
    writeln!(
        out,
        "{:>10} {:>6} {:>8} {:>8}  {:<width$} source",
        "indicators", "rules", "withheld", "problems", "format"
    )?;
    for source in &found.sources {
        let (indicators, rules) = (source.indicators, source.rules);
        let (withheld, problems) = (source.withheld.total(), source.problems);
        let place = report::clean(&source.place.to_string());
        let kinds = kinds(source);
        let kinds = if kinds.is_empty() {
            kinds
        } else {
            format!(": {kinds}")
        };
        writeln!(
            out,
            "{indicators:>10} {rules:>6} {withheld:>8} {problems:>8}  {:<width$} {place}{kinds}",
            source.format
        )?;
    }
    let sum = |of: fn(&SourceLint) -> u64| found.sources.iter().map(of).sum::<u64>();
    writeln!(
        out,
        "{:>10} {:>6} {:>8} {:>8}  {:<width$} {}",
        sum(|one| one.indicators as u64),
        sum(|one| one.rules as u64),
        sum(|one| one.withheld.total()),
        sum(|one| one.problems as u64),
        "total",
        report::count(found.sources.len(), "source")
    )?;
    writeln!(out)?;
    for problem in &found.problems {
        writeln!(out, "{}", report::clean(&problem.to_string()))?;
    }
    for rule in &found.idle_rules {
        writeln!(out, "{}: {}", report::clean(&rule.name), report::clean(&rule.why))?;
    }
    for note in &found.notes {
        writeln!(out, "{}", report::clean(note))?;
    }
    writeln!(
        out,
        "{} and {} in use, {}",
        report::count(found.indicators, "indicator"),
        report::count(found.rules, "rule"),
        report::count(found.problems.len(), "problem")
    )
}

/// `domain 1200, ipv4 34`, the most frequent first: a column that was taken for another kind is seen here.
fn kinds(source: &SourceLint) -> String {
    let mut kinds: Vec<_> = source.kinds.iter().collect();
    kinds.sort_by_key(|&(kind, &many)| (Reverse(many), kind));
    let kinds = kinds.iter().map(|(kind, many)| format!("{kind} {many}"));
    kinds.collect::<Vec<_>>().join(", ")
}

fn jsonl(found: &Lint, out: &mut dyn Write) -> io::Result<()> {
    for source in &found.sources {
        let line = json!({
            "source": source.place.to_string(), "format": source.format.as_str(), "indicators": source.indicators,
            "kinds": source.kinds.iter().map(|(kind, many)| (kind.as_str(), *many)).collect::<BTreeMap<_, _>>(),
            "rules": source.rules, "withheld": source.withheld.total(), "problems": source.problems,
        });
        writeln!(out, "{line}")?;
    }
    for problem in &found.problems {
        writeln!(
            out,
            "{}",
            json!({ "problem": problem.why, "place": problem.place.to_string() })
        )?;
    }
    for note in &found.notes {
        writeln!(out, "{}", json!({ "note": note }))?;
    }
    Ok(())
}

fn csv(found: &Lint, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "source,format,indicators,kinds,rules,withheld,problems")?;
    for source in &found.sources {
        let place = report::csv_cell(&source.place.to_string());
        let (indicators, rules) = (source.indicators, source.rules);
        let (withheld, problems) = (source.withheld.total(), source.problems);
        writeln!(
            out,
            "{place},{},{indicators},{},{rules},{withheld},{problems}",
            source.format,
            report::csv_cell(&kinds(source))
        )?;
    }
    Ok(())
}
