//! How a node talks with others: a TAXII 2.1 client ([`taxii`]) and feeds by HTTP ([`feed`]: plain files, MISP feed
//! folders, MISP servers).
//!
//! Only the network is touched here. Every pull takes a cursor and gives back the next one, which its caller keeps: it
//! is kept once what came with it is kept, so that a crash costs a repetition and never an object. What comes in stays
//! the bytes that came ([`serde_json::value::RawValue`]); what goes out is [`perisai_policy::Released`].
//!
//! The other side is never trusted: bodies, nesting, waiting, redirects and repetitions are bounded ([`Limits`],
//! [`Retry`]), credentials go to the server that they are for and to no other, and one broken object costs itself.

mod error;
pub mod feed;
mod retry;
mod split;
pub mod taxii;
mod transport;

pub use error::{Error, Result};
pub use retry::Retry;
pub use split::{Broken, Cut, Shape, Split, Splitter};
pub use transport::{Auth, Body, Fingerprint, Limits, Settings, Transport, tls_config, tls_trouble};
