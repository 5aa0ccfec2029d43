//! The wish to end before all is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A wish to end early, shared by its copies. What runs under it ends soon, and keeps what it has done.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// The flag itself, for a signal handler to set.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    /// Whether the wish was made.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
