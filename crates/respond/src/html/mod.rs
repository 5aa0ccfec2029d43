//! `html`: a report in one page that needs no network: totals, timeline, rules, ATT&CK matrix, and a table of findings
//! that filters. The page's policy allows its own style and script by their hashes, and nothing else.

mod rows;
mod timeline;

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use perisai_model::{Finding, IdleRule, Place, Problem, Report, Severity, Tlp};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use self::rows::Rows;
use self::timeline::{Chart, Timeline};
use crate::attack;
use crate::clean::clip;
use crate::stix::is_web_address;
use crate::summary::{Group, Summary};
use crate::{Options, Writer, say};

const TEMPLATE: &str = include_str!("template.html");
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("app.js");
/// How many rules and indicators the page lists.
const GROUPS: usize = 500;
/// How many problems, idle rules and warninglists the page lists.
const LISTED: usize = 200;
/// How many hosts and sources of a group are named.
const NAMED: usize = 5;
/// Characters of a text that someone else chose.
const LONGEST: usize = 300;

pub(crate) struct Html<'a> {
    out: BufWriter<Box<dyn Write + 'a>>,
    options: Options,
    summary: Summary,
    timeline: Timeline,
    rows: Rows,
}

impl<'a> Html<'a> {
    pub(crate) fn new(options: Options, out: Box<dyn Write + 'a>) -> Self {
        Self {
            out: BufWriter::new(out),
            rows: Rows::new(options.rows),
            options,
            summary: Summary::default(),
            timeline: Timeline::default(),
        }
    }
}

impl Writer for Html<'_> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        self.summary.add(finding);
        self.timeline.add(finding.time, finding.rule.severity);
        self.rows.add(finding)
    }

    fn finish(&mut self, report: &Report) -> io::Result<()> {
        let timeline = std::mem::take(&mut self.timeline);
        let rows = std::mem::replace(&mut self.rows, Rows::new(0));
        let page = page(&self.summary, report, &self.options, timeline, rows);
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment
            .render_named_str("template.html", TEMPLATE, Serde(&page))
            .map_err(io::Error::other)
            .and_then(|text| self.out.write_all(text.as_bytes()))?;
        self.out.flush()
    }
}

/// What the template shows. Every text is cleaned here and escaped there.
#[derive(Serialize)]
struct Page {
    style: &'static str,
    style_hash: String,
    script: &'static str,
    script_hash: String,
    marking: Option<Marking>,
    created: Option<String>,
    span: Option<(String, String)>,
    left_out: Option<String>,
    interrupted: Option<String>,
    cards: Vec<Card>,
    severities: Vec<Level>,
    chart: Option<Chart>,
    untimed: Option<String>,
    groups: Vec<Row>,
    groups_left: Option<String>,
    matrix: Vec<Tactic>,
    /// The total in words.
    findings: String,
    total: String,
    rows: String,
    rows_held: String,
    rows_left: bool,
    notes: Vec<Note>,
}

#[derive(Serialize)]
struct Marking {
    label: String,
    class: &'static str,
}

#[derive(Serialize)]
struct Card {
    name: &'static str,
    value: String,
}

#[derive(Serialize)]
struct Level {
    severity: Severity,
    count: String,
}

#[derive(Serialize)]
struct Row {
    severity: Severity,
    level: &'static str,
    name: String,
    kind: &'static str,
    value: String,
    count: String,
    first: String,
    last: String,
    hosts: String,
    clients: String,
    sources: Vec<String>,
    sources_left: usize,
    author: Option<String>,
    reference: Option<String>,
    link: Option<String>,
    notes: Vec<String>,
    place: String,
    sample: [String; 3],
}

#[derive(Serialize)]
struct Tactic {
    name: &'static str,
    techniques: Vec<Technique>,
}

#[derive(Serialize)]
struct Technique {
    id: String,
    name: String,
    count: String,
    heat: u32,
    rules: String,
}

#[derive(Serialize)]
struct Note {
    title: String,
    about: &'static str,
    lines: Vec<String>,
    left: usize,
}

