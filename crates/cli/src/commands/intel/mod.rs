//! `perisai intel`: a file a command.

mod apart;
mod delete;
mod export;
mod filter;
mod import;
mod job;
mod lint;
mod objects;
mod recall;

use clap::Subcommand;

pub(super) use self::job::wait;

use crate::Outcome;

/// Intelligence: check files of it, bring it into a node, search and export what a node keeps
#[derive(Debug, Subcommand)]
pub(crate) enum Intel {
    /// Say what files of intelligence hold, and what is wrong with them
    Lint(lint::LintCommand),
    /// Bring files of intelligence into a node
    Import(import::Import),
    /// Search what a node keeps
    Search(objects::Search),
    /// Show an object with all its versions
    Show(objects::Show),
    /// Write what an organisation may have to a STIX bundle
    Export(export::Export),
    /// Delete an object with all its versions
    Delete(delete::Delete),
    /// List what is kept apart: what others sent to change what is not theirs
    Apart(apart::Apart),
    /// Take back what a source brought
    Recall(recall::Recall),
    /// Make the search index and all else that is derived again
    Reindex(recall::Reindex),
}

impl Intel {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        match self {
            Self::Lint(lint) => lint.run(),
            Self::Import(import) => import.run(),
            Self::Search(search) => search.run(),
            Self::Show(show) => show.run(),
            Self::Export(export) => export.run(),
            Self::Delete(delete) => delete.run(),
            Self::Apart(apart) => apart.run(),
            Self::Recall(recall) => recall.run(),
            Self::Reindex(reindex) => reindex.run(),
        }
    }
}
