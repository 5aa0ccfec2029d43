//! One round with a peer: pull, push, and keep how it went.

use std::sync::Arc;
use std::time::Instant;

use perisai_model::Tlp;
use perisai_store::{Delivery, Error, Peer, PeerKind, PeerState, Secret, Source, Trouble, Way};
use url::Url;

use super::pull::Remotes;
use super::push::Target;
use super::under_way::{Shown, UnderWay};
use super::{Pace, PeerError, micros, now, register};
use crate::node::{Imported, Node};

/// By which names it is kept until when a peer asked to be left alone. No address is one.
const PULL: &str = "pull not before";
const PUSH: &str = "push not before";

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
    /// With what peer, as it was then.
    with: Option<(Peer, Secret)>,
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
    /// Where others see how far it is.
    pub(super) shown: Arc<UnderWay>,
}

impl Node {
    /// Deals with a peer now: after whoever does it already. `obeys`: a direction that the peer asked to be left alone is
    /// left out.
    ///
    /// # Errors
    /// Where all that is wished is left out, or the store fails so that nothing can be kept of it. What the peer gets wrong
    /// is in the state.
    pub(super) async fn deal(
        self: &Arc<Self>,
        peer: &Peer,
        wish: Wish,
        obeys: bool,
    ) -> Result<PeerState, PeerError> {
        let dealings = self.syncing.dealings(peer);
        let mut dealings = dealings.lock().await;
        let state = self.store.peer_state(peer).await?;
        let mut pulls = wish != Wish::Push && peer.settings.pull_seconds > 0;
        let mut pushes = wish != Wish::Pull && peer.settings.push.is_some();
        if obeys && let Some(until) = self.leave_out(peer, &state, &mut pulls, &mut pushes).await? {
            return Err(PeerError::NotBefore {
                name: peer.name.clone(),
                until,
            });
        }
        let shown = Shown::begin(&self.syncing.under_way, peer, &state);
        let mut round = Round {
            node: self,
            peer,
            pace: self.syncing.pace(),
            state,
            secret: Secret::default(),
            dealings: &mut dealings,
            shown: Arc::clone(&shown.round),
        };
        let opened = match self.store.peer_secret(peer, &self.key).await {
            Ok(secret) => {
                round.secret = secret;
                round.remember();
                None
            }
            Err(error) => Some(error.to_string()),
        };
        if pulls {
            let begun = now();
            let end = match &opened {
                None => round.pull().await,
                Some(error) => Err(Failure::Told(error.clone())),
            };
            let asked = round.conclude(begun, end, |state| &mut state.pull);
            self.keep_asked(peer, PULL, asked).await?;
        }
        if pushes {
            let begun = now();
            let end = match &opened {
                None => round.push().await,
                Some(error) => Err(Failure::Told(error.clone())),
            };
            let asked = round.conclude(begun, end, |state| &mut state.push);
            self.keep_asked(peer, PUSH, asked).await?;
        }
        let state = round.state;
        self.store.keep_peer_state(peer, &state).await?;
        Ok(state)
    }

    /// Takes out what the peer asked to be left alone; the time until which, where nothing is left.
    async fn leave_out(
        &self,
        peer: &Peer,
        state: &PeerState,
        pulls: &mut bool,
        pushes: &mut bool,
    ) -> Result<Option<jiff::Timestamp>, Error> {
        let mut until = None;
        for (wished, name, way) in [(pulls, PULL, &state.pull), (pushes, PUSH, &state.push)] {
            let Some(trouble) = way
                .trouble
                .as_ref()
                .filter(|one| *wished && one.not_before > now())
            else {
                // One direction that may go on is enough.
                if *wished {
                    return Ok(None);
                }
                continue;
            };
            // Else the wait is ours.
            let asked = self.store.peer_cursor(peer, name).await?;
            if asked.is_some_and(|asked| asked == trouble.not_before.to_string()) {
                *wished = false;
                until = until.max(Some(trouble.not_before));
            } else {
                return Ok(None);
            }
        }
        Ok(until.and_then(|until| jiff::Timestamp::from_microsecond(until).ok()))
    }

    /// Keeps until when a direction is to be left alone, where the peer asked for it.
    async fn keep_asked(&self, peer: &Peer, name: &str, until: Option<i64>) -> Result<(), Error> {
        match until {
            Some(until) => self.store.keep_peer_cursor(peer, name, &until.to_string()).await,
            None => Ok(()),
        }
    }
}

impl Round<'_> {
    /// Forgets what was remembered of the peer where that is another by now: where it is, or how we say who we are.
    fn remember(&mut self) {
        let with = Some((self.peer.clone(), self.secret.clone()));
        if self.dealings.with != with {
            *self.dealings = Dealings {
                with,
                ..Dealings::default()
            };
        }
    }

    async fn pull(&mut self) -> Result<End, Failure> {
        match self.peer.kind {
            PeerKind::Taxii => self.pull_taxii().await,
            PeerKind::Feed => self.fetch_feed().await,
            PeerKind::MispFeed => self.pull_misp_feed().await,
            PeerKind::Misp => self.pull_misp().await,
        }
    }

    /// Keeps how one direction went. Where the peer asked to be left alone, until when.
    fn conclude(
        &mut self,
        begun: i64,
        end: Result<End, Failure>,
        way: impl Fn(&mut PeerState) -> &mut Way,
    ) -> Option<i64> {
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
                return None;
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
        let not_before = asked.map_or(later, |asked| asked.max(later));
        kept.trouble = Some(Trouble {
            error: told,
            since: before.map_or(begun, |before| before.since),
            failures: failures.saturating_add(1),
            not_before,
        });
        asked.map(|_| not_before)
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
        Ok(register::full(&url, &self.secret))
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
        self.shown.show(&self.state);
    }

    /// Counts, and tells, what could not be read.
    pub(super) fn refuse(&mut self, count: u64, why: impl IntoIterator<Item = String>) {
        self.state.refused += count;
        why.into_iter().take(5).for_each(|line| self.state.tell(line));
        self.shown.show(&self.state);
    }
}
