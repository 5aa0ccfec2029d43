//! YARA rules over the contents of files, by the `yara-x` engine, whose types stay in here.
//!
//! [`Rules`] are compiled from the texts that `intel` recognised, or loaded from bytes that an earlier run stored. A
//! [`Scanner`], one a thread, looks at one file at a time. Nothing here opens a file: the caller brings the bytes of a
//! file and of a cache, and keeps both.

mod cache;
mod compile;
mod facts;
mod info;
mod scan;
mod slow;
mod texts;
mod units;

pub use cache::{BadCache, cache_key};
pub use compile::Rules;
pub use facts::FileFacts;
pub use scan::{Limits, Scan, Scanner, Watch, YaraHit};
