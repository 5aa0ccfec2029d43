//! Which rules are too slow for a file: found by scanning it with fewer and fewer of them.
//!
//! Where a group takes too long it is cut into pieces, down to single rules. All that ends in time gives its matches;
//! what does not is set aside.

use std::collections::BTreeSet;
use std::time::Duration;

use perisai_model::Problem;

use crate::scan::{Failure, File, Hits};
use crate::units::Units;

/// Into so many pieces a slow group is cut. Each level costs the time limit once for each slow rule, so that levels are
/// to be few; more pieces cost little, for the others end soon.
const PIECES: usize = 16;

/// A search for slow rules.
pub(crate) struct Search<'a> {
    pub(crate) file: &'a File<'a>,
    pub(crate) units: &'a Units,
    /// For each scan.
    pub(crate) limit: Duration,
    /// Whether the time for all searches is used up: slow groups are not cut then.
    pub(crate) is_over: &'a dyn Fn() -> bool,
    /// Whether the user wants no more.
    pub(crate) ends: &'a dyn Fn() -> bool,
}

/// What was found.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) hits: Hits,
    /// Which were set aside and why, each at its own place.
    pub(crate) set_aside: Vec<Problem>,
    /// What else went wrong.
    pub(crate) failed: Option<String>,
}

impl Search<'_> {
    /// Looks with all rules that are not set aside yet, and sets the slow ones aside.
    pub(crate) fn run(&self, aside: &mut BTreeSet<usize>) -> Found {
        let mut found = Found::default();
        let all: Vec<usize> = (0..self.units.len()).collect();
        // The last is the next.
        let mut waiting = pieces(&all);
        while let Some(mut group) = waiting.pop() {
            if (self.ends)() {
                found.failed = Some("interrupted: not scanned with all YARA rules".to_owned());
                break;
            }
            group.retain(|at| !aside.contains(at));
            if group.is_empty() {
                continue;
            }
            match self.file.scan_with(&self.units.compile(&group), self.limit) {
                Ok(hits) => found.hits.extend(hits),
                Err(Failure::Engine(why)) => found.failed = Some(why),
                Err(Failure::Slow) if group.len() > 1 && !(self.is_over)() => waiting.extend(pieces(&group)),
                Err(Failure::Slow) => self.set_aside(&group, aside, &mut found),
            }
        }
        found
    }

    /// Sets a slow group aside, and what depends on it.
    fn set_aside(&self, group: &[usize], aside: &mut BTreeSet<usize>, found: &mut Found) {
        aside.extend(group);
        // The engine may end a scan up to a second earlier.
        let seconds = self.limit.as_secs().saturating_sub(1).max(1);
        let plural = if seconds == 1 { "second" } else { "seconds" };
        let among = match group.len() {
            1 => String::new(),
            many => format!(" in a group of {many}, and the time for finding out which is used up"),
        };
        for &at in group {
            let name = &self.units.get(at).name;
            self.tell(
                at,
                format!("rule `{name}` took over {seconds} {plural}{among}"),
                found,
            );
        }
        for (at, need) in self.units.add_dependants(aside) {
            let (name, need) = (&self.units.get(at).name, &self.units.get(need).name);
            self.tell(
                at,
                format!("rule `{name}` needs the rule `{need}`, which was set aside"),
                found,
            );
        }
    }

    fn tell(&self, at: usize, why: String, found: &mut Found) {
        found.set_aside.push(Problem::new(self.units.place(at), why));
    }
}

/// A group in pieces, the last first.
fn pieces(group: &[usize]) -> Vec<Vec<usize>> {
    let size = group.len().div_ceil(PIECES).max(1);
    group.chunks(size).rev().map(<[usize]>::to_vec).collect()
}