fn page(summary: &Summary, report: &Report, options: &Options, timeline: Timeline, rows: Rows) -> Page {
    let groups = summary.worst_first();
    let strictest = groups
        .iter()
        .filter_map(|group| say::strictest(&group.rule))
        .max();
    let listed: Vec<_> = groups.iter().take(GROUPS).map(|group| row(group)).collect();
    let left = groups.len() - listed.len();
    let severities = Severity::ALL.into_iter().zip(summary.counts).rev();
    let span = summary.span.ends();
    Page {
        style: STYLE,
        style_hash: hash(STYLE),
        script: SCRIPT,
        script_hash: hash(SCRIPT),
        marking: strictest.map(marking),
        created: options.created.map(say::moment),
        span: span.map(|(first, last)| (say::moment(first), say::moment(last))),
        left_out: say::left_out(report),
        interrupted: say::interrupted(report),
        cards: cards(summary, report, groups.len()),
        severities: severities
            .map(|(severity, count)| Level {
                severity,
                count: say::number(count),
            })
            .collect(),
        untimed: (timeline.untimed > 0).then(|| say::count(timeline.untimed, "finding")),
        chart: timeline.chart(),
        groups: listed,
        groups_left: (left > 0).then(|| say::number(left as u64)),
        matrix: matrix(&groups),
        total: say::number(summary.total()),
        findings: say::count(summary.total(), "finding"),
        rows_held: say::number(rows.len() as u64),
        rows_left: (rows.len() as u64) < summary.total(),
        rows: rows.into_json(),
        notes: notes(summary, report),
    }
}

/// The hash of an inline element as the Content Security Policy writes it.
fn hash(text: &str) -> String {
    format!(
        "sha256-{}",
        BASE64_STANDARD.encode(Sha256::digest(text.as_bytes()))
    )
}

fn marking(tlp: Tlp) -> Marking {
    let class = match tlp {
        Tlp::Clear => "clear",
        Tlp::Green => "green",
        Tlp::Amber | Tlp::AmberStrict => "amber",
        Tlp::Red => "red",
    };
    Marking {
        label: say::tlp(tlp),
        class,
    }
}

fn cards(summary: &Summary, report: &Report, groups: usize) -> Vec<Card> {
    let card = |name, value| Card { name, value };
    let mut cards = vec![
        card("findings", say::number(summary.total())),
        card("rules or values hit", say::number(groups as u64)),
    ];
    for (name, hosts) in [("hosts hit", &summary.hosts), ("clients hit", &summary.clients)] {
        if hosts.count() > 0 {
            let more = if hosts.overflown() { "+" } else { "" };
            cards.push(card(name, format!("{}{more}", say::number(hosts.count()))));
        }
    }
    let inputs = format!(
        "{} of {}",
        say::number(summary.inputs.count),
        say::number(report.files)
    );
    cards.push(card("files with findings", inputs));
    cards.push(card("searched", say::bytes(report.bytes)));
    cards.push(card("indicators in use", say::number(report.indicators)));
    cards.push(card("rules in use", say::number(report.rules)));
    cards
}

fn row(group: &Group) -> Row {
    let rule = &*group.rule;
    let (kind, value) = match &group.observable {
        Some(observed) => (observed.kind.as_str(), observed.value.as_str()),
        None => (rule.kind.as_str(), ""),
    };
    let moment = |time| say::moment(time);
    let ends = group.span.ends();
    let sources: Vec<_> = rule
        .sources
        .iter()
        .take(NAMED)
        .map(|source| clip(&say::source(source), LONGEST))
        .collect();
    Row {
        severity: rule.severity,
        level: say::level(rule.severity),
        name: clip(&rule.name, LONGEST),
        kind,
        value: if value == rule.name {
            String::new()
        } else {
            clip(value, LONGEST)
        },
        count: say::number(group.count),
        first: ends.map(|(first, _)| moment(first)).unwrap_or_default(),
        last: ends.map(|(_, last)| moment(last)).unwrap_or_default(),
        hosts: group.hosts.words(NAMED),
        clients: group.clients.words(NAMED),
        sources_left: rule.sources.len() - sources.len(),
        sources,
        author: rule.author.as_deref().map(|author| clip(author, LONGEST)),
        reference: rule
            .reference
            .as_deref()
            .map(|reference| clip(reference, LONGEST)),
        link: rule
            .reference
            .clone()
            .filter(|reference| is_web_address(reference)),
        notes: group.notes(),
        place: clip(&group.sample.place.to_string(), LONGEST),
        sample: [
            group.sample.before.clone(),
            group.sample.matched.clone(),
            group.sample.after.clone(),
        ],
    }
}

