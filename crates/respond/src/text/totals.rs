//! The end of the terminal summary: what was searched, with what, how long it took, and what was left out or failed.

use std::io;
use std::time::Duration;

use perisai_model::{Place, Report};

use super::Out;
use super::page::Column;
use crate::clean::clip;
use crate::say;

const TOTALS: Column = Column { indent: 0, label: 12 };
/// How many problems, and how many warninglists, are listed.
const LISTED: usize = 10;
/// In less time than this, opening files and starting threads is most of the work.
const WORTH_TELLING: Duration = Duration::from_millis(500);

pub(super) fn show(page: &mut Out<'_>, report: &Report) -> io::Result<()> {
    page.field(TOTALS, "Searched", &searched(report))?;
    if let Some(how_far) = say::interrupted(report) {
        page.field(
            TOTALS,
            "Interrupted",
            &format!("{how_far}; the rest is not in this report"),
        )?;
    }
    page.field(TOTALS, "Took", &took(report))?;
    let with = format!(
        "{} and {}",
        say::count(report.indicators, "indicator"),
        say::count(report.rules, "rule")
    );
    page.field(TOTALS, "With", &with)?;
    if !report.idle_rules.is_empty() {
        let text = format!(
            "{} did not load or can never match these logs; --explain-rules says why",
            say::count(report.idle_rules.len() as u64, "rule")
        );
        page.field(TOTALS, "Idle", &text)?;
    }
    if report.yara_not_run > 0 {
        page.field(TOTALS, "Not run", &say::yara_not_run(report.yara_not_run))?;
    }
    if report.withheld.total() > 0 {
        let text = format!("of the intelligence: {}", report.withheld);
        page.field(TOTALS, "Left out", &clip(&text, 400))?;
    }
    for note in &report.notes {
        page.field(TOTALS, "Note", &clip(note, 400))?;
    }
    if report.untimed > 0 {
        let text = format!(
            "{} without a readable time, kept",
            say::count(report.untimed, "record")
        );
        page.field(TOTALS, "Untimed", &text)?;
    }
    if report.passed_over > 0 {
        let text = format!(
            "{} in folders that are no files (pipes, sockets, devices); name one to have it read",
            say::number(report.passed_over),
        );
        page.field(TOTALS, "Passed over", &text)?;
    }
    let text = format!(
        "{} out of the folders, not followed; --follow follows them",
        say::count(report.links.len() as u64, "link")
    );
    passed_over(page, &text, &report.links)?;
    let text = format!(
        "{} of an earlier hunt, not searched; name one to have it searched",
        say::count(report.own_reports.len() as u64, "report")
    );
    passed_over(page, &text, &report.own_reports)?;
    suppressed(page, report)?;
    problems(page, report)
}

/// What was not searched, by name: a log must not vanish unseen.
fn passed_over(page: &mut Out<'_>, text: &str, all: &[Place]) -> io::Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    page.field(TOTALS, "Passed over", text)?;
    for place in all.iter().take(LISTED) {
        page.field(TOTALS, "", &clip(&place.to_string(), 400))?;
    }
    more(page, all.len(), "")
}

fn searched(report: &Report) -> String {
    let mut parts = vec![say::count(report.files, "file"), say::bytes(report.bytes)];
    if report.lines > 0 {
        parts.push(say::count(report.lines, "line"));
    }
    if report.records > 0 {
        parts.push(say::count(report.records, "record"));
    }
    parts.join(", ")
}

/// The time, and the speed of a search that took long enough to have one.
fn took(report: &Report) -> String {
    let searching = report.elapsed.saturating_sub(report.loading);
    let mut text = say::duration(report.elapsed);
    if report.loading >= WORTH_TELLING {
        text += &format!(" ({} to load)", say::duration(report.loading));
    }
    if searching >= WORTH_TELLING {
        let rate = (report.bytes as f64 / searching.as_secs_f64()) as u64;
        text += &format!(", {}/s", say::bytes(rate));
    }
    if let Some(cpu) = report.cpu {
        text += &format!("; {} of processor time", say::duration(cpu));
    }
    text
}

fn suppressed(page: &mut Out<'_>, report: &Report) -> io::Result<()> {
    if report.suppressed.is_empty() {
        return Ok(());
    }
    let total = report.suppressed.values().sum();
    let text = format!(
        "{} by warninglist; --no-suppress shows them",
        say::count(total, "finding")
    );
    page.field(TOTALS, "Suppressed", &text)?;
    let mut lists: Vec<_> = report.suppressed.iter().collect();
    lists.sort_by_key(|&(name, &many)| (std::cmp::Reverse(many), name));
    for (name, many) in lists.iter().take(LISTED) {
        let text = format!("{}: {}", clip(name, 200), say::number(**many));
        page.field(TOTALS, "", &text)?;
    }
    more(page, lists.len(), "")
}

fn problems(page: &mut Out<'_>, report: &Report) -> io::Result<()> {
    if report.problems.is_empty() {
        return Ok(());
    }
    let many = say::count(report.problems.len() as u64, "problem");
    page.field(TOTALS, "Failed", &format!("{many}; all else was searched"))?;
    for problem in report.problems.iter().take(LISTED) {
        page.field(TOTALS, "", &clip(&problem.to_string(), 400))?;
    }
    more(page, report.problems.len(), "; --explain-problems lists all")
}

fn more(page: &mut Out<'_>, all: usize, how: &str) -> io::Result<()> {
    match all.saturating_sub(LISTED) {
        0 => Ok(()),
        left => page.field(TOTALS, "", &format!("and {} more{how}", say::number(left as u64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_is_of_the_search_alone() {
        let check = |elapsed, loading, cpu: Option<u64>, expected: &str| {
            let report = Report {
                bytes: 1_000_000_000,
                elapsed: Duration::from_millis(elapsed),
                loading: Duration::from_millis(loading),
                cpu: cpu.map(Duration::from_millis),
                ..Report::default()
            };
            assert_eq!(took(&report), expected);
        };
        check(0, 0, None, "0.0 s");
        check(490, 90, Some(800), "0.5 s; 0.8 s of processor time");
        check(3_000, 2_900, None, "3.0 s (2.9 s to load)");
        check(
            2_100,
            100,
            Some(4_000),
            "2.1 s, 500.0 MB/s; 4.0 s of processor time",
        );
        check(12_400, 2_400, None, "12 s (2.4 s to load), 100.0 MB/s");
    }
}
