//! `perisai source`: from whom something came, and how far they are trusted.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::json;

use super::listed::{List, put};
use crate::Outcome;
use crate::client::{Column, Kind, Which};

/// Sources: from whom intelligence came, and how far they are trusted
#[derive(Debug, Subcommand)]
pub(crate) enum Source {
    /// List sources
    List(List),
    /// Say how far a source is trusted
    Set(Set),
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Its name, or that of its organisation
    name: String,
    /// How reliable it is, by the Admiralty code: A (completely) to E (unreliable), F (cannot be judged)
    #[arg(long, value_name = "A-F", value_parser = ["A", "B", "C", "D", "E", "F"], ignore_case = true)]
    grade: Option<String>,
    /// The most that may follow from what it says
    #[arg(long, value_parser = ["store", "alert", "block"])]
    ceiling: Option<String>,
    /// How its objects without a TLP marking are held from now on: clear, green, amber, amber+strict, red, default
    #[arg(long, value_name = "TLP")]
    tlp: Option<String>,
    #[command(flatten)]
    node: Which,
}

const COLUMNS: [Column; 7] = [
    ("name", "/name"),
    ("kind", "/kind"),
    ("organisation", "/organisation_name"),
    ("grade", "/grade"),
    ("ceiling", "/ceiling"),
    ("tlp", "/tlp"),
    ("since", "/created"),
];

impl Source {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        match self {
            Self::List(asked) => asked.run("/api/sources", &COLUMNS),
            Self::Set(set) => set.node.with(async |node| {
                let number = node.id_of(Kind::Source, &set.name).await?;
                let body = json!({"grade": set.grade.map(|grade| grade.to_uppercase()), "ceiling": set.ceiling, "tlp": set.tlp});
                let path = format!("/api/sources/{number}");
                put(node, Method::PATCH, &path, body, &COLUMNS).await
            }),
        }
    }
}
