//! `text`: the terminal summary that a person acts on. What was found, by rule and indicator and worst first, then
//! what the hunt did and what it could not do.

mod page;
mod totals;

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use perisai_model::{Finding, Report, RuleKind, Severity, Source};

use self::page::{Column, Page, Style};
use crate::clean::clip;
use crate::summary::{Group, Summary};
use crate::{Options, Writer, say};

/// Where a group's text starts, right of its severity.
const GROUP: Column = Column { indent: 10, label: 8 };
/// How many hosts, and how many sources, are named.
const NAMED: usize = 3;
/// Characters of a name, value, source or other text that someone else chose.
const LONGEST: usize = 300;

type Out<'a> = Page<BufWriter<Box<dyn Write + 'a>>>;

pub(crate) struct Text<'a> {
    page: Out<'a>,
    top: usize,
    summary: Summary,
}

impl<'a> Text<'a> {
    pub(crate) fn new(options: Options, out: Box<dyn Write + 'a>) -> Self {
        Self {
            page: Page::new(BufWriter::new(out), options.width, options.color),
            top: if options.top == 0 { usize::MAX } else { options.top },
            summary: Summary::default(),
        }
    }
}

impl Writer for Text<'_> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        self.summary.add(finding);
        Ok(())
    }

    fn finish(&mut self, report: &Report) -> io::Result<()> {
        let page = &mut self.page;
        let groups = self.summary.worst_first();
        headline(page, &self.summary, groups.len(), report)?;
        for group in groups.iter().take(self.top) {
            page.blank()?;
            show(page, group)?;
        }
        rest(page, groups.get(self.top..).unwrap_or_default(), groups.len())?;
        if self.summary.untold > 0 {
            page.blank()?;
            let text = format!(
                "{} of further indicators are not shown: there are too many different ones for a summary. \
                 --format jsonl writes every finding.",
                say::count(self.summary.untold, "finding")
            );
            page.paragraph(&text, Style::Plain)?;
        }
        page.blank()?;
        totals::show(page, report)?;
        page.flush()
    }
}

/// What was found, or that nothing was, and what was left out on request.
/// Whether every rule that was loaded is idle.
fn none_at_work(report: &Report) -> bool {
    let idle = report.idle_rules.iter().filter(|rule| rule.loaded);
    report.rules > 0 && idle.count() as u64 >= report.rules
}

fn headline(page: &mut Out<'_>, summary: &Summary, groups: usize, report: &Report) -> io::Result<()> {
    let total = summary.total();
    let left_out = say::left_out(report);
    if total == 0 {
        let searched = say::count(report.files, "file");
        let text = if let Some(left_out) = left_out {
            let unread = if report.problems.is_empty() {
                ""
            } else {
                " Not everything could be read: see below."
            };
            format!("No finding is shown from {searched}: {left_out}.{unread}")
        } else if report.indicators == 0 && report.rules == 0 {
            format!("Nothing was looked for in {searched}: no indicator and no rule was loaded.")
        } else if report.indicators == 0 && none_at_work(report) {
            let rules = say::count(report.rules, "rule");
            format!(
                "Nothing found in {searched}: of {rules} none could match these logs; --explain-rules says why."
            )
        } else if report.interrupted.is_some() {
            format!("Nothing found in {searched}, but the hunt was interrupted: see below.")
        } else if report.problems.is_empty() {
            format!("Nothing found in {searched}.")
        } else {
            format!("Nothing found in {searched}, but not everything could be read: see below.")
        };
        return page.paragraph(&text, Style::Bold);
    }
    let by_severity: Vec<_> = Severity::ALL
        .into_iter()
        .rev()
        .zip(summary.counts.iter().rev())
        .filter(|&(_, &many)| many > 0)
        .map(|(severity, &many)| format!("{} {severity}", say::number(many)))
        .collect();
    let left_out = left_out
        .map(|text| format!(" Not shown: {text}."))
        .unwrap_or_default();
    let text = format!(
        "{} in {} of {}, by {}{}: {}.{left_out}",
        say::count(total, "finding"),
        say::number(summary.inputs.count),
        say::count(report.files, "file"),
        if summary.untold > 0 { "more than " } else { "" },
        say::count(groups as u64, "rule or indicator").replace("rule or indicators", "rules and indicators"),
        by_severity.join(", ")
    );
    page.paragraph(&text, Style::Bold)
}

