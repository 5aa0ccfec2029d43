//! Peers in motion: each is pulled on its interval and pushed to when something came, in a task of its own, so that one
//! that hangs or lies holds up no other. What is exchanged, and how, is in the files beside; who may have what is decided
//! by the store's views.

mod convert;
mod feeds;
mod pull;
mod push;
mod register;
mod round;

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use perisai_exchange::{Limits, Retry};
use perisai_store::{Error, Peer, PeerState};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

pub use self::register::{AddPeer, PeerError};
use self::round::{Dealings, Wish};
use super::Node;

/// How often it is looked whether there are other peers, where nobody says so.
const LOOK: Duration = Duration::from_secs(60);

/// How often a peer that is only pushed to is looked after, where nothing comes.
const QUIET: Duration = Duration::from_secs(300);

/// How patient a node is with its peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How much is taken of one answer, and how long it is waited for.
    pub limits: Limits,
    /// How often one request is repeated at once.
    pub retry: Retry,
    /// How long after something came it is pushed: more may be coming.
    pub debounce: Duration,
    /// The wait after the first failure; each further one doubles it.
    pub backoff: Duration,
    /// The longest such wait.
    pub longest_backoff: Duration,
    /// For how long one peer is pulled, or pushed to, until the other has its turn.
    pub turn: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            retry: Retry::default(),
            debounce: Duration::from_millis(500),
            backoff: Duration::from_secs(10),
            longest_backoff: Duration::from_secs(3600),
            turn: Duration::from_secs(300),
        }
    }
}

/// What a node remembers of its peers while it runs.
#[derive(Debug, Default)]
pub(super) struct Syncing {
    pace: Mutex<Pace>,
    dealings: Mutex<HashMap<i64, Arc<tokio::sync::Mutex<Dealings>>>>,
    /// Peers were added, changed or removed.
    changed: watch::Sender<u64>,
}

impl Syncing {
    fn pace(&self) -> Pace {
        *self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is remembered of a peer. Whoever has the lock deals with it.
    fn dealings(&self, peer: &Peer) -> Arc<tokio::sync::Mutex<Dealings>> {
        let mut all = self.dealings.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(peer.id).or_default())
    }

    fn forget(&self, peer: &Peer) {
        let mut all = self.dealings.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&peer.id);
        self.tell();
    }

    fn tell(&self) {
        self.changed.send_modify(|times| *times += 1);
    }
}

impl Node {
    /// Pulls from and pushes to all peers, each when it is due, until `stop` says true or its sender is gone.
    pub async fn keep_syncing(self: Arc<Self>, pace: Pace, mut stop: watch::Receiver<bool>) {
        *self.syncing.pace.lock().unwrap_or_else(PoisonError::into_inner) = pace;
        let mut changed = self.syncing.changed.subscribe();
        let mut tasks = JoinSet::new();
        let mut running: HashMap<i64, (Peer, AbortHandle)> = HashMap::new();
        loop {
            changed.borrow_and_update();
            match self.store.peers().await {
                Ok(peers) => self.start_and_end(&peers, &mut running, &mut tasks),
                Err(error) => tracing::error!(%error, "the peers cannot be read"),
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                _ = changed.changed() => {}
                Some(_) = tasks.join_next() => {}
                () = sleep(LOOK) => {}
            }
        }
        tasks.shutdown().await;
    }

    fn start_and_end(
        self: &Arc<Self>,
        peers: &[Peer],
        running: &mut HashMap<i64, (Peer, AbortHandle)>,
        tasks: &mut JoinSet<()>,
    ) {
        running.retain(|_, (known, task)| {
            let stays = peers.contains(known) && !known.settings.paused && !task.is_finished();
            if !stays {
                task.abort();
            }
            stays
        });
        for peer in peers {
            if !peer.settings.paused && !running.contains_key(&peer.id) {
                let task = tasks.spawn(Arc::clone(self).keep_peer(peer.clone()));
                running.insert(peer.id, (peer.clone(), task));
            }
        }
    }

