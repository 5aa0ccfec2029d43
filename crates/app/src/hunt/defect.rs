//! What happens where this program itself is at fault: the rest of the hunt goes on.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use perisai_model::{Place, Problem};

/// Does a piece of work. Where it panics, that is a problem of its place, and whatever the work had in hands is to be
/// made anew.
pub(super) fn caught<T>(place: impl FnOnce() -> Place, work: impl FnOnce() -> T) -> Result<T, Problem> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let said = said(&*panic);
        let why = format!("not searched to its end: this is a defect of Perisai, please report it ({said})");
        Problem::new(place(), why)
    })
}

fn said(panic: &dyn Any) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref().copied())
        .unwrap_or("a panic without words")
}

/// Panics where a test asks for it.
#[cfg(test)]
pub(super) fn on_purpose(bytes: &[u8]) {
    let asked = b"PANIC ON PURPOSE";
    assert!(
        !bytes.windows(asked.len()).any(|text| text == asked),
        "on purpose"
    );
}