/// One rule or indicator.
fn show(page: &mut Out<'_>, group: &Group) -> io::Result<()> {
    let rule = &*group.rule;
    let severity = rule.severity;
    page.heading(
        (say::level(severity), GROUP.indent),
        &clip(&rule.name, LONGEST),
        &say::count(group.count, "finding"),
        Style::Severity(severity),
    )?;
    page.field(GROUP, "what", &what(group))?;
    page.field(GROUP, "when", &when(group))?;
    if group.hosts.count() > 0 {
        page.field(GROUP, "hosts", &group.hosts.words(NAMED))?;
    }
    if group.clients.count() > 0 {
        page.field(GROUP, "client", &group.clients.words(NAMED))?;
    }
    page.field(GROUP, "source", &sources(&rule.sources))?;
    let by: Vec<_> = [&rule.author, &rule.reference]
        .into_iter()
        .flatten()
        .map(|text| clip(text, LONGEST))
        .collect();
    if !by.is_empty() {
        page.field(GROUP, "by", &by.join(", "))?;
    }
    let notes = group.notes();
    if !notes.is_empty() {
        page.field(GROUP, "note", &notes.join("; "))?;
    }
    let more = match group.inputs.count {
        0 | 1 => String::new(),
        many => format!(" and {} more", say::count(many - 1, "file")),
    };
    page.field(GROUP, "where", &format!("{}{more}", group.sample.place))?;
    if !group.sample.is_empty() {
        page.sample(GROUP.indent, &group.sample)?;
    }
    Ok(())
}

fn what(group: &Group) -> String {
    match &group.observable {
        Some(observed) if observed.value == group.rule.name => observed.kind.to_string(),
        Some(observed) => format!("{} {}", observed.kind, clip(&observed.value, LONGEST)),
        None => match group.rule.kind {
            RuleKind::Indicator => "indicator".to_owned(),
            RuleKind::StixPattern => "STIX pattern".to_owned(),
            RuleKind::Sigma => "Sigma rule".to_owned(),
            RuleKind::Yara => "YARA rule".to_owned(),
        },
    }
}

fn when(group: &Group) -> String {
    match group.span.ends() {
        None => "no time could be read".to_owned(),
        Some((first, last)) if first == last => format!("{} UTC", say::moment(first)),
        Some((first, last)) => format!("{} to {} UTC", say::moment(first), say::moment(last)),
    }
}

/// Each source once under each marking, however many of its ids say the same.
fn sources(all: &[Source]) -> String {
    let told: BTreeMap<_, _> = all
        .iter()
        .map(|source| ((&source.source, source.tlp), source))
        .collect();
    let shown: Vec<_> = told
        .values()
        .take(NAMED)
        .map(|source| clip(&say::source(source), LONGEST))
        .collect();
    say::and_more(&shown, (told.len() - shown.len()) as u64, "")
}

/// What `--top` left out.
fn rest(page: &mut Out<'_>, left: &[&Group], all: usize) -> io::Result<()> {
    if left.is_empty() {
        return Ok(());
    }
    let findings = left.iter().map(|group| group.count).sum();
    let worst = left.iter().map(|group| group.rule.severity).max();
    page.blank()?;
    let text = format!(
        "{} more not shown, with {}, {} at worst; --top {all} shows all.",
        say::number(left.len() as u64),
        say::count(findings, "finding"),
        worst.unwrap_or(Severity::Informational),
    );
    page.paragraph(&text, Style::Plain)
}

#[cfg(test)]
mod tests {
    use perisai_model::Tlp;

    use super::*;

    #[test]
    fn a_source_is_told_once_under_each_marking() {
        let check = |all: &[(&str, &str, Option<Tlp>)], expected: &str| {
            let all: Vec<_> = all
                .iter()
                .map(|&(source, id, tlp)| Source {
                    source: source.into(),
                    id: Some(id.to_owned()),
                    tlp,
                })
                .collect();
            assert_eq!(sources(&all), expected);
        };
        let (green, red) = (Some(Tlp::Green), Some(Tlp::Red));
        check(&[("a", "1", green), ("a", "2", green)], "a (TLP:GREEN)");
        check(
            &[("a", "1", green), ("a", "2", red), ("b", "1", None)],
            "a (TLP:GREEN), a (TLP:RED), b",
        );
        check(
            &[
                ("a", "1", None),
                ("b", "1", None),
                ("b", "2", None),
                ("c", "1", None),
                ("d", "1", None),
            ],
            "a, b, c and 1 more",
        );
        check(&[], "");
    }
}
