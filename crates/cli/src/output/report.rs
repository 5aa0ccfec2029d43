//! Problems and idle rules, for people.

use std::fmt::Display;
use std::io::{self, Write};

use perisai_model::{Place, Report};

use super::harmless::steers;

/// So many problems are listed before the rest is counted.
const SHOWN: usize = 50;

/// Lists what could not be read or used: the first of it, or all.
pub(crate) fn problems<T: Display>(problems: &[T], all: bool, out: &mut dyn Write) -> io::Result<()> {
    let shown = if all { problems.len() } else { SHOWN };
    for problem in problems.iter().take(shown) {
        writeln!(out, "perisai: {}", clean(&problem.to_string()))?;
    }
    match problems.len().saturating_sub(shown) {
        0 => Ok(()),
        more => writeln!(
            out,
            "perisai: and {}; --explain-problems lists all",
            count(more, "more problem")
        ),
    }
}

/// Tells what a report that people do not read on the screen leaves unsaid: what was left out or passed over, how far
/// a hunt that was ended early came, and the totals.
pub(crate) fn asides(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.withheld.total() > 0 {
        let text = clean(&report.withheld.to_string());
        writeln!(out, "perisai: left out of the intelligence: {text}")?;
    }
    for note in &report.notes {
        writeln!(out, "perisai: {}", clean(note))?;
    }
    if report.passed_over > 0 {
        let many = report.passed_over;
        writeln!(
            out,
            "perisai: passed over in folders, as they are no files (pipes, sockets, devices): {many}"
        )?;
    }
    let follow = "a link out of its folder, not followed; --follow follows it";
    passed_over(&report.links, follow, "more link", out)?;
    let earlier = "passed over: the report of an earlier hunt; name it to have it searched";
    passed_over(&report.own_reports, earlier, "more report", out)?;
    if let Some(text) = perisai_app::say_interrupted(report) {
        writeln!(out, "perisai: interrupted: {text}")?;
    }
    match perisai_app::say_closing(report) {
        Some(text) => writeln!(out, "perisai: {text}"),
        None => Ok(()),
    }
}

fn passed_over(places: &[Place], why: &str, what: &str, out: &mut dyn Write) -> io::Result<()> {
    for place in places.iter().take(SHOWN) {
        writeln!(out, "perisai: {}: {why}", clean(&place.to_string()))?;
    }
    match places.len().checked_sub(SHOWN) {
        Some(more @ 1..) => writeln!(out, "perisai: and {}", count(more, what)),
        _ => Ok(()),
    }
}

/// A count of something; the plural is made with an `s`.
pub(crate) fn count(many: usize, one: &str) -> String {
    let plural = if many == 1 { "" } else { "s" };
    format!("{many} {one}{plural}")
}

/// Lists the rules that did no work.
pub(crate) fn idle_rules(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for rule in &report.idle_rules {
        let id = rule
            .id
            .as_ref()
            .map(|id| format!(" ({})", clean(id)))
            .unwrap_or_default();
        writeln!(out, "{}{id}: {}", clean(&rule.name), clean(&rule.why))?;
    }
    writeln!(
        out,
        "{} did no work in this hunt",
        count(report.idle_rules.len(), "rule")
    )
}

/// Text of others without what could steer a terminal.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            if steers(c) {
                c.escape_default().collect::<Vec<_>>()
            } else {
                vec![c]
            }
        })
        .collect()
}

/// A cell of a CSV table that no spreadsheet takes for a formula.
pub(crate) fn csv_cell(text: &str) -> String {
    let defused = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    format!("\"{}\"", defused.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_harmless() {
        assert_eq!(clean("a\u{1b}[2Jb\u{202e}c"), "a\\u{1b}[2Jb\\u{202e}c");
        assert_eq!(csv_cell("=1+1\"x"), "\"'=1+1\"\"x\"");
    }
}
