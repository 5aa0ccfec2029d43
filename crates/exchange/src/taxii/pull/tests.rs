//! Pulling from a model of a server that does what real ones get wrong: nothing is lost, nothing invented.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;
use crate::taxii::resources::ManifestRow;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dates {
    Exact,
    Millis,
    Missing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// As the standard asks.
    Stateless,
    /// One for all pages, each of which is given once.
    Stateful,
    /// As soon as it is given, it is forgotten.
    Forgotten,
    /// Refused beside filters.
    Bare,
    /// `more` without it.
    Missing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// The question does not reach the server.
    Lost,
    /// The answer does not reach us.
    AnswerLost,
    /// The answer breaks off after so many objects.
    Cut(usize),
    /// The server restarts before it looks at the question.
    Restart,
}

#[derive(Debug, Clone)]
struct Habits {
    page: usize,
    dates: Dates,
    next: Next,
    manifest: bool,
}

struct Server {
    habits: Habits,
    /// When, id, version: in order.
    objects: Vec<(i64, String, Option<String>)>,
    sessions: RefCell<BTreeMap<String, VecDeque<usize>>>,
    faults: RefCell<VecDeque<Fault>>,
    requests: Cell<u32>,
}

impl Server {
    fn new(habits: Habits) -> Self {
        Self {
            habits,
            objects: Vec::new(),
            sessions: RefCell::default(),
            faults: RefCell::default(),
            requests: Cell::new(0),
        }
    }

    /// Another object, some time (in microseconds) after the last.
    fn add(&mut self, later: i64) {
        let count = self.objects.len();
        let last = self.objects.last().map_or(1_645_671_600_000_000, |last| last.0);
        // Every third is an observable; every fourth is another version of the one before.
        let (id, version) = match count {
            _ if count % 3 == 2 => (format!("file--{count}"), None),
            _ => (
                format!("tool--{}", count - usize::from(count % 4 == 1)),
                Some(format!("v{count}")),
            ),
        };
        self.objects.push((last + later, id, version));
    }

    fn raw(&self, index: usize) -> Box<RawValue> {
        let (_, id, version) = &self.objects[index];
        let object = match version {
            Some(version) => json!({"id": id, "modified": version}),
            None => json!({"id": id, "name": "a"}),
        };
        RawValue::from_string(object.to_string()).unwrap()
    }

    fn names(&self) -> BTreeSet<String> {
        (0..self.objects.len())
            .map(|index| self.raw(index).get().to_owned())
            .collect()
    }

    fn stamp(&self, micros: i64) -> Option<Stamp> {
        let at = Timestamp::from_microsecond(micros).unwrap();
        match self.habits.dates {
            Dates::Exact => Stamp::read(&at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()),
            Dates::Millis => Stamp::read(&at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()),
            Dates::Missing => None,
        }
    }

    fn after(&self, query: &Query) -> Vec<usize> {
        let after = query
            .added_after
            .as_ref()
            .map(|text| text.parse::<Timestamp>().unwrap().as_microsecond());
        (0..self.objects.len())
            .filter(|index| after.is_none_or(|after| self.objects[*index].0 > after))
            .collect()
    }

