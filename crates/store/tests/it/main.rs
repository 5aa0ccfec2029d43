//! The store, over SQLite and over a real PostgreSQL: each test runs on both.

mod backend;
mod collections;
mod objects;
mod parties;
mod people;
mod sample;
mod searching;
