//! Who calls.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use perisai_model::{Organisation, Person};
use perisai_policy::Recipient;
use serde::{Deserialize, Serialize};

/// What one may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Runs the node: everything.
    Admin,
    /// Works with it: reads and writes intelligence, but keeps no keys and no people.
    Analyst,
    /// Another organisation: what its rights on collections allow.
    Partner,
    /// A program that hunts: takes intelligence, brings sightings.
    Sensor,
    /// Only reads.
    Viewer,
}

/// Who calls, as far as the request has shown it. Without proof it is anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Caller {
    /// The organisation; `None` for anybody.
    pub organisation: Option<Organisation>,
    /// The person, where a person logged in or had the token made for themselves.
    pub person: Option<Person>,
    /// What they may do; `None` for anybody.
    pub role: Option<Role>,
}

impl Caller {
    /// As policy sees them.
    #[must_use]
    pub const fn recipient(&self) -> Recipient {
        Recipient {
            organisation: self.organisation,
            person: self.person,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().copied().unwrap_or_default())
    }
}
