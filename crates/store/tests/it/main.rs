//! The store, over SQLite and over a real PostgreSQL: each test runs on both.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod backend;
mod collections;
mod objects;
mod parties;
mod people;
mod sample;
mod searching;
