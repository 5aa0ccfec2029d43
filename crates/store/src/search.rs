//! Looking for objects: by words, by value, by what they are.

use std::collections::BTreeSet;

use perisai_model::Kind;
use perisai_policy::Released;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::classes::LaneId;
use crate::database::Backend;
use crate::fold::{Finest, cover};
use crate::known::{self, Known, Standing, flag};
use crate::sql::{fetch, fetch_in};
use crate::store::now;
use crate::view::entry_columns;
use crate::words::{mark, mark_of_value, words};
use crate::{Entry, Error, View, hash};

/// What is looked for. An object is found where it satisfies every part that is not empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// Words that it has, all of them.
    pub text: String,
    /// A value that it has, in the canonical form of its kind.
    pub value: Option<String>,
    /// Values that stand around it: an indicator is found by these, too.
    pub around: Vec<String>,
    /// One of these types.
    pub types: Vec<String>,
    /// A value of one of these kinds.
    pub kinds: Vec<Kind>,
    /// One of these TLP labels; what has no marking counts by the node's default.
    pub tlp: Vec<perisai_model::Tlp>,
    /// From one of these sources, by name.
    pub sources: Vec<String>,
    /// One of these labels.
    pub labels: Vec<String>,
    /// It came at this time or later, in microseconds since 1970.
    pub since: Option<i64>,
    /// It came before this time, in microseconds since 1970.
    pub until: Option<i64>,
    /// Whether it counts now: `true` for what is neither revoked nor past its `valid_until`.
    pub live: Option<bool>,
    /// Behind this place: [`Found::next`] of the page before.
    pub before: Option<i64>,
    /// How many at most.
    pub limit: usize,
}

/// A page of what was found, the latest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// The objects.
    pub entries: Vec<Released<Entry>>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<i64>,
}

/// How many lanes are named to the index.
const LANES: usize = 500;

/// How many candidates are looked at at a time.
const STEP: usize = 500;

impl Search {
    /// Whether a text has a word to look for.
    #[must_use]
    pub fn has_words(text: &str) -> bool {
        !words([text]).is_empty()
    }
}

