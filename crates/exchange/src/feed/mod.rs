//! Feeds by HTTP: any file ([`fetch`]), a MISP feed folder ([`MispFeed`]), a MISP server ([`MispServer`]). What a file
//! says is read elsewhere; here it is only fetched, and not again while it stays the same.

mod http;
mod misp;
mod misp_feed;

pub use http::{Fetched, Validators, fetch};
pub use misp::{MispCursor, MispPage, MispServer};
pub use misp_feed::{FeedCursor, FeedEvent, FeedPage, FeedProblem, MispFeed};
