//! Who asks for what, and what they may do with it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::Uri;
use axum::http::request::Parts;
use perisai_model::Organisation;
use perisai_store::{Collection, Rights, View};
use tokio::time::Instant;

use super::error::Refused;
use super::{Shared, even, time};
use crate::{Caller, Role, State};

/// What a caller may do with a collection.
pub(super) fn rights(own: Organisation, caller: &Caller, collection: &Collection) -> Rights {
    let Some(organisation) = caller.organisation else {
        return Rights::default();
    };
    let granted = collection.rights_of(organisation);
    let is_own = organisation == own;
    match caller.role {
        Some(Role::Admin | Role::Analyst) if is_own => Rights {
            read: true,
            write: true,
        },
        Some(Role::Sensor) if is_own => Rights {
            read: true,
            write: granted.write,
        },
        Some(Role::Viewer) => Rights {
            read: is_own || granted.read,
            write: false,
        },
        Some(_) => granted,
        None => Rights::default(),
    }
}

/// A request of somebody who is known.
pub(super) struct Known {
    pub(super) state: State,
    pub(super) shared: Arc<Shared>,
    pub(super) caller: Caller,
    pub(super) organisation: Organisation,
    pub(super) uri: Uri,
    pub(super) started: Instant,
    /// When it came, in microseconds since 1970.
    pub(super) started_at: i64,
    /// The variable parts of the path.
    path: HashMap<String, String>,
}

impl FromRequestParts<State> for Known {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Refused> {
        let started = Instant::now();
        let caller = Caller::from_request_parts(parts, state)
            .await
            .unwrap_or_else(|never: Infallible| match never {});
        let organisation = caller.organisation.ok_or(Refused::Unauthorized)?;
        let path = match RawPathParams::from_request_parts(parts, state).await {
            Ok(params) => params
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            // A part that is no UTF-8 names nothing.
            Err(_) => HashMap::new(),
        };
        let shared = parts.extensions.get().cloned();
        Ok(Self {
            state: state.clone(),
            shared: shared.ok_or(Refused::Internal("the routes lack what they share"))?,
            caller,
            organisation,
            uri: parts.uri.clone(),
            started,
            started_at: time::now(),
            path,
        })
    }
}

impl Known {
    /// A variable part of the path.
    pub(super) fn part(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    /// What there is to say where something is missing, or not for the caller to know: at a time that tells nothing.
    pub(super) async fn missing(&self) -> Refused {
        even::out(self.started).await;
        Refused::NotFound
    }
}

/// A request that is about a collection, of somebody who may know of it.
pub(super) struct Asked {
    pub(super) known: Known,
    pub(super) collection: Arc<Collection>,
    pub(super) rights: Rights,
}

impl FromRequestParts<State> for Asked {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Refused> {
        let known = Known::from_request_parts(parts, state).await?;
        let store = state.node.store();
        let found = store.collection(known.part("collection")).map(|collection| {
            let rights = rights(store.own(), &known.caller, &collection);
            (collection, rights)
        });
        match found.filter(|(_, rights)| rights.read || rights.write) {
            Some((collection, rights)) => Ok(Self {
                known,
                collection,
                rights,
            }),
            None => Err(known.missing().await),
        }
    }
}

impl Asked {
    /// What the caller may read of the store.
    pub(super) fn view(&self) -> Result<View, Refused> {
        if !self.rights.read {
            return Err(Refused::Forbidden(
                "you may add to this collection, but not read it",
            ));
        }
        Ok(self.known.state.node.store().view(self.known.caller.recipient()))
    }

    /// Whether the caller may add to the collection.
    pub(super) fn to_write(&self) -> Result<(), Refused> {
        if !self.rights.write {
            return Err(Refused::Forbidden(
                "you may read this collection, but not change it",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_callers_may_do() {
        let (own, other) = (Organisation(Uuid::from_u128(1)), Organisation(Uuid::from_u128(2)));
        let check = |who: Option<Organisation>, role: Option<Role>, granted: &str, expected: &str| {
            let given = Rights {
                read: granted.contains('r'),
                write: granted.contains('w'),
            };
            let collection = Collection {
                id: Uuid::nil(),
                number: 1,
                alias: None,
                title: String::new(),
                description: None,
                query: None,
                rights: BTreeMap::from_iter(who.map(|who| (who, given))),
            };
            let caller = Caller {
                organisation: who,
                person: None,
                role,
                ..Caller::default()
            };
            let rights = rights(own, &caller, &collection);
            let words = [(rights.read, 'r'), (rights.write, 'w')];
            let found: String = words
                .iter()
                .filter(|(is, _)| *is)
                .map(|(_, word)| *word)
                .collect();
            assert_eq!(found, expected, "{who:?} {role:?} {granted}");
        };
        for granted in ["", "r", "w", "rw"] {
            check(Some(own), Some(Role::Admin), granted, "rw");
            check(Some(own), Some(Role::Analyst), granted, "rw");
            check(Some(own), Some(Role::Viewer), granted, "r");
            check(Some(other), Some(Role::Partner), granted, granted);
            check(Some(other), Some(Role::Admin), granted, granted);
            check(Some(other), Some(Role::Sensor), granted, granted);
            check(Some(other), None, granted, "");
            check(None, Some(Role::Admin), granted, "");
        }
        check(Some(own), Some(Role::Sensor), "", "r");
        check(Some(own), Some(Role::Sensor), "w", "rw");
        check(Some(other), Some(Role::Viewer), "rw", "r");
    }
}
