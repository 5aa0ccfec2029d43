//! Logs in: bytes → blocks of lines or records, and the fields of one line or record on demand. A folder or file a
//! format, one registry ([`mod@format`]); decompression and archives ([`container`]). No file is opened and no thread is
//! started here: [`read()`] takes a reader and gives blocks to a [`Sink`]; any thread may then search a [`Block`].
//!
//! What must hold for every input: bounded memory, no panic, and a [`Problem`](perisai_model::Problem) with its place
//! for whatever could not be read, while all else is.

mod block;
mod broken;
mod columns;
mod container;
mod device;
mod evtx;
mod format;
mod host;
mod json;
mod known;
mod kv;
mod names;
mod read;
mod syslog;
mod text;
pub mod time;
mod web;
mod windns;
mod wrapped;
mod xml;

pub use block::{Block, Cursor, Layout, Stream};
pub use format::{Clock, FORMATS, Format};
pub use host::{client, host};
pub use read::{Input, Limits, ReadOptions, ReadSeek, Sink, read};
pub use time::line_time;
