//! What a round with a peer came to so far, for who looks while it goes on. What came of it is kept at its end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use perisai_store::{Error, Peer, PeerState};

use super::now;
use crate::node::Node;

/// The rounds under way, by the number of the peer.
pub(super) type Rounds = Mutex<HashMap<i64, Arc<UnderWay>>>;

/// A round under way.
#[derive(Debug)]
pub(super) struct UnderWay {
    /// In microseconds since 1970.
    since: i64,
    state: Mutex<PeerState>,
}

impl UnderWay {
    /// Shows how it stands now.
    pub(super) fn show(&self, state: &PeerState) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state.clone();
    }
}

/// Ends what is shown of a round, however that ends.
pub(super) struct Shown<'a> {
    rounds: &'a Rounds,
    peer: i64,
    pub(super) round: Arc<UnderWay>,
}

impl<'a> Shown<'a> {
    pub(super) fn begin(rounds: &'a Rounds, peer: &Peer, state: &PeerState) -> Self {
        let round = Arc::new(UnderWay {
            since: now(),
            state: Mutex::new(state.clone()),
        });
        let mut all = rounds.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(peer.id, Arc::clone(&round));
        Self {
            rounds,
            peer: peer.id,
            round,
        }
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        let mut all = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&self.peer);
    }
}

impl Node {
    /// How the dealings with a peer go, with what the round under way came to so far; and since when that is (in
    /// microseconds since 1970), where there is one.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn peer_now(&self, peer: &Peer) -> Result<(PeerState, Option<i64>), Error> {
        let under_way = {
            let all = self
                .syncing
                .under_way
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            all.get(&peer.id).cloned()
        };
        match under_way {
            Some(round) => {
                let state = round.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
                Ok((state, Some(round.since)))
            }
            None => Ok((self.store.peer_state(peer).await?, None)),
        }
    }
}
