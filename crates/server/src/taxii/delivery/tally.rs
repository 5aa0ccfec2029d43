//! What became of each object of a delivery.

use perisai_model::Problem;
use perisai_store::{Outcome, Receipt};
use serde::Serialize;

use crate::taxii::time;

/// How many objects are listed one by one, of each kind. A status must not outgrow what it tells of.
pub(in crate::taxii) const LISTED: usize = 10_000;

/// What is said of one object (TAXII 2.1, section 4.3.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::taxii) struct Detail {
    pub(in crate::taxii) id: String,
    pub(in crate::taxii) version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::taxii) message: Option<String>,
}

/// Objects that fared alike.
#[derive(Debug, Default)]
pub(in crate::taxii) struct List {
    pub(in crate::taxii) count: u64,
    /// The first of them.
    pub(in crate::taxii) listed: Vec<Detail>,
}

impl List {
    fn add(&mut self, detail: impl FnOnce() -> Detail) {
        self.count += 1;
        if self.listed.len() < LISTED {
            self.listed.push(detail());
        }
    }

    /// Whether every one is listed.
    pub(in crate::taxii) fn is_whole(&self) -> bool {
        self.count == self.listed.len() as u64
    }
}

/// What became of the objects of a delivery.
#[derive(Debug, Default)]
pub(in crate::taxii) struct Tally {
    pub(in crate::taxii) taken: List,
    pub(in crate::taxii) failed: List,
}

impl Tally {
    pub(super) fn successes(&self) -> u64 {
        self.taken.count
    }

    /// Adds what the store says of objects, each with its number among those that were sent.
    pub(super) fn receipts(&mut self, receipts: impl IntoIterator<Item = (Receipt, u64)>) {
        for (receipt, number) in receipts {
            let message = match &receipt.outcome {
                Outcome::Stored | Outcome::Known => None,
                Outcome::Apart => {
                    Some("kept apart: only who made it or first sent it may change it".to_owned())
                }
                Outcome::Refused(why) => Some(why.clone()),
            };
            let list = if message.is_none() {
                &mut self.taken
            } else {
                &mut self.failed
            };
            list.add(|| Detail {
                id: receipt.id.unwrap_or_else(|| format!("object {number}")),
                version: receipt.version.unwrap_or_else(|| time::write(time::now())),
                message,
            });
        }
    }

    /// Adds what was no object at all. The last problem may stand for many.
    pub(super) fn problems(&mut self, problems: Vec<Problem>, count: u64) {
        let told = problems.len() as u64;
        for problem in problems {
            self.failed.add(|| Detail {
                id: "unknown".to_owned(),
                version: time::write(time::now()),
                message: Some(problem.why),
            });
        }
        self.failed.count += count.saturating_sub(told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_bounded_and_counts_are_not() {
        let receipt = |outcome| Receipt {
            id: None,
            version: Some("2026-01-01T00:00:00Z".to_owned()),
            outcome,
        };
        let mut tally = Tally::default();
        tally.receipts([(receipt(Outcome::Known), 1), (receipt(Outcome::Apart), 2)]);
        assert_eq!(tally.failed.listed[0].id, "object 2");
        tally.receipts(
            (0..LISTED as u64).map(|number| (receipt(Outcome::Refused("no id".to_owned())), number)),
        );
        assert!(tally.taken.is_whole() && !tally.failed.is_whole());
        assert_eq!(tally.failed.count, LISTED as u64 + 1);
        assert_eq!(tally.failed.listed.len(), LISTED);
    }
}