    /// The objects of a page, and how to go on.
    fn answer(&self, query: &Query) -> Result<(Vec<usize>, bool, Option<String>)> {
        let refuse = |status| Error::Server {
            url: "".into(),
            status,
            told: "".into(),
        };
        let size = self
            .habits
            .page
            .min(query.limit.map_or(usize::MAX, |limit| limit as usize));
        let mut rest: VecDeque<usize> = match &query.next {
            None => self.after(query).into(),
            Some(next) if matches!(self.habits.next, Next::Stateful) => self
                .sessions
                .borrow_mut()
                .remove(next)
                .ok_or_else(|| refuse(400))?,
            Some(_) if self.habits.next == Next::Forgotten => {
                return Err(Error::NotFound {
                    url: "".into(),
                    told: "".into(),
                });
            }
            Some(_) if self.habits.next == Next::Bare && query.added_after.is_some() => {
                return Err(refuse(400));
            }
            Some(next) => (next.parse().unwrap()..self.objects.len()).collect(),
        };
        let page: Vec<usize> = rest.drain(..size.min(rest.len())).collect();
        let Some(following) = rest.front().copied() else {
            return Ok((page, false, None));
        };
        let next = match self.habits.next {
            Next::Missing => None,
            Next::Stateful => {
                let name = query
                    .next
                    .clone()
                    .unwrap_or_else(|| format!("s{}", self.requests.get()));
                self.sessions.borrow_mut().insert(name.clone(), rest);
                Some(name)
            }
            _ => Some(following.to_string()),
        };
        Ok((page, true, next))
    }
}

fn lost() -> Error {
    Error::Unreachable {
        url: "".into(),
        reason: "".into(),
    }
}

impl Source for Server {
    async fn page(&self, query: &Query) -> Result<Envelope> {
        self.requests.set(self.requests.get() + 1);
        let fault = self.faults.borrow_mut().pop_front().unwrap_or(Fault::None);
        match fault {
            Fault::Lost => return Err(lost()),
            Fault::Restart => self.sessions.borrow_mut().clear(),
            _ => {}
        }
        let (page, more, next) = self.answer(query)?;
        let stamp = |index: Option<&usize>| index.and_then(|index| self.stamp(self.objects[*index].0));
        let mut envelope = Envelope {
            objects: page.iter().map(|index| self.raw(*index)).collect(),
            more: Some(more),
            next,
            first: stamp(page.first()),
            last: stamp(page.last()),
            ..Envelope::default()
        };
        match fault {
            Fault::AnswerLost => return Err(lost()),
            Fault::Cut(whole) if whole < envelope.objects.len() => {
                envelope.objects.truncate(whole);
                envelope.cut = Some(Cut {
                    offset: 1,
                    reason: "cut".into(),
                    too_much: false,
                });
                if whole == 0 {
                    return Err(self.cut(envelope.cut.as_ref().unwrap()));
                }
            }
            _ => {}
        }
        Ok(envelope)
    }

    async fn manifest(&self, query: &Query) -> Result<Manifest> {
        self.requests.set(self.requests.get() + 1);
        if !self.habits.manifest {
            return Err(lost());
        }
        let row = |index: usize| {
            let (micros, id, version) = &self.objects[index];
            let at = Timestamp::from_microsecond(*micros).unwrap();
            ManifestRow {
                id: id.clone(),
                date_added: Some(Stamp { at, unit: 1_000 }),
                version: version.clone().unwrap_or_else(|| at.to_string()),
                media_type: None,
            }
        };
        Ok(Manifest {
            rows: self.after(query).into_iter().map(row).collect(),
            ..Manifest::default()
        })
    }

    fn cut(&self, cut: &Cut) -> Error {
        Error::CutOff {
            url: "".into(),
            after: cut.offset,
            reason: cut.reason.clone(),
        }
    }

    fn wrong(&self, reason: &str) -> Error {
        panic!("{reason}")
    }
}

fn ask(source: &impl Source, cursor: &Cursor, limit: u32) -> Result<Page> {
    ask_at(source, cursor, limit, Timestamp::UNIX_EPOCH)
}

