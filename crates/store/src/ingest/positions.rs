//! Where what came together stands in a collection. Who reads some of it must not see by the gaps how much they may not
//! have: what is held alike stands together, and where that begins is left to chance.

use std::collections::BTreeMap;

use uuid::Uuid;

/// Within how many microseconds from now what came together begins: far more than there mostly are objects.
pub(super) const WINDOW: i64 = 50_000;

/// How often another place is tried.
const TRIES: usize = 32;

/// Positions for objects, by how each is held: behind `last`, in the order of the objects among those that are held alike.
pub(super) fn spread<T: Ord + Copy>(
    last: i64,
    now: i64,
    held: &[T],
    chance: impl FnMut(i64) -> i64,
) -> Vec<i64> {
    let mut groups: BTreeMap<T, Vec<usize>> = BTreeMap::new();
    for (at, one) in held.iter().enumerate() {
        groups.entry(*one).or_default().push(at);
    }
    let first = now.max(last + 1);
    let room = (now + WINDOW - first).max(4 * length(held));
    let mut chance = chance;
    let mut taken: Vec<(i64, i64)> = Vec::with_capacity(groups.len());
    let mut positions = vec![0; held.len()];
    for group in groups.values() {
        let many = length(group);
        let is_free = |start: i64| {
            taken
                .iter()
                .all(|(from, to)| start >= *to || start + many <= *from)
        };
        let tried = (0..TRIES)
            .map(|_| first + chance(room - many))
            .find(|start| is_free(*start));
        let end = taken.iter().map(|(_, to)| *to).max().unwrap_or(first);
        let start = tried.unwrap_or(end);
        taken.push((start, start + many));
        for (position, at) in (start..).zip(group) {
            positions[*at] = position;
        }
    }
    positions
}

fn length<T>(all: &[T]) -> i64 {
    i64::try_from(all.len()).unwrap_or(i64::MAX)
}

/// A number from 0 up to and with another, at random.
pub(super) fn chance(most: i64) -> i64 {
    let (_, random) = Uuid::new_v4().as_u64_pair();
    // The highest two bits are always the same.
    let random = i64::try_from(random & 0x3fff_ffff_ffff_ffff).unwrap_or(0);
    random % (most.max(0) + 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_stand_apart_behind_the_last_and_in_order(
            held in prop::collection::vec(0..20_u8, 0..300), last in 0..200_000_i64, now in 0..200_000_i64,
        ) {
            let found = spread(last, now, &held, chance);
            let all: BTreeSet<_> = found.iter().copied().collect();
            prop_assert_eq!(all.len(), held.len());
            prop_assert!(found.iter().all(|position| *position > last && *position >= now));
            for class in 0..20 {
                let own: Vec<_> = found.iter().zip(&held).filter(|(_, held)| **held == class).collect();
                prop_assert!(own.windows(2).all(|two| *two[1].0 == two[0].0 + 1));
            }
        }
    }

    #[test]
    fn what_is_seen_does_not_depend_on_what_is_not() {
        // By the same chances, what is held first stands in the same places, whatever comes beside it.
        let chances = |seed: i64| {
            let mut next = seed;
            move |most: i64| {
                next = (next * 1_103_515_245 + 12_345) & 0x7fff_ffff;
                next % (most + 1)
            }
        };
        for seed in 1..50 {
            let alone = spread(0, 1_000, &[0, 0, 0], chances(seed));
            let beside = spread(0, 1_000, &[0, 1, 1, 1, 0, 2, 2, 0], chances(seed));
            assert_eq!(alone, [beside[0], beside[4], beside[7]]);
        }
    }
}
