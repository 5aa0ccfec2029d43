//! How many deliveries run at once: each needs a thread and some buffers for as long as its sender takes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use perisai_model::Organisation;

/// All together.
const ALL: usize = 64;

/// Of one organisation.
const EACH: usize = 16;

type Counts = HashMap<Organisation, usize>;

/// Counts the deliveries that run.
#[derive(Debug, Clone, Default)]
pub(in crate::taxii) struct Gate(Arc<Mutex<Counts>>);

impl Gate {
    /// Lets one more in, until the permit is dropped; `None` where there are too many.
    pub(super) fn enter(&self, organisation: Organisation) -> Option<Permit> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = counts.values().sum();
        let each = counts.get(&organisation).copied().unwrap_or(0);
        if all >= ALL || each >= EACH {
            return None;
        }
        counts.insert(organisation, each + 1);
        drop(counts);
        Some(Permit {
            gate: self.clone(),
            organisation,
        })
    }
}

/// A delivery that runs.
#[derive(Debug)]
pub(super) struct Permit {
    gate: Gate,
    organisation: Organisation,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.gate.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.organisation) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.organisation);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn so_many_and_no_more() {
        let gate = Gate::default();
        let organisation = |number| Organisation(Uuid::from_u128(number));
        let many = |number| std::iter::from_fn(|| gate.enter(organisation(number))).collect::<Vec<_>>();
        let mut all: Vec<_> = (0..5).map(many).collect();
        let counts: Vec<_> = all.iter().map(Vec::len).collect();
        assert_eq!(counts, [16, 16, 16, 16, 0]);
        all[0].pop();
        assert_eq!(many(4).len(), 1);
        drop(all);
        assert!(gate.0.lock().unwrap().is_empty());
    }
}
