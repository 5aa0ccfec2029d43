//! Peers in motion: each is pulled on its interval and pushed to when something came, in a task of its own, so that one
//! that hangs or lies holds up no other. What is exchanged, and how, is in the files beside; who may have what is decided
//! by the store's views.

mod change;
mod convert;
mod feeds;
mod graves;
mod pull;
mod push;
mod register;
mod round;
mod under_way;

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use perisai_exchange::{Limits, Retry};
use perisai_store::{Error, Peer, PeerState, Trouble, Way};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

pub use self::change::ChangePeer;
pub use self::register::{AddPeer, PeerError};
use self::round::{Dealings, Wish};
use self::under_way::Rounds;
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
    under_way: Rounds,
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
        let mut known: HashMap<i64, Peer> = HashMap::new();
        loop {
            changed.borrow_and_update();
            match self.store.peers().await {
                Ok(peers) => {
                    self.start_and_end(&peers, &known, &mut running, &mut tasks);
                    known = peers.into_iter().map(|peer| (peer.id, peer)).collect();
                }
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
        known: &HashMap<i64, Peer>,
        running: &mut HashMap<i64, (Peer, AbortHandle)>,
        tasks: &mut JoinSet<()>,
    ) {
        running.retain(|_, (peer, task)| {
            let stays = peers.contains(peer) && !peer.settings.paused && !task.is_finished();
            if !stays {
                task.abort();
            }
            stays
        });
        for peer in peers {
            if !peer.settings.paused && !running.contains_key(&peer.id) {
                let is_changed = known.get(&peer.id).is_some_and(|known| known != peer);
                let task = tasks.spawn(Arc::clone(self).keep_peer(peer.clone(), is_changed));
                running.insert(peer.id, (peer.clone(), task));
            }
        }
    }

    /// Deals with one peer whenever it is due; at once where it is another than it was: what failed may go now.
    async fn keep_peer(self: Arc<Self>, peer: Peer, is_changed: bool) {
        let pace = self.syncing.pace();
        if is_changed && let Err(PeerError::Store(error)) = self.deal(&peer, Wish::All, true).await {
            tracing::error!(peer = peer.name, %error, "the store failed");
        }
        let mut came = self.store.watch();
        // What came while the node was off is pushed at once.
        let mut is_new = true;
        loop {
            let waits = match self.store.peer_state(&peer).await {
                Ok(state) => Waits::of(&peer, &state, now()),
                Err(error) => {
                    tracing::error!(peer = peer.name, %error, "how a peer was left cannot be read");
                    sleep(pace.backoff).await;
                    continue;
                }
            };
            let (pulls, pushes) = (peer.settings.pull_seconds > 0, peer.settings.push.is_some());
            let wish = tokio::select! {
                () = sleep(waits.pull), if pulls => Wish::Pull,
                () = sleep(waits.push), if pushes => Wish::Push,
                () = to_push(&mut came, is_new, waits.push_at_least, &pace), if pushes => Wish::Push,
                else => return,
            };
            // Something may have come while it was waited for more: after a pull it is looked for anyway.
            is_new = wish == Wish::Pull;
            if wish == Wish::Push {
                came.borrow_and_update();
            }
            if let Err(error) = self.deal(&peer, wish, false).await {
                tracing::error!(peer = peer.name, %error, "the store failed");
                sleep(pace.backoff).await;
            }
        }
    }

    /// Pulls from a peer and pushes to it now, even if it is not due or paused; but not before it asked to be left alone
    /// until.
    ///
    /// # Errors
    /// Where there is no such peer, it is not to be asked yet, or the store fails. What the peer gets wrong is in the state.
    pub async fn sync_now(self: &Arc<Self>, name: &str) -> Result<PeerState, PeerError> {
        let peer = self.store.peer(name).await?;
        let node = Arc::clone(self);
        // Who asked may go away.
        let task = tokio::spawn(async move { node.deal(&peer, Wish::All, true).await });
        task.await
            .map_err(|error| Error::Damaged(format!("a sync ended early: {error}")))?
    }
}

/// When something came that may be pushed: after a little while, in which more may come.
async fn to_push(came: &mut watch::Receiver<u64>, is_new: bool, at_least: Duration, pace: &Pace) {
    // Nothing comes any more where the store is gone; then the clock alone goes on.
    if !is_new && came.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    sleep(pace.debounce.max(at_least)).await;
}

/// How long nothing is done with a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Waits {
    /// Until it is pulled.
    pull: Duration,
    /// Until it is pushed to although nothing came.
    push: Duration,
    /// At least, where something came.
    push_at_least: Duration,
}

impl Waits {
    fn of(peer: &Peer, state: &PeerState, now: i64) -> Self {
        let interval = match peer.settings.pull_seconds {
            0 => QUIET,
            seconds => Duration::from_secs(seconds),
        };
        let not_before = |trouble: &Trouble| until(trouble.not_before, now);
        Self {
            pull: due_in(&state.pull, interval, now),
            push: due_in(&state.push, interval, now),
            push_at_least: state.push.trouble.as_ref().map_or(Duration::ZERO, not_before),
        }
    }
}

/// How long a direction is left alone.
fn due_in(way: &Way, interval: Duration, now: i64) -> Duration {
    if let Some(trouble) = &way.trouble {
        return until(trouble.not_before, now);
    }
    // Peers that were added together are not all pulled together.
    let interval = interval.mul_f64(0.9 + chance() / 10.0);
    match way.tried {
        Some(tried) if !way.more => {
            // Where the clock was set back, it is not waited for longer than an interval.
            until(tried.saturating_add(micros(interval)), now).min(interval)
        }
        _ => Duration::ZERO,
    }
}

fn until(time: i64, now: i64) -> Duration {
    Duration::from_micros(u64::try_from(time.saturating_sub(now)).unwrap_or(0))
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
    use super::*;

    #[test]
    fn a_direction_is_due_on_its_interval_and_not_before_it_may_be() {
        let check = |tried: Option<i64>, more: bool, not_before: Option<i64>, expected: [u64; 2]| {
            let trouble = not_before.map(|second| Trouble {
                not_before: second * 1_000_000,
                ..Trouble::default()
            });
            let way = Way {
                tried: tried.map(|second| second * 1_000_000),
                more,
                trouble,
                ..Way::default()
            };
            let found = due_in(&way, Duration::from_secs(60), 1_000_000_000);
            let [least, most] = expected.map(Duration::from_secs);
            assert!((least..=most).contains(&found), "{found:?}, not {expected:?}");
        };
        check(None, false, None, [0, 0]);
        check(Some(1000), false, None, [54, 60]);
        check(Some(970), false, None, [24, 30]);
        check(Some(900), false, None, [0, 0]);
        check(Some(1000), true, None, [0, 0]);
        // A clock that was set back; a peer that asked for an hour, and one whose time has come.
        check(Some(99_000), false, None, [54, 60]);
        check(Some(1000), false, Some(4600), [3600, 3600]);
        check(Some(1000), true, Some(900), [0, 0]);
    }
}
