//! The wish to end before all is done.

use std::cell::OnceCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Who waits looks at the wish this often: a signal handler can set a flag, but wake nobody.
const TICK: Duration = Duration::from_millis(100);

/// For so long what has been found is still told.
const GRACE: Duration = Duration::from_millis(500);

/// A wish to end early, shared by its copies. What runs under it ends soon, and keeps what it has done.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// The flag itself, for a signal handler to set.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    /// Makes the wish.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the wish was made.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Waits until somebody notifies, and no longer than a moment, so that the wish is seen. The caller looks again at
    /// what it waits for.
    pub(crate) fn wait<'a, T>(&self, changed: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let waited = changed.wait_timeout(guard, TICK);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// A moment more, from when the wish was first seen here: in it, what has been found is told.
#[derive(Debug, Default)]
pub(crate) struct Grace {
    stop: Stop,
    since: OnceCell<Instant>,
}

impl Grace {
    pub(crate) fn new(stop: Stop) -> Self {
        let since = OnceCell::new();
        Self { stop, since }
    }

    /// Whether the wish was made, and the moment is over.
    pub(crate) fn is_over(&self) -> bool {
        self.stop.is_set() && self.since.get_or_init(Instant::now).elapsed() > GRACE
    }
}
