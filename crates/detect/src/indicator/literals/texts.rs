//! The texts that share a part, sorted, so that what stands around it is read once for all of them.

use super::super::candidates::{char_before, char_behind, joins_names};
use super::super::escapes;
use super::forms::Before;
use super::writing::{Back, Forth};

/// A text to be compared where a part of it was found.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) entry: u32,
    /// The whole text, in one of the forms in which it may be written.
    pub(super) text: Box<str>,
    /// Where in it the part begins.
    pub(super) at: usize,
    /// What must stand before it.
    pub(super) before: Before,
    /// True where slashes may stand for its backslashes.
    pub(super) slashes: bool,
}

/// Texts with the same part.
#[derive(Debug)]
pub(super) struct Texts {
    plain: Vec<Group>,
    /// Those in which slashes stand for backslashes.
    with_slashes: Vec<Group>,
}

/// Texts with the same bytes before their part, which are kept in normal form and back to front.
#[derive(Debug)]
struct Group {
    before: Box<[u8]>,
    tails: Vec<Tail>,
}

/// The rest of a text, in normal form.
#[derive(Debug)]
struct Tail {
    bytes: Box<[u8]>,
    condition: Before,
    entry: u32,
}

impl Texts {
    pub(super) fn new(patterns: Vec<Pattern>) -> Self {
        let (with_slashes, plain) = patterns.into_iter().partition(|pattern| pattern.slashes);
        Self {
            plain: groups(plain),
            with_slashes: groups(with_slashes),
        }
    }

    /// Calls `each(start, end, entry)` for each text that stands around the part at a place.
    pub(super) fn walk(&self, bytes: &[u8], part: usize, mut each: impl FnMut(usize, usize, u32)) {
        for (groups, slashes) in [(&self.plain, false), (&self.with_slashes, true)] {
            let mut back = Back::new(bytes, part, slashes);
            let mut left = groups.as_slice();
            for depth in 0.. {
                if let Some((whole, longer)) = left.split_first()
                    && whole.before.len() == depth
                {
                    whole.walk(bytes, back.at, part, slashes, &mut each);
                    left = longer;
                }
                if left.is_empty() {
                    break;
                }
                let Some(byte) = back.next() else { break };
                left = narrow(left, byte, |group| group.before[depth]);
            }
        }
    }
}

impl Group {
    fn walk(
        &self,
        bytes: &[u8],
        start: usize,
        part: usize,
        slashes: bool,
        each: &mut impl FnMut(usize, usize, u32),
    ) {
        let mut forth = Forth::new(bytes, part, slashes);
        let mut left = self.tails.as_slice();
        for depth in 0.. {
            while let Some((whole, longer)) = left.split_first()
                && whole.bytes.len() == depth
            {
                if self.stands(whole, bytes, start, forth.at) {
                    each(start, forth.at, whole.entry);
                }
                left = longer;
            }
            if left.is_empty() {
                break;
            }
            let Some(byte) = forth.next() else { break };
            left = narrow(left, byte, |tail| tail.bytes[depth]);
        }
    }

    /// True where a text with this tail, which was found, is no part of a longer one, and its condition holds.
    fn stands(&self, tail: &Tail, bytes: &[u8], start: usize, end: usize) -> bool {
        let first = self.before.last().or(tail.bytes.first());
        let last = tail.bytes.last();
        // A path from the root is not looked for below other folders.
        let joined_before = first.is_some_and(|&byte| is_host(byte) || byte == b'/')
            && char_before(bytes, start).is_some_and(is_name)
            && !escapes::end_at(bytes, start);
        let dots = bytes[end..].iter().take_while(|&&byte| byte == b'.').count();
        let joined_behind =
            last.is_some_and(|&byte| is_host(byte)) && char_behind(bytes, end + dots).is_some_and(is_name);
        !joined_before && !joined_behind && tail.condition.stands(&bytes[..start])
    }
}

/// Those of sorted items whose next byte is that one.
fn narrow<T>(items: &[T], byte: u8, next: impl Fn(&T) -> u8) -> &[T] {
    let (Some(first), Some(last)) = (items.first(), items.last()) else {
        return items;
    };
    // Many begin alike.
    if next(first) == next(last) {
        return if next(first) == byte { items } else { &[] };
    }
    let from = &items[items.partition_point(|item| next(item) < byte)..];
    &from[..from.partition_point(|item| next(item) == byte)]
}

fn groups(patterns: Vec<Pattern>) -> Vec<Group> {
    let mut sorted: Vec<(Box<[u8]>, Tail)> = patterns
        .into_iter()
        .map(|pattern| {
            let text = pattern.text.as_bytes();
            let tail = Tail {
                bytes: Forth::new(text, pattern.at, pattern.slashes).collect(),
                condition: pattern.before,
                entry: pattern.entry,
            };
            (Back::new(text, pattern.at, pattern.slashes).collect(), tail)
        })
        .collect();
    sorted.sort_unstable_by(|(before, one), (other_before, other)| {
        (before, &one.bytes, one.entry).cmp(&(other_before, &other.bytes, other.entry))
    });
    let mut groups: Vec<Group> = Vec::new();
    for (before, tail) in sorted {
        match groups.last_mut() {
            Some(group) if group.before == before => group.tails.push(tail),
            _ => groups.push(Group {
                before,
                tails: vec![tail],
            }),
        }
    }
    groups
}

/// What goes on with a name.
fn is_name(c: char) -> bool {
    u8::try_from(c).is_ok_and(is_host) || joins_names(c)
}

/// What names are made of; a text is not looked for inside a longer one.
pub(super) fn is_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}