/// The columns of tactics that were hit, in the order of ATT&CK; techniques without one come last.
fn matrix(groups: &[&Group]) -> Vec<Tactic> {
    let hits = attack::hits(groups);
    let highest = hits.values().map(|hit| hit.count).max().unwrap_or(1);
    let mut columns: BTreeMap<usize, Vec<Technique>> = BTreeMap::new();
    for (id, hit) in &hits {
        let position = |tactic: &&str| attack::TACTICS.iter().position(|(name, _)| name == tactic);
        let mut places: Vec<_> = hit.tactics.iter().filter_map(position).collect();
        if places.is_empty() {
            places.push(attack::TACTICS.len());
        }
        for place in places {
            let rules: Vec<_> = hit
                .rules
                .iter()
                .take(10)
                .map(|(name, _)| clip(name, 120))
                .collect();
            columns.entry(place).or_default().push(Technique {
                id: id.clone(),
                name: attack::name(id).unwrap_or_default(),
                count: say::number(hit.count),
                heat: heat(hit.count, highest),
                rules: rules.join("\n"),
            });
        }
    }
    columns
        .into_iter()
        .map(|(place, techniques)| Tactic {
            name: attack::TACTICS
                .get(place)
                .map_or("No tactic known", |(_, name)| name),
            techniques,
        })
        .collect()
}

/// A shade of 1 to 5, by orders of magnitude: counts range from one to millions.
fn heat(count: u64, highest: u64) -> u32 {
    if highest <= 1 {
        return 1;
    }
    let share = (count as f64).ln() / (highest as f64).ln();
    1 + (share * 4.0).round() as u32
}

/// What a reader must know beside the findings.
fn notes(summary: &Summary, report: &Report) -> Vec<Note> {
    let problem = |problem: &Problem| clip(&problem.to_string(), 400);
    let place = |place: &Place| clip(&place.to_string(), LONGEST);
    let list = |(name, many): (&String, &u64)| format!("{}: {}", clip(name, LONGEST), say::number(*many));
    let idle = |rule: &IdleRule| format!("{}: {}", clip(&rule.name, LONGEST), clip(&rule.why, LONGEST));
    let notes = [
        Note::new(
            (report.problems.len() as u64, "problem", ""),
            "These could not be read or loaded; all else was searched.",
            report.problems.iter().map(problem),
        ),
        Note::new(
            (report.suppressed.values().sum(), "finding", "suppressed"),
            "Their values stand on warninglists of false positives.",
            report.suppressed.iter().map(list),
        ),
        Note::new(
            (report.idle_rules.len() as u64, "rule", "idle"),
            "They did not load, or can never match these logs.",
            report.idle_rules.iter().map(idle),
        ),
        Note::new(
            (report.yara_not_run, "YARA rule", "not run"),
            "YARA is not in this build: build with `--features yara`.",
            std::iter::empty(),
        ),
        Note::new(
            (report.own_reports.len() as u64, "report", "passed over"),
            "An earlier hunt wrote them; name one to have it searched.",
            report.own_reports.iter().map(place),
        ),
        Note::new(
            (report.links.len() as u64, "link", "not followed"),
            "They lead out of the folders; `--follow` follows them.",
            report.links.iter().map(place),
        ),
        Note::new(
            (report.withheld.total(), "indicator", "left out"),
            "Revoked, deleted, not meant for detection, or of a type that is not searched for.",
            std::iter::once(clip(&report.withheld.to_string(), 400)),
        ),
        Note::new(
            (report.notes.len() as u64, "note", "on the intelligence"),
            "No failures, and worth a look.",
            report.notes.iter().map(|note| clip(note, 400)),
        ),
        Note::new(
            (report.untimed, "record", "untimed"),
            "No time could be read; they were kept.",
            std::iter::empty(),
        ),
        Note::new(
            (summary.untold, "finding", "not told apart"),
            "There are too many different indicators for one page; the totals count them.",
            std::iter::empty(),
        ),
    ];
    notes.into_iter().flatten().collect()
}

impl Note {
    /// Nothing where the count is 0.
    fn new(
        (count, what, how): (u64, &str, &str),
        about: &'static str,
        lines: impl ExactSizeIterator<Item = String>,
    ) -> Option<Self> {
        (count > 0).then(|| Self {
            title: format!("{} {how}", say::count(count, what)).trim_end().to_owned(),
            about,
            left: lines.len().saturating_sub(LISTED),
            lines: lines.take(LISTED).collect(),
        })
    }
}
