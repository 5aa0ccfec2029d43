//! What the terminal is like.

use std::env;

use console::Term;

/// Colour on a terminal, unless the user said otherwise (<https://no-color.org>); elsewhere where the user asked for it
/// (<https://bixense.com/clicolors>), as for `less -R`.
pub(crate) fn has_color(to_terminal: bool) -> bool {
    let is_set =
        |name: &str, off: &str| env::var_os(name).is_some_and(|value| !value.is_empty() && value != off);
    match () {
        () if is_set("NO_COLOR", "") => false,
        () if is_set("CLICOLOR_FORCE", "0") => true,
        () => to_terminal && env::var("TERM").as_deref() != Ok("dumb"),
    }
}

/// The width in columns; 100 where there is no terminal.
pub(crate) fn width() -> usize {
    Term::stdout()
        .size_checked()
        .map_or(100, |(_, columns)| usize::from(columns).max(40))
}
