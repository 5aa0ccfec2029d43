//! Which patterns an event can match at all.
//!
//! Each observation expression needs some value in the event: one of a set of constants, a text with a literal in it,
//! or any value of a path. Only expressions whose need is met are evaluated.

use std::collections::HashMap;

use aho_corasick::AhoCorasick;
use perisai_pattern::{Comparison, Literal, Operator, Test};
use rapidhash::fast::RandomState;

use super::compile::{Compiled, constants, each_test};
use super::mapping::Mapping;
use super::view::{Scratch, View};

/// The least bytes of a literal of `LIKE` that is worth looking for.
const MIN_LITERAL: usize = 3;

/// What an event must have so that an expression can hold: any one of these; never, where there are none.
#[derive(Debug, Default)]
pub(super) struct Need(Vec<Key>);

/// A value, or a kind of value, in an event.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    /// A text of this key.
    Text(u32, Box<str>),
    /// This number.
    Number(u32, i128),
    /// A text that holds this one.
    Literal(u32, Box<str>),
    /// Any value.
    Any(u32),
}

/// How many tests of all patterns have a key in common.
#[derive(Debug, Default)]
pub(super) struct Frequencies(HashMap<Key, u64, RandomState>);

impl Frequencies {
    /// Counts the tests of a pattern.
    pub(super) fn count(&mut self, compiled: &Compiled, mapping: &Mapping) {
        let mut tests = Vec::new();
        compiled
            .pattern
            .observation_expressions()
            .iter()
            .for_each(|it| each_test(it, &mut tests));
        for key in tests
            .into_iter()
            .flat_map(|test| Need::of_test(test, compiled, mapping).0)
        {
            *self.0.entry(key).or_default() += 1;
        }
    }

    /// How many evaluations a key leads to, roughly: how often it is met, and by how many it is asked for.
    fn cost(&self, key: &Key) -> u64 {
        key.rarity().saturating_mul(self.0.get(key).copied().unwrap_or(1))
    }
}

impl Key {
    /// The less, the rarer it is that an event has it.
    fn rarity(&self) -> u64 {
        match self {
            Self::Text(..) => 1,
            Self::Number(..) => 20,
            Self::Literal(..) => 10,
            Self::Any(_) => 10_000,
        }
    }
}

impl Need {
    /// What a comparison needs.
    pub(super) fn of(
        comparison: &Comparison,
        compiled: &Compiled,
        mapping: &Mapping,
        frequencies: &Frequencies,
    ) -> Self {
        let of = |link| Self::of(link, compiled, mapping, frequencies);
        match comparison {
            Comparison::Test(test) => Self::of_test(test, compiled, mapping),
            Comparison::Or(links) => Self(links.iter().flat_map(|link| of(link).0).collect()),
            Comparison::And(links) => {
                let cost = |need: &Self| {
                    need.0
                        .iter()
                        .map(|key| frequencies.cost(key))
                        .fold(0, u64::saturating_add)
                };
                links.iter().map(of).min_by_key(cost).unwrap_or_default()
            }
        }
    }

    fn of_test(test: &Test, compiled: &Compiled, mapping: &Mapping) -> Self {
        if test.negated && test.operator == Operator::Exists {
            let object_type = &compiled.pattern.paths()[test.path].object_type;
            return Self(
                compiled
                    .type_slots(object_type)
                    .iter()
                    .copied()
                    .map(Key::Any)
                    .collect(),
            );
        }
        let by = &compiled.paths[test.path];
        let Some(slot) = by.slot else {
            return Self::default();
        };
        let any = || Self(vec![Key::Any(slot)]);
        if test.negated {
            return any();
        }
        match &test.operator {
            Operator::Equal(_) | Operator::In(_) => {
                let keys = constants(&test.operator).iter().map(|literal| match literal {
                    Literal::Str(text) if !by.is_net(text) => {
                        Some(Key::Text(slot, mapping.fold(slot).key(text).into()))
                    }
                    Literal::Int(number) => Some(Key::Number(slot, *number)),
                    _ => None,
                });
                keys.collect::<Option<_>>().map_or_else(any, Self)
            }
            Operator::Like(like) if by.shows_all_as_is() => match literal(like) {
                Some(literal) => Self(vec![Key::Literal(slot, literal.into())]),
                None => any(),
            },
            _ => any(),
        }
    }

    /// True where no event can meet it.
    pub(super) fn is_never(&self) -> bool {
        self.0.is_empty()
    }
}

/// The longest text that whatever is `LIKE` this must hold; ASCII, which normal forms of Unicode leave as it is.
fn literal(like: &str) -> Option<&str> {
    let pieces = like.split(|letter: char| letter == '%' || letter == '_' || !letter.is_ascii());
    pieces
        .max_by_key(|piece| piece.len())
        .filter(|piece| piece.len() >= MIN_LITERAL)
}

/// The expressions of all patterns, by what they need.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Pattern and expression, by number.
    expressions: Vec<(u32, u32)>,
    slots: Vec<SlotIndex>,
}

#[derive(Debug, Default)]
struct SlotIndex {
    any: Vec<u32>,
    texts: HashMap<Box<str>, Vec<u32>, RandomState>,
    numbers: HashMap<i128, Vec<u32>, RandomState>,
    literals: Literals,
}

