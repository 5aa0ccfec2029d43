//! Problems and idle rules, for people.

use std::io::{self, Write};

use perisai_model::{Problem, Report};

/// So many problems are listed before the rest is counted.
const SHOWN: usize = 50;

/// Lists what could not be read or used.
pub(crate) fn problems(problems: &[Problem], out: &mut dyn Write) -> io::Result<()> {
    for problem in problems.iter().take(SHOWN) {
        writeln!(out, "perisai: {}", clean(&problem.to_string()))?;
    }
    match problems.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(out, "perisai: and {more} more problems"),
    }
}

/// Tells what was left out or passed over, and, of a hunt that was ended early, how far it came.
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
    match perisai_app::say_interrupted(report) {
        Some(text) => writeln!(out, "perisai: interrupted: {text}"),
        None => Ok(()),
    }
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
    writeln!(out, "{} rules did no work in this hunt", report.idle_rules.len())
}

/// Text of others without what could steer a terminal.
pub(crate) fn clean(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
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