fn ask_at(source: &impl Source, cursor: &Cursor, limit: u32, now: Timestamp) -> Result<Page> {
    let options = PullOptions {
        limit,
        ..PullOptions::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(pull(source, cursor, &options, now))
}

/// What happens between two pulls.
#[derive(Debug, Clone)]
enum Act {
    /// Objects enter, each so many microseconds after the one before.
    Add(Vec<i64>),
    /// A pull, after which all is kept.
    Pull,
    /// The same, and the process ends: the cursor is read from where it was kept.
    PullAndRestart,
    /// The process ends before it kept anything.
    PullAndCrash,
    /// What was pulled is thrown away, and the same cursor used again.
    PullAndForget,
    Faults(Vec<Fault>),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let later = prop_oneof![3 => Just(0), 2 => Just(1_i64), 2 => Just(300), 2 => Just(5_000)];
    let fault = prop_oneof![
        4 => Just(Fault::None),
        1 => Just(Fault::Lost),
        2 => Just(Fault::AnswerLost),
        2 => (0_usize..6).prop_map(Fault::Cut),
        1 => Just(Fault::Restart),
    ];
    let act = prop_oneof![
        3 => proptest::collection::vec(later, 1..12).prop_map(Act::Add),
        6 => Just(Act::Pull),
        2 => Just(Act::PullAndRestart),
        2 => Just(Act::PullAndCrash),
        1 => Just(Act::PullAndForget),
        2 => proptest::collection::vec(fault, 1..6).prop_map(Act::Faults),
    ];
    proptest::collection::vec(act, 1..40)
}

fn habits() -> impl Strategy<Value = Habits> {
    let dates = prop_oneof![3 => Just(Dates::Exact), 2 => Just(Dates::Millis), 2 => Just(Dates::Missing)];
    let next = prop_oneof![
        2 => Just(Next::Stateless),
        2 => Just(Next::Stateful),
        1 => Just(Next::Forgotten),
        1 => Just(Next::Bare),
        1 => Just(Next::Missing),
    ];
    (1_usize..8, dates, next, any::<bool>()).prop_map(|(page, dates, next, manifest)| Habits {
        page,
        dates,
        next,
        manifest,
    })
}

/// Where a server gives no `next` that can be used, its dates must lead on: each is told, exact, and no page is full of
/// one date.
fn is_passable(habits: &Habits) -> bool {
    !matches!(habits.next, Next::Forgotten | Next::Missing) || habits.dates == Dates::Exact
}

fn play(mut habits: Habits, acts: &[Act], limit: u32) {
    let by_date = matches!(habits.next, Next::Forgotten | Next::Missing);
    if by_date {
        habits.page = habits.page.max(2);
    }
    let limit = if by_date { limit.max(100) } else { limit };
    let mut server = Server::new(habits);
    let mut cursor = Cursor::default();
    let mut kept = BTreeSet::new();
    for act in acts {
        match act {
            Act::Add(later) => later
                .iter()
                .for_each(|later| server.add((*later).max(i64::from(by_date)))),
            Act::Faults(faults) => server.faults.borrow_mut().extend(faults.iter().copied()),
            _ => {
                let before = serde_json::to_string(&cursor).unwrap();
                let page = ask(&server, &cursor, limit);
                if let (Ok(page), Act::Pull | Act::PullAndRestart) = (page, act) {
                    kept.extend(page.objects.iter().map(|raw| raw.get().to_owned()));
                    cursor = page.cursor;
                }
                cursor = match act {
                    Act::PullAndCrash => serde_json::from_str(&before).unwrap(),
                    Act::PullAndRestart => {
                        serde_json::from_str(&serde_json::to_string(&cursor).unwrap()).unwrap()
                    }
                    _ => cursor,
                };
            }
        }
    }
    server.faults.borrow_mut().clear();
    // A faulty page may have left a small limit, and a run in the middle: the second run is a whole one.
    for _ in 0..2 {
        for round in 0.. {
            assert!(round < 2_000, "it does not end");
            let page = ask(&server, &cursor, limit).unwrap();
            kept.extend(page.objects.iter().map(|raw| raw.get().to_owned()));
            cursor = page.cursor;
            if !page.more {
                break;
            }
        }
    }
    assert_eq!(kept, server.names(), "{:?}", server.habits);
    nothing_new(&server, &cursor, limit);
}

/// A pull with nothing new is one request, where dates are told and no page is full of one date.
fn nothing_new(server: &Server, cursor: &Cursor, limit: u32) {
    let last = server.objects.last().map_or(0, |last| last.0);
    let unit = if server.habits.dates == Dates::Millis {
        1_000
    } else {
        1
    };
    let asked = (last / unit - 1) * unit;
    let ties = server.objects.iter().filter(|object| object.0 > asked).count();
    let is_one_page = ties <= server.habits.page.min(limit as usize);
    if server.habits.dates == Dates::Missing || !is_one_page {
        return;
    }
    server.requests.set(0);
    let page = ask(server, cursor, limit).unwrap();
    assert!(
        page.objects.is_empty() && !page.more && page.notes.is_empty(),
        "{page:?}"
    );
    assert_eq!(server.requests.get(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn nothing_is_lost_or_invented(habits in habits().prop_filter("dates lead on", is_passable), acts in acts(), limit in 1_u32..9) {
        play(habits, &acts, limit);
    }
}

/// Answers with the same list of envelopes, the last one for ever.
struct Script(RefCell<VecDeque<Envelope>>, Cell<u32>);

fn envelope(page: &Value) -> Envelope {
    let raw = |object: &Value| RawValue::from_string(object.to_string()).unwrap();
    let text = |name: &str| page.get(name).and_then(Value::as_str);
    Envelope {
        objects: page["objects"]
            .as_array()
            .into_iter()
            .flatten()
            .map(raw)
            .collect(),
        more: page.get("more").and_then(Value::as_bool),
        next: text("next").map(str::to_owned),
        first: text("first").and_then(Stamp::read),
        last: text("last").and_then(Stamp::read),
        ..Envelope::default()
    }
}

impl Source for Script {
    async fn page(&self, _query: &Query) -> Result<Envelope> {
        self.1.set(self.1.get() + 1);
        let mut pages = self.0.borrow_mut();
        let page = pages.pop_front().unwrap();
        if pages.is_empty() {
            let again = Envelope {
                objects: page.objects.clone(),
                more: page.more,
                next: page.next.clone(),
                first: page.first,
                last: page.last,
                ..Envelope::default()
            };
            pages.push_back(again);
        }
        Ok(page)
    }

    async fn manifest(&self, _query: &Query) -> Result<Manifest> {
        Err(lost())
    }

    fn cut(&self, _cut: &Cut) -> Error {
        lost()
    }

    fn wrong(&self, reason: &str) -> Error {
        Error::setup("server", reason)
    }
}

/// Pulls to the end: the ids that came, what was told, and how many requests it took at most.
fn check(pages: &[Value], ids: &[&str], notes: &[Note], most: u32) -> Cursor {
    let script = Script(RefCell::new(pages.iter().map(envelope).collect()), Cell::new(0));
    let mut cursor = Cursor::default();
    let (mut found, mut told) = (Vec::new(), Vec::new());
    loop {
        let page = ask(&script, &cursor, 10).unwrap();
        for raw in &page.objects {
            let object: Value = serde_json::from_str(raw.get()).unwrap();
            found.push(object["id"].as_str().unwrap().to_owned());
        }
        told.extend(page.notes);
        cursor = page.cursor;
        assert!(
            script.1.get() <= most,
            "{} requests for {pages:?}",
            script.1.get()
        );
        if !page.more {
            break;
        }
    }
    assert_eq!(
        (found, told),
        (ids.iter().map(|id| (*id).to_owned()).collect(), notes.to_vec()),
        "{pages:?}"
    );
    assert!(!cursor.is_in_run());
    cursor
}

#[test]
fn servers_that_do_not_end() {
    let (a, b) = (json!({"id": "a"}), json!({"id": "b"}));
    let (early, late) = ("2022-02-24T03:00:00.000001Z", "2022-02-24T03:00:00.000002Z");
    // The same page with the same next, with and without dates.
    check(
        &[json!({"objects": [a], "more": true, "next": "1"})],
        &["a"],
        &[Note::Undated, Note::Endless, Note::FullPull],
        6,
    );
    check(
        &[json!({"objects": [a], "more": true, "next": "1", "first": early, "last": early})],
        &["a"],
        &[Note::Endless],
        8,
    );
    // Two pages in a circle.
    let circle: Vec<Value> = (0..40)
        .map(|count| {
            let (object, date) = if count % 2 == 0 { (&a, early) } else { (&b, late) };
            json!({"objects": [object], "more": true, "next": count.to_string(), "first": date, "last": date})
        })
        .collect();
    check(&circle, &["a", "b"], &[Note::Unordered, Note::Endless], 12);
    // Empty pages, each with another next.
    let empty: Vec<Value> = (0..40)
        .map(|count| json!({"more": true, "next": count.to_string()}))
        .collect();
    check(&empty, &[], &[Note::Endless], 40);
    // More, and no way to it.
    check(
        &[json!({"objects": [a], "more": true})],
        &["a"],
        &[Note::Undated, Note::Endless, Note::FullPull],
        2,
    );
}

/// One fresh object a page, and always more.
#[test]
fn servers_that_make_objects_up() {
    // How many objects came before the error; all where there is none.
    let check = |a_page: usize, has_dates: bool, next: fn(usize) -> String, expected: usize| {
        let pages = (0..1_000).map(|page| {
            let objects: Vec<_> = (0..a_page).map(|at| json!({"id": format!("{page}-{at}")})).collect();
            let date = has_dates.then(|| format!("2022-02-24T03:00:00.{page:06}Z"));
            envelope(&json!({"objects": objects, "more": page < 999, "next": next(page), "first": date, "last": date}))
        });
        let script = Script(RefCell::new(pages.collect()), Cell::new(0));
        let (mut cursor, mut found, mut more) = (Cursor::default(), 0, true);
        while more {
            let Ok(page) = ask(&script, &cursor, 1_000) else {
                break;
            };
            found += page.objects.len();
            (cursor, more) = (page.cursor, page.more);
        }
        assert_eq!(found, expected, "{a_page} a page, dates: {has_dates}");
    };
    let most = MAX_THIN as usize + 1;
    check(1, true, |_| "1".to_owned(), most);
    check(1, false, |_| "1".to_owned(), most);
    check(9, true, |_| "1".to_owned(), most * 9);
    // A list that is given away under one `next`, and one of small pages that are told apart.
    check(50, false, |_| "1".to_owned(), 50_000);
    check(1, true, |page| page.to_string(), 1_000);
}

#[test]
fn ends_that_are_told_in_other_ways() {
    let page = |id: &str, next: Option<&str>| json!({"objects": [{"id": id}], "next": next, "last": "2022-02-24T03:00:00Z"});
    let cursor = check(&[page("a", Some("1")), page("b", None)], &["a", "b"], &[], 2);
    assert_eq!(cursor.position(), Stamp::read("2022-02-24T03:00:00Z"));
}

#[test]
fn a_boundary_of_many_pages_is_not_read_for_ever() {
    let mut server = Server::new(Habits {
        page: 10,
        dates: Dates::Exact,
        next: Next::Stateful,
        manifest: false,
    });
    (0..100).for_each(|_| server.add(0));
    let mut cursor = Cursor::default();
    let mut check = |hours: i64, objects: usize, requests: u32| {
        server.requests.set(0);
        let mut found = 0;
        loop {
            let now = Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(hours);
            let page = ask_at(&server, &cursor, 10, now).unwrap();
            found += page.objects.len();
            cursor = page.cursor;
            if !page.more {
                break;
            }
        }
        assert_eq!(
            (found, server.requests.get()),
            (objects, requests),
            "at {hours} h"
        );
    };
    check(0, 100, 10);
    check(0, 0, 10);
    check(1, 0, 1);
    check(2, 0, 1);
}
