//! The rules, case by case, and against an independent statement of them.

mod cases;
mod statement;
