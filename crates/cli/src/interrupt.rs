//! Ctrl-C, and `kill`: the first asks the hunt to end, the second ends the program.

use std::io;

use perisai_app::Stop;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The exit status of a hunt that was ended early, as a shell reports Ctrl-C.
pub(crate) const STATUS: u8 = 130;

/// A wish that the first signal makes.
///
/// # Errors
/// Where the system lets no handler be set.
pub(crate) fn on_signal() -> io::Result<Stop> {
    let stop = Stop::default();
    for signal in [SIGINT, SIGTERM] {
        // In this order: the handler that ends the program must find the flag as the signal before left it.
        flag::register_conditional_shutdown(signal, i32::from(STATUS), stop.flag())?;
        flag::register(signal, stop.flag())?;
    }
    Ok(stop)
}
