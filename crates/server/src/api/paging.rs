//! Lists in pages, and times.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Problem;

/// How many a page has where nothing is said.
const USUAL: usize = 100;

/// How many a page has at most.
const MOST: usize = 500;

/// Which part of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Part {
    /// What `next` of the page before said.
    pub(crate) after: Option<String>,
    /// How many at most: 1 to 500, 100 where nothing is said.
    #[param(minimum = 1, maximum = 500)]
    pub(crate) limit: Option<usize>,
}

impl Part {
    /// How many to give.
    pub(crate) fn limit(&self) -> Result<usize, Problem> {
        limit(self.limit)
    }
}

/// How many to give of as many as were asked for.
pub(crate) fn limit(asked: Option<usize>) -> Result<usize, Problem> {
    match asked.unwrap_or(USUAL) {
        limit @ 1..=MOST => Ok(limit),
        _ => Err(Problem::bad_request("limit is 1 to 500")),
    }
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// What it holds.
    pub(crate) items: Vec<T>,
    /// What to ask for in `after` where there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

impl<T> Page<T> {
    /// A page of rows that were read by `limit`.
    pub(crate) fn of<R: Into<T>>(rows: Vec<R>, limit: usize, key: impl Fn(&R) -> String) -> Self {
        let is_full = rows.len() >= limit;
        let next = rows.last().filter(|_| is_full).map(key);
        let items = rows.into_iter().map(Into::into).collect();
        Self { items, next }
    }
}

/// A time as the API says it, of microseconds since 1970.
pub(crate) fn time(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(microseconds).unwrap_or(Timestamp::MAX)
}

/// A time to come, in microseconds since 1970.
pub(crate) fn future(time: Option<Timestamp>) -> Result<Option<i64>, Problem> {
    if time.is_some_and(|time| time <= Timestamp::now()) {
        return Err(Problem::bad_request("a time in the past"));
    }
    Ok(time.map(Timestamp::as_microsecond))
}
