//! Cuts a JSON answer into the elements of its list while it arrives: a TAXII envelope, a manifest, a MISP search. No
//! tree is ever built: an element stays the bytes that came.
//!
//! One broken element costs itself. Where its brackets do not match, the nearest bracket that does ends it; where the
//! answer breaks off, what was whole stays.

use serde_json::value::RawValue;

/// How deep an element may be nested: serde_json reads no deeper.
const MAX_DEPTH: usize = 127;
/// How many broken elements are told one by one; the rest is counted.
const MAX_TOLD: usize = 1_000;
/// How long a name or a simple value beside the list may be.
const MAX_SCALAR: usize = 64 << 10;

/// What an answer looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// The name of the list in the outermost object: `objects`, `versions`, `response`. An answer that is itself a list
    /// is read, too.
    pub list: &'static str,
    /// How many elements there may be.
    pub max_items: usize,
}

/// What was read of an answer.
#[derive(Debug, Default)]
pub struct Split {
    /// The elements that are JSON, in order, as they came.
    pub items: Vec<Box<RawValue>>,
    /// The elements that are not.
    pub broken: Vec<Broken>,
    /// How many more were broken than are told.
    pub untold: u64,
    /// `more`, where there is one.
    pub more: Option<bool>,
    /// `next`, where there is one.
    pub next: Option<String>,
    /// Where and why reading ended before the answer did.
    pub cut: Option<Cut>,
}

/// An element that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Which of the list, from 0.
    pub index: u64,
    /// Its first byte in the answer, from 0.
    pub offset: u64,
    /// What is wrong.
    pub reason: Box<str>,
}

/// Where an answer breaks off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// How many bytes were read.
    pub offset: u64,
    /// How it ended.
    pub reason: Box<str>,
    /// Whether too much came: a smaller page may help.
    pub too_much: bool,
}

impl Split {
    pub(crate) fn tell(&mut self, index: u64, offset: u64, reason: impl ToString) {
        if self.broken.len() < MAX_TOLD {
            self.broken.push(Broken {
                index,
                offset,
                reason: reason.to_string().into(),
            });
        } else {
            self.untold += 1;
        }
    }
}

/// The reader. Feed it what comes, then [`finish`](Self::finish).
#[derive(Debug)]
pub struct Splitter {
    shape: Shape,
    state: State,
    nest: Nest,
    /// The name, value or element that is being read.
    kept: Vec<u8>,
    name: Vec<u8>,
    /// Where in the answer the current element begins, and how many bytes came.
    begin: u64,
    offset: u64,
    index: u64,
    opened: bool,
    split: Split,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    /// In the outermost object, before a name.
    Top,
    Name,
    Colon,
    /// Before a value.
    Value,
    /// In a value beside the list: a simple one is kept.
    Beside,
    /// In the list, between elements.
    List,
    Element,
    End,
    /// Nothing more is read.
    Failed,
}

impl Splitter {
    /// A reader of answers of this shape.
    pub fn new(shape: Shape) -> Self {
        Self {
            shape,
            state: State::Start,
            nest: Nest::default(),
            kept: Vec::new(),
            name: Vec::new(),
            begin: 0,
            offset: 0,
            index: 0,
            opened: false,
            split: Split::default(),
        }
    }

