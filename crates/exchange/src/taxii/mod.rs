//! TAXII 2.1 (OASIS, June 2021) as a client: every call of the standard ([`Client`]), pulling a collection without
//! missing an object ([`Client::pull`]), and pushing what was released ([`Client::push`]).

mod client;
mod find;
mod pull;
mod push;
mod query;
mod resources;
mod stamp;

pub(crate) use client::cut_error;

pub use client::{Client, CollectionUrl, Envelope, Manifest, Versions};
pub use find::Found;
pub use pull::{Cursor, Note, Page, PullOptions};
pub use push::{Fate, Outgoing, PushOptions, Pushed};
pub use query::{Matching, Query};
pub use resources::{ApiRoot, Collection, Discovery, ManifestRow, Status, StatusDetail};
pub use stamp::Stamp;
