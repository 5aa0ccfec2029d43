//! The use cases of Perisai: what is done, with which settings, in which order. Command lines and servers are thin
//! adapters on this; the parts that do the work are in the floors below.

mod files;
pub mod hunt;
mod intel;
mod lint;
mod node;
mod notes;
mod pipe;
mod stop;
mod too_common;

pub use files::{InvalidGlob, Selection, files_of};
pub use intel::{Loaded, load, load_warninglists};
pub use lint::{Lint, SourceLint, lint};
pub use node::{
    AddPeer, BackupError, CURSOR_KEY, ChangePeer, ImportOptions, Imported, Job, JobState, JobStatus, Jobs,
    LogFormat, Node, NodeSettings, Outgoing, Pace, PeerError, Received, Seen, SettingsError, SightingsTaken,
    TlsFiles, Work, check_name, restore,
};
pub use perisai_events::ReadOptions;
pub use perisai_exchange::{Limits, Retry};
pub use perisai_intel::Options as IntelOptions;
pub use perisai_respond::{
    Format, Options as OutputOptions, Writer, say_closing, say_interrupted, say_yara_not_run, writer,
};
pub use stop::Stop;