impl View {
    /// Looks for objects, the latest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn search(&self, search: &Search) -> Result<Found, Error> {
        let lanes = self.wanted_lanes(search);
        let mut found = Found::default();
        if lanes.is_empty() || search.limit == 0 {
            return Ok(found);
        }
        let terms = self.terms(search, &lanes);
        // A span of time in which there is nothing.
        if terms.told_by_row.iter().any(Vec::is_empty) {
            return Ok(found);
        }
        let sources = self.wanted_sources(search);
        let is_wanted = |one: &&Candidate| {
            lanes.contains(&one.lane) && (sources.is_empty() || sources.contains(&Some(one.source)))
        };
        let mut connection = self.store.reader().await?;
        let mut before = search.before.unwrap_or(i64::MAX);
        let (mut asked, mut step) = match search.value {
            // A value has few objects, mostly: what their rows tell need not be looked up, which costs as much for each mark.
            Some(_) => (terms.needed(), STEP),
            // Mostly the reader may see all that is found.
            None => (terms.all(), (search.limit + 1).min(STEP)),
        };
        loop {
            let candidates = self
                .candidates(&mut connection, search, &asked, before, step)
                .await?;
            let is_end = candidates.len() < step;
            (asked, step) = (terms.all(), STEP);
            let open: Vec<_> = candidates.iter().filter(is_wanted).copied().collect();
            let mut rest = &open[..];
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(search.limit + 1 - found.entries.len()));
                rest = later;
                for (number, entry) in self.read_found(&mut connection, now).await? {
                    if found.entries.len() == search.limit {
                        found.next = Some(before);
                        return Ok(found);
                    }
                    before = number;
                    found.entries.push(entry);
                }
            }
            let Some(last) = candidates.last().filter(|_| !is_end) else {
                return Ok(found);
            };
            before = last.number;
        }
    }

    /// The lanes that the reader may see and that the search takes.
    fn wanted_lanes(&self, search: &Search) -> BTreeSet<LaneId> {
        let shared = self.store.shared();
        let default = shared.context.default_tlp;
        let open = shared.classes.lanes().filter(|(_, lane)| {
            let own = shared.classes.terms(shared.classes.class(lane.class)[0]);
            let tlp = own.tlp.unwrap_or(default);
            self.may_see(lane.class)
                && (search.types.is_empty() || search.types.iter().any(|one| **one == *lane.kind))
                && (search.tlp.is_empty() || search.tlp.contains(&tlp))
        });
        open.map(|(id, _)| id).collect()
    }

    /// The numbers of the sources that the search takes; all, where there are none. A name that is nobody's has no number.
    fn wanted_sources(&self, search: &Search) -> BTreeSet<Option<i64>> {
        let number = |name: &String| self.store.source(name).map(|source| source.number);
        search.sources.iter().map(number).collect()
    }

    /// What a document must have.
    fn terms(&self, search: &Search, lanes: &BTreeSet<LaneId>) -> Terms {
        fn marks<'a>(property: &str, values: impl Iterator<Item = &'a str>) -> Option<Vec<String>> {
            let marks: Vec<_> = values.map(|value| mark(property, value)).collect();
            (!marks.is_empty()).then_some(marks)
        }
        let words = words([&*search.text]).into_iter();
        let mut by_index: Vec<Vec<String>> = words.map(|word| vec![word]).collect();
        if let Some(value) = &search.value {
            let around = search.around.iter().map(|one| mark_of_value(one));
            by_index.push(std::iter::once(mark_of_value(value)).chain(around).collect());
            if !search.around.is_empty() {
                by_index.push(vec![mark_of_value(value), mark("type", "indicator")]);
            }
        }
        by_index.extend(marks("kind", search.kinds.iter().map(|kind| kind.as_str())));
        by_index.extend(marks("label", search.labels.iter().map(|one| &**one)));
        let mut all = Vec::new();
        all.extend(marks("type", search.types.iter().map(|one| &**one)));
        all.extend(marks("source", search.sources.iter().map(|one| &**one)));
        if search.since.is_some() || search.until.is_some() {
            // Nothing came later than now.
            let until = search.until.unwrap_or(i64::MAX).min(now());
            let since = search.since.unwrap_or(0);
            all.push(cover("received", since, until, Finest::Day));
        }
        match search.live {
            Some(true) => {
                let mut live = cover("until", now(), i64::MAX, Finest::Month);
                live.push(mark("until", "never"));
                all.push(live);
            }
            Some(false) => all.push(cover("until", i64::MIN, now(), Finest::Month)),
            None => {}
        }
        // Where a reader may see all, naming the lanes costs more than it saves.
        if lanes.len() < self.store.shared().classes.lanes().count() && lanes.len() <= LANES {
            let lanes = lanes.iter().map(|lane| mark("lane", &lane.number().to_string()));
            all.push(lanes.collect());
        }
        Terms {
            by_index,
            told_by_row: all,
        }
    }

    /// The next documents that have the words and marks.
    async fn candidates(
        &self,
        connection: &mut AnyConnection,
        search: &Search,
        terms: &[&[String]],
        before: i64,
        step: usize,
    ) -> Result<Vec<Candidate>, Error> {
        let backend = self.store.inner().database.backend;
        let mut sql =
            "SELECT d.number, d.object, d.lane, d.older, d.source FROM derived.documents d".to_owned();
        if !terms.is_empty() && backend == Backend::Sqlite {
            sql = "SELECT d.number, d.object, d.lane, d.older, d.source FROM derived.words w \
                   JOIN derived.documents d ON d.number = w.rowid"
                .to_owned();
        }
        sql.push_str(" WHERE d.number < $1 AND d.received >= $2 AND d.received < $3");
        sql.push_str(match search.live {
            Some(true) => " AND (d.valid_until IS NULL OR d.valid_until > $4)",
            Some(false) => " AND d.valid_until <= $4",
            None => " AND $4 = $4",
        });
        sql.push_str(match (terms.is_empty(), backend) {
            (true, _) => " AND $6 = $6",
            (false, Backend::Sqlite) => " AND w.words MATCH $6",
            (false, Backend::Postgres) => " AND d.vector @@ $6::tsquery",
        });
        sql.push_str(match (terms.is_empty(), backend) {
            (false, Backend::Sqlite) => " AND w.rowid < $1 ORDER BY w.rowid DESC LIMIT $5",
            _ => " ORDER BY d.number DESC LIMIT $5",
        });
        let rows = fetch(connection, sql, |values| {
            let values = values.int(before).int(search.since.unwrap_or(i64::MIN));
            let values = values.int(search.until.unwrap_or(i64::MAX)).int(now());
            let values = values.int(i64::try_from(step).unwrap_or(i64::MAX));
            values.text(&expression(terms, backend))
        });
        rows.await?.iter().map(Candidate::read).collect()
    }

    /// The objects of some candidates, in their order.
    async fn read_found(
        &self,
        connection: &mut AnyConnection,
        candidates: &[Candidate],
    ) -> Result<Vec<(i64, Released<Entry>)>, Error> {
        let seqs: Vec<_> = candidates.iter().map(|one| one.object).collect();
        let sql = concat!("SELECT ", entry_columns!(), " FROM objects o WHERE o.seq IN ({})");
        let rows = fetch_in(connection, sql, &seqs).await?;
        let mut by_seq = std::collections::HashMap::with_capacity(rows.len());
        for row in rows {
            by_seq.insert(row.try_get::<i64, _>(0)?, row);
        }
        let mut found = Vec::with_capacity(candidates.len());
        for candidate in candidates {
            let Some(row) = by_seq.get(&candidate.object) else {
                continue;
            };
            let Ok(entry) = self.entry(row, None)? else {
                continue;
            };
            if candidate.is_older && self.sees_newer(connection, entry.get()).await? {
                continue;
            }
            found.push((candidate.number, entry));
        }
        Ok(found)
    }

    /// Whether the reader may see a newer version of an object.
    async fn sees_newer(&self, connection: &mut AnyConnection, entry: &Entry) -> Result<bool, Error> {
        let seqs = self
            .store
            .with_hashes(connection, &[hash::of_id(&entry.id)])
            .await?;
        let versions = known::read(connection, &seqs).await?;
        let shared = self.store.shared();
        let is_newer = |one: &Known| {
            let lane = shared.classes.lane(one.lane);
            one.id == entry.id
                && one.standing == Standing::InForce
                // An observable has no versions: the one that came last stands for all that may be seen.
                && (one.version.unwrap_or(entry.version), one.seq) > (entry.version, entry.seq)
                && lane.is_some_and(|lane| self.may_see(lane.class))
        };
        Ok(versions.iter().any(is_newer))
    }
}

