//! The terms of all that an object names, directly or not: what a recipient must be allowed to know.

use std::collections::BTreeSet;

use crate::classes::TermsId;

/// An object whose class is to be found.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// Its own terms, where they bind what names it.
    pub(crate) own_when_named: Option<TermsId>,
    /// Those of what it names outside of this set, with what that names.
    pub(crate) outside: BTreeSet<TermsId>,
    /// What it names in this set, by position.
    pub(crate) inside: Vec<usize>,
}

/// For each node the terms of all that it names, directly or not. Objects may name each other in circles.
pub(crate) fn closure(nodes: &[Node]) -> Vec<BTreeSet<TermsId>> {
    let mut named: Vec<_> = nodes.iter().map(|node| node.outside.clone()).collect();
    let mut namers = vec![Vec::new(); nodes.len()];
    for (at, node) in nodes.iter().enumerate() {
        for &target in &node.inside {
            namers[target].push(at);
        }
    }
    let mut queue: Vec<usize> = (0..nodes.len()).filter(|at| !namers[*at].is_empty()).collect();
    while let Some(at) = queue.pop() {
        let mut gives = named[at].clone();
        gives.extend(nodes[at].own_when_named);
        for &namer in &namers[at] {
            let before = named[namer].len();
            named[namer].extend(&gives);
            if named[namer].len() > before {
                queue.push(namer);
            }
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What can be reached, looked for from each node anew.
    fn slowly(nodes: &[Node]) -> Vec<BTreeSet<TermsId>> {
        let from = |start: usize| {
            let mut reached = BTreeSet::new();
            let mut found = nodes[start].outside.clone();
            let mut next = nodes[start].inside.clone();
            while let Some(at) = next.pop() {
                if reached.insert(at) {
                    found.extend(nodes[at].own_when_named);
                    found.extend(&nodes[at].outside);
                    next.extend(&nodes[at].inside);
                }
            }
            found
        };
        (0..nodes.len()).map(from).collect()
    }

    proptest! {
        #[test]
        fn as_a_slow_search_finds(
            nodes in (1..12usize).prop_flat_map(|count| {
                let node = (prop::option::of(0..6u32), prop::collection::btree_set(6..9u32, 0..2), prop::collection::vec(0..count, 0..3));
                prop::collection::vec(node, count)
            })
        ) {
            let nodes: Vec<_> = nodes
                .into_iter()
                .map(|(own, outside, inside)| Node {
                    own_when_named: own.map(TermsId),
                    outside: outside.into_iter().map(TermsId).collect(),
                    inside,
                })
                .collect();
            prop_assert_eq!(closure(&nodes), slowly(&nodes));
        }
    }
}
