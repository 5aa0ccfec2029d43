//! The store, over SQLite and over a real PostgreSQL: each test runs on both.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests and their helpers")]

mod actions;
mod apart;
mod audit;
mod backend;
mod backups;
mod collections;
mod hearsay;
mod matching;
mod objects;
mod parties;
mod peers;
mod people;
mod recalls;
mod sample;
mod searching;
mod sides;
mod tombstones;
mod transactions;
