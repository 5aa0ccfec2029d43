//! YARA rules from text to hit.

mod rules;
mod shared;
mod slow;