/// Texts to look for inside values.
#[derive(Debug, Default)]
struct Literals {
    texts: Vec<Box<str>>,
    /// By text.
    expressions: Vec<Vec<u32>>,
    finder: Option<AhoCorasick>,
    /// The number of the first, of all slots.
    first: u32,
}

impl Index {
    pub(super) fn new(patterns: &[Compiled], mapping: &Mapping) -> Self {
        let mut index = Self::default();
        index.slots.resize_with(mapping.len(), SlotIndex::default);
        let mut literals: HashMap<(u32, Box<str>), usize> = HashMap::new();
        for (number, compiled) in (0_u32..)
            .zip(patterns)
            .filter(|(_, compiled)| !compiled.is_idle())
        {
            for (expression, need) in (0_u32..).zip(&compiled.needs) {
                let id = u32::try_from(index.expressions.len()).expect("under 2^32 observation expressions");
                index.expressions.push((number, expression));
                need.0.iter().for_each(|key| index.add(key, id, &mut literals));
            }
        }
        let mut first = 0;
        for slot in &mut index.slots {
            slot.literals.first = first;
            first += slot.literals.texts.len() as u32;
            if !slot.literals.texts.is_empty() {
                match AhoCorasick::new(slot.literals.texts.iter().map(|text| text.as_bytes())) {
                    Ok(finder) => slot.literals.finder = Some(finder),
                    // Too many for one automaton: every value may hold one.
                    Err(_) => slot.any.extend(slot.literals.expressions.drain(..).flatten()),
                }
            }
        }
        index
    }

    fn add(&mut self, key: &Key, id: u32, literals: &mut HashMap<(u32, Box<str>), usize>) {
        match key {
            Key::Text(slot, text) => {
                self.slots[*slot as usize]
                    .texts
                    .entry(text.clone())
                    .or_default()
                    .push(id);
            }
            Key::Number(slot, number) => self.slots[*slot as usize]
                .numbers
                .entry(*number)
                .or_default()
                .push(id),
            Key::Any(slot) => self.slots[*slot as usize].any.push(id),
            Key::Literal(slot, text) => {
                let of_slot = &mut self.slots[*slot as usize].literals;
                let at = *literals.entry((*slot, text.clone())).or_insert_with(|| {
                    of_slot.texts.push(text.clone());
                    of_slot.expressions.push(Vec::new());
                    of_slot.texts.len() - 1
                });
                of_slot.expressions[at].push(id);
            }
        }
    }

    /// The pattern and the number in it of an expression.
    pub(super) fn expression(&self, id: u32) -> (u32, u32) {
        self.expressions[id as usize]
    }

    /// Fills in the expressions that the event in the view can satisfy, ascending.
    pub(super) fn candidates(&self, scratch: &mut Scratch) {
        let Scratch {
            view,
            expressions,
            literals,
            candidates,
            ..
        } = scratch;
        expressions.clear(self.expressions.len());
        literals.clear(
            self.slots
                .last()
                .map_or(0, |last| last.literals.first as usize + last.literals.texts.len()),
        );
        candidates.clear();
        let mut add = |ids: &[u32]| candidates.extend(ids.iter().filter(|&&id| expressions.set(id)));
        for &number in view.filled() {
            self.slots[number as usize].candidates(number, view, literals, &mut add);
        }
        candidates.sort_unstable();
    }
}

impl SlotIndex {
    fn candidates(&self, number: u32, view: &View, marks: &mut Marks, add: &mut dyn FnMut(&[u32])) {
        add(&self.any);
        for item in view.items(number) {
            if let Some(ids) = view.key(item).and_then(|key| self.texts.get(key)) {
                add(ids);
            }
            if let Some(ids) = View::number(item).and_then(|number| self.numbers.get(&number)) {
                add(ids);
            }
            if let Some(finder) = &self.literals.finder
                && let Some(text) = view.shown(item)
            {
                self.literals.find(finder, text, marks, add);
            }
        }
    }
}

impl Literals {
    fn find(&self, finder: &AhoCorasick, text: &str, marks: &mut Marks, add: &mut dyn FnMut(&[u32])) {
        if !text.is_ascii() {
            // Its normal form may have letters that it has not.
            self.expressions.iter().for_each(|ids| add(ids));
            return;
        }
        for found in finder.find_overlapping_iter(text) {
            if marks.set(self.first + found.pattern().as_u32()) {
                add(&self.expressions[found.pattern().as_usize()]);
            }
        }
    }
}

/// A set of numbers that is emptied at no cost.
#[derive(Debug, Default)]
pub(super) struct Marks {
    round: u32,
    seen: Vec<u32>,
}

impl Marks {
    /// Empties it, for numbers below `len`.
    fn clear(&mut self, len: usize) {
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.seen.fill(0);
            self.round = 1;
        }
        self.seen.resize(len, 0);
    }

    /// Puts a number in; false where it was in already.
    fn set(&mut self, number: u32) -> bool {
        let seen = &mut self.seen[number as usize];
        std::mem::replace(seen, self.round) != self.round
    }
}
