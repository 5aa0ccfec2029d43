//! Who calls: a layer around all routes turns what a request shows into a [`Caller`](crate::Caller), or refuses it.
//!
//! What can show it, the first that is there counting:
//!
//! 1. `Authorization`: `Bearer` with a token, or `Basic` with a token as the password (the name may be anything), or with
//!    the name and the pass-phrase of a person;
//! 2. the cookie of a session;
//! 3. the certificate of the connection, by its fingerprint;
//! 4. the socket that only who runs the node can open.
//!
//! All that is shown must count, and be of one organisation and one person: a proof that fails is refused with 401 on every
//! route, never taken for no proof at all. Requests without any are anybody's.

pub(crate) mod cookie;
mod first;
pub(crate) mod guard;
mod headers;
mod limits;
mod noting;
mod pass_phrase;
mod peer;
mod prove;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::middleware::from_fn_with_state;
use perisai_app::Node;
use perisai_store::{Store, User};

use crate::Problem;

pub use first::first_start;
pub use limits::Rate;
pub(crate) use limits::counted;
pub use pass_phrase::{Busy, PassPhrases, Weak, check as check_pass_phrase};
pub use peer::{Networks, NoNetwork, Peer};

use self::limits::{Buckets, Failures};

/// What the layer is told once.
#[derive(Debug, Clone, PartialEq)]
pub struct AuthSettings {
    /// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Networks,
    /// How often each caller may ask.
    pub requests: Rate,
    /// How often proofs from one address may fail.
    pub failures: Rate,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            trusted_proxies: Networks::default(),
            requests: Rate {
                burst: 1000.0,
                per_second: 200.0,
            },
            failures: Rate {
                burst: 20.0,
                per_second: 0.2,
            },
        }
    }
}

/// Knows who calls. Cheap to clone: the clones are one.
#[derive(Debug, Clone)]
pub struct Auth(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    node: Arc<Node>,
    settings: AuthSettings,
    pass_phrases: PassPhrases,
    /// By whoever calls.
    requests: Buckets<guard::Who>,
    /// By address.
    failures: Buckets<std::net::IpAddr>,
    /// By name and address.
    log_ins: Failures,
    /// By name: slows down, never refuses.
    names: Buckets<String>,
    noting: noting::Noting,
}

impl Auth {
    /// For a node.
    #[must_use]
    pub fn new(node: Arc<Node>, settings: AuthSettings) -> Self {
        let names = Rate {
            burst: 20.0,
            per_second: 0.1,
        };
        Self(Arc::new(Inner {
            requests: Buckets::new(settings.requests),
            failures: Buckets::new(settings.failures),
            names: Buckets::new(names),
            node,
            settings,
            pass_phrases: PassPhrases::default(),
            log_ins: Failures::default(),
            noting: noting::Noting::default(),
        }))
    }

    /// Puts the layer around routes: who calls, how often they may, and the headers that every answer has.
    pub fn guard(&self, routes: Router) -> Router {
        routes
            .layer(from_fn_with_state(self.clone(), guard::guard))
            .layer(from_fn_with_state(self.clone(), headers::add))
    }

    /// Makes and checks hashes of pass-phrases.
    #[must_use]
    pub fn pass_phrases(&self) -> &PassPhrases {
        &self.0.pass_phrases
    }

    pub(crate) fn store(&self) -> &Store {
        self.0.node.store()
    }

    /// The person of a name and a pass-phrase, who asks from an address. One who does not exist costs the same time as a
    /// wrong pass-phrase, and is told the same.
    pub(crate) async fn log_in(
        &self,
        name: &str,
        pass_phrase: &str,
        from: std::net::IpAddr,
    ) -> Result<User, Problem> {
        let from = counted(from);
        let mut name = name.trim().to_owned();
        name.truncate(name.floor_char_boundary(200));
        let key = (name.to_lowercase(), from);
        let now = Instant::now();
        let waits = self
            .0
            .failures
            .look(&from, now)
            .and(self.0.log_ins.look(&key, now));
        waits.map_err(Problem::too_many)?;
        if self.0.names.look(&key.0, now).is_err() {
            // Many fail with this name from many places. Whoever it belongs to must still get in.
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
        // Counted before it is known, so that many at once do not all get through.
        self.0.log_ins.add(key.clone(), now);
        let user = self.store().user_named(&name).await?;
        let hash = user.as_ref().and_then(|user| user.pass_phrase.clone());
        let is_right = self.0.pass_phrases.is_right(hash, pass_phrase.to_owned()).await;
        let is_right = is_right.map_err(|_| Problem::too_many(1))?;
        match user.filter(|user| is_right && !user.is_disabled) {
            Some(user) => {
                self.0.log_ins.clear(&key);
                Ok(user)
            }
            None => {
                let _ = self.0.names.take(key.0, Instant::now());
                tracing::warn!(%from, "a log-in failed");
                Err(Problem::unauthorized("wrong name or pass-phrase"))
            }
        }
    }
}
