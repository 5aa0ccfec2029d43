//! One round with a peer: pull, push, and keep how it went.

use std::sync::Arc;
use std::time::Instant;

use perisai_model::Tlp;
use perisai_store::{Delivery, Error, Peer, PeerKind, PeerState, Secret, Source, Trouble, Way};
use url::Url;

use super::pull::Remotes;
use super::push::Target;
use super::{Pace, micros, now, register};
use crate::node::{Imported, Node};

/// How long an error is that is kept, in bytes.
const SHOWN: usize = 600;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// Pull and push.
    All,
    /// Pull.
    Pull,
    /// Push.
    Push,
}

/// What is remembered of a peer while the node runs, so that it is not asked again and again.
#[derive(Debug, Default)]
pub(super) struct Dealings {
    pub(super) client: Option<perisai_exchange::taxii::Client>,
    pub(super) remotes: Option<Remotes>,
    pub(super) target: Option<Target>,
}

/// Why something with a peer does not succeed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The other side, or the way there.
    #[error(transparent)]
    Exchange(#[from] perisai_exchange::Error),
    /// Our side.
    #[error("here: {0}")]
    Store(#[from] Error),
    /// What is set does not fit, or the other side says what cannot be.
    #[error("{0}")]
    Told(String),
}

/// Whether there is more to do at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// All is done.
    Done,
    /// Its turn is over.
    More,
}

impl End {
    /// How a turn ends behind a page, where it does.
    pub(super) fn of(more: bool, is_over: impl Fn() -> bool) -> Option<Self> {
        match more {
            false => Some(Self::Done),
            true => is_over().then_some(Self::More),
        }
    }
}

/// A round under way.
pub(super) struct Round<'a> {
    pub(super) node: &'a Arc<Node>,
    pub(super) peer: &'a Peer,
    pub(super) pace: Pace,
    pub(super) state: PeerState,
    pub(super) secret: Secret,
    pub(super) dealings: &'a mut Dealings,
}

impl Node {
    /// Deals with a peer now: after whoever does it already.
    ///
    /// # Errors
    /// Where the store fails so that nothing can be kept of it. What the peer gets wrong is in the state.
    pub(super) async fn deal(self: &Arc<Self>, peer: &Peer, wish: Wish) -> Result<PeerState, Error> {
        let dealings = self.syncing.dealings(peer);
        let mut dealings = dealings.lock().await;
        let mut round = Round {
            node: self,
            peer,
            pace: self.syncing.pace(),
            state: self.store.peer_state(peer).await?,
            secret: Secret::default(),
            dealings: &mut dealings,
        };
        let opened = match self.store.peer_secret(peer, &self.key).await {
            Ok(secret) => {
                round.secret = secret;
                None
            }
            Err(error) => Some(error.to_string()),
        };
        if wish != Wish::Push && peer.settings.pull_seconds > 0 {
            let begun = now();
            let end = match &opened {
                None => round.pull().await,
                Some(error) => Err(Failure::Told(error.clone())),
            };
            round.conclude(begun, end, |state| &mut state.pull);
        }
        if wish != Wish::Pull && peer.settings.push.is_some() {
            let begun = now();
            let end = match &opened {
                None => round.push().await,
                Some(error) => Err(Failure::Told(error.clone())),
            };
            round.conclude(begun, end, |state| &mut state.push);
        }
        let state = round.state;
        self.store.keep_peer_state(peer, &state).await?;
        Ok(state)
    }
}

