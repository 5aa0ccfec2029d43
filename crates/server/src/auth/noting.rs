//! What is written down beside a request, which does not wait for it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use perisai_store::Error;

/// How many things are being noted at a time; what is beyond is noted the next time.
const AT_A_TIME: usize = 1000;

/// What is being noted: each thing once at a time, so that nothing piles up while the writer is busy.
#[derive(Debug, Clone, Default)]
pub(super) struct Noting(Arc<Mutex<HashSet<String>>>);

impl Noting {
    pub(super) fn run(&self, key: String, work: impl Future<Output = Result<(), Error>> + Send + 'static) {
        {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= AT_A_TIME || !all.insert(key.clone()) {
                return;
            }
        }
        let noting = self.clone();
        tokio::spawn(async move {
            if let Err(error) = work.await {
                tracing::warn!(error = &error as &dyn std::error::Error, "a use was not noted");
            }
            noting
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&key);
        });
    }
}
