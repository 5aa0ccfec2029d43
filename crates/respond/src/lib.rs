//! Findings in, what others read out: a terminal summary, JSON lines, CSV, a STIX bundle, an HTML report and an
//! ATT&CK Navigator layer. One file or folder a format, and one registry, [`writer`].
//!
//! Findings come one by one and there may be a hundred million of them: a format either streams or keeps a bounded
//! summary. Nothing here reads a file, a clock or the network; whatever a finding holds was written by an attacker
//! until shown otherwise, and each format escapes it for where it goes.

mod attack;
mod clean;
mod csv;
mod format;
mod html;
mod json;
mod jsonl;
mod navigator;
mod own;
mod sample;
mod say;
mod stix;
mod summary;
mod text;

pub use format::{Format, Options, UnknownFormat, Writer, writer};
pub use own::is_report;
pub use say::{closing as say_closing, interrupted as say_interrupted, yara_not_run as say_yara_not_run};