impl Round<'_> {
    async fn pull(&mut self) -> Result<End, Failure> {
        match self.peer.kind {
            PeerKind::Taxii => self.pull_taxii().await,
            PeerKind::Feed => self.fetch_feed().await,
            PeerKind::MispFeed => self.pull_misp_feed().await,
            PeerKind::Misp => self.pull_misp().await,
        }
    }

    /// Keeps how one direction went.
    fn conclude(&mut self, begun: i64, end: Result<End, Failure>, way: impl Fn(&mut PeerState) -> &mut Way) {
        let kept = way(&mut self.state);
        kept.tried = Some(begun);
        let error = match end {
            Ok(end) => {
                kept.trouble = None;
                kept.succeeded = Some(now());
                kept.more = end == End::More;
                if end == End::Done {
                    kept.caught_up = Some(begun);
                }
                return;
            }
            Err(error) => error,
        };
        tracing::warn!(peer = self.peer.name, %error, "a peer does not do what it should");
        // What was remembered may be what is wrong.
        *self.dealings = Dealings::default();
        let before = kept.trouble.take();
        let failures = before.as_ref().map_or(0, |before| before.failures);
        let doubled = self.pace.backoff.saturating_mul(1 << failures.min(16));
        let backoff = doubled
            .min(self.pace.longest_backoff)
            .mul_f64(0.75 + super::chance() / 4.0);
        let asked = match &error {
            Failure::Exchange(error) => error.retry_at().map(jiff::Timestamp::as_microsecond),
            _ => None,
        };
        let later = now().saturating_add(micros(backoff));
        let mut told = error.to_string();
        told.truncate(told.floor_char_boundary(SHOWN));
        kept.trouble = Some(Trouble {
            error: told,
            since: before.map_or(begun, |before| before.since),
            failures: failures.saturating_add(1),
            not_before: asked.map_or(later, |asked| asked.max(later)),
        });
    }

    /// Since when this turn lasts, as a question to ask.
    pub(super) fn turn(&self) -> impl Fn() -> bool + use<> {
        let (begun, turn) = (Instant::now(), self.pace.turn);
        move || begun.elapsed() > turn
    }

    /// The source of what the peer brings.
    pub(super) fn source(&self) -> Result<Arc<Source>, Failure> {
        let sources = self.node.store().sources();
        let found = sources.into_iter().find(|one| one.number == self.peer.source);
        found.ok_or_else(|| Failure::Told("the source of the peer is gone".to_owned()))
    }

    /// The address of the peer, with what is secret in it.
    pub(super) fn url(&self) -> Result<Url, Failure> {
        let url = Url::parse(&self.peer.url).map_err(|error| Failure::Told(format!("address: {error}")))?;
        register::full(&url, &self.secret).map_err(|error| Failure::Told(error.to_string()))
    }

    /// The collection here that what comes enters.
    pub(super) fn into(&self) -> Result<Option<i64>, Failure> {
        let Some(id) = self.peer.settings.into else {
            return Ok(None);
        };
        let found = self.node.store().collection(&id.to_string());
        let gone = || Failure::Told("the collection that it is to enter is gone".to_owned());
        found.map(|found| Some(found.number)).ok_or_else(gone)
    }

    /// A delivery of what came.
    pub(super) fn delivery(&self, objects: Vec<Vec<u8>>) -> Result<Delivery, Failure> {
        Ok(Delivery {
            source: self.peer.source,
            collection: self.into()?,
            tlp: None::<Tlp>,
            audience: None,
            objects,
        })
    }

    /// Counts what came, and tells what was wrong with it under the name that people know: not of a file here.
    pub(super) fn count(&mut self, imported: Imported) {
        self.state.stored += imported.stored;
        self.state.known += imported.known;
        self.state.apart += imported.apart;
        self.state.deleted += imported.deleted;
        let shown: Arc<str> = self.peer.url.as_str().into();
        let lines = imported.problems.into_iter().map(|problem| {
            let mut place = problem.place;
            place.path = Arc::clone(&shown);
            format!("{place}: {}", problem.why)
        });
        self.refuse(imported.refused, lines);
        if imported.left_out > 0 {
            self.state.tell(format!(
                "{shown}: {} entries left out: not meant for detection, or of no kind that is used",
                imported.left_out
            ));
        }
    }

    /// Counts, and tells, what could not be read.
    pub(super) fn refuse(&mut self, count: u64, why: impl IntoIterator<Item = String>) {
        self.state.refused += count;
        why.into_iter().take(5).for_each(|line| self.state.tell(line));
    }
}
