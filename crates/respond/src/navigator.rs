//! `navigator`: a layer for the ATT&CK Navigator, format 4.5
//! (<https://github.com/mitre-attack/attack-navigator/tree/master/layers/spec/v4.5>). A technique's score is the number
//! of its findings, its comment names the rules.

use std::io::{self, BufWriter, Write};

use perisai_model::{Finding, Report};
use serde::Serialize;

use crate::attack::{self, Hit};
use crate::clean::clip;
use crate::json::{self, Target};
use crate::summary::Summary;
use crate::{Writer, say};

/// Rules named in a technique's comment.
const NAMED: usize = 10;

pub(crate) struct Navigator<'a> {
    out: BufWriter<Box<dyn Write + 'a>>,
    summary: Summary,
}

impl<'a> Navigator<'a> {
    pub(crate) fn new(out: Box<dyn Write + 'a>) -> Self {
        Self {
            out: BufWriter::new(out),
            summary: Summary::default(),
        }
    }
}

impl Writer for Navigator<'_> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        self.summary.add(finding);
        Ok(())
    }

    fn finish(&mut self, report: &Report) -> io::Result<()> {
        let layer = layer(&self.summary, report);
        json::write(&mut self.out, &layer, Target::File)?;
        self.out.write_all(b"\n")?;
        self.out.flush()
    }
}

#[derive(Serialize)]
struct Layer {
    name: &'static str,
    versions: Versions,
    domain: &'static str,
    description: String,
    sorting: u8,
    layout: Layout,
    #[serde(rename = "hideDisabled")]
    hide_disabled: bool,
    techniques: Vec<Technique>,
    gradient: Gradient,
}

#[derive(Serialize)]
struct Versions {
    navigator: &'static str,
    layer: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Layout {
    layout: &'static str,
    #[serde(rename = "showID")]
    show_id: bool,
    show_name: bool,
    show_aggregate_scores: bool,
    aggregate_function: &'static str,
    expanded_subtechniques: &'static str,
}

#[derive(Serialize)]
struct Technique {
    #[serde(rename = "techniqueID")]
    id: String,
    score: u64,
    comment: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Gradient {
    colors: [&'static str; 3],
    min_value: u64,
    max_value: u64,
}

fn layer(summary: &Summary, report: &Report) -> Layer {
    let techniques: Vec<_> = attack::hits(&summary.worst_first())
        .into_iter()
        .map(technique)
        .collect();
    let highest = techniques.iter().map(|technique| technique.score).max();
    Layer {
        name: "Perisai hunt",
        versions: Versions {
            navigator: "4.9.0",
            layer: "4.5",
        },
        domain: "enterprise-attack",
        description: format!(
            "{} in {}; a score is the number of findings.",
            say::count(summary.total(), "finding"),
            say::count(report.files, "file")
        ),
        // By score, highest first.
        sorting: 3,
        layout: Layout {
            layout: "side",
            show_id: true,
            show_name: true,
            show_aggregate_scores: true,
            aggregate_function: "sum",
            expanded_subtechniques: "annotated",
        },
        hide_disabled: false,
        techniques,
        gradient: Gradient {
            colors: ["#fff7bc", "#fe9929", "#b30000"],
            min_value: 0,
            max_value: highest.unwrap_or(1),
        },
    }
}

fn technique((id, hit): (String, Hit)) -> Technique {
    let mut comment: Vec<_> = hit
        .rules
        .iter()
        .take(NAMED)
        .map(|(name, count)| format!("{}: {}", clip(name, 120), say::number(*count)))
        .collect();
    if let Some(more) = hit.rules.len().checked_sub(NAMED).filter(|&more| more > 0) {
        comment.push(format!("and {more} more"));
    }
    Technique {
        id,
        score: hit.count,
        comment: comment.join("\n"),
    }
}
