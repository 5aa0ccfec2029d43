//! How far a peer was read and sent to, and how it went.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

use super::Peer;
use crate::known::{self, Known};
use crate::sql::{execute, fetch_in, fetch_one};
use crate::{Error, Store, hash};

/// How one direction goes. Times are in microseconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Way {
    /// When it was last tried.
    pub tried: Option<i64>,
    /// When it last succeeded.
    pub succeeded: Option<i64>,
    /// When the last try began that came to the end: all that was there at that time went over.
    pub caught_up: Option<i64>,
    /// There was more when its turn was over.
    pub more: bool,
    /// Why it does not succeed now.
    pub trouble: Option<Trouble>,
}

/// Why something does not succeed, and since when. Times are in microseconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// The last error.
    pub error: String,
    /// Since when there is one.
    pub since: i64,
    /// How often it has failed since.
    pub failures: u32,
    /// Before when it is not tried again.
    pub not_before: i64,
}

/// How the dealings with a peer go. Times are in microseconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PeerState {
    /// How pulling goes.
    pub pull: Way,
    /// How pushing goes.
    pub push: Way,
    /// How many objects came from it that were new here.
    pub stored: u64,
    /// How many of these a recall withdrew, in versions. Only the recall writes it.
    pub withdrawn: u64,
    /// How many came that were here.
    pub known: u64,
    /// How many came that change what is another's.
    pub apart: u64,
    /// How many came that could not be kept or read.
    pub refused: u64,
    /// How many objects were deleted because it told so.
    pub deleted: u64,
    /// How many objects it took.
    pub sent: u64,
    /// How many it did not take.
    pub not_taken: u64,
    /// The collection here that is pushed, and the one there that it is pushed to, where it was named.
    pub pushed: Option<(Uuid, Option<String>)>,
    /// Up to which position of that all is sent.
    pub pushed_through: i64,
    /// How often what comes next was sent without an answer that says what became of it.
    pub push_tries: u32,
    /// The last of what is worth a look: objects that were not taken, what the peer gets wrong.
    pub told: Vec<String>,
}

impl PeerState {
    /// How many lines are kept to tell.
    pub const TOLD: usize = 20;

    /// What does not succeed now: pulling, else pushing.
    #[must_use]
    pub fn trouble(&self) -> Option<&Trouble> {
        self.pull.trouble.as_ref().or(self.push.trouble.as_ref())
    }

    /// Keeps a line to tell, and forgets the oldest one where there are too many.
    pub fn tell(&mut self, line: String) {
        self.told.retain(|known| *known != line);
        self.told.push(line);
        let surplus = self.told.len().saturating_sub(Self::TOLD);
        self.told.drain(..surplus);
    }
}

impl Store {
    /// How the dealings with a peer go.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn peer_state(&self, peer: &Peer) -> Result<PeerState, Error> {
        read_state(&mut *self.reader().await?, peer).await
    }

    /// Counts versions that a recall withdrew for the peers that bring what is of a source.
    pub(crate) async fn count_withdrawn(&self, source: i64, versions: u64) -> Result<(), Error> {
        let all = self.peers().await?;
        for peer in all.iter().filter(|peer| peer.source == source && versions > 0) {
            let mut state = self.peer_state(peer).await?;
            // Who made what it brought is not counted when it comes.
            state.withdrawn = (state.withdrawn + versions).min(state.stored);
            self.keep_peer_state(peer, &state).await?;
        }
        Ok(())
    }

    /// Keeps how they go. Of a peer that is gone nothing is kept.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn keep_peer_state(&self, peer: &Peer, state: &PeerState) -> Result<(), Error> {
        let mut state = state.clone();
        self.change(async |connection| {
            // A recall may have been since this was read.
            state.withdrawn = state.withdrawn.max(read_state(connection, peer).await?.withdrawn);
            let text = serde_json::to_string(&state).expect("a state is plain data");
            let sql = "INSERT INTO peer_states (peer, state) SELECT id, $2 FROM peers WHERE id = $1 \
                       ON CONFLICT (peer) DO UPDATE SET state = excluded.state";
            execute(connection, sql, |values| values.int(peer.id).text(&text)).await?;
            Ok(())
        })
        .await
    }

    /// How far something of a peer was read.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn peer_cursor(&self, peer: &Peer, remote: &str) -> Result<Option<String>, Error> {
        let mut connection = self.reader().await?;
        let sql = "SELECT position FROM peer_cursors WHERE peer = $1 AND remote = $2";
        let row = fetch_one(&mut connection, sql, |values| values.int(peer.id).text(remote)).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Keeps how far it was read: after what came with it is kept. Of a peer that is gone, or elsewhere by now, nothing is
    /// kept.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn keep_peer_cursor(&self, peer: &Peer, remote: &str, position: &str) -> Result<(), Error> {
        self.change(async |connection| {
            let sql = "INSERT INTO peer_cursors (peer, remote, position) \
                       SELECT id, $2, $3 FROM peers WHERE id = $1 AND url = $4 \
                       ON CONFLICT (peer, remote) DO UPDATE SET position = excluded.position";
            execute(connection, sql, |values| {
                let values = values.int(peer.id).text(remote).text(position);
                values.text(&peer.url)
            })
            .await?;
            Ok(())
        })
        .await
    }

    /// Those of some objects that came from some sources, also after they came from others or beside.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn brought_by(&self, objects: &[i64], sources: &[i64]) -> Result<HashSet<i64>, Error> {
        let mut connection = self.reader().await?;
        let asked = known::read(&mut connection, objects).await?;
        let hashes: Vec<_> = asked.iter().map(|one| hash::of_id(&one.id)).collect();
        let seqs = self.with_hashes(&mut connection, &hashes).await?;
        let beside = known::read(&mut connection, &seqs).await?;
        let theirs = asked
            .iter()
            .chain(&beside)
            .filter(|one| sources.contains(&one.source));
        let content = |one: &Known| (one.id.clone(), one.version, one.digest);
        let theirs: HashSet<_> = theirs.map(content).collect();
        let brought = asked.iter().filter(|one| theirs.contains(&content(one)));
        let mut found: HashSet<_> = brought.map(|one| one.seq).collect();
        let sql = "SELECT object, source FROM copies WHERE object IN ({})";
        for row in fetch_in(&mut connection, sql, objects).await? {
            if sources.contains(&row.try_get(1)?) {
                found.insert(row.try_get(0)?);
            }
        }
        Ok(found)
    }
}

async fn read_state(connection: &mut AnyConnection, peer: &Peer) -> Result<PeerState, Error> {
    let sql = "SELECT state FROM peer_states WHERE peer = $1";
    let row = fetch_one(connection, sql, |values| values.int(peer.id)).await?;
    let Some(row) = row else {
        return Ok(PeerState::default());
    };
    let text: String = row.try_get(0)?;
    serde_json::from_str(&text).map_err(|error| Error::Damaged(format!("the state of a peer: {error}")))
}