/// A document that may be what is looked for.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    number: i64,
    object: i64,
    lane: LaneId,
    /// There are newer versions, which not all may see.
    is_older: bool,
    source: i64,
}

/// What a document must have: of each list one.
struct Terms {
    /// What only the index tells.
    by_index: Vec<Vec<String>>,
    /// What the row of a document tells, too: its lane, its source, its times.
    told_by_row: Vec<Vec<String>>,
}

impl Terms {
    fn needed(&self) -> Vec<&[String]> {
        self.by_index.iter().map(Vec::as_slice).collect()
    }

    fn all(&self) -> Vec<&[String]> {
        let all = self.by_index.iter().chain(&self.told_by_row);
        all.map(Vec::as_slice).collect()
    }
}

impl Candidate {
    fn read(row: &AnyRow) -> Result<Self, Error> {
        Ok(Self {
            number: row.try_get(0)?,
            object: row.try_get(1)?,
            lane: LaneId::from_number(row.try_get(2)?)?,
            is_older: flag(row, 3)?,
            source: row.try_get(4)?,
        })
    }
}

/// The same in the database's own language. Words are letters and digits, so they need no escaping.
fn expression(terms: &[&[String]], backend: Backend) -> String {
    let (and, or) = match backend {
        Backend::Sqlite => (" AND ", " OR "),
        Backend::Postgres => (" & ", " | "),
    };
    let quoted = |word: &String| match backend {
        Backend::Sqlite => format!("\"{word}\""),
        Backend::Postgres => format!("'{word}'"),
    };
    let any = |words: &&[String]| {
        let words: Vec<_> = words.iter().map(quoted).collect();
        format!("({})", words.join(or))
    };
    let all: Vec<_> = terms.iter().map(any).collect();
    all.join(and)
}