    /// Deals with one peer whenever it is due.
    async fn keep_peer(self: Arc<Self>, peer: Peer) {
        let pace = self.syncing.pace();
        let mut came = self.store.watch();
        // What came while the node was off is pushed at once.
        let mut is_new = peer.settings.push.is_some();
        loop {
            let wait = match self.store.peer_state(&peer).await {
                Ok(state) => due_in(&peer, &state, now()),
                Err(error) => {
                    tracing::error!(peer = peer.name, %error, "how a peer was left cannot be read");
                    sleep(pace.backoff).await;
                    continue;
                }
            };
            let wish = tokio::select! {
                () = sleep(wait.all) => Wish::All,
                Some(()) = to_push(&mut came, is_new, wait.push, &pace), if peer.settings.push.is_some() => Wish::Push,
            };
            is_new = false;
            came.borrow_and_update();
            if let Err(error) = self.deal(&peer, wish).await {
                tracing::error!(peer = peer.name, %error, "the store failed");
                sleep(pace.backoff).await;
            }
        }
    }

    /// Pulls from a peer and pushes to it now, even if it is not due or paused.
    ///
    /// # Errors
    /// Where there is no such peer, or the store fails. What the peer gets wrong is in the state.
    pub async fn sync_now(self: &Arc<Self>, name: &str) -> Result<PeerState, Error> {
        let peer = self.store.peer(name).await?;
        let node = Arc::clone(self);
        // Who asked may go away.
        let task = tokio::spawn(async move { node.deal(&peer, Wish::All).await });
        task.await
            .map_err(|error| Error::Damaged(format!("a sync ended early: {error}")))?
    }
}

/// When something came that may be pushed: after a little while, in which more may come. `None` where the store is gone.
async fn to_push(
    came: &mut watch::Receiver<u64>,
    is_new: bool,
    not_before: Duration,
    pace: &Pace,
) -> Option<()> {
    if !is_new {
        came.changed().await.ok()?;
    }
    sleep(pace.debounce.max(not_before)).await;
    Some(())
}

/// How long nothing is done with a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Waits {
    /// Until it is looked after anyway.
    all: Duration,
    /// At least, where something came.
    push: Duration,
}

fn due_in(peer: &Peer, state: &PeerState, now: i64) -> Waits {
    let until = |time: i64| Duration::from_micros(u64::try_from(time - now).unwrap_or(0));
    let not_before = state.not_before.map_or(Duration::ZERO, until);
    let interval = match peer.settings.pull_seconds {
        0 => QUIET,
        seconds => Duration::from_secs(seconds),
    };
    // Peers that were added together are not all pulled together.
    let interval = interval.mul_f64(0.9 + chance() / 10.0);
    let due = match state.last_attempt {
        // Where the clock was set back, it is not waited for longer than an interval.
        Some(last) => until(last.saturating_add(micros(interval))).min(interval),
        None => Duration::ZERO,
    };
    let due = if state.not_before.is_some() {
        not_before
    } else {
        due
    };
    Waits {
        all: due,
        push: not_before,
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// From 0 to 1, different each time; not for secrets.
fn chance() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 11;
    bits as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use perisai_model::Organisation;
    use perisai_store::{PeerKind, PeerSettings};

    use super::*;

    #[test]
    fn a_peer_is_due_on_its_interval_and_not_before_it_asked_to_be() {
        let check = |seconds: u64, last: Option<i64>, not_before: Option<i64>, all: [u64; 2], push: u64| {
            let peer = Peer {
                id: 1,
                name: "a".to_owned(),
                kind: PeerKind::Taxii,
                url: "https://a.example/".to_owned(),
                source: 1,
                organisation: Organisation(uuid::Uuid::nil()),
                settings: PeerSettings {
                    pull_seconds: seconds,
                    ..PeerSettings::default()
                },
                created: 0,
            };
            let state = PeerState {
                last_attempt: last.map(|second| second * 1_000_000),
                not_before: not_before.map(|second| second * 1_000_000),
                ..PeerState::default()
            };
            let found = due_in(&peer, &state, 1_000_000_000);
            let [least, most] = all.map(Duration::from_secs);
            assert!((least..=most).contains(&found.all), "{found:?}, not {all:?}");
            assert_eq!(found.push, Duration::from_secs(push));
        };
        check(60, None, None, [0, 0], 0);
        check(60, Some(1000), None, [54, 60], 0);
        check(60, Some(970), None, [24, 30], 0);
        check(60, Some(900), None, [0, 0], 0);
        check(0, Some(1000), None, [270, 300], 0);
        // A clock that was set back; a peer that asked for an hour, and one whose time has come.
        check(60, Some(99_000), None, [54, 60], 0);
        check(60, Some(1000), Some(4600), [3600, 3600], 3600);
        check(60, Some(1000), Some(900), [0, 0], 0);
    }
}
