//! What a node keeps, in SQLite or PostgreSQL: objects as the bytes that came in, whose they are and under which terms;
//! collections; who is who. Indicators, edges and the search index are derived from them and can be made again at any
//! time (design.md, invariant 1).
//!
//! There is one writer. What others read comes through a [`View`], which knows for whom it is read: objects come out of
//! it as [`Released`](perisai_policy::Released), and nothing that is hidden from the reader is even touched.

mod apart;
mod audit;
mod backup;
mod classes;
mod closure;
mod collection;
mod copies;
mod database;
mod deletion;
mod error;
mod facts;
mod filter;
mod fold;
mod hash;
mod ids;
mod incoming;
mod ingest;
mod known;
mod matching;
mod page;
mod parties;
mod peers;
mod people;
mod place;
mod recall;
mod removal;
mod search;
mod shared;
mod side;
mod source;
mod sql;
mod status;
mod store;
mod view;
mod withheld;
mod words;

pub use apart::{Apart, ApartFilter, Attempt, KeptApart};
pub use audit::{Audit, AuditEvent, AuditRecord, Digest, Fault, NodeKey, Verified, write_secret};
pub use backup::Restore;
pub use collection::{Collection, NewCollection, Query, Rights};
pub use database::{Location, make_folder};
pub use deletion::{Grave, Plot};
pub use error::Error;
pub use incoming::{Delivery, Outcome, Receipt};
pub use page::{Page, PageQuery, VersionFilter};
pub use peers::{Credential, NewPeer, Peer, PeerKind, PeerSettings, PeerState, Secret, Trouble, Way};
pub use people::{
    Certificate, Fingerprint, Group, Issued, NewCertificate, NewToken, NewUser, Opened, OrganisationChange,
    Party, Session, Token, User, UserChange,
};
pub use recall::Recalled;
pub use removal::Removal;
pub use search::{Found, Search};
pub use source::{Ceiling, Grade, NewSource, Source, SourceKind};
pub use store::{Size, Store};
pub use view::{Entry, View};
