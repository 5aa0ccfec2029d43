//! What the terminal is like.

use std::env;

use console::Term;

/// Colour, unless the user said otherwise (<https://no-color.org>).
pub(crate) fn has_color() -> bool {
    env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) && env::var("TERM").as_deref() != Ok("dumb")
}

/// The width in columns; 100 where there is no terminal.
pub(crate) fn width() -> usize {
    Term::stdout()
        .size_checked()
        .map_or(100, |(_, columns)| usize::from(columns).max(40))
}