    /// Reads on.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while let [first, rest @ ..] = bytes {
            let used = match self.state {
                State::Name | State::Beside | State::Element => self.inside(bytes),
                State::End | State::Failed => return,
                _ if first.is_ascii_whitespace() => 1,
                state => {
                    self.between(state, *first);
                    // The first byte of a value is read again with the value.
                    usize::from(!matches!(
                        self.state,
                        State::Name | State::Beside | State::Element
                    ))
                }
            };
            self.offset += used as u64;
            bytes = if used == 1 { rest } else { &bytes[used..] };
        }
    }

    /// Whether nothing more is read, whatever comes.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::End | State::Failed)
    }

    /// What was read. `reason` says how the answer ended where it did not end well.
    pub fn finish(mut self, reason: Option<&str>) -> Split {
        if self.state != State::End && self.state != State::Failed {
            self.cut(reason.unwrap_or("it is not complete"), false);
        }
        self.split
    }

    /// Whether a bracket came: a page for people, or another protocol, begins with none.
    pub fn is_plausible(&self) -> bool {
        self.opened
    }

    fn cut(&mut self, reason: &str, too_much: bool) {
        self.state = State::Failed;
        self.split.cut = Some(Cut {
            offset: self.offset,
            reason: reason.into(),
            too_much,
        });
    }

    /// A byte between two tokens, no blank.
    fn between(&mut self, state: State, byte: u8) {
        self.opened |= matches!(byte, b'{' | b'[');
        self.state = match (state, byte) {
            // A byte order mark.
            (State::Start, 0xef | 0xbb | 0xbf) => State::Start,
            (State::Start, b'{') => State::Top,
            (State::Start, b'[') => {
                self.name.clear();
                State::List
            }
            (State::Top | State::List, b',') | (State::Colon, b':') => match state {
                State::Colon => State::Value,
                same => same,
            },
            (State::Top, b'"') => self.begin(State::Name),
            (State::Top, b'}') => State::End,
            (State::Value, b'[') if self.name == self.shape.list.as_bytes() => State::List,
            (State::Value, _) => self.begin(State::Beside),
            (State::List, b']') if self.name.is_empty() => State::End,
            (State::List, b']') => State::Top,
            (State::List, b'}') => {
                let index = self.index;
                self.index += 1;
                self.split.tell(index, self.offset, "closes what was not open");
                State::List
            }
            (State::List, _) if self.split.items.len() >= self.shape.max_items => {
                return self.cut("too many elements", true);
            }
            (State::List, _) => self.begin(State::Element),
            _ => return self.cut("it is no JSON", false),
        };
    }

    fn begin(&mut self, state: State) -> State {
        self.kept.clear();
        self.nest = Nest::default();
        self.begin = self.offset;
        state
    }

    /// Reads on in a name, a value or an element; how many bytes of it.
    fn inside(&mut self, bytes: &[u8]) -> usize {
        let (used, progress) = self.nest.advance(bytes);
        let room = match self.state {
            State::Element => usize::MAX,
            _ => MAX_SCALAR.saturating_sub(self.kept.len()),
        };
        self.kept.extend_from_slice(&bytes[..used.min(room)]);
        if progress == Progress::Open {
            return used;
        }
        self.state = match self.state {
            State::Name => {
                // A name with an escape in it is none that is looked for.
                self.name = self.kept[1..self.kept.len().max(2) - 1].to_vec();
                State::Colon
            }
            State::Beside => {
                self.beside();
                State::Top
            }
            _ => {
                self.element();
                State::List
            }
        };
        used
    }

    /// A value beside the list has ended.
    fn beside(&mut self) {
        let value: Option<Scalar> = serde_json::from_slice(&self.kept).ok();
        match (self.name.as_slice(), value) {
            (b"more", Some(Scalar::Bool(more))) => self.split.more = Some(more),
            (b"more", Some(Scalar::Text(text))) => self.split.more = Some(text.eq_ignore_ascii_case("true")),
            (b"more", Some(Scalar::Number(number))) => self.split.more = Some(number.as_u64() != Some(0)),
            (b"next", Some(Scalar::Text(text))) => self.split.next = Some(text),
            (b"next", Some(Scalar::Number(number))) => self.split.next = Some(number.to_string()),
            _ => {}
        }
    }

    /// An element has ended.
    fn element(&mut self) {
        let (index, begin) = (self.index, self.begin);
        self.index += 1;
        if self.nest.too_deep {
            return self.split.tell(index, begin, "is nested too deep");
        }
        match serde_json::from_slice(&self.kept) {
            Ok(raw) => self.split.items.push(raw),
            Err(error) => self.split.tell(index, begin, error),
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Scalar {
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
}

/// Where a JSON value ends, without reading what it says.
#[derive(Debug, Default)]
struct Nest {
    /// The open brackets, up to the deepest that may be.
    open: Vec<u8>,
    /// How many more are open than that.
    deeper: u64,
    too_deep: bool,
    begun: bool,
    in_string: bool,
    escaped: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Progress {
    Open,
    Closed,
}

impl Nest {
    /// Reads to the value's end, or to the end of what there is. A bracket or comma that belongs to what is around the
    /// value is not read.
    fn advance(&mut self, bytes: &[u8]) -> (usize, Progress) {
        for (at, &byte) in bytes.iter().enumerate() {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => {
                        self.in_string = false;
                        if self.open.is_empty() {
                            return (at + 1, Progress::Closed);
                        }
                    }
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' if self.open.is_empty() && self.begun => return (at, Progress::Closed),
                b'"' => self.in_string = true,
                b'{' | b'[' => self.push(byte),
                b'}' | b']' => {
                    if !self.pop(byte) {
                        return (at, Progress::Closed);
                    }
                    if self.open.is_empty() {
                        return (at + 1, Progress::Closed);
                    }
                }
                b',' if self.open.is_empty() => {
                    return (at, Progress::Closed);
                }
                _ => {}
            }
            self.begun = true;
        }
        (bytes.len(), Progress::Open)
    }

    fn push(&mut self, byte: u8) {
        if self.open.len() < MAX_DEPTH {
            self.open.push(byte);
        } else {
            self.too_deep = true;
            self.deeper += 1;
        }
    }

    /// False where the bracket closes nothing of this value.
    fn pop(&mut self, byte: u8) -> bool {
        if self.deeper > 0 {
            self.deeper -= 1;
            return true;
        }
        let opener = if byte == b'}' { b'{' } else { b'[' };
        // What is open inside the bracket that this one closes was never closed.
        let place = self.open.iter().rposition(|open| *open == opener);
        place.inspect(|place| self.open.truncate(*place)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OBJECTS: Shape = Shape {
        list: "objects",
        max_items: 1_000,
    };

    fn split(text: &[u8], piece: usize) -> Split {
        let mut splitter = Splitter::new(OBJECTS);
        for part in text.chunks(piece) {
            splitter.feed(part);
        }
        splitter.finish(None)
    }

    /// What is read in pieces of any length: elements, the indices of broken ones, whether it breaks off.
    fn check(text: &str, items: &[&str], broken: &[u64], cut: bool) -> Split {
        for piece in [1, 2, 7, text.len().max(1)] {
            let found = split(text.as_bytes(), piece);
            let told: Vec<&str> = found.items.iter().map(|item| item.get()).collect();
            assert_eq!(told, items, "{text} in pieces of {piece}");
            let told: Vec<u64> = found.broken.iter().map(|broken| broken.index).collect();
            assert_eq!(told, broken, "{text} in pieces of {piece}");
            assert_eq!(
                found.cut.is_some(),
                cut,
                "{text} in pieces of {piece}: {:?}",
                found.cut
            );
        }
        split(text.as_bytes(), 3)
    }

    #[test]
    fn envelopes() {
        check("{}", &[], &[], false);
        check(" \u{feff}{ \"objects\" : [ ] } ", &[], &[], false);
        check(
            r#"{"objects":[{"a":1},{"b":"}]\"{"}]}"#,
            &[r#"{"a":1}"#, r#"{"b":"}]\"{"}"#],
            &[],
            false,
        );
        check(
            r#"{"x":{"objects":[1]},"objects":["a", 2 ,null]}"#,
            &[r#""a""#, "2", "null"],
            &[],
            false,
        );
        check(
            r#"[{"a":1} , {"b":[2]}]"#,
            &[r#"{"a":1}"#, r#"{"b":[2]}"#],
            &[],
            false,
        );
        check(r#"{"objects":null,"more":false}"#, &[], &[], false);
    }

    #[test]
    fn paging() {
        let check_page = |text: &str, more: Option<bool>, next: Option<&str>| {
            let found = check(text, &[], &[], false);
            assert_eq!((found.more, found.next.as_deref()), (more, next), "{text}");
        };
        check_page(
            r#"{"more":true,"next":"a\"b","objects":[]}"#,
            Some(true),
            Some("a\"b"),
        );
        check_page(r#"{"more":"True","next":17}"#, Some(true), Some("17"));
        check_page(r#"{"more":0,"next":null}"#, Some(false), None);
        check_page(r#"{"more":[],"next":{"a":1}}"#, None, None);
    }

    #[test]
    fn one_bad_element_costs_itself() {
        check(r#"{"objects":[{"a":tru},{"b":1}]}"#, &[r#"{"b":1}"#], &[0], false);
        check(r#"{"objects":[{"a":[1},{"b":1}]}"#, &[r#"{"b":1}"#], &[0], false);
        check(r#"{"objects":[{"b":1},{"a":1]}"#, &[r#"{"b":1}"#], &[1], false);
        check(
            r#"{"objects":[{"b":1} {"c":2}]}"#,
            &[r#"{"b":1}"#, r#"{"c":2}"#],
            &[],
            false,
        );
        check(r#"{"objects":[x,{"b":1}]}"#, &[r#"{"b":1}"#], &[0], false);
        let deep = format!(
            "{{\"objects\":[{}1{},{{\"b\":1}}]}}",
            "[".repeat(9_999),
            "]".repeat(9_999)
        );
        check(&deep, &[r#"{"b":1}"#], &[0], false);
        let found = split(b"{\"objects\":[{\"a\":\"\xff\"},{\"b\":1}]}", 5);
        assert_eq!((found.items.len(), found.broken[0].offset), (1, 12));
    }

    #[test]
    fn what_breaks_off_keeps_what_was_whole() {
        check("", &[], &[], true);
        check(r#"{"objects":[{"a":1},{"b"#, &[r#"{"a":1}"#], &[], true);
        check(r#"{"objects":[{"a":1}"#, &[r#"{"a":1}"#], &[], true);
        check(r#"{"objects":[{"a":1}]"#, &[r#"{"a":1}"#], &[], true);
        check("<html>", &[], &[], true);
        check(r#"{"a" 1}"#, &[], &[], true);
    }

    #[test]
    fn numbers_are_bounded() {
        let found = split(format!("[{}1]", "1,".repeat(2_000)).as_bytes(), 100);
        assert_eq!(found.items.len(), 1_000);
        assert!(found.cut.is_some_and(|cut| cut.too_much));
        let found = split(format!("[{}1]", "x,".repeat(2_000)).as_bytes(), 100);
        assert_eq!(
            (found.items.len(), found.broken.len(), found.untold),
            (1, 1_000, 1_000)
        );
    }

    proptest! {
        /// What is valid is read whole, whatever the pieces.
        #[test]
        fn valid_lists(values in proptest::collection::vec("[a-z\\[\\]{},\"\\\\ é]{0,9}", 0..9), piece in 1_usize..20) {
            let items: Vec<String> = values
                .iter()
                .map(|value| serde_json::json!({"id": value, "x": [value, {value: 1.5}]}).to_string())
                .collect();
            let found = split(format!("{{\"more\":true,\"objects\":[{}]}}", items.join(" , ")).as_bytes(), piece);
            let told: Vec<&str> = found.items.iter().map(|item| item.get()).collect();
            prop_assert_eq!(told, items);
            prop_assert!(found.cut.is_none() && found.broken.is_empty() && found.more == Some(true));
        }

        /// Anything at all is read without a panic, and the same in any pieces.
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(prop_oneof![Just(b'{'), Just(b'}'), Just(b'['), Just(b']'),
            Just(b'"'), Just(b','), Just(b':'), Just(b'\\'), any::<u8>()], 0..60), piece in 1_usize..9) {
            let text = [b"{\"objects\":[", bytes.as_slice()].concat();
            let (whole, pieces) = (split(&text, text.len()), split(&text, piece));
            prop_assert_eq!(whole.items.len(), pieces.items.len());
            prop_assert_eq!(whole.broken, pieces.broken);
            prop_assert_eq!(whole.cut, pieces.cut);
        }
    }
}
